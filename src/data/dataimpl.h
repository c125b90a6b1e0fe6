/* What the data set object and the importers share. */
#pragma once
#include <weft/data.h>
#include <weft/h5.h>

enum { WEFT_SCHEMA = 1, WEFT_MAX_CLASSES = 1 << 24 };

/* A user's mistake found by some rank: text of one line, "" while there is none. */
enum { WEFT_PROBLEM = 1024 };
typedef char WeftProblem[WEFT_PROBLEM];
/* Writes the problem's text; PETSC_FALSE always, for callers to return. Not collective. */
extern PetscBool WeftProblemSet(WeftProblem problem, const char format[], ...) __attribute__((format(printf, 2, 3)));
/* Raises the problem of the lowest rank that has one. Collective. */
extern PetscErrorCode WeftProblemRaise(MPI_Comm comm, const WeftProblem problem);

/* ---- a dataset of numbers in an HDF5 file: rows of `cols` numbers --------------------------------------------- */
typedef enum { WEFT_BYTES, WEFT_FLOATS, WEFT_DOUBLES } WeftArrayKind; /* what it is read as */

typedef struct {
  hid_t         file; /* borrowed */
  char          file_name[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  int           ndims;
  PetscInt64    dims[4], rows, cols;
  WeftArrayKind kind;
  PetscBool     integer;
  double        scale; /* of integers; 1 for floating point */
  WeftH5Read    read;  /* so far, of a dataset that is read in pieces */
} WeftArray;

/* A user's mistake: no dataset there, no numbers, fewer than low or more than high (<= 4) dimensions, no rows or
   columns, more data than the file can hold. file_name serves messages. Collective. */
extern PetscErrorCode WeftArrayOpen(MPI_Comm comm, const char file_name[], hid_t file, const char path[], int low,
                                    int high, WeftArray *array);
/* Scaled numbers into values[rows cols]; a number that is not finite is a user's mistake, and so is another checksum
   than the file's once all rows were read, in the order of ranks. Collective. */
extern PetscErrorCode WeftArrayRead(MPI_Comm comm, WeftArray *array, PetscInt64 row0, PetscInt64 rows,
                                    WeftPrecision precision, void *values);
/* Whole numbers in [0, classes) into labels[rows], of an array with one column; anything else is a user's mistake.
   Collective. */
extern PetscErrorCode WeftArrayReadLabels(MPI_Comm comm, WeftArray *array, PetscInt64 row0, PetscInt64 rows,
                                          PetscInt64 classes, int32_t labels[]);

/* ---- a file of bytes, plain or gzip, read from front to back by one rank; nothing here is collective ----------- */
typedef struct {
  void       *gz;
  const char *path; /* borrowed */
  PetscInt64  most; /* bytes that the content can have at most, from the file's size */
} WeftByteStream;

/* These return whether all went well, else the problem is set. */
extern PetscBool WeftByteStreamOpen(WeftByteStream *stream, const char path[], WeftProblem problem);
extern PetscBool WeftByteStreamRead(WeftByteStream *stream, PetscInt64 bytes, void *values, WeftProblem problem);
/* Is the content at its end, and does gzip's checksum agree? */
extern PetscBool WeftByteStreamAtEnd(WeftByteStream *stream, WeftProblem problem);
/* The number of bytes from here to the end, which it reads. */
extern PetscBool WeftByteStreamCount(WeftByteStream *stream, PetscInt64 *bytes, WeftProblem problem);
extern void      WeftByteStreamClose(WeftByteStream *stream);

/* ---- writing a data file ---------------------------------------------------------------------------------------- */
typedef struct {
  PetscBool   bytes;                        /* x is uint8 with attribute scale, else float32 */
  double      scale;                        /* of bytes */
  PetscBool   shared;                       /* all ranks take part of every piece, else rank 0 takes it whole */
  const char *label_names[WEFT_NUM_SPLITS]; /* what a wrong label is reported under */
  const char *what;                         /* for progress lines */
  void       *ctx;
  /* Every rank calls it for each piece of a split, in order, with its own rows (none, for most ranks of a recipe that
     is not shared): rows [row0, row0 + rows) into x[rows features] and, if labelled, y[rows]. May be collective. */
  PetscErrorCode (*fill)(void *ctx, WeftSplit split, PetscInt64 row0, PetscInt64 rows, void *x, int32_t *y,
                         WeftProblem problem);
} WeftDataRecipe;

/* Writes the splits that info counts, piece by piece, and its attributes. info->classes = 0: found from the training
   labels. A label outside [0, classes) is a user's mistake. Collective. */
extern PetscErrorCode WeftDataWrite(MPI_Comm comm, const char output[], const WeftDataRecipe *recipe,
                                    WeftDataInfo *info);

/* Counts the samples of a split of which the source has `there`: of training samples as many as the caller wanted,
   which is a user's mistake where they are more. Collective. */
extern PetscErrorCode WeftDataSetSamples(MPI_Comm comm, WeftSplit split, PetscInt64 there, WeftDataInfo *info);

/* Completes info->shape and info->pixel_order from the dimensions of the training samples, dims[0] counting them. What
   the caller wanted wins, and is a user's mistake where it does not fit info->features. Collective. */
extern PetscErrorCode WeftDataSetShape(MPI_Comm comm, const char name[], int ndims, const PetscInt64 dims[],
                                       WeftDataInfo *info);

/* info->source becomes "FORMAT: name", the name without its folder. Not collective. */
extern void WeftDataNameSource(const char format[], const char path[], WeftDataInfo *info);
