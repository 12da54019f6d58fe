# Every host call number, from inside the kernel's text. Those of abi/pv_calls.def are
# left to args.bash; all others must end in the guest kernel's report of signal 31.
# shellcheck shell=bash disable=SC2154

allowed=$(sed -n 's/^\(RULE\|CALL\)(\([a-z0-9_]*\),.*/\2/p' "$top/abi/pv_calls.def" | sort -u |
    sed 's/.*/SYS_&/' | { echo '#include <sys/syscall.h>'; cat; } | ${CC:-gcc} -E -P -x c - |
    grep -o '[0-9]*$')

# uretprobe and uprobe pass every seccomp filter (Linux 6.11 and later); outside of a probe
# the host answers them with SIGILL and ENXIO. restart_syscall is refused like the others,
# but the guest kernel then goes on as if its wait had ended (trap.c).
harmless_answer() {
    case $1,$2 in
    335,*"signal 4 in the kernel"*|336,*"RETURNED -6"*|219,*"RETURNED -4"*) return 0 ;;
    esac
    return 1
}

# refused NUMBER NR: runs it; a line to stdout when it was not refused
refused() {
    new_id
    local out
    out=$(LIMIT=5 xenc run -b "$work/b" "$id" -- /bin/call nr "$1" "$work/open/mark" "$victim" \
        2>&1 < /dev/null)
    harmless_answer "$1" "$out" && return
    case $out in
    *RETURNED*) echo "call $1 was executed: $out
" ;;
    *"signal 31 in the kernel"*"call $2"*) ;;
    *"killed by the host"*) [ "$3" = killed ] || echo "call $1: $out" ;;
    *) echo "call $1: $out" ;;
    esac
}

not_refused='' tried=0
last=${SECURITY_LAST_CALL:-1023}
for n in $(seq 0 "$last"); do
    grep -qx "$n" <<< "$allowed" && continue
    tried=$((tried + 1))
    not_refused+=$(refused "$n" "$n")
    [ ${#not_refused} -gt 1000 ] && break
done
verdict "$tried host calls that are not on the list are refused" "$not_refused"

# The x32 numbers, and what is none: the filter ends the process or traps.
not_refused=''
for n in 0x40000000 0x40000002 0x40000009 0x40000038 0x400000ca 0x40000208 0x7fffffff 0xffffffff; do
    not_refused+=$(refused "$n" "$(printf %d $((n > 0x7fffffff ? n - 0x100000000 : n)))" killed)
done
verdict "numbers of other kinds (x32, -1) are refused" "$not_refused"
canary_check "host calls by number"
