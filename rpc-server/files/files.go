// Package files keeps the files of attachments: in S3, or on the disk of one machine. Both are a chat.FileStore.
//
// A file is uploaded to one place and kept in another, so that a request that was signed for its upload cannot replace it
// later.
package files

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pullchat/pullchat/internal/chat"
)

// The places of a file.
const (
	uploads = "uploads/"
	kept    = "files/"
)

// notUploaded and the other errors tell the sender why a file cannot be confirmed.
func notUploaded(f chat.File) error {
	return chat.Errorf(chat.Conflict, "the file of attachment %s does not exist; upload it first", f.ID)
}

func wrongSize(f chat.File, got int64) error {
	return chat.Errorf(chat.Conflict, "the file of attachment %s has %d bytes instead of the announced %d; upload it again", f.ID, got, f.Bytes)
}

func wrongSum(f chat.File) error {
	return chat.Errorf(chat.Conflict, "the file of attachment %s does not have the announced sha256; upload it again", f.ID)
}

// away is the error of a store that fails.
func away(tried string, f string, err error) error {
	return chat.Wrap(fmt.Errorf("%s %s: %w", tried, f, err), chat.Unavailable, "the store of files does not answer; try again")
}

// sumOf returns a SHA-256 in bytes.
func sumOf(f chat.File) ([]byte, error) {
	sum, err := hex.DecodeString(f.SHA256)
	if err != nil || len(sum) != 32 {
		return nil, errors.New("sha256 is not 64 hexadecimal digits")
	}
	return sum, nil
}
