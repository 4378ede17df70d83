// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is the same on every node: the claim, unplugging, sizes of structures,
 * attributes, uevents, trace events, unbinding and unloading.
 */
#include <ctype.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "till_test.h"

#define OPENERS		8
#define GAP_MS		100

FIXTURE(node)
{
	char path[64];
	int fd;
};

FIXTURE_VARIANT(node)
{
	const char *kind;
	unsigned int number;
};

FIXTURE_VARIANT_ADD(node, msr)
{
	.kind = "msr",
	.number = TILL_KIND_MSR,
};

FIXTURE_VARIANT_ADD(node, emv)
{
	.kind = "emv",
	.number = TILL_KIND_EMV,
};

FIXTURE_VARIANT_ADD(node, printer)
{
	.kind = "printer",
	.number = TILL_KIND_PRINTER,
};

FIXTURE_SETUP(node)
{
	sim_try("misbehave none");
	plug_device(variant->kind);
	self->fd = open_device(variant->kind, O_RDWR | O_NONBLOCK);
	ASSERT_TRUE(find_node(variant->kind, self->path, sizeof(self->path)));
}

FIXTURE_TEARDOWN(node)
{
	close(self->fd);
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void sysfs_path(const char *node, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "/sys/class/till/%.40s/%.80s", strrchr(node, '/') + 1, name);
}

/* Returns its length, or -1; at most size - 1 bytes, and a NUL. */
static ssize_t read_file(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, ret, size - 1);
	close(fd);
	if (n >= 0)
		ret[n] = '\0';
	return n;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/*
 * GET_INFO
 */

TEST_F(node, info)
{
	struct till_info info = { .size = sizeof(info), .__reserved = 0xffff };

	ASSERT_EQ(0, ioctl(self->fd, TILL_GET_INFO, &info));
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(variant->number, info.kind);
	EXPECT_EQ(usb_number(variant->kind, "idVendor", 16), info.vendor);
	EXPECT_EQ(usb_number(variant->kind, "idProduct", 16), info.product);
	EXPECT_EQ(usb_number(variant->kind, "bcdDevice", 16), info.release);
	EXPECT_EQ(0, info.__reserved);
}

TEST_F(node, info_in_every_size)
{
	check_sizes(self->fd, TILL_GET_INFO, sizeof(struct till_info));
}

TEST_F(node, info_at_a_bad_address)
{
	long page = sysconf(_SC_PAGESIZE);
	struct till_info *info;
	char *pages;

	ASSERT_EQ(-1, ioctl(self->fd, TILL_GET_INFO, bad_pointer()));
	EXPECT_EQ(EFAULT, errno);

	/* The size can be read, the rest cannot be written. */
	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + page, page));
	info = (struct till_info *)(pages + page - sizeof(info->size));
	info->size = sizeof(*info);
	ASSERT_EQ(-1, ioctl(self->fd, TILL_GET_INFO, info));
	EXPECT_EQ(EFAULT, errno);

	info = (struct till_info *)pages;
	info->size = sizeof(*info);
	ASSERT_EQ(0, mprotect(pages, page, PROT_READ));
	ASSERT_EQ(-1, ioctl(self->fd, TILL_GET_INFO, info));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(node, commands_that_are_not_its_own)
{
	static const unsigned int commands[] = {
		TILL_MSR_ARM, TILL_EMV_GET_STATE, TILL_EMV_ABORT,
		TILL_PRINTER_GET_STATUS, TILL_PRINTER_SOFT_RESET,
	};
	static const unsigned int numbers[] = {
		TILL_KIND_MSR, TILL_KIND_EMV, TILL_KIND_EMV,
		TILL_KIND_PRINTER, TILL_KIND_PRINTER,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (numbers[i] == variant->number)
			continue;
		EXPECT_EQ(-1, ioctl(self->fd, commands[i], NULL));
		EXPECT_EQ(ENOTTY, errno);
	}
	close(self->fd);
	self->fd = open_device(variant->kind, O_RDONLY);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (numbers[i] == variant->number)
			continue;
		EXPECT_EQ(-1, ioctl(self->fd, commands[i], NULL));
		EXPECT_EQ(ENOTTY, errno);
	}
	EXPECT_EQ(-1, ioctl(self->fd, _IO(TILL_IOC_TYPE, 0xff), NULL));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IO(0xbf, 0), NULL));
	EXPECT_EQ(ENOTTY, errno);
	/* Not the same command: the size is in the structure. */
	EXPECT_EQ(-1, ioctl(self->fd, _IOR(TILL_IOC_TYPE, 0, struct till_info), NULL));
	EXPECT_EQ(ENOTTY, errno);
}

/* The EMV reader's commands: till_emv. To arm is about what is read. */
TEST(a_descriptor_for_reading_alone)
{
	struct till_printer_status status = { .size = sizeof(status) };
	int fd;

	plug_device("printer");
	fd = open_device("printer", O_RDONLY);
	CHECK_ERRNO(ioctl(fd, TILL_PRINTER_SOFT_RESET), EBADF);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_GET_STATUS, &status), 0);
	close(fd);
	fd = open_device("printer", O_WRONLY);
	CHECK_EQ(ioctl(fd, TILL_PRINTER_SOFT_RESET), 0);
	close(fd);

	plug_device("msr");
	fd = open_device("msr", O_RDONLY);
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	CHECK_EQ(ioctl(fd, TILL_MSR_DISARM), 0);
	close(fd);
}

TEST_F(node, is_a_stream)
{
	char byte = 0;

	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 1, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(ENODEV, errno);
}

/*
 * The claim
 */

TEST_F(node, second_opener_is_refused)
{
	static const int flags[] = { O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK };
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_EQ(-EBUSY, try_open(self->path, flags[i]));
	/* A refusal takes nothing from who has it. */
	EXPECT_EQ(-EBUSY, try_open(self->path, O_RDWR));

	close(self->fd);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = try_open(self->path, flags[i]);
		EXPECT_LE(0, fd);
		close(fd);
	}
	self->fd = -1;
}

TEST_F(node, claim_ends_with_the_last_descriptor)
{
	int twin = dup(self->fd);

	ASSERT_LE(0, twin);
	close(self->fd);
	EXPECT_EQ(-EBUSY, try_open(self->path, O_RDWR));
	close(twin);
	self->fd = try_open(self->path, O_RDWR);
	EXPECT_LE(0, self->fd);
}

TEST_F(node, claim_ends_with_the_last_process)
{
	int status, pipefd[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(pipefd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(pipefd[1]);
		_exit(read(pipefd[0], &byte, 1) < 0);
	}
	close(pipefd[0]);
	close(self->fd);
	EXPECT_EQ(-EBUSY, try_open(self->path, O_RDWR));

	close(pipefd[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	self->fd = try_open(self->path, O_RDWR);
	EXPECT_LE(0, self->fd);
}

/* Also of one that is killed while it sleeps in a call. */
TEST_F(node, claim_ends_with_a_killed_process)
{
	int status, pipefd[2];
	struct pollfd p;
	pid_t pid;
	char byte;

	close(self->fd);
	ASSERT_EQ(0, pipe(pipefd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		p.fd = open(self->path, O_RDWR);
		p.events = POLLPRI;
		CHECK(write(pipefd[1], "", 1) == 1);
		while (poll(&p, 1, -1) >= 0)
			;
		_exit(0);
	}
	ASSERT_EQ(1, read(pipefd[0], &byte, 1));
	EXPECT_EQ(-EBUSY, try_open(self->path, O_RDWR));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	self->fd = open_device(variant->kind, O_RDWR);
}

struct race {
	const char *path;
	pthread_barrier_t barrier;
	int fd[OPENERS];
	unsigned int next;
};

static void *race_open(void *p)
{
	struct race *race = p;
	unsigned int i = __atomic_fetch_add(&race->next, 1, __ATOMIC_SEQ_CST);

	pthread_barrier_wait(&race->barrier);
	race->fd[i] = try_open(race->path, O_RDWR);
	return NULL;
}

TEST_F(node, one_of_many_openers_wins)
{
	struct race race = { .path = self->path };
	unsigned int i, round, won;
	pthread_t thread[OPENERS];

	close(self->fd);
	pthread_barrier_init(&race.barrier, NULL, OPENERS);
	for (round = 0; round < 10; round++) {
		race.next = 0;
		for (i = 0; i < OPENERS; i++)
			CHECK_EQ(pthread_create(&thread[i], NULL, race_open, &race), 0);
		for (i = 0; i < OPENERS; i++)
			CHECK_EQ(pthread_join(thread[i], NULL), 0);

		for (i = 0, won = 0; i < OPENERS; i++) {
			if (race.fd[i] < 0) {
				EXPECT_EQ(-EBUSY, race.fd[i]);
				continue;
			}
			won++;
			close(race.fd[i]);
		}
		EXPECT_EQ(1, won);
	}
	self->fd = -1;
}

/* The flag is asked at each call; nobody who does not want to wait waits for one who does. */
TEST_F(node, nonblock_beside_a_blocked_read)
{
	struct till_msr_swipe swipe;
	struct blocked b = { .fd = self->fd, .buf = &swipe, .size = sizeof(swipe) };
	char buf[sizeof(swipe)];

	if (variant->number == TILL_KIND_EMV)
		SKIP(return, "an EMV reader's read() does not wait for nothing");

	set_nonblock(self->fd, false);
	start_blocked(&b, blocked_read);
	set_nonblock(self->fd, true);
	EXPECT_EQ(-1, read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(EAGAIN, errno);

	sim("unplug %s", variant->kind);
	end_blocked(&b);
	EXPECT_EQ(-1, b.result);
	EXPECT_EQ(ENODEV, b.error);
	plug_device(variant->kind);
}

/*
 * Going away
 */

static void *sleep_in_poll(void *p)
{
	struct blocked *b = p;

	/* No event asked for: only what cannot be masked ends it. */
	b->result = poll_for(b->fd, 0, TILL_WAIT_MS);
	return NULL;
}

static void expect_gone(struct __test_metadata *_metadata, int fd)
{
	struct till_info info = { .size = sizeof(info) };
	char byte = 0;

	EXPECT_EQ(POLLHUP | POLLERR, poll_for(fd, POLLIN | POLLOUT | POLLPRI, 0));
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, write(fd, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, fsync(fd));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ioctl(fd, TILL_GET_INFO, &info));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ioctl(fd, _IO(TILL_IOC_TYPE, 0xff), NULL));
	EXPECT_EQ(ENODEV, errno);
}

/* Plugs another device in, and says whether it is the kind's first. */
static bool replug_gets_first(const char *kind)
{
	char first[32], node[64];

	sim("unplug %s", kind);
	CHECK_SOON(!device_is_plugged(kind));
	plug_device(kind);
	snprintf(first, sizeof(first), "/dev/till-%s0", kind);
	return find_node(kind, node, sizeof(node)) && !strcmp(first, node);
}

TEST_F(node, unplugging_wakes_a_sleeper)
{
	struct blocked b = { .fd = self->fd };
	unsigned int tries = 100;
	char node[64];

	start_blocked(&b, sleep_in_poll);
	sim("unplug %s", variant->kind);
	end_blocked(&b);
	EXPECT_EQ(POLLHUP | POLLERR, b.result);
	expect_gone(_metadata, self->fd);
	CHECK_SOON(access(self->path, F_OK) < 0);

	/* The old one keeps its number as long as it is held. */
	plug_device(variant->kind);
	ASSERT_TRUE(find_node(variant->kind, node, sizeof(node)));
	EXPECT_STRNE(self->path, node);
	expect_gone(_metadata, self->fd);

	close(self->fd);
	self->fd = -1;
	/* Then every number is free; with DEBUG_KOBJECT_RELEASE, seconds later. */
	while (!replug_gets_first(variant->kind) && --tries)
		nap(20);
	EXPECT_NE(0, tries);
}

TEST_F(node, unbinding_is_unplugging)
{
	char link[128], driver[256], device[256], path[512];
	ssize_t n;

	sysfs_path(self->path, "device", link, sizeof(link));
	n = readlink(link, device, sizeof(device) - 1);
	ASSERT_LT(0, n);
	device[n] = '\0';
	strcat(link, "/driver");
	ASSERT_NE(NULL, realpath(link, path));
	snprintf(driver, sizeof(driver), "%.200s", path);

	snprintf(path, sizeof(path), "%s/unbind", driver);
	ASSERT_TRUE(write_file(path, strrchr(device, '/') + 1));
	expect_gone(_metadata, self->fd);
	EXPECT_FALSE(device_is_plugged(variant->kind));

	snprintf(path, sizeof(path), "%s/bind", driver);
	EXPECT_TRUE(write_file(path, strrchr(device, '/') + 1));
	CHECK_SOON(device_is_plugged(variant->kind));
	expect_gone(_metadata, self->fd);
}

TEST_F(node, a_reset_keeps_the_claim)
{
	struct till_info info = { .size = sizeof(info) };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		reset_device(variant->kind);
		EXPECT_EQ(0, ioctl(self->fd, TILL_GET_INFO, &info));
		EXPECT_EQ(variant->number, info.kind);
		EXPECT_EQ(-EBUSY, try_open(self->path, O_RDWR));
		EXPECT_EQ(0, poll_for(self->fd, 0, 0));
	}
}

static void *open_and_close(void *p)
{
	struct blocked *b = p;
	const char *path = b->buf;
	int fd;

	while (!__atomic_load_n(&b->result, __ATOMIC_SEQ_CST)) {
		fd = try_open(path, O_RDWR | O_NONBLOCK);
		if (fd >= 0)
			close(fd);
		else
			CHECK(fd == -EBUSY || fd == -ENODEV || fd == -ENXIO || fd == -ENOENT ||
			      fd == -EACCES);
	}
	return NULL;
}

TEST_F(node, opening_while_it_goes)
{
	struct blocked b[2] = { { .buf = self->path }, { .buf = self->path } };
	unsigned int i;

	close(self->fd);
	self->fd = -1;
	for (i = 0; i < ARRAY_SIZE(b); i++)
		CHECK_EQ(pthread_create(&b[i].thread, NULL, open_and_close, &b[i]), 0);
	for (i = 0; i < 5; i++) {
		sim("unplug %s", variant->kind);
		CHECK_SOON(!device_is_plugged(variant->kind));
		plug_device(variant->kind);
	}
	for (i = 0; i < ARRAY_SIZE(b); i++) {
		__atomic_store_n(&b[i].result, 1, __ATOMIC_SEQ_CST);
		end_blocked(&b[i]);
	}
	close(open_device(variant->kind, O_RDWR));
}

/*
 * The module
 */

static unsigned long module_references(void)
{
	char text[32];

	CHECK(read_file("/sys/module/till/refcnt", text, sizeof(text)) > 0);
	return strtoul(text, NULL, 10);
}

TEST_F(node, an_open_node_holds_the_module)
{
	unsigned long references = module_references();
	struct till_info info = { .size = sizeof(info) };

	EXPECT_LT(0, references);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "till", O_NONBLOCK));
	if (errno == EPERM)
		SKIP(return, "the module may not be unloaded here");
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, ioctl(self->fd, TILL_GET_INFO, &info));

	close(self->fd);
	self->fd = -1;
	CHECK_SOON(module_references() < references);
}

/* A file that is held over an unplug is one of the module's, too. */
TEST_F(node, a_gone_node_holds_the_module)
{
	sim("unplug %s", variant->kind);
	CHECK_SOON(!device_is_plugged(variant->kind));
	EXPECT_LT(0, module_references());
	EXPECT_EQ(-1, syscall(SYS_delete_module, "till", O_NONBLOCK));
	expect_gone(_metadata, self->fd);
	plug_device(variant->kind);
}

TEST(unloading_and_loading)
{
	static const char * const kinds[] = { "msr", "emv", "printer" };
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		plug_device(kinds[i]);
	for (round = 0; round < 3; round++) {
		/* udev may have a node open for a moment. */
		CHECK_SOON(!syscall(SYS_delete_module, "till", O_NONBLOCK) || errno != EWOULDBLOCK);
		if (!access("/sys/module/till", F_OK))
			SKIP(return, "the module cannot be unloaded here");
		EXPECT_NE(0, access("/sys/class/till", F_OK));
		/* The driver of printers that registers first wins, and that was ours. */
		syscall(SYS_delete_module, "usblp", O_NONBLOCK);
		ASSERT_EQ(0, system("modprobe till"));
		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			CHECK_SOON(device_is_plugged(kinds[i]));
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		close(open_device(kinds[i], O_RDWR));
}

/*
 * sysfs
 */

static void expect_number(struct __test_metadata *_metadata, const char *path)
{
	char text[64];
	ssize_t n = read_file(path, text, sizeof(text)), i;

	EXPECT_LE(2, n) TH_LOG("%s", path);
	for (i = 0; i < n - 1; i++)
		EXPECT_TRUE(isdigit((unsigned char)text[i])) TH_LOG("%s: %s", path, text);
	EXPECT_EQ('\n', text[n - 1]);
}

TEST_F(node, statistics_are_a_number_each)
{
	char directory[160], path[512];
	struct dirent *entry;
	struct stat status;
	unsigned int n = 0;
	DIR *dir;

	sysfs_path(self->path, "statistics", directory, sizeof(directory));
	dir = opendir(directory);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		expect_number(_metadata, path);
		ASSERT_EQ(0, stat(path, &status));
		EXPECT_EQ(0444, status.st_mode & 07777) TH_LOG("%s", path);
		n++;
	}
	closedir(dir);
	EXPECT_LT(2, n);
	/* Common to all kinds. */
	statistic(variant->kind, "communication_error_count");
	EXPECT_EQ(0, statistic(variant->kind, "hours_powered_count"));
}

TEST_F(node, opened_says_whether_it_is)
{
	EXPECT_TRUE(attribute_is(variant->kind, "opened", "1"));
	close(self->fd);
	self->fd = -1;
	CHECK_SOON(attribute_is(variant->kind, "opened", "0"));
}

TEST_F(node, sysfs_names_the_node)
{
	char dev[64], text[256], line[32];
	struct stat status;

	ASSERT_EQ(0, stat(self->path, &status));
	EXPECT_TRUE(S_ISCHR(status.st_mode));
	read_attribute(variant->kind, "dev", text, sizeof(text));
	snprintf(dev, sizeof(dev), "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	EXPECT_STREQ(dev, text);
	read_attribute(variant->kind, "uevent", text, sizeof(text));
	snprintf(line, sizeof(line), "DEVTYPE=%s", variant->kind);
	EXPECT_NE(NULL, strstr(text, line));
}

/*
 * Uevents
 */

static bool is_change(const char *message, ssize_t n)
{
	return has_line(message, n, "ACTION=change") && has_line(message, n, "SUBSYSTEM=till") &&
	       has_line(message, n, "DEVTYPE=emv") && has_line(message, n, "TILL_EVENT=card");
}

/* Change events until none has come for a while. */
static unsigned int count_changes(int fd)
{
	unsigned int changes = 0;
	char message[4096];
	ssize_t n;

	while (poll_for(fd, POLLIN, 10 * GAP_MS)) {
		n = recv(fd, message, sizeof(message) - 1, 0);
		CHECK(n > 0);
		message[n] = '\0';
		changes += is_change(message, n);
	}
	return changes;
}

TEST(changes_without_end_are_few_uevents)
{
	struct till_emv_state before = { .size = sizeof(before) };
	struct till_emv_state after = { .size = sizeof(after) };
	unsigned int i, uevents;
	__u64 begin, took;
	int fd, events;

	plug_device("emv");
	sim_try("remove");
	fd = open_device("emv", O_RDWR);
	events = listen_uevents();
	count_changes(events);
	ASSERT_EQ(0, ioctl(fd, TILL_EMV_GET_STATE, &before));

	begin = now();
	for (i = 0; i < 30; i++) {
		sim_now("insert visa\n");
		sim_now("remove\n");
	}
	took = now() - begin;
	uevents = count_changes(events);
	ASSERT_EQ(0, ioctl(fd, TILL_EMV_GET_STATE, &after));

	TH_LOG("%u uevents for %llu events in %llu ms", uevents,
	       (unsigned long long)(after.event - before.event), (unsigned long long)took);
	EXPECT_LT(before.event, after.event);
	EXPECT_LE(1, uevents);
	/* The first at once, one for each gap, and one for the last. */
	EXPECT_LE(uevents, took / GAP_MS + 3);
	/* The last one is not lost. */
	EXPECT_TRUE(attribute_is("emv", "card", "absent"));
	close(events);
	close(fd);
}

/*
 * Trace events
 */

static const char *trace_root(void)
{
	static const char * const places[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	char path[128];
	unsigned int i;

	mount("trace", places[0], "tracefs", 0, NULL);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/events/till", places[i]);
		if (!access(path, F_OK))
			return places[i];
	}
	return NULL;
}

static bool trace_write(const char *root, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return write_file(path, text);
}

static char *trace_read(const char *root, size_t *ret_size)
{
	static char text[256 * 1024];
	char path[128];
	size_t size = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/trace", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	do {
		n = read(fd, text + size, sizeof(text) - 1 - size);
		CHECK(n >= 0);
		size += n;
	} while (n && size < sizeof(text) - 1);
	close(fd);
	text[size] = '\0';
	if (ret_size)
		*ret_size = size;
	return text;
}

TEST_F(node, trace_events_of_the_core)
{
	const char *root = trace_root();
	char line[64];
	char *text;

	if (!root)
		SKIP(return, "this kernel has no trace events");

	close(self->fd);
	ASSERT_TRUE(trace_write(root, "trace", "\n"));
	ASSERT_TRUE(trace_write(root, "events/till/enable", "1"));
	self->fd = open_device(variant->kind, O_RDWR);
	EXPECT_EQ(-EBUSY, try_open(self->path, O_RDWR));
	close(self->fd);
	sim("unplug %s", variant->kind);
	CHECK_SOON(!device_is_plugged(variant->kind));
	plug_device(variant->kind);
	/* An opener waits until the node is registered, which is when the event is sent. */
	self->fd = open_device(variant->kind, O_RDWR);
	ASSERT_TRUE(trace_write(root, "events/till/enable", "0"));

	text = trace_read(root, NULL);
	snprintf(line, sizeof(line), "till_open: %s result=0\n", strrchr(self->path, '-') + 1);
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("%s in %s", line, text);
	snprintf(line, sizeof(line), "till_open: %s result=-%d\n", strrchr(self->path, '-') + 1,
		 EBUSY);
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("%s in %s", line, text);
	snprintf(line, sizeof(line), "till_close: %s result=0\n", strrchr(self->path, '-') + 1);
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("%s in %s", line, text);
	EXPECT_NE(NULL, strstr(text, "till_device_unregister: "));
	EXPECT_NE(NULL, strstr(text, "till_device_register: "));
}

/*
 * What must be in no log and no trace
 */

static void swipe_canary(char *ret, size_t size)
{
	struct till_msr_swipe swipe;
	int fd, tries = 3;

	plug_device("msr");
	fd = open_device("msr", O_RDWR);
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	do
		sim("swipe stripe");
	while (!poll_for(fd, POLLIN, TILL_WAIT_MS) && --tries);
	CHECK_EQ(read(fd, &swipe, sizeof(swipe)), sizeof(swipe));
	close(fd);
	CHECK(swipe.track[1].length > 17);
	/* The account number, as far as all cards have one. */
	snprintf(ret, size, "%.12s", (const char *)&swipe.track[1].data[1]);
}

static void card_canary(void)
{
	static const __u8 select[] = "\x00\xa4\x04\x00\0161PAY.SYS.DDF01";
	struct till_emv_power power = { .size = sizeof(power) };
	__u8 answer[512];
	int fd;

	plug_device("emv");
	sim_try("remove 2>/dev/null");
	sim("insert visa");
	CHECK_SOON(!attribute_is("emv", "card", "absent"));
	fd = open_device("emv", O_RDWR);
	CHECK_EQ(ioctl(fd, TILL_EMV_POWER_ON, &power), 0);
	CHECK_EQ(write(fd, select, sizeof(select) - 1), sizeof(select) - 1);
	/* At least a status word. */
	CHECK(read(fd, answer, sizeof(answer)) >= 2);
	close(fd);
	sim("remove");
}

static void paper_canary(const char *text)
{
	int fd;

	plug_device("printer");
	sim_try("paper in");
	fd = open_device("printer", O_RDWR);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_EQ(fsync(fd), 0);
	close(fd);
}

static void expect_silent(struct __test_metadata *_metadata, const char *where, const char *text,
			  const char *account)
{
	EXPECT_NULL(strstr(text, account)) TH_LOG("the account number is in the %s", where);
	EXPECT_NULL(strstr(text, "1PAY")) TH_LOG("a command is in the %s", where);
	EXPECT_NULL(strstr(text, "CANARY-ON-PAPER")) TH_LOG("the receipt is in the %s", where);
	/* As dumped in hexadecimal, with spaces or without. */
	EXPECT_NULL(strcasestr(text, "315041592e")) TH_LOG("a command is in the %s", where);
	EXPECT_NULL(strcasestr(text, "31 50 41 59")) TH_LOG("a command is in the %s", where);
}

/* With all that can be turned on for someone who looks for a fault. */
TEST(no_card_data_in_traces_and_logs)
{
	static const char control[] = "/sys/kernel/debug/dynamic_debug/control";
	const char *root = trace_root();
	static char log[512 * 1024];
	char account[16];
	int size;

	mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	write_file(control, "module till +p");
	if (root) {
		ASSERT_TRUE(trace_write(root, "trace", "\n"));
		ASSERT_TRUE(trace_write(root, "events/till/enable", "1"));
	}

	swipe_canary(account, sizeof(account));
	card_canary();
	paper_canary("CANARY-ON-PAPER\n");

	write_file(control, "module till -p");
	size = klogctl(3, log, sizeof(log) - 1);
	ASSERT_LT(0, size);
	expect_silent(_metadata, "kernel's log", log, account);

	if (!root)
		SKIP(return, "the log is silent; this kernel has no trace events");
	ASSERT_TRUE(trace_write(root, "events/till/enable", "0"));
	expect_silent(_metadata, "trace", trace_read(root, NULL), account);
	/* They were on. */
	EXPECT_TRUE(!!strstr(trace_read(root, NULL), "till_msr_swipe: "));
	EXPECT_TRUE(!!strstr(trace_read(root, NULL), "till_emv_command_end: "));
	EXPECT_TRUE(!!strstr(trace_read(root, NULL), "till_printer_done: "));
}

TEST_HARNESS_MAIN
