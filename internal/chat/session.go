package chat

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"
)

// Session is a login: from it on until Logout, or until nobody has refreshed it for long enough.
type Session struct {
	// ID names the session to those who have seen that it is the user's. It is in access tokens, which are shown to many:
	// who has it alone can do nothing with it, because refresh tokens have another id, of which it is a hash.
	ID           string
	User         string
	RefreshToken string // good once, for the next one
}

// Credentials say who somebody claims to be.
type Credentials struct {
	User     string
	Password string
}

// RefreshRequest exchanges a refresh token for the next one. Who repeats it after a lost answer says the same Key, of
// up to MaxKeyBytes, and is answered alike until the next token is used; see docs/adr/0013-sessions.md.
type RefreshRequest struct {
	Token string
	Key   string // "" is none: a repetition is then a second use of the token
}

// MaxKeyBytes is the longest Key of a RefreshRequest.
const MaxKeyBytes = 128

// LogoutRequest names a session: by a refresh token of it, or where that is empty by its user and id, which the caller
// has seen to be his.
type LogoutRequest struct {
	RefreshToken string
	User         string
	Session      string
}

// PasswordChange replaces a password and ends all sessions of the user but one.
type PasswordChange struct {
	User        string
	Password    string // that holds now
	NewPassword string
	Session     string // that goes on; "" is none
}

// Sessions is who is logged in. Like Service, AccountService implements it, and the RPC client over the network; its methods are
// safe for concurrent use and return an *Error or nil.
type Sessions interface {
	// Login begins a session. The error is the same Unauthenticated, after the same work, for an unknown user and a
	// wrong password.
	Login(context.Context, Credentials) (Session, error)
	// Refresh continues a session with a new refresh token. The error is TokenExpired where nobody has refreshed it in
	// time, and TokenInvalid for what is no token of a session that lasts. One that was used before ends its session.
	Refresh(context.Context, RefreshRequest) (Session, error)
	// Logout ends a session. One that has ended is no error.
	Logout(context.Context, LogoutRequest) error
	// ChangePassword fails as Login does where the password is not the one that holds.
	ChangePassword(context.Context, PasswordChange) error
	// DeleteAccount deletes a user for good: at once her account and her sessions, so that nobody can log in or register
	// by that name again; then her memberships, how far she has read, her lists, and with Erase the texts of her messages.
	// It returns whether all of that is done; else it is being done. It may be asked again. Where no caller says that it is
	// she, the password does, and it fails as Login does.
	DeleteAccount(context.Context, Deletion) (complete bool, err error)
}

// MaxSessions is how many sessions a user may have. One more ends the one that was refreshed longest ago.
const MaxSessions = 100

// StoredSession is a session as it is kept: of its tokens only SHA-256 hashes. All texts are base64url.
type StoredSession struct {
	Begun    int64  // the last login or refresh, in milliseconds since 1970
	Expires  int64  // the same
	Seed     string // random: the next tokens are derived with it
	Current  string // hash of the token that is good
	Previous string // hash of the token that it was given for, or "-"
}

// SessionStore is Store's counterpart to Sessions.
type SessionStore interface {
	// AddSession keeps a session if the user's password has still this hash, and returns whether it has. It drops those
	// that have expired, and of more than limit the one that expires first.
	AddSession(ctx context.Context, user, passwordHash, id string, s StoredSession, limit int) (bool, error)
	// ReadSession returns false where there is none.
	ReadSession(ctx context.Context, user, id string) (StoredSession, bool, error)
	// ReplaceSession replaces what is kept, if that is still old, and returns whether it did.
	ReplaceSession(ctx context.Context, user, id string, old, with StoredSession) (bool, error)
	// SessionIDs returns those of all that are kept of a user.
	SessionIDs(ctx context.Context, user string) ([]string, error)
	// EndSession forgets it, if there is one.
	EndSession(ctx context.Context, user, id string) error
}

// noToken is no token's hash.
const noToken = "-"

// newSession makes a session with its first refresh token, and the id under which it is kept.
func newSession(user string, now time.Time, lasts time.Duration) (Session, string, StoredSession) {
	secret, id := random(32), random(16)
	return sessionOf(user, id, secret), id, StoredSession{
		Begun: now.UnixMilli(), Expires: now.Add(lasts).UnixMilli(), Seed: random(32), Current: hashToken(secret), Previous: noToken,
	}
}

// sessionOf is a session as its user knows it: id is in the refresh token only.
func sessionOf(user, id, secret string) Session {
	return Session{ID: sessionName(id), User: user, RefreshToken: user + "." + id + "." + secret}
}

// sessionName is the ID of the Session that is kept under an id.
func sessionName(id string) string {
	sum := sha256.Sum256([]byte("session " + id))
	return encode(sum[:16])
}

// ParseRefreshToken returns the user and the session of a refresh token. It does not say that the token is good.
func ParseRefreshToken(token string) (user, session string, err error) {
	user, id, _, err := splitToken(token)
	if err != nil {
		return "", "", err
	}
	return user, sessionName(id), nil
}

// splitToken takes a token apart from its end: a user's id may contain dots.
func splitToken(token string) (user, session, secret string, err error) {
	rest, secret := cutLast(token)
	user, session = cutLast(rest)
	if checkName("user", user) != nil || !isRandom(session, 16) || !isRandom(secret, 32) {
		return "", "", "", Errorf(TokenInvalid, "this is no refresh token")
	}
	return user, session, secret, nil
}

func cutLast(text string) (before, after string) {
	if i := strings.LastIndexByte(text, '.'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return "", text
}

// nextSecret is that of the token which follows another. Who repeats the exchange with the same key gets the same one;
// who has an old token and not the seed learns nothing from it.
func nextSecret(seed, secret, key string) string {
	mac := hmac.New(sha256.New, []byte(seed))
	mac.Write([]byte(secret)) // of a fixed length
	mac.Write([]byte(key))
	return encode(mac.Sum(nil))
}

func hashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return encode(sum[:])
}

func sameHash(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// random returns bytes that nobody can guess, in base64url.
func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // it never fails: it ends the process instead
	return encode(b)
}

func isRandom(text string, bytes int) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == bytes
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
