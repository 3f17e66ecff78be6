package reload

import (
	"crypto/tls"
	"fmt"
	"log/slog"
)

// Certificate is a certificate and its key.
type Certificate = Value[*tls.Certificate]

// TLS returns a server's configuration with the certificate of two files. Without protocols it negotiates none.
func TLS(log *slog.Logger, certFile, keyFile string, protocols ...string) (*tls.Config, *Certificate, error) {
	read, err := New(log, "certificate", func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}, certFile, keyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return read.Get(), nil },
	}, read, nil
}
