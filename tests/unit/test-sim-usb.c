// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/hex.h"
#include "card/icc.h"
#include "paper/paper.h"
#include "usb/device.h"
#include "usb/emv.h"
#include "usb/stripe.h"

/* The host's side of USB/IP, as vhci_hcd plays it. */

#define IN 1
#define OUT 0

struct host {
        sd_event *event;
        int fd;
        uint32_t seqnum;
        struct device *device;
};

struct answer {
        uint32_t command, seqnum;
        int status;
        uint32_t actual;
        uint8_t data[4096];
};

static struct host host;

static void plug(struct device *d) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        host.fd = pair[0];
        host.device = d;
        assert_int_equal(usb_device_new(host.event, pair[1], d->model, d->class, d, &d->usb), 0);
}

static void unplug(void) {
        host.device->usb = usb_device_free(host.device->usb);
        close(host.fd);
}

/* Lets the device do all that it can do now. */
static void settle(void) {
        while (sd_event_run(host.event, 0) > 0)
                ;
}

static uint32_t send_header(uint32_t command, uint32_t ep, uint32_t direction, uint32_t word5, uint32_t word6,
                            const uint8_t setup[8], const void *data, size_t size) {
        uint32_t h[12] = {
                htobe32(command), htobe32(++host.seqnum), htobe32(65538), htobe32(direction),
                htobe32(ep),      htobe32(word5),         htobe32(word6),
        };

        if (setup)
                memcpy(h + 10, setup, 8);
        assert_int_equal(send(host.fd, h, sizeof(h), 0), sizeof(h));
        if (size > 0)
                assert_int_equal(send(host.fd, data, size, 0), size);
        settle();
        return host.seqnum;
}

static uint32_t submit_in(unsigned int ep, size_t size) {
        return send_header(1, ep, IN, 0, size, NULL, NULL, 0);
}

static uint32_t submit_out(unsigned int ep, const void *data, size_t size) {
        return send_header(1, ep, OUT, 0, size, NULL, data, size);
}

static uint32_t submit_unlink(uint32_t seqnum) {
        return send_header(2, 0, OUT, seqnum, 0, NULL, NULL, 0);
}

/* Reads the next answer; false if there is none. in: data follows the header. */
static bool receive(struct answer *a, bool in) {
        uint32_t h[12];
        ssize_t n = recv(host.fd, h, sizeof(h), 0);

        memset(a, 0, sizeof(*a));
        if (n < 0)
                return false;
        assert_int_equal(n, sizeof(h));
        a->command = be32toh(h[0]);
        a->seqnum = be32toh(h[1]);
        a->status = (int) be32toh(h[5]);
        a->actual = a->command == 3 ? be32toh(h[6]) : 0;
        assert_true(a->actual <= sizeof(a->data));
        if (in && a->actual > 0)
                assert_int_equal(recv(host.fd, a->data, a->actual, 0), a->actual);
        return true;
}

/* A control transfer; returns the bytes, or the negative status. */
static int control(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length, struct answer *a) {
        uint8_t setup[8] = { type,         request,    value & 0xff,  value >> 8,
                             index & 0xff, index >> 8, length & 0xff, length >> 8 };
        uint8_t zeros[256] = {};
        bool in = type & 0x80;
        uint32_t seqnum = send_header(1, 0, in ? IN : OUT, 0, length, setup, zeros, in ? 0 : length);

        assert_true(receive(a, in));
        assert_int_equal(a->command, 3);
        assert_int_equal(a->seqnum, seqnum);
        return a->status < 0 ? a->status : (int) a->actual;
}

static void expect_in(uint32_t seqnum, struct answer *a) {
        assert_true(receive(a, true));
        assert_int_equal(a->command, 3);
        assert_int_equal(a->seqnum, seqnum);
        assert_int_equal(a->status, 0);
}

static void expect_out(uint32_t seqnum, size_t size) {
        struct answer a;

        assert_true(receive(&a, false));
        assert_int_equal(a.seqnum, seqnum);
        assert_int_equal(a.status, 0);
        assert_int_equal(a.actual, size);
}

static void expect_nothing(void) {
        struct answer a;

        assert_false(receive(&a, false));
}

static void configure(void) {
        struct answer a;

        assert_int_equal(control(0x00, 9, 1, 0, 0, &a), 0);
        assert_true(usb_device_is_configured(host.device->usb));
}

static int setup_loop(void **state) {
        return sd_event_new(&host.event);
}

static int end_loop(void **state) {
        host.event = sd_event_unref(host.event);
        return 0;
}

static void enumeration(void **state) {
        _cleanup_(msr_freep) struct msr *msr = NULL;
        struct answer a;

        assert_int_equal(msr_new(host.event, &msr), 0);
        plug((struct device *) msr);
        assert_int_equal(control(0x80, 6, 0x0100, 0, 64, &a), 18);
        assert_memory_equal(a.data + 8, "\x01\x08\x02\x00", 4);
        assert_int_equal(control(0x80, 6, 0x0100, 0, 8, &a), 8);
        assert_int_equal(control(0x80, 6, 0x0200, 0, 9, &a), 9);
        assert_int_equal(a.data[2] | a.data[3] << 8, 34);
        assert_int_equal(control(0x80, 6, 0x0200, 0, 255, &a), 34);
        assert_int_equal(control(0x80, 6, 0x0300, 0, 255, &a), 4);
        assert_int_equal(control(0x80, 6, 0x0301, 0x0409, 255, &a), 16);
        assert_memory_equal(a.data, "\x10\x03M\0a\0g\0-\0T\0e\0k\0", 16);
        assert_int_equal(control(0x80, 6, 0x0309, 0x0409, 255, &a), -EPIPE);
        assert_int_equal(control(0x80, 6, 0x0600, 0, 10, &a), -EPIPE); /* device qualifier */
        assert_int_equal(control(0x80, 0, 0, 0, 2, &a), 2);
        assert_int_equal(control(0xc0, 0x77, 0, 0, 2, &a), -EPIPE);
        assert_int_equal(control(0x00, 9, 7, 0, 0, &a), -EPIPE);
        assert_false(usb_device_is_configured(host.device->usb));
        configure();
        assert_int_equal(control(0x80, 8, 0, 0, 1, &a), 1);
        assert_int_equal(a.data[0], 1);
        unplug();
}

static void swipe(void **state) {
        _cleanup_(msr_freep) struct msr *msr = NULL;
        _cleanup_(sim_card_freep) struct sim_card *card = NULL, *other = NULL;
        struct stripe stripe, second_stripe;
        struct answer a;
        uint32_t first, second;

        assert_int_equal(sim_card_load("tests/sim/cards/stripe.card", &card), 0);
        assert_int_equal(sim_card_load("tests/sim/cards/unionpay.card", &other), 0);
        stripe_from_card(card, &stripe);
        stripe_from_card(other, &second_stripe);
        assert_int_equal(msr_new(host.event, &msr), 0);
        assert_int_equal(msr_swipe(msr, &stripe), -ENODEV);
        plug((struct device *) msr);
        configure();
        assert_int_equal(control(0x81, 6, 0x2200, 0, 255, &a), 61);
        assert_memory_equal(a.data, "\x06\x00\xff\x09\x01\xa1\x01", 7);

        first = submit_in(1, 337);
        second = submit_in(1, 337);
        expect_nothing();
        assert_int_equal(msr_swipe(msr, &stripe), 0);
        expect_in(first, &a);
        assert_int_equal(a.actual, 337);
        assert_memory_equal(a.data, "\0\0\0\x34\x24\0\0", 7);
        assert_memory_equal(a.data + 7, card->track[0], 52);
        assert_memory_equal(a.data + 117, card->track[1], 36);
        expect_nothing();

        /* the other is taken back and answered as such, and not twice */
        first = submit_unlink(second);
        assert_true(receive(&a, false));
        assert_int_equal(a.command, 4);
        assert_int_equal(a.seqnum, first);
        assert_int_equal(a.status, -ECONNRESET);
        submit_unlink(second);
        assert_true(receive(&a, false));
        assert_int_equal(a.status, 0);

        /* what is taken back before it has come is not begun */
        submit_unlink(host.seqnum + 2);
        assert_true(receive(&a, false));
        assert_int_equal(a.status, 0);
        first = submit_in(1, 337);
        assert_true(receive(&a, false));
        assert_int_equal(a.command, 3);
        assert_int_equal(a.seqnum, first);
        assert_int_equal(a.status, -ECONNRESET);

        /* nobody listens: the newest swipe is what waits */
        assert_int_equal(msr_swipe(msr, &stripe), 0);
        msr_misbehave(msr, MSR_BAD_READ);
        assert_int_equal(msr_swipe(msr, &second_stripe), 0);
        assert_int_equal(msr_swipe(msr, &second_stripe), 0);
        expect_in(submit_in(1, 337), &a);
        assert_memory_equal(a.data + 117, other->track[1], 36);
        submit_in(1, 337);
        expect_nothing();
        msr_misbehave(msr, MSR_BAD_READ);
        assert_int_equal(msr_swipe(msr, &second_stripe), 0);
        assert_true(receive(&a, true));
        assert_memory_equal(a.data, "\1\1\0\0\0\0\5", 7);
        unplug();
}

/* Sends a CCID message, and returns the answer to it. */
static void ccid(const char *message, struct answer *a) {
        uint8_t bytes[512];
        ssize_t n = hex_decode(message, bytes, sizeof(bytes));

        assert_true(n >= 10);
        expect_out(submit_out(1, bytes, n), n);
        expect_in(submit_in(2, 4096), a);
}

static void expect_message(const struct answer *a, const char *message) {
        uint8_t bytes[512];
        ssize_t n = hex_decode(message, bytes, sizeof(bytes));

        assert_int_equal(a->actual, n);
        assert_memory_equal(a->data, bytes, n);
}

static struct icc *open_icc(const char *path) {
        struct sim_card *card;
        struct icc *icc;

        assert_int_equal(sim_card_load(path, &card), 0);
        assert_int_equal(icc_new(card, &icc), 0);
        return icc;
}

#define SELECT "00A4040008A00000033301010100"

static void reader(void **state) {
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *icc = open_icc("tests/sim/cards/unionpay.card");
        struct answer a;
        uint32_t notice;

        assert_int_equal(emv_new(host.event, &emv), 0);
        plug((struct device *) emv);
        configure();
        assert_int_equal(control(0x80, 6, 0x0200, 0, 255, &a), 93);
        assert_int_equal(a.data[18], 54);
        assert_int_equal(a.data[18 + 42] & 0x07, 0x04); /* extended APDUs */

        notice = submit_in(3, 8);
        ccid("65 00000000 00 01 000000", &a);
        expect_message(&a, "81 00000000 00 01 02 00 01");
        ccid("62 00000000 00 02 000000", &a);
        expect_message(&a, "80 00000000 00 02 42 FE 00");
        assert_int_equal(emv_remove(emv), -ENOENT);
        assert_int_equal(emv_insert(emv, icc), 0);
        assert_int_equal(emv_insert(emv, icc), -EBUSY);
        expect_in(notice, &a);
        expect_message(&a, "5003");

        ccid("6F 0E000000 00 03 00 0000" SELECT, &a); /* no power */
        expect_message(&a, "80 00000000 00 03 41 FE 00");
        ccid("62 00000000 00 04 000000", &a);
        expect_message(&a, "80 0B000000 00 04 00 00 00 3B67000054494C4C53494D");
        ccid("6C 00000000 00 05 000000", &a);
        expect_message(&a, "82 05000000 00 05 00 00 00 1100000A00");
        ccid("61 05000000 00 06 00 0000 1100000B00", &a);
        expect_message(&a, "82 05000000 00 06 00 00 00 1100000B00");
        ccid("61 05000000 00 06 02 0000 1100000B00", &a);
        expect_message(&a, "82 00000000 00 06 40 07 00");
        ccid("6F 0E000000 00 07 00 0000" SELECT, &a);
        assert_memory_equal(a.data, "\x80\x2a\0\0\0\0\x07\0\0\0\x6f\x26", 12);
        assert_memory_equal(a.data + a.actual - 2, "\x90\x00", 2);

        ccid("6B 01000000 00 08 000000 00", &a); /* escape */
        expect_message(&a, "83 00000000 00 08 40 00 00");
        ccid("69 00000000 00 09 000000", &a); /* no keypad */
        expect_message(&a, "80 00000000 00 09 40 00 00");
        ccid("65 00000000 01 0A 000000", &a); /* no second slot */
        expect_message(&a, "81 00000000 01 0A 40 05 00");

        notice = submit_in(3, 8);
        assert_int_equal(emv_remove(emv), 0);
        expect_in(notice, &a);
        expect_message(&a, "5002");
        ccid("63 00000000 00 0B 000000", &a);
        expect_message(&a, "81 00000000 00 0B 02 00 00");
        unplug();
}

/* A fault of the card's file that takes it out of the slot. */
static void removed_by_itself(void **state) {
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *icc = NULL;
        const char *reason = NULL;
        struct sim_card *card;
        struct answer a;

        assert_int_equal(sim_card_load("tests/sim/cards/unionpay.card", &card), 0);
        assert_int_equal(sim_card_assign(card, "card", "fault", "select: removal", &reason), 0);
        assert_int_equal(icc_new(card, &icc), 0);
        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_insert(emv, icc), 0);
        plug((struct device *) emv);
        configure();
        expect_in(submit_in(3, 8), &a);
        ccid("62 00000000 00 01 000000", &a);
        ccid("6F 0E000000 00 02 00 0000" SELECT, &a);
        expect_message(&a, "80 00000000 00 02 42 FE 00");
        expect_in(submit_in(3, 8), &a);
        expect_message(&a, "5002");
        assert_int_equal(emv_remove(emv), -ENOENT);
        unplug();
}

static void chaining(void **state) {
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *icc = open_icc("tests/sim/cards/unionpay.card");
        struct answer a;

        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_insert(emv, icc), 0);
        plug((struct device *) emv);
        configure();
        ccid("62 00000000 00 01 000000", &a);
        ccid("6F 05000000 00 02 00 0100 00A4040008", &a);
        expect_message(&a, "80 00000000 00 02 00 00 10");
        ccid("6F 04000000 00 03 00 0300 A0000003", &a);
        expect_message(&a, "80 00000000 00 03 00 00 10");
        ccid("6F 05000000 00 04 00 0200 3301010100", &a);
        assert_memory_equal(a.data + 10, "\x6f\x26", 2);
        ccid("6F 05000000 00 05 00 0200 3301010100", &a); /* an end without a beginning */
        expect_message(&a, "80 00000000 00 05 40 08 00");
        ccid("6F 00000000 00 06 00 1000", &a);
        expect_message(&a, "80 00000000 00 06 40 08 00");
        ccid("6F FF0F0000 00 07 00 0000", &a); /* longer than the descriptor allows */
        expect_message(&a, "80 00000000 00 07 40 01 00");
        ccid("65 00000000 00 08 000000", &a);
        assert_int_equal(a.data[6], 8);
        unplug();
}

static void misbehaviour(void **state) {
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *icc = open_icc("tests/sim/cards/unionpay.card");
        struct answer a;

        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_insert(emv, icc), 0);
        plug((struct device *) emv);
        configure();
        ccid("62 00000000 00 01 000000", &a);

        emv_misbehave(emv, EMV_TIME_EXTENSION, 2, 1);
        ccid("6F 0E000000 00 02 00 0000" SELECT, &a);
        expect_message(&a, "80 00000000 00 02 80 01 00");
        ccid("65 00000000 00 03 000000", &a);
        expect_message(&a, "81 00000000 00 03 40 E0 00");
        for (int i = 0; i < 2; i++) {
                uint32_t seqnum = submit_in(2, 4096);

                assert_true(sd_event_run(host.event, UINT64_MAX) > 0);
                settle();
                expect_in(seqnum, &a);
                assert_int_equal(a.data[7], i == 0 ? 0x80 : 0x00);
        }
        assert_memory_equal(a.data + 10, "\x6f\x26", 2);

        /* ABORT takes both: by control, then by bulk with the same number */
        emv_misbehave(emv, EMV_TIME_EXTENSION, 100, 1);
        ccid("6F 0E000000 00 04 00 0000" SELECT, &a);
        assert_int_equal(control(0x21, 1, 0x0500, 0, 0, &a), 0);
        ccid("72 00000000 00 05 000000", &a);
        expect_message(&a, "80 00000000 00 04 40 FF 00");
        expect_in(submit_in(2, 4096), &a);
        expect_message(&a, "81 00000000 00 05 00 00 00");
        ccid("72 00000000 00 06 000000", &a);
        expect_message(&a, "81 00000000 00 06 40 FF 00");

        emv_misbehave(emv, EMV_HARDWARE_ERROR, 0, 1);
        ccid("6F 0E000000 00 07 00 0000" SELECT, &a);
        expect_message(&a, "80 00000000 00 07 40 FB 00");
        emv_misbehave(emv, EMV_MUTE, 0, 1);
        ccid("6F 0E000000 00 08 00 0000" SELECT, &a);
        expect_message(&a, "80 00000000 00 08 40 FE 00");
        ccid("62 00000000 00 09 000000", &a);
        expect_message(&a, "80 00000000 00 09 41 FE 00");

        /* a card that is pulled while the reader asks for time */
        emv_misbehave(emv, EMV_BEHAVE, 0, 1);
        ccid("62 00000000 00 0A 000000", &a);
        emv_misbehave(emv, EMV_TIME_EXTENSION, 100, 1);
        ccid("6F 0E000000 00 0B 00 0000" SELECT, &a);
        assert_int_equal(emv_remove(emv), 0);
        expect_in(submit_in(2, 4096), &a);
        expect_message(&a, "80 00000000 00 0B 42 FE 00");
        unplug();
}

static void set_reader(struct emv *emv, const char *options) {
        struct reader reader;
        const char *wrong;
        char line[128];

        strcpy(line, options);
        assert_int_equal(reader_parse(line, &reader, &wrong), 0);
        emv_set_reader(emv, &reader);
}

static void tpdu(void **state) {
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *icc = open_icc("tests/sim/cards/echo.card");
        struct answer a;

        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_insert(emv, icc), 0);
        set_reader(emv, "--level tpdu --voltages 5,3");
        plug((struct device *) emv);
        configure();
        ccid("62 00000000 00 01 000000", &a); /* it does not choose the voltage */
        expect_message(&a, "80 00000000 00 01 41 07 00");
        ccid("62 00000000 00 02 030000", &a); /* and has no 1.8 V */
        expect_message(&a, "80 00000000 00 02 41 07 00");
        emv_set_mute_at(emv, 1);
        ccid("62 00000000 00 03 010000", &a);
        expect_message(&a, "80 00000000 00 03 41 FE 00");
        ccid("62 00000000 00 04 020000", &a);
        expect_message(&a, "80 0B000000 00 04 00 00 00 3B67000054494C4C53494D");
        emv_set_quirk(emv, CONTACT_NULL, 2);
        emv_set_quirk(emv, CONTACT_SINGLE, 1);
        ccid("6F 07000000 00 05 00 0000 800E000002 AABB", &a);
        expect_message(&a, "80 02000000 00 05 00 00 00 6102");
        ccid("6F 05000000 00 06 00 0000 00C0000002", &a);
        expect_message(&a, "80 04000000 00 06 00 00 00 AABB9000");
        ccid("6F 04000000 00 07 00 0000 800E0000", &a);
        expect_message(&a, "80 02000000 00 07 00 00 00 9000");
        ccid("6F 08000000 00 08 00 0000 800E000002 AABB 00", &a); /* case 4 is no TPDU */
        expect_message(&a, "80 00000000 00 08 40 01 00");
        ccid("6F 04000000 00 09 00 0100 800E0000", &a); /* nothing is chained */
        expect_message(&a, "80 00000000 00 09 40 08 00");
        unplug();

        set_reader(emv, "--level tpdu --atr 3B97968031FE4554494C4C53494D41 --keypad");
        emv_behave(emv);
        plug((struct device *) emv);
        configure();
        ccid("62 00000000 00 01 010000", &a);
        ccid("6F 04000000 00 02 00 0000 FF119678", &a);
        expect_message(&a, "80 04000000 00 02 00 00 00 FF119678");
        ccid("61 07000000 00 03 01 0000 11104D002000FE", &a);
        ccid("6F 08000000 00 04 00 0000 000004800E00008A", &a); /* at another speed */
        expect_message(&a, "80 00000000 00 04 40 FE 00");
        ccid("61 07000000 00 05 01 0000 96104D002000FE", &a);
        emv_set_quirk(emv, CONTACT_WTX, 5);
        ccid("6F 08000000 00 06 00 0000 000004800E00008A", &a);
        expect_message(&a, "80 05000000 00 06 00 00 00 00C30105C7");
        ccid("6F 05000000 00 07 04 0000 00E30105E7", &a); /* less time than it needs */
        expect_message(&a, "80 00000000 00 07 40 FE 00");
        ccid("6F 05000000 00 08 05 0000 00E30105E7", &a);
        expect_message(&a, "80 06000000 00 08 00 00 00 000002900092");

        /* the PIN goes into a block whose prologue is the host's */
        assert_int_equal(emv_key(emv, EMV_KEY_PIN, "1234"), -ENXIO);
        {
                uint8_t secure[64];
                ssize_t n = hex_decode("69 1C000000 00 09 000000 00 00 894704 0C04 02 00 0904 00 00400D"
                                       "0020008008 20FFFFFFFFFFFFFF",
                                       secure, sizeof(secure));
                uint32_t seqnum;

                for (enum emv_key key = EMV_KEY_PIN; key <= EMV_KEY_TIMEOUT; key++) {
                        static const char *const answers[] = {
                                "80 06000000 00 09 00 00 00 0040029000D2",
                                "80 00000000 00 09 40 EF 00",
                                "80 00000000 00 09 40 F0 00",
                        };

                        expect_out(submit_out(1, secure, n), n);
                        seqnum = submit_in(2, 4096);
                        expect_nothing();
                        assert_true(emv_wants_pin(emv));
                        assert_int_equal(emv_key(emv, EMV_KEY_PIN, "12"), -ERANGE);
                        expect_nothing();
                        assert_int_equal(emv_key(emv, key, "1234"), 0);
                        assert_false(emv_wants_pin(emv));
                        expect_in(seqnum, &a);
                        expect_message(&a, answers[key]);
                }

                /* ABORT ends the wait */
                expect_out(submit_out(1, secure, n), n);
                assert_int_equal(control(0x21, 1, 0x0a00, 0, 0, &a), 0);
                ccid("72 00000000 00 0A 000000", &a);
                expect_message(&a, "80 00000000 00 09 40 FF 00");
                expect_in(submit_in(2, 4096), &a);
                expect_message(&a, "81 00000000 00 0A 00 00 00");
        }
        unplug();
}

/* A card that says nothing at its reset, and is taken out, is not held by the contacts any more. */
static void mute_and_removed(void **state) {
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *first = open_icc("tests/sim/cards/echo.card");
        _cleanup_(icc_freep) struct icc *second = open_icc("tests/sim/cards/echo.card");
        uint8_t atr[ICC_ATR_MAX], response[ICC_RESPONSE_MAX];
        struct answer a;

        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_insert(emv, first), 0);
        set_reader(emv, "--level tpdu --voltages 5,3");
        plug((struct device *) emv);
        configure();
        emv_set_mute_at(emv, 1);
        ccid("62 00000000 00 01 020000", &a);
        expect_message(&a, "80 0B000000 00 01 00 00 00 3B67000054494C4C53494D");
        ccid("62 00000000 00 02 010000", &a);
        expect_message(&a, "80 00000000 00 02 41 FE 00");
        assert_int_equal(emv_remove(emv), 0);
        assert_true(icc_power_on(first, atr) > 0); /* elsewhere */
        assert_int_equal(emv_insert(emv, second), 0);
        ccid("62 00000000 00 03 020000", &a);
        expect_message(&a, "80 0B000000 00 03 00 00 00 3B67000054494C4C53494D");
        assert_true(icc_transmit(first, (const uint8_t[]){ 0x80, 0x0e, 0, 0 }, 4, response) >= 2);
        unplug();
}

static void short_apdus(void **state) {
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *icc = open_icc("tests/sim/cards/echo.card");
        struct answer a;

        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_insert(emv, icc), 0);
        set_reader(emv, "--level short --no-interrupt --message-max 280");
        plug((struct device *) emv);
        configure();
        ccid("62 00000000 00 01 000000", &a);
        ccid("6F 08000000 00 02 00 0000 800E000002AABB00", &a);
        expect_message(&a, "80 04000000 00 02 00 00 00 AABB9000");
        ccid("6F 02000000 00 03 00 0100 800E", &a);
        expect_message(&a, "80 00000000 00 03 40 08 00");
        ccid("6F 07000000 00 04 00 0000 00B0000000012C", &a); /* 300 bytes do not fit */
        expect_message(&a, "80 00000000 00 04 40 FC 00");
        assert_int_equal(emv_remove(emv), 0); /* which nobody is told */
        ccid("65 00000000 00 05 000000", &a);
        expect_message(&a, "81 00000000 00 05 02 00 01");
        unplug();
}

static void misbehave(struct emv *emv, const char *words) {
        char line[64];

        strcpy(line, words);
        assert_int_equal(emv_misbehave_words(emv, line), 0);
}

static void twists(void **state) {
        static const struct {
                const char *words, *answer;
        } cases[] = {
                { "bad-seq", "81 00000000 00 02 01 00 01" },   { "bad-slot", "81 00000000 01 01 01 00 01" },
                { "bad-type", "80 00000000 00 01 01 00 01" },  { "error FB", "81 00000000 00 01 41 FB 01" },
                { "chain 07", "81 00000000 00 01 01 00 07" },  { "length 70000", "81 70110100 00 01 01 00 01" },
                { "short 9", "81 00000000 00 01 01 00" },      { "short 0", "" },
                { "answer 80FF0000000033", "80FF0000000001" }, { "answer 80", "80" },
        };
        static const char *const wrong[] = { "",          "dance",    "mute now",        "error",         "error 100",
                                             "length -1", "card",     "card wtx",        "card single 1", "stall up",
                                             "mute-at 4", "answer 8", "time-extension 0" };
        _cleanup_(emv_freep) struct emv *emv = NULL;
        _cleanup_(icc_freep) struct icc *icc = open_icc("tests/sim/cards/echo.card");
        struct answer a;
        uint32_t seqnum;

        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_insert(emv, icc), 0);
        plug((struct device *) emv);
        configure();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                misbehave(emv, cases[i].words);
                ccid("65 00000000 00 01 000000", &a);
                expect_message(&a, cases[i].answer);
                ccid("65 00000000 00 02 000000", &a); /* once */
                expect_message(&a, "81 00000000 00 02 01 00 01");
        }
        misbehave(emv, "stale 2");
        ccid("65 00000000 00 05 000000", &a);
        assert_int_equal(a.data[6], 3);
        expect_in(submit_in(2, 64), &a);
        assert_int_equal(a.data[6], 4);
        expect_in(submit_in(2, 64), &a);
        assert_int_equal(a.data[6], 5);
        misbehave(emv, "empty 1");
        ccid("65 00000000 00 05 000000", &a);
        assert_int_equal(a.actual, 0);
        expect_in(submit_in(2, 64), &a);
        assert_int_equal(a.actual, 10);

        misbehave(emv, "bus-error");
        expect_out(submit_out(1, "\x65\0\0\0\0\0\x05\0\0\0", 10), 10);
        submit_in(2, 64);
        assert_true(receive(&a, true));
        assert_int_equal(a.status, -EPROTO);
        misbehave(emv, "dead");
        expect_out(submit_out(1, "\x65\0\0\0\0\0\x06\0\0\0", 10), 10);
        expect_out(submit_out(1, "\x72\0\0\0\0\0\x06\0\0\0", 10), 10);
        emv_behave(emv);

        misbehave(emv, "late 1");
        expect_out(submit_out(1, "\x65\0\0\0\0\0\x07\0\0\0", 10), 10);
        seqnum = submit_in(2, 64);
        expect_nothing();
        assert_true(sd_event_run(host.event, UINT64_MAX) > 0);
        settle();
        expect_in(seqnum, &a);
        assert_int_equal(a.data[6], 7);

        ccid("62 00000000 00 08 000000", &a);
        misbehave(emv, "endless-chain");
        ccid("6F 06000000 00 09 00 0000 800E00000101", &a);
        assert_int_equal(a.data[9], 1);
        for (int i = 0; i < 100; i++) {
                ccid("6F 00000000 00 0A 00 1000", &a);
                assert_int_equal(a.data[9], 3);
        }
        emv_behave(emv);
        ccid("6F 06000000 00 0B 00 0000 800E00000101", &a);
        assert_int_equal(a.data[9], 0);

        misbehave(emv, "notify 51");
        expect_in(submit_in(3, 8), &a); /* the card */
        expect_in(submit_in(3, 8), &a);
        assert_int_equal(a.data[0], 0x51);
        misbehave(emv, "stall in");
        submit_in(2, 64);
        assert_true(receive(&a, true));
        assert_int_equal(a.status, -EPIPE);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char line[64];

                strcpy(line, wrong[i]);
                assert_int_equal(emv_misbehave_words(emv, line), -EINVAL);
        }
        unplug();
        {
                char line[] = "stall out";

                assert_int_equal(emv_misbehave_words(emv, line), -ENODEV);
        }
}

static void wire(void **state) {
        static const char want[] = "> 65000000000001000000\n< 81000000000001020001\n";
        _cleanup_(emv_freep) struct emv *emv = NULL;
        char path[] = "/tmp/wire-XXXXXX", got[256];
        _cleanup_close_ int fd = mkstemp(path);
        struct answer a;

        assert_true(fd >= 0);
        assert_int_equal(emv_new(host.event, &emv), 0);
        assert_int_equal(emv_log_wire(emv, "/nowhere/wire"), -ENOENT);
        assert_int_equal(emv_log_wire(emv, path), 0);
        plug((struct device *) emv);
        configure();
        ccid("65 00000000 00 01 000000", &a);
        assert_int_equal(emv_log_wire(emv, NULL), 0);
        ccid("65 00000000 00 02 000000", &a);
        assert_int_equal(read(fd, got, sizeof(got)), strlen(want));
        assert_memory_equal(got, want, strlen(want));
        assert_int_equal(unlink(path), 0);
        unplug();
}

static void printing(void **state) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        _cleanup_free_ char *text = NULL;
        struct answer a;
        uint32_t seqnum, status;

        assert_int_equal(printer_new(host.event, &printer), 0);
        plug((struct device *) printer);
        configure();
        assert_true(control(0xa1, 0, 0, 0, 1023, &a) > 20);
        assert_int_equal(a.data[0] << 8 | a.data[1], a.actual);
        assert_memory_equal(a.data + 2, "MFG:EPSON;", 10);
        assert_int_equal(control(0xa1, 0, 0, 0, 2, &a), 2);
        assert_int_equal(control(0xa1, 1, 0, 0, 1, &a), 1);
        assert_int_equal(a.data[0], 0x18);
        assert_int_equal(control(0x21, 2, 0, 0, 0, &a), 0);

        expect_out(submit_out(1, "hello\n", 6), 6);
        seqnum = submit_in(2, 64);
        expect_nothing();
        status = submit_out(1, "\x10\x04\x01", 3);
        expect_in(seqnum, &a);
        assert_int_equal(a.actual, 1);
        assert_int_equal(a.data[0] & 0x93, 0x12);
        expect_out(status, 3);

        assert_int_equal(printer_misbehave(printer, "no-answer"), 0);
        seqnum = submit_in(2, 64);
        expect_out(submit_out(1, "\x10\x04\x01", 3), 3);
        expect_nothing();
        unplug();
        assert_int_equal(paper_text(printer_paper(printer), PAPER_SHEET_ALL, &text), 0);
        assert_non_null(strstr(text, "hello"));
}

static void paper_out(void **state) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        static uint8_t block[2000];
        struct paper_status status;
        struct answer a;
        uint32_t seqnum, last = 0;
        size_t sent = 0;

        assert_int_equal(printer_new(host.event, &printer), 0);
        plug((struct device *) printer);
        configure();
        paper_set_paper(printer_paper(printer), PAPER_END);
        printer_changed(printer);
        assert_int_equal(control(0xa1, 1, 0, 0, 1, &a), 1);
        assert_true(a.data[0] & 0x20);

        /* what does not fit the printer's buffer waits on the bus */
        memset(block, '\n', sizeof(block));
        do {
                last = submit_out(1, block, sizeof(block));
                sent += sizeof(block);
                assert_true(sent < 1024 * 1024);
        } while (receive(&a, false));
        seqnum = submit_out(1, block, sizeof(block));
        expect_nothing();
        submit_unlink(seqnum);
        assert_true(receive(&a, false));
        assert_int_equal(a.command, 4);
        assert_int_equal(a.status, -ECONNRESET);

        paper_set_paper(printer_paper(printer), PAPER_OK);
        printer_changed(printer);
        for (int i = 0; i < 1000 && !receive(&a, false); i++)
                assert_true(sd_event_run(host.event, 10000) >= 0);
        assert_int_equal(a.seqnum, last);
        assert_int_equal(a.status, 0);
        paper_get_status(printer_paper(printer), &status);
        assert_int_equal(status.bytes_accepted, sent);
        unplug();
}

static void cut(struct printer *printer, const char *words, int result) {
        char line[64];

        strcpy(line, words);
        assert_int_equal(printer_cut(printer, line), result);
}

/* What till-sim's own loop does with a device that pulled itself out. */
static void expect_pulled(struct printer *printer) {
        struct device *d = (struct device *) printer;

        assert_true(d->pulled);
        expect_nothing();
        unplug();
        d->pulled = false;
}

static void replug(struct printer *printer) {
        plug((struct device *) printer);
        printer_power(printer);
        configure();
}

/* A transfer of so many lines, each of ten bytes. */
static uint32_t submit_lines(unsigned n) {
        char data[2048] = "";

        for (unsigned i = 0; i < n; i++)
                sprintf(data + 10 * i, "line %04u\n", i);
        return submit_out(1, data, 10 * n);
}

static void expect_lines(struct printer *printer, unsigned n) {
        _cleanup_free_ char *text = NULL;
        unsigned lines = 0;

        assert_int_equal(paper_text(printer_paper(printer), PAPER_SHEET_ALL, &text), 0);
        for (const char *at = text; (at = strstr(at, "line ")); at++)
                lines++;
        assert_int_equal(lines, n);
        paper_clear(printer_paper(printer));
}

static void cut_at_packet(void **state) {
        static const char *const wrong[] = { "",         "none 1",          "unplug",           "unplug packet",
                                             "unplug 1", "unplug packet 0", "unplug packet 1x", "unplug row 1",
                                             "dance",    "unplug byte 1" };
        _cleanup_(printer_freep) struct printer *printer = NULL;
        struct printer_counts counts;

        assert_int_equal(printer_new(host.event, &printer), 0);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                cut(printer, wrong[i], -EINVAL);

        /* 20 lines are 200 bytes, which are four packets; a short transfer is one more. */
        replug(printer);
        cut(printer, "none", 0);
        expect_out(submit_lines(20), 200);
        expect_out(submit_lines(1), 10);
        printer_get_counts(printer, &counts);
        assert_int_equal(counts.packets, 5);
        assert_int_equal(counts.rows, 21 * 30);
        assert_false(counts.cutting);
        expect_lines(printer, 21);
        unplug();

        for (unsigned n = 1; n <= 5; n++) {
                char words[64];

                replug(printer);
                sprintf(words, "unplug packet %u", n);
                cut(printer, words, 0);
                if (n == 5)
                        expect_out(submit_lines(20), 200);
                (void) submit_lines(n == 5 ? 1 : 20);
                expect_pulled(printer);
                printer_get_counts(printer, &counts);
                assert_int_equal(counts.packets, n - 1);
                assert_false(counts.cutting);
                expect_lines(printer, n == 5 ? 20 : (n - 1) * 64 / 10);
                /* What began a line is still in the printer: with its power on it prints that. */
                paper_soft_reset(printer_paper(printer));
        }
}

static void cut_power(void **state) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        uint32_t seqnum, asked;
        struct answer a;

        assert_int_equal(printer_new(host.event, &printer), 0);
        /* Without paper all of it is in the buffer, which is lost. */
        replug(printer);
        paper_set_paper(printer_paper(printer), PAPER_END);
        cut(printer, "power packet 3", 0);
        (void) submit_lines(20);
        expect_pulled(printer);
        paper_set_paper(printer_paper(printer), PAPER_OK);
        replug(printer);
        expect_lines(printer, 0);

        /* With the cable cut only, it is printed. */
        paper_set_paper(printer_paper(printer), PAPER_END);
        cut(printer, "unplug packet 3", 0);
        (void) submit_lines(20);
        expect_pulled(printer);
        replug(printer);
        paper_set_paper(printer_paper(printer), PAPER_OK);
        printer_changed(printer);
        expect_lines(printer, 12);
        paper_soft_reset(printer_paper(printer));

        cut(printer, "power row 100", 0);
        (void) submit_lines(20);
        expect_pulled(printer);
        replug(printer);
        expect_lines(printer, 3);

        /* The second answer is the one that does not come. */
        cut(printer, "power answer 2", 0);
        seqnum = submit_in(2, 64);
        asked = submit_out(1, "\x10\x04\x01", 3);
        expect_in(seqnum, &a);
        expect_out(asked, 3);
        (void) submit_in(2, 64);
        expect_out(submit_out(1, "\x10\x04\x01", 3), 3);
        expect_pulled(printer);
}

static void slow_printer(void **state) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        struct paper_status status;
        struct answer a;
        unsigned sent = 0;

        assert_int_equal(printer_new(host.event, &printer), 0);
        replug(printer);
        paper_set_speed(printer_paper(printer), 10);
        do {
                (void) submit_lines(100);
                sent += 1000;
                assert_true(sent < 100000);
        } while (receive(&a, false));
        paper_get_status(printer_paper(printer), &status);
        assert_true(status.bytes_accepted >= 4096 && status.bytes_accepted < sent);
        paper_set_speed(printer_paper(printer), 1000000);
        for (int i = 0; i < 1000 && status.bytes_accepted < sent; i++) {
                assert_true(sd_event_run(host.event, 10000) >= 0);
                printer_changed(printer);
                paper_get_status(printer_paper(printer), &status);
        }
        assert_int_equal(status.bytes_accepted, sent);
        unplug();
}

static void stall(void **state) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        struct answer a;
        uint32_t seqnum;

        assert_int_equal(printer_new(host.event, &printer), 0);
        plug((struct device *) printer);
        configure();
        seqnum = submit_in(2, 64);
        printer_stall(printer);
        settle();
        assert_true(receive(&a, true));
        assert_int_equal(a.seqnum, seqnum);
        assert_int_equal(a.status, -EPIPE);
        submit_out(1, "x", 1);
        assert_true(receive(&a, false));
        assert_int_equal(a.status, -EPIPE);
        assert_int_equal(control(0x82, 0, 0, 0x01, 2, &a), 2);
        assert_int_equal(a.data[0], 1);
        assert_int_equal(control(0x02, 1, 0, 0x01, 0, &a), 0);
        expect_out(submit_out(1, "x", 1), 1);
        unplug();
}

/* A transfer that the bus or the host's controller failed: one, of any endpoint, with any error. */
static void failures(void **state) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        struct answer a;
        uint32_t seqnum;

        assert_int_equal(printer_new(host.event, &printer), 0);
        assert_int_equal(printer_fail(printer, (char[]){ "in EPROTO" }), -ENODEV);
        plug((struct device *) printer);
        configure();
        assert_int_equal(printer_fail(printer, (char[]){ "in" }), -EINVAL);
        assert_int_equal(printer_fail(printer, (char[]){ "in ENONE" }), -EINVAL);
        assert_int_equal(printer_fail(printer, (char[]){ "interrupt EPROTO" }), -EINVAL);

        seqnum = submit_in(2, 64);
        assert_int_equal(printer_fail(printer, (char[]){ "in EPROTO" }), 0);
        settle();
        assert_true(receive(&a, true));
        assert_int_equal(a.seqnum, seqnum);
        assert_int_equal(a.status, -EPROTO);

        assert_int_equal(printer_fail(printer, (char[]){ "out EOVERFLOW" }), 0);
        submit_out(1, "x", 1);
        assert_true(receive(&a, false));
        assert_int_equal(a.status, -EOVERFLOW);
        assert_int_equal(a.actual, 0);
        expect_out(submit_out(1, "x", 1), 1);

        /* Chapter 9 is left alone. */
        assert_int_equal(printer_fail(printer, (char[]){ "control ECOMM" }), 0);
        assert_int_equal(control(0x80, 8, 0, 0, 1, &a), 1);
        assert_int_equal(control(0xa1, 1, 0, 0, 1, &a), -ECOMM);
        assert_int_equal(control(0xa1, 1, 0, 0, 1, &a), 1);

        assert_int_equal(printer_fail(printer, (char[]){ "control ECOMM" }), 0);
        printer_behave(printer);
        assert_int_equal(control(0xa1, 1, 0, 0, 1, &a), 1);
        unplug();
}

/* The printers that are wrong, or old, on purpose. */
static void other_printers(void **state) {
        _cleanup_(printer_freep) struct printer *printer = NULL;
        struct answer a;
        uint32_t seqnum;

        assert_int_equal(printer_new(host.event, &printer), 0);
        assert_int_equal(printer_set_kind(printer, "nonsense"), -EINVAL);
        assert_int_equal(printer_misbehave(printer, "nonsense"), -EINVAL);
        assert_int_equal(printer_set_kind(printer, "alternates"), 0);
        plug((struct device *) printer);
        assert_int_equal(printer_set_kind(printer, ""), -EBUSY);
        configure();
        assert_int_equal(control(0x81, 10, 0, 0, 1, &a), 1);
        assert_int_equal(a.data[0], 0);
        assert_int_equal(control(0x01, 11, 1, 0, 0, &a), 0);
        assert_int_equal(control(0x81, 10, 0, 0, 1, &a), 1);
        assert_int_equal(a.data[0], 1);
        assert_int_equal(control(0x01, 11, 3, 0, 0, &a), -EPIPE);
        assert_int_equal(control(0x01, 11, 0, 1, 0, &a), -EPIPE);
        /* The device id is that of the setting with both directions. */
        assert_int_equal(control(0xa1, 0, 0, 0, 1023, &a), -EPIPE);
        assert_true(control(0xa1, 0, 0, 1, 1023, &a) > 20);

        assert_int_equal(printer_misbehave(printer, "id-reversed"), 0);
        assert_true(control(0xa1, 0, 0, 1, 1023, &a) > 20);
        assert_int_equal(a.data[1] << 8 | a.data[0], a.actual);
        assert_int_equal(printer_misbehave(printer, "id-stall"), 0);
        assert_int_equal(control(0xa1, 0, 0, 1, 1023, &a), -EPIPE);
        assert_int_equal(printer_misbehave(printer, "id-empty"), 0);
        assert_int_equal(control(0xa1, 0, 0, 1, 1023, &a), 2);
        assert_int_equal(printer_misbehave(printer, "id-cut"), 0);
        assert_int_equal(control(0xa1, 0, 0, 1, 1023, &a), 1);
        assert_int_equal(printer_misbehave(printer, "id-garbage"), 0);
        assert_int_equal(control(0xa1, 0, 0, 1, 1023, &a), 257);
        assert_int_equal(a.data[2], 1);
        assert_int_equal(a.data[256], 255);
        assert_int_equal(printer_misbehave(printer, "id-huge"), 0);
        assert_int_equal(control(0xa1, 0, 0, 1, 1023, &a), 1023);
        assert_int_equal(a.data[0] << 8 | a.data[1], 2302);
        assert_int_equal(printer_misbehave(printer, "port-stall"), 0);
        assert_int_equal(control(0xa1, 1, 0, 0, 1, &a), -EPIPE);
        assert_int_equal(printer_misbehave(printer, "reset-old"), 0);
        assert_int_equal(control(0x21, 2, 0, 0, 0, &a), -EPIPE);
        assert_int_equal(control(0x23, 2, 0, 0, 0, &a), 0);
        assert_int_equal(printer_misbehave(printer, "empty"), 0);
        for (unsigned i = 0; i < 10; i++) {
                seqnum = submit_in(2, 64);
                while (!receive(&a, false))
                        assert_true(sd_event_run(host.event, 10000) >= 0);
                assert_int_equal(a.seqnum, seqnum);
                assert_int_equal(a.actual, 0);
        }
        printer_behave(printer);
        assert_int_equal(control(0x21, 2, 0, 0, 0, &a), 0);
        unplug();
}

static void broken_host(void **state) {
        static const uint32_t bad[][2] = { { 9, 0 }, { 1, 0x7fffffff } };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(msr_freep) struct msr *msr = NULL;
                uint8_t byte;

                assert_int_equal(msr_new(host.event, &msr), 0);
                plug((struct device *) msr);
                send_header(bad[i][0], 1, IN, 0, bad[i][1], NULL, NULL, 0);
                assert_true(usb_device_is_gone(host.device->usb));
                assert_int_equal(recv(host.fd, &byte, 1, 0), 0);
                unplug();
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(enumeration, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(swipe, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(reader, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(removed_by_itself, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(chaining, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(misbehaviour, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(tpdu, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(mute_and_removed, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(short_apdus, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(twists, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(wire, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(printing, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(paper_out, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(cut_at_packet, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(cut_power, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(slow_printer, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(stall, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(failures, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(other_printers, setup_loop, end_loop),
                cmocka_unit_test_setup_teardown(broken_host, setup_loop, end_loop),
        };

        return cmocka_run_group_tests_name("sim-usb", tests, NULL, NULL);
}
