package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/cloudwego/hertz/pkg/app/client"
	"github.com/cloudwego/hertz/pkg/network/standard"
	"github.com/cloudwego/hertz/pkg/protocol"
)

// target is the server under load.
type target struct{ base string }

func newTarget(server string) (*target, error) {
	parsed, err := url.Parse(server)
	if err != nil || parsed.Scheme != "http" || parsed.Host == "" {
		return nil, fmt.Errorf("server %q is not a URL like http://127.0.0.1:8080", server)
	}
	return &target{base: "http://" + parsed.Host}, nil
}

// connection makes one request at a time. Hertz's client is used because it leaves the most of a shared machine to
// the servers.
type connection struct {
	target   *target
	client   *client.Client
	request  protocol.Request
	response protocol.Response
	body     []byte
}

func (t *target) connect() (*connection, error) {
	c, err := client.NewClient(
		client.WithDialer(standard.NewDialer()),
		client.WithMaxConnsPerHost(1),
		client.WithDialTimeout(5*time.Second),
		client.WithClientReadTimeout(10*time.Second),
		client.WithResponseBodyStream(false),
	)
	if err != nil {
		return nil, err
	}
	return &connection{target: t, client: c}, nil
}

func (c *connection) close() { c.client.CloseIdleConnections() }

// send returns the HTTP status and, where it is 200, the position. An error means that no answer came.
func (c *connection) send(ctx context.Context, chat, sender string, text []byte) (status int, sendTime int64, err error) {
	c.request.Reset()
	c.request.SetMethod("POST")
	c.request.SetRequestURI(c.target.base + "/api/send")
	c.request.Header.SetContentTypeBytes([]byte("application/json"))
	c.body = append(c.body[:0], `{"chat":"`...)
	c.body = append(c.body, chat...)
	c.body = append(c.body, `","sender":"`...)
	c.body = append(c.body, sender...)
	c.body = append(c.body, `","text":"`...)
	c.body = append(c.body, text...)
	c.body = append(c.body, `"}`...)
	c.request.SetBodyRaw(c.body)
	if err := c.client.Do(ctx, &c.request, &c.response); err != nil {
		return 0, 0, err
	}
	if c.response.StatusCode() != 200 {
		return c.response.StatusCode(), 0, nil
	}
	var answer struct {
		SendTime int64 `json:"send_time"`
	}
	if err := json.Unmarshal(c.response.Body(), &answer); err != nil {
		return 0, 0, err
	}
	return 200, answer.SendTime, nil
}

// pull returns the HTTP status and the body, which is valid until the next request.
func (c *connection) pull(ctx context.Context, chat string, cursor int64, limit int, reverse bool) (status int, body []byte, err error) {
	c.request.Reset()
	c.request.SetMethod("GET")
	c.body = append(append(append(c.body[:0], c.target.base...), "/api/pull?chat="...), chat...)
	c.body = strconv.AppendInt(append(c.body, "&cursor="...), cursor, 10)
	c.body = strconv.AppendInt(append(c.body, "&limit="...), int64(limit), 10)
	c.body = strconv.AppendBool(append(c.body, "&reverse="...), reverse)
	c.request.SetRequestURI(string(c.body))
	if err := c.client.Do(ctx, &c.request, &c.response); err != nil {
		return 0, nil, err
	}
	return c.response.StatusCode(), c.response.Body(), nil
}
