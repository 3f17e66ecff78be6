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
		shape: plainSend,
		alone: cost{commands: 8, calls: 1, bytes: 356, allocs: 56},
		batch: cost{commands: 8, calls: 24, bytes: 355, allocs: 33.1},
		http:  18, whole: 110,
	},
	{
		shape: sendWithID,
		alone: cost{commands: 12, calls: 1, bytes: 408, allocs: 63},
		batch: cost{commands: 12, calls: 24, bytes: 407, allocs: 41.1},
		http:  19, whole: 117,
	},
	{
		shape: privateSend,
		alone: cost{commands: 10, calls: 1, bytes: 437, allocs: 69},
		batch: cost{commands: 10, calls: 24, bytes: 439, allocs: 43.8},
		http:  22, whole: 149,
	},
	{
		shape: firstMessage, // of a two-person chat, which gets into both users' lists
		alone: cost{commands: 12, calls: 1, bytes: 678, allocs: 182},
		batch: cost{commands: 12, calls: 24, bytes: 679, allocs: 97.5},
		http:  18, whole: 240,
	},
	{
		shape: pullOf20,
		alone: cost{commands: 1, bytes: 101, allocs: 166},
		batch: cost{commands: 1, bytes: 101, allocs: 142},
		http:  12, whole: 275,
	},
	{
		shape: pullOfNothing, // where nothing has been sent yet
		alone: cost{commands: 1, bytes: 102, allocs: 38},
		batch: cost{commands: 1, bytes: 102, allocs: 13.9},
		http:  10, whole: 81,
	},
}
