#!/bin/sh
# Runs test programs that speak TAP, and bats files; shows what failed or was skipped, then
# one line with the sums. usage: tap.sh PROGRAM...        Status 1 when anything failed.
# TAP_KEEP: a folder that keeps each program's output. A line "# sum: TEXT" is shown.
passed=0 failed=0 skipped=0
out=$(mktemp /tmp/xenc-tap.XXXXXX) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM HUP
for t; do
    t0=$(date +%s)
    case $t in
    *.bats) timeout -k 5 "${TAP_TIMEOUT:-120}" bats --tap "$t" >"$out" 2>&1 </dev/null ;;
    *) timeout -k 5 "${TAP_TIMEOUT:-120}" "$t" >"$out" 2>&1 </dev/null ;;
    esac
    rc=$?
    s=$(grep -ci '^ok .*# skip' "$out")
    p=$(grep -c '^ok ' "$out")
    f=$(grep -c '^not ok ' "$out")
    plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$out" | tail -n 1)
    # A program that died, or ran fewer tests than it says, has failed even so.
    if [ "$f" -eq 0 ] && { [ "$rc" -ne 0 ] || [ "${plan:-none}" != $((p + f)) ]; }; then
        f=1
        echo "not ok - ${t##*/}: status $rc, ran $p of ${plan:-an unknown number}" >>"$out"
    fi
    printf '%-28s %4d passed, %d failed, %d skipped  (%d s)\n' "${t#build/}" $((p - s)) "$f" \
        "$s" $(($(date +%s) - t0))
    if [ "$f" -gt 0 ]; then grep -v '^ok [^#]*$' "$out"; else grep -i '^ok .*# skip' "$out"; fi
    sed -n 's/^# sum: /    /p' "$out"
    [ -z "$TAP_KEEP" ] || cp "$out" "$TAP_KEEP/$(echo "${t#tests/}" | tr / -).tap"
    passed=$((passed + p - s)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
