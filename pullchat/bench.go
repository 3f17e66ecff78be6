package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/pullchat/bench"
)

// benchmark is the command "bench".
type benchmark struct {
	connection
	Kind        string        `arg:"" enum:"send,pull,mixed,live,inbox,unread,login" help:"send, pull, mixed (nine pulls to one send), live (sends to watched chats), inbox or unread (of one user with all the chats), or login."`
	Connections int           `name:"connections" default:"64" placeholder:"N" help:"Connections, each with one request at a time."`
	Chats       int           `name:"chats" default:"1000" placeholder:"N" help:"Chats that the load is spread over."`
	TextBytes   int           `name:"text-bytes" default:"40" placeholder:"N" help:"Length of each text."`
	History     int           `name:"history" default:"200" placeholder:"N" help:"Messages that each chat has before a pull or mixed run."`
	Limit       int           `name:"limit" default:"20" placeholder:"N" help:"Messages in a page."`
	Duration    time.Duration `name:"duration" default:"10s" placeholder:"DURATION" help:"How long to measure."`
	Warmup      time.Duration `name:"warmup" default:"2s" placeholder:"DURATION" help:"How long to run before measuring."`
	Rate        float64       `name:"rate" default:"0" placeholder:"N" help:"Requests per second, on a fixed schedule; 0 sends the next request after each answer."`
	Watchers    int           `name:"watchers" default:"100" placeholder:"N" help:"Of live: watching connections, spread over the chats. With --connections 0 nothing is sent to them."`
	Transport   string        `name:"transport" aliases:"door" default:"sse" enum:"sse,ws,poll" help:"Of live: ${enum}."`
	ReadBack    bool          `name:"read-back" default:"true" negatable:"" help:"Read everything again and compare."`
	ChatsAre    string        `name:"chats-are" default:"open" enum:"open,pairs,private" help:"Rooms that were never created (open), two-person chats (pairs), or private rooms with all senders as members."`
	Keys        token.Config  `embed:""`
	CPU         []string      `name:"cpu" placeholder:"NAME=PID" help:"Count this process's CPU time; may be given several times."`
}

// Validate refuses invalid combinations of flags. Kong calls it.
func (b *benchmark) Validate() error {
	least := 1
	if b.Kind == string(bench.Live) {
		least = 0
	}
	if b.Connections < least || b.Watchers < 1 || b.Chats < 1 || b.TextBytes < 1 || b.History < 1 || b.Limit < 1 || b.Duration <= 0 || b.Warmup < 0 || b.Rate < 0 {
		return errors.New("connections, watchers, chats, text-bytes, history, limit and duration must be positive; warmup and rate must not be negative")
	}
	if b.ChatsAre == string(bench.Pairs) && b.Chats < b.Connections {
		return fmt.Errorf("%d connections need at least as many chats with pairs: each connection has its own chat", b.Connections)
	}
	return b.Keys.Check()
}

// Run makes the load and prints the report. It fails when the read-back finds a fault.
func (b *benchmark) Run(ctx contextType) error {
	servers := b.servers()
	if len(servers) != 1 {
		return errors.New("bench puts load on one server")
	}
	options := bench.Options{
		Server: servers[0], Kind: bench.Kind(b.Kind), Connections: b.Connections, Chats: b.Chats, TextBytes: b.TextBytes,
		History: b.History, Limit: b.Limit, Duration: b.Duration, Warmup: b.Warmup, Rate: b.Rate, NoReadBack: !b.ReadBack,
		Watchers: b.Watchers, Transport: bench.Transport(b.Transport), ChatsAre: bench.Form(b.ChatsAre),
	}
	keys, err := b.Keys.Keys(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if keys != nil {
		options.Tokens = keys
	}
	for _, process := range b.CPU {
		name, number, _ := strings.Cut(process, "=")
		pid, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("--cpu %s is not NAME=PID", process)
		}
		options.Processes = append(options.Processes, bench.Process{Name: name, PID: pid})
	}
	report, err := bench.Run(ctx, options, os.Stderr)
	if err != nil {
		return err
	}
	if b.JSON {
		err = json.NewEncoder(os.Stdout).Encode(report)
	} else {
		_, err = fmt.Print(report)
	}
	if faults := report.ReadBack.Faults(); faults > 0 {
		return errors.Join(err, fmt.Errorf("the read-back found %d faults", faults))
	}
	if report.Live != nil && report.Live.Faults() > 0 {
		return errors.Join(err, fmt.Errorf("the watchers found %d faults", report.Live.Faults()))
	}
	return err
}
