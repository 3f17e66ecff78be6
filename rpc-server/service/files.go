package service

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/files"
)

// Files is the configuration of attachments. Without S3_URL there are none, but in pullchat serve.
type Files struct {
	S3URL       string `name:"s3-url" env:"S3_URL" placeholder:"URL" help:"Bucket for the files of messages, like https://s3.example.org/bucket. Empty: messages have no files."`
	S3PublicURL string `name:"s3-public-url" env:"S3_PUBLIC_URL" placeholder:"URL" help:"The same bucket as clients reach it, if they use another address."`
	S3AccessKey string `name:"s3-access-key" env:"S3_ACCESS_KEY" placeholder:"KEY" help:"The id of the key of that bucket."`
	S3SecretKey string `name:"s3-secret-key" env:"S3_SECRET_KEY" secret:"" placeholder:"SECRET" help:"The key of that bucket."`
	S3Region    string `name:"s3-region" env:"S3_REGION" default:"us-east-1" placeholder:"REGION" help:"The region of that bucket."`

	AttachmentMaxBytes int64    `name:"attachment-max-bytes" env:"ATTACHMENT_MAX_BYTES" default:"26214400" placeholder:"N" help:"Largest file of a message, in bytes."`
	AttachmentTypes    []string `name:"attachment-types" env:"ATTACHMENT_TYPES" default:"*/*" placeholder:"TYPE,..." help:"Media types of files, like image/*,application/pdf; */* allows all."`
	AttachmentQuota    int64    `name:"attachment-quota" env:"ATTACHMENT_QUOTA" default:"1073741824" placeholder:"N" help:"Bytes of all files of one user; 0 for no limit."`

	Store chat.FileStore `kong:"-"` // in place of S3; pullchat serve sets it
}

// Validate names every value that cannot work. Kong calls it.
func (f Files) Validate() error {
	var failed []error
	if f.S3URL != "" {
		if f.S3AccessKey == "" || f.S3SecretKey == "" {
			failed = append(failed, errors.New("--s3-url needs --s3-access-key and --s3-secret-key"))
		}
		_, err := f.open()
		failed = append(failed, err)
	}
	if f.AttachmentMaxBytes < 1 || f.AttachmentMaxBytes > chat.MaxAttachmentBytes {
		failed = append(failed, fmt.Errorf("--attachment-max-bytes is %d; it must be 1 to %d", f.AttachmentMaxBytes, int64(chat.MaxAttachmentBytes)))
	}
	if f.AttachmentQuota < 0 {
		failed = append(failed, fmt.Errorf("--attachment-quota is %d; it must not be negative", f.AttachmentQuota))
	}
	for _, pattern := range f.AttachmentTypes {
		if err := chat.CheckTypePattern(pattern); err != nil {
			failed = append(failed, fmt.Errorf("--attachment-types: %w", err))
		}
	}
	return errors.Join(failed...)
}

// open returns the store of files, or nil for none.
func (f Files) open() (chat.FileStore, error) {
	switch {
	case f.Store != nil:
		return f.Store, nil
	case f.S3URL == "":
		return nil, nil //nolint:nilnil // there is none
	}
	return files.NewS3(files.S3Config{
		URL: f.S3URL, PublicURL: f.S3PublicURL, AccessKey: f.S3AccessKey, SecretKey: f.S3SecretKey, Region: f.S3Region,
	})
}

func (f Files) options() chat.AttachmentOptions {
	types := make([]string, len(f.AttachmentTypes))
	for i, pattern := range f.AttachmentTypes {
		types[i] = strings.ToLower(pattern)
	}
	return chat.AttachmentOptions{MaxBytes: f.AttachmentMaxBytes, Types: types, Quota: f.AttachmentQuota}
}

// settleEvery is how often it is looked which files have no message.
const settleEvery = 10 * time.Second

// settleFiles removes the files whose message is gone or was never sent.
func settleFiles(attachments *chat.AttachmentService, log *slog.Logger) background.Job {
	return background.Job{
		Name: "attachments", Every: settleEvery, Timeout: chat.AttachmentLease, // after that, others look at the same
		Step: attachments.Settle,
		Failed: func(err error) {
			if chat.CodeOf(err) == chat.Unavailable { // Redis or the store of files
				log.Debug("cannot check attachments yet; retrying", "error", err)
				return
			}
			log.Warn("cannot check some attachments; retrying", "error", err)
		},
	}
}
