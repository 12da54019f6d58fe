# create, start, state, kill, delete, as engines call them.
load helpers

@test "create, start, state, delete" {
    bundle "$B" sh -c 'echo ran; sleep 1000'
    # Not by bats' run: it would wait for the container to close its output.
    xenc create --bundle "$B" --pid-file "$T/pid" x > "$T/out" 2>&1
    wait_status x created
    kill -0 "$(cat "$T/pid")"
    [ "$(xenc state x | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')" = "$(cat "$T/pid")" ]
    [ ! -s "$T/out" ]
    run xenc start x
    [ "$status" -eq 0 ]
    wait_status x running
    for _ in $(seq $((100 * SLOWER))); do grep -q ran "$T/out" && break; sleep 0.1; done
    grep -q ran "$T/out"
    fails 'cannot start an already running container' start x
    fails 'not stopped: running' delete x
    run xenc kill x KILL
    [ "$status" -eq 0 ]
    wait_status x stopped
    fails 'container not running' kill x TERM
    fails 'cannot start a container that has stopped' start x
    run xenc delete x
    [ "$status" -eq 0 ]
    nothing_left
}

@test "run --detach and delete --force leave nothing" {
    bundle "$B" sleep 1000
    xenc run -d --pid-file "$T/pid" -b "$B" x > /dev/null 2>&1
    wait_status x running
    run xenc list
    [[ ${lines[1]} == "x "*" running "* ]]
    run xenc delete --force x
    [ "$status" -eq 0 ]
    nothing_left
    gone "$(cat "$T/pid")"
}

@test "a created container may be deleted" {
    bundle "$B" sleep 1000
    xenc create -b "$B" --pid-file "$T/pid" x > /dev/null 2>&1
    run xenc delete x
    [ "$status" -eq 0 ]
    nothing_left
    gone "$(cat "$T/pid")"
}

@test "a detached program's own end" {
    bundle "$B" sh -c 'exit 3'
    xenc run -d -b "$B" x > /dev/null 2>&1
    wait_status x stopped
    run xenc delete x
    [ "$status" -eq 0 ]
    nothing_left
}

@test "signals by xenc kill" {
    bundle "$B" sh -c 'trap "echo usr1" USR1; trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.1; done'
    xenc run -d -b "$B" x > "$T/out" 2>&1
    for _ in $(seq $((100 * SLOWER))); do grep -q ready "$T/out" && break; sleep 0.1; done
    xenc kill x SIGUSR1
    for _ in $(seq $((100 * SLOWER))); do grep -q usr1 "$T/out" && break; sleep 0.1; done
    grep -q usr1 "$T/out"
    xenc kill x 15
    wait_status x stopped
    grep -q bye "$T/out"
    xenc delete x
}

@test "xenc run killed hard: its container can be deleted" {
    bundle "$B" sleep 1000
    "$XENC" --root "$ROOT" run -b "$B" x > /dev/null 2>&1 < /dev/null 3>&- &
    local job=$!
    wait_status x running
    kill -9 $job
    wait $job || true
    run xenc delete --force x
    [ "$status" -eq 0 ]
    nothing_left
}

@test "delete --force while xenc run waits" {
    bundle "$B" sleep 1000
    local rc=0
    xenc run -b "$B" x > /dev/null 2>&1 < /dev/null &
    local job=$!
    wait_status x running
    run xenc delete --force x
    [ "$status" -eq 0 ]
    wait $job || rc=$?
    [ "$rc" -eq 137 ]
    nothing_left
}

@test "hooks run at their points with the state on their input" {
    local h='[{"path": "/bin/sh", "args": ["sh", "-c", "echo $0 >> '$T'/log; cat > '$T'/$0.json", "NAME"]}]'
    TOP='"hooks": {"prestart": '${h/NAME/prestart}', "createRuntime": '${h/NAME/createRuntime}',
         "createContainer": '${h/NAME/createContainer}', "poststart": '${h/NAME/poststart}',
         "poststop": '${h/NAME/poststop}'}' bundle "$B" true
    run xenc run -b "$B" x
    [ "$status" -eq 0 ]
    [ "$(tr '\n' ' ' < "$T/log")" = "prestart createRuntime createContainer poststart poststop " ]
    grep -q '"status": "creating"' "$T/prestart.json"
    grep -q '"pid": [1-9]' "$T/createRuntime.json"
    grep -q '"status": "stopped"' "$T/poststop.json"
    grep -q "\"bundle\": \"$B\"" "$T/poststop.json"
    nothing_left
}

@test "a failing or slow hook ends the container" {
    TOP='"hooks": {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no luck >&2; exit 3"]}]}' \
        bundle "$B" true
    fails 'hooks.createRuntime[0]: /bin/sh: exit status 3: no luck' run -b "$B" x
    TOP='"hooks": {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}]}' \
        bundle "$B" true
    fails 'hooks.prestart[0]: /bin/sleep: process took longer' create -b "$B" x
    TOP='"hooks": {"prestart": [{"path": "/no/such/hook"}]}' bundle "$B" true
    fails 'hooks.prestart[0]: /no/such/hook' run -b "$B" x
    nothing_left
}
