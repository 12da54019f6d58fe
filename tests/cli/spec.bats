load helpers

@test "spec writes a config.json that xenc accepts" {
    mkdir "$B"
    run xenc spec --bundle "$B"
    [ "$status" -eq 0 ]
    grep -q '"ociVersion"' "$B/config.json"
    # The only thing that is missing now is the root file system.
    fails 'root.path: root file system' run -b "$B" x
}

@test "spec never overwrites" {
    mkdir "$B"
    echo mine > "$B/config.json"
    fails 'config.json exists' spec -b "$B"
    [ "$(cat "$B/config.json")" = mine ]
}

@test "spec --rootless maps the caller" {
    mkdir "$B"
    run xenc spec -b "$B" --rootless
    [ "$status" -eq 0 ]
    grep -q "\"hostID\": $(id -u)" "$B/config.json"
    grep -q '"type": "user"' "$B/config.json"
}

@test "spec says which folder is missing" {
    fails 'nosuch: No such file' spec -b "$T/nosuch"
    fails 'takes no arguments' spec extra
}

@test "xenc.conf says what containers get, a flag counts more" {
    bundle "$B" true
    echo 'domain = hvm' > "$T/conf"
    fails "$T/conf:1: domain: takes auto, pv or pvh" --config "$T/conf" run -b "$B" x
    printf '# ours\n\nfoo = 1\n' > "$T/conf"
    fails "$T/conf:3: unknown key \"foo\"" --config "$T/conf" run -b "$B" x
    fails "$T/nosuch: No such file" --config "$T/nosuch" run -b "$B" x
    printf 'domain = pv     # the wall\nannotations = domain, vcpus\n' > "$T/conf"
    run xenc --config "$T/conf" --log "$T/log" run -b "$B" x
    [ "$status" -eq 0 ]
    grep -q 'level=info msg="domain: pv: asked for"' "$T/log"
    TOP='"annotations": {"xenc.strace": "true"}' bundle "$B" true
    fails 'annotations["xenc.strace"]: not allowed' --config "$T/conf" run -b "$B" x
    TOP='"annotations": {"xenc.vcpus": "1"}' bundle "$B" true
    run xenc --config "$T/conf" --domain auto --log "$T/log2" run --domain pv -b "$B" x
    [ "$status" -eq 0 ]
}
