package backup

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

//go:embed scripts/account.lua
var accountSource string

var accountScript = redis.NewScript(accountSource)

// importOther stores a line that is not of a chat.
func (i *Importer) importOther(ctx context.Context, l line) error {
	var err error
	switch {
	case l.Kind == kindAccount && isUser(l.User):
		err = i.importAccount(ctx, l)
	case l.Kind == kindIgnored && isUser(l.User):
		err = i.importIgnored(ctx, l)
	case l.Kind == kindPush && isUser(l.User):
		err = i.importPush(ctx, l)
	case l.Kind == kindMuted && isUser(l.User):
		err = i.importMuted(ctx, l)
	case l.Kind == kindList && isUser(l.User):
		err = i.importList(ctx, l)
	case l.Kind == kindLook && l.Look != "" && isUser(l.User):
		err = i.redis.SetNX(ctx, i.keys.Look(l.Look), l.User, 0).Err()
	case l.Kind == kindDeletion:
		job, known := layout.ParseJob(l.Job)
		if !known || !isUser(job.User) {
			return fmt.Errorf("%q is no deletion", l.Job)
		}
		err = i.redis.ZAddNX(ctx, i.keys.Deletions(), redis.Z{Score: float64(l.At), Member: l.Job}).Err()
	case l.Kind == kindRevoked && isUser(l.User) && l.At > 0:
		err = i.redis.ZAddGT(ctx, i.keys.Revoked(), redis.Z{Score: float64(l.At), Member: l.User}).Err()
	case l.Kind == kindSuspended && isUser(l.User):
		err = i.importSuspended(ctx, l)
	case l.Kind == kindAttachment:
		err = i.importAttachment(ctx, l)
	case l.Kind == kindReport:
		err = i.importReport(ctx, l)
	case l.Kind == kindAudit:
		err = i.importAudit(ctx, l)
	case l.Kind == kindDropped && l.Position > 0 && l.Position <= chat.MaxSendTime:
		err = i.importDropped(ctx, l)
	case l.Kind == kindWord:
		err = i.importWord(ctx, l)
	case l.Kind == kindWebhook:
		err = i.importWebhook(ctx, l)
	default:
		return fmt.Errorf("a line of kind %q that this release cannot read", l.Kind)
	}
	if err != nil {
		return fmt.Errorf("store the line of kind %q: %w", l.Kind, err)
	}
	i.note(i.read)
	return nil
}

// importAccount stores an account. Without a hash in the file the account is locked: the name stays taken, and no password
// opens it. Otherwise any user could register the name, and read its chats.
func (i *Importer) importAccount(ctx context.Context, l line) error {
	fields := maps.Clone(l.Account)
	locked := false
	if _, deleted := fields[layout.DeletedField]; !deleted {
		created, err := strconv.ParseInt(fields[layout.CreatedField], 10, 64)
		if err != nil || created <= 0 {
			return fmt.Errorf("account %s was created at %q", l.User, fields[layout.CreatedField])
		}
		if locked = fields[layout.HashField] == ""; locked {
			fields[layout.HashField] = i.options.Locked()
		}
		if err := i.redis.ZAddNX(ctx, i.keys.Users(), redis.Z{Member: l.User}).Err(); err != nil {
			return err
		}
	}
	args := make([]any, 0, 2*len(fields))
	for field, value := range fields {
		args = append(args, field, value)
	}
	stored, err := accountScript.Run(ctx, i.redis, []string{i.keys.Account(l.User)}, args...).Int()
	switch {
	case err != nil:
		return err
	case stored < 0:
		i.report.refuse(Refusal{User: l.User, Reason: "another account has this name"})
	case stored == 1:
		i.report.Accounts++
		if locked {
			i.report.Locked++
		}
	}
	return nil
}

func (i *Importer) importIgnored(ctx context.Context, l line) error {
	users := make([]any, 0, len(l.Users))
	for _, user := range l.Users {
		if !isUser(user) {
			return fmt.Errorf("%q is no user", user)
		}
		users = append(users, user)
	}
	if len(users) == 0 {
		return nil
	}
	return i.redis.SAdd(ctx, i.keys.Ignored(l.User), users...).Err()
}

// importPush stores subscriptions of devices that have none.
func (i *Importer) importPush(ctx context.Context, l line) error {
	for device, value := range l.Push {
		s, ok := layout.ParseSubscription(l.User, device, value)
		if !ok {
			return fmt.Errorf("the subscription of %s/%s cannot be read", l.User, device)
		}
		if err := i.redis.ZAddNX(ctx, i.keys.Pushed(), redis.Z{Score: float64(s.Created), Member: l.User}).Err(); err != nil {
			return err
		}
		if err := i.redis.HSetNX(ctx, i.keys.Subscriptions(l.User), device, value).Err(); err != nil {
			return err
		}
	}
	return nil
}

func (i *Importer) importMuted(ctx context.Context, l line) error {
	for name, until := range l.Muted {
		id, err := chat.ParseID(name)
		if err != nil || id.String() != name || until < 0 {
			return fmt.Errorf("%q is no chat, or is muted until %d", name, until)
		}
		if err := i.redis.HSetNX(ctx, i.keys.Muted(l.User), name, until).Err(); err != nil {
			return err
		}
	}
	return nil
}

func (i *Importer) importList(ctx context.Context, l line) error {
	entries := make([]redis.Z, 0, len(l.Chats))
	for name, at := range l.Chats {
		id, err := chat.ParseID(name)
		if err != nil || id.String() != name {
			return fmt.Errorf("%q is no chat", name)
		}
		entries = append(entries, redis.Z{Score: at, Member: name})
	}
	if len(entries) == 0 {
		return nil
	}
	return i.redis.ZAddGT(ctx, i.keys.Chats(l.User), entries...).Err()
}

// importDropped raises the position that new chats must exceed, in every partition: the line does not say which one had it.
func (i *Importer) importDropped(ctx context.Context, l line) error {
	for k := range i.keys.Partitions {
		key := i.keys.Dropped(i.keys.Partitions[k].Tag)
		if err := highestScript.Run(ctx, i.redis, []string{key}, "", l.Position).Err(); err != nil {
			return err
		}
	}
	return nil
}
