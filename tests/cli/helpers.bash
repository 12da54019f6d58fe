# What all command line tests share. Each test has a folder and a state root of its own.

XENC=${XENC:-$BATS_TEST_DIRNAME/../../build/xenc}
# How much longer than usual things may take; LIMIT is tests/guest/run's, and usually 20.
SLOWER=$(((${LIMIT:-20} + 19) / 20))

setup() {
    T=$(mktemp -d)
    ROOT=$T/root
    B=$T/b
}

# Ends what a failed test has left running; a test of its own checks that none is left.
teardown() {
    local id
    for id in $(xenc list -q 2>/dev/null); do
        xenc delete --force "$id"
    done
    rm -rf "$T"
}

# A hang is a failure. Descriptor 3 is bats' own: a detached container must not hold it.
xenc() {
    timeout -k 5 $((60 * SLOWER)) "$XENC" --root "$ROOT" "$@" 3>&-
}

root_of() {
    mkdir -p "$1"/{bin,etc,tmp}
    cp /bin/busybox "$1/bin/busybox"
    # One process for all: each costs time in an emulator.
    (cd "$1/bin" && perl -e 'symlink "busybox", $_ for @ARGV' \
        sh cat echo sleep true false id ls stty kill env pwd head wc)
    printf 'root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n' > "$1/etc/passwd"
}

# bundle DIR ARG...: busybox as root file system, ARGs as the program. The rest of
# config.json comes from the variables PROCESS, TOP and LINUX (more JSON members).
bundle() {
    local dir=$1 args='' a
    shift
    [ -e "$dir/rootfs/etc/passwd" ] || root_of "$dir/rootfs"
    for a in "$@"; do
        a=${a//\\/\\\\}
        args+="${args:+, }\"${a//\"/\\\"}\""
    done
    cat > "$dir/config.json" <<END
{
  "ociVersion": "1.0.2",
  "process": {
    "terminal": ${TERMINAL:-false},
    "user": { "uid": 0, "gid": 0 },
    "args": [$args],
    "env": ["PATH=/bin"],
    "cwd": "/"${PROCESS:+, $PROCESS}
  },
  "root": { "path": "rootfs" },
  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" }${MOUNTS:+, $MOUNTS} ],
  "linux": { "namespaces": [ { "type": "pid" }, { "type": "mount" } ]${LINUX:+, $LINUX} }${TOP:+, $TOP}
}
END
}

# fails MESSAGE ARG...: xenc ARG... prints one line with MESSAGE in it, status 1.
fails() {
    local want=$1
    shift
    run xenc "$@"
    [ "$status" -eq 1 ] || { echo "status $status of: $*: $output"; return 1; }
    [ "${#lines[@]}" -eq 1 ] || { echo "not one line: $output"; return 1; }
    [[ $output == "xenc: "*"$want"* ]] || { echo "got: $output, wanted: $want"; return 1; }
}

nothing_left() {
    local left
    left=$(ls -A "$ROOT" 2>/dev/null || true)
    [ -z "$left" ] || { echo "left in the state root: $left"; return 1; }
}

# gone PID: there is no such process, or only what nobody has waited for yet
gone() {
    local state
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2> /dev/null || true)
    [ -z "$state" ] || [ "$state" = Z ] || { echo "process $1 is there: $state"; return 1; }
}

# wait_status ID STATUS
wait_status() {
    local i
    for i in $(seq $((100 * SLOWER))); do
        [[ $(xenc state "$1" 2> /dev/null) == *"\"status\": \"$2\""* ]] && return 0
        sleep 0.1
    done
    echo "$1 did not become $2: $(xenc state "$1")"
    return 1
}
