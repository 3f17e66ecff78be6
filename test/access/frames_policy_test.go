package access

// framePolicy is who may send which frame over a WebSocket. Who has no good token has no WebSocket either.
const framePolicy = `
in   frame    no   old  fake alg0 other out  gone in   admin svc   request

same ping     401  exp  inv  inv  ok   ok   ok   ok   ok   ok

# The same user's next token, and another's.
same auth     401  exp  inv  inv  403  ok   ok   ok   ok   403   token={token}
same auth     401  exp  inv  inv  inv  inv  inv  inv  inv  inv   token=none

# A private room.
same watch    401  exp  inv  inv  ok*  403  403  ok*  ok*  ok*   chat={room}
own  watch    401  exp  inv  inv  403  403  403  ok*  ok*  ok*   chat={room} reader={me}
same unwatch  401  exp  inv  inv  ok   ok   ok   ok   ok   ok    chat={room}
same pull     401  exp  inv  inv  ok*  403  403  ok*  ok*  ok*   chat={room}
same pull     401  exp  inv  inv  403  403  403  ok*  ok*  ok*   chat={room} reader={me}
same send     401  exp  inv  inv  403  403  403  ok   ok   ok    chat={room} sender={me} text=hi
own  send     401  exp  inv  inv  ok   403  403  ok   ok   400   chat={room} text=hi
own  read     401  exp  inv  inv  403  403  403  ok   ok   ok    chat={room} reader={me} cursor=9007199254740990
own  delivered  401  exp  inv  inv  403  403  403  ok   ok   ok    chat={room} reader={me} cursor=9007199254740990
same signal   401  exp  inv  inv  403  403  403  ok   ok   ok    chat={room} sender={me} signal=typing

# A chat of two: the admin and the member.
same watch    401  exp  inv  inv  403  403  403  ok*  ok*  ok*   chat={pair}
same watch    401  exp  inv  inv  403  403  403  ok*  ok*  ok*   chat={turned}
own  watch    401  exp  inv  inv  403  403  403  ok*  ok*  ok*   chat={pair} reader={me}
same unwatch  401  exp  inv  inv  ok   ok   ok   ok   ok   ok    chat={pair}
same pull     401  exp  inv  inv  403  403  403  ok*  ok*  ok*   chat={pair}
same send     401  exp  inv  inv  403  403  403  ok   ok   ok    chat={pair} sender={me} text=hi
own  send     401  exp  inv  inv  403  403  403  ok   ok   400   chat={pair} text=hi
own  read     401  exp  inv  inv  403  403  403  ok   ok   ok    chat={pair} reader={me} cursor=9007199254740990
own  delivered  401  exp  inv  inv  403  403  403  ok   ok   ok    chat={pair} reader={me} cursor=9007199254740990
same signal   401  exp  inv  inv  403  403  403  ok   ok   ok    chat={pair} sender={me} signal=typing

# What is a user's own.
own  watch    401  exp  inv  inv  403  ok   ok   ok*  ok*  ok*   inbox=true cursor=0 reader={me}
own  watch    401  exp  inv  inv  ok*  ok   ok   ok*  ok*  400   inbox=true cursor=0
same unwatch  401  exp  inv  inv  ok   ok   ok   ok   ok   ok    inbox=true

# A room that was never created.
same watch    401  exp  inv  inv  404  404  404  404  404  404   chat=nowhere
same pull     401  exp  inv  inv  404  404  404  404  404  404   chat=nowhere
same send     401  exp  inv  inv  403  404  404  404  404  404   chat=nowhere sender={me} text=hi
same read     401  exp  inv  inv  403  404  404  404  404  404   chat=nowhere reader={me} cursor=1
same signal   401  exp  inv  inv  403  404  404  404  404  404   chat=nowhere sender={me} signal=typing
`
