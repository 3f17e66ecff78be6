package gateway

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// fakePushes are push subscriptions that answer well, or fail as their fakeService does.
type fakePushes struct{ service *fakeService }

func (f fakePushes) Subscribe(context.Context, chat.Subscription) error { return f.service.err() }

func (f fakePushes) Unsubscribe(context.Context, chat.Unsubscription) error { return f.service.err() }

func (f fakePushes) Subscriptions(_ context.Context, user string) ([]chat.Subscription, error) {
	if user == "empty" {
		return nil, f.service.err()
	}
	return []chat.Subscription{
		{User: user, Device: "pad", Kind: chat.PlainEndpoint, Endpoint: "https://a", Format: chat.PlainText, Created: 1},
		{User: user, Device: "phone", Kind: chat.FCM, Token: "secret", Created: 2},
		{User: user, Device: "web", Kind: chat.WebPush, Endpoint: "https://a", P256DH: "p", Auth: "secret", Created: 3},
	}, f.service.err()
}

func (f fakePushes) Mute(context.Context, chat.MuteRequest) error { return f.service.err() }

func (f fakePushes) Muted(_ context.Context, user string) ([]chat.MutedChat, error) {
	if user == "empty" {
		return nil, f.service.err()
	}
	return []chat.MutedChat{{Chat: "a:b"}, {Chat: "club", Until: 5}}, f.service.err()
}

func (f fakePushes) Subscribers(context.Context) (int64, error) { return 1, f.service.err() }

func (f fakePushes) PushTargets(context.Context, chat.PushQuery) (chat.PushTargets, error) {
	return chat.PushTargets{}, f.service.err()
}
