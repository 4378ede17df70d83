// SPDX-License-Identifier: GPL-2.0-only
/*
 * What suspend, resume, reset and runtime power management do to devices that
 * nobody here wrote: QEMU's CCID reader, whose card is played at its other end,
 * and the kernel's own printer and HID gadgets on dummy_hcd. The case power
 * makes them and says which system sleep is tried.
 */
#include <linux/usb/g_printer.h>

#include "till_card.h"

#define PRINTER_GADGET	"/dev/g_printer0"
#define MSR_GADGET	"/dev/hidg0"

/* What the gadget takes at a time, and what it may lose of that when it is reset. */
#define GADGET_BUFFER	8192

/*
 * The machine
 */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Everything that drivers see of a system sleep; the machine itself stays on. */
static void sleep_system(void)
{
	write_file("/sys/power/pm_test", "devices");
	write_file("/sys/power/state", "freeze");
	write_file("/sys/power/pm_test", "none");
}

/* A node's USB device, seen from its class device: an interface or a HID device is in between. */
static const char *usb_path(const char *kind)
{
	return strcmp(kind, "msr") ? "device/.." : "device/../..";
}

static void read_usb(const char *kind, const char *name, char *ret, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", usb_path(kind), name);
	read_attribute(kind, path, ret, size);
}

static void write_usb(const char *kind, const char *name, const char *value)
{
	char node[64], path[160];

	CHECK(find_node(kind, node, sizeof(node)));
	snprintf(path, sizeof(path), "/sys/class/till/%s/%s/%s", node + 5, usb_path(kind), name);
	write_file(path, value);
}

static bool usb_is(const char *kind, const char *state)
{
	char text[32];

	read_usb(kind, "power/runtime_status", text, sizeof(text));
	return !strcmp(text, state);
}

static void allow_autosuspend(const char *kind)
{
	write_usb(kind, "power/autosuspend_delay_ms", "100");
	write_usb(kind, "power/control", "auto");
}

static void reset_usb(const char *kind)
{
	char bus[8], device[8], path[64];
	int fd;

	read_usb(kind, "busnum", bus, sizeof(bus));
	read_usb(kind, "devnum", device, sizeof(device));
	snprintf(path, sizeof(path), "/dev/bus/usb/%03d/%03d", atoi(bus), atoi(device));
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, USBDEVFS_RESET, NULL), 0);
	close(fd);
}

FIXTURE(power)
{
};

FIXTURE_SETUP(power)
{
	static const char *const kinds[] = { "msr", "emv", "printer" };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		CHECK_SOON(device_is_plugged(kinds[i]));
		write_usb(kinds[i], "power/control", "on");
	}
}

FIXTURE_TEARDOWN(power)
{
}

/*
 * The EMV reader: QEMU's
 */

static void card_connect(void)
{
	card_start();
	CHECK_SOON(attribute_is("emv", "card", "absent"));
}

/*
 * Of a card that was inserted once: inserted again, QEMU ends what is under way by an
 * empty answer.
 */
static int open_powered(void)
{
	struct till_emv_power power = { .size = sizeof(power) };
	int fd;

	CHECK_SOON(attribute_is("emv", "card", "present"));
	fd = open_device("emv", O_RDWR);
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, &power), 0);
	CHECK_EQ(power.atr_length, 4);
	return fd;
}

static void check_exchange(int fd)
{
	static const uint8_t command[] = { 0x00, 0xa4, 0x04, 0x00, 0x00 };
	uint8_t answer[64];

	CHECK_EQ(write(fd, command, sizeof(command)), sizeof(command));
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
	CHECK_EQ(read(fd, answer, sizeof(answer)), sizeof(command) + 2);
	CHECK(!memcmp(answer, command, sizeof(command)));
}

/* The reader was reset: its card has no power, which is news, and can be powered again. */
static void check_reader_was_reset(int fd, uint64_t event)
{
	struct till_emv_state state = { .size = sizeof(state) };
	struct till_emv_power power = { .size = sizeof(power) };

	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS) & POLLPRI, POLLPRI);
	CHECK_SOON(!ioctl(fd, TILL_EMV_GET_STATE, &state) && state.exchange == TILL_EMV_IDLE);
	CHECK_EQ(state.card, TILL_EMV_CARD_PRESENT);
	CHECK(state.event > event);

	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, &power), 0);
	check_exchange(fd);
	CHECK(attribute_is("emv", "card", "powered"));
}

static uint64_t newest_event(int fd)
{
	struct till_emv_state state = { .size = sizeof(state) };

	CHECK_EQ(ioctl(fd, TILL_EMV_GET_STATE, &state), 0);
	return state.event;
}

static void start_mute_exchange(int fd)
{
	unsigned int before = card_commands;

	card_mute = true;
	CHECK_EQ(write(fd, "\0\xa4\4\0\0", 5), 5);
	CHECK_SOON(card_commands > before);
}

/* Whatever ended the exchange is the errno of one read(). */
static void check_exchange_failed(int fd)
{
	char answer[64];

	card_mute = false;
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
	CHECK_ERRNO(read(fd, answer, sizeof(answer)), ECONNRESET);
	CHECK_ERRNO(read(fd, answer, sizeof(answer)), ENODATA);
}

TEST_F(power, emv_sleep_closed)
{
	int fd;

	card_connect();
	card_insert();
	CHECK_SOON(attribute_is("emv", "card", "present"));
	sleep_system();
	fd = open_powered();
	check_exchange(fd);
}

TEST_F(power, emv_sleep_open)
{
	uint64_t event;
	int fd;

	card_connect();
	card_insert();
	fd = open_powered();
	check_exchange(fd);
	event = newest_event(fd);
	sleep_system();
	check_reader_was_reset(fd, event);
}

TEST_F(power, emv_sleep_in_exchange)
{
	uint64_t event;
	int fd;

	card_connect();
	card_insert();
	fd = open_powered();
	event = newest_event(fd);
	start_mute_exchange(fd);
	sleep_system();
	check_exchange_failed(fd);
	check_reader_was_reset(fd, event);
}

TEST_F(power, emv_reset_in_exchange)
{
	uint64_t event;
	int fd;

	card_connect();
	card_insert();
	fd = open_powered();
	event = newest_event(fd);
	start_mute_exchange(fd);
	reset_usb("emv");
	check_exchange_failed(fd);
	check_reader_was_reset(fd, event);
}

TEST_F(power, emv_autosuspend)
{
	int fd;

	card_connect();
	allow_autosuspend("emv");
	CHECK_SOON(usb_is("emv", "suspended"));
	card_insert();
	fd = open_powered();
	CHECK(usb_is("emv", "active"));
	check_exchange(fd);
	nap(500);
	CHECK(usb_is("emv", "active"));
	close(fd);
	CHECK_SOON(usb_is("emv", "suspended"));
	CHECK(attribute_is("emv", "card", "present"));

	/* Resumed without a reset. */
	fd = open_powered();
	check_exchange(fd);
}

TEST_F(power, emv_wakes_the_host_for_a_card)
{
	unsigned long before;
	int uevents;

	card_connect();
	allow_autosuspend("emv");
	CHECK_SOON(usb_is("emv", "suspended"));
	before = statistic("emv", "insertion_count");
	uevents = listen_uevents();
	card_insert();
	check_uevent(uevents, "emv", "card");
	CHECK_SOON(attribute_is("emv", "card", "present"));
	CHECK_EQ(statistic("emv", "insertion_count"), before + 1);
	CHECK_SOON(usb_is("emv", "suspended"));
}

/*
 * The printer: the kernel's printer gadget
 */

static int gadget = -1;
static size_t gadget_taken;

/* Each byte says where it belongs. */
static uint8_t receipt_byte(size_t at)
{
	return at / 251 + at * 7;
}

/* Takes what there is, and sees that it is what comes next. */
static bool gadget_take(void)
{
	uint8_t data[GADGET_BUFFER];
	ssize_t n, i;

	n = read(gadget, data, sizeof(data));
	if (n < 0)
		CHECK_EQ(errno, EAGAIN);
	for (i = 0; i < n; i++)
		CHECK_EQ(data[i], receipt_byte(gadget_taken + i));
	gadget_taken += n > 0 ? n : 0;
	return n > 0;
}

static int open_printer(void)
{
	uint8_t data[GADGET_BUFFER];

	gadget = open(PRINTER_GADGET, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	CHECK(gadget >= 0);
	/* What a test before has left. */
	while (read(gadget, data, sizeof(data)) > 0)
		;
	return open_device("printer", O_RDWR);
}

static void fill_receipt(uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = receipt_byte(i);
}

static void check_prints(int fd)
{
	struct till_printer_progress before = { .size = sizeof(before) }, after = before;
	uint8_t data[1001];
	size_t start = gadget_taken;

	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_PROGRESS, &before), 0);
	gadget_taken = 0;
	fill_receipt(data, sizeof(data));
	CHECK_EQ(write(fd, data, sizeof(data)), sizeof(data));
	CHECK_SOON((gadget_take(), gadget_taken == sizeof(data)));
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(gadget_taken, sizeof(data));
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_PROGRESS, &after), 0);
	CHECK_EQ(after.completed - before.completed, sizeof(data));
	CHECK_EQ(after.accepted - before.accepted, sizeof(data));
	gadget_taken = start;
}

/*
 * A write() that the printer does not take to its end, and what is done to the
 * device meanwhile: the writer hears of it, and what is counted as taken is what
 * the gadget has got, but for the part of a buffer that it lost itself.
 */
static void check_interrupted_write(void (*interrupt)(void))
{
	struct till_printer_progress progress = { .size = sizeof(progress) };
	static uint8_t data[64 * GADGET_BUFFER];
	struct blocked writer = { .buf = data, .size = sizeof(data) };

	fill_receipt(data, sizeof(data));
	writer.fd = open_printer();
	start_blocked(&writer, blocked_write);
	/* It takes nothing before it is asked for some. */
	gadget_take();
	nap(200);
	interrupt();
	end_blocked(&writer);
	CHECK_EQ(writer.result, -1);
	CHECK_EQ(writer.error, EIO);

	while (gadget_take())
		;
	CHECK_EQ(ioctl(writer.fd, TILL_PRINTER_GET_PROGRESS, &progress), 0);
	printf("# accepted %llu, completed %llu, at the gadget %zu\n",
	       (unsigned long long)progress.accepted, (unsigned long long)progress.completed,
	       gadget_taken);
	CHECK(progress.completed > 0);
	CHECK(progress.completed < progress.accepted);
	CHECK(gadget_taken <= progress.completed);
	CHECK(progress.completed - gadget_taken < GADGET_BUFFER);
	check_prints(writer.fd);
}

static void reset_printer(void)
{
	reset_usb("printer");
}

TEST_F(power, printer_answers_its_class)
{
	struct till_printer_device_id *id = calloc(1, sizeof(*id));
	int fd = open_printer();

	id->size = sizeof(*id);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_DEVICE_ID, id), 0);
	CHECK(memmem(id->id, id->length, "MDL:TM-T20II;", 13));
	CHECK_EQ(ioctl(gadget, GADGET_SET_PRINTER_STATUS,
		       PRINTER_SELECTED | PRINTER_PAPER_EMPTY), 0);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS), PRINTER_SELECTED | PRINTER_PAPER_EMPTY);
	CHECK(attribute_is("printer", "paper", "end"));
	CHECK_EQ(ioctl(gadget, GADGET_SET_PRINTER_STATUS, PRINTER_SELECTED | PRINTER_NOT_ERROR), 0);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS), PRINTER_SELECTED | PRINTER_NOT_ERROR);
	CHECK(attribute_is("printer", "paper", "ok"));
	check_prints(fd);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_SOFT_RESET), 0);
	check_prints(fd);
	free(id);
}

TEST_F(power, printer_sleep_closed)
{
	sleep_system();
	check_prints(open_printer());
}

TEST_F(power, printer_sleep_open)
{
	int fd = open_printer();

	check_prints(fd);
	/* Automatic status is to be turned on anew afterwards: what it said is old. */
	CHECK_EQ(write(gadget, "\x10\0\0\0", 4), 4);
	CHECK_SOON(attribute_is("printer", "cover", "closed"));
	sleep_system();
	CHECK_SOON(attribute_is("printer", "cover", "unknown"));
	/* The bus was reset: the printer may have forgotten what it had taken. */
	CHECK_ERRNO(fsync(fd), EIO);
	check_prints(fd);
	CHECK_EQ(write(gadget, "\x10\0\0\0", 4), 4);
	CHECK_SOON(attribute_is("printer", "cover", "closed"));
}

TEST_F(power, printer_sleep_in_write)
{
	check_interrupted_write(sleep_system);
}

TEST_F(power, printer_reset_in_write)
{
	check_interrupted_write(reset_printer);
}

TEST_F(power, printer_autosuspend)
{
	int fd;

	allow_autosuspend("printer");
	CHECK_SOON(usb_is("printer", "suspended"));
	fd = open_printer();
	CHECK(usb_is("printer", "active"));
	check_prints(fd);
	nap(500);
	CHECK(usb_is("printer", "active"));
	close(fd);
	CHECK_SOON(usb_is("printer", "suspended"));
	/* A sleep of the system while it sleeps already. */
	sleep_system();
	close(gadget);
	check_prints(open_printer());
}

static bool can_open(const char *kind)
{
	char node[64];
	int fd;

	if (!find_node(kind, node, sizeof(node)))
		return false;
	fd = open(node, O_RDWR | O_CLOEXEC);
	return fd >= 0 && !close(fd);
}

/* Without USB persist a device that lost power is another one. */
TEST_F(power, printer_sleep_without_persist)
{
	struct till_printer_progress progress = { .size = sizeof(progress) };
	int fd = open_printer();

	write_usb("printer", "power/persist", "0");
	sleep_system();
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLHUP | POLLERR);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_PROGRESS, &progress), ENODEV);
	close(fd);
	close(gadget);
	/* The old node may be on its way out still. */
	CHECK_SOON(can_open("printer"));
	check_prints(open_printer());
}

/*
 * The magstripe reader: the kernel's HID gadget, with MagTek's report
 */

#define TRACK_2		";4111111111111111=25121010000?"

static void swipe_card(void)
{
	uint8_t report[337] = { 0 };
	int fd = open(MSR_GADGET, O_RDWR | O_CLOEXEC);

	report[0] = 1;
	report[4] = strlen(TRACK_2);
	memcpy(report + 117, TRACK_2, strlen(TRACK_2));
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, report, sizeof(report)), sizeof(report));
	close(fd);
}

static int open_armed(void)
{
	int fd = open_device("msr", O_RDWR);

	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	return fd;
}

/* One swipe, wherever in the record its second track is. */
static void check_reads_swipe(int fd)
{
	uint8_t record[8192];
	ssize_t n;

	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
	n = read(fd, record, sizeof(record));
	CHECK(n > 0);
	CHECK(memmem(record, n, TRACK_2, strlen(TRACK_2)));
	CHECK_EQ(poll_for(fd, POLLIN, 0), 0);
}

TEST_F(power, msr_sleep_closed)
{
	int fd;

	sleep_system();
	fd = open_armed();
	swipe_card();
	check_reads_swipe(fd);
}

TEST_F(power, msr_sleep_with_a_swipe_waiting)
{
	int fd = open_armed();

	swipe_card();
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
	sleep_system();
	check_reads_swipe(fd);
	/* It is still armed. */
	swipe_card();
	check_reads_swipe(fd);
}

TEST_F(power, msr_sleep_in_read)
{
	uint8_t record[8192];
	struct blocked reader = { .buf = record, .size = sizeof(record) };

	reader.fd = open_armed();
	start_blocked(&reader, blocked_read);
	sleep_system();
	swipe_card();
	end_blocked(&reader);
	CHECK(reader.result > 0);
	CHECK(memmem(record, reader.result, TRACK_2, strlen(TRACK_2)));
}

TEST_F(power, msr_reset)
{
	int fd = open_armed();

	swipe_card();
	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
	reset_usb("msr");
	check_reads_swipe(fd);
	swipe_card();
	check_reads_swipe(fd);
}

TEST_F(power, msr_autosuspend)
{
	int fd;

	allow_autosuspend("msr");
	CHECK_SOON(usb_is("msr", "suspended"));
	fd = open_armed();
	CHECK(usb_is("msr", "active"));
	/* A swipe does not have to wake it up. */
	nap(500);
	CHECK(usb_is("msr", "active"));
	swipe_card();
	check_reads_swipe(fd);
	close(fd);
	CHECK_SOON(usb_is("msr", "suspended"));
}

/* All at once, as it is in a shop that closes. */
TEST_F(power, all_sleep_busy)
{
	int emv, msr;

	card_connect();
	card_insert();
	emv = open_powered();
	start_mute_exchange(emv);
	msr = open_armed();
	swipe_card();
	check_interrupted_write(sleep_system);
	check_exchange_failed(emv);
	check_reads_swipe(msr);
}

TEST_HARNESS_MAIN
