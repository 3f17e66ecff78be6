package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names is what the rules need to know of Unicode beyond the standard library.
type Names interface {
	// Check returns why nothing new may have a name, or "".
	Check(name string) (why string)
	// Looks returns one or two forms of a name. Two names that look alike have one in common.
	Looks(name string) []string
	// Password returns the form of a password that is hashed, and false for what cannot be one.
	Password(password string) (string, bool)
}

// reserved are no users, and no new rooms: paths and notices have these words.
var reserved = []string{"me", "service", "public", "admin", "system"}

// checkName refuses what is not a user's or room's id. Ids are compared byte for byte: nothing is folded or
// normalised. "." and ".." are none, because no path of a URL can have them (RFC 3986, 5.2.4).
//
// It lets pass all that releases before have let pass, so that what was stored stays readable. checkNew is stricter.
func checkName(what, name string) error {
	if name == "." || name == ".." {
		return Errorf(InvalidArgument, "%s is %q, which no URL can have in its path", what, name)
	}
	return checkWord(what, name)
}

// checkWord refuses what does not consist of the letters of names.
func checkWord(what, name string) error {
	switch {
	case name == "":
		return Errorf(InvalidArgument, "%s is empty", what)
	case len(name) > MaxIDBytes:
		return Errorf(InvalidArgument, "%s is %d bytes; the limit is %d", what, len(name), MaxIDBytes)
	case !utf8.ValidString(name):
		return Errorf(InvalidArgument, "%s is not valid UTF-8", what)
	}
	lettered := false // the rune before is a letter, or a mark of one
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

// isMark says whether a rune may belong to the letter before it, as vowels of many scripts do.
func isMark(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Mc) && !isInvisible(r) }

// isInvisible says whether a letter or mark is drawn as nothing: Unicode's default-ignorable code points.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// checkNew refuses a name that nothing new may have, although something old may. checkName has let it pass.
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

// checkNewUsers is checkNew for users who come into a chat. The caller has her name already.
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

// checkNewReader is checkNewUsers for a reader, and her device.
func (a Access) checkNewReader(reader string, by Caller) error {
	user, device, _ := strings.Cut(reader, "/")
	if err := a.checkNewUsers([]string{user}, by); err != nil {
		return err
	}
	return a.checkNew("reader's device", device)
}

// checkUnreserved refuses the names that are reserved, and those that look like one.
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

// looks returns under which forms a name is unique.
func (a Access) looks(name string) []string {
	if a.Names == nil {
		return []string{strings.ToLower(name)}
	}
	return a.Names.Looks(name)
}

// checkLabel refuses what people could not read as the name of a user or a room. None is a name too.
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

// isControl says whether a rune is for machines, or changes how what stands around it is shown: embeddings, overrides
// and isolates of Unicode's UAX 9, and ends of lines and paragraphs.
func isControl(r rune) bool {
	return unicode.IsControl(r) || '\u2028' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// isVisible says whether a rune alone shows something. U+2800 is a pattern of Braille without dots.
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
