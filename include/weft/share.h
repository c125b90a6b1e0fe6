/* Weight sharing that the data reveal. Where the inputs lie on a lattice (lattice.h), groups of a learned layer are
   often moved copies of one another. A few of them, the prototypes, then stand for all: a shared layer has a copy of
   every prototype at every site of the lattice, and pools neighbouring copies, so that its outputs lie on a coarser
   lattice with one channel a prototype, and the next layer can be shared in turn. All of it is held alike by every rank
   and nothing is collective. */
#pragma once
#include <weft/lattice.h>
#include <weft/options.h>

typedef struct {
  int prototypes; /* at most; 0: no sharing */
  int window;     /* side of the square around a site that a copy may see; odd */
  int pool;       /* copies pooled along either axis */
} WeftShareSettings;

extern const WeftOption WeftShareOptions[];
extern PetscErrorCode   WeftShareSettingsFromOptions(WeftShareSettings *settings);

/* A shared layer. A window's numbers are in the order (row, column, channel): q = (i w + j) channels + c for the input
   of channel c at site + (i - w/2, j - w/2). */
typedef struct {
  WeftShareSettings settings; /* prototypes: as many as there are */
  int               group_size;
  WeftLattice       input;    /* where its d inputs lie; its own copy */
  int              *group;    /* [prototypes] which learned group each is */
  double           *atoms;    /* [prototypes p, w w channels]; zero where there is no connection */
  double            coverage; /* part of the learned atoms' energy, by usage, that the moved prototypes span */
} WeftShared;

/* WeftSharedFind - the prototypes of a layer with the given atoms [k, d] in groups of p: chosen one after another, each
   so that the span of all, moved to where a group fits best, holds most of the groups' energy weighted by usage [G]
   (greedy facility location: at least 1 - 1/e of the best choice). A group that is not alive is none. O(G² w² p²
   channels) flops. *shared has no prototypes where no group lies within a window by more than half. */
extern PetscErrorCode WeftSharedFind(const WeftLattice *input, const WeftBlock *atoms, int group_size,
                                     const unsigned char alive[], const double usage[],
                                     const WeftShareSettings *settings, WeftShared *shared);
/* WeftSharedRestore - from what a file holds; atoms and group are copied. */
extern PetscErrorCode WeftSharedRestore(const WeftLattice *input, int group_size, const WeftShareSettings *settings,
                                        const double atoms[], const int group[], double coverage, WeftShared *shared);
extern PetscErrorCode WeftSharedDestroy(WeftShared *shared);

/* Numbers in a window. */
extern size_t WeftSharedWindow(const WeftShared *shared);
/* Where its outputs lie: ceil(rows / pool) x ceil(cols / pool) x prototypes, output (r cols + c) prototypes + k. The
   caller destroys it. */
extern PetscErrorCode WeftSharedOutputs(const WeftShared *shared, WeftLattice *output);

/* The layer written out: copy (r cols + c) prototypes + k of prototype k at site (r, c) is a group; the inputs of group
   g are input[start[g] .. start[g + 1]), ascending, and use the numbers row[...] = k w w channels + q of the
   prototypes. Pool o, an output, has the groups pool_group[pool_start[o] .. pool_start[o + 1]). Arrays by
   PetscMalloc1(), the caller's. */
typedef struct {
  size_t  groups, pools;
  size_t *start;      /* [groups + 1] */
  int    *input;      /* [start[groups]] */
  int    *row;        /* [start[groups]] */
  size_t *pool_start; /* [pools + 1] */
  int    *pool_group; /* [groups] */
} WeftSharedCopies;
extern PetscErrorCode WeftSharedWriteOut(const WeftShared *shared, WeftSharedCopies *copies);

/* WeftSharedRespond - y [n, outputs] of whitened samples x [n, d], one precision, y the caller's: with u_s = ‖P_kᵀ x‖
   of a copy at site s, y = sqrt(Σ_s max(0, u_s - λ√p)²) over the sites of its pool. By gemm on windows, 4 samples at a
   time. */
extern PetscErrorCode WeftSharedRespond(const WeftShared *shared, double lambda, const WeftBlock *x, WeftBlock *y);
