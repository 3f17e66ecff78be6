package chat_test

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
)

// storeWith returns an empty store in memory.
func storeWith(o conformance.Options) *chattest.Store {
	return chattest.NewStore(chattest.StoreOptions{
		Clock: o.Clock.Now, Retention: o.Retention, MaxChatMessages: o.MaxChatMessages, IdempotencyWindow: o.IdempotencyWindow,
		MaxDevices: o.MaxDevices,
	})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(_ *testing.T, o conformance.Options) chat.Service {
		return chattest.Messages(storeWith(o), chat.Access{}, conformance.Limits)
	})
}

func TestDomainConforms(t *testing.T) {
	t.Parallel()
	conformance.RunDomain(t, func(t *testing.T, o conformance.Options) conformance.Domain {
		d := chattest.NewDomain(storeWith(o), conformance.DomainOptions(o))
		t.Cleanup(func() { _ = d.Deleter.Close() })
		return conformance.DomainOf(d.Services())
	})
}
