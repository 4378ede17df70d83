// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl resolve: a supervisor's word on what the acquirer left open. */
#include "cli/code.h"
#include "cli/transaction.h"

static int help(void) {
        printf("%s\n\n", _("tillctl resolve TRANSACTION OUTCOME NOTE [NUMBER]: a supervisor records how it ended."));
        printf("  approved, declined  %s\n", _("of what is unconfirmed: whether the acquirer has booked it"));
        printf("  settled             %s\n",
               _("of a reversal, forwarding or withdrawal: agreed with the acquirer, send no more"));
        printf("                      %s\n",
               _("of the last settlement, where the acquirer refuses it: its batch ended as agreed"));
        printf("\n%s\n",
               _("NOTE says how it is known, \"acquirer, Ms Li: not booked\". NUMBER is the supervisor's, whose "
                 "code is\nasked for; without it the caller needs org.tilld1.supervise (root has it)."));
        return 0;
}

int verb_resolve(struct cli *cli, int argc, char **argv) {
        _cleanup_(cJSON_Deletep) cJSON *t = NULL;
        _cleanup_close_ int code = -EBADF;
        int r;

        if (argc == 2 && streq(argv[1], "--help"))
                return help();
        if (argc < 4 || argc > 5) {
                (void) help();
                return EXIT_USAGE;
        }
        r = transaction_find(cli, argv[1], &t);
        if (r != 0)
                return r;
        if (argc == 5) {
                r = code_ask(CODE_OF_OPERATOR, argv[4], &code);
                if (r != 0)
                        return r;
        }
        return cli_call(cli, cli_text(t, "Path"), TRANSACTION_INTERFACE, code >= 0 ? "ResolveWithCode" : "Resolve",
                        argv[2], argv[3], code);
}
