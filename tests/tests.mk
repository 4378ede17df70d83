# SPDX-License-Identifier: LGPL-2.1-or-later

# Test programs that run in the VM, static so that they need nothing there; they are found in /in/guest.
GUEST_SOURCES := $(wildcard tests/kselftest/*.c tests/vm/programs/*.c)
GUEST_PROGRAMS := $(addprefix $(O)/guest/,$(basename $(notdir $(GUEST_SOURCES))))

$(O)/guest/%: tests/kselftest/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. -Itests/kselftest $(WARNINGS) $(CFLAGS) -static -pthread -MMD -MP -o $@ $<
$(O)/guest/%: tests/vm/programs/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARNINGS) $(CFLAGS) -static -pthread -MMD -MP -o $@ $<

# The simulated printer as a filter, for tests that show its paper to other people's readers.
$(O)/paper-print: $(O)/tests/check/paper-print.o $(O)/sim.a $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_till-sim))

##@ Testing
check: check-deps ## run all tests; T="unit static vm NAME..." runs a part
	@$(MAKE) --no-print-directory check-programs
	@O=$(O) OUT=$(OUT) tests/check/run $(T)

check-unit: check-deps ## run the unit tests
	@$(MAKE) --no-print-directory check-programs
	@O=$(O) OUT=$(OUT) tests/check/run unit

# Installing comes before the flags are asked of pkg-config, hence the second make.
check-deps:
	@packaging/install-deps
check-programs: $(UNIT_TESTS) $(GUEST_PROGRAMS) $(O)/paper-print
	@mkdir -p $(O)/guest

##@ Trying it out
demo: ## a sale in a VM, from the card to the picture of the receipt in out/demo
	@packaging/install-deps
	@mkdir -p $(OUT)/demo && rm -f $(OUT)/demo/*
	@tests/vm/run --in tests/vm/demo --out $(OUT)/demo -- /in/demo
	@echo "The receipt is $(OUT)/demo/receipt.png; what was called and answered is in $(OUT)/demo/busctl.txt."

demo-shell: ## the same VM with a shell in it; end it with exit
	@packaging/install-deps
	@tests/vm/run --tty -- bash -i

.PHONY: check check-unit check-deps check-programs demo demo-shell
