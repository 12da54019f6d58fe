# Programs of the distribution at work, as far as they are installed: prints the same on any
# kernel. usage: debian.sh FOLDER
cd "$1" || exit 1
export HOME=$1 LC_ALL=C TMPDIR=$1
have() { command -v "$1" > /dev/null || { echo "no $1"; return 1; }; }

have bash && bash -c 'a=(x y z); echo ${a[@]:1} ${#a[@]}; coproc cat; echo hi >&${COPROC[1]}
    read -u ${COPROC[0]} l; echo $l; diff <(seq 3) <(seq 4); exec 5<> /dev/null; [[ abc =~ b ]] && echo re'
have perl && perl -MPOSIX -MSocket -e 'pipe(R, W); if (!fork) { print W "kid\n"; exit 3 } close W;
    print <R>; wait; print $? >> 8, "\n"; socketpair(A, B, AF_UNIX, SOCK_STREAM, 0); syswrite A, "sock\n";
    sysread B, $x, 9; print $x; $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; pause; print `echo sub`;
    open F, "+>", "p"; print F "x" x 10000; truncate F, 5; print -s F, "\n"'
have python3 && python3 -c '
import mmap, os, signal, subprocess, sys, tempfile, threading
print(subprocess.run("cat; exit 3", shell=True, input=b"in", capture_output=True))
n = [0]; l = threading.Lock()
def work():
    for i in range(3000):
        with l: n[0] += 1
t = [threading.Thread(target=work) for i in range(6)]
[x.start() for x in t]; [x.join() for x in t]; print(n)
try: subprocess.run(["/no/such"])
except OSError as e: print(e.errno)
with tempfile.TemporaryFile() as f:
    f.truncate(1 << 16); m = mmap.mmap(f.fileno(), 0); m[100:103] = b"abc"; m.flush()
    f.seek(100); print(f.read(3))
r, w = os.pipe(); os.set_blocking(w, False); signal.set_wakeup_fd(w, warn_on_full_buffer=False)
signal.signal(signal.SIGUSR1, lambda *a: print("handler")); os.kill(os.getpid(), signal.SIGUSR1)
print(os.read(r, 1)[0] == signal.SIGUSR1, sum(len(f) > 0 for d in os.walk("/usr/lib/python3") for f in d[2]) > 10)'
have gcc && { printf '#include <stdio.h>\nint main(void) { puts("compiled"); return 5; }\n' > a.c
    gcc -O2 a.c -o a && ./a; echo $?; }
have make && { printf 'a:\n\t@echo made\nb: a\n\t@echo b\nc:\n\t@sleep 0.1\nall: a b c\n' > Makefile
    make -s -j3 all | sort; }
have git && { git init -q r && cd r && git config user.email a@b && git config user.name n
    for i in 1 2 3; do seq $i 500 > f$i; git add . && git commit -qm c$i; done
    git log --oneline | wc -l; git gc -q; git fsck --full 2>&1; git status --short | wc -l; cd ..; }
have tar && { tar cf - -C /usr/include linux | tar xf - && diff -r linux /usr/include/linux && echo same
    tar czf l.tgz linux; tar tzf l.tgz | sort | md5sum; }
have sort && { seq 1 100000 | sort -R | sort -n -S 500k | md5sum; seq 1 1000 | xargs -P 4 -n 50 echo | wc -w; }
have node && node -e 'const c = require("child_process"); console.log(c.execSync("echo sub").toString());
    const { Worker } = require("worker_threads"); setTimeout(() => console.log("timer"), 300);
    const w = new Worker("require(\"worker_threads\").parentPort.postMessage(42)", { eval: true });
    w.on("message", m => console.log("worker", m));'
rm -rf "$1"/* && rmdir "$1" && echo end
