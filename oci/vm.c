/* config-vm.md: the kernel that a domain boots, and its size. */
#include "oci/json.h"

static int read_kernel(struct jp *j, struct json_object *o, void *out)
{
    struct oci_vm *vm = out;

    TRY(jp_need(j, o, "path"));
    TRY(jp_abs(j, o, "path", &vm->kernel));
    TRY(jp_strv(j, o, "parameters", &vm->parameters));
    return jp_abs(j, o, "initrd", &vm->initrd);
}

static int read_hw(struct jp *j, struct json_object *o, void *out)
{
    static const char *const others[] = { "deviceTree", "dtdevs", "iomems", "irqs" };
    struct oci_vm *vm = out;

    TRY(jp_u64(j, o, "vcpus", &vm->vcpus));
    TRY(jp_u64(j, o, "memory", &vm->memory));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        TRY(jp_other(j, o, others[i]));
    return 0;
}

int oci_read_vm(struct jp *j, struct json_object *o, void *out)
{
    TRY(jp_other(j, o, "hypervisor"));
    TRY(jp_other(j, o, "image"));
    TRY(jp_obj(j, o, "kernel", read_kernel, out, NULL));
    return jp_obj(j, o, "hwConfig", read_hw, out, NULL);
}
