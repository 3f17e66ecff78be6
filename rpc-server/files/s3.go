package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/pullchat/pullchat/internal/chat"
)

// S3Config says where files are.
type S3Config struct {
	URL       string // https://host[:port]/bucket, and perhaps /prefix
	PublicURL string // the same, as clients reach it; "" is URL
	AccessKey string
	SecretKey string
	Region    string
}

// S3 keeps files in a bucket, which must exist. Clients reach the bucket themselves.
type S3 struct {
	client *minio.Client
	public *minio.Client // signs the requests of clients
	bucket string
	prefix string
}

var _ chat.FileStore = (*S3)(nil)

// NewS3 returns the store. It makes no request.
func NewS3(config S3Config) (*S3, error) {
	place, bucket, prefix, err := parseS3(config.URL)
	if err != nil {
		return nil, fmt.Errorf("s3-url: %w", err)
	}
	public := place
	if config.PublicURL != "" {
		var publicBucket, publicPrefix string
		if public, publicBucket, publicPrefix, err = parseS3(config.PublicURL); err != nil {
			return nil, fmt.Errorf("s3-public-url: %w", err)
		}
		if publicBucket != bucket || publicPrefix != prefix {
			return nil, errors.New("s3-public-url has another bucket than s3-url; signatures would not match")
		}
	}
	s := &S3{bucket: bucket, prefix: prefix}
	if s.client, err = dial(place, config); err == nil {
		s.public, err = dial(public, config)
	}
	return s, err
}

func dial(place *url.URL, config S3Config) (*minio.Client, error) {
	return minio.New(place.Host, &minio.Options{
		Creds: credentials.NewStaticV4(config.AccessKey, config.SecretKey, ""), Secure: place.Scheme == "https", Region: config.Region,
		BucketLookup: minio.BucketLookupPath, // names of hosts need not be set up for each bucket
	})
}

func parseS3(text string) (place *url.URL, bucket, prefix string, err error) {
	place, err = url.Parse(text)
	if err != nil {
		return nil, "", "", errors.New("it is not a URL, like https://s3.example.org/bucket")
	}
	if place.Scheme != "https" && place.Scheme != "http" || place.Host == "" || place.RawQuery != "" || place.Fragment != "" || place.User != nil {
		return nil, "", "", errors.New("it is not like https://s3.example.org/bucket; the keys have settings of their own")
	}
	bucket, prefix, _ = strings.Cut(strings.Trim(place.Path, "/"), "/")
	if bucket == "" {
		return nil, "", "", errors.New("it has no bucket; it is like https://s3.example.org/bucket")
	}
	if prefix != "" {
		prefix += "/"
	}
	return place, bucket, prefix, nil
}

func (s *S3) uploaded(id string) string { return s.prefix + uploads + id }
func (s *S3) kept(id string) string     { return s.prefix + kept + id }

// SignUpload implements chat.FileStore. The signature covers type, length and checksum.
func (s *S3) SignUpload(ctx context.Context, f chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	headers := map[string]string{"Content-Type": f.Type}
	if f.SHA256 != "" {
		sum, err := sumOf(f)
		if err != nil {
			return chat.SignedRequest{}, err
		}
		headers["X-Amz-Checksum-Sha256"] = base64.StdEncoding.EncodeToString(sum)
	}
	signed := http.Header{}
	for name, value := range headers {
		signed.Set(name, value)
	}
	signed.Set("Content-Length", strconv.FormatInt(f.Bytes, 10)) // clients set it themselves
	expires := time.Now().Add(lasts)
	link, err := s.public.PresignHeader(ctx, http.MethodPut, s.bucket, s.uploaded(f.ID), lasts, nil, signed)
	if err != nil {
		return chat.SignedRequest{}, away("sign the upload of", f.ID, err)
	}
	return chat.SignedRequest{URL: link.String(), Method: http.MethodPut, Headers: maps.Clone(headers), Expires: expires.UnixMicro()}, nil
}

// SignDownload implements chat.FileStore.
func (s *S3) SignDownload(ctx context.Context, f chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	expires := time.Now().Add(lasts)
	link, err := s.public.PresignedGetObject(ctx, s.bucket, s.kept(f.ID), lasts, url.Values{
		"response-content-disposition": {f.Disposition}, "response-content-type": {f.ServedAs},
	})
	if err != nil {
		return chat.SignedRequest{}, away("sign the download of", f.ID, err)
	}
	return chat.SignedRequest{URL: link.String(), Method: http.MethodGet, Expires: expires.UnixMicro()}, nil
}

// Keep implements chat.FileStore. It copies the compared version of the file, and no later upload.
func (s *S3) Keep(ctx context.Context, f chat.File) error {
	there, err := s.client.StatObject(ctx, s.bucket, s.uploaded(f.ID), minio.StatObjectOptions{Checksum: true})
	if isMissing(err) {
		if there, err = s.client.StatObject(ctx, s.bucket, s.kept(f.ID), minio.StatObjectOptions{}); err == nil && there.Size == f.Bytes {
			return nil // an earlier request has kept it
		}
		if isMissing(err) {
			return notUploaded(f)
		}
	}
	if err != nil {
		return away("look at", f.ID, err)
	}
	if there.Size != f.Bytes {
		return wrongSize(f, there.Size)
	}
	if f.SHA256 != "" {
		if err := s.compare(ctx, f, there); err != nil {
			return err
		}
	}
	_, err = s.client.CopyObject(ctx,
		minio.CopyDestOptions{Bucket: s.bucket, Object: s.kept(f.ID)},
		minio.CopySrcOptions{Bucket: s.bucket, Object: s.uploaded(f.ID), MatchETag: there.ETag})
	if code := minio.ToErrorResponse(err).Code; code == minio.PreconditionFailed {
		return chat.Wrap(err, chat.Conflict, "the file is being uploaded again; confirm it afterwards")
	}
	if err != nil {
		return away("keep", f.ID, err)
	}
	// The rest is deleted with the attachment.
	_ = s.client.RemoveObject(ctx, s.bucket, s.uploaded(f.ID), minio.RemoveObjectOptions{})
	return nil
}

// compare compares the checksum that the store has computed, or reads the file where the store has none.
func (s *S3) compare(ctx context.Context, f chat.File, there minio.ObjectInfo) error {
	want, err := sumOf(f)
	if err != nil {
		return err
	}
	if there.ChecksumSHA256 != "" {
		if there.ChecksumSHA256 != base64.StdEncoding.EncodeToString(want) {
			return wrongSum(f)
		}
		return nil
	}
	options := minio.GetObjectOptions{}
	if err := options.SetMatchETag(there.ETag); err != nil {
		return away("read", f.ID, err)
	}
	object, err := s.client.GetObject(ctx, s.bucket, s.uploaded(f.ID), options)
	if err != nil {
		return away("read", f.ID, err)
	}
	defer object.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(object, f.Bytes+1)); err != nil {
		return away("read", f.ID, err)
	}
	if !bytes.Equal(hash.Sum(nil), want) {
		return wrongSum(f)
	}
	return nil
}

// Remove implements chat.FileStore.
func (s *S3) Remove(ctx context.Context, id string) error {
	for _, key := range []string{s.uploaded(id), s.kept(id)} {
		if err := s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}); err != nil && !isMissing(err) {
			return away("remove", key, err)
		}
	}
	return nil
}

func isMissing(err error) bool {
	response := minio.ToErrorResponse(err)
	return err != nil && (response.Code == minio.NoSuchKey || response.Code == "NotFound")
}
