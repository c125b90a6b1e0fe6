/* A data set: an HDF5 file with /train/x [n, d] and, where there are any, /train/y [n], /test/x and /test/y.
   A sample is a row. The samples stay in the file: each rank reads the rows it asks for. */
#pragma once
#include <weft/block.h>

typedef struct _n_WeftData *WeftData;

typedef enum { WEFT_TRAIN, WEFT_TEST, WEFT_NUM_SPLITS } WeftSplit;

/* What a data file says of itself. */
typedef struct {
  PetscInt64 samples[WEFT_NUM_SPLITS];  /* 0: the file has no such split */
  PetscBool  labelled[WEFT_NUM_SPLITS]; /* is there a y beside x? */
  PetscInt64 features;                  /* d */
  PetscInt64 classes;                   /* labels are 0 .. classes - 1; 0: no labels */
  PetscInt64 shape[3];                  /* height, width, channels; zeros: the samples are not pictures */
  char       pixel_order[16];           /* "planes" or "interleaved"; "" without a shape */
  char       source[512];               /* where the samples come from, for people; may be "" */
  PetscInt64 left_out;                  /* of an import: training samples that were there, and were not wanted */
  PetscBool  ordered;                   /* of an import: its training labels never go down, class after class */
} WeftDataInfo;

/* WeftDataOpen - opens a data file for reading. Collective on comm, which data keeps using.
   option names what gave the path ("-data"). A plain HDF5 file with /train/x alone will do.
   A user's mistake: no such file, not HDF5, an unknown weft_schema, no /train/x, no samples in it, not [n, d], neither
   integers nor floating point, a number of labels other than n, attributes that contradict the samples. */
extern PetscErrorCode WeftDataOpen(MPI_Comm comm, const char option[], const char path[], WeftData *data);
extern PetscErrorCode WeftDataClose(WeftData *data); /* collective */

/* Owned by data. Not collective. */
extern const WeftDataInfo *WeftDataGetInfo(WeftData data);

/* WeftDataRange - the contiguous part of n rows that a rank of size takes: parts differ by at most one row.
   Not collective. */
extern void WeftDataRange(PetscInt64 n, int rank, int size, PetscInt64 *row0, PetscInt64 *rows);

/* WeftDataReadRows - rows [row0, row0 + rows) of a split as a block [rows, d] that the caller destroys. Collective: any
   rank may ask for none. Bytes (uint8) and other integers are multiplied by the dataset's attribute scale, or where it
   has none by 1/255 (bytes) or 1 (others); floating point is taken as it is.
   A user's mistake: the split is absent; a value is NaN, infinite, or overflows the precision asked for (the message
   names the first such sample and feature over all ranks). */
extern PetscErrorCode WeftDataReadRows(WeftData data, WeftSplit split, PetscInt64 row0, PetscInt64 rows,
                                       WeftPrecision precision, WeftBlock *x);

/* WeftDataChecksum - WeftBlockChecksum() of the first n samples of a split as WeftDataReadRows() has them, over all
   ranks, of which each holds a few at a time. Collective. */
extern PetscErrorCode WeftDataChecksum(WeftData data, WeftSplit split, PetscInt64 n, WeftPrecision precision,
                                       uint64_t *sum);

/* WeftDataReadLabels - the labels of rows [row0, row0 + rows) into labels[rows], each in [0, classes). Collective.
   A user's mistake: no labels, or one that is not a whole number in that range. */
extern PetscErrorCode WeftDataReadLabels(WeftData data, WeftSplit split, PetscInt64 row0, PetscInt64 rows,
                                         int32_t labels[]);
