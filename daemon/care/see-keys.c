// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "base/hex.h"
#include "care/see.h"

#define DAY_USEC (24 * 3600 * USEC_PER_SEC)
/* An acquirer needs some days to make a new one. */
#define WARN_USEC (30 * DAY_USEC)

static int see_certificate(const char *file, uint64_t end_usec, uint64_t now, struct fault_changes *sight) {
        if (end_usec == 0 || now + WARN_USEC < end_usec)
                return 0;
        if (now >= end_usec)
                return sight_add(sight, "certificate-expired", file, "since %" PRIu64 " days",
                                 (now - end_usec) / DAY_USEC);
        return sight_add(sight, "certificate-expiring", file, "in %" PRIu64 " days", (end_usec - now) / DAY_USEC);
}

static bool has_key(const struct emv_terminal *t, const uint8_t *rid) {
        for (uint32_t i = 0; i < t->n_ca_keys; i++)
                if (memcmp(t->ca_keys[i].rid, rid, EMV_RID_SIZE) == 0)
                        return true;
        return false;
}

/* A card of such a brand is not known to be genuine: it goes online, or is declined. */
static int see_missing(const struct emv_terminal *t, struct fault_changes *sight) {
        char rid[2 * EMV_RID_SIZE + 1];
        int r = 0;

        for (uint32_t i = 0; r >= 0 && i < t->n_applications; i++) {
                const struct emv_application *a = t->applications + i;

                if (has_key(t, a->aid.data))
                        continue;
                hex_encode(a->aid.data, EMV_RID_SIZE, rid);
                r = sight_add(sight, "ca-keys-missing", rid, "for the application %s", a->name);
        }
        return r;
}

static bool is_over(const struct emv_ca_key *k, const char *today) {
        char last[2 * sizeof(k->expires) + 1];

        hex_encode(k->expires, sizeof(k->expires), last);
        return !streq(last, "00000000") && strcmp(last, today) < 0;
}

static int see_expired(const struct emv_terminal *t, uint64_t now, struct fault_changes *sight) {
        char section[EMV_SECTION_MAX], today[9] = "";
        time_t seconds = (time_t) (now / USEC_PER_SEC);
        struct tm tm;
        int r = 0;

        if (!localtime_r(&seconds, &tm) || strftime(today, sizeof(today), "%Y%m%d", &tm) == 0)
                return 0;
        for (uint32_t i = 0; r >= 0 && i < t->n_ca_keys; i++) {
                const struct emv_ca_key *k = t->ca_keys + i;

                if (!is_over(k, today))
                        continue;
                emv_ca_key_section(k, section);
                r = sight_add(sight, "ca-key-expired", section, "its last day was %02X%02X-%02X-%02X", k->expires[0],
                              k->expires[1], k->expires[2], k->expires[3]);
        }
        return r;
}

int see_keys(struct engine *e, struct fault_changes *sight) {
        uint64_t own, ca, now = clock_now(CLOCK_REALTIME);
        int r;

        r = see_missing(engine_terminal(e), sight);
        /* By a wrong clock anything is over. */
        if (r < 0 || sight_has(sight, "clock-wrong", NULL))
                return r;
        acquirer_get_ends(engine_acquirer(e), &own, &ca);
        r = see_certificate("terminal.pem", own, now, sight);
        if (r >= 0)
                r = see_certificate("acquirer-ca.pem", ca, now, sight);
        return r < 0 ? r : see_expired(engine_terminal(e), now, sight);
}
