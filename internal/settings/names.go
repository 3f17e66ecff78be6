package settings

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
)

// elsewhere are the settings of all programs: one file may serve them all. A test compares them with the flags.
var elsewhere = strings.Fields(`
access-log access-token-ttl added-members-per-day added-members-per-hour address-followed-chats address-streams
allowed-hosts allowed-origins attachment-max-bytes attachment-origin attachment-quota attachment-types audit-max auth auth-audience auth-issuer auth-jwks-url auth-key-file auth-passwords auth-secret
auth-secret-file auth-user-claim burst-longest burst-messages burst-quiet
data debug-addr default-limit device-addr device-idle drain-delay edit-history edit-window empty-chats-expire fcm-endpoint fcm-key-file files-addr files-url
followed-chats fsync hint-sweep http-addr idempotency-window kafka-brokers kafka-ca kafka-cert kafka-chats
kafka-dead-topic kafka-events kafka-in-group kafka-in-topic kafka-key kafka-max-bytes kafka-sasl-mechanism
kafka-sasl-password kafka-sasl-password-file kafka-sasl-user kafka-start kafka-tls kafka-topic log-format log-level
login-rate max-body-bytes max-chat-devices max-chat-messages max-connections max-limit max-open-reports max-room-members max-text-bytes
max-user-rooms metrics-addr new-chats-per-day new-chats-per-hour push-absent push-allow push-text push-ttl
push-urgency rate-limit rate-limit-by redis-ca redis-cert redis-key redis-min-replicas redis-url redis-url-file
refresh-token-ttl registration registration-rate reports-per-day reports-per-hour retention room-id-reserved room-webhooks rpc-addr rpc-drain-delay
rpc-secret rpc-secret-file rpc-servers s3-access-key s3-public-url s3-region s3-secret-key s3-secret-key-file s3-url sends-confirmed server signal-rate tcp-address-connections tcp-max-connections
tcp-proxies telnet-addr telnet-idle telnet-room tls-cert tls-key token token-file traces-endpoint traces-headers
traces-headers-file trusted-proxies user-streams vapid-private-key vapid-private-key-file vapid-public-key
vapid-subject web webhook-allow-private webhook-give-up webhook-timeout words-keep
data-dir pullchat-server pullchat-token pullchat-token-file
`) // the last line has the variables that are named otherwise

// Known returns the names of all programs' settings.
func Known() []string { return elsewhere }

// plain makes RATE_LIMIT and rate_limit the same as rate-limit.
func plain(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// match returns the entries by the names of flags. It refuses names that no program knows, and a setting that is there twice.
func (f *file) match(app *kong.Application) (map[string]*entry, error) {
	names := namesOf(app)
	found := map[string]*entry{}
	for i := range f.entries {
		in := &f.entries[i]
		name, known := names[plain(in.name)]
		if !known {
			return nil, fmt.Errorf("%s: there is no setting %q; the nearest is %q", f.at(in.line), in.name, nearest(plain(in.name), names))
		}
		if before := found[name]; before != nil {
			return nil, fmt.Errorf("%s: %s is set already in line %d", f.at(in.line), in.name, before.line)
		}
		found[name] = in
	}
	return found, nil
}

// namesOf returns the name of the flag for each spelling of a setting. A flag without a variable is no setting: it belongs to
// one call of a command.
func namesOf(app *kong.Application) map[string]string {
	names := map[string]string{}
	for _, name := range elsewhere {
		names[name] = name
	}
	flags := Flags(app)
	for _, flag := range flags {
		for _, variable := range flag.Envs {
			names[plain(variable)] = flag.Name
		}
	}
	for _, flag := range flags { // a flag's name counts more than a variable that is spelled alike
		names[flag.Name] = flag.Name
	}
	return names
}

// Flags returns the flags of all commands that are settings.
func Flags(app *kong.Application) []*kong.Flag {
	var flags []*kong.Flag
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && isSetting(flag) {
			flags = append(flags, flag)
		}
		return next(nil)
	})
	return flags
}

func isSetting(flag *kong.Flag) bool { return len(flag.Envs) > 0 && flag.Name != "config" }

func nearest(name string, names map[string]string) string {
	best, least := "", 0
	for spelled, flag := range names {
		distance := levenshtein.ComputeDistance(name, spelled)
		if best == "" || distance < least || distance == least && flag < best {
			best, least = flag, distance
		}
	}
	return best
}
