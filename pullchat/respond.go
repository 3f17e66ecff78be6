package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pullchat/pullchat/client"
)

// respond answers a request of a device.
type respond struct {
	patience
	Device       string `arg:"" help:"The device."`
	UID          string `arg:"" help:"The uid of its request."`
	Data         string `arg:"" optional:"" help:"The data of the response, as JSON; - reads it from standard input."`
	Action       string `name:"action" placeholder:"ACTION" help:"The action of the response. Default: the request's action and .response."`
	ErrorCode    string `name:"error-code" placeholder:"CODE" help:"Report that the request failed, with this code."`
	ErrorMessage string `name:"error-message" placeholder:"TEXT" help:"The error message, for people."`
	Connection   string `name:"connection" placeholder:"ID" help:"The connection over which the request arrived. Default: the connection of the newest request with the uid."`
}

// Help returns the text of --help beside the flags. Kong calls it.
func (*respond) Help() string {
	return `Requests of devices are messages of the chat device.UID. With AUTH on, only a service's token answers them (pullchat token).

    pullchat tail device.sensor1
    pullchat respond sensor1 2 '{"next":60}'
    pullchat respond sensor1 3 --error-code unavailable --error-message 'no work today'`
}

// Run stores the response, which the device receives wherever it is connected, or when it is back.
func (r *respond) Run(ctx contextType) error {
	c, err := r.client(r.notify)
	if err != nil {
		return err
	}
	data := []byte(r.Data)
	if r.Data == "-" {
		if data, err = io.ReadAll(os.Stdin); err != nil {
			return err
		}
	}
	if len(data) > 0 && !json.Valid(data) {
		return errors.New("the data is not JSON: a text needs quotes, as in '\"text\"'")
	}
	receipt, err := c.Respond(ctx, r.Device, client.DeviceResponse{
		UID: r.UID, Connection: r.Connection, Action: r.Action, ErrorCode: r.ErrorCode, ErrorMessage: r.ErrorMessage, Data: data,
	})
	if err != nil {
		return err
	}
	human := fmt.Sprintf("stored at %d", receipt.SendTime)
	if receipt.Duplicate {
		human += " (the request was answered so before)"
	}
	return standardOutput(r.JSON, false).print(human, receipt)
}
