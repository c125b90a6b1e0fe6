#include "shareimpl.h"
#include "partialimpl.h"
#include <math.h>

enum { MOST_CHANNELS = 4, SEEDS = 8, ROUNDS = 4 };

PetscErrorCode WeftLatticeDestroy(WeftLattice *l)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(l->row, l->col, l->channel));
  *l = (WeftLattice){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLatticeOccupants(const WeftLattice *l, int **at)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)l->rows * (size_t)l->cols * (size_t)l->channels + 1, at));
  for (PetscInt i = 0; i < l->rows * l->cols * l->channels; ++i) (*at)[i] = -1;
  for (PetscInt j = 0; j < l->inputs; ++j)
    if (l->row[j] >= 0) (*at)[(l->row[j] * l->cols + l->col[j]) * l->channels + l->channel[j]] = (int)j;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The patch that explains most edges, of those grown from some cells that have no corner in common. */
static PetscErrorCode GrowBest(const WeftBonds *bonds, WeftPatch *best)
{
  const int      enough = bonds->edges - bonds->edges / 10;
  unsigned char *used;
  int           *cells, count, tried = 0, most = 0;

  PetscFunctionBegin;
  PetscCall(WeftBondsCells(bonds, &count, &cells));
  PetscCall(PetscCalloc1((size_t)bonds->n + 1, &used));
  for (int i = 0; i < count && tried < SEEDS && most < enough; ++i) {
    const int *c = cells + 4 * (size_t)i;
    WeftPatch  patch;
    int        edges;
    if (used[c[0]] || used[c[1]] || used[c[2]] || used[c[3]]) continue;
    for (int k = 0; k < 4; ++k) used[c[k]] = 1;
    PetscCall(WeftPatchCreate(bonds->n, &patch));
    PetscCall(WeftPatchGrow(bonds, c, &patch));
    edges = WeftPatchEdges(&patch, bonds);
    if (edges > most) PetscCall(WeftPatchCopy(&patch, best));
    most = PetscMax(most, edges);
    ++tried;
    PetscCall(WeftPatchDestroy(&patch));
  }
  PetscCall(PetscFree(cells));
  PetscCall(PetscFree(used));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places the n things of a matrix of partial correlations; fit: how well edges and neighbours agree, 0 to 1. */
static PetscErrorCode PlaceAll(int n, const float *partial, WeftPatch *patch, double *fit)
{
  WeftBonds bonds;
  int       edges, pairs;

  PetscFunctionBegin;
  *fit = 0;
  PetscCall(WeftPatchCreate(n, patch));
  PetscCall(WeftBondsCreate(n, partial, &bonds));
  PetscCall(GrowBest(&bonds, patch));
  for (int r = 0; r < ROUNDS && patch->count; ++r) PetscCall(WeftPatchRefine(&bonds, patch));
  edges = WeftPatchEdges(patch, &bonds);
  pairs = WeftPatchPairs(patch);
  if (patch->count >= 9) *fit = PetscMin((double)edges / PetscMax(bonds.edges, 1), (double)edges / PetscMax(pairs, 1));
  PetscCall(WeftBondsDestroy(&bonds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The inputs in cliques of one size, taken as the things to be placed. */
typedef struct {
  int       size, count;
  int      *member; /* [count, size] */
  WeftPatch patch;  /* of the cliques */
  double    score;
} Attempt;

static PetscErrorCode DestroyAttempt(Attempt *a)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(a->member));
  PetscCall(WeftPatchDestroy(&a->patch));
  *a = (Attempt){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Correlations of the cliques' sums. */
static PetscErrorCode SumCliques(int n, const float *C, const Attempt *a, float *sums)
{
  const size_t size = (size_t)a->size, count = (size_t)a->count;
  double      *scale;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count + 1, &scale));
  for (int pass = 0; pass < 2; ++pass) /* the diagonal first */
    for (size_t i = 0; i < count; ++i)
      for (size_t j = pass ? 0 : i; j < (pass ? count : i + 1); ++j) {
        double sum = 0;
        for (size_t s = 0; s < size; ++s)
          for (size_t t = 0; t < size; ++t)
            sum += (double)C[(size_t)a->member[i * size + s] * (size_t)n + (size_t)a->member[j * size + t]];
        if (pass)
          sums[i * count + j] = (float)(sum / (scale[i] * scale[j]));
        else
          scale[i] = sqrt(sum > 0 ? sum : 1);
      }
  PetscCall(PetscFree(scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *fits: do cliques of that size cover the inputs, so that the attempt was made? partial: of the inputs. */
static PetscErrorCode Try(MPI_Comm comm, int n, const float *C, const float *partial, int size, Attempt *a,
                          PetscBool *fits)
{
  const double least = 0.9; /* of the inputs in cliques */
  WeftBonds    bonds;
  float       *sums, *of_sums;

  PetscFunctionBegin;
  *fits = PETSC_FALSE;
  *a = (Attempt){.size = size};
  PetscCall(WeftBondsCreate(n, partial, &bonds));
  PetscCall(WeftCliques(&bonds, size, &a->count, &a->member));
  PetscCall(WeftBondsDestroy(&bonds));
  *fits = a->count >= 9 && a->count * size >= least * n ? PETSC_TRUE : PETSC_FALSE;

  if (!*fits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2((size_t)a->count * (size_t)a->count, &sums, (size_t)a->count * (size_t)a->count, &of_sums));
  PetscCall(SumCliques(n, C, a, sums));
  PetscCall(WeftPartialCorrelations(comm, a->count, sums, of_sums));
  PetscCall(PlaceAll(a->count, of_sums, &a->patch, &a->score));
  a->score *= (double)a->patch.count * size / n;
  PetscCall(PetscFree2(sums, of_sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All orders of up to four. */
static int Orders(int size, int order[][MOST_CHANNELS])
{
  int count = 0;

  for (int code = 0; code < 256; ++code) {
    int digit[MOST_CHANNELS] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3}, seen = 0;
    for (int k = 0; k < size; ++k) seen |= digit[k] < size ? 1 << digit[k] : 0;
    for (int k = size; k < MOST_CHANNELS; ++k) seen |= digit[k] ? 256 : 0;
    if (seen != (1 << size) - 1) continue;
    for (int k = 0; k < size; ++k) order[count][k] = digit[k];
    ++count;
  }
  return count;
}

/* Orders a clique's members so that each corresponds to the member of the same number in the cliques beside it that are
   in order already: the order in which the bonds are strongest. */
static void OrderClique(int n, const float *partial, Attempt *a, int clique, const unsigned char done[])
{
  int       order[24][MOST_CHANNELS], best = 0, copy[MOST_CHANNELS];
  const int orders = Orders(a->size, order), size = a->size;
  double    most = -1e30;
  int      *mine = a->member + (size_t)clique * (size_t)size;

  for (int o = 0; o < orders; ++o) {
    double sum = 0;
    for (int k = 0; k < 4; ++k) {
      const WeftSite s = a->patch.site[clique];
      const int      who = WeftPatchAt(&a->patch, s.row + (k == 0) - (k == 1), s.col + (k == 2) - (k == 3));
      for (int c = 0; who != WEFT_NOBODY && done[who] && c < size; ++c)
        sum += (double)partial[(size_t)mine[order[o][c]] * (size_t)n + (size_t)a->member[who * size + c]];
    }
    if (sum > most) {
      most = sum;
      best = o;
    }
  }
  for (int c = 0; c < size; ++c) copy[c] = mine[order[best][c]];
  for (int c = 0; c < size; ++c) mine[c] = copy[c];
}

/* From clique to clique over the patch, which is connected. */
static PetscErrorCode OrderChannels(int n, const float *partial, Attempt *a)
{
  unsigned char *done;
  int           *queue, first = 0, last = 0;

  PetscFunctionBegin;
  if (a->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc2(a->count, &done, a->count, &queue));
  for (int i = 0; i < a->count && !last; ++i)
    if (a->patch.placed[i]) queue[last++] = i;
  if (last) done[queue[0]] = 1;
  while (first < last) {
    const WeftSite s = a->patch.site[queue[first++]];
    for (int k = 0; k < 4; ++k) {
      const int who = WeftPatchAt(&a->patch, s.row + (k == 0) - (k == 1), s.col + (k == 2) - (k == 3));
      if (who == WEFT_NOBODY || done[who]) continue;
      OrderClique(n, partial, a, who, done);
      done[who] = 1;
      queue[last++] = who;
    }
  }
  PetscCall(PetscFree2(done, queue));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many cliques are placed in each row (of the box), or column. */
static void CountLines(const Attempt *a, PetscBool rows, int first, int lines, PetscInt count[])
{
  for (int i = 0; i < lines; ++i) count[i] = 0;
  for (int i = 0; i < a->count; ++i)
    if (a->patch.placed[i]) ++count[(rows ? a->patch.site[i].row : a->patch.site[i].col) - first];
}

static void RemoveLine(Attempt *a, PetscBool rows, int line)
{
  for (int i = 0; i < a->count; ++i)
    if (a->patch.placed[i] && (rows ? a->patch.site[i].row : a->patch.site[i].col) == line)
      WeftPatchRemove(&a->patch, i);
}

/* Takes off outermost lines that hold less than half of what a line usually holds: a border that was placed twice, as
   where one half of the pictures mirrors the other, sticks out like that. */
static PetscErrorCode TrimLines(Attempt *a, PetscBool rows)
{
  int       first = INT_MAX, last = INT_MIN;
  PetscInt *count, *sorted, usual;

  PetscFunctionBegin;
  for (int i = 0; i < a->count; ++i) {
    const int line = rows ? a->patch.site[i].row : a->patch.site[i].col;
    if (!a->patch.placed[i]) continue;
    first = PetscMin(first, line);
    last = PetscMax(last, line);
  }
  if (first > last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2((size_t)(last - first + 1), &count, (size_t)(last - first + 1), &sorted));
  CountLines(a, rows, first, last - first + 1, count);
  PetscCall(PetscArraycpy(sorted, count, last - first + 1));
  PetscCall(PetscSortInt(last - first + 1, sorted));
  usual = sorted[(last - first) / 2];
  for (int i = first; i <= last && 2 * count[i - first] < usual; ++i) RemoveLine(a, rows, i);
  for (int i = last; i >= first && 2 * count[i - first] < usual; --i) RemoveLine(a, rows, i);
  PetscCall(PetscFree2(count, sorted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places of the inputs from those of their cliques; varying[i] is input i's name among all d. */
static void Report(const Attempt *a, const int varying[], WeftLattice *l)
{
  int row0 = INT_MAX, col0 = INT_MAX;

  l->channels = a->size;
  l->score = a->score;
  for (int i = 0; i < a->count; ++i) {
    if (!a->patch.placed[i]) continue;
    row0 = PetscMin(row0, a->patch.site[i].row);
    col0 = PetscMin(col0, a->patch.site[i].col);
  }
  for (int i = 0; i < a->count; ++i) {
    if (!a->patch.placed[i]) continue;
    for (int c = 0; c < a->size; ++c) {
      const int j = varying[a->member[i * a->size + c]];
      l->row[j] = a->patch.site[i].row - row0;
      l->col[j] = a->patch.site[i].col - col0;
      l->channel[j] = c;
      l->rows = PetscMax(l->rows, l->row[j] + 1);
      l->cols = PetscMax(l->cols, l->col[j] + 1);
      ++l->placed;
    }
  }
}

/* The best of all sizes of cliques, for n inputs that vary. */
static PetscErrorCode FindAmong(MPI_Comm comm, int n, const float *C, const int varying[], WeftLattice *l)
{
  Attempt   best = {0}, attempt;
  PetscBool fits = PETSC_FALSE;
  float    *partial;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n * (size_t)n, &partial));
  PetscCall(WeftPartialCorrelations(comm, n, C, partial));
  for (int size = 1; size <= MOST_CHANNELS; ++size) {
    PetscCall(Try(comm, n, C, partial, size, &attempt, &fits));
    if (!fits || attempt.score <= best.score) {
      PetscCall(DestroyAttempt(&attempt));
      continue;
    }
    PetscCall(DestroyAttempt(&best));
    best = attempt;
  }
  for (int rows = 0; rows <= 1; ++rows) PetscCall(TrimLines(&best, rows ? PETSC_TRUE : PETSC_FALSE));
  PetscCall(OrderChannels(n, partial, &best));
  Report(&best, varying, l);
  PetscCall(DestroyAttempt(&best));
  PetscCall(PetscFree(partial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLatticeFromCorrelation(MPI_Comm comm, PetscInt d, const float C[], WeftLattice *l)
{
  int    n = 0, *varying;
  float *among;

  PetscFunctionBegin;
  *l = (WeftLattice){.inputs = d};
  PetscCall(PetscMalloc3(d, &l->row, d, &l->col, d, &l->channel));
  for (PetscInt j = 0; j < d; ++j) l->row[j] = l->col[j] = l->channel[j] = -1;
  PetscCall(PetscMalloc1(d, &varying));
  for (int j = 0; j < d; ++j)
    if (C[(size_t)j * (size_t)d + (size_t)j] > 0) varying[n++] = j;
  if (n >= 9) {
    PetscCall(PetscMalloc1((size_t)n * (size_t)n, &among));
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        among[(size_t)i * (size_t)n + (size_t)j] = C[(size_t)varying[i] * (size_t)d + (size_t)varying[j]];
    PetscCall(FindAmong(comm, n, among, varying, l));
    PetscCall(PetscFree(among));
  }
  PetscCall(PetscFree(varying));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLatticeFind(MPI_Comm comm, const WeftBlock *x, WeftLattice *l)
{
  float *C;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(x->cols * x->cols, &C));
  PetscCall(WeftCorrelations(comm, x, C));
  PetscCall(WeftLatticeFromCorrelation(comm, (PetscInt)x->cols, C, l));
  PetscCall(PetscFree(C));
  PetscFunctionReturn(PETSC_SUCCESS);
}
