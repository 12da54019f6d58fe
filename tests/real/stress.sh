# The stressors of stress-ng's class "os" with --verify. stress.skip says which are left out
# and why. The host is not asked: some of them change the machine that they run on (its clock,
# processors, memory), and only their own checks count.
#
#   run_stress              each for itself, in two containers at a time
#   run_stress_groups       eight at once, in an order that a seed says (STRESS_SEED)

# The list without what is skipped, in $names; a result for each that is. $1: report them
stress_names() {
    local all name why
    all=$(chroot "$image" stress-ng --class 'os?' 2>&1 | sed -n "s/^class 'os' stressors: //p")
    names=()
    [ -n "$all" ] || { not_ok "stress-ng lists its stressors"; return; }
    for name in ${STRESSORS:-$all}; do
        why=$(sed -n "s/^$name  *//p" "$files/stress.skip")
        if [ -z "$why" ]; then names+=("$name")
        elif [ -n "$1" ]; then skip "stress-ng --$name" "$why"; fi
    done
    # Memory's limit is what some of them take.
    sed -i 's/"linux": { "name/"linux": { "resources": { "memory": { "limit": 2147483648 } }, "name/' \
        "$work/bundle/config.json"
    [ -d "$work/domain" ] || side_root domain
}

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

stress_results() {
    while read -r _ name status said; do
        [ "$status" = begins ] || stress_result "$name" "$status" "$said"
    done < <(cat "$@" | grep -a '^@')
}

run_stress() {
    local names name one=() two=() start=$SECONDS first
    stress_names report
    for name in "${names[@]}"; do
        if [ ${#one[@]} -gt ${#two[@]} ]; then two+=("$name"); else one+=("$name"); fi
    done
    stress_half 1 "${one[@]}" & first=$!
    stress_half 2 "${two[@]}" & wait $first $!
    echo "# stress: $((SECONDS - start)) s"
    stress_results "$work/stress.1" "$work/stress.2"
}

run_stress_groups() {
    local names name start=$SECONDS group='' groups=() n=0 seed=${STRESS_SEED:-$RANDOM}
    stress_names
    RANDOM=$seed
    for name in $(for name in "${names[@]}"; do echo "$RANDOM $name"; done | sort -n | cut -d ' ' -f 2); do
        case $name in bad-ioctl|exec|spawn) continue ;; esac
        group=$group${group:+,}$name
        n=$((n + 1))
        [ $((n % 8)) -ne 0 ] || { groups+=("$group"); group=''; }
    done
    stress_half 1 "${groups[@]}" $group bad-ioctl,exec,spawn
    echo "# stress, in groups by seed $seed: $((SECONDS - start)) s"
    stress_results "$work/stress.1"
}
