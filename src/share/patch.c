#include "shareimpl.h"

static const WeftSite beside[4] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};

PetscErrorCode WeftPatchCreate(int n, WeftPatch *p)
{
  PetscFunctionBegin;
  *p = (WeftPatch){.n = n};
  PetscCall(PetscCalloc2(n, &p->site, n, &p->placed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPatchDestroy(WeftPatch *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(p->site, p->placed));
  PetscCall(PetscFree(p->at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int WeftPatchAt(const WeftPatch *p, int row, int col)
{
  row -= p->row0;
  col -= p->col0;
  return !p->at || row < 0 || col < 0 || row >= p->rows || col >= p->cols ? WEFT_NOBODY : p->at[row * p->cols + col];
}

/* Makes room for a site, with as much again in reserve. */
static PetscErrorCode MakeRoom(WeftPatch *p, WeftSite s)
{
  WeftPatch wide = *p;
  const int reach = PetscMax(8, PetscMax(p->rows, p->cols) / 2);

  PetscFunctionBegin;
  if (p->at && s.row >= p->row0 && s.col >= p->col0 && s.row < p->row0 + p->rows && s.col < p->col0 + p->cols)
    PetscFunctionReturn(PETSC_SUCCESS);
  wide.row0 = PetscMin(p->row0, s.row) - reach;
  wide.col0 = PetscMin(p->col0, s.col) - reach;
  wide.rows = PetscMax(p->row0 + p->rows, s.row + 1) + reach - wide.row0;
  wide.cols = PetscMax(p->col0 + p->cols, s.col + 1) + reach - wide.col0;
  PetscCall(PetscMalloc1((size_t)wide.rows * (size_t)wide.cols, &wide.at));
  for (int i = 0; i < wide.rows; ++i)
    for (int j = 0; j < wide.cols; ++j) wide.at[i * wide.cols + j] = WeftPatchAt(p, i + wide.row0, j + wide.col0);
  PetscCall(PetscFree(p->at));
  *p = wide;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPatchPut(WeftPatch *p, int thing, WeftSite s)
{
  PetscFunctionBegin;
  PetscCall(MakeRoom(p, s));
  p->at[(s.row - p->row0) * p->cols + s.col - p->col0] = thing;
  p->site[thing] = s;
  p->placed[thing] = 1;
  ++p->count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftPatchRemove(WeftPatch *p, int thing)
{
  const WeftSite s = p->site[thing];

  p->at[(s.row - p->row0) * p->cols + s.col - p->col0] = WEFT_NOBODY;
  p->placed[thing] = 0;
  --p->count;
}

PetscErrorCode WeftPatchCopy(const WeftPatch *from, WeftPatch *to)
{
  PetscFunctionBegin;
  for (int i = 0; i < to->n; ++i)
    if (to->placed[i]) WeftPatchRemove(to, i);
  for (int i = 0; i < from->n; ++i)
    if (from->placed[i]) PetscCall(WeftPatchPut(to, i, from->site[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int WeftPatchEdges(const WeftPatch *p, const WeftBonds *bonds)
{
  int count = 0;

  for (int e = 0; e < bonds->edges; ++e) {
    const int i = bonds->edge[2 * (size_t)e], j = bonds->edge[2 * (size_t)e + 1];
    if (!p->placed[i] || !p->placed[j]) continue;
    count += PetscAbs(p->site[i].row - p->site[j].row) + PetscAbs(p->site[i].col - p->site[j].col) == 1;
  }
  return count;
}

int WeftPatchPairs(const WeftPatch *p)
{
  int count = 0;

  for (int i = 0; i < p->n; ++i) {
    if (!p->placed[i]) continue;
    count += WeftPatchAt(p, p->site[i].row, p->site[i].col + 1) != WEFT_NOBODY;
    count += WeftPatchAt(p, p->site[i].row + 1, p->site[i].col) != WEFT_NOBODY;
  }
  return count;
}

/* Free sites beside taken ones, each with its offer. */
typedef struct {
  int        count, capacity;
  WeftSite  *site;
  WeftOffer *offer;
} Front;

static int Find(const Front *f, WeftSite s)
{
  for (int i = 0; i < f->count; ++i)
    if (f->site[i].row == s.row && f->site[i].col == s.col) return i;
  return -1;
}

static PetscErrorCode Judge(Front *f, const WeftPatch *p, const WeftFillRule *rule, WeftSite s)
{
  PetscBool touches = PETSC_FALSE;
  int       i;

  PetscFunctionBegin;
  for (int k = 0; k < 4; ++k)
    if (WeftPatchAt(p, s.row + beside[k].row, s.col + beside[k].col) != WEFT_NOBODY) touches = PETSC_TRUE;
  if (!touches || WeftPatchAt(p, s.row, s.col) != WEFT_NOBODY) PetscFunctionReturn(PETSC_SUCCESS);
  i = Find(f, s);
  if (i < 0) {
    i = f->count++;
    if (f->count > f->capacity) {
      f->capacity = 2 * f->capacity + 64;
      PetscCall(PetscRealloc((size_t)f->capacity * sizeof(WeftSite), &f->site));
      PetscCall(PetscRealloc((size_t)f->capacity * sizeof(WeftOffer), &f->offer));
    }
    f->site[i] = s;
  }
  (*rule->judge)(rule->ctx, p, s, &f->offer[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JudgeAround(Front *f, const WeftPatch *p, const WeftFillRule *rule, WeftSite s)
{
  enum { REACH = 2 }; /* no rule looks further */

  PetscFunctionBegin;
  for (int i = -REACH; i <= REACH; ++i)
    for (int j = -REACH; j <= REACH; ++j) PetscCall(Judge(f, p, rule, (WeftSite){s.row + i, s.col + j}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The clearest offer; ties by site, so that the order in which sites came does not count. */
static int Clearest(const Front *f)
{
  int best = -1;

  for (int i = 0; i < f->count; ++i) {
    const WeftOffer *o = &f->offer[i];
    if (o->thing == WEFT_NOBODY) continue;
    if (best >= 0) {
      const WeftSite a = f->site[i], b = f->site[best];
      if (o->margin < f->offer[best].margin) continue;
      if (!(o->margin > f->offer[best].margin) && (a.row > b.row || (a.row == b.row && a.col > b.col))) continue;
    }
    best = i;
  }
  return best;
}

PetscErrorCode WeftPatchFill(WeftPatch *p, const WeftFillRule *rule)
{
  Front f = {0};
  int   i;

  PetscFunctionBegin;
  for (int t = 0; t < p->n; ++t)
    if (p->placed[t]) PetscCall(JudgeAround(&f, p, rule, p->site[t]));
  while ((i = Clearest(&f)) >= 0) {
    const int      thing = f.offer[i].thing;
    const WeftSite s = f.site[i];
    PetscCall(WeftPatchPut(p, thing, s));
    --f.count;
    f.site[i] = f.site[f.count];
    f.offer[i] = f.offer[f.count];
    for (int j = 0; j < f.count; ++j) /* who wanted the same one must choose again */
      if (f.offer[j].thing == thing) (*rule->judge)(rule->ctx, p, f.site[j], &f.offer[j]);
    PetscCall(JudgeAround(&f, p, rule, s));
  }
  PetscCall(PetscFree(f.site));
  PetscCall(PetscFree(f.offer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
