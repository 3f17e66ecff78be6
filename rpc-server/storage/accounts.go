package storage

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var _ chat.AccountServiceStore = (*Store)(nil)

// AddAccount implements chat.AccountStore with register.lua. The looks and the list have the user first: a crash before
// the account is made leaves looks that the user can take up again, and an entry without an account in the list, which readers
// pass over.
func (s *Store) AddAccount(ctx context.Context, a chat.StoredAccount) (chat.Account, error) {
	tried := "register " + a.User
	if err := s.reserveLooks(ctx, a.User, a.Looks); err != nil {
		return chat.Account{}, err
	}
	users := s.keys.Users()
	err := s.write(ctx, users, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZAdd(ctx, users, redis.Z{Member: a.User})
	})
	if err != nil {
		return chat.Account{}, userError(tried, err)
	}
	created, err := s.runUser(ctx, registerScript, []string{s.keys.Account(a.User)}, a.PasswordHash, a.Name, s.now())
	switch {
	case err != nil:
		return chat.Account{}, registerError(tried, err)
	case created == 0:
		return chat.Account{}, chat.Errorf(chat.Conflict, "user %s is registered already", a.User)
	}
	a.Created = created
	return a.Account, nil
}

// ReadAccounts implements chat.AccountStore.
func (s *Store) ReadAccounts(ctx context.Context, users []string) ([]chat.StoredAccount, error) {
	calls := make([]*redis.SliceCmd, len(users))
	errs := s.nodes.Calls(ctx, len(users), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = pipeline.HMGet(ctx, s.keys.Account(users[i]), layout.HashField, layout.NameField, layout.CreatedField, layout.DeletedField, layout.KeptField, layout.HidesField)
			return calls[i]
		},
		Key: func(i int) string { return s.keys.Account(users[i]) },
	})
	accounts := make([]chat.StoredAccount, len(users))
	for i, user := range users {
		if errs[i] != nil {
			return nil, callError("read the account of "+user, errs[i])
		}
		accounts[i].User = user
		hash, registered := calls[i].Val()[0].(string)
		if !registered {
			_, accounts[i].Deleted = calls[i].Val()[3].(string)
			_, accounts[i].Kept = calls[i].Val()[4].(string)
			continue
		}
		accounts[i].PasswordHash = hash
		accounts[i].Name, _ = calls[i].Val()[1].(string)
		created, _ := calls[i].Val()[2].(string)
		_, accounts[i].HidesLastSeen = calls[i].Val()[5].(string)
		var err error
		if accounts[i].Created, err = strconv.ParseInt(created, 10, 64); err != nil {
			return nil, fmt.Errorf("read the account of %s: %w", user, err)
		}
	}
	return accounts, nil
}

// ListUsers implements chat.AccountStore.
func (s *Store) ListUsers(ctx context.Context, prefix, from string, limit int) ([]string, error) {
	key := s.keys.Users()
	by := redis.ZRangeArgs{Key: key, ByLex: true, Start: "[" + from, Stop: "+", Count: int64(limit)}
	if from == "" {
		by.Start = "-"
	}
	if prefix != "" {
		by.Stop = "(" + prefix + "\xff" // which no UTF-8 has
	}
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "list users", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeArgs(ctx, by)
		return call
	})
	if err != nil {
		return nil, err
	}
	return call.Val(), nil
}

// ReplacePassword implements chat.AccountStore with password.lua.
func (s *Store) ReplacePassword(ctx context.Context, user, oldHash, newHash string, keep chat.Keep) (bool, error) {
	which := "one"
	if keep.All {
		which = "all"
	}
	did, err := s.runUser(ctx, passwordScript, []string{s.keys.Account(user), s.keys.Sessions(user)}, oldHash, newHash, which, keep.Session)
	return did == 1, userError("replace the password of "+user, err)
}

// runUser runs a script that returns a number. It waits for as many copies as an append does.
func (s *Store) runUser(ctx context.Context, script loadedScript, keys []string, args ...any) (int64, error) {
	command := []any{"evalsha", script.Hash(), len(keys)}
	for _, key := range keys {
		command = append(command, key)
	}
	command = append(command, args...)
	var call *redis.IntCmd
	err := s.write(ctx, keys[0], func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = redis.NewIntCmd(ctx, command...)
		_ = pipeline.Process(ctx, call)
		return call
	})
	if err != nil {
		return 0, err
	}
	return call.Val(), nil
}

// write makes one command, once, and waits for the copies that an append waits for.
func (s *Store) write(ctx context.Context, key string, queue func(context.Context, redis.Pipeliner) redis.Cmder) error {
	if err := s.CheckPartitions(ctx); err != nil {
		return err
	}
	at, err := s.nodes.ForKey(ctx, key)
	if err != nil {
		return err
	}
	return s.nodes.Exchange(ctx, at, 1, redisnode.Exchange{
		Queue:    func(ctx context.Context, pipeline redis.Pipeliner, _ int) redis.Cmder { return queue(ctx, pipeline) },
		Key:      func(int) string { return key },
		Replicas: s.options.MinReplicas,
	})[0]
}
