// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card/card.h"

#include <dirent.h>

#include "base/config.h"
#include "base/hex.h"
#include "base/log.h"

#define CARDS_PATH "/usr/share/till-sim/cards"
#define RECORDS_MAX 64
#define VALUE_MAX 256

struct loading {
        struct sim_card *card;
        const char *folder;
        bool replace; /* an object that is there already */
};

void sim_card_data_done(struct sim_card_data *d) {
        if (d->data)
                explicit_bzero(d->data, d->size);
        free(d->data);
        *d = (struct sim_card_data){};
}

static size_t tag_write(unsigned int tag, uint8_t *out) {
        size_t n = 0;

        for (int shift = 24; shift >= 0; shift -= 8)
                if (tag >> shift)
                        out[n++] = tag >> shift;
        return n;
}

int sim_card_data_append(struct sim_card_data *d, unsigned int tag, const void *value, size_t size) {
        uint8_t head[8];
        size_t n = tag_write(tag, head);
        uint8_t *p;

        if (size > 0xff)
                head[n++] = 0x82, head[n++] = size >> 8;
        else if (size > 0x7f)
                head[n++] = 0x81;
        head[n++] = size;
        p = realloc(d->data, d->size + n + size);
        if (!p)
                return -ENOMEM;
        memcpy(p + d->size, head, n);
        if (size > 0)
                memcpy(p + d->size + n, value, size);
        d->data = p;
        d->size += n + size;
        return 0;
}

static const uint8_t *find_object(const struct sim_card_data *d, unsigned int tag, size_t *ret_start,
                                  size_t *ret_size) {
        size_t i = 0;

        while (i < d->size) {
                size_t start = i, l, n;
                unsigned int t = d->data[i++];

                if ((t & 0x1f) == 0x1f)
                        while (i < d->size) {
                                t = t << 8 | d->data[i++];
                                if (!(t & 0x80))
                                        break;
                        }
                if (i >= d->size)
                        return NULL;
                l = d->data[i++];
                if (l & 0x80)
                        for (n = l & 0x7f, l = 0; n > 0 && i < d->size; n--)
                                l = l << 8 | d->data[i++];
                if (l > d->size - i)
                        return NULL;
                if (t == tag) {
                        *ret_start = start;
                        *ret_size = l;
                        return d->data + i;
                }
                i += l;
        }
        return NULL;
}

const uint8_t *sim_card_data_find(const struct sim_card_data *d, unsigned int tag, size_t *ret_size) {
        size_t start;

        return find_object(d, tag, &start, ret_size);
}

void sim_card_data_remove(struct sim_card_data *d, unsigned int tag) {
        size_t start, size, end;
        const uint8_t *value = find_object(d, tag, &start, &size);

        if (!value)
                return;
        end = (size_t) (value - d->data) + size;
        memmove(d->data + start, d->data + end, d->size - end);
        d->size -= end - start;
}

const uint8_t *sim_card_find(const struct sim_card_application *app, unsigned int tag, size_t *ret_size) {
        for (size_t i = 0; i < app->n_records; i++) {
                const uint8_t *p = sim_card_data_find(&app->records[i].content, tag, ret_size);

                if (p)
                        return p;
        }
        return NULL;
}

static int parse_number(const char *value, unsigned int min, unsigned int max, unsigned int *ret,
                        const char **ret_reason) {
        unsigned int n;
        char end;

        if (sscanf(value, "%u%c", &n, &end) != 1 || n < min || n > max) {
                *ret_reason = "not a number in the range allowed";
                return -EINVAL;
        }
        *ret = n;
        return 0;
}

static int parse_bool(const char *value, bool *ret, const char **ret_reason) {
        if (!streq(value, "yes") && !streq(value, "no")) {
                *ret_reason = "neither yes nor no";
                return -EINVAL;
        }
        *ret = streq(value, "yes");
        return 0;
}

/* Exactly size bytes, or up to size where ret_size is given. */
static int parse_hex(const char *value, void *data, size_t size, size_t *ret_size, const char **ret_reason) {
        ssize_t n = hex_decode(value, data, size);

        if (n <= 0 || (!ret_size && (size_t) n != size)) {
                *ret_reason = "not hexadecimal of the right length";
                return -EINVAL;
        }
        if (ret_size)
                *ret_size = n;
        return 0;
}

static int parse_run(const char *value, struct sim_card_data *ret, const char **ret_reason) {
        uint8_t data[VALUE_MAX];
        size_t size;
        int r;

        r = parse_hex(value, data, sizeof(data), &size, ret_reason);
        if (r < 0)
                return r;
        free(ret->data);
        ret->data = malloc(size);
        if (!ret->data)
                return -ENOMEM;
        memcpy(ret->data, data, size);
        ret->size = size;
        return 0;
}

static int parse_object(const char *key, const char *value, struct sim_card_data *data, bool replace,
                        const char **ret_reason) {
        uint8_t bytes[VALUE_MAX], tag_bytes[4];
        unsigned int tag = 0;
        size_t size = 0, tag_size;
        int r;

        r = parse_hex(key, tag_bytes, sizeof(tag_bytes), &tag_size, ret_reason);
        if (r < 0)
                return r;
        for (size_t i = 0; i < tag_size; i++)
                tag = tag << 8 | tag_bytes[i];
        if (replace)
                sim_card_data_remove(data, tag);
        if (replace && streq(value, "-"))
                return 0;
        if (*value) {
                r = parse_hex(value, bytes, sizeof(bytes), &size, ret_reason);
                if (r < 0)
                        return r;
        }
        return sim_card_data_append(data, tag, bytes, size);
}

static int parse_track(const char *value, char start, char *track, const char **ret_reason) {
        size_t n = strlen(value);

        if (n > CARD_TRACK_MAX || n < 3 || value[0] != start || value[n - 1] != '?') {
                *ret_reason = "a track begins with its start sentinel, ends with '?' and has at most 110 characters";
                return -EINVAL;
        }
        strcpy(track, value);
        return 0;
}

static int parse_pin(const char *value, char *pin, const char **ret_reason) {
        size_t n = strlen(value);

        if (n < 4 || n > 12 || strspn(value, "0123456789") != n) {
                *ret_reason = "a PIN has 4 to 12 digits";
                return -EINVAL;
        }
        strcpy(pin, value);
        return 0;
}

static int parse_counter(const char *value, uint16_t *ret, const char **ret_reason) {
        unsigned int n;
        int r;

        r = parse_number(value, 0, 65535, &n, ret_reason);
        if (r >= 0)
                *ret = (uint16_t) n;
        return r;
}

static int add_fault(struct sim_card *c, const char *value, const char **ret_reason) {
        struct sim_fault *p;
        int r;

        p = realloc(c->faults, (c->n_faults + 1) * sizeof(*p));
        if (!p)
                return -ENOMEM;
        c->faults = p;
        r = sim_fault_parse(value, p + c->n_faults, ret_reason);
        if (r >= 0)
                c->n_faults++;
        return r;
}

static int assign_card(struct loading *l, const char *key, const char *value, const char **ret_reason) {
        struct sim_card *c = l->card;
        int r;

        if (streq(key, "title"))
                return free_and_strdup(&c->title, value);
        if (streq(key, "atr"))
                return parse_hex(value, c->atr, sizeof(c->atr), &c->atr_size, ret_reason);
        if (streq(key, "pin"))
                return parse_pin(value, c->pin, ret_reason);
        if (streq(key, "pin-tries")) {
                r = parse_number(value, 1, 15, &c->pin_tries, ret_reason);
                c->tries_left = c->pin_tries;
                return r;
        }
        if (streq(key, "pse"))
                return parse_bool(value, &c->pse, ret_reason);
        if (streq(key, "echo"))
                return parse_bool(value, &c->echo, ret_reason);
        if (streq(key, "fault"))
                return add_fault(c, value, ret_reason);
        if (streq(key, "tries-left"))
                return parse_number(value, 0, 15, &c->tries_left, ret_reason);
        if (streq(key, "atc"))
                return parse_counter(value, &c->atc, ret_reason);
        if (streq(key, "last-online-atc"))
                return parse_counter(value, &c->last_online_atc, ret_reason);
        if (streq(key, "key")) {
                free(c->key_path);
                c->key_path = NULL;
                return asprintf(&c->key_path, "%s/keys/%s", l->folder, value) < 0 ? -ENOMEM : 0;
        }
        *ret_reason = "not a key of [card]";
        return -EINVAL;
}

static int assign_stripe(struct sim_card *c, const char *key, const char *value, const char **ret_reason) {
        if (streq(key, "track1"))
                return parse_track(value, '%', c->track[0], ret_reason);
        if (streq(key, "track2"))
                return parse_track(value, ';', c->track[1], ret_reason);
        if (streq(key, "track3"))
                return parse_track(value, ';', c->track[2], ret_reason);
        *ret_reason = "not a key of [stripe]";
        return -EINVAL;
}

static int assign_application(struct sim_card_application *a, const char *key, const char *value,
                              const char **ret_reason) {
        if (streq(key, "aid"))
                return parse_hex(value, a->aid, sizeof(a->aid), &a->aid_size, ret_reason);
        if (streq(key, "label"))
                return free_and_strdup(&a->label, value);
        if (streq(key, "priority"))
                return parse_number(value, 1, 15, &a->priority, ret_reason);
        if (streq(key, "fci"))
                return parse_run(value, &a->fci, ret_reason);
        if (streq(key, "afl"))
                return parse_run(value, &a->afl, ret_reason);
        if (streq(key, "aip"))
                return parse_hex(value, a->aip, sizeof(a->aip), NULL, ret_reason);
        if (streq(key, "ac-key"))
                return parse_hex(value, a->ac_key, sizeof(a->ac_key), NULL, ret_reason);
        if (streq(key, "mac-key")) {
                a->has_mac_key = true;
                return parse_hex(value, a->mac_key, sizeof(a->mac_key), NULL, ret_reason);
        }
        if (streq(key, "response-format"))
                return parse_number(value, 1, 2, &a->response_format, ret_reason);
        if (streq(key, "arpc"))
                return parse_number(value, 1, 2, &a->arpc, ret_reason);
        if (streq(key, "offline-limit"))
                return parse_number(value, 0, 255, &a->offline_limit, ret_reason);
        if (streq(key, "issuer-authentication"))
                return parse_bool(value, &a->issuer_authentication, ret_reason);
        if (streq(key, "blocked"))
                return parse_bool(value, &a->blocked, ret_reason);
        if (streq(key, "confirm"))
                return parse_bool(value, &a->confirm, ret_reason);
        if (streq(key, "conditions"))
                return parse_bool(value, &a->conditions, ret_reason);
        if (streq(key, "decide") && (streq(value, "online") || streq(value, "approve") || streq(value, "decline"))) {
                a->decide = streq(value, "online")    ? CARD_ONLINE
                            : streq(value, "approve") ? CARD_APPROVE
                                                      : CARD_DECLINE;
                return 0;
        }
        if (streq(key, "second") && (streq(value, "auto") || streq(value, "decline"))) {
                a->second = streq(value, "auto") ? CARD_APPROVE : CARD_DECLINE;
                return 0;
        }
        *ret_reason = "not a key of [application], or not a value of it";
        return -EINVAL;
}

/* The application of a number from 1; they come in order. */
static int card_application(struct sim_card *c, unsigned int number, struct sim_card_application **ret,
                            const char **ret_reason) {
        struct sim_card_application *p;

        if (number == 0 || number > c->n_applications + 1 || number > SIM_CARD_APPLICATIONS_MAX) {
                *ret_reason = "applications are numbered from 1, in order, up to 8";
                return -EINVAL;
        }
        if (number == c->n_applications + 1) {
                p = realloc(c->applications, number * sizeof(*p));
                if (!p)
                        return -ENOMEM;
                c->applications = p;
                c->n_applications++;
                p[number - 1] = (struct sim_card_application){
                        .response_format = 1,
                        .arpc = 1,
                        .second = CARD_APPROVE,
                        .conditions = true,
                };
        }
        *ret = c->applications + number - 1;
        return 0;
}

static int application_record(struct sim_card_application *a, unsigned int sfi, unsigned int number,
                              struct sim_card_record **ret, const char **ret_reason) {
        struct sim_card_record *p;

        for (size_t i = 0; i < a->n_records; i++)
                if (a->records[i].sfi == sfi && a->records[i].number == number) {
                        *ret = a->records + i;
                        return 0;
                }
        if (sfi < 1 || sfi > 30 || number < 1 || number > 255 || a->n_records >= RECORDS_MAX) {
                *ret_reason = "[record N.S.R] has a file from 1 to 30 and a record from 1 to 255";
                return -EINVAL;
        }
        p = realloc(a->records, (a->n_records + 1) * sizeof(*p));
        if (!p)
                return -ENOMEM;
        a->records = p;
        *ret = p + a->n_records++;
        **ret = (struct sim_card_record){ .sfi = sfi, .number = number };
        return 0;
}

static int on_assign(const char *section, const char *key, const char *value, void *userdata,
                     const char **ret_reason) {
        struct loading *l = userdata;
        struct sim_card_application *a;
        struct sim_card_record *record;
        unsigned int n, sfi, number;
        char end;
        int r;

        if (streq(section, "card"))
                return assign_card(l, key, value, ret_reason);
        if (streq(section, "stripe"))
                return assign_stripe(l->card, key, value, ret_reason);
        if (sscanf(section, "application %u%c", &n, &end) == 1) {
                r = card_application(l->card, n, &a, ret_reason);
                return r < 0 ? r : assign_application(a, key, value, ret_reason);
        }
        if (sscanf(section, "data %u%c", &n, &end) == 1) {
                r = card_application(l->card, n, &a, ret_reason);
                return r < 0 ? r : parse_object(key, value, &a->data, l->replace, ret_reason);
        }
        if (sscanf(section, "record %u.%u.%u%c", &n, &sfi, &number, &end) == 3) {
                r = card_application(l->card, n, &a, ret_reason);
                if (r < 0)
                        return r;
                r = application_record(a, sfi, number, &record, ret_reason);
                return r < 0 ? r : parse_object(key, value, &record->content, l->replace, ret_reason);
        }
        *ret_reason = "not a section of a card";
        return -EINVAL;
}

static const char *cards_folder(void) {
        return secure_getenv("TILL_SIM_CARDS") ?: CARDS_PATH;
}

int sim_card_assign(struct sim_card *card, const char *section, const char *key, const char *value,
                    const char **ret_reason) {
        struct loading l = { .card = card, .folder = cards_folder(), .replace = true };

        return on_assign(section, key, value, &l, ret_reason);
}

static int card_check(const struct sim_card *c, const char *path) {
        for (size_t i = 0; i < c->n_applications; i++) {
                const struct sim_card_application *a = c->applications + i;

                if (a->aid_size < 5) {
                        log_error("%s: application %zu has no AID of 5 to 16 bytes", path, i + 1);
                        return -EINVAL;
                }
                for (size_t k = 0; k < a->n_records; k++)
                        if (a->records[k].content.size > 252) {
                                log_error("%s: record %zu.%u.%u is longer than 252 bytes", path, i + 1,
                                          a->records[k].sfi, a->records[k].number);
                                return -EINVAL;
                        }
        }
        if (c->n_applications > 0 && c->atr_size == 0) {
                log_error("%s: applications need a chip: atr= is missing", path);
                return -EINVAL;
        }
        return 0;
}

int sim_card_load(const char *name, struct sim_card **ret) {
        _cleanup_(sim_card_freep) struct sim_card *c = NULL;
        _cleanup_free_ char *path = NULL, *folder = NULL;
        struct loading l;
        char *slash, *dot;
        int r;

        r = strchr(name, '/') ? asprintf(&path, "%s", name) : asprintf(&path, "%s/%s.card", cards_folder(), name);
        if (r < 0)
                return -ENOMEM;
        folder = strdup(path);
        c = calloc(1, sizeof(*c));
        if (!folder || !c)
                return -ENOMEM;
        slash = strrchr(folder, '/');
        *slash = '\0';
        c->pin_tries = c->tries_left = 3;
        c->pse = true;
        c->name = strdup(slash + 1);
        if (!c->name)
                return -ENOMEM;
        dot = strrchr(c->name, '.');
        if (dot && streq(dot, ".card"))
                *dot = '\0';

        l = (struct loading){ .card = c, .folder = folder };
        r = config_parse_file(path, on_assign, &l);
        if (r < 0)
                return r;
        r = card_check(c, path);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

struct sim_card *sim_card_free(struct sim_card *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->n_applications; i++) {
                struct sim_card_application *a = c->applications + i;

                for (size_t k = 0; k < a->n_records; k++)
                        sim_card_data_done(&a->records[k].content);
                sim_card_data_done(&a->fci);
                sim_card_data_done(&a->afl);
                sim_card_data_done(&a->data);
                explicit_bzero(a->ac_key, sizeof(a->ac_key));
                explicit_bzero(a->mac_key, sizeof(a->mac_key));
                free(a->records);
                free(a->label);
        }
        free(c->applications);
        free(c->faults);
        free(c->name);
        free(c->title);
        free(c->key_path);
        explicit_bzero(c, sizeof(*c));
        free(c);
        return NULL;
}

static int is_card(const struct dirent *e) {
        const char *dot = strrchr(e->d_name, '.');

        return dot && streq(dot, ".card");
}

int sim_card_list(char **ret) {
        struct dirent **entries;
        char *text = NULL;
        size_t size;
        FILE *f;
        int n;

        n = scandir(cards_folder(), &entries, is_card, alphasort);
        if (n < 0)
                return -errno;
        f = open_memstream(&text, &size);
        for (int i = 0; i < n; i++) {
                _cleanup_(sim_card_freep) struct sim_card *card = NULL;

                *strrchr(entries[i]->d_name, '.') = '\0';
                if (f && sim_card_load(entries[i]->d_name, &card) >= 0)
                        fprintf(f, "%-16s %s\n", card->name, strempty(card->title));
                free(entries[i]);
        }
        free(entries);
        if (!f)
                return -ENOMEM;
        /* The text is there when the stream is closed, and not before. */
        if (fclose(f) != 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}
