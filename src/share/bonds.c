#include "shareimpl.h"

/* Inserts j into the list of i's strongest partners, ties by index. */
static void Consider(const float *row, int j, int list[], int length)
{
  int at = length;

  if (!(row[j] > 0)) return;
  while (at > 0 && (list[at - 1] < 0 || row[j] > row[list[at - 1]])) --at;
  if (at == length) return;
  for (int k = length - 1; k > at; --k) list[k] = list[k - 1];
  list[at] = j;
}

static PetscBool Among(const WeftBonds *b, int i, int j)
{
  const int *near = b->near + (size_t)i * WEFT_BOND_CANDIDATES;

  for (int k = 0; k < WEFT_BOND_MUTUAL; ++k)
    if (near[k] == j) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscBool WeftBondsMutual(const WeftBonds *b, int i, int j)
{
  return Among(b, i, j) && Among(b, j, i) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode FindEdges(WeftBonds *b)
{
  PetscReal *strength;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)b->n * WEFT_BOND_MUTUAL + 2, &b->edge));
  PetscCall(PetscMalloc1((size_t)b->n * WEFT_BOND_MUTUAL / 2 + 1, &strength));
  for (int i = 0; i < b->n; ++i)
    for (int j = i + 1; j < b->n; ++j) {
      if (!WeftBondsMutual(b, i, j)) continue;
      strength[b->edges] = (PetscReal)WeftBond(b, i, j);
      b->edge[2 * (size_t)b->edges] = i;
      b->edge[2 * (size_t)b->edges + 1] = j;
      ++b->edges;
    }
  PetscCall(PetscSortReal(b->edges, strength));
  b->typical = b->edges ? (float)strength[b->edges / 2] : 0;
  PetscCall(PetscFree(strength));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBondsCreate(int n, const float *strength, WeftBonds *b)
{
  PetscFunctionBegin;
  *b = (WeftBonds){.n = n, .strength = strength};
  PetscCall(PetscMalloc1((size_t)n * WEFT_BOND_CANDIDATES + 1, &b->near));
  for (int i = 0; i < n; ++i) {
    int *near = b->near + (size_t)i * WEFT_BOND_CANDIDATES;
    for (int k = 0; k < WEFT_BOND_CANDIDATES; ++k) near[k] = -1;
    for (int j = 0; j < n; ++j) Consider(strength + (size_t)i * (size_t)n, j, near, WEFT_BOND_CANDIDATES);
  }
  PetscCall(FindEdges(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBondsDestroy(WeftBonds *b)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(b->near));
  PetscCall(PetscFree(b->edge));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  float weakest;
  int   corner[4];
} Cell;

/* The strongest first, then by corners. */
static int Compare(const void *left, const void *right, void *ctx)
{
  const Cell *a = left, *b = right;

  (void)ctx;
  if (a->weakest > b->weakest) return -1;
  if (a->weakest < b->weakest) return 1;
  for (int k = 0; k < 4; ++k)
    if (a->corner[k] != b->corner[k]) return a->corner[k] < b->corner[k] ? -1 : 1;
  return 0;
}

/* Cells a-b-c-d whose least corner is a, with b < d. At most 6 pairs (b, d) a thing, and 3 c for each. */
static int CellsFrom(const WeftBonds *bonds, int a, Cell out[])
{
  const int *near = bonds->near;
  int        count = 0;

  for (int s = 0; s < WEFT_BOND_MUTUAL; ++s)
    for (int t = 0; t < WEFT_BOND_MUTUAL; ++t) {
      const int b = near[(size_t)a * WEFT_BOND_CANDIDATES + (size_t)s];
      const int d = near[(size_t)a * WEFT_BOND_CANDIDATES + (size_t)t];
      if (b <= a || d <= b || !WeftBondsMutual(bonds, a, b) || !WeftBondsMutual(bonds, a, d)) continue;
      if (WeftBondsMutual(bonds, b, d)) continue;
      for (int u = 0; u < WEFT_BOND_MUTUAL; ++u) {
        const int c = near[(size_t)b * WEFT_BOND_CANDIDATES + (size_t)u];
        if (c <= a || c == d || !WeftBondsMutual(bonds, b, c) || !WeftBondsMutual(bonds, c, d)) continue;
        if (WeftBondsMutual(bonds, a, c)) continue;
        out[count].weakest = PetscMin(PetscMin(WeftBond(bonds, a, b), WeftBond(bonds, b, c)),
                                      PetscMin(WeftBond(bonds, c, d), WeftBond(bonds, d, a)));
        out[count].corner[0] = a;
        out[count].corner[1] = b;
        out[count].corner[2] = c;
        out[count++].corner[3] = d;
      }
    }
  return count;
}

PetscErrorCode WeftBondsCells(const WeftBonds *bonds, int *count, int **cells)
{
  enum { MOST = 24 };
  Cell *all;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(PetscMalloc1((size_t)bonds->n * MOST + 1, &all));
  for (int a = 0; a < bonds->n; ++a) *count += CellsFrom(bonds, a, all + *count);
  if (*count > 1) PetscCall(PetscTimSort(*count, all, sizeof(Cell), Compare, NULL));
  PetscCall(PetscMalloc1((size_t)*count * 4 + 1, cells));
  for (int i = 0; i < *count; ++i)
    for (int k = 0; k < 4; ++k) (*cells)[4 * i + k] = all[i].corner[k];
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
