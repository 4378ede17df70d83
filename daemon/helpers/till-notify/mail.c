// SPDX-License-Identifier: LGPL-2.1-or-later
#include <curl/curl.h>
#include <limits.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/mail.h"
#include "helpers/till-notify/channel.h"
#include "helpers/till-notify/mail-header.h"

#define CONNECT_SECONDS 10L
#define MAIL_SECONDS 50L
#define HEADER_SIZE (2 * NOTICE_FILE_MAX)

struct settings {
        char from[256];
        unsigned port;
};

/* ---- /etc/tilld/notify.conf ---- */

static int settings_assign(const char *section, const char *key, const char *value, void *userdata,
                           const char **ret_reason) {
        struct settings *s = userdata;
        unsigned port;
        char end;

        if (streq(section, "mail") && streq(key, "from")) {
                *ret_reason = "not a mail address";
                if (!mail_is_valid(value))
                        return -EINVAL;
                COPY(s->from, value);
                return 0;
        }
        if (streq(section, "mail") && streq(key, "port")) {
                *ret_reason = "not a port from 1 to 65535";
                if (sscanf(value, "%u%c", &port, &end) != 1 || port < 1 || port > UINT16_MAX)
                        return -EINVAL;
                s->port = port;
                return 0;
        }
        *ret_reason = "no such key";
        return -EINVAL;
}

static int settings_load(struct settings *s, const char *folder) {
        char path[PATH_MAX], host[HOST_NAME_MAX + 1] = "";
        int r;

        if (gethostname(host, sizeof(host) - 1) < 0 ||
            snprintf(s->from, sizeof(s->from), "tilld@%s", host) >= (int) sizeof(s->from) || !mail_is_valid(s->from))
                COPY(s->from, "tilld@localhost");
        s->port = 25;
        (void) snprintf(path, sizeof(path), "%s/notify.conf", folder);
        r = config_parse_file(path, settings_assign, s);
        return r == -ENOENT ? 0 : r;
}

/* ---- the message ---- */

struct mail {
        CURL *curl;
        curl_mime *mime;
        struct curl_slist *recipients, *headers;
        char id[128];
};

static void mail_done(struct mail *m) {
        curl_easy_cleanup(m->curl);
        curl_mime_free(m->mime);
        curl_slist_free_all(m->recipients);
        curl_slist_free_all(m->headers);
}

static int add(struct curl_slist **list, const char *text) {
        struct curl_slist *longer = curl_slist_append(*list, text);

        if (!longer)
                return -ENOMEM;
        *list = longer;
        return 0;
}

static int add_header(struct mail *m, const char *name, const char *before, const char *value, const char *after) {
        char text[1024];

        return snprintf(text, sizeof(text), "%s: %s%s%s", name, before, value, after) < (int) sizeof(text)
                       ? add(&m->headers, text)
                       : -EMSGSIZE;
}

static int add_headers(struct mail *m, const struct settings *s, const struct request *request) {
        char date[64], id[SD_ID128_STRING_MAX], subject[HEADER_SIZE];
        time_t now = (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC);
        sd_id128_t random;
        struct tm tm;
        int r;

        r = sd_id128_randomize(&random);
        if (r < 0)
                return r;
        (void) snprintf(m->id, sizeof(m->id), "%s@tilld", sd_id128_to_string(random, id));
        (void) strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &tm));
        r = mail_header_encode("Subject", request->strings[NOTICE_STRING_SUBJECT], subject, sizeof(subject));
        if (r < 0)
                return r;
        return add_header(m, "Date", "", date, "") ?: add_header(m, "From", "<", s->from, ">")
                ?: add_header(m, "To", "<", request->strings[NOTICE_STRING_ADDRESS], ">")
                ?: add_header(m, "Message-ID", "<", m->id, ">")
                ?: add_header(m, "Content-Language", "", streq(request->strings[NOTICE_STRING_LANGUAGE], "zh_CN") ? "zh-CN" : "en", "")
                ?: add_header(m, "Auto-Submitted", "", "auto-generated", "") ?: add(&m->headers, subject);
}

/* Lines of a mail end with CR and LF, in what is encoded too. */
static char *to_mail_lines(const char *text) {
        char *lines = malloc(2 * strlen(text) + 1), *to = lines;

        for (; lines && *text; text++) {
                if (*text == '\n')
                        *to++ = '\r';
                *to++ = *text;
        }
        if (lines)
                *to = '\0';
        return lines;
}

static int add_body(struct mail *m, const char *body) {
        _cleanup_free_ char *lines = to_mail_lines(body);
        curl_mimepart *part;

        m->mime = curl_mime_init(m->curl);
        part = m->mime ? curl_mime_addpart(m->mime) : NULL;
        if (!lines || !part || curl_mime_data(part, lines, CURL_ZERO_TERMINATED) != CURLE_OK ||
            curl_mime_type(part, "text/plain; charset=utf-8") != CURLE_OK ||
            curl_mime_encoder(part, "base64") != CURLE_OK)
                return -ENOMEM;
        return 0;
}

/* ---- the mail server ---- */

static int mail_prepare(struct mail *m, const struct settings *s, const struct request *request) {
        char url[64];
        CURL *c;
        int r;

        c = m->curl = curl_easy_init();
        if (!c)
                return -ENOMEM;
        r = add_headers(m, s, request);
        if (r < 0)
                return r;
        r = add_body(m, request->strings[NOTICE_STRING_BODY]);
        if (r < 0)
                return r;
        r = add(&m->recipients, request->strings[NOTICE_STRING_ADDRESS]);
        if (r < 0)
                return r;
        (void) snprintf(url, sizeof(url), "smtp://localhost:%u/localhost", s->port);
        if (curl_easy_setopt(c, CURLOPT_URL, url) != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp") != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_PROXY, "") != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS) != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_TIMEOUT, MAIL_SECONDS) != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_MAIL_FROM, s->from) != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_MAIL_RCPT, m->recipients) != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_HTTPHEADER, m->headers) != CURLE_OK ||
            curl_easy_setopt(c, CURLOPT_MIMEPOST, m->mime) != CURLE_OK)
                return -ENOMEM;
        return 0;
}

/* Its own words are left out: servers quote addresses. */
static int mail_hand_over(struct mail *m, const struct settings *s, char reason[static REASON_SIZE]) {
        CURLcode code = curl_easy_perform(m->curl);
        curl_off_t handed_over = 0;
        long answered = 0;

        (void) curl_easy_getinfo(m->curl, CURLINFO_RESPONSE_CODE, &answered);
        (void) curl_easy_getinfo(m->curl, CURLINFO_SIZE_UPLOAD_T, &handed_over);
        switch (code) {
        case CURLE_OK:
                return say(reason, 0, "%s", m->id);
        case CURLE_COULDNT_CONNECT:
                return say(reason, -ECONNREFUSED, "no mail server answers at port %u of this machine", s->port);
        case CURLE_OPERATION_TIMEDOUT:
                return say(reason, handed_over > 0 ? NOTICE_MAYBE_SENT : -ETIME,
                           "the mail server does not answer in time");
        default:
                /* Of the server, not of this message: RFC 5321, 3.8. */
                if (answered == 421)
                        return say(reason, -ECONNREFUSED, "the mail server is not ready (421)");
                if (answered >= 400)
                        return say(reason, -EIO, "the mail server refuses the message (%ld)", answered);
                return say(reason, handed_over > 0 ? NOTICE_MAYBE_SENT : -ECONNRESET,
                           "the mail server has not said that it takes the message: %s", curl_easy_strerror(code));
        }
}

int mail_send(const struct request *request, const char *folder, char ret_reason[static REASON_SIZE]) {
        _cleanup_(mail_done) struct mail m = {};
        struct settings s;
        int r;

        r = settings_load(&s, folder);
        if (r < 0)
                return say(ret_reason, r, "%s/notify.conf has a line that is not understood", folder);
        if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
                return say(ret_reason, -ENOMEM, "out of memory");
        r = mail_prepare(&m, &s, request);
        if (r < 0)
                return say(ret_reason, r, "the mail cannot be made: %s", strerror(-r));
        return mail_hand_over(&m, &s, ret_reason);
}
