package words

import (
	"unicode"
	"unicode/utf8"

	"github.com/coregx/ahocorasick"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/names"
)

// Matcher finds registered words in texts. One pass over a text finds all of them.
type Matcher struct {
	automaton *ahocorasick.Automaton
	patterns  []pattern
}

// pattern is a word as a text has it, with those who registered it.
type pattern struct {
	begins, ends bool // its first and last rune belong to words
	all          registered
	chats        map[string]registered
}

// registered is a registration of a word; the zero value is none.
type registered struct {
	counter   string
	substring bool
}

// NewMatcher returns a Matcher of words, which have their folded form; nil for none.
func NewMatcher(words []chat.Word) (*Matcher, error) {
	if len(words) == 0 {
		return nil, nil //nolint:nilnil // without words there is no matcher
	}
	m := &Matcher{}
	builder := ahocorasick.NewBuilder()
	known := map[string]int{}
	for _, w := range words {
		i, is := known[w.Word]
		if !is {
			i = len(m.patterns)
			known[w.Word] = i
			first, _ := utf8.DecodeRuneInString(w.Word)
			last, _ := utf8.DecodeLastRuneInString(w.Word)
			m.patterns = append(m.patterns, pattern{begins: ofWords(first), ends: ofWords(last), chats: map[string]registered{}})
			builder.AddPattern([]byte(w.Word))
		}
		r := registered{counter: chat.WordCounter(w), substring: w.Substring}
		if w.Chat == "" {
			m.patterns[i].all = r
		} else {
			m.patterns[i].chats[w.Chat] = r
		}
	}
	var err error
	m.automaton, err = builder.Build()
	return m, err
}

// ofWords reports whether a rune belongs to words: letters, digits and other numbers, marks, and the underscore.
func ofWords(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// Find returns the counters of the words that a text of a chat contains, each once: of those that count in all chats, and of
// the chat's own.
func (m *Matcher) Find(of, text string) (all, own []string) {
	text = names.Fold(text)
	var found map[int]*[2]bool
	for _, match := range m.automaton.FindAllOverlapping([]byte(text)) {
		p := &m.patterns[match.PatternID]
		forChat := p.chats[of]
		if p.all.counter == "" && forChat.counter == "" {
			continue
		}
		whole, cut := p.isWord(text, match.Start, match.End)
		if cut {
			continue
		}
		if found == nil {
			found = map[int]*[2]bool{}
		}
		has := found[match.PatternID]
		if has == nil {
			has = new([2]bool)
			found[match.PatternID] = has
		}
		if p.all.counts(whole) && !has[0] {
			has[0], all = true, append(all, p.all.counter)
		}
		if forChat.counts(whole) && !has[1] {
			has[1], own = true, append(own, forChat.counter)
		}
	}
	return all, own
}

// counts reports whether a place in a text counts, where the word is whole or part of another.
func (r registered) counts(whole bool) bool { return r.counter != "" && (whole || r.substring) }

// isWord reports whether the pattern is a whole word where it was found, and whether it ends there before a mark of its last
// letter: then it is another letter.
func (p *pattern) isWord(text string, start, end int) (whole, cut bool) {
	before, size := utf8.DecodeLastRuneInString(text[:start])
	startsWord := size == 0 || !p.begins || !ofWords(before)
	after, size := utf8.DecodeRuneInString(text[end:])
	endsWord := size == 0 || !p.ends || !ofWords(after)
	return startsWord && endsWord, size > 0 && unicode.IsMark(after)
}
