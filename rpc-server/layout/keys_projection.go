package layout

import (
	"strconv"
	"strings"
)

// The keys of projections: consumers of all chats. {p} is a partition.
//
//	key                           type        content
//	                                          written by; expires
//	im:projections                hash        name → "created paused": in µs, and 0 or 1
//	                                          Store; never expires
//	im:workers:<name>             sorted set  when it lapses, in ms → a worker of the projection
//	                                          Store; expires 6 s after the last
//	im:{p}:projection:<name>      hash        owner, token, until (ms), start, floor, failing (µs), error, handled,
//	                                          revive
//	                                          claim.lua, commit.lua, reset.lua; never expires
//	im:{p}:cursors:<name>         hash        chat → "position" or "position state"
//	                                          commit.lua; never expires
//	im:{p}:dead:<name>            hash        "chat@position" → "µs error"; up to 1,000
//	                                          commit.lua; never expires
//	im:{p}:groups:<name>          sorted set  when it is removed, in s, or +inf → a group of its counters
//	                                          commit.lua; never expires
//	im:{p}:counts:<name>:<group>  hash        counter → count
//	                                          commit.lua; expires as its counts say

// Projections is the key of all projections.
func (k Keys) Projections() string { return k.Prefix + ":" + ProjectionsKey }

// Workers is the key of the workers that share a projection.
func (k Keys) Workers(name string) string { return k.Prefix + ":" + WorkersKey + ":" + name }

// ProjectionKeys are the keys of a projection in one partition.
type ProjectionKeys struct {
	State, Cursors, Dead, Groups string
	Counts                       string // the prefix of those keys; the group follows
}

// Projection returns the keys of a projection in a partition.
func (k Keys) Projection(partition int, name string) ProjectionKeys {
	tag := k.Tag(strconv.Itoa(partition)) + ":"
	return ProjectionKeys{
		State: tag + ProjectionKey + ":" + name, Cursors: tag + CursorsKey + ":" + name, Dead: tag + DeadKey + ":" + name,
		Groups: tag + GroupsKey + ":" + name, Counts: tag + CountsKey + ":" + name + ":",
	}
}

// More kinds of keys, as KeyName has them. In the keys of a partition, Chat is the projection's name.
const (
	ProjectionsKey = "projections"
	WorkersKey     = "workers"
	ProjectionKey  = "projection"
	CursorsKey     = "cursors"
	DeadKey        = "dead"
	GroupsKey      = "groups"
	CountsKey      = "counts"
)

// The fields of a projection's state in a partition.
const (
	TokenField   = "token"
	OwnerField   = "owner"
	UntilField   = "until"
	StartField   = "start"
	FloorField   = "floor"
	FailingField = "failing"
	ErrorField   = "error"
	HandledField = "handled"
)

// parseProjection is the reverse of the functions above for keys outside of partitions.
func (k Keys) parseProjection(key string) (KeyName, bool) {
	if key == k.Projections() {
		return KeyName{Kind: ProjectionsKey}, true
	}
	if key == k.Words() {
		return KeyName{Kind: WordsKey}, true
	}
	if key == k.Webhooks() {
		return KeyName{Kind: WebhooksKey}, true
	}
	if name, of := strings.CutPrefix(key, k.Workers("")); of {
		return KeyName{Kind: WorkersKey, Chat: name}, true
	}
	return KeyName{}, false
}
