"""The wall: host calls of a pv domain, abi/pv_calls.def against the kernel's source."""
import re

MOST = 24       # host calls that a guest can reach
VCPU_MOST = 10  # ... that a virtual CPU's thread is left


def table(text):
    """{call: [condition lists]} of pv_calls.def; [] for a call with any arguments."""
    calls = {}
    for m in re.finditer(r"^(CALL|RULE)\((\w+),\s*(.*)\)\s*$", text, re.M):
        kind, name, rest = m.groups()
        calls.setdefault(name, []).append(rest if kind == "RULE" else None)
    return calls


def filter_calls(text):
    """The calls that a filter_gen.c names."""
    return set(re.findall(r"SCMP_SYS\((\w+)\)", text)) | set(re.findall(r"(\w+)_NR\b", text))


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
    vcpu = filter_calls(files.get("hv/kvm/gen/filter_gen.c", ""))
    if not 1 <= len(vcpu) <= VCPU_MOST:
        bad.append(f"hv/kvm/gen/filter_gen.c: {len(vcpu)} host calls, at most {VCPU_MOST}")
    for path, text in files.items():
        if "/plat/pv/" not in path:
            continue
        for n, line in enumerate(text.split("\n"), 1):
            for name in re.findall(r"__NR_(\w+)", line):
                early = name in BEFORE and path.endswith("/boot.c")
                if name not in calls and not early and name not in ANSWERED:
                    bad.append(f"{path}:{n}: host call {name} is not in abi/pv_calls.def")
    return bad
