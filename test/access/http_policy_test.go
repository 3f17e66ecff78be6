package access

var httpColumns = []caller{anonymous, expired, forged, unsigned, other, stranger, removed, member, admin, service}

// httpPolicy is who may make which request; row says how to read it, and caller who they are.
const httpPolicy = `
in   route                                no   old  fake alg0 other out  gone in   admin svc   request

# What needs no token. (409: the user is there already; pwd: the password is wrong.)
same GET    /ping                         200  200  200  200  200  200  200  200  200  200
same GET    /readyz                       200  200  200  200  200  200  200  200  200  200
same GET    /openapi.yaml                 200  200  200  200  200  200  200  200  200  200
same GET    /                             200  200  200  200  200  200  200  200  200  200
same GET    /docs                         200  200  200  200  200  200  200  200  200  200
same GET    /admin                        200  200  200  200  200  200  200  200  200  200
same GET    /app/:file                    200  200  200  200  200  200  200  200  200  200   :file=icon.svg
same POST   /api/users                    409  409  409  409  409  409  409  409  409  409   user={me} password=new-horse
same POST   /api/login                    pwd  pwd  pwd  pwd  pwd  pwd  pwd  pwd  pwd  pwd   user={me} password=wrong-horse
same POST   /api/refresh                  200  200  200  200  200  200  200  200  200  200   refresh_token={refresh}

# Accounts: who there is may be known to all who have one. A refresh token is as good as its user.
same GET    /api/users                    401  exp  inv  inv  200  200  200  200  200  200
same GET    /api/users/:user              401  exp  inv  inv  200  200  200  200  200  200   :user={me}
own  PATCH  /api/users/me                 401  exp  inv  inv  403  200  200  200  200  200   user={me} hide_last_seen=true
acct DELETE /api/users/me                 401  exp  inv  inv  403  200  200  200  200  200   user={me} erase=true
same DELETE /api/users/me                 401  exp  inv  inv  403  403  403  403  403  200   user=someone-else
same POST   /api/contacts/sync            401  exp  inv  inv  200  200  200  200  200  200   users=[{me}]
same POST   /api/logout                   401  exp  inv  inv  200  200  200  200  200  400
same POST   /api/logout                   401  exp  inv  inv  200  200  200  200  200  200   refresh_token={refresh}
same POST   /api/password                 401  exp  inv  inv  403  pwd  pwd  pwd  pwd  pwd   user={me} password=wrong-horse new_password=new-horse
same POST   /api/password                 401  exp  inv  inv  pwd  pwd  pwd  pwd  pwd  400   password=wrong-horse new_password=new-horse

# Projections: for services only. (404: no worker has ever run it.)
same GET    /api/projections              401  exp  inv  inv  403  403  403  403  403  200
same GET    /api/projections/:name        401  exp  inv  inv  403  403  403  403  403  404   :name=none
same POST   /api/projections/:name        401  exp  inv  inv  403  403  403  403  403  404   :name=none action=pause
same GET    /api/projections/:name/dead   401  exp  inv  inv  403  403  403  403  403  200   :name=none

# Moderation: for services only. (404: metrics are off.)
acct PUT    /api/admin/users/:user/suspension  401  exp  inv  inv  403  403  403  403  403  200   :user={me} reason=spam
own  DELETE /api/admin/users/:user/suspension  401  exp  inv  inv  403  403  403  403  403  200   :user={me}
same GET    /api/admin/users/:user/sessions  401  exp  inv  inv  403  403  403  403  403  200   :user={me}
own  DELETE /api/admin/users/:user/sessions  401  exp  inv  inv  403  403  403  403  403  200   :user={me}
own  DELETE /api/admin/users/:user/sessions/:session  401  exp  inv  inv  403  403  403  403  403  200   :user={me} :session={session}
own  PUT    /api/admin/users/:user/password  401  exp  inv  inv  403  403  403  403  403  200   :user={me} password=new-horse
same GET    /api/admin/rooms              401  exp  inv  inv  403  403  403  403  403  200*  limit=1000
same GET    /api/admin/metrics            401  exp  inv  inv  403  403  403  403  403  404
same GET    /api/admin/suspensions        401  exp  inv  inv  403  403  403  403  403  200
same GET    /api/audit                    401  exp  inv  inv  403  403  403  403  403  200*
same GET    /api/online                   401  exp  inv  inv  403  403  403  403  403  200
same GET    /api/reports                  401  exp  inv  inv  403  403  403  403  403  200
same PATCH  /api/reports/:report          401  exp  inv  inv  403  403  403  403  403  404   :report=7 state=resolved
same GET    /api/users/:user/export       401  exp  inv  inv  403  403  403  403  403  200*  :user={member}

# Words: for services, and those of a room for its admins. (404: the word is not registered.)
same GET    /api/words                    401  exp  inv  inv  403  403  403  403  403  200
same GET    /api/words                    401  exp  inv  inv  403  403  403  403  200  200   chat={room}
same GET    /api/words                    401  exp  inv  inv  403  403  403  403  403  200   chat={pair}
own  PUT    /api/words/:word              401  exp  inv  inv  403  403  403  403  403  200   :word=zebra
own  PUT    /api/words/:word              401  exp  inv  inv  403  403  403  403  200  200   :word=zebra ?chat={room}
own  PUT    /api/words/:word              401  exp  inv  inv  403  403  403  403  403  200   :word=zebra ?chat={pair}
same DELETE /api/words/:word              401  exp  inv  inv  403  403  403  403  403  404   :word=none
same DELETE /api/words/:word              401  exp  inv  inv  403  403  403  403  404  404   :word=none ?chat={room}
# Responses to devices: for services only. (404: the device has never asked.)
same POST   /api/devices/:device/responses  401  exp  inv  inv  403  403  403  403  403  404   :device=none uid=q1
own  POST   /api/devices/:device/responses  401  exp  inv  inv  403  403  403  403  403  200   :device={device} uid=q7

# What is a user's own.
same GET    /api/inbox                    401  exp  inv  inv  403  200  200  200* 200* 200*  reader={me}
same GET    /api/inbox                    401  exp  inv  inv  200* 200  200  200* 200* 400
same GET    /api/unread                   401  exp  inv  inv  403  200  200  200* 200* 200*  reader={me}
same GET    /api/unread                   401  exp  inv  inv  403  200  200  200* 200* 200*  reader={me}/phone
same GET    /api/ignored                  401  exp  inv  inv  403  200  200  200  200  200   as={me}
same GET    /api/ignored                  401  exp  inv  inv  403  200  200  200  200  200   reader={me}
own  PUT    /api/ignored/:user            401  exp  inv  inv  403  200  200  200  200  200   :user=zed as={me}
own  DELETE /api/ignored/:user            401  exp  inv  inv  403  200  200  200  200  200   :user=yak as={me}
own  PUT    /api/push/subscriptions       401  exp  inv  inv  403  200  200  200  200  200   ?as={me} device=pad endpoint=https://push.example/1
same GET    /api/push/subscriptions       401  exp  inv  inv  403  200  200  200  200  200   as={me}
own  DELETE /api/push/subscriptions       401  exp  inv  inv  403  200  200  200  200  200   as={me} device=yak
own  PUT    /api/muted/:chat              401  exp  inv  inv  403  200  200  200  200  200   :chat={room} ?as={me}
same GET    /api/muted                    401  exp  inv  inv  403  200  200  200  200  200   as={me}
own  DELETE /api/muted/:chat              401  exp  inv  inv  403  200  200  200  200  200   :chat=yak as={me}
same GET    /api/rooms                    401  exp  inv  inv  403  200  200  200* 200* 200*  as={me}
same GET    /api/rooms/public             401  exp  inv  inv  403  200  200  200  200  200   as={me}
own  POST   /api/rooms                    401  exp  inv  inv  403  201  201  201  201  201   ?as={me} id={new}
same POST   /api/rooms                    401  exp  inv  inv  403  409  409  409  409  409   ?as={me} id={room}

# A private room. A service that names no user may do everything. One that names a user may do what that user may.
same POST   /api/send                     401  exp  inv  inv  403  403  403  200  200  200   chat={room} sender={me} text=hi
same POST   /send/:chat/:user             401  exp  inv  inv  403  403  403  200  200  200   :chat={room} :user={me} text=hi
own  GET    /receive/:chat/:user          401  exp  inv  inv  403  403  403  200* 200* 200*  :chat={room} :user={me}
own  GET    /receive/:chat/:user          401  exp  inv  inv  403  403  403  200* 200* 200*  :chat={room} :user={me} follow=true
own  POST   /api/send                     401  exp  inv  inv  200  403  403  200  200  400   chat={room} text=hi
same GET    /api/pull                     401  exp  inv  inv  200* 403  403  200* 200* 200*  chat={room}
same GET    /api/pull                     401  exp  inv  inv  403  403  403  200* 200* 200*  chat={room} reader={me}
same GET    /api/pull                     401  exp  inv  inv  200* 403  403  200* 200* 200*  chat={room} wait=25s
own  GET    /api/pull                     401  exp  inv  inv  403  403  403  200* 200* 200*  chat={room} wait=25s reader={me}
same GET    /api/pull                     401  exp  inv  inv  200* 403  403  200* 200* 200*  chat={room} reverse=true
same POST   /api/pull                     401  exp  inv  inv  200* 403  403  200* 200* 200*  chat={room}
same POST   /api/pull                     401  exp  inv  inv  200* 403  403  200* 200* 200*  chat={room} wait=25s
same GET    /api/stream                   401  exp  inv  inv  200* 403  403  200* 200* 200*  chat={room}
own  GET    /api/stream                   401  exp  inv  inv  403  403  403  200* 200* 200*  chat={room} reader={me}
own  GET    /api/stream                   401  exp  inv  inv  403  200  200  200* 200* 200*  inbox=true cursor=0 reader={me}
same GET    /api/ws                       401  exp  inv  inv  101  101  101  101  101  101
same POST   /api/signal                   401  exp  inv  inv  403  403  403  200  200  200   chat={room} sender={me} type=typing
own  POST   /api/read                     401  exp  inv  inv  403  403  403  200  200  200   chat={room} reader={me} cursor=9007199254740990
own  POST   /api/read                     401  exp  inv  inv  200  403  403  200  200  400   chat={room} cursor=9007199254740990
own  POST   /api/read                     401  exp  inv  inv  403  403  403  200  200  200   chat={room} reader={me}/phone delivered=9007199254740990
same GET    /api/pull                     401  exp  inv  inv  200* 403  403  200* 200* 400   chat={room} unread=true
same GET    /api/presence                 401  exp  inv  inv  200  403  403  200  200  200   chat={room}
same GET    /api/readers                  401  exp  inv  inv  200  403  403  200  200  200   chat={room}
same GET    /api/rooms/:room              401  exp  inv  inv  403  403  403  200* 200* 200*  :room={room} as={me}
same GET    /api/rooms/:room              401  exp  inv  inv  200* 403  403  200* 200* 200*  :room={room}
own  POST   /api/rooms/:room/join         401  exp  inv  inv  403  403  403  200* 200* 200*  :room={room} ?as={me}
own  POST   /api/rooms/:room/leave        401  exp  inv  inv  403  200  200  200* 200* 200*  :room={room} ?as={me}
own  PATCH  /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} visibility=public
own  PATCH  /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200  200   :room={room} visibility=public name=other
own  PATCH  /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200  200   :room={room} ?as={admin} name=other
own  PATCH  /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200  403   :room={room} ?as={me} name=other
own  PATCH  /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} retention=720h
own  DELETE /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200  200   :room={room}
own  POST   /api/rooms/:room/members      401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} users=[zed]
own  POST   /api/rooms/:room/members      401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} ?as={admin} users=[zed]
own  PATCH  /api/rooms/:room/members/:user  401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} :user={member} role=admin
own  POST   /api/reports                  401  exp  inv  inv  403  403  403  201  201  201   chat={room} ?as={me} user={member} reason=rude
own  DELETE /api/rooms/:room/members/:user  401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} :user={member}
own  PATCH  /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} slow_mode=30s
own  PATCH  /api/rooms/:room              401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} announce=true
same GET    /api/rooms/:room/bans         401  exp  inv  inv  403  403  403  403  200  200   :room={room}
own  PUT    /api/rooms/:room/bans/:user   401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} :user={member} ?as={admin} reason=spam
own  DELETE /api/rooms/:room/bans/:user   401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} :user={member}
same GET    /api/rooms/:room/mutes        401  exp  inv  inv  403  403  403  403  200  200   :room={room}
own  PUT    /api/rooms/:room/mutes/:user  401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} :user={member} ?as={admin} reason=spam
own  DELETE /api/rooms/:room/mutes/:user  401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} :user={member}
own  PUT    /api/rooms/:room/pins/:send_time  401  exp  inv  inv  403  403  403  403  404  404   :room={room} :send_time=7
own  DELETE /api/rooms/:room/pins/:send_time  401  exp  inv  inv  403  403  403  403  200* 200*  :room={room} :send_time=7

# A chat of two: the admin and the member. Everybody else is outside.
same POST   /api/send                     401  exp  inv  inv  403  403  403  200  200  200   chat={pair} sender={me} text=hi
own  POST   /api/send                     401  exp  inv  inv  403  403  403  200  200  400   chat={pair} text=hi
same GET    /api/pull                     401  exp  inv  inv  403  403  403  200* 200* 200*  chat={pair}
same GET    /api/pull                     401  exp  inv  inv  403  403  403  200* 200* 200*  chat={turned}
same GET    /api/pull                     401  exp  inv  inv  403  403  403  200* 200* 200*  chat={pair} reader={me}
same GET    /api/pull                     401  exp  inv  inv  403  403  403  200* 200* 200*  chat={pair} wait=25s
same POST   /api/pull                     401  exp  inv  inv  403  403  403  200* 200* 200*  chat={pair} wait=25s
same GET    /api/stream                   401  exp  inv  inv  403  403  403  200* 200* 200*  chat={pair}
# A reader who is none of the two is found to be wrong (400) before it is asked who may be there.
own  GET    /api/stream                   401  exp  inv  inv  403  400  400  200* 200* 200*  chat={pair} reader={me}
same POST   /api/signal                   401  exp  inv  inv  403  403  403  200  200  200   chat={pair} sender={me} type=typing
own  POST   /api/read                     401  exp  inv  inv  403  403  403  200  200  200   chat={pair} reader={me} cursor=9007199254740990
own  POST   /api/read                     401  exp  inv  inv  403  403  403  200  200  200   chat={pair} reader={me} delivered=9007199254740990
same GET    /api/presence                 401  exp  inv  inv  403  403  403  200  200  200   chat={pair}
same GET    /api/readers                  401  exp  inv  inv  403  403  403  200  200  200   chat={pair}

# Changes of messages. {said} is the other member's message in the room, {pairs} the member's in the chat of two.
same PATCH  /api/messages                 401  exp  inv  inv  403  403  403  403  403  403   chat={room} send_time={said} sender={me} text=changed
own  PATCH  /api/messages                 401  exp  inv  inv  200  403  403  403  403  400   chat={room} send_time={said} text=changed
own  DELETE /api/messages                 401  exp  inv  inv  200  403  403  403  200  200   chat={room} send_time={said}
own  DELETE /api/messages                 401  exp  inv  inv  403  403  403  200  403  200   chat={pair} send_time={pairs} sender={me}
same PATCH  /api/messages                 401  exp  inv  inv  403  404  404  404  404  404   chat=nowhere send_time=1 sender={me} text=changed
same PUT    /api/reactions                401  exp  inv  inv  403  403  403  200  200  200   chat={room} send_time={said} sender={me} emoji=👍
same PUT    /api/reactions                401  exp  inv  inv  200  403  403  200  200  400   chat={room} send_time={said} emoji=👎
same DELETE /api/reactions                401  exp  inv  inv  403  403  403  200  200  200   chat={room} send_time={said} sender={me} emoji=👍
same PUT    /api/reactions                401  exp  inv  inv  403  403  403  200  200  200   chat={pair} send_time={pairs} sender={me} emoji=👍
same DELETE /api/reactions                401  exp  inv  inv  403  403  403  200  200  200   chat={pair} send_time={pairs} sender={me} emoji=👍
same GET    /api/thread                   401  exp  inv  inv  200  403  403  200  200  200   chat={room} send_time={said}
# The history of edits is for admins and services: neither the sender nor the users of a two-person chat may read it.
same GET    /api/messages/history         401  exp  inv  inv  403  403  403  403  200* 200*  chat={room} send_time={said}
same GET    /api/messages/history         401  exp  inv  inv  403  403  403  403  403  200*  chat={pair} send_time={pairs}
# Receipts are the sender's alone: the admin is not told either.
same GET    /api/receipts                 401  exp  inv  inv  200  403  403  403  403  200   chat={room} send_time={said}
same GET    /api/receipts                 401  exp  inv  inv  403  403  403  200  403  200   chat={pair} send_time={pairs}
same GET    /api/thread                   401  exp  inv  inv  403  403  403  200  200  200   chat={pair} send_time={pairs}

# Files. {file} is one that the other member has sent in the room. (404: there is no such file.)
own  POST   /api/attachments              401  exp  inv  inv  403  403  403  201  201  201   chat={room} sender={me} name=a.png bytes=1 type=image/png
own  POST   /api/attachments              401  exp  inv  inv  403  403  403  201  201  201   chat={pair} sender={me} name=a.png bytes=1 type=image/png
same GET    /api/attachments/:attachment  401  exp  inv  inv  200  403  403  200  200  200   :attachment={file} chat={room}
same GET    /api/attachments/:attachment  401  exp  inv  inv  403  403  403  404  404  404   :attachment={file} chat={pair}
same POST   /api/attachments/:attachment  401  exp  inv  inv  200  403  403  403  403  200   :attachment={file} chat={room}
same POST   /api/attachments/:attachment  401  exp  inv  inv  403  403  403  404  404  404   :attachment={file} chat={pair}

# A room that was never created is none, for services too.
same POST   /api/send                     401  exp  inv  inv  403  404  404  404  404  404   chat=nowhere sender={me} text=hi
same GET    /api/pull                     401  exp  inv  inv  404  404  404  404  404  404   chat=nowhere
same GET    /api/pull                     401  exp  inv  inv  404  404  404  404  404  404   chat=nowhere wait=25s
same GET    /api/stream                   401  exp  inv  inv  404  404  404  404  404  404   chat=nowhere
same POST   /api/signal                   401  exp  inv  inv  403  404  404  404  404  404   chat=nowhere sender={me} type=typing
same POST   /api/read                     401  exp  inv  inv  403  404  404  404  404  404   chat=nowhere reader={me} cursor=1
same GET    /api/presence                 401  exp  inv  inv  404  404  404  404  404  404   chat=nowhere
same GET    /api/readers                  401  exp  inv  inv  404  404  404  404  404  404   chat=nowhere
same GET    /api/rooms/:room              401  exp  inv  inv  404  404  404  404  404  404   :room=nowhere

# Webhooks: a service's for any chats, and an admin's for the admin's rooms. {hook} is the admin's.
own  POST   /api/webhooks                 401  exp  inv  inv  403  403  403  403  201  201   url=https://example.org chats=[{room}]
own  POST   /api/webhooks                 401  exp  inv  inv  403  403  403  403  403  201   url=https://example.org chats=[{pair}]
own  POST   /api/webhooks                 401  exp  inv  inv  403  403  403  403  403  201   url=https://example.org
same GET    /api/webhooks                 401  exp  inv  inv  200  200  200  200  200* 200*  of={hook}
same GET    /api/webhooks/:webhook        401  exp  inv  inv  404  404  404  404  200* 200*  :webhook={hook}
own  PATCH  /api/webhooks/:webhook        401  exp  inv  inv  404  404  404  404  200* 200*  :webhook={hook} enabled=false
own  PATCH  /api/webhooks/:webhook        401  exp  inv  inv  404  404  404  404  200* 200*  :webhook={hook} rotate=true
own  PATCH  /api/webhooks/:webhook        401  exp  inv  inv  404  404  404  404  403  403   :webhook={hook} chats=[{room},{pair}]
own  DELETE /api/webhooks/:webhook        401  exp  inv  inv  404  404  404  404  200  200   :webhook={hook}

# A user without an account becomes no member.
same POST   /api/rooms                    401  exp  inv  inv  403  404  404  404  404  404   ?as={me} id=new-room users=[unknown]
same POST   /api/rooms/:room/members      401  exp  inv  inv  403  403  403  403  404  404   :room={room} users=[unknown]
`
