// SPDX-License-Identifier: LGPL-2.1-or-later
/* tilld: reads what the terminal is, opens its journal, and serves the bus until it is told to stop. */
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/secret.h"
#include "bus/health.h"
#include "bus/server.h"
#include "care/inspection.h"
#include "journal/rotation.h"
#include "receipt/style-file.h"
#include "transaction/emv-files.h"

#ifndef TILLD_LIBEXECDIR
#define TILLD_LIBEXECDIR "/usr/lib/tilld"
#endif

#define SETTINGS_FILE "/etc/tilld/tilld.conf"
#define EXCEPTIONS_FILE "/etc/tilld/exceptions"
#define SETTINGS_DROP_INS "/etc/tilld/tilld.conf.d"
#define RECEIPT_FILES "/etc/tilld/receipt.d"
#define PACKAGED_RECEIPT_FILES TILLD_LIBEXECDIR "/receipt.d"

/* All that lives as long as the program, in the order of making; undone in the reverse. */
struct program {
        sd_event *event;
        struct settings *settings;
        struct emv_terminal *terminal;
        struct exceptions *exceptions;
        struct complaints ignored; /* of the files */
        uint8_t *tmk;
        char *ca_file, *certificate_file;
        struct journal *journal;
        sd_bus *bus;
        struct server *server;
        struct engine *engine;
        struct faults *faults;
        struct acts *acts;
        struct health *health;
        struct recovery *recovery;
        struct binding *binding;
        struct statistics *statistics;
        struct metrics *metrics;
};

static void program_done(struct program *p) {
        /* Their last words go through the server, which then asks them; the engine's are for the server alone. */
        acts_free(p->acts);
        if (p->server)
                p->server->acts = NULL;
        faults_free(p->faults);
        metrics_free(p->metrics);
        statistics_free(p->statistics);
        if (p->server) {
                p->server->metrics = NULL;
                p->server->statistics = NULL;
                p->server->faults = NULL;
                p->server->health = NULL;
                p->server->recovery = NULL;
                p->server->binding = NULL;
        }
        recovery_free(p->recovery);
        health_free(p->health);
        binding_free(p->binding);
        engine_free(p->engine);
        server_free(p->server);
        sd_bus_flush_close_unref(p->bus);
        journal_close(p->journal);
        free(p->ca_file);
        free(p->certificate_file);
        secret_free(p->tmk);
        free(p->terminal);
        exceptions_free(p->exceptions);
        settings_free(p->settings);
        sd_event_unref(p->event);
}

static int credential_path(const char *name, char **ret) {
        const char *dir = getenv("CREDENTIALS_DIRECTORY");

        if (!dir) {
                log_error("No credentials: start tilld by systemctl start tilld, which brings them");
                return -ENOKEY;
        }
        return asprintf(ret, "%s/%s", dir, name) < 0 ? -ENOMEM : 0;
}

/* A credential of exactly `size` bytes, in secret memory. */
static int read_credential(const char *name, size_t size, uint8_t **ret) {
        _cleanup_secret_ uint8_t *data = secret_new(size + 1);
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;
        int r;

        if (!data)
                return log_oom();
        r = credential_path(name, &path);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return log_error_errno(errno, "Credential %s cannot be read; see systemctl status tilld-setup", name);
        n = read(fd, data, size + 1);
        if (n < 0)
                return log_error_errno(errno, "Credential %s cannot be read", name);
        if ((size_t) n != size) {
                log_error("Credential %s must be %zu bytes, not %zd", name, size, n);
                return -EINVAL;
        }
        *ret = TAKE_PTR(data);
        return 0;
}

/* Each fault as a line of the log, or of whoever called `tilld --check`. */
static int load_terminal(const struct settings *settings, struct complaints *ignored, struct emv_terminal **ret) {
        _cleanup_(emv_files_freep) struct emv_files *files = NULL;
        _cleanup_free_ struct emv_terminal *t = malloc(sizeof(*t));
        int r;

        if (!t)
                return log_oom();
        r = emv_files_load(emv_files_dirs_of(settings->mode), settings, &files);
        if (r < 0)
                return log_error_errno(r, "The card data of emv.d cannot be read");
        for (size_t i = 0; i < files->n_faults; i++) {
                _cleanup_free_ char *text = emv_files_fault_text(files->faults + i);

                log_full(files->faults[i].fatal ? LOG_ERR : LOG_WARNING, "%s. %s", text ?: files->faults[i].reason,
                         emv_files_next_step(files->faults + i));
                complaints_add(ignored, files->faults[i].path ?: "emv.d", files->faults[i].line,
                               files->faults[i].reason);
        }
        if (files->unusable) {
                log_error("tilld does not start with such card data. When it is mended: tilld --check, then "
                          "systemctl restart tilld");
                return -EINVAL;
        }
        emv_files_use(files, settings, t);
        *ret = TAKE_PTR(t);
        return 0;
}

static const char *state_directory(void) {
        return getenv("STATE_DIRECTORY") ?: "/var/lib/tilld";
}

/* Each mode has its own: practice never meets money. */
static int journal_path(enum mode mode, char **ret) {
        return asprintf(ret, "%s/%s.db", state_directory(), mode_to_string(mode)) < 0 ? log_oom() : 0;
}

/* A start may last as long as this goes on. */
static void key_change_progress(uint64_t done, uint64_t total, void *userdata) {
        (void) sd_notifyf(0, "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=New storage key for %s: %" PRIu64 " of %" PRIu64,
                          (const char *) userdata, done, total);
}

/* tilld-setup waits for this before it throws the old key away. */
static int say_keys_are_changed(void) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;

        if (asprintf(&path, "%s/storage-key-changed", state_directory()) < 0)
                return log_oom();
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || fsync(fd) < 0)
                return log_error_errno(errno, "%s cannot be written", path);
        return 0;
}

/* All modes' journals: the old key goes when no journal needs it. */
static int change_keys(struct program *p, const uint8_t *key) {
        _cleanup_secret_ uint8_t *old_key = NULL;
        _cleanup_free_ char *old_path = NULL;
        int r;

        r = credential_path("storage-key-old", &old_path);
        if (r < 0)
                return r;
        if (access(old_path, F_OK) < 0)
                return 0;
        r = read_credential("storage-key-old", JOURNAL_KEY_SIZE, &old_key);
        if (r < 0)
                return r;
        for (enum mode mode = 0; mode < _MODE_MAX; mode++) {
                _cleanup_free_ char *path = NULL, *message = NULL;

                r = journal_path(mode, &path);
                if (r < 0)
                        return r;
                r = journal_change_key(path, old_key, key, key_change_progress, path, &message);
                /* The old key does not help such a one, and to another mode it is nothing. */
                if (r == -EKEYREJECTED && mode != p->settings->mode) {
                        log_warning("%s", message ?: path);
                        continue;
                }
                if (r < 0)
                        return log_error_errno(r, "%s", message ?: path);
                if (r > 0)
                        log_notice("%s has its new storage key", path);
        }
        return say_keys_are_changed();
}

static int open_journal(struct program *p) {
        _cleanup_secret_ uint8_t *key = NULL;
        _cleanup_free_ char *path = NULL, *message = NULL;
        int r;

        r = read_credential("storage-key", JOURNAL_KEY_SIZE, &key);
        if (r < 0)
                return r;
        r = change_keys(p, key);
        if (r < 0)
                return r;
        r = journal_path(p->settings->mode, &path);
        if (r < 0)
                return r;
        /* A new schema, or a look at all of it after damage was seen: cut off by systemd, it would never end. */
        (void) sd_notify(0, "EXTEND_TIMEOUT_USEC=3600000000\nSTATUS=Opening the journal");
        r = journal_open(path, key, &p->journal, &message);
        if (r < 0)
                return log_error_errno(r, "%s", message ?: path);
        if (journal_lost_frames(p->journal) > 0)
                log_warning("The end of the log beside %s did not fit together: %" PRIu64 " pages behind that were "
                            "not taken over and are kept in %s-wal.cut. After a power cut that is usual. If there was "
                            "none, the disk is damaged: compare with the acquirer, tillctl journal reconcile",
                            path, journal_lost_frames(p->journal), path);
        return 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        log_info("Stopping");
        (void) sd_notify(0, "STOPPING=1");
        return sd_event_exit(sd_event_source_get_event(s), 0);
}

/* What the last event has left on the stack of numbers, codes and keys is there no longer when the next one is waited
 * for. */
static int on_turn(sd_event_source *s, void *userdata) {
        secret_wipe_stack();
        return 0;
}

static int setup_event(struct program *p) {
        sigset_t set;
        int r;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);

        r = sd_event_default(&p->event);
        if (r < 0)
                return r;
        r = sd_event_add_signal(p->event, NULL, SIGTERM, on_signal, NULL);
        if (r < 0)
                return r;
        r = sd_event_add_signal(p->event, NULL, SIGINT, on_signal, NULL);
        if (r < 0)
                return r;
        r = sd_event_add_post(p->event, NULL, on_turn, NULL);
        if (r < 0)
                return r;
        return sd_event_set_watchdog(p->event, true);
}

static int on_bus_lost(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        log_error("The system bus is gone; stopping, systemd starts tilld again");
        return sd_event_exit(userdata, -ECONNRESET);
}

static int connect_bus(struct program *p) {
        int r;

        r = sd_bus_open_system(&p->bus);
        if (r < 0)
                return log_error_errno(r, "The system bus cannot be reached");
        r = sd_bus_attach_event(p->bus, p->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(p->bus, NULL, "org.freedesktop.DBus.Local", NULL, "org.freedesktop.DBus.Local",
                                      "Disconnected", on_bus_lost, NULL, p->event);
        if (r < 0)
                return r;
        return server_new(p->bus, p->settings, &p->server);
}

static int take_serial(struct settings *s) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = credential_path("product-serial", &path);
        if (r < 0)
                return r;
        settings_take_serial(s, path);
        return 0;
}

static int start(struct program *p) {
        struct binding_listener binding_listener = server_binding_listener;
        struct engine_listener listener = server_listener;
        struct engine_config config;
        int r;

        r = setup_event(p);
        if (r < 0)
                return log_error_errno(r, "The event loop cannot be made");
        r = settings_load(SETTINGS_FILE, SETTINGS_DROP_INS, &p->settings);
        if (r < 0)
                return r;
        r = take_serial(p->settings);
        if (r < 0)
                return r;
        r = receipt_style_load(RECEIPT_FILES, PACKAGED_RECEIPT_FILES, &p->ignored, &p->settings->style);
        if (r < 0)
                return r;
        r = load_terminal(p->settings, &p->ignored, &p->terminal);
        if (r < 0)
                return r;
        r = exceptions_load(EXCEPTIONS_FILE, geteuid(), getegid(), &p->exceptions);
        if (r < 0)
                return r;
        r = read_credential("tmk", TMK_SIZE, &p->tmk);
        if (r < 0)
                return r;
        r = credential_path("acquirer-ca.pem", &p->ca_file);
        if (r < 0)
                return r;
        r = credential_path("terminal.pem", &p->certificate_file);
        if (r < 0)
                return r;
        r = open_journal(p);
        if (r < 0)
                return r;
        r = connect_bus(p);
        if (r < 0)
                return r;

        config = (struct engine_config){
                .event = p->event,
                .settings = p->settings,
                .journal = p->journal,
                .terminal = p->terminal,
                .emv_dirs = emv_files_dirs_of(p->settings->mode),
                .exceptions = p->exceptions,
                .ignored = &p->ignored,
                .tmk = p->tmk,
                .ca_file = p->ca_file,
                .certificate_file = p->certificate_file,
                .card_worker = TILLD_LIBEXECDIR "/card-worker",
        };
        listener.userdata = p->server;
        r = engine_new(&config, &listener, &p->engine);
        if (r < 0)
                return r;
        r = faults_new(p->engine, diagnostics_told, p->server, &p->faults);
        if (r < 0)
                return r;
        r = acts_new(p->engine, p->faults, &p->acts);
        if (r < 0)
                return r;
        p->server->acts = p->acts;
        r = health_new(p->engine, p->faults, health_told, p->server, &p->health);
        if (r < 0)
                return r;
        p->server->health = p->health;
        r = recovery_new(p->engine, &p->recovery);
        if (r < 0)
                return r;
        p->server->recovery = p->recovery;
        faults_set_recovery(p->faults, p->recovery);
        binding_listener.userdata = p->server;
        r = binding_new(p->engine, &binding_listener, &p->binding);
        if (r < 0)
                return r;
        r = statistics_new(p->engine, statistics_written, p->server, &p->statistics);
        if (r < 0)
                return r;
        r = server_start(p->server, p->engine, p->faults, p->binding, p->statistics);
        if (r < 0)
                return log_error_errno(r, "The bus objects cannot be made");
        r = engine_start(p->engine);
        if (r < 0)
                return r;
        r = statistics_start(p->statistics);
        if (r < 0)
                return r;
        r = metrics_new(p->engine, p->statistics, getenv("RUNTIME_DIRECTORY"), &p->metrics);
        if (r < 0)
                return r;
        p->server->metrics = p->metrics;
        r = binding_start(p->binding);
        if (r < 0)
                return r;
        r = inspection_start(p->engine);
        if (r < 0)
                return log_error_errno(r, "The journal cannot count the days without an inspection");
        r = recovery_start(p->recovery);
        return r < 0 ? r : faults_start(p->faults);
}

static int run(void) {
        _cleanup_(program_done) struct program p = {};
        int r;

        r = start(&p);
        if (r < 0)
                return r;
        log_info("tilld " TILLD_VERSION ", %s mode, terminal %s", mode_to_string(p.settings->mode),
                 p.settings->terminal_number);
        (void) sd_notify(0, "READY=1\nSTATUS=");
        return sd_event_loop(p.event);
}

/* It is most often root who checks, and may read what tilld will not. */
static int become_tilld(void) {
        const struct passwd *tilld = geteuid() == 0 ? getpwnam("tilld") : NULL;

        if (!tilld)
                return 0;
        if (initgroups("tilld", tilld->pw_gid) < 0 || setresgid(tilld->pw_gid, tilld->pw_gid, tilld->pw_gid) < 0 ||
            setresuid(tilld->pw_uid, tilld->pw_uid, tilld->pw_uid) < 0)
                return log_error_errno(-errno, "The files cannot be looked at as the user tilld");
        return 0;
}

/* What a start would read, without a start: for when there is none to ask. */
static int check_files(void) {
        _cleanup_(exceptions_freep) struct exceptions *exceptions = NULL;
        _cleanup_(settings_freep) struct settings *settings = NULL;
        _cleanup_free_ struct emv_terminal *terminal = NULL;
        int r;

        r = become_tilld();
        if (r < 0)
                return r;
        r = settings_load(SETTINGS_FILE, SETTINGS_DROP_INS, &settings);
        if (r < 0)
                return r;
        r = load_terminal(settings, NULL, &terminal);
        if (r < 0)
                return r;
        r = exceptions_load(EXCEPTIONS_FILE, geteuid(), getegid(), &exceptions);
        if (r < 0)
                return r;
        r = receipt_style_load(RECEIPT_FILES, PACKAGED_RECEIPT_FILES, NULL, &settings->style);
        if (r <= 0)
                return r < 0 ? r : -EINVAL;
        printf("%s, receipt.d, emv.d and %s are good: %s mode, %u applications, %u CA keys, %zu cards listed\n",
               SETTINGS_FILE, EXCEPTIONS_FILE, mode_to_string(settings->mode), terminal->n_applications,
               terminal->n_ca_keys, exceptions_count(exceptions));
        return 0;
}

static int parse_arguments(int argc, char **argv) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { "check", no_argument, NULL, 'c' },
                {},
        };

        switch (getopt_long(argc, argv, "hV", options, NULL)) {
        case -1:
                return 1;
        case 'h':
                printf("tilld: the payment terminal service, started by systemd. See tilld(8).\n");
                return 0;
        case 'V':
                printf("tilld " TILLD_VERSION "\n");
                return 0;
        case 'c':
                return check_files();
        default:
                return -EINVAL;
        }
}

int main(int argc, char **argv) {
        int r;

        log_parse_environment();
        r = parse_arguments(argc, argv);
        if (r <= 0)
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;

        /* No card data in a core dump or for a debugger. */
        (void) prctl(PR_SET_DUMPABLE, 0);
        return run() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
