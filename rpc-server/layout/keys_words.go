package layout

import (
	"strconv"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// The key of words. Their counts are those of the projection "words".
//
//	key       type        content
//	                      written by; expires
//	im:words  hash        "chat word" → "id match": in µs, and word or substring; version → the last id
//	                      put_word.lua, delete_word.lua; never expires
//
// The chat is empty for a word that counts in all of them. No name of a chat and no word has a space.

// Words is the key of the registered words.
func (k Keys) Words() string { return k.Prefix + ":" + WordsKey }

// WordsKey is the kind of the key, as KeyName has it.
const WordsKey = "words"

// WordField is the field of a word.
func WordField(of, word string) string { return of + " " + word }

// The stored forms of a word's match.
const (
	wholeWord = "word"
	substring = "substring"
)

// WordMatch is the stored form of a word's match.
func WordMatch(w chat.Word) string {
	if w.Substring {
		return substring
	}
	return wholeWord
}

// WordValue is the value of a word's field.
func WordValue(w chat.Word) string { return strconv.FormatInt(w.ID, 10) + " " + WordMatch(w) }

// ParseWord reads a field and its value; false for a malformed one, and for the version.
func ParseWord(field, value string) (chat.Word, bool) {
	of, word, isWord := strings.Cut(field, " ")
	id, match, _ := strings.Cut(value, " ")
	n, err := strconv.ParseInt(id, 10, 64)
	return chat.Word{Chat: of, Word: word, ID: n, Substring: match == substring}, isWord && err == nil && n > 0 && (match == substring || match == wholeWord)
}
