// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/migration.h"

#include "journal/internal.h"

/* Names are spelt out in CHECKs so that no version of the program can write a word that another cannot read. */
static const char schema_1[] =
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE transactions ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " reference TEXT NOT NULL UNIQUE CHECK (length(reference) BETWEEN 1 AND 64),"
        " kind TEXT NOT NULL CHECK (kind <> ''),"
        " amount INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),"
        " currency TEXT NOT NULL,"
        " options_digest TEXT NOT NULL,"
        " order_reference TEXT NOT NULL,"
        " original INTEGER NOT NULL,"
        " starter INTEGER NOT NULL,"
        " operator_id TEXT NOT NULL,"
        " boot_id TEXT NOT NULL,"
        " started_usec INTEGER NOT NULL,"
        " started_boot INTEGER NOT NULL,"
        " state TEXT NOT NULL CHECK (state IN ('waiting-card','card','authorizing','done')),"
        " result TEXT NOT NULL CHECK (result IN"
        "  ('none','approved','declined','cancelled','failed','unconfirmed')),"
        " reversal TEXT NOT NULL CHECK (reversal IN ('none','pending','done','rejected')),"
        " reason TEXT NOT NULL,"
        " message TEXT NOT NULL,"
        " entry TEXT NOT NULL CHECK (entry IN ('none','chip','swipe','fallback','manual')),"
        " masked_pan TEXT NOT NULL CHECK (length(masked_pan) <= 10 OR masked_pan LIKE '%*%'),"
        " pan_hash TEXT NOT NULL,"
        " pan_sealed BLOB,"
        " psn INTEGER NOT NULL,"
        " issuer TEXT NOT NULL,"
        " acquirer TEXT NOT NULL,"
        " stan INTEGER NOT NULL CHECK (stan BETWEEN 0 AND 999999),"
        " batch INTEGER NOT NULL CHECK (batch BETWEEN 0 AND 999999),"
        " voucher INTEGER NOT NULL CHECK (voucher BETWEEN 0 AND 999999),"
        " rrn TEXT NOT NULL,"
        " authorization_code TEXT NOT NULL,"
        " response_code TEXT NOT NULL,"
        " host_time TEXT NOT NULL,"
        " aid TEXT NOT NULL,"
        " label TEXT NOT NULL,"
        " preferred_name TEXT NOT NULL,"
        " aip TEXT NOT NULL,"
        " tvr TEXT NOT NULL,"
        " tsi TEXT NOT NULL,"
        " cryptogram TEXT NOT NULL,"
        " cryptogram_kind TEXT NOT NULL,"
        " atc TEXT NOT NULL,"
        " iad TEXT NOT NULL,"
        " cvm_result TEXT NOT NULL,"
        " terminal_capabilities TEXT NOT NULL,"
        " signature INTEGER NOT NULL CHECK (signature IN (0,1)),"
        " finished_usec INTEGER NOT NULL,"
        " finished_boot INTEGER NOT NULL,"
        " CHECK ((state = 'done') = (result <> 'none'))"
        ") STRICT;"
        "CREATE INDEX transactions_open ON transactions (id) WHERE state <> 'done';"
        "CREATE INDEX transactions_order ON transactions (order_reference) WHERE order_reference <> '';"
        "CREATE INDEX transactions_original ON transactions (original) WHERE original <> 0;"
        "CREATE UNIQUE INDEX transactions_stan ON transactions (batch, stan) WHERE stan <> 0;"
        "CREATE UNIQUE INDEX transactions_voucher ON transactions (batch, voucher) WHERE voucher <> 0;"
        "CREATE TRIGGER transactions_result BEFORE UPDATE OF result ON transactions"
        " WHEN NEW.result <> OLD.result AND OLD.result <> 'none'"
        "  AND NOT (OLD.result = 'unconfirmed' AND NEW.result IN ('approved','declined'))"
        " BEGIN SELECT RAISE(ABORT, 'final: the result is set'); END;"
        "CREATE TRIGGER transactions_state BEFORE UPDATE OF state ON transactions"
        " WHEN OLD.state = 'done' AND NEW.state <> 'done'"
        " BEGIN SELECT RAISE(ABORT, 'final: the transaction is done'); END;"
        "CREATE TRIGGER transactions_reversal BEFORE UPDATE OF reversal ON transactions"
        " WHEN OLD.reversal = 'done' AND NEW.reversal <> 'done'"
        " BEGIN SELECT RAISE(ABORT, 'final: the reversal is done'); END;"
        "CREATE TRIGGER transactions_fixed BEFORE UPDATE OF"
        "  id, reference, kind, amount, currency, options_digest, order_reference, original, starter,"
        "  operator_id, boot_id, started_usec, started_boot ON transactions"
        " BEGIN SELECT RAISE(ABORT, 'fixed: what was asked for does not change'); END;"
        "CREATE TRIGGER transactions_kept BEFORE DELETE ON transactions"
        " BEGIN SELECT RAISE(ABORT, 'fixed: a reference is kept for ever'); END;"
        "CREATE TABLE reversals ("
        " transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),"
        " reason TEXT NOT NULL,"
        " armed INTEGER NOT NULL CHECK (armed IN (0,1)),"
        " attempts INTEGER NOT NULL,"
        " next_usec INTEGER NOT NULL,"
        " next_boot INTEGER NOT NULL,"
        " last_answer TEXT NOT NULL,"
        " created_usec INTEGER NOT NULL,"
        " request_sealed BLOB NOT NULL"
        ") STRICT;"
        "CREATE TABLE print_jobs ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " transaction_id INTEGER REFERENCES transactions (id),"
        " what TEXT NOT NULL CHECK (what <> ''),"
        " duplicate INTEGER NOT NULL CHECK (duplicate IN (0,1)),"
        " state TEXT NOT NULL CHECK (state IN ('queued','printing','printed','unconfirmed','cancelled')),"
        " created_usec INTEGER NOT NULL,"
        " content BLOB NOT NULL"
        ") STRICT;"
        "CREATE INDEX print_jobs_open ON print_jobs (id) WHERE state IN ('queued','printing');"
        "CREATE INDEX print_jobs_transaction ON print_jobs (transaction_id, id);"
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE wrapped_keys (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE events ("
        " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
        " time_usec INTEGER NOT NULL,"
        " transaction_id INTEGER NOT NULL,"
        " kind TEXT NOT NULL,"
        " text TEXT NOT NULL,"
        " hash BLOB NOT NULL CHECK (length(hash) = 32)"
        ") STRICT;"
        "CREATE INDEX events_transaction ON events (transaction_id, seq) WHERE transaction_id <> 0;"
        "CREATE TRIGGER events_fixed BEFORE UPDATE ON events"
        " BEGIN SELECT RAISE(ABORT, 'fixed: events do not change'); END;"
        "CREATE TRIGGER events_kept BEFORE DELETE ON events"
        " BEGIN SELECT RAISE(ABORT, 'fixed: events are kept'); END;";

static const char schema_2[] = "ALTER TABLE transactions ADD COLUMN script_results TEXT NOT NULL DEFAULT '';"
                               "CREATE INDEX transactions_pan ON transactions (pan_hash, batch) WHERE pan_hash <> '';";

/* Approval, forwarding and balance: new words in a CHECK need the table anew (sqlite.org, "ALTER TABLE", 7). */
static const char schema_3[] =
        "CREATE TABLE transactions_3 ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " reference TEXT NOT NULL UNIQUE CHECK (length(reference) BETWEEN 1 AND 64),"
        " kind TEXT NOT NULL CHECK (kind <> ''),"
        " amount INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),"
        " currency TEXT NOT NULL,"
        " options_digest TEXT NOT NULL,"
        " order_reference TEXT NOT NULL,"
        " original INTEGER NOT NULL,"
        " starter INTEGER NOT NULL,"
        " operator_id TEXT NOT NULL,"
        " boot_id TEXT NOT NULL,"
        " started_usec INTEGER NOT NULL,"
        " started_boot INTEGER NOT NULL,"
        " state TEXT NOT NULL CHECK (state IN ('waiting-approval','waiting-card','card','authorizing','done')),"
        " result TEXT NOT NULL CHECK (result IN"
        "  ('none','approved','declined','cancelled','failed','unconfirmed')),"
        " reversal TEXT NOT NULL CHECK (reversal IN ('none','pending','done','rejected','resolved')),"
        " reason TEXT NOT NULL,"
        " message TEXT NOT NULL,"
        " entry TEXT NOT NULL CHECK (entry IN ('none','chip','swipe','fallback','manual')),"
        " masked_pan TEXT NOT NULL CHECK (length(masked_pan) <= 10 OR masked_pan LIKE '%*%'),"
        " pan_hash TEXT NOT NULL,"
        " pan_sealed BLOB,"
        " psn INTEGER NOT NULL,"
        " issuer TEXT NOT NULL,"
        " acquirer TEXT NOT NULL,"
        " stan INTEGER NOT NULL CHECK (stan BETWEEN 0 AND 999999),"
        " batch INTEGER NOT NULL CHECK (batch BETWEEN 0 AND 999999),"
        " voucher INTEGER NOT NULL CHECK (voucher BETWEEN 0 AND 999999),"
        " rrn TEXT NOT NULL,"
        " authorization_code TEXT NOT NULL,"
        " response_code TEXT NOT NULL,"
        " host_time TEXT NOT NULL,"
        " aid TEXT NOT NULL,"
        " label TEXT NOT NULL,"
        " preferred_name TEXT NOT NULL,"
        " aip TEXT NOT NULL,"
        " tvr TEXT NOT NULL,"
        " tsi TEXT NOT NULL,"
        " cryptogram TEXT NOT NULL,"
        " cryptogram_kind TEXT NOT NULL,"
        " atc TEXT NOT NULL,"
        " iad TEXT NOT NULL,"
        " cvm_result TEXT NOT NULL,"
        " terminal_capabilities TEXT NOT NULL,"
        " signature INTEGER NOT NULL CHECK (signature IN (0,1)),"
        " finished_usec INTEGER NOT NULL,"
        " finished_boot INTEGER NOT NULL,"
        " script_results TEXT NOT NULL,"
        " approver TEXT NOT NULL,"
        " forwarding TEXT NOT NULL CHECK (forwarding IN ('none','pending','done','rejected','resolved')),"
        " has_balance INTEGER NOT NULL CHECK (has_balance IN (0,1)),"
        " balance INTEGER NOT NULL,"
        " CHECK ((state = 'done') = (result <> 'none'))"
        ") STRICT;"
        "INSERT INTO transactions_3 SELECT"
        "  id, reference, kind, amount, currency, options_digest, order_reference, original, "
        "  starter, operator_id, boot_id, started_usec, started_boot, state, result, reversal, "
        "  reason, message, entry, masked_pan, pan_hash, pan_sealed, psn, issuer, acquirer, "
        "  stan, batch, voucher, rrn, authorization_code, response_code, host_time, aid, label, "
        "  preferred_name, aip, tvr, tsi, cryptogram, cryptogram_kind, atc, iad, cvm_result, "
        "  terminal_capabilities, signature, finished_usec, finished_boot,"
        "  script_results, '', 'none', 0, 0 FROM transactions;"
        "DROP TABLE transactions;"
        "ALTER TABLE transactions_3 RENAME TO transactions;"
        "CREATE INDEX transactions_open ON transactions (id) WHERE state <> 'done';"
        "CREATE INDEX transactions_order ON transactions (order_reference) WHERE order_reference <> '';"
        "CREATE INDEX transactions_original ON transactions (original) WHERE original <> 0;"
        "CREATE UNIQUE INDEX transactions_stan ON transactions (batch, stan) WHERE stan <> 0;"
        "CREATE UNIQUE INDEX transactions_voucher ON transactions (batch, voucher) WHERE voucher <> 0;"
        "CREATE INDEX transactions_pan ON transactions (pan_hash, batch) WHERE pan_hash <> '';"
        "CREATE TRIGGER transactions_result BEFORE UPDATE OF result ON transactions"
        " WHEN NEW.result <> OLD.result AND OLD.result <> 'none'"
        "  AND NOT (OLD.result = 'unconfirmed' AND NEW.result IN ('approved','declined'))"
        " BEGIN SELECT RAISE(ABORT, 'final: the result is set'); END;"
        "CREATE TRIGGER transactions_state BEFORE UPDATE OF state ON transactions"
        " WHEN OLD.state = 'done' AND NEW.state <> 'done'"
        " BEGIN SELECT RAISE(ABORT, 'final: the transaction is done'); END;"
        "CREATE TRIGGER transactions_reversal BEFORE UPDATE OF reversal ON transactions"
        " WHEN OLD.reversal IN ('done','resolved') AND NEW.reversal <> OLD.reversal"
        " BEGIN SELECT RAISE(ABORT, 'final: the reversal has ended'); END;"
        "CREATE TRIGGER transactions_fixed BEFORE UPDATE OF"
        "  id, reference, kind, amount, currency, options_digest, order_reference, original, starter,"
        "  operator_id, boot_id, started_usec, started_boot ON transactions"
        " BEGIN SELECT RAISE(ABORT, 'fixed: what was asked for does not change'); END;"
        "CREATE TRIGGER transactions_kept BEFORE DELETE ON transactions"
        " BEGIN SELECT RAISE(ABORT, 'fixed: a reference is kept for ever'); END;";

static const char schema_uptime[] = "CREATE TABLE uptime ("
                                    " one INTEGER PRIMARY KEY CHECK (one = 1),"
                                    " boot_id TEXT NOT NULL CHECK (length(boot_id) = 32),"
                                    " base_usec INTEGER NOT NULL CHECK (base_usec >= 0),"
                                    " total_usec INTEGER NOT NULL CHECK (total_usec >= base_usec)"
                                    ") STRICT;";

static const char schema_operators[] = "CREATE TABLE operators ("
                                       " number TEXT PRIMARY KEY CHECK (number GLOB '[0-9][0-9]'),"
                                       " role TEXT NOT NULL CHECK (role IN ('cashier','supervisor','administrator')),"
                                       " cost INTEGER NOT NULL,"
                                       " salt BLOB NOT NULL CHECK (length(salt) = 16),"
                                       " hash_sealed BLOB NOT NULL,"
                                       " wrong_codes INTEGER NOT NULL CHECK (wrong_codes >= 0),"
                                       " locks INTEGER NOT NULL CHECK (locks >= 0),"
                                       " locked_until INTEGER NOT NULL CHECK (locked_until >= 0)"
                                       ") STRICT, WITHOUT ROWID;"
                                       "CREATE TABLE log_on ("
                                       " one INTEGER PRIMARY KEY CHECK (one = 1),"
                                       " number TEXT NOT NULL REFERENCES operators (number) ON DELETE CASCADE"
                                       ") STRICT;"
                                       "CREATE INDEX log_on_number ON log_on (number);";

/* A request is not forgotten while the acquirer has not said what becomes of it. */
static const char schema_forwards[] =
        "CREATE TABLE forwards ("
        " transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),"
        " sent INTEGER NOT NULL CHECK (sent IN (0,1)),"
        " attempts INTEGER NOT NULL,"
        " next_usec INTEGER NOT NULL,"
        " next_boot INTEGER NOT NULL,"
        " last_answer TEXT NOT NULL,"
        " created_usec INTEGER NOT NULL,"
        " created_uptime INTEGER NOT NULL,"
        " request_sealed BLOB NOT NULL"
        ") STRICT;"
        "CREATE TRIGGER forwards_kept BEFORE DELETE ON forwards"
        " WHEN (SELECT forwarding FROM transactions WHERE id = OLD.transaction_id) = 'pending'"
        " BEGIN SELECT RAISE(ABORT, 'final: the acquirer has not been told'); END;";

/* What a batch came to does not change once the acquirer is asked about it. */
static const char schema_batches[] =
        "CREATE TABLE batches ("
        " number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 999999),"
        " state TEXT NOT NULL CHECK (state IN ('frozen','uploading','settled')),"
        " currency TEXT NOT NULL,"
        " reconciliation TEXT NOT NULL CHECK (reconciliation IN ('none','balanced','unequal')),"
        " totals TEXT NOT NULL,"
        " settlement INTEGER NOT NULL,"
        " details_to INTEGER NOT NULL,"
        " chips_to INTEGER NOT NULL,"
        " uploaded INTEGER NOT NULL,"
        " opened_usec INTEGER NOT NULL,"
        " frozen_usec INTEGER NOT NULL,"
        " settled_usec INTEGER NOT NULL,"
        " CHECK ((state = 'frozen') = (reconciliation = 'none'))"
        ") STRICT;"
        "CREATE UNIQUE INDEX batches_unsettled ON batches ((state <> 'settled')) WHERE state <> 'settled';"
        "CREATE TRIGGER batches_settled BEFORE UPDATE ON batches WHEN OLD.state = 'settled'"
        " BEGIN SELECT RAISE(ABORT, 'final: the batch is settled'); END;"
        "CREATE TRIGGER batches_fixed BEFORE UPDATE OF number, currency, totals, opened_usec, frozen_usec ON batches"
        " BEGIN SELECT RAISE(ABORT, 'fixed: a frozen batch does not change'); END;"
        "CREATE TRIGGER batches_kept BEFORE DELETE ON batches"
        " BEGIN SELECT RAISE(ABORT, 'fixed: batches are kept'); END;"
        "CREATE TABLE batch_totals ("
        " batch INTEGER NOT NULL,"
        " kind TEXT NOT NULL,"
        " count INTEGER NOT NULL CHECK (count > 0),"
        " amount INTEGER NOT NULL,"
        " PRIMARY KEY (batch, kind)"
        ") STRICT, WITHOUT ROWID;"
        "CREATE TRIGGER batch_totals_fixed BEFORE UPDATE ON batch_totals"
        " BEGIN SELECT RAISE(ABORT, 'fixed: the totals of a frozen batch do not change'); END;"
        "CREATE TRIGGER batch_totals_kept BEFORE DELETE ON batch_totals"
        " BEGIN SELECT RAISE(ABORT, 'fixed: batches are kept'); END;"
        "CREATE TABLE chip_records ("
        " transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),"
        " icc_sealed BLOB NOT NULL"
        ") STRICT;";

/* Signatures are made anew under a new storage key; all else of a checkpoint stays. */
static const char schema_checkpoints[] =
        "CREATE TABLE checkpoints ("
        " number INTEGER PRIMARY KEY AUTOINCREMENT,"
        " seq INTEGER NOT NULL UNIQUE,"
        " time_usec INTEGER NOT NULL,"
        " hash BLOB NOT NULL CHECK (length(hash) = 32),"
        " signature BLOB NOT NULL CHECK (length(signature) = 32)"
        ") STRICT;"
        "CREATE TRIGGER checkpoints_fixed BEFORE UPDATE OF number, seq, time_usec, hash ON checkpoints"
        " BEGIN SELECT RAISE(ABORT, 'fixed: checkpoints do not change'); END;"
        "CREATE TRIGGER checkpoints_kept BEFORE DELETE ON checkpoints"
        " BEGIN SELECT RAISE(ABORT, 'fixed: checkpoints are kept for ever'); END;"
        "CREATE TABLE event_base ("
        " one INTEGER PRIMARY KEY CHECK (one = 1),"
        " seq INTEGER NOT NULL REFERENCES checkpoints (seq)"
        ") STRICT;"
        "CREATE INDEX event_base_seq ON event_base (seq);"
        "DROP TRIGGER events_kept;"
        "CREATE TRIGGER events_kept BEFORE DELETE ON events"
        " WHEN OLD.seq > coalesce((SELECT seq FROM event_base), 0)"
        " BEGIN SELECT RAISE(ABORT, 'fixed: events are kept'); END;";

/* What a purge leaves of a transaction is final. */
static const char schema_purge[] =
        "ALTER TABLE transactions ADD COLUMN purged INTEGER NOT NULL DEFAULT 0 CHECK (purged IN (0,1));"
        "CREATE INDEX transactions_whole ON transactions (id) WHERE purged = 0;"
        "CREATE TRIGGER transactions_purge BEFORE UPDATE OF purged ON transactions"
        " WHEN NEW.purged = 1 AND (OLD.state <> 'done' OR OLD.result = 'unconfirmed'"
        "  OR OLD.reversal IN ('pending','rejected') OR OLD.forwarding IN ('pending','rejected'))"
        " BEGIN SELECT RAISE(ABORT, 'fixed: something is owed'); END;"
        "CREATE TRIGGER transactions_purged BEFORE UPDATE ON transactions WHEN OLD.purged = 1"
        " BEGIN SELECT RAISE(ABORT, 'final: the transaction was purged'); END;"
        "CREATE TRIGGER print_jobs_kept BEFORE DELETE ON print_jobs WHEN OLD.state IN ('queued','printing')"
        " BEGIN SELECT RAISE(ABORT, 'fixed: a paper is owed'); END;";

/* Open faults, and what is wrong with transactions, are found at once in any number of rows. */
static const char schema_faults[] =
        "CREATE TABLE faults ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 39),"
        " subject TEXT NOT NULL CHECK (length(subject) <= 39),"
        " class TEXT NOT NULL CHECK (class IN ('hardware','software','card','network','configuration')),"
        " severity TEXT NOT NULL CHECK (severity IN ('warning','error','critical')),"
        " detail TEXT NOT NULL,"
        " transaction_id INTEGER NOT NULL,"
        " count INTEGER NOT NULL CHECK (count > 0),"
        " opened_usec INTEGER NOT NULL,"
        " seen_usec INTEGER NOT NULL,"
        " acknowledged_usec INTEGER NOT NULL DEFAULT 0,"
        " acknowledged_by TEXT NOT NULL DEFAULT '',"
        " ended_usec INTEGER NOT NULL DEFAULT 0,"
        " ended_by TEXT NOT NULL DEFAULT '',"
        " note TEXT NOT NULL DEFAULT ''"
        ") STRICT;"
        "CREATE UNIQUE INDEX faults_open ON faults (code, subject) WHERE ended_usec = 0;"
        "CREATE TRIGGER faults_fixed BEFORE UPDATE OF id, code, subject, class, severity, opened_usec ON faults"
        " BEGIN SELECT RAISE(ABORT, 'fixed: what a fault is does not change'); END;"
        "CREATE TRIGGER faults_ended BEFORE UPDATE ON faults WHEN OLD.ended_usec <> 0"
        " BEGIN SELECT RAISE(ABORT, 'final: the fault has ended'); END;"
        "CREATE TRIGGER faults_kept BEFORE DELETE ON faults WHEN OLD.ended_usec = 0"
        " BEGIN SELECT RAISE(ABORT, 'fixed: open faults are kept'); END;"
        "CREATE INDEX transactions_trouble ON transactions (id) WHERE reversal = 'rejected'"
        "  OR forwarding = 'rejected' OR result = 'unconfirmed';";

/* How a batch that the acquirer keeps refusing ends: a new word in a CHECK needs the table anew. */
static const char schema_agreement[] =
        "CREATE TABLE batches_agreement ("
        " number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 999999),"
        " state TEXT NOT NULL CHECK (state IN ('frozen','uploading','settled')),"
        " currency TEXT NOT NULL,"
        " reconciliation TEXT NOT NULL CHECK (reconciliation IN ('none','balanced','unequal','by-agreement')),"
        " totals TEXT NOT NULL,"
        " settlement INTEGER NOT NULL,"
        " details_to INTEGER NOT NULL,"
        " chips_to INTEGER NOT NULL,"
        " uploaded INTEGER NOT NULL,"
        " opened_usec INTEGER NOT NULL,"
        " frozen_usec INTEGER NOT NULL,"
        " settled_usec INTEGER NOT NULL,"
        " CHECK ((state = 'frozen') = (reconciliation = 'none')),"
        " CHECK (state = 'settled' OR reconciliation <> 'by-agreement')"
        ") STRICT;"
        "INSERT INTO batches_agreement SELECT number, state, currency, reconciliation, totals, settlement, details_to,"
        "  chips_to, uploaded, opened_usec, frozen_usec, settled_usec FROM batches;"
        "DROP TABLE batches;"
        "ALTER TABLE batches_agreement RENAME TO batches;"
        "CREATE UNIQUE INDEX batches_unsettled ON batches ((state <> 'settled')) WHERE state <> 'settled';"
        "CREATE TRIGGER batches_settled BEFORE UPDATE ON batches WHEN OLD.state = 'settled'"
        " BEGIN SELECT RAISE(ABORT, 'final: the batch is settled'); END;"
        "CREATE TRIGGER batches_fixed BEFORE UPDATE OF number, currency, totals, opened_usec, frozen_usec ON batches"
        " BEGIN SELECT RAISE(ABORT, 'fixed: a frozen batch does not change'); END;"
        "CREATE TRIGGER batches_kept BEFORE DELETE ON batches"
        " BEGIN SELECT RAISE(ABORT, 'fixed: batches are kept'); END;";

/* What is in a journal already has been there since the first of these. */
static const char schema_age[] = "CREATE TABLE age_marks ("
                                 " uptime_usec INTEGER PRIMARY KEY CHECK (uptime_usec >= 0),"
                                 " time_usec INTEGER NOT NULL,"
                                 " transaction_id INTEGER NOT NULL,"
                                 " print_job_id INTEGER NOT NULL,"
                                 " event_seq INTEGER NOT NULL"
                                 ") STRICT;";

/* What the acquirer was told, or a supervisor has resolved, is not told again; what waits for it is not forgotten. */
static const char schema_forwarding[] =
        "CREATE TRIGGER transactions_forwarding BEFORE UPDATE OF forwarding ON transactions"
        " WHEN NEW.forwarding <> OLD.forwarding AND (OLD.forwarding IN ('done','resolved')"
        "  OR OLD.forwarding = 'rejected' AND NEW.forwarding <> 'resolved'"
        "  OR OLD.forwarding = 'pending' AND NEW.forwarding = 'none')"
        " BEGIN SELECT RAISE(ABORT, 'final: the forwarding has ended'); END;";

/* Who asked for a paper, which one it repeats, and one that is kept without paper: a word in a CHECK, as above. */
static const char schema_reprints[] =
        "CREATE TABLE print_jobs_reprints ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " transaction_id INTEGER REFERENCES transactions (id),"
        " what TEXT NOT NULL CHECK (what <> ''),"
        " duplicate INTEGER NOT NULL CHECK (duplicate IN (0,1)),"
        " original INTEGER NOT NULL DEFAULT 0,"
        " reprint INTEGER NOT NULL DEFAULT 0,"
        " operator_id TEXT NOT NULL DEFAULT '',"
        " uid INTEGER NOT NULL DEFAULT -1,"
        " state TEXT NOT NULL CHECK"
        "  (state IN ('queued','printing','printed','unconfirmed','cancelled','electronic')),"
        " created_usec INTEGER NOT NULL,"
        " content BLOB NOT NULL,"
        " CHECK ((original = 0) = (reprint = 0))"
        ") STRICT;"
        "INSERT INTO print_jobs_reprints (id, transaction_id, what, duplicate, original, reprint, state, created_usec,"
        "  content)"
        " SELECT id, transaction_id, what, duplicate, CASE WHEN again > 0 THEN first ELSE 0 END, again, state,"
        "  created_usec, content FROM (SELECT *,"
        "  CASE WHEN duplicate = 0 OR transaction_id IS NULL THEN 0"
        "   ELSE row_number() OVER (PARTITION BY transaction_id, what ORDER BY id) - 1 END AS again,"
        "  min(id) OVER (PARTITION BY transaction_id, what) AS first FROM print_jobs);"
        "DELETE FROM sqlite_sequence WHERE name = 'print_jobs_reprints';"
        "INSERT INTO sqlite_sequence (name, seq)"
        " SELECT 'print_jobs_reprints', seq FROM sqlite_sequence WHERE name = 'print_jobs';"
        "DROP TABLE print_jobs;"
        "ALTER TABLE print_jobs_reprints RENAME TO print_jobs;"
        "CREATE INDEX print_jobs_open ON print_jobs (id) WHERE state IN ('queued','printing');"
        "CREATE INDEX print_jobs_transaction ON print_jobs (transaction_id, id);"
        "CREATE INDEX print_jobs_original ON print_jobs (original) WHERE original <> 0;"
        "CREATE TRIGGER print_jobs_kept BEFORE DELETE ON print_jobs WHEN OLD.state IN ('queued','printing')"
        " BEGIN SELECT RAISE(ABORT, 'fixed: a paper is owed'); END;"
        "ALTER TABLE transactions ADD COLUMN electronic INTEGER NOT NULL DEFAULT 0 CHECK (electronic IN (0,1));";

/* What takes back what the acquirer was told about the merchant's phone. */
static const char schema_withdrawals[] = "CREATE TABLE withdrawals ("
                                         " transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),"
                                         " armed INTEGER NOT NULL CHECK (armed IN (0,1)),"
                                         " attempts INTEGER NOT NULL,"
                                         " next_usec INTEGER NOT NULL,"
                                         " next_boot INTEGER NOT NULL,"
                                         " last_answer TEXT NOT NULL,"
                                         " created_usec INTEGER NOT NULL,"
                                         " request_sealed BLOB NOT NULL"
                                         ") STRICT;";

/* The bound phone, its changes, who is told, and what they are told. */
static const char schema_bindings[] =
        "CREATE TABLE bindings ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " phone_sealed BLOB NOT NULL,"
        " serial TEXT NOT NULL,"
        " terminal TEXT NOT NULL,"
        " bound_by TEXT NOT NULL,"
        " since_usec INTEGER NOT NULL CHECK (since_usec > 0),"
        " ended_usec INTEGER NOT NULL"
        ") STRICT;"
        "CREATE UNIQUE INDEX bindings_in_force ON bindings ((ended_usec = 0)) WHERE ended_usec = 0;"
        "CREATE TRIGGER bindings_fixed BEFORE UPDATE OF id, serial, terminal, bound_by, since_usec ON bindings"
        " BEGIN SELECT RAISE(ABORT, 'fixed: what was bound does not change'); END;"
        "CREATE TRIGGER bindings_ended BEFORE UPDATE OF ended_usec ON bindings WHEN OLD.ended_usec <> 0"
        " BEGIN SELECT RAISE(ABORT, 'final: the binding has ended'); END;"
        "CREATE TRIGGER bindings_kept BEFORE DELETE ON bindings"
        " BEGIN SELECT RAISE(ABORT, 'fixed: bindings are kept'); END;"
        "CREATE TABLE rebinds ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " kind TEXT NOT NULL CHECK (kind IN ('first','change','lost')),"
        " step TEXT NOT NULL CHECK (step IN"
        "  ('check','backup','codes','wait','confirm','test','committed','rolled-back')),"
        " failed TEXT NOT NULL CHECK (failed IN ('check','backup','codes','wait','confirm','test')),"
        " reason TEXT NOT NULL,"
        " phone_sealed BLOB NOT NULL,"
        " serial TEXT NOT NULL,"
        " terminal TEXT NOT NULL,"
        " begun_by TEXT NOT NULL,"
        " resumes INTEGER NOT NULL,"
        " old_given INTEGER NOT NULL CHECK (old_given IN (0,1)),"
        " new_given INTEGER NOT NULL CHECK (new_given IN (0,1)),"
        " started_usec INTEGER NOT NULL,"
        " step_uptime INTEGER NOT NULL,"
        " wait_usec INTEGER NOT NULL,"
        " told_uptime INTEGER NOT NULL,"
        " ended_usec INTEGER NOT NULL,"
        " confirm INTEGER NOT NULL,"
        " backup TEXT NOT NULL,"
        " backup_digest TEXT NOT NULL,"
        " CHECK ((step IN ('committed','rolled-back')) = (ended_usec <> 0)),"
        " CHECK (step <> 'rolled-back' OR reason <> ''),"
        " CHECK (step <> 'committed' OR reason = '')"
        ") STRICT;"
        "CREATE UNIQUE INDEX rebinds_open ON rebinds ((ended_usec = 0)) WHERE ended_usec = 0;"
        "CREATE TRIGGER rebinds_fixed BEFORE UPDATE OF id, kind, serial, terminal, resumes, started_usec, wait_usec"
        " ON rebinds BEGIN SELECT RAISE(ABORT, 'fixed: what was asked for does not change'); END;"
        "CREATE TRIGGER rebinds_ended BEFORE UPDATE OF step, reason, ended_usec ON rebinds WHEN OLD.ended_usec <> 0"
        " BEGIN SELECT RAISE(ABORT, 'final: the rebind has ended'); END;"
        "CREATE TRIGGER rebinds_kept BEFORE DELETE ON rebinds"
        " BEGIN SELECT RAISE(ABORT, 'fixed: rebinds are kept'); END;"
        "CREATE TABLE rebind_codes ("
        " rebind INTEGER NOT NULL REFERENCES rebinds (id),"
        " holder TEXT NOT NULL CHECK (holder IN ('old','new','contact')),"
        " contact INTEGER NOT NULL,"
        " salt BLOB NOT NULL CHECK (length(salt) = 16),"
        " hash BLOB NOT NULL CHECK (length(hash) = 32),"
        " wrong INTEGER NOT NULL,"
        " made_uptime INTEGER NOT NULL,"
        " PRIMARY KEY (rebind, holder, contact)"
        ") STRICT, WITHOUT ROWID;"
        "CREATE TABLE rebind_limits ("
        " one INTEGER PRIMARY KEY CHECK (one = 1),"
        " wrong_codes INTEGER NOT NULL,"
        " locked_until INTEGER NOT NULL,"
        " sends INTEGER NOT NULL,"
        " sends_since INTEGER NOT NULL"
        ") STRICT;"
        "CREATE TABLE contacts ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " position INTEGER NOT NULL,"
        " person_sealed BLOB NOT NULL,"
        " channel TEXT NOT NULL,"
        " language TEXT NOT NULL,"
        " added_usec INTEGER NOT NULL,"
        " removed_usec INTEGER NOT NULL,"
        " removed_uptime INTEGER NOT NULL,"
        " CHECK ((position = 0) = (removed_usec <> 0))"
        ") STRICT;"
        "CREATE TABLE contact_preferences ("
        " contact INTEGER NOT NULL,"
        " event TEXT NOT NULL,"
        " channels TEXT NOT NULL,"
        " PRIMARY KEY (contact, event)"
        ") STRICT, WITHOUT ROWID;"
        "CREATE TABLE notices ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " event TEXT NOT NULL,"
        " contact INTEGER NOT NULL,"
        " binding INTEGER NOT NULL,"
        " transaction_id INTEGER NOT NULL,"
        " text_sealed BLOB,"
        " state TEXT NOT NULL CHECK (state IN ('queued','delivered','failed')),"
        " attempts INTEGER NOT NULL,"
        " next_usec INTEGER NOT NULL,"
        " next_boot INTEGER NOT NULL,"
        " until_uptime INTEGER NOT NULL,"
        " channel TEXT NOT NULL,"
        " address TEXT NOT NULL,"
        " gateway_id TEXT NOT NULL,"
        " error TEXT NOT NULL,"
        " late INTEGER NOT NULL CHECK (late IN (0,1)),"
        " created_usec INTEGER NOT NULL,"
        " ended_usec INTEGER NOT NULL,"
        " CHECK ((state = 'queued') = (text_sealed IS NOT NULL)),"
        " CHECK ((state = 'queued') = (ended_usec = 0))"
        ") STRICT;"
        "CREATE INDEX notices_queued ON notices (next_usec, id) WHERE state = 'queued';"
        "CREATE INDEX notices_ended ON notices (ended_usec) WHERE state <> 'queued';"
        "CREATE TRIGGER notices_ended_stay BEFORE UPDATE ON notices WHEN OLD.state <> 'queued'"
        " BEGIN SELECT RAISE(ABORT, 'final: the notice has ended'); END;"
        "CREATE TRIGGER notices_kept BEFORE DELETE ON notices WHEN OLD.state = 'queued'"
        " BEGIN SELECT RAISE(ABORT, 'fixed: a notice is owed'); END;";

/* Of how many attempts nobody knows whether the notice went out. */
static const char schema_maybe_sent[] = "ALTER TABLE notices ADD COLUMN maybe_sent INTEGER NOT NULL DEFAULT 0;";

/* What people were told of, by the code of the fault: a restart has to know it. */
static const char schema_faults_told[] = "CREATE TABLE faults_told ("
                                         " code TEXT PRIMARY KEY,"
                                         " fault_id INTEGER NOT NULL"
                                         ") STRICT;";

/* The devices that there are or were, and what was counted of each. */
static const char schema_devices[] = "CREATE TABLE devices ("
                                     " key TEXT PRIMARY KEY CHECK (key <> ''),"
                                     " kind TEXT NOT NULL,"
                                     " port TEXT NOT NULL,"
                                     " usb_id TEXT NOT NULL,"
                                     " vendor TEXT NOT NULL,"
                                     " product TEXT NOT NULL,"
                                     " serial TEXT NOT NULL,"
                                     " release INTEGER NOT NULL,"
                                     " plugging TEXT NOT NULL,"
                                     " first_seen_usec INTEGER NOT NULL,"
                                     " last_seen_usec INTEGER NOT NULL,"
                                     " missing_usec INTEGER NOT NULL,"
                                     " forgotten_usec INTEGER NOT NULL,"
                                     " forgotten_by TEXT NOT NULL"
                                     ") STRICT;"
                                     "CREATE TABLE statistics ("
                                     " device TEXT NOT NULL,"
                                     " name TEXT NOT NULL,"
                                     " value INTEGER NOT NULL CHECK (value >= 0),"
                                     " reading INTEGER NOT NULL DEFAULT 0 CHECK (reading >= 0),"
                                     " PRIMARY KEY (device, name)"
                                     ") STRICT, WITHOUT ROWID;";

/* Where a fault was: what it was about, and what ran then. */
static const char schema_fault_environment[] =
        "ALTER TABLE faults ADD COLUMN device TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE faults ADD COLUMN firmware TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE faults ADD COLUMN versions TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE faults ADD COLUMN environment TEXT NOT NULL DEFAULT '';"
        "CREATE TRIGGER faults_surrounded BEFORE UPDATE OF device, firmware, versions, environment ON faults"
        " BEGIN SELECT RAISE(ABORT, 'fixed: where a fault was does not change'); END;";
/* Tries to bring a device back. */
static const char schema_recoveries[] = "CREATE TABLE recoveries ("
                                        " id INTEGER PRIMARY KEY,"
                                        " device TEXT NOT NULL CHECK (device <> ''),"
                                        " why TEXT NOT NULL,"
                                        " by TEXT NOT NULL,"
                                        " began_usec INTEGER NOT NULL,"
                                        " began_up_usec INTEGER NOT NULL,"
                                        " ended_usec INTEGER NOT NULL,"
                                        " steps TEXT NOT NULL,"
                                        " outcome TEXT NOT NULL"
                                        ") STRICT;";

/* What was done last to keep devices well, and the drills that were held. */
static const char schema_maintenance[] = "CREATE TABLE maintenance ("
                                         " item TEXT NOT NULL CHECK (item <> ''),"
                                         " device TEXT NOT NULL,"
                                         " count INTEGER NOT NULL CHECK (count >= 0),"
                                         " done_usec INTEGER NOT NULL,"
                                         " done_by TEXT NOT NULL,"
                                         " note TEXT NOT NULL,"
                                         " PRIMARY KEY (item, device)"
                                         ") STRICT, WITHOUT ROWID;"
                                         "CREATE TABLE drills ("
                                         " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                         " kind TEXT NOT NULL CHECK (kind <> ''),"
                                         " people TEXT NOT NULL,"
                                         " recorded_by TEXT NOT NULL,"
                                         " held_usec INTEGER NOT NULL,"
                                         " note TEXT NOT NULL"
                                         ") STRICT;"
                                         "CREATE INDEX drills_kind ON drills (kind, id);";

const char *const journal_migrations[] = {
        schema_1,          schema_2,           schema_3,           schema_uptime,   schema_operators,
        schema_forwards,   schema_batches,     schema_checkpoints, schema_purge,    schema_faults,
        schema_agreement,  schema_age,         schema_forwarding,  schema_reprints, schema_withdrawals,
        schema_bindings,   schema_maybe_sent,  schema_faults_told, schema_devices,  schema_fault_environment,
        schema_recoveries, schema_maintenance,
};
const size_t journal_n_migrations = ELEMENTSOF(journal_migrations);

static int pragma_number(sqlite3 *db, const char *sql, int64_t *ret) {
        sqlite3_stmt *statement = NULL;
        int r;

        r = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
        if (r == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
                *ret = sqlite3_column_int64(statement, 0);
        r = sqlite3_finalize(statement);
        return journal_errno(r, sqlite3_errmsg(db));
}

static int execute(sqlite3 *db, const char *sql) {
        return journal_errno(sqlite3_exec(db, sql, NULL, NULL, NULL), sqlite3_errmsg(db));
}

static int apply(sqlite3 *db, const char *const *steps, size_t n_steps, size_t from) {
        int64_t dangling = 0;
        char version[48];
        int r;

        for (size_t i = from; i < n_steps; i++) {
                r = execute(db, steps[i]);
                if (r < 0)
                        return r;
        }
        /* A pragma takes no bound value; the number is ours. */
        (void) snprintf(version, sizeof(version), "PRAGMA user_version = %zu", n_steps);
        r = execute(db, version);
        if (r < 0)
                return r;
        r = pragma_number(db, "SELECT count(*) FROM pragma_foreign_key_check", &dangling);
        if (r < 0)
                return r;
        if (dangling > 0)
                return -EBADMSG;
        return execute(db, "COMMIT");
}

/* Either the newest version or the old one. */
static int apply_all(sqlite3 *db, const char *const *steps, size_t n_steps, size_t from) {
        int r;

        r = execute(db, "BEGIN EXCLUSIVE");
        if (r < 0)
                return r;
        r = apply(db, steps, n_steps, from);
        if (r < 0 && !sqlite3_get_autocommit(db))
                (void) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return r;
}

int migration_apply(sqlite3 *db, const char *const *steps, size_t n_steps) {
        int64_t version = 0, foreign_keys = 0;
        int r;

        r = pragma_number(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        if (version < 0 || (uint64_t) version > n_steps)
                return -EPROTONOSUPPORT;
        if ((size_t) version == n_steps)
                return 0;
        /* A step may make a table anew to which others point; what points is checked at the end. */
        r = pragma_number(db, "PRAGMA foreign_keys", &foreign_keys);
        if (r < 0)
                return r;
        r = execute(db, "PRAGMA foreign_keys = OFF");
        if (r < 0)
                return r;
        r = apply_all(db, steps, n_steps, (size_t) version);
        /* On an error of its own the connection is not used any further. */
        if (foreign_keys && execute(db, "PRAGMA foreign_keys = ON") < 0)
                return r < 0 ? r : -EIO;
        return r < 0 ? r : 1;
}
