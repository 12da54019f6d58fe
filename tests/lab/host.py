"""An emulated host: a QEMU process that boots a kernel once, has its state saved, and is
resumed from it for each run."""
import json
import os
import select
import shlex
import socket
import subprocess
import time

PORTS = ("port", "out", "err")      # of the virtio serial device, 1 to 3; tests/lab/inside


class Gone(Exception):
    """The emulated host ended, or said nothing for too long."""


def connect(path, deadline):
    while True:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
            if time.monotonic() > deadline:
                raise Gone("QEMU does not answer") from None
            time.sleep(0.01)


class Host:
    """shares: folder by 9p tag. All of QEMU's files are in the folder `own`, `state` is
    the saved state to resume, if any; `timeout` is in seconds."""

    def __init__(self, args, shares, own, state=None, timeout=60):
        self.own, self.deadline = own, time.monotonic() + timeout
        command = ["qemu-system-x86_64"]
        for name in PORTS + ("qmp",):
            command += ["-chardev", "socket,id=%s,path=%s.sock,server=on,wait=off" % (name, name)]
        # The first virtio device, as its number is in its ports' names.
        command += ["-device", "virtio-serial-pci"]
        for nr, name in enumerate(PORTS):
            command += ["-device", "virtserialport,nr=%d,chardev=%s" % (nr + 1, name)]
        command += args
        for tag, path in shares.items():
            command += ["-fsdev", "local,id=%s,path=%s,security_model=none,multidevs=remap"
                        % (tag, path.replace(",", ",,")),
                        "-device", "virtio-9p-pci,fsdev=%s,mount_tag=%s" % (tag, tag)]
        command += ["-mon", "chardev=qmp,mode=control", "-serial", "file:console"]
        if state:
            command += ["-incoming", "exec:cat " + shlex.quote(state)]
        with open(os.path.join(own, "qemu"), "wb") as log:
            self.qemu = subprocess.Popen(command, cwd=own, stdin=subprocess.DEVNULL, stdout=log,
                                         stderr=log)
        self.sockets = {}
        try:
            for name in PORTS + ("qmp",):
                self.sockets[name] = connect(os.path.join(own, name + ".sock"),
                                             time.monotonic() + 10)
            self.qmp = self.sockets["qmp"].makefile("rw")
            self.qmp.readline()
            self.ask("qmp_capabilities")
        except BaseException:
            self.end()
            raise

    def ask(self, command, **arguments):
        self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while True:
            line = self.qmp.readline()
            if not line:
                raise Gone("QEMU ended")
            answer = json.loads(line)
            if "error" in answer:
                raise Gone("%s: %s" % (command, answer["error"]["desc"]))
            if "return" in answer:
                return answer["return"]

    def line(self, outputs=None):
        """The next line of the lab's port. Meanwhile, what arrives for out and err is
        written to the descriptors of `outputs`."""
        outputs = outputs or {}
        got = b""
        names = {self.sockets[n]: n for n in ("port", *outputs)}
        while not got.endswith(b"\n"):
            left = self.deadline - time.monotonic()
            ready, _, _ = select.select(list(names), [], [], max(left, 0))
            if not ready:
                raise TimeoutError
            for s in ready:
                data = s.recv(1 if names[s] == "port" else 65536)
                if names[s] == "port":
                    got += data
                    if not data:
                        raise Gone("the emulated host ended by itself")
                else:
                    write(outputs[names[s]], data)
        self.drain(outputs)
        return got.decode().strip()

    def drain(self, outputs):
        for name, fd in outputs.items():
            while select.select([self.sockets[name]], [], [], 0)[0]:
                data = self.sockets[name].recv(65536)
                if not data:
                    break
                write(fd, data)

    def go(self):
        """Resumes, once the state is loaded, and tells it that its folders are there."""
        while True:
            status = self.ask("query-status")["status"]
            if status in ("paused", "postmigrate"):
                self.ask("cont")
            elif status == "running":
                break
            if time.monotonic() > self.deadline:
                raise TimeoutError
            time.sleep(0.01)
        self.sockets["port"].sendall(b"go\n")

    def save(self, path):
        self.ask("stop")
        self.ask("migrate-set-parameters", **{"max-bandwidth": 1 << 33})
        self.ask("migrate", uri="exec:cat > " + shlex.quote(path))
        while True:
            state = self.ask("query-migrate")
            if state.get("status") == "completed":
                return
            if state.get("status") == "failed" or time.monotonic() > self.deadline:
                raise Gone("its state can't be saved: " + state.get("error-desc", "too slow"))
            time.sleep(0.05)

    def end(self):
        self.qemu.kill()
        self.qemu.wait()
        for s in self.sockets.values():
            s.close()

    def last_words(self):
        """What is known of an end that should not have been."""
        words = []
        for name in ("qemu", "console"):
            try:
                with open(os.path.join(self.own, name), errors="replace") as f:
                    words += f.read().splitlines()[-15:]
            except OSError:
                pass
        return words


def write(fd, data):
    while data:
        data = data[os.write(fd, data):]
