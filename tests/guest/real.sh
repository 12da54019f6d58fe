# Real input: a shell script, other binaries, images, big streams, a terminal.

compile() { # NAME SOURCE CC...
    local out=$bin/$1 src=$2
    shift 2
    [ "$out" -nt "$src" ] || "$@" -O1 -w "$src" -o "$out"
}

build_ptyrun() { compile ptyrun "$here/real/ptyrun.c" gcc -static; }
build_hellos() {
    ! command -v musl-gcc > /dev/null || compile hello_musl "$here/real/hello.c" musl-gcc -static
    compile hello_pie "$here/real/hello.c" gcc -static-pie
}
build_parts() { build_ptyrun; build_hellos; }

# limited SECONDS COMMAND...: a hang ends the container, too. For shell functions.
limited() {
    local seconds=$(($1 * ${LIMIT:-20} / 20)) pid dog rc
    shift
    "$@" <&0 & pid=$!
    ( trap 'kill $(jobs -p); exit' TERM; sleep "$seconds" & wait
      end_container "$id"; kill -KILL $pid ) > /dev/null 2>&1 & dog=$!
    wait $pid; rc=$?
    kill $dog 2> /dev/null; wait $dog 2> /dev/null
    return $rc
}

part_script() {
    build_ptyrun || { not_ok "script.sh: builds"; return; }
    make_roots
    local side
    for side in native domain; do
        cp -f --remove-destination "$bin/ptyrun" "$here/script.sh" "$work/b/rootfs/t/"
        cp -f --remove-destination "$bin/ptyrun" "$here/script.sh" "$work/native/t/"
        new_id
        limited 60 "$side" sh /t/script.sh < /dev/null > "$work/script.$side" 2>&1
        echo "status $?" >> "$work/script.$side"
    done
    same "script.sh gives what it gives on the host" "$work/script.native" "$work/script.domain"
}

part_binaries() {
    make_roots
    build_hellos
    if command -v musl-gcc > /dev/null; then
        cp "$bin/hello_musl" "$work/b/rootfs/t/"
        new_id
        expect "a static musl program" "hello from 3 arguments" \
            "$(limited 20 domain /t/hello_musl a b 2>&1)"
    else
        skip "a static musl program" "no musl-gcc"
    fi
    cp "$bin/hello_pie" "$work/b/rootfs/t/"
    new_id
    expect "a static position-independent program" "hello from 1 arguments" \
        "$(limited 20 domain /t/hello_pie 2>&1)"
    local lib tool
    for tool in /bin/ls /usr/bin/sort /usr/bin/perl; do
        for lib in $(ldd $tool | grep -o '/[^ ]*'); do
            mkdir -p "$work/b/rootfs$(dirname "$lib")"
            cp -L "$lib" "$work/b/rootfs$lib"
        done
        cp $tool "$work/b/rootfs/t/debian-$(basename $tool)"
    done
    cp -a --remove-destination "$work/b/rootfs/." "$work/native/" 2> /dev/null
    local side
    for side in native domain; do
        new_id
        limited 30 "$side" sh -c 'cd /; /t/debian-ls -la /etc /bin/busybox /usr | sed "s/total .*//; / \.\.\$/d"
            /t/debian-ls --color=always -1 /
            seq 1 50000 | sed "s/$/ x/" | LC_ALL=C /t/debian-sort -r --parallel=2 -S 1M | cksum
            LC_ALL=C /t/debian-perl -e "\$s += \$_ for 1..100000; print \"\$s\n\"; system q(echo sub); print \$? >> 8, qq(\n)"
            /t/debian-ls /nonexistent; echo $?' < /dev/null > "$work/bin.$side" 2>&1
    done
    same "dynamically linked Debian programs" "$work/bin.native" "$work/bin.domain"
}

# The host's own programs, with its root, read-only, as the container's.
part_debian() {
    mkdir -p "$work/d" "$work/dnative" "$work/state"
    write_config "$work/d" false
    sed -i 's,"path": "rootfs"\, "readonly": false,"path": "/"\, "readonly": true,' "$work/d/config.json"
    env -i PATH=/usr/bin:/bin sh "$here/real/debian.sh" "$work/dnative" < /dev/null > "$work/d.native" 2>&1
    new_id
    limited 60 xenc run -b "$work/d" "$id" -- env -i PATH=/usr/bin:/bin \
        sh -c 'mkdir /tmp/x; exec sh -c "$0" debian.sh /tmp/x' "$(cat "$here/real/debian.sh")" \
        < /dev/null > "$work/d.domain" 2>&1
    sed -n 's/^no /# not installed, so not tried: /p' "$work/d.native"
    same "programs of the distribution, the host's root below them" "$work/d.native" "$work/d.domain"
}

part_images() {
    local layout=$work/layout root=$work/plain out
    make_root "$root"
    out=$(xenc image import "$root" "$layout:own" 2>&1) ||
        { not_ok "xenc image import" <(echo "$out"); return; }
    new_id
    expect "an image made by xenc image import runs" "$(printf 'Linux\nown')" \
        "$(limited 40 xenc run --image "$layout:own" "$id" -- sh -c 'uname; echo own' 2>&1 < /dev/null)"
    if ! command -v umoci > /dev/null; then
        skip "an image made by umoci runs" "no umoci"
        return
    fi
    local u=$work/umoci
    ( umoci init --layout "$u" && umoci new --image "$u:it" &&
      umoci unpack --image "$u:it" "$work/ub" && cp -a "$root/." "$work/ub/rootfs/" &&
      umoci repack --image "$u:it" "$work/ub" &&
      umoci config --image "$u:it" --config.cmd /bin/sh --config.cmd -c \
          --config.cmd 'echo $A; pwd; exit 6' --config.env A=from-umoci \
          --config.env PATH=/bin --config.workingdir /tmp ) > "$work/umoci.log" 2>&1 ||
        { not_ok "umoci makes an image" "$work/umoci.log"; return; }
    new_id
    expect "an image made by umoci runs" "$(printf 'from-umoci\n/tmp\n6')" \
        "$(limited 40 xenc run --image "$u:it" "$id" < /dev/null 2>&1; echo $?)"
}

part_stdin() {
    make_roots
    local want got
    new_id
    expect "a line through cat" x "$(echo x | limited 20 domain cat 2>&1)"
    dd if=/dev/urandom of="$work/big" bs=1M count=50 2> /dev/null
    want=$(sha256sum < "$work/big")
    new_id
    got=$(limited 60 domain cat < "$work/big" | sha256sum)
    expect "50 MB from a file through cat" "$want" "$got"
    new_id
    got=$(cat "$work/big" | limited 60 domain sh -c 'cat | cat' | sha256sum)
    expect "50 MB through pipes" "$want" "$got"
    rm -f "$work/big"
    new_id
    got=$(limited 20 domain sh -c 'yes; echo "$?" > /w/yes' 2> /dev/null < /dev/null | head -n 1)
    expect "a reader that leaves early" y "$got"
    new_id
    limited 20 domain sh -c 'echo out; echo err >&2; exit 5' > "$work/out" 2> "$work/err" < /dev/null
    expect "output, errors and status apart" "5 out err" "$? $(cat "$work/out") $(cat "$work/err")"
    new_id
    expect "an empty input ends" "0" "$(limited 20 domain sh -c 'cat; echo $?' < /dev/null 2>&1)"
    new_id
    expect "a closed input" "1" "$(limited 20 domain sh -c 'read x; echo $?' 2>&1 <&-)"
}

part_tty() {
    command -v python3 > /dev/null || { skip "tty: an interactive shell" "no python3"; return; }
    make_roots
    write_config "$work/b" true
    local out rc
    out=$(XENC_STATE=$work/state XENC=$XENC timeout -s KILL 90 python3 "$here/real/terminal.py" "$work/b" \
          "guest-$$-tty" 2> "$work/tty.err")
    rc=$?
    while IFS= read -r line; do
        case $line in
        ok\ *) ok "${line#ok }" ;;
        'not ok '*) echo "${line#*|}" | tr '\001' '\n' > "$work/ttyout"
                    line=${line%%|*}
                    not_ok "${line#not ok }" "$work/ttyout" ;;
        esac
    done <<< "$out"
    [ $rc -eq 0 ] || not_ok "terminal.py ends well ($rc)" "$work/tty.err"
    end_container "guest-$$-tty"
    write_config "$work/b" false
}
