// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/transaction.h"

#include "base/hex.h"
#include "base/secret.h"
#include "journal/column.h"
#include "journal/internal.h"

/* --- words --- */

static const char *const transaction_state_words[] = { "waiting-approval", "waiting-card", "card", "authorizing",
                                                       "done" };
static const char *const transaction_result_words[] = { "none",      "approved", "declined",
                                                        "cancelled", "failed",   "unconfirmed" };
static const char *const reversal_state_words[] = { "none", "pending", "done", "rejected", "resolved" };
static const char *const forwarding_state_words[] = { "none", "pending", "done", "rejected", "resolved" };
static const char *const entry_mode_words[] = { "none", "chip", "swipe", "fallback", "manual" };
static const char *const print_state_words[] = { "none",        "queued",    "printing",  "printed",
                                                 "unconfirmed", "cancelled", "electronic" };

DEFINE_WORDS(transaction_state, enum transaction_state, _TRANSACTION_STATE_MAX);
DEFINE_WORDS(transaction_result, enum transaction_result, _RESULT_MAX);
DEFINE_WORDS(reversal_state, enum reversal_state, _REVERSAL_STATE_MAX);
DEFINE_WORDS(forwarding_state, enum forwarding_state, _FORWARDING_STATE_MAX);
DEFINE_WORDS(entry_mode, enum entry_mode, _ENTRY_MODE_MAX);
DEFINE_WORDS(print_state, enum print_state, _PRINT_STATE_MAX);

/* --- columns --- */

/* F(type, column and member) and G(type, column, member), in the order of the statements below. */
#define FIXED_FIELDS(F, G)                                                                                            \
        F(TEXT, reference)                                                                                            \
        F(TEXT, kind)                                                                                                 \
        F(I64, amount)                                                                                                \
        F(TEXT, currency)                                                                                             \
        F(TEXT, options_digest)                                                                                       \
        G(TEXT, order_reference, order)                                                                               \
        F(I64, original)                                                                                              \
        F(U32, starter)                                                                                               \
        F(BOOL, electronic)                                                                                           \
        F(TEXT, operator_id)                                                                                          \
        F(TEXT, boot_id)                                                                                              \
        F(U64, started_usec)                                                                                          \
        F(U64, started_boot)
#define CHANGING_FIELDS(F)                                                                                            \
        F(STATE, state)                                                                                               \
        F(RESULT, result)                                                                                             \
        F(REVERSAL, reversal)                                                                                         \
        F(FORWARDING, forwarding)                                                                                     \
        F(TEXT, approver)                                                                                             \
        F(TEXT, reason)                                                                                               \
        F(TEXT, message)                                                                                              \
        F(ENTRY, entry)                                                                                               \
        F(TEXT, masked_pan)                                                                                           \
        F(INT, psn)                                                                                                   \
        F(TEXT, issuer)                                                                                               \
        F(TEXT, acquirer)                                                                                             \
        F(U32, stan)                                                                                                  \
        F(U32, batch)                                                                                                 \
        F(U32, voucher)                                                                                               \
        F(TEXT, rrn)                                                                                                  \
        F(TEXT, authorization_code)                                                                                   \
        F(TEXT, response_code)                                                                                        \
        F(TEXT, host_time)                                                                                            \
        F(TEXT, aid)                                                                                                  \
        F(TEXT, label)                                                                                                \
        F(TEXT, preferred_name)                                                                                       \
        F(TEXT, aip)                                                                                                  \
        F(TEXT, tvr)                                                                                                  \
        F(TEXT, tsi)                                                                                                  \
        F(TEXT, cryptogram)                                                                                           \
        F(TEXT, cryptogram_kind)                                                                                      \
        F(TEXT, atc)                                                                                                  \
        F(TEXT, iad)                                                                                                  \
        F(TEXT, cvm_result)                                                                                           \
        F(TEXT, terminal_capabilities)                                                                                \
        F(TEXT, script_results)                                                                                       \
        F(BOOL, signature)                                                                                            \
        F(BOOL, has_balance)                                                                                          \
        F(I64, balance)                                                                                               \
        F(U64, finished_usec)                                                                                         \
        F(U64, finished_boot)

#define FIELD_TEXT COLUMN_TEXT
#define FIELD_I64 COLUMN_I64
#define FIELD_U64 COLUMN_U64
#define FIELD_U32 COLUMN_U32
#define FIELD_INT COLUMN_INT
#define FIELD_BOOL COLUMN_BOOL
#define FIELD_STATE COLUMN_WORDS(transaction_state_words)
#define FIELD_RESULT COLUMN_WORDS(transaction_result_words)
#define FIELD_REVERSAL COLUMN_WORDS(reversal_state_words)
#define FIELD_FORWARDING COLUMN_WORDS(forwarding_state_words)
#define FIELD_ENTRY COLUMN_WORDS(entry_mode_words)
#define FIELD_PRINT COLUMN_WORDS(print_state_words)

#define FIELD(type, member) COLUMN_MEMBER(struct transaction_record, member, FIELD_##type),
#define FIELD_RENAMED(type, column, member) FIELD(type, member)

static const struct column fixed_fields[] = { FIXED_FIELDS(FIELD, FIELD_RENAMED) };
static const struct column changing_fields[] = { CHANGING_FIELDS(FIELD) };
static const struct column read_fields[] = { FIELD(TEXT, pan_hash) FIELD(BOOL, purged) FIELD(PRINT, print) };

#define N_FIXED ((int) ELEMENTSOF(fixed_fields))
#define N_CHANGING ((int) ELEMENTSOF(changing_fields))

#define COLUMN(type, column) #column ", "
#define COLUMN_RENAMED(type, column, member) #column ", "
#define MARK(type, column) "?, "
#define MARK_RENAMED(type, column, member) "?, "
#define SET(type, column) #column " = ?, "

/*
 * The earliest paper that is not printed and should be; else printed, when there was one; else what there is. A repeat
 * says nothing of a paper that is printed, nor one that was cancelled: only a repeat of what is electronic is the
 * paper.
 */
#define PRINT_OF(condition, order)                                                                                    \
        "(SELECT p.state FROM print_jobs p WHERE p.transaction_id = transactions.id AND " condition                   \
        " ORDER BY p.id" order " LIMIT 1)"
#define PRINT_COLUMN                                                                                                  \
        "coalesce(" PRINT_OF("p.original = 0 AND p.state NOT IN ('printed','electronic')", "") ", " PRINT_OF(         \
                "p.state = 'printed'", "") ", " PRINT_OF("p.state <> 'cancelled'", " DESC") ", 'none')"

#define SELECT_RECORD                                                                                                 \
        "SELECT id, " FIXED_FIELDS(COLUMN, COLUMN_RENAMED) CHANGING_FIELDS(COLUMN) "pan_hash, purged, " PRINT_COLUMN  \
                                                                                   " FROM transactions"

static const char sql_insert[] = "INSERT INTO transactions (" FIXED_FIELDS(COLUMN, COLUMN_RENAMED)
        CHANGING_FIELDS(COLUMN) "pan_hash) VALUES (" FIXED_FIELDS(MARK, MARK_RENAMED) CHANGING_FIELDS(MARK) "'')";
/* The last assignment changes nothing; it ends the list. */
static const char sql_update[] = "UPDATE transactions SET " CHANGING_FIELDS(SET) "pan_hash = pan_hash WHERE id = ?";
static const char sql_load[] = SELECT_RECORD " WHERE id = ?";
static const char sql_find[] = SELECT_RECORD " WHERE reference = ?";
static const char sql_find_stan[] = SELECT_RECORD " WHERE batch = ? AND stan = ? AND stan <> 0";
static const char sql_find_voucher[] = SELECT_RECORD " WHERE batch = ? AND voucher = ? AND voucher <> 0";

static int read_record(sqlite3_stmt *s, struct transaction_record *ret) {
        struct transaction_record record = { .id = sqlite3_column_int64(s, 0) };
        int r;

        r = columns_read(s, 1, fixed_fields, ELEMENTSOF(fixed_fields), &record);
        if (r < 0)
                return r;
        r = columns_read(s, 1 + N_FIXED, changing_fields, ELEMENTSOF(changing_fields), &record);
        if (r < 0)
                return r;
        r = columns_read(s, 1 + N_FIXED + N_CHANGING, read_fields, ELEMENTSOF(read_fields), &record);
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}

static int step_record(struct journal *j, sqlite3_stmt *s, struct transaction_record *ret) {
        int r = journal_step(j, s);

        if (r < 0)
                return r;
        return r == 0 ? -ENOENT : read_record(s, ret);
}

/* --- records --- */

void transaction_record_init(struct transaction_record *record) {
        *record = (struct transaction_record){ .psn = -1, .state = TRANSACTION_WAITING_CARD };
}

int transaction_record_insert(struct journal *j, struct transaction_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql_insert, &s);
        if (r < 0)
                return r;
        r = columns_bind(s, 1, fixed_fields, ELEMENTSOF(fixed_fields), record);
        if (r < 0)
                return r;
        r = columns_bind(s, 1 + N_FIXED, changing_fields, ELEMENTSOF(changing_fields), record);
        if (r < 0)
                return r;
        r = journal_run(j, s);
        if (r < 0)
                return r;
        record->id = sqlite3_last_insert_rowid(j->db);
        return 0;
}

static bool same_field(const struct column *field, const struct transaction_record *a,
                       const struct transaction_record *b) {
        const void *p = (const char *) a + field->offset, *q = (const char *) b + field->offset;

        return field->type == COLUMN_TEXT ? strncmp(p, q, field->size) == 0 : memcmp(p, q, field->size) == 0;
}

static bool result_may_become(enum transaction_result from, enum transaction_result to) {
        if (from == to || from == RESULT_NONE)
                return true;
        return from == RESULT_UNCONFIRMED && (to == RESULT_APPROVED || to == RESULT_DECLINED);
}

int transaction_record_update(struct journal *j, const struct transaction_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct transaction_record old;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = transaction_record_load(j, record->id, &old);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(fixed_fields); i++)
                if (!same_field(&fixed_fields[i], &old, record))
                        return -EPERM;
        if (!result_may_become(old.result, record->result))
                return -EALREADY;
        r = journal_statement(j, sql_update, &s);
        if (r < 0)
                return r;
        r = columns_bind(s, 1, changing_fields, ELEMENTSOF(changing_fields), record);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, N_CHANGING + 1, record->id);
        return journal_run(j, s);
}

int transaction_record_load(struct journal *j, int64_t id, struct transaction_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql_load, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        return step_record(j, s, ret);
}

int transaction_record_find(struct journal *j, const char *reference, struct transaction_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql_find, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, reference, -1, SQLITE_STATIC);
        return step_record(j, s, ret);
}

static int find_in_batch(struct journal *j, const char *sql, uint32_t batch, uint32_t number,
                         struct transaction_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, batch);
        (void) sqlite3_bind_int64(s, 2, number);
        return step_record(j, s, ret);
}

int transaction_record_find_stan(struct journal *j, uint32_t batch, uint32_t stan, struct transaction_record *ret) {
        return find_in_batch(j, sql_find_stan, batch, stan, ret);
}

int transaction_record_find_voucher(struct journal *j, uint32_t batch, uint32_t voucher,
                                    struct transaction_record *ret) {
        return find_in_batch(j, sql_find_voucher, batch, voucher, ret);
}

int transaction_record_each(struct journal *j, sqlite3_stmt *s, transaction_record_each_t each, void *userdata) {
        _cleanup_free_ int64_t *ids = NULL;
        struct transaction_record record;
        size_t n = 0;
        int r;

        r = journal_column_ids(j, s, &ids, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                r = transaction_record_load(j, ids[i], &record);
                if (r == 0)
                        r = each(&record, userdata);
        }
        return r;
}

int transaction_record_each_last(struct journal *j, unsigned limit, transaction_record_each_t each, void *userdata) {
        sqlite3_stmt *s;
        int r;

        r = journal_statement(j, "SELECT id FROM transactions ORDER BY id DESC LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, limit);
        return transaction_record_each(j, s, each, userdata);
}

int transaction_record_each_open(struct journal *j, transaction_record_each_t each, void *userdata) {
        sqlite3_stmt *s;
        int r;

        r = journal_statement(j, "SELECT id FROM transactions WHERE state <> 'done' ORDER BY id", &s);
        if (r < 0)
                return r;
        return transaction_record_each(j, s, each, userdata);
}

int transaction_record_each_order(struct journal *j, const char *order, transaction_record_each_t each,
                                  void *userdata) {
        sqlite3_stmt *s;
        int r;

        r = journal_statement(j,
                              "SELECT id FROM transactions WHERE order_reference = ? AND order_reference <> '' "
                              "ORDER BY id",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, order, -1, SQLITE_STATIC);
        return transaction_record_each(j, s, each, userdata);
}

int transaction_record_about(struct journal *j, int64_t original, const char *kind, unsigned *ret_count,
                             int64_t *ret_amount) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT count(*), coalesce(sum(amount), 0) FROM transactions t WHERE original = ?"
                              " AND original <> 0 AND kind = ? AND (result IN ('none', 'approved', 'unconfirmed') OR "
                              "reversal = 'rejected')"
                              " AND NOT EXISTS (SELECT 1 FROM transactions v WHERE v.original = t.id AND"
                              "  v.kind IN ('void', 'completion-void') AND v.result = 'approved')",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, original);
        (void) sqlite3_bind_text(s, 2, kind, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        if (ret_count)
                *ret_count = (unsigned) sqlite3_column_int64(s, 0);
        if (ret_amount)
                *ret_amount = sqlite3_column_int64(s, 1);
        return 0;
}

/* --- card number --- */

int transaction_pan_mask(const char *pan, char ret_mask[static 24]) {
        size_t l = strlen(pan);

        if (l < 12 || l > 19 || strspn(pan, "0123456789") != l)
                return -EINVAL;
        memset(ret_mask, 0, 24);
        memset(ret_mask, '*', l);
        memcpy(ret_mask, pan, 6);
        memcpy(ret_mask + l - 4, pan + l - 4, 4);
        return 0;
}

int transaction_pan_hash(struct journal *j, const char *pan, char ret_hash[static 65]) {
        return journal_pan_hash(j, pan, ret_hash);
}

int transaction_record_sum_card(struct journal *j, const char *pan_hash, uint32_t batch, const char *currency,
                                uint64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT coalesce(sum(amount), 0) FROM transactions WHERE pan_hash = ? AND pan_hash <> ''"
                              " AND batch = ? AND currency = ? AND kind = 'sale' AND result = 'approved'",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, pan_hash, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, batch);
        (void) sqlite3_bind_text(s, 3, currency, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        *ret = (uint64_t) sqlite3_column_int64(s, 0);
        return 0;
}

int transaction_record_set_pan(struct journal *j, struct transaction_record *record, const char *pan) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint8_t sealed[PAN_TEXT_MAX - 1 + SEAL_OVERHEAD];
        struct transaction_record old;
        char mask[24], hash[65];
        size_t l = strlen(pan);
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = transaction_pan_mask(pan, mask);
        if (r < 0)
                return r;
        r = journal_pan_hash(j, pan, hash);
        if (r < 0)
                return r;
        r = transaction_record_load(j, record->id, &old);
        if (r < 0)
                return r;
        if (!isempty(old.pan_hash) && !streq(old.pan_hash, hash))
                return -EALREADY;
        r = journal_seal(j, "transaction.pan", record->id, pan, l, sealed);
        if (r < 0)
                return r;
        r = journal_statement(j, "UPDATE transactions SET masked_pan = ?, pan_hash = ?, pan_sealed = ? WHERE id = ?",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, mask, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 2, hash, -1, SQLITE_STATIC);
        (void) sqlite3_bind_blob(s, 3, sealed, (int) (l + SEAL_OVERHEAD), SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 4, record->id);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        memcpy(record->masked_pan, mask, sizeof(mask));
        memcpy(record->pan_hash, hash, sizeof(hash));
        return 0;
}

int transaction_record_get_pan(struct journal *j, int64_t id, char ret_pan[static PAN_TEXT_MAX]) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char pan[PAN_TEXT_MAX] = {};
        WIPE_AT_END(pan);
        int size, r;

        r = journal_statement(j, "SELECT pan_sealed FROM transactions WHERE id = ? AND pan_sealed IS NOT NULL", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        size = sqlite3_column_bytes(s, 0);
        if (size < SEAL_OVERHEAD || size > (int) sizeof(pan) - 1 + SEAL_OVERHEAD)
                return -EBADMSG;
        r = journal_unseal(j, "transaction.pan", id, sqlite3_column_blob(s, 0), (size_t) size, pan);
        if (r < 0)
                return r;
        memcpy(ret_pan, pan, sizeof(pan));
        return 0;
}

int transaction_record_drop_pan(struct journal *j, int64_t id) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "UPDATE transactions SET pan_sealed = NULL WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        return journal_run_one(j, s);
}
