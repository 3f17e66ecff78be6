package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pullchat/pullchat/internal/token"
)

// newToken makes a service token.
type newToken struct {
	Service string        `required:"" placeholder:"NAME" help:"Name of the service."`
	TTL     time.Duration `name:"ttl" default:"8760h" placeholder:"DURATION" help:"Lifetime of the token. Only a new key ends it earlier."`
	Keys    token.Config  `embed:""`
}

// Validate refuses invalid values. Kong calls it.
func (n *newToken) Validate() error {
	if n.TTL < time.Second {
		return fmt.Errorf("--ttl is %v; it must be at least 1s", n.TTL)
	}
	return n.Keys.Check()
}

// Run prints the token.
func (n *newToken) Run() error {
	keys, err := n.Keys.Keys(slog.New(slog.DiscardHandler))
	switch {
	case err != nil:
		return err
	case keys == nil:
		return errors.New("set AUTH_SECRET or AUTH_KEY_FILE to the key of the servers")
	}
	signed, err := keys.ForService(n.Service, n.TTL)
	if err != nil {
		return err
	}
	fmt.Println(signed)
	return nil
}
