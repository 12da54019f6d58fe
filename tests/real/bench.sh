# One figure of tests/bench/apps on either side: prints seconds, and for some what was
# done in them. What a figure needs is made at its first run and kept in /w/bench.
# usage: bench.sh NAME
name=$1
mkdir -p /w/bench && cd /w/bench || exit 1

# seconds COMMAND...: how long it took; its output is lost, its failure is ours
seconds() {
    local t0=$EPOCHREALTIME t1
    "$@" > out 2>&1 || { echo "failed: $*"; tail -n 5 out; exit 1; }
    t1=$EPOCHREALTIME
    awk -v a="$t0" -v b="$t1" 'BEGIN { printf "%.6f\n", b - a }'
}

once() { [ -e "$1.made" ] || { "$1" > out 2>&1 && touch "$1.made"; } || { tail -n 5 out; exit 1; }; }

tree() { # FOLDER FILES: of some KiB each, twenty a folder
    awk -v dir="$1" -v n="$2" 'BEGIN {
        for (i = 0; i < n; i++) {
            d = dir "/d" int(i / 20)
            if (i % 20 == 0) system("mkdir -p " d)
            f = d "/f" i ".txt"
            for (k = 0; k < 40; k++) printf "line %d of file %d, and some more text\n", k, i > f
            close(f)
        } }'
}

make_repo() {
    tree repo 1000 && cd repo && git init -q && git add . &&
    git -c user.name=u -c user.email=u@h commit -qm all && cd ..
}
make_archive() { tree many 10000 && tar cf many.tar many && rm -rf many; }
make_found() { tree found 10000; }

make_project() {
    mkdir -p project && cd project || return 1
    local i
    for i in $(seq 50); do
        printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f%d(int x)\n{\n' "$i"
        printf '    char b[64]; snprintf(b, sizeof b, "%%d", x); return (int)strlen(b) + %d;\n}\n' "$i"
    done > all.txt
    awk '/^#include <stdio/ { n++ } { print > ("f" n ".c") }' all.txt
    { seq -f 'int f%g(int);' 50; echo 'int main(void) { int s = 0;'; seq -f 's += f%g(s);' 50
      echo 'return s == 0; }'; } > main.c
    printf 'OBJ := $(patsubst %%.c,%%.o,$(wildcard *.c))\np: $(OBJ)\n\tgcc -o $@ $^\n' > Makefile
    cd ..
}

make_database() {
    local bin=/usr/lib/postgresql/15/bin
    mkdir -p pg && chown postgres pg && chmod 711 /w /w/bench &&
    setpriv --reuid=postgres --regid=postgres --clear-groups bash -c "
        $bin/initdb -D /w/bench/pg/data -A trust > /dev/null &&
        echo \"listen_addresses = ''
unix_socket_directories = '/w/bench/pg'
shared_memory_type = mmap\" >> /w/bench/pg/data/postgresql.conf"
}

# with_database COMMAND...: while the server runs
with_database() {
    local bin=/usr/lib/postgresql/15/bin ctl rc
    ctl="setpriv --reuid=postgres --regid=postgres --clear-groups $bin/pg_ctl -D /w/bench/pg/data"
    $ctl -w -l /w/bench/pg/log start > out 2>&1 || { tail -n 5 out pg/log; exit 1; }
    "$@"
    rc=$?
    $ctl -m fast stop > /dev/null
    return $rc
}
fill_database() { with_database pgbench -h /w/bench/pg -U postgres -i -s 2 postgres; }

with_redis() {
    local rc
    redis-server --port 0 --unixsocket /w/bench/redis.sock --save '' > redis.log 2>&1 &
    while ! redis-cli -s /w/bench/redis.sock ping > /dev/null 2>&1; do sleep 0.05; done
    "$@"
    rc=$?
    kill %1; wait
    return $rc
}

make_big() { head -c 64M /dev/urandom > big; }
make_randread() {
    cat > randread.c <<'END'
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
    static char b[4096];
    unsigned x = 1;
    int fd = open("big", O_RDONLY);
    for (int i = 0; i < 200000; i++) {
        x = x * 1664525 + 1013904223;
        if (pread(fd, b, 4096, (off_t)(x >> 18) << 12) != 4096)
            return 1;
    }
    return 0;
}
END
    gcc -O1 -o randread randread.c
}

bash_true() { bash -c 'for i in {1..100}; do bash -c true; done'; }
python_pass() { local i; for i in 1 2 3 4 5; do python3 -c pass || return 1; done; }
compile() { make -s -C project; }
read_big() { dd if=gig of=/dev/null bs=1M; }

# stress NAME: seconds for a million operations, by stress-ng's own count
stress() {
    stress-ng --"$1" 1 -t 2 --metrics-brief > out 2>&1 || { tail -n 5 out; exit 1; }
    awk -v name="$1" '$4 == name { printf "%.6f\n", 1e6 / $9 }' out
}

case $name in
python) seconds python_pass ;;
bash) seconds bash_true ;;
git-clone) once make_repo; rm -rf clone; seconds git clone -q --no-local repo clone ;;
untar) once make_archive; rm -rf many; seconds tar xf many.tar ;;
find) once make_found; find found -type f -size +0 | wc -l > /dev/null; seconds find found -type f -size +0 ;;
gcc) once make_project; rm -f project/*.o project/p; seconds compile ;;
pgbench) once make_database; once fill_database
    with_database seconds pgbench -h /w/bench/pg -U postgres -t 500 -c 2 -n postgres ;;
redis) with_redis seconds redis-benchmark -s /w/bench/redis.sock -t set,get -n 40000 -q ;;
write-1g) rm -f gig; seconds dd if=/dev/zero of=gig bs=1M count=1024 ;;
read-1g) [ -e gig ] || head -c 1G /dev/zero > gig; read_big 2> /dev/null; seconds read_big ;;
read-4k) once make_big; once make_randread; cat big > /dev/null; seconds ./randread ;;
stress-*) stress "${name#stress-}" ;;
*) echo "no such figure: $name"; exit 2 ;;
esac
