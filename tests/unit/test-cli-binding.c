// SPDX-License-Identifier: LGPL-2.1-or-later
/* tillctl binding at a terminal: a person who answers only what is asked, and a tilld that is played here. */
#include "test.h"

#include <pty.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/stream.h"
#include "daemon/cli/cli.c"
#include "daemon/cli/code.c"
#include "daemon/cli/prompt.c"

#define help binding_help
#define test binding_test
#define show binding_show
#include "daemon/cli/binding.c"
#undef help
#undef test
#undef show
#define change contacts_change
#define list contacts_list
#define fields contacts_fields
#define append_field contacts_append_field
#include "daemon/cli/contacts.c"
#undef change
#undef list
#undef fields
#undef append_field
#include "daemon/cli/binding-change.c"
#include "language.h"
#include "rebind-reasons.h"

/* transaction.c is not needed for this. */
void transaction_print_detail(const char *label, const char *value) {
        if (*value)
                printf("%s: %s\n", label, value);
}

/* ---- tilld ---- */

static struct {
        sd_bus *bus;
        const char *step, *kind, *reason, *message;
        int64_t change;
        bool old_given, new_given;
        uint32_t old_tries, new_tries;
        const char *fail; /* the word of the error that the next code gets */
        char asked[1024]; /* all calls */
        unsigned sent;
        unsigned cancelling; /* looks until it is rolled back */
        bool none_bound;
} tilld;

static void note(const char *format, ...) _printf_(1, 2);
static void note(const char *format, ...) {
        size_t n = strlen(tilld.asked);
        va_list ap;

        va_start(ap, format);
        vsnprintf(tilld.asked + n, sizeof(tilld.asked) - n, format, ap);
        va_end(ap);
}

static void read_code(sd_bus_message *m, char text[static 64]) {
        ssize_t n;
        int fd;

        assert_true(sd_bus_message_read(m, "h", &fd) > 0);
        n = read(fd, text, 63);
        assert_true(n >= 0);
        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';
}

/* As the bus would bring it: from tilld. */
static void tell(void) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_signal(tilld.bus, &m, SERVICE_PATH, "org.freedesktop.DBus.Properties",
                                              "PropertiesChanged") >= 0);
        assert_true(sd_bus_message_append(m, "sa{sv}as", BINDING_INTERFACE, 0, 0) >= 0);
        assert_true(sd_bus_message_set_sender(m, SERVICE) >= 0);
        assert_true(sd_bus_send(tilld.bus, m, NULL) >= 0);
}

static void go(const char *step, const char *message) {
        tilld.step = step;
        tilld.message = message;
        tell();
}

static int on_begin(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *serial, *terminal, *phone, *member = sd_bus_message_get_member(m);
        char code[64] = "";

        assert_true(sd_bus_message_read(m, "sss", &serial, &terminal, &phone) > 0);
        if (strstr(member, "WithCode"))
                read_code(m, code);
        note("%s %s %s %s%s%s; ", member, serial, terminal, phone, *code ? " " : "", code);
        if (streq(terminal, "T0000009"))
                return sd_bus_error_set(error, "org.tilld1.Error.InvalidTerminal", "It is another terminal");
        tilld.change = 7;
        tilld.kind = startswith(member, "BeginLost") ? "lost" : "change";
        tilld.old_tries = tilld.new_tries = 3;
        go("codes", "Codes were sent to the old phone and to the new one.");
        return sd_bus_reply_method_return(m, "x", tilld.change);
}

static int on_take_up(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        note("TakeUp; ");
        tell();
        return sd_bus_reply_method_return(m, "x", tilld.change);
}

static int on_send_codes(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        note("SendCodes; ");
        tilld.old_tries = tilld.new_tries = 3;
        tell();
        return sd_bus_reply_method_return(m, "");
}

static int on_give_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *holder, *fail = tilld.fail;
        char code[64], name[64];

        assert_true(sd_bus_message_read(m, "s", &holder) > 0);
        read_code(m, code);
        note("%s %s; ", holder, code);
        if (fail) {
                tilld.fail = NULL;
                *(streq(holder, "old") ? &tilld.old_tries : &tilld.new_tries) -= 1;
                snprintf(name, sizeof(name), "org.tilld1.Error.%s", fail);
                return sd_bus_error_set(error, name, "Two tries are left");
        }
        if (streq(holder, "old"))
                tilld.old_given = true;
        else
                tilld.new_given = true;
        if ((tilld.old_given || streq(tilld.kind, "lost")) && tilld.new_given) {
                go("test", "A test notice and a test transaction go over the new binding.");
                if (streq(tilld.kind, "lost"))
                        go("wait", "The waiting time runs.");
                else if (*tilld.reason)
                        go("rolled-back", "The test notice did not arrive.");
                else
                        go("committed", "The new phone is bound.");
        }
        tell();
        return sd_bus_reply_method_return(m, "");
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        char code[64] = "";

        if (streq(sd_bus_message_get_member(m), "CancelWithContactCode"))
                read_code(m, code);
        note("%s %s; ", sd_bus_message_get_member(m), code);
        if (tilld.fail)
                return sd_bus_error_set(error, "org.tilld1.Error.WrongCode", "The code is wrong");
        /* Taken, and not ended as long as the acquirer is asked. */
        if (streq(tilld.step, "confirm"))
                tilld.cancelling = 200;
        else
                go("rolled-back", "");
        return sd_bus_reply_method_return(m, "");
}

static int on_checklist(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *language;
        char code[64];

        if (strstr(sd_bus_message_get_member(m), "WithCode")) {
                assert_true(sd_bus_message_read(m, "s", &language) > 0);
                read_code(m, code);
                note("checklist in %s by %s; ", language, code);
        }
        return sd_bus_reply_method_return(m, "as", 2, "Reset it.", "Take the card out.");
}

static int on_contacts(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "aa{sv}", 2, 4, "Id", "x", INT64_C(0), "Phone", "s", "+86*******8000",
                                          "Channel", "s", "", "Preferences", "a{ss}", 1, "fault", "sms hook", 6, "Id",
                                          "x", INT64_C(2), "Name", "s", "王芳的名字非常非常非常长", "Phone", "s",
                                          "+86*******8003", "Mail", "s", "a***@a-very-long-domain-name.example.com",
                                          "Channel", "s", "mail", "Preferences", "a{ss}", 0);
}

static void read_fields(sd_bus_message *m) {
        const char *key, *type;

        assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                const char *text = "a number";

                assert_true(sd_bus_message_read(m, "s", &key) > 0);
                assert_true(sd_bus_message_peek_type(m, NULL, &type) > 0);
                assert_true((*type == 's' ? sd_bus_message_read(m, "v", "s", &text) : sd_bus_message_skip(m, "v")) >
                            0);
                note(" %s=%s", key, text);
                assert_true(sd_bus_message_exit_container(m) >= 0);
        }
}

static int on_add(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        note("AddContact");
        read_fields(m);
        return sd_bus_reply_method_return(m, "x", INT64_C(3));
}

static int on_contact_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        int64_t id;

        assert_true(sd_bus_message_read(m, "x", &id) > 0);
        note("ChangeContact %" PRIi64, id);
        read_fields(m);
        return sd_bus_reply_method_return(m, "");
}

/* A change that failed for each of them. */
static int on_history(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        assert_true(sd_bus_message_new_method_return(m, &reply) >= 0);
        assert_true(sd_bus_message_open_container(reply, 'a', "a{sv}") >= 0);
        for (size_t i = 0; i < ELEMENTSOF(rebind_reasons); i++)
                assert_true(sd_bus_message_append(reply, "a{sv}", 7, "Id", "x", INT64_C(100) + (int64_t) i, "Kind",
                                                  "s", i % 2 ? "lost" : "first", "Step", "s", "rolled-back", "Reason",
                                                  "s", rebind_reasons[i], "Phone", "s", "+86*******8001", "By", "s",
                                                  "uid 1000", "Started", "t", UINT64_C(1779256800000000)) >= 0);
        assert_true(sd_bus_message_close_container(reply) >= 0);
        return sd_bus_send(NULL, reply, NULL);
}

static int on_notices(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const char error_text[] = "the mail server does not take it (550 5.1.1 "
                                         "<f***@a-very-long-domain.example.com>: no such user here)";

        return sd_bus_reply_method_return(
                m, "aa{sv}", 2, 7, "Id", "x", INT64_C(10000), "Event", "s", "replacement", "State", "s", "failed",
                "Channel", "s", "hook", "Address", "s", "f***@a-very-long-domain.example.com", "Error", "s",
                error_text, "Late", "b", 1, 5, "Id", "x", INT64_C(9999), "Event", "s", "binding", "State", "s",
                "delivered", "Created", "t", UINT64_C(1779256800000000), "Unreadable", "b", 1);
}

static int on_preference(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *event, *channels;
        int64_t id;

        assert_true(sd_bus_message_read(m, "xss", &id, &event, &channels) > 0);
        note("SetPreference %" PRIi64 " %s %s; ", id, event, channels);
        return sd_bus_reply_method_return(m, "");
}

/* None of these is to come. */
static int on_unwanted(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        note("%s; ", sd_bus_message_get_member(m));
        if (tilld.fail)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, tilld.fail);
        return sd_bus_reply_method_return(m, "");
}

static int get_any(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                   void *userdata, sd_bus_error *error) {
        const struct {
                const char *name, *text;
        } texts[] = {
                { "Phone", tilld.none_bound                 ? ""
                           : streq(tilld.step, "committed") ? "+86*******8001"
                                                            : "+86*******8000" },
                { "NewPhone", "+86*******8001" },
                { "Step", tilld.step },
                { "FailedStep", *tilld.reason ? "test" : "" },
                { "Reason", tilld.reason },
                { "Message", tilld.message },
                { "NextStep", streq(tilld.kind, "first") && streq(tilld.step, "committed") ? "Name others." : "" },
                { "ChangeKind", tilld.kind },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (streq(texts[i].name, property))
                        return sd_bus_message_append(reply, "s", texts[i].text);
        if (streq(property, "Change"))
                return sd_bus_message_append(reply, "x", tilld.change);
        if (streq(property, "OldTries"))
                return sd_bus_message_append(reply, "u", tilld.old_tries);
        if (streq(property, "NewTries"))
                return sd_bus_message_append(reply, "u", tilld.new_tries);
        if (streq(property, "OldCodeGiven"))
                return sd_bus_message_append(reply, "b", tilld.old_given);
        if (streq(property, "NewCodeGiven"))
                return sd_bus_message_append(reply, "b", tilld.new_given);
        if (streq(property, "Sending"))
                return sd_bus_message_append(reply, "b", 0);
        return sd_bus_message_append(reply, "t", UINT64_C(1779256800000000));
}

#define METHOD(name, in, out, handler) SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)
#define PROPERTY(name, type) SD_BUS_PROPERTY(name, type, get_any, 0, 0)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        METHOD("Begin", "sss", "x", on_begin),
        METHOD("BeginWithCode", "sssh", "x", on_begin),
        METHOD("BeginLost", "sss", "x", on_begin),
        METHOD("TakeUp", "", "x", on_take_up),
        METHOD("SendCodes", "", "", on_send_codes),
        METHOD("GiveCode", "sh", "", on_give_code),
        METHOD("Cancel", "", "", on_cancel),
        METHOD("CancelWithContactCode", "h", "", on_cancel),
        METHOD("GetChecklist", "s", "as", on_checklist),
        METHOD("GetChecklistWithCode", "sh", "as", on_checklist),
        METHOD("ListContacts", "", "aa{sv}", on_contacts),
        METHOD("GetHistory", "", "aa{sv}", on_history),
        METHOD("ListNotices", "u", "aa{sv}", on_notices),
        METHOD("AddContact", "a{sv}", "x", on_add),
        METHOD("SetPreference", "xss", "", on_preference),
        METHOD("SendTest", "x", "", on_unwanted),
        METHOD("RemoveContact", "x", "", on_unwanted),
        METHOD("ChangeContact", "xa{sv}", "", on_contact_change),
        PROPERTY("Phone", "s"),
        PROPERTY("NewPhone", "s"),
        PROPERTY("Step", "s"),
        PROPERTY("FailedStep", "s"),
        PROPERTY("Reason", "s"),
        PROPERTY("Message", "s"),
        PROPERTY("NextStep", "s"),
        PROPERTY("ChangeKind", "s"),
        PROPERTY("Change", "x"),
        PROPERTY("OldTries", "u"),
        PROPERTY("NewTries", "u"),
        PROPERTY("OldCodeGiven", "b"),
        PROPERTY("NewCodeGiven", "b"),
        PROPERTY("Sending", "b"),
        PROPERTY("Until", "t"),
        PROPERTY("ResendAt", "t"),
        SD_BUS_VTABLE_END,
};

/* ---- The person ---- */

static char shown[8192];
static int status;
static bool as_json;

static sd_bus *connect_end(int fd, bool is_server) {
        sd_id128_t id = { .bytes = { 1 } };
        sd_bus *bus;

        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(sd_bus_set_fd(bus, fd, fd), 0);
        if (is_server)
                assert_int_equal(sd_bus_set_server(bus, 1, id), 0);
        assert_true(sd_bus_negotiate_fds(bus, 1) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        return bus;
}

static void run(int fd, const char *words) {
        struct cli cli = { .bus = connect_end(fd, false), .json = as_json };
        char copy[256], *argv[16], *rest = copy;
        int argc = 0;

        COPY(copy, words);
        while ((argv[argc] = strsep(&rest, " ")))
                argc++;
        optind = 0;
        status = verb_binding(&cli, argc, argv);
        (void) fflush(NULL);
        _exit(status);
}

/* Serves the bus, and reads what the terminal shows; false when that has been closed. */
static bool look(int master) {
        size_t n = strlen(shown);
        ssize_t k;

        while (sd_bus_process(tilld.bus, NULL) > 0)
                ;
        if (tilld.cancelling > 0 && --tilld.cancelling == 0) {
                assert_null(strstr(shown, "Cancelled"));
                go("rolled-back", "");
        }
        k = read(master, shown + n, sizeof(shown) - n - 1);
        if (k > 0)
                shown[n + (size_t) k] = '\0';
        return k > 0 || (k < 0 && errno == EAGAIN);
}

static void wait_for(int master, const char *prompt, size_t from) {
        for (int i = 0; i < 10000 && !strstr(shown + from, prompt); i++) {
                if (!look(master))
                        break;
                usleep(2000);
        }
        if (!strstr(shown + from, prompt))
                fail_msg("%s is not asked: %s", prompt, shown);
}

static void set_up(void) {
        memset(&tilld, 0, sizeof(tilld));
        memset(shown, 0, sizeof(shown));
        tilld.step = tilld.kind = tilld.reason = tilld.message = "";
        (void) alarm(120);
}

/* Pairs of a prompt and what is typed then, up to NULL. */
static void at_terminal(const char *words, const char *const *dialogue) {
        struct termios t;
        size_t from = 0;
        int fds[2], master;
        pid_t pid;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        pid = forkpty(&master, NULL, NULL, NULL);
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]);
                run(fds[1], words);
        }
        close(fds[1]);
        tilld.bus = connect_end(fds[0], true);
        assert_true(sd_bus_add_object_vtable(tilld.bus, NULL, SERVICE_PATH, BINDING_INTERFACE, vtable, NULL) >= 0);
        assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
        for (; *dialogue; dialogue += 2) {
                wait_for(master, dialogue[0], from);
                from = strlen(shown);
                if (!*dialogue[1])
                        continue;
                /* After the prompt the terminal is made quiet, and forgets what was typed ahead. */
                for (int i = 0; i < 5000; i++) {
                        assert_int_equal(tcgetattr(master, &t), 0);
                        if (!(t.c_lflag & ISIG))
                                break;
                        usleep(2000);
                }
                usleep(20000);
                assert_int_equal(write(master, dialogue[1], strlen(dialogue[1])), strlen(dialogue[1]));
        }
        while (waitpid(pid, &status, WNOHANG) == 0) {
                (void) look(master);
                usleep(2000);
        }
        while (look(master) && errno != EAGAIN)
                ;
        (void) look(master);
        assert_true(WIFEXITED(status));
        status = WEXITSTATUS(status);
        sd_bus_flush_close_unref(tilld.bus);
        close(master);
}

#define TYPE(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void assert_shown(const char *text) {
        if (!strstr(shown, text))
                fail_msg("\"%s\" is not shown: %s", text, shown);
}

static unsigned count(const char *text) {
        unsigned n = 0;

        for (const char *at = shown; (at = strstr(at, text)); at++)
                n++;
        return n;
}

#define ENTRY "Serial", "SN-1\n", "Terminal number", "T0000001\n", "New phone", "+86 138-0013-8001\n"

/* ---- Tests ---- */

static void to_the_end(void **state) {
        set_up();
        at_terminal("binding change", TYPE("Serial", "SN-1\n", "Terminal number", "T0000001\n", "New phone",
                                           "13800138001\n", "no telephone number", "+86 138-0013-8001\n",
                                           "old phone was sent", "111111\n", "new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "Begin SN-1 T0000001 +8613800138001; old 111111; new 222222; ");
        assert_shown("Bound from now on: +86*******8001");
        assert_shown(" 1. Reset it.");
        /* Codes are not shown while they are typed. */
        assert_null(strstr(shown, "111111"));
        assert_null(strstr(shown, "222222"));
}

static void by_a_supervisor(void **state) {
        set_up();
        at_terminal("binding --supervisor=07 change", TYPE(ENTRY, "Code:", "7777\n", "old phone was sent", "111111\n",
                                                           "new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked,
                            "BeginWithCode SN-1 T0000001 +8613800138001 07 7777; old 111111; new 222222; ");
        assert_null(strstr(shown, "7777"));
        assert_shown(" 1. Reset it.");

        /* To look at it later takes the code again. */
        set_up();
        at_terminal("binding --supervisor=07 checklist", TYPE("Code:", "7777\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "checklist in en by 07 7777; ");
        assert_shown(" 1. Reset it.");
}

/* Wrong ones are typed again, new ones are sent for Enter alone. */
static void wrong_codes(void **state) {
        set_up();
        tilld.fail = "WrongCode";
        at_terminal("binding change", TYPE(ENTRY, "old phone was sent", "111112\n", "newest message.\r\nCode",
                                           "111111\n", "new phone was sent", "\n", "new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "Begin SN-1 T0000001 +8613800138001; old 111112; old 111111; SendCodes; "
                                         "new 222222; ");
        assert_shown("The code is wrong; tries left: 2.");
        /* New ones are said to be out, too. */
        assert_int_equal(count("Codes were sent"), 2);

        set_up();
        tilld.fail = "InvalidCode";
        at_terminal("binding change", TYPE(ENTRY, "old phone was sent", "1111\n", "A code is six digits.\r\nCode",
                                           "１１１ １１１\n", "new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "Begin SN-1 T0000001 +8613800138001; old 1111; old 111111; new 222222; ");
        /* No new one was sent for that. */
        assert_int_equal(count("Codes were sent"), 1);
}

/* As a Chinese keyboard may write it, and with blanks before and behind. */
static void full_width(void **state) {
        set_up();
        at_terminal("binding change",
                    TYPE("Serial", "  \n", "Serial", " ＳＮ－1 \n", "Terminal number", "T０００００01　\n",
                         "New phone", "＋８６　138－0013 8001\n", "old phone was sent", "\003"));
        assert_string_equal(tilld.asked, "Begin SN-1 T0000001 +8613800138001; ");

        set_up();
        at_terminal("binding contacts add", TYPE("Name:", "王　芳\n", "Phone", "+86 138－0013－8003\n", "Mail",
                                                 "a-b@example.org\n", "Told", "\n", "Language", "\n", "Place", "\n"));
        assert_string_equal(tilld.asked, "AddContact name=王　芳 phone=+8613800138003 mail=a-b@example.org");
}

static void a_failure(void **state) {
        set_up();
        tilld.reason = "test-notice-failed";
        at_terminal("binding change", TYPE(ENTRY, "old phone was sent", "111111\n", "new phone was sent", "222222\n"));
        assert_int_equal(status, EXIT_NO);
        assert_shown("Not changed: it failed at \"test\" (test notice failed).");
        assert_shown("The test notice did not arrive.");
        assert_null(strstr(strstr(shown, "did not arrive.") + 1, "did not arrive."));

        set_up();
        at_terminal("binding change",
                    TYPE("Serial", "SN-1\n", "Terminal number", "T0000009\n", "New phone", "+8613800138001\n"));
        assert_int_equal(status, EXIT_NO);
        assert_shown("InvalidTerminal: It is another terminal");
}

/* Ctrl-C at each prompt: nothing is undone, and how to go on is said. */
static void leaving(void **state) {
        static const char *const prompts[] = { ENTRY, "old phone was sent", "111111\n", "new phone was sent", "" };

        for (size_t n = 0; n < ELEMENTSOF(prompts); n += 2) {
                const char *dialogue[ELEMENTSOF(prompts) + 1] = {};

                memcpy(dialogue, prompts, (n + 1) * sizeof(*dialogue));
                dialogue[n + 1] = "\003";
                set_up();
                at_terminal("binding change", dialogue);
                assert_int_equal(status, EXIT_NO);
                assert_null(strstr(tilld.asked, "Cancel"));
                assert_shown(n < 6 ? "Nothing was changed." : "tillctl binding take-up");
        }

        set_up();
        tilld.change = 7;
        tilld.kind = "change";
        tilld.step = "codes";
        tilld.old_given = true;
        tilld.new_tries = 2;
        at_terminal("binding take-up", TYPE("new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "TakeUp; new 222222; ");
}

/* No code is good: new ones are asked for, not a code. */
static void no_code_is_good(void **state) {
        set_up();
        tilld.change = 7;
        tilld.kind = "change";
        tilld.step = "codes";
        at_terminal("binding take-up", TYPE("Enter sends new codes", "\n", "old phone was sent", "111111\n",
                                            "new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "TakeUp; SendCodes; old 111111; new 222222; ");
}

static void a_lost_phone(void **state) {
        set_up();
        at_terminal("binding lost", TYPE(ENTRY, "new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "BeginLost SN-1 T0000001 +8613800138001; new 222222; ");
        assert_shown("The waiting time lasts until 2026-05-20");

        set_up();
        at_terminal("binding cancel --contact-code", TYPE("8 digits", "1234 567８\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "CancelWithContactCode 12345678; ");
        assert_null(strstr(shown, "12345678"));
}

/* It is said to be cancelled when it is. */
static void cancelling(void **state) {
        set_up();
        tilld.change = 7;
        tilld.kind = "change";
        tilld.step = "codes";
        at_terminal("binding cancel", TYPE("Cancelled: the old phone stays bound", ""));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "Cancel ; ");

        set_up();
        tilld.change = 7;
        tilld.kind = "change";
        tilld.step = "confirm";
        at_terminal("binding cancel", TYPE("Cancelled", ""));
        assert_int_equal(status, 0);
        assert_int_equal(tilld.cancelling, 0);

        set_up();
        tilld.change = 7;
        tilld.kind = "lost";
        tilld.step = "wait";
        tilld.fail = "WrongCode";
        at_terminal("binding cancel --contact-code", TYPE("8 digits", "12345679\n"));
        assert_int_equal(status, EXIT_NO);
        assert_null(strstr(shown, "Cancelled"));
}

/* Where no phone is bound yet, none is said to stay. */
static void a_first_phone(void **state) {
        set_up();
        tilld.none_bound = true;
        tilld.change = 7;
        tilld.kind = "first";
        tilld.step = "codes";
        tilld.new_tries = 3;
        at_terminal("binding take-up", TYPE("new phone was sent", "\003"));
        assert_shown("no phone is bound yet");
        assert_null(strstr(shown, "old phone"));

        set_up();
        tilld.none_bound = true;
        tilld.change = 7;
        tilld.kind = "first";
        tilld.step = "codes";
        at_terminal("binding cancel", TYPE("Cancelled: no phone is bound.", ""));

        set_up();
        tilld.none_bound = true;
        at_terminal("binding change", TYPE("Serial", "\003"));
        assert_shown("A first phone is bound");
        assert_null(strstr(shown, "old"));

        set_up();
        tilld.none_bound = true;
        at_terminal("binding lost", TYPE("Serial", "\003"));
        assert_shown("A first phone is bound");
        assert_null(strstr(shown, "lost"));

        /* There is no old one to clean. */
        set_up();
        tilld.change = 7;
        tilld.kind = "first";
        tilld.step = "codes";
        tilld.old_given = true;
        tilld.new_tries = 3;
        at_terminal("binding take-up", TYPE("new phone was sent", "222222\n"));
        assert_int_equal(status, 0);
        assert_shown("Bound from now on: +86*******8001");
        assert_shown("Name others.");
        assert_null(strstr(shown, "old phone"));
        assert_null(strstr(shown, "Reset it."));
}

/* No wider than a terminal of 80 columns. */
static void assert_narrow(void) {
        char copy[sizeof(shown)], *rest = copy, *line;

        COPY(copy, shown);
        while ((line = strsep(&rest, "\n"))) {
                line[strcspn(line, "\r")] = '\0';
                if (wrap_width(line) > 79)
                        fail_msg("%d columns: %s", wrap_width(line), line);
        }
}

static void contacts(void **state) {
        set_up();
        at_terminal("binding contacts", TYPE("王芳", ""));
        assert_int_equal(status, 0);
        assert_shown("+86*******8003");
        assert_shown("fault: SMS, gateway");
        assert_narrow();

        set_up();
        at_terminal("binding contacts add", TYPE("Name:", "王芳\n", "Phone", "+8613800138003\n", "Mail", "\n", "Told",
                                                 "sms\n", "Language", "\n", "Place", "1\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "AddContact name=王芳 phone=+8613800138003 channel=sms position=a number");
        assert_shown("all contacts are told of what has changed");

        set_up();
        at_terminal("binding contacts add", TYPE("Name:", "王芳\n", "Phone", "+8613800138003\n", "Mail", "\n", "Told",
                                                 "sms\n", "Language", "\n", "Place", "first\n"));
        assert_int_equal(status, EXIT_NO);
        assert_string_equal(tilld.asked, "");
        assert_shown("\"first\" is no place in the list");
        assert_null(strstr(shown, "are told"));
}

/* A minus sign empties; what only looks like one, or like nothing, is asked again and never sent. */
static void a_phone_of_blanks(void **state) {
        set_up();
        at_terminal("binding contacts change 2",
                    TYPE("Name:", "\n", "Phone", " \n", "Phone", "--\n", "Phone", "－\n", "Phone", "\n", "Mail", "\n",
                         "Told", "\n", "Language", "\n", "Place", "\n"));
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "ChangeContact 2");
        assert_int_equal(count("That is no telephone number"), 3);

        set_up();
        at_terminal("binding contacts change 2",
                    TYPE("Name:", "\n", "Phone", "-\n", "Mail", "\n", "Told", "\n", "Language", "\n", "Place", "\n"));
        assert_string_equal(tilld.asked, "ChangeContact 2 phone=");
}

/* As other programs read them: a time has all its digits. */
static void for_programs(void **state) {
        set_up();
        as_json = true;
        at_terminal("binding notices", TYPE("9999", ""));
        as_json = false;
        assert_int_equal(status, 0);
        assert_shown("\"Created\":\t1779256800000000");
        assert_shown("\"Late\":\ttrue");
}

/* Why one did not arrive stands below it, line for line. */
static void below_a_notice(void **state) {
        set_up();
        at_terminal("binding notices", TYPE("user here)", ""));
        assert_int_equal(status, 0);
        assert_shown("\n       the mail server does not take it");
        assert_shown("\n       <f***@");
}

/* What is no number is not that of the bound phone. */
static void names_for_numbers(void **state) {
        static const char *const lines[] = {
                "binding notify Wang transaction", "binding notify 1x fault sms",
                "binding notify -1 fault sms",     "binding test Wang",
                "binding contacts remove Wang",    "binding contacts change 99999999999999999999",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                set_up();
                at_terminal(lines[i], (const char *const[]){ NULL });
                assert_int_equal(status, EXIT_USAGE);
                assert_string_equal(tilld.asked, "");
                assert_shown("is not the number of a contact");
        }
        set_up();
        at_terminal("binding notify 2 fault sms", (const char *const[]){ NULL });
        assert_int_equal(status, 0);
        assert_string_equal(tilld.asked, "SetPreference 2 fault sms; ");
}

/* Whoever sells may not, but a supervisor there may. */
static void not_authorized(void **state) {
        set_up();
        tilld.fail = "SendTest: not authorized (polkit action org.tilld1.contacts)";
        at_terminal("binding test", (const char *const[]){ NULL });
        assert_int_equal(status, EXIT_NO);
        assert_shown("org.tilld1.contacts");
        assert_shown("tillctl binding --supervisor=NUMBER");
        /* Who is heard by tilld is in the group. */
        assert_null(strstr(shown, "till-checkout"));

        set_up();
        tilld.fail = "Rejected send message, 2 matched rules";
        at_terminal("binding test", (const char *const[]){ NULL });
        assert_int_equal(status, EXIT_NO);
        assert_null(strstr(shown, "--supervisor"));
        assert_shown("till-checkout");
}

/* A time that there is not is no other one. */
static void announcing(void **state) {
        static const char *const times[] = { "2027-02-31 10:00", "1960-01-01 10:00", "2027-02-28", "2027-02-28 10:00x",
                                             "tomorrow" };
        struct binding_cli b = { .cli = &(struct cli){} };

        for (size_t i = 0; i < ELEMENTSOF(times); i++)
                assert_int_equal(announce(&b, 3, (char *[]){ (char *) "announce", (char *) times[i], (char *) "x" }),
                                 EXIT_USAGE);
}

static void wrong_calls(void **state) {
        static const char *const lines[] = {
                "binding nonsense",          "binding contacts remove", "binding notify 1",
                "binding announce tomorrow", "binding cancel --now",    "binding show it",
                "binding notices --limit=0",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                set_up();
                at_terminal(lines[i], (const char *const[]){ NULL });
                assert_int_equal(status, EXIT_USAGE);
                assert_string_equal(tilld.asked, "");
                assert_shown("tillctl binding [ACT]");
        }
}

/* All that only shows, at its widest. */
static void eighty_columns(void **state) {
        static const char *const calls[] = { "binding",         "binding --help",  "binding contacts",
                                             "binding history", "binding notices", "binding checklist" };
        static const char *const languages[] = { "zh_CN", "en" };

        for (size_t language = 0; language < ELEMENTSOF(languages); language++)
                for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                        language_speak(languages[language]);
                        set_up();
                        tilld.step = "rolled-back";
                        tilld.kind = "change";
                        tilld.reason = "test-transaction-failed";
                        tilld.change = 7;
                        tilld.message = "The acquirer's record has another serial number or terminal number; the "
                                        "binding stays as it was.";
                        at_terminal(calls[i], TYPE("", ""));
                        assert_int_equal(status, 0);
                        assert_narrow();
                        assert_true(strlen(shown) > 20);
                }
}

/* A command is copied from one line. */
static void sentences(void **state) {
        struct {
                const char *text, *shown;
        } cases[] = {
                { "", "\r\n" },
                { "Short.", "Short.\r\n" },
                { "1.\n2.", "1.\r\n2.\r\n" },
                { "The binding stays as it was. Check the network, then take it up again: tillctl binding take-up",
                  "The binding stays as it was. Check the network, then take it up again:\r\ntillctl binding "
                  "take-up\r\n" },
                { "绑定保持不变。绑定保持不变。绑定保持不变。绑定保持不变。绑定保持不变。绑定保持不，变。",
                  "绑定保持不变。绑定保持不变。绑定保持不变。绑定保持不变。绑定保持不变。绑定保持\r\n不，变。\r\n" },
                { "/a/path/that/is/longer/than/a/line/of/eighty/columns/and/has/no/blank/in/it/at/all/so/it/stays",
                  "/a/path/that/is/longer/than/a/line/of/eighty/columns/and/has/no/blank/in/it/at/all/so/it/"
                  "stays\r\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char read_back[512] = "";
                int master, pid, wait_status;

                pid = forkpty(&master, NULL, NULL, NULL);
                if (pid == 0) {
                        cli_print_sentence(stdout, cases[i].text);
                        (void) fflush(stdout);
                        _exit(0);
                }
                for (size_t n = 0; n < sizeof(read_back) - 1;) {
                        ssize_t k = read(master, read_back + n, sizeof(read_back) - 1 - n);

                        if (k <= 0)
                                break;
                        n += (size_t) k;
                }
                assert_int_equal(waitpid(pid, &wait_status, 0), pid);
                close(master);
                assert_string_equal(read_back, cases[i].shown);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(to_the_end),        cmocka_unit_test(by_a_supervisor),
                cmocka_unit_test(wrong_codes),       cmocka_unit_test(a_failure),
                cmocka_unit_test(leaving),           cmocka_unit_test(no_code_is_good),
                cmocka_unit_test(a_lost_phone),      cmocka_unit_test(contacts),
                cmocka_unit_test(wrong_calls),       cmocka_unit_test(a_phone_of_blanks),
                cmocka_unit_test(below_a_notice),    cmocka_unit_test(for_programs),
                cmocka_unit_test(names_for_numbers), cmocka_unit_test(cancelling),
                cmocka_unit_test(a_first_phone),     cmocka_unit_test(full_width),
                cmocka_unit_test(announcing),        cmocka_unit_test(not_authorized),
                cmocka_unit_test(sentences),         cmocka_unit_test(eighty_columns),
        };

        (void) setlocale(LC_ALL, "C.UTF-8");
        (void) setenv("TZ", "UTC", 1);
        return cmocka_run_group_tests(tests, language_set_up, language_tear_down);
}
