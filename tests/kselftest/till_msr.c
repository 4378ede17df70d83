// SPDX-License-Identifier: GPL-2.0-only
/*
 * Magstripe reader: arming, the queue of swipes, what a record says, unplugging.
 */
#include "till_test.h"

#define CARD		"stripe"
#define QUEUE		8

static void setup(void)
{
	sim_try("misbehave none");
	plug_device("msr");
}

static int open_armed(void)
{
	int fd = open_device("msr", O_RDWR);

	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	return fd;
}

static void swipe(int fd)
{
	sim("swipe " CARD);
	if (fd >= 0)
		CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
}

static void read_swipe(int fd, struct till_msr_swipe *ret)
{
	memset(ret, 0xff, sizeof(*ret));
	CHECK_EQ(read(fd, ret, sizeof(*ret)), sizeof(*ret));
	CHECK_EQ(ret->size, sizeof(*ret));
}

static void check_empty(int fd)
{
	struct till_msr_swipe record;

	CHECK_EQ(poll_for(fd, POLLIN | POLLOUT, 0), 0);
	set_nonblock(fd, true);
	CHECK_ERRNO(read(fd, &record, sizeof(record)), EAGAIN);
	set_nonblock(fd, false);
}

TEST(node)
{
	check_node("msr", TILL_KIND_MSR);
}

TEST(calls_of_other_kinds_are_refused)
{
	int fd = open_device("msr", O_RDWR);

	CHECK_ERRNO(write(fd, "x", 1), EINVAL);
	CHECK_ERRNO(fsync(fd), EINVAL);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_ABORT), ENOTTY);
}

TEST(a_swipe_is_one_record)
{
	struct till_msr_swipe record;
	struct timespec now;
	uint64_t before, after;
	int fd = open_armed();

	clock_gettime(CLOCK_BOOTTIME, &now);
	before = now.tv_sec * 1000000000ULL + now.tv_nsec;
	swipe(fd);
	clock_gettime(CLOCK_BOOTTIME, &now);
	after = now.tv_sec * 1000000000ULL + now.tv_nsec;

	read_swipe(fd, &record);
	CHECK(record.sequence > 0);
	CHECK(record.time_ns >= before && record.time_ns <= after);
	CHECK_EQ(record.encode, TILL_MSR_ENCODE_ISO);
	CHECK_EQ(record.track[0].errors, 0);
	CHECK_EQ(record.track[1].errors, 0);
	CHECK(record.track[0].length >= 3 && record.track[0].length <= 79);
	CHECK(record.track[1].length >= 3 && record.track[1].length <= 40);
	CHECK_EQ(record.track[0].data[0], '%');
	CHECK_EQ(record.track[0].data[record.track[0].length - 1], '?');
	CHECK_EQ(record.track[1].data[0], ';');
	CHECK_EQ(record.track[1].data[record.track[1].length - 1], '?');
	CHECK_EQ(record.track[1].data[record.track[1].length], 0);
	check_empty(fd);
}

TEST(a_larger_buffer_gets_the_record)
{
	uint8_t buf[4096];
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(struct till_msr_swipe));
}

/* Whatever is appended to the record later. */
TEST(the_first_record_s_size_is_enough)
{
	struct till_msr_swipe record;
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(read(fd, &record, TILL_MSR_SWIPE_SIZE_VER0), TILL_MSR_SWIPE_SIZE_VER0);
	CHECK(record.track[1].length > 0);
	check_empty(fd);
}

TEST(too_small_a_buffer_loses_nothing)
{
	struct till_msr_swipe record;
	int fd = open_armed();

	swipe(fd);
	CHECK_ERRNO(read(fd, &record, TILL_MSR_SWIPE_SIZE_VER0 - 1), EMSGSIZE);
	CHECK_ERRNO(read(fd, &record, 0), EMSGSIZE);
	CHECK_ERRNO(read(fd, bad_pointer(), sizeof(record)), EFAULT);
	read_swipe(fd, &record);
	CHECK(record.track[1].length > 0);
}

TEST(a_node_opens_disarmed)
{
	struct till_msr_swipe first, second;
	int fd = open_armed();

	swipe(fd);
	read_swipe(fd, &first);
	close(fd);

	fd = open_device("msr", O_RDWR);
	CHECK(attribute_is("msr", "armed", "0"));
	swipe(-1);
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	CHECK(attribute_is("msr", "armed", "1"));
	swipe(fd);
	read_swipe(fd, &second);
	/* What was swiped while disarmed has no number: it is no loss. */
	CHECK_EQ(second.sequence, first.sequence + 1);
	check_empty(fd);
}

TEST(arming_empties_the_queue)
{
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	check_empty(fd);
}

TEST(disarming_drops)
{
	struct till_msr_swipe record;
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(ioctl(fd, TILL_MSR_DISARM), 0);
	check_empty(fd);
	swipe(-1);
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	swipe(fd);
	read_swipe(fd, &record);
	check_empty(fd);
}

TEST(closing_drops)
{
	int fd = open_armed();

	swipe(fd);
	close(fd);
	fd = open_armed();
	check_empty(fd);
}

TEST(overflow_drops_the_oldest_and_shows_it)
{
	unsigned long dropped = statistic("msr", "dropped_read_count");
	struct till_msr_swipe record;
	int fd = open_armed();
	uint32_t first;
	unsigned int i;

	swipe(fd);
	read_swipe(fd, &record);
	first = record.sequence + 1;

	for (i = 0; i < QUEUE + 2; i++)
		swipe(-1);
	/* The last one may be on its way. */
	CHECK_SOON(statistic("msr", "dropped_read_count") == dropped + 2);

	for (i = 0; i < QUEUE; i++) {
		read_swipe(fd, &record);
		CHECK_EQ(record.sequence, first + 2 + i);
	}
	check_empty(fd);
}

TEST(a_track_that_cannot_be_read_says_so)
{
	unsigned long failed = statistic("msr", "failed_read_count");
	struct till_msr_swipe record;
	unsigned int i, errors = 0;
	int fd = open_armed();

	sim("misbehave msr bad-read");
	swipe(fd);
	read_swipe(fd, &record);
	for (i = 0; i < TILL_MSR_TRACKS; i++) {
		errors |= record.track[i].errors;
		/* Nothing half-read is handed on. */
		if (record.track[i].errors)
			CHECK_EQ(record.track[i].length, 0);
	}
	CHECK(errors);
	CHECK_EQ(statistic("msr", "failed_read_count"), failed + 1);
}

TEST(good_reads_are_counted)
{
	unsigned long good = statistic("msr", "good_read_count");
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(statistic("msr", "good_read_count"), good + 1);
}

TEST(a_blocked_read_gets_the_swipe)
{
	struct till_msr_swipe record;
	struct blocked b = { .fd = open_armed(), .buf = &record, .size = sizeof(record) };

	start_blocked(&b, blocked_read);
	sim("swipe " CARD);
	end_blocked(&b);
	CHECK_EQ(b.result, sizeof(record));
}

TEST(a_signal_ends_a_read)
{
	struct till_msr_swipe record;
	int fd = open_armed();

	interrupt_after(200);
	CHECK_ERRNO(read(fd, &record, sizeof(record)), EINTR);
}

TEST(no_swipe_becomes_a_keystroke)
{
	char node[64], path[128];
	const char *class;
	unsigned int i;

	CHECK(find_node("msr", node, sizeof(node)));
	for (i = 0; i < 2; i++) {
		class = i ? "hidraw" : "input";
		snprintf(path, sizeof(path), "/sys/class/till/%s/device/%s", node + 5, class);
		CHECK_ERRNO(access(path, F_OK), ENOENT);
	}
}

TEST(unplugging_ends_everything)
{
	struct till_msr_swipe record;
	struct blocked b = { .fd = open_armed(), .buf = &record, .size = sizeof(record) };

	check_unplugged("msr", &b, blocked_read);
}
