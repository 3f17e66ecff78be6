package access

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is one line of a table, whose words are
//
//   - its scene: "same" is the scene that all share, "own" is a new one for each caller who is allowed, where
//     there is something to change, and "acct" is that with an account for that user;
//   - the route, frame or method;
//   - its outcome for each caller. A status, or "ok" over a WebSocket and RPC, is a success; "*" says that something
//     of the private room or the two-person chat is in the answer, which otherwise is not so. All else is a refusal, which
//     changes nothing: a status with its code, where 401 is unauthenticated, pwd the same for a wrong password, exp is token_expired and
//     inv token_invalid;
//   - the request. Over HTTP and in frames these are its fields; "?field" is in the query string also where there is a
//     body, and ":field" in the path. In RPC it is JSON, to which the caller's identity is added.
//
// {words} in braces are filled in for the scene and the caller (fill).
type row struct {
	scene, name string
	want        map[caller]string
	request     string
}

// split returns who is refused, and who is not.
func (r row) split(columns []caller) (refused, rest []caller) {
	for _, by := range columns {
		if allowed(r.want[by]) {
			rest = append(rest, by)
		} else {
			refused = append(refused, by)
		}
	}
	return refused, rest
}

// allowed reports whether the outcome of a request is a success.
func allowed(outcome string) bool {
	return strings.HasPrefix(outcome, "2") || strings.HasPrefix(outcome, "ok") || outcome == "101"
}

// rowsOf reads a table. Its first line names the columns; those that begin with # are for who reads it. words is how many
// the name of a row has.
func rowsOf(t *testing.T, table string, columns []caller, words int) (rows []row) {
	t.Helper()
	lines := slices.DeleteFunc(strings.Split(table, "\n"), func(line string) bool {
		return strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#")
	})
	for i, line := range lines {
		fields := strings.Fields(line)
		first := 1 + words
		if i == 0 {
			first = slices.Index(fields, string(columns[0]))
		}
		if len(fields) < first+len(columns) {
			t.Fatalf("a row has too few words: %s", line)
		}
		r := row{
			scene: fields[0], name: strings.Join(fields[1:first], " "), want: map[caller]string{},
			request: strings.Join(fields[first+len(columns):], " "),
		}
		for k, c := range columns {
			r.want[c] = fields[first+k]
			if i == 0 && r.want[c] != string(c) {
				t.Fatalf("the columns are %q, want %q", fields[first:], columns)
			}
		}
		if i > 0 {
			rows = append(rows, r)
		}
	}
	return rows
}

// complete wants a row for all that there is, and nothing else.
func complete(t *testing.T, what string, rows []row, there []string) {
	t.Helper()
	known := map[string]bool{}
	for _, r := range rows {
		known[r.name] = true
		if !slices.Contains(there, r.name) {
			t.Errorf("%s: the table has a row of %s %s, which is not there", t.Name(), what, r.name)
		}
	}
	for _, name := range there {
		if !known[name] {
			t.Errorf("%s: %s %s has no row: say who may do it", t.Name(), what, name)
		}
	}
}

var number = regexp.MustCompile(`^\d+$`)

// fields splits the request of a row: into a JSON object, a query and the parts of the path.
func fields(request string, inQuery bool) (body string, query url.Values, path map[string]string) {
	object, query, path := map[string]any{}, url.Values{}, map[string]string{}
	for field := range strings.FieldsSeq(request) {
		name, value, _ := strings.Cut(field, "=")
		switch {
		case name[0] == ':':
			path[name] = value
		case name[0] == '?' || inQuery:
			query.Add(strings.TrimPrefix(name, "?"), value)
		case value[0] == '[':
			object[name] = strings.Split(strings.Trim(value, "[]"), ",")
		case number.MatchString(value) || value == "true" || value == "false":
			object[name] = json.RawMessage(value)
		default:
			object[name] = value
		}
	}
	if len(object) == 0 {
		return "", query, path
	}
	encoded, _ := json.Marshal(maps.Clone(object))
	return string(encoded), query, path
}
