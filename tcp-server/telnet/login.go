package telnet

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/logging"
)

// loginTries is how many names or passwords a connection may try.
const loginTries = 5

// errOver ends a connection whose login has ended elsewhere.
var errOver = errors.New("the login has ended")

// login is a session of the user. It is continued while the connection lasts, and ends with it.
type login struct {
	mutex   sync.Mutex
	session *chat.Session // nil: none
	timer   *time.Timer
}

// login asks for the user's name, and with AUTH=on for the password, until both are good.
func (c *client) login() error {
	until := time.Now().Add(c.server.config.LoginTime)
	if err := c.say("Welcome to Pullchat"); err != nil {
		return err
	}
	if c.server.config.Auth && c.server.config.Register {
		if err := c.say("Type your name, or /register to make an account"); err != nil {
			return err
		}
	}
	for range loginTries {
		err := c.attempt(until)
		switch {
		case errors.Is(err, errIdle):
			return errLogin
		case err != nil:
			return err
		case c.me != "":
			return nil
		}
	}
	return errLogin
}

// attempt sets c.me if the client says a good name.
func (c *client) attempt(until time.Time) error {
	name, err := c.ask("name: ", until)
	if err != nil {
		return err
	}
	switch name {
	case "/quit":
		return errQuit
	case "/register":
		if c.server.config.Auth {
			return c.register(until)
		}
	}
	if err := chat.CheckUser(name); err != nil {
		return c.refuse(err)
	}
	if !c.server.config.Auth {
		c.me = name
		return nil
	}
	password, err := c.askPassword("password: ", until)
	if err != nil {
		return err
	}
	return c.begin(chat.Credentials{User: name, Password: password})
}

func (c *client) register(until time.Time) error {
	name, err := c.ask("new name: ", until)
	if err != nil {
		return err
	}
	password, err := c.askPassword("new password: ", until)
	if err != nil {
		return err
	}
	again, err := c.askPassword("the same again: ", until)
	if err != nil {
		return err
	}
	if password != again {
		return c.say("The two passwords differ; try again")
	}
	if _, err := c.server.config.Services.Accounts.Register(c.base, chat.Registration{User: name, Password: password}); err != nil {
		return c.refuse(err)
	}
	return c.begin(chat.Credentials{User: name, Password: password})
}

func (c *client) ask(prompt string, until time.Time) (string, error) {
	if err := c.write([]byte(prompt)); err != nil {
		return "", err
	}
	l, err := c.readLine(until)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(l.text), nil
}

// askPassword asks the client to hide the typed text. A password may begin and end with spaces.
func (c *client) askPassword(prompt string, until time.Time) (string, error) {
	if err := c.write(append(c.decoder.options.hide(), prompt...)); err != nil {
		return "", err
	}
	l, err := c.readLine(until)
	if err != nil {
		return "", err
	}
	return l.text, c.write(append(c.decoder.options.show(), "\r\n"...)) // the end of line was not shown either
}

// begin logs the user in.
func (c *client) begin(credentials chat.Credentials) error {
	session, err := c.server.config.Services.Sessions.Login(c.base, credentials)
	if err != nil {
		return c.refuse(err)
	}
	c.me = session.User
	c.hold(session)
	c.held.mutex.Lock()
	defer c.held.mutex.Unlock()
	c.held.timer = time.AfterFunc(c.server.config.LoginTTL/2, c.renew)
	return nil
}

// hold makes the session the caller's.
func (c *client) hold(session chat.Session) chat.Caller {
	by := chat.Caller{User: session.User, Session: session.ID, Expires: time.Now().Add(c.server.config.LoginTTL)}
	c.caller.Store(&by)
	c.share.Become(c.ctx(), c.server.config.Quota)
	c.held.mutex.Lock()
	defer c.held.mutex.Unlock()
	c.held.session = &session
	return by
}

// renewTimeout bounds a renewal; renewAgain is the pause after one that failed for now.
const (
	renewTimeout = 5 * time.Second
	renewAgain   = 5 * time.Second
)

// renew continues the login. If it has ended elsewhere, such as by a changed password, the connection ends.
func (c *client) renew() {
	c.held.mutex.Lock()
	defer c.held.mutex.Unlock()
	if c.held.session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.base, renewTimeout)
	defer cancel()
	next, err := c.server.config.Services.Sessions.Refresh(ctx, chat.RefreshRequest{Token: c.held.session.RefreshToken, Key: logging.RequestID(c.base)})
	if err == nil {
		c.held.session = &next
		by := chat.Caller{User: next.User, Session: next.ID, Expires: time.Now().Add(c.server.config.LoginTTL)}
		if err = c.session.Renew(ctx, by); err == nil {
			err = c.inboxed.Renew(ctx, by)
		}
		if err == nil {
			c.caller.Store(&by)
		}
	}
	switch chat.CodeOf(err) {
	case "":
		c.held.timer.Reset(c.server.config.LoginTTL / 2)
	case chat.Unauthenticated, chat.TokenInvalid, chat.TokenExpired, chat.NotFound:
		c.conn.End(errOver)
	default:
		c.held.timer.Reset(min(renewAgain, c.server.config.LoginTTL/10))
	}
}

// logout ends the login.
func (c *client) logout() {
	c.held.mutex.Lock()
	defer c.held.mutex.Unlock()
	if c.held.session == nil {
		return
	}
	c.held.timer.Stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.base), renewTimeout)
	defer cancel()
	_ = c.server.config.Services.Sessions.Logout(ctx, chat.LogoutRequest{RefreshToken: c.held.session.RefreshToken})
	c.held.session = nil
}
