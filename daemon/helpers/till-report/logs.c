// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/gather.h"

#include <systemd/sd-journal.h>
#include <time.h>

#include "base/clock.h"

#define LINE_MAX_SIZE 2000
#define LINES_MAX 40000

/* Lines as they are found: the newest first. */
struct lines {
        char **line;
        size_t n, room, bytes;
        bool cut; /* there are older ones */
};

static void lines_done(struct lines *l) {
        for (size_t i = 0; i < l->n; i++)
                free(l->line[i]);
        free(l->line);
}

static void journal_closep(sd_journal **j) {
        sd_journal_close(*j);
}

static int lines_add(struct lines *l, char **line) {
        if (l->n == l->room) {
                size_t room = l->room ? 2 * l->room : 256;
                char **grown = reallocarray(l->line, room, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                l->line = grown;
                l->room = room;
        }
        l->bytes += strlen(*line);
        l->line[l->n++] = TAKE_PTR(*line);
        return 0;
}

/* ---- An entry ---- */

/* Cut to size; "" where it has none. */
static void read_field(sd_journal *j, const char *field, char *ret, size_t size) {
        size_t n, skip = strlen(field) + 1;
        const void *data;

        *ret = '\0';
        if (sd_journal_get_data(j, field, &data, &n) < 0 || n < skip)
                return;
        n = MIN(n - skip, size - 1);
        memcpy(ret, (const char *) data + skip, n);
        ret[n] = '\0';
}

static void write_time(uint64_t usec, char *ret, size_t size) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;
        size_t n;

        *ret = '\0';
        if (!localtime_r(&seconds, &tm))
                return;
        n = strftime(ret, size, "%Y-%m-%dT%H:%M:%S", &tm);
        (void) snprintf(ret + n, size - n, ".%03u", (unsigned) (usec / USEC_PER_MSEC % 1000));
}

static int read_line(sd_journal *j, uint64_t usec, struct lines *l) {
        char when[64], unit[128], process[16], message[LINE_MAX_SIZE], priority[4];
        _cleanup_free_ char *line = NULL;

        write_time(usec, when, sizeof(when));
        read_field(j, "SYSLOG_IDENTIFIER", unit, sizeof(unit));
        read_field(j, "_PID", process, sizeof(process));
        read_field(j, "PRIORITY", priority, sizeof(priority));
        read_field(j, "MESSAGE", message, sizeof(message));
        if (asprintf(&line, "%s <%s> %s%s%s%s: %s\n", when, *priority ? priority : "-", unit, *process ? "[" : "",
                     process, *process ? "]" : "", message) < 0)
                return -ENOMEM;
        return lines_add(l, &line);
}

/* ---- The walk ---- */

typedef bool (*wanted_t)(sd_journal *j);

static int walk(sd_journal *j, unsigned days, wanted_t wanted, struct lines *l) {
        uint64_t usec, now = clock_now(CLOCK_REALTIME), span = days * UINT64_C(86400) * USEC_PER_SEC;
        int r;

        r = sd_journal_seek_tail(j);
        while (r >= 0 && (r = sd_journal_previous(j)) > 0) {
                l->cut = l->n == LINES_MAX || l->bytes >= GATHER_LOG_MAX;
                if (sd_journal_get_realtime_usec(j, &usec) < 0)
                        continue;
                if (l->cut || usec + span < now)
                        break;
                if (!wanted || wanted(j))
                        r = read_line(j, usec, l);
        }
        return r;
}

static int join(const struct lines *l, int error, const char *what, char **ret) {
        size_t size = 0;
        FILE *f = open_memstream(ret, &size);

        if (!f)
                return -ENOMEM;
        if (error < 0)
                fprintf(f, "-- systemd's journal cannot be read: %s\n", strerror(-error));
        else if (l->n == 0)
                fprintf(f, "-- systemd's journal has no line of %s in this time\n", what);
        if (l->cut)
                fprintf(f, "-- older lines are left out\n");
        for (size_t i = l->n; i-- > 0;)
                fputs(l->line[i], f);
        return ferror(f) | fclose(f) ? -ENOMEM : 0;
}

static int gather(sd_journal *j, int r, unsigned days, wanted_t wanted, const char *what, char **ret) {
        struct lines l = {};

        if (r >= 0)
                r = walk(j, days, wanted, &l);
        r = r == -ENOMEM ? r : join(&l, r, what, ret);
        lines_done(&l);
        return r;
}

/* ---- Ours ---- */

static bool is_ours(const char *unit) {
        return startswith(unit, "tilld.") || startswith(unit, "tilld-") || startswith(unit, "till-");
}

/* Those that the journal has ever heard of, as sd_journal knows no patterns. */
static int add_matches(sd_journal *j, const char *field) {
        const void *data;
        size_t n;
        int r;

        r = sd_journal_query_unique(j, field);
        if (r < 0)
                return r;
        while ((r = sd_journal_enumerate_unique(j, &data, &n)) > 0) {
                _cleanup_free_ char *match = strndup(data, n);

                if (!match)
                        return -ENOMEM;
                if (!is_ours(match + strlen(field) + 1))
                        continue;
                r = sd_journal_add_match(j, data, n);
                if (r < 0)
                        return r;
        }
        return r;
}

int gather_units_log(unsigned days, char **ret) {
        _cleanup_(journal_closep) sd_journal *j = NULL;
        int r;

        r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        /* One that fits nothing, or no unit of ours would mean all. */
        if (r >= 0)
                r = sd_journal_add_match(j, "_SYSTEMD_UNIT=tilld.service", 0);
        if (r >= 0)
                r = add_matches(j, "_SYSTEMD_UNIT");
        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        /* systemd itself: started, failed, killed. */
        if (r >= 0)
                r = sd_journal_add_match(j, "UNIT=tilld.service", 0);
        if (r >= 0)
                r = add_matches(j, "UNIT");
        return gather(j, r, days, NULL, "tilld's units", ret);
}

/* ---- The kernel's ---- */

static bool is_about_devices(sd_journal *j) {
        static const char *const words[] = { "till", "usb ", "usb:", "usb-", "hub ", "xhci", "ehci", "vhci", "hid-" };
        char message[200];

        read_field(j, "MESSAGE", message, sizeof(message));
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strstr(message, words[i]))
                        return true;
        return false;
}

int gather_kernel_log(unsigned days, char **ret) {
        _cleanup_(journal_closep) sd_journal *j = NULL;
        int r;

        r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = sd_journal_add_match(j, "_TRANSPORT=kernel", 0);
        return gather(j, r, days, is_about_devices, "the kernel about USB", ret);
}
