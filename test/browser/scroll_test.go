package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestLongHistory scrolls through 10,000 messages, up to the oldest and back: each is shown, in order. Visible messages
// keep their place while older ones are loaded, and the page has only messages near them.
func TestLongHistory(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	c := newClient(t, base)
	const count = 10_000
	for first := 1; first <= count; first += 100 {
		messages := make([]client.Message, 100)
		for i := range messages {
			messages[i] = client.Message{Chat: "alice:bob", Sender: "bob", Text: fmt.Sprint(first+i, strings.Repeat(" words", (first+i)%40))}
		}
		results, err := c.SendAll(t.Context(), messages)
		if err != nil {
			t.Fatal(err)
		}
		for _, result := range results {
			if result.Err != nil {
				t.Fatal(result.Err)
			}
		}
	}
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.press(".row", "bob")
	alice.shows(".text", fmt.Sprint(count))
	alice.await(`(s => s.scrollHeight - s.scrollTop - s.clientHeight < 5)(document.querySelector('.scroll'))`)
	eval[bool](alice, `(() => {
		window.tasks = []
		new PerformanceObserver(list => tasks.push(...list.getEntries().map(e => e.duration))).observe({ type: 'longtask' })
		window.view = document.querySelector('.scroll')
		window.frame = () => new Promise(done => requestAnimationFrame(done))
		window.chunks = document.getElementsByClassName('chunk')
		window.messages = document.getElementsByClassName('message')
		window.inSight = () => {
			const { top, bottom } = view.getBoundingClientRect()
			return [...messages].filter(m => (box => box.bottom > top && box.top < bottom)(m.getBoundingClientRect()))
		}
		return true
	})()`)
	moved := eval[[]float64](alice, `(async () => {
		const moved = []
		for (let before; before = chunks.length, document.querySelector('.top').textContent !== 'This is the beginning.'; ) {
			view.scrollTop = 100
			await frame()
			const seen = inSight()[0], at = seen.getBoundingClientRect().top
			while (chunks.length === before) await frame()
			await frame(); await frame()
			moved.push(Math.round(seen.getBoundingClientRect().top - at))
		}
		return moved
	})()`)
	if len(moved) < count/100-1 {
		t.Errorf("%d pages were loaded, want %d", len(moved), count/100-1)
	}
	for _, by := range moved {
		if by < -2 || by > 2 {
			t.Errorf("what was in sight moved by %v pixels", moved)
			break
		}
	}
	// Down again, by steps of nearly a view: the visible messages are the sent ones, without a gap.
	type walk struct {
		Seen, Most int
		Wrong      string
		Tasks      []float64
	}
	got := eval[walk](alice, `(async () => {
		let seen = 0, most = 0
		view.scrollTop = 0
		for (let last = -1; view.scrollTop !== last; view.scrollTop += view.clientHeight - 10) {
			last = view.scrollTop
			await frame()
			for (const message of inSight()) {
				const number = parseInt(message.querySelector('.text').textContent)
				if (number > seen + 1) return { Seen: seen, Most: most, Wrong: 'after ' + seen + ' comes ' + number, Tasks: tasks }
				seen = Math.max(seen, number)
			}
			most = Math.max(most, messages.length)
		}
		return { Seen: seen, Most: most, Wrong: '', Tasks: tasks }
	})()`)
	if got.Seen != count || got.Wrong != "" {
		t.Errorf("%d messages were seen, want %d: %s", got.Seen, count, got.Wrong)
	}
	if got.Most > 250 {
		t.Errorf("the page has %d messages at once, want only those near the view", got.Most)
	}
	// Texts that wrap anew leave the visible messages in place, and the focused element stays in the page.
	eval[bool](alice, `(async () => {
		view.scrollTop = view.scrollHeight / 2
		await frame()
		inSight()[0].querySelector('summary').focus({ preventScroll: true })
		await frame()
		window.first = inSight()[0]
		window.at = first.getBoundingClientRect().top
		window.wide = view.clientWidth
		return true
	})()`)
	alice.sized(700, 900)
	alice.await("view.clientWidth !== wide")
	if by := eval[float64](alice, `(async () => (await frame(), await frame(), first.getBoundingClientRect().top - at))()`); by < -2 || by > 2 {
		t.Errorf("in another width, what was in sight moved by %v pixels", by)
	}
	if !eval[bool](alice, `(async () => {
		view.scrollTop = 0
		await frame(); await frame()
		return document.activeElement.tagName === 'SUMMARY' && inSight()[0].querySelector('.text').textContent.startsWith('1 ')
	})()`) {
		t.Error("what had the focus left the page")
	}
	var longest, total float64
	for _, took := range got.Tasks {
		longest, total = max(longest, took), total+took
	}
	t.Logf("%d tasks were longer than 50 ms: the longest took %.0f ms, all together %.1f s; the page had %d messages at most", len(got.Tasks), longest, total/1000, got.Most)
}
