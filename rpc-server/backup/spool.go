package backup

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// spoolInMemory is how many bytes of a chat are held in memory. A longer chat goes through a temporary file.
const spoolInMemory = 4 << 20

// spool holds the members of one chat until all are known to be storable.
type spool struct {
	memory bytes.Buffer
	file   *os.File      // nil while memory is enough
	out    *bufio.Writer // to file
	count  int64
}

func (s *spool) add(member []byte) error {
	s.count++
	if s.file == nil && s.memory.Len() > spoolInMemory {
		file, err := os.CreateTemp("", "pullchat-import-*")
		if err != nil {
			return err
		}
		_ = os.Remove(file.Name()) // it stays open
		s.file, s.out = file, bufio.NewWriterSize(file, 1<<16)
	}
	var out io.Writer = &s.memory
	if s.file != nil {
		out = s.out
	}
	if _, err := out.Write(binary.AppendUvarint(nil, uint64(len(member)))); err != nil {
		return err
	}
	_, err := out.Write(member)
	return err
}

// pages calls each with all members in order, so many and so many bytes at most at once.
func (s *spool) pages(size, volume int, each func(members []string) error) error {
	in := bufio.NewReader(bytes.NewReader(s.memory.Bytes()))
	if s.file != nil {
		if err := s.out.Flush(); err != nil {
			return err
		}
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(s.memory.Bytes()), s.file), 1<<16)
	}
	var page []string
	held := 0
	for {
		length, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			break
		}
		member := make([]byte, length)
		if err == nil {
			_, err = io.ReadFull(in, member)
		}
		if err != nil {
			return err
		}
		page, held = append(page, string(member)), held+len(member)
		if len(page) >= size || held >= volume {
			if err := each(page); err != nil {
				return err
			}
			page, held = page[:0], 0
		}
	}
	if len(page) == 0 {
		return nil
	}
	return each(page)
}

func (s *spool) reset() {
	if s.file != nil {
		_ = s.file.Close()
	}
	s.memory.Reset()
	s.file, s.out, s.count = nil, nil, 0
}
