package storage

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// TestSuspensionsReachAllServers: also one that starts later. Each learns of it in the next step of its job.
func TestSuspensionsReachAllServers(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"alone": redistest.Start(t).URL(), "cluster": redistest.StartCluster(t).URL()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := func() *Store {
				s, err := Open(url, Options{AuditMax: 3})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close() })
				return s
			}
			read := func(s *Store, want chat.Revocation) {
				t.Helper()
				if err := s.ReadRevoked().Step(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := s.Revoked("ann"); got != want {
					t.Errorf("Revoked(ann) = %v, want %v", got, want)
				}
				if got := s.Revoked("bob"); got != chat.NotRevoked {
					t.Errorf("Revoked(bob) = %v", got)
				}
			}
			here, there := server(), server()
			read(there, chat.NotRevoked)
			entry := chat.AuditEntry{By: "backend", Action: chat.AuditSuspend, User: "ann", Reason: "spam"}
			if _, err := here.PutSuspension(t.Context(), chat.Suspension{User: "ann", By: "backend", Reason: "spam"}, entry); err != nil {
				t.Fatal(err)
			}
			if got := here.Revoked("ann"); got != chat.UserSuspended {
				t.Errorf("Revoked(ann) = %v where it was done, want it at once", got)
			}
			read(there, chat.UserSuspended)
			read(server(), chat.UserSuspended)
			if err := there.revoke(context.Background(), "ann"); err != nil {
				t.Fatal(err)
			}
			read(there, chat.UserDeleted)
			read(here, chat.UserDeleted)
			if err := here.redis.Del(t.Context(), here.keys.Revoked()).Err(); err != nil {
				t.Fatal(err)
			}
			last := server()
			read(last, chat.UserSuspended)
			if err := last.RemoveSuspension(t.Context(), "ann", entry); err != nil {
				t.Fatal(err)
			}
			read(last, chat.NotRevoked)
		})
	}
}

// TestAuditLogIsBounded: the newest entries stay, each at its own time, though the clock goes back.
func TestAuditLogIsBounded(t *testing.T) {
	t.Parallel()
	s, err := Open(redistest.Start(t).URL(), Options{AuditMax: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	far := chat.AuditEntry{At: 1 << 52, By: "backend", Action: chat.AuditSuspend, User: "early"}
	if err := s.redis.ZAdd(t.Context(), s.keys.Audit(), redis.Z{Score: float64(far.At), Member: fmt.Sprintf("%016d", far.At) + layout.FormatAudit(far)}).Err(); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		user := fmt.Sprint("user", i)
		entry := chat.AuditEntry{By: "backend", Action: chat.AuditSuspend, User: user, Reason: "spam"}
		if _, err := s.PutSuspension(t.Context(), chat.Suspension{User: user, By: "backend", Reason: "spam"}, entry); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := s.ReadAudit(t.Context(), 0, 100)
	if err != nil || len(entries) != 3 {
		t.Fatalf("ReadAudit() = %+v, %v; want 3 entries", entries, err)
	}
	for i, e := range entries {
		if want := far.At + 5 - int64(i); e.At != want || e.User != fmt.Sprint("user", 4-i) {
			t.Errorf("entry %d is %+v, want user%d at %d", i, e, 4-i, want)
		}
	}
}

// TestAllRoomsOfAPartition: more chats than one call reads, some of one position, in pages that end anywhere.
func TestAllRoomsOfAPartition(t *testing.T) {
	t.Parallel()
	s, err := Open(redistest.Start(t).URL(), Options{Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var active []redis.Z
	for i := range 2 * roomsAtOnce {
		active = append(active, redis.Z{Score: float64(i + 1), Member: fmt.Sprintf("ann:user%d", i)})
	}
	rooms := map[string]bool{}
	for i := range 20 {
		name := fmt.Sprintf("room%02d", i)
		rooms[name] = true
		active = append(active, redis.Z{Score: float64(i / 4 * 333), Member: name})
	}
	if err := s.redis.ZAdd(t.Context(), s.keys.Partitions[0].Activity, active...).Err(); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 3, 4, 20, 100} {
		seen := 0
		for cursor, more := "", true; more; more = cursor != "" {
			var page []chat.ID
			if page, cursor, err = s.ListAllRooms(t.Context(), cursor, limit); err != nil || len(page) > limit {
				t.Fatalf("ListAllRooms(%d) = %v, %v", limit, page, err)
			}
			for _, id := range page {
				if seen++; !rooms[id.String()] {
					t.Errorf("ListAllRooms(%d) has %s", limit, id)
				}
			}
			if seen > len(rooms) {
				break
			}
		}
		if seen != len(rooms) {
			t.Errorf("pages of %d have %d rooms, want each of %d once", limit, seen, len(rooms))
		}
	}
	for _, cursor := range []string{"x", "0/0", "-1/0/a", "0/x/a", "0/-1/a"} {
		if _, _, err := s.ListAllRooms(t.Context(), cursor, 1); chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("ListAllRooms from %q = %v, want it refused", cursor, err)
		}
	}
	if page, next, err := s.ListAllRooms(t.Context(), "7/0/", 1); len(page) > 0 || next != "" || err != nil {
		t.Errorf("ListAllRooms from beyond the end = %v, %q, %v", page, next, err)
	}
}
