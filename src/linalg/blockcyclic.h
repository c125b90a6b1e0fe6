/* Private to linalg: the 2-D block-cyclic process grid of ScaLAPACK, and moves between it and row panels. */
#pragma once
#include <weft/spectral.h>
#include <petscblaslapack.h>

/* Neither BLACS nor ScaLAPACK comes with a header. Their integers are those of BLAS. */
extern PetscBLASInt Csys2blacs_handle(MPI_Comm comm);
extern void         Cfree_blacs_system_handle(PetscBLASInt handle);
extern void         Cblacs_gridinit(PetscBLASInt *context, const char *order, PetscBLASInt rows, PetscBLASInt cols);
extern void         Cblacs_gridinfo(PetscBLASInt context, PetscBLASInt *rows, PetscBLASInt *cols, PetscBLASInt *my_row,
                                    PetscBLASInt *my_col);
extern void         Cblacs_set(PetscBLASInt context, PetscBLASInt what, const PetscBLASInt *value);
extern void         Cblacs_gridexit(PetscBLASInt context);
extern void         Cblacs_exit(PetscBLASInt goes_on);
extern PetscBLASInt numroc_(const PetscBLASInt *n, const PetscBLASInt *nb, const PetscBLASInt *process,
                            const PetscBLASInt *source, const PetscBLASInt *processes);
extern void         pdgemr2d_(const PetscBLASInt *m, const PetscBLASInt *n, const double *a, const PetscBLASInt *ia,
                              const PetscBLASInt *ja, const PetscBLASInt *desca, double *b, const PetscBLASInt *ib,
                              const PetscBLASInt *jb, const PetscBLASInt *descb, const PetscBLASInt *context);
extern void         pdgemm_(const char *transa, const char *transb, const PetscBLASInt *m, const PetscBLASInt *n,
                            const PetscBLASInt *k, const double *alpha, const double *a, const PetscBLASInt *ia,
                            const PetscBLASInt *ja, const PetscBLASInt *desca, const double *b, const PetscBLASInt *ib,
                            const PetscBLASInt *jb, const PetscBLASInt *descb, const double *beta, double *c,
                            const PetscBLASInt *ic, const PetscBLASInt *jc, const PetscBLASInt *descc);
extern void         pdsymm_(const char *side, const char *uplo, const PetscBLASInt *m, const PetscBLASInt *n,
                            const double *alpha, const double *a, const PetscBLASInt *ia, const PetscBLASInt *ja,
                            const PetscBLASInt *desca, const double *b, const PetscBLASInt *ib, const PetscBLASInt *jb,
                            const PetscBLASInt *descb, const double *beta, double *c, const PetscBLASInt *ic,
                            const PetscBLASInt *jc, const PetscBLASInt *descc);
extern void pdtrsm_(const char *side, const char *uplo, const char *transa, const char *diag, const PetscBLASInt *m,
                    const PetscBLASInt *n, const double *alpha, const double *a, const PetscBLASInt *ia,
                    const PetscBLASInt *ja, const PetscBLASInt *desca, double *b, const PetscBLASInt *ib,
                    const PetscBLASInt *jb, const PetscBLASInt *descb);
extern void pdpotrf_(const char *uplo, const PetscBLASInt *n, double *a, const PetscBLASInt *ia, const PetscBLASInt *ja,
                     const PetscBLASInt *desca, PetscBLASInt *info);
extern void pdsyevd_(const char *jobz, const char *uplo, const PetscBLASInt *n, double *a, const PetscBLASInt *ia,
                     const PetscBLASInt *ja, const PetscBLASInt *desca, double *w, double *z, const PetscBLASInt *iz,
                     const PetscBLASInt *jz, const PetscBLASInt *descz, double *work, const PetscBLASInt *lwork,
                     PetscBLASInt *iwork, const PetscBLASInt *liwork, PetscBLASInt *info);

/* The same info on all ranks, as ScaLAPACK promises it: a failure of ours, named. */
#define WeftScaLAPACKCheck(comm, routine, info)                                                                        \
  PetscCheck(!(info), comm, PETSC_ERR_LIB, "ScaLAPACK: %s failed with info = %d", routine, (int)(info))

typedef PetscBLASInt WeftDescriptor[9]; /* ScaLAPACK's: type, context, m, n, mb, nb, rsrc, csrc, leading dimension */

/* An order-n matrix on grid_rows x grid_cols processes in blocks of block x block, column-major on each process. */
typedef struct {
  MPI_Comm       comm;
  PetscBLASInt   system; /* BLACS' name for comm */
  PetscBLASInt   square; /* context of the near-square grid */
  PetscBLASInt   line;   /* context of all processes in one row, rank by rank: where row panels live */
  PetscBLASInt   n, block;
  PetscBLASInt   grid_rows, grid_cols, my_row, my_col;
  PetscBLASInt   local_rows, local_cols;
  PetscBLASInt  *rows, *cols; /* global index of each local row and column */
  WeftDescriptor descriptor;
} WeftGrid;

/* Both collective on comm. Errors as WeftSpectralCreate(). */
extern PetscErrorCode WeftGridCreate(MPI_Comm comm, PetscInt n, PetscInt block, WeftGrid *grid);
extern PetscErrorCode WeftGridDestroy(WeftGrid *grid);
/* An array for this rank's part, zeros, not empty even where the part is. Not collective. */
extern PetscErrorCode WeftGridAllocate(const WeftGrid *grid, double **local);
/* A height x n matrix beside the order-n one, its columns distributed as that one's; *local_rows of it are here.
   Collective in its errors, which are WeftGridCreate()'s. */
extern PetscErrorCode WeftGridDescribe(const WeftGrid *grid, PetscInt height, PetscBLASInt *local_rows,
                                       WeftDescriptor descriptor);
/* WeftGridFromPanels, WeftGridToPanels - the TRANSPOSE of the [n, height] matrix held in row panels to the grid, and
   back; the descriptor is that of the transpose: grid->descriptor, or WeftGridDescribe()'s. The row-major panel of rows
   is the column-major panel of columns of the transpose, so nothing is turned in memory, and for a symmetric matrix it
   is no transpose at all. Collective. */
extern PetscErrorCode WeftGridFromPanels(const WeftGrid *grid, PetscBLASInt height, const double panel[],
                                         const WeftDescriptor descriptor, double local[]);
extern PetscErrorCode WeftGridToPanels(const WeftGrid *grid, PetscBLASInt height, const double local[],
                                       const WeftDescriptor descriptor, double panel[]);
