// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The simulated EMV reader with a card in it takes any host: the bytes are what comes on the USB/IP socket, or, after
 * a first byte that is odd, CCID messages with a length byte before each, which reach the card more often. The next
 * bits of that byte choose the reader.
 */

#include <endian.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "card/icc.h"
#include "usb/device.h"
#include "usb/emv.h"
#include "tests/fuzz/fuzz.h"

static void settle(sd_event *event, int fd) {
        uint8_t sink[65536];

        while (sd_event_run(event, 0) > 0)
                ;
        while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                ;
}

static void submit(int fd, uint32_t ep, uint32_t direction, const uint8_t setup[8], const uint8_t *data, size_t size) {
        static uint32_t seqnum;
        uint32_t h[12] = {
                htobe32(1),
                htobe32(++seqnum),
                htobe32(65539),
                htobe32(direction),
                htobe32(ep),
                0,
                htobe32(direction ? 4096 : size),
        };

        if (setup)
                memcpy(h + 10, setup, 8);
        (void) send(fd, h, sizeof(h), MSG_NOSIGNAL);
        if (size > 0)
                (void) send(fd, data, size, MSG_NOSIGNAL);
}

static void messages(sd_event *event, int fd, const uint8_t *data, size_t size) {
        static const uint8_t set_configuration[8] = { 0, 9, 1 };

        submit(fd, 0, 0, set_configuration, NULL, 0);
        while (size > 1) {
                size_t n = MIN((size_t) data[0], size - 1);

                submit(fd, 1, 0, NULL, data + 1, n);
                submit(fd, 2, 1, NULL, NULL, 0);
                settle(event, fd);
                data += 1 + n;
                size -= 1 + n;
        }
}

static void choose_reader(struct emv *emv, unsigned int n) {
        static const char *const options[] = {
                "",
                "--level short --keypad",
                "--level tpdu --keypad",
                "--level tpdu --keypad --protocol t1",
                "--level tpdu --atr 3BE700008171FE450154494C4C53494DE7 --ifsd 20",
                "--level tpdu --atr 3B97968031FE4554494C4C53494D41",
                "--level tpdu --message-max 64",
                "--message-max 65554",
        };
        struct reader reader;
        const char *wrong;
        char line[128];

        strcpy(line, options[n % ELEMENTSOF(options)]);
        if (reader_parse(line, &reader, &wrong) >= 0)
                emv_set_reader(emv, &reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(icc_freep) struct icc *icc = NULL;
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct device *device;
        struct sim_card *card;
        int pair[2];

        if (size == 0 ||
            sim_card_load(data[0] & 0x10 ? "tests/sim/cards/echo.card" : "tests/sim/cards/two-applications.card",
                          &card) < 0)
                return 0;
        if (icc_new(card, &icc) < 0 || sd_event_new(&event) < 0 || emv_new(event, &emv) < 0 ||
            emv_insert(emv, icc) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
                return 0;
        choose_reader(emv, data[0] >> 1);
        if (data[0] & 0x20)
                for (enum contact_quirk q = 0; q < CONTACT_QUIRKS; q++)
                        emv_set_quirk(emv, q, 1 + q);
        fd = pair[0];
        device = (struct device *) emv;
        if (usb_device_new(event, pair[1], device->model, device->class, device, &device->usb) < 0)
                return 0;
        if (data[0] & 1)
                messages(event, fd, data + 1, size - 1);
        else
                (void) send(fd, data + 1, size - 1, MSG_NOSIGNAL);
        settle(event, fd);
        return 0;
}
