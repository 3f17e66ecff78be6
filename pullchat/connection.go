package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
)

// connection has the flags of every command that talks to a server.
type connection struct {
	Server  []string      `name:"server" group:"connection" env:"PULLCHAT_SERVER" default:"http://127.0.0.1:8080" placeholder:"URL" help:"The server; http:// and port 8080 are the defaults. Several servers, with commas or a repeated flag, are tried in turn."`
	Timeout time.Duration `name:"timeout" group:"connection" default:"10s" placeholder:"DURATION" help:"How long to wait for an answer, including all retries."`
	JSON    bool          `name:"json" group:"connection" xor:"form" help:"Write one JSON object per line. The default when the output is not a terminal."`
}

// servers returns the URLs of the flag.
func (c connection) servers() []string {
	var urls []string
	for _, s := range c.Server {
		urls = append(urls, serverURL(s))
	}
	return urls
}

// serverURL completes "localhost", "localhost:9000" or "::1" to a URL. It returns a URL, or an invalid address, unchanged: the
// client reports the fault.
func serverURL(server string) string {
	if server == "" || strings.Contains(server, "://") {
		return server
	}
	if ip := net.ParseIP(server); ip != nil && strings.Contains(server, ":") {
		server = "[" + server + "]"
	}
	parsed, err := url.Parse("http://" + server)
	if err != nil || parsed.Hostname() == "" {
		return server
	}
	if parsed.Port() == "" {
		parsed.Host = strings.TrimSuffix(parsed.Host, ":") + ":8080"
	}
	return parsed.String()
}

// patience has the flags of commands that retry requests. The variable retries is the default.
type patience struct {
	connection
	Retries int  `name:"retries" group:"connection" default:"${retries}" placeholder:"N" help:"Retries at most, after a temporary failure: 429, 502, 503, 504, no connection, no answer. A repeated send is stored once."`
	NoRetry bool `name:"no-retry" group:"connection" help:"Do not retry. The same as --retries 0."`
	Verbose bool `name:"verbose" group:"connection" short:"v" help:"Report retries on standard error."`

	Token     string `name:"token" group:"connection" env:"PULLCHAT_TOKEN" secret:"nofile" placeholder:"TOKEN" help:"A token to use instead of the session of pullchat login, such as one of pullchat token. The variable is safer: other users of the machine can see flags."`
	TokenFile string `name:"token-file" group:"connection" env:"PULLCHAT_TOKEN_FILE" placeholder:"FILE" help:"Where pullchat login keeps sessions, one for each --server. Default: pullchat/sessions.json in $$XDG_STATE_HOME, or in ~/.local/state."`
}

// Validate refuses invalid bounds. Kong calls it.
func (p patience) Validate() error {
	if p.Retries < 0 || p.Timeout <= 0 {
		return errors.New("--retries must not be negative, and --timeout must be positive")
	}
	return nil
}

// client returns a client with the given token, or the stored session of these servers. notify gets each retry.
func (p patience) client(notify func(client.Repeat)) (*client.Client, error) {
	options := []client.Option{client.WithNotify(notify)}
	kept := p.sessions()
	switch session, err := kept.load(); {
	case p.Token != "":
		options = append(options, client.WithToken(p.Token))
	case err != nil:
		return nil, err
	default:
		options = append(options, keeping(kept, session)...)
	}
	return p.open(options...)
}

// open returns a client without an identity, unless options have one.
func (p patience) open(options ...client.Option) (*client.Client, error) {
	return p.openOver(nil, options...)
}

// openOver is open with an HTTP client; nil is the default one.
func (p patience) openOver(over *http.Client, options ...client.Option) (*client.Client, error) {
	policy := client.Policy{Attempts: 1 + p.Retries, Total: p.Timeout}
	if p.NoRetry {
		policy.Attempts = 1
	}
	if policy.Attempts == 1 { // it may take all the time
		policy.Attempt = p.Timeout
	}
	options = append([]client.Option{client.WithPolicy(policy), client.WithNotify(p.notify)}, options...)
	return client.New(strings.Join(p.servers(), ","), over, options...)
}

// sessions returns the file with the session of these servers, in any order.
func (p patience) sessions() sessionFile {
	name, servers := p.TokenFile, p.servers()
	if name == "" {
		name = defaultTokenFile()
	}
	for i := range servers {
		servers[i] = strings.TrimRight(servers[i], "/")
	}
	slices.Sort(servers)
	return sessionFile{name: name, server: strings.Join(slices.Compact(servers), ",")}
}

// keeping continues a stored session, and stores its changes.
func keeping(kept sessionFile, s client.Session) []client.Option {
	renewed := func(s client.Session) {
		if s.User == "" { // it has ended, and the command handles that
			return
		}
		if err := kept.renew(s); err != nil {
			complain("the new tokens cannot be stored: " + err.Error())
		}
	}
	return []client.Option{client.WithSession(s, renewed), client.WithReload(kept.load)}
}

// user returns the acting user: the one of the flag as, or else the logged-in user. With a token it may be "", for the
// token's user.
func (p patience) user(as, named string) (string, error) {
	if named != "" || p.Token != "" {
		return named, nil
	}
	session, err := p.sessions().load()
	if err == nil && session.User == "" {
		err = fmt.Errorf("the %s is missing: give --%s=NAME, or log in with pullchat login", as, as)
	}
	return session.User, err
}

func (p patience) notify(r client.Repeat) {
	if p.Verbose {
		complain(repeated(r))
	}
}

func repeated(r client.Repeat) string {
	return fmt.Sprintf("attempt %d, %s: %v; again in %v", r.Attempt, r.Server, r.Err, r.Wait.Round(time.Millisecond))
}
