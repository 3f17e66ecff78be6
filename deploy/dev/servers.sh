#!/usr/bin/env bash
# One rpc-server and two http-servers on the Redis of deploy/dev/stack.sh, until a signal. air runs it.
set -u
export REDIS_URL=unix://$DEV_DIR/redis.sock RPC_ADDR=127.0.0.1:$((DEV_PORT + 10)) RPC_SERVERS=127.0.0.1:$((DEV_PORT + 10)) RPC_DRAIN_DELAY=0s
# nginx names the clients.
export TRUSTED_PROXIES=127.0.0.1/32

.bin/dev/rpc-server & children=($!)
for n in 1 2; do
  HTTP_ADDR=127.0.0.1:$((DEV_PORT + n)) .bin/dev/http-server & children+=($!)
done
stop() { kill "${children[@]}" 2>/dev/null; }
trap stop INT TERM
# The first that ends takes the others with it, so that air shows it.
wait -n
stop
wait
