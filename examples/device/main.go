// The device measures, asks a back end when to measure again, and beeps when a back end wants it. It keeps its connection, and does
// each thing once. docs/devices.md describes the protocol; there is no library.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"time"
)

const (
	pingAfter = time.Minute // below DEVICE_IDLE, and below the idle time of routers
	answers   = 10 * time.Second
	longest   = time.Minute // between two attempts to connect
	remembers = 1000        // uids that the server may send again
)

var errReplaced = errors.New("another device with this uid has connected")

// object is the content of a line, in both directions.
type object struct {
	Action       string          `json:"action"`
	DeviceUID    string          `json:"deviceUid"`
	UID          string          `json:"uid"`
	Status       string          `json:"status,omitempty"`
	ErrorMessage string          `json:"errorMessage,omitempty"`
	Data         json.RawMessage `json:"data"`
}

type device struct {
	server, uid, token string
	every              time.Duration

	conn       net.Conn
	number     int
	unanswered *object   // the last request, until its response
	next       time.Time // of a measurement
	done       []string  // uids of finished requests; a device that restarts keeps them in a file
}

func main() {
	d := device{token: os.Getenv("DEVICE_TOKEN"), next: time.Now()}
	flag.StringVar(&d.server, "server", "127.0.0.1:5001", "the address of the server")
	flag.StringVar(&d.uid, "uid", "sensor1", "the device")
	flag.DurationVar(&d.every, "every", 10*time.Second, "how often it measures, until a back end says something else")
	flag.Parse()
	for wait := time.Second; ; wait = min(2*wait, longest) {
		began := time.Now()
		err := d.session()
		if errors.Is(err, errReplaced) {
			log.Fatal(err)
		}
		if time.Since(began) > longest {
			wait = time.Second
		}
		log.Printf("%v; again in %v", err, wait)
		<-time.After(wait/2 + rand.N(wait)) // all devices of a server that stops come back at different times
	}
}

// session serves one connection until it ends.
func (d *device) session() (err error) {
	if d.conn, err = net.DialTimeout("tcp", d.server, 10*time.Second); err != nil { //nolint:noctx // nothing ends it but its timeout
		return err
	}
	defer func() { _ = d.conn.Close() }()
	d.write(object{Action: "connect", UID: "connect", Data: encode(map[string]string{"token": d.token})})
	lines, line := bufio.NewReader(d.conn), []byte(nil)
	heard, pinged, connected := time.Now(), false, false
	for {
		quiet := heard.Add(pingAfter)
		if pinged {
			quiet = quiet.Add(answers)
		}
		until := quiet
		if connected && d.next.Before(until) {
			until = d.next
		}
		_ = d.conn.SetReadDeadline(until)
		part, err := lines.ReadBytes('\n')
		line = append(line, part...)
		switch timeout := errors.Is(err, os.ErrDeadlineExceeded); {
		case timeout && time.Now().Before(quiet):
			d.measure()
			continue
		case timeout && pinged:
			return errors.New("the server is silent")
		case timeout:
			_, _ = d.conn.Write([]byte("Ping\n"))
			pinged = true
			continue
		case err != nil:
			return err
		}
		heard, pinged = time.Now(), false
		if string(line) != "Pong\n" {
			if err := d.obey(line, &connected); err != nil {
				return err
			}
		}
		line = line[:0]
	}
}

// obey handles a line.
func (d *device) obey(line []byte, connected *bool) error {
	var o object
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	switch {
	case o.Action == "connect.response" && o.Status == "ok":
		*connected = true
		fmt.Println("connected")
		if d.unanswered != nil { // it may not have arrived
			d.write(*d.unanswered)
		}
		return nil
	case o.Action == "connect.response":
		return errors.New(o.ErrorMessage)
	case o.Action == "replaced":
		return errReplaced
	case o.UID == "" && o.Status == "": // reconnect, idle, expired, full: the server closes
		return errors.New(o.Action)
	case o.Action == "ack.response":
		return nil
	}
	if !slices.Contains(d.done, o.UID) {
		d.act(o)
		d.done = append(d.done[max(0, len(d.done)-remembers):], o.UID)
	}
	d.write(object{Action: "ack", UID: o.UID})
	return nil
}

// act performs the action that a back end requests.
func (d *device) act(o object) {
	var data struct{ Next, Times int }
	_ = json.Unmarshal(o.Data, &data)
	switch {
	case d.unanswered != nil && o.UID == d.unanswered.UID:
		d.unanswered = nil
		fmt.Println("response:", o.Status, o.ErrorMessage, string(o.Data))
		if data.Next > 0 {
			d.every = time.Duration(data.Next) * time.Second
			d.next = time.Now().Add(d.every)
		}
	case o.Action == "beep":
		fmt.Println("beep", data.Times)
	default:
		fmt.Println("unknown:", o.Action)
	}
}

// measure tells the back end a temperature.
func (d *device) measure() {
	d.number++
	uid := fmt.Sprintf("%d-%d", time.Now().Unix(), d.number) // once in the life of the device
	d.unanswered = &object{Action: "measured", UID: uid, Data: encode(map[string]float64{"celsius": 20 + rand.Float64()*5})}
	d.write(*d.unanswered)
	d.next = time.Now().Add(d.every)
}

// write writes one line. An error is one of the next read, too.
func (d *device) write(o object) {
	o.DeviceUID = d.uid
	_ = d.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, _ = d.conn.Write(append(encode(o), '\n'))
}

func encode(v any) []byte {
	b, _ := json.Marshal(v) // of these types it does not fail
	return b
}
