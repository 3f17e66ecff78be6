package main

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"

	"github.com/pullchat/pullchat/client"
)

// attach is the command "attach".
type attach struct {
	Send attachSend `cmd:"" default:"withargs" help:"Upload a file and send a message with it. The default."`
	Get  attachGet  `cmd:"" help:"Download the file of a message."`
}

type attachSend struct {
	patience
	Chat   string `arg:"" help:"alice:bob, or a room."`
	File   string `arg:"" type:"existingfile" help:"The file."`
	Text   string `name:"text" placeholder:"TEXT" help:"The text of the message. Default: the name of the file."`
	Type   string `name:"type" placeholder:"TYPE" help:"The media type, like image/png. Default: from the name of the file."`
	Sender string `name:"sender" placeholder:"NAME" help:"The user who sends it. Default: the logged-in user."`
}

// Validate refuses a message of no user. Kong calls it.
func (a attachSend) Validate() error {
	_, err := a.user("sender", a.Sender)
	return errors.Join(a.patience.Validate(), err)
}

// Run uploads the file and sends the message.
func (a *attachSend) Run(ctx contextType) error {
	c, err := a.client(a.notify)
	if err != nil {
		return err
	}
	sender, err := a.user("sender", a.Sender)
	if err != nil {
		return err
	}
	file, err := os.Open(a.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	announced := client.NewAttachment{Chat: a.Chat, Sender: sender, Name: filepath.Base(a.File), Type: a.Type}
	if announced.Type == "" {
		announced.Type = typeOf(a.File)
	}
	uploaded, err := c.Upload(ctx, announced, file)
	if err != nil {
		return meant(ctx, c, err, a.Chat, sender)
	}
	text := a.Text
	if text == "" {
		text = announced.Name
	}
	receipt, err := c.Send(ctx, client.Message{Chat: a.Chat, Sender: sender, Text: text, Content: client.Attached(uploaded)})
	if err != nil {
		return meant(ctx, c, err, a.Chat, sender)
	}
	return standardOutput(a.JSON, false).print(fmt.Sprintf("attachment %s, stored at %d", uploaded.ID, receipt.SendTime), struct {
		client.Receipt
		Attachment string `json:"attachment"`
	}{receipt, uploaded.ID})
}

// typeOf returns the media type of a file by its name, without parameters.
func typeOf(name string) string {
	byName, _, _ := strings.Cut(mime.TypeByExtension(filepath.Ext(name)), ";")
	if byName == "" {
		return "application/octet-stream"
	}
	return byName
}

type attachGet struct {
	patience
	Chat       string `arg:"" help:"alice:bob, or a room."`
	Attachment string `arg:"" help:"The id of the attachment, from the message's body."`
	Output     string `name:"output" short:"o" type:"path" placeholder:"FILE" help:"Where to write the file; - is standard output. Default: its own name, in this folder. An existing file is not overwritten."`
	As         string `name:"as" placeholder:"NAME" help:"The user who reads it. Default: the logged-in user."`
}

// Run downloads the file.
func (a *attachGet) Run(ctx contextType) (err error) {
	c, err := a.client(a.notify)
	if err != nil {
		return err
	}
	found, body, err := c.Download(ctx, a.Chat, a.Attachment, a.As)
	if err != nil {
		return meant(ctx, c, err, a.Chat, a.As)
	}
	defer func() { _ = body.Close() }()
	if a.Output == "-" {
		_, err = io.Copy(os.Stdout, body)
		return err
	}
	name := a.Output
	if name == "" {
		name = filepath.Base(found.Name) // the server refuses names with a path, and this does not rely on it
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return standardOutput(a.JSON, false).print(fmt.Sprintf("%s, %d bytes", name, found.Bytes), struct {
		File  string `json:"file"`
		Bytes int64  `json:"bytes"`
	}{name, found.Bytes})
}
