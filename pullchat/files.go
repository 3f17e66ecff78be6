package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/rpc-server/files"
)

// openFiles chooses the store of files, and returns redis with the opened store. Files are kept with the messages: in
// the folder of the data, or in memory with an embedded Redis. With a Redis of another process files need S3.
func (s *serve) openFiles(redis program.Part) (program.Part, error) {
	dir := filepath.Join(s.Data, "files")
	switch {
	case s.RPC.Files.S3URL != "":
		return redis, s.allowS3()
	case s.Data != "":
	default:
		if _, own := redis.(*embeddedRedis); !own {
			return redis, nil
		}
		temporary, err := os.MkdirTemp("", "pullchat-files-")
		if err != nil {
			return nil, err
		}
		dir = temporary
	}
	stores := &keptStores{redis: redis}
	if s.Data == "" {
		stores.remove = dir
	}
	disk, err := files.OpenDisk(dir, s.FilesAddr, s.FilesURL)
	if err != nil {
		return nil, errors.Join(err, stores.clean())
	}
	stores.files, s.RPC.Files.Store = disk, disk
	if s.HTTP.AttachmentOrigin == "" {
		s.HTTP.AttachmentOrigin = disk.Origin()
	}
	return stores, nil
}

// allowS3 lets the page reach the bucket.
func (s *serve) allowS3() error {
	if s.HTTP.AttachmentOrigin != "" {
		return nil
	}
	place := s.RPC.Files.S3PublicURL
	if place == "" {
		place = s.RPC.Files.S3URL
	}
	parsed, err := url.Parse(place)
	if err == nil {
		s.HTTP.AttachmentOrigin = parsed.Scheme + "://" + parsed.Host
	}
	return err
}

// keptStores is a Redis, and a folder of files beside it.
type keptStores struct {
	redis  program.Part
	files  *files.Disk
	remove string // a folder that goes at the end, or ""
}

// Run implements program.Part.
func (k *keptStores) Run(ctx context.Context) error {
	return errors.Join(program.Run(ctx, k.redis, k.files), k.clean())
}

func (k *keptStores) clean() error {
	if k.remove == "" {
		return nil
	}
	return os.RemoveAll(k.remove)
}
