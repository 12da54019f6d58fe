"""What Python programs ask of a kernel, a function a topic. Prints the same on any kernel."""
import asyncio
import concurrent.futures
import ctypes
import errno
import mmap as mm
import multiprocessing as mp
import multiprocessing.shared_memory
import os
import pathlib
import resource
import selectors
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time


def threads():
    total, lock = [0], threading.Lock()

    def work():
        for _ in range(2000):
            with lock:
                total[0] += 1
    ts = [threading.Thread(target=work) for _ in range(16)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    print(total)
    with concurrent.futures.ThreadPoolExecutor(8) as ex:
        print(sum(ex.map(lambda x: x * x, range(1000))))
    cond, got = threading.Condition(), []

    def waiter():
        with cond:
            got.append(cond.wait(10))
    ts = [threading.Thread(target=waiter) for _ in range(5)]
    [t.start() for t in ts]
    time.sleep(0.2)
    with cond:
        cond.notify_all()
    [t.join() for t in ts]
    print(got, threading.active_count())
    e = threading.Event()
    print(e.wait(0.05), threading.get_native_id() == os.getpid())
    local, barrier = threading.local(), threading.Barrier(4)
    ts = [threading.Thread(target=lambda: (setattr(local, "x", 1), barrier.wait())) for _ in range(4)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    print(barrier.broken, hasattr(local, "x"))


def run_subprocess():
    run = subprocess.run
    print(run("cat; exit 3", shell=True, input=b"in", capture_output=True))
    for bad in (["/no/such"], ["/etc/passwd"], ["/"]):
        try:
            run(bad)
        except OSError as e:
            print(errno.errorcode[e.errno])
    p = subprocess.Popen(["sleep", "30"], start_new_session=True)
    os.killpg(p.pid, signal.SIGTERM)
    print(p.wait())
    try:
        run(["sleep", "5"], timeout=0.2)
    except subprocess.TimeoutExpired as e:
        print("timeout", e.cmd)
    ps = [subprocess.Popen(["sh", "-c", f"exit {i}"]) for i in range(30)]
    print([p.wait() for p in ps] == list(range(30)))
    big = run(["head", "-c", "5000000", "/dev/zero"], stdout=subprocess.PIPE).stdout
    print(len(big))
    print(run(["pwd"], cwd="/usr", capture_output=True, text=True).stdout, os.system("exit 4") >> 8)
    print(os.waitstatus_to_exitcode(os.posix_spawn("/bin/false", ["false"], {}) and os.wait()[1]))
    print(run(["id", "-u"], user=1000, capture_output=True, text=True, extra_groups=[]).stdout.strip())


def square(x):
    return x * x, mp.current_process().name != "MainProcess"


def child(q, conn, value, arr, lock):
    q.put(os.getppid() > 0)
    conn.send({"pid": True})
    for _ in range(1000):
        with lock:
            value.value += 1
    arr[0] = 2.5
    conn.close()


def multiprocessing():
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        q, lock = ctx.Queue(), ctx.Lock()
        a, b = ctx.Pipe()
        v, arr = ctx.Value("i", 0, lock=False), ctx.Array("d", 3)
        ps = [ctx.Process(target=child, args=(q, b, v, arr, lock)) for _ in range(3)]
        [p.start() for p in ps]
        print(method, [q.get(timeout=30) for _ in ps], a.recv())
        [p.join() for p in ps]
        print(v.value, arr[:], [p.exitcode for p in ps])
        with ctx.Pool(3) as pool:
            print(pool.map(square, range(10)) == [(x * x, True) for x in range(10)])
            print(pool.apply_async(time.sleep, (0.01,)).get(10))
    shm = mp.shared_memory.SharedMemory(create=True, size=100000)
    other = mp.shared_memory.SharedMemory(shm.name)
    shm.buf[:5] = b"share"
    print(bytes(other.buf[:5]), shm.size >= 100000)
    other.close()
    shm.close()
    shm.unlink()
    with mp.Manager() as m:
        d = m.dict()
        p = mp.Process(target=d.update, args=({"k": "v"},))
        p.start()
        p.join()
        print(dict(d))
    with concurrent.futures.ProcessPoolExecutor(2) as ex:
        print(list(ex.map(square, range(3))))
        doomed = ex.submit(os._exit, 1)
        print(type(doomed.exception(20)).__name__)


def use_asyncio():
    async def main():
        p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        print(await p.communicate(b"async"), p.returncode)
        path = tempfile.mktemp()

        async def serve(r, w):
            w.write((await r.readline()).upper())
            await w.drain()
            w.close()
        server = await asyncio.start_unix_server(serve, path)

        async def ask(i):
            r, w = await asyncio.open_unix_connection(path)
            w.write(b"line %d\n" % i)
            return await r.read()
        print(b"".join(await asyncio.gather(*map(ask, range(50)))).count(b"LINE"))
        server.close()
        got = []
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.append, 1)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0.05)
        print(got, await asyncio.to_thread(sum, range(10)))
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.05)
        except asyncio.TimeoutError:
            print("timeout")
        ps = await asyncio.gather(*[asyncio.create_subprocess_shell(f"exit {i}") for i in range(8)])
        print(await asyncio.gather(*[p.wait() for p in ps]))
    asyncio.run(main())


def sqlite():
    db = sqlite3.connect("a.db", isolation_level=None)
    print(db.execute("pragma journal_mode=wal").fetchone())
    db.execute("create table t(a integer primary key, b)")
    db.execute("begin")
    db.executemany("insert into t values(?, ?)", ((i, "x" * (i % 90)) for i in range(20000)))
    db.execute("commit")
    other = sqlite3.connect("a.db", timeout=0, isolation_level=None)
    db.execute("begin immediate")
    try:
        other.execute("begin immediate")
    except sqlite3.OperationalError as e:
        print(e)
    db.execute("rollback")
    print(other.execute("select count(*), sum(length(b)) from t").fetchone())
    for mode in ("delete", "truncate", "persist", "memory"):
        print(db.execute("pragma journal_mode=" + mode).fetchone(),
              db.execute("update t set b='y' where a=5").rowcount)
    print(db.execute("pragma integrity_check").fetchone())
    print(sorted(f for f in os.listdir() if f.startswith("a.db")))


def mmap():
    with open("m", "wb+") as f:
        f.truncate(1 << 20)
        m = mm.mmap(f.fileno(), 0)
        m[100:103] = b"abc"
        f.seek(100)
        print(f.read(3))
        os.pwrite(f.fileno(), b"written", 5000)
        print(m[5000:5007], m.find(b"abc"), m.flush())
        ro = mm.mmap(f.fileno(), 4096, access=mm.ACCESS_READ)
        cow = mm.mmap(f.fileno(), 8192, access=mm.ACCESS_COPY)
        cow[0:3] = b"cow"
        print(bytes(ro[:3]), bytes(cow[:3]))
        m.resize(2 << 20)
        m[-1:] = b"z"
        print(os.fstat(f.fileno()).st_size, len(m))
        m.madvise(mm.MADV_DONTNEED)
        print(m[100:103], m[-1:])
    a = mm.mmap(-1, 4 << 20)
    if os.fork() == 0:
        a[7:12] = b"child"
        os._exit(0)
    os.wait()
    print(a[7:12])
    fd = os.memfd_create("x")
    os.truncate(fd, 4096)
    print(len(mm.mmap(fd, 4096)))


def use_ctypes():
    libc = ctypes.CDLL(None, use_errno=True)
    print(libc.getpid() == os.getpid(), libc.strlen(b"four"), libc.open(b"/no", 0), ctypes.get_errno())
    cmp = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    arr = (ctypes.c_int * 6)(5, 1, 4, 2, 6, 3)
    libc.qsort(arr, 6, 4, cmp(lambda a, b: a[0] - b[0]))
    print(list(arr))
    libm = ctypes.CDLL("libm.so.6")
    libm.cos.restype, libm.cos.argtypes = ctypes.c_double, [ctypes.c_double]
    print(libm.cos(0.0))


def files():
    p = pathlib.Path("files")
    p.mkdir()
    for i in range(300):
        (p / f"f{i}").write_text(str(i))
    print(len(list(p.glob("*7"))), sum(1 for _ in os.scandir(p)))
    shutil.copytree(p, "copied")
    print(len(os.listdir("copied")))
    os.setxattr(p, "user.k", b"v")
    print(os.getxattr(p, "user.k"), os.listxattr(p))
    with tempfile.TemporaryFile() as f, tempfile.NamedTemporaryFile() as n:
        print(f.write(b"x" * 100), os.fstat(f.fileno()).st_nlink, os.path.exists(n.name))
        print(os.sendfile(n.fileno(), os.open("/etc/passwd", 0), 0, 10))
    a, b = os.open("files/f1", os.O_RDWR), os.open("files/f2", os.O_RDWR)
    print(os.copy_file_range(a, b, 1), os.posix_fallocate(a, 0, 10000), os.fstat(a).st_size)
    print(os.preadv(b, [bytearray(1)], 0), os.pwritev(b, [b"ab", b"c"], 4), os.get_inheritable(a))
    try:
        os.rename("files", "copied")
    except OSError as e:
        print(errno.errorcode[e.errno])
    os.utime("files/f3", ns=(10**18, 10**18 + 5))
    print(os.stat("files/f3").st_mtime_ns, os.statvfs("/").f_namemax, os.umask(0o22))
    print(resource.getrlimit(resource.RLIMIT_NOFILE))
    fds = [os.open("/dev/null", 0) for _ in range(900)]
    print(len(fds))
    shutil.rmtree("copied")
    r, w = os.pipe()
    print(os.splice(os.open("/etc/passwd", 0), w, 20) if hasattr(os, "splice") else 20, len(os.read(r, 20)))


def signals():
    r, w = os.pipe()
    os.set_blocking(w, False)
    signal.set_wakeup_fd(w, warn_on_full_buffer=False)
    signal.signal(signal.SIGUSR1, lambda *a: print("handler"))
    os.kill(os.getpid(), signal.SIGUSR1)
    print(os.read(r, 1)[0] == signal.SIGUSR1)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    os.kill(os.getpid(), signal.SIGRTMIN)
    print(signal.sigwaitinfo([signal.SIGRTMIN]).si_signo - signal.SIGRTMIN, signal.sigtimedwait([35], 0.01))
    signal.signal(signal.SIGALRM, lambda *a: (_ for _ in ()).throw(TimeoutError()))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        time.sleep(5)
    except TimeoutError:
        print("interrupted")
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(3)
    print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))
    os.kill(pid, signal.SIGCONT)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    fd = os.pidfd_open(os.getpid())
    signal.pidfd_send_signal(fd, signal.SIGUSR1)


def sockets():
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [1])
    print(len(socket.recv_fds(b, 10, 4)[1]))
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.bind("\0abstract")
    s.listen()
    c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    c.connect("\0abstract")
    conn, _ = s.accept()
    c.send(b"one")
    c.send(b"two")
    print(conn.recv(10), conn.recv(10), len(conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))
    sel = selectors.DefaultSelector()
    sel.register(a, selectors.EVENT_READ)
    print(type(sel).__name__, sel.select(0.01))
    b.send(b"!")
    print(len(sel.select(1)))
    a.settimeout(0.05)
    a.recv(1)
    try:
        a.recv(1)
    except TimeoutError as e:
        print(e)
    d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    d.bind("dgram")
    print(c.family == socket.AF_UNIX, os.path.exists("dgram"))


if __name__ == "__main__":
    {"subprocess": run_subprocess, "asyncio": use_asyncio, "ctypes": use_ctypes}.get(
        sys.argv[1], globals().get(sys.argv[1]))()
