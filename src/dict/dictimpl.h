/* What the files of src/dict share. */
#pragma once
#include <weft/dict.h>
#include <weft/group.h>

struct _n_WeftDict {
  MPI_Comm       comm;
  Mat            D;
  PetscInt       d, k, rows; /* rows: of this rank */
  int            group_size;
  PetscInt       groups;
  unsigned char *alive; /* [G] */
  double         rtol;
  int            max_iterations;
};

/* The local rows of a dense matrix, column-major with leading dimension dict->rows. */
extern PetscErrorCode WeftDictArray(WeftDict dict, Mat M, double **values);
extern PetscErrorCode WeftDictRestore(Mat M, double **values);
