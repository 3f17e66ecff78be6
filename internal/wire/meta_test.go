package wire

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// TestMetaAndOldFields: a server reads the Meta of a request first, and the request's own fields, which older clients set, if
// there is none.
func TestMetaAndOldFields(t *testing.T) {
	t.Parallel()
	oldID, newID, ann, bob := "old", "new", &rpc.Caller{User: new("ann")}, &rpc.Caller{User: new("bob")}
	for name, c := range map[string]struct {
		request any
		id      string
		by      *rpc.Caller
	}{
		"nothing":             {&rpc.PresentRequest{}, "", nil},
		"an older client's":   {&rpc.PresentRequest{RequestId: &oldID, Caller: ann}, "old", ann},
		"a Meta":              {&rpc.PresentRequest{Meta: &rpc.Meta{RequestId: &newID, Caller: bob}}, "new", bob},
		"both":                {&rpc.PresentRequest{RequestId: &oldID, Caller: ann, Meta: &rpc.Meta{RequestId: &newID, Caller: bob}}, "new", bob},
		"a Meta of nobody":    {&rpc.PresentRequest{RequestId: &oldID, Caller: ann, Meta: &rpc.Meta{}}, "", nil},
		"a send, without one": {&rpc.SendRequest{RequestId: &oldID, Caller: ann}, "old", ann},
		"a login":             {&rpc.LoginRequest{Meta: &rpc.Meta{RequestId: &newID}}, "new", nil},
		"an older login":      {&rpc.LoginRequest{RequestId: &oldID}, "old", nil},
	} {
		if id, by := RequestIDOf(c.request), RequesterOf(c.request); id != c.id || by != c.by {
			t.Errorf("%s: the id is %q and the caller %v; want %q and %v", name, id, by, c.id, c.by)
		}
	}
	entered := &rpc.EnterRequest{Caller: ann}
	if by := EntererOf(entered); by.User != "ann" {
		t.Errorf("an older client's enter is of %+v, want ann", by)
	}
}

// TestEveryRequestHasAMeta: the client writes a Meta, and not the fields of older clients; all but sends and pulls.
func TestEveryRequestHasAMeta(t *testing.T) {
	t.Parallel()
	by := chat.Caller{User: "ann"}
	for _, request := range []any{
		SignalRequest(chat.Signal{}, by, "id"), ReadRequest(chat.ReadRequest{}, by, "id"), AttendRequest("g", nil, by, "id"), PresentRequest("c", by, "id"),
		EnterRequest(nil, by, "id"), CreateRoomRequest(chat.NewRoom{}, by, "id"), ChangeRoomRequest(chat.RoomChange{}, by, "id"),
		RoomRequest(chat.RoomRequest{}, by, "id"), RoomsRequest(chat.RoomsRequest{}, by, "id"), AccountRequest("a", by, "id"),
		AccountsRequest(chat.AccountsRequest{}, by, "id"), KnownRequest(nil, by, "id"), ReadersRequest("c", by, "id"), IgnoredRequest("a", by, "id"),
		IgnoreRequest(chat.IgnoreRequest{}, by, "id"), InboxRequest(chat.InboxRequest{}, by, "id"), UnreadRequest(chat.UnreadRequest{}, by, "id"),
		ChatsRequest(chat.ChatsRequest{}, by, "id"), DeleteAccountRequest(chat.Deletion{}, by, "id"), ReadyRequest("id"),
		RegisterRequest(chat.Registration{}, "id"), LoginRequest(chat.Credentials{}, "id"), RefreshRequest(chat.RefreshRequest{}, "id"),
		LogoutRequest(chat.LogoutRequest{}, "id"), ChangePasswordRequest(chat.PasswordChange{}, "id"),
		PartitionStatesRequest(nil, by, "id"), MovedRequest(nil, by, "id"), ClaimRequest(chat.ClaimRequest{}, by, "id"), CursorsRequest("p", nil, by, "id"),
		CommitRequest("p", nil, by, "id"), ProjectionsRequest("p", by, "id"), ChangeProjectionRequest(chat.ProjectionChange{}, by, "id"), DeadLettersRequest("p", 0, by, "id"),
		CountsRequest(chat.CountsQuery{}, by, "id"), PutWordRequest(chat.Word{}, by, "id"), DeleteWordRequest("c", "w", by, "id"),
		WordsRequest(chat.TopWords{}, by, "id"), RegisteredWordsRequest(0, by, "id"),
		CreateWebhookRequest(chat.NewWebhook{}, by, "id"), WebhooksRequest("w", by, "id"), ChangeWebhookRequest(chat.WebhookChange{}, by, "id"),
		RemoveWebhookRequest("w", false, by, "id"), WebhookRegistryRequest("v", by, "id"), DisableWebhookRequest("w", 1, "r", by, "id"),
		SubscribeRequest(chat.Subscription{}, by, "id"), UnsubscribeRequest(chat.Unsubscription{}, by, "id"), SubscriptionsRequest("a", by, "id"),
		MuteRequest(chat.MuteRequest{}, by, "id"), MutedRequest("a", by, "id"), SubscribersRequest(by, "id"), PushTargetsRequest(chat.PushQuery{}, by, "id"),
		CreateAttachmentRequest(chat.NewAttachment{}, by, "id"), AttachmentRequest(chat.AttachmentRequest{}, by, "id"),
		SuspendRequest(chat.UserAction{}, by, "id"), RestoreRequest(chat.UserAction{}, by, "id"),
		UserSessionsRequest("a", by, "id"), EndSessionsRequest(chat.UserAction{}, "s", by, "id"), ResetPasswordRequest(chat.UserAction{}, "p", by, "id"),
		SuspensionsRequest(chat.SuspensionsRequest{}, by, "id"), AuditRequest(chat.AuditRequest{}, by, "id"),
	} {
		value := reflect.ValueOf(request).Elem()
		if value.FieldByName("Meta").IsNil() || RequestIDOf(request) != "id" || oldID(value) {
			t.Errorf("%+v names itself %q, want a Meta that does", request, RequestIDOf(request))
		}
		if old := value.FieldByName("Caller"); old.IsValid() && (!old.IsNil() || CallerOf(RequesterOf(request)) != by) {
			t.Errorf("%+v is of %+v, want a Meta that says %+v", request, RequesterOf(request), by)
		}
	}
	for _, hot := range []reflect.Type{reflect.TypeFor[rpc.SendRequest](), reflect.TypeFor[rpc.PullRequest]()} {
		for field := range hot.Fields() {
			if strings.EqualFold(field.Name, "meta") {
				t.Errorf("%s has a Meta, which makes each call longer", hot)
			}
		}
	}
}

// oldID reports whether a request's own id, of older clients, is set.
func oldID(request reflect.Value) bool {
	field := request.FieldByName("RequestId")
	return field.IsValid() && !field.IsNil()
}
