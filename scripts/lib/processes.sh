# shellcheck shell=bash
# Sourced by the other scripts: processes that end with the script, whatever ends it.
#
# start NAME COMMAND...   runs it in the background in a session of its own, so that Ctrl-C reaches the script alone; its
#                         process id is then in started[NAME], its output in $scratch/NAME.log unless NAME is in to_terminal
# stop_all                SIGTERM to each, the last started first, and SIGKILL to what does not obey

declare -A started=() to_terminal=()
started_order=()
scratch=$(mktemp -d "${TMPDIR:-/tmp}/larder.XXXXXX")

start() {
    local name=$1
    shift
    if [ -n "${to_terminal[$name]:-}" ]; then
        setsid setpriv --pdeathsig SIGTERM "$@" &
    else
        setsid setpriv --pdeathsig SIGTERM "$@" >"$scratch/$name.log" 2>&1 &
    fi
    started[$name]=$!
    started_order=("$name" "${started_order[@]}")
}

is_running() { kill -0 "$1" 2>/dev/null; }

# Until the command succeeds; gives up after so many seconds, or when the process of that name has ended.
wait_until() { # SECONDS NAME COMMAND...
    local deadline=$((SECONDS + $1)) name=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! is_running "${started[$name]}" || [ $SECONDS -ge $deadline ]; then
            echo "error: $name did not come up" >&2
            [ -f "$scratch/$name.log" ] && tail -n 20 "$scratch/$name.log" >&2
            return 1
        fi
        sleep 0.05
    done
}

# A long command that the script's own end takes along.
run() {
    to_terminal[command]=yes
    start command "$@"
    local status=0
    wait "${started[command]}" || status=$?
    started_order=("${started_order[@]:1}")
    unset 'started[command]'
    return $status
}

stop_all() {
    local name deadline
    trap '' INT TERM HUP
    for name in "${started_order[@]}"; do
        kill -TERM "${started[$name]}" 2>/dev/null || continue
        [ "$name" = command ] && kill -TERM -- "-${started[$name]}" 2>/dev/null
        deadline=$((SECONDS + 40))
        while is_running "${started[$name]}" && [ $SECONDS -lt $deadline ]; do sleep 0.05; done
        kill -KILL -- "-${started[$name]}" 2>/dev/null || true
    done
    rm -rf "$scratch"
}

stop_all_at_exit() {
    trap stop_all EXIT
    trap 'exit 0' INT TERM HUP
}

port_is_taken() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && port_is_taken 127.0.0.1 $port; do :; done
    echo $port
}

start_redis() { # PORT
    start redis redis-server --port "$1" --bind 127.0.0.1 --dir "$scratch" --save "" --appendonly no --daemonize no
    wait_until 10 redis redis-cli -p "$1" ping
}

start_demo() { # PORT
    start demo env ARTICLES_DB="$scratch/articles.sqlite" /usr/bin/python3 -B -m uvicorn articles.main:app --app-dir tests/origin \
        --host 127.0.0.1 --port "$1" --log-level warning --no-access-log
    wait_until 60 demo curl -sf "http://127.0.0.1:$1/users/1"
}
