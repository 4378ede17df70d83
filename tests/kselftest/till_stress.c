// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unplugs and resets each device again and again while it is talked to; the kernel's
 * log is what tells. The number of rounds is TILL_ROUNDS, 10 for a short run.
 */
#include <sys/mman.h>

#include "till_test.h"

static unsigned int rounds(void)
{
	const char *text = getenv("TILL_ROUNDS");

	return text ? strtoul(text, NULL, 10) : 10;
}

/* For one that hangs, which CHECK_SOON sees much sooner, not for many rounds. */
#define LIMIT	14400

FIXTURE(stress)
{
};

FIXTURE_VARIANT(stress)
{
	const char *kind;
};

FIXTURE_VARIANT_ADD(stress, msr)
{
	.kind = "msr",
};

FIXTURE_VARIANT_ADD(stress, emv)
{
	.kind = "emv",
};

FIXTURE_VARIANT_ADD(stress, printer)
{
	.kind = "printer",
};

FIXTURE_SETUP(stress)
{
	sim_try("misbehave none");
}

FIXTURE_TEARDOWN(stress)
{
}

static const uint8_t select_nothing[] = { 0x00, 0xa4, 0x04, 0x00, 0x00 };

/* Uses the device in every way, without a care for the results. Returns whether it is there. */
static bool use_once(const char *kind, int fd)
{
	uint8_t buf[8192] = { 0 };
	struct till_emv_power power = { .size = sizeof(power) };
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	bool prints = !strcmp(kind, "printer");

	ioctl(fd, TILL_EMV_POWER_ON, &power);
	ioctl(fd, TILL_PRINTER_GET_PORT_STATUS);
	if (write(fd, prints ? buf : select_nothing,
		  prints ? sizeof(buf) : sizeof(select_nothing)) < 0 && errno == ENODEV)
		return false;
	poll(&p, 1, 5);
	if (read(fd, buf, sizeof(buf)) < 0 && errno == ENODEV)
		return false;
	return !(p.revents & POLLHUP);
}

static int open_for_use(const char *kind)
{
	char node[64];
	int fd;

	if (!find_node(kind, node, sizeof(node)))
		return -1;
	fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		ioctl(fd, TILL_MSR_ARM);
	return fd;
}

static void use_device(const char *kind, unsigned int *opens)
{
	for (;;) {
		int fd = open_for_use(kind);

		if (fd < 0)
			continue;
		++*opens;
		while (use_once(kind, fd))
			;
		close(fd);
	}
}

static void check_swipe(int fd)
{
	struct till_msr_swipe swipe;

	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	sim("swipe stripe");
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK_EQ(read(fd, &swipe, sizeof(swipe)), sizeof(swipe));
}

static void check_exchange(int fd)
{
	struct till_emv_power power = { .size = sizeof(power) };
	uint8_t answer[512];

	sim_try("insert visa 2>/dev/null");
	CHECK_SOON(!attribute_is("emv", "card", "absent"));
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, &power), 0);
	CHECK_EQ(write(fd, select_nothing, sizeof(select_nothing)), sizeof(select_nothing));
	CHECK(read(fd, answer, sizeof(answer)) >= 2);
}

static void check_print(int fd)
{
	CHECK_EQ(write(fd, "still here\n", 11), 11);
	CHECK_EQ(fsync(fd), 0);
}

static void check_works(const char *kind)
{
	int fd = open_device(kind, O_RDWR);

	if (!strcmp(kind, "msr"))
		check_swipe(fd);
	else if (!strcmp(kind, "emv"))
		check_exchange(fd);
	else
		check_print(fd);
	close(fd);
}

TEST_F_TIMEOUT(stress, under_use, LIMIT)
{
	const char *kind = variant->kind;
	unsigned int i, *opens;
	int status;
	pid_t pid;

	opens = mmap(NULL, sizeof(*opens), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	CHECK(opens != MAP_FAILED);
	plug_device(kind);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		use_device(kind, opens);
		_exit(0);
	}

	for (i = 0; i < rounds(); i++) {
		if (!strcmp(kind, "emv"))
			sim_try("insert visa 2>/dev/null");
		if (!strcmp(kind, "msr"))
			sim_try("swipe stripe");
		nap(rand() % 100);
		sim("unplug %s", kind);
		CHECK_SOON(!device_is_plugged(kind));
		plug_device(kind);
	}
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	printf("# %u opens\n", *opens);
	EXPECT_LT(0, *opens);
	check_works(kind);
}

struct user {
	pthread_t thread;
	const char *kind;
	bool stop;
	unsigned int opens;
};

/* Opened and closed each time, unlike above: what a reset meets is mostly that. */
static void *open_use_and_close(void *p)
{
	struct user *user = p;

	while (!__atomic_load_n(&user->stop, __ATOMIC_RELAXED)) {
		int fd = open_for_use(user->kind);

		if (fd < 0) {
			nap(1);
			continue;
		}
		user->opens++;
		use_once(user->kind, fd);
		close(fd);
	}
	return NULL;
}

/* A reset is no unplugging: the node stays, and so does the device. */
TEST_F_TIMEOUT(stress, resets_under_use, LIMIT)
{
	struct user users[2] = { { .kind = variant->kind }, { .kind = variant->kind } };
	const char *kind = variant->kind;
	unsigned int i, opens = 0;
	char before[64], after[64];

	plug_device(kind);
	if (!strcmp(kind, "emv"))
		sim_try("insert visa 2>/dev/null");
	CHECK(find_node(kind, before, sizeof(before)));
	for (i = 0; i < ARRAY_SIZE(users); i++)
		CHECK_EQ(pthread_create(&users[i].thread, NULL, open_use_and_close, &users[i]), 0);

	for (i = 0; i < 3 * rounds(); i++) {
		nap(rand() % 200);
		reset_device(kind);
	}

	for (i = 0; i < ARRAY_SIZE(users); i++) {
		__atomic_store_n(&users[i].stop, true, __ATOMIC_RELAXED);
		CHECK_EQ(pthread_join(users[i].thread, NULL), 0);
		opens += users[i].opens;
	}
	printf("# %u opens\n", opens);
	EXPECT_LT(0, opens);
	CHECK(find_node(kind, after, sizeof(after)));
	EXPECT_STREQ(before, after);
	check_works(kind);
}

TEST_HARNESS_MAIN
