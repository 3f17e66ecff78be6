package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pullchat/pullchat/client"
)

// sessionFile stores the sessions of one user of this machine, one for each server. Other users cannot read it. Concurrent
// programs wait for each other.
type sessionFile struct {
	name   string
	server string
}

// defaultTokenFile returns a file in the user's state folder (XDG Base Directory Specification), or "" without one.
func defaultTokenFile() string {
	folder := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(folder) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(folder, "pullchat", "sessions.json")
}

// load returns the session, or the zero one if there is none.
func (f sessionFile) load() (client.Session, error) {
	sessions, err := f.read()
	return sessions[f.server], err
}

func (f sessionFile) read() (map[string]client.Session, error) {
	sessions := map[string]client.Session{}
	if f.name == "" {
		return sessions, nil
	}
	text, err := os.ReadFile(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sessions, nil
	case err != nil:
		return nil, fmt.Errorf("token-file: %w", err)
	}
	if err := json.Unmarshal(text, &sessions); err != nil || sessions == nil {
		return nil, fmt.Errorf("token-file: %s is not a file of pullchat login; remove it and log in again", f.name)
	}
	return sessions, nil
}

// put replaces the stored session; the zero one removes it.
func (f sessionFile) put(s client.Session) error {
	return f.change(func(client.Session) bool { return true }, s)
}

// renew stores a session's new tokens, unless a logout or another login has replaced the session.
func (f sessionFile) renew(s client.Session) error {
	return f.change(func(kept client.Session) bool { return kept.Secret == s.Secret && s.Issued.After(kept.Issued) }, s)
}

// change replaces the stored session if may allows it.
func (f sessionFile) change(may func(kept client.Session) bool, s client.Session) error {
	if f.name == "" {
		return errors.New("there is no folder for the session: give --token-file")
	}
	if err := os.MkdirAll(filepath.Dir(f.name), 0o700); err != nil {
		return fmt.Errorf("token-file: %w", err)
	}
	unlock, err := lock(f.name + ".lock")
	if err != nil {
		return fmt.Errorf("token-file: %w", err)
	}
	defer unlock()
	sessions, err := f.read()
	if err != nil || !may(sessions[f.server]) {
		return err
	}
	if s == (client.Session{}) {
		delete(sessions, f.server)
	} else {
		sessions[f.server] = s
	}
	if err := f.write(sessions); err != nil {
		return fmt.Errorf("token-file: %w", err)
	}
	return nil
}

// lock waits for exclusive access to the file. The end of the program releases it.
func lock(name string) (unlock func(), _ error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

// write replaces the file atomically: a reader gets the old or the new one.
func (f sessionFile) write(sessions map[string]client.Session) error {
	text, err := json.MarshalIndent(sessions, "", "  ")
	if err != nil {
		return err
	}
	written, err := os.CreateTemp(filepath.Dir(f.name), ".sessions-*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(written.Name()) }()
	_, err = written.Write(append(text, '\n'))
	if err == nil {
		err = written.Sync()
	}
	if err = errors.Join(err, written.Close()); err != nil {
		return err
	}
	return os.Rename(written.Name(), f.name)
}
