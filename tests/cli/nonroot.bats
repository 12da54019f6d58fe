# Without root, where the host lets users make user namespaces.
bats_require_minimum_version 1.5.0
load helpers

# as_nobody ARG...: xenc as an unprivileged user, on a folder of theirs
as_nobody() {
    timeout -k 5 $((60 * SLOWER)) setpriv --reuid 65534 --regid 65534 --clear-groups \
        env XDG_RUNTIME_DIR="$T" TMPDIR="$T" "$XENC" "$@" 3>&-
}

# The setup of all tests here.
need() {
    [ "$(id -u)" -eq 0 ] || skip "must be root to become another user"
    command -v setpriv > /dev/null || skip "no setpriv(1) (package util-linux)"
    chown -R 65534:65534 "$T"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$XENC" --version > /dev/null ||
        skip "another user can't run $XENC"
    setpriv --reuid 65534 --regid 65534 --clear-groups unshare -U true 2> /dev/null ||
        skip "this host allows no user namespaces"
}

@test "a bundle runs, with its state below XDG_RUNTIME_DIR" {
    bundle "$B" sh -c 'id -u; ls -ln /bin/busybox | { read a b c d e; echo $c $d; }; echo x > /tmp/f; exit 6'
    need
    run -6 as_nobody run -b "$B" x
    [ "$output" = $'0\n0 0' ]
    [ "$(stat -c %u "$B/rootfs/tmp/f")" = 65534 ]
    [ -d "$T/xenc" ]
    [ -z "$(ls -A "$T/xenc")" ]
}

@test "spec --rootless gives a configuration that runs" {
    bundle "$B" true
    rm "$B/config.json"
    need
    as_nobody spec --rootless -b "$B"
    sed -i 's/"terminal": true/"terminal": false/' "$B/config.json"
    run as_nobody run -b "$B" x -- echo hi
    [ "$output" = hi ]
}

@test "without XDG_RUNTIME_DIR it says what is needed" {
    need
    run setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_RUNTIME_DIR "$XENC" list
    [ "$status" -eq 1 ]
    [ "$output" = "xenc: not root: set XDG_RUNTIME_DIR or give --root DIR" ]
}

@test "a root file system that can't be read" {
    bundle "$B" true
    need
    chown 0:0 "$B/rootfs"
    chmod 700 "$B/rootfs"
    run as_nobody run -b "$B" x
    [ "$status" -eq 1 ]
    [[ $output == "xenc: root.path: root file system "*"Permission denied" ]]
    [ -z "$(ls -A "$T/xenc" 2> /dev/null)" ]
}
