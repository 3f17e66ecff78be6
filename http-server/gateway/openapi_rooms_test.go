package gateway

// answersOfReaders are those of inboxes and of ignored users.
func answersOfReaders() map[string]answered {
	return map[string]answered{
		"readers":                 {call{method: "GET", target: "/api/readers?chat=a:b"}, 200},
		"readers of nothing":      {call{method: "GET", target: "/api/readers?Chat=empty"}, 200},
		"readers with HEAD":       {call{method: "HEAD", target: "/api/readers?chat=a"}, 200},
		"readers with POST":       {call{method: "POST", target: "/api/readers"}, 405},
		"receipts":                {call{method: "GET", target: "/api/receipts?chat=a:b&send_time=1"}, 200},
		"receipts of no time":     {call{method: "GET", target: "/api/receipts?chat=a:b&send_time=now"}, 400},
		"history":                 {call{method: "GET", target: "/api/messages/history?chat=a&send_time=1&cursor=1&limit=2"}, 200},
		"history of no time":      {call{method: "GET", target: "/api/messages/history?chat=a&send_time=now"}, 400},
		"receipts with POST":      {call{method: "POST", target: "/api/receipts"}, 405},
		"delivered":               {call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a","delivered":1}`}, 200},
		"delivered and read":      {call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a","cursor":"end","delivered":1}`}, 200},
		"delivered at the end":    {call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a","delivered":"end"}`}, 400},
		"inbox":                   {call{method: "GET", target: "/api/inbox?reader=a/phone&limit=2"}, 200},
		"inbox, nothing":          {call{method: "GET", target: "/api/inbox?reader=a&cursor=1"}, 200},
		"inbox, wrong cursor":     {call{method: "GET", target: "/api/inbox?reader=a&cursor=now"}, 400},
		"inbox, wrong limit":      {call{method: "GET", target: "/api/inbox?reader=a&limit=all"}, 400},
		"inbox with HEAD":         {call{method: "HEAD", target: "/api/inbox?reader=a"}, 200},
		"inbox with DELETE":       {call{method: "DELETE", target: "/api/inbox"}, 405},
		"unread":                  {call{method: "GET", target: "/api/unread?reader=a"}, 200},
		"unread with PUT":         {call{method: "PUT", target: "/api/unread"}, 405},
		"ignored":                 {call{method: "GET", target: "/api/ignored?as=a"}, 200},
		"ignored, nobody":         {call{method: "GET", target: "/api/ignored?as=empty"}, 200},
		"ignored with PUT":        {call{method: "PUT", target: "/api/ignored"}, 405},
		"ignore":                  {call{method: "PUT", target: "/api/ignored/b?as=a"}, 200},
		"ignore, as a reader":     {call{method: "PUT", target: "/api/ignored/b?reader=a"}, 200},
		"ignore no longer":        {call{method: "DELETE", target: "/api/ignored/b?as=a"}, 200},
		"ignore with GET":         {call{method: "GET", target: "/api/ignored/b?as=a"}, 405},
		"ignore with POST":        {call{method: "POST", target: "/api/ignored/b"}, 405},
		"a path below an ignored": {call{method: "PUT", target: "/api/ignored/b/c"}, 404},
	}
}

// answersOfPushes are those of push subscriptions and muted chats.
func answersOfPushes(large string) map[string]answered {
	return map[string]answered{
		"subscribe":              {call{method: "PUT", target: "/api/push/subscriptions?as=a", body: `{"device":"pad","endpoint":"https://b/c"}`}, 200},
		"subscribe, no body":     {call{method: "PUT", target: "/api/push/subscriptions?as=a"}, 400},
		"subscribe, other names": {call{method: "PUT", target: "/api/push/subscriptions?as=a", body: `{"device":"pad","keys":{}}`}, 400},
		"subscribe, too large":   {call{method: "PUT", target: "/api/push/subscriptions?as=a", body: large}, 413},
		"subscriptions":          {call{method: "GET", target: "/api/push/subscriptions?as=a"}, 200},
		"subscriptions, none":    {call{method: "GET", target: "/api/push/subscriptions?as=empty"}, 200},
		"unsubscribe":            {call{method: "DELETE", target: "/api/push/subscriptions?as=a&device=pad"}, 200},
		"push with POST":         {call{method: "POST", target: "/api/push/subscriptions"}, 405},
		"muted":                  {call{method: "GET", target: "/api/muted?as=a"}, 200},
		"muted, none":            {call{method: "GET", target: "/api/muted?as=empty"}, 200},
		"mute":                   {call{method: "PUT", target: "/api/muted/a:b?as=a"}, 200},
		"mute until":             {call{method: "PUT", target: "/api/muted/b?as=a", body: `{"until":5}`}, 200},
		"mute until never":       {call{method: "PUT", target: "/api/muted/b?as=a", body: `{"until":"never"}`}, 400},
		"unmute":                 {call{method: "DELETE", target: "/api/muted/b?as=a"}, 200},
		"mute with POST":         {call{method: "POST", target: "/api/muted/b"}, 405},
	}
}

// answersOfRooms are those of rooms and their members. large is a body that is too large.
func answersOfRooms(large string) map[string]answered {
	answers := map[string]answered{
		"create":                 {call{method: "POST", target: "/api/rooms?as=a", body: `{"id":"room","name":"A room","visibility":"public","users":["b"]}`}, 201},
		"create anything":        {call{method: "POST", target: "/api/rooms?as=a", body: `{}`}, 201},
		"my rooms":               {call{method: "GET", target: "/api/rooms?as=a&cursor=b&limit=5"}, 200},
		"my rooms, wrong limit":  {call{method: "GET", target: "/api/rooms?as=a&limit=-"}, 400},
		"my rooms with HEAD":     {call{method: "HEAD", target: "/api/rooms?as=a"}, 200},
		"my rooms with PUT":      {call{method: "PUT", target: "/api/rooms"}, 405},
		"ban":                    {call{method: "PUT", target: "/api/rooms/room/bans/b?as=a", body: `{"until":9,"reason":"spam"}`}, 200},
		"ban, no body":           {call{method: "PUT", target: "/api/rooms/room/bans/b?as=a"}, 400},
		"unban":                  {call{method: "DELETE", target: "/api/rooms/room/bans/b?as=a&reason=sorry"}, 200},
		"bans":                   {call{method: "GET", target: "/api/rooms/room/bans?as=a&cursor=b&limit=5"}, 200},
		"bans, wrong limit":      {call{method: "GET", target: "/api/rooms/room/bans?as=a&limit=x"}, 400},
		"mute a member":          {call{method: "PUT", target: "/api/rooms/room/mutes/b?as=a", body: `{}`}, 200},
		"unmute a member":        {call{method: "DELETE", target: "/api/rooms/room/mutes/b?as=a"}, 200},
		"mutes":                  {call{method: "GET", target: "/api/rooms/room/mutes?as=a"}, 200},
		"pin":                    {call{method: "PUT", target: "/api/rooms/room/pins/7?as=a"}, 200},
		"pin what":               {call{method: "PUT", target: "/api/rooms/room/pins/x?as=a"}, 400},
		"unpin":                  {call{method: "DELETE", target: "/api/rooms/room/pins/7?as=a"}, 200},
		"slow mode":              {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"slow_mode":"30s"}`}, 200},
		"slow mode, what":        {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"slow_mode":"slow"}`}, 400},
		"announce":               {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"announce":true}`}, 200},
		"announce and a name":    {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"announce":true,"name":"b"}`}, 400},
		"public rooms":           {call{method: "GET", target: "/api/rooms/public?cursor=b"}, 200},
		"public rooms, limit":    {call{method: "GET", target: "/api/rooms/public?limit=x"}, 400},
		"a room":                 {call{method: "GET", target: "/api/rooms/room?as=a"}, 200},
		"a room with POST":       {call{method: "POST", target: "/api/rooms/room"}, 405},
		"rename":                 {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"name":""}`}, 200},
		"open":                   {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"visibility":"public","name":"b"}`}, 200},
		"change nothing":         {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{}`}, 400},
		"another visibility":     {call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"visibility":"x"}`}, 400},
		"delete":                 {call{method: "DELETE", target: "/api/rooms/room?as=a"}, 200},
		"join":                   {call{method: "POST", target: "/api/rooms/room/join?as=a"}, 200},
		"join with GET":          {call{method: "GET", target: "/api/rooms/room/join"}, 405},
		"leave":                  {call{method: "POST", target: "/api/rooms/room/leave?as=a"}, 200},
		"leave with DELETE":      {call{method: "DELETE", target: "/api/rooms/room/leave"}, 405},
		"add":                    {call{method: "POST", target: "/api/rooms/room/members?as=a", body: `{"users":["b","c"]}`}, 200},
		"members with GET":       {call{method: "GET", target: "/api/rooms/room/members"}, 405},
		"promote":                {call{method: "PATCH", target: "/api/rooms/room/members/b?as=a", body: `{"role":"admin"}`}, 200},
		"demote":                 {call{method: "PATCH", target: "/api/rooms/room/members/b?as=a", body: `{"Role":"member"}`}, 200},
		"another role":           {call{method: "PATCH", target: "/api/rooms/room/members/b?as=a", body: `{"role":"owner"}`}, 400},
		"remove":                 {call{method: "DELETE", target: "/api/rooms/room/members/b?as=a"}, 200},
		"a member with GET":      {call{method: "GET", target: "/api/rooms/room/members/b"}, 405},
		"another path of a room": {call{method: "GET", target: "/api/rooms/room/messages"}, 404},
		"a path below a member":  {call{method: "GET", target: "/api/rooms/room/members/b/c"}, 404},
	}
	addBadBodies(answers, "POST", "/api/rooms", `{}`, large)
	addBadBodies(answers, "PATCH", "/api/rooms/room", `{"name":"b"}`, large)
	addBadBodies(answers, "POST", "/api/rooms/room/members", `{"users":["b"]}`, large)
	addBadBodies(answers, "PATCH", "/api/rooms/room/members/b", `{"role":"admin"}`, large)
	return answers
}
