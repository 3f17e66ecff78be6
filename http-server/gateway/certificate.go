package gateway

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often the files of a certificate are looked at, at most.
const certificateCheck = time.Second

// certificate is read from two files, and again when one of them changes. What cannot be read leaves the old one.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mutex   sync.Mutex
	current *tls.Certificate
	read    [2]os.FileInfo // the files that were tried last; nil where one could not be found
	checked time.Time
}

// readCertificate fails where the files do not hold a certificate and its key.
func readCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: time.Now}
	c.checked, c.read = c.now(), c.files()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	c.current = &pair
	return c, nil
}

// tlsConfig speaks HTTP/1.1 only, as Hertz does.
func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}
}

func (c *certificate) get() *tls.Certificate {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if now := c.now(); now.Sub(c.checked) >= certificateCheck {
		c.checked = now
		c.refresh()
	}
	return c.current
}

// refresh reads files that have changed since they were tried last, so that a broken one gives one warning.
func (c *certificate) refresh() {
	files := c.files()
	if same(files[0], c.read[0]) && same(files[1], c.read[1]) {
		return
	}
	c.read = files
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		c.log.Warn("the new certificate cannot be used; the old one stays", "error", err)
		return
	}
	c.current = &pair
	c.log.Info("the certificate was read again", "file", c.certFile)
}

func (c *certificate) files() (files [2]os.FileInfo) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			files[i] = info
		}
	}
	return files
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
