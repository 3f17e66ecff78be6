#!/usr/bin/env bash
# make dev-test: make dev serves, and a change of a source file is answered by both http-servers within seconds. The change is taken back.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DEV_PORT=${DEV_PORT:-18080}
source=http-server/handler/health.go
git diff --quiet -- "$source" || { echo "dev-test: $source has changes of yours"; exit 1; }

log=$(mktemp)
deploy/dev/stack.sh >"$log" 2>&1 &
stack=$!
stop() {
  git checkout -q -- "$source"
  kill "$stack" 2>/dev/null || true
  wait "$stack" || true
  rm -f "$log"
}
trap stop EXIT

# within SECONDS COMMAND …: repeats a command until it succeeds, and says after how long
within() {
  local began=$SECONDS limit=$1
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS - began < limit)) || { tail -30 "$log"; echo "dev-test: FAILED: not within $limit s: $*"; exit 1; }
    read -rt 0.1 <> <(:) || true
  done
  took=$((SECONDS - began))
}
answers() { for port in 0 1 2; do curl -fsS "127.0.0.1:$((DEV_PORT + port))$1" | grep -q "$2" || return 1; done; }

within 300 answers /readyz ready
echo "dev-test: nginx and two http-servers are ready after $took s"
curl -fsS "127.0.0.1:$DEV_PORT/api/send" -H 'Content-Type: application/json' -d '{"chat":"dev:test","sender":"dev","text":"kept over restarts"}' >/dev/null
sed -i 's/"pong"/"changed by dev-test"/' "$source"
within 120 answers /ping 'changed by dev-test'
echo "dev-test: both answer from changed source after $took s"
within 10 answers '/api/pull?chat=dev:test&reverse=true' 'kept over restarts'
echo 'dev-test: passed'
