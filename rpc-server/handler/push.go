package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// ofPushes is ask of pushes.
func ofPushes[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, chat.Pushes) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Pushes, "push subscriptions", method, r, do)
}

// Subscribe stores a device's push subscription.
func (h *Handler) Subscribe(ctx context.Context, r *rpc.SubscribeRequest) (*rpc.SubscribeResponse, error) {
	r = orEmpty(r)
	_, err := ofPushes(ctx, h, "Subscribe", r, func(ctx context.Context, p chat.Pushes) (struct{}, error) {
		return done(p.Subscribe(ctx, wire.SubscribeRequestOf(r)))
	})
	return wire.SubscribeResponse(err), nil
}

// Unsubscribe removes a device's push subscription.
func (h *Handler) Unsubscribe(ctx context.Context, r *rpc.UnsubscribeRequest) (*rpc.UnsubscribeResponse, error) {
	r = orEmpty(r)
	_, err := ofPushes(ctx, h, "Unsubscribe", r, func(ctx context.Context, p chat.Pushes) (struct{}, error) {
		return done(p.Unsubscribe(ctx, wire.UnsubscribeRequestOf(r)))
	})
	return wire.UnsubscribeResponse(err), nil
}

// Subscriptions returns a user's push subscriptions.
func (h *Handler) Subscriptions(ctx context.Context, r *rpc.SubscriptionsRequest) (*rpc.SubscriptionsResponse, error) {
	r = orEmpty(r)
	return wire.SubscriptionsResponse(ofPushes(ctx, h, "Subscriptions", r, func(ctx context.Context, p chat.Pushes) ([]chat.Subscription, error) {
		return p.Subscriptions(ctx, r.User)
	})), nil
}

// Mute mutes or unmutes a chat for a user.
func (h *Handler) Mute(ctx context.Context, r *rpc.MuteRequest) (*rpc.MuteResponse, error) {
	r = orEmpty(r)
	_, err := ofPushes(ctx, h, "Mute", r, func(ctx context.Context, p chat.Pushes) (struct{}, error) {
		return done(p.Mute(ctx, wire.MuteRequestOf(r)))
	})
	return wire.MuteResponse(err), nil
}

// Muted returns the chats that a user has muted.
func (h *Handler) Muted(ctx context.Context, r *rpc.MutedRequest) (*rpc.MutedResponse, error) {
	r = orEmpty(r)
	return wire.MutedResponse(ofPushes(ctx, h, "Muted", r, func(ctx context.Context, p chat.Pushes) ([]chat.MutedChat, error) {
		return p.Muted(ctx, r.User)
	})), nil
}

// Subscribers returns how many users have push subscriptions.
func (h *Handler) Subscribers(ctx context.Context, r *rpc.SubscribersRequest) (*rpc.SubscribersResponse, error) {
	r = orEmpty(r)
	return wire.SubscribersResponse(ofPushes(ctx, h, "Subscribers", r, func(ctx context.Context, p chat.Pushes) (int64, error) {
		return p.Subscribers(ctx)
	})), nil
}

// PushTargets returns who is to be told of a message.
func (h *Handler) PushTargets(ctx context.Context, r *rpc.PushTargetsRequest) (*rpc.PushTargetsResponse, error) {
	r = orEmpty(r)
	return wire.PushTargetsResponse(ofPushes(ctx, h, "PushTargets", r, func(ctx context.Context, p chat.Pushes) (chat.PushTargets, error) {
		return p.PushTargets(ctx, wire.PushQueryOf(r))
	})), nil
}
