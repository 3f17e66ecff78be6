package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/webpushtest"
)

// received is a push service's message, as its device has it.
type received struct {
	path    string
	title   string
	text    string
	fields  map[string]any // of JSON
	topic   string
	ttl     int
	urgency string
}

// receiver is a push service with devices: for Web Push below /web/, for ntfy below /, with JSON below /json/, FCM below /v1/.
type receiver struct {
	*httptest.Server

	t     *testing.T
	vapid string // the public key of the sender
	came  chan received

	mutex    sync.Mutex
	devices  map[string]*webpushtest.Device
	statuses map[string][]int // by path: the status of the next answers
	header   http.Header      // of those answers
	asked    map[string]int
	faults   []string
	tokens   *rsa.PrivateKey // of the service account
	fcm      map[string]bool // tokens of devices
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, came: make(chan received, 1000), devices: map[string]*webpushtest.Device{}, statuses: map[string][]int{}, header: http.Header{}, asked: map[string]int{}, fcm: map[string]bool{}}
	r.Server = httptest.NewTLSServer(r)
	t.Cleanup(func() {
		r.Close()
		r.mutex.Lock()
		defer r.mutex.Unlock()
		for _, fault := range r.faults {
			t.Errorf("a push service refuses: %s", fault)
		}
	})
	return r
}

// subscription makes a browser, with its subscription.
func (r *receiver) subscription(user, name string) chat.Subscription {
	r.t.Helper()
	d := webpushtest.NewDevice(r.t)
	path := "/web/" + user + "-" + name
	r.mutex.Lock()
	r.devices[path] = d
	r.mutex.Unlock()
	return chat.Subscription{User: user, Device: name, Kind: chat.WebPush, Endpoint: r.URL + path, P256DH: d.P256DH(), Auth: d.Auth()}
}

// answer has the next calls of a path answered with these statuses.
func (r *receiver) answer(path string, header http.Header, statuses ...int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.statuses[path], r.header = statuses, header
}

func (r *receiver) calls(path string) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.asked[path]
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	path := request.URL.Path
	r.mutex.Lock()
	r.asked[path]++
	if next := r.statuses[path]; len(next) > 0 {
		r.statuses[path] = next[1:]
		maps.Copy(w.Header(), r.header)
		r.mutex.Unlock()
		w.WriteHeader(next[0])
		return
	}
	r.mutex.Unlock()
	var got received
	var err error
	switch {
	case path == "/token":
		r.giveToken(w, request, body)
		return
	case strings.HasPrefix(path, "/v1/"):
		got, err = r.takeFCM(w, request, body)
		if err == nil && got.path == "" { // answered
			return
		}
	case strings.HasPrefix(path, "/web/"):
		got, err = r.takeWebPush(request, body)
	default:
		got, err = r.takePlain(request, body)
	}
	if err != nil {
		r.mutex.Lock()
		r.faults = append(r.faults, path+": "+err.Error())
		r.mutex.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.came <- got
	w.WriteHeader(http.StatusCreated)
}

var topics = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// headers reads those of RFC 8030.
func (got *received) headers(request *http.Request) (err error) {
	got.path, got.topic, got.urgency = request.URL.Path, request.Header.Get("Topic"), request.Header.Get("Urgency")
	got.ttl, err = strconv.Atoi(request.Header.Get("TTL"))
	switch {
	case request.Method != http.MethodPost:
		return errors.New("it is no POST")
	case err != nil || got.ttl < 0:
		return fmt.Errorf("TTL is %q", request.Header.Get("TTL"))
	case !topics.MatchString(got.topic):
		return fmt.Errorf("Topic is %q", got.topic)
	case !slices.Contains([]string{"very-low", "low", "normal", "high"}, got.urgency):
		return fmt.Errorf("Urgency is %q", got.urgency)
	}
	return nil
}

// takeWebPush verifies the sender and decrypts the message.
func (r *receiver) takeWebPush(request *http.Request, body []byte) (got received, err error) {
	if err := got.headers(request); err != nil {
		return got, err
	}
	if coding := request.Header.Get("Content-Encoding"); coding != "aes128gcm" {
		return got, fmt.Errorf("Content-Encoding is %q", coding)
	}
	if err := r.verifyVAPID(request.Header.Get("Authorization")); err != nil {
		return got, err
	}
	r.mutex.Lock()
	d := r.devices[request.URL.Path]
	r.mutex.Unlock()
	if d == nil {
		return got, errors.New("there is no such device")
	}
	text, err := d.Decrypt(body)
	if err != nil {
		return got, err
	}
	return got, got.json(text)
}

func (got *received) json(text []byte) error {
	if err := json.Unmarshal(text, &got.fields); err != nil {
		return err
	}
	got.title, _ = got.fields["title"].(string)
	got.text, _ = got.fields["text"].(string)
	return nil
}

// verifyVAPID verifies "vapid t=JWT, k=KEY" (RFC 8292).
func (r *receiver) verifyVAPID(authorization string) error {
	parts := regexp.MustCompile(`^vapid t=([^ ,]+), ?k=([^ ,]+)$`).FindStringSubmatch(authorization)
	if parts == nil || parts[2] != r.vapid {
		return fmt.Errorf("Authorization is %q", authorization)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 65 {
		return fmt.Errorf("k is %q", parts[2])
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		return err
	}
	claims := jwt.RegisteredClaims{}
	_, err = jwt.ParseWithClaims(parts[1], &claims, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(r.URL), jwt.WithExpirationRequired())
	switch {
	case err != nil:
		return err
	case claims.ExpiresAt.After(time.Now().Add(24 * time.Hour)):
		return fmt.Errorf("the token expires at %s", claims.ExpiresAt)
	case claims.Subject != "mailto:ops@example.org":
		return fmt.Errorf("sub is %q", claims.Subject)
	}
	return nil
}

// takePlain is a server of ntfy, and below /json/ one of UnifiedPush.
func (r *receiver) takePlain(request *http.Request, body []byte) (got received, err error) {
	if err := got.headers(request); err != nil {
		return got, err
	}
	if len(body) == 0 || len(body) > 4096 || !utf8.Valid(body) {
		return got, fmt.Errorf("the body has %d bytes", len(body))
	}
	topic := strings.TrimPrefix(request.URL.Path, "/")
	if name, is := strings.CutPrefix(topic, "json/"); is {
		topic = name
		err = got.json(body)
	} else {
		got.text = string(body)
		got.title, err = new(mime.WordDecoder).DecodeHeader(request.Header.Get("Title"))
		if priority, numberErr := strconv.Atoi(request.Header.Get("Priority")); numberErr != nil || priority < 1 || priority > 5 {
			return got, fmt.Errorf("Priority is %q", request.Header.Get("Priority"))
		}
	}
	if !regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`).MatchString(topic) {
		return got, fmt.Errorf("the topic is %q", topic)
	}
	return got, err
}

// serviceAccount writes the key file of a service account of this receiver.
func (r *receiver) serviceAccount() string {
	r.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		r.t.Fatal(err)
	}
	r.tokens = key
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "proj", "client_email": "push@proj.example", "private_key_id": "1", "token_uri": r.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})),
	})
	path := filepath.Join(r.t.TempDir(), "key.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// giveToken gives an access token for an assertion (RFC 7523).
func (r *receiver) giveToken(w http.ResponseWriter, request *http.Request, body []byte) {
	request.Body = io.NopCloser(strings.NewReader(string(body)))
	claims := struct {
		jwt.RegisteredClaims
		Scope string `json:"scope"`
	}{}
	_, err := jwt.ParseWithClaims(request.FormValue("assertion"), &claims, func(*jwt.Token) (any, error) { return &r.tokens.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(r.URL+"/token"), jwt.WithIssuer("push@proj.example"), jwt.WithExpirationRequired())
	if err != nil || claims.Scope != "https://www.googleapis.com/auth/firebase.messaging" || request.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"access_token":"good","token_type":"Bearer","expires_in":3600}`)
}

// fcmRequest is the documented form of projects.messages.send, as far as it is used; everything else is refused.
type fcmRequest struct {
	Message struct {
		Token        string `json:"token"`
		Notification struct {
			Title string `json:"title"`
			Body  string `json:"body"`
		} `json:"notification"`
		Data    map[string]string `json:"data"`
		Android struct {
			CollapseKey string `json:"collapse_key"`
			Priority    string `json:"priority"`
			TTL         string `json:"ttl"`
		} `json:"android"`
		APNs struct {
			Headers map[string]string `json:"headers"`
		} `json:"apns"`
		WebPush struct {
			Headers map[string]string `json:"headers"`
		} `json:"webpush"`
	} `json:"message"`
}

// takeFCM answers messages:send. A path of "" was answered with an error of FCM.
func (r *receiver) takeFCM(w http.ResponseWriter, request *http.Request, body []byte) (got received, err error) {
	if request.URL.Path != "/v1/projects/proj/messages:send" || request.Method != http.MethodPost || len(body) > 4096 {
		return got, errors.New("it is no call of messages:send")
	}
	if request.Header.Get("Authorization") != "Bearer good" {
		http.Error(w, `{"error":{"code":401,"status":"UNAUTHENTICATED"}}`, http.StatusUnauthorized)
		return got, nil
	}
	var asked fcmRequest
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return got, err
	}
	m := asked.Message
	seconds := regexp.MustCompile(`^(\d+)s$`).FindStringSubmatch(m.Android.TTL)
	for name := range m.Data {
		if name == "from" || strings.HasPrefix(name, "google") || strings.HasPrefix(name, "gcm") || name == "message_type" {
			return got, fmt.Errorf("the data has the reserved key %s", name)
		}
	}
	if seconds == nil || m.Android.Priority != "HIGH" && m.Android.Priority != "NORMAL" || len(m.APNs.Headers["apns-collapse-id"]) > 64 {
		return got, fmt.Errorf("it is invalid: %+v", m)
	}
	r.mutex.Lock()
	known := r.fcm[m.Token]
	r.mutex.Unlock()
	if !known {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}`)
		return got, nil
	}
	ttl, _ := strconv.Atoi(seconds[1])
	got = received{path: m.Token, title: m.Notification.Title, text: m.Notification.Body, topic: m.Android.CollapseKey, ttl: ttl, fields: map[string]any{}}
	for name, value := range m.Data {
		got.fields[name] = value
	}
	return got, nil
}
