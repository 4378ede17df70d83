# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tilld: the one door. "make help" lists every target.

VERSION := 0.1.0

# None of the rules that make brings: one of them makes NAME of a newer NAME.sh.
.SUFFIXES:

O ?= build
OUT ?= out
# make V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

KDIR ?= /lib/modules/$(shell uname -r)/build

CC ?= gcc
CXX ?= g++
PKG_CONFIG ?= pkg-config
HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wformat=2 \
	-Wundef -Wpointer-arith -Wwrite-strings -Wno-missing-field-initializers -Wno-unused-parameter
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DTILLD_VERSION='"$(VERSION)"' -Idaemon -Itests/sim -I. $(HARDENING) $(WARNINGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)

# The rooms of the daemon, lowest floor first; tests/check/floors holds them to it.
ROOMS := base emv host journal receipt device notice transaction binding care bus

# Libraries by what uses them, as pkg-config names.
LIBS_tilld := libsystemd libudev libcrypto libssl sqlite3 libcjson
LIBS_tillctl := libsystemd libcjson
LIBS_card-worker := libseccomp libcrypto
LIBS_till-recover := libsystemd libudev libusb-1.0 libcjson
LIBS_till-render := libsystemd pangocairo libpng libqrencode zint
LIBS_till-report := libsystemd libudev libcjson libarchive m
LIBS_till-verify := libsystemd libcrypto libcjson
LIBS_till-notify := libsystemd libcurl libcjson libcrypto phonenumber
LIBS_till-acquirer := libcrypto libssl libsystemd sqlite3
LIBS_till-sim := libcrypto libsystemd libpng freetype2 fontconfig libqrencode zint
LIBS_unit := libsystemd libudev libcrypto libssl sqlite3 libseccomp libcjson cmocka
LIBS_test-device-monitor := umockdev-1.0
LIBS_test-device-usb := umockdev-1.0

# These ship no pkg-config file; one is C++.
PLAIN_LIBS := zint phonenumber m
flags = $(shell $(PKG_CONFIG) --cflags $(filter-out $(PLAIN_LIBS),$(1)))
libs = $(shell $(PKG_CONFIG) --libs $(filter-out $(PLAIN_LIBS),$(1))) $(addprefix -l,$(filter $(PLAIN_LIBS),$(1))) \
	$(if $(filter phonenumber,$(1)),-lstdc++)

comma := ,
objects = $(patsubst %.c,$(O)/%.o,$(1))
sources = $(wildcard $(addsuffix /*.c,$(1)))

ROOM_OBJECTS := $(call objects,$(call sources,$(addprefix daemon/,$(ROOMS))))
BASE_OBJECTS := $(filter $(O)/daemon/base/%,$(ROOM_OBJECTS))
EMV_OBJECTS := $(filter $(O)/daemon/emv/%,$(ROOM_OBJECTS))
HOST_OBJECTS := $(filter $(O)/daemon/host/%,$(ROOM_OBJECTS))

OBJECTS_tilld := $(call objects,daemon/main.c) $(ROOM_OBJECTS)
OBJECTS_tillctl := $(call objects,$(call sources,daemon/cli)) $(BASE_OBJECTS)
OBJECTS_card-worker := $(call objects,daemon/helpers/card-worker.c daemon/helpers/reader.c daemon/helpers/sandbox.c) $(EMV_OBJECTS) $(filter-out %/helper-call.o,$(BASE_OBJECTS))
RECOVER_OBJECTS := $(call objects,$(call sources,daemon/helpers/till-recover))
OBJECTS_till-recover := $(RECOVER_OBJECTS) $(O)/daemon/helpers/question.o $(BASE_OBJECTS)
RENDER_OBJECTS := $(call objects,$(call sources,daemon/helpers/till-render))
DRAW_OBJECTS := $(filter-out %/main.o,$(RENDER_OBJECTS))
OBJECTS_till-render := $(RENDER_OBJECTS) $(O)/daemon/helpers/question.o $(patsubst %,$(O)/daemon/receipt/%.o,page page-store raster) $(BASE_OBJECTS)
REPORT_OBJECTS := $(call objects,$(call sources,daemon/helpers/till-report))
OBJECTS_till-report := $(REPORT_OBJECTS) $(O)/daemon/helpers/question.o $(BASE_OBJECTS)
VERIFY_OBJECTS := $(call objects,$(call sources,daemon/helpers/till-verify))
OBJECTS_till-verify := $(VERIFY_OBJECTS) $(O)/daemon/helpers/question.o $(BASE_OBJECTS)
NOTIFY_OBJECTS := $(call objects,$(call sources,daemon/helpers/till-notify)) $(O)/daemon/helpers/till-notify/number-region.o
OBJECTS_till-notify := $(NOTIFY_OBJECTS) $(O)/daemon/helpers/question.o $(BASE_OBJECTS)
OBJECTS_till-acquirer := $(call objects,$(call sources,tests/sim/acquirer tests/sim/issuer)) $(HOST_OBJECTS) $(BASE_OBJECTS)
OBJECTS_till-sim := $(call objects,$(call sources,tests/sim/usb tests/sim/card tests/sim/paper tests/sim/issuer)) $(O)/daemon/host/mac.o $(BASE_OBJECTS)

PROGRAMS := tilld tillctl card-worker till-recover till-render till-report till-verify till-notify till-acquirer till-sim
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test-*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

include packaging/install.mk
include tests/tests.mk

##@ Building
all: programs ## build all userspace programs
programs: $(addprefix $(O)/,$(PROGRAMS)) ## the same
module: ## build till.ko against KDIR=... (default: the running kernel's headers)
	$(MAKE) -C $(KDIR) M=$(CURDIR)/kernel $(if $(W),W=$(W)) $(if $(C),C=$(C)) modules
clean: ## remove what was built
	rm -rf $(O)
deps: ## install what building and testing need (Debian 12, root or sudo)
	packaging/install-deps

define program
$(O)/$(1): $$(OBJECTS_$(1))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(call libs,$$(LIBS_$(1)))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# What tilld refuses, for tillctl to say in other languages.
REFUSING := $(call sources,$(addprefix daemon/,transaction binding care bus))
$(O)/refusals.h: packaging/po/refusals $(REFUSING)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)packaging/po/refusals $(REFUSING) >$@
$(O)/daemon/cli/refusal.o $(O)/tests/unit/test-cli-refusal.o: $(O)/refusals.h
$(O)/daemon/cli/refusal.o $(O)/tests/unit/test-cli-refusal.o: ALL_CFLAGS += -I$(O)

# A clock before this cannot be right; packages are built with SOURCE_DATE_EPOCH.
BUILD_TIME = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
$(O)/daemon/transaction/terminal-clock.o: ALL_CFLAGS += -DTILLD_BUILD_TIME=$(BUILD_TIME)

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

# libphonenumber has no other language.
CXX_FLAGS = $(patsubst -std=gnu11,-std=gnu++17,$(filter-out -Wmissing-prototypes -Wstrict-prototypes,$(ALL_CFLAGS)))
$(O)/%.o: %.cc Makefile
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)$(CXX) $(CXX_FLAGS) -MMD -MP -c -o $@ $<

# Every include path in one go: the packages' headers do not collide.
# Asked for when the first file is compiled, since "make deps" may have to install pkg-config before.
LIB_CFLAGS = $(eval LIB_CFLAGS := $(call flags,$(sort $(foreach p,$(PROGRAMS) test-device-monitor,$(LIBS_$(p))))))$(LIB_CFLAGS)

# And the worker's walls, which tests run against.
$(O)/rooms.a: $(ROOM_OBJECTS) $(patsubst %,$(O)/daemon/helpers/%.o,sandbox question)
$(O)/sim.a: $(filter-out %/main.o,$(OBJECTS_till-sim) $(OBJECTS_till-acquirer))
$(O)/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

# A unit test links with what it names of the rooms and the simulators; both have an msr.h or a server.h, and
# the test of a simulator means the simulator's.
archives = $(if $(filter test-sim-% test-acquirer test-issuer,$(1)),$(O)/sim.a $(O)/rooms.a,$(O)/rooms.a $(O)/sim.a)
$(O)/unit/%: $(O)/tests/unit/%.o $(O)/rooms.a $(O)/sim.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call archives,$*) $(call libs,$(sort $(LIBS_unit) $(LIBS_till-sim) $(LIBS_$*)))
.PRECIOUS: $(O)/tests/unit/%.o

# What they include of tillctl says what tilld refuses.
CLI_TESTS := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test-cli-*.c))
CLI_TESTS_OBJECTS := $(patsubst %,$(O)/daemon/cli/%.o,refusal words)
$(CLI_TESTS): $(CLI_TESTS_OBJECTS)
$(CLI_TESTS): LDFLAGS += $(CLI_TESTS_OBJECTS)
$(O)/unit/test-cli-refusal $(O)/unit/test-cli-binding: | $(O)/po/zh_CN.mo

# It draws, without a socket.
LIBS_test-receipt-faces := $(LIBS_till-render)
$(O)/unit/test-receipt-faces: $(DRAW_OBJECTS)
$(O)/unit/test-receipt-faces: LDFLAGS += $(DRAW_OBJECTS)

# Its parts, without a socket.
LIBS_test-notify-parts := $(LIBS_till-notify)
$(O)/unit/test-notify-parts: $(filter-out %/main.o,$(NOTIFY_OBJECTS))
$(O)/unit/test-notify-parts: LDFLAGS += $(filter-out %/main.o,$(NOTIFY_OBJECTS))

LIBS_test-recover-parts := $(LIBS_till-recover)
$(O)/unit/test-recover-parts: $(filter-out %/main.o,$(RECOVER_OBJECTS))
$(O)/unit/test-recover-parts: LDFLAGS += $(filter-out %/main.o,$(RECOVER_OBJECTS))

LIBS_test-verify-parts := $(LIBS_till-verify)
$(O)/unit/test-verify-parts: $(filter-out %/main.o,$(VERIFY_OBJECTS))
$(O)/unit/test-verify-parts: LDFLAGS += $(filter-out %/main.o,$(VERIFY_OBJECTS))

# It runs the real one too.
$(O)/unit/test-receipt-render: | $(O)/till-render

LIBS_test-report-parts := $(LIBS_till-report)
$(O)/unit/test-report-parts: $(filter-out %/main.o,$(REPORT_OBJECTS))
$(O)/unit/test-report-parts: LDFLAGS += $(filter-out %/main.o,$(REPORT_OBJECTS))

# The kernel's, where what is given back is looked at.
$(O)/unit/test-base: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,munmap sendto)
$(O)/unit/test-transaction-card: LDFLAGS += -Wl,--wrap=sendto
$(O)/unit/test-base-stream: LDFLAGS += -Wl,--wrap=splice
$(O)/unit/test-host-link: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,getaddrinfo sendto)

# The machine's clocks and boots, where a test sets them.
$(O)/unit/test-journal-uptime $(O)/unit/test-transaction-operators: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,clock_gettime sd_id128_get_boot)

$(O)/unit/test-journal-purge: LDFLAGS += -Wl,--wrap=clock_gettime

$(O)/unit/test-transaction-operators: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,scrypt_new notices_kick announce_locked_operator)

# Who may is asked of the test.
$(patsubst %,$(O)/unit/test-bus-%,binding diagnostics journal log-control maintenance operators receipts recovery statistics transactions): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,authority_check authority_sender_uid)
$(O)/unit/test-bus-operators: LDFLAGS += -Wl,--wrap=sd_event_add_time_relative
# There is no bus that tells who calls, and who has left it.
$(O)/unit/test-bus-binding: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,sd_bus_track_new sd_bus_track_add_sender \
	sd_bus_track_contains sd_bus_track_unref sd_bus_message_get_sender)
$(O)/unit/test-bus-journal: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,sd_bus_track_new sd_bus_track_add_sender sd_bus_track_unref)

$(O)/unit/test-transaction-secret-line: LDFLAGS += -Wl,--wrap=sd_event_add_time_relative

# A second that lasts a millisecond.
$(O)/unit/test-transaction-upkeep: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,sd_event_add_time_relative sd_event_source_set_time_relative)

# The engine's neighbours whose place a test takes (tests/unit/chip-fixture.h).
CHIP_TESTS := $(patsubst %,$(O)/unit/test-transaction-%,chip hostile kinds clock download offline)
$(CHIP_TESTS): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,monitor_find_connected emv_open acquirer_is_signed_on \
	acquirer_is_busy acquirer_exchange sd_event_add_time_relative)
# And where notices go, and how often something is written.
$(O)/unit/test-transaction-kinds: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,notice_send notice_call_free journal_commit)
$(O)/unit/test-transaction-chip: LDFLAGS += -Wl,--wrap=secret_new
$(O)/unit/test-transaction-clock: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,clock_gettime sd_id128_get_boot clock_is_synchronized)

$(O)/unit/test-care-figures: LDFLAGS += -Wl,--wrap=clock_gettime
# The link and the keys, the network and the time.
$(O)/unit/test-care-acquirer: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,usb_is_known clock_gettime host_exchange host_link_cancel host_keys_load \
	host_keys_ready host_network_get sd_event_source_set_time_relative)
$(O)/unit/test-care-terminal: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,usb_is_known clock_gettime journal_lost_frames notice_send notice_call_free)
$(O)/unit/test-care-faults: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,usb_is_known clock_gettime statvfs notice_send notice_call_free)
$(O)/unit/test-care-health: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,monitor_get monitor_find engine_await_swipe engine_end_swipe \
	sd_event_source_set_time_relative)

$(O)/unit/test-care-recovery: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,clock_gettime engine_current printing_is_busy monitor_find \
	monitor_get sd_event_add_time_relative)

# The devices (tests/unit/devices-fixture.h).
DEVICES_TESTS := $(patsubst %,$(O)/unit/test-%,care-maintenance care-metrics care-statistics care-devices care-acts)
$(DEVICES_TESTS): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,monitor_get monitor_find_connected printing_device printing_is_mute)
$(O)/unit/test-care-devices: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,usb_is_known usb_is_settled usb_get usb_module_version printing_status \
	printing_status_since clock_gettime)
$(O)/unit/test-care-acts: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,monitor_find clock_gettime sd_event_add_time_relative)
$(O)/unit/test-care-maintenance: LDFLAGS += -Wl,--wrap=clock_gettime

# The printer, and the disk.
$(O)/unit/test-transaction-printing: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,journal_commit engine_panic monitor_find_connected \
	printer_new printer_free printer_open printer_submit printer_get_status printer_cancel printer_close device_get_property render_start \
	job_page page_to_escpos \
	render_call_free sd_event_add_time_relative)

# The channels, the machine's clocks and timers, and the disk (tests/unit/notices-fixture.h).
NOTICES_TESTS := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test-transaction-notices*.c))
$(NOTICES_TESTS): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,notice_send notice_call_free clock_gettime \
	sd_id128_get_boot sd_event_source_set_time_relative engine_current journal_commit)
$(O)/unit/test-transaction-notices-channels: LDFLAGS += -Wl,--wrap=log_full,--wrap=log_about
$(O)/unit/test-transaction-notices-memory: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,malloc calloc reallocarray secret_new engine_panic)

# The link and the keys of a sign-on.
$(O)/unit/test-transaction-sign-on: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,host_exchange host_keys_load journal_commit engine_panic)

# Its acquirer alone (tests/unit/told-fixture.h).
ACQUIRER_TESTS := $(patsubst %,$(O)/unit/test-%,transaction-forwards transaction-settlement transaction-withdrawals care-faults care-health care-authenticity)
$(ACQUIRER_TESTS): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,acquirer_is_signed_on acquirer_is_busy acquirer_sign_on \
	acquirer_forget_keys acquirer_exchange)

# The bound phone: its acquirer, till-notify, clocks and boots.
BINDING_TESTS := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test-binding-*.c))
$(BINDING_TESTS): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,acquirer_is_signed_on acquirer_is_busy acquirer_sign_on \
	acquirer_forget_keys acquirer_exchange clock_gettime sd_id128_get_boot sd_event_add_time_relative \
	sd_event_source_set_time_relative notices_send_now notices_now_free notice_check_number notice_send notice_call_free)
$(O)/unit/test-binding-way: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,journal_commit event_append log_about)
$(O)/unit/test-binding-wait: LDFLAGS += -Wl,--wrap=journal_commit
$(O)/unit/test-binding-memory: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc reallocarray strdup secret_new export_slice engine_panic)
$(O)/unit/test-binding-lost: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,rebind_code_store rebind_code_hash)

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	      /^[a-zA-Z_-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all programs module clean deps help

-include $(shell find $(O) -path $(O)/deb -prune -o -type f -name '*.d' -print 2>/dev/null)
