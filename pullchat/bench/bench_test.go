package bench

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// serve runs a gateway over a Service and returns its URL.
func serve(t *testing.T, service chat.Service) string {
	t.Helper()
	server, err := gateway.Listen(gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 1 << 16}, chat.Services{Messages: service, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return "http://" + server.Addr().String()
}

// core is the real service over an embedded Redis.
func core(t *testing.T) *chat.MessageService {
	t.Helper()
	store, err := storage.Open("redis://"+miniredis.RunT(t).Addr(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return chat.NewMessageService(store, chat.Access{}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096})
}

// short is a run of 80 requests on a schedule, without a warm-up: all are made and counted, however slow the machine is.
func short(url string, kind Kind) Options {
	return Options{
		Server: url, Kind: kind, Connections: 4, Chats: 5, TextBytes: 30, History: 40, Limit: 20,
		Duration: 400 * time.Millisecond, Rate: 200,
		Processes: []Process{{Name: "self", PID: os.Getpid()}},
	}
}

// wrongly counts the statuses of failures other than those with which a server on a busy machine says so.
func wrongly(failed map[string]int) (n int) {
	for status := range failed {
		if !slices.Contains([]string{"429", "503", "504"}, status) {
			n++
		}
	}
	return n
}

func TestHonestServer(t *testing.T) {
	url := serve(t, core(t))
	for _, kind := range []Kind{Send, Pull, Mixed} {
		for _, rate := range []float64{0, 200} {
			options := short(url, kind)
			options.Rate = rate
			report, err := Run(t.Context(), options, io.Discard)
			if err != nil {
				t.Fatalf("Run(%s) = %v", kind, err)
			}
			if report.Succeeded == 0 || wrongly(report.Failed) > 0 || report.ReadBack.Faults() > 0 || report.ReadBack.Acknowledged == 0 {
				t.Errorf("Run(%s, rate %v) = %+v, want successes and no fault", kind, rate, report)
			}
			if l := report.Latency; l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.Max {
				t.Errorf("Run(%s) measures latencies %+v, want them in order", kind, l)
			}
			if len(report.CPU) != 1 || report.CPU[0].Process != "self" {
				t.Errorf("Run(%s) measures CPU %+v, want this process", kind, report.CPU)
			}
			if text := report.String(); !strings.Contains(text, "0 missing, 0 doubled") {
				t.Errorf("the report says %q", text)
			}
		}
	}
}

// faulty is a Service that mistreats one message in ten.
type faulty struct {
	*chat.MessageService
	wrong func(f *faulty, m chat.Message) (chat.Receipt, error)
	mutex sync.Mutex
	count int
}

func (f *faulty) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.count++
	if f.count%10 == 0 {
		return f.wrong(f, m)
	}
	return f.MessageService.Send(ctx, m)
}

// TestReadBackFindsFaults: the read-back reports a server that acknowledges wrongly.
func TestReadBackFindsFaults(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		wrong func(f *faulty, m chat.Message) (chat.Receipt, error)
		found func(ReadBack) int
	}{
		"loses": {func(f *faulty, m chat.Message) (chat.Receipt, error) {
			return chat.Receipt{SendTime: time.Now().UnixMicro()}, nil
		}, func(b ReadBack) int { return b.Missing }},
		"stores twice": {func(f *faulty, m chat.Message) (chat.Receipt, error) {
			_, _ = f.MessageService.Send(ctx, m)
			return f.MessageService.Send(ctx, m)
		}, func(b ReadBack) int { return b.Doubled }},
		"says another position": {func(f *faulty, m chat.Message) (chat.Receipt, error) {
			receipt, err := f.MessageService.Send(ctx, m)
			receipt.SendTime++
			return receipt, err
		}, func(b ReadBack) int { return b.Missing }},
		"changes the text": {func(f *faulty, m chat.Message) (chat.Receipt, error) {
			m.Text = "9" + m.Text
			return f.MessageService.Send(ctx, m)
		}, func(b ReadBack) int { return b.Strange }},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Run(t.Context(), short(serve(t, &faulty{MessageService: core(t), wrong: c.wrong}), Send), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if c.found(report.ReadBack) == 0 || report.ReadBack.Faults() == 0 {
				t.Errorf("the read-back of a server that %s = %+v, want it found", name, report.ReadBack)
			}
		})
	}
}

// delayed is a Service that stores a message only when its sender has sent the next one.
type delayed struct {
	*chat.MessageService
	mutex sync.Mutex
	held  map[string]chat.Message
}

func (d *delayed) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	key := m.Sender + m.Chat
	held, holding := d.held[key]
	if !holding {
		d.held[key] = m
		return chat.Receipt{SendTime: 1}, nil
	}
	delete(d.held, key)
	receipt, err := d.MessageService.Send(ctx, m)
	_, _ = d.MessageService.Send(ctx, held)
	return receipt, err
}

func TestReadBackFindsDisorder(t *testing.T) {
	report, err := Run(t.Context(), short(serve(t, &delayed{MessageService: core(t), held: map[string]chat.Message{}}), Send), io.Discard)
	if err != nil || report.ReadBack.OutOfOrder == 0 {
		t.Errorf("Run() = %+v, %v; want disorder found", report, err)
	}
}

// refusing is a Service that refuses every second send.
type refusing struct {
	*chat.MessageService
	mutex sync.Mutex
	count int
}

func (r *refusing) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	r.mutex.Lock()
	r.count++
	refuse := r.count%2 == 0
	r.mutex.Unlock()
	if refuse {
		return chat.Receipt{}, chat.Errorf(chat.Conflict, "no")
	}
	return r.MessageService.Send(ctx, m)
}

func TestRefusedRequestsAreCounted(t *testing.T) {
	report, err := Run(t.Context(), short(serve(t, &refusing{MessageService: core(t)}), Send), io.Discard)
	if err != nil || report.Failed["409"] == 0 || report.Succeeded == 0 || report.ReadBack.Faults() > 0 {
		t.Errorf("Run() = %+v, %v; want refusals counted and no fault", report, err)
	}
}

func TestServerThatCannotBeReached(t *testing.T) {
	report, err := Run(t.Context(), short("http://127.0.0.1:1", Send), io.Discard)
	if err == nil {
		t.Errorf("Run() = %+v, want an error", report)
	}
	for _, server := range []string{"", "127.0.0.1:8080", "https://127.0.0.1", "http://"} {
		if _, err := Run(t.Context(), short(server, Send), io.Discard); err == nil {
			t.Errorf("Run(%q) = nil, want an error", server)
		}
	}
}
