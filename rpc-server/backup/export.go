package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// ExportOptions configure an Exporter.
type ExportOptions struct {
	Secrets  bool                   // accounts with their password hashes
	Progress func(fraction float64) // as check.Options has it; it may call Report and State
	TLS      redisnode.TLS          // of a rediss:// URL
	Prefix   string                 // of all keys; "" is "im"
	PageSize int                    // messages that one command reads; 0 is 500
}

// ExportReport counts the exported data.
type ExportReport struct {
	Chats    int64 `json:"chats"`
	Messages int64 `json:"messages"`
	Accounts int64 `json:"accounts"`
	Rooms    int64 `json:"rooms"`
	Damaged  int64 `json:"damaged"` // entries of logs that cannot be read; they are left out
	Complete bool  `json:"complete"`
}

// Exporter writes everything that Pullchat has in a Redis. Servers may write meanwhile: a chat is exported up to the message
// that was newest at the start of its turn, with the members and the cursors of that moment. It holds one page, and eight
// bytes for each chat and user.
//
// It is not safe for concurrent use.
type Exporter struct {
	redis   redis.UniversalClient
	address string // of the Redis, without user and password
	options ExportOptions
	keys    layout.Keys
	out     io.Writer

	report ExportReport
	begun  bool                // the header is written
	seen   map[uint64]struct{} // hashes of the units that are done
	resume resumePoint

	total, scanned int64
}

// resumePoint is the position within a chat whose line is written.
type resumePoint struct {
	Chat string `json:"chat,omitempty"`
	From int64  `json:"from,omitempty"` // the position to go on from
	To   int64  `json:"to,omitempty"`   // the last position
}

// OpenExport returns an Exporter of the Redis at url to out. It does not wait for Redis.
func OpenExport(url string, out io.Writer, options ExportOptions) (*Exporter, error) {
	client, err := redisnode.Connect(url, options.TLS)
	if err != nil {
		return nil, err
	}
	options.Prefix = cmp.Or(options.Prefix, "im")
	options.PageSize = cmp.Or(options.PageSize, 500)
	return &Exporter{
		redis: client, address: redisnode.WithoutSecrets(url), options: options, out: out,
		keys: layout.NewKeys(options.Prefix, layout.DefaultPartitions, 0), seen: map[uint64]struct{}{},
	}, nil
}

// Close closes the connections.
func (e *Exporter) Close() error { return e.redis.Close() }

// Report returns the counts so far.
func (e *Exporter) Report() ExportReport { return e.report }

// Run exports to the end. After an error, State has the place: whole lines up to there are in the output.
func (e *Exporter) Run(ctx context.Context) error {
	if err := samePartitions(ctx, e.redis, e.keys); err != nil {
		return err
	}
	nodes, err := redisnode.Masters(ctx, e.redis)
	if err != nil {
		return err
	}
	e.total, e.scanned = 0, 0
	for _, node := range nodes {
		size, err := node.DBSize(ctx).Result()
		if err != nil {
			return fmt.Errorf("count keys: %w", err)
		}
		e.total += size
	}
	if !e.begun {
		if err := e.write(line{Kind: kindHeader, Version: Version, Created: time.Now().UnixMicro(), Secrets: e.options.Secrets}); err != nil {
			return err
		}
		e.begun = true
	}
	if e.resume.Chat != "" {
		if err := e.continueChat(ctx); err != nil {
			return err
		}
	}
	for _, node := range nodes {
		if err := e.scan(ctx, node); err != nil {
			return err
		}
	}
	if err := e.write(line{Kind: kindEnd, Total: e.report.Messages}); err != nil {
		return err
	}
	e.report.Complete = true
	return nil
}

// samePartitions refuses a Redis that is laid out for another number of partitions. An empty one has none.
func samePartitions(ctx context.Context, client redis.UniversalClient, keys layout.Keys) error {
	pinned, err := client.Get(ctx, keys.PartitionCount()).Result()
	switch want := strconv.Itoa(len(keys.Partitions)); {
	case errors.Is(err, redis.Nil):
		return nil
	case err != nil:
		return fmt.Errorf("read the number of partitions: %w", err)
	case pinned != want:
		return fmt.Errorf("this Redis is laid out for %s partitions, this release uses %s", pinned, want)
	}
	return nil
}

// scan meets every key of a node at least once.
func (e *Exporter) scan(ctx context.Context, node redis.Cmdable) error {
	for cursor := uint64(0); ; {
		names, next, err := node.Scan(ctx, cursor, "", 1000).Result()
		if err != nil {
			return fmt.Errorf("scan keys: %w", err)
		}
		for _, name := range names {
			if err := e.exportKey(ctx, name); err != nil {
				return err
			}
			e.scanned++
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// exportKey exports the unit of a key once: a chat, or a key of a user.
func (e *Exporter) exportKey(ctx context.Context, key string) error {
	name, ours := e.keys.Parse(key)
	if !ours {
		return nil
	}
	switch name.Kind {
	case layout.LogKey, layout.ReadKey, layout.RoomKey, layout.MembersKey:
		return e.exportChat(ctx, name.Chat)
	case layout.ActivityKey: // for chats that have nothing else
		return e.scanSet(ctx, key, func(entry string, _ float64) error { return e.exportChat(ctx, entry) })
	}
	export := map[string]func(context.Context, string) error{
		layout.AccountKey: e.exportAccount, layout.IgnoredKey: e.exportIgnored, layout.ChatsKey: e.exportList,
		layout.LookKey: e.exportLook, layout.DeletionsKey: e.exportDeletions, layout.RevokedKey: e.exportRevoked,
		layout.DroppedKey: e.exportDropped, layout.SubscriptionsKey: e.exportPush, layout.MutedKey: e.exportMuted,
		layout.SuspendedKey: e.exportSuspended, layout.AuditKey: e.exportAudit, layout.AuditUsersKey: e.exportAudit, layout.ReportsKey: e.exportReports,
		layout.AttachmentsKey: e.exportAttachments,
		layout.WordsKey:       e.exportWords, layout.WebhooksKey: e.exportWebhooks,
	}[name.Kind]
	if export == nil || !e.first(key) {
		return nil
	}
	if err := export(ctx, key); err != nil {
		return fmt.Errorf("export %s: %w", key, err)
	}
	return e.done(ctx, key)
}

func (e *Exporter) first(unit string) bool {
	_, done := e.seen[xxhash.Sum64String(unit)]
	return !done
}

func (e *Exporter) done(ctx context.Context, unit string) error {
	e.seen[xxhash.Sum64String(unit)] = struct{}{}
	e.progress()
	return ctx.Err()
}

func (e *Exporter) progress() {
	if e.options.Progress != nil {
		e.options.Progress(min(float64(e.scanned)/float64(max(e.total, 1)), 1))
	}
}

func (e *Exporter) write(l line) error {
	encoded, err := l.encode()
	if err == nil {
		_, err = e.out.Write(encoded)
	}
	return err
}

// exportChat writes a chat's line and its messages. Names that no server looks for are faults, which a check names.
func (e *Exporter) exportChat(ctx context.Context, name string) error {
	id, err := chat.ParseID(name)
	if err != nil || id.String() != name || !e.first(name) {
		return nil //nolint:nilerr // see above
	}
	l, err := e.readChat(ctx, id)
	if err != nil {
		return fmt.Errorf("export %s: %w", id, err)
	}
	if l.Position > 0 || len(l.Room) > 0 || len(l.Readers) > 0 {
		if err := e.write(l); err != nil {
			return err
		}
		e.report.Chats++
		if v := l.Room[layout.VisibilityField]; v != "" && v != string(chat.Deleted) {
			e.report.Rooms++
		}
	}
	e.resume = resumePoint{Chat: name, From: 1, To: l.Position}
	return e.continueChat(ctx)
}

// readChat reads a chat's line at one moment.
func (e *Exporter) readChat(ctx context.Context, id chat.ID) (line, error) {
	log, _, activity := e.keys.Append(id)
	var newest *redis.ZSliceCmd
	var active *redis.FloatCmd
	var room, members, readers, barred *redis.MapStringStringCmd
	var left *redis.DurationCmd
	_, err := e.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		newest = p.ZRevRangeWithScores(ctx, log, 0, 0)
		room, members = p.HGetAll(ctx, e.keys.Room(id)), p.HGetAll(ctx, e.keys.Members(id))
		barred = p.HGetAll(ctx, e.keys.Restraints(id))
		readers, left = p.HGetAll(ctx, e.keys.Read(id)), p.PTTL(ctx, e.keys.Room(id))
		active = p.ZScore(ctx, activity, id.String())
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return line{}, err
	}
	delete(members.Val(), layout.RulesMember) // the room has them too
	l := line{Kind: kindChat, Chat: id.String(), Position: int64(active.Val()), Room: room.Val(), Members: members.Val(), Barred: barred.Val()}
	if found := newest.Val(); len(found) > 0 {
		l.Position = max(l.Position, int64(found[0].Score))
	}
	if left.Val() > 0 {
		l.Expires = time.Now().Add(left.Val()).UnixMilli()
	}
	for reader, text := range readers.Val() {
		if l.Readers == nil {
			l.Readers = make(map[string]int64, len(readers.Val()))
		}
		l.Readers[reader] = layout.CursorOf(text)
		if l.Position > 0 {
			l.Readers[reader] = min(l.Readers[reader], l.Position+1)
		}
	}
	return l, nil
}

// continueChat writes the messages from e.resume on.
func (e *Exporter) continueChat(ctx context.Context) error {
	id, err := chat.ParseID(e.resume.Chat)
	if err != nil {
		return fmt.Errorf("the state has %q for a chat: %w", e.resume.Chat, err)
	}
	for e.resume.From <= e.resume.To {
		page, err := e.redis.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: e.keys.Log(id), ByScore: true, Start: e.resume.From, Stop: e.resume.To, Count: int64(e.options.PageSize),
		}).Result()
		if err != nil {
			return fmt.Errorf("read %s: %w", id, err)
		}
		earlier, err := e.earlierTexts(ctx, id, page)
		if err != nil {
			return fmt.Errorf("read the history of %s: %w", id, err)
		}
		for i, z := range page {
			if err := e.exportEntry(id, z, earlier[i]); err != nil {
				return err
			}
			e.resume.From = int64(z.Score) + 1
		}
		if len(page) < e.options.PageSize {
			break
		}
		e.progress()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	e.resume = resumePoint{}
	return e.done(ctx, id.String())
}

// earlierTexts returns the earlier texts of each message of a page. Those of edits after the page was read are left out.
func (e *Exporter) earlierTexts(ctx context.Context, id chat.ID, page []redis.Z) ([][]earlierText, error) {
	calls, edited := make([]*redis.StringSliceCmd, len(page)), make([]int64, len(page))
	_, err := e.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, z := range page {
			member, _ := z.Member.(string)
			m, err := layout.DecodeMember(member)
			if err != nil || m.Erased || m.State == nil || m.State.Edited == 0 {
				continue // damage is counted elsewhere
			}
			edited[i] = m.State.Edited
			calls[i] = p.ZRangeArgs(ctx, redis.ZRangeArgs{
				Key: e.keys.Edits(id), ByLex: true, Start: "[" + layout.VersionsFrom(m.SendTime, 0),
				Stop: "(" + layout.VersionsFrom(m.SendTime, m.State.Edited),
			})
		}
		return nil
	})
	found := make([][]earlierText, len(page))
	for i, call := range calls {
		if err != nil || call == nil {
			continue
		}
		for _, member := range call.Val() {
			if _, v, known := layout.ParseVersion(member); known && v.SendTime < edited[i] {
				found[i] = append(found[i], earlierText{v.SendTime, v.Text})
			}
		}
	}
	return found, err
}

func (e *Exporter) exportEntry(id chat.ID, z redis.Z, earlier []earlierText) error {
	member, _ := z.Member.(string)
	m, err := layout.DecodeMember(member)
	if err != nil || float64(m.SendTime) != z.Score || m.SendTime < e.resume.From {
		e.report.Damaged++
		return nil //nolint:nilerr // the report has it
	}
	l := messageLine(id, m)
	l.Earlier = earlier
	if err := e.write(l); err != nil {
		return err
	}
	e.report.Messages++
	return nil
}
