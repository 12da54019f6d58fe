"""The wall: host calls of a pv domain, abi/pv_calls.def against the kernel's source."""
import re

MOST = 24       # host calls that a guest can reach


def table(text):
    """{call: [condition lists]} of pv_calls.def; [] for a call with any arguments."""
    calls = {}
    for m in re.finditer(r"^(CALL|RULE)\((\w+),\s*(.*)\)\s*$", text, re.M):
        kind, name, rest = m.groups()
        calls.setdefault(name, []).append(rest if kind == "RULE" else None)
    return calls


# Made while the kernel takes over the process, before the filter is installed.
BEFORE = {"gettid", "rt_sigaction", "prctl", "seccomp"}
# Never called: the host's own code names it in a trap.
ANSWERED = {"restart_syscall"}


def check(files):
    bad = []
    calls = table(files.get("abi/pv_calls.def", ""))
    if not 1 <= len(calls) <= MOST:
        bad.append(f"abi/pv_calls.def: {len(calls)} host calls, at most {MOST}")
    if not any("PV_FD" in (r or "") for rules in calls.values() for r in rules):
        bad.append("abi/pv_calls.def: no rule about descriptors was found")
    for path, text in files.items():
        if "/plat/pv/" not in path:
            continue
        for n, line in enumerate(text.split("\n"), 1):
            for name in re.findall(r"__NR_(\w+)", line):
                early = name in BEFORE and path.endswith("/boot.c")
                if name not in calls and not early and name not in ANSWERED:
                    bad.append(f"{path}:{n}: host call {name} is not in abi/pv_calls.def")
    return bad
