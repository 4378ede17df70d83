/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What these programs use of tools/testing/selftests/kselftest_harness.h, for a
 * machine without a kernel's tree: TAP 13 on stdout, exit status 0, 1 or 4 for
 * passed, failed and skipped. till_test.h takes the kernel's where it is.
 *
 * Each test runs in a process group of its own, in the order of the file, once
 * for each variant of its fixture, and is killed after its time-out. What a
 * thread or a child says with ASSERT_* is not heard; till_test.h has CHECK.
 *
 * A name on the command line runs that test alone: fixture.test, or
 * fixture.variant.test.
 */
#ifndef TILL_HARNESS_H
#define TILL_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(_array)	(sizeof(_array) / sizeof((_array)[0]))
#endif

/* Generous: full emulation on a busy machine. */
#define TEST_TIMEOUT_DEFAULT	120

#define HARNESS_PASS	0
#define HARNESS_FAIL	1
#define HARNESS_SKIP	4

struct harness_variant {
	const char *name;
	const void *data;
	struct harness_variant *next;
};

struct harness_fixture {
	const char *name;
	struct harness_variant *variants;
};

/* A test, and how it goes. */
struct __test_metadata {
	const char *name;
	struct harness_fixture *fixture;
	void (*run)(struct __test_metadata *_metadata, const void *variant);
	unsigned int timeout;
	bool failed;
	bool skipped;
	bool is_set_up;
	jmp_buf end;
	/* Shared with the process of the test. */
	char *reason;
	struct __test_metadata *next;
};

#define HARNESS_REASON	256

static struct harness_fixture __attribute__((unused)) harness_global = { .name = "global" };
static struct __test_metadata *harness_first, **harness_last = &harness_first;

static inline void harness_add_test(struct __test_metadata *test)
{
	*harness_last = test;
	harness_last = &test->next;
}

static inline void harness_add_variant(struct harness_fixture *fixture,
				       struct harness_variant *variant)
{
	struct harness_variant **last = &fixture->variants;

	while (*last)
		last = &(*last)->next;
	*last = variant;
}

/*
 * Definitions
 */

#define FIXTURE_DATA(_fixture)		struct harness_data_##_fixture
#define FIXTURE_VARIANT(_fixture)	struct harness_variant_##_fixture

#define FIXTURE(_fixture)						\
	FIXTURE_VARIANT(_fixture);					\
	static struct harness_fixture harness_fixture_##_fixture = {	\
		.name = #_fixture,					\
	};								\
	FIXTURE_DATA(_fixture)

#define HARNESS_ARGUMENTS(_fixture)					\
	struct __test_metadata *_metadata __attribute__((unused)),	\
	struct harness_data_##_fixture *self __attribute__((unused)),	\
	const struct harness_variant_##_fixture *variant __attribute__((unused))

#define FIXTURE_SETUP(_fixture)						\
	static void _fixture##_setup(HARNESS_ARGUMENTS(_fixture))

#define FIXTURE_TEARDOWN(_fixture)					\
	static void _fixture##_teardown(HARNESS_ARGUMENTS(_fixture))

#define FIXTURE_VARIANT_ADD(_fixture, _variant)				\
	static const FIXTURE_VARIANT(_fixture)				\
		harness_data_##_fixture##_##_variant;			\
	static struct harness_variant harness_variant_##_fixture##_##_variant = { \
		.name = #_variant,					\
		.data = &harness_data_##_fixture##_##_variant,		\
	};								\
	static void __attribute__((constructor))			\
	harness_add_variant_##_fixture##_##_variant(void)		\
	{								\
		harness_add_variant(&harness_fixture_##_fixture,	\
				    &harness_variant_##_fixture##_##_variant); \
	}								\
	static const FIXTURE_VARIANT(_fixture)				\
		harness_data_##_fixture##_##_variant =

#define HARNESS_TEST(_name, _label, _fixture, _timeout)			\
	static struct __test_metadata harness_test_##_name = {		\
		.name = _label,						\
		.fixture = &(_fixture),					\
		.run = harness_run_##_name,				\
		.timeout = (_timeout),					\
	};								\
	static void __attribute__((constructor)) harness_add_##_name(void) \
	{								\
		harness_add_test(&harness_test_##_name);		\
	}

#define TEST(_name)							\
	static void _name(struct __test_metadata *_metadata);		\
	static void harness_run_##_name(struct __test_metadata *_metadata, \
					const void *_data)		\
	{								\
		if (!setjmp(_metadata->end))				\
			_name(_metadata);				\
	}								\
	HARNESS_TEST(_name, #_name, harness_global, TEST_TIMEOUT_DEFAULT) \
	static void _name(struct __test_metadata *_metadata __attribute__((unused)))

#define TEST_F_TIMEOUT(_fixture, _name, _timeout)			\
	static void _fixture##_##_name(HARNESS_ARGUMENTS(_fixture));	\
	static void harness_run_##_fixture##_##_name(struct __test_metadata *_metadata, \
						     const void *_data)	\
	{								\
		static FIXTURE_DATA(_fixture) _self;			\
									\
		if (!setjmp(_metadata->end)) {				\
			_fixture##_setup(_metadata, &_self, _data);	\
			if (_metadata->failed || _metadata->skipped)	\
				return;					\
			_metadata->is_set_up = true;			\
			_fixture##_##_name(_metadata, &_self, _data);	\
		}							\
		if (_metadata->is_set_up)				\
			_fixture##_teardown(_metadata, &_self, _data);	\
	}								\
	HARNESS_TEST(_fixture##_##_name, #_name, harness_fixture_##_fixture, _timeout) \
	static void _fixture##_##_name(HARNESS_ARGUMENTS(_fixture))

#define TEST_F(_fixture, _name) TEST_F_TIMEOUT(_fixture, _name, TEST_TIMEOUT_DEFAULT)

/*
 * What a test says
 */

#define TH_LOG(_format, ...)						\
	fprintf(stderr, "# %s:%d:%s:" _format "\n", __FILE__, __LINE__,	\
		_metadata->name, ##__VA_ARGS__)

#define SKIP(_statement, ...)						\
	do {								\
		snprintf(_metadata->reason, HARNESS_REASON, __VA_ARGS__); \
		_metadata->skipped = true;				\
		_statement;						\
	} while (0)

/* After the handler of the one who asked: an ASSERT ends the test. */
static inline bool harness_conclude(struct __test_metadata *_metadata, bool is_assert)
{
	if (is_assert)
		longjmp(_metadata->end, 1);
	return false;
}

/* Operands of every type, and what they are is the test's business. */
#pragma GCC diagnostic ignored "-Wsign-compare"

static inline bool __attribute__((format(printf, 5, 6)))
harness_fails(struct __test_metadata *_metadata, bool holds, const char *file, int line,
	      const char *format, ...)
{
	va_list ap;

	if (holds)
		return false;

	_metadata->failed = true;
	fprintf(stderr, "# %s:%d:%s: Expected ", file, line, _metadata->name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "; errno is %s\n", strerror(errno));
	return true;
}

#define HARNESS_COMPARE(_is_assert, _expected, _operator, _seen)	\
	for (bool _bad = ({						\
		__typeof__(_expected) _e = (_expected);			\
		__typeof__(_seen) _s = (_seen);				\
									\
		harness_fails(_metadata, _e _operator _s, __FILE__, __LINE__, \
			      "%s (%lld) %s %s (%lld)", #_expected, (long long)_e, \
			      #_operator, #_seen, (long long)_s);	\
	}); _bad; _bad = harness_conclude(_metadata, _is_assert))

#define HARNESS_COMPARE_STRINGS(_is_assert, _expected, _operator, _seen) \
	for (bool _bad = ({						\
		const char *_e = (_expected);				\
		const char *_s = (_seen);				\
									\
		harness_fails(_metadata, strcmp(_e, _s) _operator 0, __FILE__, __LINE__, \
			      "'%s' %s '%s'", _e, #_operator, _s);	\
	}); _bad; _bad = harness_conclude(_metadata, _is_assert))

#define ASSERT_EQ(_expected, _seen)	HARNESS_COMPARE(true, _expected, ==, _seen)
#define ASSERT_NE(_expected, _seen)	HARNESS_COMPARE(true, _expected, !=, _seen)
#define ASSERT_LT(_expected, _seen)	HARNESS_COMPARE(true, _expected, <, _seen)
#define ASSERT_LE(_expected, _seen)	HARNESS_COMPARE(true, _expected, <=, _seen)
#define ASSERT_GT(_expected, _seen)	HARNESS_COMPARE(true, _expected, >, _seen)
#define ASSERT_GE(_expected, _seen)	HARNESS_COMPARE(true, _expected, >=, _seen)
#define ASSERT_NULL(_seen)		HARNESS_COMPARE(true, NULL, ==, _seen)
#define ASSERT_TRUE(_seen)		HARNESS_COMPARE(true, 0, !=, _seen)
#define ASSERT_FALSE(_seen)		HARNESS_COMPARE(true, 0, ==, _seen)
#define ASSERT_STREQ(_expected, _seen)	HARNESS_COMPARE_STRINGS(true, _expected, ==, _seen)
#define ASSERT_STRNE(_expected, _seen)	HARNESS_COMPARE_STRINGS(true, _expected, !=, _seen)

#define EXPECT_EQ(_expected, _seen)	HARNESS_COMPARE(false, _expected, ==, _seen)
#define EXPECT_NE(_expected, _seen)	HARNESS_COMPARE(false, _expected, !=, _seen)
#define EXPECT_LT(_expected, _seen)	HARNESS_COMPARE(false, _expected, <, _seen)
#define EXPECT_LE(_expected, _seen)	HARNESS_COMPARE(false, _expected, <=, _seen)
#define EXPECT_GT(_expected, _seen)	HARNESS_COMPARE(false, _expected, >, _seen)
#define EXPECT_GE(_expected, _seen)	HARNESS_COMPARE(false, _expected, >=, _seen)
#define EXPECT_NULL(_seen)		HARNESS_COMPARE(false, NULL, ==, _seen)
#define EXPECT_TRUE(_seen)		HARNESS_COMPARE(false, 0, !=, _seen)
#define EXPECT_FALSE(_seen)		HARNESS_COMPARE(false, 0, ==, _seen)
#define EXPECT_STREQ(_expected, _seen)	HARNESS_COMPARE_STRINGS(false, _expected, ==, _seen)
#define EXPECT_STRNE(_expected, _seen)	HARNESS_COMPARE_STRINGS(false, _expected, !=, _seen)

/*
 * The run
 */

static pid_t harness_pid;
static volatile sig_atomic_t harness_is_late;

static inline void harness_on_alarm(int signal)
{
	harness_is_late = 1;
	kill(-harness_pid, SIGKILL);
}

/* A kernel that checks each access and each lock, under full emulation, is so many times slower. */
static inline unsigned int harness_patience(void)
{
	struct utsname name;

	return !uname(&name) && strstr(name.release, "debug") ? 5 : 1;
}

static inline int harness_wait(const struct __test_metadata *test)
{
	struct sigaction action = { .sa_handler = harness_on_alarm };
	unsigned int timeout = test->timeout * harness_patience();
	int status;

	harness_is_late = 0;
	sigaction(SIGALRM, &action, NULL);
	alarm(timeout);
	while (waitpid(harness_pid, &status, 0) < 0)
		if (errno != EINTR)
			return HARNESS_FAIL;
	alarm(0);
	/* Whom the test has left behind. */
	kill(-harness_pid, SIGKILL);

	if (harness_is_late)
		printf("# %s: killed after %u s\n", test->name, timeout);
	else if (WIFSIGNALED(status))
		printf("# %s: ended by signal %d\n", test->name, WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : HARNESS_FAIL;
}

static inline int harness_run_test(struct __test_metadata *test,
				   const struct harness_variant *variant)
{
	fflush(NULL);
	harness_pid = fork();
	if (harness_pid < 0)
		return HARNESS_FAIL;
	if (!harness_pid) {
		setpgid(0, 0);
		test->run(test, variant ? variant->data : NULL);
		fflush(NULL);
		_exit(test->failed ? HARNESS_FAIL : test->skipped ? HARNESS_SKIP : HARNESS_PASS);
	}
	setpgid(harness_pid, harness_pid);
	return harness_wait(test);
}

static inline unsigned int harness_count(void)
{
	const struct harness_variant *variant;
	const struct __test_metadata *test;
	unsigned int n = 0;

	for (test = harness_first; test; test = test->next) {
		variant = test->fixture->variants;
		do {
			n++;
			variant = variant ? variant->next : NULL;
		} while (variant);
	}
	return n;
}

struct harness_totals {
	unsigned int n;
	unsigned int failed;
	unsigned int skipped;
};

static inline void harness_report(struct __test_metadata *test,
				  const struct harness_variant *variant, const char *wanted,
				  struct harness_totals *totals)
{
	int status = HARNESS_SKIP;
	char name[256];

	snprintf(name, sizeof(name), "%s%s%s.%s", test->fixture->name, variant ? "." : "",
		 variant ? variant->name : "", test->name);
	if (wanted && strcmp(wanted, name)) {
		strcpy(test->reason, "not asked for");
	} else {
		test->reason[0] = '\0';
		status = harness_run_test(test, variant);
	}

	totals->n++;
	totals->failed += status != HARNESS_PASS && status != HARNESS_SKIP;
	totals->skipped += status == HARNESS_SKIP;
	printf("%sok %u %s", status == HARNESS_PASS || status == HARNESS_SKIP ? "" : "not ",
	       totals->n, name);
	if (status == HARNESS_SKIP)
		printf(" # SKIP %s", test->reason);
	printf("\n");
}

static inline int harness_run(const char *wanted)
{
	struct harness_totals totals = { };
	const struct harness_variant *variant;
	struct __test_metadata *test;
	char *reason;

	reason = mmap(NULL, HARNESS_REASON, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reason == MAP_FAILED)
		return HARNESS_FAIL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", harness_count());
	for (test = harness_first; test; test = test->next) {
		test->reason = reason;
		variant = test->fixture->variants;
		do {
			harness_report(test, variant, wanted, &totals);
			variant = variant ? variant->next : NULL;
		} while (variant);
	}
	printf("# Totals: pass:%u fail:%u skip:%u\n",
	       totals.n - totals.failed - totals.skipped, totals.failed, totals.skipped);

	if (totals.failed)
		return HARNESS_FAIL;
	return totals.skipped == totals.n ? HARNESS_SKIP : HARNESS_PASS;
}

#define TEST_HARNESS_MAIN						\
	int main(int argc, char *argv[])				\
	{								\
		return harness_run(argc > 1 ? argv[1] : NULL);		\
	}

#endif /* TILL_HARNESS_H */
