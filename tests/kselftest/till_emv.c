// SPDX-License-Identifier: GPL-2.0-only
/*
 * EMV reader: slot events, the exchange and its states, errors, abort, unplugging.
 */
#include <sys/wait.h>

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
static void setup(void)
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
static void replug_reader(const char *options)
{
	int fd = open(OTHER_READER, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	close(fd);
	sim("unplug emv");
	CHECK_SOON(!device_is_plugged("emv"));
	sim("plug emv %s", options);
}

static void plug_reader(const char *options)
{
	replug_reader(options);
	CHECK_SOON(device_is_plugged("emv"));
}

static void get_state(int fd, struct till_emv_state *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_STATE, ret), 0);
}

static void get_info(int fd, struct till_emv_info *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_INFO, ret), 0);
}

static uint32_t exchange_state(int fd)
{
	struct till_emv_state state;

	get_state(fd, &state);
	return state.exchange;
}

static void insert_card(void)
{
	sim("insert " CARD);
	CHECK_SOON(attribute_is("emv", "card", "present"));
}

static void power_on(int fd, struct till_emv_power *ret)
{
	struct till_emv_info info = { .size = sizeof(info) };

	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_INFO, &info), 0);
	if (!(info.ccid_features & 0x0c))
		ret->voltage = TILL_EMV_VOLTAGE_5V;
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, ret), 0);
}

static int open_powered_with(const char *card)
{
	struct till_emv_power power;
	int fd;

	fd = open_device("emv", O_RDWR);
	sim("insert %s", card);
	CHECK_SOON(attribute_is("emv", "card", "present"));
	power_on(fd, &power);
	return fd;
}

static int open_powered(void)
{
	return open_powered_with(CARD);
}

static void write_select(int fd)
{
	CHECK_EQ(write(fd, select_pse, sizeof(select_pse)), sizeof(select_pse));
}

static void check_exchange(int fd)
{
	uint8_t buf[512];
	ssize_t n;

	write_select(fd);
	n = read(fd, buf, sizeof(buf));
	CHECK(n >= 2);
	CHECK(buf[n - 2] == 0x90 || buf[n - 2] == 0x6a);
}

/* Writes a block and reads what comes back, which has to be this. */
static void check_block(int fd, const void *block, size_t size, const void *answer,
			size_t answer_size)
{
	static uint8_t buf[65538];

	CHECK_EQ(write(fd, block, size), size);
	CHECK_EQ(read(fd, buf, sizeof(buf)), answer_size);
	CHECK(!memcmp(buf, answer, answer_size));
}

/* A failed exchange is told once. */
static void check_failure(int fd, int error)
{
	uint8_t buf[512];

	write_select(fd);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), error);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

FIXTURE(emv)
{
};

FIXTURE_SETUP(emv)
{
	setup();
}

FIXTURE_TEARDOWN(emv)
{
}

TEST_F(emv, node)
{
	check_node("emv", TILL_KIND_EMV);
}

TEST_F(emv, sizes)
{
	int fd = open_device("emv", O_RDWR);

	check_sizes(fd, TILL_EMV_GET_INFO, sizeof(struct till_emv_info));
	check_sizes(fd, TILL_EMV_GET_STATE, sizeof(struct till_emv_state));
	insert_card();
	check_sizes(fd, TILL_EMV_GET_PARAMETERS, sizeof(struct till_emv_parameters));
}

/* To look is allowed; to change something in the card or the reader is not. */
TEST_F(emv, a_descriptor_for_reading_alone)
{
	static const unsigned long commands[] = {
		TILL_EMV_POWER_ON, TILL_EMV_POWER_OFF, TILL_EMV_ABORT, TILL_EMV_SET_PARAMETERS,
		TILL_EMV_SET_WAITING, TILL_EMV_VERIFY_PIN,
	};
	struct till_emv_parameters parameters = { .size = sizeof(parameters) };
	struct till_emv_info info;
	unsigned int i;
	int fd;

	insert_card();
	fd = open_device("emv", O_RDONLY);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		CHECK_ERRNO(ioctl(fd, commands[i], &parameters), EBADF);
	CHECK(attribute_is("emv", "card", "present"));
	get_info(fd, &info);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), 0);
	close(fd);

	fd = open_device("emv", O_WRONLY);
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_OFF), 0);
	close(fd);
}

TEST_F(emv, info)
{
	struct till_emv_info info = { .size = sizeof(info) };
	int fd = open_device("emv", O_RDWR);

	CHECK_EQ(ioctl(fd, TILL_EMV_GET_INFO, &info), 0);
	CHECK_EQ(info.level, TILL_EMV_LEVEL_EXTENDED_APDU);
	CHECK_EQ(info.ccid_features & 0x70000, 0x40000);
	CHECK(info.max_block >= 65544);
	CHECK_EQ(info.slots, 1);
	CHECK_EQ(info.protocols, 3);
	CHECK_EQ(info.voltages, 7);
	CHECK_EQ(info.max_ifsd, 254);
	CHECK_EQ(info.default_clock, 4000);
	CHECK_EQ(info.max_clock, 4000);
	CHECK_EQ(info.data_rate, 10753);
	CHECK_EQ(info.max_data_rate, 344086);
	CHECK_EQ(info.display, 0);
	CHECK_EQ(info.pin_support, 0);
	CHECK_EQ(info.class_get_response, 0xff);
	CHECK_EQ(info.class_envelope, 0xff);
	CHECK_EQ(info.__reserved[0] | info.__reserved[1] | info.__reserved[2], 0);
}

static int open_t1(const char *options);

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

TEST_F(emv, info_of_another_reader)
{
	struct till_emv_info info;
	struct till_info node = { .size = sizeof(node) };
	int fd;

	plug_reader("--slots 2 --voltages 3,1.8 --ifsd 100 --keypad");
	fd = open_powered();
	get_info(fd, &info);
	CHECK_EQ(info.slots, 2);
	CHECK_EQ(info.voltages, 6);
	CHECK_EQ(info.max_ifsd, 100);
	CHECK_EQ(info.pin_support & 1, 1);
	CHECK_EQ(ioctl(fd, TILL_GET_INFO, &node), 0);
	CHECK(node.features & TILL_EMV_FEATURE_KEYPAD);
	CHECK(node.features & TILL_EMV_FEATURE_ABORT);
	CHECK(node.features & TILL_EMV_FEATURE_PARAMETERS);
	check_exchange(fd);
}

TEST_F(emv, readers_that_cannot_be_driven)
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

/* More time for the next block is for those who see blocks. */
TEST_F(emv, waiting_is_for_tpdu_level)
{
	struct till_emv_waiting waiting = { .size = sizeof(waiting), .multiplier = 2 };
	int fd = open_device("emv", O_RDWR);

	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), EOPNOTSUPP);
}

static void fill_pin(struct till_emv_pin *ret)
{
	static const uint8_t verify[] = {
		0x00, 0x20, 0x00, 0x80, 0x08, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};

	*ret = (struct till_emv_pin) {
		.size = sizeof(*ret),
		.timeout = 30,
		.format = 0x89,
		.block = 0x47,
		.length_format = 0x04,
		.validation = 0x02,
		.messages = 0xff,
		.digits = 0x040c,
		.language = 0x0409,
		.apdu_length = sizeof(verify),
	};
	memcpy(ret->apdu, verify, sizeof(verify));
}

TEST_F(emv, a_pin_without_a_keypad)
{
	struct till_emv_pin pin;
	int fd = open_powered();

	fill_pin(&pin);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), EOPNOTSUPP);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_VERIFY_PIN, NULL), EFAULT);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

static bool keypad_waits(void)
{
	return !sim_try("status | grep -q keypad=waiting");
}

static int open_keypad(const char *options)
{
	char all[128];

	snprintf(all, sizeof(all), "--keypad %s", options);
	plug_reader(all);
	return open_powered_with("echo");
}

static void begin_pin(int fd)
{
	struct till_emv_pin pin;

	fill_pin(&pin);
	CHECK_EQ(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_BUSY);
	CHECK_SOON(keypad_waits());
}

TEST_F(emv, a_pin)
{
	uint8_t buf[512];
	int fd = open_keypad("");

	begin_pin(fd);
	CHECK_EQ(poll_for(fd, POLLIN | POLLOUT, 200), 0);
	CHECK_ERRNO(write(fd, select_pse, sizeof(select_pse)), EBUSY);
	sim("keypad 1234");
	CHECK_EQ(poll_for(fd, POLLIN | POLLOUT, TILL_WAIT_MS), POLLIN);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 2);
	CHECK_EQ(buf[0] << 8 | buf[1], 0x9000);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);

	begin_pin(fd);
	sim("keypad 4321");
	CHECK_EQ(read(fd, buf, sizeof(buf)), 2);
	CHECK_EQ(buf[0] << 8 | buf[1], 0x63c2);
}

TEST_F(emv, a_pin_that_is_not_given)
{
	uint8_t buf[512];
	int fd = open_keypad("");

	begin_pin(fd);
	sim("keypad cancel");
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ECANCELED);

	begin_pin(fd);
	sim("keypad timeout");
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ETIME);

	begin_pin(fd);
	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
	CHECK(!keypad_waits());

	begin_pin(fd);
	sim("remove");
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENOMEDIUM);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

TEST_F(emv, a_pin_ends_with_the_node)
{
	struct till_emv_power power;
	int fd = open_keypad("");

	begin_pin(fd);
	close(fd);
	CHECK(!keypad_waits());
	fd = open_device("emv", O_RDWR);
	power_on(fd, &power);
	begin_pin(fd);
	sim("keypad 1234");
}

TEST_F(emv, a_pin_that_the_reader_does_not_take)
{
	uint8_t buf[512];
	struct till_emv_pin pin;
	int fd = open_keypad("");

	fill_pin(&pin);
	sim("misbehave emv error 0b");
	CHECK_EQ(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), 0);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EINVAL);
	sim("misbehave emv error 00");
	CHECK_EQ(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), 0);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EOPNOTSUPP);
	/* The reader itself, for a greatest number below the least one. */
	pin.digits = 0x0c04;
	CHECK_EQ(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), 0);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EINVAL);
}

#define CHECK_PIN(_fd, _member, _value, _error)				\
	do {								\
		struct till_emv_pin _pin;				\
									\
		fill_pin(&_pin);					\
		_pin._member = (_value);				\
		CHECK_ERRNO(ioctl(_fd, TILL_EMV_VERIFY_PIN, &_pin), _error); \
	} while (0)

TEST_F(emv, a_pin_is_for_verify_alone)
{
	struct till_emv_pin pin;
	uint8_t buf[512];
	int fd = open_keypad("");

	CHECK_PIN(fd, size, 2, EINVAL);
	CHECK_PIN(fd, size, 20, EINVAL);
	CHECK_PIN(fd, timeout, 121, EINVAL);
	CHECK_PIN(fd, validation, 0, EINVAL);
	CHECK_PIN(fd, validation, 8, EINVAL);
	CHECK_PIN(fd, apdu_length, 3, EINVAL);
	CHECK_PIN(fd, apdu_length, TILL_EMV_PIN_APDU_MAX + 1, EINVAL);
	/* CHANGE REFERENCE DATA, SELECT */
	CHECK_PIN(fd, apdu[1], 0x24, EINVAL);
	CHECK_PIN(fd, apdu[1], 0xa4, EINVAL);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_VERIFY_PIN, NULL), EFAULT);
	CHECK(!keypad_waits());

	write_select(fd);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	fill_pin(&pin);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), EBUSY);
	CHECK(read(fd, buf, sizeof(buf)) >= 2);
	close(fd);

	/* Longer than a message. */
	sim("remove");
	fd = open_keypad("--message-max 64");
	CHECK_PIN(fd, apdu_length, 64 - 10 - 15 + 1, EMSGSIZE);
	begin_pin(fd);
	sim("keypad 1234");
	CHECK_EQ(read(fd, buf, sizeof(buf)), 2);
}

/*
 * TPDU level
 */

TEST_F(emv, t0)
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

TEST_F(emv, the_longest_tpdu)
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

/* At TPDU level the reader has to be told which protocol the card has. */
static int open_t1(const char *options)
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

static void reset_t1(int fd)
{
	struct till_emv_parameters parameters = { .size = sizeof(parameters) };
	struct till_emv_power power;

	CHECK_EQ(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), 0);
	power_on(fd, &power);
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), 0);
}

/* An I-block or S-block with its LRC. */
static size_t t1_block(uint8_t *ret, uint8_t pcb, const void *inf, uint8_t length)
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
static const uint8_t t1_answer[] = { 0xaa, 0xbb, 0x90, 0x00 };

static void check_t1(int fd, uint8_t pcb, const void *inf, uint8_t length, uint8_t answer_pcb,
		     const void *answer_inf, uint8_t answer_length)
{
	uint8_t block[300], answer[300];
	size_t n = t1_block(block, pcb, inf, length);
	size_t m = t1_block(answer, answer_pcb, answer_inf, answer_length);

	check_block(fd, block, n, answer, m);
}

TEST_F(emv, t1)
{
	int fd = open_t1("--level tpdu --protocol t1");

	check_t1(fd, 0x00, t1_echo, sizeof(t1_echo), 0x00, t1_answer, sizeof(t1_answer));
	check_t1(fd, 0x40, t1_echo, sizeof(t1_echo), 0x40, t1_answer, sizeof(t1_answer));
}

/* S(WTX): the reader has to be told, or it takes the card for mute. */
TEST_F(emv, t1_waiting_time)
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
TEST_F(emv, t1_waiting_time_beside_parameters)
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

TEST_F(emv, waiting_of_wrong_value)
{
	struct till_emv_waiting waiting = { .size = sizeof(waiting), .multiplier = 256 };
	int fd = open_t1("--level tpdu --protocol t1");
	uint8_t block[16], buf[300];
	size_t n;

	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), EINVAL);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_WAITING, NULL), EFAULT);
	waiting.multiplier = 255;
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), 0);

	n = t1_block(block, 0x00, t1_echo, sizeof(t1_echo));
	CHECK_EQ(write(fd, block, n), n);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), EBUSY);
	CHECK(read(fd, buf, sizeof(buf)) > 4);
}

/* A card of T=1 that the reader puts the PIN's block together for. */
TEST_F(emv, a_pin_at_tpdu_level)
{
	static const uint8_t answer[] = { 0x90, 0x00 };
	struct till_emv_pin pin;
	uint8_t block[16], buf[300];
	size_t n;
	int fd = open_t1("--level tpdu --protocol t1 --keypad");

	fill_pin(&pin);
	pin.prologue[2] = pin.apdu_length;
	CHECK_EQ(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), 0);
	CHECK_SOON(keypad_waits());
	sim("keypad 1234");
	n = t1_block(block, 0x00, answer, sizeof(answer));
	CHECK_EQ(read(fd, buf, sizeof(buf)), n);
	CHECK(!memcmp(buf, block, n));
}

/* PPS is a block like any other; then the reader is told. */
TEST_F(emv, pps_and_parameters)
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
 * Slot and power
 */

TEST_F(emv, slot_events)
{
	struct till_emv_state before, after;
	int uevents = listen_uevents();
	int fd = open_device("emv", O_RDWR);

	get_state(fd, &before);
	CHECK_EQ(before.card, TILL_EMV_CARD_ABSENT);
	CHECK_EQ(poll_for(fd, POLLPRI, 0), 0);

	sim("insert " CARD);
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	check_uevent(uevents, "emv", "card");
	/* Until it is asked. */
	CHECK_EQ(poll_for(fd, POLLPRI, 0), POLLPRI);
	get_state(fd, &after);
	CHECK_EQ(after.card, TILL_EMV_CARD_PRESENT);
	CHECK_EQ(after.insertions, before.insertions + 1);
	CHECK(after.event > before.event);
	CHECK_EQ(poll_for(fd, POLLPRI, 0), 0);
	CHECK(attribute_is("emv", "card", "present"));

	sim("remove");
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	check_uevent(uevents, "emv", "card");
	get_state(fd, &after);
	CHECK_EQ(after.card, TILL_EMV_CARD_ABSENT);
	CHECK_EQ(after.insertions, before.insertions + 1);
	CHECK(attribute_is("emv", "card", "absent"));
}

TEST_F(emv, slot_is_watched_while_closed)
{
	unsigned long insertions = statistic("emv", "insertion_count");
	struct till_emv_state state;
	int uevents = listen_uevents();
	int fd;

	sim("insert " CARD);
	check_uevent(uevents, "emv", "card");
	CHECK_EQ(statistic("emv", "insertion_count"), insertions + 1);
	fd = open_device("emv", O_RDWR);
	CHECK_EQ(poll_for(fd, POLLPRI, 0), POLLPRI);
	get_state(fd, &state);
	CHECK_EQ(state.card, TILL_EMV_CARD_PRESENT);
}

TEST_F(emv, a_reader_that_cannot_tell_is_asked)
{
	struct till_emv_state before, after;
	int uevents, fd;

	plug_reader("--no-interrupt");
	uevents = listen_uevents();
	fd = open_device("emv", O_RDWR);
	get_state(fd, &before);
	CHECK_EQ(before.card, TILL_EMV_CARD_ABSENT);
	CHECK_EQ(poll_for(fd, POLLPRI | POLLOUT, 0), POLLOUT);

	sim("insert " CARD);
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	check_uevent(uevents, "emv", "card");
	get_state(fd, &after);
	CHECK_EQ(after.card, TILL_EMV_CARD_PRESENT);
	CHECK_EQ(after.insertions, before.insertions + 1);

	sim("remove");
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	get_state(fd, &after);
	CHECK_EQ(after.card, TILL_EMV_CARD_ABSENT);
	close(fd);

	/* Nobody asks while it is closed; the opener finds it as it is. */
	sim("insert " CARD);
	nap(1500);
	CHECK(attribute_is("emv", "card", "absent"));
	fd = open_device("emv", O_RDWR);
	get_state(fd, &after);
	CHECK_EQ(after.card, TILL_EMV_CARD_PRESENT);
}

/* A card that was out and in again between two questions has lost its power. */
TEST_F(emv, asking_meets_commands)
{
	struct till_emv_power power;
	struct till_emv_state state;
	unsigned int i;
	int fd;

	plug_reader("--no-interrupt");
	fd = open_powered();
	for (i = 0; i < 200; i++)
		check_exchange(fd);
	get_state(fd, &state);

	sim("remove");
	sim("insert " CARD);
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	CHECK_SOON(attribute_is("emv", "card", "present"));
	power_on(fd, &power);
	check_exchange(fd);

	reset_device("emv");
	CHECK_EQ(poll_for(fd, POLLOUT, TILL_WAIT_MS), POLLOUT);
	power_on(fd, &power);
	check_exchange(fd);
	sim("remove");
	CHECK_SOON(attribute_is("emv", "card", "absent"));
}

TEST_F(emv, power)
{
	struct till_emv_power power;
	int fd;

	insert_card();
	fd = open_device("emv", O_RDWR);
	power_on(fd, &power);
	CHECK(power.atr_length >= 2 && power.atr_length <= TILL_EMV_ATR_MAX);
	CHECK(power.atr[0] == 0x3b || power.atr[0] == 0x3f);
	CHECK(attribute_is("emv", "card", "powered"));

	/* Warm. */
	power_on(fd, &power);
	CHECK(power.atr_length >= 2);

	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_OFF), 0);
	CHECK(attribute_is("emv", "card", "present"));

	power.voltage = 4;
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EINVAL);
	power.voltage = TILL_EMV_VOLTAGE_5V;
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, &power), 0);
}

TEST_F(emv, power_without_a_card)
{
	struct till_emv_power power = { .size = sizeof(power) };
	int fd = open_device("emv", O_RDWR);

	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), ENOMEDIUM);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

TEST_F(emv, power_on_a_mute_card)
{
	struct till_emv_power power = { .size = sizeof(power) };
	int fd;

	insert_card();
	fd = open_device("emv", O_RDWR);
	sim("misbehave emv mute");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EIO);
	sim("misbehave none");
	power_on(fd, &power);
}

/* The reader says that all is well, but has nothing to show for it. */
TEST_F(emv, an_answer_to_reset_without_bytes)
{
	struct till_emv_power power = { .size = sizeof(power) };
	unsigned int i;
	int fd;

	insert_card();
	fd = open_device("emv", O_RDWR);
	for (i = 0; i < 2; i++) {
		sim("misbehave emv answer 80000000000000000000");
		CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EIO);
		CHECK(attribute_is("emv", "card", "present"));
		power_on(fd, &power);
	}
	check_exchange(fd);
}

TEST_F(emv, voltages)
{
	struct till_emv_power power = { .size = sizeof(power) };
	int fd;

	plug_reader("--level tpdu --protocol t1 --voltages 5,1.8");
	fd = open_device("emv", O_RDWR);
	insert_card();
	/* The reader neither chooses nor has 3 V. */
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EOPNOTSUPP);
	power.voltage = TILL_EMV_VOLTAGE_3V;
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EOPNOTSUPP);

	sim("misbehave emv mute-at 5");
	power.voltage = TILL_EMV_VOLTAGE_5V;
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EIO);
	CHECK(attribute_is("emv", "card", "present"));
	power.voltage = TILL_EMV_VOLTAGE_1V8;
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, &power), 0);
	CHECK(attribute_is("emv", "card", "powered"));
}

/* No ioctl that needs the reader is taken while it is busy, or its answer is not read. */
TEST_F(emv, ioctls_outside_idle)
{
	struct till_emv_parameters parameters = { .size = sizeof(parameters) };
	struct till_emv_power power = { .size = sizeof(power) };
	uint8_t buf[512];
	unsigned int i;
	int fd = open_powered();

	for (i = 0; i < 2; i++) {
		if (!i)
			sim("misbehave emv time-extension 1000");
		write_select(fd);
		if (i)
			CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
		CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EBUSY);
		CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), EBUSY);
		parameters.protocol = 0;
		parameters.length = 5;
		CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), EBUSY);
		if (!i) {
			CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_OFF), EBUSY);
			CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
		}
	}
	CHECK(read(fd, buf, sizeof(buf)) >= 2);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_PARAMETERS, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_PARAMETERS, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_INFO, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_STATE, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, _IO(TILL_IOC_TYPE, 0x2f), NULL), ENOTTY);
}

static void *blocked_power_on(void *p)
{
	struct till_emv_power power = { .size = sizeof(power) };
	struct blocked *b = p;

	b->result = ioctl(b->fd, TILL_EMV_POWER_ON, &power);
	b->error = errno;
	return NULL;
}

TEST_F(emv, a_signal_ends_an_ioctl)
{
	struct till_emv_power power = { .size = sizeof(power) };
	int fd;

	insert_card();
	fd = open_device("emv", O_RDWR);
	sim("misbehave emv no-answer");
	interrupt_after(200);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), EINTR);
	stop_interrupting();
	/* The reader is not done with it. */
	CHECK_EQ(exchange_state(fd), TILL_EMV_BUSY);
	sim("misbehave none");
	CHECK_EQ(poll_for(fd, POLLOUT, TILL_WAIT_MS), POLLOUT);
	power_on(fd, &power);
	check_exchange(fd);
}

TEST_F(emv, an_ioctl_ends_with_the_reader)
{
	struct blocked b = { };

	insert_card();
	b.fd = open_device("emv", O_RDWR);
	sim("misbehave emv no-answer");
	start_blocked(&b, blocked_power_on);
	reset_device("emv");
	end_blocked(&b);
	CHECK_EQ(b.result, -1);
	CHECK_EQ(b.error, ECONNRESET);

	sim("misbehave none");
	CHECK_EQ(poll_for(b.fd, POLLOUT, TILL_WAIT_MS), POLLOUT);
	sim("misbehave emv no-answer");
	start_blocked(&b, blocked_power_on);
	sim("unplug emv");
	end_blocked(&b);
	CHECK_EQ(b.result, -1);
	CHECK_EQ(b.error, ENODEV);
}

TEST_F(emv, parameters)
{
	struct till_emv_parameters parameters = { .size = sizeof(parameters) }, again;
	int fd = open_powered();

	CHECK_EQ(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), 0);
	CHECK(parameters.protocol <= 1);
	CHECK_EQ(parameters.length, parameters.protocol ? 7 : 5);

	again = parameters;
	CHECK_EQ(ioctl(fd, TILL_EMV_SET_PARAMETERS, &again), 0);
	CHECK(!memcmp(&again, &parameters, sizeof(again)));

	again.length = 6;
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_PARAMETERS, &again), EINVAL);
	again = parameters;
	again.protocol = 2;
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_PARAMETERS, &again), EINVAL);
	again = parameters;
	again.__reserved[3] = 1;
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_PARAMETERS, &again), EINVAL);
}

TEST_F(emv, parameters_that_the_reader_does_not_take)
{
	struct till_emv_parameters parameters = {
		.size = sizeof(parameters),
		.protocol = 1,
		.length = 7,
		.data = { 0x11, 0x10, 0x00, 0x4d, 0x00, 0x20, 0x00 },
	};
	int fd = open_powered();

	CHECK_EQ(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), 0);
	CHECK_EQ(parameters.length, 7);
	sim("misbehave emv error 0b");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), EINVAL);
	sim("misbehave emv error 00");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_PARAMETERS, &parameters), EOPNOTSUPP);
	sim("misbehave emv error 00");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), EOPNOTSUPP);
	sim("misbehave emv error fb");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), EIO);
	/* Another protocol than there is, and a length that is not its own. */
	sim("misbehave emv chain 02");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), EPROTO);
	sim("misbehave emv length 4");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), EPROTO);

	sim("remove");
	CHECK_ERRNO(ioctl(fd, TILL_EMV_GET_PARAMETERS, &parameters), ENOMEDIUM);
}

TEST_F(emv, states)
{
	uint8_t buf[512];
	int fd = open_powered();

	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_EQ(poll_for(fd, POLLIN | POLLOUT, 0), POLLOUT);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);

	write_select(fd);
	CHECK_EQ(poll_for(fd, POLLIN | POLLOUT, TILL_WAIT_MS), POLLIN);
	CHECK_EQ(exchange_state(fd), TILL_EMV_READY);
	CHECK_ERRNO(write(fd, select_pse, sizeof(select_pse)), EBUSY);

	CHECK_ERRNO(read(fd, buf, 1), EMSGSIZE);
	CHECK_ERRNO(read(fd, bad_pointer(), sizeof(buf)), EFAULT);
	CHECK_EQ(exchange_state(fd), TILL_EMV_READY);
	CHECK(read(fd, buf, sizeof(buf)) >= 2);

	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
	check_exchange(fd);
}

TEST_F(emv, a_block_of_wrong_size)
{
	static uint8_t buf[65545];
	int fd = open_powered();

	CHECK_ERRNO(write(fd, buf, 0), EINVAL);
	CHECK_ERRNO(write(fd, buf, sizeof(buf)), EMSGSIZE);
	CHECK_ERRNO(write(fd, bad_pointer(), 5), EFAULT);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

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
TEST_F_TIMEOUT(emv, an_extended_apdu_is_chained, 300)
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

TEST_F(emv, the_longest_response)
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
TEST_F(emv, parts_of_a_command)
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

TEST_F(emv, messages_are_counted)
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
TEST_F(emv, an_abort_has_a_number_of_its_own)
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
TEST_F(emv, an_answer_to_an_earlier_part)
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
TEST_F(emv, parts_that_end_with_an_empty_packet)
{
	int fd;

	plug_reader("--message-max 64");
	fd = open_powered_with("echo");
	sim("misbehave emv empty-ends");
	check_extended(fd, 54 * 40);
}

TEST_F(emv, parts_of_a_response)
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

TEST_F_TIMEOUT(emv, answers_that_break_ccid, 180)
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

TEST_F(emv, answers_that_are_not_to_the_command)
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

/* No answer to the command ever comes. */
TEST_F_TIMEOUT(emv, the_deadline_of_an_exchange, 180)
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

/* However much time it asks for. */
TEST_F_TIMEOUT(emv, the_limit_of_time_extensions, 180)
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

/* EPROTO is for a reader that breaks CCID. */
TEST_F(emv, an_error_of_the_bus)
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
TEST_F(emv, an_abort_that_stalls)
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

TEST_F(emv, pipes_that_stall)
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

/*
 * More of them in a second than a hand can make; then the reader is heard less
 * often, which counts as an error. A busy machine makes no flood.
 */
TEST_F(emv, notifications_without_end)
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

/* Whatever the bus or the host's controller says of a transfer, read() says what the header has. */
TEST_F(emv, errors_of_exchanges)
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
TEST_F(emv, errors_of_commands)
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
TEST_F(emv, errors_of_an_abort)
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
TEST_F(emv, errors_of_notifications)
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

/*
 * Data and length of an answer are told together, and not before they are whole: read()
 * asks all the time, while it comes in parts.
 */
TEST_F(emv, an_answer_is_told_whole)
{
	uint8_t block[7 + 1000 + 2] = { 0x80, 0x0e, 0x00, 0x00, 0x00 };
	uint8_t answer[sizeof(block)];
	unsigned int i, j, length;
	ssize_t n;
	int fd;

	plug_reader("--level extended --message-max 64");
	fd = open_powered_with("echo");
	set_nonblock(fd, true);
	for (i = 0; i < 40; i++) {
		length = 1 + i * 997 % 1000;
		block[5] = length >> 8;
		block[6] = length;
		for (j = 0; j < length; j++)
			block[7 + j] = i + j;
		memset(block + 7 + length, 0, 2);
		CHECK_EQ(write(fd, block, 9 + length), 9 + length);
		do
			n = read(fd, answer, sizeof(answer));
		while (n < 0 && errno == EAGAIN);
		CHECK_EQ(n, length + 2);
		CHECK(!memcmp(answer, block + 7, length));
		CHECK_EQ(answer[length], 0x90);
	}
}

TEST_F(emv, notifications_that_say_nothing)
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

TEST_F(emv, an_exchange_without_power)
{
	int fd;

	insert_card();
	fd = open_device("emv", O_RDWR);
	check_failure(fd, EIO);
}

TEST_F(emv, an_exchange_without_a_card)
{
	check_failure(open_device("emv", O_RDWR), ENOMEDIUM);
}

TEST_F(emv, an_exchange_with_a_mute_card)
{
	unsigned long failed = statistic("emv", "failed_exchange_count");
	int fd = open_powered();

	sim("misbehave emv mute");
	check_failure(fd, EIO);
	CHECK_EQ(statistic("emv", "failed_exchange_count"), failed + 1);
}

TEST_F(emv, an_exchange_with_a_hardware_error)
{
	int fd = open_powered();

	sim("misbehave emv hardware-error");
	check_failure(fd, EIO);
	check_exchange(fd);
}

TEST_F(emv, time_extensions_are_waited_for)
{
	int fd = open_powered();

	sim("misbehave emv time-extension 5");
	check_exchange(fd);
}

TEST_F(emv, abort_in_every_state)
{
	uint8_t buf[512];
	int fd = open_powered();

	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);

	write_select(fd);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);

	sim("misbehave emv time-extension 1000");
	write_select(fd);
	CHECK_EQ(exchange_state(fd), TILL_EMV_BUSY);
	CHECK_EQ(poll_for(fd, POLLIN | POLLOUT, 0), 0);
	CHECK_ERRNO(write(fd, select_pse, sizeof(select_pse)), EBUSY);
	set_nonblock(fd, true);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EAGAIN);
	set_nonblock(fd, false);
	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
	check_exchange(fd);
}

TEST_F(emv, abort_reaches_idle_whatever_the_reader_does)
{
	int fd = open_powered();

	sim("misbehave emv no-answer");
	write_select(fd);
	nap(100);
	CHECK_EQ(exchange_state(fd), TILL_EMV_BUSY);
	CHECK_EQ(ioctl(fd, TILL_EMV_ABORT), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	sim("misbehave none");
	check_exchange(fd);
}

TEST_F(emv, abort_ends_a_blocked_read)
{
	uint8_t buf[512];
	struct blocked b = { .fd = open_powered(), .buf = buf, .size = sizeof(buf) };

	sim("misbehave emv time-extension 1000");
	write_select(b.fd);
	start_blocked(&b, blocked_read);
	CHECK_EQ(ioctl(b.fd, TILL_EMV_ABORT), 0);
	end_blocked(&b);
	CHECK_EQ(b.result, -1);
	CHECK_EQ(b.error, ECANCELED);
}

TEST_F(emv, a_signal_ends_a_read_and_not_the_exchange)
{
	uint8_t buf[512];
	int fd = open_powered();

	sim("misbehave emv time-extension 10");
	write_select(fd);
	interrupt_after(200);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EINTR);
	stop_interrupting();
	CHECK_EQ(exchange_state(fd), TILL_EMV_BUSY);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK(read(fd, buf, sizeof(buf)) >= 2);
}

TEST_F(emv, power_off_ends_a_ready_that_nobody_reads)
{
	uint8_t buf[512];
	int fd = open_powered();

	write_select(fd);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_OFF), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
}

TEST_F(emv, pulling_the_card_ends_the_exchange)
{
	struct till_emv_state state;
	uint8_t buf[512];
	int fd = open_powered();

	sim("misbehave emv time-extension 1000");
	write_select(fd);
	sim("remove");
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
	CHECK_EQ(read(fd, buf, sizeof(buf)), -1);
	CHECK(errno == ENOMEDIUM || errno == EIO);
	get_state(fd, &state);
	CHECK_EQ(state.card, TILL_EMV_CARD_ABSENT);
	CHECK_EQ(state.exchange, TILL_EMV_IDLE);
}

TEST_F(emv, closing_powers_off)
{
	int fd = open_powered();

	write_select(fd);
	CHECK(attribute_is("emv", "card", "powered"));
	close(fd);
	CHECK(attribute_is("emv", "card", "present"));
	fd = open_device("emv", O_RDWR);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	check_failure(fd, EIO);
}

/* A card has power from the command on, whether its answer is waited for or not. */
TEST_F(emv, closing_powers_off_what_was_interrupted)
{
	struct till_emv_power power = { .size = sizeof(power) };
	unsigned int i;
	int fd, n;

	insert_card();
	for (i = 0; i < 20; i++) {
		fd = open_device("emv", O_RDWR);
		interrupt_after(1 + i % 10);
		n = ioctl(fd, TILL_EMV_POWER_ON, &power);
		if (n < 0)
			CHECK_EQ(errno, EINTR);
		stop_interrupting();
		close(fd);
		sim("status | grep -q card-power=off");
	}
}

/* A reader that says nothing at all. */
static void plug_dead(void)
{
	sim("unplug emv");
	CHECK_SOON(!device_is_plugged("emv"));
	sim("misbehave emv dead");
	plug_device("emv");
}

static int try_open(int flags)
{
	char node[64];
	int fd;

	CHECK(find_node("emv", node, sizeof(node)));
	fd = open(node, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Neither its probe nor who does not want to wait does so for its slot. */
TEST_F(emv, a_mute_reader_is_not_waited_for)
{
	struct till_emv_state state;
	int fd;

	plug_dead();
	interrupt_after(200);
	fd = try_open(O_RDWR | O_NONBLOCK);
	CHECK(fd >= 0);
	stop_interrupting();
	get_state(fd, &state);
	CHECK_EQ(state.card, TILL_EMV_CARD_ABSENT);
	close(fd);
	sim("misbehave none");
	fd = open_device("emv", O_RDWR);
	insert_card();
	check_failure(fd, EIO);
}

TEST_F(emv, a_signal_ends_an_open)
{
	plug_dead();
	interrupt_after(200);
	CHECK_EQ(try_open(O_RDWR), -EINTR);
	stop_interrupting();
	sim("misbehave none");
	close(open_device("emv", O_RDWR));
}

/* The slot is told later to who did not wait for it. */
TEST_F(emv, a_card_after_an_open_that_did_not_wait)
{
	struct till_emv_state state;
	struct till_emv_power power;
	int fd;

	sim("unplug emv");
	CHECK_SOON(!device_is_plugged("emv"));
	sim("insert " CARD);
	plug_device("emv");
	fd = try_open(O_RDWR | O_NONBLOCK);
	CHECK(fd >= 0);
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	get_state(fd, &state);
	CHECK_EQ(state.card, TILL_EMV_CARD_PRESENT);
	power_on(fd, &power);
	set_nonblock(fd, false);
	check_exchange(fd);
}

/* Has a node whose reader is dead in the middle of an exchange, and closes it or not. */
static pid_t start_holding(bool closes)
{
	int ready[2];
	pid_t pid;
	char byte;

	CHECK_EQ(pipe(ready), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		int fd = open_powered();

		sim("misbehave emv dead");
		write_select(fd);
		CHECK_EQ(write(ready[1], "", 1), 1);
		if (closes)
			close(fd);
		else
			pause();
		_exit(0);
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* Of a process that ends with the node open, the end does not wait for the reader, either. */
TEST_F(emv, a_kill_is_not_held_up)
{
	pid_t pid = start_holding(false);
	long start = now();
	int status;

	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK(now() - start < 4000);
}

/* The power is taken all the same, when the reader can again. */
TEST_F(emv, a_kill_ends_a_close)
{
	struct till_emv_power power;
	pid_t pid = start_holding(true);
	int fd, status;
	long start;

	nap(300);
	start = now();
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK(now() - start < 4000);

	fd = try_open(O_RDWR | O_NONBLOCK);
	CHECK(fd >= 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_BUSY);
	CHECK_EQ(poll_for(fd, POLLIN | POLLOUT, 0), 0);
	CHECK_ERRNO(write(fd, select_pse, sizeof(select_pse)), EBUSY);
	sim("misbehave none");
	CHECK_EQ(poll_for(fd, POLLOUT, TILL_WAIT_MS), POLLOUT);
	CHECK(attribute_is("emv", "card", "present"));
	sim("status | grep -q card-power=off");
	power_on(fd, &power);
	set_nonblock(fd, false);
	check_exchange(fd);
}

TEST_F(emv, a_card_that_waits_for_the_reader_is_counted_once)
{
	sim("unplug emv");
	CHECK_SOON(!device_is_plugged("emv"));
	sim("insert " CARD);
	plug_device("emv");
	CHECK_SOON(attribute_is("emv", "card", "present"));
	nap(500);
	CHECK_EQ(statistic("emv", "insertion_count"), 1);
}

TEST_F(emv, closing_in_the_middle)
{
	struct till_emv_power power;
	int fd = open_powered();

	sim("misbehave emv time-extension 1000");
	write_select(fd);
	close(fd);
	sim("misbehave none");
	fd = open_device("emv", O_RDWR);
	power_on(fd, &power);
	check_exchange(fd);
}

TEST_F(emv, a_reset_keeps_the_node)
{
	struct till_emv_power power;
	uint8_t buf[512];
	int fd = open_powered();

	reset_device("emv");
	CHECK_EQ(poll_for(fd, POLLOUT, TILL_WAIT_MS), POLLOUT);
	CHECK(attribute_is("emv", "card", "present"));
	power_on(fd, &power);
	check_exchange(fd);

	sim("misbehave emv time-extension 1000");
	write_select(fd);
	reset_device("emv");
	sim("misbehave none");
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ECONNRESET);
	CHECK_EQ(poll_for(fd, POLLOUT, TILL_WAIT_MS), POLLOUT);
	power_on(fd, &power);
	check_exchange(fd);

	/* The slot is still watched. */
	sim("remove");
	CHECK_SOON(attribute_is("emv", "card", "absent"));
}

TEST_F(emv, unplugging_ends_everything)
{
	uint8_t buf[512];
	struct blocked b = { .fd = open_powered(), .buf = buf, .size = sizeof(buf) };

	sim("misbehave emv time-extension 1000");
	write_select(b.fd);
	check_unplugged("emv", &b, blocked_read);
}

TEST_HARNESS_MAIN
