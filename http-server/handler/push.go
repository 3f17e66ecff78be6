package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Pushes answers the routes of push subscriptions and muted chats.
type Pushes struct {
	*Handler

	pushes chat.Pushes
}

// NewPushes returns the Pushes of a part of the domain.
func NewPushes(h *Handler, pushes chat.Pushes) *Pushes { return &Pushes{h, pushes} }

// Subscribe answers PUT /api/push/subscriptions.
func (p *Pushes) Subscribe(ctx context.Context, c *app.RequestContext) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	var body api.PushSubscription
	if err := p.readJSON(c, &body); err != nil {
		reply.Fail(c, err)
		return
	}
	answerDone(c, p.pushes.Subscribe(ctx, chat.Subscription{
		User: user, Device: body.Device, Kind: chat.SubscriptionKind(body.GetType()), Endpoint: body.GetEndpoint(), P256DH: body.GetP256Dh(),
		Auth: body.GetAuth(), Token: body.GetToken(), Format: chat.PlainFormat(body.GetFormat()),
	}))
}

// answerDone answers a change that has nothing to say but its error.
func answerDone(c *app.RequestContext, err error) {
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

// Subscriptions answers GET /api/push/subscriptions, without secrets.
func (p *Pushes) Subscriptions(ctx context.Context, c *app.RequestContext) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	subscriptions, err := p.pushes.Subscriptions(ctx, user)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	response := &api.PushSubscriptionsResponse{Subscriptions: make([]*api.PushSubscription, len(subscriptions)), VapidPublicKey: some(p.config.VAPIDPublicKey)}
	for i, s := range subscriptions {
		response.Subscriptions[i] = &api.PushSubscription{
			Device: s.Device, Type: some(string(s.Kind)), Endpoint: some(s.Endpoint), P256Dh: some(s.P256DH), Format: some(string(s.Format)), Created: some(s.Created),
		}
	}
	reply.JSON(c, consts.StatusOK, response)
}

// some returns nil for the zero value.
func some[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

// Unsubscribe answers DELETE /api/push/subscriptions.
func (p *Pushes) Unsubscribe(ctx context.Context, c *app.RequestContext) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answerDone(c, p.pushes.Unsubscribe(ctx, chat.Unsubscription{User: user, Device: query(c, "device")}))
}

// Muted answers GET /api/muted.
func (p *Pushes) Muted(ctx context.Context, c *app.RequestContext) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	muted, err := p.pushes.Muted(ctx, user)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	response := &api.MutedResponse{Chats: make([]*api.MutedChat, len(muted))}
	for i, m := range muted {
		response.Chats[i] = &api.MutedChat{Chat: m.Chat, Until: some(m.Until)}
	}
	reply.JSON(c, consts.StatusOK, response)
}

// Mute answers PUT /api/muted/{chat}. Its body may be absent.
func (p *Pushes) Mute(ctx context.Context, c *app.RequestContext) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	var body api.MuteRequest
	text, err := readBody(c, p.config.MaxBodyBytes)
	if err == nil && len(text) > 0 {
		err = decodeChange(text, &body)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answerDone(c, p.pushes.Mute(ctx, chat.MuteRequest{User: user, Chat: c.Param("chat"), Mute: true, Until: body.GetUntil()}))
}

// Unmute answers DELETE /api/muted/{chat}.
func (p *Pushes) Unmute(ctx context.Context, c *app.RequestContext) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answerDone(c, p.pushes.Mute(ctx, chat.MuteRequest{User: user, Chat: c.Param("chat")}))
}
