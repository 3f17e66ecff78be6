package chat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

const (
	// uploadLasts and downloadLasts are how long signed requests are good.
	uploadLasts   = 15 * time.Minute
	downloadLasts = 5 * time.Minute
	// pendingLasts is the time for an upload and its confirmation, and unsentLasts that until the message is sent.
	pendingLasts = time.Hour
	unsentLasts  = 24 * time.Hour
	// lookFirst is the interval of checks whether a file was sent. After the send, the expiry of its message is known.
	lookFirst = 10 * time.Minute
	// sentAgain is the interval of checks whether the message of an attachment still exists. Deletions do not wait for it.
	sentAgain = 24 * time.Hour
	// atOnce is how many attachments are looked at between two reads of the list.
	atOnce = 100
)

// AttachmentService implements Attachments. It applies every rule before it calls the stores.
type AttachmentService struct {
	store   AttachmentStore
	files   FileStore // nil: there are no files
	options AttachmentOptions
	Access  Access // the access rules
}

var _ Attachments = (*AttachmentService)(nil)

// NewAttachmentService returns the Attachments over a store. Without files it refuses every request, and the error
// names the missing setting.
func NewAttachmentService(store AttachmentStore, access Access, files FileStore, options AttachmentOptions) *AttachmentService {
	return &AttachmentService{store: store, Access: access, files: files, options: options}
}

// errNoFiles is Unavailable to an operator, but nothing that goes away by itself.
func errNoFiles() error {
	return Errorf(NotFound, "this server keeps no files; set S3_URL at the rpc-servers, see docs/attachments.md")
}

func (s *AttachmentService) now() time.Time {
	if s.options.Now != nil {
		return s.options.Now()
	}
	return time.Now()
}

// CreateAttachment implements Attachments. It stores the metadata first, so that no crash leaves a file or a charge
// that is never checked again.
func (s *AttachmentService) CreateAttachment(ctx context.Context, n NewAttachment) (Upload, error) {
	by := callerOf(ctx)
	id, err := ParseID(n.Chat)
	if err != nil {
		return Upload{}, err
	}
	if n.Sender, err = s.Access.actor(id, n.Chat, n.Sender, by); err != nil {
		return Upload{}, err
	}
	if err := s.Access.act(ctx, id, n.Chat, by); err != nil {
		return Upload{}, err
	}
	if s.files == nil {
		return Upload{}, errNoFiles()
	}
	if err := s.options.check(&n); err != nil {
		return Upload{}, err
	}
	now := s.now()
	a := Attachment{
		ID: rand.Text(), Chat: n.Chat, Sender: n.Sender, Name: n.Name, Bytes: n.Bytes, Type: n.Type, SHA256: n.SHA256,
		State: AttachmentPending, Created: now.UnixMicro(),
	}
	ref := AttachmentRef{id, a.ID}
	if err := s.store.AddAttachment(ctx, ref, a, now.Add(lookFirst)); err != nil {
		return Upload{}, AsError(err)
	}
	charged, err := s.store.ChargeFile(ctx, a.Sender, ref, FileCharge(a.Bytes), s.options.Quota)
	if err == nil && !charged {
		err = Errorf(ResourceExhausted, "the files of %s would be more than %d bytes in all, which is the limit; delete messages with files first", a.Sender, s.options.Quota)
	}
	if err != nil {
		_ = s.store.LookAt(ctx, []AttachmentRef{ref}, time.Time{}) // otherwise in an hour
		return Upload{}, AsError(err)
	}
	request, err := s.files.SignUpload(ctx, a.file(), uploadLasts)
	if err != nil {
		return Upload{}, AsError(err)
	}
	return Upload{a, request}, nil
}

// find returns an attachment that the request may be about. Others are NotFound, as if they were not there.
func (s *AttachmentService) find(ctx context.Context, r AttachmentRequest) (AttachmentRef, StoredAttachment, error) {
	id, err := ParseID(r.Chat)
	if err != nil {
		return AttachmentRef{}, StoredAttachment{}, err
	}
	by := callerOf(ctx)
	if err := s.Access.enter(ctx, id, r.Chat, by); err != nil {
		return AttachmentRef{}, StoredAttachment{}, err
	}
	if s.files == nil {
		return AttachmentRef{}, StoredAttachment{}, errNoFiles()
	}
	ref := AttachmentRef{id, r.ID}
	stored, err := s.store.FindAttachment(ctx, ref)
	switch {
	case err != nil:
		return ref, stored, AsError(err)
	case stored.Stored == "" || stored.State == AttachmentDeleted:
		return ref, stored, errNoAttachment(r)
	}
	stored.Chat = r.Chat
	return ref, stored, nil
}

func errNoAttachment(r AttachmentRequest) error {
	return Errorf(NotFound, "there is no attachment %q in this chat, or it was deleted", r.ID)
}

// owns reports whether a request comes from the sender of an attachment. An anonymous caller, with AUTH=off, may be anyone.
func (s *AttachmentService) owns(ctx context.Context, r AttachmentRequest, a Attachment) (bool, error) {
	by := callerOf(ctx)
	identified, err := s.Access.identified(by)
	if err != nil {
		return false, err
	}
	if identified && !by.Service {
		user, err := actFor(r.As, by)
		return user == a.Sender, err
	}
	return r.As == "" || r.As == a.Sender, nil
}

// ConfirmAttachment implements Attachments.
func (s *AttachmentService) ConfirmAttachment(ctx context.Context, r AttachmentRequest) (Attachment, error) {
	ref, stored, err := s.find(ctx, r)
	if err != nil {
		return Attachment{}, err
	}
	switch owns, err := s.owns(ctx, r, stored.Attachment); {
	case err != nil:
		return Attachment{}, err
	case !owns && stored.State == AttachmentSent:
		return Attachment{}, Errorf(PermissionDenied, "the attachment %s is %s's; only the sender may confirm it", r.ID, stored.Sender)
	case !owns:
		return Attachment{}, errNoAttachment(r)
	case stored.State != AttachmentPending:
		return stored.Attachment, nil
	}
	if s.now().Sub(time.UnixMicro(stored.Created)) > pendingLasts {
		return Attachment{}, errNoAttachment(r)
	}
	if err := s.files.Keep(ctx, stored.file()); err != nil {
		return Attachment{}, AsError(err)
	}
	set, err := s.store.SetAttachment(ctx, ref, stored, AttachmentConfirmed)
	if err == nil && !set { // by another request, or it is deleted meanwhile
		if _, stored, err = s.find(ctx, r); err == nil && stored.State == AttachmentPending {
			err = Errorf(Unavailable, "the attachment changed meanwhile; try again")
		}
		return stored.Attachment, err
	}
	if err != nil {
		return Attachment{}, AsError(err)
	}
	stored.State = AttachmentConfirmed
	return stored.Attachment, nil
}

// ReadAttachment implements Attachments.
func (s *AttachmentService) ReadAttachment(ctx context.Context, r AttachmentRequest) (Download, error) {
	ref, stored, err := s.find(ctx, r)
	if err != nil {
		return Download{}, err
	}
	switch stored.State {
	case AttachmentSent:
		there, err := s.store.HasMessage(ctx, ref, stored.SendTime)
		if err != nil {
			return Download{}, AsError(err)
		}
		if !there {
			return Download{}, errNoAttachment(r)
		}
	default:
		owns, err := s.owns(ctx, r, stored.Attachment)
		if err != nil {
			return Download{}, err
		}
		if !owns {
			return Download{}, errNoAttachment(r)
		}
		if stored.State == AttachmentPending {
			return Download{}, Errorf(Conflict, "the attachment %s is not confirmed; upload the file, and POST /api/attachments/%s", r.ID, r.ID)
		}
	}
	request, err := s.files.SignDownload(ctx, stored.file(), downloadLasts)
	if err != nil {
		return Download{}, AsError(err)
	}
	return Download{stored.Attachment, request}, nil
}

// Attach returns a message's content with the metadata of its file. An unknown attachment stays in the content: the
// store refuses it, unless the message is a repeated one.
func (s *AttachmentService) Attach(ctx context.Context, id ID, attachment string, c *Content) (*Content, error) {
	if s.files == nil {
		return nil, errNoFiles()
	}
	stored, err := s.store.FindAttachment(ctx, AttachmentRef{id, attachment})
	if err != nil {
		return nil, AsError(err)
	}
	if stored.Stored == "" {
		return c, nil
	}
	filled := *c
	filled.Body, err = withAttachment(c.Body, stored.Attachment)
	return &filled, err
}

// Settle looks at the attachments that are due, and removes the files whose message is gone, or was never sent. A failure of
// one does not stop the others; it is tried again.
func (s *AttachmentService) Settle(ctx context.Context) error {
	var failed error
	for ctx.Err() == nil {
		due, err := s.store.DueAttachments(ctx, atOnce)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, ref := range due {
			if err := s.settle(ctx, ref); err != nil {
				failed = errors.Join(failed, fmt.Errorf("attachment %s of %s: %w", ref.ID, ref.Chat, err))
			}
		}
		if len(due) == 0 {
			break
		}
	}
	return errors.Join(failed, ctx.Err())
}

func (s *AttachmentService) settle(ctx context.Context, ref AttachmentRef) error {
	if ref.ID == "" {
		all, err := s.store.ListAttachments(ctx, ref.Chat)
		if err == nil {
			err = s.store.LookAt(ctx, all, time.Time{})
		}
		if err != nil {
			return err
		}
		return s.store.DropAttachment(ctx, ref)
	}
	stored, err := s.store.FindAttachment(ctx, ref)
	switch {
	case err != nil:
		return err
	case stored.Stored == "":
		return s.store.DropAttachment(ctx, ref)
	}
	now := s.now()
	until, err := s.keptUntil(ctx, ref, stored.Attachment)
	if err != nil {
		return err
	}
	if until.After(now) {
		return s.store.LookAt(ctx, []AttachmentRef{ref}, until)
	}
	if stored.State != AttachmentDeleted { // first, so that no message gets the file of which nothing is left
		set, err := s.store.SetAttachment(ctx, ref, stored, AttachmentDeleted)
		if err != nil || !set { // it was sent meanwhile
			return errors.Join(err, s.store.LookAt(ctx, []AttachmentRef{ref}, now))
		}
	}
	if err := s.files.Remove(ctx, ref.ID); err != nil {
		return err
	}
	if err := s.store.ReturnCharge(ctx, stored.Sender, ref); err != nil {
		return err
	}
	// The signed request may upload the file again until it expires.
	if last := time.UnixMicro(stored.Created).Add(2 * uploadLasts); last.After(now) {
		return s.store.LookAt(ctx, []AttachmentRef{ref}, last)
	}
	return s.store.DropAttachment(ctx, ref)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// keptUntil returns when an attachment is to be looked at next, or a time that is over for one that has to go.
func (s *AttachmentService) keptUntil(ctx context.Context, ref AttachmentRef, a Attachment) (time.Time, error) {
	switch a.State {
	case AttachmentPending:
		return time.UnixMicro(a.Created).Add(pendingLasts), nil
	case AttachmentConfirmed: // more often, because a send does not set the time
		return earlier(time.UnixMicro(a.Created).Add(unsentLasts), s.now().Add(lookFirst)), nil
	case AttachmentDeleted:
		return time.Time{}, nil
	}
	there, err := s.store.HasMessage(ctx, ref, a.SendTime)
	if err != nil || !there {
		return time.Time{}, err
	}
	now := s.now()
	next := now.Add(sentAgain)
	if since := s.store.KeptSince(ctx, ref.Chat); since > 0 { // the message expires when this reaches it
		left := time.Duration(a.SendTime-since) * time.Microsecond
		next = now.Add(min(sentAgain, max(left, 0)+time.Second))
	}
	return next, nil
}
