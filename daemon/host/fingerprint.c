// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/fingerprint.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

#include "base/clock.h"

DEFINE_CLEANUP(X509 *, X509_free);

static int take(const X509 *certificate, struct host_fingerprint *ret) {
        unsigned size = 0;
        struct tm tm;
        time_t end;

        if (X509_digest(certificate, EVP_sha256(), ret->sha256, &size) != 1 || size != HOST_FINGERPRINT_SIZE)
                return -EIO;
        ret->end_usec = 0;
        if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1 && (end = timegm(&tm)) > 0)
                ret->end_usec = (uint64_t) end * USEC_PER_SEC;
        return 0;
}

int host_fingerprints_read(const char *path, struct host_fingerprint *ret, size_t n) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        int r = 0, found = 0;

        if (!f)
                return -errno;
        while (r >= 0 && (size_t) found < n) {
                _cleanup_(X509_freep) X509 *certificate = PEM_read_X509(f, NULL, NULL, NULL);

                if (!certificate)
                        break;
                r = take(certificate, ret + found++);
        }
        ERR_clear_error();
        return r < 0 ? r : found > 0 ? found : -EBADMSG;
}
