# SPDX-License-Identifier: LGPL-2.1-or-later

# The kernel's pure parsers, which tests compile too, include its UAPI header as the kernel does.
$(O)/tests/unit/%.o $(O)/tests/fuzz/%.o: WARNINGS += -Ikernel/include/uapi

CC32 ?= i686-linux-gnu-gcc

# Test programs that run in the VM, static so that they need nothing there; they are found in /in/guest.
GUEST_SOURCES := $(wildcard tests/kselftest/*.c tests/vm/programs/*.c)
GUEST_PROGRAMS := $(addprefix $(O)/guest/,$(basename $(notdir $(GUEST_SOURCES))) till_abi32)

$(O)/guest/%: tests/kselftest/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -Ikernel/include/uapi -I. -Itests/kselftest $(WARNINGS) $(CFLAGS) -static -pthread -MMD -MP -o $@ $<
# The same once more for 32 bits; gcc-multilib does not go with the cross compilers.
$(O)/guest/till_abi32: tests/kselftest/till_abi.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC32) -std=gnu11 -D_GNU_SOURCE -Ikernel/include/uapi -Itests/kselftest $(WARNINGS) $(CFLAGS) -static -pthread -MMD -MP -o $@ $<
$(O)/guest/%: tests/vm/programs/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. -Idaemon $(WARNINGS) $(CFLAGS) -static -pthread -MMD -MP -o $@ $<

# The simulated printer as a filter, for tests that show its paper to other people's readers.
$(O)/paper-print: $(O)/tests/check/paper-print.o $(O)/sim.a $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_till-sim))

# Our own bytes for a page, to hold against other people's encoders.
$(O)/paper-page: $(O)/tests/check/paper-page.o $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_till-sim))

# Every paper, to look at (make gallery) and for other people's readers.
$(O)/tests/check/gallery.o $(O)/tests/check/gallery-index.o: WARNINGS += -Itests
$(O)/gallery: $(O)/tests/check/gallery.o $(O)/tests/check/gallery-index.o $(DRAW_OBJECTS) $(O)/sim.a $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(sort $(LIBS_till-render) $(LIBS_till-sim)))

# Every notice, for Documentation/notices.md.
$(O)/tests/check/notices-show.o: WARNINGS += -Itests
$(O)/notices-show: $(O)/tests/check/notices-show.o $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_tilld))

# One message of each kind, for Wireshark's dissector.
$(O)/iso8583-frames: $(O)/tests/check/iso8583-frames.o $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_tilld))

# What emv/ makes of data, for npm's readers of EMV.
$(O)/emv-print: $(O)/tests/check/emv-print.o $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_tilld))

# The table of EMV cases (tests/emv/README).
$(O)/emv-cases: $(call objects,$(call sources,tests/emv)) $(O)/rooms.a $(O)/sim.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(sort $(LIBS_unit) $(LIBS_till-sim)))

# How the journal's times grow with its rows.
$(O)/journal-bench: $(O)/tests/bench/journal.o $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_tilld))

# The terminal that is killed at every system call, and who kills it (tests/crash/README).
CRASH_PROGRAMS := $(addprefix $(O)/crash/,terminal tracer no-sync.so) $(O)/till-acquirer
CRASH_WRAPS := $(addprefix -Wl$(comma)--wrap=,clock_gettime sd_event_add_time_relative \
	sd_event_source_set_time_relative open write fsync rename unlink notice_send)
$(O)/tests/crash/%.o: WARNINGS += -Itests
$(O)/crash/terminal: $(call objects,$(addprefix tests/crash/,terminal.c steps.c devices.c memory.c power.c time.c)) $(O)/rooms.a $(O)/sim.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(CRASH_WRAPS) -o $@ $^ $(call libs,$(sort $(LIBS_tilld) $(LIBS_till-sim)))
$(O)/crash/tracer: $(O)/tests/crash/tracer.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,libseccomp)

$(O)/crash/no-sync.so: tests/crash/no-sync.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -fPIC $(WARNINGS) -o $@ $<

# For the case print-cuts.
GUEST_PROGRAMS += $(O)/guest/die-at-step.so
$(O)/guest/%.so: tests/crash/%.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -fPIC -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -o $@ $<

# Hostile devices, for cases and for make check-kernel-debug.
GUEST_PROGRAMS += $(O)/guest/till-hostile
$(O)/guest/till-hostile: $(call objects,$(call sources,tests/hostile)) $(O)/sim.a $(O)/rooms.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -pthread $(call libs,$(LIBS_till-sim))

# Each fuzz-NAME.c is built twice: to replay its corpus in every check, and with clang to search.
FUZZERS := $(patsubst tests/fuzz/fuzz-%.c,%,$(wildcard tests/fuzz/fuzz-*.c))
REPLAYERS := $(addprefix $(O)/fuzz/replay-,$(FUZZERS))
# What hears a card, or the worker that hears it.
EMV_FUZZERS := $(filter tlv atr t0 t1 emv% worker-%,$(FUZZERS))
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(O)/fuzz/replay-%: $(O)/tests/fuzz/fuzz-%.o $(O)/tests/fuzz/replay.o $(O)/rooms.a $(O)/sim.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call libs,$(sort $(LIBS_unit) $(LIBS_till-sim)))
$(O)/fuzz/fuzz-%: $(O)/tests/fuzz/fuzz-%.o $(O)/rooms.a $(O)/sim.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -pie -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call libs,$(sort $(LIBS_unit) $(LIBS_till-sim)))
# And what till-report makes of others' words.
$(O)/fuzz/replay-report $(O)/fuzz/fuzz-report: $(patsubst %,$(O)/daemon/helpers/till-report/%.o,filter tidy page page-top page-care chart)
$(O)/fuzz/replay-report $(O)/fuzz/fuzz-report: LIBS_unit += m
# And what till-render draws with.
$(O)/fuzz/replay-drawing $(O)/fuzz/fuzz-drawing: $(filter-out %/main.o,$(RENDER_OBJECTS))
$(O)/fuzz/replay-drawing $(O)/fuzz/fuzz-drawing: LIBS_unit += $(LIBS_till-render)
# And what till-notify reads.
$(O)/fuzz/replay-notice-request $(O)/fuzz/fuzz-notice-request: $(patsubst %,$(O)/daemon/helpers/till-notify/%.o,request reason mail-header)
# The engine's neighbours whose place the fuzzer takes.
ENGINE_WRAPS := $(addprefix -Wl$(comma)--wrap=, monitor_find_connected emv_open socketpair posix_spawn sd_event_add_time_relative acquirer_new acquirer_free \
	acquirer_is_signed_on acquirer_was_reached acquirer_is_busy acquirer_forget_keys acquirer_sign_on acquirer_exchange acquirer_profile engine_panic)
$(O)/fuzz/replay-worker-message $(O)/fuzz/fuzz-worker-message: LDFLAGS += $(ENGINE_WRAPS)
.PRECIOUS: $(O)/%.o

# The module's header, where it includes it from, for its files that tests compile.
$(O)/tests/unit/test-msr-layout.o $(O)/tests/fuzz/fuzz-msr-layout.o: ALL_CFLAGS += -Ikernel/include/uapi

##@ Testing
check: check-deps ## run all tests; T="unit static vm NAME..." runs a part
	@$(MAKE) --no-print-directory check-programs
	@O=$(O) OUT=$(OUT) tests/check/run $(T)

check-unit: check-deps ## run the unit tests
	@$(MAKE) --no-print-directory check-programs
	@O=$(O) OUT=$(OUT) tests/check/run unit

check-trixie: check-deps ## run the kselftests on Debian 13's kernel, 6.12
	@$(MAKE) --no-print-directory check-programs
	@O=$(O) OUT=$(OUT) CHECK_KERNEL=trixie tests/check/run vm/kselftest

# P="NAME..." runs a part, with all of its points (tests/crash/README).
check-crash: check-deps ## kill the terminal at its system calls, and hold all that it did against the acquirer's ledger (40 min)
	@$(MAKE) --no-print-directory $(CRASH_PROGRAMS)
	@O=$(O) tests/crash/long $(P)
	@[ -n "$(P)" ] || $(MAKE) --no-print-directory check-crash-vm

check-crash-vm: check-deps ## of that what needs VMs: 500 power cuts replayed, tilld and whole VMs killed (20 min)
	@$(MAKE) --no-print-directory $(CRASH_PROGRAMS)
	@O=$(O) tests/crash/power-cuts --cuts=500
	@O=$(O) tests/crash/power-cuts --no-sync --calls=8 --cuts=40
	@O=$(O) tests/crash/vm-kills --kills=5
	@O=$(O) OUT=$(OUT) CASES=$(or $(CASES),40) tests/check/run vm/crash-kills

# P=healthy or P=chaos runs a part; SEED=1 (tests/hours/README).
check-hours: check-deps ## two hours in a VM: a healthy terminal at work, and one whose devices, programs and acquirer fail at random
	@$(MAKE) --no-print-directory check-programs
	@O=$(O) OUT=$(OUT) PARTS="$(P)" SEED=$(SEED) MINUTES=$(or $(MINUTES),60) tests/check/run vm/hours

# M="NAME..." runs a part.
check-crash-mutants: export COMPILE = $(ALL_CFLAGS) $(LIB_CFLAGS)
check-crash-mutants: export LINK = $(ALL_LDFLAGS) $(CRASH_WRAPS)
check-crash-mutants: export LIBS = $(call libs,$(sort $(LIBS_tilld) $(LIBS_till-sim)))
check-crash-mutants: $(CRASH_PROGRAMS) ## faults put into the daemon one by one: killing the terminal has to show each
	@O=$(O) CC="$(CC)" tests/crash/check-mutants $(M)

# The first run builds the kernel. UNPLUGS= and SEED= are for the hostile devices too.
check-kernel-debug: check-deps ## kselftests, 1000 unplugs and FUZZ_TIME=60 s of hostile devices on a kernel with KASAN and lockdep
	@$(MAKE) --no-print-directory check-programs
	@O=$(O) OUT=$(OUT) CHECK_KERNEL=debug FUZZ_TIME=$(FUZZ_TIME) UNPLUGS=$(UNPLUGS) SEED=$(SEED) \
		tests/check/run vm/kselftest vm/power vm/hostile

# M="NAME..." runs a part.
check-mutants: export COMPILE = $(ALL_CFLAGS) $(LIB_CFLAGS)
check-mutants: export LINK = $(ALL_LDFLAGS)
check-mutants: export LIBS = $(call libs,$(sort $(LIBS_unit) $(LIBS_till-sim)))
check-mutants: export WRAPS = $(ENGINE_WRAPS)
check-mutants: $(O)/emv-cases $(O)/fuzz/replay-worker-message ## faults put into daemon/emv/ one by one: each has to fail a case of tests/emv, or a test
	@O=$(O) CC="$(CC)" tests/emv/check-mutants $(M)

coverage-kernel: ## which lines of kernel/ the last check-kernel-debug ran
	@tests/hostile/coverage $(O)/check

# The worker's own tests are left out: nothing can write counts out of its sandbox.
COVERAGE_EMV := $(patsubst $(O)/%,$(O)/coverage/%,$(filter-out %-worker %-reader %-sandbox,$(filter $(O)/unit/test-emv-%,$(UNIT_TESTS))) $(O)/emv-cases)
coverage-emv: check-deps ## which lines of daemon/emv/ its unit tests and the table of cases run
	@$(MAKE) --no-print-directory O=$(O)/coverage WARNINGS= HARDENING=-fPIE CFLAGS='-O0 -g --coverage' \
		LDFLAGS=--coverage $(COVERAGE_EMV)
	@tests/emv/coverage $(O)/coverage

# Installing comes before the flags are asked of pkg-config, hence the second make.
check-deps:
	@packaging/install-deps
check-programs: $(UNIT_TESTS) $(GUEST_PROGRAMS) $(O)/till-notify $(O)/paper-print $(O)/paper-page $(O)/gallery $(O)/iso8583-frames $(O)/notices-show $(O)/faults-text $(O)/emv-print $(O)/emv-cases $(REPLAYERS) $(CRASH_PROGRAMS)
	@mkdir -p $(O)/guest

fuzz: F ?= $(FUZZERS)
fuzz: fuzz-named ## search with libFuzzer, F="NAME..." (all) for FUZZ_TIME=60 s each, one on each core; finds go to build/fuzz
fuzz-emv: F := $(EMV_FUZZERS)
fuzz-emv: fuzz-named ## the same for what hears a card
fuzz-named: check-deps
	@$(MAKE) --no-print-directory O=$(O)/sanitized CC=clang WARNINGS= HARDENING=-fPIE CFLAGS='$(FUZZ_FLAGS)' \
		$(addprefix $(O)/sanitized/fuzz/fuzz-,$(F))
	@O=$(O) FUZZ_TIME=$(FUZZ_TIME) tests/fuzz/search $(F)

bench: ROWS ?= 1000 1000000
bench: $(O)/journal-bench ## times of the journal with ROWS="1000 1000000" transactions, which are kept in build/bench
	@mkdir -p $(O)/bench
	@$(O)/journal-bench $(O)/bench $(ROWS)

##@ Trying it out
demo: ## a sale in a VM, from the card to the picture of the receipt in out/demo
	@packaging/install-deps build
	@mkdir -p $(OUT)/demo && rm -f $(OUT)/demo/*
	@tests/vm/run --cold --in tests/vm/demo --out $(OUT)/demo -- /in/demo
	@echo "The receipt is $(OUT)/demo/receipt.png; what was called and answered is in $(OUT)/demo/busctl.txt."

gallery: check-deps ## every paper in every language and width, in out/gallery/index.html
	@$(MAKE) --no-print-directory $(O)/gallery
	@rm -rf $(OUT)/gallery && mkdir -p $(OUT)/gallery
	@$(O)/gallery $(OUT)/gallery >/dev/null
	@echo "All papers are in $(OUT)/gallery/index.html."

demo-shell: ## the same VM with a shell in it; end it with exit
	@packaging/install-deps build
	@tests/vm/run --tty -- bash -i

.PHONY: bench check check-hours check-crash check-crash-vm check-crash-mutants check-mutants fuzz fuzz-emv fuzz-named check-unit check-kernel-debug coverage-kernel coverage-emv check-trixie check-deps check-programs demo demo-shell gallery
