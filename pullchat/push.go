package main

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/worker/push"
)

// newVAPID makes the keys of Web Push.
type newVAPID struct{}

// Run prints them as settings.
func (*newVAPID) Run() error {
	public, private, err := push.NewVAPID(func() (*ecdh.PrivateKey, error) { return ecdh.P256().GenerateKey(rand.Reader) })
	if err != nil {
		return err
	}
	fmt.Printf("VAPID_PUBLIC_KEY=%s\nVAPID_PRIVATE_KEY=%s\n", public, private)
	return nil
}

// subscriptions is the command "push".
type subscriptions struct {
	List   listSubscriptions `cmd:"" default:"withargs" help:"List the devices with notifications. The default."`
	Add    addSubscription   `cmd:"" help:"Send a device's notifications to an https endpoint, such as a topic of ntfy, or over FCM."`
	Remove endSubscription   `cmd:"" help:"End the notifications of a device."`
}

type listSubscriptions struct{ reading }

// Run lists a user's subscriptions.
func (l *listSubscriptions) Run(ctx contextType) error {
	c, reader, err := l.begin()
	if err != nil {
		return err
	}
	out := standardOutput(l.JSON, false)
	list, _, err := c.Subscriptions(ctx, userOf(reader))
	for k := 0; k < len(list) && err == nil; k++ {
		err = out.print(strings.TrimSpace(fmt.Sprintf("%s  %s  %s", list[k].Device, list[k].Type, list[k].Endpoint)), list[k])
	}
	return err
}

func userOf(reader string) string {
	user, _, _ := strings.Cut(reader, "/")
	return user
}

type addSubscription struct {
	reading
	Device   string `arg:"" help:"The device; it has one subscription."`
	Endpoint string `arg:"" optional:"" help:"An https URL, such as that of a topic of ntfy."`
	FCM      string `name:"fcm" placeholder:"TOKEN" help:"A token of Firebase Cloud Messaging, instead of an endpoint."`
	Format   string `name:"format" enum:"text,json," default:"" placeholder:"text|json" help:"Format of the endpoint: text for ntfy, or json for applications of UnifiedPush. Default: text."`
}

// Validate refuses a subscription without a place. Kong calls it.
func (a addSubscription) Validate() error {
	if (a.Endpoint == "") == (a.FCM == "") {
		return errors.New("give an endpoint or --fcm")
	}
	return a.reading.Validate()
}

// Run stores a subscription.
func (a *addSubscription) Run(ctx contextType) error {
	c, reader, err := a.begin()
	if err != nil {
		return err
	}
	s := client.PushSubscription{Device: a.Device, Endpoint: a.Endpoint, Token: a.FCM, Format: a.Format}
	if err := c.Subscribe(ctx, userOf(reader), s); err != nil {
		return err
	}
	return standardOutput(a.JSON, false).print(a.Device+" gets notifications", map[string]any{"device": a.Device, "subscribed": true})
}

type endSubscription struct {
	reading
	Device string `arg:"" help:"The device."`
}

// Run removes a subscription.
func (e *endSubscription) Run(ctx contextType) error {
	c, reader, err := e.begin()
	if err != nil {
		return err
	}
	if err := c.Unsubscribe(ctx, userOf(reader), e.Device); err != nil {
		return err
	}
	return standardOutput(e.JSON, false).print(e.Device+" gets no notifications", map[string]any{"device": e.Device, "subscribed": false})
}

type mute struct {
	reading
	Chat   string        `arg:"" optional:"" help:"alice:bob, or a room; without it the muted chats are listed."`
	For    time.Duration `name:"for" placeholder:"DURATION" help:"Mute the chat for this long, such as 8h. Default: for ever."`
	Remove bool          `name:"remove" help:"Unmute the chat."`
}

// Validate refuses flags that need a chat. Kong calls it.
func (m mute) Validate() error {
	switch {
	case m.Chat == "" && (m.Remove || m.For != 0):
		return errors.New("--remove and --for need a chat")
	case m.For < 0 || m.Remove && m.For != 0:
		return errors.New("--for is for muting a chat, and must be positive")
	}
	return m.reading.Validate()
}

// Run mutes or unmutes a chat, or lists the muted ones.
func (m *mute) Run(ctx contextType) error {
	c, reader, err := m.begin()
	if err != nil {
		return err
	}
	out, user := standardOutput(m.JSON, false), userOf(reader)
	if m.Chat == "" {
		muted, err := c.Muted(ctx, user)
		for k := 0; k < len(muted) && err == nil; k++ {
			err = out.print(mutedLine(muted[k]), muted[k])
		}
		return err
	}
	if m.Remove {
		if err := c.Unmute(ctx, user, m.Chat); err != nil {
			return err
		}
		return out.print(m.Chat+" is not muted", map[string]any{"chat": m.Chat, "muted": false})
	}
	muted := client.MutedChat{Chat: m.Chat}
	var until time.Time
	if m.For > 0 {
		until = time.Now().Add(m.For)
		muted.Until = until.UnixMicro()
	}
	if err := c.Mute(ctx, user, m.Chat, until); err != nil {
		return err
	}
	return out.print(mutedLine(muted)+" is muted", muted)
}

func mutedLine(m client.MutedChat) string {
	if m.Until == 0 {
		return m.Chat
	}
	return m.Chat + " until " + time.UnixMicro(m.Until).Format(time.DateTime)
}
