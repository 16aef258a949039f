#ifndef CKVSTORAGE_OPENSSL_SHIM_H
#define CKVSTORAGE_OPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
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

// OpenSSL's own would ask whoever sits at the terminal, and wait.
static int ckv_no_passphrase(char *buffer, int size, int writes, void *context) {
    (void)buffer; (void)size; (void)writes; (void)context;
    return -1;
}

static inline X509 *ckv_read_certificate(BIO *pem) {
    return PEM_read_bio_X509(pem, NULL, ckv_no_passphrase, NULL);
}

// Whether reading has stopped as there is nothing more, not at something unreadable; forgets the error if so.
static inline int ckv_is_at_end(void) {
    unsigned long code = ERR_peek_last_error();
    if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) return 0;
    ERR_clear_error();
    return 1;
}

// Trusts each of the certificates: 1, or 0 if there is none or one can't be read.
static inline int ckv_ssl_trust(SSL_CTX *context, BIO *pem) {
    int count = 0;
    for (X509 *certificate; (certificate = ckv_read_certificate(pem)); count++) {
        int added = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
        X509_free(certificate);
        if (added != 1) return 0;
    }
    return count > 0 && ckv_is_at_end();
}

// Shows the first certificate to servers that ask, with the others, which stand between it and its authority.
static inline int ckv_ssl_use_certificates(SSL_CTX *context, BIO *pem) {
    X509 *certificate = ckv_read_certificate(pem);
    if (!certificate) return 0;
    int used = SSL_CTX_use_certificate(context, certificate);
    X509_free(certificate);
    while (used == 1 && (certificate = ckv_read_certificate(pem))) {
        used = (int)SSL_CTX_add1_chain_cert(context, certificate);
        X509_free(certificate);
    }
    return used == 1 && ckv_is_at_end();
}

// Uses the key, which has to belong to the certificate that is used already.
static inline int ckv_ssl_use_key(SSL_CTX *context, BIO *pem) {
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, ckv_no_passphrase, NULL);
    if (!key) return 0;
    int used = SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    return used == 1 && SSL_CTX_check_private_key(context) == 1;
}

// The errno of an error that the system made, or 0.
static inline int ckv_system_error(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_SYS ? ERR_GET_REASON(code) : 0;
}

static inline size_t ckv_bio_pending(BIO *bio) {
    return BIO_ctrl_pending(bio);
}

#endif
