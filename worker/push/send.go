package push

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/SherClockHolmes/webpush-go"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/outbound"
)

// errGone is the answer of a service that knows the subscription no more.
var errGone = errors.New("the subscription is gone")

// temporary is an error after which the call may be made again, not before some time.
type temporary struct {
	error
	after time.Duration
}

func (t temporary) Unwrap() error { return t.error }

// callWithin bounds one call of a push service.
const callWithin = 10 * time.Second

// services call the push services.
type services struct {
	client *outbound.Client // to endpoints of users
	vapid  *vapid           // nil: no Web Push
	fcm    *fcm             // nil: no FCM
}

// fcm is Firebase Cloud Messaging's HTTP v1.
type fcm struct {
	client *http.Client // adds access tokens
	url    string
	host   string
}

func newServices(config Config) (*services, error) {
	allowed := make([]string, len(config.PushAllow))
	for i, network := range config.PushAllow {
		allowed[i] = network.String()
	}
	guard, err := outbound.NewGuard(allowed)
	if err != nil {
		return nil, err
	}
	s := &services{client: outbound.NewClient(guard, callWithin, config.Roots)}
	if s.vapid, err = config.vapid(); err != nil {
		return nil, err
	}
	account, err := config.account()
	if err != nil || account == nil {
		return s, err
	}
	endpoint, err := url.Parse(config.FCMEndpoint)
	if err != nil {
		return nil, fmt.Errorf("--fcm-endpoint: %w", err)
	}
	// The addresses are the operator's: every network is allowed.
	plain := &http.Client{
		Timeout: callWithin, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: callWithin,
			TLSClientConfig: &tls.Config{RootCAs: config.Roots, MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tokens := jwt.Config{
		Email: account.Email, PrivateKey: []byte(account.PrivateKey), PrivateKeyID: account.PrivateKeyID, TokenURL: account.TokenURL,
		Scopes: []string{"https://www.googleapis.com/auth/firebase.messaging"},
	}
	source := tokens.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, plain))
	s.fcm = &fcm{
		client: &http.Client{
			Timeout: callWithin, CheckRedirect: plain.CheckRedirect, Transport: &oauth2.Transport{Source: source, Base: plain.Transport},
		},
		url:  endpoint.JoinPath("v1/projects", account.Project, "messages:send").String(),
		host: endpoint.Host,
	}
	return s, nil
}

// host names the push service of a subscription; "" if it cannot be told.
func (s *services) host(to chat.Subscription) string {
	switch to.Kind {
	case chat.FCM:
		if s.fcm != nil {
			return s.fcm.host
		}
		return ""
	case chat.WebPush:
		if s.vapid == nil {
			return ""
		}
	}
	if u, err := url.Parse(to.Endpoint); err == nil {
		return u.Host
	}
	return ""
}

// send makes one call. Its error is errGone, temporary, or one that does not go away.
func (s *services) send(ctx context.Context, to chat.Subscription, n notification) error {
	var response *http.Response
	var err error
	switch to.Kind {
	case chat.WebPush:
		response, err = s.webPush(ctx, to, n) //nolint:bodyclose // finish closes it
	case chat.FCM:
		return s.fcm.send(ctx, to, n)
	default:
		response, err = s.plain(ctx, to, n) //nolint:bodyclose // finish closes it
	}
	if err != nil {
		return callError(err)
	}
	defer finish(response)
	if response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusGone {
		return errGone
	}
	return statusError(response)
}

// callError judges a call without an answer. Its address is a secret, and is left out.
func callError(err error) error {
	if errors.Is(err, outbound.ErrPrivate) {
		return outbound.ErrPrivate
	}
	return temporary{outbound.WithoutURL(err), 0}
}

// finish reads the rest of an answer, so that its connection is used again.
func finish(response *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
}

// statusError returns nil for a success.
func statusError(response *http.Response) error {
	code := response.StatusCode
	err := fmt.Errorf("the answer is %d", code)
	switch {
	case code >= 200 && code < 300:
		return nil
	case code >= 500 || slices.Contains([]int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}, code):
		return temporary{err, retryAfter(response.Header.Get("Retry-After"), time.Now())}
	}
	return err
}

// retryAfter reads a Retry-After: seconds or a date (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// webPush encrypts and sends (RFC 8030, 8188, 8291, 8292).
func (s *services) webPush(ctx context.Context, to chat.Subscription, n notification) (*http.Response, error) {
	// The library writes into spare capacity of the message.
	return webpush.SendNotificationWithContext(ctx, slices.Clip(n.json()),
		&webpush.Subscription{Endpoint: to.Endpoint, Keys: webpush.Keys{Auth: to.Auth, P256dh: to.P256DH}},
		&webpush.Options{
			HTTPClient: s.client, Topic: n.topic, TTL: n.ttl(), Urgency: webpush.Urgency(n.urgency),
			Subscriber: s.vapid.subject, VAPIDPublicKey: s.vapid.public, VAPIDPrivateKey: s.vapid.private,
		})
}

// priorities are ntfy's, by urgency.
var priorities = map[string]string{"very-low": "1", "low": "2", "normal": "3", "high": "4"}

// plain posts to an endpoint as ntfy documents it, with the headers of RFC 8030, which UnifiedPush has too.
func (s *services) plain(ctx context.Context, to chat.Subscription, n notification) (*http.Response, error) {
	body, mediaType := []byte(n.body()), "text/plain; charset=utf-8"
	if to.Format == chat.PlainJSON {
		body, mediaType = n.json(), "application/json"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("Content-Type", mediaType)
	h.Set("TTL", strconv.Itoa(n.ttl()))
	h.Set("Urgency", n.urgency)
	h.Set("Topic", n.topic)
	if to.Format != chat.PlainJSON {
		h.Set("Title", mime.QEncoding.Encode("utf-8", n.Title)) // RFC 2047, which ntfy reads
		h.Set("Priority", priorities[n.urgency])
	}
	return s.client.Do(request)
}

// message is the body of FCM's messages:send.
type message struct {
	Token        string            `json:"token"`
	Notification shown             `json:"notification"`
	Data         map[string]string `json:"data"`
	Android      android           `json:"android"`
	APNs         headers           `json:"apns"`
	WebPush      headers           `json:"webpush"`
}

type shown struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

type android struct {
	CollapseKey string `json:"collapse_key"`
	Priority    string `json:"priority"`
	TTL         string `json:"ttl"`
}

type headers struct {
	Headers map[string]string `json:"headers"`
}

func messageOf(to chat.Subscription, n notification) message {
	priority, apns := "NORMAL", "5"
	if n.urgency == "high" {
		priority, apns = "HIGH", "10"
	}
	ttl := strconv.Itoa(n.ttl())
	return message{
		Token: to.Token, Notification: shown{n.Title, n.body()},
		Data: map[string]string{
			"event": n.Event, "chat": n.Chat, "sender": n.Sender, "count": strconv.Itoa(n.Count), "send_time": strconv.FormatInt(n.SendTime, 10),
		},
		Android: android{CollapseKey: n.topic, Priority: priority, TTL: ttl + "s"},
		APNs: headers{map[string]string{
			"apns-collapse-id": n.topic, "apns-priority": apns, "apns-expiration": strconv.FormatInt(n.expires.Unix(), 10),
		}},
		WebPush: headers{map[string]string{"TTL": ttl, "Urgency": n.urgency, "Topic": n.topic}},
	}
}

func (f *fcm) send(ctx context.Context, to chat.Subscription, n notification) error {
	body, _ := json.Marshal(map[string]message{"message": messageOf(to, n)}) // strings cannot fail
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := f.client.Do(request)
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 {
		return fmt.Errorf("no access token is given: the answer is %d", refused.Response.StatusCode)
	}
	if err != nil {
		return callError(err)
	}
	defer finish(response)
	if response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusBadRequest {
		return fcmError(response)
	}
	return statusError(response)
}

// fcmError tells a token that is good no more from a request or a project that is wrong: FCM's own error is in the details.
func fcmError(response *http.Response) error {
	var answer struct {
		Error struct {
			Status  string `json:"status"`
			Details []struct {
				Type string `json:"@type"`
				Code string `json:"errorCode"`
			} `json:"details"`
		} `json:"error"`
	}
	_ = json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&answer) // a malformed answer has no details
	of := func(name string) bool {
		return slices.ContainsFunc(answer.Error.Details, func(d struct {
			Type string `json:"@type"`
			Code string `json:"errorCode"`
		},
		) bool {
			return strings.HasSuffix(d.Type, "/google.firebase.fcm.v1.FcmError") && d.Code == name
		})
	}
	if of("UNREGISTERED") || of("INVALID_ARGUMENT") && len(answer.Error.Details) == 1 {
		return errGone
	}
	return fmt.Errorf("the answer is %d %.40s", response.StatusCode, answer.Error.Status)
}
