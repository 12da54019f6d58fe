# Programs in a domain: what comes in, what comes out, how it ends.
bats_require_minimum_version 1.5.0
load helpers

@test "exit statuses" {
    for n in 0 1 7 127 255; do
        bundle "$B" sh -c "exit $n"
        run -$n xenc run -b "$B" x
        [ -z "$output" ]
    done
    nothing_left
}

@test "a program that dies of a signal gives 128+n" {
    bundle "$B" sh -c 'sleep 1000'
    xenc run -b "$B" x > /dev/null 2>&1 < /dev/null &
    local job=$! rc=0
    wait_status x running
    xenc kill x KILL
    wait $job || rc=$?
    [ "$rc" -eq 137 ]
    # A child's death of a signal is what its parent sees.
    run xenc run -b "$B" x -- sh -c 'sh -c "kill -TERM \$\$"; echo $?' 2> /dev/null
    [ "${lines[-1]}" = 143 ]
    nothing_left
}

@test "standard input, output and error are the caller's own" {
    bundle "$B" sh -c 'cat; echo err >&2'
    printf 'one\ntwo' | xenc run -b "$B" x > "$T/out" 2> "$T/err"
    [ "$(cat "$T/out")" = $'one\ntwo' ]
    [ "$(cat "$T/err")" = err ]
    nothing_left
}

@test "a megabyte through a pipe comes out as it went in" {
    bundle "$B" cat
    head -c 1048576 /dev/urandom > "$T/in"
    xenc run -b "$B" x < "$T/in" | cat > "$T/out"
    cmp "$T/in" "$T/out"
}

@test "-- ARGS replace the program" {
    bundle "$B" false
    run xenc run -b "$B" x -- echo 'a b' c
    [ "$status" -eq 0 ]
    [ "$output" = "a b c" ]
}

@test "environment, working directory, user and umask" {
    PROCESS='"noNewPrivileges": true' bundle "$B" sh -c 'echo $HOME; pwd; id -u; umask; echo $$'
    run xenc run -b "$B" x
    [ "$status" -eq 0 ]
    [ "$output" = $'/root\n/\n0\n0022\n1' ]
    bundle "$B" sh -c 'echo $HOME; pwd; id -u; id -g; id -G; umask'
    sed -i 's/"uid": 0, "gid": 0/"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 63/
            s,"cwd": "/","cwd": "/tmp",' "$B/config.json"
    run xenc run -b "$B" x
    [ "$status" -eq 0 ]
    [ "$output" = $'/home/u\n/tmp\n1000\n1001\n1001 5 6\n0077' ]
}

@test "a read-only root and read-only and writable bind mounts" {
    mkdir "$T/src"
    echo hello > "$T/src/f"
    MOUNTS='{"destination": "/ro", "type": "bind", "source": "'$T'/src", "options": ["rbind", "ro"]},
            {"destination": "/rw", "source": "'$T'/src", "options": ["bind"]},
            {"destination": "/etc/one", "source": "'$T'/src/f", "options": ["bind", "ro"]}' \
        bundle "$B" sh -c 'cat /ro/f /etc/one; echo x > /ro/g; echo y > /rw/h; echo z > /new'
    sed -i 's/"path": "rootfs"/"path": "rootfs", "readonly": true/' "$B/config.json"
    run xenc run -b "$B" x
    [ "${lines[0]}" = hello ]
    [ "${lines[1]}" = hello ]
    [[ $output == *"/ro/g: Read-only file system"* ]]
    [[ $output == *"/new: Read-only file system"* ]]
    [ "$(cat "$T/src/h")" = y ]
    [ ! -e "$T/src/g" ]
    [ ! -e "$B/rootfs/new" ]
}

@test "missing program, interpreter, working directory" {
    bundle "$B" nosuch
    run -127 xenc run -b "$B" x
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *nosuch*not\ found* ]]
    printf '#!/no/such/sh\n' > "$B/rootfs/bin/script"
    chmod +x "$B/rootfs/bin/script"
    run -127 xenc run -b "$B" x -- script
    [ "${#lines[@]}" -eq 1 ]
    bundle "$B" true
    sed -i 's,"cwd": "/","cwd": "/no/such",' "$B/config.json"
    run xenc run -b "$B" x
    [ "$status" -ne 0 ]
    [[ $output == *"/no/such"* ]]
    nothing_left
}

@test "signals to xenc run reach the program" {
    bundle "$B" sh -c 'trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
    timeout -k 5 $((60 * SLOWER)) "$XENC" --root "$ROOT" run -b "$B" x > "$T/out" < /dev/null 3>&- &
    local job=$! rc=0
    for _ in $(seq $((100 * SLOWER))); do grep -q ready "$T/out" && break; sleep 0.1; done
    kill -TERM $job
    wait $job || rc=$?
    [ "$rc" -eq 9 ]
    grep -q got "$T/out"
    nothing_left
}

@test "two containers at once, and --keep" {
    bundle "$B" sh -c 'read a; echo $a'
    mkfifo "$T/in"
    xenc run -b "$B" one < "$T/in" > "$T/out" &
    exec 4> "$T/in"
    run xenc run --keep -b "$B" two <<< hi
    [ "$output" = hi ]
    run xenc state two
    [[ $output == *'"status": "stopped"'* ]]
    run xenc delete two
    [ "$status" -eq 0 ]
    wait_status one running
    echo bye >&4
    exec 4>&-
    wait
    [ "$(cat "$T/out")" = bye ]
    nothing_left
}

@test "without a state root yet, and with one whose name is long" {
    ROOT=$T/$(printf 'd%.0s' $(seq 120))/root
    bundle "$B" echo hi
    run xenc run -b "$B" x
    [ "$output" = hi ]
    nothing_left
}

@test "--image needs no id and leaves no bundle" {
    bundle "$B" true
    xenc image import "$B/rootfs" "$T/layout:t" -- /bin/echo from image
    export TMPDIR=$T
    run xenc run --image "$T/layout:t" < /dev/null
    [ "$status" -eq 0 ]
    [ "$output" = "from image" ]
    run xenc run --image "$T/layout:t" named -- /bin/sh -c 'exit 4' < /dev/null
    [ "$status" -eq 4 ]
    nothing_left
    run bash -c "ls -d '$T'/xenc-image-*"
    [ "$status" -ne 0 ]
}

@test "descriptors of the caller do not reach the domain" {
    bundle "$B" sleep 1000
    echo secret > "$T/secret"
    xenc run -d --pid-file "$T/pid" -b "$B" x 7< "$T/secret" > /dev/null 2>&1 < /dev/null
    run ls -l "/proc/$(cat "$T/pid")/fd"
    [[ $output != *secret* ]]
    xenc delete --force x
}

@test "what the host changes in the root file system is seen within seconds" {
    bundle "$B" sh -c 'cd /w; ls; cat old; sleep 2; ls; echo mine > mine; echo ready
        while [ ! -e go ]; do sleep 0.1; done
        ls; cat new; cat old 2>&1; ls -l changed | head -c 10; rm mine; ls'
    mkdir "$B/rootfs/w"
    touch "$B/rootfs/w/old" "$B/rootfs/w/changed"
    chmod 644 "$B/rootfs/w/changed"
    xenc run -b "$B" x > "$T/out" &
    for _ in $(seq $((100 * SLOWER))); do grep -q ready "$T/out" && break; sleep 0.1; done
    echo new > "$B/rootfs/w/new"
    rm "$B/rootfs/w/old"
    chmod 600 "$B/rootfs/w/changed"
    sleep 1.5
    touch "$B/rootfs/w/go"
    wait $!
    echo "got: $(tr "\n" " " < "$T/out")"
    [ "$(tr '\n' ' ' < "$T/out")" = "changed old changed old ready changed go mine new new cat: can't open 'old': No such file or directory -rw-------changed go new " ]
}

@test "what the host makes in a container's new directory is seen within seconds" {
    bundle "$B" sh -c 'cd /tmp; sleep 1.5; mkdir d; cd d; cat none 2>&1; echo mine > mine; cat none 2>&1
        echo ready; sleep 0.5; while [ ! -e go ]; do sleep 0.1; done
        sleep 1.2; cat none; rm mine; cat mine 2>&1; mkdir mine; ls'
    for a in mkdir rm; do ln -sf busybox "$B/rootfs/bin/$a"; done
    xenc run -b "$B" x > "$T/out" &
    for _ in $(seq $((100 * SLOWER))); do grep -q ready "$T/out" && break; sleep 0.1; done
    echo theirs > "$B/rootfs/tmp/d/none"
    touch "$B/rootfs/tmp/d/go"
    wait $!
    none="No such file or directory"
    [ "$(tr '\n' ' ' < "$T/out")" = "cat: can't open 'none': $none cat: can't open 'none': $none ready theirs cat: can't open 'mine': $none go mine none " ] ||
        { cat "$T/out"; false; }
}

@test "names that are there already are not made again" {
    mkdir -p "$B/rootfs/tmp/dir"
    echo old > "$B/rootfs/tmp/file"
    ln -s file "$B/rootfs/tmp/link"
    ln -s nothing "$B/rootfs/tmp/dangling"
    bundle "$B" /bin/sh -c 'cd /tmp; set -C
        (echo new > file) 2> /dev/null || echo kept
        echo more >> file; cat file
        (echo new > link) 2> /dev/null || echo kept
        for d in dir file link; do mkdir $d 2> /dev/null || echo "$d is there"; done
        ln -s x file 2> /dev/null || echo there
        echo through >> dangling; cat nothing
        echo a > new; cat new'
    for a in mkdir ln; do ln -sf busybox "$B/rootfs/bin/$a"; done
    run xenc run -b "$B" c
    [ "$output" = "kept
old
more
kept
dir is there
file is there
link is there
there
through
a" ]
}

@test "what a program did last to a new file is on the host when the container has ended" {
    bundle "$B" /bin/sh -c 'cd /tmp; echo text > f; exec chmod 640 f'
    ln -sf busybox "$B/rootfs/bin/chmod"
    for i in 1 2 3 4 5; do
        rm -f "$B/rootfs/tmp/f"
        xenc run -b "$B" c$i
        [ "$(stat -c '%a %s' "$B/rootfs/tmp/f")" = "640 5" ]
    done
}

@test "the host can run what a container has made in a volume" {
    mkdir "$T/share"
    MOUNTS="{ \"destination\": \"/s\", \"type\": \"bind\", \"source\": \"$T/share\", \"options\": [\"rbind\"] }"
    bundle "$B" /bin/sh -c 'cat /bin/busybox > /s/true; chmod 755 /s/true; echo >> /bin/done; sleep 20'
    ln -sf busybox "$B/rootfs/bin/chmod"
    xenc run -b "$B" c &
    for i in $(seq $((100 * SLOWER))); do [ -e "$B/rootfs/bin/done" ] && break; sleep 0.1; done
    "$T/share/true"
    xenc kill c KILL
    wait $! || true
}

@test "container and host add to one file in a volume by turns, and see its size" {
    mkdir "$T/share"
    MOUNTS="{ \"destination\": \"/s\", \"type\": \"bind\", \"source\": \"$T/share\", \"options\": [\"rbind\"] }"
    bundle "$B" /bin/sh -c 'exec 3>> /s/log; n=0
        while [ $n -lt 3 ]; do
            echo guest >&3; stat -L -c %s /proc/self/fd/3; stat -c %s /s/log; touch /s/go$n
            while [ ! -e /s/done$n ]; do sleep 0.05; done
            stat -L -c %s /proc/self/fd/3; n=$((n + 1))
        done; cat /s/log'
    for a in stat touch; do ln -sf busybox "$B/rootfs/bin/$a"; done
    xenc run -b "$B" c > "$T/out" &
    for n in 0 1 2; do
        for i in $(seq $((100 * SLOWER))); do [ -e "$T/share/go$n" ] && break; sleep 0.1; done
        echo host >> "$T/share/log"
        touch "$T/share/done$n"
    done
    wait $!
    [ "$(tr '\n' ' ' < "$T/out")" = "6 6 11 17 17 22 28 28 33 guest host guest host guest host " ] ||
        { cat "$T/out"; false; }
}

# Samples, so it goes on until there is one. A pvh domain does not tell them apart.
@test "CPU time is user's and system's" {
    local most=400
    [ "$TEST_KIND" != pvh ] || most=1
    bundle "$B" /bin/sh -c 'n=0
        while [ $n -lt '$most' ]; do
            dd if=/dev/zero of=/dev/null bs=32M count=1 2> /dev/null
            set -- $(cat /proc/$$/stat)
            [ ${17} -gt 0 ] && break; n=$((n + 1))
        done; echo "$n ${16} ${17}"; times'
    ln -sf busybox "$B/rootfs/bin/dd"
    run xenc run -b "$B" c
    read -r n user system <<< "${lines[0]}"
    [ "$user$system" -gt 0 ]
    [ "$TEST_KIND" = pvh ] || [ "$system" -gt 0 ]
}
