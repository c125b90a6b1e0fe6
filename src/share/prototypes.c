/* Which groups of a layer are moved copies of which. */
#include <weft/share.h>
#include <petscblaslapack.h>
#include <math.h>

enum {
  REACH = 1
}; /* sites that a group is moved by, at most, beyond where its energy is centred, to fit a prototype */

/* What is worked with: the groups that lie within a window for the most part. */
typedef struct {
  const WeftLattice *lattice;
  const WeftBlock   *atoms;
  int                p, w;
  size_t             window;
  int               *at; /* [rows, cols, channels] input or -1 */
  int                groups;
  int               *group;     /* [groups] */
  int               *row, *col; /* [groups] site of the middle of the window that holds most of its energy */
  double            *energy;    /* [groups] of all its atoms, wherever */
  double            *weight;    /* [groups] */
  double            *basis;     /* [groups][p][window] orthonormal span of its atoms in that window */
} Search;

/* A group's numbers in the window around a site, [p, window]. */
static void Patch(const Search *s, int g, PetscInt row, PetscInt col, double patch[])
{
  const PetscInt w = s->w, channels = s->lattice->channels;

  for (int a = 0; a < s->p; ++a)
    for (PetscInt q = 0; q < (PetscInt)s->window; ++q) {
      const PetscInt i = row + q / channels / w - w / 2, j = col + q / channels % w - w / 2;
      int            who = -1;
      if (i >= 0 && j >= 0 && i < s->lattice->rows && j < s->lattice->cols)
        who = s->at[(i * s->lattice->cols + j) * channels + q % channels];
      patch[(size_t)a * s->window + (size_t)q] = who < 0 ? 0
                                                         : WeftBlockGet(s->atoms, (size_t)g * (size_t)s->p + (size_t)a,
                                                                        (size_t)who);
    }
}

/* The window that holds most of a group's energy; whether that is more than half of it. */
static PetscBool Locate(const Search *s, int g, double map[], PetscInt *row, PetscInt *col, double *energy)
{
  const WeftLattice *l = s->lattice;
  const PetscInt     half = s->w / 2;
  double             most = 0;

  *energy = 0;
  for (PetscInt i = 0; i < l->rows * l->cols; ++i) map[i] = 0;
  for (PetscInt j = 0; j < l->inputs; ++j)
    for (int a = 0; a < s->p; ++a) {
      const double v = WeftBlockGet(s->atoms, (size_t)g * (size_t)s->p + (size_t)a, (size_t)j);
      *energy += v * v;
      if (l->row[j] >= 0) map[l->row[j] * l->cols + l->col[j]] += v * v;
    }
  for (PetscInt r = 0; r < l->rows; ++r)
    for (PetscInt c = 0; c < l->cols; ++c) {
      double sum = 0;
      for (PetscInt i = PetscMax(r - half, 0); i <= PetscMin(r + half, l->rows - 1); ++i)
        for (PetscInt j = PetscMax(c - half, 0); j <= PetscMin(c + half, l->cols - 1); ++j) sum += map[i * l->cols + j];
      if (sum > most * (1 + 1e-9)) {
        most = sum;
        *row = r;
        *col = c;
      }
    }
  return most > *energy / 2 ? PETSC_TRUE : PETSC_FALSE;
}

/* Orthonormal rows that span those of a patch; what is dependent becomes 0. */
static void Orthonormalise(int p, size_t n, double rows[])
{
  for (int a = 0; a < p; ++a) {
    double *v = rows + (size_t)a * n, square = 0, before = 0;
    for (size_t q = 0; q < n; ++q) before += v[q] * v[q];
    for (int pass = 0; pass < 2; ++pass)
      for (int b = 0; b < a; ++b) {
        const double *u = rows + (size_t)b * n;
        double        dot = 0;
        for (size_t q = 0; q < n; ++q) dot += u[q] * v[q];
        for (size_t q = 0; q < n; ++q) v[q] -= dot * u[q];
      }
    for (size_t q = 0; q < n; ++q) square += v[q] * v[q];
    for (size_t q = 0; q < n; ++q) v[q] = square > 1e-12 * before ? v[q] / sqrt(square) : 0;
  }
}

static PetscErrorCode CreateSearch(const WeftLattice *l, const WeftBlock *atoms, int p, int w, Search *s)
{
  const size_t G = atoms->rows / (size_t)p;

  PetscFunctionBegin;
  *s = (Search){.lattice = l, .atoms = atoms, .p = p, .w = w};
  s->window = (size_t)w * (size_t)w * (size_t)l->channels;
  PetscCall(WeftLatticeOccupants(l, &s->at));
  PetscCall(PetscMalloc6(G, &s->group, G, &s->row, G, &s->col, G, &s->energy, G, &s->weight, G * (size_t)p * s->window,
                         &s->basis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroySearch(Search *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->at));
  PetscCall(PetscFree6(s->group, s->row, s->col, s->energy, s->weight, s->basis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindLocal(Search *s, const unsigned char alive[], const double usage[])
{
  const int G = (int)(s->atoms->rows / (size_t)s->p);
  double   *map;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)s->lattice->rows * (size_t)s->lattice->cols + 1, &map));
  for (int g = 0; g < G; ++g) {
    const int n = s->groups;
    PetscInt  row = 0, col = 0;
    if ((alive && !alive[g]) || !Locate(s, g, map, &row, &col, &s->energy[n])) continue;
    s->group[n] = g;
    s->row[n] = (int)row;
    s->col[n] = (int)col;
    s->weight[n] = usage ? usage[g] : 1;
    Patch(s, g, row, col, s->basis + (size_t)n * (size_t)s->p * s->window);
    Orthonormalise(s->p, s->window, s->basis + (size_t)n * (size_t)s->p * s->window);
    ++s->groups;
  }
  PetscCall(PetscFree(map));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* overlap[a groups + b]: the part of b's energy that a's span holds, moved to where that is most. For each b and each
   move the energy in all spans is one product of matrices. */
static PetscErrorCode Overlaps(const Search *s, double overlap[])
{
  const size_t       n = (size_t)s->groups, p = (size_t)s->p;
  const PetscBLASInt rows = (PetscBLASInt)(n * p), cols = (PetscBLASInt)p, inner = (PetscBLASInt)s->window;
  const double       one = 1, zero = 0;
  double            *patch, *dots;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(p * s->window, &patch, n * p * p, &dots));
  PetscCall(PetscArrayzero(overlap, n * n));
  for (size_t b = 0; b < n; ++b)
    for (int dr = -REACH; dr <= REACH; ++dr)
      for (int dc = -REACH; dc <= REACH; ++dc) {
        Patch(s, s->group[b], s->row[b] + dr, s->col[b] + dc, patch);
        PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &rows, &cols, &inner, &one, s->basis, &inner, patch, &inner,
                                            &zero, dots, &rows));
        for (size_t a = 0; a < n; ++a) {
          double sum = 0;
          for (size_t c = 0; c < p; ++c)
            for (size_t r = 0; r < p; ++r) sum += PetscSqr(dots[c * n * p + a * p + r]);
          overlap[a * n + b] = PetscMax(overlap[a * n + b], sum / s->energy[b]);
        }
      }
  PetscCall(PetscFree2(patch, dots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Greedy choice of up to `most`; *coverage of all groups that are local. */
static PetscErrorCode Choose(const Search *s, const double overlap[], int most, int chosen[], int *count,
                             double *coverage)
{
  const size_t n = (size_t)s->groups;
  double      *best, all = 0, sum = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n + 1, &best));
  for (size_t b = 0; b < n; ++b) all += s->weight[b] * s->energy[b];
  for (*count = 0; *count < most; ++*count) {
    double highest = 0;
    for (size_t a = 0; a < n; ++a) {
      double gain = 0;
      for (size_t b = 0; b < n; ++b) gain += s->weight[b] * s->energy[b] * PetscMax(overlap[a * n + b] - best[b], 0);
      if (gain > highest * (1 + 1e-9)) {
        highest = gain;
        chosen[*count] = (int)a;
      }
    }
    if (!(highest > 1e-9 * all)) break;
    for (size_t b = 0; b < n; ++b) best[b] = PetscMax(best[b], overlap[(size_t)chosen[*count] * n + b]);
    sum += highest;
  }
  *coverage = all > 0 ? sum / all : 0;
  PetscCall(PetscFree(best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSharedFind(const WeftLattice *input, const WeftBlock *atoms, int group_size,
                              const unsigned char alive[], const double usage[], const WeftShareSettings *settings,
                              WeftShared *shared)
{
  WeftShareSettings found = *settings;
  Search            s;
  double           *overlap, *patches, coverage = 0;
  int              *chosen;

  PetscFunctionBegin;
  PetscCall(CreateSearch(input, atoms, group_size, settings->window, &s));
  PetscCall(FindLocal(&s, alive, usage));
  PetscCall(PetscMalloc1((size_t)s.groups * (size_t)s.groups + 1, &overlap));
  PetscCall(PetscMalloc1(settings->prototypes + 1, &chosen));
  PetscCall(Overlaps(&s, overlap));
  PetscCall(Choose(&s, overlap, settings->prototypes, chosen, &found.prototypes, &coverage));
  PetscCall(PetscMalloc1((size_t)found.prototypes * (size_t)group_size * s.window + 1, &patches));
  for (int i = 0; i < found.prototypes; ++i) {
    const int n = chosen[i];
    Patch(&s, s.group[n], s.row[n], s.col[n], patches + (size_t)i * (size_t)group_size * s.window);
    chosen[i] = s.group[n];
  }
  PetscCall(WeftSharedRestore(input, group_size, &found, patches, chosen, coverage, shared));
  PetscCall(PetscFree(patches));
  PetscCall(PetscFree(chosen));
  PetscCall(PetscFree(overlap));
  PetscCall(DestroySearch(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
