// Package layout describes the data in Redis: the names of keys, channels and fields, and the encodings of values, of a
// log's members, of the entries of ids and of published events.
package layout

import (
	"strconv"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/placement"
)

// Keys are the keys in Redis. keys_user.go has those of users, keys_attachment.go those of attachments. append.lua
// stands for both scripts that append. {p} is the chat's partition. It is the hash tag, so that all keys of one append
// share a slot.
//
//	key                       type        content
//	                                      written by; expires
//	im:partitions             string      the number of partitions, for ever
//	                                      Store; never expires
//	im:ready                  string      anything: shows that writing works
//	                                      Store; expires after 1 minute
//	im:retention              string      when a server with RETENTION said so last, in µs
//	                                      Store; never expires; deleted when RETENTION is off
//	im:retentions             sorted set  when it was changed, in µs → a room that has or had its own retention
//	                                      Store, before and after room.lua; never expires
//	im:{p}:log:<chat>         sorted set  send_time → 16 digits of it + stored message
//	                                      append.lua; expires RETENTION after the newest
//	im:{p}:ids:<chat>         sorted set  send_time → sender/id, with and without digest
//	                                      append.lua; expires IDEMPOTENCY_WINDOW after the newest
//	im:{p}:activity           sorted set  newest send_time of a chat → the chat
//	                                      append.lua; never expires
//	im:{p}:dropped            hash        "" → highest position of a chat that was dropped; in a cluster also chat →
//	                                      when it was dropped, or minus when it left the lists, in µs
//	                                      drop.lua; never expires
//	im:emptied                string      a server looks for empty chats, or has done so
//	                                      Store; expires after 1 hour
//	im:{p}:read:<chat>        hash        reader → cursor
//	                                      advance.lua; never expires
//	im:{p}:delivered:<chat>   hash        user → position before which the user has received all
//	                                      deliver.lua; never expires
//	im:{p}:room:<room>        hash        visibility, name, created, how many admins, retention, rules, pins
//	                                      room.lua; never expires
//	im:{p}:members:<room>     hash        user → "role since"; "" → the room's rules, as room has them
//	                                      room.lua; never expires
//	im:{p}:restraints:<chat>  hash        "ban user", "mute user" → "until since JSON"
//	                                      room.lua; never expires
//	im:{p}:paced:<chat>       sorted set  when a member sent last, in slow mode → user
//	                                      append_checked.lua; expires after the pause from the newest
//	im:{p}:reactions:<chat>   sorted set  1 → 16 digits of the send_time of a message, then "emoji user"
//	                                      amend.lua; expires RETENTION after the newest
//	im:{p}:threads:<chat>     sorted set  0 → 16 digits of a message's send_time, then those of an answer's
//	                                      append_checked.lua; expires RETENTION after the newest
//	im:{p}:edits:<chat>       sorted set  0 → 16 digits of a message's send_time, 16 digits of a version's, then its
//	                                      earlier text
//	                                      amend.lua; expires RETENTION after the newest
//	im:{p}:present:<chat>     sorted set  when it lapses, in ms → "reader gateway"
//	                                      attend.lua; expires 90 s after the last
//
// The channels, which a cluster publishes to those who listen at the partition's own node (sharded). Channels do not
// know of Redis's databases; in one that is not 0 its number is added: im:{p}:hints:3.
//
//	channel       what is published                                             by
//	im:{p}:hints  "<chat> <send_time>": a message was stored; or                append_one.lua, room.lua
//	              "<chat> <send_time> <before> <entry>", with the log's entry
//	              and the position of the one before it, 0 if there is none     append_one.lua
//	im:{p}:news   an Event of idl_rpc.thrift: a signal, a movement, a presence  Store, advance.lua, attend.lua, room.lua
type Keys struct {
	Prefix     string // "im" but in tests
	Partitions []Partition
	database   int
}

// Partition is the names of one partition, made once.
type Partition struct {
	Tag         string // the prefix of all its keys, like "im:{97}"
	Activity    string
	Hints, News string // channels
	Log, IDs    string // the prefix of those keys; the chat follows
}

// NewKeys returns the keys below a prefix, for so many partitions in a database of Redis.
func NewKeys(prefix string, partitions, database int) Keys {
	k := Keys{Prefix: prefix, Partitions: make([]Partition, partitions), database: database}
	for i := range k.Partitions {
		tag := k.Tag(strconv.Itoa(i))
		p := &k.Partitions[i]
		p.Tag, p.Activity, p.Hints, p.News = tag, k.Activity(tag), k.Hints(tag), k.News(tag)
		p.Log, p.IDs = tag+":"+LogKey+":", tag+":"+IDsKey+":"
	}
	return k
}

// DefaultPartitions is how many partitions a new Redis gets; see docs/adr/0002-partitions.md.
const DefaultPartitions = 256

// PartitionCount is the key of the number of partitions, which is pinned.
func (k Keys) PartitionCount() string { return k.Prefix + ":partitions" }

// Ready is the key that is written to see whether writing works.
func (k Keys) Ready() string { return k.Prefix + ":ready" }

// Retention is the key that says that logs may expire: see retention.go of package storage.
func (k Keys) Retention() string { return k.Prefix + ":" + RetentionKey }

// Retentions is the key of the rooms that may have their own retention.
func (k Keys) Retentions() string { return k.Prefix + ":" + RetentionsKey }

// Log is the key of a chat's messages.
func (k Keys) Log(id chat.ID) string { return k.Of(id).Log + id.String() }

// Append returns the keys of one append.
func (k Keys) Append(id chat.ID) (log, ids, activity string) {
	p := k.Of(id)
	return p.Log + id.String(), p.IDs + id.String(), p.Activity
}

// Read is the key of how far a chat's readers have read.
func (k Keys) Read(id chat.ID) string { return k.Partition(id) + ":read:" + id.String() }

// Delivered is the key of how far a chat's users have received it.
func (k Keys) Delivered(id chat.ID) string {
	return k.Partition(id) + ":" + DeliveredKey + ":" + id.String()
}

// Room is the key of a room's fields.
func (k Keys) Room(id chat.ID) string { return k.Partition(id) + ":room:" + id.String() }

// Members is the key of who is in a room.
func (k Keys) Members(id chat.ID) string { return k.Partition(id) + ":members:" + id.String() }

// RoomKeys are those of room.lua: after the first seven, the others that go with a room.
func (k Keys) RoomKeys(id chat.ID) []string {
	log, ids, activity := k.Append(id)
	return []string{
		k.Room(id), k.Members(id), log, activity, k.Restraints(id), k.Attachments(id), k.LookAt(k.Partition(id)),
		ids, k.Read(id), k.Present(id), k.Reactions(id), k.Threads(id), k.Paced(id), k.Delivered(id),
		k.Edits(id),
	}
}

// Restraints is the key of the bans and mutes of a room.
func (k Keys) Restraints(id chat.ID) string { return k.Partition(id) + ":restraints:" + id.String() }

// Paced is the key of when the members of a room in slow mode sent last.
func (k Keys) Paced(id chat.ID) string { return k.Partition(id) + ":paced:" + id.String() }

// Reactions is the key of who reacted to a chat's messages.
func (k Keys) Reactions(id chat.ID) string { return k.Partition(id) + ":reactions:" + id.String() }

// Threads is the key of which messages of a chat answer which.
func (k Keys) Threads(id chat.ID) string {
	return k.Partition(id) + ":" + ThreadsKey + ":" + id.String()
}

// Edits is the key of the texts that edits replaced.
func (k Keys) Edits(id chat.ID) string { return k.Partition(id) + ":" + EditsKey + ":" + id.String() }

// Present is the key of who watches a chat.
func (k Keys) Present(id chat.ID) string { return k.Partition(id) + ":present:" + id.String() }

// Activity is the key of a partition's index; tag is the partition's.
func (k Keys) Activity(tag string) string { return tag + ":activity" }

// Dropped is the key of the marks of a partition's dropped chats; tag is the partition's.
func (k Keys) Dropped(tag string) string { return tag + ":" + DroppedKey }

// Emptied is the key of the lease of the search for empty chats.
func (k Keys) Emptied() string { return k.Prefix + ":" + EmptiedKey }

// Hints is the channel of a partition's stored messages.
func (k Keys) Hints(tag string) string { return k.Channel(tag + ":hints") }

// News is the channel of a partition's events that are not in a log.
func (k Keys) News(tag string) string { return k.Channel(tag + ":news") }

// Channel is the name of a channel in the database of the keys.
func (k Keys) Channel(name string) string {
	if k.database == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(k.database)
}

// Of is the partition of a chat.
func (k Keys) Of(id chat.ID) *Partition { return &k.Partitions[k.Index(id)] }

// Index is the number of a chat's partition.
func (k Keys) Index(id chat.ID) int { return placement.Partition(id.String(), len(k.Partitions)) }

// Partition is the tag of a chat's partition.
func (k Keys) Partition(id chat.ID) string { return k.Of(id).Tag }

// Tag is the prefix of all keys of a partition.
func (k Keys) Tag(partition string) string { return k.Prefix + ":{" + partition + "}" }

// Kinds of keys, as KeyName has them.
const (
	PinKey   = "partitions"
	ReadyKey = "ready"

	RetentionKey  = "retention"
	RetentionsKey = "retentions"
	EmptiedKey    = "emptied"

	LogKey      = "log"
	IDsKey      = "ids"
	ActivityKey = "activity"
	DroppedKey  = "dropped"
	ReadKey     = "read"
	PresentKey  = "present"
	RoomKey     = "room"
	MembersKey  = "members"

	RestraintsKey = "restraints"
	PacedKey      = "paced"
	DeliveredKey  = "delivered"

	ReactionsKey = "reactions"
	ThreadsKey   = "threads"
	EditsKey     = "edits"
	unknownKey   = "" // ours by its prefix, and nothing that this release writes
)

// KeyName is a key taken apart. Neither the partition nor the chat has been judged: any number may stand in the
// braces, and any bytes after "log:".
type KeyName struct {
	Kind      string // one of the constants
	Partition string // decimal digits; of all but the first two
	Chat      string // of a log, ids, read, delivered, present, room, members, reactions, threads, edits and attachments
}

// Parse is the reverse of the functions above. It is false for a key that is not below the prefix.
func (k Keys) Parse(key string) (KeyName, bool) {
	rest, ours := strings.CutPrefix(key, k.Prefix+":")
	switch {
	case !ours:
		return KeyName{}, false
	case key == k.PartitionCount():
		return KeyName{Kind: PinKey}, true
	case key == k.Ready():
		return KeyName{Kind: ReadyKey}, true
	case key == k.Retention():
		return KeyName{Kind: RetentionKey}, true
	case key == k.Retentions():
		return KeyName{Kind: RetentionsKey}, true
	case key == k.Emptied():
		return KeyName{Kind: EmptiedKey}, true
	}
	if name, of := k.parseUser(key); of {
		return name, true
	}
	if name, of := k.parseProjection(key); of {
		return name, true
	}
	partition, rest, closed := strings.Cut(strings.TrimPrefix(rest, "{"), "}:")
	if !closed || !strings.HasPrefix(key, k.Prefix+":{") || partition == "" || strings.Trim(partition, "0123456789") != "" {
		return KeyName{}, true
	}
	if rest == ActivityKey || rest == DroppedKey || rest == LookAtKey {
		return KeyName{Kind: rest, Partition: partition}, true
	}
	switch kind, chat, _ := strings.Cut(rest, ":"); kind {
	case LogKey, IDsKey, ReadKey, DeliveredKey, PresentKey, RoomKey, MembersKey, RestraintsKey, PacedKey, ReactionsKey, ThreadsKey, EditsKey, AttachmentsKey, ProjectionKey, CursorsKey, DeadKey, GroupsKey, CountsKey:
		if kind+":"+chat == rest { // there was a colon
			return KeyName{Kind: kind, Partition: partition, Chat: chat}, true
		}
	}
	return KeyName{}, true
}

// IsPartition says whether a key may have this between its braces.
func (k Keys) IsPartition(text string) bool {
	p, err := strconv.ParseUint(text, 10, 64)
	return err == nil && p < uint64(len(k.Partitions)) && strconv.FormatUint(p, 10) == text
}
