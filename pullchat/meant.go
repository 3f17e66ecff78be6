package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pullchat/pullchat/client"
)

// meant adds a suggestion to the error of a missing room: if the name is a user's, the chat with that user. who is the other
// user of that chat, or "".
func meant(ctx context.Context, c *client.Client, err error, name, who string) error {
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Code != "not_found" || !isUser(ctx, c, name) {
		return err
	}
	return fmt.Errorf("%w\n%s", err, hint(name, who))
}

// warn reports on a terminal that a room has a user's name. With AUTH off such a room accepts messages.
func warn(ctx context.Context, c *client.Client, name, who string) {
	if isTerminal(os.Stderr) && isUser(ctx, c, name) {
		complain(hint(name, who))
	}
}

func hint(name, who string) string {
	if who == "" {
		who = "you"
	}
	return fmt.Sprintf("%s is a user; the chat with %s is %s:%s, and %s alone is a room", name, name, who, name, name)
}

func isUser(ctx context.Context, c *client.Client, name string) bool {
	if strings.Contains(name, ":") {
		return false
	}
	_, err := c.User(ctx, name)
	return err == nil
}
