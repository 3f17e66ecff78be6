package storage

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// editing returns the changes of a store, with or without the history of edits.
func editing(store *Store, history bool) chat.Changes {
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 100, EditWindow: time.Hour, EditHistory: history}
	return chattest.Changes(store, chat.Access{}, limits)
}

// change makes a change by ann.
func change(t *testing.T, by chat.Changes, name string, ref int64, kind chat.NoticeEvent, text string) {
	t.Helper()
	if _, err := by.Change(t.Context(), chat.Change{Chat: name, Ref: ref, Kind: kind, Sender: "ann", Text: text}); err != nil {
		t.Fatal(err)
	}
}

// holders returns the keys of the whole Redis whose content has a text.
func holders(t *testing.T, store *Store, text string) (found []string) {
	t.Helper()
	each := func(ctx context.Context, node redis.Cmdable) error {
		for keys := node.Scan(ctx, 0, "*", 1000).Iterator(); keys.Next(ctx); {
			key := keys.Val()
			if strings.Contains(strings.Join(contentOf(ctx, t, node, key), "\n"), text) {
				found = append(found, key)
			}
		}
		return nil
	}
	if cluster, is := store.redis.(*redis.ClusterClient); is {
		if err := cluster.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error { return each(ctx, node) }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	if err := each(t.Context(), store.redis); err != nil {
		t.Fatal(err)
	}
	return found
}

// contentOf returns all that a key holds.
func contentOf(ctx context.Context, t *testing.T, node redis.Cmdable, key string) (parts []string) {
	t.Helper()
	var err error
	switch kind := node.Type(ctx, key).Val(); kind {
	case "zset":
		parts, err = node.ZRange(ctx, key, 0, -1).Result()
	case "set":
		parts, err = node.SMembers(ctx, key).Result()
	case "hash":
		var fields map[string]string
		fields, err = node.HGetAll(ctx, key).Result()
		for field, value := range fields {
			parts = append(parts, field, value)
		}
	case "string":
		parts = make([]string, 1)
		parts[0], err = node.Get(ctx, key).Result()
	case "list":
		parts, err = node.LRange(ctx, key, 0, -1).Result()
	default:
		t.Errorf("%s is a %s, which this test cannot read", key, kind)
	}
	if err != nil {
		t.Errorf("read %s: %v", key, err)
	}
	return parts
}

// TestEarlierTextsGo: no key of Redis has a text of a message any more once the message is deleted, or edited without a
// history, or its sender erased, or its room deleted, or once it has expired.
func TestEarlierTextsGo(t *testing.T) {
	eachRedis(t, Options{}, func(t *testing.T, _ string, store *Store) {
		made := func(t *testing.T, name string) (ref int64) {
			t.Helper()
			sent, err := appendOne(store, chattest.ID(t, name), chat.Message{Sender: "ann", Text: "words of " + name})
			if err != nil {
				t.Fatal(err)
			}
			change(t, editing(store, true), name, sent.SendTime, chat.MessageEdited, "new words of "+name)
			if got := holders(t, store, "words of "+name); len(got) != 2 {
				t.Fatalf("%v have the texts of a message that was edited, want the log and the edits", got)
			}
			return sent.SendTime
		}
		for name, remove := range map[string]func(t *testing.T, name string, ref int64){
			"deleted": func(t *testing.T, name string, ref int64) {
				change(t, editing(store, true), name, ref, chat.MessageDeleted, "")
			},
			"deletedlater": func(t *testing.T, name string, ref int64) { // by a server that keeps no history
				change(t, editing(store, false), name, ref, chat.MessageDeleted, "")
			},
			"off": func(t *testing.T, name string, ref int64) {
				change(t, editing(store, false), name, ref, chat.MessageEdited, "other")
			},
			"erased": func(t *testing.T, name string, _ int64) {
				if _, err := store.EraseTexts(t.Context(), chattest.ID(t, name), "ann", 1); err != nil {
					t.Fatal(err)
				}
			},
			"erasedlater": func(t *testing.T, name string, ref int64) { // the message itself went before
				store.redis.ZRemRangeByRank(t.Context(), store.keys.Log(chattest.ID(t, name)), 0, 0)
				if _, err := store.EraseTexts(t.Context(), chattest.ID(t, name), "ann", 1); err != nil {
					t.Fatal(err)
				}
			},
			"room": func(t *testing.T, name string, _ int64) {
				if made, err := store.DropRoom(t.Context(), chat.RoomEdit{Room: chattest.ID(t, name), IfAdmins: -1}); err != nil || made != chat.Edited {
					t.Fatal(made, err)
				}
			},
			"retention": func(t *testing.T, name string, ref int64) {
				store.own.learn(map[chat.ID]time.Duration{chattest.ID(t, name): time.Microsecond}, false)
				if err := store.trimRooms(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
		} {
			ref := made(t, name)
			remove(t, name, ref)
			if got := holders(t, store, "words of "+name); len(got) > 0 {
				t.Errorf("%s: %v still have a text", name, got)
			}
		}
	})
}

// TestEarlierTextsExpire: the texts of messages that are gone go with the next edit in the chat, and all of them with the
// retention.
func TestEarlierTextsExpire(t *testing.T) {
	eachRedis(t, Options{Retention: time.Hour, MaxChatMessages: 3}, func(t *testing.T, _ string, store *Store) {
		var last int64
		for _, text := range []string{"first", "second"} {
			sent, err := appendOne(store, chattest.ID(t, "hall"), chat.Message{Sender: "ann", Text: text})
			if err != nil {
				t.Fatal(err)
			}
			change(t, editing(store, true), "hall", sent.SendTime, chat.MessageEdited, "edited")
			last = sent.SendTime
		}
		if got := holders(t, store, "first"); len(got) > 0 {
			t.Errorf("%v have the text of a message that is gone", got)
		}
		key := store.keys.Edits(chattest.ID(t, "hall"))
		if left := store.redis.PTTL(t.Context(), key).Val(); left <= 0 || left > time.Hour {
			t.Errorf("the earlier texts expire in %v, want within the retention", left)
		}
		if got, err := editing(store, true).Versions(t.Context(), chat.VersionsRequest{Chat: "hall", Ref: last}); err != nil || len(got.Versions) != 2 {
			t.Errorf("Versions() = %+v, %v; want both texts", got, err)
		}
		_, err := editing(store, false).Versions(t.Context(), chat.VersionsRequest{Chat: "hall", Ref: last})
		if chat.CodeOf(err) != chat.PermissionDenied || !strings.Contains(err.Error(), "EDIT_HISTORY") {
			t.Errorf("Versions() without a history = %v, want an error that names EDIT_HISTORY", err)
		}
	})
}
