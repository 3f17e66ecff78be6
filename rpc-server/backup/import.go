package backup

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// ImportOptions configure an Importer.
type ImportOptions struct {
	// IdempotencyWindow and Retention are those of the servers.
	IdempotencyWindow time.Duration
	Retention         time.Duration
	// Locked returns the hash of no password, for accounts that come without theirs.
	Locked   func() string
	Progress func(read int64) // called after every chat with the bytes that were read; it may call Report and State
	TLS      redisnode.TLS    // of a rediss:// URL
	Prefix   string           // of all keys; "" is "im"
	PageSize int              // messages that one command stores; 0 is 500
}

// Refusal names a chat, room or account of which nothing was stored, and why.
type Refusal struct {
	Chat     string `json:"chat,omitempty"`
	User     string `json:"user,omitempty"`
	Position int64  `json:"position,omitempty"`
	Reason   string `json:"reason"`
}

func (r Refusal) String() string {
	switch {
	case r.User != "":
		return fmt.Sprintf("account %s: %s", r.User, r.Reason)
	case r.Position != 0:
		return fmt.Sprintf("chat %s at %d: %s", r.Chat, r.Position, r.Reason)
	}
	return fmt.Sprintf("chat %s: %s", r.Chat, r.Reason)
}

// refusalsNamed is how many refusals a report names.
const refusalsNamed = 100

// ImportReport counts the imported data.
type ImportReport struct {
	Chats    int64     `json:"chats"`
	Messages int64     `json:"messages"` // stored now
	Present  int64     `json:"present"`  // messages that were there already
	Expired  int64     `json:"expired"`  // messages older than Retention: not stored
	Accounts int64     `json:"accounts"` // stored now
	Rooms    int64     `json:"rooms"`    // stored now
	Locked   int64     `json:"locked"`   // accounts without a password, because the file has none
	Words    int64     `json:"words"`    // stored now
	Webhooks int64     `json:"webhooks"` // stored now, disabled
	Refused  int64     `json:"refused"`
	Refusals []Refusal `json:"refusals,omitempty"` // the first ones
	Complete bool      `json:"complete"`
}

func (r *ImportReport) refuse(of Refusal) {
	r.Refused++
	if len(r.Refusals) < refusalsNamed {
		r.Refusals = append(r.Refusals, of)
	}
}

// Importer stores the lines of an export. Existing data stays unchanged, so an import may run again. Servers may run
// meanwhile. It is not safe for concurrent use.
type Importer struct {
	redis   redis.UniversalClient
	address string
	options ImportOptions
	keys    layout.Keys

	header string // of the file
	read   int64  // bytes of the lines that were read
	stored int64  // bytes of the lines that are stored: whole chats
	total  int64  // messages that were read
	report ImportReport
	kept   ImportReport // the report at stored

	chat *importedChat // whose lines are being read; nil between chats
}

// OpenImport returns an Importer into the Redis at url. It does not wait for Redis.
func OpenImport(url string, options ImportOptions) (*Importer, error) {
	client, err := redisnode.Connect(url, options.TLS)
	if err != nil {
		return nil, err
	}
	options.Prefix = cmp.Or(options.Prefix, "im")
	options.PageSize = cmp.Or(options.PageSize, 500)
	return &Importer{
		redis: client, address: redisnode.WithoutSecrets(url), options: options,
		keys: layout.NewKeys(options.Prefix, layout.DefaultPartitions, 0),
	}, nil
}

// Close closes the connections.
func (i *Importer) Close() error { return i.redis.Close() }

// Report returns the counts so far.
func (i *Importer) Report() ImportReport { return i.report }

// maxLine bounds a line: a text, or a room with all its members.
const maxLine = 64 << 20

// Run imports to the end of the file. A file without the line of its end was cut off: its last chat is not stored, and the
// error says so.
func (i *Importer) Run(ctx context.Context, in io.Reader) error {
	if err := i.pin(ctx); err != nil {
		return err
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 1<<16), maxLine)
	resumed := i.stored
	i.read, i.total = 0, 0
	defer func() { i.chat.close() }()
	for number := 1; scanner.Scan(); number++ {
		text := scanner.Bytes()
		length := int64(len(text)) + 1
		var l line
		switch skipped := number > 1 && i.read < resumed; {
		case skipped:
			if bytes.HasPrefix(text, []byte(`{"kind":"`+kindMessage+`"`)) {
				i.total++
			}
		default:
			if err := json.Unmarshal(text, &l); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			if number == 1 {
				if err := i.checkHeader(text, l); err != nil {
					return err
				}
				break
			}
			ended, err := i.take(ctx, l)
			if err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			if ended {
				i.report.Complete = true
				i.note(i.read + length)
				return nil
			}
		}
		i.read += length
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	return errors.New("the file has no last line of an export: it was cut off, and its last chat is not stored")
}

// checkHeader refuses a file that this release cannot read, and another file than that of the state.
func (i *Importer) checkHeader(text []byte, l line) error {
	switch {
	case l.Kind != kindHeader:
		return errors.New("line 1 is not that of an export")
	case l.Version != Version:
		return fmt.Errorf("the file has version %d of the format, this release reads %d", l.Version, Version)
	case i.header != "" && i.header != string(text):
		return errors.New("the state is of another file")
	}
	i.header = string(text)
	return nil
}

// pin sets the number of partitions in an empty Redis, as a server does.
func (i *Importer) pin(ctx context.Context) error {
	if err := i.redis.SetNX(ctx, i.keys.PartitionCount(), strconv.Itoa(len(i.keys.Partitions)), 0).Err(); err != nil {
		return fmt.Errorf("pin the number of partitions: %w", err)
	}
	return samePartitions(ctx, i.redis, i.keys)
}

// note records that everything before a place of the file is stored.
func (i *Importer) note(read int64) {
	i.stored, i.kept = read, i.report
	if i.options.Progress != nil {
		i.options.Progress(read)
	}
}

// take takes a line after the first one. A chat is stored when its last line was read, and before any other line.
func (i *Importer) take(ctx context.Context, l line) (ended bool, err error) {
	if l.Kind == kindMessage {
		i.total++
		if i.chat == nil || i.chat.name != l.Chat {
			if err := i.finishChat(ctx); err != nil {
				return false, err
			}
			i.beginChat(line{Chat: l.Chat})
		}
		return false, i.chat.add(l)
	}
	if err := i.finishChat(ctx); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	switch l.Kind {
	case kindChat:
		i.beginChat(l)
	case kindEnd:
		if l.Total > 0 && l.Total != i.total {
			return false, fmt.Errorf("the export had %d messages, and %d were read", l.Total, i.total)
		}
		return true, nil
	default:
		err = i.importOther(ctx, l)
	}
	return false, err
}

// finishChat stores the chat whose lines were read.
func (i *Importer) finishChat(ctx context.Context) error {
	c := i.chat
	if c == nil {
		return nil
	}
	err := i.storeChat(ctx, c)
	if refused, is := errors.AsType[refusal](err); is {
		i.report.refuse(Refusal(refused))
		err = nil
	}
	if err != nil {
		return fmt.Errorf("chat %s: %w", c.name, err)
	}
	c.close()
	i.chat = nil
	i.note(i.read)
	return ctx.Err()
}

// refusal is a Refusal as an error.
type refusal Refusal

func (r refusal) Error() string { return Refusal(r).String() }
