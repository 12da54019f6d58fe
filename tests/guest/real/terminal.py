"""Drives `xenc run` on a terminal as a person would. usage: terminal.py BUNDLE ID"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

bundle, name = sys.argv[1:3]
argv = [os.environ["XENC"], "--root", os.environ["XENC_STATE"], "run", "-b", bundle, name]
seen = b""


def size(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def read_some(fd, seconds):
    global seen
    if select.select([fd], [], [], seconds)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            return False
        seen += data
        return bool(data)
    return True


def report(what, good):
    shown = seen.decode("latin1").replace("|", "/").replace("\r", "\\r").replace("\n", "\x01")
    print(f"ok {what}" if good else f"not ok {what}|{shown}", flush=True)


def expect(fd, pattern, what, seconds=10):
    """Waits until the pattern is shown; what was shown up to it is used up."""
    global seen
    end = time.time() + seconds
    while time.time() < end:
        m = re.search(pattern, seen, re.DOTALL)
        if m:
            seen = seen[m.end():]
            report(what, True)
            return m
        if not read_some(fd, 0.1):
            break
    report(what, False)
    return None


def send(fd, text):
    os.write(fd, text.encode())


def start(*args):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv + list(args))
    size(fd, 30, 100)
    return pid, fd


def finish(pid, fd):
    end = time.time() + 10
    while time.time() < end:
        read_some(fd, 0.05)
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            os.close(fd)
            return os.waitstatus_to_exitcode(status)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "no end"


def shell():
    pid, fd = start()
    expect(fd, rb"# ", "tty: a prompt")
    send(fd, "echo a$((1+1))b\r")
    expect(fd, rb"echo a\$\(\(1\+1\)\)b\r\na2b\r\n.*# ", "tty: echo and output")
    send(fd, "stty size; tty\r")
    expect(fd, rb"30 100\r\n/dev/[a-z/0-9]+\r\n.*# ", "tty: window size")
    send(fd, "sleep 100\r")
    time.sleep(0.4)
    send(fd, "\x03")
    expect(fd, rb"\^C\r\n.*# ", "tty: ^C ends the foreground program")
    send(fd, "echo st=$?\r")
    expect(fd, rb"\nst=130\r\n.*# ", "tty: and its status is 130")
    send(fd, "sleep 101\r")
    time.sleep(0.4)
    send(fd, "\x1a")
    expect(fd, rb"\^Z.*Stopped.*# ", "tty: ^Z stops it")
    send(fd, "jobs\r")
    expect(fd, rb"\[1\].*Stopped.*sleep 101.*# ", "tty: jobs")
    send(fd, "bg\r")
    expect(fd, rb"\[1\].*sleep 101.*# ", "tty: bg")
    send(fd, "fg\r")
    expect(fd, rb"sleep 101\r\n", "tty: fg")
    time.sleep(0.4)
    send(fd, "\x03")
    expect(fd, rb"\^C.*# ", "tty: ^C after fg")
    size(fd, 41, 77)
    time.sleep(0.3)
    send(fd, "stty size\r")
    expect(fd, rb"41 77\r\n.*# ", "tty: a new size")
    send(fd, "trap 'echo wi''nch' WINCH; read x; echo en''d\r")
    time.sleep(0.4)
    size(fd, 42, 78)
    time.sleep(0.3)
    send(fd, "\r")
    expect(fd, rb"winch.*end.*# ", "tty: SIGWINCH")
    send(fd, "cat\r")
    time.sleep(0.2)
    send(fd, "typed\r")
    expect(fd, rb"typed\r\ntyped\r\n", "tty: cat on the terminal")
    send(fd, "\x04")
    expect(fd, rb"# ", "tty: ^D ends its input")
    send(fd, "sleep 0.2 & wait; echo waited\r")
    expect(fd, rb"\nwaited\r\n", "tty: background job")
    send(fd, "exit 37\r")
    report("tty: the shell's exit status", finish(pid, fd) == 37)


def others():
    global seen
    seen = b""
    pid, fd = start("--", "sh", "-c", "stty -echo; echo ready; read x; echo \"got $x\"; "
                    "kill -TERM $$; sleep 1; exit 9")
    expect(fd, rb"ready\r\n", "tty: a program")
    send(fd, "secret\r")
    expect(fd, rb"^got secret\r\n", "tty: without echo")
    rc = finish(pid, fd)
    report("tty: the first process does not die of SIGTERM it has no handler for", rc == 9)
    seen = b""
    pid, fd = start("--", "sh", "-c", "trap 'echo hup; exit 3' HUP; echo ready; "
                    "while :; do sleep 0.1; done")
    expect(fd, rb"ready\r\n", "tty: waits")
    send(fd, "\x1c")
    time.sleep(0.2)
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.2)
    os.kill(pid, signal.SIGHUP)
    rc = finish(pid, fd)
    report("tty: xenc passes SIGHUP on", rc == 3)


shell()
others()
