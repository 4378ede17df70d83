/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest's form without its tree: TAP 13 on stdout, exit status 0, 1 or 4.
 * Each TEST() runs in a process of its own with a time limit, in the order of
 * the file; a failed CHECK ends it.
 */
#ifndef TILL_TAP_H
#define TILL_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAP_FAIL	1
#define TAP_SKIP	4
/* Generous: full emulation on a busy machine. */
#define TAP_LIMIT	120

struct tap_test {
	const char *name;
	void (*run)(void);
	struct tap_test *next;
};

static struct tap_test *tap_first, **tap_last = &tap_first;
static unsigned int tap_count;

static inline void tap_add(struct tap_test *test)
{
	*tap_last = test;
	tap_last = &test->next;
	tap_count++;
}

#define TEST(_name)							\
	static void _name(void);					\
	static struct tap_test tap_##_name = { #_name, _name, NULL };	\
	static void __attribute__((constructor)) tap_add_##_name(void)	\
	{								\
		tap_add(&tap_##_name);					\
	}								\
	static void _name(void)

static inline void __attribute__((noreturn, format(printf, 3, 4)))
tap_end(int status, int line, const char *format, ...)
{
	va_list ap;

	printf("# line %d: ", line);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(status);
}

#define SKIP(...)	tap_end(TAP_SKIP, __LINE__, __VA_ARGS__)

#define CHECK(_condition)						\
	do {								\
		if (!(_condition))					\
			tap_end(TAP_FAIL, __LINE__, "%s (errno %s)",	\
				#_condition, strerror(errno));		\
	} while (0)

#define CHECK_EQ(_a, _b)						\
	do {								\
		long long _x = (_a), _y = (_b);				\
									\
		if (_x != _y)						\
			tap_end(TAP_FAIL, __LINE__,			\
				"%s is %lld, not %lld (errno %s)", #_a,	\
				_x, _y, strerror(errno));		\
	} while (0)

/* A call that must fail, and how. */
#define CHECK_ERRNO(_call, _errno)					\
	do {								\
		long long _x;						\
									\
		errno = 0;						\
		_x = (_call);						\
		if (_x >= 0 || errno != (_errno))			\
			tap_end(TAP_FAIL, __LINE__,			\
				"%s is %lld, %s, not %s", #_call, _x,	\
				strerror(errno), strerror(_errno));	\
	} while (0)

/* Before each test, in its process; after the last one, in the parent. */
static void setup(void);

static inline int tap_run(const struct tap_test *test)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return TAP_FAIL;
	if (!pid) {
		alarm(TAP_LIMIT);
		setup();
		test->run();
		fflush(stdout);
		_exit(0);
	}

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return TAP_FAIL;
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : TAP_FAIL;
}

int main(int argc, char *argv[])
{
	unsigned int n = 0, failed = 0, skipped = 0;
	const struct tap_test *test;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", tap_count);
	for (test = tap_first; test; test = test->next) {
		int status = 0;

		n++;
		/* One test by its name, for a person. */
		if (argc > 1 && strcmp(argv[1], test->name)) {
			skipped++;
			printf("ok %u %s # SKIP not asked for\n", n, test->name);
			continue;
		}

		status = tap_run(test);
		failed += status && status != TAP_SKIP;
		skipped += status == TAP_SKIP;
		printf("%sok %u %s%s\n", status && status != TAP_SKIP ? "not " : "", n,
		       test->name, status == TAP_SKIP ? " # SKIP" : "");
	}
	printf("# Totals: pass:%u fail:%u skip:%u\n", n - failed - skipped, failed, skipped);

	if (failed)
		return TAP_FAIL;
	return skipped == n ? TAP_SKIP : 0;
}

#endif /* TILL_TAP_H */
