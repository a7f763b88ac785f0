#!/bin/sh
# Starts Zhiyin in a container: start.sh serve (the HTTP API), page (the chat page), or any command of app.py.
#
# LISTEN is the address (0.0.0.0: beyond the container) and PORT the port (7860). Everything else is said by ZHIYIN_ settings.
set -eu
cd "$(dirname "$0")/.."
: "${LISTEN:=0.0.0.0}" "${PORT:=7860}"

command=${1:-serve}
[ $# -eq 0 ] || shift
case $command in
serve) exec python app.py serve --host "$LISTEN" --port "$PORT" "$@" ;;
page) exec python app.py --host "$LISTEN" --port "$PORT" "$@" ;;
*) exec python app.py "$command" "$@" ;;
esac
