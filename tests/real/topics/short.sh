# A little of everything, for hosts where every program takes long to start: the lab's.
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@e
export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z'
t bash
a=(x y z); echo "${a[@]:1}" ${#a[@]}; coproc cat; echo hi >&"${COPROC[1]}"; read -r -u "${COPROC[0]}" l
echo "$l"; eval "exec ${COPROC[1]}>&-"; wait "$COPROC_PID"; echo "coproc $?"
trap 'echo caught' USR1; kill -USR1 $$; trap - USR1; diff <(seq 3) <(seq 4); (exit 7); echo $?
for i in 1 2 3; do (sleep 0.0$i; exit $i) & done; n=0
while wait -n; r=$?; [ $r -ne 127 ]; do n=$((n + r)); done; echo "sum $n"
t tools
mkdir tree && for i in $(seq 20); do echo "file $i" > tree/f$i; done; find tree -name 'f1*' | sort | xargs cat | md5sum
ls -l tree | awk '{ n += $5 } END { print n }'; sed -n 's/file/File/p' tree/f7; grep -rl '1$' tree | wc -l
tar cJf t.tar.xz tree && tar xJf t.tar.xz -O tree/f3; ln tree/f1 hard; stat -c '%h %s %F' hard; df . | wc -l
perl -MPOSIX -e 'my $p = fork; if (!$p) { kill 15, $$; sleep 5 } waitpid $p, 0; print $? & 127, "\n"; print join(",", map { $_ ** 2 } 1 .. 5), "\n"'
ps -o comm= -p $$; id -un; su nobody -s /bin/sh -c 'id -un; cat /etc/shadow' 2>&1 | sed 's/^cat: //'
t git
must git init -q -b main r && cd r && cp ../tree/* . && git add . && must git commit -qm one && git rev-parse HEAD
cd .. && must git clone -q --no-local r c && git -C c fsck --full && diff -r --exclude .git r c && echo same
t gcc
printf '#include <pthread.h>\n#include <stdio.h>\nstatic _Atomic int n;\nstatic void *w(void *a) { for (int i = 0; i < 1000; i++) n++; return a; }\nint main(void) { pthread_t t[4]; for (int i = 0; i < 4; i++) pthread_create(t + i, 0, w, 0); for (int i = 0; i < 4; i++) pthread_join(t[i], 0); printf("%%d\\n", n); return 3; }\n' > th.c
must gcc -O1 th.c -o th -pthread; ./th; echo $?
t python
python3 - <<'P'
import ctypes, mmap, os, sqlite3, subprocess, threading
got = []
ts = [threading.Thread(target=lambda i=i: got.append(i)) for i in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sorted(got), subprocess.run(["sh", "-c", "exit 5"]).returncode)
m = mmap.mmap(-1, 8192); m[:3] = b"abc"
if os.fork() == 0:
    m[0:1] = b"X"; os._exit(0)
os.wait(); print(m[:3], ctypes.CDLL(None).abs(-7))
d = sqlite3.connect("p.db"); d.execute("create table t(a)")
d.executemany("insert into t values(?)", [(i,) for i in range(500)]); d.commit()
print(d.execute("select sum(a) from t").fetchone())
P
echo $?
t sqlite
sqlite3 s.db 'create table t(i integer primary key, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into t select i, zeroblob(500) from n;'
mkfifo in; sqlite3 -batch s.db < in > out 2>&1 & pid=$!
exec 3> in; echo 'pragma cache_size=5; begin; update t set b = 1; select 1;' >&3
for _ in $(seq 300); do [ -s out ] && break; sleep 0.1; done
kill -9 $pid; wait $pid 2> /dev/null; echo $?; exec 3>&-; sqlite3 s.db 'select count(*) from t where b = 1; pragma integrity_check'
t redis
redis-server --port 0 --unixsocket "$PWD/sock" --dir "$PWD" --daemonize yes --save '' > /dev/null
for _ in $(seq 200); do redis-cli -s sock ping 2> /dev/null | grep -q PONG && break; sleep 0.1; done
redis-cli -s sock set a 1; redis-cli -s sock incr a; redis-cli -s sock shutdown nosave; echo $?
t node
node -e 'require("child_process").exec("echo child", (e, o) => { process.stdout.write(o); let s = 0; for (let i = 0; i < 1e5; i++) s += i % 7; console.log(s) })'; echo $?
