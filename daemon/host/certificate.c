// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

#include "base/clock.h"

DEFINE_CLEANUP(X509 *, X509_free);

static int end_of(const X509 *certificate, uint64_t *ret_usec) {
        struct tm tm;
        time_t end;

        if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
                return -EBADMSG;
        end = timegm(&tm);
        *ret_usec = end < 0 ? 0 : (uint64_t) end * USEC_PER_SEC;
        return 0;
}

static int find_end(const char *path, bool last, uint64_t *ret_usec) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        uint64_t latest = 0;
        bool any = false;

        if (!f)
                return -errno;
        while (last || !any) {
                _cleanup_(X509_freep) X509 *certificate = PEM_read_X509(f, NULL, NULL, NULL);
                uint64_t end;

                if (!certificate)
                        break;
                if (end_of(certificate, &end) < 0)
                        continue;
                any = true;
                latest = MAX(latest, end);
        }
        ERR_clear_error();
        if (!any)
                return -EBADMSG;
        *ret_usec = latest;
        return 0;
}

int host_certificate_first_end(const char *path, uint64_t *ret_usec) {
        return find_end(path, false, ret_usec);
}

int host_certificate_last_end(const char *path, uint64_t *ret_usec) {
        return find_end(path, true, ret_usec);
}
