// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "paper/paper.h"
#include "usb/sim.h"
#include "usb/stripe.h"

/* The one who asked, and how to tell. */
struct call {
        struct sim *sim;
        sim_answer_t answer;
        void *userdata;
};

static void done(const struct call *c) {
        c->answer(c->userdata, 0, "", 0);
}

static void refuse(const struct call *c, int error, const char *format, ...) _printf_(3, 4);
static void refuse(const struct call *c, int error, const char *format, ...) {
        char text[256];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        c->answer(c->userdata, error, text, strlen(text));
}

static void refuse_card(const struct call *c, int error, const char *name) {
        switch (error) {
        case -EBUSY:
                refuse(c, error, "there is a card in the slot: remove it first");
                break;
        case -ENXIO:
                refuse(c, error, "%s has no chip: swipe it", name);
                break;
        case -ENOENT:
                refuse(c, error, "no card %s: 'till-sim cards' lists those there are", name);
                break;
        case -EINVAL:
                refuse(c, error, "the card file of %s is wrong: the journal says where", name);
                break;
        default:
                refuse(c, error, "cannot take the card %s: %s", name, strerror(-error));
        }
}

static int parse_stripe(const char *words, struct stripe *stripe) {
        char word[CARD_TRACK_MAX + 3];
        int r, n;

        for (; sscanf(words, " %112s%n", word, &n) == 1; words += n) {
                r = stripe_option(stripe, word);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void command_swipe(const struct call *c, char *arg) {
        _cleanup_(sim_card_freep) struct sim_card *card = NULL;
        size_t n = strcspn(arg, " ");
        struct stripe stripe;
        char name[256];
        int r;

        snprintf(name, sizeof(name), "%.*s", (int) MIN(n, sizeof(name) - 1), arg);
        r = sim_card_load(name, &card);
        if (r < 0) {
                refuse_card(c, r, name);
                return;
        }
        stripe_from_card(card, &stripe);
        if (!stripe.track[0][0] && !stripe.track[1][0] && !stripe.track[2][0]) {
                refuse(c, -ENXIO, "%s has no magnetic stripe: insert it", name);
                return;
        }
        if (parse_stripe(arg + n, &stripe) < 0) {
                refuse(c, -EINVAL, "swipe CARD [TRACK:unreadable|start|end|parity|lrc] [TRACK=TEXT] [clear] [aamva]");
                return;
        }
        r = msr_swipe(c->sim->msr, &stripe);
        if (r < 0)
                refuse(c, r, r == -ENODEV ? "msr is unplugged" : "cannot swipe: %s", strerror(-r));
        else
                done(c);
}

static void command_insert(const struct call *c, char *arg) {
        int r = sim_insert(c->sim, arg);

        if (r < 0)
                refuse_card(c, r, arg);
        else
                done(c);
}

static void command_remove(const struct call *c, char *arg) {
        int r = emv_remove(c->sim->emv);

        if (r < 0)
                refuse(c, r, "there is no card in the slot");
        else
                done(c);
}

static void printer_done(const struct call *c) {
        printer_changed(c->sim->printer);
        done(c);
}

static void command_paper(const struct call *c, char *arg) {
        struct paper *p = printer_paper(c->sim->printer);
        const char *rows = startswith(arg, "rows ");
        unsigned int n;
        char end;

        if (streq(arg, "in"))
                paper_set_paper(p, PAPER_OK);
        else if (streq(arg, "near-end"))
                paper_set_paper(p, PAPER_NEAR_END);
        else if (streq(arg, "out"))
                paper_set_paper(p, PAPER_END);
        else if (rows && sscanf(rows, "%u%c", &n, &end) == 1)
                paper_set_roll(p, n);
        else {
                refuse(c, -EINVAL, "paper in|near-end|out, or paper rows N");
                return;
        }
        printer_done(c);
}

static void command_cover(const struct call *c, char *arg) {
        if (!streq(arg, "open") && !streq(arg, "closed")) {
                refuse(c, -EINVAL, "cover open|closed");
                return;
        }
        paper_set_cover(printer_paper(c->sim->printer), streq(arg, "open"));
        printer_done(c);
}

static void command_drawer(const struct call *c, char *arg) {
        if (!streq(arg, "open") && !streq(arg, "closed")) {
                refuse(c, -EINVAL, "drawer open|closed");
                return;
        }
        paper_set_drawer(printer_paper(c->sim->printer), streq(arg, "open"));
        printer_done(c);
}

static void command_power_cycle(const struct call *c, char *arg) {
        paper_power_cycle(printer_paper(c->sim->printer));
        printer_done(c);
}

static void command_cut(const struct call *c, char *arg) {
        if (printer_cut(c->sim->printer, arg) < 0)
                refuse(c, -EINVAL, "cut unplug|power packet|answer N, cut power row N, or cut none");
        else
                done(c);
}

static void command_speed(const struct call *c, char *arg) {
        unsigned int rows;
        char end;

        if (sscanf(arg, "%u%c", &rows, &end) != 1) {
                refuse(c, -EINVAL, "speed ROWS, dot rows a second; 0 prints at once");
                return;
        }
        paper_set_speed(printer_paper(c->sim->printer), rows);
        printer_done(c);
}

static void command_tear(const struct call *c, char *arg) {
        paper_tear(printer_paper(c->sim->printer));
        done(c);
}

static void command_clear(const struct call *c, char *arg) {
        paper_clear(printer_paper(c->sim->printer));
        done(c);
}

static int parse_sheet(const char *arg) {
        unsigned int n;
        char end;

        if (streq(arg, ""))
                return PAPER_SHEET_LAST;
        if (streq(arg, "--all"))
                return PAPER_SHEET_ALL;
        return sscanf(arg, "%u%c", &n, &end) == 1 && n < PAPER_SHEETS_MAX ? (int) n : -EINVAL;
}

static void refuse_sheet(const struct call *c, int error) {
        if (error == -EINVAL)
                refuse(c, error, "which slip: none for the last, --all, or a number from 0");
        else if (error == -ENOENT)
                refuse(c, error, "nothing was printed there");
        else
                refuse(c, error, "cannot show the paper: %s", strerror(-error));
}

static void command_text(const struct call *c, char *arg) {
        _cleanup_free_ char *text = NULL;
        int sheet = parse_sheet(arg), r = sheet;

        if (sheet != -EINVAL)
                r = paper_text(printer_paper(c->sim->printer), sheet, &text);
        if (sheet == -EINVAL || r < 0)
                refuse_sheet(c, r);
        else
                c->answer(c->userdata, 0, text, strlen(text));
}

/* The picture goes to the client, which has the right to write where the person said. */
static void command_print(const struct call *c, char *arg) {
        _cleanup_close_ int fd = -EBADF;
        int sheet = parse_sheet(arg), r;
        char path[64];
        void *data;
        off_t size;

        if (sheet == -EINVAL) {
                refuse_sheet(c, sheet);
                return;
        }
        fd = memfd_create("paper", MFD_CLOEXEC);
        if (fd < 0) {
                refuse_sheet(c, -errno);
                return;
        }
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = paper_render_png(printer_paper(c->sim->printer), sheet, path);
        if (r < 0) {
                refuse_sheet(c, r);
                return;
        }
        size = lseek(fd, 0, SEEK_END);
        data = size > 0 ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
        if (data == MAP_FAILED) {
                refuse_sheet(c, -EIO);
                return;
        }
        c->answer(c->userdata, 0, data, size);
        (void) munmap(data, size);
}

/* Returns a mask, 0 for an unknown word. */
static unsigned int parse_device(const struct sim *sim, const char *word) {
        if (streq(word, "all"))
                return SIM_ALL;
        for (size_t i = 0; i < SIM_DEVICES; i++)
                if (streq(word, sim->devices[i]->name))
                        return 1U << i;
        return 0;
}

static void command_unplug(const struct call *c, char *arg) {
        unsigned int mask = parse_device(c->sim, arg);

        if (mask == 0) {
                refuse(c, -EINVAL, "unplug msr|emv|printer|all");
                return;
        }
        sim_unplug(c->sim, mask);
        done(c);
}

/* Another reader than the one that is plugged in, or the usual one. */
static int choose_reader(const struct call *c, char *options) {
        struct reader reader = reader_default;
        const char *wrong;

        if (*options && c->sim->devices[SIM_EMV]->usb) {
                refuse(c, -EBUSY, "emv is plugged in: unplug it first");
                return -EBUSY;
        }
        if (reader_parse(options, &reader, &wrong) < 0) {
                refuse(c, -EINVAL, "plug emv: cannot take %s, or what follows it; see till-sim(1)", wrong);
                return -EINVAL;
        }
        if (!c->sim->devices[SIM_EMV]->usb)
                emv_set_reader(c->sim->emv, &reader);
        return 0;
}

/* Likewise for magstripe readers, by name. */
static int choose_magstripe_reader(const struct call *c, const char *name) {
        if (*name && c->sim->devices[SIM_MSR]->usb) {
                refuse(c, -EBUSY, "msr is plugged in: unplug it first");
                return -EBUSY;
        }
        if (*name && !stripe_reader_find(name)) {
                refuse(c, -EINVAL, "plug msr: there is no %s; see till-sim(1)", name);
                return -EINVAL;
        }
        if (!c->sim->devices[SIM_MSR]->usb)
                (void) msr_set_reader(c->sim->msr, *name ? name : stripe_readers[0].name);
        return 0;
}

/* The usual printer, or the one that the word names. */
static int choose_printer(const struct call *c, const char *word) {
        int r = c->sim->devices[SIM_PRINTER]->usb && !*word ? 0 : printer_set_kind(c->sim->printer, word);

        if (r == -EBUSY)
                refuse(c, r, "printer is plugged in: unplug it first");
        else if (r < 0)
                refuse(c, r, "plug printer: no such printer as %.40s; see till-sim(1)", word);
        return r;
}

static void command_plug(const struct call *c, char *arg) {
        char *options = arg + strcspn(arg, " ");
        unsigned int mask;

        if (*options)
                *options++ = '\0';
        mask = parse_device(c->sim, arg);
        if (mask == 0 || (*options && mask & (mask - 1))) {
                refuse(c, -EINVAL, "plug msr|emv|printer|all, and options for one alone");
                return;
        }
        if (mask & 1U << SIM_PRINTER && choose_printer(c, options) < 0)
                return;
        if (mask & 1U << SIM_PRINTER)
                printer_power(c->sim->printer);
        if (mask & 1U << SIM_EMV && choose_reader(c, options) < 0)
                return;
        if (mask & 1U << SIM_MSR && choose_magstripe_reader(c, options) < 0)
                return;
        sim_plug(c->sim, mask, c->answer, c->userdata);
}

static void command_keypad(const struct call *c, char *arg) {
        enum emv_key key = streq(arg, "cancel")    ? EMV_KEY_CANCEL
                           : streq(arg, "timeout") ? EMV_KEY_TIMEOUT
                                                   : EMV_KEY_PIN;
        int r;

        if (key == EMV_KEY_PIN && strspn(arg, "0123456789") != strlen(arg)) {
                refuse(c, -EINVAL, "keypad PIN|cancel|timeout");
                return;
        }
        r = emv_key(c->sim->emv, key, arg);
        if (r == -ENXIO)
                refuse(c, r, "the reader asks for no PIN");
        else if (r < 0)
                refuse(c, r, "the reader does not take a PIN of that length");
        else
                done(c);
}

static void command_wire(const struct call *c, char *arg) {
        int r;

        if (!streq(arg, "off") && *arg != '/') {
                refuse(c, -EINVAL, "wire /FILE, or wire off");
                return;
        }
        r = emv_log_wire(c->sim->emv, streq(arg, "off") ? NULL : arg);

        if (r < 0)
                refuse(c, r, "cannot write %s: %s", arg, strerror(-r));
        else
                done(c);
}

static void misbehave_none(struct sim *sim) {
        emv_behave(sim->emv);
        msr_misbehave(sim->msr, MSR_BEHAVE);
        printer_behave(sim->printer);
        paper_set_error(printer_paper(sim->printer), PAPER_ERROR_NONE);
        paper_switch_offline(printer_paper(sim->printer), false);
}

static void answer_words(const struct call *c, const char *device, int r) {
        if (r == -ENODEV)
                refuse(c, r, "%s is unplugged", device);
        else if (r < 0)
                refuse(c, r, "misbehave %s: not one of its words, or not what follows it; see till-sim(1)", device);
        else
                done(c);
}

static void command_misbehave(const struct call *c, char *arg) {
        struct sim *sim = c->sim;
        struct paper *paper = printer_paper(sim->printer);
        const char *printer = startswith(arg, "printer ");

        if (strncmp(arg, "emv ", 4) == 0) {
                answer_words(c, "emv", emv_misbehave_words(sim->emv, arg + 4));
                return;
        }
        if (strncmp(arg, "printer fail ", 13) == 0) {
                answer_words(c, "printer", printer_fail(sim->printer, arg + 13));
                return;
        }
        if (streq(arg, "none"))
                misbehave_none(sim);
        else if (streq(arg, "msr bad-read"))
                msr_misbehave(sim->msr, MSR_BAD_READ);
        else if (streq(arg, "msr short-report"))
                msr_misbehave(sim->msr, MSR_SHORT_REPORT);
        else if (streq(arg, "msr first-report"))
                msr_misbehave(sim->msr, MSR_FIRST_REPORT);
        else if (streq(arg, "printer stall"))
                printer_stall(sim->printer);
        else if (streq(arg, "printer cutter-jam"))
                paper_jam_next_cut(paper);
        else if (streq(arg, "printer hot"))
                paper_set_error(paper, PAPER_ERROR_AUTOMATIC);
        else if (streq(arg, "printer broken"))
                paper_set_error(paper, PAPER_ERROR_UNRECOVERABLE);
        else if (streq(arg, "printer offline"))
                paper_switch_offline(paper, true);
        else if (!printer || printer_misbehave(sim->printer, printer) < 0) {
                refuse(c, -EINVAL,
                       "misbehave none, msr bad-read|short-report|first-report, emv WORD…, "
                       "printer stall|no-answer|cutter-jam|hot|broken|offline or others; see till-sim(1)");
                return;
        }
        printer_done(c);
}

static const char *plug_state(const struct device *d) {
        if (!d->usb)
                return "unplugged";
        return usb_device_is_configured(d->usb) ? "configured" : "plugged";
}

static void command_status(const struct call *c, char *arg) {
        static const char *const supply[] = { "in", "near-end", "out" };
        static const char *const error[] = { "none", "cutter", "hot", "broken" };
        struct sim *sim = c->sim;
        struct icc *icc = emv_card(sim->emv);
        struct printer_counts counts;
        struct paper_status s;
        const char *unknown;
        char text[1024];
        int n;

        paper_get_status(printer_paper(sim->printer), &s);
        printer_get_counts(sim->printer, &counts);
        (void) paper_unknown(printer_paper(sim->printer), &unknown);
        n = snprintf(text, sizeof(text),
                     "msr=%s\nemv=%s\nprinter=%s\n"
                     "card=%s\ncard-power=%s\nkeypad=%s\n"
                     "paper=%s\ncover=%s\ndrawer=%s\noffline=%s\nerror=%s\n"
                     "buffered=%u\naccepted=%" PRIu64 "\nsheets=%u\ncuts=%u\ndrawer-pulses=%u\n"
                     "unknown=%u\nunknown-last=%s\n"
                     "power=%s\ncut=%s\npackets=%u\nanswers=%u\nrows=%" PRIu64 "\n",
                     plug_state(sim->devices[SIM_MSR]), plug_state(sim->devices[SIM_EMV]),
                     plug_state(sim->devices[SIM_PRINTER]), icc ? icc_card(icc)->name : "none",
                     emv_is_powered(sim->emv) ? "on" : "off", emv_wants_pin(sim->emv) ? "waiting" : "idle",
                     supply[s.supply], s.cover_open ? "open" : "closed", s.drawer_open ? "open" : "closed",
                     s.offline ? "yes" : "no", error[s.error], s.buffered, s.bytes_accepted,
                     paper_sheets(printer_paper(sim->printer)), s.cuts, s.drawer_pulses, s.unknown, unknown,
                     s.powerless ? "off" : "on", counts.cutting ? "waiting" : "none", counts.packets, counts.answers,
                     counts.rows);
        c->answer(c->userdata, 0, text, MIN((size_t) n, sizeof(text) - 1));
}

static void command_cards(const struct call *c, char *arg) {
        _cleanup_free_ char *text = NULL;
        int r = sim_card_list(&text);

        if (r < 0)
                refuse(c, r, "cannot list the cards: %s", strerror(-r));
        else
                c->answer(c->userdata, 0, text, strlen(text));
}

static const struct {
        const char *verb;
        void (*run)(const struct call *c, char *arg);
        bool takes_argument;
} commands[] = {
        { "swipe", command_swipe, true },   { "insert", command_insert, true },
        { "remove", command_remove },       { "paper", command_paper, true },
        { "cut", command_cut, true },       { "speed", command_speed, true },
        { "cover", command_cover, true },   { "drawer", command_drawer, true },
        { "tear", command_tear },           { "clear", command_clear },
        { "text", command_text },           { "print", command_print },
        { "unplug", command_unplug, true }, { "plug", command_plug, true },
        { "status", command_status },       { "misbehave", command_misbehave, true },
        { "cards", command_cards },         { "power-cycle", command_power_cycle },
        { "keypad", command_keypad, true }, { "wire", command_wire, true },
};

void sim_command(struct sim *sim, char *line, sim_answer_t answer, void *userdata) {
        struct call c = { sim, answer, userdata };
        char *arg = line + strcspn(line, " ");

        if (*arg)
                *arg++ = '\0';
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                if (!streq(commands[i].verb, line))
                        continue;
                if (commands[i].takes_argument && !*arg)
                        refuse(&c, -EINVAL, "%s needs an argument; see till-sim --help", line);
                else
                        commands[i].run(&c, arg);
                return;
        }
        refuse(&c, -EINVAL, "unknown command '%.40s'; see till-sim --help", line);
}
