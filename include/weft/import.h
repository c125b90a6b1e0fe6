/* Writes data files (see weft/data.h) from other formats. Every function here is collective, holds a bounded part of
   the samples at a time, and leaves a whole file at `output` or none. `output` must not exist yet.

   info: on entry what the caller wants (classes, shape, pixel_order, the first so many training samples; zeros and "":
   find out from the source, all samples); on return what the file holds. A source that is missing, damaged, of another
   format or at odds with itself or with what is wanted is a user's mistake that names the file. */
#pragma once
#include <weft/data.h>

/* IDX files of unsigned bytes, plain or gzip: images [n, ...] and labels [n] of each split; images[WEFT_TEST] may be
   NULL. Pixels are kept as bytes, scale 1/255. */
extern PetscErrorCode WeftImportIDX(MPI_Comm comm, const char *const images[WEFT_NUM_SPLITS],
                                    const char *const labels[WEFT_NUM_SPLITS], const char output[], WeftDataInfo *info);

/* CIFAR-10's binary version: those of data_batch_1..5.bin[.gz] and test_batch.bin[.gz] that the folder holds, listed in
   info->source. At least one training batch is needed. missing: the others' names, or "". */
extern PetscErrorCode WeftImportCIFAR10(MPI_Comm comm, const char dir[], const char output[], WeftDataInfo *info,
                                        size_t size, char missing[]);

/* Any datasets [n, d], [n, height, width], [n, height, width, channels] or [n, channels, height, width] of numbers, and
   labels [n]; x[WEFT_TEST] and y[] may be NULL. Bytes stay bytes, all else becomes float32. */
extern PetscErrorCode WeftImportHDF5(MPI_Comm comm, const char file[], const char *const x[WEFT_NUM_SPLITS],
                                     const char *const y[WEFT_NUM_SPLITS], const char output[], WeftDataInfo *info);
