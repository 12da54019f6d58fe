// uses: base/*.c oci/*.c
// libs: -ljson-c -larchive -lnettle -lz -lzstd
/* config.json: what is taken, and what is refused with the field's path. */
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "oci/oci.h"
#include "tap.h"

/* Quotes are a nuisance in C: ' stands for " in all texts here. */
static char *json(const char *text)
{
    char *s = strdup(text);

    for (char *p = s; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return s;
}

#define PROCESS "'process':{'args':['/x'],'cwd':'/'%s}"

/* A whole configuration with one piece put in: at the top, in process or in linux. */
static struct oci_spec *parse(const char *where, const char *piece, struct err *e)
{
    static struct oci_spec *s;
    struct buf b = { 0 };
    bool top = !*where, process = !strcmp(where, "process");

    buf_puts(&b, "{'ociVersion':'1.0.2','root':{'path':'rootfs'},");
    buf_printf(&b, PROCESS, "");
    if (process) {
        b.len--;
        buf_printf(&b, ",%s}", piece);
    } else {
        buf_printf(&b, top ? ",%s" : ",'linux':{%s}", piece);
    }
    buf_puts(&b, "}");
    char *text = json(buf_cstr(&b));
    s = NULL;
    memset(e, 0, sizeof(*e));
    oci_spec_parse(text, strlen(text), &s, e);
    free(text);
    buf_dispose(&b);
    return s;
}

static void bad(const char *where, const char *piece, const char *want)
{
    struct err e;
    struct oci_spec *s = parse(where, piece, &e);

    if (!tap_ok(!s && !strcmp(e.text, want), "refused: %s", want))
        printf("# got %s\n", s ? "no error" : e.text);
    oci_spec_free(s);
}

static void bad_whole(const char *text, const char *want)
{
    struct oci_spec *s = NULL;
    struct err e = { 0 };
    char *t = json(text);
    int rc = oci_spec_parse(t, strlen(t), &s, &e);

    if (!tap_ok(rc < 0 && !strcmp(e.text, want), "refused: %s", want))
        printf("# got %s\n", rc < 0 ? e.text : "no error");
    oci_spec_free(s);
    free(t);
}

static struct oci_spec *good(const char *where, const char *piece)
{
    struct err e;
    struct oci_spec *s = parse(where, piece, &e);

    if (!tap_ok(s != NULL, "taken: %.60s", piece))
        printf("# %s\n", e.text);
    return s;
}

static void wholes(void)
{
    bad_whole("", "line 1 column 1: JSON text ends too early");
    bad_whole("{", "line 1 column 2: JSON text ends too early");
    bad_whole("[]", "must be an object");
    bad_whole("null", "JSON value is null");
    bad_whole("{} {}", "line 1 column 4: text after the JSON value");
    bad_whole("{}", "ociVersion: is missing");
    bad_whole("{'ociVersion':'2.0'}", "ociVersion: version \"2.0\" is not supported (1.x is)");
    bad_whole("{'ociVersion':'1.0.0'}", "root: is missing");
    bad_whole("{'ociVersion':'1.0.0','root':{}}", "root.path: is missing");
    bad_whole("{'ociVersion':'1.0.0','root':{'path':''}}", "root.path: is empty");
    bad_whole("{'ociVersion':'1.0.0','root':{'path':7}}",
              "root.path: must be a string, not int");
}

static void process_errors(void)
{
    bad("process", "'args':[]", "process.args: names no program to run");
    bad("process", "'args':['']", "process.args: names an empty program");
    bad("process", "'args':['a','b\\u0000c']", "process.args[1]: contains a NUL character");
    bad("process", "'args':'x'", "process.args: must be a list, not string");
    bad("process", "'args':['x',null]", "process.args[1]: must not be null");
    bad("process", "'cwd':'tmp'", "process.cwd: must be an absolute path, not \"tmp\"");
    bad("process", "'cwd':null", "process.cwd: is missing");
    bad("process", "'env':['A=1','B']", "process.env[1]: must be NAME=value, not \"B\"");
    bad("process", "'env':['=1']", "process.env[0]: must be NAME=value, not \"=1\"");
    bad("process", "'terminal':'yes'",
        "process.terminal: must be true or false, not string");
    bad("process", "'user':{'uid':-1}",
        "process.user.uid: must be from 0 to 4294967294, not -1");
    bad("process", "'user':{'uid':1.5}", "process.user.uid: must be an integer, not double");
    bad("process", "'user':{'gid':4294967295}",
        "process.user.gid: must be from 0 to 4294967294, not 4294967295");
    bad("process", "'user':{'umask':512}",
        "process.user.umask: must be from 0 to 511 (0777)");
    bad("process", "'user':{'additionalGids':[1,-2]}",
        "process.user.additionalGids[1]: must not be negative");
    bad("process", "'rlimits':[{'type':'RLIMIT_CPU','soft':1,'hard':1},"
        "{'type':'RLIMIT_FOO'}]",
        "process.rlimits[1].type: unknown resource \"RLIMIT_FOO\"");
    bad("process", "'rlimits':[{'type':'RLIMIT_CPU','soft':2,'hard':1}]",
        "process.rlimits[0].soft: is above the hard limit");
    bad("process", "'rlimits':[{'type':'RLIMIT_CPU'},{'type':'RLIMIT_CPU'}]",
        "process.rlimits[1].type: is given twice");
    bad("process", "'oomScoreAdj':1001", "process.oomScoreAdj: must be from -1000 to 1000");
    bad("process", "'capabilities':[]", "process.capabilities: must be an object, not array");
    bad("process", "'consoleSize':{'height':70000}",
        "process.consoleSize.height: must be from 0 to 65535, not 70000");
}

static void other_errors(void)
{
    bad("", "'mounts':[{'type':'proc'}]", "mounts[0].destination: is missing");
    bad("", "'mounts':[{'destination':'x','type':'proc'}]",
        "mounts[0].destination: must be an absolute path, not \"x\"");
    bad("", "'mounts':[{'destination':'/x'}]",
        "mounts[0].type: is missing, and no option says bind");
    bad("", "'mounts':[{'destination':'/x','options':['rbind']}]",
        "mounts[0].source: is missing: a bind mount needs one");
    bad("", "'mounts':[3]", "mounts[0]: must be an object");
    bad("", "'hooks':{'poststop':[{'path':'x'}]}",
        "hooks.poststop[0].path: must be an absolute path, not \"x\"");
    bad("", "'hooks':{'prestart':[{'path':'/x','timeout':0}]}",
        "hooks.prestart[0].timeout: must be from 1 to 2147483647, not 0");
    bad("", "'annotations':{'':'x'}", "annotations.: has an empty name");
    bad("", "'annotations':{'k':1}", "annotations.k: must be a string, not int");
    bad("", "'hostname':'" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
        "hostname: is longer than 64 bytes");
    bad("linux", "'namespaces':[{'type':'ip'}]",
        "linux.namespaces[0].type: unknown namespace \"ip\"");
    bad("linux", "'namespaces':[{'type':'pid'},{'type':'pid'}]",
        "linux.namespaces[1].type: namespace \"pid\" is given twice");
    bad("linux", "'namespaces':[{'type':'pid','path':'x'}]",
        "linux.namespaces[0].path: must be an absolute path, not \"x\"");
    bad("linux", "'uidMappings':[{'hostID':1}]", "linux.uidMappings[0].size: is missing");
    bad("linux", "'uidMappings':[{'hostID':4294967295,'size':2}]",
        "linux.uidMappings[0].size: goes past the last id");
    bad("linux", "'devices':[{'path':'/dev/x','type':'q'}]",
        "linux.devices[0].type: must be c, b, u or p, not \"q\"");
    bad("linux", "'devices':[{'path':'/dev/x','type':'c'}]",
        "linux.devices[0].major: is missing");
    bad("linux", "'sysctl':{'../x':'1'}", "linux.sysctl.../x: is no name of a sysctl");
    bad("linux", "'maskedPaths':['/a','b']",
        "linux.maskedPaths[1]: must be an absolute path, not \"b\"");
    bad("linux", "'rootfsPropagation':'odd'",
        "linux.rootfsPropagation: unknown kind \"odd\"");
    bad("linux", "'resources':{'devices':[{'allow':true,'access':'x'}]}",
        "linux.resources.devices[0].access: must consist of r, w and m, not \"x\"");
    bad("linux", "'resources':{'memory':{'limit':-2}}",
        "linux.resources.memory.limit: must be -1 (none) or a number of bytes");
    bad("linux", "'resources':{'unified':{'a/b':'1'}}",
        "linux.resources.unified.a/b: is no name of a cgroup file");
    bad("linux", "'seccomp':{}", "linux.seccomp.defaultAction: is missing");
    bad("linux", "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['x'],"
        "'action':'SCMP_ACT_ERRNO','args':[{'index':6,'value':1,'op':'SCMP_CMP_EQ'}]}]}",
        "linux.seccomp.syscalls[0].args[0].index: must be from 0 to 5, not 6");
}

static void process_values(void)
{
    struct oci_spec *s = good("process", "'terminal':true,'consoleSize':{'height':24,'width':80},"
        "'user':{'uid':1,'gid':2,'umask':18,'additionalGids':[5,4294967294]},"
        "'env':['A=1','B='],'noNewPrivileges':true,'oomScoreAdj':-5,"
        "'capabilities':{'bounding':['CAP_CHOWN','CAP_BPF','CAP_NEW'],'ambient':[]},"
        "'rlimits':[{'type':'RLIMIT_NOFILE','soft':1,'hard':18446744073709551615}],"
        "'scheduler':{'policy':'SCHED_BATCH'},'ioPriority':null,'commandLine':''");
    const struct oci_process *p = &s->process;

    tap_ok(p->present && p->terminal && p->rows == 24 && p->cols == 80, "terminal");
    tap_ok(p->user.uid == 1 && p->user.gid == 2 && p->user.umask.set &&
           p->user.umask.v == 022, "user");
    tap_ok(p->user.ngroups == 2 && p->user.groups[1] == 4294967294u, "groups");
    tap_ok(p->env.n == 2 && !strcmp(p->env.v[1], "B=") && !p->env.v[2], "environment");
    tap_ok(p->no_new_privs && p->oom_score_adj.set && p->oom_score_adj.v == -5, "flags");
    tap_is(p->caps[OCI_CAP_BOUNDING], 1ull << 0 | 1ull << 39, "capabilities");
    tap_ok(s->warnings.n == 1 && !strcmp(s->warnings.v[0], "process.capabilities.bounding[2]: "
           "unknown capability \"CAP_NEW\" is ignored"), "warning");
    tap_ok(p->nrlimits == 1 && p->rlimits[0].resource == RLIMIT_NOFILE &&
           p->rlimits[0].soft == 1 && p->rlimits[0].hard == UINT64_MAX, "limits");
    tap_ok(s->nothers == 1 && !strcmp(s->others[0].path, "process.scheduler") &&
           !strcmp(s->others[0].json, "{\"policy\":\"SCHED_BATCH\"}"), "others");
    oci_spec_free(s);
}

static void mount_values(void)
{
    struct oci_spec *s = good("", "'mounts':[{'destination':'/a','source':'/s','options':"
        "['rbind','ro','rw','ro','rprivate','rro','idmap','x=1','y']},{'destination':'/t',"
        "'type':'tmpfs','options':['nosuid','strictatime','mode=755','tmpcopyup','rw',"
        "'rrelatime']},{'destination':'/u','type':'bind','source':'x'}]");
    const struct oci_mount *m = s->mounts;

    tap_is(m[0].flags, MS_BIND | MS_REC | MS_RDONLY, "flags of a bind");
    tap_is(m[0].propagation, MS_PRIVATE | MS_REC, "its propagation");
    tap_ok(m[0].rec_set == MOUNT_ATTR_RDONLY && m[0].idmap, "recursive attribute, idmap");
    tap_ok(!strcmp(m[0].data, "x=1,y") && !strcmp(m[0].type, "bind"), "its data and type");
    tap_ok(m[1].flags == (MS_NOSUID | MS_STRICTATIME) && m[1].cleared == MS_RDONLY &&
           m[1].tmpcopyup && !strcmp(m[1].data, "mode=755"), "tmpfs");
    tap_ok(m[1].rec_clear == MOUNT_ATTR__ATIME && m[1].rec_set == 0, "recursive time kind");
    tap_ok(m[2].flags == MS_BIND && m[2].options.n == 0, "bind by type");
    oci_spec_free(s);
}

static void linux_values(void)
{
    struct oci_spec *s = good("linux", "'namespaces':[{'type':'network','path':'/n'},"
        "{'type':'pid','path':''}],'cgroupsPath':'/c','sysctl':{'net.ipv4.ip_forward':'1'},"
        "'devices':[{'path':'/dev/f','type':'u','major':10,'minor':229,'fileMode':8630,"
        "'uid':1}],'resources':{'memory':{'limit':-1,'swappiness':0},'cpu':{'shares':512,"
        "'quota':-1,'cpus':'0-1'},'pids':{'limit':0},'devices':[{'allow':true,'type':'c',"
        "'major':1,'access':'rw'}],'hugepageLimits':[{'pageSize':'2MB','limit':9}],"
        "'rdma':{'mlx5':{'hcaHandles':3}},'unified':{'memory.high':'5'}},"
        "'rootfsPropagation':'rslave','intelRdt':{'closID':'x'},'personality':{}");
    const struct oci_linux *l = &s->linux_;
    const struct oci_resources *r = &l->resources;

    tap_ok(l->ns[OCI_NS_NETWORK].path && l->ns[OCI_NS_PID].present && !l->ns[OCI_NS_PID].path &&
           !l->ns[OCI_NS_USER].present, "namespaces");
    tap_ok(l->devices[0].type == 'c' && l->devices[0].mode.v == (8630 & 07777) &&
           l->devices[0].uid.set && !l->devices[0].gid.set, "device");
    tap_ok(r->memory.limit.set && r->memory.limit.v == -1 && r->memory.swappiness.set &&
           !r->memory.swap.set, "memory");
    tap_ok(r->cpu.shares.v == 512 && r->cpu.quota.v == -1 && !strcmp(r->cpu.cpus, "0-1") &&
           r->pids_limit.set && r->pids_limit.v == 0, "cpu and pids");
    tap_ok(r->ndevices == 1 && r->devices[0].major.v == 1 && !r->devices[0].minor.set,
           "device rule");
    tap_ok(r->nhugepages == 1 && r->nrdma == 1 && r->rdma[0].handles.v == 3 &&
           r->unified.n == 1 && strstr(r->json, "\"hcaHandles\":3"), "the rest");
    tap_is(l->rootfs_propagation, MS_SLAVE | MS_REC, "propagation");
    tap_ok(s->nothers == 1 && !strcmp(s->others[0].path, "linux.intelRdt"), "others");
    oci_spec_free(s);

    s = good("linux", "'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
             "'architectures':['SCMP_ARCH_X86_64'],'flags':['SECCOMP_FILTER_FLAG_LOG'],"
             "'syscalls':[{'names':['read','nosuch'],'action':'SCMP_ACT_ALLOW','args':"
             "[{'index':1,'value':18446744073709551615,'op':'SCMP_CMP_MASKED_EQ'}]},"
             "{'names':['x'],'action':'SCMP_ACT_ERRNO'}]}");
    const struct oci_seccomp *c = &s->linux_.seccomp;
    tap_ok(c->default_action == (SECCOMP_RET_ERRNO | 38) && c->flags == 2 && c->nrules == 2,
           "seccomp");
    tap_ok(c->rules[0].action == SECCOMP_RET_ALLOW && c->rules[0].args[0].value == UINT64_MAX &&
           c->rules[0].args[0].op == OCI_OP_MASKED_EQ, "its rule");
    tap_is(c->rules[1].action, SECCOMP_RET_ERRNO | 1, "its errno");
    oci_spec_free(s);
}

static void whole_values(void)
{
    struct oci_spec *s = good("", "'hostname':'h','domainname':'','hooks':{'poststop':[{'path':"
        "'/h','args':['h','1'],'timeout':5}]},'annotations':{'a':'1','b':''},'vm':{'kernel':{'path':'/k',"
        "'parameters':['a'],'initrd':'/i'},'hwConfig':{'vcpus':2}},'zos':{'x':1},'unknown':{'y':1}");
    tap_ok(!strcmp(s->hostname, "h") && !s->domainname, "names");
    tap_ok(s->hooks[OCI_HOOK_POSTSTOP].n == 1 &&
           s->hooks[OCI_HOOK_POSTSTOP].v[0].timeout_s == 5, "hook");
    tap_ok(!strcmp(oci_annotation(s, "b"), "") && !oci_annotation(s, "c"), "annotations");
    tap_ok(s->nothers == 1 && !strcmp(s->others[0].path, "zos"), "others");
    tap_ok(!strcmp(s->vm.kernel, "/k") && !strcmp(s->vm.initrd, "/i") &&
           !strcmp(s->vm.parameters.v[0], "a") && s->vm.vcpus.v == 2 && !s->vm.memory.set, "vm");
    oci_spec_free(s);
}

static void pieces(void)
{
    struct oci_spec *s = NULL;
    struct err e = { 0 };
    char *text = oci_spec_default();

    tap_is(oci_spec_parse(text, strlen(text), &s, &e), 0, "the default configuration");
    tap_ok(s && s->nmounts == 7 && s->nothers == 0 && s->warnings.n == 0, "is whole");
    oci_spec_free(s);
    free(text);

    text = json("{'args':['x'],'cwd':'/','terminal':true}");
    tap_is(oci_process_parse(text, strlen(text), &s, &e), 0, "process alone");
    tap_ok(s->process.terminal, "is taken");
    oci_spec_free(s);
    free(text);
    text = json("{'args':['x'],'cwd':'y'}");
    tap_ok(oci_process_parse(text, strlen(text), &s, &e) < 0 &&
           !strcmp(e.text, "process.cwd: must be an absolute path, not \"y\""), "or refused");
    free(text);
    text = json("{'pids':{'limit':5}}");
    tap_is(oci_resources_parse(text, strlen(text), &s, &e), 0, "resources alone");
    tap_is(s->linux_.resources.pids_limit.v, 5, "are taken");
    oci_spec_free(s);
    free(text);
}

static void names(void)
{
    static const struct { const char *name; int n; } signals[] = {
        { "TERM", 15 }, { "SIGTERM", 15 }, { "sigkill", 9 }, { "9", 9 }, { "0", 0 },
        { "RTMIN", 34 }, { "SIGRTMIN+3", 37 }, { "RTMAX-1", 63 }, { "65", -1 }, { "", -1 },
        { "SIG", -1 }, { "RTMIN+31", -1 }, { "9x", -1 }, { "-1", -1 }, { "CHLD", 17 },
    };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        tap_is(oci_signal_number(signals[i].name), signals[i].n, "signal \"%s\"",
               signals[i].name);
    tap_is(oci_cap_number("CAP_SYS_ADMIN"), 21, "capability");
    tap_is(oci_cap_number("SYS_ADMIN"), -1, "capability without its prefix");
    tap_is(oci_rlimit_number("RLIMIT_AS"), RLIMIT_AS, "limit");
    tap_is(oci_rlimit_number("AS"), -1, "limit without its prefix");
}

int main(void)
{
    wholes();
    process_errors();
    other_errors();
    process_values();
    mount_values();
    linux_values();
    whole_values();
    pieces();
    names();
    return tap_end();
}
