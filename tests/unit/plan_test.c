// uses: runtime/plan*.c hv/client/kind.c runtime/seccomp*.c base/*.c oci/*.c
// libs: -ljson-c -larchive -lnettle -lz -lzstd
/* plan.c: what of config.json ends up in the record and in hv_spec, what is refused. */
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "abi/record.h"
#include "runtime/runtime.h"
#include "tap.h"

/* ' stands for " in the texts here. */
static struct oci_spec *parse(const char *process, const char *linux_, const char *top)
{
    struct oci_spec *s = NULL;
    struct err e = { 0 };
    char *text;

    if (asprintf(&text, "{'ociVersion':'1.0.2','root':{'path':'rootfs'},'process':{'args':['/x','a'],"
                 "'cwd':'/w'%s},'linux':{%s}%s}", process, linux_, top) < 0)
        abort();
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (oci_spec_parse(text, strlen(text), &s, &e) < 0)
        printf("# %s\n# %s\n", e.text, text);
    free(text);
    return s;
}

static struct oci_spec *spec;
static const char *no_kvm = "no /dev/kvm";      /* rt_facts.no_kvm of plan() */

static int plan(const char *process, const char *linux_, const char *top,
                const struct rt_options *o, struct rt_plan *p, struct err *e)
{
    static const struct rt_options none;
    const struct rt_facts f = { .rows = 24, .cols = 80, .home = "/root", .privileged = true,
                                .ncpus = 8, .no_kvm = no_kvm };

    /* The plan borrows from it, so it lives until the next one. */
    oci_spec_free(spec);
    spec = parse(process, linux_, top);
    return spec ? rt_plan_make(spec, o ? o : &none, &f, p, e) : -1;
}

/* The n-th value of a tag, or NULL; *len_r its length. */
static const void *value(const struct rt_plan *p, uint32_t tag, int n, size_t *len_r)
{
    const unsigned char *d = p->record.data;

    for (size_t at = 0; at + sizeof(struct xenc_tlv) <= p->record.len; ) {
        struct xenc_tlv t;
        memcpy(&t, d + at, sizeof(t));
        if (t.tag == tag && n-- == 0) {
            if (len_r)
                *len_r = t.len;
            return d + at + sizeof(t);
        }
        at += sizeof(t) + ((t.len + 7) & ~7u);
    }
    return NULL;
}

static bool is_text(const struct rt_plan *p, uint32_t tag, int n, const char *want)
{
    size_t len = 0;
    const char *v = value(p, tag, n, &len);

    return v && len == strlen(want) + 1 && memcmp(v, want, len) == 0;
}

static bool is_u32(const struct rt_plan *p, uint32_t tag, uint32_t want)
{
    size_t len = 0;
    const void *v = value(p, tag, 0, &len);

    return v && len == 4 && memcmp(v, &want, 4) == 0;
}

static void test_process(void)
{
    struct rt_plan p;
    struct err e = { 0 };
    size_t len = 0;

    tap_is(plan(",'env':['A=1','B=2'],'user':{'uid':7,'gid':8,'additionalGids':[9,10],'umask':63},"
                "'noNewPrivileges':true,'oomScoreAdj':-5,'rlimits':[{'type':'RLIMIT_NOFILE',"
                "'soft':10,'hard':20}],'capabilities':{'bounding':['CAP_CHOWN','CAP_KILL'],"
                "'effective':['CAP_KILL']},'terminal':true,'consoleSize':{'height':5,'width':6}",
                "", "", NULL, &p, &e), 0, "a full process");
    tap_ok(is_text(&p, XT_ARG, 0, "/x") && is_text(&p, XT_ARG, 1, "a") && !value(&p, XT_ARG, 2, 0),
           "args");
    tap_ok(is_text(&p, XT_ENV, 0, "A=1") && is_text(&p, XT_ENV, 2, "HOME=/root"),
           "env, with HOME from the image");
    tap_ok(is_text(&p, XT_CWD, 0, "/w"), "cwd");
    tap_ok(is_u32(&p, XT_UID, 7) && is_u32(&p, XT_GID, 8) && is_u32(&p, XT_UMASK, 077), "user");
    const uint32_t *groups = value(&p, XT_GROUPS, 0, &len);
    tap_ok(groups && len == 8 && groups[0] == 9 && groups[1] == 10, "groups");
    tap_ok(is_u32(&p, XT_NNP, 1) && is_u32(&p, XT_TERMINAL, 1), "no_new_privs, terminal");
    tap_ok(is_u32(&p, XT_OOM_SCORE_ADJ, (uint32_t)-5), "oom score");
    const uint32_t *size = value(&p, XT_WINSIZE, 0, &len);
    tap_ok(size && len == 8 && size[0] == 5 && size[1] == 6, "window: rows, columns");
    const struct xenc_rlimit *l = value(&p, XT_RLIMIT, 0, &len);
    tap_ok(l && len == sizeof(*l) && l->resource == RLIMIT_NOFILE && l->soft == 10 && l->hard == 20,
           "rlimit");
    const uint64_t *caps = value(&p, XT_CAPS, 0, &len);
    tap_ok(caps && len == 40 && caps[0] == (1 << CAP_CHOWN | 1 << CAP_KILL) &&
           caps[1] == 1 << CAP_KILL && !caps[2] && !caps[3] && !caps[4], "capabilities");
    tap_ok(p.hv.terminal && p.hv.record == p.record.data && p.hv.record_len == p.record.len,
           "hv_spec");
    rt_plan_dispose(&p);
}

static void test_defaults(void)
{
    static char arg0[] = "/other", arg1[] = "arg";
    char *args[] = { arg0, arg1, NULL };
    struct rt_options o = { .args = args, .strace = true, .debug = true };
    struct rt_plan p;
    struct err e = { 0 };
    size_t len = 0;

    tap_is(plan(",'env':['HOME=/mine']", "", ",'root':{'path':'r','readonly':true}", &o, &p, &e), 0,
           "defaults and options");
    tap_ok(is_text(&p, XT_ARG, 0, "/other") && is_text(&p, XT_ARG, 1, "arg"), "args replaced");
    tap_ok(is_text(&p, XT_ENV, 0, "HOME=/mine") && !value(&p, XT_ENV, 1, 0), "HOME kept");
    tap_ok(is_u32(&p, XT_UMASK, 022), "umask");
    const uint64_t *caps = value(&p, XT_CAPS, 0, &len);
    tap_ok(caps && len == 40 && !(caps[0] | caps[1] | caps[2] | caps[3] | caps[4]),
           "no capabilities unless given");
    tap_ok(!value(&p, XT_TERMINAL, 0, 0) && !value(&p, XT_NNP, 0, 0) && !value(&p, XT_WINSIZE, 0, 0),
           "nothing that was not asked for");
    tap_ok(is_u32(&p, XT_ROOT_RO, 1) && p.hv.root.ro, "read-only root, in the guest and served so");
    tap_ok(p.hv.strace && p.hv.debug && p.hv.kind == HV_PV && p.hv.mem_bytes == 0, "hv_spec");
    rt_plan_dispose(&p);
}

/* A mount's strings: type, source, destination, data. */
static bool is_mount(const struct rt_plan *p, int n, uint64_t flags, const char *want[4])
{
    size_t len = 0;
    const char *v = value(p, XT_MOUNT, n, &len), *at = v + sizeof(struct xenc_mount);
    struct xenc_mount m;

    if (!v)
        return false;
    memcpy(&m, v, sizeof(m));
    for (int i = 0; i < 4; i++) {
        if (at >= v + len || strcmp(at, want[i]) != 0) {
            printf("# got \"%s\", wanted \"%s\"\n", at, want[i]);
            return false;
        }
        at += strlen(at) + 1;
    }
    if (m.flags != flags)
        printf("# flags %llx, wanted %llx\n", (unsigned long long)m.flags, (unsigned long long)flags);
    return m.flags == flags && at == v + len;
}

static void test_mounts(void)
{
    struct rt_plan p;
    struct err e = { 0 };
    size_t len = 0;

    tap_is(plan("", "'devices':[{'path':'/dev/fuse','type':'c','major':10,'minor':229,'fileMode':384,"
                "'uid':1,'gid':2}]",
                ",'mounts':[{'destination':'/proc','type':'proc','source':'proc'},"
                "{'destination':'/t','type':'tmpfs','source':'t','options':['nosuid','ro','size=4k']},"
                "{'destination':'/b','type':'bind','source':'/src','options':['rbind','ro','rprivate']},"
                "{'destination':'/c','source':'rel','options':['bind','nodev','rro']},"
                "{'destination':'/sys/fs/cgroup','type':'cgroup2','source':'cgroup'}]", NULL, &p, &e),
           0, "mounts");
    tap_ok(is_mount(&p, 0, MS_NOSUID | MS_STRICTATIME,
                    (const char *[]){ "tmpfs", "tmpfs", "/dev", "mode=755,size=65536k" }),
           "a /dev of its own comes first");
    tap_ok(is_mount(&p, 1, 0, (const char *[]){ "proc", "proc", "/proc", "" }), "proc");
    tap_ok(is_mount(&p, 2, MS_NOSUID | MS_RDONLY, (const char *[]){ "tmpfs", "t", "/t", "size=4k" }),
           "tmpfs");
    tap_ok(is_mount(&p, 3, MS_RDONLY, (const char *[]){ "share", "share", "/b", "" }), "bind");
    tap_ok(is_mount(&p, 4, MS_NODEV | MS_RDONLY, (const char *[]){ "share", "share", "/c", "" }),
           "bind without a type, read-only by rro");
    tap_ok(is_mount(&p, 5, 0, (const char *[]){ "cgroup", "cgroup", "/sys/fs/cgroup", "" }), "cgroup2");
    tap_ok(p.nbinds == 2 && !strcmp(p.binds[0].source, "/src") && p.binds[0].ro &&
           p.binds[0].index == 2 && !strcmp(p.binds[1].source, "rel") && p.binds[1].ro, "shares");
    const struct xenc_mount *m = value(&p, XT_MOUNT, 4, &len);
    tap_is(m ? m->share : 99, 1, "the share's number");
    const struct xenc_devnode *d = value(&p, XT_DEVICE, 0, &len);
    tap_ok(d && d->mode == (S_IFCHR | 0666) && d->major == 1 && d->minor == 3 &&
           !strcmp((const char *)(d + 1), "/dev/null"), "/dev/null");
    d = value(&p, XT_DEVICE, 6, &len);
    tap_ok(d && d->mode == (S_IFCHR | 0600) && d->uid == 1 && d->gid == 2 && d->major == 10 &&
           d->minor == 229 && !strcmp((const char *)(d + 1), "/dev/fuse"), "a device of config.json");
    tap_ok(value(&p, XT_SYMLINK, 4, &len) && !value(&p, XT_SYMLINK, 5, &len), "links");
    rt_plan_dispose(&p);

    tap_is(plan("", "", ",'mounts':[{'destination':'/dev','type':'bind','source':'/d','options':['bind']}]",
                NULL, &p, &e), 0, "a bound /dev");
    tap_ok(!value(&p, XT_DEVICE, 0, &len) && !value(&p, XT_SYMLINK, 0, &len), "is left as it is");
    rt_plan_dispose(&p);
}

static void test_rest(void)
{
    struct rt_plan p;
    struct err e = { 0 };

    tap_is(plan("", "'sysctl':{'net.core.somaxconn':'5'},'maskedPaths':['/m'],'readonlyPaths':['/r'],"
                "'resources':{'memory':{'limit':67108864},'cpu':{'cpus':'0-2,5'}}",
                ",'hostname':'h','domainname':'d','annotations':{'xenc.domain':'pv','xenc.strace':'true',"
                "'other':'x'}", NULL, &p, &e), 0, "the rest");
    tap_ok(is_text(&p, XT_HOSTNAME, 0, "h") && is_text(&p, XT_DOMAINNAME, 0, "d"), "names");
    tap_ok(is_text(&p, XT_MASKED, 0, "/m") && is_text(&p, XT_READONLY, 0, "/r"), "paths");
    const char *sysctl = value(&p, XT_SYSCTL, 0, NULL);
    tap_ok(sysctl && !strcmp(sysctl, "net.core.somaxconn") && !strcmp(sysctl + 19, "5"), "sysctl");
    tap_is(p.hv.mem_bytes, 67108864, "memory");
    tap_is(p.hv.ncpus, 4, "CPUs");
    tap_ok(p.hv.kind == HV_PV && p.hv.strace, "annotations");
    rt_plan_dispose(&p);
}

static void refused(const char *process, const char *linux_, const char *top, const char *want)
{
    struct rt_plan p;
    struct err e = { 0 };
    int r = plan(process, linux_, top, NULL, &p, &e);

    if (!tap_ok(r < 0 && strstr(e.text, want) && !p.record.data && !p.binds, "refused: %s", want))
        printf("# got %d, %s\n", r, e.text);
    if (r == 0)
        rt_plan_dispose(&p);
}

static void test_refused(void)
{
    refused("", "'namespaces':[{'type':'network','path':'/n'}]", "", "linux.namespaces: joining a network");
    refused("", "'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':1000,'size':1}]",
            "", "linux.uidMappings");
    refused("", "'rootfsPropagation':'rshared'", "", "linux.rootfsPropagation");
    refused("", "'intelRdt':{'closID':'x'}", "", "linux.intelRdt");
    refused("", "'resources':{'rdma':{'mlx':{'hcaHandles':1}}}", "", "linux.resources.rdma");
    refused("", "", ",'hooks':{'startContainer':[{'path':'/h'}]}", "hooks.startContainer");
    refused("", "", ",'annotations':{'xenc.foo':'1'}", "annotations[\"xenc.foo\"]");
    refused("", "", ",'annotations':{'xenc.domain':'xl'}", "annotations[\"xenc.domain\"]");
    refused("", "", ",'mounts':[{'destination':'/m','type':'ext4','source':'x'}]", "mounts[0].type: \"ext4\"");
    refused("", "", ",'mounts':[{'destination':'/m','type':'bind','source':'/x','options':['rbind','rshared']}]",
            "mounts[0].options: shared");
    refused("", "", ",'mounts':[{'destination':'/m','type':'bind','source':'/x','options':['bind','foo=1']}]",
            "mounts[0].options: \"foo=1\"");
    refused("", "", ",'mounts':[{'destination':'/m','type':'tmpfs','source':'x','options':['tmpcopyup']}]",
            "tmpcopyup");
    refused("", "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read'],'action':"
            "'SCMP_ACT_NOTIFY'}]}", "", "linux.seccomp.syscalls[0].action");
}

static void test_kind(void)
{
    const struct rt_options pv = { .domain = HV_PV };
    struct rt_plan p;
    struct err e = { 0 };

    tap_is(plan("", "'resources':{'cpu':{'quota':150000}}", "", NULL, &p, &e), 0, "no KVM");
    tap_ok(p.hv.kind == HV_PV && p.hv.ncpus == 0 && strstr(p.why, "no /dev/kvm"),
           "a pv domain, which has all CPUs whatever the quota");
    rt_plan_dispose(&p);
    refused("", "", ",'annotations':{'xenc.domain':'pvh'}", "no /dev/kvm");
    refused("", "", ",'vm':{'kernel':{'path':'/k'}}", "no /dev/kvm");

    no_kvm = NULL;
    tap_is(plan("", "'resources':{'cpu':{'quota':150000}}", "", NULL, &p, &e), 0, "KVM");
    tap_ok(p.hv.kind == HV_PVH_KVM && p.hv.ncpus == 2, "a pvh domain, two CPUs for a quota of 1.5");
    rt_plan_dispose(&p);
    tap_is(plan("", "", "", &pv, &p, &e), 0, "KVM, --domain pv");
    tap_ok(p.hv.kind == HV_PV, "a pv domain");
    rt_plan_dispose(&p);
    tap_is(plan("", "'resources':{'memory':{'limit':67108864},'cpu':{'cpus':'0-1'}}", "", NULL, &p,
                &e), 0, "a limit on a pvh domain");
    tap_ok(p.hv.mem_bytes < 63u << 20 && p.hv.mem_bytes > 61 << 20,
           "leaves room for the host's side");
    rt_plan_dispose(&p);
    refused("", "'resources':{'memory':{'limit':1048576}}", "", "a pvh domain needs more");
    tap_is(plan("", "'resources':{'memory':{'limit':67108864}}",
                ",'annotations':{'xenc.vcpus':'3','xenc.memory':'32M','xenc.kernel':'/k',"
                "'xenc.initrd':'/i','xenc.cmdline':'a b'}", NULL, &p, &e), 0, "annotations");
    tap_ok(p.hv.ncpus == 3 && p.hv.mem_bytes == 32 << 20 && !strcmp(p.hv.kernel, "/k") &&
           !strcmp(p.hv.initrd, "/i") && !strcmp(p.hv.cmdline, "a b"), "are carried out");
    rt_plan_dispose(&p);
    tap_is(plan("", "", ",'vm':{'kernel':{'path':'/k','parameters':['a','b=c'],'initrd':'/i'},"
                "'hwConfig':{'vcpus':9,'memory':1048576}}", NULL, &p, &e), 0, "the vm section");
    tap_ok(p.hv.ncpus == 8 && p.hv.mem_bytes == 1 << 20 && !strcmp(p.hv.kernel, "/k") &&
           !strcmp(p.hv.initrd, "/i") && !strcmp(p.hv.cmdline, "a b=c"),
           "is carried out, with the host's CPUs at most");
    rt_plan_dispose(&p);
    refused("", "", ",'annotations':{'xenc.vcpus':'17'}", "annotations[\"xenc.vcpus\"]");
    refused("", "", ",'annotations':{'xenc.memory':'1T'}", "annotations[\"xenc.memory\"]");
    refused("", "", ",'annotations':{'xenc.memory':'99999999999999999999'}", "annotations[\"xenc.memory\"]");
    refused("", "'resources':{'memory':{'limit':1048576}}", ",'annotations':{'xenc.memory':'2M'}",
            "more than linux.resources.memory.limit");
    refused("", "", ",'annotations':{'xenc.kernel':'k'}", "absolute path");
    refused("", "", ",'annotations':{'xenc.initrd':'/i'}", "needs xenc.kernel");
    refused("", "", ",'annotations':{'xenc.domain':'pv','xenc.kernel':'/k'}", "pv was asked for");
    refused("", "", ",'vm':{'hypervisor':{'path':'/h'}}", "vm.hypervisor: not supported");
    no_kvm = "no /dev/kvm";
}

int main(void)
{
    test_process();
    test_defaults();
    test_mounts();
    test_rest();
    test_refused();
    test_kind();
    oci_spec_free(spec);
    return tap_end();
}
