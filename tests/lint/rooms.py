"""Who may include whom. A room is a folder; its files may include with quotes what the
patterns after it match, and of the libraries in LIBRARIES only what is theirs."""
import fnmatch
import os
import re

K = "unikernel-kernel"

# Host rooms. The order of the house is visible: base knows nobody; oci and hv do not know
# each other and meet in runtime; the driver domain knows no backend.
ROOMS = {
    "abi": ["abi/*.h"],
    "base": ["base/*.h", "abi/record.h"],
    "oci": ["base/*.h", "oci/*.h", "oci/*.def"],
    "hv": ["abi/*.h", "base/*.h", "hv/*.h", "hv/*.def", "hv/dev/dev.h",
           "hv_filter.inc"],
    "hv/gen": ["hv/gen/*.h"],
    "hv/pv": ["abi/*.h", "base/*.h", "hv/domain.h", "hv/conf.h", "hv/hv.h", "hv/pv/*.h",
              "hv/dev/dev.h", "pv_filter.inc"],
    "hv/kvm": ["abi/*.h", "base/*.h", "hv/domain.h", "hv/conf.h", "hv/hv.h", "hv/kvm/*.h",
               "hv/dev/dev.h", "vcpu_filter.inc"],
    "hv/kvm/gen": ["hv/gen/emit.h"],
    "hv/pv/gen": ["abi/pv.h", "abi/pv_calls.def"],
    "hv/dev": ["abi/*.h", "base/err.h", "hv/dev/*.h", "dev_filter.inc"],
    "hv/dev/gen": ["hv/gen/emit.h"],
    "hv/client": ["abi/*.h", "base/*.h", "hv/hv.h", "hv/conf.h", "hv/backends.def",
                  "hv/client/*.h"],
    "runtime": ["base/*.h", "runtime/*.h", "runtime/*.def", "hv/hv.h", "oci/oci.h",
                "oci/image.h", "abi/record.h"],
    # The guest kernel: contracts, public headers, and what lies in the room itself.
    K + "/include": ["abi/*.h", "<own>", "plat_task_unit.h", "../plat/*/plat_task.h",
                     "../sys/syscalls.def", "../fs/sysctl.def"],
    K + "/core": ["abi/*.h", "<include>", "<own>", "../sys/trace.h"],
    K + "/mm": ["abi/*.h", "../../abi/*.h", "<include>", "<own>"],
    K + "/fs": ["abi/*.h", "<include>", "<own>", "../core/timerset.h"],
    K + "/net": ["abi/*.h", "<include>", "<own>"],
    K + "/drivers": ["abi/*.h", "<include>", "<own>"],
    K + "/lib": ["<include>", "<own>"],
    # Thin decoders of arguments: they may look into the rooms whose objects they call.
    K + "/sys": ["abi/*.h", "<include>", "<own>", "../fs/*.h", "../core/*.h"],
    K + "/plat/pv": ["abi/*.h", "<include>", "<own>"],
    K + "/plat/pvh": ["abi/*.h", "<include>", "<own>"],
}

# Headers of libraries, and the rooms that may see them.
LIBRARIES = {
    "json-c/*": ["oci"],
    "archive*.h": ["oci"],
    "nettle/*": ["oci"],
    "zlib.h": ["oci"],
    "seccomp.h": ["hv/gen", "hv/kvm/gen", "hv/pv/gen", "hv/dev/gen"],
    # System call numbers: objects of the kernel do not know them.
    "asm/unistd*.h": ["runtime", K + "/sys", K + "/plat/pv", K + "/plat/pvh"],
}

# The kernel is freestanding: the compiler's headers and Linux's own, nothing of a libc.
KERNEL_SYSTEM = ["linux/*", "asm/*", "asm-generic/*", "std*.h"]
KERNEL_NOT = ["stdio.h", "stdlib.h"]

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def room_of(path):
    d = os.path.dirname(path)
    return d if d in ROOMS else None


def _allowed(room, name, files):
    for pattern in ROOMS[room]:
        if pattern == "<own>":
            if "/" not in name and f"{room}/{name}" in files:
                return True
        elif pattern == "<include>":
            if "/" not in name and f"{K}/include/{name}" in files:
                return True
        elif fnmatch.fnmatch(name, pattern):
            return True
    return False


def check(files):
    """files: {path: text}. Returns the violations as lines."""
    bad = []
    for path, text in files.items():
        room = room_of(path)
        if room is None:
            continue
        for n, line in enumerate(text.split("\n"), 1):
            m = INCLUDE.match(line)
            if not m:
                continue
            kind, name = m.groups()
            where = f"{path}:{n}: {room} may not include {kind}{name}"
            if kind == '"' and not _allowed(room, name, files):
                bad.append(where)
            if kind == "<":
                for pattern, rooms in LIBRARIES.items():
                    if fnmatch.fnmatch(name, pattern) and room not in rooms:
                        bad.append(where)
                if room.startswith(K) and (name in KERNEL_NOT or not any(
                        fnmatch.fnmatch(name, p) for p in KERNEL_SYSTEM)):
                    bad.append(where)
    return bad
