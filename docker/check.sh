#!/bin/sh
# Performs the steps of the Dockerfile where no container engine runs, and tries the result: check.sh [ENVIRONMENT]
#
# A fresh folder with what the Dockerfile copies, a fresh environment by install.sh, a user of the container's number, code that
# nobody can write to, weights on a volume that cannot be written to, no variable but the Dockerfile's; then a key, the server,
# its health, a turn, and SIGTERM. With ENVIRONMENT the packages of that one are used instead of installing them (minutes).
# WEIGHTS names another folder of weights; DEMO=1 does without any. As root it takes the container's user, else the present one.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dockerfile=$root/Dockerfile
reuse=${1:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/zhiyin-check.XXXXXX")
code=$work/app data=$work/data environment=$work/venv
user=$(sed -n 's/^ARG USER_ID=//p' "$dockerfile" | head -n 1)
server=

say() { echo "check: $*"; }
finish() {
    status=$?
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then kill -9 "$server"; fi
    if [ $status -ne 0 ] && [ -f "$work/log" ]; then sed 's/^/log: /' "$work/log"; fi
    chmod -R u+w "$work" 2>/dev/null || true
    rm -rf "$work"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

say "the files that the Dockerfile copies"
mkdir -p "$code"
grep '^COPY ' "$dockerfile" | grep -v -e '--from' | while read -r _ line; do
    target=$code/${line##* /app}
    for name in ${line% *}; do
        if [ -d "$root/$name" ]; then
            mkdir -p "$target" && (cd "$root/$name" && tar -cf - --exclude __pycache__ .) | tar -xf - -C "$target"
        else
            mkdir -p "$target" && cp "$root/$name" "$target"
        fi
    done
done

python=
for candidate in ${PYTHON:-} /usr/local/bin/python3 /usr/bin/python3 python3; do # one that any user may run
    found=$(command -v "$candidate") || continue
    [ "$(id -u)" -ne 0 ] || setpriv --reuid "$user" --regid "$user" --clear-groups "$found" -c '' 2>/dev/null || continue
    "$found" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && python=$found && break
done
[ -n "$python" ] || { say "no Python 3.10 or later that another user may run"; exit 1; }
if [ -n "$reuse" ]; then
    say "an environment with the packages of $reuse"
    "$python" -m venv --without-pip "$environment"
    packages=$("$reuse/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    echo "$packages" >"$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/reuse.pth"
else
    say "a fresh environment"
    PYTHON=$python TORCH_INDEX="${TORCH_INDEX-}" "$code/docker/install.sh" "$code" "$environment"
    say "no library is missing in it"
    find "$environment" -name '*.so*' -type f -exec ldd {} + 2>/dev/null | sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' |
        sort -u | while read -r missing; do # one that a package brings itself is found when the package loads it
        [ -n "$(find "$environment" -name "$missing" -print -quit)" ] || { say "$missing is missing"; exit 1; }
    done
fi

if [ "$(id -u)" -eq 0 ]; then
    "$code/docker/system.sh" "$user" "$data"
    chown -R root:root "$code"
    set -- setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all
else
    mkdir -p "$data"
    set --
fi
chmod 755 "$work"
chmod -R a-w,a+rX "$code" "$environment"
before=$(cd "$code" && find . -type f -exec sha256sum {} + | sort | sha256sum)

weights=${WEIGHTS:-${ZHIYIN_HOME:-$HOME/.cache/zhiyin}/weights}
settings=
if [ "${DEMO:-}" = 1 ]; then
    settings="ZHIYIN_ENGINE=scripted ZHIYIN_EMBEDDER=hashing"
else
    say "a volume with the weights of $weights, which cannot be written to"
    mkdir -p "$data/weights"
    find "$weights" -maxdepth 1 -type f ! -name '*.lock' -exec cp -lf {} "$data/weights/" \; 2>/dev/null ||
        find "$weights" -maxdepth 1 -type f ! -name '*.lock' -exec cp {} "$data/weights/" \;
    chmod a-w "$data/weights"
fi
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# what the Dockerfile's ENV lines set, with the folders of this check in place of the container's
variables=$(sed -n '/^ENV /,/[^\\]$/p' "$dockerfile" | sed -e 's/^ENV //' -e 's/\\$//' |
    sed -e "s#/opt/zhiyin#$environment#g" -e "s#/data#$data#g" | tr -s ' \n' ' ')
inside() { # run something as the container would: nothing of this shell's environment
    # shellcheck disable=SC2086 # words are meant to be split
    (cd "$data" && exec env -i PATH="$environment/bin:/usr/bin:/bin" $variables LISTEN=127.0.0.1 PORT="$port" $settings "$@")
}

say "a key, by the user of number ${user} ($*)"
scopes="--scope chat --scope items --scope events --scope profile --scope monitor"
# shellcheck disable=SC2086
key=$(inside "$@" sh "$code/docker/start.sh" keys add check $scopes)

say "the server"
# shellcheck disable=SC2086
(cd "$data" && exec env -i PATH="$environment/bin:/usr/bin:/bin" $variables LISTEN=0.0.0.0 PORT="$port" $settings \
    "$@" sh "$code/docker/start.sh" serve) >"$work/log" 2>&1 &
server=$!
tries=0
until inside "$@" python "$code/docker/health.py" 2>/dev/null; do
    tries=$((tries + 1))
    kill -0 "$server" 2>/dev/null || { say "it ended"; exit 1; }
    [ $tries -lt 300 ] || { say "it does not answer"; exit 1; }
    sleep 0.5
done
say "its health is good; one turn"
cat >"$work/turn.py" <<'PYTHON'
import sys, time
sys.path.insert(0, sys.argv[1])
from chatbot.client import Client
with Client(f"http://127.0.0.1:{sys.argv[2]}", sys.argv[3], user="check", retries=0) as client:
    while not client.ready().ready:
        state = client.ready()
        if state.stage == "failed":
            sys.exit(f"it cannot load: {state.checks}")
        time.sleep(0.5)
    answer = client.chat("something quiet, no horror")
    assert len(answer.items) == 3, answer
    assert client.conversation(answer.conversation).turns
    print("check: " + " | ".join(offered.item.title for offered in answer.items), answer.model)
PYTHON
inside "$@" python "$work/turn.py" "$code" "$port" "$key"

say "SIGTERM"
kill -TERM "$server"
tries=0
while kill -0 "$server" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || { say "it does not end within 30 seconds"; exit 1; }
    sleep 0.5
done
wait "$server" && status=0 || status=$?
server=
[ "$status" -eq 0 ] || [ "$status" -eq 130 ] || [ "$status" -eq 143 ] || { say "it ended with $status"; exit 1; }
say "it ended with $status after $tries half-seconds"
after=$(cd "$code" && find . -type f -exec sha256sum {} + | sort | sha256sum)
[ "$before" = "$after" ] || { say "the code has changed"; exit 1; }
if [ "$(id -u)" -eq 0 ]; then
    foreign=$(find "$data" -mindepth 1 ! -path "$data/weights*" ! -user "$user")
    [ -z "$foreign" ] || { say "files of others: $foreign"; exit 1; }
fi
[ -f "$data/zhiyin.db" ] || { say "nothing was kept on the volume"; exit 1; }
say "all is well"
