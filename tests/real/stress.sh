# The stressors of stress-ng's class "os", a second each with --verify, in two containers at a
# time. stress.skip says which are left out and why. The host is not asked: some of them change
# the machine that they run on (its clock, processors, memory), and only their own checks count.

# stress_half N NAME...: results in $work/stress.N; a container that ends early costs only the
# stressor that it was at
stress_half() {
    local n=$1 out=$work/stress.$1 part=$work/stress.$1.part last
    shift
    : > "$out"
    while [ $# -gt 0 ]; do
        id=real-$$-stress-$n-$#
        timeout -k 10 800 "$XENC" --root "$work/state" run -b "$work/bundle" "$id" -- \
            bash /t/src/stress_some.sh "$n" "$@" < /dev/null > "$part" 2>&1
        end_container "$id"
        cat "$part" >> "$out"
        last=$(sed -n 's/^@ \(.*\) begins$/\1/p' "$part" | tail -n 1)
        if [ -n "$last" ] && ! grep -q "^@ $last [0-9]" "$part"; then
            echo "@ $last 255 ended the container: $(grep -v '^@' "$part" | tail -n 2 | tr '\n' ';')" >> "$out"
        fi
        [ -n "$last" ] || { echo "@ $1 255 $(tail -n 2 "$part" | tr '\n' ';')" >> "$out"; last=$1; }
        while [ $# -gt 0 ] && [ "$1" != "$last" ]; do shift; done
        shift
    done
}

# One line of results becomes a test. Told to skip itself, it would have to be in the list.
stress_result() {
    local name=$1 status=$2 said=$3
    if [ "$status" = 0 ] && ! [[ $said =~ fail:|skipp|'No stress workers' ]]; then
        ok "stress-ng --$name"
    else
        echo "status $status: ${said:-nothing}" > "$work/said"
        not_ok "stress-ng --$name" "$work/said"
    fi
}

run_stress() {
    local all name why one=() two=() start first
    all=$(chroot "$image" stress-ng --class 'os?' 2>&1 | sed -n "s/^class 'os' stressors: //p")
    [ -n "$all" ] || { not_ok "stress-ng lists its stressors"; return; }
    for name in ${STRESSORS:-$all}; do
        why=$(sed -n "s/^$name  *//p" "$files/stress.skip")
        if [ -n "$why" ]; then skip "stress-ng --$name" "$why"
        elif [ ${#one[@]} -gt ${#two[@]} ]; then two+=("$name")
        else one+=("$name"); fi
    done
    start=$SECONDS
    stress_half 1 "${one[@]}" & first=$!
    stress_half 2 "${two[@]}" & wait $first $!
    echo "# stress: $((SECONDS - start)) s"
    while read -r _ name status said; do
        [ "$status" = begins ] || stress_result "$name" "$status" "$said"
    done < <(grep '^@' "$work/stress.1" "$work/stress.2" -h)
}
