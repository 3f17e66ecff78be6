package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/pullchat/pullchat/rpc-server/backup"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// exportCommand is the command "export".
type exportCommand struct {
	File string `arg:"" optional:"" placeholder:"FILE" help:"File to write, compressed if the name ends with .gz. Default: standard output."`
	redisFlags
	WithSecrets bool   `name:"with-secrets" help:"Write the accounts' password hashes too. Without them an import locks the accounts."`
	State       string `name:"state" placeholder:"FILE" help:"Where an interrupted export keeps its progress, to continue from there. The file is removed when the export is complete."`
}

// Help returns the text of --help beside the flags. Kong calls it.
func (*exportCommand) Help() string {
	return `It writes everything but sessions as JSON lines, while servers may go on writing. Each chat is as it was at one moment.

Exit status: 0 complete, 3 entries that cannot be read were left out (pullchat check names them), 1 Redis could not be read to the end, or the file could not be written, 80 the command line is wrong.`
}

// Validate refuses impossible flags. Kong calls it.
func (c *exportCommand) Validate() error {
	if c.State != "" && (c.File == "" || c.File == "-") {
		return errors.New("--state needs a FILE: an export to standard output cannot be continued")
	}
	return nil
}

// damagedFound is the error of a complete export without some entries.
type damagedFound struct{ left int64 }

func (f damagedFound) needsDecision() {}

func (f damagedFound) Error() string {
	return fmt.Sprintf("entries that cannot be read were left out: %d (pullchat check names them)", f.left)
}

// Run exports, and reports the written data on standard error.
func (c *exportCommand) Run(ctx contextType) error {
	redisnode.LogTo(slog.New(slog.DiscardHandler)) // the errors have all causes
	out := &exportFile{gzipped: strings.HasSuffix(c.File, ".gz")}
	show := newProgress(os.Stderr)
	saved := time.Now()
	var exporter *backup.Exporter
	save := func() error {
		written, err := out.settle()
		if err != nil {
			return err
		}
		state, err := exporter.State(written)
		if err != nil {
			return err
		}
		return replaceState(c.State, state)
	}
	exporter, err := backup.OpenExport(c.RedisURL, out, backup.ExportOptions{
		Secrets: c.WithSecrets, TLS: c.tls(),
		Progress: func(fraction float64) {
			show.update(fraction, func() string {
				r := exporter.Report()
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
	defer func() { _ = exporter.Close() }()
	if err := c.open(exporter, out); err != nil {
		return err
	}
	err = exporter.Run(ctx)
	show.end()
	if err == nil {
		_, err = out.settle()
	}
	r := exporter.Report()
	fmt.Fprintf(os.Stderr, "exported %d chats, %d messages, %d rooms, %d accounts\n", r.Chats, r.Messages, r.Rooms, r.Accounts)
	err = errors.Join(endState(ctx, c.State, err, save), out.close())
	if err == nil && r.Damaged > 0 {
		return damagedFound{r.Damaged}
	}
	return err
}

// open opens the output at the end of the part that the state covers.
func (c *exportCommand) open(exporter *backup.Exporter, out *exportFile) error {
	if c.File == "" || c.File == "-" {
		out.start(os.Stdout)
		return nil
	}
	state, err := readState(c.State)
	if err != nil {
		return err
	}
	if state == nil {
		file, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // #nosec G304 -- the caller names it
		if err != nil {
			return err
		}
		out.start(file)
		return nil
	}
	written, err := exporter.Resume(state)
	if err != nil {
		return fmt.Errorf("--state %s: %w", c.State, err)
	}
	file, err := os.OpenFile(c.File, os.O_WRONLY, 0o600) // #nosec G304 -- the caller names it
	if err != nil {
		return err
	}
	if size, err := file.Seek(0, io.SeekEnd); err != nil || size < written {
		return errors.Join(err, fmt.Errorf("%s has %d bytes, but the state is of a file of %d", c.File, size, written), file.Close())
	}
	if err := file.Truncate(written); err != nil {
		return errors.Join(err, file.Close())
	}
	if _, err := file.Seek(written, io.SeekStart); err != nil {
		return errors.Join(err, file.Close())
	}
	out.start(file)
	fmt.Fprintf(os.Stderr, "going on after %d chats and %d messages\n", exporter.Report().Chats, exporter.Report().Messages)
	return nil
}

// exportFile is an output that can be continued. A compressed one is a sequence of gzip members, which readers take for
// one file.
type exportFile struct {
	file    *os.File
	buffer  *bufio.Writer
	gzipped bool
	zip     *gzip.Writer // nil between two members
}

func (f *exportFile) start(file *os.File) { f.file, f.buffer = file, bufio.NewWriterSize(file, 1<<16) }

func (f *exportFile) Write(p []byte) (int, error) {
	if !f.gzipped {
		return f.buffer.Write(p)
	}
	if f.zip == nil {
		f.zip = gzip.NewWriter(f.buffer)
	}
	return f.zip.Write(p)
}

// settle makes everything durable, and returns how many bytes the file has.
func (f *exportFile) settle() (int64, error) {
	if f.zip != nil {
		if err := f.zip.Close(); err != nil {
			return 0, err
		}
		f.zip = nil
	}
	if err := f.buffer.Flush(); err != nil {
		return 0, err
	}
	if f.file == os.Stdout {
		return 0, nil
	}
	if err := f.file.Sync(); err != nil {
		return 0, err
	}
	return f.file.Seek(0, io.SeekCurrent)
}

func (f *exportFile) close() error {
	if f.file == os.Stdout {
		return nil
	}
	return f.file.Close()
}
