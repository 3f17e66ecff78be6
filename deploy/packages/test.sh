#!/usr/bin/env bash
# make deb-test. The deb is built twice and compared, judged by lintian, and lives once through under systemd in a container: installed,
# serving under its units' settings, killed, upgraded, removed, purged. Needs Docker (IMAGE names the base, a Debian with apt).
set -euo pipefail
cd "$(dirname "$0")/../.."

image=${IMAGE:-debian:bookworm-slim}
number=$(git log -1 --date=format:%Y%m%d%H%M%S --format=%cd)
old=0.0.1~$number new=0.0.2~$number
arch=$(go env GOARCH)
work=$(mktemp -d)
container=pullchat-deb-test-$$
cleanup() {
  docker rm -f "$container" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

say() { echo "deb-test: $*"; }
fail() {
  say "FAILED: $*" >&2
  docker exec "$container" journalctl --no-pager -n 30 -u 'pullchat*' >&2 || true
  exit 1
}

make --no-print-directory deb VERSION="$old" >/dev/null
cp "$BIN/packages/pullchat_${old}-1_$arch.deb" "$work/first.deb"
rm -r "$BIN/package" && touch -d '2001-01-01' deploy/packages/systemd/*.service
make --no-print-directory deb VERSION="$old" >/dev/null
cmp "$work/first.deb" "$BIN/packages/pullchat_${old}-1_$arch.deb" || fail 'two builds of one commit differ'
say 'two builds have the same bytes'
make --no-print-directory deb VERSION="$new" >/dev/null
mv "$BIN/packages/pullchat_${old}-1_$arch.deb" "$work/old.deb"
mv "$BIN/packages/pullchat_${new}-1_$arch.deb" "$work/new.deb"

lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$work/new.deb" || fail 'lintian has a complaint'
say 'lintian has no error and no warning'

printf 'FROM %s\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd redis-server curl jq >/dev/null && systemctl disable redis-server\n' "$image" |
  docker build -q -t pullchat-deb-test - >/dev/null 2>&1 || fail 'no image with systemd'
# systemd as the first process needs its own control groups and mounts, not all privileges.
docker run -d --name "$container" --cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
  --cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:rw --tmpfs /run --tmpfs /run/lock -v "$work:/debs:ro" pullchat-deb-test /lib/systemd/systemd >/dev/null

inside() { docker exec "$container" "$@"; }
# within SECONDS COMMAND …: repeats a command until it succeeds
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "not in time: $*"
    read -rt 0.2 <> <(:) || true
  done
}
stat_of() { inside stat -c '%U:%G %a' "$1"; }
booted() { [[ $(inside systemctl is-system-running) =~ running|degraded ]]; }
ready() { inside pullchat ready --no-retry; }
within 60 booted

inside dpkg -i /debs/old.deb >/dev/null || fail 'the installation failed'
[[ $(inside systemctl is-active pullchat.service || true) == inactive ]] || fail 'the installation started a unit by itself'
[[ $(stat_of /etc/pullchat/pullchat.env) == 'root:pullchat 640' ]] || fail "the settings are $(stat_of /etc/pullchat/pullchat.env)"
inside systemd-analyze verify --man=no /lib/systemd/system/pullchat{,-http,-rpc,-tcp}.service || fail 'systemd-analyze has a complaint about a unit'
for unit in pullchat pullchat-http pullchat-rpc pullchat-tcp; do
  inside systemd-analyze security --no-pager --offline=yes --threshold=25 "/lib/systemd/system/$unit.service" >"$work/security" 2>&1 ||
    { tail -60 "$work/security"; fail "$unit is exposed more than 2.5"; }
  say "$unit.service: $(tail -1 "$work/security")"
done
inside dpkg-reconfigure -f noninteractive pullchat || fail 'postinst is not idempotent'

say 'pullchat.service: everything in one process'
inside sh -c 'echo FSYNC=always >>/etc/pullchat/pullchat.env; systemctl enable --now pullchat'
within 30 ready
inside pullchat version | grep -qF "v$old" || fail "pullchat version is $(inside pullchat version)"
inside pullchat send alice:bob 'kept by systemd' --sender alice >/dev/null || fail 'a send failed'
[[ $(stat_of /var/lib/pullchat) == 'pullchat:pullchat 700' ]] || fail "the data is $(stat_of /var/lib/pullchat)"
page() { inside pullchat pull alice:bob --json | jq -r .text; }
main() { inside systemctl show -P MainPID pullchat; }
[[ $(inside sh -c "cat /proc/$(main)/status" | awk '/^(CapEff|NoNewPrivs|Seccomp):/ { printf "%s%s ", $1, $2 }') == 'CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2 ' ]] ||
  fail 'the process does not have its settings'

before=$(main)
inside sh -c "kill -9 $before"
restarted() { [[ $(main) != 0 && $(main) != "$before" ]] && ready; }
within 30 restarted
[[ $(page) == 'kept by systemd' ]] || fail "after a kill the page is $(page)"
say 'it came back after kill -9, with the message'

before=$(main)
inside systemctl reload pullchat || fail 'systemctl reload failed'
[[ $(main) == "$before" && $(page) == 'kept by systemd' ]] || fail 'the reload ended the process'
say 'systemctl reload leaves it running'

before=$(main)
inside dpkg -i /debs/new.deb >"$work/upgrade" 2>&1 || { cat "$work/upgrade"; fail 'the upgrade failed'; }
within 30 restarted
inside pullchat version | grep -qF "v$new" || fail 'the upgrade left the old program'
inside grep -q FSYNC=always /etc/pullchat/pullchat.env || fail 'the upgrade lost the settings'
[[ $(inside systemctl show -P NRestarts pullchat) == 0 ]] || fail 'the upgrade did not stop the old process cleanly'
[[ $(page) == 'kept by systemd' ]] || fail "after the upgrade the page is $(page)"
say 'the upgrade restarted it and kept settings and messages'

say 'pullchat-rpc.service, pullchat-http.service and pullchat-tcp.service over redis-server.service'
inside sh -c 'sed -i s/^#METRICS_ADDR=/METRICS_ADDR=/ /etc/pullchat/*-server.env'
inside systemctl enable --now redis-server pullchat-rpc pullchat-http pullchat-tcp 2>/dev/null
within 30 ready
[[ $(inside systemctl is-active pullchat.service || true) == inactive ]] || fail 'pullchat.service runs beside the two servers'
inside pullchat send alice:bob 'over Redis' --sender alice >/dev/null || fail 'a send to the two servers failed'
[[ $(page) == 'over Redis' ]] || fail "the page is $(page)"
lines() { inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/5000; printf "anna\r\n/msg bob over telnet\r\n/quit\r\n" >&3; timeout 10 cat <&3'; }
lines | grep -q '\* sent' || fail "telnet says $(lines)"
for port in 9461 9462 9463; do
  inside curl -sf "http://127.0.0.1:$port/metrics" | grep -q '^pullchat_build_info' || fail "no metrics at $port"
done
say 'telnet is served, and each server has its metrics'

inside dpkg -r pullchat >/dev/null 2>&1 || fail 'the removal failed'
! inside sh -c 'cat /proc/[0-9]*/comm' | grep -qxE 'pullchat|http-server|rpc-server|tcp-server' || fail 'the removal left a process'
inside test -f /etc/pullchat/pullchat.env || fail 'the removal took the settings'
inside dpkg -P pullchat >"$work/purge" 2>&1 || { cat "$work/purge"; fail 'the purge failed'; }
inside test ! -e /etc/pullchat || fail 'the purge left settings'
inside test -d /var/lib/pullchat || fail 'the purge took the messages'
inside dpkg -i /debs/new.deb >/dev/null 2>&1 && inside systemctl enable --now pullchat 2>/dev/null || fail 'the second installation failed'
within 30 ready
[[ $(page) == 'kept by systemd' ]] || fail 'after removal, purge and installation the messages are gone'
say 'removal and purge left nothing but the messages; a second installation serves them'
say passed
