#include "patience.h"
#include <weft/output.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINKS = 40 }; /* one after another, as the system has it */

struct _n_WeftOutput {
  MPI_Comm   comm;
  hid_t      file;
  char       path[PETSC_MAX_PATH_LEN], partial[PETSC_MAX_PATH_LEN];
  PetscBool  mine; /* this rank removes the partial file */
  WeftOutput next; /* list of the outputs not yet committed */
};

static WeftOutput unfinished = NULL;

hid_t WeftOutputFile(WeftOutput output)
{
  return output->file;
}

void WeftOutputGoesOn(void)
{
  if (unfinished) WeftPatienceGoesOn();
}

PetscErrorCode WeftOutputBeginWrite(WeftOutput output)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Barrier(output->comm));
  WeftPatienceResume();
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftOutputEndWrite(WeftOutput output)
{
  (void)output;
  WeftPatienceRest();
}

static void Forget(WeftOutput output)
{
  WeftOutput *link = &unfinished;

  while (*link && *link != output) link = &(*link)->next;
  if (*link) *link = output->next;
  if (!unfinished) WeftPatienceRest();
}

/* What a run that was killed left: its unfinished file, and beside it those by which Open MPI tries whether files can
   be locked (PARTIAL.locktest.RANK), which another number of ranks would not come upon. */
static void SweepUp(const char partial[])
{
  char           copy[PETSC_MAX_PATH_LEN + 16], tested[PETSC_MAX_PATH_LEN + 16];
  DIR           *folder;
  struct dirent *entry;

  unlink(partial);
  snprintf(copy, sizeof(copy), "%s", partial);
  snprintf(tested, sizeof(tested), "%s.locktest.", basename(copy));
  snprintf(copy, sizeof(copy), "%s", partial);
  folder = opendir(dirname(copy));
  if (!folder) return;
  while ((entry = readdir(folder)))
    if (!strncmp(entry->d_name, tested, strlen(tested))) unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
}

/* Asks the file system for the room now. Returns 0 or an errno value; file systems that cannot answer say 0. */
static int Reserve(const char path[], PetscInt64 bytes)
{
  int fd = open(path, O_CREAT | O_WRONLY, 0666), error = 0;

  if (fd < 0) return errno;
  do { /* a tick of patience.c's may come in between */
    if (bytes > 0) error = posix_fallocate(fd, 0, (off_t)bytes);
  } while (error == EINTR);
  close(fd);
  return error == EINVAL || error == EOPNOTSUPP ? 0 : error;
}

static PetscErrorCode CreateFile(MPI_Comm comm, const char path[], hid_t *file)
{
  hid_t     access_list;
  PetscBool failed;
  char      what[PETSC_MAX_PATH_LEN + 32], reason[256];

  PetscFunctionBegin;
  WeftH5Get(access_list, H5Pcreate(H5P_FILE_ACCESS));
  WeftH5(H5Pset_fapl_mpio(access_list, comm, MPI_INFO_NULL));
  WeftH5(H5Pset_libver_bounds(access_list, H5F_LIBVER_V18, H5F_LIBVER_LATEST));
  *file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access_list);
  if (*file < 0) WeftH5Reason(); /* before it is lost: see there */
  WeftH5(H5Pclose(access_list));
  snprintf(what, sizeof(what), "cannot create %s", path);
  PetscCall(WeftH5Agree(comm, what, *file < 0 ? PETSC_TRUE : PETSC_FALSE, &failed, reason));
  WeftUserCheck(!failed, comm, "%s: %s", what, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there room? Rank 0 asks. hold: keep it, so that no one else takes it meanwhile. */
static PetscErrorCode CheckRoom(WeftOutput o, PetscInt64 bytes, PetscBool hold)
{
  int error = 0;

  PetscFunctionBegin;
  if (o->mine) {
    if (!hold) SweepUp(o->partial);
    error = Reserve(o->partial, bytes);
    if (!hold) unlink(o->partial);
  }
  PetscCallMPI(MPI_Bcast(&error, 1, MPI_INT, 0, o->comm));
  WeftUserCheck(!error, o->comm, "cannot write %s (about %.1f MB): %s; what was there before is untouched", o->path,
                (double)bytes / 1e6, strerror(error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOutputCreate(MPI_Comm comm, const char path[], PetscInt64 bytes, WeftOutput *output)
{
  WeftOutput o;
  int        rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(&o));
  o->comm = comm;
  o->mine = rank ? PETSC_FALSE : PETSC_TRUE;
  o->file = H5I_INVALID_HID;
  snprintf(o->path, sizeof(o->path), "%s", path);
  snprintf(o->partial, sizeof(o->partial), "%s.partial", path);
  PetscCall(CheckRoom(o, bytes, PETSC_FALSE));
  o->next = unfinished;
  unfinished = o;
  WeftPatienceBegin(o->path, o->partial, o->mine);
  PetscCall(CreateFile(comm, o->partial, &o->file));
  PetscCall(CheckRoom(o, bytes, PETSC_TRUE));
  *output = o;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftOutputPush(WeftOutput o)
{
#ifdef SYNC_FILE_RANGE_WRITE
  int fd = o->mine ? open(o->partial, O_WRONLY) : -1;

  if (fd < 0) return;
  (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* what it cannot do, the commit does */
  close(fd);
#else
  (void)o;
#endif
}

/* Is the closed file readable as HDF5, and are its bytes on the disk? 0, or why not as an errno value. */
static int CheckClosed(const char partial[])
{
  hid_t file = H5Fopen(partial, H5F_ACC_RDONLY, H5P_DEFAULT);
  int   fd = open(partial, O_RDWR), error = fd < 0 || fsync(fd) ? errno : 0;

  if (fd >= 0) close(fd);
  if (file >= 0) WeftH5Close(file); /* read alone: what it says tells nothing of the file's bytes */
  return !error && file < 0 ? EIO : error;
}

/* Brings a new name in the folder to the disk: 0, or why not as an errno value. Some file systems cannot, and some
   folders may not be read; only what a disk says counts. */
static int FlushFolder(const char path[])
{
  char copy[PETSC_MAX_PATH_LEN];
  int  fd, error;

  snprintf(copy, sizeof(copy), "%s", path);
  fd = open(dirname(copy), O_RDONLY);
  if (fd < 0) return 0;
  error = fsync(fd) ? errno : 0;
  close(fd);
  return error == EIO || error == ENOSPC || error == EDQUOT ? error : 0;
}

static PetscErrorCode Flush(const WeftOutput o, const char what[], PetscBool *failed, char reason[256])
{
  const PetscBool mine = H5Fflush(o->file, H5F_SCOPE_GLOBAL) < 0 ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  if (mine) WeftH5Reason();
  PetscCall(WeftH5Agree(o->comm, what, mine, failed, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Flushes and closes; PETSC_FALSE where a rank could not, and why. A file that could not be flushed stays open: closing
   it would try to write once more. The sums of the heaps come after all else and are flushed too, as a file system may
   tell of a write that failed only at the next flush or close, and Open MPI keeps what close says to itself. */
static PetscErrorCode FlushAndClose(WeftOutput o, PetscBool *ok, char reason[256])
{
  PetscBool failed;
  char      what[PETSC_MAX_PATH_LEN + 32];

  PetscFunctionBegin;
  snprintf(what, sizeof(what), "cannot write %s", o->path);
  PetscCall(Flush(o, what, &failed, reason));
  if (!failed) {
    PetscCall(WeftH5WriteHeapSums(o->comm, o->file));
    PetscCall(Flush(o, what, &failed, reason));
  }
  if (!failed) {
    failed = WeftH5Close(o->file) < 0 ? PETSC_TRUE : PETSC_FALSE;
    o->file = H5I_INVALID_HID;
    PetscCall(WeftH5Agree(o->comm, what, failed, &failed, reason));
  }
  *ok = failed ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On rank 0, which tells the others: 0, or why the closed file cannot take its place; *there: it has, for now. */
static int CheckAndRename(WeftOutput o, int *there)
{
  const int error = CheckClosed(o->partial);

  if (error) return error;
  if (rename(o->partial, o->path)) return errno;
  *there = 1;
  return FlushFolder(o->path);
}

PetscErrorCode WeftOutputCommit(WeftOutput *output)
{
  WeftOutput o = *output;
  PetscBool  ok = PETSC_FALSE;
  int        said[2] = {0, 0}, *error = &said[0], *there = &said[1];
  char       reason[256];

  PetscFunctionBegin;
  WeftPatienceResume();
  PetscCall(WeftH5WriteSums(o->comm, o->file));
  PetscCall(FlushAndClose(o, &ok, reason));
  if (ok && o->mine) *error = CheckAndRename(o, there);
  PetscCallMPI(MPI_Bcast(said, 2, MPI_INT, 0, o->comm));
  if (*error) snprintf(reason, sizeof(reason), "%s", strerror(*error));
  if (!ok || *error) PetscCall(WeftH5ForgetSums(o->file));
  if ((!ok || *error) && o->mine) unlink(o->partial);
  Forget(o);
  WeftUserCheck(ok && !*error, o->comm, "cannot write %s: %s; %s", o->path, reason,
                *there ? "the new file is there, but its folder is not on the disk: a crash may bring the old one back"
                       : "what was there before is untouched");
  PetscCall(PetscFree(*output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOutputDiscard(WeftOutput *output)
{
  WeftOutput o = *output;

  PetscFunctionBegin;
  PetscCall(WeftH5ForgetSums(o->file));
  WeftH5(H5Fclose(o->file));
  if (o->mine) unlink(o->partial);
  Forget(o);
  PetscCall(PetscFree(*output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool WeftOutputDiscardAll(void)
{
  const PetscBool any = unfinished ? PETSC_TRUE : PETSC_FALSE;

  WeftPatienceHush();
  for (; unfinished; unfinished = unfinished->next) unlink(unfinished->partial);
  return any;
}

/* The file itself: a folder that is a link is where it says. */
int WeftOutputResolve(char path[PETSC_MAX_PATH_LEN])
{
  char at[PETSC_MAX_PATH_LEN], copy[PETSC_MAX_PATH_LEN], target[PETSC_MAX_PATH_LEN];

  snprintf(at, sizeof(at), "%s", path);
  for (int link = 0; link < MOST_LINKS; ++link) {
    const ssize_t n = readlink(at, target, sizeof(target) - 1);
    int           length;

    if (n < 0) { /* no link; what else is wrong with it, they say that open it */
      snprintf(path, PETSC_MAX_PATH_LEN, "%s", at);
      return 0;
    }
    target[n] = 0;
    snprintf(copy, sizeof(copy), "%s", at);
    length = target[0] == '/' ? snprintf(at, sizeof(at), "%s", target)
                              : snprintf(at, sizeof(at), "%s/%s", dirname(copy), target);
    if (length >= (int)sizeof(at)) return ENAMETOOLONG;
  }
  return ELOOP;
}

/* What is wrong with path as the name of an output, as an errno value; 0: nothing. */
static int PathProblem(const char given[], PetscBool may_exist)
{
  char path[PETSC_MAX_PATH_LEN], copy[PETSC_MAX_PATH_LEN], folder[PETSC_MAX_PATH_LEN + 2];
  char inside[PETSC_MAX_PATH_LEN + 2];
  int  error;

  snprintf(path, sizeof(path), "%s", given);
  error = WeftOutputResolve(path);
  if (error) return error;
  snprintf(copy, sizeof(copy), "%s", path);
  snprintf(folder, sizeof(folder), "%s/.", dirname(copy)); /* "/.": a file is no folder */
  snprintf(inside, sizeof(inside), "%s/.", path);
  if (!access(inside, F_OK)) return may_exist ? EISDIR : EEXIST;
  if (!access(path, F_OK) && !may_exist) return EEXIST;
  return access(folder, W_OK | X_OK) ? errno : 0;
}

static PetscErrorCode CheckPath(MPI_Comm comm, const char option[], const char path[], PetscBool may_exist)
{
  int rank, problem = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) problem = PathProblem(path, may_exist);
  PetscCallMPI(MPI_Bcast(&problem, 1, MPI_INT, 0, comm));
  WeftUserCheck(problem != EEXIST, comm, "%s %s: exists already; remove it or choose another name", option, path);
  WeftUserCheck(problem != EISDIR, comm, "%s %s: a folder; give a file's name", option, path);
  WeftUserCheck(!problem, comm, "%s %s: its folder: %s", option, path, strerror(problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOutputCheckNew(MPI_Comm comm, const char option[], const char path[])
{
  PetscFunctionBegin;
  PetscCall(CheckPath(comm, option, path, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOutputCheckPath(MPI_Comm comm, const char option[], const char path[])
{
  PetscFunctionBegin;
  PetscCall(CheckPath(comm, option, path, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
