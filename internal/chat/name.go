package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names provides the rules of Unicode that the standard library lacks.
type Names interface {
	// Check returns why a name is not allowed for something new, or "".
	Check(name string) (why string)
	// Looks returns one or two forms of a name. Names that look alike share one.
	Looks(name string) []string
	// Password returns the form of a password to hash, and false for an invalid one.
	Password(password string) (string, bool)
}

// reserved names cannot be users or new rooms, because paths and notices contain these words.
var reserved = []string{"me", "service", "public", "admin", "system"}

// checkName refuses invalid ids of users and rooms. Ids are compared byte for byte, without folding or normalisation. "."
// and ".." are invalid, because the path of a URL cannot contain them (RFC 3986, 5.2.4).
//
// It accepts all names that earlier releases accepted, so that stored data stays readable. checkNew is stricter.
func checkName(what, name string) error {
	if name == "." || name == ".." {
		return Errorf(InvalidArgument, "%s is %q, which is not possible in the path of a URL", what, name)
	}
	return checkWord(what, name)
}

// checkWord refuses characters that names cannot have.
func checkWord(what, name string) error {
	switch {
	case name == "":
		return Errorf(InvalidArgument, "%s is empty", what)
	case len(name) > MaxIDBytes:
		return Errorf(InvalidArgument, "%s is %d bytes; the limit is %d", what, len(name), MaxIDBytes)
	case !utf8.ValidString(name):
		return Errorf(InvalidArgument, "%s is not valid UTF-8", what)
	}
	lettered := false // the previous rune is a letter, or a mark of one
	for _, r := range name {
		switch {
		case nameRune(r):
			lettered = r >= utf8.RuneSelf || r >= 'A' && r != '_'
		case !lettered || !isMark(r):
			return Errorf(InvalidArgument, "%s contains %q; allowed are letters with their marks, digits and . _ - @ +", what, r)
		}
	}
	return nil
}

func nameRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-@+", r)
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// isMark reports whether a rune may belong to the previous letter, as vowels of many scripts do.
func isMark(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Mc) && !isInvisible(r) }

// isInvisible reports whether a letter or mark has no glyph: Unicode's default-ignorable code points.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// checkNew refuses a name that breaks the rules for new names. checkName has accepted it.
func (a Access) checkNew(what, name string) error {
	if isASCII(name) {
		return nil
	}
	for _, r := range name {
		if isInvisible(r) {
			return Errorf(InvalidArgument, "%s contains %q, which is invisible", what, r)
		}
	}
	if a.Names == nil {
		return nil
	}
	if why := a.Names.Check(name); why != "" {
		return Errorf(InvalidArgument, "%s %s", what, why)
	}
	return nil
}

// checkNewUsers is checkNew for users who enter a chat, except the caller, whose name exists already.
func (a Access) checkNewUsers(users []string, by Caller) error {
	for _, user := range users {
		if user == by.User && !by.Service {
			continue
		}
		if err := a.checkNew("user", user); err != nil {
			return err
		}
	}
	return nil
}

// checkNewReader is checkNewUsers for a reader and its device.
func (a Access) checkNewReader(reader string, by Caller) error {
	user, device, _ := strings.Cut(reader, "/")
	if err := a.checkNewUsers([]string{user}, by); err != nil {
		return err
	}
	return a.checkNew("reader's device", device)
}

// checkUnreserved refuses reserved names, and names that look like one.
func (a Access) checkUnreserved(what, name string) error {
	looks := a.looks(name)
	for _, word := range reserved {
		for _, look := range a.looks(word) {
			if slices.Contains(looks, look) {
				return Errorf(InvalidArgument, "%s is %q, which is reserved", what, name)
			}
		}
	}
	return nil
}

// looks returns the forms under which a name is unique.
func (a Access) looks(name string) []string {
	if a.Names == nil {
		return []string{strings.ToLower(name)}
	}
	return a.Names.Looks(name)
}

// checkLabel refuses display names that are not legible. The empty name is valid.
func checkLabel(name string, limit int) error {
	switch {
	case name == "":
		return nil
	case len(name) > limit:
		return Errorf(InvalidArgument, "name is %d bytes; the limit is %d", len(name), limit)
	case !utf8.ValidString(name):
		return Errorf(InvalidArgument, "name is not valid UTF-8")
	case strings.ContainsFunc(name, isControl):
		return Errorf(InvalidArgument, "name contains a control character, or one that turns the direction of writing")
	case !strings.ContainsFunc(name, isVisible):
		return Errorf(InvalidArgument, "name is blank: nothing of it can be seen")
	}
	return nil
}

// isControl reports whether a rune is a control character or changes how the text around it is shown: embeddings,
// overrides and isolates of Unicode's UAX 9, and ends of lines and paragraphs.
func isControl(r rune) bool {
	return unicode.IsControl(r) || '\u2028' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// isVisible reports whether a rune alone is visible. U+2800 is a pattern of Braille without dots.
func isVisible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !isInvisible(r) && !unicode.In(r, unicode.Zs, unicode.M) && r != '\u2800'
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
