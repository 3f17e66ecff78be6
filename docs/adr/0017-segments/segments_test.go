// Package segments is the measurement of docs/adr/0017-segments.md, not part of Pullchat. It compares a chat's log in
// segments of 128 messages, compressed when full, with today's sorted set. It starts a redis-server itself.
//
//	cd docs/adr/0017-segments && go test -bench . -count 3
//
// cpu-µs is the CPU of this process, which does not depend on other load.
package segments

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/redistest"
)

const (
	segmentSize = 128
	chatLength  = 1000
	pageSize    = 20
)

// message is an entry of the log: its position, and the StoredMessage as internal/entry writes it.
type message struct {
	position int64
	stored   []byte
}

func (m message) member() string { return fmt.Sprintf("%016d%s", m.position, m.stored) }

// English text is cut between words into texts of 30 to 50 bytes, which are shuffled: real sentences without
// repetition. The book comes with Go as a test of compression.
func english(tb testing.TB) []string {
	tb.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		tb.Fatal(err)
	}
	book, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src/testdata/Isaac.Newton-Opticks.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var texts []string
	text, length := "", 30+r.IntN(16)
	for _, word := range strings.Fields(string(book)) {
		text = strings.TrimSpace(text + " " + word)
		if len(text) >= length {
			texts = append(texts, text)
			text, length = "", 30+r.IntN(16)
		}
	}
	r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	return texts
}

// chatOf returns a room of eight senders with different shares. Messages are seconds to minutes apart.
func chatOf(tb testing.TB, withIDs bool) []message {
	tb.Helper()
	senders := []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"}
	r := rand.New(rand.NewPCG(3, 4))
	texts, position, bytes := english(tb), int64(1_780_000_000_000_000), 0
	messages := make([]message, chatLength)
	for i := range messages {
		position += 1_000_000 + r.Int64N(120_000_000)
		stored := field(nil, 1, texts[i])
		stored = field(stored, 2, senders[min(r.IntN(8), r.IntN(8))])
		if withIDs {
			stored = field(stored, 3, fmt.Sprintf("%016x", r.Uint64()))
		}
		messages[i] = message{position, append(stored, 0)}
		bytes += len(texts[i])
	}
	if mean := bytes / chatLength; mean < 38 || mean > 44 {
		tb.Fatalf("texts have %d bytes on average", mean)
	}
	return messages
}

// field appends a string in Thrift's binary protocol.
func field(to []byte, id byte, text string) []byte {
	to = append(to, 11, 0, id)
	to = binary.BigEndian.AppendUint32(to, uint32(len(text)))
	return append(to, text...)
}

// encode returns a segment before compression: for each message the step of its position, the length, and the bytes.
func encode(messages []message) []byte {
	var segment []byte
	last := int64(0)
	for _, m := range messages {
		segment = binary.AppendUvarint(segment, uint64(m.position-last))
		segment = binary.AppendUvarint(segment, uint64(len(m.stored)))
		segment = append(segment, m.stored...)
		last = m.position
	}
	return segment
}

// page returns the first messages from a position on. They share the segment's memory.
func page(segment []byte, from int64) []message {
	messages, last := make([]message, 0, pageSize), int64(0)
	for len(segment) > 0 && len(messages) < pageSize {
		step, n := binary.Uvarint(segment)
		length, m := binary.Uvarint(segment[n:])
		end := n + m + int(length)
		if last += int64(step); last >= from {
			messages = append(messages, message{last, segment[n+m : end]})
		}
		segment = segment[end:]
	}
	return messages
}

type codec struct {
	name     string
	compress func([]byte) []byte
	expand   func([]byte) ([]byte, error)
}

func codecs(tb testing.TB) []codec {
	tb.Helper()
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	list := []codec{
		{"none", bytes.Clone, func(b []byte) ([]byte, error) { return b, nil }},
		{"snappy", func(b []byte) []byte { return s2.EncodeSnappy(nil, b) }, func(b []byte) ([]byte, error) { return s2.Decode(nil, b) }},
		{"s2", func(b []byte) []byte { return s2.Encode(nil, b) }, func(b []byte) ([]byte, error) { return s2.Decode(nil, b) }},
		{"s2-better", func(b []byte) []byte { return s2.EncodeBetter(nil, b) }, func(b []byte) ([]byte, error) { return s2.Decode(nil, b) }},
	}
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression} {
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1))
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, codec{
			"zstd-" + level.String(), func(b []byte) []byte { return encoder.EncodeAll(b, nil) },
			func(b []byte) ([]byte, error) { return decoder.DecodeAll(b, nil) },
		})
	}
	for _, level := range []int{1, 6} {
		list = append(list, flateCodec(tb, level))
	}
	return list
}

// flateCodec reuses the standard library's codec.
func flateCodec(tb testing.TB, level int) codec {
	tb.Helper()
	var out bytes.Buffer
	writer, err := flate.NewWriter(&out, level)
	if err != nil {
		tb.Fatal(err)
	}
	reader := flate.NewReader(nil)
	return codec{
		"flate-" + strconv.Itoa(level),
		func(b []byte) []byte {
			out.Reset()
			writer.Reset(&out)
			_, _ = writer.Write(b)
			_ = writer.Close()
			return bytes.Clone(out.Bytes())
		},
		func(b []byte) ([]byte, error) {
			if err := reader.(flate.Resetter).Reset(bytes.NewReader(b), nil); err != nil {
				return nil, err
			}
			return io.ReadAll(reader)
		},
	}
}

// BenchmarkSeal is the CPU to encode and compress one segment, and its size for each message.
func BenchmarkSeal(b *testing.B) {
	for _, c := range codecs(b) {
		for _, ids := range []bool{false, true} {
			messages := chatOf(b, ids)[:segmentSize]
			b.Run(fmt.Sprintf("%s/ids=%t", c.name, ids), func(b *testing.B) {
				size, before := 0, ownCPU(b)
				for b.Loop() {
					size = len(c.compress(encode(messages)))
				}
				b.ReportMetric((ownCPU(b)-before)/float64(b.N)*1e6, "cpu-µs")
				b.ReportMetric(float64(size)/segmentSize, "B/message")
			})
		}
	}
}

// BenchmarkPage is the CPU of the reader: it expands one segment and cuts 20 messages out of its middle.
func BenchmarkPage(b *testing.B) {
	messages := chatOf(b, false)[:segmentSize]
	for _, c := range codecs(b) {
		sealed := c.compress(encode(messages))
		b.Run(c.name, func(b *testing.B) {
			before := ownCPU(b)
			for b.Loop() {
				segment, err := c.expand(sealed)
				if err != nil {
					b.Fatal(err)
				}
				got := page(segment, messages[60].position)
				if len(got) != pageSize || got[0].member() != messages[60].member() {
					b.Fatalf("page = %d messages", len(got))
				}
			}
			b.ReportMetric((ownCPU(b)-before)/float64(b.N)*1e6, "cpu-µs")
		})
	}
}

// BenchmarkStored is the memory of a chat of 1,000 messages in Redis: as a sorted set, as segments in strings, and as
// segments in one hash. Messages that fill no segment are in a sorted set.
func BenchmarkStored(b *testing.B) {
	client := start(b)
	for _, ids := range []bool{false, true} {
		messages := chatOf(b, ids)
		measure := func(name string, store func(p redis.Pipeliner, key string)) {
			b.Run(fmt.Sprintf("%s/ids=%t", name, ids), func(b *testing.B) {
				total := int64(0)
				for b.Loop() {
					total = stored(b, client, store)
				}
				b.ReportMetric(float64(total)/chatLength, "B/message")
			})
		}
		measure("sorted-set", func(p redis.Pipeliner, key string) { add(p, key, messages) })
		for _, c := range codecs(b) {
			measure("strings-"+c.name, func(p redis.Pipeliner, key string) {
				seal(p, key, c, messages, func(first, sealed string) {
					p.Set(context.Background(), key+":"+first, sealed, 0)
					p.ZAdd(context.Background(), key+":index", redis.Z{Score: 1, Member: first})
				})
			})
		}
		best := codecs(b)[5]
		measure("hash-"+best.name, func(p redis.Pipeliner, key string) {
			seal(p, key, best, messages, func(first, sealed string) { p.HSet(context.Background(), key+":sealed", first, sealed) })
		})
	}
}

func seal(p redis.Pipeliner, key string, c codec, messages []message, put func(first, sealed string)) {
	for ; len(messages) >= segmentSize; messages = messages[segmentSize:] {
		put(strconv.FormatInt(messages[0].position, 10), string(c.compress(encode(messages[:segmentSize]))))
	}
	add(p, key, messages)
}

func add(p redis.Pipeliner, key string, messages []message) {
	for _, m := range messages {
		p.ZAdd(context.Background(), key, redis.Z{Score: float64(m.position), Member: m.member()})
	}
}

// stored returns the memory of all keys of a chat, and removes them.
func stored(b *testing.B, client *redis.Client, store func(redis.Pipeliner, string)) (total int64) {
	b.Helper()
	ctx := b.Context()
	p := client.Pipeline()
	store(p, "im:{97}:log:room")
	if _, err := p.Exec(ctx); err != nil {
		b.Fatal(err)
	}
	keys, err := client.Keys(ctx, "im:*").Result()
	if err != nil {
		b.Fatal(err)
	}
	for _, key := range keys {
		n, err := client.MemoryUsage(ctx, key, 0).Result()
		if err != nil {
			b.Fatal(err)
		}
		total += n
	}
	if err := client.Del(ctx, keys...).Err(); err != nil {
		b.Fatal(err)
	}
	return total
}

// BenchmarkRedis is Redis's own CPU, pipelined, for today's page, a segment's page, and the sealing of 128 messages.
func BenchmarkRedis(b *testing.B) {
	client := start(b)
	ctx := b.Context()
	messages, c := chatOf(b, false), codecs(b)[5]
	sealed := string(c.compress(encode(messages[:segmentSize])))
	p := client.Pipeline()
	add(p, "set", messages)
	add(p, "head", messages[:segmentSize])
	p.HSet(ctx, "sealed", "1", sealed)
	p.Set(ctx, "string", sealed, 0)
	if _, err := p.Exec(ctx); err != nil {
		b.Fatal(err)
	}
	from := strconv.FormatInt(messages[60].position, 10)
	cost := func(name string, commands func(redis.Pipeliner)) {
		b.Run(name, func(b *testing.B) {
			const batch = 32
			before, calls := cpu(b, client), 0
			for b.Loop() {
				p := client.Pipeline()
				for range batch {
					commands(p)
				}
				if _, err := p.Exec(ctx); err != nil {
					b.Fatal(err)
				}
				calls += batch
			}
			b.ReportMetric((cpu(b, client)-before)/float64(calls)*1e6, "redis-µs")
		})
	}
	page := &redis.ZRangeBy{Min: from, Max: "+inf", Count: pageSize}
	cost("page-sorted-set", func(p redis.Pipeliner) { p.ZRangeByScoreWithScores(ctx, "set", page) })
	cost("page-string", func(p redis.Pipeliner) { p.Get(ctx, "string") })
	cost("page-hash", func(p redis.Pipeliner) { p.HGet(ctx, "sealed", "1") })
	cost("seal", func(p redis.Pipeliner) { // the head is one block, so its removal costs almost nothing
		p.ZRangeWithScores(ctx, "head", 0, -1)
		p.HSet(ctx, "sealed", "1", sealed)
	})
}

func start(b *testing.B) *redis.Client {
	b.Helper()
	client := redis.NewClient(&redis.Options{Addr: redistest.Start(b, "--appendonly", "no", "--zset-max-listpack-value", "512").Addr()})
	b.Cleanup(func() { _ = client.Close() })
	return client
}

// ownCPU returns the seconds of CPU that this process has used.
func ownCPU(b *testing.B) float64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// cpu returns the seconds of CPU that Redis has used.
func cpu(b *testing.B, client *redis.Client) (seconds float64) {
	b.Helper()
	info, err := client.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			used, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			seconds += used
		}
	}
	return seconds
}
