// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * emv-cases [--record FILE] [--only NAME] CASES... - runs the table of cases against the simulated card, a line of
 * TAP for each; with --record it also writes what was said and computed, for tests/check/emv-recompute. To be run
 * from the top folder.
 */

#include <getopt.h>

#include "base/log.h"
#include "tests/emv/rows.h"
#include "tests/emv/run.h"

struct table {
        struct emv_cases cases;
        struct issuer *issuer;
        FILE *record;
        const char *only;
        unsigned int n, failed;
};

static void result(struct table *t, bool good, const struct emv_case *c) {
        t->n++;
        t->failed += !good;
        printf("%s %u - %s: %s\n", good ? "ok" : "not ok", t->n, c->name, emv_case_get(c, "what") ?: "");
}

static void run_one(struct table *t, const struct emv_case *c) {
        static struct run r;
        unsigned int wrong;

        if (run_case(&r, c, t->issuer) < 0) {
                printf("# %s\n", r.fault);
                result(t, false, c);
        } else {
                wrong = run_compare(&r);
                result(t, wrong == 0, c);
                if (t->record)
                        run_record(&r, t->record);
        }
        run_done(&r);
}

static int run_rows(struct table *t, const struct emv_case *c) {
        struct emv_cases rows = {};
        int k;

        k = rows_make(c, &rows);
        for (size_t i = 0; i < rows.n; i++)
                run_one(t, rows.items + i);
        emv_cases_done(&rows);
        return k;
}

static int run_table(struct table *t) {
        int k = 0;

        for (size_t i = 0; i < t->cases.n; i++) {
                const struct emv_case *c = t->cases.items + i;

                if (t->only && !streq(t->only, c->name))
                        continue;
                if (emv_case_get(c, "row")) {
                        if (run_rows(t, c) < 0)
                                k = -EINVAL;
                } else
                        run_one(t, c);
        }
        printf("1..%u\n", t->n);
        return k;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "record", required_argument, NULL, 'r' },
                { "only", required_argument, NULL, 'o' },
                {},
        };
        struct table t = {};
        int o, k = 0;

        while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (o) {
                case 'r':
                        t.record = fopen(optarg, "we");
                        if (!t.record) {
                                fprintf(stderr, "%s: %m\n", optarg);
                                return EXIT_FAILURE;
                        }
                        break;
                case 'o':
                        t.only = optarg;
                        break;
                default:
                        return EXIT_FAILURE;
                }
        if (issuer_load("tests/sim/issuer/issuer.conf", &t.issuer) < 0)
                return EXIT_FAILURE;
        for (int i = optind; i < argc && k >= 0; i++)
                k = emv_cases_read(&t.cases, argv[i]);
        if (k >= 0)
                k = run_table(&t);
        if (t.record && fclose(t.record) != 0)
                k = -EIO;
        issuer_free(t.issuer);
        emv_cases_done(&t.cases);
        return k < 0 || t.failed > 0 || t.n == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
