/* Locks by fcntl(F_SETLK): of those that there are, the one that POSIX has, that network file systems hand on to their
   server, and so that holds between nodes (flock() is of one node on some), and that is gone with the process. What is
   said against it, that closing any other descriptor of the file drops it, does no harm: rank 0 opens the file once. */
#include <weft/lock.h>
#include <weft/output.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OWNER = 160, OTHERS = -1 }; /* OTHERS: where an errno value is meant, a lock file that is another user's */
static const double pause_seconds = 0.1;

static char lock_path[PETSC_MAX_PATH_LEN + 8];
static int  lock_fd = -1;

void WeftLockRelease(void)
{
  if (lock_fd < 0) return;
  unlink(lock_path); /* while it is still held: see Same() */
  close(lock_fd);
  lock_fd = -1;
}

/* Is the open file still the one of that name? The run that held it may have removed it in between. */
static PetscBool Same(int fd, const char path[])
{
  struct stat mine, named;

  return !fstat(fd, &mine) && !stat(path, &named) && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev
           ? PETSC_TRUE
           : PETSC_FALSE;
}

/* For whoever comes next: host, process and time. */
static void SignLock(int fd)
{
  char      host[65] = "", text[OWNER];
  time_t    now = time(NULL);
  struct tm utc;
  size_t    length;

  gethostname(host, sizeof(host) - 1);
  gmtime_r(&now, &utc);
  length = (size_t)snprintf(text, sizeof(text), "host %s, process %ld, since ", host, (long)getpid());
  length += strftime(text + length, sizeof(text) - length, "%Y-%m-%dT%H:%M:%SZ", &utc);
  if (ftruncate(fd, 0) || pwrite(fd, text, length, 0) < 0) return; /* it is locked all the same */
}

static void ReadOwner(int fd, char owner[OWNER])
{
  const ssize_t n = pread(fd, owner, OWNER - 1, 0);

  owner[n > 0 ? n : 0] = 0;
  for (char *c = owner; *c; ++c)
    if (*c < ' ' || *c > '~') *c = '?';
  if (!owner[0]) snprintf(owner, OWNER, "not known which");
}

/* Whoever may write in the folder may take the lock: users of one group's folder would not see each other's else. */
static void LetOthers(int fd)
{
  char        copy[sizeof(lock_path)];
  struct stat file, folder;

  snprintf(copy, sizeof(copy), "%s", lock_path);
  if (fstat(fd, &file) || stat(dirname(copy), &folder)) return;
  (void)fchmod(fd, (file.st_mode & 0777) | (folder.st_mode & (S_IWGRP | S_IWOTH))); /* see TryOthers() */
}

/* As O_CREAT would, which a folder that all may write in and its owners alone may remove from (/tmp) can refuse where
   the file is another user's. */
static int OpenLock(void)
{
  int fd = open(lock_path, O_RDWR | O_CLOEXEC);

  if (fd >= 0 || errno != ENOENT) return fd;
  fd = open(lock_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd >= 0) LetOthers(fd);
  return fd < 0 && errno == EEXIST ? open(lock_path, O_RDWR | O_CLOEXEC) : fd;
}

/* The file may not be written, so that it cannot be locked: is it, by another? EACCES: there is no such file. */
static int TryOthers(char owner[OWNER])
{
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  struct stat  status;
  const int    fd = open(lock_path, O_RDONLY | O_CLOEXEC);
  int          error = OTHERS;

  snprintf(owner, OWNER, "not known which");
  if (fd < 0) return stat(lock_path, &status) ? EACCES : OTHERS;
  if (!fcntl(fd, F_GETLK, &whole) && whole.l_type != F_UNLCK) error = EAGAIN;
  ReadOwner(fd, owner);
  close(fd);
  return error;
}

/* 0: this process has it; EAGAIN: another has, and owner says which; OTHERS: the file of an owner that has gone, it may
   be; else why it cannot be had at all. */
static int TryLock(char owner[OWNER])
{
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  const int    fd = OpenLock();
  int          error;

  if (fd < 0) return errno == EACCES ? TryOthers(owner) : errno;
  if (!fcntl(fd, F_SETLK, &whole)) {
    if (Same(fd, lock_path)) {
      SignLock(fd);
      lock_fd = fd;
      return 0;
    }
    snprintf(owner, OWNER, "one that is just ending");
    close(fd);
    return EAGAIN;
  }
  error = errno == EACCES ? EAGAIN : errno; /* POSIX allows both */
  if (error == EAGAIN)
    ReadOwner(fd, owner);
  else
    unlink(lock_path);
  close(fd);
  return error;
}

static int WaitForLock(char owner[OWNER])
{
  const char           *text = getenv("WEFT_LOCK_PATIENCE");
  const double          end = MPI_Wtime() + (text && atof(text) > 0 ? atof(text) : 5);
  const struct timespec pause = {0, (long)(1e9 * pause_seconds)};
  int                   error = TryLock(owner);

  while ((error == EAGAIN || error == OTHERS) && MPI_Wtime() < end && !WeftStopRequested()) {
    nanosleep(&pause, NULL);
    error = TryLock(owner);
  }
  return error;
}

/* A folder that is missing or not to be written in is told of by those who look for the output. */
static PetscBool WorthANote(int error)
{
  return error > 0 && error != ENOENT && error != ENOTDIR && error != ELOOP && error != ENAMETOOLONG &&
             error != EACCES && error != EROFS && error != EISDIR
           ? PETSC_TRUE
           : PETSC_FALSE;
}

/* On another host than this, which may have gone without its file server having been told; "" else. */
static void Advise(const char owner[], size_t size, char advice[])
{
  char here[65] = "", sign[80];

  gethostname(here, sizeof(here) - 1);
  snprintf(sign, sizeof(sign), "host %s, ", here);
  advice[0] = 0;
  if (!strncmp(owner, "host ", 5) && strncmp(owner, sign, strlen(sign)))
    snprintf(advice, size, "; if that host is down, its file server may still hold the lock: remove %s", lock_path);
}

static PetscErrorCode Refuse(MPI_Comm comm, const char option[], const char path[], int error, const char owner[])
{
  char advice[sizeof(lock_path) + 96];

  PetscFunctionBegin;
  Advise(owner, sizeof(advice), advice);
  WeftUserCheck(error != EAGAIN, comm,
                "%s %s: another run is writing it (%s); wait for its end, or give another name%s", option, path, owner,
                advice);
  WeftUserCheck(error != OTHERS, comm,
                "%s %s: %s is of another user's run (%s) and cannot be taken over: remove it if that run has ended, or "
                "give another name",
                option, path, lock_path, owner);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLockTake(MPI_Comm comm, const char option[], char path[PETSC_MAX_PATH_LEN])
{
  char owner[OWNER] = "";
  int  rank, error = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCheck(lock_fd < 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "a second lock");
  if (!rank) error = WeftOutputResolve(path);
  PetscCallMPI(MPI_Bcast(path, PETSC_MAX_PATH_LEN, MPI_CHAR, 0, comm));
  snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
  if (!rank && !error) error = WaitForLock(owner);
  PetscCallMPI(MPI_Bcast(&error, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(owner, OWNER, MPI_CHAR, 0, comm));
  PetscCall(Refuse(comm, option, path, error, owner));
  if (WorthANote(error))
    PetscCall(PetscFPrintf(comm, stderr,
                           "weft: note: %s cannot be locked (%s): take care that no other run writes %s meanwhile\n",
                           lock_path, strerror(error), path));
  PetscFunctionReturn(PETSC_SUCCESS);
}
