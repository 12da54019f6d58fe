# What the processes of a container have: nothing that they don't need.
# shellcheck shell=bash disable=SC2154

field() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"; }

problem=''
detached /bin/sh -c 'echo ready; sleep 1000'
[ -z "$problem" ] || not_ok "a container for looking at" "$problem"
mon=$(monitor_of "$id")
sup=$(supervisor_of "$id")
dev=$(worker_of "$id")
guests=$(guests_of "$id")

all=''
for p in $guests; do
    # Programs and constants, the kernel, the domain, the vDSO: nothing of the monitor.
    all+=$(awk -v p="$p" '
        $NF ~ /xenc-hv/ || $NF == "[heap]" || $NF == "[stack]" { print p ": " $0 }
        $NF ~ /memfd/ && $NF !~ /xenc-domain/ && $0 !~ /xenc-domain/ { print p ": " $0 }
        { split($1, a, "-"); start = a[1] }
        length(start) > 10 && $NF !~ /^\[(vdso|vvar|vvar_vclock|vsyscall)\]$/ { print p ": " $0 }
        ' "/proc/$p/maps")
done
verdict "guest processes: nothing of the monitor is mapped" "$all"

all=''
for p in $guests; do
    for f in "/proc/$p/fd"/*; do
        l=$(readlink "$f")
        case ${f##*/},$l in
        [0124],'/memfd:xenc-domain (deleted)'|3,socket:*) ;;
        [5-9],"$work/b/rootfs/"*|[1-9][0-9]*,"$work/b/rootfs/"*|[5-9],/bin/busybox|[5-9],/usr/bin/busybox) ;;
        *) all+="$p: ${f##*/} -> $l
" ;;
        esac
    done
done
verdict "guest processes: descriptors of the domain's own only" "$all"

# rights NAME PID USER ROOT
rights() {
    local p=$2 all='' c
    for c in CapInh CapPrm CapEff CapAmb; do
        [ "$(field "$p" $c)" = 0000000000000000 ] || all+="$c $(field "$p" $c) "
    done
    [ "$(field "$p" NoNewPrivs)" = 1 ] || all+="NoNewPrivs "
    [ "$(field "$p" Seccomp)" = 2 ] || all+="Seccomp "
    [ "$(awk '/Max core file/ { print $5, $6 }' "/proc/$p/limits")" = "0 0" ] || all+="core limit "
    # Not dumpable: its files in /proc are root's, whoever it runs as.
    [ "$(stat -c %u "/proc/$p/environ")" = 0 ] || all+="dumpable "
    [[ $(readlink "/proc/$p/root") == */fdinfo ]] || all+="root $(readlink "/proc/$p/root") "
    [[ $(readlink "/proc/$p/cwd") == */fdinfo ]] || all+="cwd $(readlink "/proc/$p/cwd") "
    verdict "$1: no capabilities, no new privileges, a filter, no core, an empty root" "$all"
}
for p in $guests; do rights "guest process" "$p"; done
rights "monitor" "$mon"

g=$(head -n 1 <<< "$guests")
u=$(field "$g" Uid)
problem=''
[ "$u" -ge $((0x6f000000)) ] || problem="user $u "
[ "$u" != "$(field "$mon" Uid)" ] && [ "$u" != "$(field "$dev" Uid)" ] || problem+="same user as the host's side "
[ -z "$(awk '/^Groups:/ { $1 = ""; print }' "/proc/$g/status" | tr -d ' ')" ] || problem+="groups "
[ "$u" != "$(field "$(guests_of "canary-$$" | head -n 1)" Uid)" ] || problem+="same user as the neighbour"
verdict "guest processes run as a user of their own" "$problem"

problem=''
for p in "$sup" "$dev"; do
    [ "$(field "$p" NoNewPrivs)" = 1 ] && [ "$(field "$p" Seccomp)" = 2 ] || problem+="no filter "
    caps=$((16#$(field "$p" CapEff)))
    [ $((caps & ~0x8800001b)) = 0 ] || problem+="capabilities $(field "$p" CapEff)"
done
[ "$(field "$sup" Seccomp_filters)" -lt "$(field "$dev" Seccomp_filters)" ] || problem+="the worker may do what its supervisor may "
[ "$(stat -c %u "/proc/$dev/environ")" = 0 ] || problem+="dumpable "
verdict "driver domain: a filter, six capabilities, one filter more for the worker" "$problem"

problem=''
[ "$(awk '/Max processes/ { print $4 }' "/proc/$g/limits")" -le 4096 ] || problem="unbounded"
verdict "guest processes: the number of tasks is bounded" "$problem"

problem=''
for ns in pid ipc; do
    [ "$(readlink "/proc/$g/ns/$ns")" != "$(readlink /proc/self/ns/$ns)" ] || problem+="$ns is the host's "
    [ "$(readlink "/proc/$g/ns/$ns")" != "$(readlink "/proc/$(monitor_of "canary-$$")/ns/$ns")" ] || problem+="$ns is shared "
done
verdict "pid and ipc namespaces of its own" "$problem"

n=0
for f in "/proc/$mon/fd"/*; do n=$((n + 1)); done
problem=''
[ $n -le 8 ] || problem="$n: $(ls -l "/proc/$mon/fd")"
ls -l "/proc/$mon/fd" | grep -q 'rootfs\|memfd' && problem+="it holds the container's files or memory"
verdict "monitor: has let go of the files and the domain's descriptors" "$problem"

problem=''
kill_now
verdict "nothing is left of it" "$problem"
