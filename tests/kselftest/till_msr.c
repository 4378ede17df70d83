// SPDX-License-Identifier: GPL-2.0-only
/*
 * Magstripe reader: arming, the queue of swipes, what a record says, unplugging.
 */
#include <glob.h>
#include <sched.h>

#include "till_test.h"

#define CARD		"stripe"
#define QUEUE		8

/* What the card says, as tests/sim/cards has it. */
#define TRACK1		"%B6200000000000054^TEST/STRIPE   ^49121011234567890?"
#define TRACK2		";6200000000000054=49121011234567890?"
#define NUMBER		"6200000000000054"
#define JIS		"AB12345678901234"

static void use_reader(const char *name)
{
	sim("unplug msr");
	CHECK_SOON(!device_is_plugged("msr"));
	sim("plug msr %s", name);
	CHECK_SOON(device_is_plugged("msr"));
}

static void get_info(struct till_info *info)
{
	int fd = open_device("msr", O_RDONLY);

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	CHECK_EQ(ioctl(fd, TILL_GET_INFO, info), 0);
	close(fd);
}

/* A test before may have left another reader, or none. */
static void usual_reader(void)
{
	struct till_info info;

	sim_try("misbehave none");
	plug_device("msr");
	get_info(&info);
	if (info.vendor != 0x0801 || info.product != 0x0002)
		use_reader("sureswipe");
}

FIXTURE(msr)
{
};

FIXTURE_SETUP(msr)
{
	usual_reader();
}

FIXTURE_TEARDOWN(msr)
{
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

/* Nothing tells when the host has fetched a swipe that it drops. */
static void swipe_unheard(void)
{
	sim("swipe " CARD);
	nap(1000);
}

static void swipe_with(int fd, const char *options)
{
	sim("swipe " CARD " %s", options);
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

static bool contains(const struct till_msr_swipe *record, const char *text)
{
	return memmem(record, sizeof(*record), text, strlen(text));
}

static void check_text(const struct till_msr_track *track, const char *text)
{
	CHECK_EQ(track->errors, 0);
	CHECK_EQ(track->flags, 0);
	CHECK_EQ(track->length, strlen(text));
	CHECK(!memcmp(track->data, text, strlen(text)));
	CHECK_EQ(track->encrypted_length, 0);
}

/* An error is all that there is of a track. */
static void check_bad(const struct till_msr_track *track, unsigned int errors)
{
	struct till_msr_track bad = { .errors = errors };

	CHECK_EQ(track->errors, errors);
	CHECK(!memcmp(track, &bad, sizeof(bad)));
}

TEST_F(msr, node)
{
	check_node("msr", TILL_KIND_MSR);
}

TEST_F(msr, calls_of_other_kinds_are_refused)
{
	int fd = open_device("msr", O_RDWR);

	CHECK_ERRNO(write(fd, "x", 1), EINVAL);
	CHECK_ERRNO(fsync(fd), EINVAL);
	CHECK_ERRNO(ioctl(fd, TILL_EMV_ABORT), ENOTTY);
}

TEST_F(msr, a_swipe_is_one_record)
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

TEST_F(msr, a_larger_buffer_gets_the_record)
{
	uint8_t buf[4096];
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(struct till_msr_swipe));
}

/* Whatever is appended to the record later. */
TEST_F(msr, the_first_record_s_size_is_enough)
{
	struct till_msr_swipe record;
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(read(fd, &record, TILL_MSR_SWIPE_SIZE_VER0), TILL_MSR_SWIPE_SIZE_VER0);
	CHECK(record.track[1].length > 0);
	check_empty(fd);
}

TEST_F(msr, too_small_a_buffer_loses_nothing)
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

TEST_F(msr, a_node_opens_disarmed)
{
	struct till_msr_swipe first, second;
	int fd = open_armed();

	swipe(fd);
	read_swipe(fd, &first);
	close(fd);

	fd = open_device("msr", O_RDWR);
	CHECK(attribute_is("msr", "armed", "0"));
	swipe_unheard();
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	CHECK(attribute_is("msr", "armed", "1"));
	swipe(fd);
	read_swipe(fd, &second);
	/* What was swiped while disarmed has no number: it is no loss. */
	CHECK_EQ(second.sequence, first.sequence + 1);
	check_empty(fd);
}

TEST_F(msr, arming_empties_the_queue)
{
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	check_empty(fd);
}

TEST_F(msr, disarming_drops)
{
	struct till_msr_swipe record;
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(ioctl(fd, TILL_MSR_DISARM), 0);
	check_empty(fd);
	swipe_unheard();
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	swipe(fd);
	read_swipe(fd, &record);
	check_empty(fd);
}

TEST_F(msr, closing_drops)
{
	int fd = open_armed();

	swipe(fd);
	close(fd);
	fd = open_armed();
	check_empty(fd);
}

TEST_F(msr, overflow_drops_the_oldest_and_shows_it)
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

/* A frame of which only the beginning comes is no swipe: it pushes none out. */
TEST_F(msr, half_a_frame_drops_nothing)
{
	struct till_msr_swipe record;
	unsigned int i;
	int fd;

	use_reader("securemag-original");
	fd = open_armed();
	for (i = 1; i <= QUEUE; i++) {
		swipe(-1);
		CHECK_SOON(statistic("msr", "good_read_count") == i);
	}
	sim("misbehave msr first-report");
	swipe(-1);
	CHECK_SOON(statistic("msr", "communication_error_count") == 1);

	CHECK_EQ(statistic("msr", "dropped_read_count"), 0);
	for (i = 1; i <= QUEUE; i++) {
		read_swipe(fd, &record);
		CHECK_EQ(record.sequence, i);
	}
	check_empty(fd);
}

TEST_F(msr, a_track_that_cannot_be_read_says_so)
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

/* The readers that the simulator plays, each with a layout of its own. */
FIXTURE(layout)
{
	int fd;
};

FIXTURE_VARIANT(layout)
{
	const char *name;
	uint64_t features;
	/* It has a key, unless told otherwise. */
	bool encrypts;
};

FIXTURE_VARIANT_ADD(layout, sureswipe)
{
	.name = "sureswipe",
	.features = TILL_MSR_FEATURE_DECODED,
};

FIXTURE_VARIANT_ADD(layout, standard)
{
	.name = "standard",
	.features = TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_JIS,
};

/* Its third report does not come: the swipe is whole when nothing more does. */
FIXTURE_VARIANT_ADD(layout, trackwise)
{
	.name = "trackwise",
	.features = TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_JIS,
};

FIXTURE_VARIANT_ADD(layout, row)
{
	.name = "row",
	.features = TILL_MSR_FEATURE_DECODED,
};

FIXTURE_VARIANT_ADD(layout, imitator)
{
	.name = "imitator",
	.features = TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_ENCRYPTING,
};

FIXTURE_VARIANT_ADD(layout, minimag)
{
	.name = "minimag",
	.features = TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_ENCRYPTING,
};

FIXTURE_VARIANT_ADD(layout, magnesafe)
{
	.name = "magnesafe",
	.features = TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_ENCRYPTING,
	.encrypts = true,
};

FIXTURE_VARIANT_ADD(layout, securemag)
{
	.name = "securemag",
	.features = TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_ENCRYPTING,
	.encrypts = true,
};

FIXTURE_VARIANT_ADD(layout, securemag_original)
{
	.name = "securemag-original",
	.features = TILL_MSR_FEATURE_DECODED | TILL_MSR_FEATURE_ENCRYPTING,
	.encrypts = true,
};

FIXTURE_SETUP(layout)
{
	sim_try("misbehave none");
	use_reader(variant->name);
	self->fd = open_armed();
}

FIXTURE_TEARDOWN(layout)
{
	close(self->fd);
}

TEST_F(layout, the_card_is_what_it_says)
{
	struct till_info info = { .size = sizeof(info) };
	struct till_msr_swipe record;

	CHECK_EQ(ioctl(self->fd, TILL_GET_INFO, &info), 0);
	CHECK_EQ(info.features, variant->features);

	swipe_with(self->fd, variant->encrypts ? "clear" : "");
	read_swipe(self->fd, &record);
	CHECK_EQ(record.sequence, 1);
	CHECK_EQ(record.encode, TILL_MSR_ENCODE_ISO);
	CHECK_EQ(record.encryption, TILL_MSR_ENCRYPTION_NONE);
	CHECK_EQ(record.ksn_length, 0);
	check_text(&record.track[0], TRACK1);
	check_text(&record.track[1], TRACK2);
	check_text(&record.track[2], "");
	check_text(&record.track[3], "");
}

/* Those of them that encrypt, with their key. */
FIXTURE(encrypting)
{
	int fd;
};

FIXTURE_VARIANT(encrypting)
{
	const char *name;
	/* One cryptogram for tracks 1 and 2. */
	bool joint;
};

FIXTURE_VARIANT_ADD(encrypting, magnesafe)
{
	.name = "magnesafe",
};

FIXTURE_VARIANT_ADD(encrypting, securemag)
{
	.name = "securemag",
};

FIXTURE_VARIANT_ADD(encrypting, securemag_original)
{
	.name = "securemag-original",
	.joint = true,
};

FIXTURE_SETUP(encrypting)
{
	sim_try("misbehave none");
	use_reader(variant->name);
	self->fd = open_armed();
}

FIXTURE_TEARDOWN(encrypting)
{
	close(self->fd);
}

TEST_F(encrypting, nothing_is_there_in_clear)
{
	struct till_msr_swipe record, next;

	swipe(self->fd);
	read_swipe(self->fd, &record);
	CHECK_EQ(record.encryption, TILL_MSR_ENCRYPTION_DUKPT_TDES);
	CHECK_EQ(record.ksn_length, 10);
	CHECK_EQ(record.track[0].errors | record.track[1].errors, 0);
	CHECK(record.track[0].flags & TILL_MSR_TRACK_MASKED);
	CHECK(record.track[1].flags & TILL_MSR_TRACK_MASKED);
	CHECK_EQ(record.track[1].length, strlen(TRACK2));
	CHECK_EQ(record.track[1].data[0], ';');
	CHECK(!contains(&record, "=49121011234567890"));

	CHECK_EQ(!!(record.track[0].flags & TILL_MSR_TRACK_JOINT), variant->joint);
	CHECK(record.track[0].encrypted_length >= strlen(TRACK1));
	CHECK_EQ(record.track[0].encrypted_length % 8, 0);
	CHECK_EQ(record.track[1].encrypted_length, variant->joint ? 0 : 40);

	/* Each swipe has its own key. */
	swipe(self->fd);
	read_swipe(self->fd, &next);
	CHECK(memcmp(record.ksn, next.ksn, record.ksn_length) < 0);
	CHECK(memcmp(record.track[0].encrypted, next.track[0].encrypted, 16));
}

TEST_F(msr, other_cards_than_a_bank_s)
{
	struct till_msr_swipe record;
	int fd;

	use_reader("securemag");
	fd = open_armed();
	swipe_with(fd, "aamva");
	read_swipe(fd, &record);
	CHECK_EQ(record.encode, TILL_MSR_ENCODE_AAMVA);
	CHECK_EQ(record.encryption, TILL_MSR_ENCRYPTION_NONE);
	close(fd);

	/* All reports of the swipe: it is whole at once. */
	use_reader("trackwise");
	fd = open_armed();
	swipe_with(fd, "4=" JIS);
	read_swipe(fd, &record);
	check_text(&record.track[1], TRACK2);
	check_text(&record.track[3], JIS);
	close(fd);
	use_reader("standard");
	fd = open_armed();
	swipe_with(fd, "4=" JIS);
	read_swipe(fd, &record);
	CHECK_EQ(record.encode, TILL_MSR_ENCODE_JIS);
	check_text(&record.track[3], JIS);
}

/* Each by its name, and nothing of a track that has one. */
TEST_F(msr, errors_are_told_apart)
{
	static const struct {
		const char *damage;
		unsigned int errors;
	} kinds[] = {
		{ "2:unreadable", TILL_MSR_ERROR_DECODE },
		{ "2:start", TILL_MSR_ERROR_START },
		{ "2:end", TILL_MSR_ERROR_END },
		{ "2:parity", TILL_MSR_ERROR_PARITY },
		{ "2:lrc", TILL_MSR_ERROR_LRC },
	};
	unsigned long failed, unreadable;
	struct till_msr_swipe record;
	unsigned int i;
	int fd;

	/* One that passes on what it finds, with the LRC. */
	use_reader("minimag");
	failed = statistic("msr", "failed_read_count");
	unreadable = statistic("msr", "unreadable_card_count");
	fd = open_armed();
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		swipe_with(fd, kinds[i].damage);
		read_swipe(fd, &record);
		check_text(&record.track[0], TRACK1);
		check_bad(&record.track[1], kinds[i].errors);
		CHECK(!contains(&record, ";" NUMBER));
	}
	CHECK_EQ(statistic("msr", "failed_read_count"), failed + i);
	CHECK_EQ(statistic("msr", "unreadable_card_count"), unreadable);
	swipe_with(fd, "1:unreadable 2:lrc");
	CHECK_EQ(statistic("msr", "unreadable_card_count"), unreadable + 1);
	close(fd);

	/* One that has found the LRC wrong itself. */
	use_reader("sureswipe");
	fd = open_armed();
	swipe_with(fd, "1:lrc 2:parity");
	read_swipe(fd, &record);
	check_bad(&record.track[0], TILL_MSR_ERROR_DECODE);
	check_bad(&record.track[1], TILL_MSR_ERROR_PARITY);
	close(fd);

	/* An encrypting one sends no cryptogram of what it could not read. */
	use_reader("magnesafe");
	fd = open_armed();
	swipe_with(fd, "2:unreadable");
	read_swipe(fd, &record);
	CHECK(record.track[0].encrypted_length > 0);
	check_bad(&record.track[1], TILL_MSR_ERROR_DECODE);
}

static void set_keep(int fd, uint32_t ms)
{
	struct till_msr_options options = { .size = sizeof(options), .keep_ms = ms };

	CHECK_EQ(ioctl(fd, TILL_MSR_SET_OPTIONS, &options), 0);
}

static uint32_t get_keep(int fd)
{
	struct till_msr_options options = { .size = sizeof(options) };

	CHECK_EQ(ioctl(fd, TILL_MSR_GET_OPTIONS, &options), 0);
	return options.keep_ms;
}

TEST_F(msr, options)
{
	struct till_msr_options options = { .size = sizeof(options) };
	int fd = open_device("msr", O_RDWR);

	check_sizes(fd, TILL_MSR_GET_OPTIONS, sizeof(options));
	CHECK_EQ(get_keep(fd), TILL_MSR_KEEP_MAX_MS);
	set_keep(fd, TILL_MSR_KEEP_MIN_MS);
	CHECK_EQ(get_keep(fd), TILL_MSR_KEEP_MIN_MS);
	/* Zero, and a structure without the member, leave it. */
	set_keep(fd, 0);
	options.size = 4;
	CHECK_EQ(ioctl(fd, TILL_MSR_SET_OPTIONS, &options), 0);
	CHECK_EQ(get_keep(fd), TILL_MSR_KEEP_MIN_MS);

	options.size = sizeof(options);
	options.keep_ms = TILL_MSR_KEEP_MIN_MS - 1;
	CHECK_ERRNO(ioctl(fd, TILL_MSR_SET_OPTIONS, &options), EINVAL);
	options.keep_ms = TILL_MSR_KEEP_MAX_MS + 1;
	CHECK_ERRNO(ioctl(fd, TILL_MSR_SET_OPTIONS, &options), EINVAL);
	CHECK_EQ(get_keep(fd), TILL_MSR_KEEP_MIN_MS);
	options.size = 3;
	CHECK_ERRNO(ioctl(fd, TILL_MSR_SET_OPTIONS, &options), EINVAL);
	options.size = 0xffffffff;
	CHECK_ERRNO(ioctl(fd, TILL_MSR_SET_OPTIONS, &options), E2BIG);
	CHECK_ERRNO(ioctl(fd, TILL_MSR_SET_OPTIONS, bad_pointer()), EFAULT);

	/* They are the opener's. */
	close(fd);
	fd = open_device("msr", O_RDWR);
	CHECK_EQ(get_keep(fd), TILL_MSR_KEEP_MAX_MS);
}

TEST_F(msr, a_swipe_that_nobody_reads_is_wiped)
{
	unsigned long dropped = statistic("msr", "dropped_read_count");
	struct till_msr_swipe record;
	int fd = open_armed();
	uint32_t first;

	swipe(fd);
	read_swipe(fd, &record);
	first = record.sequence;

	set_keep(fd, TILL_MSR_KEEP_MIN_MS);
	sim("swipe " CARD);
	CHECK_SOON(statistic("msr", "dropped_read_count") == dropped + 1);
	check_empty(fd);

	/* A shorter time is for those that wait, too. */
	set_keep(fd, TILL_MSR_KEEP_MAX_MS);
	swipe(fd);
	nap(TILL_MSR_KEEP_MIN_MS + 500);
	CHECK_EQ(poll_for(fd, POLLIN, 0), POLLIN);
	set_keep(fd, TILL_MSR_KEEP_MIN_MS);
	CHECK_SOON(statistic("msr", "dropped_read_count") == dropped + 2);
	check_empty(fd);

	/* The numbers tell of both. */
	set_keep(fd, TILL_MSR_KEEP_MAX_MS);
	swipe(fd);
	read_swipe(fd, &record);
	CHECK_EQ(record.sequence, first + 3);
}

/* As long as it does not sleep, no work of the kernel runs on this processor before it. */
static void run_first(bool first)
{
	struct sched_param param = { .sched_priority = first ? 1 : 0 };
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	CHECK_EQ(sched_setaffinity(0, sizeof(here), &here), 0);
	CHECK_EQ(sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER, &param), 0);
}

/* After a system sleep, too, a swipe may be too old before the kernel's timer knows. */
TEST_F(msr, an_old_swipe_is_not_handed_out)
{
	struct till_msr_swipe record;
	unsigned long dropped;
	int fd = open_armed();
	unsigned int i;

	set_nonblock(fd, true);
	for (i = 0; i < 2; i++) {
		dropped = statistic("msr", "dropped_read_count");
		set_keep(fd, TILL_MSR_KEEP_MAX_MS);
		swipe(fd);
		nap(TILL_MSR_KEEP_MIN_MS + 200);
		run_first(true);
		set_keep(fd, TILL_MSR_KEEP_MIN_MS);
		if (i)
			CHECK_EQ(poll_for(fd, POLLIN, 0), 0);
		else
			CHECK_ERRNO(read(fd, &record, sizeof(record)), EAGAIN);
		CHECK_EQ(statistic("msr", "dropped_read_count"), dropped + 1);
		run_first(false);
	}
}

/* Asks all the time, for at most so long. */
static bool read_at_once(int fd, struct till_msr_swipe *ret, long ms)
{
	long start = now();
	ssize_t n;

	do {
		n = read(fd, ret, sizeof(*ret));
		if (n < 0)
			nap(1);
	} while (n < 0 && errno == EAGAIN && now() - start < ms);
	CHECK(n == sizeof(*ret) || (n < 0 && errno == EAGAIN));
	return n > 0;
}

/*
 * A report for each track: nobody sees one before all have come. On a busy machine they
 * may come so slowly that they are two swipes, but then a quarter of a second apart.
 */
TEST_F(msr, a_swipe_is_told_whole)
{
	struct till_msr_swipe record, rest;
	unsigned int i, whole = 0;
	int fd;

	use_reader("trackwise");
	fd = open_armed();
	set_nonblock(fd, true);
	for (i = 0; i < 20; i++) {
		sim_now("swipe " CARD "\n");
		CHECK(read_at_once(fd, &record, TILL_WAIT_MS));
		if (record.track[0].length && record.track[1].length) {
			check_text(&record.track[0], TRACK1);
			check_text(&record.track[1], TRACK2);
			whole++;
			continue;
		}
		CHECK(read_at_once(fd, &rest, TILL_WAIT_MS));
		CHECK(rest.time_ns - record.time_ns >= 240000000);
		CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	}
	printf("# %u of %u\n", whole, i);
	CHECK(whole > 0);
}

TEST_F(msr, what_is_not_a_swipe_is_counted)
{
	unsigned long errors = statistic("msr", "communication_error_count");
	struct till_msr_swipe record;
	int fd = open_armed();

	sim("misbehave msr short-report");
	sim("swipe " CARD);
	CHECK_SOON(statistic("msr", "communication_error_count") == errors + 1);
	check_empty(fd);
	swipe(fd);
	read_swipe(fd, &record);
	check_text(&record.track[1], TRACK2);
	close(fd);

	/* Half a frame: nothing more comes of it, and the next one is whole. */
	use_reader("securemag-original");
	fd = open_armed();
	sim("misbehave msr first-report");
	sim("swipe " CARD);
	CHECK_SOON(statistic("msr", "communication_error_count") == 1);
	check_empty(fd);
	swipe(fd);
	read_swipe(fd, &record);
	CHECK_EQ(record.sequence, 1);
	CHECK(record.track[0].encrypted_length > 0);
	close(fd);

	/* A report for each track: what has come is the swipe. */
	use_reader("trackwise");
	fd = open_armed();
	sim("misbehave msr first-report");
	swipe(fd);
	read_swipe(fd, &record);
	check_text(&record.track[0], TRACK1);
	check_text(&record.track[1], "");
	/* Disarming ends a swipe that is under way. */
	sim("swipe " CARD);
	nap(100);
	CHECK_EQ(ioctl(fd, TILL_MSR_DISARM), 0);
	CHECK_EQ(ioctl(fd, TILL_MSR_ARM), 0);
	nap(1000);
	check_empty(fd);
}

TEST_F(msr, good_reads_are_counted)
{
	unsigned long good = statistic("msr", "good_read_count");
	int fd = open_armed();

	swipe(fd);
	CHECK_EQ(statistic("msr", "good_read_count"), good + 1);
}

/* Its probe fails, and the next reader is none the worse. */
TEST_F(msr, a_reader_without_tracks_is_not_taken)
{
	sim("unplug msr");
	CHECK_SOON(!device_is_plugged("msr"));
	sim("plug msr wrong-mode");
	nap(1000);
	CHECK(!device_is_plugged("msr"));
	use_reader("sureswipe");
	swipe(open_armed());
}

/* The module's ids have no interface, but the keys beside a reader are no reader's. */
TEST_F(msr, keys_beside_a_reader_are_a_keyboard)
{
	struct till_msr_swipe record;
	char node[64], path[128];
	glob_t inputs;
	int fd;

	use_reader("versakey");
	CHECK(find_node("msr", node, sizeof(node)));
	snprintf(path, sizeof(path), "/sys/class/till/%s/device/../../*:1.1/*/input/input*",
		 node + 5);
	CHECK_SOON(!glob(path, 0, NULL, &inputs));
	snprintf(path, sizeof(path), "/sys/class/till/%s/device/input", node + 5);
	CHECK_ERRNO(access(path, F_OK), ENOENT);

	fd = open_armed();
	swipe(fd);
	read_swipe(fd, &record);
	check_text(&record.track[1], TRACK2);
}

TEST_F(msr, a_blocked_read_gets_the_swipe)
{
	struct till_msr_swipe record;
	struct blocked b = { .fd = open_armed(), .buf = &record, .size = sizeof(record) };

	start_blocked(&b, blocked_read);
	sim("swipe " CARD);
	end_blocked(&b);
	CHECK_EQ(b.result, sizeof(record));
}

TEST_F(msr, a_signal_ends_a_read)
{
	struct till_msr_swipe record;
	int fd = open_armed();

	interrupt_after(200);
	CHECK_ERRNO(read(fd, &record, sizeof(record)), EINTR);
}

TEST_F(msr, no_swipe_becomes_a_keystroke)
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

TEST_F(msr, unplugging_ends_everything)
{
	struct till_msr_swipe record;
	struct blocked b = { .fd = open_armed(), .buf = &record, .size = sizeof(record) };

	check_unplugged("msr", &b, blocked_read);
}

TEST_HARNESS_MAIN
