// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "host/link-internal.h"

static const struct {
        const char *name, *text;
} reasons[_HOST_LINK_REASON_MAX] = {
        [HOST_LINK_OK] = { "ok", "the acquirer answered" },
        [HOST_LINK_NAME] = { "name", "the acquirer's name cannot be resolved: check DNS and the host name" },
        [HOST_LINK_UNREACHABLE] = { "unreachable", "the acquirer cannot be reached: check the network" },
        [HOST_LINK_CONNECT_TIMEOUT] = { "connect-timeout", "the acquirer does not answer the connection" },
        [HOST_LINK_TLS_CA] = { "tls-ca", "the acquirer's certificate is not issued by the configured CA" },
        [HOST_LINK_TLS_NAME] = { "tls-name", "the acquirer's certificate bears another name" },
        [HOST_LINK_TLS_EXPIRED] = { "tls-expired", "the acquirer's certificate has expired or is not yet valid" },
        [HOST_LINK_TLS_VERSION] = { "tls-version", "the acquirer does not offer TLS 1.2 or later" },
        [HOST_LINK_TLS_CLIENT] = { "tls-client", "the acquirer refused this terminal's certificate" },
        [HOST_LINK_TLS_OTHER] = { "tls", "no TLS connection to the acquirer" },
        [HOST_LINK_CLOSED] = { "closed", "the acquirer closed the connection without an answer" },
        [HOST_LINK_TIMEOUT] = { "timeout", "the acquirer did not answer in time" },
        [HOST_LINK_MALFORMED] = { "malformed", "the acquirer sent something that is no message" },
};

const char *host_link_reason_text(enum host_link_reason reason) {
        return reasons[reason].text;
}

const char *host_link_reason_name(enum host_link_reason reason) {
        return reasons[reason].name;
}

static enum host_link_reason verify_reason(long result) {
        switch (result) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                return HOST_LINK_TLS_NAME;
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
                return HOST_LINK_TLS_EXPIRED;
        default:
                return HOST_LINK_TLS_CA;
        }
}

static enum host_link_reason error_reason(unsigned long error) {
        if (ERR_GET_LIB(error) != ERR_LIB_SSL)
                return HOST_LINK_TLS_OTHER;

        switch (ERR_GET_REASON(error)) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_WRONG_SSL_VERSION:
        case SSL_R_VERSION_TOO_LOW:
                return HOST_LINK_TLS_VERSION;
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
                return HOST_LINK_TLS_CLIENT;
        default:
                return HOST_LINK_TLS_OTHER;
        }
}

enum host_link_reason link_tls_reason(unsigned long error, long verify) {
        if (verify != X509_V_OK)
                return verify_reason(verify);
        return error_reason(error);
}
