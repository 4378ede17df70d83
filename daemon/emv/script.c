// SPDX-License-Identifier: LGPL-2.1-or-later
/* Issuer-to-card script processing: EMV Book 3, 10.10; results by Book 4, Annex A5. */

#include "base/tlv.h"
#include "emv/step.h"

/* 10.10 looks at the first byte alone. */
static bool is_good(uint16_t sw) {
        return sw >> 8 == 0x90 || sw >> 8 == 0x62 || sw >> 8 == 0x63;
}

/* All that cannot go wrong any more is seen before the first command is sent. */
static int check_script(const struct tlv *script) {
        const uint8_t *p = script->value;
        size_t size = script->size;
        struct tlv t;
        int r;

        while ((r = tlv_next(&p, &size, &t)) > 0) {
                if (t.tag == TAG_SCRIPT_ID && t.size == 4)
                        continue;
                if (t.tag != TAG_SCRIPT_COMMAND || t.size < 4 || t.size > APDU_COMMAND_MAX)
                        return -EBADMSG;
        }
        return r;
}

/* Sends the commands until one fails. 0 or a negative errno of the card's end; the result's first byte in both cases.
 */
static int run_script(struct emv *e, const struct tlv *script, uint8_t *ret) {
        const uint8_t *p = script->value;
        size_t size = script->size;
        struct tlv t;
        int r, number = 0;

        *ret = SCRIPT_NOT_PERFORMED;
        if (check_script(script) < 0)
                return 0;
        while (tlv_next(&p, &size, &t) > 0) {
                if (t.tag != TAG_SCRIPT_COMMAND)
                        continue;
                number++;
                *ret = (uint8_t) (SCRIPT_FAILED | MIN(number, 15));
                r = apdu_exchange_raw(e->callbacks->transmit, e->userdata, t.value, t.size, &e->response);
                if (r < 0)
                        return r == -EBADMSG ? 0 : r;
                if (!is_good(e->response.sw))
                        return 0;
        }
        *ret = SCRIPT_SUCCESSFUL;
        return 0;
}

void emv_script_id(const uint8_t *script, size_t size, uint8_t ret[static 4]) {
        struct tlv id;

        memset(ret, 0, 4);
        if (tlv_find(script, size, TAG_SCRIPT_ID, &id) >= 0 && id.size == 4)
                memcpy(ret, id.value, 4);
}

static void add_result(struct emv *e, uint8_t result, const struct tlv *script) {
        uint8_t *p = e->script_results + e->script_results_size;

        /* Of more scripts than four TVR and TSI tell, but 9F5B has no room. */
        if (e->script_results_size + SCRIPT_RESULT_SIZE > sizeof(e->script_results))
                return;
        p[0] = result;
        emv_script_id(script->value, script->size, p + 1);
        e->script_results_size += SCRIPT_RESULT_SIZE;
}

int emv_process_scripts(struct emv *e, uint32_t template) {
        const uint8_t *p = e->answer.scripts;
        size_t size = e->answer.scripts_size;
        uint8_t result;
        struct tlv t;
        int r;

        while ((r = tlv_next(&p, &size, &t)) > 0) {
                if (t.tag != template)
                        continue;
                r = run_script(e, &t, &result);
                if (result != SCRIPT_SUCCESSFUL)
                        tvr_set(e->tvr,
                                template == TAG_SCRIPT_BEFORE ? TVR_SCRIPT_FAILED_BEFORE : TVR_SCRIPT_FAILED_AFTER);
                add_result(e, result, &t);
                e->tsi[0] |= TSI_SCRIPT;
                if (r < 0)
                        return r;
        }
        /* What is behind cannot be told from a script that was lost; it counts once. */
        if (r < 0 && template == TAG_SCRIPT_BEFORE)
                tvr_set(e->tvr, TVR_SCRIPT_FAILED_BEFORE);
        return 0;
}
