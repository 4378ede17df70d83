// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/authenticity.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/helper-call.h"
#include "base/sealed-file.h"
#include "base/unicode.h"
#include "base/verify-message.h"
#include "journal/binding.h"
#include "transaction/key-list.h"

/* It reads some megabytes, on a slow disk. */
#define DEADLINE_USEC (60 * USEC_PER_SEC)

#define CHANGED "package-changed"
#define UNSIGNED "module-unsigned"
#define SERIAL "serial-differs"

const char *authenticity_socket = VERIFY_SOCKET;

/* Whose faults end where dpkg does not have them any more. */
static const char *const packages[] = { "tilld", "till-dkms", "till-acquirer", "till-sim", "till-dev" };

struct authenticity {
        struct engine *engine;
        struct faults *faults;
        authenticity_done_t done;
        void *userdata;
        struct helper_call *call;
        bool differs, incomplete; /* as far as it was looked */
};

static const cJSON *member(const cJSON *o, const char *name) {
        return cJSON_GetObjectItemCaseSensitive(o, name);
}

static const char *text(const cJSON *o, const char *name) {
        return strempty(cJSON_GetStringValue(member(o, name)));
}

static void observe(struct authenticity *a, const char *code, const char *subject, const char *detail) {
        struct fault_record seen = {};

        COPY(seen.code, code);
        COPY(seen.subject, subject);
        if (unicode_is_plain(detail, false))
                COPY_CHARACTERS(seen.detail, detail);
        faults_observe(a->faults, &seen);
}

/* ---- What is installed ---- */

static const cJSON *find_package(const cJSON *list, const char *name) {
        const cJSON *package;

        cJSON_ArrayForEach(package, list) {
                if (streq(text(package, "Package"), name))
                        return package;
        }
        return NULL;
}

/* The first that is not as it was packaged. */
static const char *worst_file(const cJSON *package) {
        static const char *const lists[] = { "Changed", "Missing" };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                const char *path = cJSON_GetStringValue(cJSON_GetArrayItem(member(package, lists[i]), 0));

                if (path)
                        return path;
        }
        return "";
}

static void judge_package(struct authenticity *a, const char *name, const cJSON *package) {
        const char *state = text(package, "State");

        if (package && streq(state, "changed")) {
                a->differs = true;
                return observe(a, CHANGED, name, worst_file(package));
        }
        /* One of ours is for polkitd alone to read: what cannot be read is shown, and says nothing. */
        faults_disprove(a->faults, CHANGED, name);
}

static void judge_packages(struct authenticity *a, const cJSON *document) {
        const cJSON *list = member(document, "Packages");

        /* rpm -V is a person's to call; without either nobody knows what was packaged. */
        if (!streq(text(document, "Manager"), "dpkg") || cJSON_GetArraySize(list) == 0) {
                a->incomplete = true;
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(packages); i++)
                judge_package(a, packages[i], find_package(list, packages[i]));
}

/* Unsigned it works as long as nobody asks for signatures: only where the kernel does, it will not be loaded again. */
static void judge_module(struct authenticity *a, const cJSON *module) {
        const char *state = text(module, "State");
        bool enforced = cJSON_IsTrue(member(module, "Enforced"));

        if (cJSON_IsFalse(member(module, "Current")) || streq(state, "damaged"))
                a->differs = true;
        if (streq(state, "not-checked") || streq(state, "missing")) {
                a->incomplete = true;
                return;
        }
        if (!enforced || streq(state, "signed"))
                return faults_disprove(a->faults, UNSIGNED, "");
        a->differs = true;
        observe(a, UNSIGNED, "", text(module, "File"));
}

/* ---- The serial number ---- */

static int judge_serial(struct authenticity *a, cJSON *json) {
        const char *terminal = engine_settings(a->engine)->serial, *state;
        struct binding_record record = {};
        char detail[128];
        cJSON *o;
        int r;

        r = binding_record_load_current(engine_journal(a->engine), &record);
        if (r < 0 && r != -ENOENT)
                return r;
        state = isempty(terminal) ? "unknown" : isempty(record.serial) ? "never-confirmed" : "equal";
        if (streq(state, "equal") && !streq(terminal, record.serial)) {
                state = "differs";
                a->differs = true;
                (void) snprintf(detail, sizeof(detail), "%s here, %s at the acquirer", terminal, record.serial);
                observe(a, SERIAL, "", detail);
        } else
                faults_disprove(a->faults, SERIAL, "");
        o = cJSON_AddObjectToObject(json, "Serial");
        return cJSON_AddStringToObject(o, "State", state) && cJSON_AddStringToObject(o, "Terminal", terminal) &&
                               cJSON_AddStringToObject(o, "Confirmed", record.serial)
                       ? 0
                       : -ENOMEM;
}

/* ---- The answer ---- */

/* What it says is a claim: an object of valid text, of bounded size. */
static int read_document(const struct verify_answer *answer, int file, cJSON **ret) {
        _cleanup_free_ uint8_t *data = NULL;
        cJSON *document;
        int r;

        if (answer->version != VERIFY_VERSION)
                return -EPROTONOSUPPORT;
        if (answer->error < 0)
                return answer->error;
        if (file < 0 || answer->size > VERIFY_DOCUMENT_MAX)
                return -EBADMSG;
        r = sealed_file_read(file, answer->size, &data);
        if (r < 0)
                return r;
        data[answer->size] = '\0';
        if (strlen((char *) data) != answer->size || !unicode_is_valid((char *) data))
                return -EBADMSG;
        document = cJSON_Parse((char *) data);
        if (!cJSON_IsObject(document)) {
                cJSON_Delete(document);
                return -EBADMSG;
        }
        *ret = document;
        return 0;
}

static bool move(cJSON *document, const char *name, cJSON *json) {
        cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(document, name);

        return !item || cJSON_AddItemToObject(json, name, item);
}

static int take_document(struct authenticity *a, int error, cJSON *document, cJSON *json) {
        if (!cJSON_AddStringToObject(json, "Problem", error < 0 ? strerror(-error) : ""))
                return -ENOMEM;
        if (error < 0) {
                a->incomplete = true;
                return 0;
        }
        judge_packages(a, document);
        judge_module(a, member(document, "Module"));
        return move(document, "Manager", json) && move(document, "Packages", json) && move(document, "Module", json)
                       ? 0
                       : -ENOMEM;
}

static int add_keys(struct authenticity *a, cJSON *json) {
        cJSON *keys;
        int r = key_list_describe(a->engine, &keys);

        if (r < 0)
                return r;
        return cJSON_AddItemToObject(json, "Keys", keys) ? 0 : -ENOMEM;
}

static int fill(struct authenticity *a, int error, cJSON *document, cJSON *json) {
        char time[24];
        int r;

        (void) snprintf(time, sizeof(time), "%" PRIu64, clock_now(CLOCK_REALTIME));
        if (!cJSON_AddRawToObject(json, "Time", time))
                return -ENOMEM;
        r = take_document(a, error, document, json);
        if (r >= 0)
                r = judge_serial(a, json);
        if (r >= 0)
                r = add_keys(a, json);
        if (r < 0)
                return r;
        return cJSON_AddStringToObject(json, "Result",
                                       a->differs      ? "differs"
                                       : a->incomplete ? "incomplete"
                                                       : "good")
                       ? 0
                       : -ENOMEM;
}

static void on_answer(int error, const void *answer, int file, void *userdata) {
        cJSON *document = NULL, *json = cJSON_CreateObject();
        struct authenticity *a = userdata;
        int r;

        if (error >= 0)
                error = read_document(answer, file, &document);
        r = fill(a, error, document, json);
        cJSON_Delete(document);
        if (r < 0) {
                cJSON_Delete(json);
                json = NULL;
        }
        a->done(MIN(r, 0), json, a->userdata);
}

int authenticity_start(struct engine *e, struct faults *f, authenticity_done_t done, void *userdata,
                       struct authenticity **ret) {
        static const struct verify_question question = { VERIFY_VERSION };
        _cleanup_(authenticity_freep) struct authenticity *a = calloc(1, sizeof(*a));
        int r;

        if (!a)
                return -ENOMEM;
        a->engine = e;
        a->faults = f;
        a->done = done;
        a->userdata = userdata;
        r = helper_call_start(engine_loop(e),
                              &(struct helper_question){
                                      .socket = authenticity_socket,
                                      .packet = &question,
                                      .size = sizeof(question),
                                      .answer_size = sizeof(struct verify_answer),
                              },
                              DEADLINE_USEC, on_answer, a, &a->call);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

struct authenticity *authenticity_free(struct authenticity *a) {
        if (!a)
                return NULL;
        helper_call_free(a->call);
        free(a);
        return NULL;
}
