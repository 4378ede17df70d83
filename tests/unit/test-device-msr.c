// SPDX-License-Identifier: LGPL-2.1-or-later
/* The magstripe client against a scripted reader: the node is one end of a socket that keeps records whole. */
#include "test.h"

#include <sys/socket.h>

#include "device/emv.h"
#include "device/msr.h"
#include "device/node.h"

static struct fake {
        int peer;
        uint32_t kind;
        uint64_t features;
        unsigned arms, disarms;
} fake;

static struct seen {
        unsigned swipes, closed;
        int error;
        struct msr_swipe swipe;
        const struct msr_swipe *address;
        bool disarm;
} seen;

static sd_event *event;
static struct msr *msr;

static int fake_open(const char *path, int flags) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        safe_close(fake.peer);
        fake.peer = pair[1];
        return pair[0];
}

static int fake_ioctl(int fd, unsigned long request, void *argument) {
        switch (request) {
        case TILL_GET_INFO:
                ((struct till_info *) argument)->kind = fake.kind;
                ((struct till_info *) argument)->features = fake.features;
                return 0;
        case TILL_MSR_ARM:
                fake.arms++;
                return 0;
        case TILL_MSR_DISARM:
                fake.disarms++;
                return 0;
        default:
                errno = ENOTTY;
                return -1;
        }
}

static const struct node_calls fake_calls = { .open = fake_open, .ioctl = fake_ioctl };

static void on_swipe(struct msr *m, const struct msr_swipe *swipe, void *userdata) {
        seen.swipes++;
        seen.swipe = *swipe;
        seen.address = swipe;
        if (seen.disarm)
                assert_int_equal(msr_disarm(m), 0);
}

static void on_closed(struct msr *m, int error, void *userdata) {
        assert_false(msr_is_open(m));
        seen.closed++;
        seen.error = error;
}

static int setup(void **state) {
        static const struct msr_listener listener = { .swipe = on_swipe, .closed = on_closed };

        fake = (struct fake){ .peer = -EBADF, .kind = TILL_KIND_MSR };
        seen = (struct seen){};
        node_calls = &fake_calls;
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(msr_new(event, &listener, &msr), 0);
        return 0;
}

static int teardown(void **state) {
        msr = msr_free(msr);
        event = sd_event_unref(event);
        fake.peer = safe_close(fake.peer);
        return 0;
}

static void turn(void) {
        for (unsigned i = 0; i < 10; i++)
                assert_true(sd_event_run(event, 0) >= 0);
}

/* A record of a kernel that has appended to it. */
struct longer {
        struct till_msr_swipe swipe;
        uint8_t more[512];
};

static void swipe_send(uint32_t sequence, const char *track1, const char *track2, size_t size) {
        struct longer record = { .swipe.size = (uint32_t) size, .swipe.sequence = sequence };

        record.swipe.time_ns = 5000;
        record.swipe.track[0].length = (uint8_t) strlen(track1);
        record.swipe.track[1].length = (uint8_t) strlen(track2);
        memcpy(record.swipe.track[0].data, track1, strlen(track1));
        memcpy(record.swipe.track[1].data, track2, strlen(track2));
        assert_int_equal(send(fake.peer, &record, size, 0), (ssize_t) size);
        turn();
}

#define TRACK1 "%B4761739001010010^TEST/CARD^3012101000?"
#define TRACK2 ";4761739001010010=3012101000?"

static void swipes(void **state) {
        static const struct msr_swipe empty;

        assert_int_equal(msr_arm(msr), -ENOTCONN);
        assert_int_equal(msr_open(msr, "/dev/fake"), 0);
        assert_int_equal(msr_open(msr, "/dev/fake"), -EALREADY);
        assert_int_equal(fake.arms, 0);
        swipe_send(4, TRACK1, TRACK2, sizeof(struct till_msr_swipe));
        assert_int_equal(seen.swipes, 0);

        assert_int_equal(msr_arm(msr), 0);
        assert_int_equal(fake.arms, 1);
        swipe_send(5, TRACK1, TRACK2, sizeof(struct longer));
        assert_int_equal(seen.swipes, 1);
        assert_int_equal(seen.swipe.sequence, 5);
        assert_int_equal(seen.swipe.lost, 0);
        assert_int_equal(seen.swipe.time, 5);
        assert_int_equal(seen.swipe.track1.status, TRACK_OK);
        assert_string_equal(seen.swipe.track1.name, "TEST/CARD");
        assert_string_equal(seen.swipe.track2.pan, "4761739001010010");
        /* Wiped as soon as the callback has returned. */
        assert_memory_equal(seen.address, &empty, sizeof(empty));

        seen.disarm = true;
        swipe_send(8, "", TRACK2, sizeof(struct till_msr_swipe));
        assert_int_equal(seen.swipe.lost, 2);
        assert_int_equal(seen.swipe.track1.status, TRACK_EMPTY);
        assert_int_equal(fake.disarms, 1);
        swipe_send(9, "", TRACK2, sizeof(struct till_msr_swipe));
        assert_int_equal(seen.swipes, 2);
}

static void length_beyond_the_track(void **state) {
        struct till_msr_swipe record = { .size = sizeof(record), .sequence = 1 };

        assert_int_equal(msr_open(msr, "/dev/fake"), 0);
        assert_int_equal(msr_arm(msr), 0);
        record.track[1].length = 255;
        memset(record.track[1].data, '1', sizeof(record.track[1].data));
        assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
        turn();
        assert_int_equal(seen.swipe.track2.status, TRACK_MALFORMED);
        record.track[1].errors = TILL_MSR_ERROR_LRC;
        assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
        turn();
        assert_int_equal(seen.swipe.track2.status, TRACK_UNREAD);
}

/* What an encrypting reader shows of a track is never taken for one, even with a good check digit. */
static void encrypted_tracks(void **state) {
        struct till_msr_swipe record = { .size = sizeof(record), .encryption = TILL_MSR_ENCRYPTION_DUKPT_TDES };
        struct till_msr_track *track = &record.track[1];

        assert_int_equal(msr_open(msr, "/dev/fake"), 0);
        assert_int_equal(msr_arm(msr), 0);
        track->length = (uint8_t) strlen(TRACK2);
        memcpy(track->data, TRACK2, strlen(TRACK2));
        track->flags = TILL_MSR_TRACK_MASKED;
        for (record.sequence = 1; record.sequence <= 4; record.sequence++) {
                assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
                turn();
                assert_int_equal(seen.swipes, record.sequence);
                /* Track 1 has nothing of its own: it may be in another's cryptogram. */
                assert_int_equal(seen.swipe.track1.status, TRACK_ENCRYPTED);
                assert_int_equal(seen.swipe.track2.status, TRACK_ENCRYPTED);
                assert_string_equal(seen.swipe.track2.pan, "");
                assert_string_equal(seen.swipe.track2.text, "");
                /* Each sign by itself is enough. */
                if (record.sequence == 2) {
                        track->flags = 0;
                        track->encrypted_length = 40;
                }
                if (record.sequence == 3)
                        *track = (struct till_msr_track){};
        }

        /* A clear card in such a reader. */
        record.encryption = TILL_MSR_ENCRYPTION_NONE;
        track->length = (uint8_t) strlen(TRACK2);
        memcpy(track->data, TRACK2, strlen(TRACK2));
        assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
        turn();
        assert_int_equal(seen.swipe.track1.status, TRACK_EMPTY);
        assert_int_equal(seen.swipe.track2.status, TRACK_OK);

        /* An error outweighs it: swipe again. */
        track->errors = TILL_MSR_ERROR_DECODE;
        track->flags = TILL_MSR_TRACK_MASKED;
        assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
        turn();
        assert_int_equal(seen.swipe.track2.status, TRACK_UNREAD);
}

/* Its cryptogram is for the acquirer; what the reader shows beside it is for the receipt. */
static void encrypted_for_the_acquirer(void **state) {
        struct till_msr_swipe record = { .size = sizeof(record),
                                         .sequence = 1,
                                         .encryption = TILL_MSR_ENCRYPTION_DUKPT_TDES,
                                         .ksn_length = 10,
                                         .ksn = { 0xFF, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8 } };
        struct till_msr_track *track = &record.track[1];
        static const char masked[] = ";6200******0054=4912***?", shown[] = ";6200000000000070=4912201000?";

        assert_int_equal(msr_open(msr, "/dev/fake"), 0);
        assert_int_equal(msr_arm(msr), 0);
        track->flags = TILL_MSR_TRACK_MASKED;
        track->encrypted_length = 40;
        memset(track->encrypted, 0xA5, 40);
        track->length = (uint8_t) strlen(masked);
        memcpy(track->data, masked, strlen(masked));
        assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
        turn();
        assert_int_equal(seen.swipe.encrypted.ksn_size, 10);
        assert_memory_equal(seen.swipe.encrypted.ksn, record.ksn, 10);
        assert_int_equal(seen.swipe.encrypted.cryptogram_size, 40);
        assert_memory_equal(seen.swipe.encrypted.cryptogram, track->encrypted, 40);
        assert_string_equal(seen.swipe.encrypted.masked_pan, "6200******0054");
        assert_string_equal(seen.swipe.encrypted.service, "");

        record.sequence++;
        track->length = (uint8_t) strlen(shown);
        memcpy(track->data, shown, strlen(shown));
        assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
        turn();
        assert_string_equal(seen.swipe.encrypted.masked_pan, "620000******0070");
        assert_string_equal(seen.swipe.encrypted.service, "201");

        /* Of two tracks in one nobody knows where track 2 begins; without its key it cannot be read at all. */
        for (int i = 0; i < 2; i++) {
                record.sequence++;
                track->flags |= i == 0 ? TILL_MSR_TRACK_JOINT : 0;
                record.ksn_length = i == 0 ? 10 : 0;
                assert_int_equal(send(fake.peer, &record, sizeof(record), 0), sizeof(record));
                turn();
                assert_int_equal(seen.swipe.track2.status, TRACK_ENCRYPTED);
                assert_int_equal(seen.swipe.encrypted.cryptogram_size, 0);
                track->flags &= (uint8_t) ~TILL_MSR_TRACK_JOINT;
        }
}

static void short_record(void **state) {
        assert_int_equal(msr_open(msr, "/dev/fake"), 0);
        assert_int_equal(msr_arm(msr), 0);
        swipe_send(1, "", "", sizeof(struct till_msr_swipe) - 1);
        assert_int_equal(seen.closed, 1);
        assert_int_equal(seen.error, -EPROTO);
}

static void unplugged(void **state) {
        assert_int_equal(msr_open(msr, "/dev/fake"), 0);
        assert_int_equal(msr_arm(msr), 0);
        fake.peer = safe_close(fake.peer);
        turn();
        assert_int_equal(seen.closed, 1);
        assert_int_equal(seen.error, -ENODEV);
        assert_int_equal(msr_disarm(msr), 0);
        assert_int_equal(msr_arm(msr), -ENOTCONN);
        assert_int_equal(msr_open(msr, "/dev/fake"), 0);
        /* A fresh node is disarmed. */
        swipe_send(1, "", TRACK2, sizeof(struct till_msr_swipe));
        assert_int_equal(seen.swipes, 0);
}

static void wrong_kind(void **state) {
        char node[] = "/dev/fake";
        struct device device = { .kind = DEVICE_EMV, .node = node };
        bool keypad = true;
        int fd;

        fake.kind = TILL_KIND_PRINTER;
        assert_int_equal(msr_open(msr, "/dev/fake"), -EPROTO);
        assert_false(msr_is_open(msr));
        assert_int_equal(emv_open(&device, &keypad), -ENOTCONN);
        device.connected = true;
        assert_int_equal(emv_open(&device, &keypad), -EPROTO);
        fake.kind = TILL_KIND_EMV;
        fd = emv_open(&device, &keypad);
        assert_true(fd >= 0);
        assert_false(keypad);
        safe_close(fd);
        fake.features = TILL_EMV_FEATURE_KEYPAD;
        fd = emv_open(&device, &keypad);
        assert_true(fd >= 0);
        assert_true(keypad);
        safe_close(fd);
        device.kind = DEVICE_MSR;
        assert_int_equal(emv_open(&device, &keypad), -EPROTO);
}

#define msr_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                msr_test(swipes),
                msr_test(length_beyond_the_track),
                msr_test(short_record),
                msr_test(unplugged),
                msr_test(wrong_kind),
                msr_test(encrypted_tracks),
                msr_test(encrypted_for_the_acquirer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
