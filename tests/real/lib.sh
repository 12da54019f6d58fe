# The two sides of tests/real/run: one root file system, changed apart by overlays of it.

env_list='PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8'

bundle_config() {
    local env
    env=$(printf '"%s",' $env_list)
    cat <<END
{ "ociVersion": "1.0.2", "hostname": "debian",
  "process": { "terminal": false, "user": { "uid": 0, "gid": 0 }, "args": ["/bin/sh"],
    "env": [${env%,}], "cwd": "/",
    "capabilities": { "bounding": [$caps], "effective": [$caps], "permitted": [$caps] },
    "rlimits": [ { "type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096 },
                 { "type": "RLIMIT_CORE", "soft": 0, "hard": 0 } ] },
  "root": { "path": "$work/domain", "readonly": false },
  "mounts": [
    { "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"] },
    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] },
    { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
      "options": ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"] },
    { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue" },
    { "destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"] },
    { "destination": "/t", "type": "bind", "source": "$files", "options": ["bind", "ro"] } ],
  "linux": { "namespaces": [ { "type": "pid" }, { "type": "mount" }, { "type": "ipc" },
    { "type": "uts" } ] } }
END
}

# A writable root for SIDE in $work/SIDE. This script has a mount namespace of its own, so
# nothing has to be unmounted. A file system that can't be below an overlay is copied.
side_root() {
    local d=$work/$1
    mkdir -p "$d" "$work/$1.upper" "$work/$1.work"
    mount -t overlay -o "lowerdir=$image,upperdir=$work/$1.upper,workdir=$work/$1.work" \
        overlay "$d" 2> /dev/null && return
    rm -rf "$d" && cp -a --reflink=auto "$image" "$d" && mount --bind "$d" "$d"
}

native() {
    exec env -i $env_list unshare --mount --pid --fork --ipc --uts --net --kill-child \
        bash "$here/native.sh" "$work/native" "$files" "$cap_names" env -i $env_list "$@"
}

domain() {
    exec "$XENC" --root "$work/state" run -b "$work/bundle" "$id" -- "$@"
}

# native_result TOPIC SECONDS: kept, or made, and put where it is asked for
native_result() {
    if [ -n "$NATIVE" ]; then
        cp "$NATIVE/$1.native" "$work/$1.native"
        return
    fi
    [ -d "$work/native" ] || side_root native
    run_topic native "$1" "$2"
    [ -z "$native_to" ] || { mkdir -p "$native_to" && cp "$work/$1.native" "$native_to"; }
}

# domain_result TOPIC SECONDS: and the comparison
domain_result() {
    [ -d "$work/domain" ] || side_root domain
    run_topic domain "$1" "$2"
    compare "$1"
}

# run_topic SIDE TOPIC SECONDS: output in $work/TOPIC.SIDE, the status as its last line
run_topic() {
    local out=$work/$2.$1 rc t0=$SECONDS
    new_id
    limited "$(($3 * ${SLOW:-1}))" "$1" bash /t/topics/start.sh "$2" < /dev/null > "$out" 2>&1
    rc=$?
    echo "status $rc" >> "$out"
    echo "# $2, $1: $((SECONDS - t0)) s"
}

# sections FILE FOLDER: takes an output apart at its lines "== NAME"; prints the names
sections() {
    mkdir -p "$2"
    awk -v dir="$2" 'BEGIN { file = dir "/start" }
        /^== / { name = substr($0, 4); gsub(/[^a-zA-Z0-9._-]/, "_", name)
                 file = dir "/" name; print name }
        { print > file }' "$1"
}

# compare TOPIC: a test a section. On the host nothing may say FAIL, and the end is reached.
compare() {
    local n=$work/$1.native d=$work/$1.domain s names
    if [ "$(tail -n 1 "$n")" != "status 0" ] || grep -q '^FAIL' "$n"; then
        { grep '^FAIL' "$n"; tail -n 25 "$n"; } > "$work/why"
        not_ok "$1 works on the host" "$work/why"
        return
    fi
    names=$(sections "$n" "$n.d")
    sections "$d" "$d.d" > /dev/null
    for s in $names; do
        [ -e "$d.d/$s" ] || tail -n 10 "$d" > "$d.d/$s"
        same "$1: $s" "$n.d/$s" "$d.d/$s"
    done
    [ -n "$names" ] || not_ok "$1 has sections" "$n"
}
