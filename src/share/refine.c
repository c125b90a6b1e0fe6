#include "shareimpl.h"

enum { REACH = 2, WIDTH = 2 * REACH + 1, FEWEST = 8 };

/* The typical bond with each site of the 5 x 5 around: what a place on this lattice looks like. */
typedef struct {
  const WeftBonds *bonds;
  double           typical[WIDTH][WIDTH];
  double           least;  /* fit that a thing must have to be placed */
  int              beside; /* taken sites beside it that it must have */
} Template;

static double Median(const WeftBonds *bonds, const WeftPatch *p, int row, int col, PetscReal values[])
{
  PetscInt count = 0;

  for (int i = 0; i < p->n; ++i) {
    const int j = p->placed[i] ? WeftPatchAt(p, p->site[i].row + row, p->site[i].col + col) : WEFT_NOBODY;
    if (j != WEFT_NOBODY) values[count++] = (PetscReal)WeftBond(bonds, i, j);
  }
  if (count < FEWEST || (!row && !col)) return 0;
  (void)PetscSortReal(count, values);
  return (double)(values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* Opposite sites hold the same pairs, so theirs is the same median. */
static PetscErrorCode Measure(const WeftBonds *bonds, const WeftPatch *p, Template *t)
{
  PetscReal *values;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(p->n, &values));
  for (int i = 0; i < WIDTH; ++i)
    for (int j = 0; j < WIDTH; ++j) t->typical[i][j] = Median(bonds, p, i - REACH, j - REACH, values);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  double fit;     /* least-squares factor of the template: 1 is typical, 0 unrelated */
  double matched; /* its numerator: grows with how many neighbours speak for it */
  int    beside;
} Fit;

static Fit FitAt(const Template *t, const WeftPatch *p, int thing, WeftSite s)
{
  double norm = 0;
  Fit    f = {0};

  for (int i = -REACH; i <= REACH; ++i)
    for (int j = -REACH; j <= REACH; ++j) {
      const int    who = WeftPatchAt(p, s.row + i, s.col + j);
      const double k = t->typical[i + REACH][j + REACH];
      if (who == WEFT_NOBODY || who == thing) continue;
      f.matched += k * (double)WeftBond(t->bonds, thing, who);
      norm += k * k;
      f.beside += PetscAbs(i) + PetscAbs(j) == 1;
    }
  f.fit = norm > 0 ? f.matched / norm : 0;
  return f;
}

static void JudgeFit(const void *ctx, const WeftPatch *p, WeftSite s, WeftOffer *offer)
{
  const Template *t = ctx;
  WeftContest     contest = {.best = WEFT_NOBODY};

  *offer = (WeftOffer){.thing = WEFT_NOBODY};
  for (int i = -1; i <= 1; ++i)
    for (int j = -1; j <= 1; ++j) {
      const int who = WeftPatchAt(p, s.row + i, s.col + j);
      for (int c = 0; who != WEFT_NOBODY && c < WEFT_BOND_CANDIDATES; ++c) {
        const int thing = t->bonds->near[(size_t)who * WEFT_BOND_CANDIDATES + (size_t)c];
        Fit       f;
        if (thing < 0 || p->placed[thing]) continue;
        f = FitAt(t, p, thing, s);
        if (f.fit >= t->least && f.beside >= t->beside) WeftContestEnter(&contest, thing, f.matched);
      }
    }
  if (contest.best != WEFT_NOBODY) *offer = (WeftOffer){contest.best, contest.first - PetscMax(contest.second, 0)};
}

/* Marks what is connected to thing `from` with `mark`; how many. stack: [n]. */
static int Spread(const WeftPatch *p, int from, int mark, int piece[], int stack[])
{
  int depth = 0, count = 0;

  stack[depth++] = from;
  piece[from] = mark;
  while (depth) {
    const WeftSite s = p->site[stack[--depth]];
    ++count;
    for (int k = 0; k < 4; ++k) {
      const int who = WeftPatchAt(p, s.row + (k == 0) - (k == 1), s.col + (k == 2) - (k == 3));
      if (who == WEFT_NOBODY || piece[who]) continue;
      piece[who] = mark;
      stack[depth++] = who;
    }
  }
  return count;
}

static PetscErrorCode KeepLargestPiece(WeftPatch *p)
{
  int *piece, *stack, mark = 0, best = 0, most = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(p->n, &piece, p->n, &stack));
  for (int i = 0; i < p->n; ++i) {
    int count;
    if (!p->placed[i] || piece[i]) continue;
    count = Spread(p, i, ++mark, piece, stack);
    if (count > most) {
      most = count;
      best = mark;
    }
  }
  for (int i = 0; i < p->n; ++i)
    if (p->placed[i] && piece[i] != best) WeftPatchRemove(p, i);
  PetscCall(PetscFree2(piece, stack));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All are judged by the patch as it stands, then those that do not fit go. */
static PetscErrorCode RemoveMisfits(const Template *t, WeftPatch *p)
{
  const double   worst = 0.5; /* of the typical */
  unsigned char *misfit;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(p->n, &misfit));
  for (int i = 0; i < p->n; ++i) misfit[i] = p->placed[i] && FitAt(t, p, i, p->site[i]).fit < worst;
  for (int i = 0; i < p->n; ++i)
    if (misfit[i]) WeftPatchRemove(p, i);
  PetscCall(PetscFree(misfit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPatchRefine(const WeftBonds *bonds, WeftPatch *p)
{
  Template     t = {.bonds = bonds, .least = 0.35};
  WeftFillRule rule = {JudgeFit, &t};

  PetscFunctionBegin;
  PetscCall(Measure(bonds, p, &t));
  PetscCall(RemoveMisfits(&t, p));
  PetscCall(KeepLargestPiece(p));
  for (t.beside = 2; t.beside >= 1; --t.beside) PetscCall(WeftPatchFill(p, &rule));
  PetscFunctionReturn(PETSC_SUCCESS);
}
