# Locks on files of a volume hold between containers and the host.
load helpers

share() {
    gcc -static -w -o "$T/locker" "$BATS_TEST_DIRNAME/locker.c"
    mkdir -p "$T/share"
    : > "$T/share/file"
    cp "$T/locker" "$T/share/locker"
    MOUNTS="{ \"destination\": \"/s\", \"type\": \"bind\", \"source\": \"$T/share\", \"options\": [\"rbind\"${1:+, \"$1\"}] }"
}

# held KIND TYPE: the host holds it meanwhile
held() {
    coproc HOLDER { "$T/locker" "$T/share/file" "$1" "$2" keep; }
    read -r answer <&"${HOLDER[0]}"
    [ "$answer" = got ]
}

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
        held $kind w
        bundle "$B" /s/locker /s/file $other w
        run xenc run -b "$B" l$kind
        echo "$kind: $output"
        [[ ${lines[0]} == refused ]]
        [ $kind = flock ] || [[ ${lines[1]} == "type 1 from 10 len 10" ]]
        let_go
        run xenc run -b "$B" m$kind
        [ "$output" = got ]
        held $kind r
        bundle "$B" /s/locker /s/file $other r
        run xenc run -b "$B" n$kind
        [ "$output" = got ]
        let_go
    done
}

@test "a program waits for the host's lock" {
    share
    held flock w
    bundle "$B" /s/locker /s/file flock w wait
    xenc run -b "$B" waits > "$T/out" &
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
        bundle "$B" /bin/sh -c "sleep 3 | /s/locker /s/file $kind w keep"
        xenc run -b "$B" holds$kind > "$T/out" &
        holder=$!
        for _ in $(seq 100); do grep -q got "$T/out" && break; sleep 0.1; done
        run "$T/locker" "$T/share/file" $kind w
        [ "${lines[0]}" = refused ]
        run xenc run -b "$T/b2" second$kind
        [ "${lines[0]}" = refused ]
        wait $holder
        run "$T/locker" "$T/share/file" $kind w
        [ "$output" = got ]
    done
}

@test "locks on a read-only volume are the container's own" {
    share ro
    held flock w
    bundle "$B" /s/locker /s/file flock w
    run xenc run -b "$B" ro
    [ "$output" = got ]
    let_go
}
