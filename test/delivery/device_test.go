package delivery

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
)

// connects connects a device to a tcp-server, and watches over it.
func (r *trusting) connects(ctx context.Context, address string) error {
	dial := r.dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	asked := fmt.Sprintf(`{"action":"connect","deviceUid":%q,"uid":"connect","data":{"token":%q}}`+"\n", r.device, r.token)
	for _, name := range r.chats {
		asked += fmt.Sprintf(`{"action":"watch","uid":%q,"data":{"chat":%q,"cursor":%d}}`+"\n", name, name, r.cursor(name))
	}
	if _, err := conn.Write([]byte(asked)); err != nil {
		return err
	}
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		var o struct {
			Action, Status, ErrorCode, ErrorMessage string
			Data                                    json.RawMessage
		}
		if err := json.Unmarshal(line, &o); err != nil {
			return err
		}
		switch {
		case o.Status == "error":
			return refused{o.ErrorCode, o.ErrorMessage}
		case o.Action != "push" && o.Status == "":
			return errors.New(o.Action)
		case o.Action != "push":
			continue
		}
		var p page
		if err := json.Unmarshal(o.Data, &p); err != nil {
			return err
		}
		switch p.Type {
		case "messages":
			r.take(p)
		case "error":
			return refusalIn(bytes.NewReader(o.Data))
		}
	}
}
