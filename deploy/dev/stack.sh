#!/usr/bin/env bash
# make dev: Redis, an rpc-server, two http-servers and nginx in front on DEV_PORT (8080). A change of a source file restarts the servers.
# Messages stay in .bin/dev/redis. Ctrl-C stops everything.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DEV_PORT=${DEV_PORT:-8080} DEV_DIR=$PWD/.bin/dev
PATH=$PATH:/usr/sbin
mkdir -p "$DEV_DIR/redis" "$DEV_DIR/nginx"

children=()
stop() {
  trap - EXIT
  kill "${children[@]}" 2>/dev/null || true
  wait
}
trap stop EXIT
trap 'exit 0' INT TERM

redis-server deploy/redis.conf --port 0 --unixsocket "$DEV_DIR/redis.sock" --dir "$DEV_DIR/redis" --loglevel warning &
children+=($!)

sed "s/listen 80;/listen 127.0.0.1:$DEV_PORT;/" deploy/nginx/pullchat.conf >"$DEV_DIR/nginx/pullchat.conf"
sed "s/127.0.0.1:8080 /127.0.0.1:$((DEV_PORT + 1)) /; s/127.0.0.1:8081 /127.0.0.1:$((DEV_PORT + 2)) /" deploy/nginx/pullchat-gateways.conf >"$DEV_DIR/nginx/pullchat-gateways.conf"
cat >"$DEV_DIR/nginx/nginx.conf" <<'CONF'
pid nginx.pid;
daemon off;
error_log stderr error;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  include pullchat-gateways.conf;
  include pullchat.conf;
}
CONF
nginx -p "$DEV_DIR/nginx" -c "$DEV_DIR/nginx/nginx.conf" -e stderr &
children+=($!)

echo "http://127.0.0.1:$DEV_PORT is nginx; the http-servers are on $((DEV_PORT + 1)) and $((DEV_PORT + 2))"
"$AIR" -c deploy/dev/air.toml &
children+=($!)
wait -n
