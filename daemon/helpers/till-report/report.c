// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/report.h"

#include <cjson/cJSON.h>
#include <time.h>

#include "helpers/till-report/archive.h"
#include "helpers/till-report/gather.h"
#include "helpers/till-report/page.h"
#include "helpers/till-report/tidy.h"

static const char readme[] =
        "Report of a payment terminal by tilld, for its support.\n"
        "\n"
        "report.html      what is wrong and what to do, with figures: for a browser, needs no network\n"
        "report.json      all of it for programs: what tilld says of itself, the machine, its devices\n"
        "logs/units.txt   systemd's journal of tilld and its helpers\n"
        "logs/kernel.txt  the kernel's lines about the devices and USB\n"
        "\n"
        "Card numbers have their first six and last four digits at most. Tracks, PINs, keys, codes and whole\n"
        "phone numbers are in none of these files; what others have written that looks like it is blackened\n"
        "with \"*\", and report.json counts it as Masked.\n"
        "\n"
        "支付终端报告（tilld），供技术支持使用。report.html 用浏览器打开即可，无需网络；report.json 供程序使用；\n"
        "logs 目录为系统日志。卡号最多保留前六位和后四位，不含磁道、密码、密钥、验证码和完整手机号。\n";

static void json_freep(cJSON **o) {
        cJSON_Delete(*o);
}

/* ---- The files ---- */

static int gather(cJSON *o) {
        int r;

        r = gather_system(cJSON_AddObjectToObject(o, "System"));
        return r < 0 ? r : gather_devices(cJSON_AddArrayToObject(o, "UdevDevices"));
}

static int add_log(struct pack *p, const char *name, int (*gather_log)(unsigned days, char **ret), unsigned days,
                   struct filter *f) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = gather_log(days, &text);
        if (r < 0)
                return r;
        filter_clean(text);
        filter_mask(f, text);
        return pack_add(p, name, text, strlen(text));
}

static void add_masked(cJSON *o, const struct filter *f) {
        cJSON *masked = cJSON_AddObjectToObject(o, "Masked");

        cJSON_AddNumberToObject(masked, "Cards", f->cards);
        cJSON_AddNumberToObject(masked, "Tracks", f->tracks);
        cJSON_AddNumberToObject(masked, "Phones", f->phones);
        cJSON_AddNumberToObject(masked, "Codes", f->codes);
}

static int add_json(struct pack *p, const cJSON *o) {
        _cleanup_free_ char *text = cJSON_Print(o);

        return text ? pack_add(p, "report.json", text, strlen(text)) : -ENOMEM;
}

static int add_page(struct pack *p, const cJSON *o, const char *language, time_t now, unsigned days) {
        _cleanup_free_ char *text = NULL;
        struct filter last = {};
        size_t size;
        int r;

        r = page_write(o, language, now, days, &text, &size);
        if (r < 0)
                return r;
        filter_mask(&last, text);
        return pack_add(p, "report.html", text, size);
}

/* "tilld-report-T0000001-20260520T140311Z" */
static void name_folder(const cJSON *o, time_t now, char *ret, size_t size) {
        const char *terminal = page_text(page_get(o, "Terminal"), "TerminalNumber");
        char when[24] = "";
        struct tm tm;

        if (gmtime_r(&now, &tm))
                (void) strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
        (void) snprintf(ret, size, "tilld-report-%.16s-%s", terminal, when);
        for (char *c = ret; *c; c++)
                if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-", *c))
                        *c = '_';
}

int report_make(const char *json, const char *language, unsigned days, int fd, unsigned *ret_masked) {
        _cleanup_(json_freep) cJSON *o = cJSON_Parse(json);
        _cleanup_(pack_freep) struct pack *p = NULL;
        time_t now = time(NULL);
        struct filter f = {};
        char folder[64];
        int r;

        if (!cJSON_IsObject(o))
                return -EBADMSG;
        r = gather(o);
        if (r >= 0)
                r = tidy(o, &f);
        if (r < 0)
                return r;
        name_folder(o, now, folder, sizeof(folder));
        r = pack_new(fd, folder, &p);
        if (r >= 0)
                r = add_log(p, "logs/units.txt", gather_units_log, days, &f);
        if (r >= 0)
                r = add_log(p, "logs/kernel.txt", gather_kernel_log, days, &f);
        if (r < 0)
                return r;
        /* All is counted by now. */
        add_masked(o, &f);
        r = add_json(p, o);
        if (r >= 0)
                r = add_page(p, o, language, now, days);
        if (r >= 0)
                r = pack_add(p, "README", readme, sizeof(readme) - 1);
        if (r >= 0)
                r = pack_finish(p);
        *ret_masked = filter_count(&f);
        return r;
}
