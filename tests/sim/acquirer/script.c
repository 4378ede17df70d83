// SPDX-License-Identifier: LGPL-2.1-or-later
#include "acquirer/script.h"

#include "base/hex.h"

#define DELAY_SECONDS_MAX 3600
#define COUNT_MAX 1000000

static const char *const action_names[_ACTION_MAX] = {
        [ACTION_NONE] = "none",
        [ACTION_APPROVE] = "approve",
        [ACTION_DECLINE] = "decline",
        [ACTION_DELAY] = "delay",
        [ACTION_DROP] = "drop",
        [ACTION_DROP_ANSWER] = "drop-answer",
        [ACTION_CLOSE] = "close",
        [ACTION_CLOSE_ANSWER] = "close-answer",
        [ACTION_GARBLE] = "garble",
        [ACTION_BAD_MAC] = "bad-mac",
        [ACTION_NO_MAC] = "no-mac",
        [ACTION_WRONG_STAN] = "wrong-stan",
        [ACTION_WRONG_AMOUNT] = "wrong-amount",
        [ACTION_WRONG_ARPC] = "wrong-arpc",
        [ACTION_ISSUER_SCRIPT] = "issuer-script",
        [ACTION_TWICE] = "twice",
};

const char *action_name(enum action action) {
        return action < _ACTION_MAX ? action_names[action] : NULL;
}

static enum action action_from_name(const char *name) {
        for (enum action a = ACTION_APPROVE; a < _ACTION_MAX; a++)
                if (streq(action_names[a], name))
                        return a;
        return ACTION_NONE;
}

static int parse_count(const char *text, unsigned *ret) {
        char *end;
        unsigned long n;

        if (*text < '0' || *text > '9')
                return -EINVAL;
        errno = 0;
        n = strtoul(text, &end, 10);
        if (errno > 0 || *end || n > COUNT_MAX)
                return -EINVAL;
        *ret = (unsigned) n;
        return 0;
}

static int parse_delay(const char *text, uint64_t *ret) {
        char *end;
        double seconds;

        if (*text < '0' || *text > '9')
                return -EINVAL;
        seconds = strtod(text, &end);
        if (*end || !(seconds >= 0 && seconds <= DELAY_SECONDS_MAX))
                return -EINVAL;
        *ret = (uint64_t) (seconds * 1000000);
        return 0;
}

static int parse_command(struct step *s, const char *text) {
        ssize_t n = hex_decode(text, s->command, sizeof(s->command));

        if (n < 4)
                return -EINVAL;
        s->command_size = (size_t) n;
        return 0;
}

static int parse_kind(const char *text, int *ret) {
        enum host_kind kind;

        if (streq(text, "any")) {
                *ret = STEP_ANY;
                return 0;
        }
        if (streq(text, "money")) {
                *ret = STEP_MONEY;
                return 0;
        }
        kind = host_kind_from_name(text);
        if (kind < 0)
                return kind;
        *ret = (int) kind;
        return 0;
}

static int parse_word(struct step *s, const char *word, const char **ret_reason) {
        const char *value;

        value = startswith(word, "count=");
        if (value) {
                *ret_reason = "a count is a number from 0 (until cleared) to 1000000";
                return parse_count(value, &s->count);
        }
        value = startswith(word, "kind=");
        if (value) {
                *ret_reason = "a kind is any, money, sale, void, reversal, sign-on, echo, settlement …";
                return parse_kind(value, &s->kind);
        }
        if (s->action == ACTION_DECLINE && !s->code[0]) {
                *ret_reason = "a code is two letters or digits";
                if (strlen(word) != 2 || strspn(word, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
                        return -EINVAL;
                memcpy(s->code, word, 3);
                return 0;
        }
        if (s->action == ACTION_DELAY && s->delay_usec == UINT64_MAX) {
                *ret_reason = "a delay is a number of seconds from 0 to 3600";
                return parse_delay(word, &s->delay_usec);
        }
        if (s->action == ACTION_ISSUER_SCRIPT && !s->template) {
                *ret_reason = "a template is 71 or 72: before or after the card's second cryptogram";
                s->template = streq(word, "71") ? 0x71 : streq(word, "72") ? 0x72 : 0;
                return s->template ? 0 : -EINVAL;
        }
        if (s->action == ACTION_ISSUER_SCRIPT && s->command_size == 0) {
                *ret_reason = "a command is 4 to 64 bytes in hexadecimal";
                return parse_command(s, word);
        }
        *ret_reason = "one word too many";
        return -EINVAL;
}

int step_parse(const char *text, struct step *ret, const char **ret_reason) {
        struct step s = { .count = 1, .kind = STEP_MONEY, .delay_usec = UINT64_MAX };
        _cleanup_free_ char *copy = strdup(text);
        char *word, *state = NULL;
        int r;

        if (!copy) {
                *ret_reason = "out of memory";
                return -ENOMEM;
        }
        word = strtok_r(copy, " ", &state);
        *ret_reason = "an action is approve, decline CODE, delay SECONDS, drop, drop-answer, close, close-answer, "
                      "garble, bad-mac, no-mac, wrong-stan, wrong-amount, wrong-arpc, issuer-script TEMPLATE COMMAND "
                      "or twice";
        s.action = word ? action_from_name(word) : ACTION_NONE;
        if (s.action == ACTION_NONE)
                return -EINVAL;

        while ((word = strtok_r(NULL, " ", &state))) {
                r = parse_word(&s, word, ret_reason);
                if (r < 0)
                        return r;
        }
        if (s.action == ACTION_DECLINE && !s.code[0]) {
                *ret_reason = "decline needs a code, such as 51";
                return -EINVAL;
        }
        if (s.action == ACTION_DELAY && s.delay_usec == UINT64_MAX) {
                *ret_reason = "delay needs a number of seconds";
                return -EINVAL;
        }
        if (s.action == ACTION_ISSUER_SCRIPT && s.command_size == 0) {
                *ret_reason = "issuer-script needs a template and a command, such as 72 8424000000";
                return -EINVAL;
        }
        *ret = s;
        return 0;
}

static const char *kind_word(int kind) {
        if (kind == STEP_ANY)
                return "any";
        if (kind == STEP_MONEY)
                return "money";
        return host_kind_name((enum host_kind) kind);
}

void step_format(const struct step *s, char *text, size_t size) {
        char argument[8 + 2 * STEP_COMMAND_MAX] = "";

        if (s->action == ACTION_DECLINE)
                snprintf(argument, sizeof(argument), " %s", s->code);
        else if (s->action == ACTION_DELAY)
                snprintf(argument, sizeof(argument), " %g", (double) s->delay_usec / 1000000);
        else if (s->action == ACTION_ISSUER_SCRIPT) {
                snprintf(argument, sizeof(argument), " %02x ", s->template);
                hex_encode(s->command, s->command_size, argument + strlen(argument));
        }
        snprintf(text, size, "%s%s count=%u kind=%s", action_names[s->action], argument, s->count, kind_word(s->kind));
}

int script_add(struct script *s, const struct step *step) {
        if (s->n == SCRIPT_STEPS_MAX)
                return -ENOBUFS;
        s->steps[s->n++] = *step;
        return 0;
}

void script_clear(struct script *s) {
        s->n = 0;
}

static bool step_is_for(const struct step *s, enum host_kind kind) {
        if (s->kind == STEP_ANY)
                return true;
        if (s->kind == STEP_MONEY)
                return kind <= HOST_TIP;
        return s->kind == (int) kind;
}

struct step script_take(struct script *s, enum host_kind kind) {
        for (size_t i = 0; i < s->n; i++) {
                struct step step = s->steps[i];

                if (!step_is_for(&step, kind))
                        continue;
                if (step.count == 1) {
                        memmove(s->steps + i, s->steps + i + 1, (s->n - i - 1) * sizeof(*s->steps));
                        s->n--;
                } else if (step.count > 1)
                        s->steps[i].count--;
                return step;
        }
        return (struct step){};
}
