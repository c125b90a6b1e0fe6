/* What the files that read and write HDF5 share. */
#pragma once
#include <weft/h5.h>

/* The attribute that holds the checksum of a dataset's bytes. */
#define WEFT_H5_CRC "crc32"

/* What ends a message about a file, and the whole of one about a dataset (its name). */
#define WEFT_H5_ADVICE ": damaged since it was written; put back a copy, or remove it and make it anew"
#define WEFT_H5_DAMAGED                                                                                                \
  "%s is not what its checksum says (if you changed it yourself: delete its attribute crc32)" WEFT_H5_ADVICE

/* The name that the file was opened by; static storage. Not collective. */
extern const char *WeftH5FileName(hid_t file);

/* From here on what is written to a new dataset of the file is summed. Not collective, but in the same order on all
   ranks. */
extern PetscErrorCode WeftH5SumBegin(hid_t file, const char path[]);
/* Adds elements [first, first + count) of it, row-major, as this rank writes them. Not collective. */
extern PetscErrorCode WeftH5SumAdd(hid_t file, const char path[], hid_t dataset, hsize_t first, hsize_t count,
                                   hid_t type, const void *values);

/* Adds what a rank has read; a row that does not follow the last one begins anew. Not collective. */
extern PetscErrorCode WeftH5SumRead(hid_t dataset, PetscInt64 row0, PetscInt64 rows, hid_t type, const void *values,
                                    WeftH5Read *read);

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
