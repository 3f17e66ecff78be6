package identity

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/pullchat/pullchat/internal/loopback"
)

// Config names an identity provider.
type Config struct {
	JWKSURL   string `name:"auth-jwks-url" env:"AUTH_JWKS_URL" placeholder:"URL" help:"URL of the JSON Web Key Set of an identity provider (OpenID Connect); empty for no provider."`
	Issuer    string `name:"auth-issuer" env:"AUTH_ISSUER" placeholder:"URL" help:"The exact iss of the provider's tokens."`
	Audience  string `name:"auth-audience" env:"AUTH_AUDIENCE" placeholder:"ID" help:"The aud that the provider's tokens must have: this server's client id or API name."`
	UserClaim string `name:"auth-user-claim" env:"AUTH_USER_CLAIM" default:"sub" placeholder:"CLAIM" help:"The claim with the user's id. Users must not be able to choose its value at the provider. An email must be verified."`
	Passwords string `name:"auth-passwords" env:"AUTH_PASSWORDS" default:"on" enum:"on,off" placeholder:"on|off" help:"Whether users may also register and log in with a password: ${enum}. With off, the provider's users also own the accounts that have a password."`
}

// Given reports whether there is a provider.
func (c Config) Given() bool { return c.JWKSURL != "" }

// PasswordsOff reports whether only the provider's users may log in.
func (c Config) PasswordsOff() bool { return c.Passwords == "off" }

// Check names a value that cannot work. It does not ask the provider.
func (c Config) Check() error {
	if !c.Given() {
		switch {
		case c.Issuer != "" || c.Audience != "":
			return errors.New("--auth-issuer and --auth-audience need --auth-jwks-url (AUTH_JWKS_URL), the provider's keys")
		case c.PasswordsOff():
			return errors.New("--auth-passwords=off needs --auth-jwks-url (AUTH_JWKS_URL): without passwords and without a provider no user can log in")
		}
		return nil
	}
	if c.Issuer == "" || c.Audience == "" {
		return errors.New("--auth-jwks-url needs --auth-issuer (AUTH_ISSUER) and --auth-audience (AUTH_AUDIENCE): without them tokens for other servers would be accepted")
	}
	at, err := url.Parse(c.JWKSURL)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		return fmt.Errorf("--auth-jwks-url is %q, which is no URL like https://id.example.org/keys", c.JWKSURL)
	}
	if at.Scheme == "http" && !loopback.Is(hostPort(at)) {
		return fmt.Errorf("--auth-jwks-url is %q; over http others could replace the keys: use https", c.JWKSURL)
	}
	return nil
}

func hostPort(at *url.URL) string {
	if at.Port() == "" {
		return at.Host + ":80"
	}
	return at.Host
}
