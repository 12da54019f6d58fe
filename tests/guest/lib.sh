# What the parts of tests/guest/run share: TAP, roots, bundles, running with a limit.

ok() { count=$((count + 1)); echo "ok $count - $1"; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
# not_ok NAME [FILE]: the file's first lines are the explanation
not_ok() {
    count=$((count + 1)) failures=$((failures + 1))
    echo "not ok $count - $1"
    [ -z "$2" ] || head -n "${LINES_OF_DIFF:-30}" "$2" | sed 's/^/# /'
}

# same NAME WANT GOT: compares two files
same() {
    if diff -a -u --label host --label domain "$2" "$3" > "$work/diff" 2>&1; then ok "$1"
    else not_ok "$1" "$work/diff"; fi
}

# expect NAME WANT GOT: compares two strings
expect() {
    printf '%s\n' "$2" > "$work/want"
    printf '%s\n' "$3" > "$work/got"
    same "$1" "$work/want" "$work/got"
}

xenc() { "$XENC" --root "$work/state" "$@"; }

# Ends the container and all that belongs to it.
end_container() {
    xenc kill "$1" KILL > /dev/null 2>&1
    timeout -s KILL 10 "$XENC" --root "$work/state" delete --force "$1" > /dev/null 2>&1
}

cleanup() {
    local id
    for id in $(ls "$work/state" 2>/dev/null); do end_container "$id"; done
    if [ -n "$KEEP" ]; then echo "# kept: $work"; else rm -rf "$work"; fi
}

new_id() { idn=$((idn + 1)); id=guest-$$-$idn; }

# A root file system with busybox and its links; the programs under /t.
make_root() {
    local r=$1
    mkdir -p "$r"/{bin,sbin,usr/bin,usr/sbin,etc,root,tmp,proc,dev,sys,t,w,home/u,var/tmp,mnt}
    chmod 1777 "$r/tmp" "$r/var/tmp"
    cp "$(command -v busybox)" "$r/bin/busybox"
    # One process: ln for each is seconds in an emulator.
    busybox --list | (cd "$r/bin" && perl -ne 'chomp; symlink "busybox", $_')
    printf 'root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000:u:/home/u:/bin/sh\n' > "$r/etc/passwd"
    printf 'root:x:0:\ntty:x:5:\nu:x:1000:\n' > "$r/etc/group"
}

# The same programs see the same root on both sides; what they change stays on theirs.
make_roots() {
    [ -d "$work/b/rootfs" ] && return
    mkdir -p "$work/b" "$work/state"
    make_root "$work/b/rootfs"
    [ ${#programs[@]} -eq 0 ] || (cd "$bin" && cp "${programs[@]}" "$work/b/rootfs/t/" 2> /dev/null)
    cp "$here/script.sh" "$work/b/rootfs/t/" 2> /dev/null
    cp -al "$work/b/rootfs" "$work/native"
    write_config "$work/b" false
}

caps='"CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_DAC_READ_SEARCH","CAP_FOWNER","CAP_FSETID","CAP_KILL",
"CAP_SETGID","CAP_SETUID","CAP_SETPCAP","CAP_SYS_CHROOT","CAP_MKNOD","CAP_SYS_ADMIN",
"CAP_SYS_PTRACE","CAP_SYS_NICE","CAP_IPC_LOCK","CAP_NET_BIND_SERVICE","CAP_SETFCAP"'
cap_names=$(tr -d '" \n' <<< ",$caps" | tr 'A-Z' 'a-z' | sed 's/,cap_/,+/g')

# write_config DIR TERMINAL: a bundle's config.json; the program comes after --
write_config() {
    cat > "$1/config.json" <<END
{ "ociVersion": "1.0.2", "hostname": "guest",
  "process": { "terminal": $2, "user": { "uid": 0, "gid": 0 }, "args": ["/bin/sh"],
    "env": ["PATH=/bin:/sbin:/usr/bin", "HOME=/root", "TERM=vt100"], "cwd": "/",
    "capabilities": { "bounding": [$caps], "effective": [$caps], "permitted": [$caps] },
    "rlimits": [ { "type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096 },
                 { "type": "RLIMIT_CORE", "soft": 0, "hard": 0 } ] },
  "root": { "path": "rootfs", "readonly": false },
  "mounts": [
    { "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] },
    { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
      "options": ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"] },
    { "destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"] } ],
  "linux": { "namespaces": [ { "type": "pid" }, { "type": "mount" }, { "type": "ipc" },
    { "type": "uts" } ] } }
END
}

# Both sides are run in the background: killing the job kills what it runs.

# native COMMAND...: in a chroot with namespaces, limits and capabilities as the domain's
native() {
    exec env -i PATH=/bin:/sbin:/usr/bin HOME=/root TERM=vt100 R="$work/native" CAPS="$cap_names" \
        unshare --mount --pid --fork --ipc --uts --kill-child bash "$here/native.sh" "$@"
}

# domain COMMAND...: the same in a domain; id is its container
domain() {
    exec "$XENC" --root "$work/state" run -b "$work/b" "$id" -- "$@"
}
