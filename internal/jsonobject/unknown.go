package jsonobject

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// FieldsOf returns the names of a request's fields in JSON.
func FieldsOf(request any) []string {
	t := reflect.TypeOf(request).Elem()
	var names []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// CheckFields refuses an object with other fields than known, which are case-insensitive. The object is valid JSON.
func CheckFields(object []byte, known []string) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return chat.Wrap(err, chat.InvalidArgument, "the object is not valid JSON")
	}
	return CheckNames("field", slices.Sorted(maps.Keys(fields)), known)
}

// CheckNames returns an error with the first unknown names and the probably intended ones.
func CheckNames(kind string, names, known []string) error {
	const most = 3
	var unknown []string
	for _, name := range names {
		if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			continue
		}
		if len(unknown) == most {
			break
		}
		hint := "; there should be none"
		if near := nearest(name, known); near != "" {
			hint = fmt.Sprintf(": did you mean %q?", near)
		} else if len(known) > 0 {
			hint = "; there are only " + strings.Join(known, ", ")
		}
		unknown = append(unknown, fmt.Sprintf("unknown %s %.70q%s", kind, name, hint))
	}
	if unknown == nil {
		return nil
	}
	return chat.Errorf(chat.InvalidArgument, "%s", strings.Join(unknown, " "))
}

// elsewhere maps a field to its names in other systems.
var elsewhere = map[string][]string{
	"text":          {"message", "body", "content", "msg", "messagetext", "formattedbody"},
	"sender":        {"from", "author", "user", "username", "userid", "fromuser", "senderid", "sentby"},
	"chat":          {"room", "roomid", "channel", "channelid", "conversation", "conversationid", "chatid", "thread", "threadid", "to", "recipient", "receiver"},
	"id":            {"messageid", "clientid", "msgid", "clientmsgid", "idempotencykey", "txnid", "nonce", "room", "roomid", "slug", "chat", "channel"},
	"users":         {"members", "member", "participants", "invite", "invites", "invitees", "memberids", "userids", "contacts"},
	"name":          {"title", "topic", "displayname", "nick", "nickname", "roomname"},
	"visibility":    {"public", "private", "ispublic", "isprivate", "access", "joinrule", "privacy", "type"},
	"user":          {"username", "login", "account", "userid", "id", "email"},
	"password":      {"pass", "pwd", "passphrase", "oldpassword", "currentpassword"},
	"new_password":  {"newpass", "newpwd"},
	"refresh_token": {"token", "refresh"},
	"cursor":        {"position", "sendtime", "lastread", "readupto", "upto", "messageid", "timestamp"},
	"reader":        {"user", "username", "userid", "sender", "as"},
	"type":          {"event", "kind", "signal"},
	"signal":        {"event", "kind", "signaltype"},
	"data":          {"payload", "content", "value"},
	"role":          {"rank", "level", "power", "admin"},
	"erase":         {"delete", "purge"},
	"as":            {"user", "actingas", "sender"},
}

// nearest returns the probably intended known name, or "".
func nearest(name string, known []string) string {
	const longest = 64 // no known name is longer, and the comparison takes quadratic time
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	if len(plain) > longest {
		return ""
	}
	best, least := "", max(1, min(3, len(plain)/3))+1
	for _, k := range known {
		if d := distance(plain, strings.ReplaceAll(k, "_", "")); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	for _, k := range known {
		if slices.Contains(elsewhere[k], plain) {
			return k
		}
	}
	return ""
}

// distance counts the letters to change, add, drop or exchange with the next one.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
