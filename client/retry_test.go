package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/client"
)

// Here time is that of testing/synctest, and the network a function.

// over makes a client of a handler of requests.
func over(t *testing.T, servers string, f roundTrip, options ...client.Option) *client.Client {
	t.Helper()
	return with(t, servers, &http.Client{Transport: f}, options...)
}

// says is an answer; an empty retryAfter is none.
func says(status int, retryAfter, body string) (*http.Response, error) {
	response := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	if retryAfter != "" {
		response.Header.Set("Retry-After", retryAfter)
	}
	return response, nil
}

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// refuse fails as http.Transport does at a closed port.
func refuse(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GetConn(r.URL.Host)
	return nil, errors.New("connection refused")
}

func unavailable(retryAfter string) roundTrip {
	return func(*http.Request) (*http.Response, error) {
		return says(503, retryAfter, `{"code":"unavailable","message":"away"}`)
	}
}

// TestTimeIsBounded: against servers that never answer well, a call ends when its policy or its context says so.
func TestTimeIsBounded(t *testing.T) {
	for _, c := range []struct {
		name     string
		server   roundTrip
		policy   client.Policy
		timeout  time.Duration // of the context; 0: none
		attempts int
		min, max time.Duration // until the call ends
		wantIs   error
	}{
		{"hung, by default", hang, client.Policy{}, 0, 4, 10 * time.Second, 10 * time.Second, context.DeadlineExceeded},
		{"hung, attempts run out", hang, client.Policy{Attempts: 2, Wait: time.Nanosecond}, 0, 2, 6 * time.Second, 6*time.Second + 2, context.DeadlineExceeded},
		{"hung, repeats switched off", hang, client.Policy{Attempts: 1}, 0, 1, 3 * time.Second, 3 * time.Second, context.DeadlineExceeded},
		{"hung, a total below an attempt", hang, client.Policy{Total: time.Second}, 0, 1, time.Second, time.Second, context.DeadlineExceeded},
		{"hung, the context ends", hang, client.Policy{}, 5 * time.Second, 2, 5 * time.Second, 5 * time.Second, context.DeadlineExceeded},
		{"503, by default", unavailable(""), client.Policy{}, 0, 10, 0, 10 * time.Second, nil},
		{"503, the longest waits", unavailable(""), client.Policy{Attempts: 5, Total: time.Hour}, 0, 5, 0, 1500*time.Millisecond + 4, nil},
		{"503, Retry-After", unavailable("2"), client.Policy{Attempts: 3, Wait: time.Millisecond}, 0, 3, 4 * time.Second, 4*time.Second + 4*time.Millisecond, nil},
		{"503, Retry-After beyond the total", unavailable("10"), client.Policy{}, 0, 1, 0, 0, nil},
		{"503, Retry-After beyond the context", unavailable("2"), client.Policy{}, 2 * time.Second, 1, 0, 0, nil},
		{"503, Retry-After that overflows", unavailable("9223372036854775807"), client.Policy{}, 0, 1, 0, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, begin := t.Context(), time.Now()
				if c.timeout > 0 {
					limited, cancel := context.WithTimeout(ctx, c.timeout)
					defer cancel()
					ctx = limited
				}
				_, err := over(t, "http://a", c.server, client.WithPolicy(c.policy)).Send(ctx, client.Message{ID: "1"})
				status := 503
				if c.wantIs != nil {
					status = 0
				}
				wantRetryError(t, err, client.RetryError{Attempts: c.attempts, ID: "1", Unknown: true}, status)
				if c.wantIs != nil && !errors.Is(err, c.wantIs) {
					t.Errorf("Send() = %v, want %v in it", err, c.wantIs)
				}
				if got := time.Since(begin); got < c.min || got > c.max {
					t.Errorf("Send() takes %v, want %v to %v", got, c.min, c.max)
				}
			})
		})
	}
}

// TestRetryAfterIsADate also holds for a date that is past.
func TestRetryAfterIsADate(t *testing.T) {
	for offset, want := range map[time.Duration]time.Duration{5 * time.Second: 5 * time.Second, -time.Hour: 0} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			date := begin.Add(offset).UTC().Format(http.TimeFormat)
			announced := time.Duration(-1)
			api := over(t, "http://a", unavailable(date), client.WithPolicy(client.Policy{Attempts: 2, Wait: time.Millisecond}),
				client.WithNotify(func(r client.Repeat) { announced = r.Wait }))
			_ = api.Ready(t.Context())
			if got := time.Since(begin); got != announced || got < want || got > want+2*time.Millisecond {
				t.Errorf("after Retry-After: %s, Ready() takes %v and announces %v, want %v", date, got, announced, want)
			}
		})
	}
}

// TestFullJitter: each wait is anywhere between nothing and its limit, and the limits double up to the greatest.
func TestFullJitter(t *testing.T) {
	limits := []time.Duration{100, 200, 400, 800, 800, 800}
	synctest.Test(t, func(t *testing.T) {
		waits := make([][]time.Duration, len(limits))
		api := over(t, "http://a", unavailable(""),
			client.WithPolicy(client.Policy{Attempts: len(limits) + 1, Wait: 100 * time.Millisecond, MaxWait: 800 * time.Millisecond}),
			client.WithNotify(func(r client.Repeat) {
				waits[r.Attempt-1] = append(waits[r.Attempt-1], r.Wait)
				if r.Server != "http://a" || r.Err == nil {
					t.Errorf("repeat %+v, want the server and its error", r)
				}
			}))
		for range 200 {
			begin, waited := time.Now(), time.Duration(0)
			_ = api.Ready(t.Context())
			for _, w := range waits {
				waited += w[len(w)-1]
			}
			if got := time.Since(begin); got != waited {
				t.Fatalf("Ready() takes %v, want the %v that were announced", got, waited)
			}
		}
		for i, limit := range limits {
			limit *= time.Millisecond
			// Of 200 even draws none is in an outer tenth about once in 10^9 times.
			if low, high := slices.Min(waits[i]), slices.Max(waits[i]); low > limit/10 || high < limit*9/10 || high > limit+1 {
				t.Errorf("waits before repeat %d are %v to %v, want from nothing to %v", i+1, low, high, limit)
			}
		}
	})
}

// TestCancelled: a call whose context ends returns at once, with the last known error.
func TestCancelled(t *testing.T) {
	for _, c := range []struct {
		name   string
		server roundTrip
		want   client.RetryError
		status int
	}{
		{"while an attempt hangs", hang, client.RetryError{Attempts: 1, ID: "1", Unknown: true}, 0},
		{"while waiting", unavailable("5"), client.RetryError{Attempts: 1, ID: "1", Unknown: true}, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				begin := time.Now()
				_, err := over(t, "http://a", c.server).Send(ctx, client.Message{ID: "1"})
				wantRetryError(t, err, c.want, c.status)
				if !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second {
					t.Errorf("Send() = %v after %v, want %v after 1s", err, time.Since(begin), context.Canceled)
				}
				if _, err := over(t, "http://a", c.server).Send(ctx, client.Message{ID: "1"}); !errors.Is(err, context.Canceled) || errors.As(err, new(*client.RetryError)) {
					t.Errorf("Send(cancelled before) = %#v, want %v alone: nothing was sent", err, context.Canceled)
				}
			})
		})
	}
}

// TestLastWholeAnswerIsKept: the last attempt is cut short; the error still has the server's previous answer.
func TestLastWholeAnswerIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		api := over(t, "http://a", func(r *http.Request) (*http.Response, error) {
			if asked++; asked == 1 {
				return unavailable("")(r)
			}
			return hang(r)
		}, client.WithPolicy(client.Policy{Total: time.Second}))
		err := api.Ready(t.Context())
		wantRetryError(t, err, client.RetryError{Attempts: 2}, 503)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ready() = %v, want the end of the time in it", err)
		}
	})
}

// TestUnknownIsRemembered: a refused attempt does not settle the outcome of an attempt before it.
func TestUnknownIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		_, err := over(t, "http://a", func(*http.Request) (*http.Response, error) {
			if asked++; asked == 1 {
				return says(504, "", `{"code":"deadline_exceeded","message":"late"}`)
			}
			return says(400, "", `{"code":"invalid_argument","message":"no"}`)
		}).Send(t.Context(), client.Message{ID: "1"})
		wantRetryError(t, err, client.RetryError{Attempts: 2, ID: "1", Unknown: true}, 400)
		want := "invalid_argument: no (after 2 attempts); it is unknown whether the message is stored: send it again with the id 1 to be sure"
		if err.Error() != want {
			t.Errorf("Error() = %q, want %q", err, want)
		}
	})
}

// TestWithoutIDs: a message without an id goes out a second time only where the first certainly stored nothing.
func TestWithoutIDs(t *testing.T) {
	for name, c := range map[string]struct {
		server   roundTrip
		attempts int
	}{
		"refused": {refuse, 3},
		"429":     {func(*http.Request) (*http.Response, error) { return says(429, "", "") }, 3},
		"503":     {unavailable(""), 1},
		"hung":    {hang, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				api := over(t, "http://a", func(r *http.Request) (*http.Response, error) {
					asked++
					return c.server(r)
				}, client.WithIDs(nil), client.WithPolicy(client.Policy{Attempts: 3}))
				if _, err := api.Send(t.Context(), client.Message{}); err == nil || asked != c.attempts {
					t.Errorf("Send() = %v after %d attempts, want an error after %d", err, asked, c.attempts)
				}
			})
		})
	}
}

func TestIDs(t *testing.T) {
	s := serveFault(t, nil, 0)
	api := with(t, s.URL, nil)
	for range 100 {
		if _, err := api.Send(t.Context(), client.Message{}); err != nil {
			t.Fatal(err)
		}
	}
	ids := s.seen()
	slices.Sort(ids)
	if got := len(slices.Compact(slices.Clone(ids))); got != 100 || len(ids[0]) != 26 {
		t.Errorf("100 messages have %d ids like %q, want 100 of 26 characters", got, ids[0])
	}
	own := serveFault(t, nil, 0)
	api = with(t, own.URL, nil, client.WithIDs(func() string { return "made" }))
	for _, id := range []string{"", "given"} {
		if _, err := api.Send(t.Context(), client.Message{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := own.seen(), []string{"made", "given"}; !slices.Equal(got, want) {
		t.Errorf("ids %q, want %q", got, want)
	}
}

func TestPolicyRefusesWhatIsNegative(t *testing.T) {
	for _, in := range []client.Policy{{Attempts: -1}, {Total: -1}, {Attempt: -1}, {Wait: -1}, {MaxWait: -1}} {
		if _, err := client.New("http://a", nil, client.WithPolicy(in)); err == nil {
			t.Errorf("New(%+v) = nil, want an error", in)
		}
	}
}
