#ifndef CKVSTORAGE_OPENSSL_SHIM_H
#define CKVSTORAGE_OPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// What OpenSSL has as macros, which Swift does not see.

static inline int ckv_ssl_require_tls12(SSL_CTX *context) {
    // Of what is not encrypted to the end or can be renegotiated, nothing is needed.
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline void ckv_ssl_accept_partial_writes(SSL *session) {
    SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static inline int ckv_ssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

static inline size_t ckv_bio_pending(BIO *bio) {
    return BIO_ctrl_pending(bio);
}

#endif
