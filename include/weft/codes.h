/* Group-sparse codes: for each sample the active groups and their p coefficients. Memory follows the active groups, not
   n k. Local to a rank. */
#pragma once
#include <weft/block.h>

typedef struct {
  size_t  samples, capacity_samples, capacity_active;
  int     group_size, groups; /* p, G */
  size_t *start;              /* [samples + 1]: sample i's entries are start[i] .. start[i+1] */
  int    *group;              /* [start[samples]]: ascending within a sample */
  double *value;              /* [start[samples] * p] */
} WeftCodes;

/* All of these are not collective. */
extern PetscErrorCode WeftCodesCreate(int groups, int group_size, WeftCodes *codes);
extern PetscErrorCode WeftCodesDestroy(WeftCodes *codes);
extern void           WeftCodesClear(WeftCodes *codes); /* keeps the memory */
/* Appends a sample given by its k dense coefficients in the block's row; groups of zeros are left out. */
extern PetscErrorCode WeftCodesAppendDense(WeftCodes *codes, const WeftBlock *z, size_t row);
/* Appends sample i of another set. */
extern PetscErrorCode WeftCodesAppend(WeftCodes *codes, const WeftCodes *from, size_t i);
/* Scatters sample i into the block's row, which must be zero. */
extern void WeftCodesToDense(const WeftCodes *codes, size_t i, WeftBlock *z, size_t row);

/* A set of samples whose codes are replaced one by one: what remembers codes for warm starts. */
typedef struct {
  size_t        samples;
  int           groups, group_size;
  WeftPrecision precision; /* of the values: that of the path that makes them, which loses nothing */
  int          *active;    /* [samples] number of active groups; 0 also for a sample not yet coded */
  void        **entries;   /* [samples] the values, then their groups; NULL where none */
} WeftCodeStore;

extern PetscErrorCode WeftCodeStoreCreate(size_t samples, int groups, int group_size, WeftPrecision precision,
                                          WeftCodeStore *store);
extern PetscErrorCode WeftCodeStoreDestroy(WeftCodeStore *store);
/* Appends the stored code of sample i to codes. */
extern PetscErrorCode WeftCodeStoreGet(const WeftCodeStore *store, size_t i, WeftCodes *codes);
/* Replaces the stored code of sample i by entry `from` of codes. */
extern PetscErrorCode WeftCodeStorePut(WeftCodeStore *store, size_t i, const WeftCodes *codes, size_t from);
/* Drops the groups that are not alive [groups] from all stored codes. */
extern PetscErrorCode WeftCodeStoreKeep(WeftCodeStore *store, const unsigned char alive[]);
