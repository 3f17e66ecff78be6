package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// files is a certificate and its key, where a gateway reads them.
type files struct{ cert, key string }

func newFiles(t *testing.T, serial int64) files {
	t.Helper()
	folder := t.TempDir()
	f := files{filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")}
	f.write(t, serial)
	return f
}

// write puts a new certificate for 127.0.0.1 in the place of the old one.
func (f files) write(t *testing.T, serial int64) {
	t.Helper()
	cert, key := newPair(t, serial)
	replaceFile(t, f.cert, cert)
	replaceFile(t, f.key, key)
}

func newPair(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "a test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// replaceFile replaces a certificate as renewal programs do: it writes another file and renames it.
func replaceFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func TestListenRefusesABadCertificate(t *testing.T) {
	t.Parallel()
	good, other := newFiles(t, 1), newFiles(t, 2)
	broken := newFiles(t, 3)
	replaceFile(t, broken.cert, []byte("no certificate"))
	for name, f := range map[string]files{
		"no files": {"/none/cert.pem", "/none/key.pem"}, "broken": broken, "another's key": {good.cert, other.key},
	} {
		server, err := Listen(Config{HTTPAddr: "127.0.0.1:0", TLSCert: f.cert, TLSKey: f.key}, chat.Services{Messages: &fakeService{}, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), "tls-cert, tls-key: ") {
			t.Errorf("%s: Listen() = %v, %v; want an error about tls-cert, tls-key", name, server, err)
		}
	}
}

// dialTLS is dial, with a handshake.
func dialTLS(t *testing.T, addr string, config *tls.Config) (wire, *tls.Conn) {
	t.Helper()
	config.InsecureSkipVerify = true // the serial number says which one it is
	plain := dial(t, addr)
	encrypted := tls.Client(plain.Conn, config)
	w := plain
	w.Conn = encrypted
	w.in.Reset(encrypted)
	return w, encrypted
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	f := newFiles(t, 1)
	g := runConfig(t, &fakeService{}, Config{TLSCert: f.cert, TLSKey: f.key}, func(*limits) {})
	client, conn := dialTLS(t, g.addr, &tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	for range 2 {
		client.ask(t, "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
		_, header, _ := client.whole(t, http.StatusOK)
		checkSecurity(t, header, true)
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("the protocol is %q, want http/1.1", got)
	}
	client.ask(t, "hello\r\n\r\n")
	_, header, _ := client.whole(t, http.StatusBadRequest)
	checkSecurity(t, header, true)

	_, old := dialTLS(t, g.addr, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err := old.Handshake(); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("a handshake of TLS 1.1 = %v, want it refused", err)
	}
	plain := dial(t, g.addr)
	plain.ask(t, "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, body := plain.answer(t, http.StatusBadRequest); !strings.Contains(body, "https://") {
		t.Errorf("HTTP on a port of HTTPS = %s, want it said", body)
	}
	plain.ended(t)
}

// TestRotation: a running gateway shows the new certificate, and connections with the old one go on.
func TestRotation(t *testing.T) {
	t.Parallel()
	f := newFiles(t, 1)
	g := runConfig(t, &fakeService{}, Config{TLSCert: f.cert, TLSKey: f.key}, func(*limits) {})
	old, conn := dialTLS(t, g.addr, &tls.Config{})
	old.ask(t, sendRequest)
	old.answer(t, http.StatusOK)
	if got := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != 1 {
		t.Fatalf("the certificate is %d, want 1", got)
	}
	f.write(t, 2)
	tick := time.NewTicker(moment)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		_, conn := dialTLS(t, g.addr, &tls.Config{})
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		if conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64() == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the old certificate is still shown after %v", patience)
		}
	}
	old.ask(t, sendRequest)
	old.answer(t, http.StatusOK)
}

// TestAHandshakeThatNeverEnds holds up neither others nor a stop, and has its time.
func TestAHandshakeThatNeverEnds(t *testing.T) {
	f := newFiles(t, 1)
	for name, part := range map[string]string{"silent": "", "begun": "\x16\x03\x01\x02\x00\x01\x00"} {
		t.Run(name, func(t *testing.T) {
			config := Config{TLSCert: f.cert, TLSKey: f.key}
			g := runConfig(t, &fakeService{}, config, func(l *limits) { l.handshake = 10 * moment })
			slow := dial(t, g.addr)
			slow.ask(t, part)
			g.untilConnections(t, 1)
			client, _ := dialTLS(t, g.addr, &tls.Config{})
			client.ask(t, sendRequest)
			client.answer(t, http.StatusOK)
			slow.ended(t)

			g = runConfig(t, &fakeService{}, config, func(*limits) {})
			slow = dial(t, g.addr)
			slow.ask(t, part)
			idle, _ := dialTLS(t, g.addr, &tls.Config{})
			idle.ask(t, sendRequest)
			idle.answer(t, http.StatusOK)
			g.untilConnections(t, 2)
			g.stop()
			g.within(t, atOnce)
			idle.ended(t)
		})
	}
}

func TestTurnedAwayWithTLS(t *testing.T) {
	t.Parallel()
	f := newFiles(t, 1)
	g := runConfig(t, &fakeService{}, Config{TLSCert: f.cert, TLSKey: f.key, MaxConnections: new(1)}, func(*limits) {})
	dial(t, g.addr)
	g.untilConnections(t, 1)
	client, _ := dialTLS(t, g.addr, &tls.Config{})
	client.ask(t, sendRequest)
	if _, body := client.answer(t, http.StatusServiceUnavailable); !strings.HasPrefix(body, `{"code":"unavailable"`) {
		t.Errorf("the second connection = %s, want unavailable", body)
	}
}
