package token

import (
	"errors"
	"fmt"
	"log/slog"
)

// Config says where the keys are.
type Config struct {
	AuthSecret  string `name:"auth-secret" env:"AUTH_SECRET" secret:"" reload:"" placeholder:"SECRET[,SECRET]" help:"Key of the tokens, at least 32 bytes; two with a comma between while keys change: the first signs, both verify."`
	AuthKeyFile string `name:"auth-key-file" env:"AUTH_KEY_FILE" placeholder:"FILE" help:"A file with the keys, one in each line. It is read again when it changes."`
}

// Given says whether there is a key at all.
func (c Config) Given() bool { return c.AuthSecret != "" || c.AuthKeyFile != "" }

// Check names a value that cannot work, without looking at files.
func (c Config) Check() error {
	if c.AuthSecret != "" && c.AuthKeyFile != "" {
		return errors.New("--auth-secret and --auth-key-file exclude each other; give one of them")
	}
	if c.AuthSecret == "" {
		return nil
	}
	if _, err := FromSecret(c.AuthSecret); err != nil {
		return fmt.Errorf("--auth-secret: %w", err)
	}
	return nil
}

// Keys returns the configured keys, or nil if there are none.
func (c Config) Keys(log *slog.Logger) (*Keys, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	switch {
	case c.AuthSecret != "":
		return FromSecret(c.AuthSecret)
	case c.AuthKeyFile != "":
		keys, err := FromFile(c.AuthKeyFile, log)
		if err != nil {
			return nil, fmt.Errorf("auth-key-file: %w", err)
		}
		return keys, nil
	}
	return nil, nil //nolint:nilnil // no keys are no error
}
