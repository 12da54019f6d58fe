# One clear line, status 1, nothing left behind.
load helpers

@test "missing or malformed bundle" {
    fails 'nosuch: No such file' run -b "$T/nosuch" x
    mkdir "$B"
    fails 'config.json: No such file' run -b "$B" x
    echo '{' > "$B/config.json"
    fails 'config.json' run -b "$B" x
    echo '[]' > "$B/config.json"
    fails 'must be an object' run -b "$B" x
    nothing_left
}

@test "missing root file system" {
    bundle "$B" true
    rm -r "$B/rootfs"
    fails 'root.path: root file system' run -b "$B" x
    touch "$B/rootfs"
    fails 'Not a directory' create -b "$B" x
    nothing_left
}

@test "bad ids" {
    bundle "$B" true
    for id in . .. a/b 'a b' ../x 'ü' "$(printf 'x%.0s' $(seq 300))"; do
        fails 'container id' run -b "$B" "$id"
        fails 'container id' state "$id"
        fails 'container id' delete --force "$id"
    done
    fails 'container id' run -b "$B" ''
    fails 'exactly one container id' run -b "$B"
    fails 'exactly one container id' run -b "$B" a b
    nothing_left
}

@test "an id that exists" {
    bundle "$B" true
    mkdir -p "$ROOT/x"
    fails 'container with id x exists already' run -b "$B" x
    fails 'container with id x exists already' create -b "$B" x
    [ -d "$ROOT/x" ]
    rmdir "$ROOT/x"
}

@test "fields that can't be carried out are refused by name" {
    LINUX='"namespaces": [{"type": "network", "path": "/proc/1/ns/net"}]' bundle "$B" true
    sed -i 's/"namespaces": \[ { "type": "pid" }, { "type": "mount" } \], //' "$B/config.json"
    fails 'linux.namespaces: joining a network namespace' run -b "$B" x
    TOP='"hooks": {"startContainer": [{"path": "/bin/true"}]}' bundle "$B" true
    fails 'hooks.startContainer' run -b "$B" x
    LINUX='"rootfsPropagation": "shared"' bundle "$B" true
    fails 'linux.rootfsPropagation' run -b "$B" x
    MOUNTS='{"destination": "/m", "type": "ext4", "source": "/dev/sda"}' bundle "$B" true
    fails 'mounts[1].type: "ext4"' run -b "$B" x
    MOUNTS='{"destination": "/m", "type": "bind", "source": "/nosuch", "options": ["bind"]}' \
        bundle "$B" true
    fails 'mounts[1].source: /nosuch: No such file' run -b "$B" x
    MOUNTS='{"destination": "/m", "type": "bind", "source": "/dev/null", "options": ["bind"]}' \
        bundle "$B" true
    fails 'mounts[1].source: /dev/null is neither' run -b "$B" x
    TOP='"annotations": {"xenc.domian": "pv"}' bundle "$B" true
    fails 'annotations["xenc.domian"]: unknown' run -b "$B" x
    TOP='"annotations": {"xenc.domain": "hvm"}' bundle "$B" true
    fails 'annotations["xenc.domain"]: takes' run -b "$B" x
    TOP='"vm": {"kernel": {"parameters": []}}' bundle "$B" true
    fails 'vm.kernel.path: ' run -b "$B" x
    TOP='"annotations": {"xenc.kernel": "/nosuch"}' bundle "$B" true
    fails 'annotations["xenc.kernel"]: another kernel needs a pvh domain' --domain pv run -b "$B" x
    fails 'takes auto, pv or pvh' run --domain hvm -b "$B" x
    PROCESS='"rlimits": [{"type": "RLIMIT_FOO", "soft": 1, "hard": 1}]' bundle "$B" true
    fails 'process.rlimits[0].type' run -b "$B" x
    LINUX='"cgroupsPath": "system.slice:x:y"' bundle "$B" true
    fails 'linux.cgroupsPath: "system.slice:x:y" is meant for the systemd driver' run -b "$B" x
    LINUX='"cgroupsPath": "/../etc"' bundle "$B" true
    fails 'linux.cgroupsPath' run -b "$B" x
    nothing_left
}

@test "terminal combinations" {
    TERMINAL=true bundle "$B" true
    fails 'standard input is not a terminal' run -b "$B" x < /dev/null
    fails 'needs --console-socket' create -b "$B" x
    fails 'needs --console-socket' run -d -b "$B" x
    fails 'console socket' create --console-socket "$T/nosuch" -b "$B" x
    bundle "$B" true
    fails 'process.terminal is false' create --console-socket "$T/s" -b "$B" x
    nothing_left
}

@test "flags that can't be kept" {
    bundle "$B" true
    fails '--preserve-fds is not supported' run --preserve-fds 1 -b "$B" x
    fails 'exclude each other' run --image "$T/i" -b "$B" x
    nothing_left
}

@test "a container that does not exist" {
    for v in state start delete kill; do
        fails 'container nothere does not exist' "$v" nothere
    done
    run xenc delete --force nothere
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "a pid file that can't be written leaves no container" {
    bundle "$B" sleep 1000
    fails '--pid-file' run -d --pid-file "$T/no/such/file" -b "$B" x
    nothing_left
}
