// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"

int see_render(struct engine *e, struct fault_changes *sight) {
        int error = printing_render_error(engine_printing(e));

        return error == 0 ? 0 : sight_add(sight, "render-failed", "", "till-render: %s", strerror(-error));
}
