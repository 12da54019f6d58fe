# One file, wildcards: never edited to add a source file.
#
#   make            the binaries and the kernel        make demo    run a container
#   make check      everything                         make help    the other targets

BUILD   ?= build
CC      ?= gcc
Q       ?= @
SAN     ?=

WARN := -std=gnu11 -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings \
        -Wmissing-prototypes -Wimplicit-fallthrough -Woverride-init -Werror \
        -Wno-unused-parameter
HOST_CFLAGS := $(WARN) -O2 -g -I. -D_GNU_SOURCE -fno-strict-aliasing -ffunction-sections \
        -fdata-sections $(SAN)
HOST_LDFLAGS := -Wl,--gc-sections $(SAN)
ifeq ($(SAN),)
HOST_LDFLAGS += -static
endif

K := unikernel-kernel
# The guest kernel: freestanding, position-independent at a high address, no FPU.
KCFLAGS := $(WARN) -O2 -g -I. -I$(K)/include -ffreestanding -fno-builtin-printf -fPIE \
        -fvisibility=hidden -mno-red-zone -mgeneral-regs-only -fno-strict-aliasing \
        -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
        -fno-omit-frame-pointer -fno-delete-null-pointer-checks -DXENC_KERNEL

KROOMS  := core mm fs net sys drivers lib
KSRC    := $(foreach r,$(KROOMS),$(wildcard $(K)/$(r)/*.c))
PVSRC   := $(wildcard $(K)/plat/pv/*.c $(K)/plat/pv/*.S)
KOBJ    := $(KSRC:$(K)/%.c=$(BUILD)/k/pv/%.o)
PVOBJ   := $(patsubst $(K)/%,$(BUILD)/k/pv/%.o,$(basename $(PVSRC)))

XENC_SRC := $(wildcard base/*.c oci/*.c runtime/*.c hv/client/*.c)
HV_SRC   := $(wildcard base/*.c hv/*.c hv/pv/*.c) hv/dev/describe.c
DEV_SRC  := base/err.c $(wildcard hv/dev/*.c)
obj      = $(patsubst %.c,$(BUILD)/host/%.o,$(1))

XENC_LIBS := -ljson-c -larchive -lnettle -lzstd -lz -llzma -lbz2 -lacl -llz4 -lpthread

BINS := $(BUILD)/xenc $(BUILD)/xenc-hv $(BUILD)/xenc-dev $(BUILD)/kernel-pv.elf

all: $(BINS)

$(BUILD)/host/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/k/pv/%.o: $(K)/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KCFLAGS) -DXENC_PLAT_PV -MMD -MP -c $< -o $@

$(BUILD)/k/pv/%.o: $(K)/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(KCFLAGS) -DXENC_PLAT_PV -D__ASSEMBLY__ -MMD -MP -c $< -o $@

$(BUILD)/xenc: $(call obj,$(XENC_SRC))
	$(Q)$(CC) $(HOST_CFLAGS) $^ -o $@ $(HOST_LDFLAGS) $(XENC_LIBS)

$(BUILD)/xenc-hv: $(call obj,$(HV_SRC))
	$(Q)$(CC) $(HOST_CFLAGS) $^ -o $@ $(HOST_LDFLAGS)

# The driver domain is linked with musl where that is installed: a tenth of the size, so
# half the start-up time and a fifth of the memory of every container (pages touched).
DEV_CC   := $(if $(SAN),$(CC),$(or $(shell command -v musl-gcc),$(CC)))
DEV_INC  := $(if $(findstring musl,$(DEV_CC)),-idirafter /usr/include \
        -idirafter /usr/include/$(shell $(CC) -print-multiarch))
DEV_OBJ  := $(DEV_SRC:%.c=$(BUILD)/dev/%.o)

$(BUILD)/dev/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(DEV_CC) $(HOST_CFLAGS) $(DEV_INC) -I$(BUILD)/gen -MMD -MP -c $< -o $@

$(BUILD)/xenc-dev: $(DEV_OBJ)
	$(Q)$(DEV_CC) $(HOST_CFLAGS) $^ -o $@ $(HOST_LDFLAGS) -lpthread

# The filter of a pv domain is computed by libseccomp when xenc is built, so that
# starting a container costs nothing for it.
$(BUILD)/gen/pv_filter_gen: hv/pv/gen/filter_gen.c $(wildcard abi/*.h abi/*.def)
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -g -I. -D_GNU_SOURCE $< -o $@ -lseccomp
$(BUILD)/gen/pv_filter.inc: $(BUILD)/gen/pv_filter_gen
	$(Q)$< > $@
$(call obj,$(wildcard hv/pv/*.c)): $(BUILD)/gen/pv_filter.inc
$(call obj,$(wildcard hv/pv/*.c)): HOST_CFLAGS += -I$(BUILD)/gen

# The same for the driver domain's own jail.
$(BUILD)/gen/dev_filter_gen: hv/dev/gen/filter_gen.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -g -I. -D_GNU_SOURCE $< -o $@ -lseccomp
$(BUILD)/gen/dev_filter.inc: $(BUILD)/gen/dev_filter_gen
	$(Q)$< > $@
$(BUILD)/dev/hv/dev/jail.o: $(BUILD)/gen/dev_filter.inc

$(BUILD)/kernel-pv.elf: $(KOBJ) $(PVOBJ) $(K)/plat/pv/kernel.ld
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	    -Wl,-z,noexecstack -T $(K)/plat/pv/kernel.ld $(KOBJ) $(PVOBJ) -o $@

# Objects only: lets one room be checked while another is being written.
kernel-objs: $(KOBJ) $(PVOBJ)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
-include tests/tests.mk

.PHONY: all clean kernel-objs
