package storage

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/hints"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// listedAppend is an append, with the known state of its chat's list entries.
type listedAppend struct {
	*chat.Append

	partition *hints.Partition
	// listed: the chat is in the lists of its users. It may be missing from activity.
	listed bool
	// lists are the users into whose lists the script puts the chat; "" is none. Outside a cluster only.
	lists [2]string
	// added receives which lists did not have the chat; nil where there are none.
	added *[2]bool
}

// plain reports whether the append only needs to be stored.
func (a *listedAppend) plain() bool {
	return a.Message.ID == "" && a.Member == "" && !a.Exists && !a.listed && a.lists[0] == "" && !a.replies() && !a.mentions() && a.Attachment == ""
}

// replies reports whether the message answers another.
func (a *listedAppend) replies() bool {
	return a.Message.Content != nil && a.Message.Content.ReplyTo > 0
}

// mentions reports whether the message mentions users who must be members. The rules know the users of other chats.
func (a *listedAppend) mentions() bool {
	return a.Message.Content != nil && len(a.Message.Content.Mentions) > 0 && a.Chat.IsRoom()
}

var (
	// errUnlisted: Redis has no message of a chat that this Store held to be listed. Nothing was stored.
	errUnlisted = errors.New("redis does not know the chat")
	// errWrongType has the text of Redis's own error.
	errWrongType = errors.New("WRONGTYPE a key of the chat holds the wrong kind of value")
	errFailed    = errors.New("redis refused a command of the append")
)

// appended decodes an outcome of the scripts.
func appended(a *chat.Append, outcome int64) (chat.Appended, error) {
	switch outcome {
	case outcomeOutsider:
		return chat.Appended{}, chat.NotAMember(a.Chat, a.Member)
	case outcomeDeleted:
		return chat.Appended{}, chat.RoomDeleted(a.Chat)
	case outcomeNoRoom:
		return chat.Appended{}, chat.NoRoom(a.Chat)
	case outcomeNoParent:
		return chat.Appended{}, chat.NoParent(a.Message.Content.ReplyTo)
	case outcomeNoMentions:
		return chat.Appended{}, chat.NotMentioned(a.Chat)
	case outcomeNoFile:
		return chat.Appended{}, chat.NoAttachment(a.Attachment)
	case outcomeTaken:
		return chat.Appended{}, chat.AttachmentTaken(a.Attachment)
	case outcomeFull:
		return chat.Appended{}, chat.Errorf(chat.ResourceExhausted, "the chat is full: its last position is taken")
	case outcomeConflict:
		return chat.Appended{}, chat.Errorf(chat.Conflict, "this id was used by this sender in this chat for a different text")
	case outcomeUnlisted:
		return chat.Appended{}, errUnlisted
	case outcomeWrongType:
		return chat.Appended{}, appendError("append to "+a.Chat.String(), errWrongType)
	case outcomeFailed:
		return chat.Appended{}, appendError("append to "+a.Chat.String(), errFailed)
	}
	if err := refused(a.Chat, a.Member, outcome); err != nil {
		return chat.Appended{}, err
	}
	if outcome < 0 {
		return chat.Appended{SendTime: -outcome, Duplicate: true}, nil
	}
	return chat.Appended{SendTime: outcome}, nil
}

// store appends messages, each at the node that holds its chat.
func (s *Store) store(ctx context.Context, appends []listedAppend) []chat.Appended {
	return gather(ctx, s, call[listedAppend, chat.Appended]{
		batcher:  func(n *redisnode.Node) *batch.Batcher[listedAppend, chat.Appended] { return batchesOf(n).appends },
		keyOf:    func(a *listedAppend) string { return a.partition.Activity },
		setError: func(a *chat.Appended, err error) { a.Err = err },
		failed:   appendError,
	}, appends)
}

// appendCall is one call of a script, for the messages at indices.
type appendCall struct {
	indices []int
	reply   *redis.IntSliceCmd
}

// flushAppends appends a batch with one script call, in a cluster with one for each slot. A message's failure does not
// affect the others.
func (s *Store) flushAppends(ctx context.Context, n *redisnode.Node, appends []listedAppend, out []batch.Result[chat.Appended]) {
	var calls []appendCall
	if s.nodes.Only != nil {
		calls = []appendCall{{indices: redisnode.UpTo(len(appends))}}
	} else {
		calls = bySlot(appends)
	}
	s.callAppends(ctx, n, appends, calls, out)
}

// bySlot makes one call for each partition. A cluster runs a script only where its keys are.
func bySlot(appends []listedAppend) (calls []appendCall) {
	at := map[*hints.Partition]int{}
	for i := range appends {
		k, ok := at[appends[i].partition]
		if !ok {
			k = len(calls)
			at[appends[i].partition] = k
			calls = append(calls, appendCall{})
		}
		calls[k].indices = append(calls[k].indices, i)
	}
	return calls
}

func (s *Store) callAppends(ctx context.Context, n *redisnode.Node, appends []listedAppend, calls []appendCall, out []batch.Result[chat.Appended]) {
	shared := s.sharedArgs()
	errs := s.nodes.Exchange(ctx, n, len(calls), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i].reply = redis.NewIntSliceCmd(ctx, appendArgs(shared, appends, calls[i].indices)...)
			_ = pipeline.Process(ctx, calls[i].reply)
			return calls[i].reply
		},
		Key:      func(i int) string { return appends[calls[i].indices[0]].partition.Activity },
		Replicas: s.options.MinReplicas,
	})
	var torn []appendCall
	for i, c := range calls {
		switch {
		case errs[i] == nil:
			c.outcomes(appends, out)
		case len(c.indices) > 1 && redis.HasErrorPrefix(errs[i], "TRYAGAIN"): // some of the keys are being migrated
			for _, k := range c.indices {
				torn = append(torn, appendCall{indices: []int{k}})
			}
		default:
			for _, k := range c.indices {
				out[k].Err = appendError("append to "+appends[k].Chat.String(), errs[i])
			}
		}
	}
	if len(torn) > 0 {
		s.callAppends(ctx, n, appends, torn, out)
	}
}

// outcomes decodes the reply of a call. It begins with an outcome for each message. Then come the indices of the lists
// that did not have their chat. After -1 come the partitions that gained or lost followers.
func (c *appendCall) outcomes(appends []listedAppend, out []batch.Result[chat.Appended]) {
	reply := c.reply.Val()
	if len(reply) < len(c.indices) {
		for _, k := range c.indices {
			out[k].Err = appendError("append to "+appends[k].Chat.String(), errFailed)
		}
		return
	}
	for i, k := range c.indices {
		out[k].Value, out[k].Err = appended(appends[k].Append, reply[i])
	}
	added, followers := reply[len(c.indices):], []int64(nil)
	if at := slices.Index(added, -1); at >= 0 {
		added, followers = added[:at], added[at+1:]
	}
	for _, f := range followers {
		appends[c.indices[f/2]].partition.Followed.Store(f%2 == 1)
	}
	if len(added) > 0 {
		c.noteAdded(appends, added)
	}
}

// noteAdded records which lists did not have a chat. The indices count over all messages of the call.
func (c *appendCall) noteAdded(appends []listedAppend, added []int64) {
	list := int64(0)
	for _, k := range c.indices {
		for i, user := range appends[k].lists {
			if user == "" {
				continue
			}
			if len(added) > 0 && added[0] == list {
				appends[k].added[i], added = true, added[1:]
			}
			list++
		}
	}
}
