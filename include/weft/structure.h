/* A learned structure, as the run file of a finished run has it, for those who use it: encoding, training, readouts.
   Read its fields, change none. */
#pragma once
#include <weft/prep.h>
#include <weft/response.h>
#include <weft/share.h>

/* A layer of d inputs and G groups of p atoms. */
typedef struct {
  WeftPrep      prep;      /* of its input */
  WeftBlock     atoms;     /* [k, d] on every rank; zero rows where a group was removed */
  WeftResponder responder; /* of these atoms: p, G, λ, what is alive */
  double        mu;
  double       *usage; /* [G] fraction of the samples in which the group was active */
  /* Connectivity: the inputs of group g are input[start[g] .. start[g + 1]), ascending: where a row of its atoms is not
     zero. None where it was removed. */
  size_t    *start;   /* [G + 1] */
  int       *input;   /* [start[G]] */
  WeftShared shared;  /* no prototypes: the layer is not shared */
  PetscInt64 outputs; /* G, or those of the prototypes' copies */
} WeftStructureLayer;

typedef struct _n_WeftStructure *WeftStructure;
struct _n_WeftStructure {
  MPI_Comm            comm;
  char                path[PETSC_MAX_PATH_LEN]; /* as given */
  WeftPrecision       precision;                /* of the atoms, and so of what goes in and comes out */
  PetscInt64          features;                 /* d of layer 0 */
  int                 count;                    /* layers: 1 or more */
  WeftStructureLayer *layers;                   /* [count] */
  PetscInt64          shape[3];                 /* height, width, channels; zeros: no pictures */
  char                pixel_order[16];          /* "" without a shape */
  uint64_t            checksum;                 /* of all numbers that responses depend on; not of times and names */
};

/* WeftStructureOpen - reads a run file, /layers/0, /layers/1 and so on up to the first that is missing. Collective on
   comm; each rank reads its rows of the dictionaries and whitenings, and the atoms are gathered. option names what gave
   the path ("-structure"). precision: of the atoms, whatever the file's.
   A user's mistake: no such file, no run file, damaged, layers that do not fit one another; a checkpoint, with word on
   how to finish it. */
extern PetscErrorCode WeftStructureOpen(MPI_Comm comm, const char option[], const char path[], WeftPrecision precision,
                                        WeftStructure *structure);
extern PetscErrorCode WeftStructureClose(WeftStructure *structure); /* collective */
/* "PATH CHECKSUM", the checksum in 16 hexadecimal digits: what a file made with the structure says of it. Not
   collective. */
extern void WeftStructureDescribe(const WeftStructure structure, size_t size, char text[]);
/* WeftStructureCheckWidth - a user's mistake where samples of so many features, from a file given by an option, are not
   what the structure takes. Collective. */
extern PetscErrorCode WeftStructureCheckWidth(const WeftStructure structure, const char option[], const char path[],
                                              PetscInt64 features);

/* WeftStructureApply - y [n, G] of layer `layers` - 1 from raw samples x [n, d] through the first `layers` layers: each
   preprocesses what it is given and responds. y is created by the caller; both in the structure's precision. Exact
   codes are those of the last layer: what feeds the next one is feed-forward always, as it was when that was learned.
   Collective, as preprocessing is: any rank may have no rows. Beside x and y a rank holds 2048 samples as they pass,
   and the whitening matrix. In pieces of 2048 rows the same samples give the same bits at any number of ranks, but for
   preprocessing of another run. An exact code that did not reach its gap is a user's mistake (-weft_coder_rtol). */
extern PetscErrorCode WeftStructureApply(WeftStructure structure, int layers, WeftCodesKind kind, const WeftBlock *x,
                                         WeftBlock *y);
/* WeftStructureCheckReached - the user's mistake where a rank's codes did not reach their gap; *result: those of this
   rank, becomes that of all. Collective. */
extern PetscErrorCode WeftStructureCheckReached(const WeftStructure structure, WeftCoderResult *result);
/* WeftStructureApplyAll - the same for all of the first `layers` layers at once: y [layers], of which those without
   columns are not wanted. result: what the exact codes reached, of all layers wanted, this rank's; may be
   NULL. Not converging is a reason in it here. */
extern PetscErrorCode WeftStructureApplyAll(WeftStructure structure, int layers, WeftCodesKind kind, const WeftBlock *x,
                                            WeftBlock y[], WeftCoderResult *result);
