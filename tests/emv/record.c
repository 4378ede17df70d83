// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/hex.h"
#include "tests/emv/run.h"

static void member_hex(FILE *f, const char *name, const void *data, size_t size) {
        char hex[2 * RUN_TEXT_MAX + 1];

        hex_encode(data, size, hex);
        fprintf(f, ",\"%s\":\"%s\"", name, hex);
}

static void member_text(FILE *f, const char *name, const char *text) {
        fprintf(f, ",\"%s\":\"", name);
        for (; *text; text++)
                if (*text == '"' || *text == '\\')
                        fprintf(f, "\\%c", *text);
                else
                        fputc(*text, f);
        fputc('"', f);
}

/* Every line of the case, as a list of pairs: the outsider reads for itself what it shows. */
static void record_lines(const struct run *r, FILE *f) {
        fprintf(f, ",\"lines\":[");
        for (size_t i = 0; i < r->c->n; i++) {
                fprintf(f, "%s{\"n\":%zu", i > 0 ? "," : "", i);
                member_text(f, "key", r->c->lines[i].key);
                member_text(f, "value", r->c->lines[i].value);
                fputc('}', f);
        }
        fputc(']', f);
}

static void record_exchanges(const struct run *r, FILE *f) {
        fprintf(f, ",\"exchanges\":[");
        for (size_t i = 0; i < r->n_exchanges; i++) {
                const struct exchange *e = r->exchanges + i;

                fprintf(f, "%s{\"error\":%d", i > 0 ? "," : "", e->error);
                member_hex(f, "command", e->command, e->command_size);
                member_hex(f, "response", e->response, e->response_size);
                fputc('}', f);
        }
        fputc(']', f);
}

static void record_keys(const struct emv_terminal *t, FILE *f) {
        fprintf(f, ",\"ca-keys\":[");
        for (uint32_t i = 0; i < t->n_ca_keys; i++) {
                const struct emv_ca_key *k = t->ca_keys + i;

                fprintf(f, "%s{\"index\":%u,\"exponent\":%u", i > 0 ? "," : "", k->index, k->exponent);
                member_hex(f, "rid", k->rid, sizeof(k->rid));
                member_hex(f, "modulus", k->modulus, k->modulus_size);
                fputc('}', f);
        }
        fputc(']', f);
}

void run_record(const struct run *r, FILE *f) {
        const struct message_start *s = &r->start;
        const struct emv_result_data *o = &r->outcome.result;
        char buffer[RUN_TEXT_MAX];

        fprintf(f, "{\"online\":%s", r->questions > 0 ? "true" : "false");
        member_text(f, "name", r->c->name);
        record_lines(r, f);
        fprintf(f, ",\"amount\":%" PRIu64 ",\"other\":%" PRIu64, s->amount, s->amount_other);
        member_hex(f, "currency", s->currency, sizeof(s->currency));
        member_hex(f, "date", s->date, sizeof(s->date));
        member_hex(f, "type", &s->transaction_type, 1);
        member_hex(f, "unpredictable", s->unpredictable, sizeof(s->unpredictable));
        member_hex(f, "country", s->terminal.country, sizeof(s->terminal.country));
        member_hex(f, "capabilities", s->terminal.capabilities, sizeof(s->terminal.capabilities));
        member_hex(f, "terminal-type", &s->terminal.type, 1);
        record_keys(&s->terminal, f);
        record_exchanges(r, f);
        member_text(f, "outcome", emv_outcome_to_string(r->outcome.outcome));
        member_text(f, "reason", emv_reason_to_string(r->outcome.reason));
        member_hex(f, "tvr", o->tvr, sizeof(o->tvr));
        member_hex(f, "tsi", o->tsi, sizeof(o->tsi));
        member_hex(f, "cvm", o->cvm, sizeof(o->cvm));
        member_text(f, "ac1", run_seen(r, "ac1", buffer));
        member_text(f, "ac2", run_seen(r, "ac2", buffer));
        member_text(f, "arc", run_seen(r, "arc", buffer));
        member_hex(f, "de55", o->de55, o->de55_size);
        if (r->questions > 0) {
                member_hex(f, "request-de55", r->request.result.de55, r->request.result.de55_size);
                member_text(f, "request-pan", r->request.card.pan);
                member_hex(f, "91", r->answered.issuer_authentication, r->answered.issuer_authentication_size);
        }
        fprintf(f, "}\n");
}
