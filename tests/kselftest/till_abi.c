// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of every structure and the number of every command, written out,
 * and each command called on its node. Built for 64 bits and, as till_abi32,
 * for 32: the same numbers must hold, and compat_ioctl() must take the same.
 */
#include <stddef.h>

#include "till_test.h"

struct member {
	const char *name;
	size_t offset;
	size_t size;
	size_t offset_here;
	size_t size_here;
};

#define MEMBER(_type, _member, _offset, _size)				\
	{								\
		.name = #_type "." #_member,				\
		.offset = (_offset),					\
		.size = (_size),					\
		.offset_here = offsetof(struct _type, _member),		\
		.size_here = sizeof(((struct _type *)NULL)->_member),	\
	}

#define WHOLE(_type, _size)						\
	{								\
		.name = #_type,						\
		.size = (_size),					\
		.size_here = sizeof(struct _type),			\
	}

static const struct member members[] = {
	MEMBER(till_info, size, 0, 4),
	MEMBER(till_info, kind, 4, 4),
	MEMBER(till_info, features, 8, 8),
	MEMBER(till_info, vendor, 16, 2),
	MEMBER(till_info, product, 18, 2),
	MEMBER(till_info, release, 20, 2),
	MEMBER(till_info, __reserved, 22, 2),
	WHOLE(till_info, 24),

	MEMBER(till_msr_track, errors, 0, 1),
	MEMBER(till_msr_track, flags, 1, 1),
	MEMBER(till_msr_track, length, 2, 1),
	MEMBER(till_msr_track, encrypted_length, 3, 1),
	MEMBER(till_msr_track, __reserved, 4, 4),
	MEMBER(till_msr_track, data, 8, 120),
	MEMBER(till_msr_track, encrypted, 128, 128),
	WHOLE(till_msr_track, 256),

	MEMBER(till_msr_swipe, size, 0, 4),
	MEMBER(till_msr_swipe, sequence, 4, 4),
	MEMBER(till_msr_swipe, time_ns, 8, 8),
	MEMBER(till_msr_swipe, encode, 16, 1),
	MEMBER(till_msr_swipe, encryption, 17, 1),
	MEMBER(till_msr_swipe, ksn_length, 18, 1),
	MEMBER(till_msr_swipe, __reserved, 19, 1),
	MEMBER(till_msr_swipe, ksn, 20, 12),
	MEMBER(till_msr_swipe, track, 32, 1024),
	WHOLE(till_msr_swipe, 1056),

	MEMBER(till_msr_options, size, 0, 4),
	MEMBER(till_msr_options, keep_ms, 4, 4),
	WHOLE(till_msr_options, 8),

	MEMBER(till_emv_info, size, 0, 4),
	MEMBER(till_emv_info, level, 4, 4),
	MEMBER(till_emv_info, ccid_features, 8, 4),
	MEMBER(till_emv_info, max_block, 12, 4),
	MEMBER(till_emv_info, slots, 16, 4),
	MEMBER(till_emv_info, voltages, 20, 4),
	MEMBER(till_emv_info, protocols, 24, 4),
	MEMBER(till_emv_info, max_ifsd, 28, 4),
	MEMBER(till_emv_info, default_clock, 32, 4),
	MEMBER(till_emv_info, max_clock, 36, 4),
	MEMBER(till_emv_info, data_rate, 40, 4),
	MEMBER(till_emv_info, max_data_rate, 44, 4),
	MEMBER(till_emv_info, display, 48, 2),
	MEMBER(till_emv_info, pin_support, 50, 1),
	MEMBER(till_emv_info, class_get_response, 51, 1),
	MEMBER(till_emv_info, class_envelope, 52, 1),
	MEMBER(till_emv_info, __reserved, 53, 3),
	WHOLE(till_emv_info, 56),

	MEMBER(till_emv_state, size, 0, 4),
	MEMBER(till_emv_state, exchange, 4, 4),
	MEMBER(till_emv_state, card, 8, 4),
	MEMBER(till_emv_state, insertions, 12, 4),
	MEMBER(till_emv_state, event, 16, 8),
	WHOLE(till_emv_state, 24),

	MEMBER(till_emv_power, size, 0, 4),
	MEMBER(till_emv_power, voltage, 4, 4),
	MEMBER(till_emv_power, atr_length, 8, 4),
	MEMBER(till_emv_power, atr, 12, 33),
	MEMBER(till_emv_power, __reserved, 45, 3),
	WHOLE(till_emv_power, 48),

	MEMBER(till_emv_parameters, size, 0, 4),
	MEMBER(till_emv_parameters, protocol, 4, 4),
	MEMBER(till_emv_parameters, length, 8, 4),
	MEMBER(till_emv_parameters, data, 12, 8),
	MEMBER(till_emv_parameters, __reserved, 20, 4),
	WHOLE(till_emv_parameters, 24),

	MEMBER(till_emv_waiting, size, 0, 4),
	MEMBER(till_emv_waiting, multiplier, 4, 4),
	WHOLE(till_emv_waiting, 8),

	MEMBER(till_emv_pin, size, 0, 4),
	MEMBER(till_emv_pin, timeout, 4, 1),
	MEMBER(till_emv_pin, format, 5, 1),
	MEMBER(till_emv_pin, block, 6, 1),
	MEMBER(till_emv_pin, length_format, 7, 1),
	MEMBER(till_emv_pin, validation, 8, 1),
	MEMBER(till_emv_pin, messages, 9, 1),
	MEMBER(till_emv_pin, message, 10, 1),
	MEMBER(till_emv_pin, prologue, 11, 3),
	MEMBER(till_emv_pin, digits, 14, 2),
	MEMBER(till_emv_pin, language, 16, 2),
	MEMBER(till_emv_pin, apdu_length, 18, 2),
	MEMBER(till_emv_pin, apdu, 20, 260),
	WHOLE(till_emv_pin, 280),

	MEMBER(till_printer_status, size, 0, 4),
	MEMBER(till_printer_status, online, 4, 4),
	MEMBER(till_printer_status, paper, 8, 4),
	MEMBER(till_printer_status, flags, 12, 4),
	MEMBER(till_printer_status, errors, 16, 4),
	MEMBER(till_printer_status, online_source, 20, 1),
	MEMBER(till_printer_status, paper_source, 21, 1),
	MEMBER(till_printer_status, near_end_source, 22, 1),
	MEMBER(till_printer_status, cover_source, 23, 1),
	MEMBER(till_printer_status, drawer_source, 24, 1),
	MEMBER(till_printer_status, feed_source, 25, 1),
	MEMBER(till_printer_status, cutter_source, 26, 1),
	MEMBER(till_printer_status, error_source, 27, 1),
	MEMBER(till_printer_status, __reserved, 28, 4),
	MEMBER(till_printer_status, event, 32, 8),
	WHOLE(till_printer_status, 40),

	MEMBER(till_printer_progress, size, 0, 4),
	MEMBER(till_printer_progress, __reserved, 4, 4),
	MEMBER(till_printer_progress, accepted, 8, 8),
	MEMBER(till_printer_progress, completed, 16, 8),
	WHOLE(till_printer_progress, 24),

	MEMBER(till_printer_device_id, size, 0, 4),
	MEMBER(till_printer_device_id, length, 4, 4),
	MEMBER(till_printer_device_id, id, 8, 1022),
	MEMBER(till_printer_device_id, __reserved, 1030, 2),
	WHOLE(till_printer_device_id, 1032),
};

TEST(layout)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		EXPECT_EQ(members[i].offset, members[i].offset_here) TH_LOG("%s", members[i].name);
		EXPECT_EQ(members[i].size, members[i].size_here) TH_LOG("%s", members[i].name);
	}
}

/*
 * Commands: what may come of one on a device with nothing in it, beside success.
 * None may be ENOTTY, nor EFAULT: both would mean another layout.
 */
struct command {
	const char *name;
	const char *kind;
	unsigned int number;
	unsigned int number_here;
	size_t size;
	int may_be;
};

#define COMMAND(_kind, _name, _number, _size, _may_be)			\
	{								\
		.name = #_name,						\
		.kind = (_kind),					\
		.number = (_number),					\
		.number_here = (_name),					\
		.size = (_size),					\
		.may_be = (_may_be),					\
	}

static const struct command commands[] = {
	COMMAND("msr", TILL_GET_INFO, 0xbe00, 24, 0),
	COMMAND("emv", TILL_GET_INFO, 0xbe00, 24, 0),
	COMMAND("printer", TILL_GET_INFO, 0xbe00, 24, 0),
	COMMAND("msr", TILL_MSR_ARM, 0xbe10, 0, 0),
	COMMAND("msr", TILL_MSR_DISARM, 0xbe11, 0, 0),
	COMMAND("msr", TILL_MSR_GET_OPTIONS, 0xbe12, 8, 0),
	COMMAND("msr", TILL_MSR_SET_OPTIONS, 0xbe13, 8, 0),
	COMMAND("emv", TILL_EMV_GET_INFO, 0xbe20, 56, 0),
	COMMAND("emv", TILL_EMV_GET_STATE, 0xbe21, 24, 0),
	COMMAND("emv", TILL_EMV_POWER_ON, 0xbe22, 48, ENOMEDIUM),
	COMMAND("emv", TILL_EMV_POWER_OFF, 0xbe23, 0, 0),
	COMMAND("emv", TILL_EMV_ABORT, 0xbe24, 0, 0),
	COMMAND("emv", TILL_EMV_GET_PARAMETERS, 0xbe25, 24, ENOMEDIUM),
	COMMAND("emv", TILL_EMV_SET_PARAMETERS, 0xbe26, 24, EINVAL),
	COMMAND("emv", TILL_EMV_SET_WAITING, 0xbe27, 8, EOPNOTSUPP),
	COMMAND("emv", TILL_EMV_VERIFY_PIN, 0xbe28, 280, EOPNOTSUPP),
	COMMAND("printer", TILL_PRINTER_GET_STATUS, 0xbe30, 40, 0),
	COMMAND("printer", TILL_PRINTER_GET_PROGRESS, 0xbe31, 24, 0),
	COMMAND("printer", TILL_PRINTER_GET_DEVICE_ID, 0xbe32, 1032, 0),
	COMMAND("printer", TILL_PRINTER_GET_PORT_STATUS, 0xbe33, 0, 0),
	COMMAND("printer", TILL_PRINTER_SOFT_RESET, 0xbe34, 0, 0),
};

TEST(numbers)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		EXPECT_EQ(commands[i].number, commands[i].number_here) TH_LOG("command %u", i);
}

FIXTURE(node)
{
	int fd;
};

FIXTURE_VARIANT(node)
{
	const char *kind;
};

FIXTURE_VARIANT_ADD(node, msr)
{
	.kind = "msr",
};

FIXTURE_VARIANT_ADD(node, emv)
{
	.kind = "emv",
};

FIXTURE_VARIANT_ADD(node, printer)
{
	.kind = "printer",
};

FIXTURE_SETUP(node)
{
	sim_try("misbehave none");
	plug_device(variant->kind);
	if (!strcmp(variant->kind, "emv")) {
		sim_try("remove");
		CHECK_SOON(attribute_is("emv", "card", "absent"));
	}
	self->fd = open_device(variant->kind, O_RDWR);
}

FIXTURE_TEARDOWN(node)
{
	close(self->fd);
}

/* Aligned as no structure needs it, so that an offset that differs is seen. */
#define ROOM	2048

static void run_command(struct __test_metadata *_metadata, int fd, const struct command *command)
{
	__u8 arg[ROOM] __attribute__((aligned(8)));
	__u32 size = command->size;
	int ret;

	memset(arg, 0, sizeof(arg));
	memset(arg + size, 0xa5, sizeof(arg) - size);
	memcpy(arg, &size, sizeof(size));
	errno = 0;
	ret = ioctl(fd, command->number, size ? arg : NULL);

	EXPECT_TRUE(ret >= 0 || errno == command->may_be)
		TH_LOG("%s: %s", command->name, strerror(errno));
	EXPECT_EQ(0xa5, arg[size ? size : sizeof(size)]) TH_LOG("%s", command->name);
}

TEST_F(node, every_command)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].kind, variant->kind))
			run_command(_metadata, self->fd, &commands[i]);
}

/* A pointer above 4 GiB must not be taken for one below, nor the other way round. */
TEST_F(node, info)
{
	struct till_info *info = malloc(sizeof(*info));

	ASSERT_TRUE(!!info);
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	ASSERT_EQ(0, ioctl(self->fd, TILL_GET_INFO, info));
	EXPECT_EQ(sizeof(*info), info->size);
	EXPECT_EQ(usb_number(variant->kind, "idVendor", 16), info->vendor);
	EXPECT_EQ(usb_number(variant->kind, "idProduct", 16), info->product);
	free(info);
}

TEST_HARNESS_MAIN
