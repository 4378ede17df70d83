// SPDX-License-Identifier: LGPL-2.1-or-later
/* Why a device is of no use, by what was found of it. */
#include "helpers/till-recover/probe.h"

#define N_(text) text

static const struct {
        const char *word, *says, *next;
} reasons[_PROBE_REASON_MAX] = {
        [PROBE_OK] = { "ok", N_("Its driver has it."), "" },
        [PROBE_KEYBOARD_MODE] = { "keyboard-mode",
                                  N_("The reader is in keyboard mode: its swipes are keystrokes that any program "
                                     "gets."),
                                  N_("Switch it to HID mode with the tool of its maker.") },
        [PROBE_NOT_AUTHORIZED] = { "not-authorized", N_("This system does not allow the device."),
                                   N_("Allow it in the rules of who has locked it: usbguard, or authorized_default of "
                                      "the hub.") },
        [PROBE_NO_POWER] = { "no-power",
                             N_("It needs more power than its port gives, so that the kernel leaves it off."),
                             N_("Plug it into a port of the terminal itself, or into a hub with a power supply of its "
                                "own.") },
        [PROBE_NOT_CONFIGURED] = { "not-configured", N_("The kernel has not configured it."),
                                   N_("Recover it (tillctl device recover), or unplug it and plug it in again; if "
                                      "that "
                                      "does not help, journalctl -k says why.") },
        [PROBE_WRONG_CONFIGURATION] = { "wrong-configuration",
                                        N_("Another configuration of it is active than the one that can be driven."),
                                        N_("Recover it (tillctl device recover), or unplug it and plug it in again; "
                                           "if "
                                           "that does not help, a rule of udev or a program chooses the wrong one.") },
        [PROBE_UNKNOWN_ID] = { "unknown-id", N_("The terminal does not know its USB id."),
                               N_("If it belongs to the terminal: write the lines into a file in /etc/udev/hwdb.d, "
                                  "run "
                                  "systemd-hwdb update, and plug it in again.") },
        [PROBE_MODULE_MISSING] = { "module-missing", N_("The driver till.ko is not loaded."),
                                   N_("Load it (modprobe till). If there is none for this kernel, install till-dkms "
                                      "and "
                                      "the headers of the kernel.") },
        [PROBE_CLAIMED_BY_DRIVER] = { "claimed-by-driver", N_("Another driver has it."),
                                      N_("Recover it (tillctl device recover), or unplug it and plug it in again; if "
                                         "that driver takes it anew, put it on modprobe's blacklist.") },
        [PROBE_CLAIMED_BY_PROGRAM] = { "claimed-by-program", N_("A program has it."),
                                       N_("End that program. Which one it is, root sees by fuser on the device's node "
                                          "under /dev/bus/usb.") },
        [PROBE_REFUSED] = { "refused", N_("Its driver is loaded, but does not drive it."),
                            N_("journalctl -k says why. Recover it (tillctl device recover); if it stays so, this "
                               "model "
                               "or its mode cannot be driven.") },
        [PROBE_SILENT] = { "silent", N_("It is driven, but does not answer."),
                           N_("Recover it (tillctl device recover). If that does not help, switch it off and on.") },
        [PROBE_OTHER] = { "other", N_("Nothing of it can be driven, and no reason was found."),
                          N_("Give this list and journalctl -k to support.") },
};

const char *probe_reason_to_string(enum probe_reason reason) {
        return reasons[reason].word;
}

const char *probe_reason_says(enum probe_reason reason) {
        return reasons[reason].says;
}

const char *probe_reason_next(enum probe_reason reason) {
        return reasons[reason].next;
}

/* The defaults of bridge chips: no model's, and told by the module itself, by what the printer calls itself. */
static bool is_bridge(const struct probe_facts *f) {
        static const uint16_t ids[][2] = { { 0x0416, 0x5011 }, { 0x0483, 0x5743 }, { 0x1a86, 0x7584 } };

        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                if (f->vendor == ids[i][0] && f->product == ids[i][1])
                        return true;
        return false;
}

static enum probe_reason judge_interface(const struct probe_facts *f, const struct probe_interface *interface) {
        if (streq(interface->driver, interface->target->driver))
                return PROBE_OK;
        if (!f->module)
                return PROBE_MODULE_MISSING;
        if (interface->keyboard)
                return PROBE_KEYBOARD_MODE;
        if (interface->refused)
                return PROBE_REFUSED;
        if (streq(interface->driver, "usbfs"))
                return PROBE_CLAIMED_BY_PROGRAM;
        return isempty(interface->driver) ? PROBE_REFUSED : PROBE_CLAIMED_BY_DRIVER;
}

/* The first of ours that is not driven. A keyboard that has a reader in it keeps its keys. */
static enum probe_reason judge_interfaces(const struct probe_facts *f, const struct probe_interface **ret_interface) {
        enum probe_reason first = PROBE_OTHER;
        bool driven = false;

        for (size_t i = 0; i < f->n_interfaces; i++) {
                const struct probe_interface *interface = f->interfaces + i;
                enum probe_reason reason;

                if (!interface->target)
                        continue;
                reason = judge_interface(f, interface);
                driven |= reason == PROBE_OK;
                if (reason == PROBE_OK || first != PROBE_OTHER)
                        continue;
                first = reason;
                *ret_interface = interface;
        }
        if (driven && (first == PROBE_OTHER || (*ret_interface)->keyboard)) {
                *ret_interface = NULL;
                return f->silent ? PROBE_SILENT : PROBE_OK;
        }
        return first;
}

static bool is_driven(const struct probe_facts *f) {
        for (size_t i = 0; i < f->n_interfaces; i++)
                if (f->interfaces[i].target && streq(f->interfaces[i].driver, f->interfaces[i].target->driver))
                        return true;
        return false;
}

enum probe_reason probe_judge(const struct probe_facts *f, const struct probe_interface **ret_interface) {
        enum probe_reason reason;

        *ret_interface = NULL;
        if (f->marked_keyboard)
                return PROBE_KEYBOARD_MODE;
        if (!f->authorized)
                return PROBE_NOT_AUTHORIZED;
        if (f->configuration == 0)
                return f->needs_ma > f->gives_ma ? PROBE_NO_POWER : PROBE_NOT_CONFIGURED;
        if (!f->tagged && !is_driven(f)) {
                for (size_t i = 0; i < f->n_interfaces; i++)
                        if (f->interfaces[i].target && f->interfaces[i].keyboard)
                                return PROBE_KEYBOARD_MODE;
                return is_bridge(f) ? PROBE_REFUSED : PROBE_UNKNOWN_ID;
        }
        reason = judge_interfaces(f, ret_interface);
        return reason == PROBE_OTHER && f->elsewhere ? PROBE_WRONG_CONFIGURATION : reason;
}

void probe_lines(const struct probe_facts *f, char lines[static PROBE_LINES_MAX]) {
        static const unsigned classes[] = { 0x03, 0x0b, 0x07 };
        static const char *const kinds[] = { "msr", "emv", "printer" };
        int kind = f->likeness ? string_table_find(kinds, ELEMENTSOF(kinds), f->likeness->kind) : 0;

        (void) snprintf(lines, PROBE_LINES_MAX,
                        "usb:v%04Xp%04X*\n TILL_DEVICE=1\n\nusb:v%04Xp%04X*ic%02X*\n TILL_KIND=%s\n TILL_BIND=1\n",
                        f->vendor, f->product, f->vendor, f->product, classes[MAX(kind, 0)], kinds[MAX(kind, 0)]);
}
