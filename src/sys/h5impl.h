/* What the files that read and write HDF5 share. */
#pragma once
#include <weft/h5.h>

/* The attribute that holds the checksum of a dataset's bytes. */
#define WEFT_H5_CRC "crc32"

/* The name that the file was opened by; static storage. Not collective. */
extern const char *WeftH5FileName(hid_t file);

/* From here on what is written to a new dataset of the file is summed. Not collective, but in the same order on all
   ranks. */
extern PetscErrorCode WeftH5SumBegin(hid_t file, const char path[]);
/* Adds elements [first, first + count) of it, row-major, as this rank writes them. Not collective. */
extern PetscErrorCode WeftH5SumAdd(hid_t file, const char path[], hid_t dataset, hsize_t first, hsize_t count,
                                   hid_t type, const void *values);

/* What a piece of crc adds to that of a whole in which so many bytes follow it: the whole's is the exclusive or of what
   its pieces add. */
extern uint32_t WeftH5SumShift(uint32_t crc, hsize_t bytes_after);

/* Where a dataset's bytes lie in the file. */
typedef struct {
  hsize_t begin, end;
} WeftH5Span;
/* Checksums of the heaps of a file that was flushed, as an attribute of its root; the spans of its data are sorted. A
   file that cannot be read back ends the run. */
extern PetscErrorCode WeftH5HeapSums(MPI_Comm comm, hid_t file, int nspans, WeftH5Span spans[]);
/* *good on rank 0 alone: are they what they were? PETSC_TRUE elsewhere, and where the file has no such attribute. */
extern PetscErrorCode WeftH5HeapsAreGood(MPI_Comm comm, hid_t file, PetscBool *good);
