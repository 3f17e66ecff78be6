package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	_, validator := served(t, &fakeService{})
	if err := validator.Valid(); err != nil {
		t.Errorf("Valid(/openapi.yaml) = %v", err)
	}
}

func TestDocumentHasTheRoutes(t *testing.T) {
	t.Parallel()
	_, validator := served(t, &fakeService{})
	var want, got []string
	for _, r := range allRoutes() {
		want = append(want, r.method+" "+strings.NewReplacer(":user", "{user}", ":session", "{session}", ":room", "{room}", ":chat", "{chat}", ":name", "{name}", ":word", "{word}", ":webhook", "{webhook}", ":device", "{device}", ":file", "{file}", ":attachment", "{attachment}", ":send_time", "{send_time}", ":report", "{report}").Replace(r.path))
	}
	for path, item := range validator.Document().Paths.Map() {
		for method := range item.Operations() {
			got = append(got, method+" "+path)
		}
	}
	for _, r := range want {
		if !slices.Contains(got, r) {
			t.Errorf("openapi.yaml lacks %s, which is in routes.go", r)
		}
	}
	for _, r := range got {
		if !slices.Contains(want, r) {
			t.Errorf("routes.go lacks %s, which is in openapi.yaml", r)
		}
	}
}

func TestDocumentHasTheCodes(t *testing.T) {
	t.Parallel()
	_, validator := served(t, &fakeService{})
	var got []chat.Code
	for _, code := range validator.Document().Components.Schemas["Error"].Value.Properties["code"].Value.Enum {
		got = append(got, chat.Code(fmt.Sprint(code)))
	}
	if want := chat.Codes(); !slices.Equal(got, want) {
		t.Errorf("/openapi.yaml has the codes %q; the domain has %q", got, want)
	}
}

// TestDocumentHasTheFields holds idl_http.proto and the document together.
func TestDocumentHasTheFields(t *testing.T) {
	t.Parallel()
	_, validator := served(t, &fakeService{})
	schemas := validator.Document().Components.Schemas
	for name, message := range map[string]any{
		"Message":      api.Message{},
		"SendRequest":  api.SendRequest{},
		"SendResponse": api.SendResponse{},
		"SendResult":   api.SendResult{},
		"PullRequest":  api.PullRequest{},
		"PullResponse": api.PullResponse{},
		"Error":        api.ErrorResponse{},

		"ChatPage":         api.ChatPage{},
		"SignalRequest":    api.SignalRequest{},
		"SignalResponse":   api.SignalResponse{},
		"ReadRequest":      api.ReadRequest{},
		"ReadResponse":     api.ReadResponse{},
		"PresenceResponse": api.PresenceResponse{},

		"Receipt":         api.Receipt{},
		"ReadersResponse": api.ReadersResponse{},
		"IgnoredResponse": api.IgnoredResponse{},
		"Reaction":        api.Reaction{}, "ChangeRequest": api.ChangeRequest{},
		"PushSubscription": api.PushSubscription{},
		"MuteRequest":      api.MuteRequest{},
		"MutedChat":        api.MutedChat{},
		"MutedResponse":    api.MutedResponse{},

		"PushSubscriptionsResponse": api.PushSubscriptionsResponse{},
		"InboxEntry":                api.InboxEntry{},
		"InboxResponse":             api.InboxResponse{},
		"UnreadChat":                api.UnreadChat{},
		"UnreadResponse":            api.UnreadResponse{},
		"Account":                   api.Account{},
		"RegisterRequest":           api.RegisterRequest{},
		"UsersResponse":             api.UsersResponse{},
		"ContactsRequest":           api.ContactsRequest{},
		"ContactsResponse":          api.ContactsResponse{},
		"LoginRequest":              api.LoginRequest{},
		"RefreshRequest":            api.RefreshRequest{},
		"TokenResponse":             api.TokenResponse{},
		"LogoutRequest":             api.LogoutRequest{},
		"PasswordRequest":           api.PasswordRequest{},

		"DeleteAccountRequest": api.DeleteAccountRequest{},
		"StatusResponse":       api.StatusResponse{},

		"Room":              api.Room{},
		"Member":            api.Member{},
		"RoomsResponse":     api.RoomsResponse{},
		"CreateRoomRequest": api.CreateRoomRequest{},
		"ChangeRoomRequest": api.ChangeRoomRequest{},
		"AddMembersRequest": api.AddMembersRequest{},
		"RoleRequest":       api.RoleRequest{},

		"Webhook":              api.Webhook{},
		"WebhooksResponse":     api.WebhooksResponse{},
		"CreateWebhookRequest": api.CreateWebhookRequest{},
		"ChangeWebhookRequest": api.ChangeWebhookRequest{},

		"Projection":              api.Projection{},
		"ProjectionsResponse":     api.ProjectionsResponse{},
		"ChangeProjectionRequest": api.ChangeProjectionRequest{},
		"DeadLetter":              api.DeadLetter{},
		"DeadLettersResponse":     api.DeadLettersResponse{},
		"Word":                    api.Word{},
		"WordsResponse":           api.WordsResponse{},

		"CreateAttachmentRequest":  api.CreateAttachmentRequest{},
		"ConfirmAttachmentRequest": api.ConfirmAttachmentRequest{},
		"Attachment":               api.Attachment{},
		"SignedAttachment":         api.SignedAttachment{},

		"SuspendRequest":      api.SuspendRequest{},
		"Suspension":          api.Suspension{},
		"SuspensionsResponse": api.SuspensionsResponse{},
		"AuditEntry":          api.AuditEntry{},

		"UserSession":          api.UserSession{},
		"UserSessionsResponse": api.UserSessionsResponse{},
		"ResetPasswordRequest": api.ResetPasswordRequest{},

		"AuditResponse": api.AuditResponse{},
	} {
		t.Run(name, func(t *testing.T) {
			schema := schemas[name]
			if schema == nil {
				t.Fatalf("/openapi.yaml has no schema %s", name)
			}
			want := protoFields(reflect.TypeOf(message))
			got := map[string]string{}
			for field, property := range schema.Value.Properties {
				got[field] = (*property.Value.Type)[0]
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s has the fields %v in /openapi.yaml, and %v in the IDL", name, got, want)
			}
		})
	}
}

// TestDocumentRequiresWhatIsAlwaysThere: an answer's field is required unless the IDL says optional.
func TestDocumentRequiresWhatIsAlwaysThere(t *testing.T) {
	t.Parallel()
	_, validator := served(t, &fakeService{})
	for name, message := range map[string]any{
		"Message": api.Message{}, "SendResponse": api.SendResponse{}, "SendResult": api.SendResult{}, "PullResponse": api.PullResponse{}, "Error": api.ErrorResponse{},
		"ChatPage": api.ChatPage{}, "SignalResponse": api.SignalResponse{}, "ReadResponse": api.ReadResponse{},
		"PresenceResponse": api.PresenceResponse{},
		"Account":          api.Account{}, "UsersResponse": api.UsersResponse{}, "ContactsResponse": api.ContactsResponse{},
		"TokenResponse": api.TokenResponse{}, "StatusResponse": api.StatusResponse{},
		"Receipt": api.Receipt{}, "ReadersResponse": api.ReadersResponse{}, "IgnoredResponse": api.IgnoredResponse{},
		"InboxEntry": api.InboxEntry{}, "InboxResponse": api.InboxResponse{}, "UnreadChat": api.UnreadChat{},
		"UnreadResponse": api.UnreadResponse{},
		"Room":           api.Room{}, "Member": api.Member{}, "RoomsResponse": api.RoomsResponse{},
		"Webhook": api.Webhook{}, "WebhooksResponse": api.WebhooksResponse{},
		"Projection": api.Projection{}, "ProjectionsResponse": api.ProjectionsResponse{}, "DeadLetter": api.DeadLetter{}, "DeadLettersResponse": api.DeadLettersResponse{},
		"Word": api.Word{}, "WordsResponse": api.WordsResponse{},
		"Attachment": api.Attachment{}, "SignedAttachment": api.SignedAttachment{},
		"UserSession": api.UserSession{}, "UserSessionsResponse": api.UserSessionsResponse{},
		"Suspension": api.Suspension{}, "SuspensionsResponse": api.SuspensionsResponse{}, "AuditEntry": api.AuditEntry{}, "AuditResponse": api.AuditResponse{},
		"PushSubscriptionsResponse": api.PushSubscriptionsResponse{}, "MutedChat": api.MutedChat{}, "MutedResponse": api.MutedResponse{},
	} {
		var want []string
		for field := range exported(reflect.TypeOf(message)) {
			if tag := field.Tag.Get("json"); !strings.Contains(tag, "omitempty") {
				want = append(want, tag)
			}
		}
		got := slices.Sorted(slices.Values(validator.Document().Components.Schemas[name].Value.Required))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s requires %q in /openapi.yaml; the IDL's fields that are always there are %q", name, got, want)
		}
	}
}

// protoFields returns a generated type's fields: JSON name to JSON Schema type.
func protoFields(message reflect.Type) map[string]string {
	types := map[reflect.Kind]string{
		reflect.String: "string", reflect.Int64: "integer", reflect.Bool: "boolean", reflect.Slice: "array",
		reflect.Struct: "object", reflect.Map: "object",
	}
	fields := map[string]string{}
	for field := range exported(message) {
		kind := field.Type.Kind()
		if kind == reflect.Pointer {
			kind = field.Type.Elem().Kind()
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = types[kind]
		if field.Type == reflect.TypeFor[json.RawMessage]() {
			fields[name] = "object"
		}
	}
	return fields
}

func exported(message reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, field := range reflect.VisibleFields(message) {
			if field.IsExported() && !yield(field) {
				return
			}
		}
	}
}
