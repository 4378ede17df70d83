// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/fault.h"

#include <inttypes.h>

#include "bus/value.h"
#include "care/fault-code.h"

#define INTERFACE "org.tilld1.Fault"
#define PREFIX SERVER_PATH "/fault"

/* Open ones that the ObjectManager lists: its answer has an end. */
#define LISTED 16

/* ---- The values, once for properties and JSON ---- */

static const struct fault_code no_code = { .area = "" };

static const struct fault_code *code_of(const struct fault_record *record) {
        return fault_code_find(record->code) ?: &no_code;
}

static const char *ended_by(const struct fault_record *record) {
        return record->ended_usec > 0 && !*record->ended_by ? "evidence" : record->ended_by;
}

#define TEXT(name, expression)                                                                                        \
        static struct value get_##name(const struct fault_record *f, const char *language) {                          \
                return VALUE_TEXT(expression);                                                                        \
        }
#define NUMBER(name, t, expression)                                                                                   \
        static struct value get_##name(const struct fault_record *f, const char *language) {                          \
                return VALUE_NUMBER(t, expression);                                                                   \
        }
/* Types of their own: o is the path of transaction x; a is an array of fault_text, x at most. */
#define LIST(name, texts)                                                                                             \
        static struct value get_##name(const struct fault_record *f, const char *language) {                          \
                return (struct value){ .type = 'a', .data = (texts), .x = (int64_t) ELEMENTSOF(texts) };              \
        }

NUMBER(id, 't', f->id)
TEXT(code, f->code)
TEXT(area, code_of(f)->area)
TEXT(class, f->class)
TEXT(severity, f->severity)
TEXT(subject, f->subject)
TEXT(detail, f->detail)
TEXT(symptom, fault_text_in(&code_of(f)->symptom, language))
TEXT(next_step, fault_text_in(code_of(f)->merchant, language))
TEXT(support_step, fault_text_in(code_of(f)->support, language))
LIST(causes, code_of(f)->causes)
LIST(merchant_steps, code_of(f)->merchant)
LIST(support_steps, code_of(f)->support)
TEXT(spare_part, fault_text_in(&code_of(f)->part, language))
NUMBER(transaction, 'o', f->transaction)
NUMBER(count, 'u', f->count)
NUMBER(opened, 't', f->opened_usec)
NUMBER(last_seen, 't', f->seen_usec)
NUMBER(acknowledged, 't', f->acknowledged_usec)
TEXT(acknowledged_by, f->acknowledged_by)
NUMBER(ended, 't', f->ended_usec)
TEXT(ended_by, ended_by(f))
TEXT(note, f->note)
TEXT(device, f->device)
TEXT(firmware, f->firmware)
TEXT(versions, f->versions)
TEXT(environment, f->environment)

static const struct field {
        const char *name;
        struct value (*get)(const struct fault_record *f, const char *language);
} fields[] = {
        { "Id", get_id },
        { "Code", get_code },
        { "Area", get_area },
        { "Class", get_class },
        { "Severity", get_severity },
        { "Subject", get_subject },
        { "Detail", get_detail },
        { "Symptom", get_symptom },
        { "NextStep", get_next_step },
        { "SupportStep", get_support_step },
        { "Causes", get_causes },
        { "MerchantSteps", get_merchant_steps },
        { "SupportSteps", get_support_steps },
        { "SparePart", get_spare_part },
        { "Transaction", get_transaction },
        { "Count", get_count },
        { "Opened", get_opened },
        { "LastSeen", get_last_seen },
        { "Acknowledged", get_acknowledged },
        { "AcknowledgedBy", get_acknowledged_by },
        { "Ended", get_ended },
        { "EndedBy", get_ended_by },
        { "Note", get_note },
        { "Device", get_device },
        { "Firmware", get_firmware },
        { "Versions", get_versions },
        { "Environment", get_environment },
};

/* ---- As JSON ---- */

bool fault_add_texts(cJSON *json, const char *name, const struct fault_text *texts, size_t max, const char *language) {
        cJSON *list = cJSON_AddArrayToObject(json, name);

        for (size_t i = 0; i < max && texts[i].english; i++)
                if (!cJSON_AddItemToArray(list, cJSON_CreateString(fault_text_in(texts + i, language))))
                        return false;
        return list;
}

static bool add_path(struct server *s, cJSON *json, const char *name, int64_t transaction) {
        _cleanup_free_ char *path = NULL;

        return transaction_path_or_root(s, transaction, &path) >= 0 && cJSON_AddStringToObject(json, name, path);
}

bool fault_add_json(struct server *s, cJSON *json, const struct fault_record *record, const char *language) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                struct value v = fields[i].get(record, language);
                bool added;

                if (v.type == 'a')
                        added = fault_add_texts(json, fields[i].name, v.data, (size_t) v.x, language);
                else if (v.type == 'o')
                        added = add_path(s, json, fields[i].name, v.x);
                else if (v.type == 's')
                        added = cJSON_AddStringToObject(json, fields[i].name, v.s);
                else
                        added = json_add_number(json, fields[i].name, v.x);
                if (!added)
                        return false;
        }
        return true;
}

/* ---- As an object ---- */

static int append_texts(sd_bus_message *m, struct value v) {
        const struct fault_text *texts = v.data;
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (int64_t i = 0; r >= 0 && i < v.x && texts[i].english; i++)
                r = sd_bus_message_append_basic(m, 's', texts[i].english);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *transaction = NULL;
        struct server *s = userdata;
        struct value v = {};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (streq(fields[i].name, property))
                        v = fields[i].get(&s->looked_fault, "en");
        if (v.type == 'a')
                return append_texts(reply, v);
        if (v.type != 'o')
                return value_append(reply, v);
        r = transaction_path_or_root(s, v.x, &transaction);
        return r < 0 ? r : sd_bus_message_append_basic(reply, 'o', transaction);
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;

        return fault_add_json(s, json, &s->looked_fault, "en") ? json_reply(m, json) : -ENOMEM;
}

#define CONSTANT(name, type) SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST)
#define CHANGING(name, type) SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
/* Counted without a word. */
#define COUNTING(name, type) SD_BUS_PROPERTY(name, type, get_property, 0, 0)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        CONSTANT("Id", "t"),
        CONSTANT("Code", "s"),
        CONSTANT("Area", "s"),
        CONSTANT("Class", "s"),
        CONSTANT("Severity", "s"),
        CONSTANT("Subject", "s"),
        COUNTING("Detail", "s"),
        CONSTANT("Symptom", "s"),
        CONSTANT("NextStep", "s"),
        CONSTANT("SupportStep", "s"),
        CONSTANT("Causes", "as"),
        CONSTANT("MerchantSteps", "as"),
        CONSTANT("SupportSteps", "as"),
        CONSTANT("SparePart", "s"),
        COUNTING("Transaction", "o"),
        COUNTING("Count", "u"),
        CONSTANT("Opened", "t"),
        COUNTING("LastSeen", "t"),
        CHANGING("Acknowledged", "t"),
        CHANGING("AcknowledgedBy", "s"),
        CHANGING("Ended", "t"),
        CHANGING("EndedBy", "s"),
        CHANGING("Note", "s"),
        CONSTANT("Device", "s"),
        CONSTANT("Firmware", "s"),
        CONSTANT("Versions", "s"),
        CONSTANT("Environment", "s"),
        SD_BUS_VTABLE_END,
};

/* One object, one path: not also /007. */
static int64_t path_id(const char *path) {
        const char *text = startswith(path, PREFIX "/");
        char canonical[24];
        int64_t id;

        if (!text)
                return 0;
        id = strtoll(text, NULL, 10);
        (void) snprintf(canonical, sizeof(canonical), "%" PRIi64, id);
        return streq(canonical, text) ? id : 0;
}

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *error) {
        struct server *s = userdata;
        int64_t id = path_id(path);
        int r;

        if (id <= 0)
                return 0;
        r = fault_record_load(engine_journal(s->engine), id, &s->looked_fault);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        *ret_found = s;
        return 1;
}

static void format_path(int64_t id, char ret[static 64]) {
        (void) snprintf(ret, 64, PREFIX "/%" PRIi64, id);
}

struct nodes {
        char **paths;
        size_t n;
};

static int list_one(const struct fault_record *record, void *userdata) {
        struct nodes *l = userdata;
        char path[64];

        format_path(record->id, path);
        l->paths[l->n] = strdup(path);
        return l->paths[l->n++] ? 0 : -ENOMEM;
}

static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *error) {
        const struct fault_filter open = { .open = true, .limit = LISTED };
        struct server *s = userdata;
        struct nodes l = { .paths = calloc(LISTED + 1, sizeof(char *)) };
        int r;

        if (!l.paths)
                return -ENOMEM;
        r = fault_record_each(engine_journal(s->engine), &open, list_one, &l);
        if (r >= 0) {
                *ret_nodes = l.paths;
                return 0;
        }
        for (size_t i = 0; i < l.n; i++)
                free(l.paths[i]);
        free(l.paths);
        return r;
}

int faults_register(struct server *s) {
        int r;

        r = sd_bus_add_fallback_vtable(s->bus, NULL, PREFIX, INTERFACE, vtable, find, s);
        return r < 0 ? r : sd_bus_add_node_enumerator(s->bus, NULL, PREFIX, enumerate, s);
}

void faults_told(struct server *s, const struct fault_record *record) {
        char path[64];

        format_path(record->id, path);
        if (record->ended_usec == 0) {
                (void) sd_bus_emit_object_added(s->bus, path);
                return;
        }
        (void) sd_bus_emit_properties_changed(s->bus, path, INTERFACE, "Ended", "EndedBy", "Note", NULL);
        (void) sd_bus_emit_object_removed(s->bus, path);
}

void faults_acknowledged(struct server *s, int64_t id) {
        char path[64];

        format_path(id, path);
        (void) sd_bus_emit_properties_changed(s->bus, path, INTERFACE, "Acknowledged", "AcknowledgedBy", NULL);
}
