/* Checksums of the datasets of a file that is being written: CRC-32 as zlib has it, of the bytes as the file holds
   them, in the file's order. What comes first need not be written first, nor by the same rank: crc(AB) = shift(crc(A),
   |B|) xor crc(B), so that each rank adds up what it writes, and one reduction of a number per dataset ends it. */
#include "h5impl.h"
#include <string.h>
#include <zlib.h>

enum { CONVERTED = 8192 }; /* elements that are brought into the file's type at once */

typedef struct _n_Sum *Sum;
struct _n_Sum {
  hid_t    file;
  char     path[128];
  uint32_t crc;
  int64_t  bytes; /* that this rank wrote */
  Sum      next;
};

static Sum sums = NULL; /* in order of creation, the same on all ranks */

uint32_t WeftH5SumShift(uint32_t crc, hsize_t bytes_after)
{
  return (uint32_t)crc32_combine(crc, 0, (z_off_t)bytes_after);
}

PetscErrorCode WeftH5SumBegin(hid_t file, const char path[])
{
  Sum *end = &sums, sum;

  PetscFunctionBegin;
  if (strlen(path) >= sizeof(sum->path)) PetscFunctionReturn(PETSC_SUCCESS); /* no name of ours is as long */
  PetscCall(PetscNew(&sum));
  sum->file = file;
  snprintf(sum->path, sizeof(sum->path), "%s", path);
  while (*end) end = &(*end)->next;
  *end = sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Sum Find(hid_t file, const char path[])
{
  for (Sum sum = sums; sum; sum = sum->next)
    if (sum->file == file && !strcmp(sum->path, path)) return sum;
  return NULL;
}

/* In the file's type, some elements at a time where that is another one. */
static PetscErrorCode Crc(hid_t file_type, hid_t type, hsize_t count, const char *values, uint32_t *crc)
{
  const size_t size = H5Tget_size(type), file_size = H5Tget_size(file_type);
  char        *copy;

  PetscFunctionBegin;
  *crc = 0;
  if (H5Tequal(file_type, type) > 0) {
    *crc = (uint32_t)crc32_z(0, (const Bytef *)values, (size_t)count * size);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(CONVERTED * PetscMax(size, file_size), &copy));
  for (hsize_t i = 0; i < count; i += CONVERTED) {
    const size_t n = (size_t)PetscMin(count - i, (hsize_t)CONVERTED);

    PetscCall(PetscMemcpy(copy, values + i * size, n * size));
    WeftH5(H5Tconvert(type, file_type, n, copy, NULL, H5P_DEFAULT));
    *crc = (uint32_t)crc32_z(*crc, (const Bytef *)copy, n * file_size);
  }
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bytes(hid_t dataset, hid_t file_type, hsize_t *bytes)
{
  hid_t space;

  PetscFunctionBegin;
  WeftH5Get(space, H5Dget_space(dataset));
  *bytes = (hsize_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(file_type);
  WeftH5(H5Sclose(space));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5SumAdd(hid_t file, const char path[], hid_t dataset, hsize_t first, hsize_t count, hid_t type,
                            const void *values)
{
  const Sum sum = Find(file, path);
  hid_t     file_type;
  hsize_t   all, after;
  uint32_t  crc;

  PetscFunctionBegin;
  if (!sum || !count) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5Get(file_type, H5Dget_type(dataset));
  PetscCall(Bytes(dataset, file_type, &all));
  PetscCall(Crc(file_type, type, count, values, &crc));
  after = all - (first + count) * H5Tget_size(file_type);
  sum->crc ^= WeftH5SumShift(crc, after);
  sum->bytes += (int64_t)(count * H5Tget_size(file_type));
  WeftH5(H5Tclose(file_type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are the numbers in memory all that the file's are, so that they give its bytes again? */
static PetscBool Lossless(hid_t file_type, hid_t type)
{
  const H5T_class_t from = H5Tget_class(file_type), to = H5Tget_class(type);
  const size_t      size = H5Tget_size(type), file_size = H5Tget_size(file_type);

  if (H5Tequal(file_type, type) > 0) return PETSC_TRUE;
  if (from == H5T_INTEGER && to == H5T_FLOAT) return 2 * file_size <= size ? PETSC_TRUE : PETSC_FALSE;
  if (from == H5T_INTEGER && to == H5T_INTEGER)
    return H5Tget_sign(file_type) == H5Tget_sign(type) && file_size <= size ? PETSC_TRUE : PETSC_FALSE;
  return from == H5T_FLOAT && to == H5T_FLOAT && file_size <= size ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode WeftH5SumRead(hid_t dataset, PetscInt64 row0, PetscInt64 rows, hid_t type, const void *values,
                             WeftH5Read *read)
{
  hid_t    file_type, space;
  hsize_t  dims[H5S_MAX_RANK], row = 1;
  int      ndims;
  uint32_t crc;

  PetscFunctionBegin;
  WeftH5Get(file_type, H5Dget_type(dataset));
  WeftH5Get(space, H5Dget_space(dataset));
  WeftH5Get(ndims, H5Sget_simple_extent_dims(space, dims, NULL));
  for (int i = 1; i < ndims; ++i) row *= dims[i];
  if (row0 != read->next) *read = (WeftH5Read){.first = row0, .next = row0};
  if (!Lossless(file_type, type)) read->lossy = PETSC_TRUE;
  if (!read->lossy) {
    PetscCall(Crc(file_type, type, (hsize_t)rows * row, values, &crc));
    read->crc ^= WeftH5SumShift(crc, (dims[0] - (hsize_t)(row0 + rows)) * row * H5Tget_size(file_type));
  }
  read->next = row0 + rows;
  WeftH5(H5Sclose(space));
  WeftH5(H5Tclose(file_type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The ranks' rows make up the dataset: *once, each row once, in the order of ranks; *each, all rows on every rank. */
static PetscErrorCode Covers(MPI_Comm comm, const WeftH5Read *read, PetscInt64 all, PetscBool *once, PetscBool *each)
{
  const PetscInt64 rows = read->next - read->first;
  PetscInt64       before = 0, counts[3];
  int              rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Exscan(&rows, &before, 1, MPIU_INT64, MPI_SUM, comm));
  if (!rank) before = 0;
  counts[0] = rows;
  counts[1] = !read->lossy && (!rows || read->first == before);
  counts[2] = !read->lossy && rows == all;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, counts, 3, MPIU_INT64, MPI_SUM, comm));
  *each = counts[2] == size ? PETSC_TRUE : PETSC_FALSE;
  *once = counts[0] == all && counts[1] == size ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5ReadIsGood(MPI_Comm comm, hid_t file, const char path[], WeftH5Read *read, PetscBool *good)
{
  PetscInt64 wanted;
  PetscBool  summed, once = PETSC_FALSE, each = PETSC_FALSE, bad;
  uint32_t   crc = read->crc;
  hid_t      dataset, space;
  hsize_t    dims[H5S_MAX_RANK] = {0};

  PetscFunctionBegin;
  *good = PETSC_TRUE;
  PetscCall(WeftH5GetInts(file, path, WEFT_H5_CRC, 1, &wanted, &summed));
  if (!summed) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5Get(dataset, H5Dopen2(file, path, H5P_DEFAULT));
  WeftH5Get(space, H5Dget_space(dataset));
  WeftH5(H5Sget_simple_extent_dims(space, dims, NULL));
  WeftH5(H5Sclose(space));
  WeftH5(H5Dclose(dataset));
  PetscCall(Covers(comm, read, (PetscInt64)dims[0], &once, &each));
  if (!once && !each) PetscFunctionReturn(PETSC_SUCCESS);
  if (!each) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &crc, 1, MPI_UINT32_T, MPI_BXOR, comm));
  PetscCall(WeftAnyRank(comm, crc == (uint32_t)wanted ? PETSC_FALSE : PETSC_TRUE, &bad));
  *good = bad ? PETSC_FALSE : PETSC_TRUE;
  *read = (WeftH5Read){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dataset of which a part was not written, or a part twice, is a defect of ours: its numbers would be others. */
static PetscErrorCode WriteSum(hid_t file, const Sum sum, uint32_t crc, int64_t written)
{
  hid_t   dataset, type;
  hsize_t all;

  PetscFunctionBegin;
  WeftH5Get(dataset, H5Dopen2(file, sum->path, H5P_DEFAULT));
  WeftH5Get(type, H5Dget_type(dataset));
  PetscCall(Bytes(dataset, type, &all));
  WeftH5(H5Tclose(type));
  WeftH5(H5Dclose(dataset));
  PetscCheck((int64_t)all == written, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s of %s: %lld of its %lld bytes were written",
             sum->path, WeftH5FileName(file), (long long)written, (long long)all);
  PetscCall(WeftH5SetInt(file, sum->path, WEFT_H5_CRC, crc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5WriteSums(MPI_Comm comm, hid_t file)
{
  int       n = 0, i = 0;
  uint32_t *crc;
  int64_t  *bytes;

  PetscFunctionBegin;
  for (Sum sum = sums; sum; sum = sum->next) n += sum->file == file;
  PetscCall(PetscMalloc2(n, &crc, n, &bytes));
  for (Sum sum = sums; sum; sum = sum->next) {
    if (sum->file != file) continue;
    crc[i] = sum->crc;
    bytes[i++] = sum->bytes;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, crc, n, MPI_UINT32_T, MPI_BXOR, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bytes, n, MPI_INT64_T, MPI_SUM, comm));
  i = 0;
  for (Sum sum = sums; sum; sum = sum->next) {
    if (sum->file != file) continue;
    PetscCall(WriteSum(file, sum, crc[i], bytes[i]));
    ++i;
  }
  PetscCall(PetscFree2(crc, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Datasets without bytes lie nowhere. */
static PetscErrorCode AddSpan(hid_t file, const char path[], WeftH5Span spans[], int *n)
{
  hid_t   dataset;
  haddr_t begin;

  PetscFunctionBegin;
  WeftH5Get(dataset, H5Dopen2(file, path, H5P_DEFAULT));
  begin = H5Dget_offset(dataset);
  if (begin != HADDR_UNDEF) spans[(*n)++] = (WeftH5Span){begin, begin + H5Dget_storage_size(dataset)};
  WeftH5(H5Dclose(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5WriteHeapSums(MPI_Comm comm, hid_t file)
{
  WeftH5Span *spans;
  int         n = 0;

  PetscFunctionBegin;
  for (Sum sum = sums; sum; sum = sum->next) n += sum->file == file;
  PetscCall(PetscMalloc1(n, &spans));
  n = 0;
  for (Sum sum = sums; sum; sum = sum->next)
    if (sum->file == file) PetscCall(AddSpan(file, sum->path, spans, &n));
  PetscCall(WeftH5HeapSums(comm, file, n, spans));
  PetscCall(PetscFree(spans));
  PetscCall(WeftH5ForgetSums(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5ForgetSums(hid_t file)
{
  PetscFunctionBegin;
  for (Sum *link = &sums; *link;) {
    Sum sum = *link;
    if (sum->file != file) {
      link = &sum->next;
      continue;
    }
    *link = sum->next;
    PetscCall(PetscFree(sum));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
