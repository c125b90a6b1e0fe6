/* Checksums of a file's global heaps, where texts of variable length lie: the names of dimensions. They are the one
   part of what describes the data that HDF5 has no checksum of, and it crashes on reading a damaged one. No call tells
   where they are, so they are looked for between the datasets. */
#include "h5impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { HEAD = 16, LEAST = 4096 }; /* bytes: "GCOL", version, 3 of nothing, size in 8; of a heap at least */
enum { HEAPS = 1024, NUMBERS = 3 };
static const char   attribute_name[] = "heap_crc32"; /* of the root: offset, bytes and CRC-32 of each */
static const size_t longest = 1 << 26;               /* of a stretch without data; ours are a thousandth of that */

static int CompareSpans(const void *a, const void *b)
{
  const hsize_t x = ((const WeftH5Span *)a)->begin, y = ((const WeftH5Span *)b)->begin;

  return x < y ? -1 : x > y;
}

/* 0 where no heap begins at p, of whose stretch so many bytes are left. */
static uint64_t HeapSize(const unsigned char *p, size_t left)
{
  static const unsigned char head[8] = {'G', 'C', 'O', 'L', 1};
  uint64_t                   size = 0;

  if (left < HEAD || memcmp(p, head, sizeof(head))) return 0;
  for (int i = 0; i < 8; ++i) size |= (uint64_t)p[8 + i] << (8 * i);
  return size >= LEAST && size <= left ? size : 0;
}

/* The heaps in a stretch of a file; *error: why it could not be read, as an errno value, where it could not. */
static PetscErrorCode FindHeaps(int fd, hsize_t begin, hsize_t end, PetscInt64 found[], int *n, int *error)
{
  unsigned char *bytes;
  size_t         length = (size_t)(end - begin);
  ssize_t        read;

  PetscFunctionBegin;
  if (end < begin + LEAST || end - begin > longest) PetscFunctionReturn(PETSC_SUCCESS);
  found += NUMBERS * (size_t)*n;
  PetscCall(PetscMalloc1(length, &bytes));
  read = pread(fd, bytes, length, (off_t)begin);
  if (read != (ssize_t)length) {
    *error = read < 0 ? errno : EIO;
    length = 0;
  }
  for (size_t i = 0; i < length && *n < HEAPS; ++i) {
    const uint64_t size = HeapSize(bytes + i, length - i);

    if (!size) continue;
    *found++ = (PetscInt64)(begin + i);
    *found++ = (PetscInt64)size;
    *found++ = (PetscInt64)crc32_z(0, bytes + i, (size_t)size);
    ++*n;
    i += size - 1;
  }
  PetscCall(PetscFree(bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindAllHeaps(const char path[], int nspans, const WeftH5Span spans[], PetscInt64 found[], int *n,
                                   int *error)
{
  const int   fd = open(path, O_RDONLY);
  const off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
  hsize_t     begin = 0;

  PetscFunctionBegin;
  *error = size < 0 ? errno : 0;
  for (int i = 0; i < nspans && !*error; ++i) {
    PetscCall(FindHeaps(fd, begin, spans[i].begin, found, n, error));
    begin = PetscMax(begin, spans[i].end);
  }
  if (!*error) PetscCall(FindHeaps(fd, begin, (hsize_t)size, found, n, error));
  if (fd >= 0) close(fd);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5HeapSums(MPI_Comm comm, hid_t file, int nspans, WeftH5Span spans[])
{
  int         rank, counts[2] = {0, 0}; /* heaps; why the file could not be read */
  PetscInt64 *found;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscMalloc1(NUMBERS * HEAPS, &found));
  qsort(spans, (size_t)nspans, sizeof(spans[0]), CompareSpans);
  if (!rank) PetscCall(FindAllHeaps(WeftH5FileName(file), nspans, spans, found, &counts[0], &counts[1]));
  PetscCallMPI(MPI_Bcast(counts, 2, MPI_INT, 0, comm));
  WeftUserCheck(!counts[1], comm, "cannot write %s: it cannot be read back (%s); what was there before is untouched",
                WeftH5FileName(file), strerror(counts[1]));
  PetscCallMPI(MPI_Bcast(found, NUMBERS * counts[0], MPI_INT64_T, 0, comm));
  if (counts[0]) PetscCall(WeftH5SetInts(file, "/", attribute_name, NUMBERS * counts[0], found));
  PetscCall(PetscFree(found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HeapIsGood(int fd, const PetscInt64 heap[], PetscBool *good)
{
  const size_t   size = (size_t)heap[1];
  unsigned char *bytes;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(size, &bytes));
  *good = pread(fd, bytes, size, (off_t)heap[0]) == (ssize_t)size && (PetscInt64)crc32_z(0, bytes, size) == heap[2]
            ? PETSC_TRUE
            : PETSC_FALSE;
  PetscCall(PetscFree(bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5HeapsAreGood(MPI_Comm comm, hid_t file, PetscBool *good)
{
  PetscInt64 *heaps;
  PetscBool   found;
  int         rank, fd = -1, n = 0;

  PetscFunctionBegin;
  *good = PETSC_TRUE;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (H5Aexists_by_name(file, "/", attribute_name, H5P_DEFAULT) <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(NUMBERS * HEAPS, &heaps));
  for (found = PETSC_FALSE; !found && n < HEAPS;)
    PetscCall(WeftH5GetInts(file, "/", attribute_name, NUMBERS * ++n, heaps, &found));
  if (!rank && found) fd = open(WeftH5FileName(file), O_RDONLY);
  for (int i = 0; i < n && fd >= 0 && *good; ++i)
    if (heaps[NUMBERS * i + 1] > 0 && (size_t)heaps[NUMBERS * i + 1] <= longest)
      PetscCall(HeapIsGood(fd, heaps + (size_t)NUMBERS * (size_t)i, good));
  if (fd >= 0) close(fd);
  PetscCall(PetscFree(heaps));
  PetscFunctionReturn(PETSC_SUCCESS);
}
