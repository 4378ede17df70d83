// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "base/log.h"
#include "host/link-internal.h"

DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free);

/* OpenSSL's own socket BIO raises SIGPIPE; this one does not, and tells when bytes of a request left. */
static int bio_write(BIO *bio, const char *data, int size) {
        struct host_link *l = BIO_get_data(bio);
        ssize_t n;

        BIO_clear_retry_flags(bio);
        n = send(l->fd, data, (size_t) size, MSG_NOSIGNAL);
        if (n > 0) {
                if (l->exchange && l->exchange->started)
                        l->exchange->sent = true;
                return (int) n;
        }
        if (errno == EAGAIN || errno == EINTR)
                BIO_set_retry_write(bio);
        return -1;
}

static int bio_read(BIO *bio, char *data, int size) {
        struct host_link *l = BIO_get_data(bio);
        ssize_t n;

        BIO_clear_retry_flags(bio);
        n = recv(l->fd, data, (size_t) size, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                BIO_set_retry_read(bio);
        return (int) n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method(void) {
        static BIO_METHOD *method;

        if (method)
                return method;
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "host link");
        if (!method)
                return NULL;
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
        return method;
}

static int link_set_peer_name(struct host_link *l, const char *name) {
        struct in6_addr buffer;

        if (inet_pton(AF_INET, name, &buffer) == 1 || inet_pton(AF_INET6, name, &buffer) == 1)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l->ssl), name) == 1 ? 0 : -EINVAL;
        if (SSL_set_tlsext_host_name(l->ssl, name) != 1 || SSL_set1_host(l->ssl, name) != 1)
                return -EINVAL;
        return 0;
}

int link_tls_new(struct host_link *l) {
        struct endpoint *e = l->endpoints + l->current;
        BIO_METHOD *method = bio_method();
        BIO *bio;

        if (!method)
                return -ENOMEM;
        l->ssl = SSL_new(l->context);
        if (!l->ssl)
                return -ENOMEM;
        bio = BIO_new(method);
        if (!bio)
                return -ENOMEM;
        BIO_set_data(bio, l);
        BIO_set_init(bio, 1);
        SSL_set_bio(l->ssl, bio, bio);
        if (SSL_set_app_data(l->ssl, l) != 1)
                return -ENOMEM;
        if (e->session)
                (void) SSL_set_session(l->ssl, e->session);
        return link_set_peer_name(l, l->server_name ?: e->name);
}

/* Called by OpenSSL when the acquirer offers a session; taking it keeps a reference. */
static int on_new_session(SSL *ssl, SSL_SESSION *session) {
        struct host_link *l = SSL_get_app_data(ssl);

        endpoint_set_session(l->endpoints + l->current, session);
        return 1;
}

/* Before TLS 1.3 a server whose question for a certificate stays without one says no more than that it failed. */
static bool wants_our_certificate(const struct host_link *l, unsigned long error) {
        return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE &&
               SSL_get0_peer_CA_list(l->ssl) && !SSL_get_certificate(l->ssl);
}

enum host_link_reason link_tls_error(struct host_link *l, const char **ret_detail) {
        unsigned long error = ERR_peek_error();
        long verify = SSL_get_verify_result(l->ssl);
        int saved = errno;

        ERR_clear_error();
        if (verify != X509_V_OK) {
                *ret_detail = X509_verify_cert_error_string(verify);
                return link_tls_reason(error, verify);
        }
        if (error != 0) {
                *ret_detail = ERR_reason_error_string(error) ?: "TLS error";
                return wants_our_certificate(l, error) ? HOST_LINK_TLS_CLIENT : link_tls_reason(error, verify);
        }
        *ret_detail = saved != 0 ? strerror(saved) : "end of the connection";
        return HOST_LINK_CLOSED;
}

static int context_load(SSL_CTX *c, const struct host_link_config *config) {
        const char *pem = config->certificate_file;

        if (!config->ca_file)
                return -EINVAL;
        if (access(config->ca_file, R_OK) < 0 || (pem && access(pem, R_OK) < 0))
                return -errno;
        if (SSL_CTX_load_verify_file(c, config->ca_file) != 1)
                return -EKEYREJECTED;
        if (pem && (SSL_CTX_use_certificate_chain_file(c, pem) != 1 ||
                    SSL_CTX_use_PrivateKey_file(c, pem, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(c) != 1))
                return -EKEYREJECTED;
        return 0;
}

static bool memory_was_short(void) {
        unsigned long error;

        while ((error = ERR_get_error()) != 0)
                if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
                        return true;
        return false;
}

/*
 * OpenSSL looks these up once a process, when they are needed first: what a certificate says, and the algorithms of a
 * kind. Where memory is short just then it remembers that there is nothing, and no connection succeeds until another
 * process tries. So this comes before the first, and whoever starts is told. A certificate that cannot be used for
 * another cause does no harm beside one that can: no peer is taken for it.
 */
static int look_up_certificates(SSL_CTX *c, const char *ca_file) {
        STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(c));
        bool any = false;

        ERR_clear_error();
        for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
                X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

                if (certificate && X509_check_purpose(certificate, -1, 0) == 1 && X509_get0_pubkey(certificate))
                        any = true;
                if (memory_was_short())
                        return -ENOMEM;
        }
        return any ? 0
                   : log_error_errno(-EKEYREJECTED, "No certificate in %s can be used to know the acquirer", ca_file);
}

static int look_up_algorithms(void) {
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
        EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
        EVP_RAND *rand = EVP_RAND_fetch(NULL, "CTR-DRBG", NULL);
        EVP_KEYEXCH *exchange = EVP_KEYEXCH_fetch(NULL, "ECDH", NULL);
        EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(NULL, "ECDSA", NULL);
        bool all = kdf && mac && rand && exchange && signature && RAND_status() == 1;

        EVP_KDF_free(kdf);
        EVP_MAC_free(mac);
        EVP_RAND_free(rand);
        EVP_KEYEXCH_free(exchange);
        EVP_SIGNATURE_free(signature);
        return all ? 0 : -ENOMEM;
}

int link_tls_context(const struct host_link_config *config, SSL_CTX **ret) {
        _cleanup_(SSL_CTX_freep) SSL_CTX *c = NULL;
        int r;

        c = SSL_CTX_new(TLS_client_method());
        if (!c)
                return -ENOMEM;
        if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1)
                return -EIO;
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
        SSL_CTX_set_mode(c, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(c, on_new_session);

        r = context_load(c, config);
        if (r >= 0)
                r = look_up_certificates(c, config->ca_file);
        if (r >= 0)
                r = look_up_algorithms();
        ERR_clear_error();
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}
