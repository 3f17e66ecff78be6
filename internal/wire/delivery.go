package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func DeliverRequest(d chat.Delivery, by chat.Caller, requestID string) *rpc.DeliverRequest {
	return &rpc.DeliverRequest{Chat: d.Chat, Reader: d.Reader, Position: d.Position, Meta: meta(by, requestID)}
}

func DeliveryOf(r *rpc.DeliverRequest) chat.Delivery {
	return chat.Delivery{Chat: r.Chat, Reader: r.Reader, Position: r.Position}
}

func DeliverResponse(d chat.Delivered, err error) *rpc.DeliverResponse {
	code, text := outcome(err)
	response := &rpc.DeliverResponse{Code: code, Msg: text}
	if err == nil {
		response.Position, response.Cursor = &d.Position, &d.Cursor
	}
	return response
}

func DeliveredOf(r *rpc.DeliverResponse) (chat.Delivered, error) {
	return chat.Delivered{Position: r.GetPosition(), Cursor: r.GetCursor()}, errorOf(r.Code, r.Msg)
}

func ReceiptsRequest(r chat.MessageReceiptsRequest, by chat.Caller, requestID string) *rpc.ReceiptsRequest {
	return &rpc.ReceiptsRequest{Chat: r.Chat, SendTime: r.Ref, Meta: meta(by, requestID)}
}

func ReceiptsRequestOf(r *rpc.ReceiptsRequest) chat.MessageReceiptsRequest {
	return chat.MessageReceiptsRequest{Chat: r.Chat, Ref: r.SendTime}
}

func ReceiptsResponse(m chat.MessageReceipts, err error) *rpc.ReceiptsResponse {
	code, text := outcome(err)
	response := &rpc.ReceiptsResponse{Code: code, Msg: text}
	if err == nil {
		recipients := int32(m.Recipients)
		response.Recipients, response.DeliveredTo, response.ReadBy = &recipients, m.DeliveredTo, m.ReadBy
	}
	return response
}

func MessageReceiptsOf(r *rpc.ReceiptsResponse) (chat.MessageReceipts, error) {
	return chat.MessageReceipts{
		Recipients: int(r.GetRecipients()), DeliveredTo: r.DeliveredTo, ReadBy: r.ReadBy,
	}, errorOf(r.Code, r.Msg)
}
