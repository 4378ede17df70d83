// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "care/inspection.h"
#include "care/maintenance.h"
#include "care/see.h"

static int see_item(const struct maintenance_item *item, void *userdata) {
        if (streq(item->name, INSPECTION_ITEM))
                return sight_add(userdata, "inspection-overdue", "",
                                 "none was made in the last %d hours that it was on", INSPECTION_HOURS_MAX);
        if (item->drill)
                return sight_add(userdata, "drill-due", item->name, "%s", item->text);
        if (item->limit > 0 && item->count >= item->limit)
                return sight_add(userdata, "maintenance-due", item->name, "%s: %" PRIu64 " %s since", item->text,
                                 item->count, item->unit);
        return sight_add(userdata, "maintenance-due", item->name, "%s", item->text);
}

int see_maintenance(struct engine *e, struct fault_changes *sight) {
        return maintenance_each_due(e, see_item, sight);
}
