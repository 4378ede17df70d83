// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card/fault.h"

#include "base/hex.h"

#define ANY (-1)
#define OTHER (-2)
#define NAME_MAX_SIZE 16
#define TREE_MAX 512

static const struct {
        const char *name;
        int command;
} commands[] = {
        { "select", 0x00a4 },
        { "read", 0x00b2 },
        { "gpo", 0x80a8 },
        { "get-data", 0x80ca },
        { "verify", 0x0020 },
        { "challenge", 0x0084 },
        { "internal-authenticate", 0x0088 },
        { "external-authenticate", 0x0082 },
        { "generate-ac", 0x80ae },
        { "other", OTHER },
        { "any", ANY },
};

static const struct {
        const char *name;
        enum sim_fault_action action;
} actions[] = {
        { "data", FAULT_RESPONSE }, { "silence", FAULT_SILENCE }, { "removal", FAULT_REMOVAL },
        { "short", FAULT_SHORT },   { "long", FAULT_LONG },       { "drop", FAULT_DROP },
        { "twice", FAULT_TWICE },   { "flip", FAULT_FLIP },       { "put", FAULT_PUT },
        { "byte", FAULT_BYTE },
};

static int refuse(const char *reason, const char **ret_reason) {
        *ret_reason = reason;
        return -EINVAL;
}

static int parse_which(const char *word, struct sim_fault *f, const char **ret_reason) {
        unsigned int sfi, record;
        ssize_t n;

        if (streq(word, "pse") && f->command == 0x00a4) {
                f->which_size = strlen("1PAY.SYS.DDF01");
                memcpy(f->which, "1PAY.SYS.DDF01", f->which_size);
                return 0;
        }
        if (f->command == 0x00b2) {
                if (sscanf(word, "%u.%u", &sfi, &record) != 2 || sfi > 30 || record > 255)
                        return refuse("not a file and a record", ret_reason);
                f->which[0] = (uint8_t) record;
                f->which[1] = (uint8_t) (sfi << 3 | 4);
                f->which_size = 2;
                return 0;
        }
        n = hex_decode(word, f->which, sizeof(f->which));
        if (n <= 0 || (f->command != 0x00a4 && n != 2))
                return refuse("neither a name nor a tag", ret_reason);
        f->which_size = (size_t) n;
        return 0;
}

static int parse_command(char *text, struct sim_fault *f, const char **ret_reason) {
        char *rest = NULL, *word = strtok_r(text, " ", &rest);
        size_t i;
        int r;

        for (i = 0; word && i < ELEMENTSOF(commands); i++)
                if (streq(word, commands[i].name))
                        break;
        if (!word || i == ELEMENTSOF(commands))
                return refuse("not a command that a fault can be of", ret_reason);
        f->command = commands[i].command;
        while ((word = strtok_r(NULL, " ", &rest))) {
                if (word[0] == '#') {
                        if (sscanf(word + 1, "%u", &f->n) != 1 || f->n == 0)
                                return refuse("not a number of commands", ret_reason);
                        continue;
                }
                r = parse_which(word, f, ret_reason);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_data(const char *text, struct sim_fault *f, const char **ret_reason) {
        ssize_t n = hex_decode(text, f->data, sizeof(f->data));

        if (n < 0)
                return refuse("not hexadecimal", ret_reason);
        f->data_size = (size_t) n;
        return 0;
}

static int parse_action(const char *text, struct sim_fault *f, const char **ret_reason) {
        char word[16], where[16] = "";
        const char *equals;
        size_t i;

        if (sscanf(text, "%15s %15[^= ]", word, where) < 1)
                return refuse("no action", ret_reason);
        for (i = 0; i < ELEMENTSOF(actions); i++)
                if (streq(word, actions[i].name))
                        break;
        if (i == ELEMENTSOF(actions)) {
                f->action = FAULT_RESPONSE;
                return strlen(text) == 4 ? parse_data(text, f, ret_reason)
                                         : refuse("neither a status word nor another action", ret_reason);
        }
        f->action = actions[i].action;
        switch (f->action) {
        case FAULT_RESPONSE:
                return parse_data(text + strlen(word), f, ret_reason);
        case FAULT_DROP:
        case FAULT_TWICE:
        case FAULT_FLIP:
        case FAULT_PUT:
                if (sscanf(where, "%x", &f->at) != 1)
                        return refuse("no tag", ret_reason);
                break;
        case FAULT_BYTE:
                if (sscanf(where, "%u", &f->at) != 1)
                        return refuse("no number of a byte", ret_reason);
                break;
        default:
                return 0;
        }
        if (f->action != FAULT_PUT && f->action != FAULT_BYTE)
                return 0;
        equals = strchr(text, '=');
        return equals ? parse_data(equals + 1, f, ret_reason) : refuse("no value", ret_reason);
}

int sim_fault_parse(const char *line, struct sim_fault *ret, const char **ret_reason) {
        _cleanup_free_ char *text = strdup(line);
        struct sim_fault f = {};
        char *colon;
        int r;

        if (!text)
                return -ENOMEM;
        colon = strchr(text, ':');
        if (!colon)
                return refuse("a fault is written COMMAND: ACTION", ret_reason);
        *colon = '\0';
        r = parse_command(text, &f, ret_reason);
        if (r < 0)
                return r;
        r = parse_action(colon + 1 + strspn(colon + 1, " "), &f, ret_reason);
        if (r < 0)
                return r;
        *ret = f;
        return 0;
}

static int command_of(const uint8_t *command) {
        int c = command[0] << 8 | command[1];

        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (commands[i].command == c)
                        return c;
        return OTHER;
}

static bool fits(const struct sim_fault *f, const uint8_t *command, size_t size) {
        if (f->command != ANY && f->command != command_of(command))
                return false;
        if (f->which_size == 0)
                return true;
        if (f->command == 0x00a4)
                return size >= 5 + f->which_size && memcmp(command + 5, f->which, f->which_size) == 0;
        return memcmp(command + 2, f->which, 2) == 0;
}

const struct sim_fault *sim_fault_find(struct sim_fault *faults, size_t n, const uint8_t *command, size_t size) {
        const struct sim_fault *found = NULL;

        for (size_t i = 0; size >= 4 && i < n; i++) {
                struct sim_fault *f = faults + i;

                if (!fits(f, command, size))
                        continue;
                f->seen++;
                if (!found && (f->n == 0 || f->n == f->seen))
                        found = f;
        }
        return found;
}

bool sim_fault_is_instead(const struct sim_fault *f) {
        return f->action == FAULT_RESPONSE || f->action == FAULT_SILENCE || f->action == FAULT_REMOVAL;
}

/* A run of objects that is being written again. */
struct run {
        uint8_t data[TREE_MAX];
        size_t size;
};

static void run_append(struct run *r, const void *data, size_t size) {
        size = MIN(size, sizeof(r->data) - r->size);
        memcpy(r->data + r->size, data, size);
        r->size += size;
}

/* One object off the front; its tag's bytes and value. false at the end or at what is none. */
static bool take_object(const uint8_t **p, size_t *size, unsigned int *ret_tag, const uint8_t **ret_value,
                        size_t *ret_size) {
        const uint8_t *q = *p, *end = q + *size;
        size_t n;

        if (q == end)
                return false;
        *ret_tag = *q++;
        if ((*ret_tag & 0x1f) == 0x1f)
                do {
                        if (q == end)
                                return false;
                        *ret_tag = *ret_tag << 8 | *q++;
                } while (q[-1] & 0x80);
        if (q == end)
                return false;
        n = *q++;
        if (n == 0x81 && q < end)
                n = *q++;
        else if (n == 0x82 && end - q >= 2) {
                n = (size_t) q[0] << 8 | q[1];
                q += 2;
        }
        if (n > (size_t) (end - q))
                return false;
        *ret_value = q;
        *ret_size = n;
        *p = q + n;
        *size = (size_t) (end - *p);
        return true;
}

static void put_object(struct run *r, unsigned int tag, const uint8_t *value, size_t size) {
        uint8_t head[8];
        size_t n = 0;

        for (int shift = 24; shift >= 0; shift -= 8)
                if (tag >> shift)
                        head[n++] = (uint8_t) (tag >> shift);
        if (size > 0xff)
                head[n++] = 0x82, head[n++] = (uint8_t) (size >> 8);
        else if (size > 0x7f)
                head[n++] = 0x81;
        head[n++] = (uint8_t) size;
        run_append(r, head, n);
        run_append(r, value, size);
}

static bool is_constructed(unsigned int tag) {
        while (tag > 0xff)
                tag >>= 8;
        return tag & 0x20;
}

/* The tree again with one object changed. */
static void rewrite(const struct sim_fault *f, const uint8_t *data, size_t size, struct run *r) {
        const uint8_t *value;
        unsigned int tag;
        size_t n;

        while (take_object(&data, &size, &tag, &value, &n)) {
                struct run inner = {};

                if (tag == f->at && f->action == FAULT_DROP)
                        continue;
                if (tag == f->at && f->action == FAULT_PUT)
                        run_append(&inner, f->data, f->data_size);
                else if (is_constructed(tag))
                        rewrite(f, value, n, &inner);
                else
                        run_append(&inner, value, n);
                if (tag == f->at && f->action == FAULT_FLIP && inner.size > 0)
                        inner.data[inner.size - 1] ^= 1;
                put_object(r, tag, inner.data, inner.size);
                if (tag == f->at && f->action == FAULT_TWICE)
                        put_object(r, tag, inner.data, inner.size);
        }
        run_append(r, data, size);
}

ssize_t sim_fault_apply(const struct sim_fault *f, uint8_t *response, size_t size, size_t max) {
        struct run r = {};
        uint8_t sw[2];

        switch (f->action) {
        case FAULT_SILENCE:
                return -ETIMEDOUT;
        case FAULT_REMOVAL:
                return -ENOMEDIUM;
        case FAULT_RESPONSE:
                memcpy(response, f->data, f->data_size);
                return (ssize_t) f->data_size;
        default:
                break;
        }
        memcpy(sw, response + size - 2, 2);
        size -= 2;
        switch (f->action) {
        case FAULT_SHORT:
                run_append(&r, response, size > 0 ? size - 1 : 0);
                break;
        case FAULT_LONG:
                run_append(&r, response, size);
                run_append(&r, "\xff", 1);
                break;
        case FAULT_BYTE:
                run_append(&r, response, size);
                if (f->at + f->data_size <= r.size)
                        memcpy(r.data + f->at, f->data, f->data_size);
                break;
        default:
                rewrite(f, response, size, &r);
        }
        run_append(&r, sw, 2);
        r.size = MIN(r.size, max);
        memcpy(response, r.data, r.size);
        return (ssize_t) r.size;
}
