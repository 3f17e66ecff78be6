package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
)

type register struct {
	patience
	User string `arg:"" help:"The user's id: letters and digits of any script, and . _ - @ +"`
	Name string `name:"name" placeholder:"TEXT" help:"The display name."`
}

// Run creates an account.
func (r *register) Run(ctx contextType) error {
	c, err := r.open()
	if err != nil {
		return err
	}
	password, err := readPassword(ctx, true)
	if err != nil {
		return err
	}
	account, err := c.Register(ctx, client.Registration{User: r.User, Password: password, Name: r.Name})
	if err != nil {
		return err
	}
	return standardOutput(r.JSON, false).print(account.User+" is registered", account)
}

type login struct {
	patience
	User string `arg:"" help:"The user who logs in."`
}

// Run begins a session and stores it. It ends the previously stored one, if the server answers.
func (l *login) Run(ctx contextType) error {
	c, err := l.open()
	if err != nil {
		return err
	}
	kept := l.sessions()
	before, err := kept.load()
	if err != nil {
		return err
	}
	password, err := readPassword(ctx, false)
	if err != nil {
		return err
	}
	session, err := c.Login(ctx, l.User, password)
	if err != nil {
		return err
	}
	if err := kept.put(session); err != nil {
		return errors.Join(err, c.Logout(ctx))
	}
	if before.User != "" {
		old, err := l.open(client.WithSession(before, nil))
		if err == nil {
			err = old.Logout(ctx)
		}
		if err != nil {
			complain("the previous session stays valid at the server until it expires:  " + err.Error())
		}
	}
	return standardOutput(l.JSON, false).print("logged in as "+session.User+"; the session is kept in "+kept.name,
		map[string]string{"user": session.User, "token_file": kept.name})
}

type logout struct {
	patience
}

// Run ends the stored session.
func (l *logout) Run(ctx contextType) error {
	kept := l.sessions()
	session, err := kept.load()
	if err != nil {
		return err
	}
	if session.User == "" {
		return fmt.Errorf("no user is logged in at %s", kept.server)
	}
	c, err := l.open(keeping(kept, session)...)
	if err != nil {
		return err
	}
	if err := c.Logout(ctx); err != nil {
		return err
	}
	if err := kept.put(client.Session{}); err != nil {
		return err
	}
	return standardOutput(l.JSON, false).print(session.User+" is logged out", map[string]string{"user": session.User})
}

type deleteAccount struct {
	patience
	Erase bool `name:"erase" help:"Also delete the texts of all sent messages."`
	Yes   bool `name:"yes" short:"y" help:"Do not ask for confirmation."`
}

// Validate requires --yes without a terminal. Kong calls it.
func (d deleteAccount) Validate() error {
	if !d.Yes && !isTerminal(os.Stdin) {
		return errors.New("a deleted account cannot be restored, and there is no terminal to confirm it: give --yes")
	}
	return d.patience.Validate()
}

// Run deletes the account of the stored session after a confirmation.
func (d *deleteAccount) Run(ctx contextType) error {
	kept := d.sessions()
	session, err := kept.load()
	if err != nil {
		return err
	}
	if session.User == "" {
		return fmt.Errorf("no user is logged in at %s", kept.server)
	}
	if !d.Yes {
		what := "Delete " + session.User + " for good, who leaves all rooms"
		if d.Erase {
			what += " and whose texts are removed"
		}
		agreed, err := ask(ctx, what+"? [y/N] ")
		if err != nil {
			return err
		}
		if !agreed {
			return errors.New("nothing was deleted")
		}
	}
	c, err := d.open(keeping(kept, session)...)
	if err != nil {
		return err
	}
	complete, err := c.DeleteAccount(ctx, d.Erase)
	if err != nil {
		return err
	}
	said := session.User + " is deleted"
	if !complete {
		said += "; what is left is being removed"
	}
	return errors.Join(kept.put(client.Session{}),
		standardOutput(d.JSON, false).print(said, map[string]any{"user": session.User, "complete": complete}))
}

type lastSeen struct {
	patience
	User string `arg:"" optional:"" help:"The user. Default: the logged-in user."`
	Hide bool   `name:"hide" xor:"how" help:"Hide this time from other users."`
	Show bool   `name:"show" xor:"how" help:"Show this time to other users again."`
}

// Run prints when a user was connected last.
func (l *lastSeen) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	user, err := l.user("user", l.User)
	if err != nil {
		return err
	}
	var found client.Account
	if l.Hide || l.Show {
		found, err = c.HideLastSeen(ctx, user, l.Hide)
	} else {
		found, err = c.User(ctx, user)
	}
	if err != nil {
		return err
	}
	human := found.User + " was not seen, or hides it"
	if found.LastSeen > 0 {
		human = found.User + " was seen at " + time.UnixMicro(found.LastSeen).Format(time.DateTime)
	}
	if found.HidesLastSeen {
		human += "; other users are not told"
	}
	return standardOutput(l.JSON, false).print(human, found)
}

type users struct {
	patience
	Prefix string `arg:"" optional:"" help:"The beginning of their ids."`
}

// Run prints all accounts, page by page.
func (u *users) Run(ctx contextType) error {
	c, err := u.client(u.notify)
	if err != nil {
		return err
	}
	out := standardOutput(u.JSON, false)
	request := client.AccountsRequest{Prefix: u.Prefix, Limit: 100}
	for {
		page, err := c.Users(ctx, request)
		if err != nil {
			return err
		}
		for _, a := range page.Accounts {
			if err := out.print(strings.TrimSpace(a.User+"  "+a.Name), a); err != nil {
				return err
			}
		}
		if !page.HasMore {
			return nil
		}
		request.Cursor = page.NextCursor
	}
}
