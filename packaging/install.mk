# SPDX-License-Identifier: LGPL-2.1-or-later

PREFIX ?= /usr
SYSCONFDIR ?= /etc
LIBDIR = $(DESTDIR)$(PREFIX)/lib
BINDIR = $(DESTDIR)$(PREFIX)/bin
DATADIR = $(DESTDIR)$(PREFIX)/share
UNITDIR ?= /lib/systemd/system
# Debian's udev rebuilds its hardware database for files in this spelling of the folder.
UDEVDIR ?= /lib/udev

install_program = install -D -m 755 -t $(1) $(2)
install_file = install -D -m 644 -t $(1) $(2)
# A manual page goes where its section is.
install_manuals = $(foreach m,$(wildcard $(addprefix Documentation/,$(1))), \
	install -D -m 644 -t $(DATADIR)/man/man$(subst .,,$(suffix $(m))) $(m) &&) true
units = $(addprefix packaging/systemd/,$(1))

##@ Installing and packaging
install: install-tilld install-acquirer install-sim install-dev install-dkms ## install everything under DESTDIR

CATALOGS := $(patsubst packaging/po/%.po,$(O)/po/%.mo,$(wildcard packaging/po/*.po))
$(O)/po/%.mo: packaging/po/%.po
	@mkdir -p $(@D)
	$(Q)msgfmt -o $@ $<

# What people read of the table of faults.
FAULT_TEXTS := $(addprefix $(O)/faults/,tilld-faults.catalog tilld-faults.zh_CN.catalog tilld-faults.7 zh_CN/tilld-faults.7 \
	faults.html faults.zh_CN.html)
$(O)/faults-text: $(call objects,$(call sources,packaging/faults)) $(O)/rooms.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,$(LIBS_tilld))
fault_text = @mkdir -p $(@D) && $(O)/faults-text $(1) $(if $(findstring zh_CN,$@),zh_CN,en) >$@
$(filter %.catalog,$(FAULT_TEXTS)): $(O)/faults-text
	$(call fault_text,catalog)
$(filter %.7,$(FAULT_TEXTS)): $(O)/faults-text
	$(call fault_text,manual)
$(filter %.html,$(FAULT_TEXTS)): $(O)/faults-text
	$(call fault_text,page)

install-tilld: $(FAULT_TEXTS) $(addprefix $(O)/,tilld tillctl card-worker till-recover till-render till-report till-verify till-notify) $(CATALOGS) ## the service, its helpers, tillctl
	$(call install_program,$(LIBDIR)/tilld,$(addprefix $(O)/,tilld card-worker till-recover till-render till-report till-verify till-notify) packaging/tilld-setup)
	$(call install_program,$(BINDIR),$(O)/tillctl)
	$(call install_file,$(DATADIR)/bash-completion/completions,packaging/completions/tillctl)
	$(call install_file,$(DESTDIR)$(SYSCONFDIR)/tilld,packaging/tilld.conf packaging/notify.conf)
	install -d $(DESTDIR)$(SYSCONFDIR)/tilld/tilld.conf.d $(DESTDIR)$(SYSCONFDIR)/tilld/emv.d \
		$(DESTDIR)$(SYSCONFDIR)/tilld/receipt.d
	$(call install_file,$(LIBDIR)/tilld/emv.d,$(wildcard packaging/emv.d/*.conf))
	$(call install_file,$(LIBDIR)/tilld/receipt.d,$(wildcard packaging/receipt.d/*.conf))
	$(call install_file,$(DESTDIR)$(UDEVDIR)/rules.d,$(wildcard udev/*.rules))
	$(call install_file,$(DESTDIR)$(UDEVDIR)/hwdb.d,$(wildcard udev/*.hwdb))
	$(call install_file,$(DATADIR)/dbus-1/system.d,dbus/org.tilld1.conf)
	$(call install_file,$(DATADIR)/dbus-1/system-services,dbus/org.tilld1.service)
	$(call install_file,$(DATADIR)/polkit-1/actions,dbus/org.tilld1.policy)
	$(call install_file,$(DATADIR)/polkit-1/rules.d,dbus/org.tilld1.rules)
	$(call install_file,$(LIBDIR)/sysusers.d,packaging/sysusers.d/tilld.conf)
	$(call install_file,$(LIBDIR)/systemd/catalog,$(wildcard packaging/catalog/*.catalog) $(filter %.catalog,$(FAULT_TEXTS)))
	$(call install_file,$(DATADIR)/man/man7,$(O)/faults/tilld-faults.7)
	$(call install_file,$(DATADIR)/man/zh_CN/man7,$(O)/faults/zh_CN/tilld-faults.7)
	$(call install_file,$(DATADIR)/doc/tilld,$(filter %.html,$(FAULT_TEXTS)) Documentation/fleet.md Documentation/support.md)
	$(call install_file,$(DATADIR)/doc/tilld/examples,$(wildcard packaging/examples/*))
	$(foreach c,$(CATALOGS),install -D -m 644 $(c) \
		$(DATADIR)/locale/$(basename $(notdir $(c)))/LC_MESSAGES/tilld.mo &&) true
	$(call install_manuals,tillctl.1 org.tilld1.5 tilld.8 tilld.conf.5 tilld-receipt.5 tilld-setup.8 till-recover.8 till-render.8 till-report.8 till-verify.8 till-notify.8)
	$(call install_file,$(DESTDIR)$(UNITDIR),$(call units,tilld.service tilld-setup.service tilld-inspect.timer tilld-inspect.service \
		till-recover.socket till-recover@.service till-recover-take@.service \
		till-render.socket till-render@.service till-report.socket till-report@.service till-verify.socket till-verify@.service) \
		$(wildcard packaging/systemd/till-notify-*.socket packaging/systemd/till-notify-*@.service))
	$(call install_file,$(DESTDIR)$(UNITDIR)/till-notify-.service.d,packaging/systemd/till-notify-.service.d/sandbox.conf)

install-acquirer: $(O)/till-acquirer ## the acquirer simulator, for training and tests
	$(call install_program,$(BINDIR),$(O)/till-acquirer)
	$(call install_program,$(LIBDIR)/till-acquirer,packaging/till-acquirer-setup)
	$(call install_file,$(DATADIR)/till-acquirer,$(wildcard tests/sim/issuer/*.conf tests/sim/acquirer/*.conf))
	$(call install_file,$(LIBDIR)/sysusers.d,packaging/sysusers.d/till-acquirer.conf)
	$(call install_manuals,till-acquirer.1)
	$(call install_file,$(DESTDIR)$(UNITDIR),$(call units,till-acquirer.service till-acquirer-setup.service))

install-sim: $(O)/till-sim ## the simulated USB devices
	$(call install_program,$(BINDIR),$(O)/till-sim)
	$(call install_file,$(DATADIR)/till-sim/cards,$(wildcard tests/sim/cards/*.card))
	$(call install_file,$(DATADIR)/till-sim/cards/keys,$(wildcard tests/sim/cards/keys/*))
	install -D -m 644 tests/sim/cards/test-ca.conf $(LIBDIR)/tilld/emv.d/90-test-ca.conf
	$(call install_manuals,till-sim.1)
	$(call install_file,$(DESTDIR)$(UNITDIR),$(call units,till-sim.service))

install-dev: ## the UAPI header and the D-Bus interfaces
	$(call install_file,$(DESTDIR)$(PREFIX)/include/linux,kernel/include/uapi/linux/till.h)
	$(call install_file,$(DATADIR)/dbus-1/interfaces,$(wildcard dbus/*.xml))

DKMS_DIR = $(DESTDIR)$(PREFIX)/src/till-$(VERSION)
install-dkms: ## the module's source, where DKMS builds it
	$(call install_file,$(DKMS_DIR),kernel/Kbuild kernel/Makefile $(wildcard kernel/*.c kernel/*.h))
	$(call install_file,$(DKMS_DIR)/include/uapi/linux,$(wildcard kernel/include/uapi/linux/*.h))
	sed 's/#MODULE_VERSION#/$(VERSION)/' packaging/dkms.conf >$(DKMS_DIR)/dkms.conf
	$(call install_file,$(LIBDIR)/modprobe.d,$(wildcard packaging/modprobe.d/*.conf))

# The packages are built from a copy of the tree as it is now, tracked or not. The copy keeps its times and its
# objects, so that a second build compiles what has changed.
DEB_TREE = $(O)/deb/tilld-$(VERSION)
DEB_FILES := $(shell git ls-files -co --exclude-standard 2>/dev/null)

deb: $(O)/deb/stamp ## build the Debian packages in out/deb
$(O)/deb/stamp: $(wildcard $(DEB_FILES))
	@packaging/install-deps build
	$(call say,DEB,$(OUT)/deb)
	$(Q)packaging/build-deb $(VERSION) $(DEB_TREE) $(OUT)/deb
	$(Q)touch $@

.PHONY: install install-tilld install-acquirer install-sim install-dev install-dkms deb
