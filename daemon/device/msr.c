// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/epoll.h>

#include "base/secret.h"
#include "device/msr.h"
#include "device/node.h"

/* Room for a record that a newer kernel has made longer. */
#define RECORD_MAX 4096

struct msr {
        sd_event *event;
        sd_event_source *io;
        struct msr_listener listener;
        int fd;
        bool armed;
        uint32_t sequence; /* of the last swipe since it was armed, 0 for none */

        /* Secret memory. */
        union {
                struct till_msr_swipe swipe;
                uint8_t bytes[RECORD_MAX];
        } * record;
        struct msr_swipe *swipe;
};

int msr_new(sd_event *event, const struct msr_listener *listener, struct msr **ret_msr) {
        _cleanup_(msr_freep) struct msr *msr = NULL;

        msr = calloc(1, sizeof(*msr));
        if (!msr)
                return -ENOMEM;
        msr->fd = -EBADF;
        msr->event = sd_event_ref(event);
        msr->listener = *listener;
        msr->record = secret_new(sizeof(*msr->record));
        msr->swipe = secret_new(sizeof(*msr->swipe));
        if (!msr->record || !msr->swipe)
                return -ENOMEM;
        *ret_msr = TAKE_PTR(msr);
        return 0;
}

struct msr *msr_free(struct msr *msr) {
        if (!msr)
                return NULL;
        msr_close(msr);
        secret_free(msr->record);
        secret_free(msr->swipe);
        sd_event_unref(msr->event);
        free(msr);
        return NULL;
}

void msr_close(struct msr *msr) {
        msr->io = sd_event_source_disable_unref(msr->io);
        msr->fd = safe_close(msr->fd);
        msr->armed = false;
}

bool msr_is_open(const struct msr *msr) {
        return msr->fd >= 0;
}

static void fail(struct msr *msr, int error) {
        msr_close(msr);
        msr->listener.closed(msr, error, msr->listener.userdata);
}

typedef enum track_status (*track_parse_t)(const uint8_t *data, size_t size, unsigned errors, struct track *ret_track);

/* A masked text may pass for a track, check digit and all. */
static bool track_is_encrypted(const struct till_msr_swipe *record, const struct till_msr_track *track) {
        if (track->errors != 0)
                return false;
        return (track->flags & TILL_MSR_TRACK_MASKED) || track->encrypted_length > 0 ||
               (track->length == 0 && record->encryption != TILL_MSR_ENCRYPTION_NONE);
}

static void track_take(const struct till_msr_swipe *record, unsigned index, track_parse_t parse,
                       struct track *ret_track) {
        const struct till_msr_track *track = &record->track[index];

        if (track_is_encrypted(record, track)) {
                explicit_bzero(ret_track, sizeof(*ret_track));
                ret_track->status = TRACK_ENCRYPTED;
                return;
        }
        (void) parse(track->data, MIN((size_t) track->length, sizeof(track->data)), track->errors, ret_track);
}

/* One cryptogram over two tracks is none of track 2. */
static void encrypted_take(const struct till_msr_swipe *record, struct msr_encrypted *ret) {
        const struct till_msr_track *track = &record->track[1];

        memset(ret, 0, sizeof(*ret));
        if (!track_is_encrypted(record, track))
                return;
        (void) track2_masked_parse(track->data, MIN((size_t) track->length, sizeof(track->data)), ret->masked_pan,
                                   ret->service);
        if (record->ksn_length == 0 || record->ksn_length > MIN(sizeof(record->ksn), sizeof(ret->ksn)) ||
            track->encrypted_length == 0 ||
            track->encrypted_length > MIN(sizeof(track->encrypted), sizeof(ret->cryptogram)) ||
            track->flags & TILL_MSR_TRACK_JOINT)
                return;
        memcpy(ret->ksn, record->ksn, record->ksn_length);
        ret->ksn_size = record->ksn_length;
        memcpy(ret->cryptogram, track->encrypted, track->encrypted_length);
        ret->cryptogram_size = track->encrypted_length;
}

static void give(struct msr *msr) {
        const struct till_msr_swipe *record = &msr->record->swipe;
        struct msr_swipe *swipe = msr->swipe;

        swipe->sequence = record->sequence;
        swipe->lost = msr->sequence > 0 ? record->sequence - msr->sequence - 1 : 0;
        swipe->time = record->time_ns / 1000;
        track_take(record, 0, track1_parse, &swipe->track1);
        track_take(record, 1, track2_parse, &swipe->track2);
        swipe->no_start = (record->track[0].errors | record->track[1].errors) & TILL_MSR_ERROR_START;
        encrypted_take(record, &swipe->encrypted);
        msr->sequence = record->sequence;
        explicit_bzero(msr->record, sizeof(*msr->record));

        msr->listener.swipe(msr, swipe, msr->listener.userdata);
        explicit_bzero(swipe, sizeof(*swipe));
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct msr *msr = userdata;
        ssize_t n;

        n = read(fd, msr->record, sizeof(*msr->record));
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                if (revents & (EPOLLHUP | EPOLLERR))
                        fail(msr, -ENODEV);
        } else if (n <= 0)
                fail(msr, n < 0 ? -errno : -ENODEV);
        else if ((size_t) n < sizeof(struct till_msr_swipe) ||
                 msr->record->swipe.size < sizeof(struct till_msr_swipe)) {
                explicit_bzero(msr->record, sizeof(*msr->record));
                fail(msr, -EPROTO);
        } else if (msr->armed)
                give(msr);
        else
                explicit_bzero(msr->record, sizeof(*msr->record));
        return 0;
}

int msr_open(struct msr *msr, const char *node) {
        int r;

        if (msr->fd >= 0)
                return -EALREADY;
        r = node_open(node, O_RDONLY | O_NONBLOCK, TILL_KIND_MSR, NULL);
        if (r < 0)
                return r;
        msr->fd = r;
        r = sd_event_add_io(msr->event, &msr->io, msr->fd, EPOLLIN, on_io, msr);
        if (r < 0)
                msr_close(msr);
        return r < 0 ? r : 0;
}

int msr_arm(struct msr *msr) {
        int r;

        if (msr->fd < 0)
                return -ENOTCONN;
        /* Arming empties the driver's queue: a swipe may be in it. */
        if (msr->armed)
                return 0;
        r = node_ioctl(msr->fd, TILL_MSR_ARM, NULL);
        if (r < 0)
                return r;
        msr->armed = true;
        msr->sequence = 0;
        return 0;
}

bool msr_is_armed(const struct msr *msr) {
        return msr->armed;
}

int msr_disarm(struct msr *msr) {
        int r;

        msr->armed = false;
        if (msr->fd < 0)
                return 0;
        r = node_ioctl(msr->fd, TILL_MSR_DISARM, NULL);
        return r < 0 ? r : 0;
}
