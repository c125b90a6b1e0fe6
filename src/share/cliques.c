#include "shareimpl.h"

typedef struct {
  double weight;
  int    member[4];
} Clique;

/* How weakly a thing is bound to a set; 0 for its members. */
static double Weakest(const WeftBonds *b, int thing, int size, const int set[])
{
  double weakest = 2;

  for (int k = 0; k < size; ++k) weakest = thing == set[k] ? 0 : PetscMin(weakest, (double)WeftBond(b, thing, set[k]));
  return weakest;
}

/* Grows a set from one thing by whom its weakest bond is strongest with; whether it got to its size. */
static PetscBool GrowClique(const WeftBonds *b, int from, int size, Clique *out)
{
  out->member[0] = from;
  out->weight = 0;
  for (int have = 1; have < size; ++have) {
    double strongest = 0;
    int    next = -1;
    for (int k = 0; k < have; ++k)
      for (int c = 0; c < WEFT_BOND_CANDIDATES; ++c) {
        const int    thing = b->near[(size_t)out->member[k] * WEFT_BOND_CANDIDATES + (size_t)c];
        const double weakest = thing < 0 ? 0 : Weakest(b, thing, have, out->member);
        if (weakest > strongest || (weakest >= strongest && next >= 0 && weakest > 0 && thing < next)) {
          strongest = weakest;
          next = thing;
        }
      }
    if (next < 0) return PETSC_FALSE;
    for (int k = 0; k < have; ++k) out->weight += (double)WeftBond(b, next, out->member[k]);
    out->member[have] = next;
  }
  for (int k = 1; k < size; ++k)
    for (int l = k; l > 0 && out->member[l] < out->member[l - 1]; --l) {
      const int other = out->member[l];
      out->member[l] = out->member[l - 1];
      out->member[l - 1] = other;
    }
  return PETSC_TRUE;
}

/* The strongest first, then by members. */
static int Compare(const void *left, const void *right, void *ctx)
{
  const Clique *a = left, *b = right;

  if (a->weight > b->weight) return -1;
  if (a->weight < b->weight) return 1;
  for (int k = 0; k < *(const int *)ctx; ++k)
    if (a->member[k] != b->member[k]) return a->member[k] < b->member[k] ? -1 : 1;
  return 0;
}

static int CompareFirst(const void *left, const void *right, void *ctx)
{
  (void)ctx;
  return ((const Clique *)left)->member[0] - ((const Clique *)right)->member[0];
}

PetscErrorCode WeftCliques(const WeftBonds *b, int size, int *count, int **members)
{
  Clique        *all;
  unsigned char *used;
  int            found = 0, kept = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)b->n + 1, &all));
  PetscCall(PetscCalloc1((size_t)b->n + 1, &used));
  for (int i = 0; i < b->n; ++i) found += GrowClique(b, i, size, all + found) ? 1 : 0;
  if (found > 1) PetscCall(PetscTimSort(found, all, sizeof(Clique), Compare, &size));
  for (int i = 0; i < found; ++i) {
    PetscBool free = PETSC_TRUE;
    for (int k = 0; k < size; ++k) free = free && !used[all[i].member[k]] ? PETSC_TRUE : PETSC_FALSE;
    for (int k = 0; k < size && free; ++k) used[all[i].member[k]] = 1;
    if (free) all[kept++] = all[i];
  }
  if (kept > 1) PetscCall(PetscTimSort(kept, all, sizeof(Clique), CompareFirst, NULL));
  PetscCall(PetscMalloc1((size_t)kept * (size_t)size + 1, members));
  for (int i = 0; i < kept; ++i)
    for (int k = 0; k < size; ++k) (*members)[i * size + k] = all[i].member[k];
  *count = kept;
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(used));
  PetscFunctionReturn(PETSC_SUCCESS);
}
