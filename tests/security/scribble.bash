# Random words over the guest kernel, the boot area and the rings.
# shellcheck shell=bash disable=SC2154

for mode in kernel boot rings raw fuse; do
    all=''
    for n in 1 2 3 4 5; do
        s=$((seed + n))
        guest 3 /bin/scribble $mode $s
        case $output in *ESCAPED*) all+="seed $s: the driver domain showed a file outside
" ;; esac
        [ "$status" != 124 ] || [ "$kill_ms" -lt 1000 ] || all+="seed $s: kill took $kill_ms ms
"
        [ "$status" -ne 0 ] || all+="seed $s: it ended with status 0
"
        [ -z "$problem" ] || all+="seed $s: $problem
"
        case $output in *AddressSanitizer*|*"runtime error"*) all+="seed $s: $output" ;; esac
    done
    verdict "nonsense written to: $mode" "$all"
    canary_check "nonsense written to: $mode"
done
