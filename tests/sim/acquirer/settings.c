// SPDX-License-Identifier: LGPL-2.1-or-later
#include "acquirer/settings.h"
#include "base/config.h"
#include "base/hex.h"
#include "issuer/issuer.h"

/* Prepaid card number of the shipped test cards: always short of money. */
#define DECLINED_PAN "6200000000000047"

static int assign_acquirer(struct sim_settings *s, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "listen"))
                return free_and_strdup(&s->listen, value);
        if (streq(key, "state"))
                return free_and_strdup(&s->state, value);
        if (streq(key, "control"))
                return free_and_strdup(&s->control, value);
        if (streq(key, "issuer"))
                return free_and_strdup(&s->issuer, value);
        if (streq(key, "bdk")) {
                *ret_reason = "bdk= is 32 hexadecimal digits: the base derivation key of readers that encrypt";
                return hex_decode(value, s->bdk, sizeof(s->bdk)) == sizeof(s->bdk) ? 0 : -EINVAL;
        }
        if (streq(key, "track-key")) {
                *ret_reason = "track-key= is pin or data: the variant that readers encrypt tracks with";
                s->variant = streq(value, "data") ? DUKPT_DATA : DUKPT_PIN;
                return streq(value, "data") || streq(value, "pin") ? 0 : -EINVAL;
        }
        if (streq(key, "repeat")) {
                *ret_reason = "repeat= is 94 or 00: what a repeated advice gets";
                s->repeats_approved = streq(value, "00");
                return s->repeats_approved || streq(value, "94") ? 0 : -EINVAL;
        }
        if (streq(key, "lost-phone")) {
                *ret_reason = "lost-phone= is approve or refuse: what the check of a lost phone gets";
                s->approves_lost = streq(value, "approve");
                return s->approves_lost || streq(value, "refuse") ? 0 : -EINVAL;
        }
        if (streq(key, "profile")) {
                *ret_reason = "unknown profile";
                s->profile = host_profile_find(value);
                return s->profile ? 0 : -EINVAL;
        }
        *ret_reason = "unknown key: listen, state, control, issuer, profile, bdk, track-key, repeat or lost-phone";
        return -EINVAL;
}

static int add_decline(struct sim_settings *s, const char *pan, const char *code, const char **ret_reason) {
        size_t l = strlen(pan);

        *ret_reason = "a line is card number=two characters, at most 32 lines";
        if (l < 12 || l > 19 || strspn(pan, "0123456789") != l || strlen(code) != 2 ||
            s->n_declines == SETTINGS_DECLINES_MAX)
                return -EINVAL;
        memcpy(s->declines[s->n_declines].pan, pan, l + 1);
        memcpy(s->declines[s->n_declines].code, code, 3);
        s->n_declines++;
        return 0;
}

static int add_terminal(struct sim_settings *s, const char *terminal, const char *merchant, const char **ret_reason) {
        *ret_reason = "a line is terminal (8 characters)=merchant (15 characters), at most 32 lines";
        if (strlen(terminal) > 8 || strlen(merchant) > 15 || s->n_terminals == SETTINGS_TERMINALS_MAX)
                return -EINVAL;
        memcpy(s->terminals[s->n_terminals].terminal, terminal, strlen(terminal) + 1);
        memcpy(s->terminals[s->n_terminals].merchant, merchant, strlen(merchant) + 1);
        s->n_terminals++;
        return 0;
}

static int add_serial(struct sim_settings *s, const char *terminal, const char *serial, const char **ret_reason) {
        *ret_reason = "a line is terminal (8 characters)=serial number (1 to 32 characters), at most 32 lines";
        if (strlen(terminal) > 8 || !*serial || strlen(serial) > 32 || s->n_serials == SETTINGS_TERMINALS_MAX)
                return -EINVAL;
        memcpy(s->serials[s->n_serials].terminal, terminal, strlen(terminal) + 1);
        memcpy(s->serials[s->n_serials].serial, serial, strlen(serial) + 1);
        s->n_serials++;
        return 0;
}

static int assign(const char *section, const char *key, const char *value, void *userdata, const char **ret_reason) {
        if (streq(section, "acquirer"))
                return assign_acquirer(userdata, key, value, ret_reason);
        if (streq(section, "decline"))
                return add_decline(userdata, key, value, ret_reason);
        if (streq(section, "terminals"))
                return add_terminal(userdata, key, value, ret_reason);
        if (streq(section, "serials"))
                return add_serial(userdata, key, value, ret_reason);
        *ret_reason = "unknown section: [acquirer], [decline], [terminals] or [serials]";
        return -EINVAL;
}

int sim_settings_load(const char *path, struct sim_settings **ret) {
        _cleanup_(sim_settings_freep) struct sim_settings *s = NULL;
        const char *reason;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->profile = &host_profile_unionpay;
        s->approves_lost = true;
        memcpy(s->bdk, dukpt_test_key, sizeof(s->bdk));
        s->listen = strdup("127.0.0.1:8583");
        s->state = strdup("/var/lib/till-acquirer");
        s->control = strdup("/run/till-acquirer/control");
        s->issuer = strdup(ISSUER_CONF);
        if (!s->listen || !s->state || !s->control || !s->issuer)
                return -ENOMEM;
        r = add_decline(s, DECLINED_PAN, "51", &reason);
        if (r < 0)
                return r;
        if (path) {
                r = config_parse_file(path, assign, s);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(s);
        return 0;
}

struct sim_settings *sim_settings_free(struct sim_settings *s) {
        if (!s)
                return NULL;
        free(s->listen);
        free(s->state);
        free(s->control);
        free(s->issuer);
        free(s);
        return NULL;
}

const char *sim_settings_default_path(void) {
        static const char *const paths[] = {
                "/etc/till-acquirer/acquirer.conf",
                "/usr/share/till-acquirer/acquirer.conf",
        };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (access(paths[i], F_OK) == 0)
                        return paths[i];
        return NULL;
}

static int find_mode(const char *section, const char *key, const char *value, void *userdata,
                     const char **ret_reason) {
        bool *live = userdata;

        if (streq(key, "mode"))
                *live = streq(value, "live");
        return 0;
}

bool sim_settings_terminal_is_live(const char *conf, const char *drop_ins) {
        bool live = false;
        int r;

        r = config_parse_file(conf, find_mode, &live);
        if (r < 0 && r != -ENOENT)
                return true;
        r = config_parse_dirs((const char *const[]){ drop_ins, NULL }, find_mode, &live);
        return r < 0 || live;
}
