// The cost of the same work in plain C: the lower limit that the benchmarks compare with. It checks nothing and keeps
// nothing safe, so do not use it for anything else.
//
//   limit restart FILE... -- COMMAND [ARG...]      fork; the child reads the files; exec
//   limit first FILE... -- COMMAND [ARG...]        the same, and the child also replaces each file: a new file beside it,
//                                                  fsync, rename, and fsync of its directory
//   limit scale DIRECTORY BASE OUT -- COMMAND [ARG...]  the child reads every file of DIRECTORY, decodes its PEM, hashes
//                                                  the DER, writes BASE and all of them to OUT and fsyncs it
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  char *bytes;
  size_t count;
} Text;

static void fail(const char *what) {
  perror(what);
  _exit(1);
}

static Text read_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) fail(path);
  Text text = {malloc((size_t)status.st_size + 1), 0};
  ssize_t got;
  while ((got = read(fd, text.bytes + text.count, (size_t)status.st_size + 1 - text.count)) > 0)
    text.count += (size_t)got;
  close(fd);
  return text;
}

static void write_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t put = write(fd, bytes, count);
    if (put < 0) fail("write");
    bytes += put;
    count -= (size_t)put;
  }
}

// Writes a file beside the path, fsyncs it, renames it, and fsyncs the directory.
static void replace(const char *path, const char *bytes, size_t count) {
  char beside[4096], directory[4096];
  snprintf(beside, sizeof beside, "%s.new", path);
  snprintf(directory, sizeof directory, "%s", path);
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail(beside);
  write_all(fd, bytes, count);
  if (fsync(fd) != 0) fail("fsync");
  close(fd);
  if (rename(beside, path) != 0) fail(path);
  int parent = open(dirname(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0 || fsync(parent) != 0) fail("fsync of the directory");
  close(parent);
}

// SHA-256 (FIPS 180-4 §6.2).
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static void compress(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64], s[8];
  for (int t = 0; t < 16; t++)
    w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
           block[4 * t + 3];
  for (int t = 16; t < 64; t++)
    w[t] = w[t - 16] + w[t - 7] + (rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3) +
           (rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10);
  memcpy(s, state, sizeof s);
  for (int t = 0; t < 64; t++) {
    uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                  ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[t] + w[t];
    uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

static uint32_t sha256(const uint8_t *bytes, size_t count) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t last[128] = {0};
  size_t whole = count / 64 * 64, rest = count - whole, padded = rest < 56 ? 64 : 128;
  for (size_t at = 0; at < whole; at += 64) compress(state, bytes + at);
  memcpy(last, bytes + whole, rest);
  last[rest] = 0x80;
  for (int i = 0; i < 8; i++) last[padded - 1 - i] = (uint8_t)((uint64_t)count * 8 >> (8 * i));
  for (size_t at = 0; at < padded; at += 64) compress(state, last + at);
  return state[0];
}

// Decodes the Base64 between the BEGIN and END lines; returns the length of the DER.
static size_t decode(const char *text, size_t count, uint8_t *der) {
  static int8_t values[256];
  if (!values['B']) {
    memset(values, -1, sizeof values);
    const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 64; i++) values[(uint8_t)alphabet[i]] = (int8_t)i;
  }
  const char *at = memchr(text, '\n', count), *end = text + count;
  uint32_t quantum = 0;
  size_t length = 0, bits = 0;
  for (; at && at < end && *at != '-'; at++) {
    int value = values[(uint8_t)*at];
    if (value < 0) continue;
    quantum = quantum << 6 | (uint32_t)value;
    if ((bits += 6) >= 8) der[length++] = (uint8_t)(quantum >> (bits -= 8));
  }
  return length;
}

static int by_name(const struct dirent **one, const struct dirent **other) {
  return strcmp((*one)->d_name, (*other)->d_name);
}

static uint32_t scale(const char *directory, const char *base, const char *out) {
  struct dirent **names;
  int count = scandir(directory, &names, NULL, by_name);
  if (count < 0) fail(directory);
  Text text = read_file(base), all = {malloc(text.count + 64u * 1024 * 1024), text.count};
  memcpy(all.bytes, text.bytes, text.count);
  uint32_t sum = 0;
  static uint8_t der[65536];
  for (int i = 0; i < count; i++) {
    if (names[i]->d_name[0] == '.') continue;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
    Text one = read_file(path);
    sum ^= sha256(der, decode(one.bytes, one.count, der));
    memcpy(all.bytes + all.count, one.bytes, one.count);
    all.count += one.count;
    free(one.bytes);
  }
  replace(out, all.bytes, all.count);
  return sum;
}

int main(int argc, char **argv) {
  int command = 2;
  while (command < argc && strcmp(argv[command], "--") != 0) command++;
  if (command + 1 >= argc) return 64;
  pid_t child = fork();
  if (child == 0) {
    if (strcmp(argv[1], "scale") == 0) _exit(scale(argv[2], argv[3], argv[4]) == 1);
    for (int i = 2; i < command; i++) {
      Text text = read_file(argv[i]);
      if (strcmp(argv[1], "first") == 0) replace(argv[i], text.bytes, text.count);
    }
    _exit(0);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
  execv(argv[command + 1], argv + command + 1);
  return 127;
}
