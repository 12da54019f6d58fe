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

@test "they count what happens: memory, processes, who had to go" {
    MOUNTS='{ "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup" }'
    LINUX='"resources": { "memory": { "limit": 67108864 } }'
    bundle "$B" /bin/sh -c 'cd /sys/fs/cgroup
        v() { while read -r k n; do [ "$k" != "$1" ] || echo "$n"; done < "$2"; }
        v oom_kill memory.events
        (sleep 1 & sleep 1 & sleep 1 & wait)
        [ "$(cat pids.peak)" -ge 4 ] && [ "$(cat pids.peak)" -lt 20 ] && echo peak
        a=$(v anon memory.stat); [ "$a" -gt 4096 ] && [ "$(cat memory.current)" -ge "$a" ] && echo anon
        dd if=/dev/zero of=/dev/null bs=200M count=1 2> /dev/null || echo "dd $?"
        v oom_kill memory.events; v oom_kill /proc/vmstat; v max pids.events'
    ln -sf busybox "$B/rootfs/bin/dd"
    ln -sf busybox "$B/rootfs/bin/sleep"
    output=$(xenc run -b "$B" counts 2> /dev/null)     # the log says who had to go
    [ "$output" = "$(printf '%s\n' 0 peak anon 'dd 137' 1 1 0)" ] || { echo "$output"; false; }
}
