# The state store, also as a crash leaves it.
load helpers

# crashed ID PID: the state of a container whose xenc was killed
crashed() {
    mkdir -p "$ROOT/$1"
    cat > "$ROOT/$1/state.json" <<END
{ "ociVersion": "1.0.2", "id": "$1", "bundle": "/b", "rootfs": "/b/rootfs",
  "created": "2026-01-01T00:00:00.000000000Z", "cgroups": "", "tempBundle": "",
  "pid": $2, "startTime": 1, "owner": 0, "started": true, "paused": false,
  "annotations": { "a\\u0009\\"b": "c" } }
END
}

@test "an empty root lists nothing" {
    run xenc list
    [ "$status" -eq 0 ]
    [ "$output" = "ID          PID         STATUS      BUNDLE      CREATED     OWNER" ]
    run xenc list -q
    [ -z "$output" ]
    run xenc list --format json
    [ "$output" = null ]
    fails 'takes table or json' list --format xml
}

@test "a reused pid is not taken for the container" {
    crashed x $$
    run xenc state x
    [ "$status" -eq 0 ]
    [[ $output == *'"status": "stopped"'* && $output == *'"pid": 0'* ]]
    [[ $output == *'"a\u0009\"b": "c"'* ]]
    fails 'container not running' kill x TERM
    fails 'cannot start a container that has stopped' start x
    run xenc delete x
    [ "$status" -eq 0 ]
    nothing_left
    kill -0 $$
}

@test "list in its three forms" {
    crashed one 999999
    crashed a-much-longer-name 999999
    run xenc list
    [[ ${lines[1]} == "a-much-longer-name   0           stopped     /b          2026-01-01T00:00:00.000000000Z   root" ]]
    [[ ${lines[2]} == "one                  0           stopped     /b "* ]]
    run xenc list -q
    [ "$output" = "a-much-longer-name"$'\n'one ]
    run xenc list -f json
    [[ $output == '[{'*'"id": "one"'*'}]' ]]
}

@test "damaged state: list goes on, delete --force removes" {
    crashed good 999999
    mkdir -p "$ROOT/empty" "$ROOT/bad"
    echo '{ "id": ' > "$ROOT/bad/state.json"
    run xenc list -q
    [ "$status" -eq 0 ]
    [[ $output == *good* ]]
    fails 'damaged' delete empty
    fails 'damaged' delete bad
    for id in empty bad good; do
        run xenc delete --force "$id"
        [ "$status" -eq 0 ]
    done
    nothing_left
}

@test "signals by name and number" {
    crashed x 999999
    for s in TERM SIGTERM sigkill 9 RTMIN+1; do
        fails 'container not running' kill x "$s"
    done
    fails 'unknown signal "FOO"' kill x FOO
    fails 'unknown signal "99"' kill x 99
    fails 'unknown flag -1' kill x -1
    run xenc kill --all x KILL
    [ "$status" -eq 0 ]
}
