#include "shareimpl.h"

static const WeftSite beside[4] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};

typedef struct {
  const WeftBonds *bonds;
  double           least; /* mean bond with the taken sites beside it that a thing must have */
} Grower;

/* The taken sites beside a site. */
static int Neighbours(const WeftPatch *p, WeftSite s, int who[4])
{
  int count = 0;

  for (int k = 0; k < 4; ++k) {
    const int at = WeftPatchAt(p, s.row + beside[k].row, s.col + beside[k].col);
    if (at != WEFT_NOBODY) who[count++] = at;
  }
  return count;
}

/* Sum of the bonds with those; a strong aversion to one counts no more than a weak one, as it is noise. */
static double Pull(const WeftBonds *bonds, int thing, int count, const int who[])
{
  double sum = 0;

  for (int k = 0; k < count; ++k) sum += PetscMax((double)WeftBond(bonds, thing, who[k]), -0.1);
  return sum;
}

/* Whom two or more taken sites beside a site want there. */
static void JudgeGrown(const void *ctx, const WeftPatch *p, WeftSite s, WeftOffer *offer)
{
  const Grower *g = ctx;
  WeftContest   contest = {.best = WEFT_NOBODY};
  int           who[4];
  const int     count = Neighbours(p, s, who);

  *offer = (WeftOffer){.thing = WEFT_NOBODY};
  if (count < 2) return;
  for (int k = 0; k < count; ++k)
    for (int c = 0; c < WEFT_BOND_CANDIDATES; ++c) {
      const int thing = g->bonds->near[(size_t)who[k] * WEFT_BOND_CANDIDATES + (size_t)c];
      if (thing >= 0 && !p->placed[thing]) WeftContestEnter(&contest, thing, Pull(g->bonds, thing, count, who));
    }
  if (contest.best == WEFT_NOBODY || contest.first < g->least * count) return;
  *offer = (WeftOffer){contest.best, contest.first - PetscMax(contest.second, 0)};
}

/* Two things to be put beside two taken neighbours. */
typedef struct {
  WeftSite site[2];
  int      thing[2];
  double   first, margin; /* the sum of the three bonds; by how much it is more than the next best */
} Pair;

static void BestPair(const Grower *g, const WeftPatch *p, int left, int right, Pair *pair)
{
  const WeftBonds *b = g->bonds;
  double           second = 0;

  pair->thing[0] = WEFT_NOBODY;
  for (int s = 0; s < WEFT_BOND_CANDIDATES; ++s)
    for (int t = 0; t < WEFT_BOND_CANDIDATES; ++t) {
      const int i = b->near[(size_t)left * WEFT_BOND_CANDIDATES + (size_t)s];
      const int j = b->near[(size_t)right * WEFT_BOND_CANDIDATES + (size_t)t];
      double    sum;
      if (i < 0 || j < 0 || i == j || p->placed[i] || p->placed[j]) continue;
      sum = (double)WeftBond(b, left, i) + (double)WeftBond(b, right, j) + (double)WeftBond(b, i, j);
      if (PetscMin((double)WeftBond(b, i, j), (double)PetscMin(WeftBond(b, left, i), WeftBond(b, right, j))) <=
          g->least)
        continue;
      if (pair->thing[0] == WEFT_NOBODY || sum > pair->first) {
        second = pair->thing[0] == WEFT_NOBODY ? 0 : pair->first;
        pair->first = sum;
        pair->thing[0] = i;
        pair->thing[1] = j;
      } else if (sum > second) {
        second = sum;
      }
    }
  pair->margin = pair->first - second;
}

/* Is a clearer than b? Ties by site. */
static PetscBool Clearer(const Pair *a, const Pair *b)
{
  if (b->thing[0] == WEFT_NOBODY || a->margin > b->margin) return PETSC_TRUE;
  if (a->margin < b->margin) return PETSC_FALSE;
  for (int k = 0; k < 2; ++k) {
    if (a->site[k].row != b->site[k].row) return a->site[k].row < b->site[k].row ? PETSC_TRUE : PETSC_FALSE;
    if (a->site[k].col != b->site[k].col) return a->site[k].col < b->site[k].col ? PETSC_TRUE : PETSC_FALSE;
  }
  return PETSC_FALSE;
}

/* The clearest two things to put along the patch's edge: where a new row begins. */
static void FindPair(const Grower *g, const WeftPatch *p, Pair *best)
{
  *best = (Pair){.thing = {WEFT_NOBODY, WEFT_NOBODY}};
  for (int left = 0; left < p->n; ++left) {
    if (!p->placed[left]) continue;
    for (int k = 0; k < 2; ++k) /* its neighbour along the row, along the column */
      for (int side = -1; side <= 1; side += 2) {
        const WeftSite along = beside[k], s = p->site[left];
        const WeftSite a = {s.row + side * along.col, s.col + side * along.row};
        const WeftSite b = {a.row + along.row, a.col + along.col};
        const int      right = WeftPatchAt(p, s.row + along.row, s.col + along.col);
        Pair           pair = {.site = {a, b}};
        if (right == WEFT_NOBODY || WeftPatchAt(p, a.row, a.col) != WEFT_NOBODY) continue;
        if (WeftPatchAt(p, b.row, b.col) != WEFT_NOBODY) continue;
        BestPair(g, p, left, right, &pair);
        if (pair.thing[0] != WEFT_NOBODY && Clearer(&pair, best)) *best = pair;
      }
  }
}

PetscErrorCode WeftPatchGrow(const WeftBonds *bonds, const int corners[4], WeftPatch *patch)
{
  static const WeftSite at[4] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
  const Grower          grower = {bonds, 0.25 * (double)bonds->typical};
  const WeftFillRule    rule = {JudgeGrown, &grower};
  Pair                  pair;

  PetscFunctionBegin;
  for (int k = 0; k < 4; ++k) PetscCall(WeftPatchPut(patch, corners[k], at[k]));
  do {
    PetscCall(WeftPatchFill(patch, &rule));
    FindPair(&grower, patch, &pair);
    for (int k = 0; k < 2 && pair.thing[0] != WEFT_NOBODY; ++k)
      PetscCall(WeftPatchPut(patch, pair.thing[k], pair.site[k]));
  } while (pair.thing[0] != WEFT_NOBODY);
  PetscFunctionReturn(PETSC_SUCCESS);
}
