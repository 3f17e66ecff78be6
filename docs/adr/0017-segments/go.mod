// The measurement of docs/adr/0017-segments.md: a module of its own, so that Pullchat does not depend on what it tries.
module github.com/pullchat/pullchat/docs/adr/0017-segments

go 1.26.0

require (
	github.com/klauspost/compress v1.19.0
	github.com/pullchat/pullchat v0.0.0
	github.com/redis/go-redis/v9 v9.23.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace github.com/pullchat/pullchat => ../../..
