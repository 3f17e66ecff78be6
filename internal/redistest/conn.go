package redistest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Do sends one inline command and returns the first line of the answer, or a whole bulk answer.
func (s *Server) Do(command string) (string, error) {
	conn, reader, err := s.dial(5 * time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	line, err := reader.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "$") {
		return strings.TrimSpace(line), err
	}
	return readBulk(reader, strings.TrimSpace(line))
}

// ask sends one command over a new connection. An answer is a string, an int64, nil or an []any of these. An error
// answer is returned as an error.
func (s *Server) ask(command ...string) (any, error) {
	conn, reader, err := s.dial(time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return call(conn, reader, command...)
}

// info returns one field of a section of INFO.
func (s *Server) info(section, field string) (string, error) {
	answer, err := s.ask("INFO", section)
	if err != nil {
		return "", err
	}
	if value, ok := lookUp(answer, field); ok {
		return value, nil
	}
	return "", fmt.Errorf("INFO has no field %s", field)
}

// dial connects with the server's certificates and credentials, for one exchange within timeout.
func (s *Server) dial(timeout time.Duration) (net.Conn, *bufio.Reader, error) {
	conn, err := net.DialTimeout("tcp", s.Addr(), timeout)
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if s.CA != "" {
		config, err := s.clientTLS()
		if err != nil {
			_ = conn.Close()
			return nil, nil, err
		}
		conn = tls.Client(conn, config)
	}
	reader := bufio.NewReader(conn)
	if s.credentials != nil {
		auth := []string{"AUTH"}
		if name := s.credentials.Username(); name != "" {
			auth = append(auth, name)
		}
		password, _ := s.credentials.Password()
		if _, err := call(conn, reader, append(auth, password)...); err != nil {
			_ = conn.Close()
			return nil, nil, err
		}
	}
	return conn, reader, nil
}

func call(conn net.Conn, reader *bufio.Reader, command ...string) (any, error) {
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return nil, err
	}
	return readAnswer(reader)
}

// readAnswer reads one answer of protocol version 2.
func readAnswer(reader *bufio.Reader) (any, error) {
	line, err := reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSpace(line)
	if line == "" {
		return nil, errors.New("an empty line is no answer")
	}
	switch rest := line[1:]; line[0] {
	case '+':
		return rest, nil
	case '-':
		return nil, errors.New(rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		if rest == "-1" {
			return nil, nil
		}
		return readBulk(reader, line)
	case '*':
		size, err := strconv.Atoi(rest)
		if err != nil || size < 0 {
			return nil, err
		}
		answers := make([]any, size)
		for i := range answers {
			if answers[i], err = readAnswer(reader); err != nil {
				return nil, err
			}
		}
		return answers, nil
	}
	return nil, fmt.Errorf("%q is no answer", line)
}

// readBulk reads the value after a header such as $12; without a value it is empty.
func readBulk(reader *bufio.Reader, header string) (string, error) {
	size, err := strconv.Atoi(header[1:])
	if err != nil || size < 0 {
		return "", err
	}
	bulk := make([]byte, size+len("\r\n"))
	if _, err := io.ReadFull(reader, bulk); err != nil {
		return "", err
	}
	return string(bulk[:size]), nil
}

// lookUp finds one value of an answer with name:value lines, such as INFO and CLUSTER INFO.
func lookUp(answer any, field string) (string, bool) {
	text, _ := answer.(string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == field {
			return value, true
		}
	}
	return "", false
}

// texts converts a flat array of names and values, as Sentinels answer, to a map.
func texts(answer any) map[string]string {
	list, _ := answer.([]any)
	fields := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		fields[name], _ = list[i+1].(string)
	}
	return fields
}
