package main

import (
	"fmt"
	"strings"

	"github.com/pullchat/pullchat/rpc-server/check"
)

// checkSummary is a report for people.
func checkSummary(r check.Report) string {
	var b strings.Builder
	if !r.Complete {
		fmt.Fprintln(&b, "INCOMPLETE: this covers only the keys read so far")
	}
	fmt.Fprintf(&b, "chats     %d", r.Chats)
	if r.Emptied > 0 {
		fmt.Fprintf(&b, ", and %d without messages (expired, if RETENTION is set)", r.Emptied)
	}
	fmt.Fprintf(&b, "\nmessages  %d\nbytes     %d\nids       %d\n", r.Messages, r.Bytes, r.IDs)
	if r.Rooms > 0 {
		fmt.Fprintf(&b, "rooms     %d\n", r.Rooms)
	}
	if r.Accounts > 0 {
		fmt.Fprintf(&b, "accounts  %d\n", r.Accounts)
	}
	if r.Unknown.Count > 0 {
		fmt.Fprintf(&b, "unknown   %d: %s\n", r.Unknown.Count, list(r.Unknown.Examples, r.Unknown.Count))
	}
	fmt.Fprintf(&b, "faults    %d", r.Found())
	if repaired := r.Found() - r.Left(); repaired > 0 {
		fmt.Fprintf(&b, ", of which %d repaired", repaired)
	}
	fmt.Fprintln(&b)
	for _, f := range r.Faults {
		writeFaults(&b, f)
	}
	return b.String()
}

func writeFaults(b *strings.Builder, f check.FaultCount) {
	fmt.Fprintf(b, "\n%s  %d\n  rule: %s\n", f.Kind, f.Count, f.Kind.Rule())
	for _, example := range f.Examples {
		fmt.Fprintf(b, "    %s", example.Key)
		if example.Position != 0 {
			fmt.Fprintf(b, " at %d", example.Position)
		}
		fmt.Fprintf(b, ": %s", example.Detail)
		if example.Repaired {
			fmt.Fprint(b, " (repaired)")
		}
		fmt.Fprintln(b)
	}
	if more := f.Count - int64(len(f.Examples)); more > 0 {
		fmt.Fprintf(b, "    and %d more\n", more)
	}
	if f.Count > f.Repaired {
		fmt.Fprintf(b, "  to do: %s\n", f.Kind.Advice())
	}
}

// list joins the first of some keys.
func list(first []string, count int64) string {
	joined := strings.Join(first, ", ")
	if count > int64(len(first)) {
		joined += ", …"
	}
	return joined
}
