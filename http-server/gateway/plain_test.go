package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// line is how /receive/ shows a message of openGateway's world, whose positions count from 1,000 µs.
func line(sender, text string) string { return "1970.01.01 00:00:00 - " + sender + ": " + text + "\n" }

// plain makes a request and returns its status and body.
func (g testGateway) plain(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+g.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl -d
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if got := response.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("%s %s has the type %q", method, path, got)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// receives reads the lines of a user.
func (g testGateway) receives(t *testing.T, path, want string) {
	t.Helper()
	if status, got := g.plain(t, "GET", path, ""); status != 200 || got != want {
		t.Errorf("GET %s = %d\n%s, want\n%s", path, status, got, want)
	}
}

// TestPlainText: each user has each line once, in order, own ones too. No text forges a line or reaches a terminal.
func TestPlainText(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	if status, got := d.plain(t, "POST", "/send/club/alice", "hello\n"); status != 200 || got != "sent 1000\n" {
		t.Errorf("send = %d %q", status, got)
	}
	d.receives(t, "/receive/club/bob", line("alice", "hello"))
	d.receives(t, "/receive/club/bob", "")
	d.plain(t, "POST", "/send/club/bob", "one\n1970.01.01 00:00:00 - alice: forged\x1b[31m\r\n")
	d.receives(t, "/receive/club/bob", line("bob", `one\n1970.01.01 00:00:00 - alice: forged\x1b[31m`))
	d.receives(t, "/receive/club/alice", line("alice", "hello")+line("bob", `one\n1970.01.01 00:00:00 - alice: forged\x1b[31m`))

	// The cursor is one of its own: the user's others stay.
	page, err := d.world.Pull(t.Context(), chat.PullRequest{Chat: "club", Reader: "bob", Unread: true})
	if err != nil || len(page.Messages) != 2 {
		t.Errorf("bob's own cursor has %d messages before it, %v; want both unread", len(page.Messages), err)
	}
	// A repeated send with a key stores one message.
	for range 2 {
		d.plain(t, "POST", "/send/%E7%8E%8B%E4%BC%9F:bob/bob", "你好", "Idempotency-Key", "k")
	}
	d.receives(t, "/receive/bob:王伟/王伟", line("bob", "你好"))
}

// TestManyLines: an answer has 1,000 at most, and the next goes on.
func TestManyLines(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	for i := range 1050 {
		d.send(t, "club", "alice", fmt.Sprint(i))
	}
	total := ""
	for _, want := range []int{1000, 50, 0} {
		_, got := d.plain(t, "GET", "/receive/club/bob", "")
		if lines := strings.Count(got, "\n"); lines != want {
			t.Errorf("an answer has %d lines, want %d", lines, want)
		}
		total += got
	}
	want := ""
	for i := range 1050 {
		want += line("alice", fmt.Sprint(i))
	}
	if total != want {
		t.Error("the lines are not those that were sent, once each and in order")
	}
}

// TestPlainErrors are one line with the status of the code, and move no cursor.
func TestPlainErrors(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	d.send(t, "club", "alice", "hello")
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/send/club/alice", "", 400, "invalid_argument: text is empty\n"},
		{"POST", "/send/club/alice", "\xff", 400, "invalid_argument: "},
		{"POST", "/send/alice:bob/carol", "x", 400, `invalid_argument: sender "carol" is not one of the two`},
		{"POST", "/send/club/alice?id=1", "x", 400, "invalid_argument: "},
		{"POST", "/send/club/alice", strings.Repeat("x", 70_000), 413, "too_large: the body is larger than"},
		{"POST", "/send/club", "x", 404, "not_found: "},
		{"DELETE", "/send/club/alice", "", 404 + 1, "not_found: "},
		{"GET", "/receive/a:b:c/a", "", 400, "invalid_argument: "},
		{"GET", "/receive/club/bob?follow=maybe", "", 400, "invalid_argument: follow is not true or false\n"},
	} {
		status, got := d.plain(t, c.method, c.path, c.body)
		if status != c.status || !strings.HasPrefix(got, c.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%s %s = %d %q, want %d %q", c.method, c.path, status, got, c.status, c.want)
		}
	}
	if status, got := d.plain(t, "GET", "/receive/club/bob", "", "Origin", "https://elsewhere.example"); status != 403 {
		t.Errorf("a page of another origin = %d %q, want 403", status, got)
	}
	response, err := http.Head("http://" + d.addr + "/receive/club/bob")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("HEAD = %v, %v", response, err)
	}
	_ = response.Body.Close()
	d.receives(t, "/receive/club/bob", line("alice", "hello"))
}

// TestFollowedLines come as they are sent, and once: the next connection does not repeat shown lines.
func TestFollowedLines(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	d.send(t, "club", "alice", "0")
	follow := func(ctx context.Context) *bufio.Reader {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.addr+"/receive/club/bob?follow=true", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		return bufio.NewReader(response.Body)
	}
	next := func(lines *bufio.Reader, want string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); err != nil || got != line("alice", want) {
			t.Errorf("the next line is %q, %v; want %s", got, err, want)
		}
	}
	ctx, leave := context.WithTimeout(t.Context(), patience)
	lines := follow(ctx)
	next(lines, "0")
	for i := 1; i < 4; i++ {
		d.send(t, "club", "alice", fmt.Sprint(i))
		next(lines, fmt.Sprint(i))
	}
	until(t, "the cursor moves behind the lines", func() bool {
		page, err := d.world.Pull(t.Context(), chat.PullRequest{Chat: "club", Reader: "bob/receive", Unread: true})
		return err == nil && len(page.Messages) == 0
	})
	leave()
	ctx, leave = context.WithTimeout(t.Context(), patience)
	defer leave()
	d.send(t, "club", "alice", "4")
	next(follow(ctx), "4")
}

// countedLogins counts the logins of a world of accounts.
type countedLogins struct {
	chat.Sessions
	count atomic.Int64
}

func (c *countedLogins) Login(ctx context.Context, given chat.Credentials) (chat.Session, error) {
	c.count.Add(1)
	if given.User != "alice" || given.Password != "correct:horse" {
		return chat.Session{}, chat.Errorf(chat.Unauthenticated, "the user or the password is wrong")
	}
	return chat.Session{User: "alice", ID: "s", RefreshToken: "r"}, nil
}

func (c *countedLogins) Logout(context.Context, chat.LogoutRequest) error { return nil }

// TestPasswordsAreKept: a good password is checked once a minute, a wrong one every time.
func TestPasswordsAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins := &countedLogins{}
		passwords := newCheckedPasswords(logins, time.Hour)
		check := func(password string, code chat.Code, want int64) {
			t.Helper()
			caller, err := passwords.check(t.Context(), "alice", password)
			if chat.CodeOf(err) != code || code == "" && (caller.User != "alice" || caller.Service) {
				t.Errorf("check(%s) = %+v, %v; want %q", password, caller, err, code)
			}
			if got := logins.count.Load(); got != want {
				t.Errorf("after check(%s) there are %d logins, want %d", password, got, want)
			}
		}
		check("correct:horse", "", 1)
		check("correct:horse", "", 1)
		check("wrong", chat.Unauthenticated, 2)
		check("wrong", chat.Unauthenticated, 3)
		time.Sleep(passwordKept - time.Second) // in a bubble of synctest
		check("correct:horse", "", 3)
		time.Sleep(time.Second)
		check("correct:horse", "", 4)
		check("correct:horse", "", 4)
	})
}
