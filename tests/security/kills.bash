# Guest processes are killed at random moments, 10,000 of them, while they fork, wait, hold
# locks and share memory: nothing may hang, be left behind or bring the domain down.
# shellcheck shell=bash disable=SC2154

for part in 1 2 3 4; do
    guest 150 /bin/killstress "${KILLS:-2500}" $((seed + part))
    [ "$status" = 0 ] || problem="$problem
status $status, seed $((seed + part)): $(grep -v '^ok' <<< "$output")"
    verdict "random kills under load, part $part of 4" "$problem"
done
canary_check "random kills"
