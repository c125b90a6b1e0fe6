#include "dataimpl.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* A byte of a deflate stream gives 1032 bytes at most (zlib's own figure). */
enum { DEFLATE_RATIO = 1032, BUFFER = 1 << 18, MOST_AT_ONCE = 1 << 30 };

static PetscBool Fail(const WeftByteStream *stream, WeftProblem problem)
{
  int         code;
  const char *text = gzerror(stream->gz, &code);

  if (code == Z_ERRNO) text = strerror(errno);
  if (code == Z_BUF_ERROR) text = "cut short";
  if (code == Z_DATA_ERROR) text = "its gzip data are damaged";
  return WeftProblemSet(problem, "%s: %s", stream->path, code == Z_OK ? "cut short" : text);
}

PetscBool WeftByteStreamOpen(WeftByteStream *stream, const char path[], WeftProblem problem)
{
  struct stat status;

  *stream = (WeftByteStream){.path = path};
  if (stat(path, &status)) return WeftProblemSet(problem, "%s: %s", path, strerror(errno));
  if (!S_ISREG(status.st_mode)) return WeftProblemSet(problem, "%s: not a regular file", path);
  stream->gz = gzopen(path, "rb");
  if (!stream->gz) return WeftProblemSet(problem, "%s: %s", path, strerror(errno ? errno : ENOMEM));
  gzbuffer(stream->gz, BUFFER);
  stream->most = (PetscInt64)status.st_size * (gzdirect(stream->gz) ? 1 : DEFLATE_RATIO);
  return PETSC_TRUE;
}

PetscBool WeftByteStreamRead(WeftByteStream *stream, PetscInt64 bytes, void *values, WeftProblem problem)
{
  char *to = values;

  while (bytes > 0) {
    const int got = gzread(stream->gz, to, (unsigned)PetscMin(bytes, MOST_AT_ONCE));

    if (got <= 0) return Fail(stream, problem);
    to += got;
    bytes -= got;
  }
  return PETSC_TRUE;
}

PetscBool WeftByteStreamAtEnd(WeftByteStream *stream, WeftProblem problem)
{
  char      beyond;
  const int got = gzread(stream->gz, &beyond, 1);
  int       code;

  gzerror(stream->gz, &code);
  if (got < 0 || code != Z_OK) return Fail(stream, problem);
  if (!got) return PETSC_TRUE;
  return WeftProblemSet(problem, "%s: longer than its header says", stream->path);
}

PetscBool WeftByteStreamCount(WeftByteStream *stream, PetscInt64 *bytes, WeftProblem problem)
{
  static char buffer[BUFFER];
  int         got, code;

  *bytes = 0;
  while ((got = gzread(stream->gz, buffer, BUFFER)) > 0) *bytes += got;
  gzerror(stream->gz, &code);
  return got < 0 || code != Z_OK ? Fail(stream, problem) : PETSC_TRUE;
}

void WeftByteStreamClose(WeftByteStream *stream)
{
  if (stream->gz) gzclose(stream->gz);
  stream->gz = NULL;
}
