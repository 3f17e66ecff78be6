package service

import (
	"errors"
	"fmt"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// Config is an rpc-server's configuration. The defaults of RPC_ADDR, REDIS_URL and RPC_DRAIN_DELAY are the program's:
// ${rpc_addr}, ${redis_url} and ${rpc_drain_delay}.
type Config struct {
	RPCAddr  string `name:"rpc-addr" env:"RPC_ADDR" default:"${rpc_addr}" placeholder:"HOST:PORT" help:"Address on which RPC listens; port 0 takes a free port."`
	RedisURL string `name:"redis-url" env:"REDIS_URL" secret:"" default:"${redis_url}" placeholder:"URL" help:"redis://[user:password@]host:port/db, redis+sentinel://host:port/db?master_name=NAME, redis+cluster://host:port (the last two with &addr=host:port for more nodes) or unix:///path; rediss for TLS.${redis_help}"`

	RedisCA          string `name:"redis-ca" env:"REDIS_CA" type:"path" placeholder:"FILE" help:"Certificates (PEM) of the authorities that sign the certificate of a rediss:// Redis. Default: the system's."`
	RedisCert        string `name:"redis-cert" env:"REDIS_CERT" type:"path" placeholder:"FILE" help:"This server's own certificate (PEM), for a Redis that requires one."`
	RedisKey         string `name:"redis-key" env:"REDIS_KEY" type:"path" placeholder:"FILE" help:"The key (PEM) of redis-cert."`
	RedisMinReplicas int    `name:"redis-min-replicas" env:"REDIS_MIN_REPLICAS" default:"0" placeholder:"N" help:"Replicas that must have a message before it is acknowledged; see docs/durability.md."`

	RPCDrainDelay time.Duration `name:"rpc-drain-delay" env:"RPC_DRAIN_DELAY" default:"${rpc_drain_delay}" placeholder:"DURATION" help:"At a stop: how long this server tells gateways to call other rpc-servers before it closes its port."`

	DefaultLimit      int           `name:"default-limit" env:"DEFAULT_LIMIT" default:"10" placeholder:"N" help:"Messages in a page when the request names no limit."`
	MaxLimit          int           `name:"max-limit" env:"MAX_LIMIT" default:"100" placeholder:"N" help:"Most messages in a page."`
	MaxTextBytes      int           `name:"max-text-bytes" env:"MAX_TEXT_BYTES" default:"4096" placeholder:"N" help:"Longest text, in bytes."`
	EditWindow        time.Duration `name:"edit-window" env:"EDIT_WINDOW" default:"24h" placeholder:"DURATION" help:"How long a sender may edit or delete a message; 0 for never."`
	EditHistory       string        `name:"edit-history" env:"EDIT_HISTORY" default:"on" enum:"on,off" placeholder:"on|off" help:"Whether earlier texts of edited messages are kept, for admins of a room and services: ${enum}."`
	Retention         time.Duration `name:"retention" env:"RETENTION" default:"0s" placeholder:"DURATION" help:"Age after which messages are removed, such as 720h; 0 keeps all."`
	MaxChatMessages   int           `name:"max-chat-messages" env:"MAX_CHAT_MESSAGES" default:"0" placeholder:"N" help:"Number of newest messages that a chat keeps; 0 keeps all."`
	EmptyChatsExpire  time.Duration `name:"empty-chats-expire" env:"EMPTY_CHATS_EXPIRE" default:"720h" placeholder:"DURATION" help:"How long a chat other than a room may be empty before it is dropped from the lists; at least 1h, 0 keeps it."`
	IdempotencyWindow time.Duration `name:"idempotency-window" env:"IDEMPOTENCY_WINDOW" default:"24h" placeholder:"DURATION" help:"How long a repeated id is recognised; at least 1m, because clients and gateways retry."`
	RefreshTokenTTL   time.Duration `name:"refresh-token-ttl" env:"REFRESH_TOKEN_TTL" default:"720h" placeholder:"DURATION" help:"How long a login lasts without a refresh."`
	MaxRoomMembers    int           `name:"max-room-members" env:"MAX_ROOM_MEMBERS" default:"10000" placeholder:"N" help:"Most members of a room."`
	MaxUserRooms      int           `name:"max-user-rooms" env:"MAX_USER_ROOMS" default:"10000" placeholder:"N" help:"Most rooms of one user, with AUTH=on; 0 for no limit."`
	MaxChatDevices    int           `name:"max-chat-devices" env:"MAX_CHAT_DEVICES" default:"100" placeholder:"N" help:"Most devices of one user with a read cursor in one chat."`
	RoomIDReserved    time.Duration `name:"room-id-reserved" env:"ROOM_ID_RESERVED" default:"720h" placeholder:"DURATION" help:"How long after the deletion of a room only its last admins may use its id again; 0: any user may at once."`
	NewChatsPerHour   int           `name:"new-chats-per-hour" env:"NEW_CHATS_PER_HOUR" default:"1000" placeholder:"N" help:"New two-person chats and rooms of a user in an hour, with AUTH=on; 0 for no limit."`
	NewChatsPerDay    int           `name:"new-chats-per-day" env:"NEW_CHATS_PER_DAY" default:"5000" placeholder:"N" help:"The same for a day."`
	AddedPerHour      int           `name:"added-members-per-hour" env:"ADDED_MEMBERS_PER_HOUR" default:"2000" placeholder:"N" help:"Members that a user adds to rooms in an hour, with AUTH=on; 0 for no limit."`
	AddedPerDay       int           `name:"added-members-per-day" env:"ADDED_MEMBERS_PER_DAY" default:"10000" placeholder:"N" help:"The same for a day."`
	ReportsPerHour    int           `name:"reports-per-hour" env:"REPORTS_PER_HOUR" default:"20" placeholder:"N" help:"Reports of a user in an hour, with AUTH=on; 0 for no limit."`
	ReportsPerDay     int           `name:"reports-per-day" env:"REPORTS_PER_DAY" default:"100" placeholder:"N" help:"The same for a day."`
	MaxOpenReports    int           `name:"max-open-reports" env:"MAX_OPEN_REPORTS" default:"10000" placeholder:"N" help:"Most open reports of all users together."`
	WordsKeep         time.Duration `name:"words-keep" env:"WORDS_KEEP" default:"168h" placeholder:"DURATION" help:"How long the hourly counts of words are kept; 1h to 744h. Total counts are never removed."`
	AuditMax          int           `name:"audit-max" env:"AUDIT_MAX" default:"100000" placeholder:"N" help:"Number of newest entries that the audit log keeps."`
	HintSweep         time.Duration `name:"hint-sweep" env:"HINT_SWEEP" default:"10s" placeholder:"DURATION" help:"How often to look for messages whose hint to live readers was lost; at least 100ms."`

	Webhooks Webhooks `embed:""`
	Files    Files    `embed:""`

	Trust Trust `kong:"-"` // flags of the rpc-server program; pullchat serve sets it

	Metrics *metrics.Service `kong:"-"` // nil: off
	Traces  *tracing.Tracing `kong:"-"` // nil: off
}

// Validate names every value that cannot work. Kong calls it.
func (c Config) Validate() error {
	return errors.Join(
		atLeast("default-limit", c.DefaultLimit, 1),
		atLeast("max-limit", c.MaxLimit, 1),
		maxLimit(c),
		atLeast("max-text-bytes", c.MaxTextBytes, 1),
		atLeast("max-room-members", c.MaxRoomMembers, 1),
		atLeast("max-user-rooms", c.MaxUserRooms, 0),
		atLeast("max-chat-devices", c.MaxChatDevices, 1),
		atLeast("room-id-reserved", c.RoomIDReserved, 0),
		atLeast("new-chats-per-hour", c.NewChatsPerHour, 0),
		atLeast("new-chats-per-day", c.NewChatsPerDay, 0),
		atLeast("added-members-per-hour", c.AddedPerHour, 0),
		atLeast("added-members-per-day", c.AddedPerDay, 0),
		atLeast("reports-per-hour", c.ReportsPerHour, 0),
		atLeast("reports-per-day", c.ReportsPerDay, 0),
		atLeast("max-open-reports", c.MaxOpenReports, 1),
		atLeast("redis-min-replicas", c.RedisMinReplicas, 0),
		atLeast("rpc-drain-delay", c.RPCDrainDelay, 0),
		atLeast("edit-window", c.EditWindow, 0),
		atLeast("retention", c.Retention, 0),
		emptyChats(c.EmptyChatsExpire),
		atLeast("max-chat-messages", c.MaxChatMessages, 0),
		atLeast("refresh-token-ttl", c.RefreshTokenTTL, time.Second),
		atLeast("idempotency-window", c.IdempotencyWindow, time.Minute),
		wordsKeep(c.WordsKeep),
		atLeast("audit-max", c.AuditMax, 1),
		atLeast("hint-sweep", c.HintSweep, 100*time.Millisecond),
	)
}

// emptyChats allows 0, and no time in which a server may still remember that a chat is listed.
func emptyChats(expire time.Duration) error {
	if expire == 0 {
		return nil
	}
	return atLeast("empty-chats-expire", expire, time.Hour)
}

func wordsKeep(keep time.Duration) error {
	if keep > chat.MaxWordsKept {
		return fmt.Errorf("--words-keep is %v; it must be at most %v", keep, chat.MaxWordsKept)
	}
	return atLeast("words-keep", keep, time.Hour)
}

func maxLimit(c Config) error {
	if c.MaxLimit < c.DefaultLimit {
		return fmt.Errorf("--max-limit is %d; it must be at least --default-limit, which is %d", c.MaxLimit, c.DefaultLimit)
	}
	return nil
}

func atLeast[T int | time.Duration](name string, value, least T) error {
	if value < least {
		return fmt.Errorf("--%s is %v; it must be at least %v", name, value, least)
	}
	return nil
}

func (c Config) storage() storage.Options {
	return storage.Options{
		Retention:         c.Retention,
		EmptyChats:        c.EmptyChatsExpire,
		MaxChatMessages:   c.MaxChatMessages,
		IdempotencyWindow: c.IdempotencyWindow,
		MaxDevices:        c.MaxChatDevices,
		AuditMax:          c.AuditMax,
		MinReplicas:       c.RedisMinReplicas,
		NewChats:          c.newChats(),
		Sweep:             c.HintSweep,
		TLS:               redisnode.TLS{CA: c.RedisCA, Cert: c.RedisCert, Key: c.RedisKey},
	}
}

func (c Config) newChats() chat.Bounds {
	return chat.Bounds{PerHour: c.NewChatsPerHour, PerDay: c.NewChatsPerDay}
}

func (c Config) reports() chat.ReportLimits {
	return chat.ReportLimits{PerUser: chat.Bounds{PerHour: c.ReportsPerHour, PerDay: c.ReportsPerDay}, MaxOpen: c.MaxOpenReports}
}

func (c Config) accountOptions() chat.AccountOptions {
	return chat.AccountOptions{DefaultLimit: c.DefaultLimit, MaxLimit: c.MaxLimit, SessionLasts: c.RefreshTokenTTL}
}

func (c Config) limits() chat.Limits {
	return chat.Limits{DefaultLimit: c.DefaultLimit, MaxLimit: c.MaxLimit, MaxTextBytes: c.MaxTextBytes, EditWindow: c.EditWindow, EditHistory: c.EditHistory != "off"}
}

func (c Config) rooms() chat.RoomOptions {
	return chat.RoomOptions{
		DefaultLimit: c.DefaultLimit, MaxLimit: c.MaxLimit, MaxMembers: c.MaxRoomMembers, MaxUserRooms: c.MaxUserRooms, IDReserved: c.RoomIDReserved,
		NewChats: c.newChats(), AddedMembers: chat.Bounds{PerHour: c.AddedPerHour, PerDay: c.AddedPerDay},
	}
}
