"""What must not be in the machine code of a deprivileged kernel."""
import re

# Would fault, or would be emulated at the host's mercy: only plat/pvh may hold these.
PRIVILEGED = re.compile(
    r"^(hlt|cli|sti|clts|lmsw|smsw|lgdt|sgdt|lidt|sidt|lldt|sldt|ltr|str|invd|wbinvd|"
    r"wbnoinvd|invlpg|invpcid|invept|invvpid|rdmsr|wrmsr|rdpmc|swapgs|iretq?|iretl|iretw|"
    r"sysretq?|sysretl|sysexitq?|sysenter|in[bwl]?|out[bwl]?|insb|insw|insl|outsb|outsw|"
    r"outsl|vmcall|vmmcall|vmlaunch|vmresume|vmrun|xsetbv|monitor|mwait|clac|stac|rsm|"
    r"lret|lcall|ljmp|int|int1|into|wrfsbase|wrgsbase|wrpkru)$")
CONTROL = re.compile(r"%(cr|db|dr)\d")
# The program's own registers: the kernel would change them behind its back.
FPU = re.compile(r"%(xmm|ymm|zmm|mm|st|k)\d|%st\b")
FPU_NAME = re.compile(r"^(f(ld|st|add|sub|mul|div|nstcw|ldcw|ninit|wait)\w*|ldmxcsr|stmxcsr|emms|vzero\w+)$")

LINE = re.compile(r"^\s*[0-9a-f]+:\t(\S+)\s*(.*)$")
PREFIXES = {"lock", "rep", "repz", "repnz", "cs", "ds", "es", "ss", "data16", "notrack", "bnd"}


def check(disassembly):
    """Lines of `objdump -d --no-show-raw-insn`. Returns the violations."""
    bad, where = [], "?"
    for line in disassembly:
        if line.endswith(">:"):
            where = line.split("<")[-1][:-2]
        m = LINE.match(line)
        if not m:
            continue
        name, rest = m.groups()
        rest = rest.split("#")[0]
        words = [name] + rest.split()
        while len(words) > 1 and words[0] in PREFIXES:
            words.pop(0)
        operands = " ".join(words[1:])
        if (PRIVILEGED.match(words[0]) or FPU_NAME.match(words[0]) or
                CONTROL.search(operands) or FPU.search(operands) or words[0] == "(bad)"):
            bad.append(f"{where}: {' '.join(words)}")
    return bad
