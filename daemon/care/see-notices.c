// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"
#include "journal/notice.h"

struct walk {
        struct engine *engine;
        struct fault_changes *sight;
};

/* One that was tried and not taken, or is not tried while its channels fail for everybody. */
static int see_turn(const struct notice_turn *turn, void *userdata) {
        struct notice_record record;
        char error[NOTICE_ERROR_SIZE];
        struct walk *w = userdata;
        int r;

        r = notice_record_load(engine_journal(w->engine), turn->id, &record);
        /* That of a damaged one is the journal's. */
        if (r == -ENOENT || r == -EBADMSG)
                return 0;
        if (r < 0)
                return r;
        notices_explain(engine_notices(w->engine), &record, error);
        explicit_bzero(record.text, sizeof(record.text));
        return *error ? sight_add(w->sight, "notices-stuck", record.channel, "%s", error) : 0;
}

int see_notices(struct engine *e, struct fault_changes *sight) {
        struct walk w = { e, sight };

        if (notices_count(engine_notices(e)) == 0)
                return 0;
        return notice_record_each_turn(engine_journal(e), UINT64_MAX, see_turn, &w);
}
