#include <stddef.h>

// What the fuzz targets ask of C: how much memory was held, and what OpenSSL says.

/// Begins to count: the peak is what is held now.
void fuzz_begin_count(void);
/// The most that was held since then, in bytes beyond what was held at the beginning.
size_t fuzz_peak(void);
/// How many certificates OpenSSL's X509_load_cert_crl_file finds in a text; -1 where it refuses it.
int fuzz_openssl_certificates(const void *text, size_t count);
/// Whether OpenSSL's d2i_X509 reads a certificate.
int fuzz_openssl_reads_der(const void *der, size_t count);
