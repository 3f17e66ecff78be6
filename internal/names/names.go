// Package names implements Unicode rules for names and passwords that the standard library lacks: PRECIS (RFC 8264,
// 8265), normal forms, and confusable letters (UTS 39).
package names

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mtibben/confusables"
	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/pullchat/pullchat/internal/chat"
)

// Rules implements chat.Names.
type Rules struct{}

var _ chat.Names = Rules{}

// everyday letters occur in ordinary names. PRECIS rejects them only because Unicode can write each as two others.
var everyday = strings.NewReplacer(
	"\u0e33", "\u0e32", // Thai SARA AM, as in น้ำ
	"\u0eb3", "\u0eb2", // Lao AM
	"\u0edc", "\u0eab", // Lao HO NO
	"\u0edd", "\u0eab", // Lao HO MO
	"\u0587", "\u0565", // Armenian ECH YIWN, as in Սևակ
)

// Check implements chat.Names. A name must be in NFC and allowed by UsernameCaseMapped of RFC 8265. It keeps its case
// and width.
func (Rules) Check(name string) (why string) {
	switch {
	case isASCII(name):
		return ""
	case !norm.NFC.IsNormalString(name):
		return "is not in Unicode's normal form NFC"
	}
	if _, err := precis.UsernameCaseMapped.String(everyday.Replace(name)); err != nil {
		return "is not a name by RFC 8265 (PRECIS): a letter is not allowed, or the direction of writing is mixed"
	}
	return ""
}

// Looks implements chat.Names. It returns the skeletons of the name in lower case and as given: "ALICE" looks like
// "alice" in lower case, and "aIice" with a capital I looks like it as given.
func (Rules) Looks(name string) []string {
	wide := norm.NFKC.String(name)
	forms := []string{skeleton(fold(wide)), skeleton(wide)}
	return slices.Compact(forms)
}

func skeleton(name string) string { return norm.NFC.String(fold(confusables.Skeleton(name))) }

func fold(name string) string { return cases.Fold().String(name) }

// Password implements chat.Names with OpaqueString of RFC 8265. It returns false for passwords that this rejects, such
// as those with control characters.
func (Rules) Password(password string) (string, bool) {
	if !utf8.ValidString(password) {
		return "", false
	}
	prepared, err := precis.OpaqueString.String(password)
	return prepared, err == nil
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
