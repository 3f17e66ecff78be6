package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// StartTLS is Start with a server that speaks only TLS, and only to clients with a certificate.
func StartTLS(t testing.TB, args ...string) *Server {
	t.Helper()
	Need(t)
	return start(t, newCertificates(t), args)
}

// Certificates are PEM files for a client of servers with TLS; without TLS they are empty.
type Certificates struct {
	CA        string // trusted authority: it signed the servers' certificate for 127.0.0.1 and localhost
	Cert, Key string // the client's own, which servers require

	serverCert, serverKey string
}

// newCertificates makes certificates for one test.
func newCertificates(t testing.TB) Certificates {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	c := Certificates{
		CA: file("ca.pem"), Cert: file("client.pem"), Key: file("client.key"),
		serverCert: file("server.pem"), serverKey: file("server.key"),
	}
	authority := newAuthority(t, c.CA)
	authority.issue(t, "client", c.Cert, c.Key)
	authority.issue(t, "server", c.serverCert, c.serverKey)
	return c
}

// scheme is the scheme of a URL.
func (c Certificates) scheme() string {
	if c.CA == "" {
		return "redis"
	}
	return "rediss"
}

// listening is the arguments of a server for listening on a port. With certificates it listens with TLS only, and also
// uses TLS to other servers.
func (c Certificates) listening(port int) []string {
	if c.CA == "" {
		return []string{"--port", strconv.Itoa(port)}
	}
	return []string{
		"--port", "0", "--tls-port", strconv.Itoa(port), "--tls-auth-clients", "yes", "--tls-ca-cert-file", c.CA,
		"--tls-cert-file", c.serverCert, "--tls-key-file", c.serverKey, "--tls-replication", "yes", "--tls-cluster", "yes",
	}
}

// clientTLS is the TLS configuration of a client of the servers.
func (c Certificates) clientTLS() (*tls.Config, error) {
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: "127.0.0.1"}, nil
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, file string) authority {
	t.Helper()
	a := authority{cert: template("authority"), key: newKey(t)}
	a.cert.IsCA, a.cert.BasicConstraintsValid, a.cert.KeyUsage = true, true, x509.KeyUsageCertSign
	a.cert.ExtKeyUsage = nil
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "CERTIFICATE", der)
	return a
}

// issue writes a certificate and its key, for server or client use.
func (a authority) issue(t testing.TB, name, certFile, keyFile string) {
	t.Helper()
	key := newKey(t)
	cert, err := x509.CreateCertificate(rand.Reader, template(name), a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, certFile, "CERTIFICATE", cert)
	writePEM(t, keyFile, "PRIVATE KEY", private)
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "redistest " + name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
