package client

import (
	"context"
	"encoding/json"
	"net/url"
)

// DeviceResponse is a back end's answer to a request of a device over TCP.
type DeviceResponse struct {
	UID          string          `json:"uid"`                  // of the request
	Connection   string          `json:"connection,omitempty"` // that the request came over; "" for the newest request with the UID
	Action       string          `json:"action,omitempty"`     // "" for that of the request, with ".response"
	Status       string          `json:"status,omitempty"`     // "ok" or "error"; "" for ok, or error with an ErrorCode
	ErrorCode    string          `json:"errorCode,omitempty"`
	ErrorMessage string          `json:"errorMessage,omitempty"`
	Data         json.RawMessage `json:"data,omitempty"`
}

// Respond answers a request of a device, once. The device receives the response on whichever server it is connected to, or when
// it is back. The same response may be repeated; another one is a conflict *Error. It needs a service's token where the server
// has AUTH=on.
func (c *Client) Respond(ctx context.Context, device string, r DeviceResponse) (Receipt, error) {
	var receipt Receipt
	err := c.post(ctx, "/api/devices/"+url.PathEscape(device)+"/responses", r, &receipt)
	return receipt, err
}
