# What programs are told of the container's limits.
load helpers

@test "cgroup files name the limits of config.json" {
    MOUNTS='{ "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup" }'
    LINUX='"resources": { "memory": { "limit": 268435456 }, "pids": { "limit": 77 },
           "cpu": { "quota": 150000, "period": 100000, "shares": 1024 } }'
    bundle "$B" /bin/sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max cpu.weight; cat cgroup.controllers; grep -c " - cgroup2 " /proc/self/mountinfo; cat /proc/self/cgroup'
    ln -sf busybox "$B/rootfs/bin/grep"
    run xenc run -b "$B" limits
    [ "$output" = "$(printf '%s\n' 268435456 '150000 100000' 77 39 'cpuset cpu memory pids' 1 0::/)" ] || { echo "$output"; false; }
}

@test "without limits they say max, and nobody can write there" {
    MOUNTS='{ "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup" }'
    bundle "$B" /bin/sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max; echo 1 2> /dev/null > memory.max || echo no; mkdir sub 2> /dev/null || echo no; [ $(head -1 cgroup.procs) = 1 ] && echo pid 1'
    ln -sf busybox "$B/rootfs/bin/mkdir"
    run xenc run -b "$B" nolimits
    [ "$output" = "$(printf '%s\n' max 'max 100000' max no no 'pid 1')" ] || { echo "$output"; false; }
}
