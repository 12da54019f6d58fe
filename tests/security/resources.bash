# Everything that can be used up. The container may suffer; it ends or goes on, in time.
# shellcheck shell=bash disable=SC2154

# expect_out NAME PATTERN: of the last guest
expect_out() {
    [[ $output =~ $2 ]] || problem="$problem
status $status, got: $output"
    verdict "$1" "$problem"
}

limited=$work/limited
mkdir -p "$limited"
write_config "$limited/config.json" '"pids": { "limit": 64 }, "memory": { "limit": 67108864 }'
bundle=$limited guest 5 /bin/true
if [ "$status" = 0 ]; then cgroups=yes; else why="no cgroups here: ${output:0:80}"; fi

limited_test() {
    local name=$1 pattern=$2
    shift 2
    if [ -z "$cgroups" ]; then skip "$name" "$why"; return; fi
    bundle=$limited guest 10 "$@"
    expect_out "$name" "$pattern"
}

limited_test "fork bomb: EAGAIN, and the container lives on" \
    'EAGAIN after [1-6]?[0-9].*then: fork works$' /bin/exhaust fork
limited_test "thread bomb: EAGAIN" 'EAGAIN after [1-6]?[0-9]$' /bin/exhaust threads
limited_test "fork bomb behind the guest kernel's back: EAGAIN" 'EAGAIN after [1-6]?[0-9]$' \
    /bin/exhaust rawfork
limited_test "memory hog: killed with a report, as on a host" \
    'out of memory: killed process 1 \(exhaust\)' /bin/exhaust hog
[ -z "$cgroups" ] || [ "$status" = 137 ] || not_ok "its status is that of SIGKILL" "status $status"
limited_test "memory hogs: the largest are killed, their parent lives" \
    'some killed, the parent lives.*out of memory: killed process|out of memory: killed process.*some killed, the parent lives' \
    /bin/exhaust hogs
limited_test "memory hog behind the guest kernel's back: the host kills it, with a report" \
    'killed by the host' /bin/exhaust rawhog
canary_check "exhaustion with limits"

guest 20 /bin/exhaust rawthreads
expect_out "threads behind the guest kernel's back, no cgroup: bounded" '^EAGAIN after ([0-9]{1,3}|[1-4][0-9]{3})$'
guest 20 /bin/exhaust fds
expect_out "20 processes with 1000 files each: files work afterwards" 'then: files work'
guest 10 /bin/exhaust signals
expect_out "every signal to every process" 'done'
canary_check "exhaustion without limits"

guest 10 /bin/exhaust rawexit
expect_out "a process that ends behind the guest kernel's back ends the domain, with a report" \
    'xenc: .*killed by the host'

problem=''
detached /bin/exhaust spin
g=$(guests_of "$id" | head -n 1)
kill_now
verdict "an endless loop is killed at once" "$problem"

problem=''
new_id
xenc_for 10 run -b "$work/b" "$id" -- /bin/sh -c 'echo ready; sleep 1000 & sleep 1000; echo not reached' \
    > "$work/out" 2>&1 < /dev/null &
job=$!
for i in $(seq 50); do grep -q ready "$work/out" && [ "$(guests_of "$id" | wc -l)" -ge 3 ] && break; sleep 0.1; done
kill -KILL "$(guests_of "$id" | tail -n 1)"
wait $job
status=$?
output=$(cat "$work/out")
[ $status -ne 0 ] || problem="status 0"
problem+=$(left_problem)
expect_out "a guest process killed by the host ends the domain, with a report" 'xenc: .*killed by the host'

# Host processes that are kept for the next exec (plat/pv/spare.c) idle for a second: all but
# the domain's first are such, while a shell waits without making one.
spares_of() { guests_of "$id" | sed 1d; }
spare_script='/bin/busybox true; /bin/busybox true; echo ready
              until [ -e /go ]; do :; done; /bin/busybox true && echo still works; sleep 1000'

problem='' killed=0
for i in 1 2 3 4 5; do
    rm -f "$work/b/rootfs/go"
    detached /bin/sh -c "$spare_script"
    for p in $(spares_of); do kill -KILL "$p" 2> /dev/null && killed=$((killed + 1)); done
    touch "$work/b/rootfs/go"
    for j in $(seq 50); do grep -q 'still works' "$work/out" && break; sleep 0.1; done
    grep -q 'still works' "$work/out" || problem="no exec after $killed kills: $(cat "$work/out")"
    kill_now
    [ -z "$problem" ] && [ $killed = 0 ] || break
done
rm -f "$work/b/rootfs/go"
[ $killed -gt 0 ] || problem+=" no host process was kept"
verdict "a spare that the host kills is done without" "$problem"

problem=''
detached /bin/sh -c "$spare_script"
for i in $(seq 50); do [ -z "$(spares_of)" ] && break; sleep 0.1; done
[ -z "$(spares_of)" ] || problem="still there: $(spares_of)"
kill_now
verdict "spares end when nothing is executed" "$problem"

problem=''
detached /bin/sh -c 'echo ready; sleep 1000'
for i in $(seq 20); do
    w=$(worker_of "$id")
    kill -KILL "$w"
    for j in $(seq 50); do n=$(worker_of "$id"); [ -n "$n" ] && [ "$n" != "$w" ] && break; sleep 0.02; done
done
[ -n "$(monitor_of "$id")" ] || problem="the domain has ended: $(cat "$work/out")"
[ "$(grep -c 'xenc-dev: killed by signal 9, started again' "$work/out")" = 20 ] ||
    problem+=" not 20 lines in the log: $(cat "$work/out")"
kill_now
verdict "a driver domain's worker may be killed: another one takes over" "$problem"

problem=''
detached /bin/sh -c 'echo ready; sleep 1000'
kill -KILL "$(supervisor_of "$id")"
for i in $(seq 50); do [ -z "$(monitor_of "$id")" ] && break; sleep 0.05; done
[ -z "$(monitor_of "$id")" ] || problem="the monitor lives on"
grep -q 'xenc: the driver domain ended' "$work/out" || problem+=" no report: $(cat "$work/out")"
xenc delete --force "$id"
verdict "a driver domain whose supervisor is killed ends the domain, with a report" "$problem$(left_problem)"

problem=''
detached /bin/sh -c 'echo ready; sleep 1000'
all=$(pgrep -P "$(monitor_of "$id")" | paste -sd,)
kill -KILL "$(monitor_of "$id")"
for i in $(seq 50); do [ -z "$(ps -o pid= -p "$all")" ] && break; sleep 0.05; done
left=$(ps -o pid=,stat=,args= -p "$all" | grep -v ' Z')
[ -z "$left" ] || problem="left: $left"
xenc delete --force "$id" || problem="delete fails"
verdict "a monitor that is killed takes the whole domain along" "$problem$(left_problem)"
canary_check "kills from outside"
