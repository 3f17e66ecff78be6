package service

import (
	"errors"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/outbound"
)

// Webhooks is the configuration of webhooks, which workers obey too.
type Webhooks struct {
	RoomWebhooks        int      `name:"room-webhooks" env:"ROOM_WEBHOOKS" default:"100" placeholder:"N" help:"Webhooks of all room admins together; 0: only services may have webhooks."`
	WebhookAllowPrivate []string `name:"webhook-allow-private" env:"WEBHOOK_ALLOW_PRIVATE" placeholder:"NETWORK" help:"Private networks that webhooks may reach, such as 10.1.0.0/16, also over http. Default: none."`
}

// Validate names every value that cannot work. Kong calls it.
func (w Webhooks) Validate() error {
	_, err := outbound.NewGuard(w.WebhookAllowPrivate)
	return errors.Join(atLeast("room-webhooks", w.RoomWebhooks, 0), err)
}

func (w Webhooks) options() chat.WebhookOptions {
	guard, err := outbound.NewGuard(w.WebhookAllowPrivate)
	if err != nil { // Validate has refused it
		guard, _ = outbound.NewGuard(nil)
	}
	return chat.WebhookOptions{RoomWebhooks: w.RoomWebhooks, Private: w.WebhookAllowPrivate, Reachable: guard.Reaches}
}
