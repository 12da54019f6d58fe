/* Names that configuration files use for the kernel's numbers. */
#include <ctype.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "oci/oci.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* In the order of the kernel's numbers (capabilities(7)). */
static const char *const cap_names[] = {
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID",
    "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST",
    "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
    "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
    "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
    "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
};
_Static_assert(COUNT(cap_names) == CAP_CHECKPOINT_RESTORE + 1, "capability list");

int oci_cap_number(const char *name)
{
    if (strncasecmp(name, "CAP_", 4) != 0)
        return -1;
    for (size_t i = 0; i < COUNT(cap_names); i++) {
        if (strcasecmp(name + 4, cap_names[i]) == 0)
            return (int)i;
    }
    return -1;
}

const char *oci_cap_name(int cap)
{
    return cap >= 0 && (size_t)cap < COUNT(cap_names) ? cap_names[cap] : NULL;
}

static const struct { const char *name; int n; } rlimits[] = {
    { "AS", RLIMIT_AS }, { "CORE", RLIMIT_CORE }, { "CPU", RLIMIT_CPU },
    { "DATA", RLIMIT_DATA }, { "FSIZE", RLIMIT_FSIZE }, { "LOCKS", RLIMIT_LOCKS },
    { "MEMLOCK", RLIMIT_MEMLOCK }, { "MSGQUEUE", RLIMIT_MSGQUEUE },
    { "NICE", RLIMIT_NICE }, { "NOFILE", RLIMIT_NOFILE }, { "NPROC", RLIMIT_NPROC },
    { "RSS", RLIMIT_RSS }, { "RTPRIO", RLIMIT_RTPRIO }, { "RTTIME", RLIMIT_RTTIME },
    { "SIGPENDING", RLIMIT_SIGPENDING }, { "STACK", RLIMIT_STACK },
};

int oci_rlimit_number(const char *name)
{
    if (strncmp(name, "RLIMIT_", 7) != 0)
        return -1;
    for (size_t i = 0; i < COUNT(rlimits); i++) {
        if (!strcmp(name + 7, rlimits[i].name))
            return rlimits[i].n;
    }
    return -1;
}

/* "RTMIN", "RTMIN+3", "RTMAX-1": the kernel's 32..64 minus the two glibc keeps. */
static int realtime_signal(const char *s)
{
    int n = !strncasecmp(s, "RTMIN", 5) ? 34 : !strncasecmp(s, "RTMAX", 5) ? 64 : -1;
    char *end;
    long off;

    if (n < 0 || !s[5])
        return n;
    if (s[5] != (n == 34 ? '+' : '-') || !isdigit((unsigned char)s[6]))
        return -1;
    off = strtol(s + 5, &end, 10);
    return *end || off > 30 || off < -30 ? -1 : n + (int)off;
}

int oci_signal_number(const char *name)
{
    char *end;

    if (isdigit((unsigned char)name[0])) {
        long n = strtol(name, &end, 10);
        return *end || n > 64 ? -1 : (int)n;
    }
    if (!strncasecmp(name, "SIG", 3))
        name += 3;
    for (int sig = 1; sig < 32; sig++) {
        const char *s = sigabbrev_np(sig);
        if (s && !strcasecmp(name, s))
            return sig;
    }
    if (!strcasecmp(name, "IOT"))
        return SIGABRT;
    if (!strcasecmp(name, "CLD"))
        return SIGCHLD;
    return realtime_signal(name);
}

const char *oci_ns_name(enum oci_ns_type t)
{
    static const char *const names[OCI_NS_TYPES] = {
        [OCI_NS_PID] = "pid", [OCI_NS_NETWORK] = "network", [OCI_NS_MOUNT] = "mount",
        [OCI_NS_IPC] = "ipc", [OCI_NS_UTS] = "uts", [OCI_NS_USER] = "user",
        [OCI_NS_CGROUP] = "cgroup", [OCI_NS_TIME] = "time",
    };
    return names[t];
}

const char *oci_hook_name(enum oci_hook_kind k)
{
    static const char *const names[OCI_HOOK_KINDS] = {
        [OCI_HOOK_PRESTART] = "prestart", [OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
        [OCI_HOOK_CREATE_CONTAINER] = "createContainer",
        [OCI_HOOK_START_CONTAINER] = "startContainer", [OCI_HOOK_POSTSTART] = "poststart",
        [OCI_HOOK_POSTSTOP] = "poststop",
    };
    return names[k];
}
