# Random words over the guest kernel, the boot area and the rings.
# shellcheck shell=bash disable=SC2154

for mode in kernel boot rings raw fuse; do
    all=''
    for n in 1 2 3 4 5; do
        s=$((seed + n))
        # Such messages change the tree they are about: each gets its own.
        rm -rf "$work/fuse"
        mkdir -p "$work/fuse"
        cp -a "$work/b/rootfs" "$work/fuse/rootfs"
        sed "s,$work/b/rootfs,$work/fuse/rootfs," "$work/b/config.json" > "$work/fuse/config.json"
        echo outside > "$work/fuse/secret"
        bundle=$work/fuse guest 3 /bin/scribble $mode $s
        [ "$(cat "$work/fuse/secret")" = outside ] && [ "$(ls "$work/fuse")" = "$(printf '%s\n' config.json rootfs secret)" ] ||
            all+="seed $s: files outside were changed
"
        [ $mode != fuse ] || [[ $output == *"many answered"* ]] || all+="seed $s: $output
"
        case $output in *ESCAPED*) all+="seed $s: the driver domain showed a file outside
" ;; esac
        [ "$status" -ne 0 ] || all+="seed $s: it ended with status 0
"
        [ -z "$problem" ] || all+="seed $s: $problem
"
        case $output in *AddressSanitizer*|*"runtime error"*) all+="seed $s: $output" ;; esac
    done
    verdict "nonsense written to: $mode" "$all"
    canary_check "nonsense written to: $mode"
done
