# What the groups of tests/security/run share: TAP, containers, the neighbour (canary).
# shellcheck shell=bash disable=SC2154

count=0 failures=0 idn=0
ok() { count=$((count + 1)); echo "ok $count - $1"; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
not_ok() {
    count=$((count + 1)) failures=$((failures + 1))
    echo "not ok $count - $1"
    [ -z "$2" ] || printf '%s\n' "$2" | tr -d '\0' | cat -v | cut -c1-300 | head -n 12 | sed 's/^/# /'
}
# verdict NAME PROBLEM: no problem is well
verdict() { if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi; }

xenc_for() { timeout -s KILL "$1" "$XENC" --root "$work/state" "${@:2}"; }
xenc() { timeout -s KILL "${LIMIT:-10}" "$XENC" --root "$work/state" "$@"; }

# write_config FILE RESOURCES
write_config() {
    cat > "$1" <<END
{ "ociVersion": "1.0.2",
  "process": { "terminal": false, "user": { "uid": 0, "gid": 0 }, "args": ["/bin/sh"],
    "env": ["PATH=/bin"], "cwd": "/",
    "capabilities": { "bounding": ["CAP_KILL"], "effective": ["CAP_KILL"],
                      "permitted": ["CAP_KILL"] },
    "rlimits": [ { "type": "RLIMIT_NOFILE", "soft": 4096, "hard": 4096 } ] },
  "root": { "path": "$work/b/rootfs" },
  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" } ],
  "linux": { "namespaces": [ { "type": "pid" }, { "type": "mount" } ]
             ${2:+, \"cgroupsPath\": \"/xenc-sec-$$\", \"resources\": { $2 \}} } }
END
}

build_programs() {
    local p flags='-std=gnu11 -O2 -mno-red-zone -fno-strict-aliasing -static -D_GNU_SOURCE'
    for p in call scribble abuse exhaust; do
        # shellcheck disable=SC2086
        ${CC:-gcc} $flags -I"$top" "$here/$p.c" "$here/hostile.c" -o "$work/b/rootfs/bin/$p" \
            2> "$work/cc" || { reason="cannot compile $p.c: $(head -n 3 "$work/cc")"; return 1; }
    done
    for p in "$here/../guest/killstress.c" "$here/bombs.c"; do
        # shellcheck disable=SC2086
        ${CC:-gcc} $flags -w "$p" -o "$work/b/rootfs/bin/$(basename "$p" .c)" -lpthread \
            2> "$work/cc" || { reason="cannot compile $p: $(head -n 3 "$work/cc")"; return 1; }
    done
}

setup() {
    local a
    [ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root: as a user there is no user of its own"; exit 0; }
    [ -x "$XENC" ] || { reason="$XENC is not built"; return 1; }
    mkdir -p "$work/b/rootfs/bin" "$work/b/rootfs/proc" "$work/state" "$work/open"
    cp "$(command -v busybox)" "$work/b/rootfs/bin/busybox" || { reason="no busybox"; return 1; }
    for a in sh sleep echo cat true usleep rm; do ln -sf busybox "$work/b/rootfs/bin/$a"; done
    echo "outside" > "$work/b/secret"
    chmod 755 "$work"
    chmod 1777 "$work/open"             # whoever gets out can leave a mark here
    write_config "$work/b/config.json" ""
    build_programs || return 1
    canary_start
}

# -- the neighbour --

canary_start() {
    xenc run -d -b "$work/b" "canary-$$" -- /bin/sh -c \
        'i=0; while :; do i=$((i + 1)); echo $i; usleep 100000; done' \
        > "$work/canary" 2>&1 < /dev/null || { reason="the neighbour does not start"; return 1; }
    sleep 60000 & victim=$!             # a process of the host to be left alone
    canary_seen=0
}

# Alive, and further than last time: prints what is wrong.
canary_problem() {
    local n i
    for i in $(seq 30); do
        n=$(tail -n 1 "$work/canary")
        [[ $n =~ ^[0-9]+$ ]] && [ "$n" -gt "$canary_seen" ] && break
        sleep 0.1
    done
    [[ $n =~ ^[0-9]+$ ]] && [ "$n" -gt "$canary_seen" ] || echo "the neighbour stands still: $n"
    cp "$work/canary" "$work/canary.now"
    [ "$(seq "$(wc -l < "$work/canary.now")")" = "$(cat "$work/canary.now")" ] || echo "the neighbour's lines are not its own"
    kill -0 "$victim" 2> /dev/null || echo "a process of the host was killed"
    [ "$(cat "$work/b/secret")" = outside ] || echo "a file outside the root was changed"
    [ -z "$(ls -A "$work/open")" ] || echo "left outside: $(ls -A "$work/open")"
}

canary_check() {
    local p
    p=$(canary_problem)
    canary_seen=$(tail -n 1 "$work/canary")
    verdict "after $1: the neighbour and the host are well" "$p"
}

canary_end() {
    local p
    p=$(canary_problem)
    xenc kill "canary-$$" KILL || p="$p
the neighbour can't be killed"
    xenc delete --force "canary-$$"
    verdict "the neighbour lives to the end" "$p"
}

# -- containers --

new_id() { idn=$((idn + 1)); id=sec-$$-$idn; }

# Host processes of container $id: its monitor has --id=ID, the others are its children.
left_problem() {
    local p
    p=$(pgrep -f -- "--id=$id( |\$)")
    [ -z "$p" ] || echo "processes left: $p"
    [ ! -e "$work/state/$id" ] || echo "left in the state root: $(ls "$work/state/$id")"
    p=$(find /sys/fs/cgroup -maxdepth 3 -type d -name "xenc-sec-$$*" 2> /dev/null)
    [ -z "$p" ] || echo "cgroups left: $p"
}

# guest SECONDS ARG...: runs it; $status, $output, $problem. One that does not end in time is
# killed ($hung), which must work at once.
guest() {
    local limit=$1 job i
    shift
    new_id
    problem=''
    xenc_for $((limit + 5)) run -b "${bundle:-$work/b}" "$id" -- "$@" > "$work/out" 2>&1 < /dev/null &
    job=$!
    hung=''
    for i in $(seq $((limit * 100))); do
        kill -0 $job 2> /dev/null || break
        sleep 0.01
    done
    if kill -0 $job 2> /dev/null; then hung=1; kill_now; fi
    wait $job
    status=$?
    output=$(tr -d '\0' < "$work/out" | tail -c 4000)
    problem=$problem$(left_problem)
}

# detached ARG...: starts it and waits for its line "ready"
detached() {
    local i
    new_id
    xenc run -d -b "${bundle:-$work/b}" "$id" -- "$@" > "$work/out" 2>&1 < /dev/null
    for i in $(seq 50); do
        grep -q '^ready' "$work/out" && return
        sleep 0.1
    done
    problem="it did not start: $(head -n 3 "$work/out")"
}

monitor_of() { pgrep -f -- "--id=$1( |\$)" | head -n 1; }
guests_of() { pgrep -P "$(monitor_of "$1")" | while read -r p; do
    [ "$(cat "/proc/$p/comm" 2> /dev/null)" = xenc-sup ] || echo "$p"; done; }
# The driver domain: its supervisor, and the worker of the moment.
supervisor_of() { pgrep -P "$(monitor_of "$1")" -x xenc-sup; }
worker_of() { pgrep -P "$(supervisor_of "$1")" -x xenc-dev; }

# Kills $id: $problem unless that takes less than a second and leaves nothing.
kill_now() {
    local t0=${EPOCHREALTIME/./} i
    xenc kill "$id" KILL > "$work/kill" 2>&1 || problem="kill: $(cat "$work/kill")"
    for i in $(seq 100); do
        [ -z "$(monitor_of "$id")" ] && break
        sleep 0.01
    done
    local ms=$(((${EPOCHREALTIME/./} - t0) / 1000))
    [ "$ms" -lt 1000 ] || problem="$problem
killing it took $ms ms"
    xenc delete --force "$id" > "$work/del" 2>&1 || problem="$problem
$(cat "$work/del")"
    problem="$problem$(left_problem)"
}

cleanup() {
    local i
    kill "$victim" 2> /dev/null
    wait "$victim" 2> /dev/null
    for i in $(ls "$work/state" 2> /dev/null); do xenc delete --force "$i" 2> /dev/null; done
    rm -rf "$work"
}
