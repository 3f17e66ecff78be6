package gateway

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/pullchat/pullchat/internal/reload"
)

// tlsConfig returns the configuration with the certificate of two files, which is read again when one of them changes. It
// speaks HTTP/1.1 only, as Hertz does.
func tlsConfig(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	certificate, err := reload.New(log, "certificate", func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}, certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.Get(), nil },
	}, nil
}
