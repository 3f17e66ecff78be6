package wire

import (
	"encoding/binary"
	"errors"
	"unsafe"
)

// lengthBytes is the size of the length before each of a PullResponse's Entries.
const lengthBytes = 4

// packEntries packs entries into one blob.
func packEntries(entries []string) []byte {
	size := 0
	for _, entry := range entries {
		size += lengthBytes + len(entry)
	}
	blob := make([]byte, 0, size)
	for _, entry := range entries {
		blob = binary.BigEndian.AppendUint32(blob, uint32(len(entry)))
		blob = append(blob, entry...)
	}
	return blob
}

var errEntries = errors.New("the entries of an rpc-server's answer are cut off")

// entriesOf is the reverse. The entries share the blob's memory, which must not be changed any more.
func entriesOf(blob []byte) ([]string, error) {
	all := unsafe.String(unsafe.SliceData(blob), len(blob))
	count := 0
	for rest := all; rest != ""; count++ {
		_, after, err := cutEntry(rest)
		if err != nil {
			return nil, err
		}
		rest = after
	}
	entries := make([]string, count)
	for i := range entries {
		entries[i], all, _ = cutEntry(all)
	}
	return entries, nil
}

func cutEntry(blob string) (entry, rest string, err error) {
	if len(blob) < lengthBytes {
		return "", "", errEntries
	}
	length := uint64(blob[0])<<24 | uint64(blob[1])<<16 | uint64(blob[2])<<8 | uint64(blob[3])
	if blob = blob[lengthBytes:]; length > uint64(len(blob)) {
		return "", "", errEntries
	}
	return blob[:length], blob[length:], nil
}
