# The guest programs: built once, run natively, then in a domain, many in one container.
limit=${LIMIT:-20}      # seconds a program may take
sources=${sources:-$here}

build_programs() {
    local name src cc flags n=0
    for name in "${programs[@]}"; do
        src=$sources/$name.c
        [ "$bin/$name" -nt "$src" ] && [ "$bin/$name" -nt "$here/say.h" ] &&
            [ "$bin/$name" -nt "$here/guest.h" ] && continue
        cc=gcc flags=''
        if grep -q '^// *cc: *musl' "$src" && command -v musl-gcc > /dev/null; then
            cc=musl-gcc flags="-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)"
        fi
        flags="$flags $(sed -n 's,^// *flags: *,,p' "$src")"
        $cc -static -O1 -w -I"$here" $flags "$src" -o "$bin/$name" -lpthread 2> "$bin/$name.err" &
        [ $((++n % 2)) -eq 0 ] && wait
    done
    wait
    for name in "${programs[@]}"; do
        [ -s "$bin/$name.err" ] && ! [ "$bin/$name" -nt "$sources/$name.c" ] &&
            { not_ok "$name: builds" "$bin/$name.err"; programs=("${programs[@]/$name}"); }
        rm -f "$bin/$name.err"
    done
    programs=(${programs[*]})
}

# batch NAME...: the shell commands that run these, each in a folder of its own
batch() {
    cat <<END
for t in $*; do
    mkdir -p /w/\$t; cd /w/\$t
    printf '\n@@ begin %s\n' \$t
    timeout -s KILL $limit /t/\$t < /dev/null 2>&1
    printf '\n@@ end %s %d\n' \$t \$?
    cd /
done
exit 0
END
}

# results FILE FOLDER: takes a batch's output apart into FOLDER/NAME, the status in its last
# line; what began and did not end stays in FOLDER/NAME.cut
results() {
    local name
    awk -v dir="$2" '
        /^@@ begin / { name = $3; file = dir "/" name ".cut"; printf "" > file; next }
        /^@@ end / && $3 == name {
            print "status " $4 > file
            close(file)
            name = ""
            print $3
            next
        }
        name != "" { print > file }' "$1" > "$work/ended"
    while read -r name; do mv "$2/$name.cut" "$2/$name"; done < "$work/ended"
}

# watch PID FILE: until it ends; status 1 when FILE did not grow for too long or grew too much
watch() {
    local size=-1 now quiet=0
    while kill -0 "$1" 2> /dev/null; do
        now=$(stat -c %s "$2")
        if [ "$now" = "$size" ]; then quiet=$((quiet + 1)); else quiet=0 size=$now; fi
        [ $quiet -gt $(((limit + 8) * 5)) ] && return 1
        [ "$now" -gt 20000000 ] && return 1
        sleep 0.2
    done
}

# run_side SIDE NAME...: results in $work/SIDE.d/NAME; a program that hangs or ends its
# container costs only itself
run_side() {
    local side=$1 out=$work/batch.out pid name left=() first
    shift
    left=("$@")
    mkdir -p "$work/$side.d"
    while [ ${#left[@]} -gt 0 ]; do
        new_id
        : > "$out"
        # A pipe on both sides: limits on files are none on it.
        "$side" sh -c "$(batch "${left[@]}")" < /dev/null 2> "$work/$side.err" > >(cat > "$out") &
        pid=$!
        if ! watch $pid "$out"; then
            echo "(no end: killed)" >> "$out"
            [ "$side" = domain ] && end_container "$id"
            kill -KILL $pid 2> /dev/null
        fi
        wait $pid 2> /dev/null
        results "$out" "$work/$side.d"
        first=${left[0]}
        for name in "${left[@]}"; do
            [ -e "$work/$side.d/$name.cut" ] && cat "$work/$side.err" >> "$work/$side.d/$name.cut"
        done
        local rest=()
        for name in "${left[@]}"; do
            [ -e "$work/$side.d/$name" ] || [ -e "$work/$side.d/$name.cut" ] || rest+=("$name")
        done
        # No program so much as began: the side itself does not work.
        if [ ${#rest[@]} -eq ${#left[@]} ]; then
            cp "$work/$side.err" "$work/$side.d/$first.cut"
            rest=("${rest[@]:1}")
        fi
        left=("${rest[@]}")
    done
}

# without NAME: takes what the program could not try in the domain out of both sides' results
without() {
    local name=$1 what reason
    while IFS=: read -r what reason; do
        skip "$name: $what" "${reason# }"
        sed -i "/^$what.*: /d; /^@@ without $what: /d" "$work/native.d/$name" "$work/domain.d/$name"
    done < <(sed -n 's/^@@ without //p' "$work/domain.d/$name")
}

run_programs() {
    local name n d
    make_roots
    # In the lab the native side may be that of the machine outside, whose kernel is newer.
    if [ -n "$NATIVE" ] && [ -d "$NATIVE" ]; then cp -r "$NATIVE" "$work/native.d"
    else run_side native "${programs[@]}"
    fi
    [ -z "$native_to" ] || { mkdir -p "$native_to" && cp "$work/native.d"/* "$native_to"; return; }
    run_side domain "${programs[@]}"
    for name in "${programs[@]}"; do
        n=$work/native.d/$name d=$work/domain.d/$name
        if [ ! -e "$n" ]; then
            { echo "no end on the host:"; tail -n 25 "$n.cut"; } > "$work/cut" 2>&1
            not_ok "$name" "$work/cut"
        elif grep -q '^status 137' "$n"; then
            skip "$name" "does not end natively"
        elif grep -q '^not ok' "$n"; then
            skip "$name" "fails natively: $(grep -m 1 '^not ok' "$n")"
        elif [ ! -e "$d" ]; then
            { echo "no end in the domain:"; tail -n 25 "$d.cut"; } > "$work/cut"
            not_ok "$name" "$work/cut"
        else
            without "$name"
            same "$name" "$n" "$d"
        fi
    done
}
