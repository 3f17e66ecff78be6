package layout

import "testing"

// TestProjectionKeys pins the names, and that Parse knows them: they are in people's Redis.
func TestProjectionKeys(t *testing.T) {
	t.Parallel()
	k := NewKeys("im", DefaultPartitions, 0)
	p := k.Projection(97, "words")
	for _, c := range []struct {
		got, want string
		parsed    KeyName
	}{
		{k.Projections(), "im:projections", KeyName{Kind: ProjectionsKey}},
		{k.Workers("words"), "im:workers:words", KeyName{Kind: WorkersKey, Chat: "words"}},
		{p.State, "im:{97}:projection:words", KeyName{Kind: ProjectionKey, Partition: "97", Chat: "words"}},
		{p.Cursors, "im:{97}:cursors:words", KeyName{Kind: CursorsKey, Partition: "97", Chat: "words"}},
		{p.Dead, "im:{97}:dead:words", KeyName{Kind: DeadKey, Partition: "97", Chat: "words"}},
		{p.Groups, "im:{97}:groups:words", KeyName{Kind: GroupsKey, Partition: "97", Chat: "words"}},
		{p.Counts + "total", "im:{97}:counts:words:total", KeyName{Kind: CountsKey, Partition: "97", Chat: "words:total"}},
	} {
		if c.got != c.want {
			t.Errorf("key = %q, want %q", c.got, c.want)
		}
		if parsed, ours := k.Parse(c.got); !ours || parsed != c.parsed {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", c.got, parsed, ours, c.parsed)
		}
	}
}
