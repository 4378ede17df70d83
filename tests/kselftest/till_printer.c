// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receipt printer: data, progress, status, back channel, a roll that ends, unplugging.
 */
#include "till_test.h"

#define LINES		4000

/* GS a 255: automatic status on */
static const char automatic[] = "\x1d\x61\xff";
static char paper[LINES * 8];

static void setup(void)
{
	unsigned int i;

	for (i = 0; i < LINES; i++)
		memcpy(paper + i * 8, "selftst\n", 8);
	sim_try("misbehave none");
	plug_device("printer");
	sim_try("power-cycle");
	sim_try("paper in");
	sim_try("cover closed");
	sim_try("clear");
	CHECK_SOON(device_is_plugged("printer"));
}

static void get_status(int fd, struct till_printer_status *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_STATUS, ret), 0);
}

/* By port status and ASB: what both tell, and what only ASB tells. */
static void check_sources(const struct till_printer_status *status, uint8_t both, uint8_t only_asb)
{
	CHECK_EQ(status->online_source, both);
	CHECK_EQ(status->paper_source, both);
	CHECK_EQ(status->error_source, both);
	CHECK_EQ(status->near_end_source, only_asb);
	CHECK_EQ(status->cover_source, only_asb);
	CHECK_EQ(status->drawer_source, only_asb);
	CHECK_EQ(status->feed_source, only_asb);
	CHECK_EQ(status->cutter_source, only_asb);
}

static uint32_t status_source(int fd)
{
	struct till_printer_status status;

	get_status(fd, &status);
	return status.online_source;
}

static uint32_t status_paper(int fd)
{
	struct till_printer_status status;

	get_status(fd, &status);
	return status.paper;
}

static uint32_t status_flags(int fd)
{
	struct till_printer_status status;

	get_status(fd, &status);
	return status.flags;
}

static void get_progress(int fd, struct till_printer_progress *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_PROGRESS, ret), 0);
	CHECK(ret->completed <= ret->accepted);
}

static void write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		CHECK(n > 0);
		p += n;
		size -= n;
	}
}

static int open_automatic(void)
{
	int fd = open_device("printer", O_RDWR);

	write_all(fd, automatic, sizeof(automatic) - 1);
	CHECK_SOON(status_source(fd) == TILL_PRINTER_SOURCE_AUTOMATIC);
	return fd;
}

static uint8_t read_byte(int fd)
{
	uint8_t byte;

	CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
	CHECK_EQ(read(fd, &byte, 1), 1);
	return byte;
}

/* Writes until the printer takes no more; returns the bytes that were taken. */
static size_t fill(int fd)
{
	size_t done = 0;
	ssize_t n;

	set_nonblock(fd, true);
	do {
		while ((n = write(fd, paper, sizeof(paper))) > 0)
			done += n;
		CHECK_EQ(errno, EAGAIN);
		/* It may only have been slow. */
	} while (poll_for(fd, POLLOUT, 1000) & POLLOUT);
	set_nonblock(fd, false);
	return done;
}

TEST(node)
{
	check_node("printer", TILL_KIND_PRINTER);
}

TEST(sizes)
{
	int fd = open_device("printer", O_RDWR);

	check_sizes(fd, TILL_PRINTER_GET_STATUS, sizeof(struct till_printer_status));
	check_sizes(fd, TILL_PRINTER_GET_PROGRESS, sizeof(struct till_printer_progress));
	check_sizes(fd, TILL_PRINTER_GET_DEVICE_ID, sizeof(struct till_printer_device_id));
}

TEST(device_id)
{
	struct till_printer_device_id id = { .size = sizeof(id) };
	struct till_info info = { .size = sizeof(info) };
	int fd = open_device("printer", O_RDWR);

	CHECK_EQ(ioctl(fd, TILL_GET_INFO, &info), 0);
	CHECK(info.features & TILL_PRINTER_FEATURE_DEVICE_ID);
	CHECK(info.features & TILL_PRINTER_FEATURE_BACKCHANNEL);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_DEVICE_ID, &id), 0);
	CHECK(id.length > 4 && id.length <= TILL_PRINTER_DEVICE_ID_MAX);
	CHECK(memmem(id.id, id.length, "MFG:", 4) || memmem(id.id, id.length, "MANUFACTURER:", 13));
	CHECK_EQ(id.id[id.length], 0);
}

TEST(data_and_progress)
{
	unsigned long written = statistic("printer", "byte_written_count");
	struct till_printer_progress progress;
	int fd = open_device("printer", O_RDWR);

	get_progress(fd, &progress);
	CHECK_EQ(progress.accepted, 0);
	CHECK_EQ(progress.completed, 0);
	CHECK_EQ(poll_for(fd, POLLOUT, 0) & POLLOUT, POLLOUT);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(write(fd, paper, 0), 0);

	write_all(fd, paper, sizeof(paper));
	CHECK_EQ(fsync(fd), 0);
	get_progress(fd, &progress);
	CHECK_EQ(progress.accepted, sizeof(paper));
	CHECK_EQ(progress.completed, sizeof(paper));
	CHECK_EQ(statistic("printer", "byte_written_count"), written + sizeof(paper));
	CHECK_ERRNO(write(fd, bad_pointer(), 16), EFAULT);
	get_progress(fd, &progress);
	CHECK_EQ(progress.accepted, sizeof(paper));

	/* Since open. */
	close(fd);
	fd = open_device("printer", O_RDWR);
	get_progress(fd, &progress);
	CHECK_EQ(progress.accepted, 0);
}

TEST(closing_lets_the_printer_have_it)
{
	unsigned long written = statistic("printer", "byte_written_count");
	int fd = open_device("printer", O_WRONLY);

	write_all(fd, paper, sizeof(paper));
	close(fd);
	CHECK_EQ(statistic("printer", "byte_written_count"), written + sizeof(paper));
}

TEST(port_status)
{
	struct till_printer_status status;
	int fd = open_device("printer", O_RDWR);
	int port;

	port = ioctl(fd, TILL_PRINTER_GET_PORT_STATUS);
	CHECK(port >= 0);
	CHECK_EQ(port & 0x38, 0x18);
	get_status(fd, &status);
	CHECK_EQ(status.online, TILL_PRINTER_ONLINE);
	CHECK_EQ(status.paper, TILL_PAPER_OK);
	CHECK_EQ(status.flags, 0);
	CHECK_EQ(status.errors, 0);
	check_sources(&status, TILL_PRINTER_SOURCE_PORT, TILL_PRINTER_SOURCE_NONE);
	CHECK(attribute_is("printer", "source", "port"));
	CHECK(attribute_is("printer", "cover", "unknown"));
	CHECK(attribute_is("printer", "drawer", "unknown"));
	CHECK(attribute_is("printer", "error", "none"));

	sim("paper out");
	CHECK(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS) & 0x20);
	CHECK_EQ(status_paper(fd), TILL_PAPER_END);
	CHECK(attribute_is("printer", "paper", "end"));
}

TEST(automatic_status)
{
	int uevents = listen_uevents();
	int fd = open_automatic();
	uint8_t byte;

	CHECK_EQ(status_paper(fd), TILL_PAPER_OK);
	CHECK_EQ(poll_for(fd, POLLPRI, 0), 0);
	CHECK(attribute_is("printer", "cover", "closed"));

	sim("paper out");
	CHECK_EQ(poll_for(fd, POLLPRI, TILL_WAIT_MS), POLLPRI);
	check_uevent(uevents, "printer", "status");
	CHECK_EQ(poll_for(fd, POLLPRI, 0), POLLPRI);
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	CHECK_EQ(poll_for(fd, POLLPRI, 0), 0);
	CHECK(attribute_is("printer", "paper", "end"));
	CHECK(attribute_is("printer", "online", "offline"));

	sim("paper near-end");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_NEAR_END);
	CHECK(attribute_is("printer", "paper", "near-end"));
	sim("paper in");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_OK);

	sim("cover open");
	CHECK_SOON(status_flags(fd) & TILL_PRINTER_COVER_OPEN);
	CHECK(attribute_is("printer", "cover", "open"));
	sim("cover closed");
	CHECK_SOON(!(status_flags(fd) & TILL_PRINTER_COVER_OPEN));

	/* None of it is for read(). */
	set_nonblock(fd, true);
	CHECK_ERRNO(read(fd, &byte, 1), EAGAIN);
}

TEST(replies_are_told_from_status)
{
	/* GS ( H, function 48: says when it is printed; reply 37 22, four bytes, 00 */
	static const char process[] = "\x1d(H\x06\x00\x30\x30" "T8p|";
	static const uint8_t processed[] = { 0x37, 0x22, 'T', '8', 'p', '|', 0x00 };
	int fd = open_automatic();
	unsigned int i;

	/* DLE EOT 1 */
	write_all(fd, "\x10\x04\x01", 3);
	CHECK_EQ(read_byte(fd) & 0x93, 0x12);

	/* GS r 1 */
	write_all(fd, "\x1dr\x01", 3);
	CHECK_EQ(read_byte(fd) & 0x90, 0);

	/* Its text holds bytes that look like the first of automatic status. */
	write_all(fd, process, sizeof(process) - 1);
	for (i = 0; i < sizeof(processed); i++)
		CHECK_EQ(read_byte(fd), processed[i]);
	CHECK_EQ(status_paper(fd), TILL_PAPER_OK);

	sim("cover open");
	CHECK_SOON(status_flags(fd) & TILL_PRINTER_COVER_OPEN);
}

TEST(a_signal_ends_a_read)
{
	int fd = open_device("printer", O_RDWR);
	char byte;

	interrupt_after(200);
	CHECK_ERRNO(read(fd, &byte, 1), EINTR);
}

TEST(without_paper_nothing_hangs)
{
	struct till_printer_progress progress;
	struct timespec start, end;
	size_t done;
	int fd = open_automatic();

	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	done = fill(fd) + sizeof(automatic) - 1;

	get_progress(fd, &progress);
	CHECK_EQ(progress.accepted, done);
	CHECK(progress.completed < done);

	interrupt_after(200);
	CHECK_ERRNO(write(fd, paper, sizeof(paper)), EINTR);
	CHECK_ERRNO(fsync(fd), EINTR);
	stop_interrupting();
	get_progress(fd, &progress);
	CHECK_EQ(progress.accepted, done);

	/* Paper again: it goes on where it was, and each byte counts once. */
	sim("paper in");
	CHECK_SOON(!fsync(fd));
	get_progress(fd, &progress);
	CHECK_EQ(progress.accepted, done);
	CHECK_EQ(progress.completed, done);

	/* A close that may not block drops what is left. */
	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	fill(fd);
	set_nonblock(fd, true);
	clock_gettime(CLOCK_MONOTONIC, &start);
	close(fd);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("# close took %ld ms\n", (end.tv_sec - start.tv_sec) * 1000L +
	       (end.tv_nsec - start.tv_nsec) / 1000000L);
}

TEST(soft_reset_drops_the_queue)
{
	struct till_printer_progress progress;
	int fd = open_automatic();

	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	fill(fd);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_SOFT_RESET), 0);
	CHECK_EQ(fsync(fd), 0);
	get_progress(fd, &progress);
	CHECK(progress.completed < progress.accepted);
	CHECK(status_source(fd) != TILL_PRINTER_SOURCE_AUTOMATIC);
	CHECK_EQ(poll_for(fd, POLLOUT, TILL_WAIT_MS) & POLLOUT, POLLOUT);
}

TEST(a_stall_is_told_once)
{
	struct till_printer_progress progress;
	int fd = open_device("printer", O_RDWR | O_NONBLOCK);
	ssize_t n;

	sim("misbehave printer stall");
	n = write(fd, paper, 64);
	if (n == 64) {
		if (!(poll_for(fd, POLLERR, 5000) & POLLERR))
			SKIP("the simulated printer did not stall bulk OUT");
		CHECK_ERRNO(fsync(fd), EIO);
	} else {
		CHECK_EQ(errno, EIO);
	}
	sim("misbehave none");
	CHECK_EQ(fsync(fd), 0);
	get_progress(fd, &progress);
	CHECK(progress.completed < progress.accepted);

	/* And it is over. */
	set_nonblock(fd, false);
	write_all(fd, paper, 64);
	CHECK_EQ(fsync(fd), 0);
}

/* Once the error is told, what is written is printed or another error told. */
TEST(nothing_is_lost_in_silence_after_a_stall)
{
	struct till_printer_progress before, after;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		int fd = open_device("printer", O_RDWR);

		sim("misbehave printer stall");
		while (write(fd, paper, sizeof(paper)) > 0)
			;
		CHECK_EQ(errno, EIO);
		get_progress(fd, &before);

		CHECK_EQ(write(fd, paper, 64), 64);
		CHECK_EQ(fsync(fd), 0);
		get_progress(fd, &after);
		CHECK_EQ(after.accepted - before.accepted, 64);
		CHECK_EQ(after.completed - before.completed, 64);
		sim("misbehave none");
		close(fd);
	}
}

TEST(closing_over_a_stall_leaves_no_trace)
{
	unsigned int i;
	int fd;

	for (i = 0; i < 5; i++) {
		fd = open_device("printer", O_RDWR | O_NONBLOCK);
		sim("misbehave printer stall");
		/* It is seen, and not told. */
		if (write(fd, paper, sizeof(paper)) > 0)
			CHECK(poll_for(fd, POLLERR, TILL_WAIT_MS) & POLLERR);
		close(fd);

		fd = open_device("printer", O_RDWR);
		write_all(fd, paper, 64);
		CHECK_EQ(fsync(fd), 0);
		close(fd);
	}
}

TEST(soft_reset_ends_a_write)
{
	struct blocked b = { .fd = open_automatic(), .buf = paper, .size = sizeof(paper) };

	sim("paper out");
	CHECK_SOON(status_paper(b.fd) == TILL_PAPER_END);
	fill(b.fd);
	start_blocked(&b, blocked_write);
	CHECK_EQ(ioctl(b.fd, TILL_PRINTER_SOFT_RESET), 0);
	/* It would go on in the middle of what the printer has forgotten. */
	end_blocked(&b);
	CHECK_EQ(b.result, -1);
	CHECK_EQ(b.error, EIO);

	sim("paper in");
	write_all(b.fd, paper, 64);
	CHECK_EQ(fsync(b.fd), 0);
}

TEST(a_reset_keeps_the_node)
{
	struct till_printer_progress progress;
	int fd = open_automatic();

	reset_device("printer");
	CHECK(status_source(fd) != TILL_PRINTER_SOURCE_AUTOMATIC);
	write_all(fd, automatic, sizeof(automatic) - 1);
	CHECK_EQ(fsync(fd), 0);
	CHECK_SOON(status_source(fd) == TILL_PRINTER_SOURCE_AUTOMATIC);

	/* What was on its way is lost, and said to be. */
	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	fill(fd);
	reset_device("printer");
	CHECK_ERRNO(fsync(fd), EIO);
	get_progress(fd, &progress);
	CHECK(progress.completed < progress.accepted);
}

TEST(unplugging_ends_a_read)
{
	char buf[16];
	struct blocked b = { .fd = open_device("printer", O_RDWR), .buf = buf, .size = sizeof(buf) };

	check_unplugged("printer", &b, blocked_read);
}

TEST(unplugging_ends_a_write)
{
	struct blocked b = { .fd = open_automatic(), .buf = paper, .size = sizeof(paper) };

	sim("paper out");
	CHECK_SOON(status_paper(b.fd) == TILL_PAPER_END);
	check_unplugged("printer", &b, blocked_write);
	sim("paper in");
}
