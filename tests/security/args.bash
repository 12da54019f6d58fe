# Calls that are on the list, with arguments that are not; then what passes the filter.
# shellcheck shell=bash disable=SC2154

"$work/b/rootfs/bin/call" list bad > "$work/bad"
executed=''
i=0
while read -r name; do
    guest 5 /bin/call bad $i
    i=$((i + 1))
    case $output in
    *"signal 31 in the kernel"*) [ "$status" -ne 0 ] || executed+="$name: status 0
" ;;
    *) executed+="$name: $output
" ;;
    esac
    executed+=$problem
done < "$work/bad"
verdict "$i allowed host calls with forbidden arguments are refused" "$executed"

"$work/b/rootfs/bin/call" list harmless > "$work/harmless"
i=0
while read -r name; do
    guest 5 /bin/call harmless $i
    i=$((i + 1))
    case $output in
    *RETURNED*|*"kernel panic"*|*"killed by the host"*) ;;
    *) problem="$problem$output" ;;
    esac
    verdict "passes the filter and does no harm: $name" "$problem"
done < "$work/harmless"
canary_check "host calls with arguments"
