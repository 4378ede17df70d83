/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The card in QEMU's CCID reader, played at its other end: libcacard's vscard
 * protocol on a virtio-serial port (the cases' "qemu:" lines connect the two).
 */
#ifndef TILL_CARD_H
#define TILL_CARD_H

#include <arpa/inet.h>

#include "till_test.h"

#define CARD_PORT	"/dev/virtio-ports/till.card"

enum {
	VSC_INIT = 1,
	VSC_ATR = 5,
	VSC_CARD_REMOVE = 6,
	VSC_APDU = 7,
};

struct vsc_header {
	uint32_t type;
	uint32_t reader;
	uint32_t length;
};

static int card_port;
/* The card takes commands and answers none. */
static volatile bool card_mute;
static volatile unsigned int card_commands;

static void card_send(uint32_t type, const void *data, size_t length)
{
	const struct vsc_header header = { htonl(type), htonl(0), htonl(length) };
	uint8_t message[sizeof(header) + 304];

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), data, length);
	CHECK_EQ(write(card_port, message, sizeof(header) + length), sizeof(header) + length);
}

static void card_read(void *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = read(card_port, (uint8_t *)buf + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		/* Zero as long as QEMU's end is not connected. */
		if (n == 0)
			nap(20);
		CHECK(n >= 0);
		done += n;
	}
}

/* Answers each command with itself and 9000. */
static void *card_run(void *p)
{
	struct vsc_header header;
	uint8_t data[300];

	for (;;) {
		size_t length;

		card_read(&header, sizeof(header));
		length = ntohl(header.length);
		CHECK(length + 2 <= sizeof(data));
		card_read(data, length);
		if (ntohl(header.type) != VSC_APDU)
			continue;
		card_commands++;
		if (card_mute)
			continue;
		data[length] = 0x90;
		data[length + 1] = 0x00;
		card_send(VSC_APDU, data, length + 2);
	}
	return NULL;
}

/* QEMU's reader is there, without a card. */
TILL_MAYBE static void card_start(void)
{
	static const uint8_t init[12] = "VSCD\0\0\0\2";
	pthread_t thread;

	card_port = open(CARD_PORT, O_RDWR | O_CLOEXEC);
	CHECK(card_port >= 0);
	CHECK_EQ(pthread_create(&thread, NULL, card_run, NULL), 0);
	card_send(VSC_INIT, init, sizeof(init));
	card_send(VSC_CARD_REMOVE, NULL, 0);
}

TILL_MAYBE static void card_insert(void)
{
	static const uint8_t atr[] = { 0x3b, 0x02, 0x54, 0x4c };

	card_send(VSC_ATR, atr, sizeof(atr));
}

#endif /* TILL_CARD_H */
