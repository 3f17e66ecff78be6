// The RPC contract of Pullchat: what an rpc-server answers, and how a message is stored.
//
// Field numbers and names are fixed: clients that were generated from an older version of this file keep
// working. New fields are optional and come at the end; new methods are added beside the old ones.
namespace go rpc

// Code is the outcome of a call. The numbers are those of the HTTP statuses that mean the same, so that they
// need no table to be read. A client treats a number that it does not know like INTERNAL.
enum Code {
    OK = 0
    INVALID_ARGUMENT = 400
    UNAUTHENTICATED = 401
    PERMISSION_DENIED = 403
    NOT_FOUND = 404
    CONFLICT = 409
    TOO_LARGE = 413
    UNSUPPORTED_MEDIA_TYPE = 415
    RESOURCE_EXHAUSTED = 429
    INTERNAL = 500
    UNAVAILABLE = 503
    DEADLINE_EXCEEDED = 504
}

struct Message {
    1: string Chat              // "alice:bob", the same chat as "bob:alice", or a room's id
    2: string Text              // UTF-8, not empty
    3: string Sender            // in a two-person chat one of the two
    4: i64 SendTime             // microseconds since 1970; set by the server, ignored in a SendRequest
    5: optional string Id       // the sender's own id of this message: sending it again stores nothing
}

struct SendRequest {
    1: required Message message
    2: optional string RequestId  // names the request in the server's log
}

struct SendResponse {
    1: required i32 Code        // 0 is success; see Code
    2: required string Msg      // "success", or what was wrong
    3: optional i64 SendTime    // on success: the message's position in its chat
    4: optional bool Duplicate  // on success: the Id was known, and SendTime is that of the first time
}

struct PullRequest {
    1: required string Chat
    2: required i64 Cursor      // inclusive; with Reverse, 0 means from the newest
    3: required i32 Limit       // 0 asks for the server's default
    4: optional bool Reverse    // newest first
    5: optional string RequestId
}

struct PullResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Message> Messages
    4: optional bool HasMore
    5: optional i64 NextCursor  // where to continue from
}

// A batch is many requests in one call. Each has its own response, in the same order; one that fails fails alone.
struct SendBatchRequest {
    1: required list<SendRequest> Requests
}

struct SendBatchResponse {
    1: required list<SendResponse> Responses
}

struct PullBatchRequest {
    1: required list<PullRequest> Requests
}

struct PullBatchResponse {
    1: required list<PullResponse> Responses
}

struct ReadyRequest {
    1: optional string RequestId
}

struct ReadyResponse {
    1: required i32 Code        // 0: a message could be stored now
    2: required string Msg
}

struct PingRequest {
}

struct PingResponse {
    1: required i32 Code        // 0: send calls here; 503: it still answers, but is about to stop
    2: required string Msg
}

service IMService {
    SendResponse Send(1: SendRequest req)
    PullResponse Pull(1: PullRequest req)
    ReadyResponse Ready(1: ReadyRequest req)
    SendBatchResponse SendBatch(1: SendBatchRequest req)
    PullBatchResponse PullBatch(1: PullBatchRequest req)
    PingResponse Ping(1: PingRequest req)
}

// StoredMessage is a message as it lies in a chat's log in Redis, in Thrift's binary protocol. Chat and send_time
// are not in it: the key and the position say them.
struct StoredMessage {
    1: required string Text
    2: required string Sender
    3: optional string Id
}
