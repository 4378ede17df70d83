// SPDX-License-Identifier: LGPL-2.1-or-later
/* Manager.Search: transactions by what is known of them. */
#include "bus/error.h"
#include "bus/options.h"
#include "bus/server.h"
#include "journal/search.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 500

struct found {
        struct server *server;
        sd_bus_message *reply;
};

static int append_found(const struct transaction_record *record, void *userdata) {
        struct found *f = userdata;
        _cleanup_free_ char *path = NULL;
        int r;

        r = transaction_path(f->server, record->id, &path);
        return r < 0 ? r : MIN(sd_bus_message_append_basic(f->reply, 'o', path), 0);
}

static int reply_found(struct server *s, sd_bus_message *m, const struct search_filter *filter, int64_t before,
                       unsigned limit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct found found = { .server = s };
        _cleanup_free_ char *next_path = NULL;
        int64_t next;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        found.reply = reply;
        r = sd_bus_message_open_container(reply, 'a', "o");
        if (r < 0)
                return r;
        r = search_each(engine_journal(s->engine), filter, before, limit, append_found, &found, &next);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        r = transaction_path_or_root(s, next, &next_path);
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(reply, 'o', next_path);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

/* An option that names a transaction; one that none has finds nothing. */
static int64_t id_of(const struct server *s, const char *path, int64_t otherwise) {
        int64_t id;

        if (!path || streq(path, "/"))
                return 0;
        return transaction_path_id(s, path, &id) < 0 ? otherwise : id;
}

int manager_call_search(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        const char *original = NULL, *before = NULL;
        uint32_t limit = LIMIT_DEFAULT;
        struct search_filter f;
        struct refusal refusal;
        int r;

        search_filter_init(&f);
        const struct bus_option options[] = {
                { "kind", 's', &f.kind },
                { "result", 's', &f.result },
                { "reversal", 's', &f.reversal },
                { "forwarding", 's', &f.forwarding },
                { "order", 's', &f.order },
                { "original", 'o', &original },
                { "last4", 's', &f.last4 },
                { "retrieval-reference", 's', &f.rrn },
                { "authorization-code", 's', &f.authorization_code },
                { "amount", 'x', &f.amount },
                { "batch", 'u', &f.batch },
                { "stan", 'u', &f.stan },
                { "voucher", 'u', &f.voucher },
                { "since", 't', &f.since_usec },
                { "until", 't', &f.until_usec },
                { "before", 'o', &before },
                { "limit", 'u', &limit },
                {},
        };

        r = options_read(m, options, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        f.original = id_of(s, original, INT64_MAX);
        limit = MIN(limit, (uint32_t) LIMIT_MAX);
        return reply_found(s, m, &f, id_of(s, before, 1), MAX(limit, 1u));
}
