package access

var rpcColumns = []caller{keyless, wrongKey, anonymous, other, stranger, removed, member, admin, service}

// rpcPolicy says which caller may call which method of an rpc-server with AUTH=on and RPC_SECRET. The gateway names the
// caller, and the server trusts a gateway that has the secret. Calls without the secret are refused ("key").
const rpcPolicy = `
in   method        -key !key no   other out  gone in   admin svc   request

# What needs no identity: a gateway's own calls, and those whose callers prove by what they know who they are.
# (409: the user is there already; pwd: the password is wrong.)
same Ping           key  key  ok   ok   ok   ok   ok   ok   ok
same Ready          key  key  ok   ok   ok   ok   ok   ok   ok
same Watch          key  key  ok   ok   ok   ok   ok   ok   ok    {"Add":["{room}","{pair}"]}
same Register       key  key  409  409  409  409  409  409  409   {"User":"{me}","Password":"new-horse"}
same Login          key  key  pwd  pwd  pwd  pwd  pwd  pwd  pwd   {"User":"{me}","Password":"wrong-horse"}
same Refresh        key  key  ok   ok   ok   ok   ok   ok   ok    {"RefreshToken":"{refresh}"}
same Logout         key  key  ok   ok   ok   ok   ok   ok   ok    {"RefreshToken":"{refresh}"}
same Logout         key  key  ok   ok   ok   ok   ok   ok   ok    {"User":"{me}","Session":"{session}"}
same ChangePassword key  key  pwd  pwd  pwd  pwd  pwd  pwd  pwd   {"User":"{me}","Password":"wrong-horse","NewPassword":"new-horse"}
own  ChangeAccount  key  key  401  403  ok   ok   ok   ok   ok   {"User":"{me}","HideLastSeen":true}
acct DeleteAccount  key  key  401  403  ok   ok   ok   ok   ok   {"User":"{me}","Erase":true}

# Accounts.
same Account        key  key  401  ok   ok   ok   ok   ok   ok    {"User":"{me}"}
same Accounts       key  key  401  ok   ok   ok   ok   ok   ok    {}
same Known          key  key  401  ok   ok   ok   ok   ok   ok    {"Users":["{me}"]}

# Projections: for services only. (404: no worker has ever run it.)
same PartitionStates  key  key  401  403  403  403  403  403  ok  {}
same Moved            key  key  401  403  403  403  403  403  ok  {"Partitions":[{"Partition":0,"Since":0,"Limit":1}]}
same Claim            key  key  401  403  403  403  403  403  ok  {"Projection":"p","Worker":"w","Claims":[{"Partition":0}],"Leaving":true}
same Cursors          key  key  401  403  403  403  403  403  ok  {"Projection":"p","Chats":["room"]}
same Commit           key  key  401  403  403  403  403  403  ok  {"Projection":"p","Commits":[]}
same Projections      key  key  401  403  403  403  403  403  ok  {}
same ChangeProjection key  key  401  403  403  403  403  403  404 {"Name":"none","Kind":"pause"}
same DeadLetters      key  key  401  403  403  403  403  403  ok  {"Name":"p"}
same Counts           key  key  401  403  403  403  403  403  ok  {"Projection":"p","Groups":["all"]}

# Moderation: for services only.
acct Suspend         key  key  401  403  403  403  403  403  ok  {"User":"{me}","Reason":"spam"}
own  Restore         key  key  401  403  403  403  403  403  ok  {"User":"{me}"}
same UserSessions    key  key  401  403  403  403  403  403  ok  {"User":"{me}"}
own  EndSessions     key  key  401  403  403  403  403  403  ok  {"User":"{me}"}
own  EndSessions     key  key  401  403  403  403  403  403  ok  {"User":"{me}","Session":"{session}"}
own  ResetPassword   key  key  401  403  403  403  403  403  ok  {"User":"{me}","Password":"new-horse"}
same AllRooms        key  key  401  403  403  403  403  403  ok*  {"Limit":1000}
same Suspensions     key  key  401  403  403  403  403  403  ok  {}
same Audit           key  key  401  403  403  403  403  403  ok* {}
same Online          key  key  401  403  403  403  403  403  ok  {}
same Reports         key  key  401  403  403  403  403  403  ok  {}
same ResolveReport   key  key  401  403  403  403  403  403  404 {"Id":7,"State":"resolved"}
same ExportUser      key  key  401  403  403  403  403  403  ok* {"User":"{member}"}

# Words: for services, and those of a room for its admins. (404: the word is not registered.)
same RegisteredWords key  key  401  403  403  403  403  403  ok  {}
same Words           key  key  401  403  403  403  403  403  ok  {}
same Words           key  key  401  403  403  403  403  ok   ok  {"Chat":"{room}"}
own  PutWord         key  key  401  403  403  403  403  403  ok  {"Word":"zebra"}
own  PutWord         key  key  401  403  403  403  403  ok   ok  {"Word":"zebra","Chat":"{room}"}
same DeleteWord      key  key  401  403  403  403  403  403  404 {"Word":"none"}
same DeleteWord      key  key  401  403  403  403  403  404  404 {"Word":"none","Chat":"{room}"}

# What is a user's own.
same Inbox          key  key  401  403  ok   ok   ok*  ok*  ok*   {"Reader":"{me}"}
same Unread         key  key  401  403  ok   ok   ok*  ok*  ok*   {"Reader":"{me}"}
same Unread         key  key  401  403  ok   ok   ok*  ok*  ok*   {"Reader":"{me}/phone"}
same Chats          key  key  401  403  ok   ok   ok*  ok*  ok*   {"Reader":"{me}"}
same Ignored        key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}"}
own  Ignore         key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}","Other":"zed","Ignore":true}
own  Ignore         key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}","Other":"yak","Ignore":false}
own  Subscribe      key  key  401  403  ok   ok   ok   ok   ok    {"subscription":{"User":"{me}","Device":"pad","Kind":"plain","Endpoint":"https://push.example/1"}}
same Subscriptions  key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}"}
own  Unsubscribe    key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}","Device":"yak"}
own  Mute           key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}","Chat":"{room}","Mute":true}
own  Mute           key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}","Chat":"yak","Mute":false}
same Muted          key  key  401  403  ok   ok   ok   ok   ok    {"User":"{me}"}
same Subscribers    key  key  401  403  403  403  403  403  ok    {}
same PushTargets    key  key  401  403  403  403  403  403  ok    {"Chat":"{room}","Sender":"{admin}","Position":1}
same RoomsOf        key  key  401  403  ok   ok   ok*  ok*  ok*   {"As":"{me}"}
same PublicRooms    key  key  401  403  ok   ok   ok   ok   ok    {"As":"{me}"}
own  CreateRoom     key  key  401  403  ok   ok   ok   ok   ok    {"Id":"{new}","As":"{me}"}
same CreateRoom     key  key  401  403  409  409  409  409  409   {"Id":"{room}","As":"{me}"}

# A private room.
same Send           key  key  401  403  403  403  ok   ok   ok    {"message":{"Chat":"{room}","Sender":"{me}","Text":"hi"}}
own  Send           key  key  401  ok   403  403  ok   ok   400   {"message":{"Chat":"{room}","Text":"hi"}}
same SendBatch      key  key  401  403  403  403  ok   ok   ok    {"message":{"Chat":"{room}","Sender":"{me}","Text":"hi"}}
same Pull           key  key  401  ok*  403  403  ok*  ok*  ok*   {"Chat":"{room}"}
same Pull           key  key  401  403  403  403  ok*  ok*  ok*   {"Chat":"{room}","Reader":"{me}"}
same PullBatch      key  key  401  ok*  403  403  ok*  ok*  ok*   {"Chat":"{room}"}
same Signal         key  key  401  403  403  403  ok   ok   ok    {"signal":{"Chat":"{room}","Sender":"{me}","Type":"typing"}}
own  Read           key  key  401  403  403  403  ok   ok   ok    {"Chat":"{room}","Reader":"{me}","Cursor":9007199254740990}
own  Attend         key  key  401  403  403  403  ok   ok   ok    {"Gateway":"g","Attendances":[{"Chat":"{room}","Readers":["{me}"]}]}
own  Attend         key  key  401  403  403  403  403  403  ok    {"Gateway":"g","Attendances":[{"Chat":"{room}","Readers":["{admin}","{member}"]}]}
same Present        key  key  401  ok   403  403  ok   ok   ok    {"Chat":"{room}"}
same Readers        key  key  401  ok   403  403  ok   ok   ok    {"Chat":"{room}"}
same Enter          key  key  401  ok   403  403  ok   ok   ok    {"Chats":["{room}"]}
same Room           key  key  401  403  403  403  ok*  ok*  ok*   {"Room":"{room}","As":"{me}"}
same Room           key  key  401  ok*  403  403  ok*  ok*  ok*   {"Room":"{room}"}
own  ChangeRoom     key  key  401  403  403  403  ok*  ok*  ok*   {"Room":"{room}","Kind":"join","As":"{me}"}
own  ChangeRoom     key  key  401  403  ok   ok   ok*  ok*  ok*   {"Room":"{room}","Kind":"leave","As":"{me}"}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"add","Users":["zed"]}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"add","Users":["zed"],"As":"{admin}"}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"remove","Users":["{member}"]}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"promote","Users":["{member}"]}
own  ChangeRoom     key  key  401  403  403  403  403  409  409   {"Room":"{room}","Kind":"demote","Users":["{admin}"]}
own  ChangeRoom     key  key  401  403  403  403  403  ok   ok    {"Room":"{room}","Kind":"rename","Name":"other"}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"open"}
own  ChangeRoom     key  key  401  403  403  403  403  ok   ok    {"Room":"{room}","Kind":"update","Name":"other","Visibility":"public"}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"retain","Retention":3600000000}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"ban","Users":["{member}"],"Reason":"spam"}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"unban","Users":["{member}"]}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"mute","Users":["{member}"]}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"unmute","Users":["{member}"]}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"slow","SlowMode":1000000}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"announce"}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"discuss"}
own  ChangeRoom     key  key  401  403  403  403  403  404  404   {"Room":"{room}","Kind":"pin","Ref":7}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"unpin","Ref":7}
own  Report         key  key  401  403  403  403  ok   ok   ok    {"Chat":"{room}","User":"{member}","Reason":"rude","As":"{me}"}
same Restraints     key  key  401  403  403  403  403  ok   ok    {"Room":"{room}","Kind":"ban"}
same ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"close"}
own  ChangeRoom     key  key  401  403  403  403  403  ok*  ok*   {"Room":"{room}","Kind":"delete"}

# Changes of messages.
same ChangeMessage  key  key  401  403  403  403  403  403  403   {"Chat":"{room}","SendTime":{said},"Kind":"edit","Sender":"{me}","Text":"changed"}
own  ChangeMessage  key  key  401  ok   403  403  403  ok   ok    {"Chat":"{room}","SendTime":{said},"Kind":"delete"}
same ChangeMessage  key  key  401  403  403  403  ok   ok   ok    {"Chat":"{room}","SendTime":{said},"Kind":"react","Sender":"{me}","Emoji":"👍"}
same ChangeMessage  key  key  401  403  403  403  ok   ok   ok    {"Chat":"{room}","SendTime":{said},"Kind":"unreact","Sender":"{me}","Emoji":"👍"}
same Thread         key  key  401  ok   403  403  ok   ok   ok    {"Chat":"{room}","SendTime":{said}}
same Versions       key  key  401  403  403  403  403  ok*  ok*   {"Chat":"{room}","SendTime":{said}}
same Versions       key  key  401  403  403  403  403  403  ok*   {"Chat":"{pair}","SendTime":{pairs}}
same Receipts       key  key  401  ok   403  403  403  403  ok    {"Chat":"{room}","SendTime":{said}}
same Receipts       key  key  401  403  403  403  ok   403  ok    {"Chat":"{pair}","SendTime":{pairs}}
own  Deliver        key  key  401  403  403  403  ok   ok   ok    {"Chat":"{room}","Reader":"{me}","Position":9007199254740990}
own  Deliver        key  key  401  403  403  403  ok   ok   ok    {"Chat":"{pair}","Reader":"{me}","Position":9007199254740990}
same Thread         key  key  401  403  403  403  ok   ok   ok    {"Chat":"{pair}","SendTime":{pairs}}

# Files. {file} is one that the other member has sent in the room.
own  CreateAttachment  key key 401  403  403  403  ok   ok   ok    {"Chat":"{room}","Sender":"{me}","Name":"a.png","Bytes":1,"Type":"image/png"}
own  CreateAttachment  key key 401  403  403  403  ok   ok   ok    {"Chat":"{pair}","Sender":"{me}","Name":"a.png","Bytes":1,"Type":"image/png"}
same ReadAttachment    key key 401  ok   403  403  ok   ok   ok    {"Chat":"{room}","Id":"{file}"}
same ReadAttachment    key key 401  403  403  403  404  404  404   {"Chat":"{pair}","Id":"{file}"}
same ConfirmAttachment key key 401  ok   403  403  403  403  ok    {"Chat":"{room}","Id":"{file}"}

# A chat of two: the admin and the member.
same Send           key  key  401  403  403  403  ok   ok   ok    {"message":{"Chat":"{pair}","Sender":"{me}","Text":"hi"}}
own  Send           key  key  401  403  403  403  ok   ok   400   {"message":{"Chat":"{pair}","Text":"hi"}}
same SendBatch      key  key  401  403  403  403  ok   ok   ok    {"message":{"Chat":"{pair}","Sender":"{me}","Text":"hi"}}
same Pull           key  key  401  403  403  403  ok*  ok*  ok*   {"Chat":"{pair}"}
same Pull           key  key  401  403  403  403  ok*  ok*  ok*   {"Chat":"{turned}"}
same Pull           key  key  401  403  403  403  ok*  ok*  ok*   {"Chat":"{pair}","Reader":"{me}"}
same PullBatch      key  key  401  403  403  403  ok*  ok*  ok*   {"Chat":"{pair}"}
same Signal         key  key  401  403  403  403  ok   ok   ok    {"signal":{"Chat":"{pair}","Sender":"{me}","Type":"typing"}}
own  Read           key  key  401  403  403  403  ok   ok   ok    {"Chat":"{pair}","Reader":"{me}","Cursor":9007199254740990}
own  Attend         key  key  401  403  403  403  ok   ok   ok    {"Gateway":"g","Attendances":[{"Chat":"{pair}","Readers":["{me}"]}]}
same Present        key  key  401  403  403  403  ok   ok   ok    {"Chat":"{pair}"}
same Readers        key  key  401  403  403  403  ok   ok   ok    {"Chat":"{pair}"}
same Enter          key  key  401  403  403  403  ok   ok   ok    {"Chats":["{pair}"]}

# A room that was never created, and a user without an account.
same Send           key  key  401  403  404  404  404  404  404   {"message":{"Chat":"nowhere","Sender":"{me}","Text":"hi"}}
same SendBatch      key  key  401  403  404  404  404  404  404   {"message":{"Chat":"nowhere","Sender":"{me}","Text":"hi"}}
same Pull           key  key  401  404  404  404  404  404  404   {"Chat":"nowhere"}
same Signal         key  key  401  403  404  404  404  404  404   {"signal":{"Chat":"nowhere","Sender":"{me}","Type":"typing"}}
same Read           key  key  401  403  404  404  404  404  404   {"Chat":"nowhere","Reader":"{me}","Cursor":1}
same Present        key  key  401  404  404  404  404  404  404   {"Chat":"nowhere"}
same Readers        key  key  401  404  404  404  404  404  404   {"Chat":"nowhere"}
same Enter          key  key  401  404  404  404  404  404  404   {"Chats":["nowhere"]}
same CreateRoom     key  key  401  403  404  404  404  404  404   {"Id":"new-room","As":"{me}","Users":["unknown"]}
same ChangeRoom     key  key  401  403  403  403  403  404  404   {"Room":"{room}","Kind":"add","Users":["unknown"]}

# Webhooks: a service's for any chats, and an admin's for the admin's rooms. {hook} is the admin's. The registry is for workers.
own  CreateWebhook   key  key  401  403  403  403  403  ok   ok    {"Url":"https://example.org","Chats":["{room}"]}
own  CreateWebhook   key  key  401  403  403  403  403  403  ok    {"Url":"https://example.org","Chats":["{pair}"]}
own  CreateWebhook   key  key  401  403  403  403  403  403  ok    {"Url":"https://example.org"}
same Webhooks        key  key  401  404  404  404  404  ok*  ok*   {"Id":"{hook}"}
own  ChangeWebhook   key  key  401  404  404  404  404  ok*  ok*   {"Id":"{hook}","Enabled":false}
own  RemoveWebhook   key  key  401  404  404  404  404  ok   ok    {"Id":"{hook}"}
own  RemoveWebhook   key  key  401  403  403  403  403  403  ok    {"Id":"{hook}","Forget":true}
same WebhookRegistry key  key  401  403  403  403  403  403  ok*   {"Version":"{hook}"}
own  DisableWebhook  key  key  401  403  403  403  403  403  ok    {"Id":"{hook}","Changed":1,"Reason":"x"}
`
