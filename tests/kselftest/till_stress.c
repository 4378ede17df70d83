// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unplugs each device again and again while a process talks to it; the kernel's
 * log is what tells. The number of rounds is TILL_ROUNDS, 10 for a short run.
 */
#include "till_test.h"

static unsigned int rounds(void)
{
	const char *text = getenv("TILL_ROUNDS");

	return text ? strtoul(text, NULL, 10) : 10;
}

/* For one that hangs, which CHECK_SOON sees much sooner, not for many rounds. */
#define LIMIT	14400

FIXTURE(unplug)
{
};

FIXTURE_VARIANT(unplug)
{
	const char *kind;
};

FIXTURE_VARIANT_ADD(unplug, msr)
{
	.kind = "msr",
};

FIXTURE_VARIANT_ADD(unplug, emv)
{
	.kind = "emv",
};

FIXTURE_VARIANT_ADD(unplug, printer)
{
	.kind = "printer",
};

FIXTURE_SETUP(unplug)
{
	sim_try("misbehave none");
}

FIXTURE_TEARDOWN(unplug)
{
}

/* Uses the device in every way, without a care for the results. */
static void use_device(const char *kind)
{
	static const uint8_t block[] = { 0x00, 0xa4, 0x04, 0x00, 0x00 };
	static uint8_t buf[8192];
	struct till_emv_power power = { .size = sizeof(power) };
	struct pollfd p = { .events = POLLIN | POLLOUT };
	char node[64];

	for (;;) {
		if (!find_node(kind, node, sizeof(node)))
			continue;
		p.fd = open(node, O_RDWR | O_NONBLOCK);
		if (p.fd < 0)
			continue;
		ioctl(p.fd, TILL_MSR_ARM);
		do {
			ioctl(p.fd, TILL_EMV_POWER_ON, &power);
			ioctl(p.fd, TILL_PRINTER_GET_PORT_STATUS);
			if (write(p.fd, kind[0] == 'p' ? buf : block,
				  kind[0] == 'p' ? sizeof(buf) : sizeof(block)) < 0 &&
			    errno == ENODEV)
				break;
			poll(&p, 1, 5);
			if (read(p.fd, buf, sizeof(buf)) < 0 && errno == ENODEV)
				break;
		} while (!(p.revents & POLLHUP));
		close(p.fd);
	}
}

TEST_F_TIMEOUT(unplug, under_use, LIMIT)
{
	const char *kind = variant->kind;
	unsigned int i;
	pid_t pid;

	plug_device(kind);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		use_device(kind);
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
	waitpid(pid, NULL, 0);
	close(open_device(kind, O_RDWR));
}

TEST_HARNESS_MAIN
