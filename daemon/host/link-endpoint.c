// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/clock.h"
#include "host/link-internal.h"

#define REST_FIRST_USEC (10 * USEC_PER_SEC)
#define REST_LAST_USEC (300 * USEC_PER_SEC)

/* "name:port" or "[address]:port". */
int endpoint_parse(struct endpoint *e, const char *text) {
        const char *colon = strrchr(text, ':'), *start = text, *end = colon;

        if (!colon || colon == text || !colon[1])
                return -EINVAL;
        if (*text == '[') {
                if (colon[-1] != ']')
                        return -EINVAL;
                start++;
                end--;
        } else if (memchr(text, ':', (size_t) (colon - text)))
                return -EINVAL;
        if (strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5)
                return -EINVAL;

        e->peer = strdup(text);
        e->name = strndup(start, (size_t) (end - start));
        e->port = strdup(colon + 1);
        return e->peer && e->name && e->port ? 0 : -ENOMEM;
}

void endpoint_done(struct endpoint *e) {
        free(e->peer);
        free(e->name);
        free(e->port);
        SSL_SESSION_free(e->session);
}

void endpoint_set_session(struct endpoint *e, SSL_SESSION *session) {
        SSL_SESSION_free(e->session);
        e->session = session;
}

void endpoint_failed(struct endpoint *e, uint64_t now) {
        uint64_t rest = REST_FIRST_USEC;

        for (unsigned i = 0; i < e->failures && rest < REST_LAST_USEC; i++)
                rest *= 2;
        e->rests_until = now + MIN(rest, REST_LAST_USEC);
        e->failures++;
}

void endpoint_answered(struct endpoint *e) {
        e->failures = 0;
        e->rests_until = 0;
}

size_t endpoint_choose(const struct endpoint *endpoints, size_t n, uint32_t tried, uint64_t now) {
        size_t resting = n;

        for (size_t i = 0; i < n; i++) {
                if (tried & UINT32_C(1) << i)
                        continue;
                if (endpoints[i].rests_until <= now)
                        return i;
                if (resting == n)
                        resting = i;
        }
        return resting;
}
