package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func wordTo(w chat.Word) *rpc.Word {
	return &rpc.Word{Word: w.Word, Id: w.ID, Substring: optional(w.Substring), Chat: optional(w.Chat)}
}

func wordOf(w *rpc.Word) chat.Word {
	return chat.Word{Word: w.GetWord(), ID: w.GetId(), Substring: w.GetSubstring(), Chat: w.GetChat()}
}

func PutWordRequest(w chat.Word, by chat.Caller, requestID string) *rpc.PutWordRequest {
	return &rpc.PutWordRequest{Word: w.Word, Substring: optional(w.Substring), Chat: optional(w.Chat), Meta: meta(by, requestID)}
}

func WordToPutOf(r *rpc.PutWordRequest) chat.Word {
	return chat.Word{Word: r.Word, Substring: r.GetSubstring(), Chat: r.GetChat()}
}

func PutWordResponse(w chat.Word, err error) *rpc.PutWordResponse {
	code, text := outcome(err)
	response := &rpc.PutWordResponse{Code: code, Msg: text}
	if err == nil {
		response.Registered = wordTo(w)
	}
	return response
}

func PutWordOf(r *rpc.PutWordResponse) (chat.Word, error) {
	if err := errorOf(r.Code, r.Msg); err != nil || r.Registered == nil {
		return chat.Word{}, err
	}
	return wordOf(r.Registered), nil
}

func DeleteWordRequest(of, word string, by chat.Caller, requestID string) *rpc.DeleteWordRequest {
	return &rpc.DeleteWordRequest{Word: word, Chat: optional(of), Meta: meta(by, requestID)}
}

func DeleteWordResponse(err error) *rpc.DeleteWordResponse {
	code, text := outcome(err)
	return &rpc.DeleteWordResponse{Code: code, Msg: text}
}

func WordDeletedOf(r *rpc.DeleteWordResponse) error { return errorOf(r.Code, r.Msg) }

func WordsRequest(q chat.TopWords, by chat.Caller, requestID string) *rpc.WordsRequest {
	return &rpc.WordsRequest{Chat: optional(q.Chat), Since: optional(q.Since), Limit: optional(int32(q.Limit)), Meta: meta(by, requestID)}
}

func TopWordsOf(r *rpc.WordsRequest) chat.TopWords {
	return chat.TopWords{Chat: r.GetChat(), Since: r.GetSince(), Limit: int(r.GetLimit())}
}

func WordsResponse(words []chat.WordCount, err error) *rpc.WordsResponse {
	code, text := outcome(err)
	return &rpc.WordsResponse{Code: code, Msg: text, Words: convertTo(words, func(w chat.WordCount) *rpc.Word {
		word := wordTo(w.Word)
		word.Count = optional(w.Count)
		return word
	})}
}

func WordsOf(r *rpc.WordsResponse) ([]chat.WordCount, error) {
	return convert(r.Words, func(w *rpc.Word) chat.WordCount { return chat.WordCount{Word: wordOf(w), Count: w.GetCount()} }), errorOf(r.Code, r.Msg)
}

func RegisteredWordsRequest(known int64, by chat.Caller, requestID string) *rpc.RegisteredWordsRequest {
	return &rpc.RegisteredWordsRequest{Known: optional(known), Meta: meta(by, requestID)}
}

func RegisteredWordsResponse(registry chat.WordRegistry, err error) *rpc.RegisteredWordsResponse {
	code, text := outcome(err)
	response := &rpc.RegisteredWordsResponse{
		Code: code, Msg: text, Version: optional(registry.Version), Clock: optional(registry.Clock), KeepHours: optional(int32(registry.KeepHours)),
	}
	if registry.Words != nil {
		response.Words = convertTo(registry.Words, wordTo)
	}
	return response
}

func RegisteredWordsOf(r *rpc.RegisteredWordsResponse) (chat.WordRegistry, error) {
	registry := chat.WordRegistry{Version: r.GetVersion(), Clock: r.GetClock(), KeepHours: int(r.GetKeepHours())}
	if r.Words != nil {
		registry.Words = convert(r.Words, wordOf)
	}
	return registry, errorOf(r.Code, r.Msg)
}
