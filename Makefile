# One file, wildcards: never edited to add a source file.
#
#   make            the binaries and the kernel        make demo    run a container
#   make check      all tests                          make help    the other targets

BUILD   ?= build
CC      ?= gcc
Q       ?= @
SAN     ?=

WARN := -std=gnu11 -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings \
        -Wmissing-prototypes -Wimplicit-fallthrough -Woverride-init -Werror \
        -Wno-unused-parameter
HOST_CFLAGS := $(WARN) -O2 -g -I. -D_GNU_SOURCE -fno-strict-aliasing -ffunction-sections \
        -fdata-sections $(SAN) $(if $(SAN),-DXENC_SANITIZED)
HOST_LDFLAGS := -Wl,--gc-sections $(SAN)
ifeq ($(SAN),)
HOST_LDFLAGS += -static
endif

K := unikernel-kernel
# The guest kernel: freestanding, position-independent at a high address, no FPU.
KCFLAGS := $(WARN) -O2 -g -I. -I$(K)/include -ffreestanding -fno-builtin-printf -fPIE \
        -fvisibility=hidden -mno-red-zone -mgeneral-regs-only -fno-strict-aliasing \
        -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
        -fno-omit-frame-pointer -fno-delete-null-pointer-checks -fdata-sections -ffunction-sections \
        -DXENC_KERNEL

KROOMS  := core mm fs net sys drivers lib
KSRC    := $(foreach r,$(KROOMS),$(wildcard $(K)/$(r)/*.c))
PVSRC   := $(wildcard $(K)/plat/pv/*.c $(K)/plat/pv/*.S)
KOBJ    := $(KSRC:$(K)/%.c=$(BUILD)/k/pv/%.o)
PVOBJ   := $(patsubst $(K)/%,$(BUILD)/k/pv/%.o,$(basename $(PVSRC)))

XENC_SRC := $(wildcard base/*.c oci/*.c runtime/*.c hv/client/*.c)
HV_SRC   := base/err.c base/fd.c $(wildcard hv/*.c hv/pv/*.c hv/kvm/*.c) hv/dev/describe.c
DEV_SRC  := base/err.c $(wildcard hv/dev/*.c)
obj      = $(patsubst %.c,$(BUILD)/host/%.o,$(1))

# The last three are what our parts of libarchive (tar, gzip, zstd) stand on.
XENC_LIBS := -ljson-c -larchive -lnettle -lzstd -lz

BINS := $(BUILD)/xenc $(BUILD)/xenc-hv $(BUILD)/xenc-dev $(BUILD)/kernel-pv.elf $(BUILD)/kernel-pvh.elf

all: $(BINS)
	@:

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

# The processes of a running container are linked with musl where that is installed: a
# tenth of the size, so half the start-up time and a fifth of the memory (pages touched).
SMALL_CC  := $(if $(SAN),$(CC),$(or $(shell command -v musl-gcc),$(CC)))
SMALL_INC := $(if $(findstring musl,$(SMALL_CC)),-idirafter /usr/include \
        -idirafter /usr/include/$(shell $(CC) -print-multiarch))
small     = $(patsubst %.c,$(BUILD)/small/%.o,$(1))

$(BUILD)/small/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(SMALL_CC) $(HOST_CFLAGS) $(SMALL_INC) -I$(BUILD)/gen -MMD -MP -c $< -o $@

$(BUILD)/xenc-hv: $(call small,$(HV_SRC))
	$(Q)$(SMALL_CC) $(HOST_CFLAGS) $^ -o $@ $(HOST_LDFLAGS) -lpthread

$(BUILD)/xenc-dev: $(call small,$(DEV_SRC))
	$(Q)$(SMALL_CC) $(HOST_CFLAGS) $^ -o $@ $(HOST_LDFLAGS) -lpthread

# The filter of a pv domain is computed when xenc is built, so that starting a container
# costs nothing for it.
$(BUILD)/gen/pv_filter_gen: hv/pv/gen/filter_gen.c $(wildcard abi/*.h abi/*.def)
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -g -I. -D_GNU_SOURCE $< -o $@
$(BUILD)/gen/pv_filter.inc: $(BUILD)/gen/pv_filter_gen
	$(Q)$< > $@
$(BUILD)/small/hv/pv/create.o: $(BUILD)/gen/pv_filter.inc

# Those of the monitor and of the driver domain by libseccomp.
$(BUILD)/gen/hv_filter_gen: hv/gen/filter_gen.c hv/gen/emit.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -g -I. -D_GNU_SOURCE $< -o $@ -lseccomp
$(BUILD)/gen/hv_filter.inc: $(BUILD)/gen/hv_filter_gen
	$(Q)$< > $@
$(BUILD)/small/hv/jail.o: $(BUILD)/gen/hv_filter.inc

$(BUILD)/gen/vcpu_filter_gen: hv/kvm/gen/filter_gen.c hv/gen/emit.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -g -I. -D_GNU_SOURCE $< -o $@ -lseccomp
$(BUILD)/gen/vcpu_filter.inc: $(BUILD)/gen/vcpu_filter_gen
	$(Q)$< > $@
$(BUILD)/small/hv/kvm/vcpu.o: $(BUILD)/gen/vcpu_filter.inc

$(BUILD)/gen/dev_filter_gen: hv/dev/gen/filter_gen.c hv/gen/emit.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -g -I. -D_GNU_SOURCE $< -o $@ -lseccomp
$(BUILD)/gen/dev_filter.inc: $(BUILD)/gen/dev_filter_gen
	$(Q)$< > $@
$(BUILD)/small/hv/dev/jail.o: $(BUILD)/gen/dev_filter.inc

KLINK = $(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
        -Wl,-z,noexecstack

# Linked twice: the second time with the names of its own functions, for reports. They
# come after the text, so its addresses stay.
$(BUILD)/gen/ksyms0.c: $(K)/lib/ksyms.awk
	@mkdir -p $(@D)
	$(Q)awk -f $< /dev/null > $@
$(BUILD)/gen/ksyms-pv.c: $(KOBJ) $(PVOBJ) $(BUILD)/gen/ksyms0.c $(K)/plat/pv/kernel.ld
	$(Q)$(KLINK) $(KCFLAGS) -DXENC_PLAT_PV -T $(K)/plat/pv/kernel.ld $(KOBJ) $(PVOBJ) \
	    $(BUILD)/gen/ksyms0.c -o $(BUILD)/gen/kernel-pv.first
	$(Q)nm -n $(BUILD)/gen/kernel-pv.first | awk -f $(K)/lib/ksyms.awk > $@
$(BUILD)/kernel-pv.elf: $(BUILD)/gen/ksyms-pv.c
	$(Q)$(KLINK) $(KCFLAGS) -DXENC_PLAT_PV -T $(K)/plat/pv/kernel.ld $(KOBJ) $(PVOBJ) $< -o $@

# The same kernel for PVH domains.
PVHSRC  := $(wildcard $(K)/plat/pvh/*.c $(K)/plat/pvh/*.S)
PVHOBJ  := $(KSRC:$(K)/%.c=$(BUILD)/k/pvh/%.o) \
        $(patsubst $(K)/%,$(BUILD)/k/pvh/%.o,$(basename $(PVHSRC)))

$(BUILD)/k/pvh/%.o: $(K)/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KCFLAGS) -DXENC_PLAT_PVH -MMD -MP -c $< -o $@

$(BUILD)/k/pvh/%.o: $(K)/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(KCFLAGS) -DXENC_PLAT_PVH -D__ASSEMBLY__ -MMD -MP -c $< -o $@

$(BUILD)/gen/vdso.so: $(wildcard $(K)/plat/pvh/vdso/*) $(K)/plat/pvh/vdso_data.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O2 -fPIC -ffreestanding -fcf-protection=none -fno-stack-protector \
	    -fno-asynchronous-unwind-tables -mgeneral-regs-only -shared -nostdlib -s \
	    -Wl,--hash-style=both -Wl,--build-id=none -Wl,-soname,linux-vdso.so.1 \
	    -Wl,-z,max-page-size=4096 -T $(K)/plat/pvh/vdso/vdso.lds $(K)/plat/pvh/vdso/vdso.c -o $@
$(BUILD)/k/pvh/plat/pvh/vdso_image.o: KCFLAGS += -Wa,-I$(BUILD)/gen
$(BUILD)/k/pvh/plat/pvh/vdso_image.o: $(BUILD)/gen/vdso.so

# What runs first lies together: each page of the kernel that is touched is an exit.
$(BUILD)/gen/boot-order.ld: $(K)/plat/pvh/boot.order
	@mkdir -p $(@D)
	$(Q)sed 's/.*/*(.text.&)/' $< > $@
$(BUILD)/gen/ksyms-pvh.c: $(PVHOBJ) $(BUILD)/gen/ksyms0.c $(K)/plat/pvh/kernel.ld $(BUILD)/gen/boot-order.ld
	$(Q)$(KLINK) -L$(BUILD)/gen $(KCFLAGS) -DXENC_PLAT_PVH -T $(K)/plat/pvh/kernel.ld $(PVHOBJ) \
	    $(BUILD)/gen/ksyms0.c -o $(BUILD)/gen/kernel-pvh.first
	$(Q)nm -n $(BUILD)/gen/kernel-pvh.first | awk -f $(K)/lib/ksyms.awk > $@
$(BUILD)/kernel-pvh.elf: $(BUILD)/gen/ksyms-pvh.c
	$(Q)$(KLINK) -L$(BUILD)/gen $(KCFLAGS) -DXENC_PLAT_PVH -T $(K)/plat/pvh/kernel.ld $(PVHOBJ) $< -o $@

# Objects only: lets one room be checked while another is being written.
kernel-objs: $(KOBJ) $(PVOBJ)

# ---- what people call --------------------------------------------------------------

# Debian packages: to build and run a container; to test besides.
DEPS_RUN   := gcc libc6-dev libseccomp-dev libjson-c-dev libarchive-dev nettle-dev \
        libzstd-dev zlib1g-dev musl-tools busybox-static
DEPS_CHECK := bats clang cpio e2fsprogs jq kmod libclang-rt-14-dev mmdebstrap procps python3 \
        qemu-system-x86 umoci

# Wildcards and compilers are looked up when make starts: what `deps` has brought is seen
# by a second make.
AGAIN = $(MAKE) --no-print-directory -j$(shell nproc)

deps-run:
	$(Q)tests/tools/deps $(DEPS_RUN)
deps:
	$(Q)tests/tools/deps $(DEPS_RUN) $(DEPS_CHECK)

demo: deps-run
	@echo "Building xenc ..."
	+$(Q)$(AGAIN) all
	$(Q)examples/demo $(BUILD)

check: deps
	$(Q)tests/tools/check full "$(AGAIN)"
check-quick: deps
	$(Q)tests/tools/check quick "$(AGAIN)"

# The host's programs under sanitizers, and the command line tests with them. The monitor
# has UBSan alone: AddressSanitizer's shadow lies where a pv domain's kernel must be. That of
# pvh domains has both, and its own tests.
ASAN := $(BUILD)/asan
ASAN_BINS := $(addprefix $(ASAN)/,xenc xenc-hv xenc-dev kernel-pv.elf kernel-pvh.elf)
asan-bins: all
	+$(Q)$(AGAIN) BUILD=$(ASAN) SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' \
	    $(ASAN)/xenc $(ASAN)/xenc-dev
	+$(Q)$(AGAIN) BUILD=$(BUILD)/ubsan SAN='-fsanitize=undefined -fno-sanitize-recover=undefined' \
	    $(BUILD)/ubsan/xenc-hv
	+$(Q)$(AGAIN) BUILD=$(BUILD)/asan-pvh SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' \
	    $(BUILD)/asan-pvh/xenc-hv
	$(Q)cp $(BUILD)/ubsan/xenc-hv $(BUILD)/kernel-pv.elf $(BUILD)/kernel-pvh.elf $(ASAN)
	$(Q)cp $(BUILD)/xenc $(BUILD)/xenc-dev $(BUILD)/kernel-pv.elf $(BUILD)/kernel-pvh.elf $(BUILD)/asan-pvh
asan: deps asan-bins
	+$(Q)$(AGAIN) unit
	$(Q)XENC=$(CURDIR)/$(ASAN)/xenc tests/tap.sh tests/cli/*.bats
	$(Q)TAP_TIMEOUT=900 tests/tap.sh tests/tools/asan-pvh

# Seconds a target: make fuzz FUZZ_SECONDS=600
FUZZ_SECONDS ?= 20
fuzz: deps
	+$(Q)$(AGAIN) fuzz-bins
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) TAP_TIMEOUT=86400 tests/tap.sh tests/fuzz/run

lint: deps
	+$(Q)$(AGAIN) $(BUILD)/kernel-pv.elf
	$(Q)tests/lint/lint

bench: deps
	+$(Q)$(AGAIN) all
	$(Q)tests/bench/run
	$(Q)tests/bench/lab
	$(Q)tests/bench/apps

tcb:
	$(Q)tests/tools/tcb

docs/SYSCALLS.md: $(K)/sys/syscalls.def $(K)/sys/syscalls-md.awk
	awk -f $(K)/sys/syscalls-md.awk $< > $@
docs: docs/SYSCALLS.md

PREFIX ?= /usr/local
install: all
	install -D -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/xenc
	install -D -t $(DESTDIR)$(PREFIX)/libexec/xenc $(BUILD)/xenc-hv $(BUILD)/xenc-dev
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/libexec/xenc $(BUILD)/kernel-pv.elf \
	    $(BUILD)/kernel-pvh.elf

clean:
	rm -rf $(BUILD)

help:
	@cat HACKING.md

# Not in the file tree that the tests keep there.
-include $(shell find $(BUILD) -path $(BUILD)/real -prune -o -name '*.d' -print 2>/dev/null)
-include tests/tests.mk

.PHONY: all asan asan-bins bench check check-quick clean demo deps deps-run docs fuzz help \
        install kernel-objs lint tcb
