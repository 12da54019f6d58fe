# The container's cgroup on this host's hierarchies.
load helpers

# Where a controller is mounted, by either version.
hierarchy() {
    local d
    for d in "/sys/fs/cgroup/$1" /sys/fs/cgroup/*,"$1" /sys/fs/cgroup/"$1",*; do
        [ -d "$d" ] && { echo "$d"; return; }
    done
    grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2> /dev/null && echo /sys/fs/cgroup
}

setup_file() {
    export CG=xenc-test-$$
}

teardown() {
    local id
    for id in $(xenc list -q 2>/dev/null); do
        xenc delete --force "$id"
    done
    rm -rf "$T"
    find /sys/fs/cgroup -depth -type d -path "*/$CG*" -exec rmdir {} + 2> /dev/null || true
}

@test "limits are set, the domain is inside, and all is removed" {
    [ "$(id -u)" -eq 0 ] || skip "not root: no permission to make cgroups"
    local pids
    pids=$(hierarchy pids)
    [ -n "$pids" ] || skip "no pids controller on this host"
    LINUX='"cgroupsPath": "/'$CG'/c", "resources": {"pids": {"limit": 50}, "cpu": {"shares": 0}}' \
        bundle "$B" sleep 1000
    xenc run -d --pid-file "$T/pid" -b "$B" x > "$T/out" 2>&1
    wait_status x running
    grep -qx "$(cat "$T/pid")" "$pids/$CG/c/cgroup.procs"
    [ "$(cat "$pids/$CG/c/pids.max")" -ge 50 ]
    xenc delete --force x
    [ -d "$pids/$CG" ]
    [ ! -d "$pids/$CG/c" ]
    run find /sys/fs/cgroup -type d -path "*/$CG/c"
    [ -z "$output" ]
    nothing_left
}

@test "a limit that the host can't set is an error, and leaves nothing" {
    [ "$(id -u)" -eq 0 ] || skip "not root: no permission to make cgroups"
    [ -n "$(hierarchy cpuset)" ] || skip "no cpuset controller on this host"
    LINUX='"cgroupsPath": "/'$CG'/d", "resources": {"cpu": {"cpus": "9999"}}' bundle "$B" true
    fails 'linux.resources.cpu.cpus: write 9999' run -b "$B" x
    run find /sys/fs/cgroup -type d -path "*/$CG/d"
    [ -z "$output" ]
    nothing_left
}
