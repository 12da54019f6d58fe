# Inside fresh namespaces: makes the mounts that config.json asks for, then runs "$@" in the
# root with the same limits and capabilities.
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
hostname guest
mount --make-rprivate /
mount --bind "$R" "$R"
cd "$R"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=1777 tmpfs tmp
for n in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "dev/${n%:*}" c 1 "${n#*:}"
done
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
ulimit -c 0
ulimit -Sn 1024
ulimit -Hn 4096
umask 022
mkdir -p old
pivot_root . old
cd /
# A tool of the host, with its libraries, from where the host's root is now.
exec /old/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path /old/usr/lib/x86_64-linux-gnu \
    /old/usr/bin/setpriv --bounding-set "-all$CAPS" \
    /bin/busybox env -i PATH=/bin:/sbin:/usr/bin HOME=/root TERM=vt100 \
    /bin/sh -c 'umount -l /old && rmdir /old && cd / && exec "$@"' sh "$@"
