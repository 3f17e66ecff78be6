package chat

import (
	"context"
	"time"
)

// Attachments are files of chats. A file lies in a store of files, which clients reach through signed URLs; its
// metadata lies with its chat. A client creates an attachment, uploads the file, confirms it, and sends a message whose
// body names it. An attachment belongs to one message, and is deleted with it.
type Attachments interface {
	// CreateAttachment returns where to upload a file. The caller must be allowed to send to the chat.
	CreateAttachment(context.Context, NewAttachment) (Upload, error)
	// ConfirmAttachment compares the uploaded file's size and checksum with those announced. Its sender may repeat it. The
	// error is Conflict if the file is not there, or differs.
	ConfirmAttachment(context.Context, AttachmentRequest) (Attachment, error)
	// ReadAttachment returns where to download a file. Before its message is sent, only its sender may download it.
	// After that, all readers of the chat may, until the message is deleted.
	ReadAttachment(context.Context, AttachmentRequest) (Download, error)
}

// NewAttachment announces a file.
type NewAttachment struct {
	Chat   string
	Sender string // "" is the caller
	Name   string // of the file, without a path
	Bytes  int64
	Type   string // the media type, without parameters
	SHA256 string // of the file, in hexadecimal digits; "" is not compared
}

// AttachmentRequest names an attachment.
type AttachmentRequest struct {
	Chat string
	ID   string
	As   string // the user on whose behalf a service asks, or ""
}

// Attachment is the metadata of a file.
type Attachment struct {
	ID       string
	Chat     string
	Sender   string
	Name     string
	Bytes    int64
	Type     string
	SHA256   string // or ""
	State    AttachmentState
	Created  int64 // microseconds since 1970
	SendTime int64 // the position of its message, or 0
}

// AttachmentState is how far an attachment has come.
type AttachmentState string

// The states of attachments.
const (
	AttachmentPending   AttachmentState = "pending"
	AttachmentConfirmed AttachmentState = "confirmed" // the file is there
	AttachmentSent      AttachmentState = "sent"      // a message has it
	// AttachmentDeleted: the file is being removed. No caller sees this state.
	AttachmentDeleted AttachmentState = "deleted"
)

// SignedRequest is a request that anyone who knows it may make until it expires.
type SignedRequest struct {
	URL     string
	Method  string
	Headers map[string]string // which the request must have
	Expires int64             // microseconds since 1970
}

// Upload is a new attachment, and the request that uploads its file.
type Upload struct {
	Attachment
	Request SignedRequest
}

// Download is an attachment, and the request that returns its file.
type Download struct {
	Attachment
	Request SignedRequest
}

// File is a file as a FileStore sees it.
type File struct {
	ID          string
	Bytes       int64
	Type        string
	SHA256      string // in hexadecimal digits, or ""
	Disposition string // the header Content-Disposition of a download
	ServedAs    string // the media type of a download
}

// FileStore keeps files. Each has a place where it is uploaded, and another one where Keep puts it, so that a later upload
// does not change it.
type FileStore interface {
	// SignUpload returns a request that uploads a file of exactly these bytes, until it expires.
	SignUpload(ctx context.Context, f File, lasts time.Duration) (SignedRequest, error)
	// Keep compares the uploaded file with f and keeps it. It may be repeated. A Conflict tells the sender how the
	// upload differs from f.
	Keep(ctx context.Context, f File) error
	// SignDownload returns a request that returns a kept file, until it expires.
	SignDownload(ctx context.Context, f File, lasts time.Duration) (SignedRequest, error)
	// Remove removes a file from both places. It succeeds if there is none.
	Remove(ctx context.Context, id string) error
}

// AttachmentStore keeps the metadata of attachments, and a list of the next check of each. Its methods may be repeated.
type AttachmentStore interface {
	// AddAttachment stores a new attachment, to be looked at at a time.
	AddAttachment(ctx context.Context, ref AttachmentRef, a Attachment, look time.Time) error
	// FindAttachment returns the stored attachment, or a StoredAttachment without a Stored form.
	FindAttachment(context.Context, AttachmentRef) (StoredAttachment, error)
	// SetAttachment replaces the state, if the attachment is as it was read. It reports whether it was.
	SetAttachment(ctx context.Context, ref AttachmentRef, was StoredAttachment, state AttachmentState) (bool, error)
	// ChargeFile counts a file for its user, once, unless the user would have more than quota bytes; 0 is no quota. It
	// reports whether it was counted.
	ChargeFile(ctx context.Context, user string, ref AttachmentRef, bytes, quota int64) (bool, error)
	// ReturnCharge ends the count of a file.
	ReturnCharge(ctx context.Context, user string, ref AttachmentRef) error
	// DropAttachment removes the metadata of an attachment and its next check.
	DropAttachment(context.Context, AttachmentRef) error
	// LookAt sets when attachments are looked at next.
	LookAt(ctx context.Context, refs []AttachmentRef, at time.Time) error
	// DueAttachments returns attachments that are to be looked at, up to limit of each partition, and leases them to the caller
	// for AttachmentLease. A ref without an ID is of all attachments of its chat.
	DueAttachments(ctx context.Context, limit int) ([]AttachmentRef, error)
	// ListAttachments returns the attachments of a chat.
	ListAttachments(context.Context, ID) ([]AttachmentRef, error)
	// HasMessage reports whether a chat has a message at a position that has the attachment. Retention counts.
	HasMessage(ctx context.Context, ref AttachmentRef, position int64) (bool, error)
	// KeptSince returns the position before which retention has removed all messages of a chat, or 0.
	KeptSince(context.Context, ID) int64
}

// AttachmentRef is the place of an attachment.
type AttachmentRef struct {
	Chat ID
	ID   string
}

// StoredAttachment is an attachment as it was read.
type StoredAttachment struct {
	Attachment
	Stored string // names this state for SetAttachment; "" for none
}

// MaxAttachmentBytes is the largest file that one request can upload to S3.
const MaxAttachmentBytes = 5 << 30

// AttachmentLease is how long a caller may work on the result of DueAttachments.
const AttachmentLease = 5 * time.Minute

// AttachmentOptions configure an AttachmentService.
type AttachmentOptions struct {
	MaxBytes int64
	Types    []string         // allowed media types: "image/png", "image/*" or "*/*"
	Quota    int64            // bytes of one user's files; 0 is no limit
	Now      func() time.Time // nil is time.Now
}
