package chattest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Files is a chat.FileStore in memory. Its URLs are no addresses: Upload and Download take them.
type Files struct {
	Clock func() time.Time // nil is time.Now

	mutex    sync.Mutex
	uploaded map[string]string
	kept     map[string]string
}

var _ chat.FileStore = (*Files)(nil)

// NewFiles returns an empty Files.
func NewFiles() *Files { return &Files{uploaded: map[string]string{}, kept: map[string]string{}} }

func (f *Files) expires(lasts time.Duration) int64 {
	if f.Clock != nil {
		return f.Clock().Add(lasts).UnixMicro()
	}
	return time.Now().Add(lasts).UnixMicro()
}

// SignUpload implements chat.FileStore.
func (f *Files) SignUpload(_ context.Context, of chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	return chat.SignedRequest{URL: "memory:put/" + of.ID, Method: "PUT", Headers: map[string]string{"Content-Type": of.Type}, Expires: f.expires(lasts)}, nil
}

// SignDownload implements chat.FileStore.
func (f *Files) SignDownload(_ context.Context, of chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	return chat.SignedRequest{URL: "memory:get/" + of.ID, Method: "GET", Expires: f.expires(lasts)}, nil
}

// Keep implements chat.FileStore.
func (f *Files) Keep(_ context.Context, of chat.File) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	content, there := f.uploaded[of.ID]
	if _, kept := f.kept[of.ID]; kept && !there {
		return nil
	}
	sum := sha256.Sum256([]byte(content))
	if !there || int64(len(content)) != of.Bytes || of.SHA256 != "" && of.SHA256 != hex.EncodeToString(sum[:]) {
		return chat.Errorf(chat.Conflict, "the file of attachment %s is not there, or is another one", of.ID)
	}
	f.kept[of.ID] = content
	delete(f.uploaded, of.ID)
	return nil
}

// Remove implements chat.FileStore.
func (f *Files) Remove(_ context.Context, id string) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	delete(f.uploaded, id)
	delete(f.kept, id)
	return nil
}

// Upload makes a request of SignUpload.
func (f *Files) Upload(url, content string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.uploaded[strings.TrimPrefix(url, "memory:put/")] = content
}

// Download makes a request of SignDownload, and returns "" for a file that is not there.
func (f *Files) Download(url string) string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.kept[strings.TrimPrefix(url, "memory:get/")]
}

// All returns the ids of all files in both places, sorted.
func (f *Files) All() []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	all := []string{}
	for _, place := range []map[string]string{f.uploaded, f.kept} {
		for id := range place {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}
