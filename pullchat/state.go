package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// redisFlags are the flags of the commands that work on Redis itself.
type redisFlags struct {
	RedisURL  string `name:"redis-url" env:"REDIS_URL" secret:"" default:"redis://127.0.0.1:6379/0" placeholder:"URL" help:"URL of the Redis, the same as of rpc-server."`
	RedisCA   string `name:"redis-ca" env:"REDIS_CA" type:"path" placeholder:"FILE" help:"The same as of rpc-server; so are redis-cert and redis-key."`
	RedisCert string `name:"redis-cert" env:"REDIS_CERT" type:"path" placeholder:"FILE"`
	RedisKey  string `name:"redis-key" env:"REDIS_KEY" type:"path" placeholder:"FILE"`
}

func (f *redisFlags) tls() redisnode.TLS {
	return redisnode.TLS{CA: f.RedisCA, Cert: f.RedisCert, Key: f.RedisKey}
}

// saveEvery bounds the work that a killed command loses.
const saveEvery = 10 * time.Second

// readState returns nil where there is no file of a state, or none is wanted.
func readState(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	state, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return state, err
}

// replaceState replaces a file atomically.
func replaceState(name string, state []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(state)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("--state %s: %w", name, err)
	}
	return nil
}

// endState stores the place of an incomplete command, and removes that of a complete one.
func endState(ctx context.Context, name string, err error, save func() error) error {
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	switch {
	case name == "" && err != nil:
		return fmt.Errorf("%w; with --state FILE it could go on from here", err)
	case name == "":
		return nil
	case err == nil:
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if failed := save(); failed != nil {
		return errors.Join(err, failed)
	}
	return fmt.Errorf("%w; the same command goes on from here", err)
}
