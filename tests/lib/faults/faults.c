/* Makes a call on a file fail, under any program with LD_PRELOAD. It counts the calls of this process on files whose
   path ends in one of the given suffixes and does to one of them what the environment says:

   WEFT_FAULT_PATHS   suffixes, separated by colons; without it nothing is counted
   WEFT_FAULT_RANK    the rank whose calls are meant; without it every rank's
   WEFT_FAULT_CALL    which call, from 1; without it, or 0, none fails
   WEFT_FAULT_ERRNO   what it fails with, a number; without it the call writes or reads half of what it should: no
   failure WEFT_FAULT_FLIP    set: a read goes well, but for one bit in the middle of what it brings WEFT_FAULT_LATE
   set: a write that fails says that all went well, writes nothing, and the next flush or close of that descriptor
   tells, once, as on NFS WEFT_FAULT_LASTING set: so do all calls after it that would write or make room, as on a disk
   that stays full WEFT_FAULT_LOG     a file that gets a line for every call: rank, number, function, "failed" or "ok",
   path */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

typedef enum { PASS, FAIL, HALF, LATE, FLIP } Fate;
typedef enum { OTHER, WRITES } Kind; /* WRITES: a full disk refuses it */

static atomic_int count;
static atomic_int late = -1; /* the descriptor whose write was lost and that has not told yet */

static int FromEnvironment(const char name[], int otherwise)
{
  const char *text = getenv(name);

  return text && text[0] ? atoi(text) : otherwise;
}

static int Rank(void)
{
  return FromEnvironment("OMPI_COMM_WORLD_RANK", FromEnvironment("PMI_RANK", 0));
}

static int Watched(const char path[])
{
  const char  *suffix = getenv("WEFT_FAULT_PATHS");
  const size_t length = strlen(path);

  while (suffix && suffix[0]) {
    const size_t n = strcspn(suffix, ":");
    if (n && n <= length && !strncmp(path + length - n, suffix, n)) return 1;
    suffix += n + (suffix[n] == ':');
  }
  return 0;
}

/* By the system's own call: the functions below are in the way of any other. */
static void Log(int number, const char function[], Fate fate, const char path_of_call[])
{
  static int (*real)(const char *, int, ...);
  const char *path = getenv("WEFT_FAULT_LOG");
  char        line[PATH_MAX + 128];
  int         fd, n;

  if (!path) return;
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "open64");
  fd = real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return;
  n = snprintf(line, sizeof(line), "%d %d %s %s %s\n", Rank(), number, function, fate == PASS ? "ok" : "failed",
               path_of_call);
  if (write(fd, line, (size_t)n) < 0) abort();
  close(fd);
}

static Fate Misfortune(int error)
{
  if (getenv("WEFT_FAULT_FLIP")) return FLIP;
  if (!error) return HALF;
  return getenv("WEFT_FAULT_LATE") ? LATE : FAIL;
}

static Fate FateOf(const char path[], const char function[], Kind kind)
{
  const int call = FromEnvironment("WEFT_FAULT_CALL", 0), error = FromEnvironment("WEFT_FAULT_ERRNO", 0);
  int       number;
  Fate      fate = PASS;

  if (!Watched(path) || FromEnvironment("WEFT_FAULT_RANK", Rank()) != Rank()) return PASS;
  number = ++count;
  if (number == call || (call && number > call && kind == WRITES && getenv("WEFT_FAULT_LASTING")))
    fate = Misfortune(error);
  Log(number, function, fate, path);
  if (fate == FAIL) errno = error;
  return fate;
}

static Fate FateOfOpen(int fd, const char function[], Kind kind)
{
  char    link[64], path[PATH_MAX];
  ssize_t n;

  if (!getenv("WEFT_FAULT_PATHS")) return PASS;
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  n = readlink(link, path, sizeof(path) - 1);
  if (n < 0) return PASS;
  path[n] = 0;
  return FateOf(path, function, kind);
}

/* Of a flush or close: may be what tells of a write that was lost. */
static Fate FateOfFlush(int fd, const char function[], Kind kind)
{
  int        mine = fd;
  const Fate fate = FateOfOpen(fd, function, kind);

  if (fd < 0 || !atomic_compare_exchange_strong(&late, &mine, -1)) return fate == LATE ? PASS : fate;
  errno = FromEnvironment("WEFT_FAULT_ERRNO", 0);
  return FAIL;
}

/* name: this function's next of that name. */
#define NEXT(name)                                                                                                     \
  static __typeof__(&(name)) next;                                                                                     \
  if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name)

#define OPENS(name, parameters, arguments)                                                                             \
  int name parameters                                                                                                  \
  {                                                                                                                    \
    const int makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;                                             \
    va_list   list;                                                                                                    \
    mode_t    mode;                                                                                                    \
    NEXT(name);                                                                                                        \
    va_start(list, flags);                                                                                             \
    mode = makes ? va_arg(list, mode_t) : 0;                                                                           \
    va_end(list);                                                                                                      \
    return FateOf(path, #name, makes ? WRITES : OTHER) == FAIL ? -1 : next arguments;                                  \
  }
OPENS(open, (const char *path, int flags, ...), (path, flags, mode))
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENS(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPENS(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

/* A function whose one telling argument is a file's descriptor; how: its arguments and how it passes them on. */
#define ON_FILE(type, name, kind, failure, parameters, arguments)                                                      \
  type name parameters                                                                                                 \
  {                                                                                                                    \
    NEXT(name);                                                                                                        \
    return FateOfOpen(fd, #name, kind) == FAIL ? (failure) : next arguments;                                           \
  }
#define FLUSH(name)                                                                                                    \
  int name(int fd)                                                                                                     \
  {                                                                                                                    \
    NEXT(name);                                                                                                        \
    return FateOfFlush(fd, #name, WRITES) == FAIL ? -1 : next(fd);                                                     \
  }
FLUSH(fsync)
FLUSH(fdatasync)
ON_FILE(int, ftruncate, WRITES, -1, (int fd, off_t length), (fd, length))
ON_FILE(int, ftruncate64, WRITES, -1, (int fd, off64_t length), (fd, length))
ON_FILE(int, posix_fallocate, WRITES, errno, (int fd, off_t at, off_t length), (fd, at, length))
ON_FILE(int, posix_fallocate64, WRITES, errno, (int fd, off64_t at, off64_t length), (fd, at, length))
ON_FILE(off_t, lseek, OTHER, -1, (int fd, off_t at, int whence), (fd, at, whence))
ON_FILE(off64_t, lseek64, OTHER, -1, (int fd, off64_t at, int whence), (fd, at, whence))
ON_FILE(int, flock, OTHER, -1, (int fd, int operation), (fd, operation))

/* Of those that are a matter of locks. All third arguments pass as a pointer does. */
static int Locks(int command)
{
  return command == F_GETLK || command == F_SETLK || command == F_SETLKW || command == F_OFD_GETLK ||
         command == F_OFD_SETLK || command == F_OFD_SETLKW;
}
#define LOCK(name)                                                                                                     \
  int name(int fd, int command, ...)                                                                                   \
  {                                                                                                                    \
    va_list list;                                                                                                      \
    void   *third;                                                                                                     \
    NEXT(name);                                                                                                        \
    va_start(list, command);                                                                                           \
    third = va_arg(list, void *);                                                                                      \
    va_end(list);                                                                                                      \
    return Locks(command) && FateOfOpen(fd, #name, OTHER) == FAIL ? -1 : next(fd, command, third);                     \
  }
LOCK(fcntl)
LOCK(fcntl64)

/* Half of the first piece. */
static struct iovec Half(const struct iovec *v)
{
  return (struct iovec){v->iov_base, (v->iov_len + 1) / 2};
}
/* One bit of the middle of what was read. */
static void Flip(const struct iovec *v, int n, ssize_t read)
{
  size_t at = (size_t)(read > 0 ? read : 0) / 2;

  for (int i = 0; i < n && read > 0; at -= v[i++].iov_len) {
    if (at >= v[i].iov_len) continue;
    ((unsigned char *)v[i].iov_base)[at] ^= 16;
    return;
  }
}
#define READ_PIECES(name, parameters, whole, half)                                                                     \
  ssize_t name parameters                                                                                              \
  {                                                                                                                    \
    const Fate         fate = FateOfOpen(fd, #name, OTHER);                                                            \
    const struct iovec first = Half(v);                                                                                \
    ssize_t            length;                                                                                         \
    NEXT(name);                                                                                                        \
    if (fate == FAIL) return -1;                                                                                       \
    length = fate == HALF ? next half : next whole;                                                                    \
    if (fate == FLIP) Flip(v, n, length);                                                                              \
    return length;                                                                                                     \
  }
READ_PIECES(readv, (int fd, const struct iovec *v, int n), (fd, v, n), (fd, &first, 1))
READ_PIECES(preadv, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at), (fd, &first, 1, at))
READ_PIECES(preadv64, (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at), (fd, &first, 1, at))
#define READ(name, parameters, whole, half)                                                                            \
  ssize_t name parameters                                                                                              \
  {                                                                                                                    \
    const Fate         fate = FateOfOpen(fd, #name, OTHER);                                                            \
    const struct iovec all = {to, n};                                                                                  \
    ssize_t            length;                                                                                         \
    NEXT(name);                                                                                                        \
    if (fate == FAIL) return -1;                                                                                       \
    length = fate == HALF ? next half : next whole;                                                                    \
    if (fate == FLIP) Flip(&all, 1, length);                                                                           \
    return length;                                                                                                     \
  }
READ(read, (int fd, void *to, size_t n), (fd, to, n), (fd, to, (n + 1) / 2))
READ(pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), (fd, to, (n + 1) / 2, at))
READ(pread64, (int fd, void *to, size_t n, off64_t at), (fd, to, n, at), (fd, to, (n + 1) / 2, at))

/* A close that fails has closed all the same. */
int close(int fd)
{
  Fate fate = FateOfFlush(fd, "close", OTHER);
  int  error = errno, status;
  NEXT(close);

  status = next(fd);
  if (fate == FAIL) errno = error;
  return fate == FAIL ? -1 : status;
}

static ssize_t Lose(int fd, size_t n)
{
  late = fd;
  return (ssize_t)n;
}

#define WRITE(name, parameters, whole, half)                                                                           \
  ssize_t name parameters                                                                                              \
  {                                                                                                                    \
    const Fate fate = FateOfOpen(fd, #name, WRITES);                                                                   \
    NEXT(name);                                                                                                        \
    if (fate == FAIL) return -1;                                                                                       \
    if (fate == LATE) return Lose(fd, n);                                                                              \
    return fate == HALF ? next half : next whole;                                                                      \
  }
WRITE(write, (int fd, const void *from, size_t n), (fd, from, n), (fd, from, (n + 1) / 2))
WRITE(pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), (fd, from, (n + 1) / 2, at))
WRITE(pwrite64, (int fd, const void *from, size_t n, off64_t at), (fd, from, n, at), (fd, from, (n + 1) / 2, at))

static size_t Length(const struct iovec *v, int n)
{
  size_t length = 0;

  for (int i = 0; i < n; ++i) length += v[i].iov_len;
  return length;
}
#define WRITE_PIECES(name, parameters, whole, half)                                                                    \
  ssize_t name parameters                                                                                              \
  {                                                                                                                    \
    const Fate         fate = FateOfOpen(fd, #name, WRITES);                                                           \
    const struct iovec first = Half(v);                                                                                \
    NEXT(name);                                                                                                        \
    if (fate == FAIL) return -1;                                                                                       \
    if (fate == LATE) return Lose(fd, Length(v, n));                                                                   \
    return fate == HALF ? next half : next whole;                                                                      \
  }
WRITE_PIECES(writev, (int fd, const struct iovec *v, int n), (fd, v, n), (fd, &first, 1))
WRITE_PIECES(pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at), (fd, &first, 1, at))
WRITE_PIECES(pwritev64, (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at), (fd, &first, 1, at))

#define ON_PATH(name, parameters, arguments)                                                                           \
  int name parameters                                                                                                  \
  {                                                                                                                    \
    NEXT(name);                                                                                                        \
    return FateOf(path, #name, OTHER) == FAIL ? -1 : next arguments;                                                   \
  }
ON_PATH(rename, (const char *path, const char *to), (path, to))
ON_PATH(unlink, (const char *path), (path))
