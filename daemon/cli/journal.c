// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl journal: status, verify, export, reconcile, purge. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "cli/cli.h"

#define INTERFACE "org.tilld1.Journal"

static int help(void) {
        printf("%s\n\n", _("tillctl journal [ACT]: the record of all that happened at this terminal."));
        printf("  status         %s\n",
               _("how large and how old it is, and when it was checked (this is the default)"));
        printf("  verify         %s\n", _("whether it is sound, and its events are what tilld wrote"));
        printf("  export [FILE]  %s\n", _("all of it as JSON lines; - is standard output"));
        printf("  reconcile FILE %s\n", _("hold an acquirer's statement against it"));
        printf("  purge          %s\n", _("forget what is older than the retention time now"));
        printf("\n%s\n",
               _("Without FILE an export is kept below /var/lib/tilld/export. Card numbers are masked in it."));
        return 0;
}

/* ---- A call that may take long ---- */

struct wait {
        const struct cli *cli;
        sd_bus_message *reply;
        bool shown;
};

static int on_progress(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct wait *w = userdata;
        uint64_t done, total;

        if (!isatty(STDERR_FILENO) || sd_bus_message_read(m, "stt", NULL, &done, &total) < 0)
                return 0;
        if (total > 0)
                fprintf(stderr, "\r%3.0f %%", 100.0 * (double) done / (double) total);
        else
                fprintf(stderr, "\r%" PRIu64, done);
        w->shown = true;
        return 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct wait *w = userdata;

        w->reply = sd_bus_message_ref(m);
        return 0;
}

/* What comes out of a pipe meanwhile. */
struct copy {
        int from, to;
        bool ended;
};

static int copy_some(struct copy *c) {
        char data[1 << 16];
        ssize_t n = read(c->from, data, sizeof(data));

        if (n < 0)
                return -errno;
        c->ended = n == 0;
        for (ssize_t written = 0, l; written < n; written += l) {
                l = write(c->to, data + written, (size_t) (n - written));
                if (l < 0)
                        return -errno;
        }
        return 0;
}

static int wait_for_more(sd_bus *bus, struct copy *copy) {
        struct pollfd fds[] = {
                { .fd = sd_bus_get_fd(bus), .events = (short) sd_bus_get_events(bus) },
                { .fd = copy && !copy->ended ? copy->from : -EBADF, .events = POLLIN },
        };

        if (poll(fds, ELEMENTSOF(fds), -1) < 0)
                return -errno;
        return fds[1].revents ? copy_some(copy) : 0;
}

/* Until the answer comes, whenever that is; *ret is the caller's. copy may be NULL. */
static int call(struct cli *cli, sd_bus_message *m, struct copy *copy, sd_bus_error *error, sd_bus_message **ret) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *progress = NULL, *answer = NULL;
        struct wait w = { .cli = cli };
        int r;

        r = sd_bus_match_signal(cli->bus, &progress, SERVICE, SERVICE_PATH, INTERFACE, "Progress", on_progress, &w);
        if (r < 0)
                return r;
        (void) sd_bus_message_set_allow_interactive_authorization(m, true);
        r = sd_bus_call_async(cli->bus, &answer, m, on_reply, &w, UINT64_MAX);
        while (r >= 0 && !w.reply) {
                r = sd_bus_process(cli->bus, NULL);
                if (r == 0)
                        r = wait_for_more(cli->bus, copy);
        }
        if (w.shown)
                fputs("\r       \r", stderr);
        if (r >= 0 && sd_bus_message_is_method_error(w.reply, NULL)) {
                (void) sd_bus_error_copy(error, sd_bus_message_get_error(w.reply));
                r = -sd_bus_message_get_errno(w.reply);
        }
        if (r < 0) {
                sd_bus_message_unref(w.reply);
                return r;
        }
        *ret = w.reply;
        return 0;
}

static int call_plain(struct cli *cli, const char *method, sd_bus_error *error, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE, method);
        return r < 0 ? r : call(cli, m, NULL, error, ret);
}

static double number_of(const cJSON *o, const char *name) {
        const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, name);

        return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

/* ---- verify ---- */

static int verify(struct cli *cli, const char *file) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text;
        uint64_t events;
        int good, r;

        r = call_plain(cli, "Verify", &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "bts", &good, &events, &text);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (cli->json) {
                _cleanup_(cJSON_Deletep) cJSON *o = cJSON_CreateObject();

                cJSON_AddBoolToObject(o, "Good", good);
                cJSON_AddNumberToObject(o, "Events", (double) events);
                cJSON_AddStringToObject(o, "Text", text);
                (void) cli_print_json(o);
        } else if (good)
                printf(_("%sThe journal is sound%s, up to event %" PRIu64 ".\n"), cli_tone(cli, TONE_GOOD),
                       cli_tone_end(cli), events);
        else
                printf(_("%sThe journal is damaged or was changed%s: %s.\n"
                         "Keep a copy of it, change nothing, and ask support.\n"),
                       cli_tone(cli, TONE_BAD), cli_tone_end(cli), text);
        return good ? 0 : EXIT_NO;
}

/* ---- export ---- */

/* tilld writes into a pipe only, which it cannot have to wait for. */
static int export_to(struct cli *cli, int to) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        struct copy copy = { .to = to };
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return cli_fail(cli, &error, -errno);
        copy.from = out = fds[0];
        in = fds[1];
        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE, "Export");
        if (r >= 0)
                r = sd_bus_message_append(m, "h", in);
        in = safe_close(in);
        if (r >= 0)
                r = call(cli, m, &copy, &error, &reply);
        /* With it goes the last writing end that is here. */
        m = sd_bus_message_unref(m);
        while (r >= 0 && !copy.ended)
                r = copy_some(&copy);
        return r < 0 ? cli_fail(cli, &error, r) : 0;
}

static int save_export(struct cli *cli) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = call_plain(cli, "SaveExport", &error, &reply);
        return cli_print_path(cli, reply, &error, r);
}

static int export_into(struct cli *cli, int fd, void *userdata) {
        return export_to(cli, fd);
}

static int export(struct cli *cli, const char *file) {
        if (!file)
                return save_export(cli);
        return streq(file, "-") ? export_to(cli, STDOUT_FILENO) : cli_write_file(cli, file, export_into, NULL);
}

/* ---- reconcile ---- */

/* tilld takes nothing that it could have to wait for. */
static int copy_to_memfd(const char *file) {
        _cleanup_close_ int from = open(file, O_RDONLY | O_CLOEXEC),
                            to = memfd_create("statement", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        ssize_t l;

        if (from < 0 || to < 0)
                return -errno;
        while ((l = sendfile(to, from, NULL, 1 << 20)) > 0)
                ;
        if (l < 0 || fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return TAKE_FD(to);
}

static void print_side(const char *name, const cJSON *side) {
        if (!side)
                return;
        printf("  %s: %s %.0f %s", name, cli_text(side, "Kind"), number_of(side, "Amount"),
               cli_text(side, "Currency"));
        if (*cli_text(side, "Reference"))
                printf(", %s, %s", cli_text(side, "Reference"), cli_text(side, "Result"));
        putchar('\n');
}

static void print_difference(const struct cli *cli, const cJSON *d) {
        printf(_("%s%s%s: batch %.0f, STAN %.0f, RRN %s\n"), cli_tone(cli, TONE_BAD), cli_text(d, "What"),
               cli_tone_end(cli), number_of(d, "Batch"), number_of(d, "Stan"), cli_text(d, "Rrn"));
        print_side(_("there"), cJSON_GetObjectItemCaseSensitive(d, "There"));
        print_side(_("here"), cJSON_GetObjectItemCaseSensitive(d, "Here"));
        printf("  %s\n", cli_sentence(d, "Next"));
}

static int print_result(const struct cli *cli, const cJSON *o) {
        const cJSON *all = cJSON_GetObjectItemCaseSensitive(o, "Differences"), *d;
        double n = cJSON_GetArraySize(all) + number_of(o, "More");

        cJSON_ArrayForEach(d, all) print_difference(cli, d);
        printf(_("%s%.0f lines are the same, %.0f differences%s; %.0f lines are about other terminals.\n"),
               cli_tone(cli, n > 0 ? TONE_BAD : TONE_GOOD), number_of(o, "Same"), n, cli_tone_end(cli),
               number_of(o, "OtherTerminals"));
        return n > 0 ? EXIT_NO : 0;
}

static int reconcile(struct cli *cli, const char *file) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(cJSON_Deletep) cJSON *o = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *json;
        int r;

        fd = file ? copy_to_memfd(file) : -ENOENT;
        if (fd < 0)
                return cli_fail_file(file ?: "reconcile", fd);
        r = sd_bus_message_new_method_call(cli->bus, &m, SERVICE, SERVICE_PATH, INTERFACE, "Reconcile");
        if (r >= 0)
                r = sd_bus_message_append(m, "h", fd);
        if (r >= 0)
                r = call(cli, m, NULL, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &json);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (cli->json) {
                printf("%s\n", json);
                return 0;
        }
        o = cJSON_Parse(json);
        return print_result(cli, o);
}

/* ---- purge ---- */

static int purge(struct cli *cli, const char *file) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t removed;
        int r;

        r = call_plain(cli, "Purge", &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", &removed);
        if (r < 0)
                return cli_fail(cli, &error, r);
        if (cli->json)
                printf("{ \"Removed\": %" PRIu32 " }\n", removed);
        else
                printf(_("The details of %" PRIu32 " transactions are forgotten.\n"), removed);
        return 0;
}

/* ---- status ---- */

static void print_line(const char *name, const char *text) {
        cli_pad(name, 20);
        printf("%s\n", text);
}

static void print_size(const char *name, double bytes) {
        char text[48];

        (void) snprintf(text, sizeof(text), "%.1f MiB", bytes / (1 << 20));
        print_line(name, text);
}

static void print_time(const char *name, double usec) {
        char text[CLI_TIME_MAX];

        print_line(name, usec > 0 ? cli_time((uint64_t) usec, text) : _("never"));
}

static void print_status(const struct cli *cli, const cJSON *o) {
        const cJSON *checkpoint = cJSON_GetObjectItemCaseSensitive(o, "LastCheckpoint");
        const char *fault = cli_text(o, "Fault");
        char text[160];

        print_line(_("file"), cli_text(o, "Path"));
        print_size(_("size"), number_of(o, "Size") + number_of(o, "LogSize"));
        print_size(_("free on its disk"), number_of(o, "FreeSpace"));
        (void) snprintf(text, sizeof(text), "%.0f", number_of(o, "Transactions"));
        print_line(_("transactions"), text);
        print_time(_("with details since"), number_of(o, "FirstWholeTime"));
        (void) snprintf(text, sizeof(text), _("%.0f days"), number_of(o, "RetentionDays"));
        print_line(_("kept for"), text);
        (void) snprintf(text, sizeof(text), "%.0f-%.0f", number_of(o, "FirstEvent"), number_of(o, "LastEvent"));
        print_line(_("events"), text);
        print_time(_("last checkpoint"), number_of(checkpoint, "Time"));
        print_time(_("found good"), number_of(o, "CheckedTime"));
        if (*fault)
                printf("%s%s%s\n", cli_tone(cli, TONE_BAD), fault, cli_tone_end(cli));
}

static int status(struct cli *cli, const char *file) {
        _cleanup_(cJSON_Deletep) cJSON *o = NULL;
        int r;

        r = cli_describe(cli, SERVICE_PATH, INTERFACE, &o);
        if (r != 0)
                return r;
        if (cli->json)
                return cli_print_json(o);
        print_status(cli, o);
        return *cli_text(o, "Fault") ? EXIT_NO : 0;
}

int verb_journal(struct cli *cli, int argc, char **argv) {
        static const struct option options[] = { { "help", no_argument, NULL, 'h' }, {} };
        static const struct {
                const char *name;
                int (*run)(struct cli *cli, const char *file);
                int files;
        } acts[] = {
                { "status", status, 0 },       { "verify", verify, 0 }, { "export", export, 1 },
                { "reconcile", reconcile, 1 }, { "purge", purge, 0 },
        };
        const char *act;
        int k;

        while ((k = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                return k == 'h' ? help() : EXIT_USAGE;
        act = optind < argc ? argv[optind] : "status";
        for (size_t i = 0; i < ELEMENTSOF(acts); i++)
                if (streq(acts[i].name, act) && argc - optind - 1 <= acts[i].files)
                        return acts[i].run(cli, optind + 1 < argc ? argv[optind + 1] : NULL);
        fprintf(stderr, _("\"%s\" is no act of tillctl journal, or has too many words; see tillctl journal --help.\n"),
                act);
        return EXIT_USAGE;
}
