// SPDX-License-Identifier: GPL-2.0-only
/*
 * EMV reader: CCID on the wire. Each level, T=0 and T=1, chaining, time extensions, and
 * readers that break the protocol.
 */
#include "till_emv.h"

FIXTURE(ccid)
{
};

FIXTURE_SETUP(ccid)
{
	setup();
}

FIXTURE_TEARDOWN(ccid)
{
}

TEST_F(ccid, readers_that_cannot_be_driven)
{
	/* Characters; messages too short for anything; the id of another. */
	static const char * const options[] = {
		"--features be", "--message-max 63", "--id 1d6b:0104",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		replug_reader(options[i]);
		nap(500);
		CHECK(!device_is_plugged("emv"));
	}
}

/*
 * Each level, and a reader that does not tell of its slot
 */

FIXTURE(level)
{
	int fd;
};

FIXTURE_VARIANT(level)
{
	const char *options;
	uint32_t level;
	uint32_t max_block;
	bool is_t1;
	/* To the card that echoes, and back. */
	uint8_t block[16];
	uint8_t length;
	uint8_t answer[16];
	uint8_t answer_length;
};

FIXTURE_VARIANT_ADD(level, tpdu_t0)
{
	.options = "--level tpdu --protocol t0",
	.level = TILL_EMV_LEVEL_TPDU,
	.max_block = 260,
	.block = { 0x80, 0x0e, 0x00, 0x00, 0x02, 0xaa, 0xbb },
	.length = 7,
	.answer = { 0x61, 0x02 },
	.answer_length = 2,
};

FIXTURE_VARIANT_ADD(level, tpdu_t1)
{
	/* As SCM's firmware says; a TPDU of 260 bytes fits all the same. */
	.options = "--level tpdu --protocol t1 --message-max 263",
	.level = TILL_EMV_LEVEL_TPDU,
	.max_block = 260,
	.is_t1 = true,
	.block = { 0x00, 0x00, 0x08, 0x80, 0x0e, 0x00, 0x00, 0x02, 0xaa, 0xbb, 0x00, 0x95 },
	.length = 12,
	.answer = { 0x00, 0x00, 0x04, 0xaa, 0xbb, 0x90, 0x00, 0x85 },
	.answer_length = 8,
};

FIXTURE_VARIANT_ADD(level, tpdu_in_short_messages)
{
	.options = "--level tpdu --protocol t0 --message-max 100",
	.level = TILL_EMV_LEVEL_TPDU,
	.max_block = 90,
	.block = { 0x80, 0x0e, 0x00, 0x00, 0x02, 0xaa, 0xbb },
	.length = 7,
	.answer = { 0x61, 0x02 },
	.answer_length = 2,
};

#define SHORT_ECHO							\
	.block = { 0x80, 0x0e, 0x00, 0x00, 0x02, 0xaa, 0xbb, 0x00 },	\
	.length = 8,							\
	.answer = { 0xaa, 0xbb, 0x90, 0x00 },				\
	.answer_length = 4

FIXTURE_VARIANT_ADD(level, short_apdu)
{
	.options = "--level short --protocol t0",
	.level = TILL_EMV_LEVEL_SHORT_APDU,
	.max_block = 261,
	SHORT_ECHO,
};

FIXTURE_VARIANT_ADD(level, extended_apdu)
{
	.options = "--level extended --message-max 64",
	.level = TILL_EMV_LEVEL_EXTENDED_APDU,
	.max_block = 65544,
	SHORT_ECHO,
};

FIXTURE_VARIANT_ADD(level, no_interrupt)
{
	.options = "--level short --no-interrupt",
	.level = TILL_EMV_LEVEL_SHORT_APDU,
	.max_block = 261,
	SHORT_ECHO,
};

FIXTURE_SETUP(level)
{
	setup();
	if (variant->is_t1) {
		self->fd = open_t1(variant->options);
	} else {
		plug_reader(variant->options);
		self->fd = open_powered_with("echo");
	}
}

FIXTURE_TEARDOWN(level)
{
	close(self->fd);
}

static void check_echo(int fd, FIXTURE_VARIANT(level) const *variant)
{
	check_block(fd, variant->block, variant->length, variant->answer, variant->answer_length);
}

TEST_F(level, info)
{
	static uint8_t block[65545];
	struct till_emv_info info;

	get_info(self->fd, &info);
	EXPECT_EQ(variant->level, info.level);
	EXPECT_EQ(variant->max_block, info.max_block);
	CHECK_ERRNO(write(self->fd, block, info.max_block + 1), EMSGSIZE);
	check_echo(self->fd, variant);
}

TEST_F(level, abort)
{
	uint8_t buf[16];

	sim("misbehave emv time-extension 1000");
	CHECK_EQ(write(self->fd, variant->block, variant->length), variant->length);
	nap(300);
	EXPECT_EQ(TILL_EMV_BUSY, exchange_state(self->fd));
	ASSERT_EQ(0, ioctl(self->fd, TILL_EMV_ABORT));
	EXPECT_EQ(TILL_EMV_IDLE, exchange_state(self->fd));
	CHECK_ERRNO(read(self->fd, buf, sizeof(buf)), ENODATA);
}

TEST_F(level, pulling_the_card)
{
	struct till_emv_state state;
	uint8_t buf[16];

	sim("misbehave emv time-extension 1000");
	CHECK_EQ(write(self->fd, variant->block, variant->length), variant->length);
	sim("remove");
	CHECK_ERRNO(read(self->fd, buf, sizeof(buf)), ENOMEDIUM);
	CHECK_SOON(attribute_is("emv", "card", "absent"));
	get_state(self->fd, &state);
	EXPECT_EQ(TILL_EMV_IDLE, state.exchange);
}

TEST_F(level, reset)
{
	uint8_t buf[16];

	sim("misbehave emv time-extension 1000");
	CHECK_EQ(write(self->fd, variant->block, variant->length), variant->length);
	reset_device("emv");
	sim("misbehave none");
	CHECK_ERRNO(read(self->fd, buf, sizeof(buf)), ECONNRESET);
	CHECK_EQ(poll_for(self->fd, POLLOUT, TILL_WAIT_MS), POLLOUT);
	EXPECT_TRUE(attribute_is("emv", "card", "present"));
}

TEST_F(level, unplugging)
{
	uint8_t buf[16];
	struct blocked b = { .fd = self->fd, .buf = buf, .size = sizeof(buf) };

	sim("misbehave emv time-extension 1000");
	CHECK_EQ(write(self->fd, variant->block, variant->length), variant->length);
	start_blocked(&b, blocked_read);
	sim("unplug emv");
	end_blocked(&b);
	EXPECT_EQ(-1, b.result);
	EXPECT_EQ(ENODEV, b.error);
	EXPECT_EQ(POLLHUP | POLLERR, poll_for(self->fd, POLLIN, TILL_WAIT_MS));
}

/*
 * TPDU level
 */

TEST_F(ccid, t0)
{
	static const uint8_t echo[] = { 0x80, 0x0e, 0x00, 0x00, 0x03, 0x01, 0x02, 0x03 };
	static const uint8_t more[] = { 0x61, 0x03 };
	static const uint8_t get_response[] = { 0x00, 0xc0, 0x00, 0x00, 0x03 };
	static const uint8_t answer[] = { 0x01, 0x02, 0x03, 0x90, 0x00 };
	int fd;

	plug_reader("--level tpdu --protocol t0");
	fd = open_powered_with("echo");
	check_block(fd, echo, sizeof(echo), more, sizeof(more));
	check_block(fd, get_response, sizeof(get_response), answer, sizeof(answer));
	sim("misbehave emv card null 3");
	check_block(fd, echo, sizeof(echo), more, sizeof(more));
}

TEST_F(ccid, the_longest_tpdu)
{
	uint8_t echo[260] = { 0x80, 0x0e, 0x00, 0x00, 0xff };
	static const uint8_t more[] = { 0x61, 0xff };
	static const uint8_t get_response[] = { 0x00, 0xc0, 0x00, 0x00, 0xff };
	uint8_t answer[257];
	unsigned int i;
	int fd;

	for (i = 0; i < 255; i++)
		answer[i] = i;
	memcpy(echo + 5, answer, 255);
	answer[255] = 0x90;
	answer[256] = 0x00;

	plug_reader("--level tpdu --protocol t0");
	fd = open_powered_with("echo");
	check_block(fd, echo, sizeof(echo), more, sizeof(more));
	check_block(fd, get_response, sizeof(get_response), answer, sizeof(answer));
}

static void reset_t1(int fd)
{
	struct till_emv_parameters parameters = { .size = sizeof(parameters) };
	struct till_emv_power power;

	CHECK_EQ(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), 0);
	power_on(fd, &power);
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), 0);
}

static const uint8_t t1_answer[] = { 0xaa, 0xbb, 0x90, 0x00 };

static void check_t1(int fd, uint8_t pcb, const void *inf, uint8_t length, uint8_t answer_pcb,
		     const void *answer_inf, uint8_t answer_length)
{
	uint8_t block[300], answer[300];
	size_t n = t1_block(block, pcb, inf, length);
	size_t m = t1_block(answer, answer_pcb, answer_inf, answer_length);

	check_block(fd, block, n, answer, m);
}

TEST_F(ccid, t1)
{
	int fd = open_t1("--level tpdu --protocol t1");

	check_t1(fd, 0x00, t1_echo, sizeof(t1_echo), 0x00, t1_answer, sizeof(t1_answer));
	check_t1(fd, 0x40, t1_echo, sizeof(t1_echo), 0x40, t1_answer, sizeof(t1_answer));
}

/* S(WTX): the reader has to be told, or it takes the card for mute. */
TEST_F(ccid, t1_waiting_time)
{
	struct till_emv_waiting waiting = { .size = sizeof(waiting), .multiplier = 3 };
	static const uint8_t wtx[] = { 3 };
	int fd = open_t1("--level tpdu --protocol t1");
	uint8_t block[16], buf[300];
	size_t n;

	sim("misbehave emv card wtx 3");
	check_t1(fd, 0x00, t1_echo, sizeof(t1_echo), 0xc3, wtx, 1);
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), 0);
	check_t1(fd, 0xe3, wtx, 1, 0x00, t1_answer, sizeof(t1_answer));

	/* Used up. */
	sim("misbehave emv card wtx 3");
	check_t1(fd, 0x40, t1_echo, sizeof(t1_echo), 0xc3, wtx, 1);
	n = t1_block(block, 0xe3, wtx, 1);
	CHECK_EQ(write(fd, block, n), n);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EIO);

	/* Forgotten with the power. */
	reset_t1(fd);
	sim("misbehave emv card wtx 3");
	check_t1(fd, 0x00, t1_echo, sizeof(t1_echo), 0xc3, wtx, 1);
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), 0);
	reset_t1(fd);
	sim("misbehave emv card wtx 3");
	check_t1(fd, 0x00, t1_echo, sizeof(t1_echo), 0xc3, wtx, 1);
	CHECK_EQ(write(fd, block, n), n);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EIO);
}

/* Only a block uses it up, and only power makes the card forget. */
TEST_F(ccid, t1_waiting_time_beside_parameters)
{
	struct till_emv_waiting waiting = { .size = sizeof(waiting), .multiplier = 3 };
	struct till_emv_parameters parameters = { .size = sizeof(parameters) };
	static const uint8_t wtx[] = { 3 };
	int fd = open_t1("--level tpdu --protocol t1");

	sim("misbehave emv card wtx 3");
	check_t1(fd, 0x00, t1_echo, sizeof(t1_echo), 0xc3, wtx, 1);
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), 0);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), 0);
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), 0);
	check_t1(fd, 0xe3, wtx, 1, 0x00, t1_answer, sizeof(t1_answer));
}

/* PPS is a block like any other; then the reader is told. */
TEST_F(ccid, pps_and_parameters)
{
	static const uint8_t pps[] = { 0xff, 0x11, 0x13, 0xfd };
	struct till_emv_parameters parameters = {
		.size = sizeof(parameters),
		.protocol = 1,
		.length = 7,
		.data = { 0x13, 0x10, 0x00, 0x4d, 0x00, 0x20, 0x00 },
	};
	int fd;

	/* TA1 13, T=1. */
	plug_reader("--level tpdu --atr 3B9413014563686FA7");
	fd = open_powered_with("echo");
	check_block(fd, pps, sizeof(pps), pps, sizeof(pps));
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), 0);
	CHECK_EQ(parameters.protocol, 1);
	CHECK_EQ(parameters.data[0], 0x13);
	check_t1(fd, 0x00, t1_echo, sizeof(t1_echo), 0x00, t1_answer, sizeof(t1_answer));
}

/*
 * Chaining
 */

static void check_extended(int fd, size_t length)
{
	static uint8_t apdu[65544] = { 0x80, 0x0e, 0x00, 0x00, 0x00 };
	static uint8_t buf[65538];
	size_t i;

	apdu[5] = length >> 8;
	apdu[6] = length;
	for (i = 0; i < length; i++)
		apdu[7 + i] = i * 7 + i / 251;
	/* Le: as much as there is. */
	apdu[7 + length] = 0;
	apdu[8 + length] = 0;
	CHECK_EQ(write(fd, apdu, 9 + length), 9 + length);
	CHECK_EQ(read(fd, buf, sizeof(buf)), length + 2);
	CHECK(!memcmp(buf, apdu + 7, length));
	CHECK_EQ(buf[length] << 8 | buf[length + 1], 0x9000);
}

/* Both ways, in messages of each size: less than the APDU, the same, and more. */
TEST_F_TIMEOUT(ccid, an_extended_apdu_is_chained, 300)
{
	static const char * const options[] = {
		"--message-max 64", "--message-max 271", "--message-max 65554",
	};
	static const size_t lengths[] = { 1, 45, 46, 252, 253, 255, 256, 512, 4000, 65535 };
	unsigned int i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		plug_reader(options[i]);
		fd = open_powered_with("echo");
		/* The longest one in the shortest messages takes minutes under emulation. */
		for (j = 0; j < ARRAY_SIZE(lengths) - !i; j++)
			check_extended(fd, lengths[j]);
		close(fd);
		sim("remove");
	}
}

TEST_F(ccid, the_longest_response)
{
	static const uint8_t read_binary[] = { 0x00, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00 };
	static uint8_t buf[65538];
	unsigned int i;
	int fd = open_powered_with("echo");

	CHECK_EQ(write(fd, read_binary, sizeof(read_binary)), sizeof(read_binary));
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
	for (i = 0; i < 65536; i++)
		CHECK_EQ(buf[i], i & 0xff);
}

/* A part of the command that the reader asks for as libccid lets it, or in no known way. */
TEST_F(ccid, parts_of_a_command)
{
	static uint8_t apdu[1000] = { 0x80, 0x0e, 0x00, 0x00, 0x00, 0x03, 0xe1 };
	uint8_t buf[1200];
	unsigned int i;
	int fd = open_powered_with("echo");

	sim("misbehave emv chain 00");
	CHECK_EQ(write(fd, apdu, sizeof(apdu)), sizeof(apdu));
	CHECK_EQ(read(fd, buf, sizeof(buf)), 995);

	for (i = 1; i <= 4; i++) {
		sim("misbehave emv chain %02x", i);
		CHECK_EQ(write(fd, apdu, sizeof(apdu)), sizeof(apdu));
		CHECK_ERRNO(read(fd, buf, sizeof(buf)), EPROTO);
		check_extended(fd, 300);
	}
}

TEST_F(ccid, parts_of_a_response)
{
	static const char * const chains[] = { "04", "10", "ff" };
	unsigned int i;
	int fd = open_powered();

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		sim("misbehave emv chain %s", chains[i]);
		check_failure(fd, EPROTO);
	}

	sim("misbehave emv endless-chain");
	write_select(fd);
	nap(500);
	CHECK_EQ(exchange_state(fd), TILL_EMV_BUSY);
	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	sim("misbehave none");
	check_exchange(fd);
}

static unsigned int hex_byte(const char *text)
{
	char digits[3] = { text[0], text[1] }, *end;
	unsigned int value = strtoul(digits, &end, 16);

	CHECK_EQ(*end, 0);
	return value;
}

/* Every message to the reader has the number after that of the one before, its answers the same. */
static unsigned int check_sequence(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int sent = 0, seq = 0;
	char *line = NULL;
	size_t size = 0;

	CHECK(file);
	while (getline(&line, &size, file) > 0) {
		unsigned int number;

		/* "> " or "< ", and bSeq is the message's seventh byte. */
		if (strlen(line) < 2 + 2 * 10 || (*line != '>' && *line != '<'))
			continue;
		number = hex_byte(line + 2 + 2 * 6);
		if (*line == '>' && sent++)
			CHECK_EQ(number, (seq + 1) & 0xff);
		if (*line == '<')
			CHECK_EQ(number, seq);
		seq = number;
	}
	free(line);
	fclose(file);
	return sent;
}

#define WIRE		"/tmp/till-emv-wire"

TEST_F(ccid, messages_are_counted)
{
	int fd;

	plug_reader("--message-max 64");
	fd = open_powered_with("echo");
	sim("wire " WIRE);
	check_extended(fd, 500);
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_OFF), 0);
	close(fd);
	sim("wire off");
	/* Ten parts to the card and ten from it, and power off twice. */
	CHECK_EQ(check_sequence(WIRE), 10 + 9 + 2);
	unlink(WIRE);
}

/* The abort is a message of its own, or what it ends would pass for its answer. */
TEST_F(ccid, an_abort_has_a_number_of_its_own)
{
	int fd = open_powered();

	sim("wire " WIRE);
	sim("misbehave emv no-answer");
	write_select(fd);
	nap(300);
	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	sim("misbehave none");
	check_exchange(fd);
	sim("wire off");
	CHECK(check_sequence(WIRE) >= 3);
	unlink(WIRE);
}

/* What answers one part is none to the next. */
TEST_F(ccid, an_answer_to_an_earlier_part)
{
	int fd;

	plug_reader("--message-max 64");
	fd = open_powered_with("echo");
	sim("misbehave emv twice");
	check_extended(fd, 300);
	sim("misbehave emv stale 3");
	check_extended(fd, 300);
	check_extended(fd, 300);
}

/* Parts that fill the host's buffer, and each with the empty packet that ends it. */
TEST_F(ccid, parts_that_end_with_an_empty_packet)
{
	int fd;

	plug_reader("--message-max 64");
	fd = open_powered_with("echo");
	sim("misbehave emv empty-ends");
	check_extended(fd, 54 * 40);
}

/*
 * Time
 */

TEST_F(ccid, time_extensions_are_waited_for)
{
	int fd = open_powered();

	sim("misbehave emv time-extension 5");
	check_exchange(fd);
}

/* However much time it asks for. */
TEST_F_TIMEOUT(ccid, the_limit_of_time_extensions, 180)
{
	struct timespec start, end;
	uint8_t buf[512];
	int fd = open_powered();

	sim("misbehave emv time-extension forever 255");
	clock_gettime(CLOCK_MONOTONIC, &start);
	write_select(fd);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK(end.tv_sec - start.tv_sec >= 55);
	CHECK(end.tv_sec - start.tv_sec < 75);
	sim("misbehave none");
	check_exchange(fd);
}

/* No answer to the command ever comes. */
TEST_F_TIMEOUT(ccid, the_deadline_of_an_exchange, 180)
{
	static const char * const how[] = { "no-answer", "bad-seq" };
	unsigned int i;
	int fd = open_powered();

	for (i = 0; i < ARRAY_SIZE(how); i++) {
		sim("misbehave emv %s", how[i]);
		check_failure(fd, ETIMEDOUT);
		sim("misbehave none");
		check_exchange(fd);
	}
}

/*
 * Readers that break CCID
 */

/* Told once, and the next exchange is as good as ever. */
static void check_broken(int fd, const char *how, int error)
{
	sim("misbehave emv %s", how);
	check_failure(fd, error);
	check_exchange(fd);
}

TEST_F_TIMEOUT(ccid, answers_that_break_ccid, 180)
{
	unsigned long errors = statistic("emv", "communication_error_count");
	int fd = open_powered();

	check_broken(fd, "bad-type", EPROTO);
	/* Longer than what came, as far as a number goes. */
	check_broken(fd, "length 4000", EPROTO);
	check_broken(fd, "length 4294967295", EPROTO);
	check_broken(fd, "short 9", EPROTO);
	check_broken(fd, "short 1", EPROTO);
	check_broken(fd, "short 11", EPROTO);
	/* Nothing in it, as QEMU's reader answers when a card is put in. */
	check_broken(fd, "length 0", EIO);
	check_broken(fd, "error fb", EIO);
	check_broken(fd, "error fe", EIO);
	check_broken(fd, "error ff", ECANCELED);
	/* A notification where an answer belongs, and one of neither kind. */
	check_broken(fd, "answer 5003", EPROTO);
	check_broken(fd, "answer 8100000000000000000000", EPROTO);
	CHECK(statistic("emv", "communication_error_count") >= errors + 7);
}

TEST_F(ccid, answers_that_are_not_to_the_command)
{
	int fd = open_powered();

	sim("misbehave emv empty 3");
	check_exchange(fd);
	sim("misbehave emv stale 10");
	check_exchange(fd);
	sim("misbehave emv twice");
	check_exchange(fd);
	check_exchange(fd);
	sim("misbehave emv late 3000");
	check_exchange(fd);
	/* More of them than a reader has given up. */
	check_broken(fd, "stale 40", EPROTO);
	check_broken(fd, "empty 100", EPROTO);
}

/*
 * More of them in a second than a hand can make; then the reader is heard less
 * often, which counts as an error. A busy machine makes no flood.
 */
TEST_F(ccid, notifications_without_end)
{
	struct till_emv_power power;
	unsigned long errors;
	unsigned int i;
	int fd;

	/* The next test has another, which has said nothing untrue. */
	plug_reader("");
	errors = statistic("emv", "communication_error_count");
	for (i = 0; i < 300; i++)
		sim_now("misbehave emv notify 5003\n");
	if (statistic("emv", "communication_error_count") == errors)
		SKIP(return, "300 notifications took too long");

	insert_card();
	fd = open_device("emv", O_RDWR);
	nap(1500);
	power_on(fd, &power);
	check_exchange(fd);
	sim("remove");
	CHECK_SOON(attribute_is("emv", "card", "absent"));
}

TEST_F(ccid, notifications_that_say_nothing)
{
	static const char * const notes[] = {
		"", "50", "51", "5100000000", "00", "ff03", "5101020304"
	};
	struct till_emv_state before, after;
	unsigned int i;
	int fd = open_device("emv", O_RDWR);

	get_state(fd, &before);
	for (i = 0; i < ARRAY_SIZE(notes); i++)
		sim_try("misbehave emv notify %s 2>/dev/null", notes[i]);
	sim("insert " CARD);
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	get_state(fd, &after);
	CHECK_EQ(after.event, before.event + 1);
	CHECK_EQ(after.insertions, before.insertions + 1);
}

/*
 * Errors of the bus
 */

/* EPROTO is for a reader that breaks CCID. */
TEST_F(ccid, an_error_of_the_bus)
{
	unsigned long errors = statistic("emv", "communication_error_count");
	struct till_emv_power power = { .size = sizeof(power) };
	int fd = open_powered();

	check_broken(fd, "bus-error", EIO);
	sim("misbehave emv bus-error");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EIO);
	power_on(fd, &power);
	check_exchange(fd);
	CHECK(statistic("emv", "communication_error_count") >= errors + 2);
}

/* A reader that has heard half of an abort waits for the other half, and does nothing else. */
TEST_F(ccid, an_abort_that_stalls)
{
	int fd = open_powered();

	sim("misbehave emv time-extension 1000");
	write_select(fd);
	nap(300);
	sim("misbehave emv stall out");
	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	sim("misbehave none");
	check_exchange(fd);
}

TEST_F(ccid, pipes_that_stall)
{
	int fd = open_powered();

	sim("misbehave emv stall out");
	check_failure(fd, EIO);
	check_exchange(fd);
	sim("misbehave emv stall in");
	check_failure(fd, EIO);
	check_exchange(fd);

	/* The slot is heard of again after a while. */
	sim("misbehave emv stall interrupt");
	nap(300);
	sim("remove");
	CHECK_SOON(attribute_is("emv", "card", "absent"));
	sim("insert " CARD);
	CHECK_SOON(attribute_is("emv", "card", "present"));
}

/* Whatever the bus or the host's controller says of a transfer, read() says what the header has. */
TEST_F(ccid, errors_of_exchanges)
{
	static const char * const pipes[] = { "out", "in" };
	int fd = open_powered();
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(usb_failures); i++) {
		for (j = 0; usb_failures[i].transfer && j < ARRAY_SIZE(pipes); j++) {
			printf("# %s %s\n", pipes[j], usb_failures[i].name);
			sim("misbehave emv fail %s %s", pipes[j], usb_failures[i].name);
			check_failure(fd, usb_failures[i].transfer);
			/* What the reader may still have of it. */
			CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
		}
	}
	check_exchange(fd);
}

/* And each command that the reader is asked for. */
TEST_F(ccid, errors_of_commands)
{
	static const uint8_t t0[5] = { 0x11, 0x00, 0x00, 0x0a, 0x00 };
	static const char * const pipes[] = { "out", "in" };
	struct till_emv_power power = { .size = sizeof(power) };
	struct till_emv_parameters get = { .size = sizeof(get) };
	struct till_emv_parameters set = { .size = sizeof(set), .length = sizeof(t0) };
	const struct {
		unsigned long number;
		void *arg;
	} commands[] = {
		{ TILL_EMV_POWER_ON, &power },
		{ TILL_EMV_GET_PARAMETERS, &get },
		{ TILL_EMV_SET_PARAMETERS, &set },
		{ TILL_EMV_POWER_OFF },
	};
	int fd = open_powered();
	unsigned int i, j, k;

	memcpy(set.data, t0, sizeof(t0));
	for (i = 0; i < ARRAY_SIZE(usb_failures); i++) {
		for (j = 0; usb_failures[i].transfer && j < ARRAY_SIZE(pipes); j++) {
			printf("# %s %s\n", pipes[j], usb_failures[i].name);
			for (k = 0; k < ARRAY_SIZE(commands); k++) {
				sim("misbehave emv fail %s %s", pipes[j], usb_failures[i].name);
				CHECK_ERRNO(ioctl(fd, commands[k].number, commands[k].arg),
					    usb_failures[i].transfer);
			}
		}
	}
	power_on(fd, &power);
	check_exchange(fd);
}

/* The abort itself: the exchange has ended all the same. */
TEST_F(ccid, errors_of_an_abort)
{
	uint8_t buf[16];
	unsigned int i;
	int fd;

	sim("insert " CARD);
	fd = open_device("emv", O_RDWR);
	for (i = 0; i < ARRAY_SIZE(usb_failures); i++) {
		struct till_emv_power power;

		printf("# %s\n", usb_failures[i].name);
		power_on(fd, &power);
		sim("misbehave emv time-extension forever");
		write_select(fd);
		nap(50);
		sim("misbehave emv fail control %s", usb_failures[i].name);
		CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
		CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
		CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
		/* The reader still has it. */
		sim("misbehave none");
		reset_device("emv");
		CHECK_SOON(exchange_state(fd) == TILL_EMV_IDLE);
	}
}

/* Nobody hears of those of the slot's pipe: it is listened to again. */
TEST_F(ccid, errors_of_notifications)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(usb_failures); i++) {
		if (usb_failures[i].transfer != EIO)
			continue;
		printf("# %s\n", usb_failures[i].name);
		sim("misbehave emv fail interrupt %s", usb_failures[i].name);
		if (++n % 2)
			sim("insert " CARD);
		else
			sim("remove");
		CHECK_SOON(attribute_is("emv", "card", n % 2 ? "present" : "absent"));
	}
}

TEST_HARNESS_MAIN
