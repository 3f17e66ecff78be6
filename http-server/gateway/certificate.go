package gateway

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/pullchat/pullchat/internal/reload"
)

// certificate is one that is read again when its files change.
type certificate = reload.Value[*tls.Certificate]

// tlsConfig returns the configuration with the certificate of two files, which is read again when one of them changes. It
// speaks HTTP/1.1 only, as Hertz does.
func tlsConfig(certFile, keyFile string, log *slog.Logger) (*tls.Config, *certificate, error) {
	read, err := reload.New(log, "certificate", func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}, certFile, keyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return read.Get(), nil },
	}, read, nil
}
