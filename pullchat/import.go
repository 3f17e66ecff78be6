package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/pullchat/pullchat/rpc-server/backup"
	passwords "github.com/pullchat/pullchat/rpc-server/password"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// importCommand is the command "import".
type importCommand struct {
	File string `arg:"" placeholder:"FILE" help:"The file of an export, compressed or not; - is standard input."`
	redisFlags
	IdempotencyWindow time.Duration `name:"idempotency-window" env:"IDEMPOTENCY_WINDOW" default:"24h" placeholder:"DURATION" help:"How long ids are remembered; the same as at the rpc-servers."`
	Retention         time.Duration `name:"retention" env:"RETENTION" default:"0s" placeholder:"DURATION" help:"Age after which messages are skipped; the same as at the rpc-servers."`
	State             string        `name:"state" placeholder:"FILE" help:"Where an interrupted import keeps its progress, to continue from there. The file is removed when the import is complete."`
}

// Help returns the text of --help beside the flags. Kong calls it.
func (*importCommand) Help() string {
	return `It stores messages at the positions that they had, in an empty Redis or beside what is there, while servers may run. What is there already stays as it is, so the same import may run again. A chat is refused where another message has a position of its: then nothing of that chat is stored.

Exit status: 0 complete, 3 something was refused, 1 Redis or the file could not be used to the end, 80 the command line is wrong.`
}

// Validate refuses impossible flags. Kong calls it.
func (c *importCommand) Validate() error {
	if c.IdempotencyWindow < 0 || c.Retention < 0 {
		return fmt.Errorf("--idempotency-window is %v and --retention is %v; they must be at least 0s", c.IdempotencyWindow, c.Retention)
	}
	return nil
}

// refusedFound is the error of a complete import that refused something.
type refusedFound struct{ left int64 }

func (f refusedFound) needsDecision() {}

func (f refusedFound) Error() string { return fmt.Sprintf("refused: %d", f.left) }

// Run imports, and reports the stored data on standard error.
func (c *importCommand) Run(ctx contextType) error {
	redisnode.LogTo(slog.New(slog.DiscardHandler)) // the errors have all causes
	in, size, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	show := newProgress(os.Stderr)
	saved := time.Now()
	var importer *backup.Importer
	save := func() error {
		state, err := importer.State()
		if err != nil {
			return err
		}
		return replaceState(c.State, state)
	}
	source := &countedReader{in: in}
	importer, err = backup.OpenImport(c.RedisURL, backup.ImportOptions{
		IdempotencyWindow: c.IdempotencyWindow, Retention: c.Retention, Locked: passwords.Locked, TLS: c.tls(),
		Progress: func(int64) {
			show.update(float64(source.read)/float64(max(size, source.read, 1)), func() string {
				r := importer.Report()
				return fmt.Sprintf("%d chats, %d messages, %d accounts", r.Chats, r.Messages, r.Accounts)
			})
			if c.State != "" && time.Since(saved) > saveEvery {
				_ = save() // the end tells of a failure
				saved = time.Now()
			}
		},
	})
	if err != nil {
		return err
	}
	defer func() { _ = importer.Close() }()
	state, err := readState(c.State)
	if err != nil {
		return err
	}
	if state != nil {
		if err := importer.Resume(state); err != nil {
			return fmt.Errorf("--state %s: %w", c.State, err)
		}
		fmt.Fprintf(os.Stderr, "going on after %d chats and %d messages\n", importer.Report().Chats, importer.Report().Messages)
	}
	lines, err := unzipped(source)
	if err == nil {
		err = importer.Run(ctx, lines)
	}
	show.end()
	c.print(importer.Report())
	err = endState(ctx, c.State, err, save)
	if refused := importer.Report().Refused; err == nil && refused > 0 {
		return refusedFound{refused}
	}
	return err
}

func (c *importCommand) open() (*os.File, int64, error) {
	if c.File == "-" {
		return os.Stdin, 0, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// unzipped returns the decompressed input, or the input itself. The first two bytes distinguish the two.
func unzipped(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, 1<<16)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		return gzip.NewReader(buffered)
	}
	return buffered, nil
}

// countedReader counts the read bytes.
type countedReader struct {
	in   io.Reader
	read int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.read += int64(n)
	return n, err
}

func (*importCommand) print(r backup.ImportReport) {
	fmt.Fprintf(os.Stderr, "imported %d chats, %d messages (%d were there already), %d rooms, %d accounts\n",
		r.Chats, r.Messages, r.Present, r.Rooms, r.Accounts)
	if r.Expired > 0 {
		fmt.Fprintf(os.Stderr, "left out %d messages that are older than --retention\n", r.Expired)
	}
	if r.Words > 0 || r.Webhooks > 0 {
		fmt.Fprintf(os.Stderr, "imported %d words, and %d webhooks, which are disabled\n", r.Words, r.Webhooks)
	}
	if r.Locked > 0 {
		fmt.Fprintf(os.Stderr, "locked %d accounts: the export was made without --with-secrets\n", r.Locked)
	}
	for _, refused := range r.Refusals {
		fmt.Fprintf(os.Stderr, "refused: %s\n", refused)
	}
}
