package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func pushSubscription(s chat.Subscription) *rpc.PushSubscription {
	return &rpc.PushSubscription{
		User: s.User, Device: s.Device, Kind: string(s.Kind), Endpoint: optional(s.Endpoint), P256dh: optional(s.P256DH), Auth: optional(s.Auth),
		Token: optional(s.Token), Format: optional(string(s.Format)), Created: optional(s.Created),
	}
}

func subscriptionOf(s *rpc.PushSubscription) chat.Subscription {
	if s == nil {
		return chat.Subscription{}
	}
	return chat.Subscription{
		User: s.User, Device: s.Device, Kind: chat.SubscriptionKind(s.Kind), Endpoint: s.GetEndpoint(), P256DH: s.GetP256dh(), Auth: s.GetAuth(),
		Token: s.GetToken(), Format: chat.PlainFormat(s.GetFormat()), Created: s.GetCreated(),
	}
}

func SubscribeRequest(s chat.Subscription, by chat.Caller, requestID string) *rpc.SubscribeRequest {
	return &rpc.SubscribeRequest{Subscription: pushSubscription(s), Meta: meta(by, requestID)}
}

func SubscribeRequestOf(r *rpc.SubscribeRequest) chat.Subscription {
	return subscriptionOf(r.Subscription)
}

func SubscribeResponse(err error) *rpc.SubscribeResponse {
	code, text := outcome(err)
	return &rpc.SubscribeResponse{Code: code, Msg: text}
}

func SubscribeOf(r *rpc.SubscribeResponse) error { return errorOf(r.Code, r.Msg) }

func UnsubscribeRequest(u chat.Unsubscription, by chat.Caller, requestID string) *rpc.UnsubscribeRequest {
	return &rpc.UnsubscribeRequest{User: u.User, Device: u.Device, Created: optional(u.Created), Meta: meta(by, requestID)}
}

func UnsubscribeRequestOf(r *rpc.UnsubscribeRequest) chat.Unsubscription {
	return chat.Unsubscription{User: r.User, Device: r.Device, Created: r.GetCreated()}
}

func UnsubscribeResponse(err error) *rpc.UnsubscribeResponse {
	code, text := outcome(err)
	return &rpc.UnsubscribeResponse{Code: code, Msg: text}
}

func UnsubscribeOf(r *rpc.UnsubscribeResponse) error { return errorOf(r.Code, r.Msg) }

func SubscriptionsRequest(user string, by chat.Caller, requestID string) *rpc.SubscriptionsRequest {
	return &rpc.SubscriptionsRequest{User: user, Meta: meta(by, requestID)}
}

func SubscriptionsResponse(subscriptions []chat.Subscription, err error) *rpc.SubscriptionsResponse {
	code, text := outcome(err)
	return &rpc.SubscriptionsResponse{Code: code, Msg: text, Subscriptions: convertTo(subscriptions, pushSubscription)}
}

func SubscriptionsOf(r *rpc.SubscriptionsResponse) ([]chat.Subscription, error) {
	return convertTo(r.Subscriptions, subscriptionOf), errorOf(r.Code, r.Msg)
}

func MuteRequest(m chat.MuteRequest, by chat.Caller, requestID string) *rpc.MuteRequest {
	return &rpc.MuteRequest{User: m.User, Chat: m.Chat, Mute: m.Mute, Until: optional(m.Until), Meta: meta(by, requestID)}
}

func MuteRequestOf(r *rpc.MuteRequest) chat.MuteRequest {
	return chat.MuteRequest{User: r.User, Chat: r.Chat, Mute: r.Mute, Until: r.GetUntil()}
}

func MuteResponse(err error) *rpc.MuteResponse {
	code, text := outcome(err)
	return &rpc.MuteResponse{Code: code, Msg: text}
}

func MuteOf(r *rpc.MuteResponse) error { return errorOf(r.Code, r.Msg) }

func MutedRequest(user string, by chat.Caller, requestID string) *rpc.MutedRequest {
	return &rpc.MutedRequest{User: user, Meta: meta(by, requestID)}
}

func MutedResponse(muted []chat.MutedChat, err error) *rpc.MutedResponse {
	code, text := outcome(err)
	return &rpc.MutedResponse{Code: code, Msg: text, Chats: convertTo(muted, func(m chat.MutedChat) *rpc.MutedChat {
		return &rpc.MutedChat{Chat: m.Chat, Until: optional(m.Until)}
	})}
}

func MutedOf(r *rpc.MutedResponse) ([]chat.MutedChat, error) {
	return convert(r.Chats, func(m *rpc.MutedChat) chat.MutedChat {
		return chat.MutedChat{Chat: m.Chat, Until: m.GetUntil()}
	}), errorOf(r.Code, r.Msg)
}

func SubscribersRequest(by chat.Caller, requestID string) *rpc.SubscribersRequest {
	return &rpc.SubscribersRequest{Meta: meta(by, requestID)}
}

func SubscribersResponse(count int64, err error) *rpc.SubscribersResponse {
	code, text := outcome(err)
	return &rpc.SubscribersResponse{Code: code, Msg: text, Count: optional(count)}
}

func SubscribersOf(r *rpc.SubscribersResponse) (int64, error) {
	return r.GetCount(), errorOf(r.Code, r.Msg)
}

func PushTargetsRequest(q chat.PushQuery, by chat.Caller, requestID string) *rpc.PushTargetsRequest {
	return &rpc.PushTargetsRequest{
		Chat: q.Chat, Sender: q.Sender, Position: q.Position, Users: q.Users, After: optional(q.After), Mentions: q.Mentions, Meta: meta(by, requestID),
	}
}

func PushQueryOf(r *rpc.PushTargetsRequest) chat.PushQuery {
	return chat.PushQuery{Chat: r.Chat, Sender: r.Sender, Position: r.Position, Users: r.Users, After: r.GetAfter(), Mentions: r.Mentions}
}

func PushTargetsResponse(targets chat.PushTargets, err error) *rpc.PushTargetsResponse {
	code, text := outcome(err)
	response := &rpc.PushTargetsResponse{
		Code: code, Msg: text, After: optional(targets.After), ChatName: optional(targets.ChatName), SenderName: optional(targets.SenderName),
	}
	for _, subscriptions := range targets.Users {
		response.Subscriptions = append(response.Subscriptions, convertTo(subscriptions, pushSubscription)...)
	}
	return response
}

func PushTargetsOf(r *rpc.PushTargetsResponse) (chat.PushTargets, error) {
	targets := chat.PushTargets{After: r.GetAfter(), ChatName: r.GetChatName(), SenderName: r.GetSenderName()}
	for _, stored := range r.Subscriptions {
		s := subscriptionOf(stored)
		last := len(targets.Users) - 1
		if last < 0 || targets.Users[last][0].User != s.User {
			targets.Users = append(targets.Users, nil)
			last++
		}
		targets.Users[last] = append(targets.Users[last], s)
	}
	return targets, errorOf(r.Code, r.Msg)
}
