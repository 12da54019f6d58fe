# What administrators look with: numbers become N, so that forms and senses are compared.
num() { sed -E 's/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g; s/ $//'; }
t ps
sleep 100 & s=$!; for i in $(seq 50); do [ "$(cat /proc/$s/comm)" = sleep ] && break; sleep 0.02; done
ps -o user,ruser,group,comm,args,stat,ni,pri,nlwp,tty -p $s
ps -e -o comm= | grep -c sleep; ps -ef | head -n 1 | num; ps aux | head -n 1 | num
ps -o pid= -p $s | awk -v p=$s '{ print $1 == p }'; ps -o ppid= -p $s | awk -v p=$$ '{ print $1 == p }'
ps -L -o comm,nlwp -p $s; ps -eo sess,pgid,tpgid --no-headers | awk '{ print NF }' | sort -u
ps -o pcpu=,pmem=,etimes=,time=,rss=,vsz= -p $s | awk '{ print $1 < 5, $2 < 50, $3 < 60, $4, $5 > 100, $6 > 1000 }'
ps -o lstart= -p $s | wc -w; ps -o start_time= -p $s | num; ps f -o comm= -p $$,$s | sed 's/ *$//'
ps --ppid $$ -o comm= | grep sleep; ps -C sleep -o comm=; ps -p 99999 -o comm=; echo $?; ps -o label=,cgroup=,ipcns= -p $s | wc -l
t pgrep
pgrep -x sleep | wc -l; pgrep -P $$ -l sleep | num; pgrep -f 'sleep 100' | wc -l; pgrep nothing; echo $?
pgrep -u root -c sleep; pgrep -u u sleep; echo $?; pidof sleep | wc -w; pkill -0 -x sleep; echo $?
pstree -A $$ | sed -E 's/pstree\+?//; s/[0-9]+\*//' | head -n 1 | grep -o 'sleep'; pstree -p $s | num; pstree -s $s | grep -c sleep
kill -STOP $s; sleep 0.05; ps -o stat= -p $s; kill -CONT $s; prlimit --pid $s --nofile --noheadings | num
pwdx $s | sed 's/.*: //'; renice -n 5 -p $s | num; ps -o ni= -p $s; taskset -p $s | num; chrt -p $s | num
pkill -x sleep; wait $s; echo $?; pgrep -x sleep; echo $?
t top
top -b -n 1 | sed -n '1,7p' | sed -E 's/up .*users?,/up/' | num | sed -E 's/zN//; s/, N users?//; s/([,:])N/\1 N/g'
top -b -n 1 -o PID | awk 'NR > 7 { print NF }' | sort -u; top -b -n 1 -p $$ | tail -n 1 | awk '{ print $2, $NF, $8 }'
top -H -b -n 1 | sed -n 2p | num
t memory
free | num | cut -d ' ' -f 1-4; free -b | awk '/Mem/ { print $2 > $3, $7 <= $2, $4 <= $2 }'; free -m -w | head -n 1
awk '/^(MemTotal|MemFree|MemAvailable|Buffers|Cached|SwapTotal|SwapFree|Shmem|Slab|Active|Inactive):/ { print $1, $3 }' /proc/meminfo
vmstat | head -n 2; vmstat 1 2 | tail -n 1 | wc -w; vmstat -s | sed -E 's/^ *[0-9]+ //'
t cpu
nproc; nproc --all; lscpu | grep -E '^(Architecture|CPU op|Byte Order|CPU\(s\)|On-line|Vendor|Model name|CPU family|Model:|Thread|NUMA node)' | num
lscpu -p=CPU,ONLINE 2> /dev/null | grep -v '^#'; lscpu -e=CPU,CORE,SOCKET | head -n 1; getconf _NPROCESSORS_ONLN
uptime -p | cut -c 1-3; uptime | sed -E 's/.*load average: //' | num; uptime -s | num; w -h | wc -l
awk '{ print NF }' /proc/loadavg /proc/uptime; awk '$1 == "cpu" { print NF, $2 + $4 > 0 }' /proc/stat; ls /proc/stat /proc/self/task/*/stat | wc -l
t counters
bash -c 'for i in 1 2 3 4 5; do sleep 0.01; done; a=$(sed -n "s/^voluntary_ctxt_switches:\t//p" /proc/$$/status); [ "$a" -ge 5 ] && echo switches'
bash -c 'cat /etc/passwd > /dev/null; a=$(sed -n "s/^rchar: //p" /proc/$$/io); [ "$a" -gt 1000 ] && echo reads'
bash -c 'for i in $(seq 100); do echo 0123456789; done > w; a=$(sed -n "s/^wchar: //p" /proc/$$/io); [ "$a" -ge 1100 ] && [ "$a" -lt 3000 ] && echo writes
    a=$(sed -n "s/^syscw: //p" /proc/$$/io); [ "$a" -ge 100 ] && [ "$a" -lt 200 ] && echo calls'
perl -e 'use Time::HiRes "sleep"; sleep 0.01 for 1..20; my $b = "\0" x 144; syscall(98, 0, $b); my @r = unpack "q18", $b; print $r[16] >= 20 ? "rusage\n" : "few: $r[16]\n"'
a=$(sed -n 's/^ctxt //p' /proc/stat); sleep 0.1; b=$(sed -n 's/^ctxt //p' /proc/stat); [ $b -gt $a ] && echo ctxt
a=$(sed -n 's/^processes //p' /proc/stat); /bin/true; /bin/true; b=$(sed -n 's/^processes //p' /proc/stat); [ $b -ge $((a + 2)) ] && echo forks
t files
exec 7< /etc/passwd; lsof -p $$ -a -d 7 -F ftn; lsof -p $$ -a -d cwd,txt,rtd -F fn
lsof -t /etc/passwd | wc -l; lsof /nonexistent 2>&1 | head -n 1; exec 7<&-
sleep 100 | sleep 100 & sleep 0.2; lsof -c sleep -a -d 0,1 -F ft | sort | uniq -c | sort | tail -n 4 | sed 's/p[0-9]*//' | grep -c .; pkill sleep; wait; echo done
flock w -c 'lslocks -n -o TYPE,MODE,M,START,END,PATH | grep -c FLOCK'
t mounts
df -P /tmp | awk '{ print NF, $1, $6 }'; df -t tmpfs --output=target | grep -E '^/(tmp|dev/shm)$' | sort; df / | wc -l; df -i /tmp | awk 'NR > 1 { print NF }'
stat -f -c %T /tmp /proc /dev/pts /sys; mountpoint / /tmp /proc /etc; findmnt -n -o TARGET,FSTYPE /proc /tmp; findmnt -n -o FSTYPE /tmp
findmnt -n -o OPTIONS /sys | cut -d , -f 1; mount -t proc | sed 's/(.*//'; mount | awk '$3 == "/dev/shm" { print $1, $5 }'
mount -t tmpfs -o size=1m,mode=700 mine /mnt && df -k /mnt | awk 'NR > 1 { print $1, $2, $6 }'; stat -c %a /mnt; mount -o remount,ro /mnt; touch /mnt/x; umount /mnt; mountpoint -q /mnt; echo $?
mount --bind /etc /mnt && cmp /mnt/passwd /etc/passwd && findmnt -n -o TARGET /mnt; umount /mnt; umount /mnt 2>&1; echo $?
lsblk > /dev/null 2> err; cat err | head -n 2; blkid; echo $?; swapon --show; echo $?
t sockets
python3 - <<'END'
import os, socket, sys
a, b = socket.socketpair(); l = socket.socket(socket.AF_UNIX); l.bind("listen.sock"); l.listen()
d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind("\0hid\0den"); c = socket.socket(socket.AF_UNIX); c.connect("listen.sock")
names = {os.fstat(s.fileno()).st_ino: n for n, s in (("pair", a), ("listen", l), ("dgram", d), ("client", c))}
found = []
for line in open("/proc/net/unix"):
    f = line.split()
    if f[0] != "Num" and int(f[6]) in names: found.append((names[int(f[6])], *f[2:6], *f[7:]))
for f in sorted(found): print(*f)
sys.stdout.flush()
os.system("lsof -U -a -p %d -F t | sort | uniq -c | sort -n | tail -n 1" % os.getpid())
END
ss -V | cut -c 1-2
t su
id -un; su u -c 'id -un; id -gn; echo $HOME; pwd > /dev/null; cat /proc/self/status | grep -E "^(Uid|Gid|CapEff|CapPrm)"'
su - u -c 'echo $USER $SHELL $PWD; touch /etc/x 2>&1; kill -0 1; echo $?'; su u -c 'su -c id < /dev/null' 2>&1 | grep -o Authentication; setpriv --reuid=1000 --clear-groups --regid=1000 id
runuser -u u -- id -u; setpriv --reuid=1000 --regid=1000 --init-groups --bounding-set=-all --inh-caps=-all grep CapBnd /proc/self/status
t sudo
say() { grep -v 'audit message'; }      # the host's namespaces may not send it
echo 'u ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/u; chmod 440 /etc/sudoers.d/u; echo "127.0.0.1 localhost $(hostname)" > /etc/hosts
ls -l /usr/bin/sudo | cut -c 1-10; su u -c 'sudo id; sudo -u nobody id -un; sudo -n true; echo $?; sudo sh -c "echo \$SUDO_USER \$SUDO_UID"; sudo cat /etc/shadow | grep -c root' 2>&1 | say
su u -c 'sudo -l' 2>&1 | say | tail -n 1; su u -c 'passwd -S' | cut -d ' ' -f 1,2; su u -c 'sudo sh -c "exit 7"' 2> /dev/null; echo $?; su nobody -s /bin/sh -c 'sudo -n true' 2>&1 | say
setpriv --no-new-privs su u -c true; echo $?; su u -c 'setpriv --no-new-privs sudo -n true' 2>&1 | head -n 1 | cut -c 1-60
t caps
cp /usr/bin/id ./capid; setcap cap_net_raw,cap_chown+ep ./capid; getcap ./capid; cp /bin/grep ./capgrep; setcap cap_chown=ep ./capgrep; chmod 755 capgrep; chmod 755 . /w
su u -c './capgrep Cap[PE] /proc/self/status'; setcap -r ./capgrep; su u -c './capgrep Cap[PE] /proc/self/status'; getpcaps $$ | sed 's/^[0-9]*: //'; capsh --decode=0000000000000001
su u -c 'setcap cap_chown=ep ./capid 2>&1; cp capid /tmp/x && getcap /tmp/x'; echo >> capid; getcap capid; cat /proc/sys/kernel/cap_last_cap | wc -l
t strace
strace -V | head -n 1 | num
strace -o tr -e trace=openat,close,exit_group /bin/true; grep -c ld.so.cache tr; tail -n 2 tr
(strace -f -o tr -e trace=exit_group,kill sh -c 'sh -c "exit 3"; kill -USR1 $$'; echo $?) 2> /dev/null; grep -c exit_group tr; sed 's/^[0-9]* *//' tr | grep -E '^(---|\+\+\+)' | sed 's/_pid=[0-9]*/_pid=N/' | sort
strace -c -o tr ls / > /dev/null; grep -c -E ' (execve|openat|getdents64)$' tr
sleep 5 & strace -o tr -p $! 2> /dev/null & sleep 0.5; kill %1; wait %2 2> /dev/null; tail -n 1 tr
t proc
for f in cmdline comm environ limits io maps status stat statm smaps smaps_rollup sched schedstat syscall wchan oom_score oom_score_adj cgroup auxv mountinfo mounts \
    numa_maps personality loginuid sessionid timerslack_ns fdinfo/0 coredump_filter uid_map gid_map setgroups; do
    cat /proc/self/$f > out 2> /dev/null && [ -s out ] && echo "$f $(head -n 1 out | tr '\0' ' ' | wc -w | awk '{ print $1 > 0 }')"; done
cut -d : -f 1 /proc/self/status | grep -vE '^(x86|untag|Speculation|Huge|NStgid|Ksm|THP|Vm|Kthread|HugetlbPages|Seccomp_)'; cut -c 1-25 /proc/self/limits | sed 's/ *$//'
cut -d : -f 1 /proc/self/io; awk '{ print NF }' /proc/self/stat /proc/self/statm; head -n 1 /proc/self/smaps_rollup | cut -d ' ' -f 2- | num; cut -d : -f 1 /proc/self/smaps | grep -E '^(Size|Rss|Pss|VmFlags|Swap|Locked|Anonymous)$' | sort -u
for f in cpuinfo devices diskstats filesystems interrupts loadavg locks meminfo partitions softirqs stat swaps uptime version vmstat cgroups; do
    cat /proc/$f > /dev/null 2>&1 && echo $f; done
for f in kernel/hostname kernel/osrelease kernel/pid_max kernel/threads-max kernel/random/uuid kernel/sem kernel/tainted fs/file-max fs/file-nr fs/inode-nr \
    fs/dentry-state vm/overcommit_memory vm/max_map_count vm/swappiness vm/dirty_ratio kernel/shmall kernel/core_pattern fs/pipe-max-size; do
    cat /proc/sys/$f > /dev/null 2>&1 && echo $f $(wc -w < /proc/sys/$f); done; sysctl -n kernel.hostname; sysctl -a 2> /dev/null | wc -l | awk '{ print $1 > 40 }'
