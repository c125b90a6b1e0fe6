/* Features of a data set, streamed from file to file: what an encoder makes of its samples, a piece at a time, so that
   the number of samples is bounded by the disk and not by memory. */
#pragma once
#include <weft/data.h>
#include <weft/output.h>

/* How samples become features. All ranks call encode() equally often, each with rows of its own, which may be none. */
typedef struct {
  const char   *name;        /* of the datasets: /train/NAME, /test/NAME */
  const char   *description; /* of what they hold */
  const char   *column;      /* what a column is */
  PetscInt64    cols;        /* features of a sample */
  WeftPrecision precision;   /* of samples and features in memory; the file has float32 */
  void         *ctx;
  /* x [rows, d] to y [rows, cols]. Collective. */
  PetscErrorCode (*encode)(void *ctx, const WeftBlock *x, WeftBlock *y);
  /* Says in the root attributes of the file, or in datasets, what made the features; called once, at the end.
     Collective. May be NULL. */
  PetscErrorCode (*describe)(void *ctx, hid_t file);
} WeftEncoder;

/* Samples that a rank takes at once. Piece i of a split, rows i times this and following, goes to rank i modulo the
   number of ranks: an encoder is given the same pieces at any number of ranks. */
enum { WEFT_FEATURES_ROWS = 2048 };

/* WeftFeaturesWrite - features of both splits of the data into a new file at path, which appears whole or not at all,
   with the labels, and the picture shape, classes and source that the data file states. A rank holds
   WEFT_FEATURES_ROWS samples and their features, and what the encoder takes. *stopped: a signal ended it early, and no
   file is left. A full disk is a user's mistake. Collective. */
extern PetscErrorCode WeftFeaturesWrite(MPI_Comm comm, const char path[], WeftData data, const WeftEncoder *encoder,
                                        PetscBool *stopped);
