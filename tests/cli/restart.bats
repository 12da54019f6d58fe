#!/usr/bin/env bats
# The driver domain is killed, again and again, while a container uses files and console.

load helpers

# worker ID: the process that serves it now
worker() {
    local mon
    mon=$(pgrep -f -- "--id=$1( |\$)" | head -n 1)
    pgrep -P "$(pgrep -P "$mon" -x xenc-sup)" -x xenc-dev
}

# kill_while ID PID: kills the worker of container ID as long as process PID is there, which
# runs it. Each gets time for some requests. Counts in $kills.
kill_while() {
    local w
    kills=0
    while kill -0 "$2" 2> /dev/null; do
        if w=$(worker "$1" 2> /dev/null) && kill -KILL "$w" 2> /dev/null; then
            kills=$((kills + 1))
        fi
        sleep 0.02
    done
}

@test "files: names, contents and positions outlive the driver domain's worker" {
    local n=$((400 / SLOWER))
    bundle "$B" /bin/sh -c '
        exec 5> /tmp/log
        i=0
        while [ $i -lt '$n' ]; do
            i=$((i + 1))
            mkdir /tmp/d && echo "text $i" > /tmp/d/f && mv /tmp/d/f /tmp/d/g || echo "bad $i"
            chmod 600 /tmp/d/g
            read -r x < /tmp/d/g && [ "$x" = "text $i" ] || echo "bad text $i: $x"
            echo "line $i" >&5
            rm /tmp/d/g && rmdir /tmp/d || echo "bad $i"
        done
        exec 5>&-
        md5sum < /tmp/log'
    for a in chmod mkdir mv rm rmdir md5sum; do ln -sf busybox "$B/rootfs/bin/$a"; done
    xenc run -b "$B" c > "$T/out" 2> "$T/err" &
    kill_while c $!
    wait $!
    [ "$(cat "$T/out")" = "$(seq -f 'line %g' $n | md5sum)" ] || { cat "$T/out"; false; }
    [ "$kills" -ge $((SLOWER > 1 ? 1 : 3)) ] || { echo "$kills kills only"; false; }
    [ -z "$(ls -A "$B/rootfs/tmp" | grep -v '^log$')" ]
    grep -q 'xenc-dev: killed by signal 9, started again' "$T/err"
}

@test "input comes once; output comes whole, at most a piece of it twice" {
    seq -f 'a line of input, the %gth' 3000 > "$T/in"
    bundle "$B" /bin/sh -c 'while read -r l; do echo "$l"; done; echo end'
    while read -r l; do echo "$l"; done < "$T/in" | xenc run -b "$B" c 2> "$T/err" > "$T/pipe" &
    kill_while c $!
    wait $!
    { cat "$T/in"; echo end; } > "$T/want"
    uniq "$T/pipe" | cmp - "$T/want"
    [ "$kills" -ge 1 ]
}

@test "a file as input and output: each byte once" {
    seq 200000 > "$T/in"
    bundle "$B" /bin/sh -c 'while read -r l; do echo "$l"; done'
    xenc run -b "$B" c < "$T/in" > "$T/out" 2> "$T/err" &
    kill_while c $!
    wait $!
    cmp "$T/in" "$T/out"
    [ "$kills" -ge 1 ]
}

@test "a terminal keeps its modes and learns its size" {
    command -v script > /dev/null || skip "script(1) is missing"
    export TERMINAL=true
    bundle "$B" /bin/sh -c 'stty -echo rows 33 cols 44; read -r x; echo "got $x"; stty size; stty -a'
    xenc_line=$(printf '%q ' "$XENC" --root "$ROOT" run -b "$B" c)
    { until w=$(worker c 2> /dev/null); do sleep 0.1; done; sleep 1; kill -KILL "$w"; sleep 0.3; echo hello; sleep 1; } |
        timeout $((20 * SLOWER)) script -qec "$xenc_line" /dev/null > "$T/out" 2>&1 3>&-
    grep -q 'got hello' "$T/out"
    grep -q -- '-echo' "$T/out"
    nothing_left
}

@test "nothing is left of a container whose driver domain was restarted" {
    bundle "$B" /bin/sh -c 'sleep 100'
    xenc run -d -b "$B" c < /dev/null > /dev/null 2>&1
    for i in 1 2 3 4 5 6 7 8; do
        old=$(worker c)
        kill -KILL "$old"
        for j in $(seq 100); do new=$(worker c) && [ -n "$new" ] && [ "$new" != "$old" ] && break; sleep 0.02; done
        [ -n "$new" ] && [ "$new" != "$old" ]
    done
    sup=$(pgrep -P "$(pgrep -f -- "--id=c( |\$)" | head -n 1)" -x xenc-sup)
    xenc kill c KILL
    wait_status c stopped
    gone "$sup"
    gone "$new"
    xenc delete c
    nothing_left
}
