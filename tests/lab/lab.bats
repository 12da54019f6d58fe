# The lab itself: what comes back from a command that ran on the emulated host.

bats_require_minimum_version 1.5.0
RUN=$BATS_TEST_DIRNAME/run

setup_file() {
    local why
    why=$("$BATS_TEST_DIRNAME/run" kvm true 2>&1 > /dev/null) || [ $? -ne 77 ] || export NO_LAB="$why"
}

setup() {
    T=$(mktemp -d)
    [ -z "$NO_LAB" ] || skip "$NO_LAB"
}

teardown() { rm -rf "$T"; }

@test "output, errors and exit code come back, each by itself" {
    run --separate-stderr "$RUN" kvm sh -c 'echo "to out"; echo "to err" >&2; exit 42'
    [ "$status" -eq 42 ]
    [ "$output" = "to out" ]
    [ "$stderr" = "to err" ]
    run "$RUN" kvm sh -c 'kill -SEGV $$'
    [ "$status" -eq 139 ]
}

@test "/dev/kvm works there: a virtual machine can be made" {
    run "$RUN" kvm python3 -c '
import fcntl
kvm = open("/dev/kvm", "rb+", buffering=0)
print("version", fcntl.ioctl(kvm, 0xae00))
vm = fcntl.ioctl(kvm, 0xae01, 0)
fcntl.ioctl(vm, 0xae60)
print("vcpu", fcntl.ioctl(vm, 0xae41, 0) > 0)'
    [ "$status" -eq 0 ]
    [[ $output == *"version 12"*"vcpu True"* ]]
}

@test "the folder, the tree and the clock are those of the machine outside" {
    cd "$BATS_TEST_DIRNAME"
    run "$RUN" kvm sh -c 'pwd; cksum < run; id -u; date +%s; cat /sys/fs/cgroup/cgroup.controllers; ls -A /tmp'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "$BATS_TEST_DIRNAME" ]
    [ "${lines[1]}" = "$(cksum < run)" ]
    [ "${lines[2]}" = 0 ]
    local late=$(($(date +%s) - lines[3]))
    [ "$late" -ge -2 ] && [ "$late" -le 60 ]
    [[ ${lines[4]} == *memory* ]]
    # Nothing is in /tmp but what leads to a repository there.
    [ "${#lines[@]}" -eq 5 ] || [[ ${#lines[@]} -eq 6 && $PWD == /tmp/"${lines[5]}"/* ]]
}

@test "the repository is shared both ways, the rest is not changed" {
    local f=build/lab/test.$$
    cd "$BATS_TEST_DIRNAME/../.."
    echo "from outside" > "$f"
    run "$RUN" kvm sh -c "cat $f; echo 'from inside' > $f; touch /etc/lab.test && ls /etc/lab.test"
    [ "$output" = "from outside
/etc/lab.test" ]
    [ "$(cat "$f")" = "from inside" ]
    rm "$f"
    [ ! -e /etc/lab.test ]
}

@test "a megabyte of output, several runs at a time, different random numbers" {
    local i
    for i in 1 2; do
        "$RUN" kvm sh -c 'head -c 16 /dev/urandom | cksum >&2; seq 150000' > "$T/out$i" 2> "$T/err$i" &
    done
    wait
    seq 150000 | cmp - "$T/out1"
    seq 150000 | cmp - "$T/out2"
    [ -s "$T/err1" ]
    ! cmp "$T/err1" "$T/err2"
}

# Without hold.c the emulated kernel hangs before the end of this.
@test "virtual machines come and go" {
    run "$RUN" -t 60 kvm perl -MPOSIX -e 'open(my $kvm, "+<", "/dev/kvm") or die;
        for (1 .. 200) { my $vm = ioctl($kvm, 0xAE01, 0) or die; POSIX::close($vm) } print "made"'
    [ "$status" -eq 0 ]
    [ "$output" = made ]
}

@test "a command that does not end is ended, and so is what another leaves behind" {
    run "$RUN" -t 8 kvm sh -c 'echo begun; sleep 1000'
    [ "$status" -eq 124 ]
    [[ $output == *begun*"no end after 8 seconds"* ]]
    run "$RUN" -t 60 kvm sh -c 'sleep 1000 & echo done'
    [ "$status" -eq 0 ]
    [ "$output" = "done" ]
}

@test "a host that crashes is told from a command that fails" {
    run "$RUN" kvm sh -c 'echo c > /proc/sysrq-trigger'
    [ "$status" -eq 125 ]
    [[ $output == *"ended by itself"* ]]
}

# The rest runs without a lab, too.
missing() { # REASON COMMAND...: status 77, the reason in the output
    local reason=$1
    shift
    run "$@"
    [ "$status" -eq 77 ] || { echo "status $status: $output"; return 1; }
    [[ $output == *"no lab here"*"$reason"* ]] || { echo "$output"; return 1; }
}

# A folder with links to the programs of the host but one.
path_without() {
    mkdir -p "$T/bin"
    ln -sf /usr/sbin/* /usr/bin/* /usr/local/bin/* "$T/bin/" 2> /dev/null || true
    rm -f "$T/bin/$1"
}

@test "what is missing: a reason, and status 77" {
    NO_LAB=
    path_without qemu-system-x86_64
    PATH=$T/bin missing "no qemu-system-x86_64 (package qemu-system-x86)" "$RUN" kvm true
    path_without apt-get
    LAB=$T/lab PATH=$T/bin missing "no apt-get here" "$RUN" kvm true
    path_without apt-get
    printf '#!/bin/sh\necho "E: no network" >&2; exit 100\n' > "$T/bin/apt-get"
    chmod +x "$T/bin/apt-get"
    LAB=$T/lab PATH=$T/bin missing "no network" "$RUN" kvm true
    [ ! -e "$T/lab/kernel/version" ]
}

@test "wrong use: status 2 and the usage" {
    run "$RUN" vmware true
    [ "$status" -eq 2 ]
    [[ $output == *"tests/lab/run [-t SECONDS] kvm COMMAND"* ]]
    run "$RUN" kvm
    [ "$status" -eq 2 ]
}
