// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/hex.h"
#include "tests/emv/run.h"

#define INS_GENERATE_AC 0xae

static const struct {
        const char *key;
        bool hex;
} keys[] = {
        { "outcome" },
        { "reason" },
        { "tvr", true },
        { "tsi", true },
        { "cvm", true },
        { "ac1" },
        { "ac2" },
        { "arc" },
        { "results", true },
        { "signature" },
        { "commands" },
        { "prompts" },
        { "claim" },
        { "gpo-data", true },
        { "ac1-data", true },
        { "ac2-data", true },
        { "internal-data", true },
        { "label" },
        { "online-tvr", true },
        { "aid", true },
};

static const char *hex_text(const void *data, size_t size, char *buffer) {
        hex_encode(data, size, buffer);
        return size > 0 ? buffer : "none";
}

/* The n-th command of an instruction, from 1, that the card answered well if good. */
static const struct exchange *find_command(const struct run *r, uint8_t cla, uint8_t ins, unsigned int n) {
        for (size_t i = 0; i < r->n_exchanges; i++) {
                const struct exchange *e = r->exchanges + i;

                if (e->command[0] == cla && e->command[1] == ins && --n == 0)
                        return e;
        }
        return NULL;
}

static const char *cryptogram_name(uint8_t kind) {
        static const char *const names[] = { "AAC", "TC", "ARQC", "RFU" };

        return names[kind >> 6];
}

/* What the card said in its answer, by the first bytes of the template: format 1, or 9F27 first or anywhere. */
static const char *given(const struct exchange *e) {
        const uint8_t *p = e->response;
        size_t size = e->response_size;

        if (size < 2 || p[size - 2] != 0x90 || p[size - 1] != 0x00)
                return "error";
        if (size > 4 && p[0] == 0x80)
                return cryptogram_name(p[p[1] & 0x80 ? 3 : 2]);
        for (size_t i = 2; i + 3 < size; i++)
                if (p[i] == 0x9f && p[i + 1] == 0x27 && p[i + 2] == 0x01)
                        return cryptogram_name(p[i + 3]);
        return "error";
}

/* "TC", or "ARQC for TC" when the card gave another kind than asked for. */
static const char *cryptogram_text(const struct run *r, unsigned int n, char *buffer) {
        const struct exchange *e = find_command(r, 0x80, INS_GENERATE_AC, n);
        const char *asked;

        if (!e)
                return "none";
        asked = cryptogram_name(e->command[2] & 0xc0);
        if (e->error < 0)
                return "error";
        if (streq(asked, given(e)))
                return asked;
        snprintf(buffer, RUN_TEXT_MAX, "%s for %s", given(e), asked);
        return buffer;
}

static void command_text(const struct exchange *e, char *ret, size_t max) {
        const uint8_t *c = e->command;
        char hex[2 * 16 + 1];

        switch (c[0] << 8 | c[1]) {
        case 0x00a4:
                if (c[4] == 14 && memcmp(c + 5, "1PAY.SYS.DDF01", 14) == 0)
                        snprintf(ret, max, "SELECT PSE");
                else {
                        hex_encode(c + 5, MIN(c[4], 16), hex);
                        snprintf(ret, max, "SELECT%s %s", c[3] == 2 ? " NEXT" : "", hex);
                }
                break;
        case 0x00b2:
                snprintf(ret, max, "READ %u.%u", c[3] >> 3, c[2]);
                break;
        case 0x80a8:
                snprintf(ret, max, "GPO");
                break;
        case 0x80ca:
                snprintf(ret, max, "GET DATA %02X%02X", c[2], c[3]);
                break;
        case 0x0020:
                snprintf(ret, max, "VERIFY");
                break;
        case 0x0088:
                snprintf(ret, max, "INTERNAL AUTHENTICATE");
                break;
        case 0x0082:
                snprintf(ret, max, "EXTERNAL AUTHENTICATE");
                break;
        case 0x0084:
                snprintf(ret, max, "GET CHALLENGE");
                break;
        case 0x80ae:
                snprintf(ret, max, "AC %s%s", cryptogram_name(c[2] & 0xc0), c[2] & 0x10 ? "+CDA" : "");
                break;
        default:
                hex_encode(c, 4, hex);
                snprintf(ret, max, "%s", hex);
        }
}

static const char *commands_text(const struct run *r, char *buffer) {
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < r->n_exchanges; i++) {
                char one[64];

                command_text(r->exchanges + i, one, sizeof(one));
                used += (size_t) snprintf(buffer + used, RUN_TEXT_MAX - used, "%s%s", used > 0 ? ", " : "", one);
                if (used >= RUN_TEXT_MAX - 80)
                        break;
        }
        return buffer;
}

static const char *data_text(const struct exchange *e, char *buffer) {
        return e && e->command_size > 5 ? hex_text(e->command + 5, e->command[4], buffer) : "none";
}

static const char *online_tvr(const struct run *r, char *buffer) {
        return r->questions > 0 ? hex_text(r->request.result.tvr, 5, buffer) : "none";
}

const char *run_seen(const struct run *r, const char *key, char *buffer) {
        const struct message_outcome *o = &r->outcome;

        if (streq(key, "outcome"))
                return emv_outcome_to_string(o->outcome);
        if (streq(key, "reason"))
                return emv_reason_to_string(o->reason);
        if (streq(key, "tvr"))
                return hex_text(o->result.tvr, 5, buffer);
        if (streq(key, "tsi"))
                return hex_text(o->result.tsi, 2, buffer);
        if (streq(key, "cvm"))
                return hex_text(o->result.cvm, 3, buffer);
        if (streq(key, "ac1") || streq(key, "ac2"))
                return cryptogram_text(r, streq(key, "ac1") ? 1 : 2, buffer);
        if (streq(key, "arc")) {
                snprintf(buffer, RUN_TEXT_MAX, "%.2s", (const char *) o->result.arc);
                return o->result.arc[0] ? buffer : "none";
        }
        if (streq(key, "results"))
                return hex_text(o->result.script_results, o->result.script_results_size, buffer);
        if (streq(key, "signature"))
                return o->result.signature ? "yes" : "no";
        if (streq(key, "commands"))
                return commands_text(r, buffer);
        if (streq(key, "prompts"))
                return r->prompts[0] ? r->prompts : "none";
        if (streq(key, "claim"))
                return r->claim ?: "good";
        if (streq(key, "gpo-data"))
                return data_text(find_command(r, 0x80, 0xa8, 1), buffer);
        if (streq(key, "ac1-data"))
                return data_text(find_command(r, 0x80, INS_GENERATE_AC, 1), buffer);
        if (streq(key, "ac2-data"))
                return data_text(find_command(r, 0x80, INS_GENERATE_AC, 2), buffer);
        if (streq(key, "internal-data"))
                return data_text(find_command(r, 0x00, 0x88, 1), buffer);
        if (streq(key, "label"))
                return o->card.label[0] ? o->card.label : "none";
        if (streq(key, "online-tvr"))
                return online_tvr(r, buffer);
        if (streq(key, "aid"))
                return hex_text(o->card.aid.data, o->card.aid.size, buffer);
        return NULL;
}

static void squeeze(const char *text, char *ret) {
        for (; *text; text++)
                if (*text != ' ')
                        *ret++ = *text;
        *ret = '\0';
}

static bool agrees(const char *want, const char *seen, bool hex) {
        char a[RUN_TEXT_MAX], b[RUN_TEXT_MAX];

        if (!hex)
                return streq(want, seen);
        squeeze(want, a);
        squeeze(seen, b);
        return strcasecmp(a, b) == 0;
}

unsigned int run_compare(const struct run *r) {
        /* What every case says; claim= is good where it says nothing. */
        static const char *const every[] = { "book", "what", "outcome", "reason", "tvr",
                                             "tsi",  "cvm",  "ac1",     "ac2",    NULL };
        unsigned int wrong = 0;
        char buffer[RUN_TEXT_MAX];

        for (size_t i = 0; every[i]; i++)
                if (!emv_case_get(r->c, every[i])) {
                        printf("# %s= is not there\n", every[i]);
                        wrong++;
                }
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const char *want = emv_case_get(r->c, keys[i].key), *seen;

                if (!want && streq(keys[i].key, "claim"))
                        want = "good";
                if (!want || streq(want, "any"))
                        continue;
                seen = run_seen(r, keys[i].key, buffer) ?: "nothing";
                if (agrees(want, seen, keys[i].hex))
                        continue;
                printf("# %s: should be %s, is %s\n", keys[i].key, want, seen);
                wrong++;
        }
        if (r->fault[0]) {
                printf("# %s\n", r->fault);
                wrong++;
        }
        return wrong;
}
