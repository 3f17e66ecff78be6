package backup

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

//go:embed scripts/suspension.lua
var suspensionSource string

var suspensionScript = redis.NewScript(suspensionSource)

func (e *Exporter) exportSuspended(ctx context.Context, key string) error {
	stored, err := e.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return err
	}
	for _, user := range slices.Sorted(maps.Keys(stored)) {
		if _, is := layout.ParseSuspension(user, stored[user]); !is || user == layout.SuspendedVersion {
			continue
		}
		if err := e.write(line{Kind: kindSuspended, User: user, Stored: stored[user]}); err != nil {
			return err
		}
	}
	return nil
}

func (e *Exporter) exportAudit(ctx context.Context, key string) error {
	return e.scanSet(ctx, key, func(entry string, _ float64) error {
		if _, is := layout.ParseAudit(entry); !is {
			return nil // a check names it
		}
		return e.write(line{Kind: kindAudit, Stored: entry})
	})
}

// importSuspended suspends a user who is not suspended.
func (i *Importer) importSuspended(ctx context.Context, l line) error {
	if _, is := layout.ParseSuspension(l.User, l.Stored); !is {
		return fmt.Errorf("the suspension of %s cannot be read", l.User)
	}
	return suspensionScript.Run(ctx, i.redis, []string{i.keys.Suspended()}, l.User, l.Stored).Err()
}

// importAudit adds an entry to the audit log. The next action trims the log.
func (i *Importer) importAudit(ctx context.Context, l line) error {
	entry, is := layout.ParseAudit(l.Stored)
	if !is {
		return fmt.Errorf("%q is no entry of the audit log", l.Stored)
	}
	key := i.keys.Audit()
	if entry.ByUser {
		key = i.keys.AuditUsers()
	}
	return i.redis.ZAddNX(ctx, key, redis.Z{Score: float64(entry.At), Member: l.Stored}).Err()
}

func (e *Exporter) exportReports(ctx context.Context, key string) error {
	stored, err := e.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(stored)) {
		r, is := layout.ParseReport(id, stored[id])
		if !is {
			continue // a check names it
		}
		if err := e.write(line{Kind: kindReport, At: r.ID, Stored: stored[id]}); err != nil {
			return err
		}
	}
	return nil
}

// importReport adds a report that is not there, in one transaction.
func (i *Importer) importReport(ctx context.Context, l line) error {
	id := layout.ReportID(l.At)
	r, is := layout.ParseReport(id, l.Stored)
	if !is {
		return fmt.Errorf("%q is no report", l.Stored)
	}
	there, err := i.redis.HExists(ctx, i.keys.Reports(), id).Result()
	if err != nil || there {
		return err
	}
	_, err = i.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSetNX(ctx, i.keys.Reports(), id, l.Stored)
		entry := redis.Z{Score: float64(l.At), Member: id}
		if r.State == chat.ReportResolved {
			p.ZAdd(ctx, i.keys.ReportsResolved(), entry)
			return nil
		}
		p.ZAdd(ctx, i.keys.ReportsOpen(), entry)
		p.HSetNX(ctx, i.keys.Reported(), layout.ReportedField(r), id)
		return nil
	})
	return err
}
