#include "CBuild.h"

#include <stdint.h>

#ifndef PSM_ENTRY_COMMIT
#define PSM_ENTRY_COMMIT "unknown"
#endif

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#else
#error "name this architecture as uname -m does"
#endif

const char *cbuild_version(void) { return PSM_ENTRY_VERSION; }
const char *cbuild_commit(void) { return PSM_ENTRY_COMMIT; }
const char *cbuild_architecture(void) { return ARCHITECTURE; }

// The same for `readelf -n` and for core dumps: the package metadata note of systemd.io/ELF_PACKAGE_METADATA.
#define METADATA                                                                                        \
  "{\"type\":\"binary\",\"name\":\"psm-entry\",\"version\":\"" PSM_ENTRY_VERSION                       \
  "\",\"architecture\":\"" ARCHITECTURE "\",\"commit\":\"" PSM_ENTRY_COMMIT "\"}"

static const struct {
  uint32_t owner_size, metadata_size, type;
  char owner[4];
  char metadata[(sizeof METADATA + 3) / 4 * 4];
} note __attribute__((section(".note.package"), used, aligned(4))) = {
    4, sizeof note.metadata, 0xCAFE1A7E, "FDO", METADATA};
