#ifndef CLINUX_H
#define CLINUX_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static inline int clinux_errno(void) { return errno; }
#endif
