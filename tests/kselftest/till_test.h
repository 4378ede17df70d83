/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the three devices share: their nodes, and the simulator
 * that plays the devices. "till-sim run" must be running, and nobody else may
 * hold the nodes.
 */
#ifndef TILL_TEST_H
#define TILL_TEST_H

#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/till.h>

#if __has_include("../kselftest_harness.h")
#include "../kselftest_harness.h"
/* Generous: full emulation on a busy machine. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120
#else
#include "harness.h"
#endif

#define TILL_MAYBE	__attribute__((unused))

/*
 * For the helpers here, which have no test's _metadata, and for threads and
 * children: what is not so ends the process, and with it the test.
 */
static inline void __attribute__((noreturn, format(printf, 3, 4)))
check_failed(const char *file, int line, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "# %s:%d: ", file, line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	_exit(1);
}

#define CHECK(_condition)						\
	do {								\
		if (!(_condition))					\
			check_failed(__FILE__, __LINE__, "%s (errno %s)", \
				     #_condition, strerror(errno));	\
	} while (0)

#define CHECK_EQ(_a, _b)						\
	do {								\
		long long _x = (_a), _y = (_b);				\
									\
		if (_x != _y)						\
			check_failed(__FILE__, __LINE__,		\
				     "%s is %lld, not %lld (errno %s)",	\
				     #_a, _x, _y, strerror(errno));	\
	} while (0)

/* A call that must fail, and how. */
#define CHECK_ERRNO(_call, _errno)					\
	do {								\
		long long _x;						\
									\
		errno = 0;						\
		_x = (_call);						\
		if (_x >= 0 || errno != (_errno))			\
			check_failed(__FILE__, __LINE__,		\
				     "%s is %lld, %s, not %s", #_call,	\
				     _x, strerror(errno), strerror(_errno)); \
	} while (0)

/* As long as a test waits for what must come. */
#define TILL_WAIT_MS	30000

TILL_MAYBE static int __attribute__((format(printf, 1, 2))) sim_try(const char *format, ...)
{
	char command[256] = "till-sim ";
	size_t n = strlen(command);
	int status;
	va_list ap;

	va_start(ap, format);
	vsnprintf(command + n, sizeof(command) - n, format, ap);
	va_end(ap);
	strncat(command, " >/dev/null", sizeof(command) - strlen(command) - 1);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define sim(...)	CHECK_EQ(sim_try(__VA_ARGS__), 0)

#define SIM_SOCKET	"/run/till-sim/control"

/* Straight to the simulator, and faster than a program for each. */
TILL_MAYBE static void sim_now(const char *line)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SIM_SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[256];

	CHECK(fd >= 0);
	CHECK_EQ(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(write(fd, line, strlen(line)), strlen(line));
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	close(fd);
}

TILL_MAYBE static void nap(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* Milliseconds. */
TILL_MAYBE static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

/* Waits for a condition that must come true. */
#define CHECK_SOON(_condition)						\
	do {								\
		unsigned int _left = TILL_WAIT_MS / 20;			\
									\
		while (!(_condition) && _left--)			\
			nap(20);					\
		CHECK(_condition);					\
	} while (0)

/* The first node of the kind; its number changes when it is replugged while open. */
TILL_MAYBE static bool find_node(const char *kind, char *ret, size_t size)
{
	char prefix[32];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(prefix, sizeof(prefix), "till-%s", kind);
	dir = opendir("/sys/class/till");
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(ret, size, "/dev/%.40s", entry->d_name);
		found = access(ret, F_OK) == 0;
	}
	closedir(dir);
	return found;
}

TILL_MAYBE static void read_attribute(const char *kind, const char *name, char *ret, size_t size)
{
	char node[64], path[160];
	ssize_t n;
	int fd;

	CHECK(find_node(kind, node, sizeof(node)));
	snprintf(path, sizeof(path), "/sys/class/till/%s/%s", node + 5, name);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	n = read(fd, ret, size - 1);
	CHECK(n >= 0);
	close(fd);
	ret[n] = 0;
	if (n > 0 && ret[n - 1] == '\n')
		ret[n - 1] = 0;
}

TILL_MAYBE static bool attribute_is(const char *kind, const char *name, const char *value)
{
	char text[128];

	read_attribute(kind, name, text, sizeof(text));
	return !strcmp(text, value);
}

TILL_MAYBE static unsigned long statistic(const char *kind, const char *name)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "statistics/%s", name);
	read_attribute(kind, path, text, sizeof(text));
	return strtoul(text, NULL, 10);
}

TILL_MAYBE static bool device_is_plugged(const char *kind)
{
	char node[64];

	return find_node(kind, node, sizeof(node));
}

/* What was unplugged just now may still have its node. */
TILL_MAYBE static void plug_device(const char *kind)
{
	if (sim_try("status | grep -qx %s=unplugged", kind) == 0) {
		CHECK_SOON(!device_is_plugged(kind));
		sim_try("plug %s", kind);
	}
	CHECK_SOON(device_is_plugged(kind));
}

/* The device may still be busy with the opener before. */
TILL_MAYBE static int open_device(const char *kind, int flags)
{
	unsigned int left = TILL_WAIT_MS / 20;
	char node[64];
	int fd;

	CHECK(find_node(kind, node, sizeof(node)));
	do {
		fd = open(node, flags | O_CLOEXEC);
		if (fd < 0)
			nap(20);
	} while (fd < 0 && errno == EBUSY && left--);
	CHECK(fd >= 0);
	return fd;
}

/* Of the USB device, which is one floor above an interface and two above a HID device. */
TILL_MAYBE static unsigned long usb_number(const char *kind, const char *name, int base)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "device/%s%s", strcmp(kind, "msr") ? "../" : "../../", name);
	read_attribute(kind, path, text, sizeof(text));
	return strtoul(text, NULL, base);
}

/* Resets the USB device, as a person or a driver of another interface may. */
TILL_MAYBE static void reset_device(const char *kind)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/bus/usb/%03lu/%03lu",
		 usb_number(kind, "busnum", 10), usb_number(kind, "devnum", 10));
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, USBDEVFS_RESET, NULL), 0);
	close(fd);
}

/* Returns what poll() says within the time, or 0. */
TILL_MAYBE static short poll_for(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	CHECK(n >= 0);
	return p.revents;
}

TILL_MAYBE static void set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	CHECK(flags >= 0);
	CHECK_EQ(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), 0);
}

/* Volatile, for a compiler that knows better. */
TILL_MAYBE static void *bad_pointer(void)
{
	static void *volatile bad = (void *)8;

	return bad;
}

static void till_on_signal(int number)
{
}

/* SIGUSR1 ends system calls, and no more. */
TILL_MAYBE static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = till_on_signal };

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

static timer_t till_timer;

TILL_MAYBE static void stop_interrupting(void)
{
	CHECK_EQ(timer_delete(till_timer), 0);
}

/* A signal that ends system calls, after so long, until stop_interrupting(). */
TILL_MAYBE static void interrupt_after(unsigned int ms)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	/* Again and again, for one that comes before the call sleeps. */
	struct itimerspec when = {
		{ 0, 200000000L }, { ms / 1000, ms % 1000 * 1000000L }
	};

	catch_signals();
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &till_timer), 0);
	CHECK_EQ(timer_settime(till_timer, 0, &when, NULL), 0);
}

/* A call that blocks, on a thread of its own. */
struct blocked {
	pthread_t thread;
	void *(*call)(void *blocked);
	pid_t tid;
	int fd;
	void *buf;
	size_t size;
	ssize_t result;
	int error;
};

TILL_MAYBE static void *blocked_read(void *p)
{
	struct blocked *b = p;

	b->result = read(b->fd, b->buf, b->size);
	b->error = errno;
	return NULL;
}

TILL_MAYBE static void *blocked_write(void *p)
{
	struct blocked *b = p;

	do
		b->result = write(b->fd, b->buf, b->size);
	while (b->result > 0);
	b->error = errno;
	return NULL;
}

TILL_MAYBE static void *blocked_fsync(void *p)
{
	struct blocked *b = p;

	b->result = fsync(b->fd);
	b->error = errno;
	return NULL;
}

static void *run_blocked(void *p)
{
	struct blocked *b = p;
	sigset_t child;

	/* system() blocks it in its own thread, and then it would interrupt this one. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, NULL);
	__atomic_store_n(&b->tid, gettid(), __ATOMIC_RELEASE);
	return b->call(b);
}

/* Asleep, or ended; not yet on its way there, however slow the machine is. */
static bool blocked_rests(struct blocked *b)
{
	pid_t tid = __atomic_load_n(&b->tid, __ATOMIC_ACQUIRE);
	char path[64], state;
	FILE *f;
	int n;

	if (!tid)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return true;
	n = fscanf(f, "%*d (%*[^)]) %c", &state);
	fclose(f);
	return n != 1 || state != 'R';
}

TILL_MAYBE static void start_blocked(struct blocked *b, void *(*call)(void *))
{
	b->call = call;
	b->tid = 0;
	CHECK_EQ(pthread_create(&b->thread, NULL, run_blocked, b), 0);
	/* What it does first need not be its sleep. */
	nap(300);
	CHECK_SOON(blocked_rests(b));
}

TILL_MAYBE static void end_blocked(struct blocked *b)
{
	CHECK_EQ(pthread_join(b->thread, NULL), 0);
}

/* Unplugs under a blocked call and sees that everything says so. */
TILL_MAYBE static void check_unplugged(const char *kind, struct blocked *b, void *(*call)(void *))
{
	struct till_info info = { .size = sizeof(info) };
	char byte;

	start_blocked(b, call);
	sim("unplug %s", kind);
	end_blocked(b);
	CHECK_EQ(b->result, -1);
	CHECK_EQ(b->error, ENODEV);
	CHECK_EQ(poll_for(b->fd, POLLIN, TILL_WAIT_MS), POLLHUP | POLLERR);
	CHECK_ERRNO(read(b->fd, &byte, 1), ENODEV);
	CHECK_ERRNO(write(b->fd, "", 1), ENODEV);
	CHECK_ERRNO(fsync(b->fd), ENODEV);
	CHECK_ERRNO(ioctl(b->fd, TILL_GET_INFO, &info), ENODEV);
	CHECK_SOON(!device_is_plugged(kind));

	/* The new one is another, while the old one is still held. */
	plug_device(kind);
	close(open_device(kind, O_RDWR));
	CHECK_ERRNO(ioctl(b->fd, TILL_GET_INFO, &info), ENODEV);
	close(b->fd);
}

TILL_MAYBE static int listen_uevents(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static bool has_line(const char *message, ssize_t length, const char *line)
{
	const char *p;

	for (p = message; p < message + length; p += strlen(p) + 1)
		if (!strcmp(p, line))
			return true;
	return false;
}

/* Waits for the change event of a kind. */
TILL_MAYBE static void check_uevent(int fd, const char *kind, const char *event)
{
	char message[4096], type[32], what[32];
	ssize_t n;

	snprintf(type, sizeof(type), "DEVTYPE=%s", kind);
	snprintf(what, sizeof(what), "TILL_EVENT=%s", event);
	do {
		CHECK_EQ(poll_for(fd, POLLIN, TILL_WAIT_MS), POLLIN);
		n = recv(fd, message, sizeof(message) - 1, 0);
		CHECK(n > 0);
		message[n] = 0;
	} while (!has_line(message, n, "ACTION=change") ||
		 !has_line(message, n, "SUBSYSTEM=till") ||
		 !has_line(message, n, type) || !has_line(message, n, what));
}

/* Size-first structures, on an ioctl that fills one; known is its size here. */
TILL_MAYBE static void check_sizes(int fd, unsigned long command, size_t known)
{
	uint8_t whole[2048] = { 0 }, arg[2048];
	uint32_t size;

	CHECK(known <= 1200);
	size = known;
	memcpy(whole, &size, sizeof(size));
	CHECK_EQ(ioctl(fd, command, whole), 0);

	/* Shorter: filled as far as it goes, and no further. */
	memset(arg, 0xa5, sizeof(arg));
	size = 8;
	memcpy(arg, &size, sizeof(size));
	CHECK_EQ(ioctl(fd, command, arg), 0);
	CHECK(!memcmp(arg + 4, whole + 4, 4));
	CHECK_EQ(arg[8], 0xa5);

	/* Longer, with nothing in it: the rest stays zero. */
	memset(arg, 0, sizeof(arg));
	size = known + 16;
	memcpy(arg, &size, sizeof(size));
	CHECK_EQ(ioctl(fd, command, arg), 0);
	CHECK(!memcmp(arg + 4, whole + 4, known - 4));
	CHECK_EQ(arg[known], 0);
	memcpy(&size, arg, sizeof(size));
	CHECK_EQ(size, known + 16);

	/* Longer, with something that the kernel does not know. */
	arg[known + 15] = 1;
	CHECK_ERRNO(ioctl(fd, command, arg), E2BIG);

	size = 3;
	memcpy(arg, &size, sizeof(size));
	CHECK_ERRNO(ioctl(fd, command, arg), EINVAL);
	size = 0;
	memcpy(arg, &size, sizeof(size));
	CHECK_ERRNO(ioctl(fd, command, arg), EINVAL);
	size = 0xffffffff;
	memcpy(arg, &size, sizeof(size));
	CHECK_ERRNO(ioctl(fd, command, arg), E2BIG);
	CHECK_ERRNO(ioctl(fd, command, NULL), EFAULT);
}

/* What is the same on every node. */
TILL_MAYBE static void check_node(const char *kind, uint32_t number)
{
	struct till_info info = { .size = sizeof(info) };
	char text[256], node[64], line[32];
	int fd = open_device(kind, O_RDWR);

	CHECK_EQ(ioctl(fd, TILL_GET_INFO, &info), 0);
	CHECK_EQ(info.kind, number);
	CHECK(info.vendor);
	CHECK(info.product);
	CHECK_EQ(info.__reserved, 0);
	check_sizes(fd, TILL_GET_INFO, sizeof(info));
	CHECK_ERRNO(ioctl(fd, _IO(TILL_IOC_TYPE, 0xff), NULL), ENOTTY);
	CHECK_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);

	CHECK(find_node(kind, node, sizeof(node)));
	CHECK_ERRNO(open(node, O_RDWR), EBUSY);
	CHECK_ERRNO(open(node, O_RDONLY), EBUSY);
	close(fd);
	fd = open(node, O_RDWR);
	CHECK(fd >= 0);
	close(fd);

	read_attribute(kind, "uevent", text, sizeof(text));
	snprintf(line, sizeof(line), "DEVTYPE=%s", kind);
	CHECK(strstr(text, line));
}

/*
 * How a transfer may end, by the name that till-sim knows; the errno of a request that
 * ended so, and that of a write() or an exchange. EPIPE of a request says that the
 * device does not know it. Zero: of its own transfers only the driver says so.
 */
TILL_MAYBE static const struct {
	const char *name;
	int request;
	int transfer;
} usb_failures[] = {
	{ "EPIPE", EPIPE, EIO },
	{ "EPROTO", EIO, EIO },
	{ "EILSEQ", EIO, EIO },
	{ "ETIME", EIO, EIO },
	{ "EOVERFLOW", EIO, EIO },
	{ "ECOMM", EIO, EIO },
	{ "ENOSR", EIO, EIO },
	{ "EREMOTEIO", EIO, EIO },
	{ "EXDEV", EIO, EIO },
	{ "EINVAL", EIO, EIO },
	{ "EPERM", EIO, EIO },
	{ "ENOTTY", EIO, EIO },
	{ "EBUSY", EIO, EIO },
	{ "ETIMEDOUT", ETIMEDOUT, EIO },
	{ "ESHUTDOWN", ENODEV, ENODEV },
	{ "ENODEV", ENODEV, ENODEV },
	{ "ENOENT", ENODEV, 0 },
	{ "ECONNRESET", EIO, 0 },
};

#endif /* TILL_TEST_H */
