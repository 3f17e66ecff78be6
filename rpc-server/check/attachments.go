package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// checkAttachments judges the attachments of a chat, and whether each is looked at again: otherwise its file would stay for ever.
func (c *Checker) checkAttachments(ctx context.Context, key string, name layout.KeyName) error {
	id, placed := c.placed(key, name)
	if !placed {
		return nil
	}
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		wrong, err := c.wrongTypes(ctx, "hash", key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		found := map[string]finding{}
		for cursor := uint64(0); ; {
			pairs, next, err := c.redis.HScan(ctx, key, cursor, "", int64(c.options.PageSize)).Result()
			if err == nil {
				err = c.judgeAttachments(ctx, key, id, pairs, found)
			}
			if err != nil {
				return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
			}
			if cursor = next; cursor == 0 {
				return sorted(found), tally{}, nil
			}
		}
	})
}

func (c *Checker) judgeAttachments(ctx context.Context, key string, id chat.ID, pairs []string, found map[string]finding) error {
	looks := c.keys.LookAt(c.keys.Partition(id))
	if wrong, err := c.wrongTypes(ctx, "zset", looks); err != nil || len(wrong) > 0 {
		return err // its own unit reports it
	}
	var calls []*redis.FloatCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			calls = append(calls, p.ZScore(ctx, looks, layout.AttachmentEntry(chat.AttachmentRef{Chat: id, ID: pairs[i]})))
		}
		return nil
	})
	if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns it as it is
		return err
	}
	for i, call := range calls {
		attachment := pairs[2*i]
		if _, ok := layout.ParseAttachment(attachment, pairs[2*i+1]); !ok || attachment == "" {
			found[attachment] = finding{Fault: Fault{Kind: FaultAttachment, Key: key, Detail: fmt.Sprintf("the attachment %q cannot be read", attachment)}, of: attachment}
			continue
		}
		if call.Err() == nil {
			continue
		}
		at := lookup{looks, layout.AttachmentEntry(chat.AttachmentRef{Chat: id, ID: attachment})}
		found[attachment] = finding{
			Fault: Fault{Kind: FaultAttachmentUnlooked, Key: key, Detail: fmt.Sprintf("%s does not have %q", looks, at.member)}, of: attachment, mend: c.listing(at, 0),
		}
	}
	return nil
}

// checkLookAt judges when attachments are looked at.
func (c *Checker) checkLookAt(ctx context.Context, key string, name layout.KeyName) error {
	if !c.inPartition(key, name) {
		return nil
	}
	return c.checkNames(ctx, key, func(ctx context.Context, key string) ([]finding, tally, error) {
		found := map[string]finding{}
		err := c.scanSet(ctx, key, func(entry string, at float64) {
			if ref, ok := layout.ParseAttachmentEntry(entry); !ok || at < 0 || c.keys.Partition(ref.Chat) != c.keys.Tag(name.Partition) {
				found[entry] = finding{Fault: Fault{Kind: FaultAttachment, Key: key, Detail: fmt.Sprintf("%q names no attachment of this partition", entry)}, of: entry}
			}
		})
		return sorted(found), tally{}, err
	})
}

// judgeFiles judges a user's files, and their sum.
func (c *Checker) judgeFiles(ctx context.Context, key, _ string) ([]finding, tally, error) {
	stored, err := c.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
	}
	found, sum := map[string]finding{}, int64(0)
	for attachment, value := range stored {
		if attachment == layout.FilesTotal {
			continue
		}
		bytes, _, ok := layout.ParseFileEntry(value)
		if !ok {
			found[attachment] = finding{Fault: Fault{Kind: FaultAttachment, Key: key, Detail: fmt.Sprintf("the file %q cannot be read", attachment)}, of: attachment}
		}
		sum += bytes
	}
	if total := strings.TrimSpace(stored[layout.FilesTotal]); len(stored) > 0 && len(found) == 0 && total != fmt.Sprint(sum) {
		found[layout.FilesTotal] = finding{Fault: Fault{Kind: FaultAttachment, Key: key, Detail: fmt.Sprintf("the sum is %q, the files are %d bytes", total, sum)}}
	}
	return sorted(found), tally{}, nil
}
