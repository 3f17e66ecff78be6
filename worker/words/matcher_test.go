package words

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/names"
)

// register returns words with ids from 1 on. One with a * is a substring; one with a @ behind it is a chat's.
func register(words ...string) []chat.Word {
	registered := make([]chat.Word, len(words))
	for i, word := range words {
		word, of, _ := strings.Cut(word, "@")
		word, substring := strings.CutSuffix(word, "*")
		registered[i] = chat.Word{Word: names.Fold(word), ID: int64(i + 1), Substring: substring, Chat: of}
	}
	return registered
}

func matcher(t testing.TB, words ...string) *Matcher {
	t.Helper()
	m, err := NewMatcher(register(words...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestWordsInTexts: a word counts where it is whole, whatever its case; a substring counts anywhere.
func TestWordsInTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		word, text string
		want       bool
	}{
		{"lunch", "lunch", true},
		{"lunch", "Is it LUNCH, or not?", true},
		{"lunch", "lunchtime", false},
		{"lunch", "brunchlunch", false},
		{"lunch", "lunch_time lunch2 2lunch", false},
		{"lunch", "lunchtime is lunch", true},
		{"lunch", "(lunch)", true},
		{"lunch", "", false},
		{"LUNCH*", "prelunchtime", true},
		{"lun*", "LUNCH", true},
		{"straße", "in der STRASSE", true},
		{"ΣΊΣΥΦΟΣ", "σίσυφος", true},
		{"café", "cafe\u0301", true}, // decomposed
		{"cafe\u0301", "CAFÉ", true},
		{"cafe", "café", false},
		{"cafe*", "cafe\u0301s", false}, // another letter
		{"cafe*", "cafeteria", true},
		{"q*", "q\u0307", false}, // there is no composed form
		{"да", "Да!", true},
		{"да", "дача", false},
		{"हिन्दी", "यह हिन्दी है", true},
		{"हिन्द", "हिन्दी", false},
		{"食べる*", "寿司を食べるよ", true},
		{"食べる", "寿司を食べるよ", false}, // scripts without spaces need a substring
		{"c++", "we like C++17", true},
		{"c++", "abc++", false},
		{"#tag", "a#tag", true},
		{"👍", "good👍ok", true},
		{"don't", "DON'T!", true},
		{"don", "don't", true},
	} {
		all, own := matcher(t, c.word).Find("room", c.text)
		if got := len(all) == 1; got != c.want || len(own) > 0 {
			t.Errorf("%q in %q: %v, want %v", c.word, c.text, got, c.want)
		}
	}
}

// TestWordsOfChats: a chat's own words count only in it; each word counts once for a message.
func TestWordsOfChats(t *testing.T) {
	t.Parallel()
	m := matcher(t, "tea", "cake", "tea@club", "tea*@ann:bob", "pie@club")
	for _, c := range []struct{ of, text, all, own string }{
		{"club", "tea TEA tea, and pie", "[1]", "[3 5]"},
		{"ann:bob", "steam, cake cake", "[2]", "[4]"},
		{"ann:bob", "steam, tea", "[1]", "[4]"},
		{"other", "tea pie", "[1]", "[]"},
		{"other", "pie", "[]", "[]"},
	} {
		all, own := m.Find(c.of, c.text)
		slices.Sort(all)
		slices.Sort(own)
		if fmt.Sprint(all) != c.all || fmt.Sprint(own) != c.own {
			t.Errorf("in %s %q has %v and %v, want %s and %s", c.of, c.text, all, own, c.all, c.own)
		}
	}
}

// TestMatcherIsTheRule: the automaton finds the same words as a search for each word by itself.
func TestMatcherIsTheRule(t *testing.T) {
	t.Parallel()
	alphabet := []string{"a", "b", "ab", "B", " ", "_", "é", "e\u0301", "ß", "ss", "1", "+", "語"}
	random := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		var b strings.Builder
		for range random.IntN(n) + 1 {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	for range 3000 {
		var given []string
		seen := map[string]bool{}
		for range random.IntN(12) + 1 {
			word := strings.ReplaceAll(text(4), " ", "")
			if folded := names.Fold(word); folded != "" && !seen[folded] && !strings.HasPrefix(folded, "\u0301") {
				seen[folded] = true
				given = append(given, word+[]string{"", "*"}[random.IntN(2)])
			}
		}
		if len(given) == 0 {
			continue
		}
		message := text(40)
		got, _ := matcher(t, given...).Find("room", message)
		var want []string
		for _, w := range register(given...) {
			if contains(names.Fold(message), w) {
				want = append(want, chat.WordCounter(w))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%q of %q: %v, want %v", message, given, got, want)
		}
	}
}

// contains looks for one word in a folded text, rune by rune.
func contains(text string, w chat.Word) bool {
	runes, word := []rune(text), []rune(w.Word)
	for i := 0; i+len(word) <= len(runes); i++ {
		if !slices.Equal(runes[i:i+len(word)], word) {
			continue
		}
		end := i + len(word)
		if end < len(runes) && runes[end] == '\u0301' {
			continue
		}
		whole := (i == 0 || !ofWords(word[0]) || !ofWords(runes[i-1])) && (end == len(runes) || !ofWords(word[len(word)-1]) || !ofWords(runes[end]))
		if whole || w.Substring {
			return true
		}
	}
	return false
}

func thousand() []string {
	random := rand.New(rand.NewPCG(3, 4))
	words := make([]string, 1000)
	for i := range words {
		for range random.IntN(8) + 4 {
			words[i] += string(rune('a' + random.IntN(26)))
		}
	}
	return words
}

// BenchmarkFind measures a message of 100 characters, of which two words are registered, with one word and with 1,000.
func BenchmarkFind(b *testing.B) {
	words := thousand()
	for _, n := range []int{1, 1000} {
		for name, text := range map[string]string{
			"ascii":   words[0] + strings.Repeat(" lorem ipsum dolor", 5) + " " + words[500%n] + " end.",
			"unicode": words[0] + strings.Repeat(" Übergrößen für é", 5) + " " + words[500%n] + " Ende.",
		} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				m := matcher(b, words[:n]...)
				b.ReportAllocs()
				for b.Loop() {
					m.Find("room", text)
				}
			})
		}
	}
}

// BenchmarkBuild measures the cost of a change of 1,000 words for a worker.
func BenchmarkBuild(b *testing.B) {
	words := register(thousand()...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewMatcher(words); err != nil {
			b.Fatal(err)
		}
	}
}
