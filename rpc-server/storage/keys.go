package storage

import (
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
)

// The keys in Redis. {p} is the chat's partition; it is the hash tag, so that all keys of one append share a slot.
//
//	key                type        what it holds                                   written by   expires
//	im:partitions      string      the number of partitions, for ever              Store        never
//	im:ready           string      anything: shows that writing works              Store        1 minute
//	im:{p}:log:<chat>  sorted set  send_time → 16 digits of it + stored message    append.lua   RETENTION after the newest
//	im:{p}:ids:<chat>  sorted set  send_time → sender/id, with and without digest  append.lua   IDEMPOTENCY_WINDOW after the newest
//	im:{p}:activity    sorted set  newest send_time of a chat → the chat           append.lua   never
type keys struct {
	prefix     string // "im" but in tests
	partitions uint64
}

// defaultPartitions is how many partitions a new Redis gets; see docs/adr/0002-partitions.md.
const defaultPartitions = 256

func (k keys) partitionCount() string { return k.prefix + ":partitions" }

func (k keys) ready() string { return k.prefix + ":ready" }

func (k keys) log(id chat.ID) string { return k.partition(id) + ":log:" + id.String() }

// append returns the keys of one append.
func (k keys) append(id chat.ID) (log, ids, activity string) {
	partition := k.partition(id)
	return partition + ":log:" + id.String(), partition + ":ids:" + id.String(), partition + ":activity"
}

// partition is xxHash64 (seed 0) of the canonical id, modulo the number of partitions.
func (k keys) partition(id chat.ID) string {
	p := xxhash.Sum64String(id.String()) % k.partitions
	return k.prefix + ":{" + strconv.FormatUint(p, 10) + "}"
}
