// Package budgets limits the cost of a send and a pull in counts, not in time: commands that Redis runs, bytes sent to
// it, allocations in rpc-server and in http-server. A change that raises one of them fails here.
//
// A budget is today's number. If a change makes a request cheaper, lower the budget: the test logs which could be
// lower. If a change makes one dearer, first confine the cost to the users of the feature. Raise the rest here, and
// state in the commit the reason for the cost.
package budgets

// cost is the limit for one request on its way through rpc-server to Redis.
type cost struct {
	commands float64 // run by Redis: calls of scripts, and the commands in them
	calls    float64 // of scripts, for all requests of a batch
	bytes    float64 // sent to Redis
	allocs   float64 // in rpc-server, from the handler of the RPC to Redis and back
}

// budget is the limit for one shape of request.
type budget struct {
	shape shape
	alone cost    // a request alone
	batch cost    // one of batchSize concurrent requests
	http  float64 // allocations in http-server, with a service that answers at once
	whole float64 // allocations in both servers and the transport between them, of a request alone
}

// batchSize is how many requests one RPC carries under load.
const batchSize = 24

var table = []budget{
	{
		shape: plainSend, // ZADD activity, ZADD log, PUBLISH; alone also EVALSHA and TIME
		alone: cost{commands: 5, calls: 1, bytes: 246, allocs: 40},
		batch: cost{commands: 3.1, calls: 1, bytes: 127, allocs: 4.8},
		http:  14, whole: 85,
	},
	{
		shape: sendWithID, // one message in 16 removes expired ids
		alone: cost{commands: 8.4, calls: 1, bytes: 361, allocs: 44},
		batch: cost{commands: 6.4, calls: 1, bytes: 226, allocs: 9.8},
		http:  15, whole: 90,
	},
	{
		shape: privateSend,
		alone: cost{commands: 6, calls: 1, bytes: 348, allocs: 44},
		batch: cost{commands: 4.1, calls: 1, bytes: 214, allocs: 6.8},
		http:  18, whole: 113,
	},
	{
		shape: firstMessage, // of a two-person chat, which is added to both users' lists
		alone: cost{commands: 12, calls: 1, bytes: 487, allocs: 112},
		batch: cost{commands: 10.2, calls: 1, bytes: 349, allocs: 46},
		http:  14, whole: 160,
	},
	{
		shape: pullOf20,
		alone: cost{commands: 1, bytes: 101, allocs: 62},
		batch: cost{commands: 1, bytes: 101, allocs: 38},
		http:  5, whole: 103,
	},
	{
		shape: pullOfNothing, // of a chat without messages
		alone: cost{commands: 1, bytes: 102, allocs: 38},
		batch: cost{commands: 1, bytes: 102, allocs: 13.6},
		http:  5, whole: 77,
	},
}
