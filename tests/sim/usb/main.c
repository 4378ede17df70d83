// SPDX-License-Identifier: LGPL-2.1-or-later

/* till-sim: the magstripe reader, the EMV reader and the printer, without the hardware. */

#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/config.h"
#include "base/log.h"
#include "usb/sim.h"
#include "usb/vhci.h"

#define TILLD_CONF "/etc/tilld/tilld.conf"

static void help(void) {
        puts("till-sim [--control SOCKET] COMMAND…\n"
             "\n"
             "Plays a magstripe reader, an EMV reader and a receipt printer to this machine's kernel.\n"
             "\n"
             "  run [--log FILE] [--unplugged]  be the daemon: plug in all three and serve commands\n"
             "\n"
             "Commands to the daemon:\n"
             "  cards                     list the cards\n"
             "  swipe CARD [OPTION…]      pull a card through the magstripe reader; TRACK:unreadable|start|end|\n"
             "                            parity|lrc damages a track, TRACK=TEXT writes it; clear, aamva\n"
             "  insert CARD, remove       a chip card into the EMV reader, and out\n"
             "  paper in|near-end|out     the roll of the printer; 'paper rows N' leaves N dot rows on it\n"
             "  cover open|closed         the printer's cover\n"
             "  drawer open|closed        the cash drawer\n"
             "  print FILE.png [--all|N]  a picture of the last slip, of all, of slip N from 0\n"
             "  text [--all|N]            the same as text\n"
             "  tear, clear               tear off what hangs out; throw away all slips\n"
             "  power-cycle               switch the printer off and on\n"
             "  cut unplug|power packet|answer N\n"
             "                            the printer loses its cable or its power before the N-th packet of data\n"
             "                            that it takes, or answer that it gives, and is unplugged; 'cut power row "
             "N'\n"
             "                            in the middle of its paper, 'cut none' not at all\n"
             "  speed ROWS                how many dot rows the printer prints a second; 0: all at once\n"
             "  unplug msr|emv|printer|all\n"
             "  plug msr|emv|printer|all  returns when the kernel has configured it\n"
             "  plug msr NAME             another magstripe reader than the usual one; see till-sim(1)\n"
             "  plug emv [--level extended|short|tpdu] [--protocol t0|t1] [--message-max N] [--keypad] …\n"
             "                            another EMV reader than the usual one\n"
             "  keypad PIN|cancel|timeout at the reader's keypad, when the host asks for a PIN\n"
             "  wire /FILE|off            write the EMV reader's messages to a file\n"
             "  misbehave WORD…           none, msr bad-read|short-report|first-report, emv WORD…,\n"
             "                            printer stall|no-answer|cutter-jam|hot|broken\n"
             "  status                    what is plugged in, and how it is\n"
             "\n"
             "CARD is a name from 'cards' or a path. Exit status: 0 done, 1 refused, 2 wrong usage,\n"
             "3 the daemon is not running. See till-sim(1).");
}

static int on_setting(const char *section, const char *key, const char *value, void *userdata,
                      const char **ret_reason) {
        bool *live = userdata;

        if (streq(key, "mode"))
                *live = streq(value, "live");
        return 0;
}

/* A live terminal must not mistake a simulated device for a real one. */
static int refuse_live(void) {
        bool live = false;
        int r;

        r = config_parse_file(TILLD_CONF, on_setting, &live);
        if (r >= 0 || r == -ENOENT)
                r = config_parse_dirs((const char *const[]){ TILLD_CONF ".d", NULL }, on_setting, &live);
        if (r < 0)
                return log_error_errno(r, "Cannot tell whether this terminal is live from " TILLD_CONF);
        if (live) {
                log_error("This terminal is live (mode=live in " TILLD_CONF "): no devices are simulated here");
                return -EPERM;
        }
        return 0;
}

static void on_ready(void *userdata, int error, const void *data, size_t size) {
        sd_event *event = userdata;

        if (error < 0) {
                log_error_errno(error, "Not all devices came up: %.*s", (int) size, (const char *) data);
                (void) sd_event_exit(event, error);
                return;
        }
        (void) sd_notify(false, "READY=1");
}

static int make_parent(const char *path) {
        _cleanup_free_ char *copy = strdup(path);
        char *slash;

        if (!copy)
                return -ENOMEM;
        slash = strrchr(copy, '/');
        if (!slash || slash == copy)
                return 0;
        *slash = '\0';
        return mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int block_signals(void) {
        sigset_t set;

        if (sigemptyset(&set) < 0 || sigaddset(&set, SIGTERM) < 0 || sigaddset(&set, SIGINT) < 0)
                return -errno;
        return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int run(const char *control_path, const char *log, bool unplugged) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(sim_freep) struct sim *sim = NULL;
        _cleanup_(control_freep) struct control *control = NULL;
        int r;

        r = refuse_live();
        if (r < 0)
                return r;
        r = vhci_prepare();
        if (r < 0)
                return r;
        r = device_trace_open(log);
        if (r < 0)
                return log_error_errno(r, "Cannot write %s", log);
        r = block_signals();
        if (r < 0)
                return log_error_errno(r, "Cannot block signals");
        r = sd_event_default(&event);
        if (r < 0)
                return log_error_errno(r, "Cannot make an event loop");
        (void) sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        (void) sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        r = sim_new(event, &sim);
        if (r < 0)
                return log_error_errno(r, "Cannot make the devices");
        r = make_parent(control_path);
        if (r >= 0)
                r = control_new(event, control_path, sim, &control);
        if (r < 0)
                return log_error_errno(r, "Cannot listen at %s", control_path);

        sim_plug(sim, unplugged ? 0 : SIM_ALL, on_ready, event);
        r = sd_event_loop(event);
        if (r < 0)
                return log_error_errno(r, "The event loop failed");
        sim_cancel(sim, event);
        return r;
}

int main(int argc, char **argv) {
        enum {
                OPTION_LOG = 256,
                OPTION_UNPLUGGED,
                OPTION_CONTROL,
                OPTION_VERSION,
        };
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPTION_VERSION },
                { "control", required_argument, NULL, OPTION_CONTROL },
                {},
        };
        static const struct option run_options[] = {
                { "help", no_argument, NULL, 'h' },
                { "log", required_argument, NULL, OPTION_LOG },
                { "unplugged", no_argument, NULL, OPTION_UNPLUGGED },
                {},
        };
        const char *control_path = SIM_CONTROL, *log = NULL;
        bool unplugged = false;
        int c;

        log_parse_environment();
        /* "+": options behind the command are the command's. */
        while ((c = getopt_long(argc, argv, "+h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case OPTION_VERSION:
                        puts("till-sim " TILLD_VERSION);
                        return 0;
                case OPTION_CONTROL:
                        control_path = optarg;
                        break;
                default:
                        return 2;
                }
        if (optind >= argc) {
                help();
                return 2;
        }
        argc -= optind;
        argv += optind;
        if (!streq(argv[0], "run"))
                return client_run(control_path, argc, argv);

        optind = 0;
        while ((c = getopt_long(argc, argv, "+h", run_options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case OPTION_LOG:
                        log = optarg;
                        break;
                case OPTION_UNPLUGGED:
                        unplugged = true;
                        break;
                default:
                        return 2;
                }
        if (optind < argc) {
                fprintf(stderr, "till-sim: run takes options only\n");
                return 2;
        }
        return run(control_path, log, unplugged) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
