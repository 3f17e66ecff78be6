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

// Session is a login. It lasts until Logout, or until it expires without a Refresh.
type Session struct {
	// ID is the public name of the session, as access tokens contain it. It gives no access: refresh tokens contain another
	// id, of which ID is a hash.
	ID           string
	User         string
	RefreshToken string // can be used once, for the next one
}

// Credentials are a user and the password that proves the claim.
type Credentials struct {
	User     string
	Password string
}

// RefreshRequest exchanges a refresh token for the next one. A retry after a lost answer sends the same Key, of up to
// MaxKeyBytes, and gets the same answer until the next token is used; see docs/adr/0013-sessions.md.
type RefreshRequest struct {
	Token string
	Key   string // "" is none: a retry is then a second use of the token
}

// MaxKeyBytes is the longest Key of a RefreshRequest.
const MaxKeyBytes = 128

// LogoutRequest names a session: by its refresh token, or else by its user and id, which the gateway has verified to be the
// caller's.
type LogoutRequest struct {
	RefreshToken string
	User         string
	Session      string
}

// PasswordChange replaces a password and ends all sessions of the user but one.
type PasswordChange struct {
	User        string
	Password    string // the current one
	NewPassword string
	Session     string // the one to keep; "" is none
}

// Sessions logs users in and out. AccountService implements it, and the RPC client does over the network. Its methods are
// safe for concurrent use and return an *Error or nil.
type Sessions interface {
	// Login begins a session. The error is the same Unauthenticated, after the same work, for an unknown user and a
	// wrong password.
	Login(context.Context, Credentials) (Session, error)
	// Refresh continues a session with a new refresh token. The error is TokenExpired for a session that has expired, and
	// TokenInvalid for a token without a session. A second use of a token ends its session.
	Refresh(context.Context, RefreshRequest) (Session, error)
	// Logout ends a session. It succeeds if the session has ended already.
	Logout(context.Context, LogoutRequest) error
	// ChangePassword fails as Login does for a wrong password.
	ChangePassword(context.Context, PasswordChange) error
	// DeleteAccount deletes a user permanently. The account and the sessions go at once, and the name stays taken. Then the
	// memberships, cursors and lists go, and with Erase the texts of the messages. It reports whether all of that is
	// complete; otherwise it continues in the background. It is idempotent. Without a caller, the password authenticates the
	// user, and it fails as Login does.
	DeleteAccount(context.Context, Deletion) (complete bool, err error)
}

// MaxSessions is the maximum number of sessions of a user. One more ends the least recently refreshed one.
const MaxSessions = 100

// StoredSession is the stored form of a session, with SHA-256 hashes of its tokens. All strings are base64url.
type StoredSession struct {
	Begun    int64  // the last login or refresh, in milliseconds since 1970
	Expires  int64  // the same
	Seed     string // random: the next tokens are derived with it
	Current  string // hash of the valid token
	Previous string // hash of the token that was exchanged for it, or "-"
}

// SessionStore is the store of Sessions.
type SessionStore interface {
	// AddSession stores a session if the user's password still has this hash, and reports whether it did. It drops expired
	// sessions, and beyond limit the one that expires first.
	AddSession(ctx context.Context, user, passwordHash, id string, s StoredSession, limit int) (bool, error)
	// ReadSession returns false if there is none.
	ReadSession(ctx context.Context, user, id string) (StoredSession, bool, error)
	// ReplaceSession replaces a session if it still equals old, and reports whether it did.
	ReplaceSession(ctx context.Context, user, id string, old, with StoredSession) (bool, error)
	// SessionIDs returns the storage ids of a user's sessions.
	SessionIDs(ctx context.Context, user string) ([]string, error)
	// EndSession removes a session, if it exists.
	EndSession(ctx context.Context, user, id string) error
}

// noToken equals no token's hash.
const noToken = "-"

// newSession returns a session with its first refresh token, its storage id, and its stored form.
func newSession(user string, now time.Time, lasts time.Duration) (Session, string, StoredSession) {
	secret, id := random(32), random(16)
	return sessionOf(user, id, secret), id, StoredSession{
		Begun: now.UnixMilli(), Expires: now.Add(lasts).UnixMilli(), Seed: random(32), Current: hashToken(secret), Previous: noToken,
	}
}

// sessionOf returns a session for its user: only the refresh token contains the storage id.
func sessionOf(user, id, secret string) Session {
	return Session{ID: sessionName(id), User: user, RefreshToken: user + "." + id + "." + secret}
}

// sessionName returns the public ID of the Session with a storage id.
func sessionName(id string) string {
	sum := sha256.Sum256([]byte("session " + id))
	return encode(sum[:16])
}

// ParseRefreshToken returns the user and the session of a refresh token. It does not verify the token.
func ParseRefreshToken(token string) (user, session string, err error) {
	user, id, _, err := splitToken(token)
	if err != nil {
		return "", "", err
	}
	return user, sessionName(id), nil
}

// splitToken splits a token from its end, because a user's id may contain dots.
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

// nextSecret derives the secret of the next token. A retry with the same key derives the same one. Without the seed, an old
// token reveals nothing about it.
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

// random returns unpredictable bytes in base64url.
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
