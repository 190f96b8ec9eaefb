// What Swift cannot import from libc directly: macros, variadic functions, and system calls without a wrapper in every
// libc. No logic.
#ifndef CLINUX_H
#define CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <grp.h>
#include <netdb.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline int clinux_errno(void) { return errno; }
static inline void *clinux_map_failed(void) { return MAP_FAILED; }

extern char **environ;
static inline char **clinux_environ(void) { return environ; }

static inline int clinux_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags, mode);
}

// openat2(2). The necessary part of <linux/openat2.h>, so that a build needs only musl's own headers.
static inline long clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode,
                                  uint64_t resolve) {
  uint64_t how[3] = {flags, mode, resolve};
  return syscall(SYS_openat2, directory, path, how, sizeof how);
}
static const uint64_t clinux_resolve_no_magic_links = 0x02;
static const uint64_t clinux_resolve_in_root = 0x10;

static inline long clinux_getdents64(int directory, void *buffer, size_t size) {
  return syscall(SYS_getdents64, directory, buffer, size);
}

static inline int clinux_duplicate_above(int descriptor, int least) {
  return fcntl(descriptor, F_DUPFD_CLOEXEC, least);
}
static inline int clinux_get_descriptor_flags(int descriptor) { return fcntl(descriptor, F_GETFD); }
static inline int clinux_set_nonblocking(int descriptor) {
  return fcntl(descriptor, F_SETFL, O_NONBLOCK);
}

static inline int clinux_pipe(int *ends) {
  if (pipe2(ends, O_CLOEXEC) == 0) return 0;
  if ((errno != ENOSYS && errno != EPERM) || pipe(ends) != 0) return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
}

static inline int clinux_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }

static inline void clinux_ignore(int signal) {
  struct sigaction action = {0};
  action.sa_handler = SIG_IGN;
  sigaction(signal, &action, NULL);
}
static inline int clinux_is_ignored(int signal) {
  struct sigaction action = {0};
  return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}
static inline void clinux_default(int signal) {
  struct sigaction action = {0};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, NULL);
}

// An enumeration in one libc, a number in the other.
static const int clinux_stream_socket = (int)SOCK_STREAM | (int)SOCK_CLOEXEC | (int)SOCK_NONBLOCK;

// The address is a transparent union in one libc.
static inline int clinux_connect(int descriptor, const struct sockaddr *address, socklen_t size) {
  return connect(descriptor, address, size);
}

// capget(2): the first 32 effective capabilities; none if the kernel does not tell.
static inline uint32_t clinux_effective_capabilities(void) {
  uint32_t header[2] = {0x20080522, 0};
  uint32_t sets[6] = {0};
  return syscall(SYS_capget, header, sets) == 0 ? sets[0] : 0;
}

static inline int clinux_exited(int status) { return WIFEXITED(status); }
static inline int clinux_exit_status(int status) { return WEXITSTATUS(status); }
static inline int clinux_signalled(int status) { return WIFSIGNALED(status); }
static inline int clinux_signal(int status) { return WTERMSIG(status); }

static inline uint32_t clinux_mode_type(mode_t mode) { return mode & S_IFMT; }

// statx(2): the attributes are at offset 8, the mask of supported ones at offset 56. The struct itself is declared by
// one libc, by the kernel's header for the other, and by both together. Returns a negative number if it cannot tell.
static inline int clinux_is_mount_point(int directory, const char *name) {
  enum { size = 256, attributes = 1, known = 7, no_automount = 0x800, mount_root = 0x2000 };
  uint64_t status[size / 8] = {0};
  if (syscall(SYS_statx, directory, name, AT_SYMLINK_NOFOLLOW | no_automount, 0, status) != 0) return -1;
  if ((status[known] & mount_root) == 0) return -1;
  return (status[attributes] & mount_root) != 0;
}

static inline uint64_t clinux_stack_limit(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : UINT64_MAX;
}

static inline int clinux_terminal_columns(int descriptor) {
  struct winsize size = {0};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
#endif
