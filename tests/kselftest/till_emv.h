/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs for the EMV reader share: the simulated one as it is usually,
 * or another in its place, and what is done with either.
 */
#ifndef TILL_EMV_H
#define TILL_EMV_H

#include "till_test.h"

#define CARD		"visa"

/* SELECT 1PAY.SYS.DDF01: every EMV card answers it, well or not. */
static const uint8_t select_pse[] = {
	0x00, 0xa4, 0x04, 0x00, 0x0e, '1', 'P', 'A', 'Y', '.', 'S', 'Y', 'S', '.',
	'D', 'D', 'F', '0', '1', 0x00
};

/* The reader is another than the usual one. */
#define OTHER_READER	"/tmp/till-emv-other-reader"

/* An empty slot of the usual reader, which behaves. */
TILL_MAYBE static void setup(void)
{
	sim_try("misbehave none");
	sim_try("remove 2>/dev/null");
	if (!unlink(OTHER_READER)) {
		sim_try("unplug emv");
		CHECK_SOON(!device_is_plugged("emv"));
	}
	plug_device("emv");
	CHECK_SOON(attribute_is("emv", "card", "absent"));
}

/* Puts another reader in the place of the usual one, until the next test. */
TILL_MAYBE static void replug_reader(const char *options)
{
	int fd = open(OTHER_READER, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	close(fd);
	sim("unplug emv");
	CHECK_SOON(!device_is_plugged("emv"));
	sim("plug emv %s", options);
}

TILL_MAYBE static void plug_reader(const char *options)
{
	replug_reader(options);
	CHECK_SOON(device_is_plugged("emv"));
}

TILL_MAYBE static void get_info(int fd, struct till_emv_info *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_INFO, ret), 0);
}

TILL_MAYBE static void get_state(int fd, struct till_emv_state *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_STATE, ret), 0);
}

TILL_MAYBE static uint32_t exchange_state(int fd)
{
	struct till_emv_state state;

	get_state(fd, &state);
	return state.exchange;
}

TILL_MAYBE static void insert_card(void)
{
	sim("insert " CARD);
	CHECK_SOON(attribute_is("emv", "card", "present"));
}

TILL_MAYBE static void power_on(int fd, struct till_emv_power *ret)
{
	struct till_emv_info info = { .size = sizeof(info) };

	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_INFO, &info), 0);
	if (!(info.ccid_features & 0x0c))
		ret->voltage = TILL_EMV_VOLTAGE_5V;
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, ret), 0);
}

TILL_MAYBE static int open_powered_with(const char *card)
{
	struct till_emv_power power;
	int fd;

	fd = open_device("emv", O_RDWR);
	sim("insert %s", card);
	CHECK_SOON(attribute_is("emv", "card", "present"));
	power_on(fd, &power);
	return fd;
}

TILL_MAYBE static int open_powered(void)
{
	return open_powered_with(CARD);
}

TILL_MAYBE static void write_select(int fd)
{
	CHECK_EQ(write(fd, select_pse, sizeof(select_pse)), sizeof(select_pse));
}

TILL_MAYBE static void check_exchange(int fd)
{
	uint8_t buf[512];
	ssize_t n;

	write_select(fd);
	n = read(fd, buf, sizeof(buf));
	CHECK(n >= 2);
	CHECK(buf[n - 2] == 0x90 || buf[n - 2] == 0x6a);
}

/* Writes a block and reads what comes back, which has to be this. */
TILL_MAYBE static void check_block(int fd, const void *block, size_t size, const void *answer,
				   size_t answer_size)
{
	static uint8_t buf[65538];

	CHECK_EQ(write(fd, block, size), size);
	CHECK_EQ(read(fd, buf, sizeof(buf)), answer_size);
	CHECK(!memcmp(buf, answer, answer_size));
}

/* A failed exchange is told once. */
TILL_MAYBE static void check_failure(int fd, int error)
{
	uint8_t buf[512];

	write_select(fd);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), error);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

/*
 * TPDU level, T=1
 */

/* At TPDU level the reader has to be told which protocol the card has. */
TILL_MAYBE static int open_t1(const char *options)
{
	struct till_emv_parameters parameters = {
		.size = sizeof(parameters),
		.protocol = 1,
		.length = 7,
		.data = { 0x11, 0x10, 0x00, 0x4d, 0x00, 0x20, 0x00 },
	};
	int fd;

	plug_reader(options);
	fd = open_powered_with("echo");
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), 0);
	return fd;
}

/* An I-block or S-block with its LRC. */
TILL_MAYBE static size_t t1_block(uint8_t *ret, uint8_t pcb, const void *inf, uint8_t length)
{
	unsigned int i;

	ret[0] = 0;
	ret[1] = pcb;
	ret[2] = length;
	memcpy(ret + 3, inf, length);
	ret[3 + length] = 0;
	for (i = 0; i < 3U + length; i++)
		ret[3 + length] ^= ret[i];
	return 4 + length;
}

static const uint8_t t1_echo[] = { 0x80, 0x0e, 0x00, 0x00, 0x02, 0xaa, 0xbb, 0x00 };

#endif /* TILL_EMV_H */
