// The RPC contract of Pullchat: the methods of an rpc-server, and the stored form of a message.
//
// Field numbers and names are fixed, so that clients generated from an older version of this file keep working. New
// fields are optional and appended; new methods are added beside the old ones.
namespace go rpc

// Code is the outcome of a call. The numbers are those of the HTTP statuses with the same meaning. If several codes share
// a status, a digit follows it. A client treats an unknown number as INTERNAL.
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

// The identity behind a request, as its gateway verified it. With AUTH on, a request without one is UNAUTHENTICATED.
struct Caller {
    1: optional string User
    2: optional bool Service    // a service, which may act for any user
}

// The request id and the caller of a request. A request with a Meta does not set its own fields RequestId and Caller: they are
// for older clients, and a server ignores them beside a Meta. Send and Pull have no Meta, because they are called most and it would
// make each call longer (docs/adr/0019-meta.md).
struct Meta {
    1: optional string RequestId  // names the request in the server's log
    2: optional Caller caller
}

// Marks a message that the server wrote about a change of its room. Clients that do not know notices show the message's
// text, which describes the change.
struct Notice {
    1: required string Event        // created, joined, left, added, removed, promoted, demoted, handed_over, renamed, opened, closed, retention, banned, unbanned, muted, unmuted, slow_mode, announce, discuss, pinned or unpinned
    2: optional list<string> Users  // the users that the change affects
    3: optional string Name         // the room's new name
    4: optional i64 Ref             // of edit, delete, react, unreact, pinned and unpinned: the position of the message
    5: optional string Emoji        // of react and unreact
}

// How many users reacted to a message with an emoji.
struct Reaction {
    1: required string Emoji
    2: required i32 Count
    3: optional list<string> Users  // the first few
    4: optional bool Own            // the reader of the page is one of them
}

struct Message {
    1: string Chat              // "alice:bob", the same chat as "bob:alice", or a room's id
    2: string Text              // UTF-8, not empty
    3: string Sender            // in a two-person chat one of the two
    4: i64 SendTime             // microseconds since 1970; set by the server, ignored in a SendRequest
    5: optional string Id       // the sender's id for this message: sending it again stores nothing
    6: optional Notice notice   // ignored in a SendRequest
    7: optional bool Erased     // the sender deleted the message, or the account and its texts: Text is empty
    8: optional i64 ReplyTo     // the position of the message that this one answers
    9: optional list<string> Mentions
    10: optional string ContentType  // empty is text
    11: optional string Body    // of a ContentType: a JSON object
    12: optional string Metadata     // a JSON object of the application's
    13: optional i64 Edited     // the position of the last edit; this and all that follow are ignored in a SendRequest
    14: optional i64 Deleted    // the position of the deletion
    15: optional list<Reaction> Reactions
    16: optional i32 Replies    // how many messages answer this one
    17: optional i64 LastReply  // the position of the last of them
}

struct SendRequest {
    1: required Message message
    2: optional string RequestId  // names the request in the server's log
    3: optional Caller caller
}

struct SendResponse {
    1: required i32 Code        // 0 is success; see Code
    2: required string Msg      // "success", or the fault
    3: optional i64 SendTime    // on success: the message's position in its chat
    4: optional bool Duplicate  // on success: the Id was known, and SendTime is that of the first send
    5: optional i32 RetryAfter  // with RESOURCE_EXHAUSTED: seconds until the request may succeed, if they are known
}

struct PullRequest {
    1: required string Chat
    2: required i64 Cursor      // inclusive; with Reverse, 0 means from the newest
    3: required i32 Limit       // 0 asks for the server's default
    4: optional bool Reverse    // newest first
    5: optional string RequestId
    6: optional string Reader   // a user or a device: leaves out messages of users that the user ignores
    7: optional bool Unread     // start at the Reader's cursor; Cursor is 0, and Reverse false
    8: optional Caller caller
    9: optional bool Entries    // the caller reads Entries instead of Messages; a server may answer either
}

struct PullResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Message> Messages
    4: optional bool HasMore
    5: optional i64 NextCursor  // the position to continue from
    6: optional binary Entries  // members of the log, as stored, each after its length in four bytes, the high one first
}

// A batch is many requests in one call. Each has its own response, in the same order, and fails alone.
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
    2: optional Meta meta
}

struct ReadyResponse {
    1: required i32 Code        // 0: a message can be stored
    2: required string Msg
}

struct PingRequest {
}

struct PingResponse {
    1: required i32 Code        // 0: send calls here; 503: it still answers, but is about to stop
    2: required string Msg
}

// A signal reaches the chat's current watchers, and is not stored.
struct Signal {
    1: required string Chat
    2: required string Sender        // in a two-person chat one of the two
    3: required string Type          // a name, such as "typing"
    4: optional string Data          // data of the application, up to 256 bytes
}

struct SignalRequest {
    1: required Signal signal
    2: optional string RequestId
    3: optional Caller caller
    4: optional Meta meta
}

struct SignalResponse {
    1: required i32 Code
    2: required string Msg
}

// Moves a reader's cursor: forward, and never past the chat's end.
struct ReadRequest {
    1: required string Chat
    2: required string Reader        // a user, or a device: "alice/phone"
    3: required i64 Cursor           // all messages before it are read
    4: optional string RequestId
    5: optional Caller caller
    6: optional bool End             // to the chat's end; then Cursor is 0
    7: optional bool Force           // also back
    8: optional Meta meta
}

struct ReadResponse {
    1: required i32 Code
    2: required string Msg
    3: optional i64 Cursor           // the reader's cursor now
}

// The readers who watch a chat through one gateway.
struct Attendance {
    1: required string Chat
    2: required list<string> Readers
}

// Replaces the gateway's earlier report for these chats. It expires after 45 seconds unless it is repeated.
struct AttendRequest {
    1: required string Gateway       // a unique name of the gateway process
    2: required list<Attendance> Attendances
    3: optional string RequestId
    4: optional Caller caller
    5: optional Meta meta
}

struct AttendResponse {
    1: required i32 Code
    2: required string Msg
}

struct PresentRequest {
    1: required string Chat
    2: optional string RequestId
    3: optional Caller caller
    4: optional Meta meta
}

struct PresentResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<string> Readers // the chat's watchers through any gateway, sorted
}

// Event is sent to a chat's watchers. Besides Chat, one field is set.
struct Event {
    1: required string Chat          // the canonical id
    2: optional i64 Position         // a hint: the chat's last message is here or later; 0 is an empty chat
    3: optional Signal signal
    4: optional Reading reading
    5: optional bool Presence        // the present readers have changed
    6: optional bool Listed          // in a user's self-chat: the user's list of chats has changed
    7: optional bool Ignored         // in a user's self-chat: the user's ignored users have changed
    8: optional Membership membership  // the room's access has changed
    9: optional i64 Before           // with Entries: the chat's position before the first of them; 0 if it had none
    10: optional list<binary> Entries  // of a hint: all entries after Before up to Position, oldest first, each as in the log
    11: optional Reading delivered   // how far a user has received a two-person chat
}

// Users who may have lost access to the room. Without Users, any user may have.
struct Membership {
    1: optional list<string> Users
    2: optional bool Deleted         // the room was deleted
}

struct Reading {
    1: required string Reader
    2: required i64 Cursor
}

// Chats to watch from now on, and chats to stop watching. A hint with the chat's position confirms each added chat.
struct WatchRequest {
    1: optional list<string> Add
    2: optional list<string> Remove
}

// Pending hints of one chat are merged into one. Other events that cannot be delivered in time are dropped.
struct WatchResponse {
    1: required list<Event> Events
}

// Checks that the caller may enter each of the chats.
struct EnterRequest {
    1: required list<string> Chats
    2: optional string RequestId
    3: optional Caller caller
    4: optional string Session      // the caller's session: TOKEN_INVALID if it has ended
    5: optional Meta meta
}

struct EnterResponse {
    1: required i32 Code             // of the first chat that the caller may not enter
    2: required string Msg
}

// A room that was created. With AUTH off, other ids without a colon are chats that are open to all.
struct Room {
    1: required string Id
    2: required string Name          // the display name; may be empty
    3: required string Visibility    // public, or private: members only
    4: required i64 Created          // microseconds since 1970
    5: required i32 MemberCount
    6: optional string Role          // the caller's: admin or member
    7: optional list<Member> Members // oldest membership first
    8: optional i64 Retention        // age after which messages go, in microseconds, if the room has its own
    9: optional bool Announce        // only admins send
    10: optional i64 SlowMode        // the pause between two messages of a member, in microseconds
    11: optional list<i64> Pins      // the positions of pinned messages, the latest pin last
}

struct Member {
    1: required string User
    2: required string Role          // admin or member
    3: required i64 Since            // the send_time of the notice
}

// The acting user is the caller. A service names the user in As, and so does every request with AUTH off.
struct CreateRoomRequest {
    1: optional string Id            // empty: generated
    2: optional string Name          // up to 128 bytes of UTF-8
    3: optional string Visibility    // empty: private
    4: optional list<string> Users   // up to 100 members beside the creator
    5: optional string As            // the acting user
    6: optional string RequestId
    7: optional Caller caller
    8: optional Meta meta
    9: optional i64 Retention        // age after which messages go, in microseconds; 0 is the server's
}

// Each change is a notice in the room's log. A request that changes nothing succeeds without a notice.
struct ChangeRoomRequest {
    1: required string Room
    2: required string Kind          // join, leave, add, remove, promote, demote, rename, open, close, update, retain, delete, ban, unban, mute, unmute, slow, announce, discuss, pin or unpin
    3: optional list<string> Users   // up to 100 users to add, remove, promote or demote
    4: optional string Name          // the room's new name
    5: optional string As
    6: optional string RequestId
    7: optional Caller caller
    8: optional string Visibility    // for update, which sets it and the name in one step
    9: optional Meta meta
    10: optional i64 Retention       // for retain, in microseconds; 0 is the server's
    11: optional i64 Until           // for ban and mute, in microseconds since 1970; 0 is for good
    12: optional string Reason       // for ban and mute, and for the audit log
    13: optional i64 SlowMode        // for slow, in microseconds; 0 is off
    14: optional i64 Ref             // for pin and unpin: the position of the message
}

struct RoomRequest {
    1: required string Room
    2: optional string As
    3: optional string RequestId
    4: optional Caller caller
    5: optional i32 Limit            // members in the answer; 0 asks for the maximum
    6: optional string Cursor        // in the list of members; empty is the beginning
    7: optional Meta meta
}

struct RoomResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Room room            // the current state; without Members after a change
    4: optional bool HasMore         // there are more members
    5: optional string NextCursor    // the position to continue from; empty at the end
    6: optional i32 RetryAfter       // with RESOURCE_EXHAUSTED: seconds until the request may succeed, if they are known
}

// A page of a user's rooms, or of the public ones, sorted by the bytes of their ids.
struct RoomsRequest {
    1: optional string As            // the user
    2: optional string Cursor        // inclusive; empty is the beginning
    3: required i32 Limit            // 0 asks for the server's default
    4: optional string RequestId
    5: optional Caller caller
    6: optional Meta meta
}

struct RoomsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Room> Rooms     // without Members
    4: optional bool HasMore
    5: optional string NextCursor
}

// A user's account, without its password.
struct Account {
    1: required string User
    2: required string Name          // the display name; may be empty
    3: required i64 Created          // microseconds since 1970
    4: optional i64 LastSeen         // of Account: about when the user was connected last, in microseconds since 1970
    5: optional bool HidesLastSeen   // of Account, for the user and services
}

// Changes an account. Absent fields stay.
struct ChangeAccountRequest {
    1: optional string User          // empty: the caller
    2: optional bool HideLastSeen
    3: optional Meta meta
}

struct RegisterRequest {
    1: required string User
    2: required string Password      // 8 to 1,024 bytes of UTF-8
    3: optional string Name          // up to 128 bytes
    4: optional string RequestId
    5: optional Meta meta
    6: optional bool External        // an identity provider vouches for the user: no password, and an account without one is returned
    7: optional bool Adopt           // with External: an account with a password is returned too
}

struct AccountRequest {
    1: required string User
    2: optional string RequestId
    3: optional Caller caller
    4: optional Meta meta
}

struct AccountResponse {
    1: required i32 Code             // CONFLICT: registered before; NOT_FOUND: no such account
    2: required string Msg
    3: optional Account account
}

// A page of all accounts, sorted by the bytes of their users' ids.
struct AccountsRequest {
    1: optional string Prefix        // of the users' ids
    2: optional string Cursor        // inclusive; empty is the beginning
    3: required i32 Limit            // 0 asks for the server's default
    4: optional string RequestId
    5: optional Caller caller
    6: optional Meta meta
}

struct AccountsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Account> Accounts
    4: optional bool HasMore
    5: optional string NextCursor    // the position to continue from; empty at the end
}

// Finds the accounts of up to 1,000 users.
struct KnownRequest {
    1: required list<string> Users
    2: optional string RequestId
    3: optional Caller caller
    4: optional Meta meta
}

struct LoginRequest {
    1: required string User
    2: required string Password
    3: optional string RequestId
    4: optional Meta meta
}

// Exchanges a session's refresh token for its next one. A retry with the same token and key gets the same answer, until
// the next token is used. Any other second use of a token ends the session.
struct RefreshRequest {
    1: required string RefreshToken
    2: optional string Key           // names the attempt: a retry after a lost answer sends the same key
    3: optional string RequestId
    4: optional Meta meta
}

struct Session {
    1: required string Id            // a public name of the session, which gives no access; not the id in the RefreshToken
    2: required string User
    3: required string RefreshToken
}

struct SessionResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Session session
}

// Ends one session: that of a refresh token, or the User's Session with that Id. In the second case the gateway has verified
// that it is the caller's.
struct LogoutRequest {
    1: optional string RefreshToken
    2: optional string User
    3: optional string Session
    4: optional string RequestId
    5: optional Meta meta
}

struct LogoutResponse {
    1: required i32 Code
    2: required string Msg
}

// Replaces a password, and ends all sessions of the user except Session.
struct ChangePasswordRequest {
    1: required string User
    2: required string Password      // the current one
    3: required string NewPassword
    4: optional string Session
    5: optional string RequestId
    6: optional Meta meta
}

struct ChangePasswordResponse {
    1: required i32 Code
    2: required string Msg
}

// Deletes a user permanently: account, sessions, memberships and lists, and with Erase the texts of the messages. The user
// is the caller. A service names the user. With AUTH off the request has the user's password.
struct DeleteAccountRequest {
    1: optional string User
    2: optional string Password
    3: optional bool Erase
    4: optional string RequestId
    5: optional Caller caller
    6: optional string Session   // of the caller's token: if it has ended, nothing is deleted
    7: optional Meta meta
}

struct DeleteAccountResponse {
    1: required i32 Code
    2: required string Msg
    3: optional bool Complete    // false: the server continues the rest; no further request is needed
}

// The cursors of a chat's readers, sorted by name: at most 1,000 of them.
struct ReadersRequest {
    1: required string Chat
    2: optional string RequestId
    3: optional Caller caller
    4: optional Meta meta
}

struct ReadersResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Reading> Readings
    4: optional i64 Count            // of all readers
}

// The users that a user ignores.
struct IgnoredRequest {
    1: required string User
    2: optional string RequestId
    3: optional Caller caller
    4: optional Meta meta
}

struct IgnoredResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<string> Users   // sorted
}

// Makes User ignore Other, or stop ignoring Other. Messages of ignored users are hidden from the user's reads.
struct IgnoreRequest {
    1: required string User
    2: required string Other
    3: required bool Ignore
    4: optional string RequestId
    5: optional Caller caller
    6: optional Meta meta
}

struct IgnoreResponse {
    1: required i32 Code
    2: required string Msg
}

// A page of a user's chats, newest activity first.
struct InboxRequest {
    1: required string Reader        // a user or a device
    2: required i64 Cursor           // inclusive; 0 is from the newest
    3: required i32 Limit            // 0 asks for the server's default
    4: optional string RequestId
    5: optional Caller caller
    6: optional bool Names           // return the display names of rooms and users too
    7: optional Meta meta
}

// A user and the display name.
struct UserName {
    1: required string User
    2: required string Name
}

struct InboxEntry {
    1: required string Chat
    2: required i32 Unread           // messages of others from the Cursor on; 100 means more than 99
    3: required i64 Cursor           // the reader's cursor
    4: optional Message Last         // the newest, without messages of ignored users
    5: optional string Name          // the room's display name
    6: optional list<UserName> Users // of a two-person chat, or the sender of Last; only users with a display name
    7: optional i32 Mentions         // how many of the unread messages mention the user
}

struct InboxResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<InboxEntry> Entries
    4: optional bool HasMore
    5: optional i64 NextCursor       // the position to continue from; 0 at the end
}

// A user's chats with unread messages, newest activity first, in pages of up to 1,000 chats.
struct UnreadRequest {
    1: required string Reader
    2: optional string RequestId
    3: optional Caller caller
    4: optional i64 Cursor           // the NextCursor of the previous page; by default from the newest
    5: optional i32 Limit            // chats to look into; 1,000 by default
    6: optional Meta meta
}

struct Unread {
    1: required string Chat
    2: required i32 Count            // 100 means more than 99
    3: optional i32 Mentions         // how many of them mention the user
}

struct UnreadResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Unread> Chats
    4: optional bool HasMore
    5: optional i64 NextCursor       // the position to continue from; 0 at the end
}

// All chats of a user, with the reader's cursors.
struct ChatsRequest {
    1: required string Reader
    2: optional string RequestId
    3: optional Caller caller
    4: optional bool Names           // as in InboxRequest
    5: optional Meta meta
}

struct Standing {
    1: required string Chat
    2: required i64 Cursor
    3: optional string Name          // the room's display name
    4: optional list<UserName> Users // of a two-person chat; only users with a display name
}

struct ChatsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Standing> Chats
}

// A projection is a consumer of all chats: a cursor in each of them. Its calls are for services; with AUTH off, for any client.
// The chats are laid out in partitions, which workers share.

// Asks for the newest position of each partition.
struct PartitionStatesRequest {
    1: optional Meta meta
    2: optional list<i32> Partitions // without it all
}

struct PartitionStatesResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<i64> Positions  // of each partition, in the order of the request, or from 0: its newest position, 0 for none
    4: optional list<i64> Clocks     // the storage's clock at that moment, in microseconds since 1970
}

// Asks for the chats of partitions whose newest position is at Since or later.
struct MovedRequest {
    1: required list<MovedSince> Partitions
    2: optional Meta meta
}

struct MovedSince {
    1: required i32 Partition
    2: required i64 Since
    3: required i32 Limit            // up to 10,000
}

struct MovedResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<MovedChats> Partitions  // in the order of the request
}

// Chats by their newest positions, oldest first. As many as the limit: there may be more, at the last position too.
struct MovedChats {
    1: required list<string> Chats
    2: required list<i64> Positions
}

// Takes, renews and releases leases of partitions. A lease lapses after six seconds unless it is renewed.
struct ClaimRequest {
    1: required string Projection
    2: required string Worker        // a unique name of the worker process
    3: required list<Claim> Claims
    4: optional i64 Start            // where a new projection begins; without it now
    5: optional bool Leaving         // the worker takes no more leases
    6: optional Meta meta
}

struct Claim {
    1: required i32 Partition
    2: optional i64 Token            // of the lease that is renewed or released
    3: optional i64 Floor            // with a Token: the events of all positions before it were handled
    4: optional bool Release
    5: optional bool Forget          // with Release: the partition has no chats of the projection; the next owner begins anew
}

struct ClaimResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Lease> Leases   // in the order of the claims
    4: optional list<string> Workers // all that share the projection, sorted
    5: optional bool Paused
}

struct Lease {
    1: required i64 Token            // rises with each owner; 0: the lease is another worker's
    2: required i64 Start            // the cursor of chats without one
    3: required i64 Floor
    4: optional i64 FailingSince     // since when no event could be handled, in microseconds since 1970
    5: optional list<string> Revive  // dead letters that are to be handled again
}

struct CursorsRequest {
    1: required string Projection
    2: required list<string> Chats
    3: optional Meta meta
}

struct CursorsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<string> Cursors // in the order of the chats; empty for a chat without one
}

// Stores how far a projection has come. Each commit is stored whole, or, if its token is not the lease's, not at all.
struct CommitRequest {
    1: required string Projection
    2: required list<Commit> Commits
    3: optional Meta meta
}

struct Commit {
    1: required i32 Partition
    2: required i64 Token
    3: required i64 Floor
    4: required list<CommittedCursor> Cursors
    5: optional i64 Handled          // events since the last commit
    6: optional i64 FailingSince     // 0: not failing
    7: optional string Error         // the last one
    8: optional list<DeadLetter> Dead
    9: optional list<string> Revived // events that are dead letters no more
}

struct CommittedCursor {
    1: required string Chat
    2: required string Cursor        // the next position, and perhaps a space and the consumer's own state; empty removes it
    3: optional string Expected      // with Counts: the cursor until now. The counts are added if it is this one
    4: optional list<Count> Counts
}

// Adds to a counter of the projection. Counters are read by their group.
struct Count {
    1: required string Group
    2: required string Counter
    3: required i64 Amount
    4: optional i64 Expires          // seconds since 1970: when the group is removed; the same for all of a group. 0: never
}

// An event that could not be handled.
struct DeadLetter {
    1: required string Event         // "<chat>@<send_time>"
    2: required string Error
    3: required i64 At               // microseconds since 1970
}

struct CommitResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<bool> Stored    // in the order of the commits; false: the lease is lost
}

struct Projection {
    1: required string Name
    2: required i64 Created          // microseconds since 1970
    3: required bool Paused
    4: required i64 Lag              // age of the oldest position that may not have been handled, in microseconds
    5: required i64 Behind           // chats that may have such positions
    6: required i64 Handled          // events, since its beginning
    7: required i64 DeadLetters
    8: optional i64 FailingSince
    9: optional string Error
    10: optional map<string, i32> Owners  // worker → partitions
}

struct ProjectionsRequest {
    1: optional string Name          // only this one
    2: optional Meta meta
}

struct ProjectionsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Projection> Projections  // sorted by name
}

struct ChangeProjectionRequest {
    1: required string Name
    2: required string Kind          // pause, resume, replay, skip, revive or remove
    3: optional i64 Start            // of replay: where each chat begins again; 0 is its oldest message
    4: optional string Chat          // of skip: the chat whose events until now are left out; empty is all chats
    5: optional Meta meta
}

struct ChangeProjectionResponse {
    1: required i32 Code
    2: required string Msg
}

struct DeadLettersRequest {
    1: required string Name
    2: optional i32 Limit            // 0 is 100
    3: optional Meta meta
}

struct DeadLettersResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<DeadLetter> DeadLetters  // oldest first
}

// Reads the counters of a projection, by group, summed over the partitions.
struct CountsRequest {
    1: required string Projection
    2: required list<string> Groups  // up to 64
    3: optional string Chat          // only the partition of this chat
    4: optional Meta meta
}

struct CountsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Count> Counts   // by the order of the groups; those of a group in no order
}

// A word that is counted, once for each message that contains it.
struct Word {
    1: required string Word          // in its folded form
    2: required i64 Id               // when it was registered, in microseconds since 1970; unique
    3: optional bool Substring       // it counts also inside of other words
    4: optional string Chat          // the only chat in which it counts
    5: optional i64 Count            // messages; of answers to Words
}

struct PutWordRequest {
    1: required string Word
    2: optional bool Substring
    3: optional string Chat
    4: optional Meta meta
}

struct PutWordResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Word Registered
}

struct DeleteWordRequest {
    1: required string Word
    2: optional string Chat
    3: optional Meta meta
}

struct DeleteWordResponse {
    1: required i32 Code
    2: required string Msg
}

// Asks for the words with the most messages.
struct WordsRequest {
    1: optional string Chat          // only the counts of this chat
    2: optional i64 Since            // from the hour of this time on, in microseconds since 1970; 0 is always
    3: optional i32 Limit            // 0 is 100
    4: optional Meta meta
}

struct WordsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Word> Words     // the most frequent first
}

// Asks for all registered words. It is for services.
struct RegisteredWordsRequest {
    1: optional i64 Known            // the Version that the caller has
    2: optional Meta meta
}

struct RegisteredWordsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional i64 Version          // changes with each change of the words; 0: there has never been one
    4: optional i64 Clock            // the storage's clock at that moment, in microseconds since 1970
    5: optional i32 KeepHours        // how long counts by the hour are kept
    6: optional list<Word> Words     // absent if Known is the Version
}

// A webhook has a worker post events of chats to a URL. Services may have any; an admin of rooms may have some of these rooms.
struct Webhook {
    1: required string Id
    2: required string Url
    3: optional list<string> Chats   // canonical ids; empty: all chats
    4: required list<string> Events  // messages and notices
    5: optional bool Bursts          // messages of one sender in one chat are gathered
    6: required bool Enabled
    7: optional string Reason        // why the server has disabled it
    8: optional string Owner         // the user who has made it; absent: a service
    9: required i64 Created          // microseconds since 1970
    10: required i64 Changed
    11: optional string Secret       // in the answer to a creation and to a rotation, and for workers
    12: optional string Previous     // for workers: the secret before a rotation
    13: optional i64 PreviousUntil   // until when it signs too
}

struct CreateWebhookRequest {
    1: required string Url
    2: optional list<string> Chats
    3: optional list<string> Events  // empty: messages
    4: optional bool Bursts
    5: optional Meta meta
}

// The fields that are set are changed.
struct ChangeWebhookRequest {
    1: required string Id
    2: optional string Url
    3: optional list<string> Chats
    4: optional list<string> Events
    5: optional bool Bursts
    6: optional bool Enabled
    7: optional bool Rotate          // true: a new secret, beside which the old one signs for a day; false: the old one ends now
    8: optional Meta meta
}

struct WebhookResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Webhook Webhook
}

struct WebhooksRequest {
    1: optional string Id            // only this one
    2: optional Meta meta
}

struct WebhooksResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Webhook> Webhooks  // that the caller may change, oldest first
}

struct RemoveWebhookRequest {
    1: required string Id
    2: optional bool Forget          // by a worker that has removed its projection
    3: optional Meta meta
}

struct RemoveWebhookResponse {
    1: required i32 Code
    2: required string Msg
}

// Asks for all webhooks, for workers.
struct WebhookRegistryRequest {
    1: optional string Version       // the one that the worker has
    2: optional Meta meta
}

struct WebhookRegistryResponse {
    1: required i32 Code
    2: required string Msg
    3: optional string Version
    4: optional bool Unchanged       // the worker's version is the newest: only Private is in the answer besides
    5: optional list<Webhook> Webhooks
    6: optional map<string, i64> Removed  // webhook → how long ago it was removed, in microseconds: its projection is to be removed
    7: optional list<string> Private // networks that webhooks may reach although they are private
}

// Disables a webhook that has not been changed since, for workers.
struct DisableWebhookRequest {
    1: required string Id
    2: required i64 Changed
    3: required string Reason
    4: optional Meta meta
}

struct DisableWebhookResponse {
    1: required i32 Code
    2: required string Msg
}

// How a device of a user gets notifications.
struct PushSubscription {
    1: required string User
    2: required string Device
    3: required string Kind          // webpush, fcm or plain
    4: optional string Endpoint      // of webpush and plain: an https URL
    5: optional string P256dh        // of webpush, base64url
    6: optional string Auth          // of webpush, base64url
    7: optional string Token         // of fcm
    8: optional string Format        // of plain: text or json
    9: optional i64 Created          // microseconds since 1970; of answers
}

struct SubscribeRequest {
    1: required PushSubscription subscription
    2: optional Meta meta
}

struct SubscribeResponse {
    1: required i32 Code
    2: required string Msg
}

struct UnsubscribeRequest {
    1: required string User
    2: required string Device
    3: optional i64 Created          // only the subscription that was created then
    4: optional Meta meta
}

struct UnsubscribeResponse {
    1: required i32 Code
    2: required string Msg
}

struct SubscriptionsRequest {
    1: required string User
    2: optional Meta meta
}

struct SubscriptionsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<PushSubscription> Subscriptions  // sorted by device
}

struct MuteRequest {
    1: required string User
    2: required string Chat
    3: required bool Mute
    4: optional i64 Until            // microseconds since 1970; 0 is for ever
    5: optional Meta meta
}

struct MuteResponse {
    1: required i32 Code
    2: required string Msg
}

struct MutedRequest {
    1: required string User
    2: optional Meta meta
}

struct MutedChat {
    1: required string Chat
    2: optional i64 Until
}

struct MutedResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<MutedChat> Chats  // sorted
}

struct SubscribersRequest {
    1: optional Meta meta
}

struct SubscribersResponse {
    1: required i32 Code
    2: required string Msg
    3: optional i64 Count            // users who have subscriptions, or had them lately
}

struct PushTargetsRequest {
    1: required string Chat
    2: required string Sender
    3: required i64 Position         // of the message
    4: optional list<string> Users   // only these
    5: optional string After         // of the previous page
    6: optional Meta meta
    7: optional list<string> Mentions  // users that the message mentions; they are notified even if they have muted the chat
}

struct PushTargetsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<PushSubscription> Subscriptions  // those of a user stand together
    4: optional string After         // where the next page begins; absent at the end
    5: optional string ChatName      // the room's display name
    6: optional string SenderName    // the sender's
}

// Changes a message that was sent. Each change is an entry of the chat's log.
struct ChangeMessageRequest {
    1: required string Chat
    2: required i64 SendTime         // the message's position
    3: required string Kind          // edit, delete, react or unreact
    4: optional string Sender        // the user who changes it
    5: optional string Text          // of edit: the new text
    6: optional string Emoji         // of react and unreact
    7: optional string Id            // the sender's id for this change: repeating it stores nothing
    8: optional Meta meta
}

// A page of the answers to a message.
struct ThreadRequest {
    1: required string Chat
    2: required i64 SendTime         // the message's position
    3: optional i64 Cursor           // inclusive; 0 is the first answer
    4: optional i32 Limit            // 0 asks for the server's default
    5: optional string Reader        // as in PullRequest
    6: optional Meta meta
}

// A user who is suspended: the user's sessions have ended, and logins and requests are refused.
struct Suspension {
    1: required string User
    2: required string Reason        // the service's; the user does not see it
    3: required string By            // the service
    4: required i64 Since            // microseconds since 1970
}

// An action of a service on a user, or of a room's admin in the room.
struct AuditEntry {
    1: required i64 At               // microseconds since 1970; unique
    2: required string By            // the service
    3: required string Action        // suspend, restore, end_session, end_sessions, reset_password, delete_message, or a kind of ChangeRoomRequest
    4: optional string User          // the affected user
    5: optional string Reason
    6: optional string RequestId
    7: optional bool ByUser          // By is an admin of Chat, and no service
    8: optional string Chat
    9: optional i64 Ref              // the position of the message
}

// Suspends a user. This call and those below are for services.
struct SuspendRequest {
    1: required string User
    2: required string Reason        // 1 to 512 bytes of UTF-8
    3: optional Meta meta
}

struct SuspendResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Suspension suspension
}

// Ends a suspension. It may be repeated.
struct RestoreRequest {
    1: required string User
    2: optional string Reason
    3: optional Meta meta
}

struct RestoreResponse {
    1: required i32 Code
    2: required string Msg
}

// Asks for a page of the suspended users, sorted by their ids.
struct SuspensionsRequest {
    1: optional string Cursor        // the first user
    2: optional i64 Limit            // 0 is 100; at most 1,000
    3: optional Meta meta
}

struct SuspensionsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Suspension> Suspensions
    4: optional bool HasMore
    5: optional string Cursor        // of the next page
}

// A session of a user.
struct UserSession {
    1: required string Id            // as access tokens name it
    2: required i64 Used             // the last login or refresh, in microseconds since 1970
    3: required i64 Expires
}

struct UserSessionsRequest {
    1: required string User
    2: optional Meta meta
}

struct UserSessionsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<UserSession> Sessions // the least recently used first
}

// Ends a session of a user, or all. It may be repeated.
struct EndSessionsRequest {
    1: required string User
    2: optional string Session       // absent: all
    3: optional string Reason
    4: optional Meta meta
}

struct EndSessionsResponse {
    1: required i32 Code
    2: required string Msg
}

// Replaces the password of a user, and ends all sessions.
struct ResetPasswordRequest {
    1: required string User
    2: required string Password
    3: optional string Reason
    4: optional Meta meta
}

struct ResetPasswordResponse {
    1: required i32 Code
    2: required string Msg
}

// Asks for a page of the audit log, the newest entry first.
struct AuditRequest {
    1: optional i64 Cursor           // entries before this time; 0 is the newest
    2: optional i64 Limit            // 0 is 100; at most 1,000
    3: optional Meta meta
}

struct AuditResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<AuditEntry> Entries
    4: optional bool HasMore
    5: optional i64 Cursor           // of the next page
}

// A file of a chat.
struct Attachment {
    1: required string Id
    2: required string Chat
    3: required string Sender
    4: required string Name          // of the file
    5: required i64 Bytes
    6: required string Type          // the media type
    7: optional string Sha256        // in hexadecimal digits
    8: required string State         // pending, confirmed or sent
    9: required i64 Created          // microseconds since 1970
    10: optional i64 SendTime        // the position of its message
}

// A request that anyone who knows it may make until it expires.
struct SignedRequest {
    1: required string Url
    2: required string Method
    3: optional map<string, string> Headers // which the request must have
    4: required i64 Expires          // microseconds since 1970
}

// Announces a file.
struct CreateAttachmentRequest {
    1: required string Chat
    2: optional string Sender        // the user who will send it
    3: required string Name          // of the file, without a path
    4: required i64 Bytes
    5: required string Type          // the media type, without parameters
    6: optional string Sha256        // in hexadecimal digits: the upload is compared with it
    7: optional Meta meta
}

// Names an attachment. ConfirmAttachment is for its sender, after the upload; ReadAttachment is for all who may read its message.
struct AttachmentRequest {
    1: required string Chat
    2: required string Id
    3: optional string As            // the user on whose behalf a service asks
    4: optional Meta meta
}

struct AttachmentResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Attachment attachment
    4: optional SignedRequest signed // uploads the file after CreateAttachment, and returns it after ReadAttachment
}

// A ban or a mute of a user in a room.
struct Restraint {
    1: required string User
    2: required i64 Until            // microseconds since 1970; 0 is for good
    3: required i64 Since            // the position of its notice
    4: required string By            // the admin, or "service:NAME"
    5: optional string Reason
}

// Asks for a page of the bans or mutes of a room. It is for its admins and for services.
struct RestraintsRequest {
    1: required string Room
    2: required string Kind          // ban or mute
    3: optional string As
    4: optional string Cursor        // the first user, inclusive
    5: optional i64 Limit            // 0 is 100
    6: optional Meta meta
}

struct RestraintsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Restraint> Restraints
    4: optional bool HasMore
    5: optional string Cursor        // of the next page
}

// A report of a message or a user.
struct Report {
    1: required i64 Id               // when it was made, in microseconds since 1970
    2: required string Chat
    3: optional i64 Ref              // the position of the message
    4: required string User          // the sender of the message, or the user
    5: required string By
    6: required string Reason
    7: optional string Text          // of the message, while the report is open
    8: required string State         // open or resolved
    9: optional string Note          // of the service that resolved it
    10: optional string ResolvedBy
    11: optional i64 ResolvedAt
}

// Makes a report. It names a message, a user, or both.
struct ReportRequest {
    1: required string Chat
    2: optional i64 Ref
    3: optional string User
    4: required string Reason
    5: optional string As
    6: optional Meta meta
}

// Resolves a report. This call and those below are for services.
struct ResolveReportRequest {
    1: required i64 Id
    2: required string State         // resolved
    3: optional string Note
    4: optional Meta meta
}

struct ReportResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Report report
    4: optional i32 RetryAfter       // in seconds
}

struct ReportsRequest {
    1: optional string State         // absent: open
    2: optional i64 Cursor           // the first report, inclusive
    3: optional i64 Limit            // 0 is 100
    4: optional Meta meta
}

struct ReportsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<Report> Reports // the oldest first
    4: optional bool HasMore
    5: optional i64 Cursor           // of the next page
}

struct OnlineRequest {
    1: optional string Cursor
    2: optional i64 Limit            // about; 0 is 100
    3: optional Meta meta
}

struct OnlineResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<string> Users   // in any order
    4: optional bool HasMore
    5: optional string Cursor        // of the next page
}

// Asks for a page of a user's data.
struct ExportUserRequest {
    1: required string User
    2: optional string Cursor
    3: optional i64 Limit            // entries that are looked through for a page; 0 is 1000
    4: optional string Reason        // for the audit log
    5: optional Meta meta
}

struct ExportUserResponse {
    1: required i32 Code
    2: required string Msg
    3: optional Account account      // of the first page
    4: optional bool Suspended       // the same
    5: optional list<Room> Rooms     // the same: with the user's role
    6: optional list<Message> Messages
    7: optional bool HasMore
    8: optional string Cursor        // of the next page
}

// Moves the position up to which a user has received a chat: forward, and never past the chat's end.
struct DeliverRequest {
    1: required string Chat
    2: required string Reader        // a user, or a device: "alice/phone". The position is the user's
    3: required i64 Position         // all messages before it were received
    4: optional Meta meta
}

struct DeliverResponse {
    1: required i32 Code
    2: required string Msg
    3: optional i64 Position         // the user's position now; 0 where none is kept
    4: optional i64 Cursor           // the reader's cursor
}

// Asks which users have received and read a message. Only its sender and services may ask.
struct ReceiptsRequest {
    1: required string Chat
    2: required i64 SendTime         // the message's
    3: optional Meta meta
}

struct ReceiptsResponse {
    1: required i32 Code             // CONFLICT: the room has more than 100 members
    2: required string Msg
    3: optional i32 Recipients       // how many users the message was sent to
    4: optional list<string> DeliveredTo  // those who have received it, sorted
    5: optional list<string> ReadBy       // those who have read it, sorted
}

// A text that a message has, or had before an edit.
struct MessageVersion {
    1: required i64 SendTime         // of the message, or of the edit's entry
    2: required string Sender        // the user who wrote it
    3: required string Text
}

// A page of the versions of a message. Only admins of its room and services may ask.
struct VersionsRequest {
    1: required string Chat
    2: required i64 SendTime         // the message's position
    3: optional i64 Cursor           // inclusive; 0 is the first version
    4: optional i32 Limit            // 0 asks for the server's default
    5: optional Meta meta
}

struct VersionsResponse {
    1: required i32 Code
    2: required string Msg
    3: optional list<MessageVersion> Versions  // oldest first; the last one is the present text
    4: optional bool HasMore
    5: optional i64 NextCursor
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
    PartitionStatesResponse PartitionStates(1: PartitionStatesRequest req)
    MovedResponse Moved(1: MovedRequest req)
    ClaimResponse Claim(1: ClaimRequest req)
    CursorsResponse Cursors(1: CursorsRequest req)
    CommitResponse Commit(1: CommitRequest req)
    ProjectionsResponse Projections(1: ProjectionsRequest req)
    ChangeProjectionResponse ChangeProjection(1: ChangeProjectionRequest req)
    DeadLettersResponse DeadLetters(1: DeadLettersRequest req)
    CountsResponse Counts(1: CountsRequest req)
    PutWordResponse PutWord(1: PutWordRequest req)
    DeleteWordResponse DeleteWord(1: DeleteWordRequest req)
    WordsResponse Words(1: WordsRequest req)
    RegisteredWordsResponse RegisteredWords(1: RegisteredWordsRequest req)
    WebhookResponse CreateWebhook(1: CreateWebhookRequest req)
    WebhooksResponse Webhooks(1: WebhooksRequest req)
    WebhookResponse ChangeWebhook(1: ChangeWebhookRequest req)
    RemoveWebhookResponse RemoveWebhook(1: RemoveWebhookRequest req)
    WebhookRegistryResponse WebhookRegistry(1: WebhookRegistryRequest req)
    DisableWebhookResponse DisableWebhook(1: DisableWebhookRequest req)
    SubscribeResponse Subscribe(1: SubscribeRequest req)
    UnsubscribeResponse Unsubscribe(1: UnsubscribeRequest req)
    SubscriptionsResponse Subscriptions(1: SubscriptionsRequest req)
    MuteResponse Mute(1: MuteRequest req)
    MutedResponse Muted(1: MutedRequest req)
    SubscribersResponse Subscribers(1: SubscribersRequest req)
    PushTargetsResponse PushTargets(1: PushTargetsRequest req)
    SendResponse ChangeMessage(1: ChangeMessageRequest req)
    PullResponse Thread(1: ThreadRequest req)
    VersionsResponse Versions(1: VersionsRequest req)
    SuspendResponse Suspend(1: SuspendRequest req)
    RestoreResponse Restore(1: RestoreRequest req)
    SuspensionsResponse Suspensions(1: SuspensionsRequest req)
    AuditResponse Audit(1: AuditRequest req)
    UserSessionsResponse UserSessions(1: UserSessionsRequest req)
    EndSessionsResponse EndSessions(1: EndSessionsRequest req)
    ResetPasswordResponse ResetPassword(1: ResetPasswordRequest req)
    RoomsResponse AllRooms(1: RoomsRequest req)
    AttachmentResponse CreateAttachment(1: CreateAttachmentRequest req)
    AttachmentResponse ConfirmAttachment(1: AttachmentRequest req)
    AttachmentResponse ReadAttachment(1: AttachmentRequest req)
    RestraintsResponse Restraints(1: RestraintsRequest req)
    ReportResponse Report(1: ReportRequest req)
    ReportResponse ResolveReport(1: ResolveReportRequest req)
    ReportsResponse Reports(1: ReportsRequest req)
    OnlineResponse Online(1: OnlineRequest req)
    ExportUserResponse ExportUser(1: ExportUserRequest req)
    DeliverResponse Deliver(1: DeliverRequest req)
    ReceiptsResponse Receipts(1: ReceiptsRequest req)
    AccountResponse ChangeAccount(1: ChangeAccountRequest req)
    // A bidirectional stream that a client keeps open: the client sends chats to watch, the server sends events. The server
    // answers each request with an empty response, and the client waits for it before the next request. Watch uses Kitex'
    // TTHeader streaming; any Thrift client can call the other methods.
    WatchResponse Watch(1: WatchRequest req) (streaming.mode="bidirectional")
}

// StoredMessage is the form of a message in a chat's log in Redis, in Thrift's binary protocol. It lacks Chat and SendTime,
// which are the key and the position. Sender and Kind are written first and Text last, so that a script finds the sender
// without reading the whole entry. Readers accept any order.
struct StoredMessage {
    1: required string Text
    2: required string Sender
    3: optional string Id
    4: optional Notice notice
    5: optional bool Erased    // Text is empty
    6: optional i8 Kind        // 1: a message, 2: a notice, 3: erased, 4: a change, 5: a deletion; entries of older servers lack it
    7: optional i64 ReplyTo    // this field and those below are as in Message
    8: optional list<string> Mentions
    9: optional string ContentType
    10: optional string Body
    11: optional string Metadata
    12: optional i64 Edited
    13: optional i64 Deleted
    14: optional list<Reaction> Reactions
    15: optional i32 Replies
    16: optional i64 LastReply
}
