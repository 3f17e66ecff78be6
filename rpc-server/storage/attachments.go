package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var (
	attachScript   = script("attach")
	stateScript    = script("state")
	chargeScript   = script("charge")
	unchargeScript = script("uncharge")
	dueScript      = script("due")
	unattachScript = script("unattach")
)

var _ chat.AttachmentStore = (*Store)(nil)

func (s *Store) lookAtKey(id chat.ID) string { return s.keys.LookAt(s.keys.Partition(id)) }

// AddAttachment implements chat.AttachmentStore with attach.lua.
func (s *Store) AddAttachment(ctx context.Context, ref chat.AttachmentRef, a chat.Attachment, look time.Time) error {
	_, err := s.runUser(ctx, attachScript, []string{s.keys.Attachments(ref.Chat), s.lookAtKey(ref.Chat)},
		ref.ID, layout.FormatAttachment(a), layout.AttachmentEntry(ref), look.UnixMicro())
	return userError("keep attachment "+ref.ID, err)
}

// FindAttachment implements chat.AttachmentStore.
func (s *Store) FindAttachment(ctx context.Context, ref chat.AttachmentRef) (chat.StoredAttachment, error) {
	tried, key := "read attachment "+ref.ID, s.keys.Attachments(ref.Chat)
	var call *redis.SliceCmd
	err := s.callOne(ctx, tried, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HMGet(ctx, key, ref.ID)
		return call
	})
	if err != nil {
		return chat.StoredAttachment{}, err
	}
	value, found := call.Val()[0].(string)
	if !found {
		return chat.StoredAttachment{}, nil
	}
	a, ok := layout.ParseAttachment(ref.ID, value)
	if !ok {
		return chat.StoredAttachment{}, fmt.Errorf("%s: %q cannot be read", tried, value)
	}
	a.Chat = ref.Chat.String()
	return chat.StoredAttachment{Attachment: a, Stored: value}, nil
}

// SetAttachment implements chat.AttachmentStore with state.lua.
func (s *Store) SetAttachment(ctx context.Context, ref chat.AttachmentRef, was chat.StoredAttachment, state chat.AttachmentState) (bool, error) {
	set, err := s.runUser(ctx, stateScript, []string{s.keys.Attachments(ref.Chat)}, ref.ID, was.Stored, layout.AttachmentLetter(state))
	return set == 1, userError("change attachment "+ref.ID, err)
}

// ChargeFile implements chat.AttachmentStore with charge.lua.
func (s *Store) ChargeFile(ctx context.Context, user string, ref chat.AttachmentRef, bytes, quota int64) (bool, error) {
	charged, err := s.runUser(ctx, chargeScript, []string{s.keys.Files(user)}, ref.ID, layout.FileEntry(bytes, ref.Chat), bytes, quota)
	return charged == 1, userError("count the files of "+user, err)
}

// ReturnCharge implements chat.AttachmentStore with uncharge.lua.
func (s *Store) ReturnCharge(ctx context.Context, user string, ref chat.AttachmentRef) error {
	_, err := s.runUser(ctx, unchargeScript, []string{s.keys.Files(user)}, ref.ID)
	return userError("count the files of "+user, err)
}

// DropAttachment implements chat.AttachmentStore with unattach.lua.
func (s *Store) DropAttachment(ctx context.Context, ref chat.AttachmentRef) error {
	_, err := s.runUser(ctx, unattachScript, []string{s.keys.Attachments(ref.Chat), s.lookAtKey(ref.Chat)}, ref.ID, layout.AttachmentEntry(ref))
	return userError("forget attachment "+ref.ID, err)
}

// LookAt implements chat.AttachmentStore.
func (s *Store) LookAt(ctx context.Context, refs []chat.AttachmentRef, at time.Time) error {
	score := max(float64(at.UnixMicro()), 0)
	errs := s.nodes.Calls(ctx, len(refs), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return pipeline.ZAdd(ctx, s.lookAtKey(refs[i].Chat), redis.Z{Score: score, Member: layout.AttachmentEntry(refs[i])})
		},
		Key:      func(i int) string { return s.lookAtKey(refs[i].Chat) },
		Replicas: s.options.MinReplicas,
	})
	return userError("look at attachments later", errors.Join(errs...))
}

// DueAttachments implements chat.AttachmentStore with due.lua, in each partition that has any: nearly always none has. Damaged
// entries are left out: a check names them.
func (s *Store) DueAttachments(ctx context.Context, limit int) (due []chat.AttachmentRef, _ error) {
	if err := s.CheckPartitions(ctx); err != nil {
		return nil, err
	}
	now := s.clock()
	keys, failed := s.dueKeys(ctx, now)
	again := now.Add(chat.AttachmentLease).UnixMicro()
	calls := make([]*redis.StringSliceCmd, len(keys))
	errs := s.nodes.Calls(ctx, len(keys), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = redis.NewStringSliceCmd(ctx, "evalsha", dueScript.Hash(), 1, keys[i], now.UnixMicro(), again, limit)
			_ = pipeline.Process(ctx, calls[i])
			return calls[i]
		},
		Key: func(i int) string { return keys[i] },
	})
	for i, call := range calls {
		if errs[i] != nil {
			failed = callError("look for attachments that are due", errs[i])
			continue
		}
		for _, entry := range call.Val() {
			if ref, ok := layout.ParseAttachmentEntry(entry); ok {
				due = append(due, ref)
			}
		}
	}
	if len(due) > 0 {
		return due, nil // those of another partition come later
	}
	return nil, failed
}

// dueKeys returns the keys of the partitions that have attachments to be looked at.
func (s *Store) dueKeys(ctx context.Context, now time.Time) (keys []string, failed error) {
	partitions := s.keys.Partitions
	counts := make([]*redis.IntCmd, len(partitions))
	key := func(i int) string { return s.keys.LookAt(partitions[i].Tag) }
	errs := s.nodes.Calls(ctx, len(partitions), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			counts[i] = pipeline.ZCount(ctx, key(i), "-inf", strconv.FormatInt(now.UnixMicro(), 10))
			return counts[i]
		},
		Key: key,
	})
	for i, count := range counts {
		switch {
		case errs[i] != nil:
			failed = callError("look for attachments that are due", errs[i])
		case count.Val() > 0:
			keys = append(keys, key(i))
		}
	}
	return keys, failed
}

// ListAttachments implements chat.AttachmentStore.
func (s *Store) ListAttachments(ctx context.Context, id chat.ID) (all []chat.AttachmentRef, err error) {
	key := s.keys.Attachments(id)
	for cursor := uint64(0); ; {
		var page *redis.ScanCmd
		err := s.callOne(ctx, fmt.Sprintf("list the attachments of %s", id), key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			page = pipeline.HScan(ctx, key, cursor, "", 500)
			return page
		})
		if err != nil {
			return nil, err
		}
		pairs, next := page.Val()
		for i := 0; i+1 < len(pairs); i += 2 {
			all = append(all, chat.AttachmentRef{Chat: id, ID: pairs[i]})
		}
		if cursor = next; cursor == 0 {
			return all, nil
		}
	}
}

// HasMessage implements chat.AttachmentStore.
func (s *Store) HasMessage(ctx context.Context, ref chat.AttachmentRef, position int64) (bool, error) {
	found, err := s.readMessages(ctx, ref.Chat, []int64{position})
	if err != nil {
		return false, callError(fmt.Sprintf("read message %d of %s", position, ref.Chat), err)
	}
	return len(found) == 1 && chat.AttachmentOf(found[0].Content) == ref.ID, nil
}

// KeptSince implements chat.AttachmentStore.
func (s *Store) KeptSince(_ context.Context, id chat.ID) int64 { return s.oldestIn(id, s.oldest()) }

// lookAtFiles has all attachments of a user looked at, whose messages have been erased.
func (s *Store) lookAtFiles(ctx context.Context, user string) error {
	stored, err := s.readHash(ctx, "list the files of "+user, s.keys.Files(user))
	if err != nil {
		return err
	}
	var refs []chat.AttachmentRef
	for id, value := range stored {
		if _, of, ok := layout.ParseFileEntry(value); ok && id != layout.FilesTotal {
			refs = append(refs, chat.AttachmentRef{Chat: of, ID: id})
		}
	}
	return s.LookAt(ctx, refs, time.Time{})
}
