// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Binding over a connection: who may, what the binding is asked, answers, errors, signals. */
#include "bus-fixture.h"
#include "bound-phone.h"
#include "bus/code-call.h"
#include "journal/internal.h"
#include "journal/notice.h"

#define BINDING "org.tilld1.Binding"
#define OLD_PHONE "+8613800138000"
#define NEW_PHONE "+8613800138001"

/* ---- The binding's place is taken: it notes what it is asked ---- */

static struct {
        struct binding_view view;
        char asked[256]; /* with all that it was called with */
        enum refusal_code refuse;
        unsigned looks; /* at the view, for which rows are unsealed */
        int unreadable; /* instead of it */
} binding;

static int answer(struct refusal *ret) {
        return binding.refuse ? refusal_set(ret, binding.refuse, "so it is") : 0;
}

#define ASKED(...) (void) snprintf(binding.asked, sizeof(binding.asked), __VA_ARGS__)

int binding_get_view(struct binding *b, struct binding_view *ret) {
        *ret = binding.view;
        binding.looks++;
        return binding.unreadable;
}

void binding_transaction_changed(struct binding *b, const struct transaction_view *view,
                                 enum transaction_event event) {
        ASKED("transaction %s", view->record.reference);
}

int binding_begin(struct binding *b, const struct binding_call *call, int64_t *ret_id, struct refusal *ret_refusal) {
        ASKED("%s %s %s %s by %s", rebind_kind_to_string(call->kind), call->serial, call->terminal, call->phone,
              call->by);
        *ret_id = 7;
        return answer(ret_refusal);
}

int binding_take_up(struct binding *b, const char *by, int64_t *ret_id, struct refusal *ret_refusal) {
        ASKED("take up by %s", by);
        *ret_id = 8;
        return answer(ret_refusal);
}

int binding_send_codes(struct binding *b, const char *by, struct refusal *ret_refusal) {
        ASKED("send codes by %s", by);
        return answer(ret_refusal);
}

int binding_give_code(struct binding *b, enum rebind_holder holder, const char *code, const char *by,
                      struct refusal *ret_refusal) {
        ASKED("%s %s by %s", holder == REBIND_OLD_PHONE ? "old" : "new", code, by);
        return answer(ret_refusal);
}

int binding_cancel(struct binding *b, const char *by, struct refusal *ret_refusal) {
        ASKED("cancel by %s", by);
        return answer(ret_refusal);
}

int binding_cancel_by_contact(struct binding *b, const char *code, const char *by, struct refusal *ret_refusal) {
        ASKED("contact %s by %s", code, by);
        return answer(ret_refusal);
}

static int note_contact(const char *what, const struct contact_record *r, const char *by, struct refusal *ret) {
        ASKED("%s %" PRIi64 " %s %s %s %s %s %" PRIu32 " by %s", what, r->id, r->name, r->phone, r->mail, r->channel,
              r->language, r->position, by);
        return answer(ret);
}

int binding_add_contact(struct binding *b, struct contact_record *record, const char *by,
                        struct refusal *ret_refusal) {
        record->id = 3;
        return note_contact("add", record, by, ret_refusal);
}

int binding_change_contact(struct binding *b, const struct contact_record *record, const char *by,
                           struct refusal *ret_refusal) {
        return note_contact("change", record, by, ret_refusal);
}

int binding_remove_contact(struct binding *b, int64_t id, const char *by, struct refusal *ret_refusal) {
        ASKED("remove %" PRIi64 " by %s", id, by);
        return answer(ret_refusal);
}

int binding_set_preference(struct binding *b, int64_t contact, const char *event, const char *channels, const char *by,
                           struct refusal *ret_refusal) {
        ASKED("prefer %" PRIi64 " %s \"%s\" by %s", contact, event, channels, by);
        return answer(ret_refusal);
}

int binding_announce_replacement(struct binding *b, uint64_t time_usec, const char *detail, const char *by,
                                 struct refusal *ret_refusal) {
        ASKED("announce %" PRIu64 " %s by %s", time_usec, detail, by);
        return answer(ret_refusal);
}

int binding_send_test(struct binding *b, int64_t contact, const char *by, struct refusal *ret_refusal) {
        ASKED("test %" PRIi64 " by %s", contact, by);
        return answer(ret_refusal);
}

const char *const *binding_checklist(const char *language) {
        static const char *const lines[] = { "one", "two", NULL };

        return lines;
}

/* ---- Nor is there a bus that knows who calls ---- */

static struct { const char *sender, *leader; } names;

int __wrap_sd_bus_track_new(sd_bus *b, sd_bus_track **ret, sd_bus_track_handler_t handler, void *userdata);
int __wrap_sd_bus_track_add_sender(sd_bus_track *track, sd_bus_message *m);
int __wrap_sd_bus_track_contains(sd_bus_track *track, const char *name);
sd_bus_track *__wrap_sd_bus_track_unref(sd_bus_track *track);
const char *__wrap_sd_bus_message_get_sender(sd_bus_message *m);

int __wrap_sd_bus_track_new(sd_bus *b, sd_bus_track **ret, sd_bus_track_handler_t handler, void *userdata) {
        *ret = (sd_bus_track *) &names;
        return 0;
}

int __wrap_sd_bus_track_add_sender(sd_bus_track *track, sd_bus_message *m) {
        names.leader = names.sender;
        return 0;
}

int __wrap_sd_bus_track_contains(sd_bus_track *track, const char *name) {
        return streq_ptr(names.leader, name);
}

sd_bus_track *__wrap_sd_bus_track_unref(sd_bus_track *track) {
        return NULL;
}

const char *__wrap_sd_bus_message_get_sender(sd_bus_message *m) {
        return names.sender;
}

/* ---- Calls ---- */

static struct {
        unsigned n;
        char text[64];
} ended;

static int on_ended(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *step, *reason;
        int64_t id;

        assert_true(sd_bus_message_read(m, "xss", &id, &step, &reason) > 0);
        snprintf(ended.text, sizeof(ended.text), "%" PRIi64 " %s %s", id, step, reason);
        ended.n++;
        return 0;
}

static int setup(void **state) {
        memset(&binding, 0, sizeof(binding));
        memset(&names, 0, sizeof(names));
        memset(&ended, 0, sizeof(ended));
        names.sender = ":1.1";
        bus_set_up();
        bus.server->binding = (struct binding *) &binding;
        assert_true(operators_register(bus.server) >= 0);
        assert_true(bindings_register(bus.server) >= 0);
        assert_true(sd_bus_match_signal(bus.client, NULL, NULL, SERVER_PATH, BINDING, "ChangeEnded", on_ended, NULL) >=
                    0);
        return 0;
}

/* As call_at(), with arguments of a signature; line NULL: no fd. */
static const char *call(const char *method, const char *line, const char *types, ...) {
        _cleanup_close_ int fd = -EBADF;
        sd_bus_message *m;
        va_list ap;

        binding.asked[0] = '\0';
        bus.answered = false;
        bus.action[0] = '\0';
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, SERVER_PATH, BINDING, method) >= 0);
        va_start(ap, types);
        assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
        va_end(ap);
        if (line) {
                fd = memfd_create("code", MFD_CLOEXEC);
                assert_true(fd >= 0);
                assert_int_equal(write(fd, line, strlen(line)), strlen(line));
                assert_true(sd_bus_message_append(m, "h", fd) >= 0);
        }
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
        wait_for_answer();
        return strrchr(bus.error, '.') ? strrchr(bus.error, '.') + 1 : bus.error;
}

/* In the name of the user that the test runs as. */
static void assert_asked(const char *what) {
        char text[256];

        snprintf(text, sizeof(text), "%s by uid %u", what, (unsigned) geteuid());
        assert_string_equal(binding.asked, text);
}

static int64_t answered_number(void) {
        int64_t x;

        assert_true(sd_bus_message_read(bus.reply, "x", &x) > 0);
        return x;
}

static void enrol(const char *number, const char *role, const char *code) {
        assert_string_equal(call_at(SERVER_PATH, "org.tilld1.Operators", "Add", number, role, code), "");
}

/* ---- Tests ---- */

static void a_change(void **state) {
        assert_string_equal(call("Begin", NULL, "sss", "SN-1", "T0000001", NEW_PHONE), "");
        assert_string_equal(bus.action, "org.tilld1.rebind");
        assert_asked("change SN-1 T0000001 " NEW_PHONE);
        assert_int_equal(answered_number(), 7);
        assert_string_equal(call("BeginLost", NULL, "sss", "SN-1", "T0000001", NEW_PHONE), "");
        assert_string_equal(bus.action, "org.tilld1.rebind");
        assert_asked("lost SN-1 T0000001 " NEW_PHONE);
        assert_string_equal(call("TakeUp", NULL, ""), "");
        assert_int_equal(answered_number(), 8);
        assert_string_equal(call("SendCodes", NULL, ""), "");
        assert_asked("send codes");
        assert_string_equal(call("GiveCode", "123456\n", "s", "old"), "");
        assert_asked("old 123456");
        assert_string_equal(call("GiveCode", "654321", "s", "new"), "");
        assert_asked("new 654321");
        assert_string_equal(call("Cancel", NULL, ""), "");
        assert_asked("cancel");
        assert_string_equal(call("CancelWithContactCode", "12345678\n", ""), "");
        assert_asked("contact 12345678");

        /* What the binding refuses comes through. */
        binding.refuse = REFUSAL_BUSY;
        assert_string_equal(call("Begin", NULL, "sss", "SN-1", "T0000001", NEW_PHONE), "Busy");
        assert_string_equal(bus.text, "so it is");
        assert_string_equal(call("GiveCode", "654321", "s", "new"), "Busy");
        assert_string_equal(call("SendCodes", NULL, ""), "Busy");
}

static void codes_that_are_none(void **state) {
        static const struct {
                const char *holder, *line;
        } wrong[] = {
                { "old", "" },
                { "old", "\n" },
                { "old", "12345678901234567890123456789012\n" },
                { "contact", "123456\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                assert_string_equal(call("GiveCode", wrong[i].line, "s", wrong[i].holder), "InvalidCode");
                assert_string_equal(binding.asked, "");
        }
}

/* Whoever began it needs no more; whoever took it up has it from then on. */
static void who_leads(void **state) {
        static const char *const led[] = { "SendCodes", "Cancel", "GetHistory", "ListContacts", "Describe" };

        assert_string_equal(call("Begin", NULL, "sss", "SN-1", "T0000001", NEW_PHONE), "");
        for (size_t i = 0; i < ELEMENTSOF(led); i++) {
                assert_string_equal(call(led[i], NULL, ""), "");
                assert_string_equal(bus.action, "");
        }
        assert_string_equal(call("GiveCode", "123456", "s", "old"), "");
        assert_string_equal(bus.action, "");

        names.sender = ":1.2";
        assert_string_equal(call("GiveCode", "123456", "s", "old"), "");
        assert_string_equal(bus.action, "org.tilld1.rebind");
        assert_string_equal(call("TakeUp", NULL, ""), "");
        assert_string_equal(call("Cancel", NULL, ""), "");
        assert_string_equal(bus.action, "");
        names.sender = ":1.1";
        assert_string_equal(call("Cancel", NULL, ""), "");
        assert_string_equal(bus.action, "org.tilld1.rebind");

        /* To lead is no right to what the leader did not ask for. */
        names.sender = ":1.2";
        assert_string_equal(call("RemoveContact", NULL, "x", INT64_C(1)), "");
        assert_string_equal(bus.action, "org.tilld1.contacts");
}

/* A call that was refused leads nothing. */
static void refused_does_not_lead(void **state) {
        binding.refuse = REFUSAL_INVALID_CODE;
        assert_string_equal(call("Begin", NULL, "sss", "SN-1", "T0000001", NEW_PHONE), "InvalidCode");
        assert_null(names.leader);
}

static const struct {
        const char *method, *action, *types;
        bool twin;
} all[] = {
        { "Begin", "org.tilld1.rebind", "sss", true },
        { "BeginLost", "org.tilld1.rebind", "sss", true },
        { "TakeUp", "org.tilld1.rebind", "", true },
        { "SendCodes", "org.tilld1.rebind", "" },
        { "GiveCode", "org.tilld1.rebind", "sh" },
        { "Cancel", "org.tilld1.rebind", "" },
        { "GetHistory", "org.tilld1.binding-read", "", true },
        { "ListContacts", "org.tilld1.binding-read", "", true },
        { "AddContact", "org.tilld1.contacts", "a{sv}", true },
        { "ChangeContact", "org.tilld1.contacts", "xa{sv}", true },
        { "RemoveContact", "org.tilld1.contacts", "x", true },
        { "SetPreference", "org.tilld1.contacts", "xss", true },
        { "ListNotices", "org.tilld1.binding-read", "u", true },
        { "SendTest", "org.tilld1.contacts", "x", true },
        { "AnnounceReplacement", "org.tilld1.contacts", "ts", true },
        { "GetChecklist", "org.tilld1.binding-read", "s", true },
        { "Describe", "org.tilld1.binding-read", "" },
};

/* With arguments that pass, so that nothing but the right is missing. line is behind them. */
static const char *call_one(size_t i, const char *method, const char *line) {
        const char *types = all[i].types;

        if (streq(types, "sss"))
                return call(method, line, types, "SN-1", "T0000001", NEW_PHONE);
        if (streq(types, "sh"))
                return call(method, "123456", "s", "old");
        if (streq(types, "a{sv}"))
                return call(method, line, types, 1, "name", "s", "Wang");
        if (streq(types, "xa{sv}"))
                return call(method, line, types, INT64_C(1), 1, "name", "s", "Wang");
        if (streq(types, "xss"))
                return call(method, line, types, INT64_C(1), "fault", "sms");
        if (streq(types, "u"))
                return call(method, line, types, UINT32_C(10));
        if (streq(types, "x"))
                return call(method, line, types, INT64_C(1));
        if (streq(types, "ts"))
                return call(method, line, types, UINT64_C(1), "soon");
        if (streq(types, "s"))
                return call(method, line, types, "en");
        return call(method, line, "");
}

/* All but the one whose code is its authority are here. */
static void all_are_here(void) {
        const char *xml, *at;
        size_t n = 0, expected = 1;

        assert_string_equal(
                call_at(SERVER_PATH, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, NULL, NULL), "");
        assert_true(sd_bus_message_read(bus.reply, "s", &xml) > 0);
        at = strstr(xml, "<interface name=\"" BINDING "\">");
        assert_non_null(at);
        for (const char *end = strstr(at, "</interface>"); (at = strstr(at, "<method ")) && at < end; at++)
                n++;
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                expected += all[i].twin ? 2 : 1;
        assert_int_equal(n, expected);
}

static void nobody_without_a_right(void **state) {
        enrol("02", "cashier", "2222");
        all_are_here();
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                char twin[64];

                bus.refuse = all[i].action;
                assert_string_equal(call_one(i, all[i].method, NULL), "AccessDenied");
                assert_string_equal(binding.asked, "");
                if (!all[i].twin)
                        continue;
                /* A cashier's own code is none that would do. */
                snprintf(twin, sizeof(twin), "%sWithCode", all[i].method);
                assert_string_equal(call_one(i, twin, "02 2222\n"), "AccessDenied");
                assert_non_null(strstr(bus.text, all[i].action));
                assert_non_null(strstr(bus.text, twin));
                assert_string_equal(binding.asked, "");
                bus.refuse = "org.tilld1.sell";
                assert_string_equal(call_one(i, twin, "02 2222\n"), "AccessDenied");
                assert_string_equal(binding.asked, "");
        }
        /* The code is the authority. */
        assert_string_equal(call("CancelWithContactCode", "12345678\n", ""), "");
}

static void by_a_supervisor(void **state) {
        enrol("07", "supervisor", "7777");
        bus.refuse = "org.tilld1.rebind";
        assert_string_equal(call("BeginWithCode", "07 7778\n", "sss", "SN-1", "T0000001", NEW_PHONE), "WrongCode");
        assert_string_equal(binding.asked, "");
        assert_string_equal(call("BeginWithCode", "07 7777\n", "sss", "SN-1", "T0000001", NEW_PHONE), "");
        assert_string_equal(bus.action, "org.tilld1.sell");
        assert_string_equal(binding.asked, "change SN-1 T0000001 " NEW_PHONE " by 07");
        assert_int_equal(answered_number(), 7);
        /* And leads it from then on. */
        assert_string_equal(call("SendCodes", NULL, ""), "");
        assert_string_equal(call("GiveCode", "123456", "s", "old"), "");
        assert_string_equal(call("TakeUpWithCode", "07 7777\n", ""), "");
        assert_string_equal(binding.asked, "take up by 07");
        assert_string_equal(call("BeginLostWithCode", "07 7777\n", "sss", "SN-1", "T0000001", NEW_PHONE), "");
        assert_string_equal(binding.asked, "lost SN-1 T0000001 " NEW_PHONE " by 07");

        bus.refuse = "org.tilld1.binding-read";
        assert_string_equal(call("GetChecklistWithCode", "07 7777\n", "s", "en"), "");
        assert_true(sd_bus_message_enter_container(bus.reply, 'a', "s") > 0);

        bus.refuse = "org.tilld1.contacts";
        assert_string_equal(call("AddContactWithCode", "07 7777\n", "a{sv}", 2, "name", "s", "Wang", "phone", "s",
                                 "+8613800138002"),
                            "");
        assert_string_equal(binding.asked, "add 3 Wang +8613800138002  sms zh_CN 17 by 07");
        assert_int_equal(answered_number(), 3);
        assert_string_equal(call("SetPreferenceWithCode", "07 7777\n", "xss", INT64_C(0), "fault", "sms mail"), "");
        assert_string_equal(binding.asked, "prefer 0 fault \"sms mail\" by 07");
        assert_string_equal(call("AnnounceReplacementWithCode", "07 7777\n", "ts", UINT64_C(5), "soon"), "");
        assert_string_equal(binding.asked, "announce 5 soon by 07");
        assert_string_equal(call("SendTestWithCode", "07 7777\n", "x", INT64_C(4)), "");
        assert_string_equal(binding.asked, "test 4 by 07");
        assert_string_equal(call("RemoveContactWithCode", "07 7777\n", "x", INT64_C(4)), "");
        assert_string_equal(binding.asked, "remove 4 by 07");
}

/* All that a list says, as text. */
static const char *read_list(void) {
        static char text[2048];
        const char *key, *type, *s;
        int b;

        text[0] = '\0';
        assert_true(sd_bus_message_enter_container(bus.reply, 'a', "a{sv}") > 0);
        while (sd_bus_message_enter_container(bus.reply, 'a', "{sv}") > 0) {
                while (sd_bus_message_enter_container(bus.reply, 'e', "sv") > 0) {
                        size_t n = strlen(text);

                        assert_true(sd_bus_message_read(bus.reply, "s", &key) > 0);
                        assert_true(sd_bus_message_peek_type(bus.reply, NULL, &type) > 0);
                        if (streq(type, "s") && sd_bus_message_read(bus.reply, "v", "s", &s) > 0 && *s)
                                snprintf(text + n, sizeof(text) - n, "%s=%s ", key, s);
                        else if (streq(type, "b") && sd_bus_message_read(bus.reply, "v", "b", &b) > 0 && b)
                                snprintf(text + n, sizeof(text) - n, "%s ", key);
                        else if (!strchr("sb", *type))
                                assert_true(sd_bus_message_skip(bus.reply, "v") > 0);
                        assert_true(sd_bus_message_exit_container(bus.reply) >= 0);
                }
                assert_true(sd_bus_message_exit_container(bus.reply) >= 0);
                (void) strcat(text, "; ");
        }
        return text;
}

static void contacts(void **state) {
        struct contact_record record = { .position = 1,
                                         .name = "王芳",
                                         .phone = "+8613800138003",
                                         .mail = "wang.fang@example.com",
                                         .channel = "mail",
                                         .language = "zh_CN",
                                         .added_usec = 5 };

        bound_phone_bind(shop.journal);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(contact_record_insert(shop.journal, &record), 0);
        assert_int_equal(contact_preference_store(shop.journal, record.id, "fault", "mail sms"), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_string_equal(call("ListContacts", NULL, ""), "");
        assert_string_equal(bus.action, "org.tilld1.binding-read");
        assert_string_equal(read_list(), "Phone=+86*******8000 ; Name=王芳 Phone=+86*******8003 "
                                         "Mail=w***@example.com Channel=mail Language=zh_CN ; ");

        assert_string_equal(call("ChangeContact", NULL, "xa{sv}", record.id, 1, "name", "s", "Fang"), "");
        assert_asked("change 1 Fang +8613800138003 wang.fang@example.com mail zh_CN 1");
        assert_string_equal(call("ChangeContact", NULL, "xa{sv}", INT64_C(9), 1, "name", "s", "Fang"), "NotFound");
        assert_string_equal(call("AddContact", NULL, "a{sv}", 1, "colour", "s", "red"), "UnknownOption");
        assert_string_equal(call("AddContact", NULL, "a{sv}", 1, "phone", "s", "+86 138 0013 8003"), "InvalidContact");
        assert_string_equal(binding.asked, "");
}

static void lists(void **state) {
        struct rebind_record change = { .kind = REBIND_CHANGE,
                                        .phone = NEW_PHONE,
                                        .serial = "SN-1",
                                        .terminal = "T0000001",
                                        .by = "07",
                                        .started_usec = 5 };
        struct notice_record notice = { .event = "fault", .text = "a\nb", .created_usec = 6, .until_uptime = 7 };

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        COPY(change.reason, "cancelled");
        assert_int_equal(rebind_record_insert(shop.journal, &change), 0);
        /* That it is called off is no reason of its end yet. */
        assert_string_equal(call("GetHistory", NULL, ""), "");
        assert_string_equal(read_list(), "Kind=change Step=check "
                                         "Phone=+86*******8001 Serial=SN-1 TerminalNumber=T0000001 By=07 ; ");
        change.step = REBIND_ROLLED_BACK;
        change.failed = REBIND_CODES;
        change.ended_usec = 9;
        COPY(change.reason, "wrong-codes");
        assert_int_equal(rebind_record_update(shop.journal, &change), 0);
        assert_int_equal(notice_record_insert(shop.journal, &notice), 0);
        assert_int_equal(journal_commit(shop.journal), 0);

        assert_string_equal(call("GetHistory", NULL, ""), "");
        assert_string_equal(read_list(), "Kind=change Step=rolled-back FailedStep=codes Reason=wrong-codes "
                                         "Phone=+86*******8001 Serial=SN-1 TerminalNumber=T0000001 By=07 ; ");
        assert_string_equal(call("ListNotices", NULL, "u", UINT32_C(10)), "");
        assert_string_equal(read_list(), "Event=fault State=queued ; ");
        assert_string_equal(call("ListNotices", NULL, "u", UINT32_C(0)), "");
        assert_string_equal(read_list(), "");
        assert_string_equal(call("GetChecklist", NULL, "s", "en"), "");
        assert_string_equal(call("GetChecklist", NULL, "s", "fr"), "UnknownOption");
}

static void damage(const char *sql) {
        assert_int_equal(sqlite3_exec(shop.journal->db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_true(sqlite3_changes(shop.journal->db) > 0);
}

/* What is damaged is said so, and keeps nobody from seeing the rest. */
static void damaged_rows(void **state) {
        struct contact_record fang = { .name = "Fang", .phone = NEW_PHONE, .channel = "sms", .language = "en" },
                              li = { .name = "Li", .phone = NEW_PHONE, .channel = "hook", .language = "en" };
        struct rebind_record change = { .phone = NEW_PHONE, .serial = "SN-1", .by = "07", .started_usec = 5 };
        struct notice_record notice = { .event = "fault", .text = "a\nb", .created_usec = 6, .until_uptime = 7 };

        bound_phone_bind(shop.journal);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(contact_record_insert(shop.journal, &fang), 0);
        assert_int_equal(contact_record_insert(shop.journal, &li), 0);
        assert_int_equal(rebind_record_insert(shop.journal, &change), 0);
        change.step = REBIND_COMMITTED;
        change.ended_usec = 9;
        assert_int_equal(rebind_record_update(shop.journal, &change), 0);
        change.step = REBIND_CHECK;
        change.ended_usec = 0;
        assert_int_equal(rebind_record_insert(shop.journal, &change), 0);
        assert_int_equal(notice_record_insert(shop.journal, &notice), 0);
        assert_int_equal(notice_record_insert(shop.journal, &notice), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        damage("UPDATE contacts SET person_sealed = zeroblob(80) WHERE id = 1");
        damage("UPDATE rebinds SET phone_sealed = zeroblob(60) WHERE id = 1");
        damage("UPDATE notices SET text_sealed = zeroblob(60) WHERE id = 2");

        /* Nor does the number of a change keep the bound one from being seen. */
        binding.unreadable = -EBADMSG;
        assert_string_equal(call("ListContacts", NULL, ""), "");
        assert_string_equal(read_list(), "Phone=+86*******8000 ; Channel=sms Language=en Unreadable ; "
                                         "Name=Li Phone=+86*******8001 Channel=hook Language=en ; ");
        assert_string_equal(call("GetHistory", NULL, ""), "");
        assert_string_equal(read_list(), "Kind=first Step=check Phone=+86*******8001 Serial=SN-1 By=07 ; "
                                         "Kind=first Step=committed Serial=SN-1 By=07 Unreadable ; ");
        assert_string_equal(call("ListNotices", NULL, "u", UINT32_C(10)), "");
        assert_string_equal(read_list(), "Event=fault State=queued Unreadable ; Event=fault State=queued ; ");

        /* As does what is not sealed. */
        damage("UPDATE contacts SET channel = printf('%.*c', 40, 'x') WHERE id = 2");
        damage("UPDATE rebinds SET begun_by = printf('%.*c', 400, 'x') WHERE id = 2");
        damage("UPDATE notices SET event = printf('%.*c', 40, 'x') WHERE id = 1");
        assert_string_equal(call("ListContacts", NULL, ""), "");
        assert_string_equal(read_list(), "Phone=+86*******8000 ; Channel=sms Language=en Unreadable ; "
                                         "Language=en Unreadable ; ");
        assert_string_equal(call("GetHistory", NULL, ""), "");
        assert_string_equal(read_list(), "Kind=first Step=check Serial=SN-1 Unreadable ; "
                                         "Kind=first Step=committed Serial=SN-1 By=07 Unreadable ; ");
        assert_string_equal(call("ListNotices", NULL, "u", UINT32_C(10)), "");
        assert_string_equal(read_list(), "Event=fault State=queued Unreadable ; State=queued Unreadable ; ");

        /* The bound phone itself, too. */
        damage("UPDATE bindings SET phone_sealed = zeroblob(60)");
        assert_string_equal(call("ListContacts", NULL, ""), "");
        assert_non_null(startswith(read_list(), "Unreadable ; Channel=sms"));
        assert_string_equal(call("Describe", NULL, ""), "NotReady");
}

/* Neither number whole, and only what is another than before. */
static void properties(void **state) {
        const char *json;

        binding.view.current = (struct binding_record){ .id = 1, .phone = OLD_PHONE, .serial = "SN-1", .by = "07" };
        binding.view.rebind = (struct rebind_record){
                .id = 7, .kind = REBIND_CHANGE, .step = REBIND_CODES, .failed = REBIND_CHECK, .phone = NEW_PHONE
        };
        COPY(binding.view.rebind.reason, "cancelled");
        binding.view.old_tries = 3;
        binding.view.current.since_usec = UINT64_C(1790000000000000);
        assert_string_equal(call("Describe", NULL, ""), "");
        assert_true(sd_bus_message_read(bus.reply, "s", &json) > 0);
        assert_non_null(strstr(json, "\"Since\":\t1790000000000000"));
        assert_non_null(strstr(json, "+86*******8000"));
        assert_non_null(strstr(json, "+86*******8001"));
        assert_non_null(strstr(json, "\"Step\":\t\"codes\""));
        assert_non_null(strstr(json, "\"FailedStep\":\t\"\""));
        assert_non_null(strstr(json, "\"Reason\":\t\"\""));
        assert_null(strstr(json, OLD_PHONE));
        assert_null(strstr(json, NEW_PHONE));

        bus.changes = 0;
        server_binding_listener.changed(bus.server);
        call("Describe", NULL, "");
        assert_int_equal(bus.changes, 1);
        server_binding_listener.changed(bus.server);
        call("Describe", NULL, "");
        assert_int_equal(bus.changes, 1);
        binding.view.rebind.step = REBIND_COMMITTED;
        *binding.view.rebind.reason = '\0';
        server_binding_listener.changed(bus.server);
        server_binding_listener.ended(&binding.view.rebind, bus.server);
        call("Describe", NULL, "");
        assert_int_equal(bus.changes, 2);
        assert_int_equal(ended.n, 1);
        assert_string_equal(ended.text, "7 committed ");
}

/* The engine changes at each step of a sale: the rows of the bound phone are not unsealed for it. */
static void engine_changes(void **state) {
        struct notice_record notice = { .event = "fault", .text = "a\nb", .created_usec = 6, .until_uptime = 7 };
        unsigned looks;

        binding.view.current = (struct binding_record){ .id = 1, .phone = OLD_PHONE };
        server_binding_listener.changed(bus.server);
        looks = binding.looks;
        for (int i = 0; i < 5; i++)
                server_listener.changed(bus.server);
        assert_int_equal(binding.looks, looks);

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(notice_record_insert(shop.journal, &notice), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        server_listener.changed(bus.server);
        assert_true(binding.looks > looks);

        binding.view.rebind = (struct rebind_record){ .id = 7, .kind = REBIND_CHANGE, .step = REBIND_CODES };
        server_binding_listener.changed(bus.server);
        looks = binding.looks;
        server_listener.changed(bus.server);
        assert_true(binding.looks > looks);
}

/* What the engine says of a transaction, the binding hears. */
static void transactions(void **state) {
        struct transaction_view view = TRANSACTION_VIEW_INIT;

        COPY(view.record.reference, "REBIND-7-CHECK");
        server_listener.transaction(&view, TRANSACTION_FINISHED, bus.server);
        assert_string_equal(binding.asked, "transaction REBIND-7-CHECK");
        /* One that tilld starts by itself has no starter to be told. */
        view.record.id = 5;
        server_listener.transaction(&view, TRANSACTION_ADDED, bus.server);
        assert_int_equal(bus.server->started, 0);
        bus.server->binding = NULL;
        server_listener.transaction(&view, TRANSACTION_FINISHED, bus.server);
        server_binding_listener.changed(bus.server);
}

/* Without an answer that would be waited for. */
static void call_silently(const char *method, int fd) {
        send_call(SERVER_PATH, BINDING, method, streq(method, "GiveCode") ? "old" : NULL, NULL, fd);
        for (int i = 0; i < 20; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
}

/* Who writes no line keeps nobody out but himself, and is not waited for at the end. */
static void silent_callers(void **state) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        for (unsigned i = 0; i < 12; i++)
                call_silently("CancelWithContactCode", fds[0]);
        /* His oldest were told so; who else calls is heard. */
        assert_int_equal(bus.answers, 8);
        assert_non_null(strstr(bus.error, "Busy"));
        bus.uid = 1001;
        assert_string_equal(call("GiveCode", "123456\n", "s", "old"), "");
        assert_asked("old 123456");
        assert_int_equal(bus.answers, 9);
        code_call_end_all(bus.server);
        assert_null(bus.server->code_calls);
        safe_close(fds[0]);
        safe_close(fds[1]);
}

/* Calls with a pipe that has no line yet. */
static int call_early(const char *method) {
        int fds[2];

        binding.asked[0] = '\0';
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        call_silently(method, fds[0]);
        assert_false(bus.answered);
        close(fds[0]);
        return fds[1];
}

static void write_late(int fd, const char *line) {
        assert_int_equal(write(fd, line, strlen(line)), strlen(line));
        close(fd);
        wait_for_answer();
}

/* A line that comes late is for what was open at the call, and for who led it then. */
static void late_lines(void **state) {
        int fd;

        assert_string_equal(call("Begin", NULL, "sss", "SN-1", "T0000001", NEW_PHONE), "");
        binding.view.rebind.id = 7;
        fd = call_early("GiveCode");
        write_late(fd, "123456\n");
        assert_string_equal(bus.error, "");
        assert_asked("old 123456");

        fd = call_early("GiveCode");
        binding.view.rebind.id = 8;
        write_late(fd, "123456\n");
        assert_non_null(strstr(bus.error, "NotAsked"));
        assert_string_equal(binding.asked, "");

        fd = call_early("CancelWithContactCode");
        binding.view.rebind.id = 9;
        write_late(fd, "12345678\n");
        assert_non_null(strstr(bus.error, "NotAsked"));
        assert_string_equal(binding.asked, "");

        fd = call_early("GiveCode");
        names.leader = ":1.2";
        write_late(fd, "123456\n");
        assert_non_null(strstr(bus.error, "NotAsked"));
        assert_string_equal(binding.asked, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_change, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(codes_that_are_none, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(who_leads, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(refused_does_not_lead, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(nobody_without_a_right, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(by_a_supervisor, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(contacts, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(lists, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(damaged_rows, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(properties, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(transactions, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(silent_callers, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(late_lines, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(engine_changes, setup, bus_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
