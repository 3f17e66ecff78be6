package names

import (
	"slices"
	"testing"
)

func TestCheck(t *testing.T) {
	for name, good := range map[string]bool{
		"alice": true, "Bob.2": true, "a+b@c_d-e": true, "café": true, "王伟": true, "राम": true, "กิตติ": true, "น้ำ": true,
		"ລຳ": true, "ໝາ": true, "Սևակ": true, "தமிழ்": true, "မြန်မာ": true, "ខ្មែរ": true, "שלום": true, "محمد": true,
		"한글": true, "বাংলা": true, "Ａｌｉｃｅ": true, "שלום1": true,
		"cafe\u0301": false, "\u212a": false, "\u212b": false, "\u2126": false, "\uf900": false, "\u3164": false, "\u115f": false,
		"alice\uffa0": false, "a\u200d": false, "a\u202e": false, "\ufb01ne": false, "\U0001d400": false, "\u1100": false,
		"alice\u05d0": false, "\u1d2c": false, "a\u034f": false, "a\ufe0f": false, "\u0378": false,
	} {
		if why := (Rules{}).Check(name); (why == "") != good {
			t.Errorf("Check(%+q) = %q, want good: %v", name, why, good)
		}
	}
}

func TestLooks(t *testing.T) {
	alike := func(a, b string) bool {
		return slices.ContainsFunc(Rules{}.Looks(a), func(look string) bool { return slices.Contains(Rules{}.Looks(b), look) })
	}
	for _, pair := range [][2]string{
		{"alice", "Alice"},
		{"alice", "ALICE"},
		{"alice", "ａｌｉｃｅ"},
		{"alice", "\u0430lice"},
		{"alice", "aIice"},
		{"alice", "a1ice"},
		{"alice", "\u0391lice"},
		{"bob0", "bobo"},
		{"bob0", "bobO"},
		{"modern", "rnodern"},
		{"straße", "STRASSE"},
		{"paypal", "раураl"},
		{"k", "\u212a"},
		{"café", "CAFÉ"},
		{"ﾊﾅｺ", "ハナコ"},
		{"scope", "ѕсоре"},
		{"ΣΑΣ", "σας"},
	} {
		if !alike(pair[0], pair[1]) {
			t.Errorf("Looks(%q) = %q and Looks(%q) = %q, want one in common", pair[0], Rules{}.Looks(pair[0]), pair[1], Rules{}.Looks(pair[1]))
		}
	}
	for _, pair := range [][2]string{
		{"alice", "alicia"}, {"ali", "all"}, {"will", "wiii"}, {"राम", "रामा"}, {"王伟", "王偉"}, {"user12", "user21"}, {"cafe", "café"},
	} {
		if alike(pair[0], pair[1]) {
			t.Errorf("%q and %q look alike", pair[0], pair[1])
		}
	}
}

func TestPassword(t *testing.T) {
	for password, want := range map[string]string{
		"correct horse": "correct horse", "pa\u00a0ss word": "pa ss word", "cafe\u0301 noir": "caf\u00e9 noir",
		"CASE": "CASE", "\u212b": "\u00c5", "ａ": "ａ",
	} {
		if got, good := (Rules{}).Password(password); got != want || !good {
			t.Errorf("Password(%+q) = %+q, %v, want %+q", password, got, good, want)
		}
	}
	for _, password := range []string{"", "tab\there", "zero\u200bwidth", "\xff"} {
		if got, good := (Rules{}).Password(password); good {
			t.Errorf("Password(%+q) = %+q, want refused", password, got)
		}
	}
}
