// Counts the allocated bytes. libFuzzer's own limit applies to the whole process, with its corpus and tables: a reader
// may take hundreds of times the size of a 64 KiB input and stay below it.
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

// In this thread only: libFuzzer has another one, which watches it.
static _Thread_local intptr_t held, peak, start;

void fuzz_begin_count(void) { start = peak = held; }
size_t fuzz_peak(void) { return (size_t)(peak - start); }

static void *taken(void *block) {
  if (block) held += (intptr_t)malloc_usable_size(block);
  if (held > peak) peak = held;
  return block;
}

void *malloc(size_t count) { return taken(__libc_malloc(count)); }
void *calloc(size_t number, size_t count) { return taken(__libc_calloc(number, count)); }
void *memalign(size_t alignment, size_t count) { return taken(__libc_memalign(alignment, count)); }
void *aligned_alloc(size_t alignment, size_t count) { return taken(__libc_memalign(alignment, count)); }

int posix_memalign(void **result, size_t alignment, size_t count) {
  *result = taken(__libc_memalign(alignment, count));
  return *result ? 0 : 12;
}

void free(void *block) {
  if (block) held -= (intptr_t)malloc_usable_size(block);
  __libc_free(block);
}

void *realloc(void *block, size_t count) {
  if (block) held -= (intptr_t)malloc_usable_size(block);
  return taken(__libc_realloc(block, count));
}
