// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/emv/run.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/config.h"
#include "base/hex.h"
#include "base/tlv.h"
#include "emv/tag.h"

#define TERMINAL_CONF "tests/emv/terminal.conf"
#define TEST_CA_CONF "tests/sim/cards/test-ca.conf"
#define BASE_CARD "base"
#define BASE_AID "A000000333010101"

int run_refuse(struct run *r, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vsnprintf(r->fault, sizeof(r->fault), format, ap);
        va_end(ap);
        return -EINVAL;
}

static int number_word(const char *value, uint64_t *ret) {
        char end;

        return sscanf(value, "%" SCNu64 "%c", ret, &end) == 1 ? 0 : -EINVAL;
}

static int flag_word(const char *value, uint8_t *ret) {
        if (!streq(value, "yes") && !streq(value, "no"))
                return -EINVAL;
        *ret = streq(value, "yes");
        return 0;
}

static int hex_word(const char *value, uint8_t *ret, size_t size) {
        return hex_decode(value, ret, size) == (ssize_t) size ? 0 : -EINVAL;
}

static int choice_word(const char *value, const char *const *names, uint8_t *ret) {
        for (uint8_t i = 0; names[i]; i++)
                if (streq(value, names[i])) {
                        *ret = (uint8_t) (i + 1);
                        return 0;
                }
        return -EINVAL;
}

static int start_word(struct message_start *s, const char *key, const char *value) {
        static const char *const modes[] = { "live", "test", "training", NULL };
        static const char *const steps[] = { "full", "online", "aac", "read", NULL };
        uint64_t number;
        int r;

        if (streq(key, "amount"))
                return number_word(value, &s->amount);
        if (streq(key, "other"))
                return number_word(value, &s->amount_other);
        if (streq(key, "type"))
                return hex_word(value, &s->transaction_type, 1);
        if (streq(key, "date"))
                return hex_word(value, s->date, 3);
        if (streq(key, "time"))
                return hex_word(value, s->time, 3);
        if (streq(key, "currency"))
                return hex_word(value, s->currency, 2);
        if (streq(key, "unpredictable"))
                return hex_word(value, s->unpredictable, 4);
        if (streq(key, "counter"))
                return hex_word(value, s->counter, 4);
        if (streq(key, "offline"))
                return flag_word(value, &s->offline_allowed);
        if (streq(key, "force-online"))
                return flag_word(value, &s->force_online);
        if (streq(key, "choose"))
                return flag_word(value, &s->can_choose);
        if (streq(key, "mode"))
                return choice_word(value, modes, &s->mode);
        if (streq(key, "steps"))
                return choice_word(value, steps, &s->steps);
        if (!streq(key, "random"))
                return -EINVAL;
        r = number_word(value, &number);
        if (r < 0 || number > 99)
                return -EINVAL;
        s->random_percent = (uint8_t) number;
        return 0;
}

static int answer_word(struct answer *a, const char *key, const char *value) {
        ssize_t n;

        if (streq(key, "arc")) {
                if (strlen(value) != 2)
                        return -EINVAL;
                strcpy(a->arc, value);
                return 0;
        }
        if (streq(key, "arpc")) {
                a->arpc = streq(value, "good") ? ARPC_GOOD : streq(value, "bad") ? ARPC_BAD : ARPC_NONE;
                return a->arpc != ARPC_NONE || streq(value, "none") ? 0 : -EINVAL;
        }
        if (streq(key, "mac")) {
                a->mac = streq(value, "bad") ? MAC_BAD : MAC_GOOD;
                return a->mac == MAC_BAD || streq(value, "good") ? 0 : -EINVAL;
        }
        if (streq(key, "71") || streq(key, "72")) {
                char *commands = a->commands[streq(key, "72")];

                if (strlen(value) >= sizeof(a->commands[0]))
                        return -EINVAL;
                strcpy(commands, value);
                return 0;
        }
        if (streq(key, "91")) {
                n = hex_decode(value, a->data_91, sizeof(a->data_91));
                a->data_91_size = n > 0 ? (size_t) n : 0;
        } else if (streq(key, "csu")) {
                n = hex_decode(value, a->csu, sizeof(a->csu) - 4);
                a->csu_size = n > 0 ? (size_t) n : 0;
        } else if (streq(key, "scripts")) {
                n = hex_decode(value, a->scripts + a->scripts_size, sizeof(a->scripts) - a->scripts_size);
                a->scripts_size += n > 0 ? (size_t) n : 0;
        } else
                return -EINVAL;
        return n > 0 ? 0 : -EINVAL;
}

/* approve, decline, not-sent, no-answer; then words. */
static int answer_first(struct answer *a, const char *word) {
        a->there = true;
        a->approve = streq(word, "approve");
        a->online = streq(word, "not-sent")    ? EMV_ONLINE_NOT_SENT
                    : streq(word, "no-answer") ? EMV_ONLINE_NO_ANSWER
                                               : EMV_ONLINE_ANSWERED;
        if (a->online != EMV_ONLINE_ANSWERED)
                return 0;
        strcpy(a->arc, a->approve ? "00" : "05");
        return a->approve || streq(word, "decline") ? 0 : -EINVAL;
}

static int words(struct run *r, const char *line, bool answer) {
        _cleanup_free_ char *text = strdup(line);
        char *rest = NULL;

        if (!text)
                return -ENOMEM;
        for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
                char *equals = strchr(w, '=');
                int k;

                if (equals)
                        *equals = '\0';
                if (!equals)
                        k = answer ? answer_first(&r->answer, w) : -EINVAL;
                else if (answer)
                        k = answer_word(&r->answer, w, equals + 1);
                else
                        k = start_word(&r->start, w, equals + 1);
                if (k < 0)
                        return run_refuse(r, "%s is not a word of %s=", w, answer ? "answer" : "start");
        }
        return 0;
}

/* "SECTION KEY=VALUE", as one line of such a file with its section before it. */
static int assign(struct run *r, const char *line, bool card) {
        _cleanup_free_ char *text = strdup(line);
        const char *section = "", *reason = "not SECTION KEY=VALUE";
        char *equals, *space;
        int k = -EINVAL;

        if (!text)
                return -ENOMEM;
        equals = strchr(text, '=');
        if (equals) {
                *equals = '\0';
                space = strrchr(text, ' ');
                if (space) {
                        *space++ = '\0';
                        section = text;
                }
                if (!space)
                        space = text;
                if (!space[0])
                        return run_refuse(r, "%s: %s", line, reason);
                if (isempty(section))
                        section = card ? "card" : "terminal";
                if (!card && streq(section, "application"))
                        section = "application " BASE_AID;
                k = card ? sim_card_assign(r->card, section, space, equals + 1, &reason)
                         : emv_terminal_assign(section, space, equals + 1, &r->start.terminal, &reason);
        }
        return k < 0 ? run_refuse(r, "%s: %s", line, reason) : 0;
}

static int load(struct run *r) {
        const char *name = emv_case_get(r->c, "card") ?: BASE_CARD;
        char path[128];

        snprintf(path, sizeof(path), "tests/emv/cards/%s.card", name);
        if (sim_card_load(path, &r->card) < 0)
                return run_refuse(r, "%s cannot be read", path);
        emv_terminal_init(&r->start.terminal);
        if (config_parse_file(TERMINAL_CONF, emv_terminal_assign, &r->start.terminal) < 0 ||
            config_parse_file(TEST_CA_CONF, emv_terminal_assign, &r->start.terminal) < 0)
                return run_refuse(r, "%s or %s cannot be read", TERMINAL_CONF, TEST_CA_CONF);
        strcpy(r->start.terminal.id, "TERM0001");
        strcpy(r->start.terminal.merchant_id, "MERCHANT0000001");
        strcpy(r->start.terminal.merchant_name, "TEST SHOP");
        return 0;
}

/* The lines of the case, in their order; spoil= waits until the card is signed. */
static int prepare(struct run *r) {
        int k;

        message_init(&r->start, MESSAGE_START);
        k = load(r);
        if (k >= 0)
                k = words(r,
                          "mode=test steps=full amount=5000 currency=0156 date=261121 time=201530 type=00 random=50 "
                          "unpredictable=A1B2C3D4 counter=00000042 offline=yes",
                          false);
        if (k < 0)
                return k;
        r->start.currency_exponent = 2;
        r->start.card_ms = r->start.step_ms = r->start.answer_ms = 5000;
        for (int spoil = 0; spoil < 2; spoil++) {
                for (size_t i = 0; i < r->c->n && k >= 0; i++) {
                        const char *key = r->c->lines[i].key, *value = r->c->lines[i].value;
                        char line[512];

                        if (spoil) {
                                if (streq(key, "spoil"))
                                        k = assign(r, value, true);
                        } else if (streq(key, "set"))
                                k = assign(r, value, true);
                        else if (streq(key, "fault")) {
                                snprintf(line, sizeof(line), "fault=%s", value);
                                k = assign(r, line, true);
                        } else if (streq(key, "terminal"))
                                k = assign(r, value, false);
                        else if (streq(key, "start"))
                                k = words(r, value, false);
                        else if (streq(key, "answer")) {
                                r->answer = (struct answer){};
                                k = words(r, value, true);
                        } else if (streq(key, "choice"))
                                r->choice = atoi(value);
                        else if (streq(key, "pin"))
                                r->pins = value;
                        else if (streq(key, "exception"))
                                r->memory.exception = streq(value, "yes");
                        else if (streq(key, "earlier"))
                                r->memory.earlier = (uint64_t) atoi(value);
                }
                if (!spoil && k >= 0)
                        k = run_personalise(r);
        }
        return k;
}

static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        static uint8_t buffer[ICC_RESPONSE_MAX];
        struct run *r = userdata;
        struct exchange *e = r->exchanges + r->n_exchanges;
        ssize_t n;

        if (r->n_exchanges >= RUN_EXCHANGES_MAX) {
                run_refuse(r, "the library does not end");
                return -EIO;
        }
        r->n_exchanges++;
        memcpy(e->command, command, size);
        e->command_size = size;
        n = icc_transmit(r->icc, command, size, buffer);
        if (n < 0) {
                e->error = (int) n;
                return (int) n;
        }
        n = MIN(n, (ssize_t) APDU_RESPONSE_MAX);
        memcpy(e->response, buffer, (size_t) n);
        e->response_size = (size_t) n;
        memcpy(response, buffer, (size_t) n);
        *ret_size = (size_t) n;
        return 0;
}

static void note_prompt(struct run *r, enum emv_prompt p) {
        size_t n = strlen(r->prompts);

        snprintf(r->prompts + n, sizeof(r->prompts) - n, "%s%s", n > 0 ? ", " : "", emv_prompt_to_string(p));
}

static int prompt(void *userdata, enum emv_prompt p, const char *language) {
        struct run *r = userdata;

        note_prompt(r, p);
        if (p >= EMV_PROMPT_ENTER_PIN)
                r->pin_prompts++;
        return 0;
}

/* As a reader with a keypad does: the next word of pin= as a plain PIN block (Book 3, 6.5.12). */
static int verify_pin(void *userdata, uint16_t *ret_sw) {
        struct run *r = userdata;
        uint8_t command[] = { 0x00, 0x20, 0x00, 0x80, 0x08, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
        uint8_t response[APDU_RESPONSE_MAX];
        char pin[16];
        size_t size = 0;
        int used = 0, k;

        if (!r->pins || sscanf(r->pins, "%12s%n", pin, &used) < 1) {
                run_refuse(r, "asked for more PINs than the case has");
                return -ENOKEY;
        }
        r->pins += used;
        if (streq(pin, "none"))
                return -ENOKEY;
        if (streq(pin, "broken"))
                return -EOPNOTSUPP;
        command[5] |= (uint8_t) strlen(pin);
        for (size_t i = 0; pin[i]; i++) {
                uint8_t *b = command + 6 + i / 2, digit = (uint8_t) (pin[i] - '0');

                *b = i % 2 ? (uint8_t) ((*b & 0xf0) | digit) : (uint8_t) (digit << 4 | 0x0f);
        }
        k = transmit(r, command, sizeof(command), response, &size);
        if (k < 0)
                return k;
        *ret_sw = (uint16_t) (response[size - 2] << 8 | response[size - 1]);
        return 0;
}

/* tilld looks a card up by its number, so it has to be told one. */
static int recall(void *userdata, const struct emv_card_data *card, struct emv_memory *ret) {
        struct run *r = userdata;

        if (card->pan[0] == '\0')
                run_refuse(r, "asked about a card without its number");
        *ret = r->memory;
        return 0;
}

static int choose(void *userdata, const struct message_prompt *p, struct message_choice *ret) {
        struct run *r = userdata;

        note_prompt(r, p->prompt);
        for (uint8_t i = 0; i < p->n_candidates; i++) {
                size_t n = strlen(r->prompts);

                snprintf(r->prompts + n, sizeof(r->prompts) - n, " %u %s", i + 1U, p->candidates[i].name);
        }
        r->choices++;
        message_init(ret, MESSAGE_CHOICE);
        ret->cancelled = r->choice == 0;
        ret->index = (uint8_t) (r->choice > 0 ? r->choice - 1 : 0);
        return 0;
}

/* What the issuer's ARPC is computed from: the request's own cryptogram, and the card's key. */
static int fill_91(struct run *r, struct message_online_answer *ret) {
        const struct message_online_request *q = &r->request;
        const struct answer *a = &r->answer;
        uint8_t card_key[ISSUER_KEY_SIZE], session_key[ISSUER_KEY_SIZE], *to = ret->issuer_authentication;
        int k;

        if (a->data_91_size > 0) {
                ret->issuer_authentication_size = (uint8_t) a->data_91_size;
                memcpy(to, a->data_91, a->data_91_size);
                return 0;
        }
        if (a->arpc == ARPC_NONE)
                return 0;
        k = issuer_card_key(r->issuer, q->card.pan, q->card.has_sequence ? q->card.sequence : -1, card_key);
        if (k < 0)
                return k;
        k = issuer_session_key(card_key, (uint16_t) (q->result.atc[0] << 8 | q->result.atc[1]), session_key);
        if (k < 0)
                return k;
        if (a->csu_size > 0) {
                k = issuer_arpc_2(session_key, q->result.cryptogram, a->csu, a->csu_size, to);
                memcpy(to + 4, a->csu, a->csu_size);
                ret->issuer_authentication_size = (uint8_t) (4 + a->csu_size);
        } else {
                k = issuer_arpc(session_key, q->result.cryptogram, ret->arc, to);
                memcpy(to + 8, ret->arc, 2);
                ret->issuer_authentication_size = 10;
        }
        if (a->arpc == ARPC_BAD)
                to[0] ^= 0x01;
        return k;
}

/* One script, its commands with the issuer's MACs; number is of the next command in the transaction. */
static int append_script(struct run *r, uint32_t template, const char *commands, const uint8_t *key, unsigned *number,
                         struct message_online_answer *ret) {
        uint8_t script[EMV_SCRIPTS_MAX], command[4 + 1 + 255];
        char hex[sizeof(r->answer.commands[0])];
        size_t used = 0, all = ret->scripts_size;
        int k, n, skip = 0;

        k = tlv_append(script, sizeof(script), &used, TAG_SCRIPT_ID, "\x11\x22\x33\x44", 4);
        for (; k >= 0 && sscanf(commands, "%127[0-9A-F]%n", hex, &skip) == 1; commands += skip) {
                n = (int) hex_decode(hex, command, 4);
                if (n != 4)
                        return -EINVAL;
                command[4] = ISSUER_MAC_SIZE;
                k = issuer_script_mac(key, command, r->request.result.atc, r->request.result.cryptogram, (*number)++,
                                      NULL, 0, command + 5);
                command[5] ^= r->answer.mac == MAC_BAD;
                if (k >= 0)
                        k = tlv_append(script, sizeof(script), &used, TAG_SCRIPT_COMMAND, command,
                                       5 + ISSUER_MAC_SIZE);
                skip += commands[skip] == ',';
        }
        if (k >= 0)
                k = tlv_append(ret->scripts, sizeof(ret->scripts), &all, template, script, used);
        ret->scripts_size = (uint16_t) all;
        return k;
}

static int fill_scripts(struct run *r, struct message_online_answer *ret) {
        static const uint32_t templates[] = { TAG_SCRIPT_BEFORE, TAG_SCRIPT_AFTER };
        const struct message_online_request *q = &r->request;
        uint8_t card_key[ISSUER_KEY_SIZE], key[ISSUER_KEY_SIZE];
        unsigned number = 0;
        int k;

        memcpy(ret->scripts, r->answer.scripts, r->answer.scripts_size);
        ret->scripts_size = (uint16_t) r->answer.scripts_size;
        k = issuer_card_mac_key(r->issuer, q->card.pan, q->card.has_sequence ? q->card.sequence : -1, card_key);
        if (k >= 0)
                k = issuer_mac_session_key(card_key, q->result.cryptogram, key);
        for (size_t i = 0; k >= 0 && i < ELEMENTSOF(templates); i++)
                if (*r->answer.commands[i])
                        k = append_script(r, templates[i], r->answer.commands[i], key, &number, ret);
        return k;
}

static int online(void *userdata, const struct message_online_request *request, struct message_online_answer *ret) {
        struct run *r = userdata;
        const struct answer *a = &r->answer;
        const char *reason = NULL;
        union message m = {};

        r->questions++;
        r->request = *request;
        memcpy(&m, request, sizeof(*request));
        if (message_check(&m, sizeof(*request), MESSAGE_FROM_WORKER) < 0)
                run_refuse(r, "tilld cannot read the question");
        else if (message_check_request(&r->start, request, &reason) < 0 ||
                 message_check_pin(&request->result, r->pin_prompts, &reason) < 0)
                run_refuse(r, "tilld refuses the question: %s", reason);
        message_init(ret, MESSAGE_ONLINE_ANSWER);
        if (!a->there) {
                run_refuse(r, "asked the acquirer, who has no answer in this case");
                ret->online = EMV_ONLINE_NOT_SENT;
                return 0;
        }
        ret->online = (uint8_t) a->online;
        if (a->online == EMV_ONLINE_ANSWERED) {
                ret->approved = a->approve;
                memcpy(ret->arc, a->arc, 2);
                if (fill_91(r, ret) < 0 || fill_scripts(r, ret) < 0)
                        run_refuse(r, "the issuer cannot compute for this card");
        }
        r->answered = *ret;
        return 0;
}

int run_case(struct run *r, const struct emv_case *c, const struct issuer *issuer) {
        static const struct emv_callbacks callbacks = {
                .transmit = transmit,
                .prompt = prompt,
                .recall = recall,
                .choose = choose,
                .online = online,
                .verify_pin = verify_pin,
        };
        uint8_t atr[ICC_ATR_MAX];
        union message m = {};
        int k;

        *r = (struct run){ .c = c, .issuer = issuer };
        k = prepare(r);
        if (k < 0)
                return k;
        if (icc_new(r->card, &r->icc) < 0)
                return run_refuse(r, "no such card can be made");
        r->card = NULL;
        if (icc_power_on(r->icc, atr) < 0)
                return run_refuse(r, "the card does not answer to reset");

        emv_run(&r->start, &callbacks, r, &r->outcome);
        memcpy(&m, &r->outcome, sizeof(r->outcome));
        if (message_check(&m, sizeof(r->outcome), MESSAGE_FROM_WORKER) < 0)
                r->claim = "it cannot be read";
        else if (message_check_outcome(&r->start, r->questions > 0 ? &r->request : NULL,
                                       r->questions > 0 ? &r->answered : NULL, &r->outcome, &r->claim) >= 0 &&
                 message_check_pin(&r->outcome.result, r->pin_prompts, &r->claim) >= 0)
                r->claim = NULL;
        if (r->questions > 1)
                run_refuse(r, "the acquirer was asked twice");
        return 0;
}

void run_done(struct run *r) {
        icc_free(r->icc);
        sim_card_free(r->card);
        *r = (struct run){};
}
