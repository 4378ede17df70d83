// SPDX-License-Identifier: GPL-2.0-only
/*
 * EMV reader: slot events, the exchange and its states, errors, abort, unplugging.
 */
#include "till_test.h"

#define CARD		"visa"

/* SELECT 1PAY.SYS.DDF01: every EMV card answers it, well or not. */
static const uint8_t select_pse[] = {
	0x00, 0xa4, 0x04, 0x00, 0x0e, '1', 'P', 'A', 'Y', '.', 'S', 'Y', 'S', '.',
	'D', 'D', 'F', '0', '1', 0x00
};

static void setup(void)
{
	sim_try("misbehave none");
	plug_device("emv");
	sim_try("remove 2>/dev/null");
	CHECK_SOON(attribute_is("emv", "card", "absent"));
}

static void get_state(int fd, struct till_emv_state *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_GET_STATE, ret), 0);
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
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, ret), 0);
}

static int open_powered(void)
{
	struct till_emv_power power;
	int fd;

	insert_card();
	fd = open_device("emv", O_RDWR);
	power_on(fd, &power);
	return fd;
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

TEST(node)
{
	check_node("emv", TILL_KIND_EMV);
}

TEST(sizes)
{
	int fd = open_device("emv", O_RDWR);

	check_sizes(fd, TILL_EMV_GET_INFO, sizeof(struct till_emv_info));
	check_sizes(fd, TILL_EMV_GET_STATE, sizeof(struct till_emv_state));
	insert_card();
	check_sizes(fd, TILL_EMV_GET_PARAMETERS, sizeof(struct till_emv_parameters));
}

TEST(info)
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

/* More time for the next block is for those who see blocks. */
TEST(waiting_is_for_tpdu_level)
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

TEST(a_pin_without_a_keypad)
{
	struct till_emv_pin pin;
	int fd = open_powered();

	fill_pin(&pin);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_VERIFY_PIN, &pin), EOPNOTSUPP);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_VERIFY_PIN, NULL), EFAULT);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

TEST(slot_events)
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

TEST(slot_is_watched_while_closed)
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

TEST(power)
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

TEST(power_without_a_card)
{
	struct till_emv_power power = { .size = sizeof(power) };
	int fd = open_device("emv", O_RDWR);

	CHECK_ERRNO(ioctl(fd, TILL_EMV_POWER_ON, &power), ENOMEDIUM);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

TEST(power_on_a_mute_card)
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

TEST(parameters)
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

TEST(states)
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

TEST(a_block_of_wrong_size)
{
	static uint8_t buf[65545];
	int fd = open_powered();

	CHECK_ERRNO(write(fd, buf, 0), EINVAL);
	CHECK_ERRNO(write(fd, buf, sizeof(buf)), EMSGSIZE);
	CHECK_ERRNO(write(fd, bad_pointer(), 5), EFAULT);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
}

/* Many CCID messages; what the card thinks of it is the same to us. */
TEST(an_extended_apdu_is_chained)
{
	static uint8_t apdu[65544] = { 0x00, 0xd6, 0x00, 0x00, 0x00 };
	static const size_t lengths[] = { 1, 254, 255, 256, 261, 512, 4000, 65535 };
	uint8_t buf[512];
	int fd = open_powered();
	unsigned int i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		apdu[5] = lengths[i] >> 8;
		apdu[6] = lengths[i];
		CHECK_EQ(write(fd, apdu, 7 + lengths[i]), 7 + lengths[i]);
		CHECK_EQ(read(fd, buf, sizeof(buf)), 2);
		CHECK(buf[0] >= 0x60);
	}
	check_exchange(fd);
}

TEST(an_exchange_without_power)
{
	int fd;

	insert_card();
	fd = open_device("emv", O_RDWR);
	check_failure(fd, EIO);
}

TEST(an_exchange_without_a_card)
{
	check_failure(open_device("emv", O_RDWR), ENOMEDIUM);
}

TEST(an_exchange_with_a_mute_card)
{
	unsigned long failed = statistic("emv", "failed_exchange_count");
	int fd = open_powered();

	sim("misbehave emv mute");
	check_failure(fd, EIO);
	CHECK_EQ(statistic("emv", "failed_exchange_count"), failed + 1);
}

TEST(an_exchange_with_a_hardware_error)
{
	int fd = open_powered();

	sim("misbehave emv hardware-error");
	check_failure(fd, EIO);
	check_exchange(fd);
}

TEST(time_extensions_are_waited_for)
{
	int fd = open_powered();

	sim("misbehave emv time-extension 5");
	check_exchange(fd);
}

TEST(abort_in_every_state)
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

TEST(abort_reaches_idle_whatever_the_reader_does)
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

TEST(abort_ends_a_blocked_read)
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

TEST(a_signal_ends_a_read_and_not_the_exchange)
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

TEST(power_off_ends_a_ready_that_nobody_reads)
{
	uint8_t buf[512];
	int fd = open_powered();

	write_select(fd);
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_OFF), 0);
	CHECK_EQ(exchange_state(fd), TILL_EMV_IDLE);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODATA);
}

TEST(pulling_the_card_ends_the_exchange)
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

TEST(closing_powers_off)
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
TEST(closing_powers_off_what_was_interrupted)
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

TEST(a_card_that_waits_for_the_reader_is_counted_once)
{
	sim("unplug emv");
	CHECK_SOON(!device_is_plugged("emv"));
	sim("insert " CARD);
	plug_device("emv");
	CHECK_SOON(attribute_is("emv", "card", "present"));
	nap(500);
	CHECK_EQ(statistic("emv", "insertion_count"), 1);
}

TEST(closing_in_the_middle)
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

TEST(a_reset_keeps_the_node)
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

TEST(unplugging_ends_everything)
{
	uint8_t buf[512];
	struct blocked b = { .fd = open_powered(), .buf = buf, .size = sizeof(buf) };

	sim("misbehave emv time-extension 1000");
	write_select(b.fd);
	check_unplugged("emv", &b, blocked_read);
}
