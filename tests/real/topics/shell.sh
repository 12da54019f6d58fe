# bash, coreutils, findutils, grep, sed, gawk, tar, xz, perl on a tree of a thousand files.
t bash
a=(x y z); echo "${a[@]:1}" ${#a[@]} "${a[*]@Q}"
coproc cat; echo hi >&"${COPROC[1]}"; read -r -u "${COPROC[0]}" l; echo "$l"
eval "exec ${COPROC[1]}>&-"; wait "$COPROC_PID"; echo "coproc $?"
diff <(seq 3) <(seq 4); mapfile -t m < <(seq 5); echo ${#m[@]}
trap 'echo caught' USR1; kill -USR1 $$; trap - USR1
(exit 7); echo $?; false | true; echo "${PIPESTATUS[@]}"
cat <<< "here"; exec 5<> pipe.tmp; echo five >&5; cat pipe.tmp; exec 5>&-
for i in 1 2 3 4 5 6 7 8; do (sleep 0.0$i; exit $i) & done; n=0
while wait -n; r=$?; [ $r -ne 127 ]; do n=$((n + r)); done; echo "sum $n"
timeout 0.2 sleep 5; echo "timeout $?"
ulimit -n; umask; type -t cd; echo $BASHPID $$ | awk '{ print $1 == $2 }'
t tree
mkdir tree && for d in $(seq 0 9); do
    mkdir -p tree/$d/sub
    for f in $(seq 0 99); do echo "file $d $f" > tree/$d/f$f; done
done
find tree -type f | wc -l; find tree -name 'f*5' -newer /etc/debian_version | wc -l
find tree -type f -print0 | xargs -0 -P 4 -n 50 cat | sort | md5sum
find tree -type d -empty | sort; du -s --apparent-size --inodes tree
ln -s ../0/f0 tree/1/link; ln tree/0/f0 tree/1/hard; stat -c '%h %s %F' tree/1/hard tree/1/link
chmod 4711 tree/0/f1; stat -c %A tree/0/f1; touch -d '2001-02-03 04:05:06.789 UTC' tree/0/f2
TZ=UTC stat -c %y tree/0/f2; cp -a tree copy; diff -r tree copy && echo same
rm -r copy/3; ls copy; mv copy moved; ls -la moved/1 | awk '{ print $1, $2, $5, $9 }' | sort | md5sum
t coreutils
seq 100000 | sort -R | sort -n --parallel=2 | md5sum; seq 1000 | shuf | sort -n | uniq -c | wc -l
seq 300000 | split -l 100000 - part.; wc -l part.*; cat part.* | sha256sum; rm part.*
head -c 3000000 /dev/zero | tr '\0' x | fold -w 60 | tail -n 1 | wc -c
dd if=/dev/zero of=sparse bs=1 count=0 seek=100M 2> /dev/null; stat -c '%s %b' sparse
truncate -s 5 sparse; od -c sparse; dd if=/dev/urandom of=rnd bs=64k count=20 2> /dev/null
cp --sparse=always rnd rnd2; cmp rnd rnd2 && echo equal; base64 rnd | base64 -d | cmp - rnd
fallocate -l 1M fal; stat -c '%s' fal; fallocate -p -o 0 -l 65536 fal; stat -c '%s' fal
mkfifo ff; (echo through > ff) & cat ff; wait; mktemp -u | wc -c; realpath -m a/../b/./c
tee t1 t2 < /etc/debian_version > /dev/null; cmp /etc/debian_version t1; cksum < t2 | cmp - <(cksum < t1); install -m 600 t1 t3
stat -c %a t3; date -u -d @0; id; id u; env -i A=b env; nice -n 5 nice; nohup true; echo $?
paste <(seq 3) <(seq 4 6) | expand; join <(seq 5) <(seq 3 7); comm -12 <(seq 5) <(seq 3 7); tac t1
stdbuf -oL echo line; printf '%s\n' *.tmp; ls -1 --color=always | cat -v | head -n 3
t text
seq 20000 | grep -E '(1|2)3+$' | md5sum; grep -rl 'file 3 9' tree | wc -l; grep -c . /etc/passwd
echo 'a.b' | grep -oP '\w(?=\.)'; seq 10 | sed -n '3,5p;$='; sed -i 's/file/FILE/' tree/2/f*
cat tree/2/f* | md5sum; seq 1 50000 | gawk '{ s[$1 % 7] += $1 } END { for (i in s) print i, s[i] }' | sort
gawk 'BEGIN { "echo sub" | getline x; print x; print strftime("%Y", 0, 1) }'
gawk 'BEGIN { c = "cat"; print "co" |& c; close(c, "to"); c |& getline y; print y }'
t tar
tar cf t.tar tree && tar tf t.tar | sort | md5sum; mkdir x && tar xf t.tar -C x && diff -r tree x/tree && echo same
tar cJf t.txz tree && xz -t t.txz && tar xJf t.txz -C x && echo xz; tar czf - tree | tar tzf - | wc -l
stat -c '%h %A' x/tree/1/hard x/tree/0/f1; seq 200000 | xz -T2 | xz -d | md5sum; rm -rf x
TZ=UTC stat -c %y tree/0/f2; tar --xattrs --acls -cf a.tar tree/0 && tar df a.tar && echo compared
t perl
perl -MPOSIX -MSocket -e 'pipe(R, W); if (!fork) { print W "kid\n"; exit 3 } close W;
    print <R>; wait; print $? >> 8, "\n"; socketpair(A, B, AF_UNIX, SOCK_STREAM, 0);
    syswrite A, "sock\n"; sysread B, $x, 9; print $x;
    $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; pause; print `echo sub`;
    open F, "+>", "p"; print F "x" x 10000; truncate F, 5; print -s F, "\n"; print ttyname(0) // "none", "\n";
    $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 }; for (1..40) { fork or exit }
    sleep 1; print "kids done\n"; open F, "<", "/etc/passwd"; flock F, 2; print "locked\n"'
perl -MFile::Find -e 'find(sub { $n++ if -f }, "tree"); print "$n\n"'
perl -e '$s .= pack("N", $_ ^ $s) for 1..20000; print length $s, "\n"; print -d "/proc/$$/fd" ? "proc\n" : "no\n"'
perl -Mthreads -e 'print join(",", map { $_->join } map { my $n = $_; threads->create(sub { $n ** 2 }) } 1..8), "\n"'
