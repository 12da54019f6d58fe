# Flags, help, log lines: nothing here needs a domain.
load helpers

@test "--version names xenc and the specification" {
    run xenc --version
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "xenc version "* ]]
    [[ ${lines[1]} == "spec: 1."* ]]
    run xenc -v
    [ "$status" -eq 0 ]
}

@test "help lists every verb, and each verb's flags" {
    run xenc --help
    [ "$status" -eq 0 ]
    for v in create delete features kill list run spec start state; do
        [[ $output == *"$v"* ]]
    done
    run xenc run --help
    [ "$status" -eq 0 ]
    [[ $output == *--console-socket* && $output == *--detach* ]]
    run xenc help create
    [ "$status" -eq 0 ]
    [[ $output == *--pid-file* && $output != *--detach* ]]
    fails 'unknown command "nope"' help nope
}

@test "unknown verbs and flags are errors" {
    fails 'unknown command "nope"' nope
    fails 'unknown flag --nope' --nope list
    fails 'unknown flag --nope' list --nope
    fails 'needs a value' run --bundle
    fails 'takes true or false' delete --force=maybe x
}

@test "verbs that are planned say so" {
    for v in exec ps update events checkpoint restore; do
        fails "$v is not supported yet" "$v" x
    done
}

@test "global flags are checked" {
    fails 'systemd-cgroup is not supported' --systemd-cgroup list
    fails '--domain takes auto, pv or pvh' --domain xen list
    fails '--log-format takes text or json' --log-format xml list
    fails 'log file' --log "$T/no/such/log" list
    run xenc --domain=pv --debug list
    [ "$status" -eq 0 ]
}

@test "flags may be written as Go writes them, and behind the arguments" {
    run xenc -log-format=text list -q
    [ "$status" -eq 0 ]
    run xenc delete nothere --force
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "--log gets the error as JSON that engines can read" {
    run xenc --log "$T/log" --log-format json delete nothere
    [ "$status" -eq 1 ]
    [ "$output" = "xenc: container nothere does not exist" ]
    grep -q '^{"level":"error","msg":"container nothere does not exist","time":"[-0-9T:]*Z"}$' "$T/log"
    [ "$(wc -l < "$T/log")" -eq 1 ]
}

@test "--log gets the error as text" {
    run xenc --log "$T/log" delete nothere
    grep -q '^time="[^"]*" level=error msg="container nothere does not exist"$' "$T/log"
}

@test "features is JSON with the fields that have no meaning" {
    xenc features > "$T/f"
    grep -q '"ociVersionMax": "1\.' "$T/f"
    grep -q '"CAP_CHOWN"' "$T/f"
    grep -q 'process.apparmorProfile' "$T/f"
    if command -v python3 > /dev/null; then
        python3 -m json.tool < "$T/f" > /dev/null
    fi
}

@test "a closed standard output is an error, not silence" {
    run bash -c "'$XENC' features > /dev/full"
    [ "$status" -eq 1 ]
    [[ $output == *"standard output"* ]]
}
