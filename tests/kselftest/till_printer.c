// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receipt printer: data, progress, status, back channel, a roll that ends, unplugging.
 */
#include "till_test.h"

#define LINES		4000

/* GS a 255: automatic status on */
static const char automatic[] = "\x1d\x61\xff";
static char paper[LINES * 8];

/* Left behind while another printer than the usual one is plugged in. */
#define OTHER_KIND	"/run/till-printer-kind"

static void unplug_usual(void)
{
	sim_try("unplug printer");
	CHECK_SOON(!device_is_plugged("printer"));
	close(open(OTHER_KIND, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void plug_kind(const char *kind)
{
	unplug_usual();
	sim("plug printer %s", kind);
}

/* The interface of the simulated printer, as its folder in sysfs is called. */
static bool find_interface(char *ret, size_t size)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	dir = opendir("/sys/bus/usb/devices");
	CHECK(dir);
	while (!found && (entry = readdir(dir))) {
		char path[320], serial[32] = "";
		FILE *f;

		if (strchr(entry->d_name, ':'))
			continue;
		snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/serial", entry->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		found = fscanf(f, "%31s", serial) == 1 && !strcmp(serial, "TILLSIM-PRINTER");
		fclose(f);
		snprintf(ret, size, "%.20s:1.0", entry->d_name);
		snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s", ret);
		found = found && !access(path, F_OK);
	}
	closedir(dir);
	return found;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Takes it from usblp, which comes first where it was loaded first; an error of probe is seen. */
static int bind_printer(void)
{
	char interface[32], path[96];

	CHECK_SOON(find_interface(interface, sizeof(interface)));
	snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/driver/unbind", interface);
	write_text(path, interface);
	return write_text("/sys/bus/usb/drivers/till-printer/bind", interface);
}

FIXTURE(printer)
{
};

FIXTURE_SETUP(printer)
{
	unsigned int i;

	for (i = 0; i < LINES; i++)
		memcpy(paper + i * 8, "selftst\n", 8);
	sim_try("misbehave none");
	if (!unlink(OTHER_KIND)) {
		sim_try("unplug printer");
		CHECK_SOON(!device_is_plugged("printer"));
	}
	plug_device("printer");
	sim_try("power-cycle");
	sim_try("paper in");
	sim_try("cover closed");
	sim_try("clear");
	CHECK_SOON(device_is_plugged("printer"));
}

FIXTURE_TEARDOWN(printer)
{
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

static uint64_t features(int fd)
{
	struct till_info info = { .size = sizeof(info) };

	CHECK_EQ(ioctl(fd, TILL_GET_INFO, &info), 0);
	return info.features;
}

static void get_device_id(int fd, struct till_printer_device_id *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_DEVICE_ID, ret), 0);
}

/* Takes the roll out and waits until the driver knows. */
static void take_paper(int fd)
{
	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
}

/* What the simulated printer has taken, of all who ever wrote to it. */
static unsigned long long sim_accepted(void)
{
	unsigned long long accepted;
	bool found = false;
	char line[256];
	FILE *f = popen("till-sim status", "r");

	CHECK(f);
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "accepted=%llu", &accepted) == 1;
	pclose(f);
	CHECK(found);
	return accepted;
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

TEST_F(printer, sizes)
{
	int fd = open_device("printer", O_RDWR);

	check_sizes(fd, TILL_PRINTER_GET_STATUS, sizeof(struct till_printer_status));
	check_sizes(fd, TILL_PRINTER_GET_PROGRESS, sizeof(struct till_printer_progress));
	check_sizes(fd, TILL_PRINTER_GET_DEVICE_ID, sizeof(struct till_printer_device_id));
}

TEST_F(printer, device_id)
{
	struct till_printer_device_id id = { .size = sizeof(id) };
	struct till_info info = { .size = sizeof(info) };
	int fd = open_device("printer", O_RDWR);

	ASSERT_EQ(0, ioctl(fd, TILL_GET_INFO, &info));
	ASSERT_TRUE(info.features & TILL_PRINTER_FEATURE_DEVICE_ID);
	ASSERT_TRUE(info.features & TILL_PRINTER_FEATURE_BACKCHANNEL);
	ASSERT_EQ(0, ioctl(fd, TILL_PRINTER_GET_DEVICE_ID, &id));
	ASSERT_TRUE(id.length > 4 && id.length <= TILL_PRINTER_DEVICE_ID_MAX);
	ASSERT_NE(NULL, memmem(id.id, id.length, "MFG:", 4));
	ASSERT_EQ(0, id.id[id.length]);
}

TEST_F(printer, data_and_progress)
{
	unsigned long written = statistic("printer", "byte_written_count");
	struct till_printer_progress progress;
	int fd = open_device("printer", O_RDWR);

	get_progress(fd, &progress);
	ASSERT_EQ(0, progress.accepted);
	ASSERT_EQ(0, progress.completed);
	ASSERT_EQ(POLLOUT, poll_for(fd, POLLOUT, 0) & POLLOUT);
	ASSERT_EQ(0, fsync(fd));
	ASSERT_EQ(0, write(fd, paper, 0));

	write_all(fd, paper, sizeof(paper));
	ASSERT_EQ(0, fsync(fd));
	get_progress(fd, &progress);
	ASSERT_EQ(sizeof(paper), progress.accepted);
	ASSERT_EQ(sizeof(paper), progress.completed);
	ASSERT_EQ(written + sizeof(paper), statistic("printer", "byte_written_count"));
	CHECK_ERRNO(write(fd, bad_pointer(), 16), EFAULT);
	get_progress(fd, &progress);
	ASSERT_EQ(sizeof(paper), progress.accepted);

	/* Since open. */
	close(fd);
	fd = open_device("printer", O_RDWR);
	get_progress(fd, &progress);
	ASSERT_EQ(0, progress.accepted);
}

TEST_F(printer, closing_lets_the_printer_have_it)
{
	unsigned long written = statistic("printer", "byte_written_count");
	int fd = open_device("printer", O_WRONLY);

	write_all(fd, paper, sizeof(paper));
	close(fd);
	ASSERT_EQ(written + sizeof(paper), statistic("printer", "byte_written_count"));
}

TEST_F(printer, port_status)
{
	struct till_printer_status status;
	int fd = open_device("printer", O_RDWR);
	int port;

	port = ioctl(fd, TILL_PRINTER_GET_PORT_STATUS);
	ASSERT_LE(0, port);
	ASSERT_EQ(0x18, port & 0x38);
	get_status(fd, &status);
	ASSERT_EQ(TILL_PRINTER_ONLINE, status.online);
	ASSERT_EQ(TILL_PAPER_OK, status.paper);
	ASSERT_EQ(0, status.flags);
	ASSERT_EQ(0, status.errors);
	check_sources(&status, TILL_PRINTER_SOURCE_PORT, TILL_PRINTER_SOURCE_NONE);
	ASSERT_TRUE(attribute_is("printer", "source", "port"));
	ASSERT_TRUE(attribute_is("printer", "cover", "unknown"));
	ASSERT_TRUE(attribute_is("printer", "drawer", "unknown"));
	ASSERT_TRUE(attribute_is("printer", "error", "none"));

	sim("paper out");
	port = ioctl(fd, TILL_PRINTER_GET_PORT_STATUS);
	ASSERT_LE(0, port);
	ASSERT_TRUE(port & 0x20);
	ASSERT_EQ(TILL_PAPER_END, status_paper(fd));
	ASSERT_TRUE(attribute_is("printer", "paper", "end"));
}

TEST_F(printer, automatic_status)
{
	int uevents = listen_uevents();
	int fd = open_automatic();
	uint8_t byte;

	ASSERT_EQ(TILL_PAPER_OK, status_paper(fd));
	ASSERT_EQ(0, poll_for(fd, POLLPRI, 0));
	ASSERT_TRUE(attribute_is("printer", "cover", "closed"));

	sim("paper out");
	ASSERT_EQ(POLLPRI, poll_for(fd, POLLPRI, TILL_WAIT_MS));
	check_uevent(uevents, "printer", "status");
	ASSERT_EQ(POLLPRI, poll_for(fd, POLLPRI, 0));
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	ASSERT_EQ(0, poll_for(fd, POLLPRI, 0));
	ASSERT_TRUE(attribute_is("printer", "paper", "end"));
	ASSERT_TRUE(attribute_is("printer", "online", "offline"));

	sim("paper near-end");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_NEAR_END);
	ASSERT_TRUE(attribute_is("printer", "paper", "near-end"));
	sim("paper in");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_OK);

	sim("cover open");
	CHECK_SOON(status_flags(fd) & TILL_PRINTER_COVER_OPEN);
	ASSERT_TRUE(attribute_is("printer", "cover", "open"));
	sim("cover closed");
	CHECK_SOON(!(status_flags(fd) & TILL_PRINTER_COVER_OPEN));

	/* None of it is for read(). */
	set_nonblock(fd, true);
	CHECK_ERRNO(read(fd, &byte, 1), EAGAIN);
}

/* GS ( H, function 48: says when it is printed; reply 37 22, four bytes, 00 */
static const char process[] = "\x1d(H\x06\x00\x30\x30T8p|";
static const uint8_t processed[] = { 0x37, 0x22, 'T', '8', 'p', '|', 0x00 };

TEST_F(printer, replies_are_told_from_status)
{
	int fd = open_automatic();
	unsigned int i;

	/* DLE EOT 1 */
	write_all(fd, "\x10\x04\x01", 3);
	ASSERT_EQ(0x12, read_byte(fd) & 0x93);

	/* GS r 1 */
	write_all(fd, "\x1dr\x01", 3);
	ASSERT_EQ(0, read_byte(fd) & 0x90);

	/* Its text holds bytes that look like the first of automatic status. */
	write_all(fd, process, sizeof(process) - 1);
	for (i = 0; i < sizeof(processed); i++)
		ASSERT_EQ(processed[i], read_byte(fd));
	ASSERT_EQ(TILL_PAPER_OK, status_paper(fd));

	sim("cover open");
	CHECK_SOON(status_flags(fd) & TILL_PRINTER_COVER_OPEN);
}

/* What a read() could not hand out is there for the next one. */
TEST_F(printer, a_bad_address_loses_no_reply)
{
	uint8_t reply[sizeof(processed)];
	unsigned int i;
	int fd = open_automatic();

	write_all(fd, process, sizeof(process) - 1);
	for (i = 0; i < sizeof(reply); i++) {
		CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS) & POLLIN, POLLIN);
		CHECK_ERRNO(read(fd, bad_pointer(), 64), EFAULT);
		reply[i] = read_byte(fd);
	}
	ASSERT_EQ(0, memcmp(reply, processed, sizeof(reply)));
	ASSERT_EQ(0, poll_for(fd, POLLIN, 0));
}

TEST_F(printer, a_signal_ends_a_read)
{
	int fd = open_device("printer", O_RDWR);
	char byte;

	interrupt_after(200);
	CHECK_ERRNO(read(fd, &byte, 1), EINTR);
}

TEST_F(printer, without_paper_nothing_hangs)
{
	struct till_printer_progress progress;
	struct timespec start, end;
	size_t done;
	long ms;
	int fd = open_automatic();

	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	done = fill(fd) + sizeof(automatic) - 1;

	get_progress(fd, &progress);
	ASSERT_EQ(done, progress.accepted);
	ASSERT_GT(done, progress.completed);

	interrupt_after(200);
	CHECK_ERRNO(write(fd, paper, sizeof(paper)), EINTR);
	CHECK_ERRNO(fsync(fd), EINTR);
	stop_interrupting();
	get_progress(fd, &progress);
	ASSERT_EQ(done, progress.accepted);

	/* Paper again: it goes on where it was, and each byte counts once. */
	sim("paper in");
	CHECK_SOON(!fsync(fd));
	get_progress(fd, &progress);
	ASSERT_EQ(done, progress.accepted);
	ASSERT_EQ(done, progress.completed);

	/* A close that may not block drops what is left. */
	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	fill(fd);
	set_nonblock(fd, true);
	clock_gettime(CLOCK_MONOTONIC, &start);
	close(fd);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - start.tv_sec) * 1000L + (end.tv_nsec - start.tv_nsec) / 1000000L;
	printf("# close took %ld ms\n", ms);
	/* One that waits for paper takes 5 s. */
	ASSERT_GT(4500, ms);
}

TEST_F(printer, soft_reset_drops_the_queue)
{
	struct till_printer_progress progress;
	int fd = open_automatic();

	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	fill(fd);
	ASSERT_EQ(0, ioctl(fd, TILL_PRINTER_SOFT_RESET));
	ASSERT_EQ(0, fsync(fd));
	get_progress(fd, &progress);
	ASSERT_GT(progress.accepted, progress.completed);
	ASSERT_NE(TILL_PRINTER_SOURCE_AUTOMATIC, status_source(fd));
	ASSERT_EQ(POLLOUT, poll_for(fd, POLLOUT, TILL_WAIT_MS) & POLLOUT);
}

TEST_F(printer, a_stall_is_told_once)
{
	struct till_printer_progress progress;
	int fd = open_device("printer", O_RDWR | O_NONBLOCK);
	ssize_t n;

	sim("misbehave printer stall");
	n = write(fd, paper, 64);
	if (n == 64) {
		ASSERT_TRUE(poll_for(fd, POLLERR, TILL_WAIT_MS) & POLLERR);
		CHECK_ERRNO(fsync(fd), EIO);
	} else {
		ASSERT_EQ(EIO, errno);
	}
	sim("misbehave none");
	ASSERT_EQ(0, fsync(fd));
	get_progress(fd, &progress);
	ASSERT_GT(progress.accepted, progress.completed);

	/* And it is over. */
	set_nonblock(fd, false);
	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));
}

/* Once the error is told, what is written is printed or another error told. */
TEST_F(printer, nothing_is_lost_in_silence_after_a_stall)
{
	struct till_printer_progress before, after;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		int fd = open_device("printer", O_RDWR);

		sim("misbehave printer stall");
		while (write(fd, paper, sizeof(paper)) > 0)
			;
		ASSERT_EQ(EIO, errno);
		get_progress(fd, &before);

		ASSERT_EQ(64, write(fd, paper, 64));
		ASSERT_EQ(0, fsync(fd));
		get_progress(fd, &after);
		ASSERT_EQ(64, after.accepted - before.accepted);
		ASSERT_EQ(64, after.completed - before.completed);
		sim("misbehave none");
		close(fd);
	}
}

TEST_F(printer, closing_over_a_stall_leaves_no_trace)
{
	unsigned int i;
	int fd;

	for (i = 0; i < 5; i++) {
		fd = open_device("printer", O_RDWR | O_NONBLOCK);
		sim("misbehave printer stall");
		/* It is seen, and not told. */
		if (write(fd, paper, sizeof(paper)) > 0)
			ASSERT_TRUE(poll_for(fd, POLLERR, TILL_WAIT_MS) & POLLERR);
		close(fd);

		fd = open_device("printer", O_RDWR);
		write_all(fd, paper, 64);
		ASSERT_EQ(0, fsync(fd));
		close(fd);
	}
}

TEST_F(printer, soft_reset_ends_a_write)
{
	struct blocked b = { .fd = open_automatic(), .buf = paper, .size = sizeof(paper) };

	sim("paper out");
	CHECK_SOON(status_paper(b.fd) == TILL_PAPER_END);
	fill(b.fd);
	start_blocked(&b, blocked_write);
	ASSERT_EQ(0, ioctl(b.fd, TILL_PRINTER_SOFT_RESET));
	/* It would go on in the middle of what the printer has forgotten. */
	end_blocked(&b);
	ASSERT_EQ(-1, b.result);
	ASSERT_EQ(EIO, b.error);

	sim("paper in");
	write_all(b.fd, paper, 64);
	ASSERT_EQ(0, fsync(b.fd));
}

/* Leaves URBs of that size in flight, of which the printer takes none but the oldest's next. */
static void fill_held(int fd, size_t size)
{
	ssize_t n;

	sim("misbehave none");
	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	set_nonblock(fd, true);
	do {
		while ((n = write(fd, paper, size)) > 0)
			;
		CHECK_EQ(errno, EAGAIN);
	} while (poll_for(fd, POLLOUT, 300) & POLLOUT);
	sim("misbehave printer hold");
}

/* The oldest goes first, and the printer would take the next: from the middle of a job. */
TEST_F_TIMEOUT(printer, what_is_behind_is_taken_back_first, 240)
{
	/* In whichever order the URBs were used last. */
	static const size_t sizes[] = { 4096, 4000, 3500, 3000, 2500, 2000, 1500, 1000 };
	struct till_printer_progress before, after;
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		int fd = open_automatic();

		fill_held(fd, sizes[i / 2]);
		get_progress(fd, &before);
		if (i % 2)
			reset_device("printer");
		else
			ASSERT_EQ(0, ioctl(fd, TILL_PRINTER_SOFT_RESET));
		get_progress(fd, &after);
		ASSERT_EQ(before.completed, after.completed);
		sim("misbehave none");
		sim("paper in");
		close(fd);
	}
}

TEST_F(printer, a_reset_keeps_the_node)
{
	struct till_printer_progress progress;
	int fd = open_automatic();

	reset_device("printer");
	ASSERT_NE(TILL_PRINTER_SOURCE_AUTOMATIC, status_source(fd));
	/* It may have forgotten what it had taken. */
	ASSERT_EQ(POLLERR, poll_for(fd, 0, 0));
	CHECK_ERRNO(write(fd, automatic, sizeof(automatic) - 1), EIO);
	write_all(fd, automatic, sizeof(automatic) - 1);
	ASSERT_EQ(0, fsync(fd));
	CHECK_SOON(status_source(fd) == TILL_PRINTER_SOURCE_AUTOMATIC);

	/* What was on its way is lost, and said to be. */
	sim("paper out");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_END);
	fill(fd);
	reset_device("printer");
	CHECK_ERRNO(fsync(fd), EIO);
	get_progress(fd, &progress);
	ASSERT_GT(progress.accepted, progress.completed);
}

TEST_F(printer, a_reset_is_no_error_for_who_has_written_nothing)
{
	int fd = open_device("printer", O_RDWR);

	reset_device("printer");
	write_all(fd, automatic, sizeof(automatic) - 1);
	ASSERT_EQ(0, fsync(fd));
}

TEST_F(printer, unplugging_ends_a_read)
{
	char buf[16];
	struct blocked b = {
		.fd = open_device("printer", O_RDWR), .buf = buf, .size = sizeof(buf),
	};

	check_unplugged("printer", &b, blocked_read);
}

TEST_F(printer, unplugging_ends_a_write)
{
	struct blocked b = { .fd = open_automatic(), .buf = paper, .size = sizeof(paper) };

	sim("paper out");
	CHECK_SOON(status_paper(b.fd) == TILL_PAPER_END);
	check_unplugged("printer", &b, blocked_write);
	sim("paper in");
}

/* The error is for those who were in the midst of it; the rest of their data stays unwritten. */
TEST_F(printer, a_reset_ends_a_write_and_an_fsync)
{
	struct blocked writer = { .fd = open_automatic(), .buf = paper, .size = sizeof(paper) };
	struct blocked syncer = { .fd = writer.fd };
	struct till_printer_progress progress;

	take_paper(writer.fd);
	fill(writer.fd);
	start_blocked(&writer, blocked_write);
	start_blocked(&syncer, blocked_fsync);
	reset_device("printer");
	end_blocked(&writer);
	end_blocked(&syncer);
	ASSERT_EQ(-1, writer.result);
	ASSERT_EQ(EIO, writer.error);
	/* Whoever comes first is told; the other may find nothing left to wait for. */
	ASSERT_TRUE(!syncer.result || syncer.error == EIO);
	ASSERT_EQ(0, fsync(writer.fd));
	get_progress(writer.fd, &progress);
	ASSERT_GT(progress.accepted, progress.completed);
}

/* Who may not block does not wait for those who do. */
TEST_F(printer, two_writers_and_two_readers)
{
	char byte;
	struct blocked writer = { .fd = open_automatic(), .buf = paper, .size = sizeof(paper) };
	struct blocked reader = { .fd = writer.fd, .buf = &byte, .size = 1 };
	char other;

	take_paper(writer.fd);
	fill(writer.fd);
	start_blocked(&writer, blocked_write);
	start_blocked(&reader, blocked_read);
	set_nonblock(writer.fd, true);
	CHECK_ERRNO(write(writer.fd, paper, 64), EAGAIN);
	CHECK_ERRNO(read(writer.fd, &other, 1), EAGAIN);
	set_nonblock(writer.fd, false);
	interrupt_after(200);
	CHECK_ERRNO(write(writer.fd, paper, 64), EINTR);
	CHECK_ERRNO(read(writer.fd, &other, 1), EINTR);
	stop_interrupting();

	sim("unplug printer");
	end_blocked(&writer);
	end_blocked(&reader);
	ASSERT_EQ(ENODEV, writer.error);
	ASSERT_EQ(ENODEV, reader.error);
}

TEST_F(printer, every_call_on_one_that_is_gone)
{
	struct till_printer_device_id id = { .size = sizeof(id) };
	struct till_printer_progress progress = { .size = sizeof(progress) };
	struct till_printer_status status = { .size = sizeof(status) };
	int fd = open_automatic();
	char byte;

	sim("unplug printer");
	CHECK_SOON(!device_is_plugged("printer"));
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_STATUS, &status), ENODEV);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_PROGRESS, &progress), ENODEV);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_DEVICE_ID, &id), ENODEV);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS), ENODEV);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_SOFT_RESET), ENODEV);
	CHECK_ERRNO(write(fd, paper, 64), ENODEV);
	CHECK_ERRNO(read(fd, &byte, 1), ENODEV);
	CHECK_ERRNO(fsync(fd), ENODEV);
	ASSERT_EQ(POLLHUP | POLLERR, poll_for(fd, POLLIN | POLLOUT | POLLPRI, 0));
}

TEST_F(printer, unplugging_ends_an_fsync)
{
	struct blocked b = { .fd = open_automatic() };

	take_paper(b.fd);
	fill(b.fd);
	check_unplugged("printer", &b, blocked_fsync);
}

TEST_F(printer, replugged_in_mid_write)
{
	struct blocked b = { .fd = open_automatic(), .buf = paper, .size = sizeof(paper) };
	struct till_printer_progress progress;
	int fd;

	take_paper(b.fd);
	fill(b.fd);
	start_blocked(&b, blocked_write);
	sim("unplug printer");
	sim("plug printer");
	end_blocked(&b);
	ASSERT_EQ(ENODEV, b.error);
	CHECK_SOON(device_is_plugged("printer"));

	/* What the old one did not take is not the new one's. */
	sim("paper in");
	fd = open_device("printer", O_RDWR);
	get_progress(fd, &progress);
	ASSERT_EQ(0, progress.accepted);
	ASSERT_EQ(0, progress.completed);
	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));
	get_progress(fd, &progress);
	ASSERT_EQ(64, progress.completed);
	close(b.fd);
}

TEST_F(printer, a_kill_ends_a_write)
{
	int fd, status, full[2];
	long start;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(full));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		fd = open_automatic();
		take_paper(fd);
		fill(fd);
		CHECK_EQ(write(full[1], "", 1), 1);
		while (write(fd, paper, sizeof(paper)) > 0)
			;
		_exit(1);
	}

	close(full[1]);
	ASSERT_EQ(1, read(full[0], &byte, 1));
	close(full[0]);
	nap(300);
	start = now();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	printf("# gone after %ld ms\n", now() - start);
	/* The drain at the last close is bounded; its limit is 5 s. */
	ASSERT_GT(15000, now() - start);
	sim("paper in");
	close(open_device("printer", O_RDWR));
}

TEST_F(printer, a_blocking_close_is_bounded)
{
	int fd = open_automatic();
	long start;

	take_paper(fd);
	fill(fd);
	start = now();
	close(fd);
	printf("# close took %ld ms\n", now() - start);
	ASSERT_LE(4000, now() - start);
	ASSERT_GT(15000, now() - start);
}

TEST_F(printer, fsync_gives_up_in_time)
{
	struct till_printer_progress before, after;
	int fd = open_automatic();
	long start;

	take_paper(fd);
	fill(fd);
	get_progress(fd, &before);
	start = now();
	CHECK_ERRNO(fsync(fd), ETIMEDOUT);
	ASSERT_LE(29000, now() - start);
	/* Nothing is lost by it. */
	get_progress(fd, &after);
	ASSERT_EQ(before.accepted, after.accepted);
	sim("paper in");
	ASSERT_EQ(0, fsync(fd));
	get_progress(fd, &after);
	ASSERT_EQ(before.accepted, after.completed);
}

/* The counts against what the printer itself has counted. */
TEST_F(printer, no_byte_counts_twice)
{
	unsigned long long accepted = sim_accepted();
	struct till_printer_progress progress;
	int fd = open_automatic();
	size_t done;

	take_paper(fd);
	done = fill(fd) + sizeof(automatic) - 1;
	interrupt_after(100);
	CHECK_ERRNO(write(fd, paper, sizeof(paper)), EINTR);
	CHECK_ERRNO(fsync(fd), EINTR);
	stop_interrupting();
	sim("paper in");
	CHECK_SOON(!fsync(fd));
	get_progress(fd, &progress);
	ASSERT_EQ(done, progress.accepted);
	ASSERT_EQ(done, progress.completed);
	ASSERT_EQ(done, sim_accepted() - accepted);

	/* Stalled in the midst: what it took of that is counted, and no more. */
	take_paper(fd);
	fill(fd);
	sim("misbehave printer stall");
	CHECK_ERRNO(fsync(fd), EIO);
	sim("paper in");
	get_progress(fd, &progress);
	ASSERT_GT(progress.accepted, progress.completed);
	ASSERT_EQ(progress.completed, sim_accepted() - accepted);

	/* Taken back: the host may not learn of the part of a transfer that went out. */
	take_paper(fd);
	fill(fd);
	ASSERT_EQ(0, ioctl(fd, TILL_PRINTER_SOFT_RESET));
	get_progress(fd, &progress);
	ASSERT_GT(progress.accepted, progress.completed);
	ASSERT_GE(sim_accepted() - accepted, progress.completed);
}

TEST_F(printer, status_falls_back_and_says_so)
{
	struct till_printer_status status;
	int uevents = listen_uevents();
	int fd = open_automatic();
	uint64_t event;

	sim("paper near-end");
	CHECK_SOON(status_paper(fd) == TILL_PAPER_NEAR_END);
	sim("cover open");
	CHECK_SOON(status_flags(fd) & TILL_PRINTER_COVER_OPEN);
	get_status(fd, &status);
	check_sources(&status, TILL_PRINTER_SOURCE_AUTOMATIC, TILL_PRINTER_SOURCE_AUTOMATIC);
	event = status.event;

	/* What is better than the port status stays. */
	ASSERT_LE(0, ioctl(fd, TILL_PRINTER_GET_PORT_STATUS));
	get_status(fd, &status);
	ASSERT_EQ(event, status.event);
	ASSERT_EQ(TILL_PAPER_NEAR_END, status.paper);
	check_sources(&status, TILL_PRINTER_SOURCE_AUTOMATIC, TILL_PRINTER_SOURCE_AUTOMATIC);
	while (poll_for(uevents, POLLIN, 500))
		check_uevent(uevents, "printer", "status");

	/* After a reset nobody knows of the cover. */
	reset_device("printer");
	ASSERT_EQ(POLLPRI | POLLERR, poll_for(fd, POLLPRI, TILL_WAIT_MS));
	check_uevent(uevents, "printer", "status");
	get_status(fd, &status);
	ASSERT_LT(event, status.event);
	ASSERT_EQ(TILL_PRINTER_OFFLINE, status.online);
	ASSERT_EQ(TILL_PAPER_OK, status.paper);
	ASSERT_EQ(0, status.flags);
	check_sources(&status, TILL_PRINTER_SOURCE_PORT, TILL_PRINTER_SOURCE_NONE);
	ASSERT_TRUE(attribute_is("printer", "cover", "unknown"));
	ASSERT_TRUE(attribute_is("printer", "source", "port"));
}

TEST_F(printer, errors_by_kind)
{
	struct till_printer_status status;
	const char *drawer;
	int fd = open_automatic();

	ASSERT_TRUE(attribute_is("printer", "error", "none"));
	/* Which of them is open depends on the drawer. */
	sim("drawer closed");
	drawer = attribute_is("printer", "drawer", "high") ? "low" : "high";
	sim("drawer open");
	CHECK_SOON(attribute_is("printer", "drawer", drawer));
	drawer = strcmp(drawer, "low") ? "low" : "high";
	sim("drawer closed");
	CHECK_SOON(attribute_is("printer", "drawer", drawer));
	sim("misbehave printer hot");
	CHECK_SOON(attribute_is("printer", "error", "recoverable"));
	sim("misbehave none");
	CHECK_SOON(attribute_is("printer", "error", "none"));
	sim("misbehave printer broken");
	CHECK_SOON(attribute_is("printer", "error", "fatal"));
	get_status(fd, &status);
	ASSERT_EQ(TILL_PRINTER_ERROR_FATAL, status.errors);
	ASSERT_EQ(TILL_PRINTER_OFFLINE, status.online);

	/* The port status tells no kinds. */
	close(fd);
	fd = open_device("printer", O_RDWR);
	ASSERT_TRUE(attribute_is("printer", "error", "other"));
	sim("power-cycle");
}

/* What DLE EOT is answered does not say what was asked, and changes nothing. */
TEST_F(printer, realtime_answers_change_nothing)
{
	struct till_printer_status before, after;
	int fd = open_automatic();
	char n;

	get_status(fd, &before);
	for (n = 1; n <= 4; n++) {
		const char ask[] = { 0x10, 0x04, n };

		write_all(fd, ask, sizeof(ask));
		ASSERT_EQ(0x12, read_byte(fd) & 0x93);
	}
	get_status(fd, &after);
	ASSERT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(printer, unidirectional)
{
	struct till_printer_status status;
	char byte;
	int port, fd;

	plug_kind("unidirectional");
	CHECK_SOON(device_is_plugged("printer"));
	fd = open_device("printer", O_RDWR);
	ASSERT_EQ(TILL_PRINTER_FEATURE_DEVICE_ID, features(fd));
	CHECK_ERRNO(read(fd, &byte, 1), EOPNOTSUPP);
	ASSERT_EQ(POLLOUT, poll_for(fd, POLLIN | POLLOUT, 0));
	write_all(fd, automatic, sizeof(automatic) - 1);
	write_all(fd, paper, sizeof(paper));
	ASSERT_EQ(0, fsync(fd));

	sim("paper out");
	nap(200);
	port = ioctl(fd, TILL_PRINTER_GET_PORT_STATUS);
	ASSERT_LE(0, port);
	ASSERT_TRUE(port & 0x20);
	get_status(fd, &status);
	ASSERT_EQ(TILL_PAPER_END, status.paper);
	check_sources(&status, TILL_PRINTER_SOURCE_PORT, TILL_PRINTER_SOURCE_NONE);
	reset_device("printer");
	CHECK_ERRNO(fsync(fd), EIO);
	sim("paper in");
	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));
}

TEST_F(printer, the_bidirectional_setting_is_chosen)
{
	struct till_printer_device_id id;
	char setting[16];
	int fd;

	plug_kind("alternates");
	CHECK_SOON(device_is_plugged("printer"));
	read_attribute("printer", "device/bAlternateSetting", setting, sizeof(setting));
	ASSERT_EQ(1, atoi(setting));
	fd = open_automatic();
	ASSERT_TRUE(features(fd) & TILL_PRINTER_FEATURE_BACKCHANNEL);
	/* The id of that setting, too. */
	get_device_id(fd, &id);
	ASSERT_LT(4, id.length);

	/* It is still in use after a reset. */
	reset_device("printer");
	CHECK_ERRNO(fsync(fd), EIO);
	write_all(fd, automatic, sizeof(automatic) - 1);
	CHECK_SOON(status_source(fd) == TILL_PRINTER_SOURCE_AUTOMATIC);
}

FIXTURE(undriven)
{
};

FIXTURE_VARIANT(undriven)
{
	const char *kind;
};

FIXTURE_VARIANT_ADD(undriven, packets_only)
{
	.kind = "packets-only",
};

FIXTURE_VARIANT_ADD(undriven, no_packet_size)
{
	.kind = "no-packet-size",
};

FIXTURE_VARIANT_ADD(undriven, bridge_other)
{
	.kind = "bridge-other",
};

FIXTURE_SETUP(undriven)
{
	plug_kind(variant->kind);
}

FIXTURE_TEARDOWN(undriven)
{
}

TEST_F(undriven, what_cannot_be_driven_is_left_to_others)
{
	ASSERT_GT(0, bind_printer());
	ASSERT_FALSE(device_is_plugged("printer"));
}

TEST_F(printer, a_bridge_with_a_receipt_printer)
{
	struct till_printer_device_id id;
	int fd;

	plug_kind("bridge");
	nap(1500);
	if (!device_is_plugged("printer"))
		ASSERT_EQ(0, bind_printer());
	CHECK_SOON(device_is_plugged("printer"));
	fd = open_automatic();
	get_device_id(fd, &id);
	ASSERT_NE(NULL, memmem(id.id, id.length, "MDL:POS-80", 10));
	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));
}

static void replug(const char *misbehaviour)
{
	unplug_usual();
	sim("misbehave printer %s", misbehaviour);
	sim("plug printer");
	CHECK_SOON(device_is_plugged("printer"));
}

TEST_F(printer, device_ids_that_are_wrong)
{
	struct till_printer_device_id good, id;
	int fd = open_device("printer", O_RDWR);

	get_device_id(fd, &good);
	close(fd);

	replug("id-stall");
	fd = open_device("printer", O_RDWR);
	ASSERT_FALSE(features(fd) & TILL_PRINTER_FEATURE_DEVICE_ID);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_DEVICE_ID, &id), EOPNOTSUPP);
	close(fd);

	replug("id-long");
	fd = open_device("printer", O_RDWR);
	get_device_id(fd, &id);
	ASSERT_EQ(good.length, id.length);
	ASSERT_EQ(0, memcmp(id.id, good.id, sizeof(id.id)));
	close(fd);

	replug("id-reversed");
	fd = open_device("printer", O_RDWR);
	get_device_id(fd, &id);
	ASSERT_EQ(good.length, id.length);
	ASSERT_EQ(0, memcmp(id.id, good.id, sizeof(id.id)));
	close(fd);

	replug("id-short");
	fd = open_device("printer", O_RDWR);
	get_device_id(fd, &id);
	ASSERT_EQ(4, id.length);
	ASSERT_EQ(0, memcmp(id.id, "MFG:\0", 5));
}

/* The attribute tells what the ioctl does, on one line, no byte of which a terminal would obey. */
static void check_id_attribute(size_t length)
{
	struct till_printer_device_id id = { 0 };
	int fd = open_device("printer", O_RDWR);
	char text[4096];
	size_t i;

	if (length)
		get_device_id(fd, &id);
	close(fd);
	CHECK_EQ(id.length, length);

	read_attribute("printer", "ieee1284_id", text, sizeof(text));
	CHECK_EQ(strlen(text), length);
	for (i = 0; i < length; i++) {
		bool printable = id.id[i] >= ' ' && id.id[i] <= '~';

		CHECK_EQ(text[i], printable ? id.id[i] : '?');
	}
}

TEST_F(printer, ieee1284_id_is_a_line_of_text)
{
	static const char usual[] = "MFG:";
	struct till_printer_device_id id;
	int fd = open_device("printer", O_RDWR);
	char text[16];

	get_device_id(fd, &id);
	close(fd);
	check_id_attribute(id.length);
	read_attribute("printer", "ieee1284_id", text, sizeof(usual));
	ASSERT_STREQ(usual, text);

	replug("id-stall");
	check_id_attribute(0);
	replug("id-empty");
	check_id_attribute(0);
	replug("id-cut");
	check_id_attribute(0);
	replug("id-short");
	check_id_attribute(4);
	replug("id-long");
	check_id_attribute(id.length);
	replug("id-reversed");
	check_id_attribute(id.length);
	replug("id-garbage");
	check_id_attribute(255);
	replug("id-huge");
	check_id_attribute(TILL_PRINTER_DEVICE_ID_MAX);
}

static void *blocked_read_id(void *p)
{
	struct blocked *b = p;
	char text[4096];

	do
		b->result = pread(b->fd, text, sizeof(text), 0);
	while (b->result > 0);
	b->error = errno;
	return NULL;
}

TEST_F(printer, unplugged_while_its_id_is_read)
{
	struct blocked b = { .call = blocked_read_id };
	char node[64], path[160];
	unsigned int i;

	for (i = 0; i < 10; i++) {
		CHECK(find_node("printer", node, sizeof(node)));
		snprintf(path, sizeof(path), "/sys/class/till/%s/ieee1284_id", node + 5);
		b.fd = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(b.fd >= 0);
		CHECK_EQ(pthread_create(&b.thread, NULL, run_blocked, &b), 0);
		nap(i);
		sim("unplug printer");
		CHECK_SOON(!device_is_plugged("printer"));
		end_blocked(&b);
		CHECK_EQ(b.result, -1);
		CHECK_EQ(b.error, ENODEV);
		close(b.fd);
		plug_device("printer");
	}
}

TEST_F(printer, a_soft_reset_as_class_1_0_had_it)
{
	int fd = open_automatic();

	sim("misbehave printer reset-old");
	ASSERT_EQ(0, ioctl(fd, TILL_PRINTER_SOFT_RESET));
	ASSERT_NE(TILL_PRINTER_SOURCE_AUTOMATIC, status_source(fd));

	/* One that knows neither drops what is queued all the same. */
	sim("misbehave printer reset-none");
	write_all(fd, automatic, sizeof(automatic) - 1);
	CHECK_SOON(status_source(fd) == TILL_PRINTER_SOURCE_AUTOMATIC);
	take_paper(fd);
	fill(fd);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_SOFT_RESET), EPIPE);
	sim("paper in");
	ASSERT_EQ(0, fsync(fd));
	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));
}

static void *blocked_soft_reset(void *p)
{
	struct blocked *b = p;

	b->result = ioctl(b->fd, TILL_PRINTER_SOFT_RESET);
	b->error = errno;
	return NULL;
}

/* Each request has its deadline, with and without signals, and what follows works. */
TEST_F(printer, requests_that_are_never_answered)
{
	int fd = open_device("printer", O_RDWR);
	struct till_printer_status status;
	long start = now();

	sim("misbehave printer deaf");
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS), ETIMEDOUT);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_SOFT_RESET), ETIMEDOUT);
	interrupt_after(100);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS), ETIMEDOUT);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_SOFT_RESET), ETIMEDOUT);
	stop_interrupting();
	ASSERT_GT(TILL_WAIT_MS, now() - start);
	get_status(fd, &status);
	ASSERT_EQ(TILL_PRINTER_UNKNOWN, status.online);

	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));
	sim("misbehave none");
	ASSERT_EQ(0, ioctl(fd, TILL_PRINTER_SOFT_RESET));
	ASSERT_LE(0, ioctl(fd, TILL_PRINTER_GET_PORT_STATUS));
	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));
}

/* A reset that cut it off would say that the device is gone. */
TEST_F(printer, a_reset_waits_for_a_request)
{
	struct blocked b = { .fd = open_device("printer", O_RDWR) };

	sim("misbehave printer deaf");
	start_blocked(&b, blocked_soft_reset);
	reset_device("printer");
	end_blocked(&b);
	CHECK_EQ(b.result, -1);
	CHECK_EQ(b.error, ETIMEDOUT);
}

TEST_F(printer, unplugged_while_a_request_is_not_answered)
{
	struct blocked b = { .fd = open_device("printer", O_RDWR) };

	sim("misbehave printer deaf");
	start_blocked(&b, blocked_soft_reset);
	sim_now("unplug printer\n");
	end_blocked(&b);
	ASSERT_EQ(-1, b.result);
	/* Its second may have been over before. */
	ASSERT_TRUE(b.error == ENODEV || b.error == ETIMEDOUT);
	CHECK_SOON(!device_is_plugged("printer"));
	CHECK_ERRNO(ioctl(b.fd, TILL_PRINTER_SOFT_RESET), ENODEV);
	close(b.fd);
}

TEST_F(printer, without_port_status)
{
	struct till_printer_status status;
	int fd;

	sim("misbehave printer port-stall");
	fd = open_device("printer", O_RDWR);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS), EPIPE);
	get_status(fd, &status);
	ASSERT_EQ(TILL_PRINTER_UNKNOWN, status.online);
	ASSERT_EQ(TILL_PAPER_UNKNOWN, status.paper);
	check_sources(&status, TILL_PRINTER_SOURCE_NONE, TILL_PRINTER_SOURCE_NONE);
	ASSERT_TRUE(attribute_is("printer", "source", "none"));
	ASSERT_TRUE(attribute_is("printer", "error", "unknown"));

	write_all(fd, automatic, sizeof(automatic) - 1);
	CHECK_SOON(status_source(fd) == TILL_PRINTER_SOURCE_AUTOMATIC);
	ASSERT_EQ(TILL_PAPER_OK, status_paper(fd));
}

/* Whatever the bus or the controller says of a request, programs hear the header's errors. */
TEST_F(printer, errors_of_requests)
{
	int fd = open_device("printer", O_RDWR);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(usb_failures); i++) {
		printf("# %s\n", usb_failures[i].name);
		sim("misbehave printer fail control %s", usb_failures[i].name);
		CHECK_ERRNO(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS), usb_failures[i].request);
		CHECK(ioctl(fd, TILL_PRINTER_GET_PORT_STATUS) >= 0);

		sim("misbehave printer fail control %s", usb_failures[i].name);
		/* The old code is then tried. */
		if (usb_failures[i].request == EPIPE)
			CHECK_EQ(ioctl(fd, TILL_PRINTER_SOFT_RESET), 0);
		else
			CHECK_ERRNO(ioctl(fd, TILL_PRINTER_SOFT_RESET), usb_failures[i].request);
	}
	write_all(fd, paper, 64);
	ASSERT_EQ(0, fsync(fd));

	/* Nobody hears of what open() asks. */
	close(fd);
	sim("misbehave printer fail control EOVERFLOW");
	fd = open_device("printer", O_RDWR);
	ASSERT_TRUE(attribute_is("printer", "source", "none"));
}

/* Told once, by what comes next. */
TEST_F(printer, errors_of_writes)
{
	int fd = open_device("printer", O_RDWR);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(usb_failures); i++) {
		if (!usb_failures[i].transfer)
			continue;
		printf("# %s\n", usb_failures[i].name);
		sim("misbehave printer fail out %s", usb_failures[i].name);
		write_all(fd, paper, 64);
		CHECK_ERRNO(fsync(fd), usb_failures[i].transfer);
		CHECK_EQ(fsync(fd), 0);

		sim("misbehave printer fail out %s", usb_failures[i].name);
		write_all(fd, paper, 64);
		CHECK_SOON(poll_for(fd, POLLOUT, 0) & POLLERR);
		CHECK_ERRNO(write(fd, paper, 64), usb_failures[i].transfer);
		write_all(fd, paper, 64);
		CHECK_EQ(fsync(fd), 0);
	}
}

/* Nobody hears of them: the back channel is listened to again. */
TEST_F(printer, errors_of_reads)
{
	unsigned long errors = statistic("printer", "communication_error_count");
	int fd = open_automatic();
	unsigned int i, n = 0;
	char byte;

	set_nonblock(fd, true);
	for (i = 0; i < ARRAY_SIZE(usb_failures); i++) {
		if (usb_failures[i].transfer != EIO)
			continue;
		printf("# %s\n", usb_failures[i].name);
		sim("misbehave printer fail in %s", usb_failures[i].name);
		n++;
		CHECK_SOON(statistic("printer", "communication_error_count") == errors + n);
		CHECK_ERRNO(read(fd, &byte, 1), EAGAIN);
		sim(n % 2 ? "paper out" : "paper in");
		CHECK_SOON(status_paper(fd) == (n % 2 ? TILL_PAPER_END : TILL_PAPER_OK));
	}
}

/* One that never stops is read slowly, and prints. */
TEST_F(printer, empty_packets_for_ever)
{
	int fd = open_device("printer", O_RDWR | O_NONBLOCK);
	char byte;

	sim("misbehave printer empty");
	nap(1000);
	CHECK_ERRNO(read(fd, &byte, 1), EAGAIN);
	ASSERT_EQ(0, poll_for(fd, POLLIN, 0));
	set_nonblock(fd, false);
	write_all(fd, paper, sizeof(paper));
	ASSERT_EQ(0, fsync(fd));
}

TEST_F(printer, single_bytes_for_ever)
{
	unsigned long errors = statistic("printer", "communication_error_count");
	int fd = open_device("printer", O_RDWR | O_NONBLOCK);
	unsigned int bytes = 0;
	char part[64];
	long start;
	ssize_t n;

	sim("misbehave printer chatter");
	for (start = now(); now() - start < 2000; nap(10))
		while ((n = read(fd, part, sizeof(part))) > 0)
			bytes += n;
	printf("# %u bytes\n", bytes);
	ASSERT_GT(600, bytes);
	CHECK_SOON(statistic("printer", "communication_error_count") > errors);
	ASSERT_TRUE(read_byte(fd) == 0x11);

	set_nonblock(fd, false);
	write_all(fd, paper, sizeof(paper));
	ASSERT_EQ(0, fsync(fd));
}

TEST_F(printer, a_status_that_is_never_the_same)
{
	int uevents = listen_uevents();
	int fd = open_device("printer", O_RDWR);
	unsigned int n = 0;
	char message[4096];
	long start;

	sim("misbehave printer storm");
	for (start = now(); now() - start < 2000; nap(1))
		while (recv(uevents, message, sizeof(message), MSG_DONTWAIT) > 0)
			n++;
	printf("# %u uevents\n", n);
	ASSERT_LE(2, n);
	ASSERT_GE(30, n);
	ASSERT_EQ(POLLPRI, poll_for(fd, POLLPRI, TILL_WAIT_MS));
	sim("misbehave none");
	CHECK_SOON(attribute_is("printer", "source", "automatic"));
}

static bool power_is(const char *what, const char *value)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "device/../power/%s", what);
	read_attribute("printer", path, text, sizeof(text));
	return !strcmp(text, value);
}

static void set_power(const char *what, const char *value)
{
	char node[64], path[160];

	CHECK(find_node("printer", node, sizeof(node)));
	snprintf(path, sizeof(path), "/sys/class/till/%s/device/../power/%s", node + 5, what);
	CHECK_EQ(write_text(path, value), 0);
}

TEST_F(printer, a_closed_printer_sleeps)
{
	int fd;

	set_power("autosuspend_delay_ms", "100");
	set_power("control", "auto");
	CHECK_SOON(power_is("runtime_status", "suspended"));
	/* Attributes are read without waking it up. */
	ASSERT_FALSE(attribute_is("printer", "paper", ""));
	ASSERT_TRUE(power_is("runtime_status", "suspended"));

	fd = open_automatic();
	ASSERT_TRUE(power_is("runtime_status", "active"));
	write_all(fd, paper, sizeof(paper));
	ASSERT_EQ(0, fsync(fd));
	nap(500);
	ASSERT_TRUE(power_is("runtime_status", "active"));
	close(fd);
	CHECK_SOON(power_is("runtime_status", "suspended"));
	set_power("control", "on");
}

TEST_HARNESS_MAIN
