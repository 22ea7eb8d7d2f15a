#!/usr/bin/env bash
# The curl example of the README's request lists, as it stands there but for the address and the models' names.
set -euo pipefail
: "${WEIGHBRIDGE_URL:?where Weighbridge listens, for example http://127.0.0.1:8080/v2/proxy}"

ask() {
  curl --silent --show-error --fail-with-body --max-time 60 --no-buffer "$@" \
    -X POST "$WEIGHBRIDGE_URL/chat/completions" \
    -H "Authorization: Bearer ${WEIGHBRIDGE_API_KEY:-none}" \
    -H "Content-Type: application/json" \
    -d '{
    "model": "openai/gpt-4o-mini",
    "stream": '"$stream"',
    "messages": [
      {
        "role": "user",
        "content": "Write a creative marketing slogan for an eco-friendly coffee brand"
      }
    ],
    "orq": {
      "load_balancer": [
          {
              "model": "sim-fast/large",
              "weight": 0.4
          },
          {
              "model": "sim-steady/large",
              "weight": 0.8
          }
      ]
    }
  }'
}

expect() {
  grep -qi -- "$2" <<<"$1" || {
    echo "curl: expected $2 in:" >&2
    echo "$1" >&2
    exit 1
  }
}

stream=false
answer=$(ask --include)
expect "$answer" '^HTTP/1.1 200'
expect "$answer" '"object":"chat.completion"'
for header in request-id; do expect "$answer" "^x-$header: ."; done
for header in target provider model attempts config; do expect "$answer" "^x-weighbridge-$header: ."; done

stream=true
answer=$(ask --include)
expect "$answer" '^content-type: text/event-stream'
expect "$answer" '^x-weighbridge-provider: sim-'
expect "$answer" '^data: \[DONE\]'
echo "curl: 2 passed, 0 failed"
