// Package placement assigns chats to partitions. rpc-servers lay out their keys by it, and workers know by it which partitions
// some chats are in. It never changes: the data in Redis depend on it.
package placement

import "github.com/cespare/xxhash/v2"

// Partition is the number of a chat's partition among so many: xxHash64 (seed 0) of the canonical id, modulo their number.
func Partition(chat string, partitions int) int {
	return int(xxhash.Sum64String(chat) % uint64(partitions)) //nolint:gosec // both are small and not negative
}
