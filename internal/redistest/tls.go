package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

// StartTLS is Start with a server that talks TLS only, and only to clients that show a certificate: Server.CA, Cert
// and Key are made for this server. Its certificate is for 127.0.0.1 and localhost.
func StartTLS(t testing.TB, args ...string) *Server {
	t.Helper()
	needRedis(t)
	s := &Server{t: t, dir: t.TempDir(), credentials: credentialsIn(args)}
	s.CA, s.Cert, s.Key = s.file("ca.pem"), s.file("client.pem"), s.file("client.key")
	authority := newAuthority(t, s.CA)
	authority.issue(t, "client", s.Cert, s.Key)
	authority.issue(t, "server", s.file("server.pem"), s.file("server.key"))
	s.begin(func() []string {
		return append([]string{
			"--port", "0", "--tls-port", strconv.Itoa(s.port), "--tls-auth-clients", "yes", "--tls-ca-cert-file", s.CA,
			"--tls-cert-file", s.file("server.pem"), "--tls-key-file", s.file("server.key"), "--appendonly", "yes",
		}, args...)
	})
	return s
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

// issue writes a certificate and its key, good for either end of a connection.
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
