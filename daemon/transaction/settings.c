// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctype.h>

#include "base/config.h"
#include "base/log.h"
#include "base/unicode.h"
#include "transaction/settings.h"

static const char *const mode_names[_MODE_MAX] = {
        [MODE_LIVE] = "live",
        [MODE_TEST] = "test",
        [MODE_TRAINING] = "training",
};

const char *mode_to_string(enum mode m) {
        return mode_names[m];
}

static enum mode mode_from_string(const char *s) {
        for (int m = 0; m < _MODE_MAX; m++)
                if (streq(mode_names[m], s))
                        return m;
        return _MODE_INVALID;
}

const struct receipt_style *settings_style(const struct settings *s) {
        return s->style ?: receipt_style_default();
}

const char *settings_notice_language(const struct settings *s) {
        if (*s->notice.language)
                return s->notice.language;
        return settings_style(s)->languages == STYLE_ENGLISH ? "en" : "zh_CN";
}

struct settings *settings_free(struct settings *s) {
        if (!s)
                return NULL;
        receipt_style_free(s->style);
        free(s->merchant_name);
        free(s->acquirer_name);
        free(s->acquirer_server_name);
        for (size_t i = 0; i < SETTINGS_HOSTS_MAX; i++)
                free(s->acquirer_hosts[i]);
        free(s);
        return NULL;
}

/* Copies a value of exactly `length` letters or digits, as the fixed fields of ISO 8583 are here. */
static int assign_fixed(char *field, size_t length, const char *value, const char **ret_reason, const char *reason) {
        *ret_reason = reason;
        if (strlen(value) != length)
                return -EINVAL;
        for (size_t i = 0; i < length; i++)
                if (!isascii((unsigned char) value[i]) || !isalnum((unsigned char) value[i]))
                        return -EINVAL;
        memcpy(field, value, length + 1);
        return 0;
}

/* Of a serial number. */
static bool is_serial(const char *value) {
        size_t n = strlen(value);

        if (n < 1 || n > SETTINGS_SERIAL_MAX)
                return false;
        for (; *value; value++)
                if (!isascii((unsigned char) *value) || !isgraph((unsigned char) *value))
                        return false;
        return true;
}

static int parse_number(const char *value, unsigned min, unsigned max, unsigned *ret, const char **ret_reason,
                        const char *reason) {
        unsigned long n;
        char *end;

        *ret_reason = reason;
        if (!isdigit((unsigned char) *value))
                return -EINVAL;
        errno = 0;
        n = strtoul(value, &end, 10);
        if (errno > 0 || *end || n < min || n > max)
                return -EINVAL;
        *ret = (unsigned) n;
        return 0;
}

static int assign_mode(struct settings *s, const char *value, const char **ret_reason) {
        enum mode m = mode_from_string(value);

        *ret_reason = "mode= is live, test or training";
        if (m < 0)
                return m;
        s->mode = m;
        return 0;
}

static int assign_operator(struct settings *s, const char *value, const char **ret_reason) {
        unsigned n;
        int r;

        r = parse_number(value, 0, 99, &n, ret_reason, "operator= is 2 digits");
        if (r < 0)
                return r;
        return assign_fixed(s->operator_number, 2, value, ret_reason, "operator= is 2 digits");
}

static int assign_serial(struct settings *s, const char *value, const char **ret_reason) {
        *ret_reason = "serial= is that of the terminal, 1 to 32 printable ASCII characters without blanks";
        if (!is_serial(value))
                return -EINVAL;
        COPY(s->serial, value);
        return 0;
}

/*
 * What boards ship where nobody has written a serial; most of it ("To be filled by O.E.M.", "Default string", "System
 * Serial Number", "Not Specified") has blanks and is none anyway. "none" is also what tilld.service gives without DMI.
 */
static bool is_placeholder(const char *serial) {
        static const char *const words[] = {
                "none",    "n/a", "unknown", "unspecified", "default",   "empty",      "null",
                "invalid", "oem", "o.e.m.",  "0123456789",  "123456789", "1234567890",
        };
        const char repeated[] = { *serial, '\0' };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(serial, words[i]) == 0)
                        return true;
        /* "0", "00000000", "........" */
        return serial[strspn(serial, repeated)] == '\0';
}

void settings_take_serial(struct settings *s, const char *path) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        char line[128];

        if (*s->serial || !f || !fgets(line, sizeof(line), f))
                return;
        line[strcspn(line, "\n")] = '\0';
        if (is_serial(line) && !is_placeholder(line))
                COPY(s->serial, line);
        else
                log_notice("The machine's own serial number is none; a phone is bound only where serial= in "
                           "[terminal] of tilld.conf says it");
}

static int assign_terminal(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "mode"))
                return assign_mode(s, value, ret_reason);
        if (streq(key, "number"))
                return assign_fixed(s->terminal_number, 8, value, ret_reason,
                                    "number= is the terminal's, 8 letters or digits");
        if (streq(key, "operator"))
                return assign_operator(s, value, ret_reason);
        if (streq(key, "serial"))
                return assign_serial(s, value, ret_reason);
        *ret_reason = "no such key in [terminal]";
        return -EINVAL;
}

static int assign_name(char **name, const char *value, const char **ret_reason) {
        *ret_reason = "name= is not UTF-8, and receipts bear it: save the file as UTF-8";
        return unicode_is_valid(value) ? free_and_strdup(name, value) : -EINVAL;
}

static int assign_merchant(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        unsigned n;
        int r;

        if (streq(key, "name"))
                return assign_name(&s->merchant_name, value, ret_reason);
        if (streq(key, "number"))
                return assign_fixed(s->merchant_number, 15, value, ret_reason,
                                    "number= is the merchant's, 15 letters or digits");
        if (streq(key, "category")) {
                r = parse_number(value, 1, 9999, &n, ret_reason, "category= is the 4-digit merchant category code");
                if (r < 0)
                        return r;
                s->merchant_category = (uint16_t) n;
                return 0;
        }
        if (streq(key, "tip_percent"))
                return parse_number(value, 0, 100, &s->tip_percent, ret_reason, "tip_percent= is 0 to 100");
        *ret_reason = "no such key in [merchant]";
        return -EINVAL;
}

/* A list replaces what was set before: a drop-in names all the hosts or none. */
static int assign_hosts(struct settings *s, const char *value, const char **ret_reason) {
        _cleanup_free_ char *list = strdup(value);
        char *save = NULL;
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        for (char *h = strtok_r(list, " \t", &save); h; h = strtok_r(NULL, " \t", &save)) {
                int r;

                if (n == SETTINGS_HOSTS_MAX || !strrchr(h, ':')) {
                        *ret_reason = "hosts= is one to four host:port, with spaces between";
                        return -EINVAL;
                }
                r = free_and_strdup(s->acquirer_hosts + n++, h);
                if (r < 0)
                        return r;
        }
        while (n < SETTINGS_HOSTS_MAX)
                (void) free_and_strdup(s->acquirer_hosts + n++, NULL);
        return 0;
}

static int assign_acquirer(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "hosts"))
                return assign_hosts(s, value, ret_reason);
        if (streq(key, "name"))
                return assign_name(&s->acquirer_name, value, ret_reason);
        if (streq(key, "server-name"))
                return free_and_strdup(&s->acquirer_server_name, value);
        if (streq(key, "answer-timeout"))
                return parse_number(value, 5, 120, &s->answer_timeout, ret_reason,
                                    "answer-timeout= is 5 to 120 seconds");
        if (streq(key, "profile")) {
                *ret_reason = "profile= is unionpay or aes";
                s->profile = host_profile_find(value);
                return s->profile ? 0 : -EINVAL;
        }
        *ret_reason = "no such key in [acquirer]";
        return -EINVAL;
}

static int assign_receipt(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        *ret_reason = "[receipt] has moved: merchant-copy= and cardholder-copy= stand in [Receipt] of a file of "
                      "/etc/tilld/receipt.d now; see tilld-receipt(5)";
        return -EINVAL;
}

static int assign_journal(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "retention"))
                return parse_number(value, 60, 3650, &s->retention_days, ret_reason, "retention= is 60 to 3650 days");
        *ret_reason = "no such key in [journal]";
        return -EINVAL;
}

static int assign_binding(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "waiting-hours"))
                return parse_number(value, 1, 168, &s->waiting_hours, ret_reason, "waiting-hours= is 1 to 168");
        *ret_reason = "no such key in [binding]";
        return -EINVAL;
}

static int assign_offline(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "amount"))
                return parse_number(value, 0, 99999999, &s->offline.amount, ret_reason,
                                    "amount= in [offline] is in minor units, 0 to 99999999");
        if (streq(key, "count"))
                return parse_number(value, 0, 999, &s->offline.count, ret_reason, "count= in [offline] is 0 to 999");
        if (streq(key, "total"))
                return parse_number(value, 0, 99999999, &s->offline.total, ret_reason,
                                    "total= in [offline] is in minor units, 0 to 99999999");
        if (streq(key, "age"))
                return parse_number(value, 0, 720, &s->offline.age, ret_reason, "age= in [offline] is 0 to 720 hours");
        *ret_reason = "no such key in [offline]; there are amount, count, total and age";
        return -EINVAL;
}

static int assign_maintenance(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        struct maintenance_limits *m = &s->maintenance;
        const struct {
                const char *key;
                unsigned *limit;
        } limits[] = {
                { "msr-swipes", &m->msr_swipes },         { "msr-days", &m->msr_days },
                { "emv-insertions", &m->emv_insertions }, { "emv-days", &m->emv_days },
                { "printer-metres", &m->printer_metres }, { "printer-days", &m->printer_days },
                { "cutter-cuts", &m->cutter_cuts },       { "plugs-days", &m->plugs_days },
        };

        for (size_t i = 0; i < ELEMENTSOF(limits); i++)
                if (streq(key, limits[i].key))
                        return parse_number(value, 0, 99999999, limits[i].limit, ret_reason,
                                            "what [maintenance] is due after is 0 to 99999999; 0: never");
        if (!streq(key, "drills")) {
                *ret_reason = "no such key in [maintenance]; tilld.conf(5) lists them";
                return -EINVAL;
        }
        *ret_reason = "drills= in [maintenance] is yes or no";
        if (!streq(value, "yes") && !streq(value, "no"))
                return -EINVAL;
        m->drills = streq(value, "yes");
        return 0;
}

/* What is not in the list is left out; security and binding are in it whatever it says. */
static int assign_events(struct settings *s, const char *value, const char **ret_reason) {
        _cleanup_free_ char *list = strdup(value);
        char *save = NULL;

        if (!list)
                return -ENOMEM;
        for (enum notice_event e = 0; e < _NOTICE_EVENT_MAX; e++)
                s->notice.left_out[e] = !notice_event_is_obligatory(e);
        for (char *word = strtok_r(list, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
                enum notice_event e = notice_event_from_string(word);

                if (e < 0) {
                        *ret_reason = "events= is any of transaction, settlement, fault and replacement, with spaces "
                                      "between; security and binding go out in any case";
                        return e;
                }
                s->notice.left_out[e] = false;
        }
        return 0;
}

static int assign_notice(struct settings *s, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "events"))
                return assign_events(s, value, ret_reason);
        if (!streq(key, "language")) {
                *ret_reason = "no such key in [notice]; there are events and language";
                return -EINVAL;
        }
        *ret_reason = "language= in [notice] is zh_CN or en";
        if (!streq(value, "zh_CN") && !streq(value, "en"))
                return -EINVAL;
        COPY(s->notice.language, value);
        return 0;
}

static int assign(const char *section, const char *key, const char *value, void *userdata, const char **ret_reason) {
        static const struct {
                const char *name;
                int (*assign)(struct settings *s, const char *key, const char *value, const char **ret_reason);
        } sections[] = {
                { "terminal", assign_terminal },       { "merchant", assign_merchant },
                { "acquirer", assign_acquirer },       { "receipt", assign_receipt },
                { "offline", assign_offline },         { "journal", assign_journal },
                { "binding", assign_binding },         { "notice", assign_notice },
                { "maintenance", assign_maintenance },
        };

        for (size_t i = 0; i < ELEMENTSOF(sections); i++)
                if (streq(sections[i].name, section))
                        return sections[i].assign(userdata, key, value, ret_reason);
        *ret_reason = "no such section; there are [terminal], [merchant], [acquirer], [offline], [journal], [notice], "
                      "[maintenance] and [binding]";
        return -EINVAL;
}

static int settings_verify(const struct settings *s, const char *path) {
        const char *missing = NULL;

        if (isempty(s->merchant_name))
                missing = "name= in [merchant]";
        else if (!*s->merchant_number)
                missing = "number= in [merchant]";
        else if (!*s->terminal_number)
                missing = "number= in [terminal]";
        else if (!s->acquirer_hosts[0])
                missing = "hosts= in [acquirer]";
        if (!missing)
                return 0;
        log_error("%s: %s is missing; the acquirer's letter to the merchant has it", path, missing);
        return -EINVAL;
}

int settings_load(const char *path, const char *drop_in_dir, struct settings **ret) {
        _cleanup_(settings_freep) struct settings *s = NULL;
        int r;

        s = malloc(sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (struct settings){
                .mode = MODE_TRAINING,
                .operator_number = "01",
                .answer_timeout = 30,
                .profile = &host_profile_unionpay,
                .retention_days = 400,
                .waiting_hours = 24,
                .maintenance = {
                        .msr_swipes = 5000,
                        .msr_days = 180,
                        .emv_insertions = 10000,
                        .emv_days = 180,
                        .printer_metres = 5000,
                        .printer_days = 90,
                        .cutter_cuts = 1500000,
                        .plugs_days = 365,
                },
        };

        r = config_parse_file(path, assign, s);
        if (r < 0 && r != -EINVAL)
                return log_error_errno(r, "%s: cannot be read", path);
        if (r < 0)
                return r;
        if (drop_in_dir) {
                r = config_parse_dirs((const char *const[]){ drop_in_dir, NULL }, assign, s);
                if (r < 0)
                        return r;
        }
        r = settings_verify(s, path);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}
