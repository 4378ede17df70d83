// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * emv-replay NODE LOG [N]: gives a reader behind our driver what another host gave it, as "till-sim wire" wrote it
 * down: its blocks by write(), its power and parameters by ioctl. How they are framed is the driver's business,
 * and is compared by who calls this. The bytes of every answer must be those of the log.
 *
 * N changes a bit of the Nth block, for a test of the test.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kernel/include/uapi/linux/till.h"

#define HEADER 10
#define MESSAGE_MAX (65544 + HEADER)

enum { /* CCID 1.1, 6.1 */
       SET_PARAMETERS = 0x61,
       POWER_ON = 0x62,
       POWER_OFF = 0x63,
       GET_SLOT_STATUS = 0x65,
       SECURE = 0x69,
       ESCAPE = 0x6b,
       GET_PARAMETERS = 0x6c,
       XFR_BLOCK = 0x6f,
};

enum {
        CHAIN_BEGIN = 1,
        CHAIN_END = 2,
        CHAIN_CONTINUE = 3,
        CHAIN_MORE = 0x10,
        STATUS_FAILED = 0x40,
        STATUS_EXTENSION = 0x80,
};

struct message {
        char direction;
        size_t size;
        uint8_t *bytes;
};

static struct message *messages;
static size_t n_messages;
static int node = -1;
static unsigned int blocks, change;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        exit(1);
}

static void read_log(const char *path) {
        FILE *f = fopen(path, "r");
        char *line = NULL;
        size_t allocated = 0;

        if (!f)
                die("%s: %m", path);
        while (getline(&line, &allocated, f) > 0) {
                size_t n = strspn(line + 2, "0123456789ABCDEF") / 2;
                struct message *m;

                if (line[0] != '<' && line[0] != '>')
                        continue;
                if (n < HEADER)
                        die("a message of %zu bytes", n);
                messages = reallocarray(messages, n_messages + 1, sizeof(*messages));
                m = &messages[n_messages++];
                *m = (struct message){ line[0], n, malloc(n) };
                for (size_t i = 0; i < n; i++)
                        sscanf(line + 2 + 2 * i, "%2hhx", &m->bytes[i]);
        }
        free(line);
        fclose(f);
}

/* The answer to the command before *at, chained or not; -1 for one that is a failure. *at is then behind it. */
static ssize_t logged_answer(size_t *at, uint8_t *ret) {
        ssize_t n = 0;

        for (; *at < n_messages; (*at)++) {
                const struct message *m = &messages[*at];

                if (m->direction == '>') {
                        if (m->bytes[0] == XFR_BLOCK && m->bytes[8] == CHAIN_MORE)
                                continue;
                        break;
                }
                if (m->bytes[7] & STATUS_EXTENSION)
                        continue;
                if (m->bytes[7] & STATUS_FAILED)
                        n = -1;
                if (n < 0)
                        continue;
                memcpy(ret + n, m->bytes + HEADER, m->size - HEADER);
                n += m->size - HEADER;
        }
        return n;
}

static void compare(const char *what, const uint8_t *got, ssize_t size, const uint8_t *want, ssize_t want_size) {
        if (size != want_size || (size > 0 && memcmp(got, want, size) != 0))
                die("%s: an answer of %zd bytes, the log has %zd, or other ones", what, size, want_size);
}

/* bBWI, where it is not 0. */
static void set_waiting(uint8_t multiplier) {
        struct till_emv_waiting waiting = { .size = sizeof(waiting), .multiplier = multiplier };

        if (multiplier && ioctl(node, TILL_EMV_SET_WAITING, &waiting) < 0)
                die("TILL_EMV_SET_WAITING: %m");
}

static void take_answer(const char *what, size_t *at) {
        static uint8_t answer[2 * MESSAGE_MAX], want[2 * MESSAGE_MAX];
        ssize_t n = read(node, answer, sizeof(answer)), size = logged_answer(at, want);

        if (change == 0)
                compare(what, answer, n, want, size);
}

/* A block or APDU, put together from its parts; *at is behind its first. */
static void exchange(size_t *at) {
        static uint8_t block[MESSAGE_MAX];
        const struct message *m = &messages[*at - 1];
        ssize_t size = m->size - HEADER;
        uint8_t waiting = m->bytes[7];

        memcpy(block, m->bytes + HEADER, size);
        while (m->bytes[8] == CHAIN_BEGIN || m->bytes[8] == CHAIN_CONTINUE) {
                while (*at < n_messages && messages[*at].direction == '<')
                        (*at)++;
                if (*at >= n_messages)
                        die("a chain without an end");
                m = &messages[(*at)++];
                memcpy(block + size, m->bytes + HEADER, m->size - HEADER);
                size += m->size - HEADER;
        }
        if (++blocks == change)
                block[size - 1] ^= 1;

        set_waiting(waiting);
        if (write(node, block, size) != size)
                die("write of %zd bytes: %m", size);
        take_answer("exchange", at);
}

/* Somebody must type the same at the keypad. */
static void secure(size_t *at) {
        const struct message *m = &messages[*at - 1];
        const uint8_t *d = m->bytes + HEADER;
        size_t size = m->size - HEADER;
        struct till_emv_pin pin = { .size = sizeof(pin) };

        if (size < 15 || size - 15 > sizeof(pin.apdu) || d[0] != 0)
                die("not a PIN verification");
        pin.timeout = d[1];
        pin.format = d[2];
        pin.block = d[3];
        pin.length_format = d[4];
        pin.digits = d[5] | d[6] << 8;
        pin.validation = d[7];
        pin.messages = d[8];
        pin.language = d[9] | d[10] << 8;
        pin.message = d[11];
        memcpy(pin.prologue, d + 12, sizeof(pin.prologue));
        pin.apdu_length = size - 15;
        memcpy(pin.apdu, d + 15, size - 15);
        if (ioctl(node, TILL_EMV_VERIFY_PIN, &pin) < 0)
                die("TILL_EMV_VERIFY_PIN: %m");
        take_answer("PIN", at);
}

static void power_on(size_t *at) {
        struct till_emv_power power = { .size = sizeof(power), .voltage = messages[*at - 1].bytes[7] };
        uint8_t want[MESSAGE_MAX];
        ssize_t n = ioctl(node, TILL_EMV_POWER_ON, &power) < 0 ? -1 : (ssize_t) power.atr_length;

        compare("power on", power.atr, n, want, logged_answer(at, want));
}

static void parameters(size_t *at, unsigned long request) {
        const struct message *m = &messages[*at - 1];
        struct till_emv_parameters p = { .size = sizeof(p), .protocol = m->bytes[7], .length = m->size - HEADER };
        uint8_t want[MESSAGE_MAX];
        ssize_t n;

        if (p.length > sizeof(p.data))
                die("parameters of %u bytes", p.length);
        memcpy(p.data, m->bytes + HEADER, p.length);
        n = ioctl(node, request, &p) < 0 ? -1 : (ssize_t) p.length;
        compare("parameters", p.data, n, want, logged_answer(at, want));
}

static void replay(size_t *at) {
        const struct message *m = &messages[(*at)++];
        uint8_t ignored[MESSAGE_MAX];

        switch (m->bytes[0]) {
        case POWER_ON:
                power_on(at);
                break;
        case POWER_OFF:
                if (ioctl(node, TILL_EMV_POWER_OFF) < 0)
                        die("TILL_EMV_POWER_OFF: %m");
                (void) logged_answer(at, ignored);
                break;
        case SET_PARAMETERS:
                parameters(at, TILL_EMV_SET_PARAMETERS);
                break;
        case GET_PARAMETERS:
                parameters(at, TILL_EMV_GET_PARAMETERS);
                break;
        case XFR_BLOCK:
                exchange(at);
                break;
        case SECURE:
                secure(at);
                break;
        case GET_SLOT_STATUS:
        case ESCAPE:
                /* The driver asks for the status when it has reason to; what a vendor's firmware can do is not asked.
                 */
                (void) logged_answer(at, ignored);
                break;
        default:
                die("no way to say message %02x", m->bytes[0]);
        }
}

int main(int argc, char **argv) {
        size_t at = 0;

        if (argc < 3)
                die("usage: emv-replay NODE LOG [N]");
        change = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
        read_log(argv[2]);
        node = open(argv[1], O_RDWR | O_CLOEXEC);
        if (node < 0)
                die("%s: %m", argv[1]);
        while (at < n_messages)
                if (messages[at].direction == '>')
                        replay(&at);
                else
                        at++;
        printf("%u blocks\n", blocks);
        fflush(stdout);
        /* What closing the node says is not compared. */
        return system("till-sim wire off") == 0 ? 0 : 1;
}
