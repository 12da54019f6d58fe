# The monitor of PVH domains on KVM. Needs a host that has it: tests/pvh/monitor finds one.

bats_require_minimum_version 1.5.0
load ../cli/helpers

# pvh NAME [ANNOTATION VALUE]... : a bundle $B with these annotations.
pvh() {
    local notes='' name=$1
    shift
    while [ $# -gt 0 ]; do
        notes+="${notes:+, }\"$1\": \"$2\""
        shift 2
    done
    TOP="\"annotations\": { \"xenc.domain\": \"pvh\"${notes:+, $notes} }" bundle "$B" /bin/sh -c "$name"
}

# kernel KIND: the same, for a kernel of tests/pvh/tinykernel.
kernel() {
    "$BATS_TEST_DIRNAME/tinykernel" "$1" "$T/kernel"
    pvh - xenc.kernel "$T/kernel" xenc.memory "${2:-16M}"
}

# refused WORDS: one line, status 1, nothing left.
refused() {
    run xenc run -b "$B" t
    echo "$output"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"$1"* ]]
    [ -z "$(xenc list -q)" ]
    ! pgrep -x xenc-hv
}

# Until a container has written a line.
await() {
    for _ in $(seq 100); do grep -q "$1" "$T/out" && return; sleep 0.1; done
    cat "$T/out"
    return 1
}

@test "a program runs: input, output, errors, status" {
    pvh 'read x; echo "out $x"; echo "err $x" >&2; exit 7'
    run --separate-stderr xenc run -b "$B" t <<< "word"
    [ "$status" -eq 7 ]
    [ "$output" = "out word" ]
    [ "$stderr" = "err word" ]
    pvh 'sh -c "kill -SEGV \$\$"; exit $?'
    run xenc run -b "$B" t
    [ "$status" -eq 139 ]
}

@test "create, start, state, kill, delete" {
    pvh 'trap "exit 33" TERM; echo ready; while :; do sleep 0.1; done'
    xenc create -b "$B" t > "$T/out"
    [[ $(xenc state t) == *'"status": "created"'* ]]
    [ ! -s "$T/out" ]
    xenc start t
    await ready
    xenc kill t TERM
    for _ in $(seq 50); do [[ $(xenc state t) == *stopped* ]] && break; sleep 0.1; done
    [[ $(xenc state t) == *stopped* ]]
    xenc delete t
    ! pgrep -x xenc-hv
    ! pgrep -x xenc-dev
}

@test "the first instruction comes after the jail" {
    [ -z "$SANITIZED" ] || skip "a sanitizer needs calls of its own"
    pvh 'true'
    xenc create -b "$B" t > "$T/out"
    local p n=0
    for p in /proc/"$(pgrep -x xenc-hv)"/task/*; do
        grep -q '^CapEff:.0000000000000000' "$p/status"
        grep -q '^NoNewPrivs:.1' "$p/status"
        grep -q '^Seccomp:.2' "$p/status"
        grep -Eq '^Uid:.18[0-9]{8}.18' "$p/status"
        n=$((n + 1))
    done
    [ $n -ge 2 ]
    # What it has open can't be written over: no file of the host but its ends.
    ! ls -l "/proc/$(pgrep -x xenc-hv)/fd" | grep -E ' -> /(mnt|etc|root|home|tmp)/' | grep -v log
    xenc delete --force t
}

@test "the date is the host's, also when that is set" {
    [ -e /run/lab/conf ] || skip "sets the host's clock: in the lab only"
    pvh 'echo ready; while sleep 0.2; do echo "now $(date +%s)"; done'
    ln -s busybox "$B/rootfs/bin/date"
    xenc run -b "$B" t > "$T/out" 3>&- &
    await now
    local t before after
    before=$(tail -n 1 "$T/out")
    t=$(date +%s)
    [ $((t - ${before#now })) -le 2 ]
    date -s "@$((t + 5000))" > /dev/null
    for _ in $(seq 60); do
        after=$(tail -n 1 "$T/out")
        [ "${after#now }" -lt $((t + 5000)) ] || break
        sleep 0.2
    done
    date -s "@$(($(date +%s) - 5000))" > /dev/null
    echo "$before, then $after"
    [ "${after#now }" -ge $((t + 5000)) ] && [ "${after#now }" -le $((t + 5020)) ]
    xenc kill t KILL
}

@test "pause and resume" {
    pvh 'i=0; while :; do i=$((i + 1)); echo "n $i"; sleep 0.1; done'
    xenc run -b "$B" t > "$T/out" 3>&- &
    await "n 3"
    xenc pause t
    [[ $(xenc list) == *paused* ]]
    local a b
    a=$(tail -n 1 "$T/out")
    sleep 1
    b=$(tail -n 1 "$T/out")
    [ "$a" = "$b" ]
    fails 'cannot pause a container that is paused' pause t
    for _ in 1 2 3; do xenc resume t; xenc pause t; done
    xenc resume t
    fails 'cannot resume a container that is running' resume t
    sleep 1
    [ "$(tail -n 1 "$T/out")" != "$b" ]
    xenc pause t
    xenc kill t KILL
    wait $! || [ $? -eq 137 ]
}

@test "an endless loop, with and without a kernel that answers, ends at once" {
    pvh 'while :; do :; done'
    xenc run -b "$B" t 3>&- &
    sleep 1
    xenc kill t KILL
    local status=0
    wait $! || status=$?
    [ "$status" -eq 137 ]
    kernel loop
    for sig in KILL TERM; do
        xenc run -b "$B" t 3>&- &
        sleep 1
        xenc kill t $sig
        status=0
        wait $! || status=$?
        [ "$status" -eq 137 ]
        ! pgrep -x xenc-hv
    done
}

@test "kernels that can't be loaded" {
    kernel nonote; refused "it has no PVH entry"
    kernel truncated; refused "it is truncated"
    kernel overlap; refused "overlap"
    kernel large; refused "needs memory up to"
    kernel outside; refused "outside memory"
    kernel text; refused "it is no ELF file"
    pvh - xenc.kernel "$T/none"; refused "No such file"
    kernel loop; pvh - xenc.kernel "$T/kernel" xenc.initrd "$T/none"; refused "No such file"
}

@test "a processor that shuts down, one that resets" {
    kernel triple
    run xenc run -b "$B" t
    [ "$status" -eq 255 ]
    [[ $output == *"triple fault"* ]]
    kernel reset
    run xenc run -b "$B" t
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "memory: too little, the least, and more than fits below 4 GiB" {
    pvh 'echo hi' xenc.memory 5M; refused "needs at least 6 MiB"
    pvh 'echo hi; exit 4' xenc.memory 8M
    run xenc run -b "$B" t
    [ "$status" -eq 4 ]
    [ "$output" = hi ]
    pvh 'read -r x total y < /proc/meminfo; echo $total' xenc.memory 5G
    run xenc run -b "$B" t
    [ "$status" -eq 0 ]
    [ "$output" -gt 5000000 ] && [ "$output" -lt 5242880 ]
}

# memory_group: makes a group of the host's for limits on memory, $G below $H.
memory_group() {
    G=xenc-pvh-$$
    H=/sys/fs/cgroup
    [ ! -d $H/memory ] || H=$H/memory
    mkdir "$H/$G"
    [ ! -e $H/cgroup.subtree_control ] || echo +memory > $H/cgroup.subtree_control
}

# killed: how many processes the host has killed there for lack of memory.
killed() {
    cat "$H/$G"/memory.events "$H/$G"/memory.oom_control 2> /dev/null | awk '$1 == "oom_kill" { print $2 }'
}

@test "a limit leaves room for the host's side of a domain that uses all it has" {
    local n work='dd if=/dev/zero of=/dev/null bs=100M count=1; echo "dd $?"'
    memory_group
    LINUX='"cgroupsPath": "/'$G'/c", "resources": {"memory": {"limit": 50331648}}' \
        pvh "ln -s busybox /bin/dd; $work; $work; grep -c . /proc/meminfo > /x; echo goes on"
    run --separate-stderr xenc run -b "$B" t
    n=$(killed)
    echo "$output $stderr; killed: $n"
    rmdir "$H/$G"
    [ "$status" -eq 0 ] && [ "$n" = 0 ]
    [[ $output == *"dd 137"*"dd 137"*"goes on" ]]
    [[ $stderr == *"out of memory: killed process"* ]]
}

@test "a host without memory ends the domain, with a reason" {
    memory_group
    if [ -e "$H/$G/memory.max" ]; then
        echo 40M > "$H/$G/memory.max"
        echo +memory > "$H/$G/cgroup.subtree_control"
    else
        echo 40M > "$H/$G/memory.limit_in_bytes"
    fi
    LINUX='"cgroupsPath": "/'$G'/c"' pvh 'ln -s busybox /bin/dd; dd if=/dev/zero of=/dev/null bs=100M count=1' \
        xenc.memory 200M
    run xenc run -b "$B" t
    local n
    n=$(killed)
    echo "$output; killed: $n"
    [ ! -e "$H/$G/c" ]
    rmdir "$H/$G"
    [ "$status" -eq 137 ]
    [[ $output == *"monitor was killed by signal 9"*"no memory"* ]]
    [ "$n" -ge 1 ]
    [ -z "$(xenc list -q)" ]
    for _ in $(seq 50); do pgrep 'xenc-(hv|dev|sup)' || break; sleep 0.1; done
    ! pgrep 'xenc-(hv|dev|sup)'
}

@test "CPUs: at most as many as asked for, and as the host has" {
    local n most
    most=$(nproc)
    for n in 1 2 16; do
        pvh 'while read -r a b; do [ "$a" != processor ] || echo cpu; done < /proc/cpuinfo' xenc.vcpus $n
        run xenc run -b "$B" t
        echo "$output"
        [ "$status" -eq 0 ]
        [ "${#lines[@]}" -eq $((n < most ? n : most)) ]
    done
}

@test "a worker of the driver domain is killed: the guest's work goes on" {
    pvh 'i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo "n $i" > /x; cat /x; sleep 0.2; done; cat /x > /end'
    xenc run -b "$B" t > "$T/out" 2> "$T/err" 3>&- &
    local n p
    for n in 3 12 20; do
        await "n $n\$"
        for _ in $(seq 50); do p=$(pgrep -x xenc-dev) && break; sleep 0.1; done
        kill -KILL "$p"
    done
    wait $!
    [ "$(wc -l < "$T/out")" -eq 40 ]
    [ "$(cat "$B/rootfs/end")" = "n 40" ]
    [ "$(grep -c 'killed by signal 9' "$T/err")" -eq 3 ]
}

# Interrupts of the host itself are left out: they are more the busier it is.
@test "from the first instruction to the program's: at most 250 exits" {
    pvh 'true'
    local n word total host memory mmio
    for n in 1 2 3; do
        read -r word total word host word memory word mmio \
            < <(XENC=$XENC "$BATS_TEST_DIRNAME/exits" "$B")
        echo "# $total exits, $host of them by the host's interrupts, $memory by memory" >&3
        [ "$total" -gt 50 ] && [ $((total - host)) -le 250 ]
        [ "$memory" -gt 20 ]
        [ "$mmio" -eq 0 ]       # its interrupt controller is no memory
    done
}

@test "huge pages of the host's, where it gives them to those who ask" {
    local f=/sys/kernel/mm/transparent_hugepage/shmem_enabled word total host memory mmio
    [ -e /run/lab/conf ] || skip "changes the host's $f: in the lab only"
    pvh 'true' xenc.memory 256M
    echo advise > $f
    read -r word total word host word memory word mmio \
        < <(XENC=$XENC "$BATS_TEST_DIRNAME/exits" "$B")
    echo never > $f
    echo "$total exits, $memory of them by memory"
    [ "$total" -gt 20 ] && [ "$memory" -gt 0 ] && [ "$memory" -lt 20 ]
}

@test "an idle domain: host memory" {
    [ -z "$SANITIZED" ] || skip "a sanitizer needs memory of its own"
    pvh 'exec sleep 30'
    xenc run -b "$B" t 3>&- &
    sleep 3
    local kb=0 p v
    for p in $(pgrep -x xenc-hv) $(pgrep -x xenc-dev); do
        v=$(awk '/^Pss:/ { print $2 }' "/proc/$p/smaps_rollup")
        kb=$((kb + v))
    done
    echo "# $kb KiB" >&3
    [ "$kb" -gt 100 ] && [ "$kb" -lt 6144 ]
    xenc kill t KILL
}

@test "a kernel of Debian: console, entropy, virtiofs" {
    local lab=${LAB:-$BATS_TEST_DIRNAME/../../build/lab}/kernel
    [ -s "$lab/version" ] || skip "no $lab: tests/lab/kernel makes it"
    "$BATS_TEST_DIRNAME/linux-initramfs" "$lab" "$T/initrd"
    pvh - xenc.kernel "$(realpath "$lab")/vmlinux" xenc.initrd "$T/initrd" xenc.memory 192M \
        xenc.cmdline "console=hvc0 quiet panic=-1 pci=off"
    cat > "$B/rootfs/script" <<'END'
echo in > a && cat a && mkdir d && mv a d/b && ln -s b d/l && cat d/l && ls d
dd if=/dev/zero of=big bs=1M count=4 2> /dev/null && md5sum big
seq 20000 > numbers && cp numbers copy && cmp numbers copy && rm big d/b d/l && ls d; exit 5
END
    run timeout 300 "$XENC" --root "$ROOT" run -b "$B" t
    echo "$output"
    [ "$status" -eq 0 ]
    mapfile -t lines <<< "${output//$'\r'}"            # it writes to a terminal
    [[ ${lines[0]} == "Linux with "*" CPUs" ]]
    [ "${lines[1]}" = "entropy from virtio_rng.0: 8" ]
    [ "${lines[2]} ${lines[3]} ${lines[4]}" = "in in b  l" ]
    [ "${lines[5]}" = "b5cfa9d6c8febd618f91ac2843d50a1c  big" ]
    [ "${lines[6]}" = "script: 5" ]
    seq 20000 | cmp - "$B/rootfs/copy"
}

@test "a host without, a device that can't be opened" {
    pvh 'true'
    chmod 000 /dev/kvm
    run setpriv --reuid 65534 --clear-groups "$XENC" --root "$T" run -b "$B" t
    chmod 600 /dev/kvm
    [ "$status" -eq 1 ]
    [[ $output == *"/dev/kvm"*"Permission denied"* ]] || [[ $output == *"ermission"* ]]
}
