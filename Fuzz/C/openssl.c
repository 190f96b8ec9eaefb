#define _POSIX_C_SOURCE 200809L
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "fuzz.h"

int fuzz_openssl_certificates(const void *text, size_t count) {
  // Uses a file, as clients do: OpenSSL reads lines with NULs differently from memory.
  FILE *file = count > 0 ? fmemopen((void *)text, count, "r") : NULL;
  if (!file) return 0;
  BIO *bio = BIO_new_fp(file, BIO_CLOSE);
  STACK_OF(X509_INFO) *found = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
  int certificates = found ? 0 : -1;
  for (int index = 0; found && index < sk_X509_INFO_num(found); index++)
    certificates += sk_X509_INFO_value(found, index)->x509 != NULL;
  sk_X509_INFO_pop_free(found, X509_INFO_free);
  BIO_free(bio);
  ERR_clear_error();
  return certificates;
}

int fuzz_openssl_reads_der(const void *der, size_t count) {
  const unsigned char *position = der;
  X509 *certificate = d2i_X509(NULL, &position, (long)count);
  int reads = certificate != NULL;
  X509_free(certificate);
  ERR_clear_error();
  return reads;
}
