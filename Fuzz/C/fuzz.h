#include <stddef.h>

// What the fuzz targets use from C: memory accounting, and OpenSSL's verdicts.

/// Starts counting from the currently allocated bytes.
void fuzz_begin_count(void);
/// The peak since then in bytes, relative to the start.
size_t fuzz_peak(void);
/// The number of certificates that OpenSSL's X509_load_cert_crl_file finds in a text; -1 if it refuses it.
int fuzz_openssl_certificates(const void *text, size_t count);
/// Whether OpenSSL's d2i_X509 reads a certificate.
int fuzz_openssl_reads_der(const void *der, size_t count);
