# Unit tests: every tests/unit/*.c with a line
#     // uses: unikernel-kernel/core/signal.c base/*.c      sources under test (wildcards)
# becomes build/unit/NAME. More lines it may have:
#     // libs: -ljson-c       // flags: -DSOMETHING
# Tests that use kernel sources get tests/unit/unitplat.c and unituser.c as their platform.
# All is built with ASan and UBSan.
#
#   make unit            builds and runs all        make build/unit/NAME    one
#   UNIT=NAME make unit  runs one

UNIT_SRC  := $(shell grep -ls '^// uses:' tests/unit/*.c)
UNIT_BINS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
UNIT_SAN  ?= -fsanitize=address,undefined -fno-sanitize-recover=undefined
UNIT_CFLAGS := $(WARN) -O1 -g -I. -D_GNU_SOURCE -fno-strict-aliasing -fno-omit-frame-pointer \
        -ffunction-sections -fdata-sections $(UNIT_SAN)
UNIT_OBJ  := $(BUILD)/unit/obj
unit_head = $(shell sed -n 's,^// $(1): *,,p' tests/unit/$(2).c)

# Quoted includes only: <time.h> must stay the C library's.
UNIT_KFLAGS := -iquote $(K)/include -iquote tests/unit

$(UNIT_OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -MMD -MP -c $< -o $@

$(UNIT_OBJ)/$(K)/%.o: $(K)/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) $(UNIT_KFLAGS) -MMD -MP -c $< -o $@

$(UNIT_OBJ)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) $(UNIT_KFLAGS) $(call unit_head,flags,$*) -MMD -MP -c $< -o $@

define unit_rule
UNIT_USES_$(1) := $$(wildcard $(call unit_head,uses,$(1)))
ifneq ($$(filter $(K)/%,$$(UNIT_USES_$(1))),)
UNIT_USES_$(1) += tests/unit/unitplat.c tests/unit/unituser.c
endif
$(BUILD)/unit/$(1): $(UNIT_OBJ)/tests/unit/$(1).o \
                    $$(patsubst %.c,$(UNIT_OBJ)/%.o,$$(filter %.c,$$(sort $$(UNIT_USES_$(1)))))
	$(Q)$(CC) $(UNIT_CFLAGS) $$^ -o $$@ -Wl,--gc-sections -lpthread $(call unit_head,libs,$(1))
endef
$(foreach t,$(UNIT_SRC),$(eval $(call unit_rule,$(basename $(notdir $(t))))))

# Tests of devices also drive the real binary in its jail.
unit-bins: $(UNIT_BINS) $(BUILD)/xenc-dev
unit: unit-bins
	$(Q)tests/tap.sh $(if $(UNIT),$(BUILD)/unit/$(UNIT),$(UNIT_BINS))

# Fuzz targets: every tests/fuzz/fuzz_*.c, with the same lines at its head, becomes
# build/fuzz/NAME: with clang's libFuzzer, or, where that is missing, with replay.c, which
# runs seeds and simple mutations of them. tests/fuzz/run runs them (make fuzz).

FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BINS := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_OBJ  := $(BUILD)/fuzz/obj
fuzz_head  = $(shell sed -n 's,^// $(1): *,,p' tests/fuzz/$(2).c)
LIBFUZZER := $(and $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a), \
        $(shell command -v clang))
FUZZ_CFLAGS := $(filter-out -O1 $(if $(LIBFUZZER),-Werror),$(UNIT_CFLAGS)) -O2
ifneq ($(LIBFUZZER),)
FUZZ_CC := $(LIBFUZZER)
FUZZ_CFLAGS += -fsanitize=fuzzer-no-link -Wno-unknown-warning-option
FUZZ_LDFLAGS := -fsanitize=fuzzer
else
FUZZ_CC := $(CC)
FUZZ_MAIN := tests/fuzz/replay.c
endif

$(FUZZ_OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$(FUZZ_OBJ)/$(K)/%.o: $(K)/%.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(UNIT_KFLAGS) -MMD -MP -c $< -o $@

define fuzz_rule
FUZZ_USES_$(1) := $$(filter-out tests/fuzz/replay.c,$$(wildcard $(call fuzz_head,uses,$(1)))) \
                  tests/fuzz/$(1).c $(FUZZ_MAIN)
ifneq ($$(filter $(K)/%,$$(FUZZ_USES_$(1))),)
FUZZ_USES_$(1) += tests/unit/unitplat.c tests/unit/unituser.c
$(FUZZ_OBJ)/tests/fuzz/$(1).o: FUZZ_CFLAGS += $(UNIT_KFLAGS)
endif
$(FUZZ_OBJ)/tests/fuzz/$(1).o: FUZZ_CFLAGS += $(call fuzz_head,flags,$(1))
$(BUILD)/fuzz/$(1): $$(patsubst %.c,$(FUZZ_OBJ)/%.o,$$(filter %.c,$$(sort $$(FUZZ_USES_$(1)))))
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $$^ -o $$@ $(FUZZ_LDFLAGS) -Wl,--gc-sections -lpthread \
	    $(call fuzz_head,libs,$(1))
endef
$(foreach t,$(FUZZ_SRC),$(eval $(call fuzz_rule,$(basename $(notdir $(t))))))
$(FUZZ_OBJ)/tests/unit/%.o: FUZZ_CFLAGS += $(UNIT_KFLAGS)

fuzz-bins: $(FUZZ_BINS)

.PHONY: unit unit-bins fuzz-bins
