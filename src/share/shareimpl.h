/* What the files of src/share have in common. Nothing here is collective: every rank does the same with the same
   numbers. */
#pragma once
#include <weft/lattice.h>

enum {
  WEFT_BOND_CANDIDATES = 8, /* strongest partners that an input is looked for among */
  WEFT_BOND_MUTUAL = 4      /* of these, how many make an edge where it is mutual: neighbours on a square lattice */
};

/* The bonds between n things: partial correlations, and what follows from their order. */
typedef struct {
  int          n;
  const float *strength; /* [n, n], symmetric, zero diagonal; the caller's */
  int         *near;     /* [n, WEFT_BOND_CANDIDATES] strongest partners first; -1: no further one is positive */
  int          edges;
  int         *edge;    /* [edges][2]: pairs that are among each other's first WEFT_BOND_MUTUAL; ascending */
  float        typical; /* median strength of an edge */
} WeftBonds;

static inline float WeftBond(const WeftBonds *bonds, int i, int j)
{
  return bonds->strength[(size_t)i * (size_t)bonds->n + (size_t)j];
}
extern PetscErrorCode WeftBondsCreate(int n, const float *strength, WeftBonds *bonds);
extern PetscErrorCode WeftBondsDestroy(WeftBonds *bonds);
/* Are i and j an edge? */
extern PetscBool WeftBondsMutual(const WeftBonds *bonds, int i, int j);

typedef struct {
  int row, col;
} WeftSite;

/* Things on the sites of a square lattice, one a site, as far as they have been placed. */
typedef struct {
  int            n, count;               /* things; how many are placed */
  WeftSite      *site;                   /* [n] */
  unsigned char *placed;                 /* [n] */
  int            row0, col0, rows, cols; /* the part of the lattice that is kept, grown on demand */
  int           *at;                     /* [rows, cols] who is there; -1: nobody */
} WeftPatch;

enum { WEFT_NOBODY = -1 };
extern PetscErrorCode WeftPatchCreate(int n, WeftPatch *patch);
extern PetscErrorCode WeftPatchDestroy(WeftPatch *patch);
extern PetscErrorCode WeftPatchCopy(const WeftPatch *from, WeftPatch *to); /* to: created with the same n */
extern int            WeftPatchAt(const WeftPatch *patch, int row, int col);
extern PetscErrorCode WeftPatchPut(WeftPatch *patch, int thing, WeftSite site);
extern void           WeftPatchRemove(WeftPatch *patch, int thing);
/* Edges whose ends are next to one another, and pairs of neighbouring sites that are both taken. */
extern int WeftPatchEdges(const WeftPatch *patch, const WeftBonds *bonds);
extern int WeftPatchPairs(const WeftPatch *patch);

/* What a rule says of a free site: whom it wants there, and by how much more than the next best. */
typedef struct {
  int    thing; /* WEFT_NOBODY: no one fits */
  double margin;
} WeftOffer;
typedef struct {
  void (*judge)(const void *ctx, const WeftPatch *patch, WeftSite site, WeftOffer *offer);
  const void *ctx;
} WeftFillRule;
/* Fills site after site, the clearest case first, until no free site beside a taken one has an offer. */
extern PetscErrorCode WeftPatchFill(WeftPatch *patch, const WeftFillRule *rule);

/* The best candidate for a site by the rule's own measure. */
typedef struct {
  int    best;
  double first, second; /* measures of the best and the next */
} WeftContest;
static inline void WeftContestEnter(WeftContest *c, int thing, double measure)
{
  if (thing == c->best) return;
  if (c->best == WEFT_NOBODY || measure > c->first || (!(measure < c->first) && thing < c->best)) {
    c->second = c->best == WEFT_NOBODY ? 0 : c->first;
    c->first = measure;
    c->best = thing;
  } else if (measure > c->second) {
    c->second = measure;
  }
}

/* WeftPatchGrow - from the four corners of a cell: single things beside two taken sites, and where there is none, two
   at a time along an edge of what is there. */
extern PetscErrorCode WeftPatchGrow(const WeftBonds *bonds, const int corners[4], WeftPatch *patch);
/* WeftPatchRefine - takes out what does not fit the typical bonds around a site, keeps the largest connected piece, and
   fills again by how well candidates fit these. */
extern PetscErrorCode WeftPatchRefine(const WeftBonds *bonds, WeftPatch *patch);
/* Cells of four edges without a diagonal one, [count][4] in cyclic order, the one with the strongest weakest bond
   first; PetscFree() it. */
extern PetscErrorCode WeftBondsCells(const WeftBonds *bonds, int *count, int **cells);

/* WeftCliques - disjoint sets of `size` things, all bound to one another, the strongest first: [*count, size], each
   ascending, ordered by their first member; PetscFree() it. */
extern PetscErrorCode WeftCliques(const WeftBonds *bonds, int size, int *count, int **members);
