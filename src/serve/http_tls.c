/*
 * Certificates. A connection keeps the one of its handshake until it ends; a certificate lives as
 * long as it is today's or a connection has it.
 */
#include "serve/http_internal.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "base/fs.h"

enum { PEM_BYTES = 1 << 20 };

struct tls_cert {
	gnutls_certificate_credentials_t credentials;
	size_t users; /* connections, and one for being today's */
};

static int parse(const struct http_options *options, struct buf *cert, struct buf *key,
	struct tls_cert *out, struct err *err)
{
	gnutls_datum_t cert_pem = { (unsigned char *)cert->ptr, (unsigned)cert->len };
	gnutls_datum_t key_pem = { (unsigned char *)key->ptr, (unsigned)key->len };
	int rc = gnutls_certificate_allocate_credentials(&out->credentials);

	ASSERT(rc == GNUTLS_E_SUCCESS); /* out of memory */
	rc = gnutls_certificate_set_x509_key_mem(
		out->credentials, &cert_pem, &key_pem, GNUTLS_X509_FMT_PEM);
	if (rc >= 0)
		return 0;
	gnutls_certificate_free_credentials(out->credentials);
	return err_set(err, ERR_PARSE,
		"certificate '%s' with key '%s': %s; both must be PEM files that belong together",
		options->tls_cert, options->tls_key, gnutls_strerror(rc));
}

static void let_go(struct tls_cert *cert)
{
	if (cert && --cert->users == 0) {
		gnutls_certificate_free_credentials(cert->credentials);
		free(cert);
	}
}

int http_tls_load(struct http *http, struct buf *cert, struct buf *key, struct err *err)
{
	const struct http_options *options = &http->options;
	struct tls_cert *loaded;
	int rc = fs_read(options->tls_cert, PEM_BYTES, cert, err);

	if (rc == 0)
		rc = fs_read(options->tls_key, PEM_BYTES, key, err);
	if (rc < 0)
		return rc;
	loaded = mem_zalloc(sizeof(*loaded));
	loaded->users = 1;
	rc = parse(options, cert, key, loaded, err);
	if (rc < 0) {
		free(loaded);
		return rc;
	}
	pthread_mutex_lock(&http->tls_lock);
	let_go(http->tls_current);
	http->tls_current = loaded;
	pthread_mutex_unlock(&http->tls_lock);
	return 0;
}

int http_reload_tls(struct http *http, struct err *err)
{
	CLEANUP(buf_release) struct buf cert = BUF_INIT, key = BUF_INIT;

	return http->tls_current ? http_tls_load(http, &cert, &key, err) : 0;
}

void http_tls_begin(struct http_request *request)
{
	struct http *http = request->http;
	const union MHD_ConnectionInfo *info;

	if (!http->options.tls_cert)
		return;
	pthread_mutex_lock(&http->tls_lock);
	request->cert = http->tls_current;
	request->cert->users++;
	pthread_mutex_unlock(&http->tls_lock);
	info = MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	ASSERT(gnutls_credentials_set(info->tls_session, GNUTLS_CRD_CERTIFICATE,
		       request->cert->credentials) == GNUTLS_E_SUCCESS);
}

void http_tls_end(struct http_request *request)
{
	struct http *http = request->http;

	if (!request->cert)
		return;
	pthread_mutex_lock(&http->tls_lock);
	let_go(request->cert);
	pthread_mutex_unlock(&http->tls_lock);
	request->cert = NULL;
}

void http_tls_release(struct http *http)
{
	let_go(http->tls_current);
	http->tls_current = NULL;
}
