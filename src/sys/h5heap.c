/* Checksums of a file's global heaps, where texts of variable length lie: the names of dimensions. They are the one
   part of what describes the data that HDF5 has no checksum of, and it crashes on reading a damaged one. No call tells
   where they are, so they are looked for between the datasets. */
#include "h5impl.h"
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

/* The heaps in a stretch of a file. */
static PetscErrorCode FindHeaps(int fd, hsize_t begin, hsize_t end, PetscInt64 found[], int *n)
{
  unsigned char *bytes;
  size_t         length = (size_t)(end - begin);

  PetscFunctionBegin;
  if (end < begin + LEAST || end - begin > longest) PetscFunctionReturn(PETSC_SUCCESS);
  found += NUMBERS * (size_t)*n;
  PetscCall(PetscMalloc1(length, &bytes));
  if (pread(fd, bytes, length, (off_t)begin) != (ssize_t)length) length = 0;
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

PetscErrorCode WeftH5HeapSums(MPI_Comm comm, hid_t file, int nspans, WeftH5Span spans[])
{
  int         rank, n = 0, fd;
  PetscInt64 *found;
  hsize_t     begin = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscMalloc1(NUMBERS * HEAPS, &found));
  qsort(spans, (size_t)nspans, sizeof(spans[0]), CompareSpans);
  fd = rank ? -1 : open(WeftH5FileName(file), O_RDONLY);
  if (fd >= 0) {
    for (int i = 0; i < nspans; ++i) {
      PetscCall(FindHeaps(fd, begin, spans[i].begin, found, &n));
      begin = PetscMax(begin, spans[i].end);
    }
    PetscCall(FindHeaps(fd, begin, (hsize_t)PetscMax(lseek(fd, 0, SEEK_END), 0), found, &n));
    close(fd);
  }
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(found, NUMBERS * n, MPI_INT64_T, 0, comm));
  if (n) PetscCall(WeftH5SetInts(file, "/", attribute_name, NUMBERS * n, found));
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
