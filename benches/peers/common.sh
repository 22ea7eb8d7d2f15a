# What the scripts beside this share. Each is called as `NAME UPSTREAM PORT`: it starts a peer that serves on 127.0.0.1:PORT
# and passes what comes to UPSTREAM, says so in one line of JSON once it takes connections, and ends with its input.
# What a peer needs is expected where `scripts/bench-peers` puts it.
set -euo pipefail
upstream=$1 port=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
peer=
end() {
  if [[ -n $peer ]]; then
    # The workers are its children.
    pkill -TERM -P "$peer" 2>/dev/null || true
    kill "$peer" 2>/dev/null || true
    wait "$peer" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap end EXIT

# `serve COMMAND…` starts it, waits for its port for two minutes, and stays until nobody reads its output any more.
serve() {
  "$@" >"$work/log" 2>&1 </dev/null &
  peer=$!
  for _ in $(seq 2400); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "{\"peer\":\"127.0.0.1:$port\"}"
      cat >/dev/null
      return
    fi
    kill -0 "$peer" 2>/dev/null || break
    sleep 0.05
  done
  cat "$work/log" >&2
  echo "$1 does not serve on port $port" >&2
  exit 1
}
