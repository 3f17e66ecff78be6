package files

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Disk keeps files in a folder, and serves them at an address of its own, so that browsers treat them as another site
// than the page. It is for one process, and for development.
type Disk struct {
	root     *os.Root
	listener net.Listener
	origin   string // the prefix of signed URLs
	key      []byte // signs; URLs are not good after a restart
}

var _ chat.FileStore = (*Disk)(nil)

// OpenDisk opens a folder, which it creates, and listens. public is the origin by which clients reach addr; "" is addr itself.
func OpenDisk(dir, addr, public string) (*Disk, error) {
	for _, place := range []string{uploads, kept} {
		if err := os.MkdirAll(filepath.Join(dir, place), 0o700); err != nil {
			return nil, fmt.Errorf("the folder of files: %w", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of files: %w", err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("files-addr: %w", err), root.Close())
	}
	d := &Disk{root: root, listener: listener, origin: strings.TrimSuffix(public, "/"), key: make([]byte, 32)}
	_, _ = rand.Read(d.key) // never fails
	if d.origin == "" {
		d.origin = "http://" + dialable(listener.Addr())
	}
	return d, nil
}

// dialable is an address for clients of this machine.
func dialable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}

// Origin is the prefix of signed URLs, such as http://127.0.0.1:8081.
func (d *Disk) Origin() string { return d.origin }

// Run serves until ctx ends.
func (d *Disk) Run(ctx context.Context) error {
	server := &http.Server{Handler: d, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(d.listener) }()
	select {
	case err := <-ended:
		return errors.Join(err, d.root.Close())
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) { // an upload goes on; its sender repeats it
		err = server.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, d.root.Close())
}

// signature signs a method, a path and a query without its signature.
func (d *Disk) signature(method, path string, query url.Values) string {
	mac := hmac.New(sha256.New, d.key)
	fmt.Fprintf(mac, "%s\n%s\n%s", method, path, query.Encode())
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (d *Disk) sign(method, path string, query url.Values, lasts time.Duration) chat.SignedRequest {
	expires := time.Now().Add(lasts)
	query.Set("expires", strconv.FormatInt(expires.Unix(), 10))
	query.Set("signature", d.signature(method, path, query))
	return chat.SignedRequest{URL: d.origin + path + "?" + query.Encode(), Method: method, Expires: expires.UnixMicro()}
}

// SignUpload implements chat.FileStore.
func (d *Disk) SignUpload(_ context.Context, f chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	signed := d.sign(http.MethodPut, "/"+uploads+f.ID, url.Values{
		"bytes": {strconv.FormatInt(f.Bytes, 10)}, "type": {f.Type}, "sha256": {f.SHA256},
	}, lasts)
	signed.Headers = map[string]string{"Content-Type": f.Type}
	return signed, nil
}

// SignDownload implements chat.FileStore.
func (d *Disk) SignDownload(_ context.Context, f chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	return d.sign(http.MethodGet, "/"+kept+f.ID, url.Values{"disposition": {f.Disposition}, "type": {f.ServedAs}}, lasts), nil
}

// Keep implements chat.FileStore.
func (d *Disk) Keep(_ context.Context, f chat.File) error {
	file, err := d.root.Open(uploads + f.ID)
	if errors.Is(err, fs.ErrNotExist) {
		if there, err := d.root.Stat(kept + f.ID); err == nil && there.Size() == f.Bytes {
			return nil // an earlier request has kept it
		}
		return notUploaded(f)
	}
	if err != nil {
		return away("open", f.ID, err)
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return away("read", f.ID, err)
	}
	if size != f.Bytes {
		return wrongSize(f, size)
	}
	if f.SHA256 != "" && hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return wrongSum(f)
	}
	if err := d.root.Rename(uploads+f.ID, kept+f.ID); err != nil {
		return away("keep", f.ID, err)
	}
	return nil
}

// Remove implements chat.FileStore.
func (d *Disk) Remove(_ context.Context, id string) error {
	for _, path := range []string{uploads + id, kept + id} {
		if err := d.root.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return away("remove", path, err)
		}
	}
	return nil
}

// pathForm is of the paths that are signed.
var pathForm = regexp.MustCompile(`^/(uploads|files)/[0-9A-Za-z]{1,64}$`)

// ServeHTTP answers the signed requests, and the CORS preflights of browsers. It allows all pages, because the
// signature authorises a request.
func (d *Disk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Access-Control-Allow-Origin", "*")
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT")
		header.Set("Access-Control-Allow-Headers", "Content-Type, Range")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if !pathForm.MatchString(r.URL.Path) {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	if why := d.refuses(r, query); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	if r.Method == http.MethodPut {
		d.put(w, r, query)
		return
	}
	d.get(w, r, query)
}

// refuses returns why a request is not one that was signed, or "".
func (d *Disk) refuses(r *http.Request, query url.Values) string {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	given := query.Get("signature")
	query.Del("signature")
	if method != http.MethodGet && method != http.MethodPut || !hmac.Equal([]byte(given), []byte(d.signature(method, r.URL.Path, query))) {
		return "the signature is wrong"
	}
	if until, _ := strconv.ParseInt(query.Get("expires"), 10, 64); time.Now().Unix() > until {
		return "the signature has expired"
	}
	return ""
}

// uploadTimeout is how long an upload may take.
const uploadTimeout = 15 * time.Minute

// put stores exactly the announced bytes. A file is there as a whole, or not.
func (d *Disk) put(w http.ResponseWriter, r *http.Request, query url.Values) {
	size, _ := strconv.ParseInt(query.Get("bytes"), 10, 64)
	if r.ContentLength != size || r.Header.Get("Content-Type") != query.Get("type") {
		http.Error(w, fmt.Sprintf("the upload differs from the announced file: %d bytes of %s", size, query.Get("type")), http.StatusForbidden)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTimeout))
	place := strings.TrimPrefix(r.URL.Path, "/")
	part := place + "." + rand.Text()
	sum, err := d.write(part, io.LimitReader(r.Body, size))
	defer d.root.Remove(part) //nolint:errcheck // it is there only after an error
	if err != nil {
		http.Error(w, "the upload has failed", http.StatusBadRequest)
		return
	}
	if want, _ := hex.DecodeString(query.Get("sha256")); len(want) > 0 && !bytes.Equal(want, sum) {
		http.Error(w, "the upload does not have the announced sha256", http.StatusBadRequest)
		return
	}
	if err := d.root.Rename(part, place); err != nil {
		http.Error(w, "the upload cannot be stored", http.StatusInternalServerError)
	}
}

// write returns the SHA-256 of the written bytes.
func (d *Disk) write(path string, from io.Reader) ([]byte, error) {
	file, err := d.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, hash), from)
	return hash.Sum(nil), errors.Join(err, file.Close())
}

func (d *Disk) get(w http.ResponseWriter, r *http.Request, query url.Values) {
	file, err := d.root.Open(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Disposition", query.Get("disposition"))
	w.Header().Set("Content-Type", query.Get("type"))
	w.Header().Set("Cache-Control", "private, max-age=300")
	http.ServeContent(w, r, "", info.ModTime(), file)
}
