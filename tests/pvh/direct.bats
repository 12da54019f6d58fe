# The kernel for PVH domains in a virtual machine that is not ours: QEMU's microvm, with QEMU's
# console and entropy devices, and files by Debian's virtiofsd.
bats_require_minimum_version 1.5.0
QEMU=$BATS_TEST_DIRNAME/qemu

setup() {
    [ "$(id -u)" = 0 ] || skip "virtiofsd needs root"
    work=$(mktemp -d)
    . "$BATS_TEST_DIRNAME/../guest/lib.sh"
    make_root "$work/root"
    printf 'one\ntwo\nthree\n' > "$work/root/w/lines"
    mkdir -p "$work/root/w/tree/a/b"
    seq 20000 > "$work/root/w/tree/a/b/numbers"
    cp -a "$work/root" "$work/native"
}

teardown() { rm -rf "$work"; }

# qemu ARG...: tests/pvh/qemu; where it can't run, neither can the test
qemu() {
    run --separate-stderr timeout 100 "$QEMU" "$@"
    [ "$status" -ne 77 ] || skip "$stderr"
}

# The host's listing of a tree: names, types, modes, owners, contents
listing() {
    (cd "$1/w" && find . -printf '%p %y %m %U:%G %l\n' | sort && find . -type f -exec cksum {} + | sort -k 3)
}

# What both sides run. The kernel's command line has no way to write a double quote.
script='cd /w && sort -r lines && wc -l < tree/a/b/numbers && sha1sum < tree/a/b/numbers
mkdir -p new/deep && for i in 1 2 3; do echo "file $i" > new/deep/$i; done
mv new/deep/2 new/two && rm new/deep/3 && ln -s ../lines new/link && ln new/two new/hard
chmod 640 new/two && chown 12:34 new/deep/1 && cat new/link && readlink new/link
sed -i s/two/zwei/ lines && cat lines && tar -c tree | gzip > tree.tgz && tar -tzf tree.tgz
seq 500000 > big && truncate -s 1000000 big && wc -c < big
stat -c "%s %a %u:%g %h %n" new/two new/deep/1; ls -R new; rm tree.tgz
cat /nosuch 2> /dev/null || echo "status $?"; cd / && rmdir /w/new 2> /dev/null || exit 9'

@test "busybox over virtiofsd does what it does on the host" {
    local r
    for r in root native; do echo "$script" > "$work/$r/t/script.sh"; done
    run chroot "$work/native" /bin/sh /t/script.sh
    [ "$status" -eq 9 ]
    [[ $output == *zwei*"status 1" ]]
    echo "$output" > "$work/want"
    qemu "$work/root" /bin/sh /t/script.sh
    diff "$work/want" <(echo "$output")
    [ "$status" -eq 9 ]
    diff <(listing "$work/native") <(listing "$work/root")
}

@test "two CPUs, input and output by QEMU's console" {
    seq 1000 > "$work/in"
    run --separate-stderr timeout 100 "$QEMU" -smp 2 "$work/root" /bin/sh -c \
        'read a; read b; echo $a $b; head -n 998 | sha1sum; nproc' < "$work/in"
    [ "$status" -ne 77 ] || skip "$stderr"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "1 2" ]
    [ "${lines[1]}" = "$(seq 3 1000 | sha1sum)" ]
    [ "${lines[2]}" = 2 ]
}

@test "entropy: no two boots draw the same numbers" {
    local first
    qemu "$work/root" /bin/sh -c 'head -c 32 /dev/random | sha1sum'
    [ "$status" -eq 0 ]
    first=$output
    [ -n "$first" ]
    qemu "$work/root" /bin/sh -c 'head -c 32 /dev/random | sha1sum'
    [ "$output" != "$first" ]
}

@test "the root may be an archive that QEMU loads" {
    (cd "$work/root" && find . | cpio -o -H newc --quiet) > "$work/root.cpio"
    qemu "$work/root.cpio" /bin/sh -c 'cat /w/lines; sha1sum < /w/tree/a/b/numbers; exit 3'
    [ "$status" -eq 3 ]
    [ "$output" = "one
two
three
$(seq 20000 | sha1sum)" ]
}
