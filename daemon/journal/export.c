// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/export.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/hex.h"
#include "journal/event.h"
#include "journal/internal.h"

#define VERSION 1
#define ROWS_A_SLICE 100

enum { CHECKPOINTS, EVENTS, TRANSACTIONS, FAULTS, N_TABLES };

static const struct {
        const char *name;
        const char *sql; /* the first column is what they are ordered by */
} tables[N_TABLES] = {
        [CHECKPOINTS] = { "checkpoints", "SELECT * FROM checkpoints WHERE number > ? ORDER BY number LIMIT ?" },
        [EVENTS] = { "events", "SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?" },
        [TRANSACTIONS] = { "transactions", "SELECT * FROM transactions WHERE id > ? ORDER BY id LIMIT ?" },
        [FAULTS] = { "faults", "SELECT * FROM faults WHERE id > ? ORDER BY id LIMIT ?" },
};

struct journal_export {
        unsigned table;
        int64_t row; /* the last one of this table that is out */
        uint64_t counts[N_TABLES];
        uint64_t total;
        int64_t head_seq; /* of the last event that is out */
        uint8_t head[EVENT_HASH_SIZE];
        EVP_MD_CTX *digest; /* of the lines */
};

struct journal_export *journal_export_free(struct journal_export *e) {
        if (!e)
                return NULL;
        EVP_MD_CTX_free(e->digest);
        free(e);
        return NULL;
}

int journal_export_new(struct journal *j, struct journal_export **ret) {
        _cleanup_(journal_export_freep) struct journal_export *e = calloc(1, sizeof(*e));
        int64_t last, base;
        int r;

        if (!e)
                return -ENOMEM;
        e->digest = EVP_MD_CTX_new();
        if (!e->digest || EVP_DigestInit_ex(e->digest, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        for (unsigned i = 0; i < N_TABLES; i++) {
                r = journal_last_number(j, tables[i].name, &last);
                if (r < 0)
                        return r;
                e->total += (uint64_t) last;
        }
        r = event_get_base(j, &base);
        if (r < 0)
                return r;
        e->total -= (uint64_t) base;
        *ret = TAKE_PTR(e);
        return 0;
}

static void cJSON_Deletep(cJSON **json) {
        cJSON_Delete(*json);
}

/* What nobody outside may have: sealed values, and what a card number could be guessed by. */
static bool is_secret(const char *column) {
        size_t l = strlen(column);

        return streq(column, "pan_hash") || (l >= 6 && streq(column + l - 6, "sealed"));
}

static bool add_column(cJSON *row, sqlite3_stmt *s, int i) {
        const char *name = sqlite3_column_name(s, i);
        char number[24], *hex;
        bool added;
        int size;

        switch (sqlite3_column_type(s, i)) {
        case SQLITE_INTEGER:
                (void) snprintf(number, sizeof(number), "%" PRIi64, (int64_t) sqlite3_column_int64(s, i));
                return cJSON_AddRawToObject(row, name, number);
        case SQLITE_TEXT:
                return cJSON_AddStringToObject(row, name, (const char *) sqlite3_column_text(s, i));
        case SQLITE_BLOB:
                size = sqlite3_column_bytes(s, i);
                hex = malloc(2 * (size_t) size + 1);
                if (!hex)
                        return false;
                hex_encode(sqlite3_column_blob(s, i), (size_t) size, hex);
                added = cJSON_AddStringToObject(row, name, hex);
                free(hex);
                return added;
        default:
                return cJSON_AddNullToObject(row, name);
        }
}

static int put_row(struct journal_export *e, sqlite3_stmt *s, FILE *f) {
        _cleanup_(cJSON_Deletep) cJSON *row = cJSON_CreateObject();
        _cleanup_free_ char *text = NULL;

        if (!row || !cJSON_AddStringToObject(row, "table", tables[e->table].name))
                return -ENOMEM;
        for (int i = 0; i < sqlite3_column_count(s); i++)
                if (!is_secret(sqlite3_column_name(s, i)) && !add_column(row, s, i))
                        return -ENOMEM;
        text = cJSON_PrintUnformatted(row);
        return text && fprintf(f, "%s\n", text) > 0 ? 0 : -ENOMEM;
}

static int remember_head(struct journal_export *e, sqlite3_stmt *s) {
        int hash = sqlite3_column_count(s) - 1;

        if (sqlite3_column_bytes(s, hash) != sizeof(e->head))
                return -EBADMSG;
        e->head_seq = sqlite3_column_int64(s, 0);
        memcpy(e->head, sqlite3_column_blob(s, hash), sizeof(e->head));
        return 0;
}

static int put_rows(struct journal *j, struct journal_export *e, FILE *f) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        unsigned n = 0;
        int r;

        r = journal_statement(j, tables[e->table].sql, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, e->row);
        (void) sqlite3_bind_int64(s, 2, ROWS_A_SLICE);
        while ((r = journal_step(j, s)) > 0) {
                r = put_row(e, s, f);
                if (r >= 0 && e->table == EVENTS)
                        r = remember_head(e, s);
                if (r < 0)
                        return r;
                e->row = sqlite3_column_int64(s, 0);
                e->counts[e->table]++;
                n++;
        }
        if (r < 0)
                return r;
        if (n < ROWS_A_SLICE) {
                e->table++;
                e->row = 0;
        }
        return 0;
}

static int sign_manifest(struct journal *j, const char *text, char ret[static 65]) {
        static const char prefix[] = "tilld export";
        _cleanup_free_ char *signed_text = NULL;
        uint8_t signature[32];
        unsigned size = sizeof(signature);
        size_t l = strlen(text);

        signed_text = malloc(sizeof(prefix) + l);
        if (!signed_text)
                return -ENOMEM;
        memcpy(mempcpy(signed_text, prefix, sizeof(prefix)), text, l);
        if (!HMAC(EVP_sha256(), j->keys->sign, sizeof(j->keys->sign), (const uint8_t *) signed_text,
                  sizeof(prefix) + l, signature, &size))
                return -ENOMEM;
        hex_encode(signature, sizeof(signature), ret);
        return 0;
}

static int put_manifest(struct journal *j, struct journal_export *e, FILE *f) {
        char sha256[65], head[65], signature[65];
        _cleanup_free_ char *text = NULL;
        uint8_t digest[32];
        int64_t schema;
        int r;

        r = journal_query_number(j, "PRAGMA user_version", &schema);
        if (r < 0)
                return r;
        if (EVP_DigestFinal_ex(e->digest, digest, NULL) != 1)
                return -ENOMEM;
        hex_encode(digest, sizeof(digest), sha256);
        hex_encode(e->head, sizeof(e->head), head);
        if (asprintf(&text,
                     "{\"table\":\"manifest\",\"version\":%d,\"schema\":%" PRIi64 ",\"time_usec\":%" PRIu64
                     ",\"checkpoints\":%" PRIu64 ",\"events\":%" PRIu64 ",\"transactions\":%" PRIu64
                     ",\"faults\":%" PRIu64 ",\"head\":{\"seq\":%" PRIi64 ",\"hash\":\"%s\"},\"sha256\":\"%s\"",
                     VERSION, schema, journal_now(), e->counts[CHECKPOINTS], e->counts[EVENTS],
                     e->counts[TRANSACTIONS], e->counts[FAULTS], e->head_seq, head, sha256) < 0)
                return -ENOMEM;
        r = sign_manifest(j, text, signature);
        if (r < 0)
                return r;
        return fprintf(f, "%s,\"signature\":\"%s\"}\n", text, signature) > 0 ? 0 : -ENOMEM;
}

int journal_export_slice(struct journal *j, struct journal_export *e, char **ret_text, size_t *ret_size) {
        bool last = e->table == N_TABLES;
        char *text = NULL;
        size_t size = 0;
        FILE *f;
        int r;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        r = last ? put_manifest(j, e, f) : put_rows(j, e, f);
        if (fclose(f) != 0 && r >= 0)
                r = -ENOMEM;
        if (r >= 0 && !last && EVP_DigestUpdate(e->digest, text, size) != 1)
                r = -ENOMEM;
        if (r < 0) {
                free(text);
                return r;
        }
        *ret_text = text;
        *ret_size = size;
        return !last;
}

void journal_export_progress(const struct journal_export *e, uint64_t *ret_done, uint64_t *ret_total) {
        *ret_done = 0;
        for (unsigned i = 0; i < N_TABLES; i++)
                *ret_done += e->counts[i];
        *ret_total = MAX(e->total, *ret_done);
}
