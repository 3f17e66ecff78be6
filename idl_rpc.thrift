// The RPC contract of Pullchat: what an rpc-server answers, and how a message is stored.
//
// Field numbers and names are fixed: clients that were generated from an older version of this file keep
// working. New fields are optional and come at the end; new methods are added beside the old ones.
namespace go rpc

// Code is the outcome of a call. The numbers are those of the HTTP statuses that mean the same, so that they
// need no table to be read; where several codes share a status, a digit follows it. A client treats a number that it
// does not know like INTERNAL.
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
    TOKEN_INVALID = 4011
    TOKEN_EXPIRED = 4012
}

// Who makes a request, as its gateway has found out. Where AUTH is on, a request without one is UNAUTHENTICATED.
struct Caller {
    1: optional string User
    2: optional bool Service    // a back end, which acts for any user
}

// What a message says that is no text of its sender's, but tells of a change of the room that it is in. Those who know
// nothing of it show the message's text.
struct Notice {
    1: required string Event        // created, joined, left, added, removed, promoted, demoted, handed_over, renamed, opened or closed
    2: optional list<string> Users  // whom it is about
    3: optional string Name         // the room's new one
}

struct Message {
    1: string Chat              // "alice:bob", the same chat as "bob:alice", or a room's id
    2: string Text              // UTF-8, not empty
    3: string Sender            // in a two-person chat one of the two
    4: i64 SendTime             // microseconds since 1970; set by the server, ignored in a SendRequest
    5: optional string Id       // the sender's own id of this message: sending it again stores nothing
    6: optional Notice notice   // ignored in a SendRequest
    7: optional bool Erased     // its sender has deleted herself and her texts: Text is empty
}

struct SendRequest {
    1: required Message message
    2: optional string RequestId  // names the request in the server's log
    3: optional Caller caller
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
    6: optional string Reader   // a user, or one of her devices: without the messages of those whom the user ignores
    7: optional bool Unread     // from where the Reader stands; Cursor is 0, and Reverse false
    8: optional Caller caller
    9: optional bool Entries    // the caller reads Entries instead of Messages; a server may answer either
}

struct PullResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Message> Messages
    4: optional bool HasMore
    5: optional i64 NextCursor  // where to continue from
    6: optional binary Entries  // members of the log, as stored, each after its length in four bytes, the high one first
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

// A signal reaches those who watch its chat at that moment, and is stored nowhere.
struct Signal {
    1: required string Chat
    2: required string Sender        // in a two-person chat one of the two
    3: required string Type          // a name, such as "typing"
    4: optional string Data          // the application's own, up to 256 bytes
}

struct SignalRequest {
    1: required Signal signal
    2: optional string RequestId
    3: optional Caller caller
}

struct SignalResponse {
    1: required i32 Code
    2: required string Msg
}

// Moves a reader's cursor: forward, and never past the chat's end.
struct ReadRequest {
    1: required string Chat
    2: required string Reader        // a user, or one of her devices: "alice/phone"
    3: required i64 Cursor           // all before it is read
    4: optional string RequestId
    5: optional Caller caller
    6: optional bool End             // to the chat's end; then Cursor is 0
    7: optional bool Force           // also back
}

struct ReadResponse {
    1: required i32 Code
    2: required string Msg
    3: optional i64 Cursor           // where the reader stands now
}

// The readers who watch a chat through one gateway.
struct Attendance {
    1: required string Chat
    2: required list<string> Readers
}

// Replaces what the gateway said of these chats before. It lapses 45 seconds later unless it is said again.
struct AttendRequest {
    1: required string Gateway       // a name of the gateway process that no other one has
    2: required list<Attendance> Attendances
    3: optional string RequestId
    4: optional Caller caller
}

struct AttendResponse {
    1: required i32 Code
    2: required string Msg
}

struct PresentRequest {
    1: required string Chat
    2: optional string RequestId
    3: optional Caller caller
}

struct PresentResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<string> Readers // who watches the chat through any gateway, sorted
}

// Event is what a watcher of a chat is told. One of the others is set.
struct Event {
    1: required string Chat          // the canonical id
    2: optional i64 Position         // a hint: the chat's last message is at least here; 0 is an empty chat
    3: optional Signal signal
    4: optional Reading reading
    5: optional bool Presence        // who is present has changed
    6: optional bool Listed          // of a user's chat with herself: the list of her chats has changed
    7: optional bool Ignored         // of a user's chat with herself: whom she ignores has changed
    8: optional Membership membership  // who may be in the room has changed
    9: optional i64 Before           // with Entries: the position that the chat had before the first of them; 0 if it had none
    10: optional list<binary> Entries  // of a hint: all entries after Before up to Position, oldest first, each as in the log
}

// Those who may not be in the room any more; where nobody is named, it may be anybody.
struct Membership {
    1: optional list<string> Users
    2: optional bool Deleted         // the room is no more
}

struct Reading {
    1: required string Reader
    2: required i64 Cursor
}

// Chats from which on or no longer the watcher is told. Each that is added is confirmed by a hint with its position.
struct WatchRequest {
    1: optional list<string> Add
    2: optional list<string> Remove
}

// Hints of one chat that nobody has waited for are one. What cannot be delivered in time but a hint is dropped.
struct WatchResponse {
    1: required list<Event> Events
}

// Says whether the caller may be in all of some chats.
struct EnterRequest {
    1: required list<string> Chats
    2: optional string RequestId
    3: optional Caller caller
    4: optional string Session      // the caller's, which must not have ended: TOKEN_INVALID otherwise
}

struct EnterResponse {
    1: required i32 Code             // that of the first chat in which the caller may not be
    2: required string Msg
}

// A room that somebody has created. A room that nobody has is open to all.
struct Room {
    1: required string Id
    2: required string Name          // for people; may be empty
    3: required string Visibility    // public, or private: to its members
    4: required i64 Created          // microseconds since 1970
    5: required i32 MemberCount
    6: optional string Role          // of who asks: admin or member
    7: optional list<Member> Members // those for who longest is one first
}

struct Member {
    1: required string User
    2: required string Role          // admin or member
    3: required i64 Since            // the send_time of the notice
}

// The user who acts is the caller; a service, and everybody where AUTH is off, names her.
struct CreateRoomRequest {
    1: optional string Id            // empty: one is made
    2: optional string Name          // up to 128 bytes of UTF-8
    3: optional string Visibility    // private, if it is empty
    4: optional list<string> Users   // up to 100 members beside who creates it
    5: optional string As            // who acts
    6: optional string RequestId
    7: optional Caller caller
}

// Each change is a notice in the room's log. What changes nothing is none, and no error.
struct ChangeRoomRequest {
    1: required string Room
    2: required string Kind          // join, leave, add, remove, promote, demote, rename, open, close, update or delete
    3: optional list<string> Users   // up to 100 that are added, removed, promoted or demoted
    4: optional string Name          // that the room gets
    5: optional string As
    6: optional string RequestId
    7: optional Caller caller
    8: optional string Visibility    // of an update, which sets it and the name in one step
}

struct RoomRequest {
    1: required string Room
    2: optional string As
    3: optional string RequestId
    4: optional Caller caller
    5: optional i32 Limit            // members in the answer; 0 asks for the most there are in one
    6: optional string Cursor        // of the members; empty is the beginning
}

struct RoomResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Room room            // as it is now; without Members after a change
    4: optional bool HasMore         // members
    5: optional string NextCursor    // where to continue from; empty at the end
}

// A page of a user's rooms, or of the public ones, by the bytes of their ids.
struct RoomsRequest {
    1: optional string As            // whose rooms
    2: optional string Cursor        // inclusive; empty is the beginning
    3: required i32 Limit            // 0 asks for the server's default
    4: optional string RequestId
    5: optional Caller caller
}

struct RoomsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Room> Rooms     // without Members
    4: optional bool HasMore
    5: optional string NextCursor
}

// A user's account. Its password is told to nobody.
struct Account {
    1: required string User
    2: required string Name          // for people; may be empty
    3: required i64 Created          // microseconds since 1970
}

struct RegisterRequest {
    1: required string User
    2: required string Password      // 8 to 1,024 bytes of UTF-8
    3: optional string Name          // up to 128 bytes
    4: optional string RequestId
}

struct AccountRequest {
    1: required string User
    2: optional string RequestId
    3: optional Caller caller
}

struct AccountResponse {
    1: required i32 Code             // CONFLICT: registered before; NOT_FOUND: no such account
    2: required string Msg
    3: optional Account account
}

// A page of all accounts, by the bytes of their users' ids.
struct AccountsRequest {
    1: optional string Prefix        // of the user's id
    2: optional string Cursor        // inclusive; empty is the beginning
    3: required i32 Limit            // 0 asks for the server's default
    4: optional string RequestId
    5: optional Caller caller
}

struct AccountsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Account> Accounts
    4: optional bool HasMore
    5: optional string NextCursor    // where to continue from; empty at the end
}

// Which of up to 1,000 users have an account.
struct KnownRequest {
    1: required list<string> Users
    2: optional string RequestId
    3: optional Caller caller
}

struct LoginRequest {
    1: required string User
    2: required string Password
    3: optional string RequestId
}

// Exchanges a session's refresh token for its next one. The same token with the same key is answered alike until the
// next one is used; a token that was used before ends its session.
struct RefreshRequest {
    1: required string RefreshToken
    2: optional string Key           // names the attempt: who repeats it after a lost answer says the same key
    3: optional string RequestId
}

struct Session {
    1: required string Id            // a name of the session that alone does nothing; it is not the one in the RefreshToken
    2: required string User
    3: required string RefreshToken
}

struct SessionResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Session session
}

// Ends one session: that of a refresh token, or one that is named, as a Session's Id does, by who has seen to it that it is
// the caller's.
struct LogoutRequest {
    1: optional string RefreshToken
    2: optional string User
    3: optional string Session
    4: optional string RequestId
}

struct LogoutResponse {
    1: required i32 Code
    2: required string Msg
}

// Ends all sessions of the user but the one that is named.
struct ChangePasswordRequest {
    1: required string User
    2: required string Password      // the one that holds
    3: required string NewPassword
    4: optional string Session
    5: optional string RequestId
}

struct ChangePasswordResponse {
    1: required i32 Code
    2: required string Msg
}

// Deletes a user for good: her account, sessions, memberships and lists, and with Erase the texts of her messages. The
// user is the caller; a service names her; and where AUTH is off, her password says that it is she.
struct DeleteAccountRequest {
    1: optional string User
    2: optional string Password
    3: optional bool Erase
    4: optional string RequestId
    5: optional Caller caller
    6: optional string Session   // that the caller's token is of: where it has ended, nothing is deleted
}

struct DeleteAccountResponse {
    1: required i32 Code
    2: required string Msg
    3: optional bool Complete    // else the rest is being done: nothing more needs to be asked
}

// How far each reader of a chat has read, by their names: up to 1,000 of them.
struct ReadersRequest {
    1: required string Chat
    2: optional string RequestId
    3: optional Caller caller
}

struct ReadersResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Reading> Readings
    4: optional i64 Count            // of all
}

// Whom a user ignores: their messages do not reach her.
struct IgnoredRequest {
    1: required string User
    2: optional string RequestId
    3: optional Caller caller
}

struct IgnoredResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<string> Users   // sorted
}

// Has a user ignore another one from now on, or no longer.
struct IgnoreRequest {
    1: required string User
    2: required string Other
    3: required bool Ignore
    4: optional string RequestId
    5: optional Caller caller
}

struct IgnoreResponse {
    1: required i32 Code
    2: required string Msg
}

// A page of a user's chats, those where something was said last first.
struct InboxRequest {
    1: required string Reader        // a user, or one of her devices
    2: required i64 Cursor           // inclusive; 0 is from the newest
    3: required i32 Limit            // 0 asks for the server's default
    4: optional string RequestId
    5: optional Caller caller
    6: optional bool Names           // the names of rooms and users are wanted too
}

// A user, and the name for people.
struct UserName {
    1: required string User
    2: required string Name
}

struct InboxEntry {
    1: required string Chat
    2: required i32 Unread           // messages of others from the Cursor on; 100 are more than 99
    3: required i64 Cursor           // where the reader stands
    4: optional Message Last         // the newest that is not of somebody ignored
    5: optional string Name          // of the room, for people
    6: optional list<UserName> Users // of a two-person chat, or the sender of Last; those who have a name
}

struct InboxResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<InboxEntry> Entries
    4: optional bool HasMore
    5: optional i64 NextCursor       // where to continue from; 0 at the end
}

// A user's chats in which a reader has something to read: a page of those where something was said last. Pages of up to
// 1,000 chats lose none.
struct UnreadRequest {
    1: required string Reader
    2: optional string RequestId
    3: optional Caller caller
    4: optional i64 Cursor           // the NextCursor of the page before; else from the newest
    5: optional i32 Limit            // chats to look into: else 1,000
}

struct Unread {
    1: required string Chat
    2: required i32 Count            // 100 are more than 99
}

struct UnreadResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Unread> Chats
    4: optional bool HasMore
    5: optional i64 NextCursor       // where to continue from; 0 at the end
}

// All of a user's chats, and where a reader stands in them.
struct ChatsRequest {
    1: required string Reader
    2: optional string RequestId
    3: optional Caller caller
    4: optional bool Names           // as an InboxRequest's
}

struct Standing {
    1: required string Chat
    2: required i64 Cursor
    3: optional string Name          // of the room, for people
    4: optional list<UserName> Users // of a two-person chat; those who have a name
}

struct ChatsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Standing> Chats
}

service IMService {
    SendResponse Send(1: SendRequest req)
    PullResponse Pull(1: PullRequest req)
    ReadyResponse Ready(1: ReadyRequest req)
    SendBatchResponse SendBatch(1: SendBatchRequest req)
    PullBatchResponse PullBatch(1: PullBatchRequest req)
    PingResponse Ping(1: PingRequest req)
    SignalResponse Signal(1: SignalRequest req)
    ReadResponse Read(1: ReadRequest req)
    AttendResponse Attend(1: AttendRequest req)
    PresentResponse Present(1: PresentRequest req)
    AccountResponse Register(1: RegisterRequest req)
    AccountResponse Account(1: AccountRequest req)
    AccountsResponse Accounts(1: AccountsRequest req)
    AccountsResponse Known(1: KnownRequest req)
    SessionResponse Login(1: LoginRequest req)
    SessionResponse Refresh(1: RefreshRequest req)
    LogoutResponse Logout(1: LogoutRequest req)
    ChangePasswordResponse ChangePassword(1: ChangePasswordRequest req)
    DeleteAccountResponse DeleteAccount(1: DeleteAccountRequest req)
    ReadersResponse Readers(1: ReadersRequest req)
    IgnoredResponse Ignored(1: IgnoredRequest req)
    IgnoreResponse Ignore(1: IgnoreRequest req)
    InboxResponse Inbox(1: InboxRequest req)
    UnreadResponse Unread(1: UnreadRequest req)
    ChatsResponse Chats(1: ChatsRequest req)
    EnterResponse Enter(1: EnterRequest req)
    RoomResponse CreateRoom(1: CreateRoomRequest req)
    RoomResponse ChangeRoom(1: ChangeRoomRequest req)
    RoomResponse Room(1: RoomRequest req)
    RoomsResponse RoomsOf(1: RoomsRequest req)
    RoomsResponse PublicRooms(1: RoomsRequest req)
    // A stream in both directions, which a client keeps open: what to watch goes up, events come down. Each request is
    // answered by an empty response, before which no other one is sent. It speaks Kitex' TTHeader streaming; other
    // methods answer any Thrift client.
    WatchResponse Watch(1: WatchRequest req) (streaming.mode="bidirectional")
}

// StoredMessage is a message as it lies in a chat's log in Redis, in Thrift's binary protocol. Chat and send_time
// are not in it: the key and the position say them. Sender and Kind are written first, Text last: a script finds who
// wrote an entry without reading all of it. Readers accept any order.
struct StoredMessage {
    1: required string Text
    2: required string Sender
    3: optional string Id
    4: optional Notice notice
    5: optional bool Erased    // Text is empty
    6: optional i8 Kind        // 1: a message, 2: a notice, 3: erased; entries of older servers lack it
}
