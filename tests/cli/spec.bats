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
