#!/bin/sh
# What a user's shell script does, on busybox: its output in a domain must be the same as in
# a chroot on the host, byte for byte.
export LC_ALL=C
rm -rf /w/script
mkdir -p /w/script
cd /w/script || exit 1
section() { echo "== $*"; }

section variables and expansion
a=hello b='two words' n=7
echo "$a ${b} ${unset:-default} ${#b} ${b#two } ${b%words} $((n * 6 + 1)) $((1 << 10)) $?"
set -- one 'two three' four
echo "$# $1 $2 $*"
for x in "$@"; do printf '<%s>' "$x"; done
echo
shift 2
echo "$1 $#"
IFS=: ; for d in a:b:c; do echo $d; done; unset IFS
case $a in h*o) echo matched ;; *) echo not ;; esac
echo $(echo $(echo nested) substitution) `echo old style`

section here-documents
cat <<END
plain $a $((n + 1)) $(echo command)
END
cat <<'END'
quoted $a `no`
END
cat <<-END
	tabs are
		removed
	END
big=$(i=0; while [ $i -lt 3000 ]; do echo "line $i of the big document"; i=$((i + 1)); done)
cat <<END | wc
$big
END

section functions and recursion
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 12
late() { return 9; }
late; echo "status $?"

section subshells
x=1; (x=2; echo inside $x; exit 3); echo "outside $x status $?"
{ x=5; echo grouped; }; echo $x
(cd /; pwd); pwd
false || echo or; true && echo and; ! true; echo "not: $?"

section pipes
seq 1 1000 | grep 7 | wc -l
seq 1 5 | while read -r v; do echo "v=$v"; done | tac
yes | head -n 3
printf 'c\na\nb\n' | sort | tr 'a-z' 'A-Z' | paste -s -d,
seq 100000 | sha256sum
echo data | tee t1 t2 > /dev/null; cat t1 t2
(exit 4) | cat; echo "last wins: $?"
set -o pipefail; (exit 4) | cat; echo "pipefail: $?"; set +o pipefail
seq 1 200000 | sed -n '$p'

section redirection
echo one > f; echo two >> f; cat < f
ls /nonexistent 2> err; echo "status $?"; cat err
{ echo out; echo err >&2; } > both 2>&1; cat both
exec 3> third; echo to three >&3; exec 3>&-; cat third
exec 4< f; read -r l <&4; echo "first: $l"; read -r l <&4; echo "second: $l"; exec 4<&-
: > empty; wc -c < empty
set -C; (echo x > f) 2> /dev/null || echo noclobber; set +C

section background jobs
sleep 0.05 & p=$!
wait $p; echo "sleep: $?"
(sleep 0.1; exit 7) & p=$!
wait $p; echo "exit: $?"
for i in 1 2 3 4; do (sleep 0.0$i; echo "job $i" > job$i) & done; wait
cat job1 job2 job3 job4
sleep 30 & p=$!
kill $p; wait $p; echo "killed: $?"
sh -c 'kill -KILL $$'; echo "kill -9: $?"
mkfifo pipe
(echo through the fifo > pipe) & cat pipe; wait

section traps
trap 'echo on exit' EXIT
trap 'echo got USR1' USR1
kill -USR1 $$; echo after
sh -c 'trap "echo bye; exit 3" TERM; kill -TERM $$; sleep 1; echo not reached'; echo "status $?"
sh -c 'trap "" TERM; kill -TERM $$; echo ignored'; echo "status $?"
sh -c 'trap "echo child exit" EXIT; exit 5'; echo "status $?"
(trap 'echo subshell' EXIT)
sh -c 'sleep 0.05 & trap "echo alarm" ALRM; (sleep 0.02; kill -ALRM $$) & wait; wait; echo end'

section tests
[ -f f ] && [ -d / ] && [ ! -e none ] && [ -s f ] && echo files
[ 10 -gt 9 ] && [ a != b ] && [ -z "" ] && [ -n x ] && echo strings
[ -x /bin/busybox ] && [ -r f ] && [ -w f ] && echo rights
ln -s f sym; [ -L sym ] && readlink sym
[ f -ef sym ] && echo same

section files
mkdir -p tree/a/b tree/c
for i in 1 2 3; do echo "content $i" > tree/a/file$i; done
echo deep > tree/a/b/deep.txt
ln tree/a/file1 tree/c/hard
ln -s ../a tree/c/link
chmod 640 tree/a/file2; chmod 755 tree/a/file3
find tree | sort
find tree -type f -name 'file*' | sort
find tree -type l -exec readlink {} \;
find tree -name '*.txt' -exec cat {} +
find tree -type f -print0 | sort -z | xargs -0 wc -c
stat -c '%n %s %a %h %F' tree/a/* | sort
cp -a tree copy; diff -r tree copy && echo equal
echo changed > copy/a/file2; diff -r tree copy; echo "diff: $?"
mv copy/a/file3 copy/moved; ls copy copy/a
rm -r copy; [ -e copy ] || echo removed
touch -d '2001-02-03 04:05:06' dated; TZ=UTC ls -l --full-time dated | awk '{print $6, $7}'
du -s empty | cut -f1
dd if=/dev/zero of=zeros bs=1000 count=50 2> /dev/null; wc -c < zeros; md5sum zeros
cmp zeros zeros && echo cmp
basename /a/b/c.txt .txt; dirname /a/b/c.txt

section sed and awk
printf 'alpha 1\nbeta 2\ngamma 3\n' > words
sed 's/a/A/g; 2d' words
sed -n '/beta/,$p' words
sed -i 's/gamma/delta/' words; cat words
sed -e '1i\
before' -e '$a\
after' words
awk '{ s += $2; print NR ": " toupper($1) } END { print "sum", s; printf "%.3f %x\n", s / 7, 255 }' words
awk -F: '$3 == 0 { print $1, $NF }' /etc/passwd
awk 'BEGIN { for (i = 0; i < 5; i++) a[i] = i * i; for (i = 0; i < 5; i++) printf "%d ", a[i]; print "" }'
awk 'BEGIN { while (("echo x; echo y" | getline l) > 0) print "got " l; system("exit 3"); print "cat" | "cat" }'
cut -d' ' -f2 words | paste - - -

section archives
tar cf tree.tar tree; tar tf tree.tar | sort
mkdir out; tar xf tree.tar -C out; diff -r tree out/tree && echo unpacked
tar czf tree.tgz tree; tar tzf tree.tgz | wc -l
seq 1 20000 > numbers; gzip -k numbers; gzip -t numbers.gz && echo tested
gunzip -c numbers.gz | cmp - numbers && echo gzip
[ "$(wc -c < numbers.gz)" -lt 60000 ] && echo smaller
bzip2 -k numbers; bunzip2 -c numbers.bz2 | cmp - numbers && echo bzip2
find tree -type f | sort | cpio -o -H newc 2> /dev/null | cpio -t 2> /dev/null | sort

section numbers and texts
expr 6 \* 7; expr substr hello 2 3
echo '3 4 + 2 * p' | dc
printf '%5d|%-5s|%05.1f|%x|%c\n' 42 ab 3.14159 255 z
seq -s ' ' 10 -3 1
echo hello | rev; echo 'a b c' | fold -w 2; printf '1\n2\n' | nl
printf 'b\na\nb\n' | sort | uniq -c | awk '{print $1, $2}'
echo 'hello world' | od -c | head -n 2; echo hi | hexdump -C | head -n 1
echo aGVsbG8K | base64 -d; printf x | cksum
date -u -d @86400 '+%Y-%m-%d %H:%M:%S'; TZ=EST5 date -d @0 '+%H %Z'

section processes
echo "pid 1 or shell: $([ $$ -ge 1 ] && echo yes)"
(ps -o comm | grep -c ps) 2> /dev/null
nice -n 5 sh -c 'nice'; id -u; id -un; umask; umask 077; umask; umask 022
timeout 0.1 sleep 5; echo "timeout: $?"
env -i A=1 /bin/busybox env; sh -c 'echo $0 $1' name arg
ulimit -n; (ulimit -n 50; ulimit -n)
time -f done true 2>&1 | head -n 1
cat /proc/self/comm; tr '\0' ' ' < /proc/self/cmdline; echo
eval 'echo evaluated $a'; type cd | head -n 1
xargs -n 2 echo < words
nohup echo nohup 2> /dev/null < /dev/null
getopts_test() { while getopts ab: o; do echo "$o ${OPTARG:-}"; done; }; getopts_test -a -b val

section vi in a terminal
printf 'first line\nsecond line\n' > text
/t/ptyrun '\pihello \e\pjddolast line\e\p:%s/line/LINE/g\r\p:wq\r\p' vi text
echo "status $?"
cat text

section interactive shell in a terminal
PS1='$ ' ENV= /t/ptyrun '\pecho typed\r\pslep\x7f\x7fleep 10\r\p\x03\pecho $?\r\psleep 20\r\p\x1a\pjobs\r\pkill %1\r\pstty size\r\pexit 4\r\pexit 4\r' sh
echo "status $?"
section end
