# Inside fresh namespaces: what the bundle's config.json asks for, done by the host's own kernel.
# usage: native.sh ROOT FILES CAPABILITIES PROGRAM...
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
root=$1 files=$2 caps=$3
shift 3
hostname debian
cd "$root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t mqueue mqueue dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind "$files" t
mount -o remount,bind,ro t
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
pivot_root . old
cd /
exec setpriv --bounding-set "-all$caps" /bin/sh -c 'umount -l /old && cd / && exec "$@"' sh "$@"
