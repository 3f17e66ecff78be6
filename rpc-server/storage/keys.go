package storage

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
)

// The keys in Redis; those of users are in keys_user.go. append.lua stands for both scripts that append. {p} is the chat's partition; it is the hash tag, so that all keys of one append share a slot.
//
//	key                    type        what it holds                                   written by   expires
//	im:partitions          string      the number of partitions, for ever              Store        never
//	im:ready               string      anything: shows that writing works              Store        1 minute
//	im:retention           string      when a server with RETENTION said so last, in µs  Store          never; deleted once it is off
//	im:{p}:log:<chat>      sorted set  send_time → 16 digits of it + stored message    append.lua   RETENTION after the newest
//	im:{p}:ids:<chat>      sorted set  send_time → sender/id, with and without digest  append.lua   IDEMPOTENCY_WINDOW after the newest
//	im:{p}:activity        sorted set  newest send_time of a chat → the chat           append.lua   never
//	im:{p}:read:<chat>     hash        reader → cursor                                 advance.lua  never
//	im:{p}:room:<room>     hash        visibility, name, created, how many admins      room.lua     never
//	im:{p}:members:<room>  hash        user → "role since"                             room.lua     never
//	im:{p}:present:<chat>  sorted set  when it lapses, in ms → "reader gateway"        attend.lua   90 s after the last
//
// The channels, which a cluster publishes to those who listen at the partition's own node (sharded). Channels do not
// know of Redis's databases; in one that is not 0 its number is added: im:{p}:hints:3.
//
//	channel       what is published                                             by
//	im:{p}:hints  "<chat> <send_time>": a message was stored; or                append_one.lua, room.lua
//	              "<chat> <send_time> <before> <entry>", with the log's entry
//	              and the position of the one before it, 0 if there is none     append_one.lua
//	im:{p}:news   an Event of idl_rpc.thrift: a signal, a movement, a presence  Store, advance.lua, attend.lua, room.lua
type keys struct {
	prefix     string // "im" but in tests
	partitions []partition
	database   int
}

// partition is the names of one partition, made once.
type partition struct {
	tag         string // what all its keys begin with, like "im:{97}"
	activity    string
	hints, news string // channels
	log, ids    string // what those keys begin with; the chat follows

	// followed: somebody follows a chat of the partition, as far as is known, so hints carry messages.
	followed atomic.Bool
}

// newKeys returns the keys below a prefix, for so many partitions in a database of Redis.
func newKeys(prefix string, partitions, database int) keys {
	k := keys{prefix: prefix, partitions: make([]partition, partitions), database: database}
	for i := range k.partitions {
		tag := k.tag(strconv.Itoa(i))
		p := &k.partitions[i]
		p.tag, p.activity, p.hints, p.news = tag, k.activity(tag), k.hints(tag), k.news(tag)
		p.log, p.ids = tag+":"+logKey+":", tag+":"+idsKey+":"
	}
	return k
}

// defaultPartitions is how many partitions a new Redis gets; see docs/adr/0002-partitions.md.
const defaultPartitions = 256

func (k keys) partitionCount() string { return k.prefix + ":partitions" }

func (k keys) ready() string { return k.prefix + ":ready" }

// retention is the key that says that logs may expire: see retention.go.
func (k keys) retention() string { return k.prefix + ":" + retentionKey }

func (k keys) log(id chat.ID) string { return k.of(id).log + id.String() }

// append returns the keys of one append.
func (k keys) append(id chat.ID) (log, ids, activity string) {
	p := k.of(id)
	return p.log + id.String(), p.ids + id.String(), p.activity
}

// read is the key of how far a chat's readers have read.
func (k keys) read(id chat.ID) string { return k.partition(id) + ":read:" + id.String() }

// room is the key of what a room is, and members that of who is in it.
func (k keys) room(id chat.ID) string { return k.partition(id) + ":room:" + id.String() }

func (k keys) members(id chat.ID) string { return k.partition(id) + ":members:" + id.String() }

// roomKeys are those of room.lua: after the first four, the others that go with a room.
func (k keys) roomKeys(id chat.ID) []string {
	log, ids, activity := k.append(id)
	return []string{k.room(id), k.members(id), log, activity, ids, k.read(id), k.present(id)}
}

// present is the key of who watches a chat.
func (k keys) present(id chat.ID) string { return k.partition(id) + ":present:" + id.String() }

// activity is the key of a partition's index; tag is the partition's.
func (k keys) activity(tag string) string { return tag + ":activity" }

// hints is the channel of a partition's stored messages.
func (k keys) hints(tag string) string { return k.channel(tag + ":hints") }

// news is the channel of what happens in a partition beside the log.
func (k keys) news(tag string) string { return k.channel(tag + ":news") }

func (k keys) channel(name string) string {
	if k.database == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(k.database)
}

// of is the partition of a chat: xxHash64 (seed 0) of the canonical id, modulo the number of partitions.
func (k keys) of(id chat.ID) *partition {
	return &k.partitions[xxhash.Sum64String(id.String())%uint64(len(k.partitions))]
}

// partition is the tag of a chat's partition.
func (k keys) partition(id chat.ID) string { return k.of(id).tag }

// tag is what all keys of a partition begin with.
func (k keys) tag(partition string) string { return k.prefix + ":{" + partition + "}" }

// What a key is, as keyName has it.
const (
	pinKey   = "partitions"
	readyKey = "ready"

	retentionKey = "retention"

	logKey      = "log"
	idsKey      = "ids"
	activityKey = "activity"
	readKey     = "read"
	presentKey  = "present"
	roomKey     = "room"
	membersKey  = "members"
	unknownKey  = "" // ours by its prefix, and nothing that this release writes
)

// keyName is a key taken apart. Neither the partition nor the chat has been judged: any number may stand in the
// braces, and any bytes after "log:".
type keyName struct {
	kind      string // one of the constants
	partition string // decimal digits; of all but the first two
	chat      string // of a log, ids, read, present, room and members
}

// parse is the reverse of the functions above. It is false for a key that is not below the prefix.
func (k keys) parse(key string) (keyName, bool) {
	rest, ours := strings.CutPrefix(key, k.prefix+":")
	switch {
	case !ours:
		return keyName{}, false
	case key == k.partitionCount():
		return keyName{kind: pinKey}, true
	case key == k.ready():
		return keyName{kind: readyKey}, true
	case key == k.retention():
		return keyName{kind: retentionKey}, true
	}
	if name, of := k.parseUser(key); of {
		return name, true
	}
	partition, rest, closed := strings.Cut(strings.TrimPrefix(rest, "{"), "}:")
	if !closed || !strings.HasPrefix(key, k.prefix+":{") || partition == "" || strings.Trim(partition, "0123456789") != "" {
		return keyName{}, true
	}
	if rest == activityKey {
		return keyName{kind: activityKey, partition: partition}, true
	}
	switch kind, chat, _ := strings.Cut(rest, ":"); kind {
	case logKey, idsKey, readKey, presentKey, roomKey, membersKey:
		if kind+":"+chat == rest { // there was a colon
			return keyName{kind: kind, partition: partition, chat: chat}, true
		}
	}
	return keyName{}, true
}

// isPartition says whether a key may have this between its braces.
func (k keys) isPartition(text string) bool {
	p, err := strconv.ParseUint(text, 10, 64)
	return err == nil && p < uint64(len(k.partitions)) && strconv.FormatUint(p, 10) == text
}
