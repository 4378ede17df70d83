// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* Each step of the books by itself, in tables; and whole dialogues with a card that is a script of hex lines. */

#include "emv-fixture.h"
#include "emv/emv.h"
#include "emv/step.h"

/* One step on a state of its own. */
struct fixture {
        struct message_start start;
        struct emv_application application;
        struct emv emv;
};

static struct emv *fresh(struct fixture *f) {
        memset(&f->emv, 0, sizeof(f->emv));
        fixture_start(&f->start);
        f->application = f->start.terminal.applications[0];
        f->emv.start = &f->start;
        f->emv.application = &f->application;
        return &f->emv;
}

/* "5F24 491231" */
static void put(struct emv *e, uint32_t tag, const char *hex) {
        uint8_t value[256];
        size_t n = fixture_hex(hex, value, sizeof(value));

        assert_int_equal(store_put_card(&e->store, tag, value, n), 0);
        assert_non_null(store_get(&e->store, tag, NULL));
}

static void assert_tvr(const struct emv *e, const char *hex, const char *what) {
        char text[11];

        hex_encode(e->tvr, 5, text);
        if (strcmp(text, hex) != 0)
                fail_msg("%s: TVR %s instead of %s", what, text, hex);
}

static int setup(void **state) {
        *state = calloc(1, sizeof(struct fixture));
        return *state ? 0 : -1;
}

static int teardown(void **state) {
        free(*state);
        return 0;
}

static void restrictions(void **state) {
        static const struct {
                const char *what, *version, *usage, *country, *effective, *expiry, *tvr;
                uint8_t type;
                uint64_t other;
        } cases[] = {
                { "all well", "0020", "FF00", "0156", "200101", "491231", "0000000000" },
                { "no optional data", NULL, NULL, NULL, NULL, "491231", "0000000000" },
                { "another version", "0001", NULL, NULL, NULL, "491231", "0080000000" },
                { "second version", "0030", NULL, NULL, NULL, "491231", "0000000000" },
                { "expires today", NULL, NULL, NULL, NULL, "261121", "0000000000" },
                { "expired yesterday", NULL, NULL, NULL, NULL, "261120", "0040000000" },
                { "of the last century", NULL, NULL, NULL, NULL, "991231", "0040000000" },
                { "effective today", NULL, NULL, NULL, "261121", "491231", "0000000000" },
                { "effective tomorrow", NULL, NULL, NULL, "261122", "491231", "0020000000" },
                { "of the last century, good", NULL, NULL, NULL, "500101", "491231", "0000000000" },
                { "only at ATMs", NULL, "FE00", "0156", NULL, "491231", "0010000000" },
                { "only at ATMs, no country", NULL, "FE00", NULL, NULL, "491231", "0010000000" },
                { "no domestic goods or services", NULL, "D501", "0156", NULL, "491231", "0010000000" },
                { "domestic services only", NULL, "0900", "0156", NULL, "491231", "0000000000" },
                { "domestic only, card from abroad", NULL, "A900", "0840", NULL, "491231", "0010000000" },
                { "foreign goods, card from abroad", NULL, "1100", "0840", NULL, "491231", "0000000000" },
                { "cash at home", NULL, "8100", "0156", NULL, "491231", "0000000000", 0x01 },
                { "no cash at home", NULL, "7D00", "0156", NULL, "491231", "0010000000", 0x01 },
                { "cash back at home", NULL, "FF80", "0156", NULL, "491231", "0000000000", 0x09, 100 },
                { "no cash back at home", NULL, "FF40", "0156", NULL, "491231", "0010000000", 0x09, 100 },
                { "cash back abroad", NULL, "FF40", "0840", NULL, "491231", "0000000000", 0x09, 100 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;

                memcpy(f->application.versions, "\x00\x20\x00\x30", 4);
                f->application.n_versions = 2;
                f->start.transaction_type = cases[i].type;
                f->start.amount_other = cases[i].other;
                if (cases[i].version)
                        put(e, TAG_VERSION_CARD, cases[i].version);
                if (cases[i].usage)
                        put(e, TAG_USAGE_CONTROL, cases[i].usage);
                if (cases[i].country)
                        put(e, TAG_ISSUER_COUNTRY, cases[i].country);
                if (cases[i].effective)
                        put(e, TAG_EFFECTIVE_DATE, cases[i].effective);
                put(e, TAG_EXPIRATION_DATE, cases[i].expiry);
                assert_int_equal(emv_check_restrictions(e), 0);
                assert_tvr(e, cases[i].tvr, cases[i].what);
        }
}

static void cardholder(void **state) {
        static const struct {
                const char *what, *list, *cvm, *tvr;
                bool signature, performed;
                uint64_t amount, other;
                uint8_t type;
                const char *aip;
                int error;
        } cases[] = {
                { "not of this card", "00000000 00000000 1E00", "3F0000", "0000000000", .aip = "6C00" },
                { "no list", NULL, "3F0000", "2000000000" },
                { "list without rules", "00000000 00000000", "3F0000", "2000000000" },
                { "half a rule", "00000000 00000000 1E00 1F", "", "", .error = -EBADMSG },
                { "signature", "00000000 00000000 1E00", "1E0000", "0000000000", true, true },
                { "signature, go on", "00000000 00000000 5E03 1F00", "5E0300", "0000000000", true, true },
                { "no CVM", "00000000 00000000 1F00", "1F0002", "0000000000", false, true },
                { "fail", "00000000 00000000 0000", "000001", "0000800000", false, true },
                { "online PIN if supported, then signature", "00000000 00000000 4203 1E00", "1E0000", "0000000000",
                  true, true },
                { "online PIN always, then signature", "00000000 00000000 4200 1E00", "1E0000", "0000100000", true,
                  true },
                { "online PIN always, no more", "00000000 00000000 0200 1E00", "020001", "0000900000", false, true },
                { "plain PIN always, then nothing", "00000000 00000000 4100", "410001", "0000900000", false, true },
                { "enciphered PIN with signature", "00000000 00000000 4500 1F00", "1F0002", "0000100000", false,
                  true },
                { "unknown method, go on", "00000000 00000000 6000 1F00", "1F0002", "0000400000", false, true },
                { "unknown method, stop", "00000000 00000000 2000 1F00", "200001", "0000C00000", false, true },
                { "unknown condition", "00000000 00000000 1E0A 1F00", "1F0002", "0000000000", false, true },
                { "no condition met", "00000000 00000000 1E01 1E04 1E05", "3F0001", "0000800000", false, true },
                { "not cash", "00000000 00000000 1E02", "1E0200", "0000000000", true, true },
                { "cash", "00000000 00000000 1E02 1F04", "1F0402", "0000000000", false, true, .type = 0x01 },
                { "cash back", "00000000 00000000 1F02 1E05", "1E0500", "0000000000", true, true, .other = 1 },
                { "under X", "000003E8 00000000 1F06 1E07", "1F0602", "0000000000", false, true, .amount = 999 },
                { "at X", "000003E8 00000000 1F06 1E07", "3F0001", "0000800000", false, true, .amount = 1000 },
                { "over X", "000003E8 00000000 1F06 1E07", "1E0700", "0000000000", true, true, .amount = 1001 },
                { "under Y", "00000000 000003E8 1F08 1E09", "1F0802", "0000000000", false, true, .amount = 999 },
                { "over Y", "00000000 000003E8 1F08 1E09", "1E0900", "0000000000", true, true, .amount = 1001 },
                { "over X, other currency", "000003E8 00000000 1F07 1E00", "1E0000", "0000000000", true, true,
                  .amount = 5000, .aip = "7D01" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;
                uint8_t cvm[3];

                put(e, TAG_AIP, cases[i].aip ?: "7D00");
                put(e, TAG_APPLICATION_CURRENCY, cases[i].aip && streq(cases[i].aip, "7D01") ? "0840" : "0156");
                if (cases[i].list)
                        put(e, TAG_CVM_LIST, cases[i].list);
                f->start.transaction_type = cases[i].type;
                f->start.amount_other = cases[i].other;
                if (cases[i].amount)
                        f->start.amount = cases[i].amount;
                assert_int_equal(emv_verify_cardholder(e), cases[i].error);
                if (cases[i].error)
                        continue;
                fixture_hex(cases[i].cvm, cvm, sizeof(cvm));
                if (memcmp(e->cvm, cvm, 3) != 0)
                        fail_msg("%s: %02X%02X%02X", cases[i].what, e->cvm[0], e->cvm[1], e->cvm[2]);
                assert_tvr(e, cases[i].tvr, cases[i].what);
                assert_int_equal(e->signature, cases[i].signature);
                assert_int_equal(!!(e->tsi[0] & TSI_CARDHOLDER_VERIFICATION), cases[i].performed);
        }
}

/* GET DATA from a card that knows its two counters, or says 6A88. */
struct counters {
        int counter, last;
};

static int give_counter(void *userdata, const uint8_t *command, size_t size,
                        uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        const struct counters *c = userdata;
        int value = command[3] == 0x36 ? c->counter : c->last;

        assert_memory_equal(command, "\x80\xca\x9f", 3);
        if (value < 0) {
                memcpy(response, "\x6a\x88", 2);
                *ret_size = 2;
                return 0;
        }
        memcpy(response, (const uint8_t[]){ 0x9f, command[3], 2, (uint8_t) (value >> 8), (uint8_t) value, 0x90, 0x00 },
               7);
        *ret_size = 7;
        return 0;
}

static void risk(void **state) {
        static const struct emv_callbacks callbacks = { .transmit = give_counter };
        static const struct {
                const char *what, *tvr;
                uint64_t amount, floor_limit, threshold;
                uint8_t target, target_max, random;
                const char *lower, *upper;
                struct counters counters;
                bool forced;
        } cases[] = {
                { "below the floor", "0000000000", 999, 1000, 500, 0, 0, 1 },
                { "at the floor", "0000008000", 1000, 1000, 500, 99, 99, 1 },
                { "floor 0", "0000008000", 0, 0, 0, 99, 99, 1 },
                { "drawn", "0000001000", 499, 1000, 500, 20, 60, 19 },
                { "not drawn", "0000000000", 499, 1000, 500, 20, 60, 20 },
                { "biased, drawn", "0000001000", 750, 1000, 500, 20, 60, 39 },
                { "biased, not drawn", "0000000000", 750, 1000, 500, 20, 60, 40 },
                { "velocity well", "0000000000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 13, 10 } },
                { "lower exceeded", "0000004000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 14, 10 } },
                { "both exceeded", "0000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 16, 10 } },
                { "upper reached", "0000004000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 15, 10 } },
                { "new card", "0008000000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 1, 0 } },
                { "no counter", "0000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { -1, 10 } },
                { "no last", "0000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 11, -1 } },
                { "counter behind", "0000006000", 1, 1000, 1000, 0, 0, 99, "03", "05", { 10, 10 } },
                { "one limit only", "0000000000", 1, 1000, 1000, 0, 0, 99, "03", NULL, { -1, -1 } },
                { "forced", "0000000800", 1, 1000, 1000, 0, 0, 99, .forced = true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;
                struct counters c = cases[i].counters;

                e->callbacks = &callbacks;
                e->userdata = &c;
                f->start.amount = cases[i].amount;
                f->start.random_percent = cases[i].random;
                f->start.force_online = cases[i].forced;
                f->application.floor_limit = cases[i].floor_limit;
                f->application.threshold = cases[i].threshold;
                f->application.target = cases[i].target;
                f->application.target_max = cases[i].target_max;
                put(e, TAG_AIP, "0800");
                if (cases[i].lower)
                        put(e, TAG_LOWER_LIMIT, cases[i].lower);
                if (cases[i].upper)
                        put(e, TAG_UPPER_LIMIT, cases[i].upper);
                assert_int_equal(emv_manage_risk(e), 0);
                assert_tvr(e, cases[i].tvr, cases[i].what);
                assert_int_equal(e->tsi[0], TSI_TERMINAL_RISK_MANAGEMENT);
        }
}

static void action(void **state) {
        static const struct {
                const char *what, *tvr, *tac_denial, *tac_online, *tac_default, *iac_denial, *iac_online, *iac_default;
                bool offline, forced;
                uint8_t steps, type, asked, unable;
                const char *arc;
        } cases[] = {
                { "nothing set", "0000000000", "FFFFFFFFFF", "FFFFFFFFFF", "FFFFFFFFFF", "FFFFFFFFFF", "FFFFFFFFFF",
                  "FFFFFFFFFF", true, false, EMV_STEPS_FULL, 0x22, AC_TC, AC_TC, "Y1" },
                { "nothing set, offline not allowed", "0000000000", "0000000000", "0000000000", "0000000000", NULL,
                  NULL, NULL, false, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_AAC, NULL },
                { "terminal denies", "0010000000", "0010000000", "0000000000", "0000000000", NULL, NULL, NULL, true,
                  false, EMV_STEPS_FULL, 0x22, AC_AAC, AC_AAC, "Z1" },
                { "issuer denies", "0010000000", "0000000000", "0000000000", "0000000000", "0010000000", NULL, NULL,
                  true, false, EMV_STEPS_FULL, 0x22, AC_AAC, AC_AAC, "Z1" },
                { "issuer's denial is zero when missing", "0010000000", "0000000000", "0000000000", "0000000000", NULL,
                  "0000000000", "0000000000", true, false, EMV_STEPS_FULL, 0x22, AC_TC, AC_TC, "Y1" },
                { "terminal sends online", "0000008000", "0000000000", "0000008000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_TC, NULL },
                { "issuer sends online, default denies", "0000008000", "0000000000", "0000000000", "0000000000", NULL,
                  "0000008000", "0000008000", true, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_AAC, NULL },
                { "issuer's online and default are ones when missing", "0000008000", "0000000000", "0000000000",
                  "0000000000", NULL, NULL, NULL, true, false, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_AAC, NULL },
                { "forced online", "0000000000", "0000000000", "0000000000", "0000000000", NULL, "0000000000",
                  "0000000000", true, true, EMV_STEPS_FULL, 0x22, AC_ARQC, AC_TC, NULL },
                { "pre-authorization", "0000000000", "0000000000", "0000000000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_ONLINE, 0x22, AC_ARQC, AC_AAC, NULL },
                { "online only", "0000000000", "0000000000", "0000000000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_FULL, 0x21, AC_ARQC, AC_AAC, NULL },
                { "offline only", "0000008000", "0000000000", "0000008000", "0000000000", NULL, "0000000000",
                  "0000000000", true, false, EMV_STEPS_FULL, 0x23, AC_TC, AC_TC, "Y3" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = fresh(*state);
                struct fixture *f = *state;

                fixture_hex(cases[i].tvr, e->tvr, 5);
                fixture_hex(cases[i].tac_denial, f->application.tac_denial, 5);
                fixture_hex(cases[i].tac_online, f->application.tac_online, 5);
                fixture_hex(cases[i].tac_default, f->application.tac_default, 5);
                if (cases[i].iac_denial)
                        put(e, TAG_IAC_DENIAL, cases[i].iac_denial);
                if (cases[i].iac_online)
                        put(e, TAG_IAC_ONLINE, cases[i].iac_online);
                if (cases[i].iac_default)
                        put(e, TAG_IAC_DEFAULT, cases[i].iac_default);
                f->start.offline_allowed = cases[i].offline;
                f->start.force_online = cases[i].forced;
                f->start.steps = cases[i].steps;
                f->start.terminal.type = cases[i].type;
                if (emv_analyse_action(e) != cases[i].asked)
                        fail_msg("%s", cases[i].what);
                if (cases[i].arc)
                        assert_memory_equal(e->arc, cases[i].arc, 2);
                else
                        assert_int_equal(e->arc[0], 0);
                /* Denial ends it: the default codes are never asked then. */
                if (cases[i].asked != AC_AAC && emv_analyse_unable_online(e) != cases[i].unable)
                        fail_msg("%s, unable to go online", cases[i].what);
        }
}

/* Whole dialogues */

struct dialogue {
        const char *const *lines; /* command, answer, …; the command is compared as far as the line goes */
        size_t n, at;
        enum emv_online online;
        bool approved;
        const char *scripts, *issuer_authentication;
        unsigned questions, prompts;
        struct message_online_request request;
};

static int play(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                size_t *ret_size) {
        struct dialogue *d = userdata;
        char sent[2 * APDU_COMMAND_MAX + 1];

        hex_encode(command, size, sent);
        if (d->at + 2 > d->n)
                fail_msg("more than the script has: %s", sent);
        if (!startswith(sent, d->lines[d->at]))
                fail_msg("line %zu: %s instead of %s", d->at, sent, d->lines[d->at]);
        *ret_size = fixture_hex(d->lines[d->at + 1], response, APDU_RESPONSE_MAX);
        d->at += 2;
        return 0;
}

static int count_prompt(void *userdata, enum emv_prompt p) {
        ((struct dialogue *) userdata)->prompts++;
        return 0;
}

static int answer(void *userdata, const struct message_online_request *request, struct message_online_answer *ret) {
        struct dialogue *d = userdata;

        d->questions++;
        d->request = *request;
        message_init(ret, MESSAGE_ONLINE_ANSWER);
        ret->online = (uint8_t) d->online;
        if (d->online != EMV_ONLINE_ANSWERED)
                return 0;
        ret->approved = d->approved;
        memcpy(ret->arc, d->approved ? "00" : "05", 2);
        if (d->issuer_authentication)
                ret->issuer_authentication_size = (uint8_t) fixture_hex(
                        d->issuer_authentication, ret->issuer_authentication, sizeof(ret->issuer_authentication));
        if (d->scripts)
                ret->scripts_size = (uint16_t) fixture_hex(d->scripts, ret->scripts, sizeof(ret->scripts));
        return 0;
}

static const struct emv_callbacks script_callbacks = { .transmit = play, .prompt = count_prompt, .online = answer };

/* A terminal with one application, that may decide by itself. */
static void simple_start(struct message_start *s) {
        static const struct emv_application application = {
                .aid = { 5, { 0xA0, 0x00, 0x00, 0x03, 0x33 } },
                .partial = 1,
                .n_versions = 1,
                .versions = { { 0x00, 0x20 } },
                .floor_limit = 100000,
                .threshold = 100000,
        };

        fixture_start(s);
        s->terminal.n_applications = 1;
        s->terminal.applications[0] = application;
        s->offline_allowed = 1;
}

static void run(struct fixture *f, struct dialogue *d, struct message_outcome *ret) {
        static union message m;

        emv_run(&f->start, &script_callbacks, d, ret);
        if (d->at != d->n)
                fail_msg("the script was left at line %zu of %zu", d->at, d->n);
        memcpy(&m, ret, sizeof(*ret));
        assert_int_equal(message_check(&m, sizeof(*ret), MESSAGE_FROM_WORKER), 0);
}

#define RUN(f, outcome, ...)                                                                                          \
        ({                                                                                                            \
                static const char *const _lines[] = { __VA_ARGS__ };                                                  \
                struct dialogue _d = { .lines = _lines, .n = ELEMENTSOF(_lines) };                                    \
                run((f), &_d, (outcome));                                                                             \
        })

#define PSE "00A404000E315041592E5359532E4444463031"
#define NO_PSE PSE, "6A82"
#define SELECT_RID "00A4040005A000000333"
#define NEXT_RID "00A4040205A000000333"
#define SELECT_1 "00A4040008A000000333010101"
#define SELECT_2 "00A4040008A000000333010102"

static void selection_ends(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        RUN(f, &o, PSE, "6A81");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);
        RUN(f, &o, NO_PSE, SELECT_RID, "6A81");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);
        RUN(f, &o, NO_PSE, SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* A blocked application is told from none. */
        RUN(f, &o, NO_PSE, SELECT_RID, "6F118408A000000333010101A5055003444542 6283", NEXT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);
        /* A broken directory sends to the list, and so does one that cannot be read to its end. */
        RUN(f, &o, PSE, "6F009000", SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6F00", SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* No answer at all, and half a status word. */
        RUN(f, &o, PSE, "");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, PSE, "90");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
}

static void selection_partial(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        /* Two names that begin with the terminal's; the first wants another one (6985), then the second too. */
        simple_start(&f->start);
        RUN(f, &o, NO_PSE, SELECT_RID, "6F118408A000000333010101A5055003444542 9000", NEXT_RID,
            "6F148408A000000333010102A5085003435244870101 9000", NEXT_RID, "6A82", SELECT_2,
            "6F118408A000000333010102A5055003435244 9000", "80A80000028300", "6985", SELECT_1,
            "6F118408A000000333010101A5055003444542 9000", "80A80000028300", "6985");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* Only the whole name. */
        f->start.terminal.applications[0].partial = 0;
        RUN(f, &o, NO_PSE, SELECT_RID, "6F118408A000000333010101A5055003444542 9000", NEXT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* A card that answers with another application than asked for is not believed. */
        f->start.terminal.applications[0].partial = 1;
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F118408A000000004010101A5055003444542 9000");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* Listed in the directory, and blocked when it is selected. */
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F118408A000000333010101A5055003444542 6283");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);

        /* What needs the cardholder's confirmation is out when nobody can be asked. */
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700F610D4F08A000000333010101 870181 9000", "00B2020C", "6A83");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
}

#define BEGIN                                                                                                         \
        PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",                                       \
                "700C610A4F08A000000333010101 "                                                                       \
                "9000",                                                                                               \
                "00B2020C", "6A83", SELECT_1, "6F118408A000000333010101A5055003444542 9000"
#define OPTIONS "80A80000028300", "80060000 08010100 9000"
#define READ "00B2010C"

static void reading_refuses(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        /* GET PROCESSING OPTIONS: neither format, no locator, an odd one, profile missing. */
        RUN(f, &o, BEGIN, "80A80000028300", "9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "8002 0000 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "8005 0000 080101 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "7706 9404 08010100 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "6700");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* The locator: file 0, file 31, low bits, record 0, last before first, more signed than there are. */
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 00010100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 F8010100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 09010100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08000100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08020100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08010102 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08020202 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* Records: missing, without template, something behind it. */
        RUN(f, &o, BEGIN, OPTIONS, READ, "6A83");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "5A086200000000000005 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "7000 5A086200000000000005 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* Data: PAN twice, none, no CDOL2, a month that is none, a PAN that is none, a track that is none. */
        RUN(f, &o, BEGIN, OPTIONS, READ, "7014 5A086200000000000005 5A086200000000000005 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "7010 5F2403491231 8C039F3704 8D038A0295 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "7015 5A086200000000000005 5F2403491231 8C039F3704 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "701D 5A086200000000000005 5F2403491331 8C039F3704 8D038A0202 8F01EE 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "701D 5A08620000000000D005 5F2403491231 8C039F3704 8D038A0202 8F01EE 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ,
            "7023 5A086200000000000005 5F2403491231 8C039F3704 8D038A0202 8F01EE 57046200D491 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        assert_string_equal(o.card.pan_masked, "");
}

/* Everything a short sale needs; 8D asks for 8A and 95. */
#define GOOD "701E 5A086200000000000005 5F2403491231 8C039F3704 8D048A029505 8F01EE 9000"
#define GOOD_READ BEGIN, OPTIONS, READ, GOOD

static void first_cryptogram(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        /* The issuer's action codes are missing, so all ones: no data authentication goes online. */
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800B 00 0007 1122334455667788 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(o.reason, EMV_REASON_CARD);
        assert_memory_equal(o.result.atc, "\x00\x07", 2);
        assert_memory_equal(o.result.cryptogram, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
        assert_int_equal(o.result.iad_size, 0);

        /* More than asked for, a kind that is none, too short, an error: all end without a decision. */
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800B 40 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800B C0 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800A 80 0007 11223344556677 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "6985");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* Format 2, with what the issuer adds. */
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400",
            "771B 9F270100 9F36020007 9F26081122334455667788 9F1004AABBCCDD 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_memory_equal(o.result.iad, "\xaa\xbb\xcc\xdd", 4);

        /* Denied by the terminal: an AAC is asked for. */
        memset(f->start.terminal.applications[0].tac_denial, 0xff, 5);
        RUN(f, &o, GOOD_READ, "80AE000004A1B2C3D400", "800B 00 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_TERMINAL);
        assert_memory_equal(o.result.arc, "Z1", 2);
}

#define ARQC "80AE800004A1B2C3D400", "800B 80 0007 1122334455667788 9000"
#define TC "800B 40 0007 8877665544332211 9000"
#define AAC "800B 00 0007 8877665544332211 9000"

static void play_online(struct fixture *f, struct dialogue *d, const char *const *lines, size_t n,
                        struct message_outcome *o) {
        d->lines = lines;
        d->n = n;
        d->at = d->questions = 0;
        run(f, d, o);
        assert_int_equal(d->questions, 1);
}

#define ONLINE(f, d, o, ...)                                                                                          \
        ({                                                                                                            \
                static const char *const _lines[] = { __VA_ARGS__ };                                                  \
                play_online((f), (d), _lines, ELEMENTSOF(_lines), (o));                                               \
        })

static void second_cryptogram(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;

        simple_start(&f->start);
        /* 8A and 95 go to the card as they are at that moment. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE40000730308000000000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        assert_memory_equal(o.result.cryptogram, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
        /* The acquirer said yes, the card says no: this calls for a reversal. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE40000730308000000000", AAC);
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(o.reason, EMV_REASON_CARD_AFTER_ISSUER);
        /* No second request, and an error is no decision. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", "800B 80 0007 8877665544332211 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", "6985");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(o.online, 1);
        assert_string_not_equal(o.card.pan_masked, "");

        d.approved = false;
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE00000730358000000000", AAC);
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(o.reason, EMV_REASON_ISSUER);
        /* A card that gives a TC where an AAC was asked for. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE0000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
}

static void unable_online(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_NOT_SENT };
        struct message_outcome o;

        simple_start(&f->start);
        /* The default codes of this card are all ones. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE0000075A338000000000", AAC);
        assert_int_equal(o.reason, EMV_REASON_UNABLE_ONLINE);

        /* With codes of zero: Y3, but only when nothing was sent and it is allowed. */
#define READ_Y3                                                                                                       \
        BEGIN, OPTIONS, READ,                                                                                         \
                "7027 5A086200000000000005 5F2403491231 8C039F3704 8D048A029505 8F01EE 9F0D050000000000 00 9000"
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE40000759338000000000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        assert_memory_equal(o.result.arc, "Y3", 2);
        d.online = EMV_ONLINE_NO_ANSWER;
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE0000075A338000000000", AAC);
        assert_int_equal(o.reason, EMV_REASON_UNABLE_ONLINE);
        d.online = EMV_ONLINE_NOT_SENT;
        f->start.offline_allowed = 0;
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE0000075A338000000000", AAC);
        assert_int_equal(o.reason, EMV_REASON_UNABLE_ONLINE);
}

#define OPTIONS_ISSUER "80A80000028300", "80060400 08010100 9000"
#define READ_ISSUER BEGIN, OPTIONS_ISSUER, READ, GOOD

static void issuer_authentication(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED,
                              .approved = true,
                              .issuer_authentication = "0102030405060708 3030" };
        struct message_outcome o;

        simple_start(&f->start);
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "008200000A01020304050607083030", "9000", "80AE40000730308000000000", TC);
        assert_memory_equal(o.result.tsi, "\x30\x00", 2);
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "008200000A01020304050607083030", "6300", "80AE40000730308000000040",
               AAC);
        assert_int_equal(o.reason, EMV_REASON_CARD_AFTER_ISSUER);
        assert_true(tvr_test(o.result.tvr, TVR_ISSUER_AUTHENTICATION_FAILED));
        /* Not of this card: the command is not sent. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC);
        assert_int_equal(o.result.tsi[0] & TSI_ISSUER_AUTHENTICATION, 0);
        /* Too short to be sent. */
        d.issuer_authentication = "01020304";
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "80AE40000730308000000040", AAC);
        assert_true(tvr_test(o.result.tvr, TVR_ISSUER_AUTHENTICATION_FAILED));
        /* Nothing to authenticate with. */
        d.issuer_authentication = NULL;
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "80AE4000", TC);
        assert_int_equal(o.result.tsi[0] & TSI_ISSUER_AUTHENTICATION, 0);
}

static void issuer_scripts(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;

        simple_start(&f->start);
        d.scripts = "710E 9F180400000001 8605 8424000000 7207 8605 8418000000";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000000", "9000", "80AE40000730308000000000", TC, "8418000000", "6300");
        assert_int_equal(o.result.script_results_size, 10);
        assert_memory_equal(o.result.script_results, "\x20\x00\x00\x00\x01\x20\x00\x00\x00\x00", 10);
        assert_memory_equal(o.result.tvr, "\x80\x00\x00\x00\x00", 5);
        assert_int_equal(o.result.tsi[0] & TSI_SCRIPT, TSI_SCRIPT);

        /* The second of three fails: the third is not sent, the next script is. */
        d.scripts = "7115 8605 8424000001 8605 8424000002 8605 8424000003 7107 8605 8424000004";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000001", "9000", "8424000002", "6985", "8424000004", "9000",
               "80AE40000730308000000020", TC);
        assert_memory_equal(o.result.script_results, "\x12\x00\x00\x00\x00\x20\x00\x00\x00\x00", 10);
        assert_true(tvr_test(o.result.tvr, TVR_SCRIPT_FAILED_BEFORE));

        /* Behind the first there is rubbish: what came whole is done, the rest counts as failed. */
        d.scripts = "7107 8605 8424000001 72";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000001", "9000", "80AE40000730308000000020", TC);
        assert_memory_equal(o.result.script_results, "\x20\x00\x00\x00\x00", 5);
        assert_true(tvr_test(o.result.tvr, TVR_SCRIPT_FAILED_BEFORE));

        /* A script that is none is not begun. */
        d.scripts = "7205 8603 842400";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC);
        assert_memory_equal(o.result.script_results, "\x00\x00\x00\x00\x00", 5);
        assert_true(tvr_test(o.result.tvr, TVR_SCRIPT_FAILED_AFTER));
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
}

/* Book 3, 9.2.2: the hash of a transaction certificate data object list, and the terminal's own list. */
static void transaction_certificate_hash(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        f->start.terminal.applications[0].tdol = (struct emv_dol){ 3, { 0x9f, 0x37, 0x04 } };
        /* Byte 5 bit 8 says that the list was the terminal's. The hash is SHA-1 of A1B2C3D4. */
        RUN(f, &o, BEGIN, OPTIONS, READ, "701E 5A086200000000000005 5F2403491231 8C029814 8D048A029505 8F01EE 00 9000",
            "80AE800014512F5886A552C08B1F75EC01ABEE6590B36922CA", "800B 00 0007 1122334455667788 9000");
        assert_true(tvr_test(o.result.tvr, TVR_DEFAULT_TDOL));
        /* The card has a list of its own: 9A. */
        RUN(f, &o, BEGIN, OPTIONS, READ,
            "7022 5A086200000000000005 5F2403491231 8C029814 8D048A029505 8F01EE 97029A03 00 9000",
            "80AE8000146BE706932B45947961647B462936B9ED04C63760", "800B 00 0007 1122334455667788 9000");
        assert_false(tvr_test(o.result.tvr, TVR_DEFAULT_TDOL));
}

/* The request for processing options carries what the card asks for. */
static void processing_options_data(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F178408A000000333010101A50B 9F3808 9F0206 5F2A02 9505 9000", "80A800000F830D00000000123401560000000000",
            "6985");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* More than 127 bytes take a longer length: 9F02 as 133 bytes. */
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F128408A000000333010101A506 9F3803 9F0285 9000", "80A8000088838185", "6985");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(restrictions, setup, teardown),
                cmocka_unit_test_setup_teardown(cardholder, setup, teardown),
                cmocka_unit_test_setup_teardown(risk, setup, teardown),
                cmocka_unit_test_setup_teardown(action, setup, teardown),
                cmocka_unit_test_setup_teardown(selection_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(selection_partial, setup, teardown),
                cmocka_unit_test_setup_teardown(processing_options_data, setup, teardown),
                cmocka_unit_test_setup_teardown(reading_refuses, setup, teardown),
                cmocka_unit_test_setup_teardown(first_cryptogram, setup, teardown),
                cmocka_unit_test_setup_teardown(transaction_certificate_hash, setup, teardown),
                cmocka_unit_test_setup_teardown(second_cryptogram, setup, teardown),
                cmocka_unit_test_setup_teardown(unable_online, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_authentication, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_scripts, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: steps", tests, NULL, NULL);
}
