# Locks on files of a volume hold between containers and the host.
load helpers

LOCKER=$BATS_TEST_DIRNAME/../../build/cli/locker

share() {
    if [ ! "$LOCKER" -nt "$BATS_TEST_DIRNAME/locker.c" ]; then
        mkdir -p "${LOCKER%/*}"
        gcc -static -w -o "$LOCKER" "$BATS_TEST_DIRNAME/locker.c"
    fi
    mkdir -p "$T/share"
    : > "$T/share/file"
    cp "$LOCKER" "$T/share/locker"
    MOUNTS="{ \"destination\": \"/s\", \"type\": \"bind\", \"source\": \"$T/share\", \"options\": [\"rbind\"${1:+, \"$1\"}] }"
}

# held COMMAND...: it says when it has a lock, and keeps it until let_go
held() {
    coproc HOLDER { "$@"; }
    read -r answer <&"${HOLDER[0]}"
    [ "$answer" = got ]
}

# host_holds KIND TYPE
host_holds() { held "$LOCKER" "$T/share/file" "$1" "$2" keep; }

let_go() {
    local pid=$HOLDER_PID
    eval "exec ${HOLDER[1]}>&-"
    wait "$pid" || true
}

@test "a lock of the host keeps a container's program out" {
    share
    for kind in flock posix ofd; do
        other=$kind
        [ $kind = posix ] && other=ofd
        host_holds $kind w
        bundle "$B" /s/locker /s/file $other w
        run xenc run -b "$B" l$kind
        echo "$kind: $output"
        [[ ${lines[0]} == refused ]]
        [ $kind = flock ] || [[ ${lines[1]} == "type 1 from 10 len 10" ]]
        let_go
        run xenc run -b "$B" m$kind
        [ "$output" = got ]
        host_holds $kind r
        bundle "$B" /s/locker /s/file $other r
        run xenc run -b "$B" n$kind
        [ "$output" = got ]
        let_go
    done
}

@test "a program waits for the host's lock" {
    share
    host_holds flock w
    bundle "$B" /s/locker /s/file flock w wait
    xenc run -b "$B" waits > "$T/out" &
    wait_status waits running
    sleep 1
    [ ! -s "$T/out" ]
    let_go
    wait $!
    [ "$(cat "$T/out")" = got ]
}

@test "a container's lock keeps the host and another container out, until it ends" {
    share
    for kind in flock posix ofd; do
        bundle "$T/b2" /s/locker /s/file $kind w
        bundle "$B" /s/locker /s/file $kind w keep
        held xenc run -b "$B" holds$kind
        run "$LOCKER" "$T/share/file" $kind w
        [ "${lines[0]}" = refused ]
        run xenc run -b "$T/b2" second$kind
        [ "${lines[0]}" = refused ]
        let_go
        run "$LOCKER" "$T/share/file" $kind w
        [ "$output" = got ]
    done
}

@test "locks on a read-only volume are the container's own" {
    share ro
    host_holds flock w
    bundle "$B" /s/locker /s/file flock w
    run xenc run -b "$B" ro
    [ "$output" = got ]
    let_go
}
