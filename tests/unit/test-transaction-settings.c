// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/log.h"
#include "base/unicode.h"
#include "transaction/refusal.h"
#include "transaction/settings.h"

#define COMPLETE                                                                                                      \
        "[terminal]\n"                                                                                                \
        "mode=test\n"                                                                                                 \
        "number=T0000001\n"                                                                                           \
        "[merchant]\n"                                                                                                \
        "name=晨光便利店\n"                                                                                      \
        "number=000000000000001\n"                                                                                    \
        "[acquirer]\n"                                                                                                \
        "hosts=a.example:1 b.example:2\n"

static char dir[] = "/tmp/test-settings-XXXXXX";

static int setup(void **state) {
        strcpy(dir + strlen(dir) - 6, "XXXXXX");
        log_set_max_level(LOG_EMERG);
        return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state) {
        char command[80];

        snprintf(command, sizeof(command), "rm -r %s", dir);
        return system(command);
}

static int load(const char *text, const char *drop_in, struct settings **ret) {
        char path[128], drop_ins[64], command[160];
        FILE *f;

        snprintf(path, sizeof(path), "%s/tilld.conf", dir);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);

        snprintf(drop_ins, sizeof(drop_ins), "%s/tilld.conf.d", dir);
        snprintf(command, sizeof(command), "mkdir -p %s", drop_ins);
        assert_int_equal(system(command), 0);
        snprintf(path, sizeof(path), "%s/10-test.conf", drop_ins);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(drop_in, f) >= 0);
        assert_int_equal(fclose(f), 0);
        snprintf(path, sizeof(path), "%s/tilld.conf", dir);
        return settings_load(path, drop_ins, ret);
}

/* A name that no paper could bear is said at the start, not at the first sale. */
static void names(void **state) {
        struct settings *s = NULL;

        assert_int_equal(load(COMPLETE, "[acquirer]\nname=晨光银行\n", &s), 0);
        assert_string_equal(s->acquirer_name, "晨光银行");
        s = settings_free(s);
        assert_int_equal(load(COMPLETE, "[acquirer]\nname=\xc9\xcc\n", &s), -EINVAL);
        assert_int_equal(load(COMPLETE, "[merchant]\nname=\xc9\xcc\n", &s), -EINVAL);
}

static void offline_caps(void **state) {
        static const struct {
                const char *key, *most, *more;
        } keys[] = {
                { "amount", "99999999", "100000000" },
                { "count", "999", "1000" },
                { "total", "99999999", "100000000" },
                { "age", "720", "721" },
        };
        struct settings *s = NULL;
        char text[64];

        /* Nothing is approved offline where nobody says so. */
        assert_int_equal(load(COMPLETE, "", &s), 0);
        assert_memory_equal(&s->offline, (&(struct offline_caps){}), sizeof(s->offline));
        s = settings_free(s);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                snprintf(text, sizeof(text), "[offline]\n%s=%s\n", keys[i].key, keys[i].most);
                assert_int_equal(load(COMPLETE, text, &s), 0);
                s = settings_free(s);
                snprintf(text, sizeof(text), "[offline]\n%s=%s\n", keys[i].key, keys[i].more);
                assert_int_equal(load(COMPLETE, text, &s), -EINVAL);
                snprintf(text, sizeof(text), "[offline]\n%s=-1\n", keys[i].key);
                assert_int_equal(load(COMPLETE, text, &s), -EINVAL);
        }
        assert_int_equal(load(COMPLETE, "[offline]\namount=5000\ncount=10\ntotal=20000\nage=12\n", &s), 0);
        assert_int_equal(s->offline.amount, 5000);
        assert_int_equal(s->offline.count, 10);
        assert_int_equal(s->offline.total, 20000);
        assert_int_equal(s->offline.age, 12);
        s = settings_free(s);
        assert_int_equal(load(COMPLETE, "[offline]\nfloor=0\n", &s), -EINVAL);
}

/* All of it goes out where nobody says otherwise; what touches security in any case. */
static void notices(void **state) {
        struct settings *s = NULL;

        assert_int_equal(load(COMPLETE, "", &s), 0);
        for (enum notice_event e = 0; e < _NOTICE_EVENT_MAX; e++)
                assert_false(s->notice.left_out[e]);
        assert_string_equal(settings_notice_language(s), "zh_CN");
        s->style = calloc(1, sizeof(*s->style));
        s->style->languages = STYLE_ENGLISH;
        assert_string_equal(settings_notice_language(s), "en");
        s = settings_free(s);

        assert_int_equal(load(COMPLETE, "[notice]\nlanguage=en\nevents=settlement fault\n", &s), 0);
        assert_string_equal(settings_notice_language(s), "en");
        assert_true(s->notice.left_out[NOTICE_TRANSACTION]);
        assert_true(s->notice.left_out[NOTICE_REPLACEMENT]);
        assert_false(s->notice.left_out[NOTICE_SETTLEMENT]);
        assert_false(s->notice.left_out[NOTICE_FAULT]);
        assert_false(s->notice.left_out[NOTICE_SECURITY]);
        assert_false(s->notice.left_out[NOTICE_BINDING]);
        s = settings_free(s);
        assert_int_equal(load(COMPLETE, "[notice]\nevents=\n", &s), 0);
        assert_true(s->notice.left_out[NOTICE_FAULT]);
        assert_false(s->notice.left_out[NOTICE_BINDING]);
        s = settings_free(s);
        assert_int_equal(load(COMPLETE, "[notice]\nevents=sales\n", &s), -EINVAL);
        assert_int_equal(load(COMPLETE, "[notice]\nlanguage=zh\n", &s), -EINVAL);
        assert_int_equal(load(COMPLETE, "[notice]\nchannel=sms\n", &s), -EINVAL);
}

static void complete(void **state) {
        _cleanup_(settings_freep) struct settings *s = NULL;

        assert_int_equal(load(COMPLETE, "", &s), 0);
        assert_int_equal(s->mode, MODE_TEST);
        assert_string_equal(s->terminal_number, "T0000001");
        assert_string_equal(s->merchant_name, "晨光便利店");
        assert_string_equal(s->merchant_number, "000000000000001");
        assert_string_equal(s->acquirer_hosts[0], "a.example:1");
        assert_string_equal(s->acquirer_hosts[1], "b.example:2");
        assert_null(s->acquirer_hosts[2]);
        assert_string_equal(s->profile->name, "unionpay");
        assert_int_equal(s->answer_timeout, 30);
        assert_true(settings_style(s)->merchant_copy);
        assert_int_equal(s->retention_days, 400);
}

static void last_word_counts(void **state) {
        _cleanup_(settings_freep) struct settings *s = NULL;

        assert_int_equal(load(COMPLETE,
                              "[terminal]\nmode=live\n[acquirer]\nhosts=c.example:3\nanswer-timeout=5\nprofile=aes\n"
                              "[journal]\nretention=60\n",
                              &s),
                         0);
        assert_string_equal(s->profile->name, "aes");
        assert_int_equal(s->retention_days, 60);
        assert_int_equal(s->mode, MODE_LIVE);
        assert_string_equal(s->acquirer_hosts[0], "c.example:3");
        assert_null(s->acquirer_hosts[1]);
        assert_int_equal(s->answer_timeout, 5);
}

static void take_serial(const char *content, struct settings *s) {
        char path[] = "/tmp/test-serial-XXXXXX";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, content, strlen(content)), strlen(content));
        safe_close(fd);
        settings_take_serial(s, path);
        (void) unlink(path);
}

static void serial_of_the_machine(void **state) {
        static const char *const none[] = { "",
                                            "To be filled by O.E.M.\n",
                                            "Default string\n",
                                            "None\n",
                                            "System Serial Number\n",
                                            "Not Specified\n",
                                            "none",
                                            "0\n",
                                            "00000000\n",
                                            "XXXXX\n",
                                            "0123456789\n",
                                            "OEM\n" };
        _cleanup_(settings_freep) struct settings *s = NULL;

        assert_int_equal(load(COMPLETE, "[binding]\nwaiting-hours=48\n", &s), 0);
        assert_int_equal(s->waiting_hours, 48);
        settings_take_serial(s, "/nowhere");
        assert_string_equal(s->serial, "");
        for (size_t i = 0; i < ELEMENTSOF(none); i++) {
                take_serial(none[i], s);
                if (*s->serial)
                        fail_msg("%s is a serial", none[i]);
        }
        take_serial("PF-123\n", s);
        assert_string_equal(s->serial, "PF-123");
        s = settings_free(s);

        assert_int_equal(load(COMPLETE, "[terminal]\nserial=SN-7\n", &s), 0);
        assert_int_equal(s->waiting_hours, 24);
        take_serial("PF-123\n", s);
        assert_string_equal(s->serial, "SN-7");
}

/* A terminal that is not told otherwise takes no money. */
static void training_unless_said(void **state) {
        _cleanup_(settings_freep) struct settings *s = NULL;
        const char *text = strstr(COMPLETE, "number=T");
        char file[512];

        snprintf(file, sizeof(file), "[terminal]\n%s", text);
        assert_int_equal(load(file, "", &s), 0);
        assert_int_equal(s->mode, MODE_TRAINING);
}

static void refused(void **state) {
        static const char *const bad[] = {
                "[terminal]\nmode=LIVE\n",
                "[terminal]\nnumber=T1\n",
                "[terminal]\nnumber=T000000!\n",
                "[terminal]\noperator=1\n",
                "[terminal]\nspeed=9\n",
                "[merchant]\nnumber=1\n",
                "[merchant]\ncategory=54110\n",
                "[acquirer]\nhosts=a\n",
                "[acquirer]\nprofile=other\n",
                "[acquirer]\nhosts=a:1 b:1 c:1 d:1 e:1\n",
                "[acquirer]\nanswer-timeout=4\n",
                "[acquirer]\nanswer-timeout=121\n",
                "[acquirer]\nanswer-timeout=30s\n",
                "[acquirer]\nanswer-timeout=-5\n",
                "[receipt]\nmerchant-copy=yes\n",
                "[journal]\nretention=59\n",
                "[journal]\nretention=3651\n",
                "[journal]\nkeep=400\n",
                "[binding]\nwaiting-hours=0\n",
                "[binding]\nwaiting-hours=169\n",
                "[binding]\nhours=1\n",
                "[terminal]\nserial=\n",
                "[terminal]\nserial=SN 1\n",
                "[terminal]\nserial=123456789012345678901234567890123\n",
                "[printer]\n a=b\n",
                "[merchant]\nname=\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct settings *s = NULL;

                if (load(COMPLETE, bad[i], &s) != -EINVAL)
                        fail_msg("accepted: %s", bad[i]);
                assert_null(s);
        }
}

static void missing(void **state) {
        static const char *const keys[] = { "number=T0000001\n", "name=晨光便利店\n", "number=000000000000001\n",
                                            "hosts=a.example:1 b.example:2\n" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                char file[512];
                char *line;
                struct settings *s = NULL;

                snprintf(file, sizeof(file), "%s", COMPLETE);
                line = strstr(file, keys[i]);
                assert_non_null(line);
                memmove(line, line + strlen(keys[i]), strlen(line + strlen(keys[i])) + 1);
                assert_int_equal(load(file, "", &s), -EINVAL);
        }
        assert_int_equal(settings_load("/nonexistent/tilld.conf", NULL, &(struct settings *){ NULL }), -ENOENT);
}

/* Each refusal has an errno, so that a method handler that returns it never answers with success. */
static void refusals(void **state) {
        struct refusal refusal;

        for (enum refusal_code c = REFUSAL_NONE + 1; c < _REFUSAL_MAX; c++) {
                assert_true(refusal_to_errno(c) > 0);
                assert_int_equal(refusal_set(&refusal, c, "%s", "why"), -refusal_to_errno(c));
                assert_int_equal(refusal.code, c);
                assert_string_equal(refusal.text, "why");
        }
}

/* The bus has no answer with anything else in it: the caller would wait for one in vain. */
static void refused_in_utf8(void **state) {
        struct refusal refusal;
        char huge[512];

        (void) refusal_set(&refusal, REFUSAL_UNKNOWN_OPTION, "not \"%.4s\"", "x付款");
        assert_string_equal(refusal.text, "not \"x付\"");
        (void) refusal_set(&refusal, REFUSAL_UNKNOWN_OPTION, "not \"%.5s\"", "x付款");
        assert_string_equal(refusal.text, "not \"x付?\"");
        (void) refusal_set(&refusal, REFUSAL_UNKNOWN_OPTION, "not \"%.6s\"", "x付款");
        assert_true(unicode_is_valid(refusal.text));
        for (size_t i = 0; i + 3 < sizeof(huge); i += 3)
                memcpy(huge + i, "付", 4);
        for (int n = 0; n < 3; n++) {
                (void) refusal_set(&refusal, REFUSAL_UNKNOWN_OPTION, "%*s%s", n, "", huge);
                assert_true(unicode_is_valid(refusal.text));
                assert_true(strlen(refusal.text) > 250);
        }
}

static void maintenance(void **state) {
        _cleanup_(settings_freep) struct settings *s = NULL;

        assert_int_equal(load(COMPLETE, "", &s), 0);
        assert_int_equal(s->maintenance.msr_swipes, 5000);
        assert_int_equal(s->maintenance.printer_days, 90);
        assert_int_equal(s->maintenance.never, 0);
        assert_false(s->maintenance.drills);
        s = settings_free(s);
        assert_int_equal(load(COMPLETE, "[maintenance]\ndrills=yes\nmsr-days=30\nprinter-metres=0\n", &s), 0);
        assert_true(s->maintenance.drills);
        assert_int_equal(s->maintenance.msr_days, 30);
        assert_int_equal(s->maintenance.printer_metres, 0);
        s = settings_free(s);
        assert_int_equal(load(COMPLETE, "[maintenance]\ndrills=often\n", &s), -EINVAL);
        assert_int_equal(load(COMPLETE, "[maintenance]\nmsr-days=soon\n", &s), -EINVAL);
        assert_int_equal(load(COMPLETE, "[maintenance]\nnever=1\n", &s), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(maintenance, setup, teardown),
                cmocka_unit_test_setup_teardown(complete, setup, teardown),
                cmocka_unit_test_setup_teardown(offline_caps, setup, teardown),
                cmocka_unit_test_setup_teardown(notices, setup, teardown),
                cmocka_unit_test_setup_teardown(last_word_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(serial_of_the_machine, setup, teardown),
                cmocka_unit_test_setup_teardown(training_unless_said, setup, teardown),
                cmocka_unit_test_setup_teardown(names, setup, teardown),
                cmocka_unit_test_setup_teardown(refused, setup, teardown),
                cmocka_unit_test_setup_teardown(missing, setup, teardown),
                cmocka_unit_test(refusals),
                cmocka_unit_test(refused_in_utf8),
        };

        return cmocka_run_group_tests_name("transaction-settings", tests, NULL, NULL);
}
