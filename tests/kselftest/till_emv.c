// SPDX-License-Identifier: GPL-2.0-only
/*
 * EMV reader: its node and ioctls, slot events, PIN entry, the states of an exchange,
 * abort, signals, unplugging.
 */
#include <sys/wait.h>

#include "till_emv.h"

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

/* More time for the next block is for those who see blocks. */
TEST_F(emv, waiting_is_for_tpdu_level)
{
	struct till_emv_waiting waiting = { .size = sizeof(waiting), .multiplier = 2 };
	int fd = open_device("emv", O_RDWR);

	CHECK_ERRNO(ioctl(fd, TILL_EMV_SET_WAITING, &waiting), EOPNOTSUPP);
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

/*
 * PIN
 */

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

/*
 * Exchanges
 */

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

/*
 * A reader that says nothing at all
 */

/* It has been asked for its slot: a question that takes five seconds to give up. */
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
	unsigned int tries = 5;
	struct till_emv_state state;
	unsigned long given_up;
	int fd;

	do {
		plug_dead();
		fd = try_open(O_RDWR | O_NONBLOCK);
		CHECK(fd >= 0);
		/* Counted before whoever had waited for it goes on, or on a very slow machine. */
		given_up = statistic("emv", "communication_error_count");
		get_state(fd, &state);
		CHECK_EQ(state.card, TILL_EMV_CARD_ABSENT);
		close(fd);
	} while (given_up && --tries);
	CHECK_EQ(given_up, 0);
	sim("misbehave none");
	fd = open_device("emv", O_RDWR);
	insert_card();
	check_failure(fd, EIO);
}

static void *blocked_open(void *p)
{
	struct blocked *b = p;

	b->result = try_open(O_RDWR);
	return NULL;
}

TEST_F(emv, a_signal_ends_an_open)
{
	unsigned int tries = 5;
	struct blocked b = { };

	catch_signals();
	do {
		plug_dead();
		start_blocked(&b, blocked_open);
		CHECK_EQ(pthread_kill(b.thread, SIGUSR1), 0);
		end_blocked(&b);
		/* A machine so slow that the question was over before. */
		if (b.result >= 0)
			close(b.result);
	} while (b.result >= 0 && --tries);
	CHECK_EQ(b.result, -EINTR);
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

TEST_HARNESS_MAIN
