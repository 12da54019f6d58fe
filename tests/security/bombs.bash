# All that a program can have too many of, with no limit but the domain's own: it is told so,
# and the container lives on. (tests/security/resources.bash has those with limits.)
# shellcheck shell=bash disable=SC2154

guest 200 /bin/bombs
[ "$status" = 0 ] || problem="$problem
status $status: $(grep -v '^ok' <<< "$output")"
verdict "threads, processes, mappings, files and stacks without end" "$problem"
canary_check "bombs"
