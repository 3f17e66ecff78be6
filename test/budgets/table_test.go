// Package budgets holds what a send and a pull may cost, counted and not timed: commands that Redis runs, bytes that are
// sent to it, allocations in rpc-server and in http-server. A change that makes one of them dearer fails here.
//
// A budget is today's number. Where a change makes a request cheaper, lower it: the test logs what could be lower. Where a
// change makes one dearer, first let only those pay who use the feature. What is left is raised here, and the commit says
// what it buys.
package budgets

// cost is what one request may cost on its way through rpc-server to Redis.
type cost struct {
	commands float64 // that Redis runs, also those that scripts call, and the calls of scripts
	calls    float64 // of scripts, for all requests that come together
	bytes    float64 // sent to Redis
	allocs   float64 // in rpc-server, from the handler of the RPC to Redis and back
}

// budget is what one shape of request may cost.
type budget struct {
	shape shape
	alone cost    // a request alone
	batch cost    // one of batchSize that come together
	http  float64 // allocations in http-server, with a service behind it that answers at once
	whole float64 // allocations in both servers, and on the way between them, of a request alone
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
		shape: sendWithID, // one message in 16 removes ids that are too old
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
		shape: firstMessage, // of a two-person chat, which gets into both users' lists
		alone: cost{commands: 12, calls: 1, bytes: 487, allocs: 112},
		batch: cost{commands: 9.2, calls: 1, bytes: 349, allocs: 46},
		http:  14, whole: 160,
	},
	{
		shape: pullOf20,
		alone: cost{commands: 1, bytes: 101, allocs: 62},
		batch: cost{commands: 1, bytes: 101, allocs: 38},
		http:  5, whole: 103,
	},
	{
		shape: pullOfNothing, // where nothing has been sent yet
		alone: cost{commands: 1, bytes: 102, allocs: 38},
		batch: cost{commands: 1, bytes: 102, allocs: 13.6},
		http:  5, whole: 77,
	},
}
