package backup

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

//go:embed scripts/attachment.lua
var attachmentSource string

//go:embed scripts/file.lua
var fileSource string

var (
	attachmentScript = redis.NewScript(attachmentSource)
	fileScript       = redis.NewScript(fileSource)
)

// settlesAfter is when the servers look first whether the message of an imported attachment is there: after the import.
const settlesAfter = 7 * 24 * time.Hour

// exportAttachments exports the attachments of messages. The files are not in Redis.
func (e *Exporter) exportAttachments(ctx context.Context, key string) error {
	name, _ := e.keys.Parse(key)
	for cursor := uint64(0); ; {
		pairs, next, err := e.redis.HScan(ctx, key, cursor, "", int64(e.options.PageSize)).Result()
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			if a, ok := layout.ParseAttachment(pairs[i], pairs[i+1]); !ok || a.State != chat.AttachmentSent {
				continue // a check names the damaged ones; the others go soon
			}
			if err := e.write(line{Kind: kindAttachment, Chat: name.Chat, Attachment: pairs[i], Stored: pairs[i+1]}); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// importAttachment stores an attachment that is not there, and counts its file for the sender.
func (i *Importer) importAttachment(ctx context.Context, l line) error {
	id, err := chat.ParseID(l.Chat)
	a, ok := layout.ParseAttachment(l.Attachment, l.Stored)
	if err != nil || !ok || l.Attachment == "" || a.State != chat.AttachmentSent || !isUser(a.Sender) {
		return fmt.Errorf("the attachment %q of %s cannot be read", l.Attachment, l.Chat)
	}
	ref := chat.AttachmentRef{Chat: id, ID: l.Attachment}
	keys := []string{i.keys.Attachments(id), i.keys.LookAt(i.keys.Partition(id))}
	at := time.Now().Add(settlesAfter).UnixMicro()
	if err := attachmentScript.Run(ctx, i.redis, keys, l.Attachment, l.Stored, layout.AttachmentEntry(ref), at).Err(); err != nil {
		return err
	}
	charge := chat.FileCharge(a.Bytes)
	return fileScript.Run(ctx, i.redis, []string{i.keys.Files(a.Sender)}, l.Attachment, layout.FileEntry(charge, id), charge).Err()
}
