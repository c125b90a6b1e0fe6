#include <weft/share.h>

const WeftOption WeftShareOptions[] = {
  {"-weft_share", "K", "0",
   "prototypes whose copies at all sites make the layer, where the inputs are found to lie on a lattice; 0: none"},
  {"-weft_share_window", "W", "5", "side of the square of sites that a copy may see; odd"},
  {"-weft_share_pool", "S", "2", "neighbouring copies pooled along either axis"},
  {NULL, NULL, NULL, NULL}};

PetscErrorCode WeftShareSettingsFromOptions(WeftShareSettings *s)
{
  const WeftOption *t = WeftShareOptions;
  PetscInt64        value;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetInt(t, "-weft_share", 0, 4096, &value));
  s->prototypes = (int)value;
  PetscCall(WeftOptionsGetInt(t, "-weft_share_window", 1, 63, &value));
  s->window = (int)value;
  WeftUserCheck(value % 2 == 1, PETSC_COMM_WORLD,
                "-weft_share_window %d: the window has a middle, so give an odd number", s->window);
  PetscCall(WeftOptionsGetInt(t, "-weft_share_pool", 1, 63, &value));
  s->pool = (int)value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t WeftSharedWindow(const WeftShared *s)
{
  return (size_t)s->settings.window * (size_t)s->settings.window * (size_t)s->input.channels;
}

static PetscErrorCode CreateLattice(PetscInt inputs, WeftLattice *l)
{
  PetscFunctionBegin;
  *l = (WeftLattice){.inputs = inputs};
  PetscCall(PetscMalloc3(inputs, &l->row, inputs, &l->col, inputs, &l->channel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CopyLattice(const WeftLattice *from, WeftLattice *to)
{
  int *row, *col, *channel;

  PetscFunctionBegin;
  PetscCall(CreateLattice(from->inputs, to));
  row = to->row;
  col = to->col;
  channel = to->channel;
  PetscCall(PetscArraycpy(row, from->row, from->inputs));
  PetscCall(PetscArraycpy(col, from->col, from->inputs));
  PetscCall(PetscArraycpy(channel, from->channel, from->inputs));
  *to = *from;
  to->row = row;
  to->col = col;
  to->channel = channel;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSharedRestore(const WeftLattice *input, int group_size, const WeftShareSettings *settings,
                                 const double atoms[], const int group[], double coverage, WeftShared *s)
{
  size_t numbers;

  PetscFunctionBegin;
  *s = (WeftShared){.settings = *settings, .group_size = group_size, .coverage = coverage};
  PetscCall(CopyLattice(input, &s->input));
  numbers = (size_t)settings->prototypes * (size_t)group_size * WeftSharedWindow(s);
  PetscCall(PetscMalloc2(settings->prototypes, &s->group, numbers, &s->atoms));
  PetscCall(PetscArraycpy(s->group, group, settings->prototypes));
  PetscCall(PetscArraycpy(s->atoms, atoms, numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSharedDestroy(WeftShared *s)
{
  PetscFunctionBegin;
  PetscCall(WeftLatticeDestroy(&s->input));
  PetscCall(PetscFree2(s->group, s->atoms));
  *s = (WeftShared){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- outputs and copies ---- */

static PetscInt Coarse(PetscInt n, int pool)
{
  return (n + pool - 1) / pool;
}

PetscErrorCode WeftSharedOutputs(const WeftShared *s, WeftLattice *out)
{
  const PetscInt rows = Coarse(s->input.rows, s->settings.pool), cols = Coarse(s->input.cols, s->settings.pool);
  const PetscInt K = s->settings.prototypes;

  PetscFunctionBegin;
  PetscCall(CreateLattice(rows * cols * K, out));
  out->placed = out->inputs;
  out->channels = K;
  out->rows = rows;
  out->cols = cols;
  out->score = s->input.score;
  for (PetscInt o = 0; o < out->inputs; ++o) {
    out->row[o] = (int)(o / K / cols);
    out->col[o] = (int)(o / K % cols);
    out->channel[o] = (int)(o % K);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does prototype k connect to number q of its window? */
static PetscBool Connects(const WeftShared *s, int k, size_t q)
{
  const size_t window = WeftSharedWindow(s);

  for (int a = 0; a < s->group_size; ++a)
    if (s->atoms[((size_t)k * (size_t)s->group_size + (size_t)a) * window + q] != 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* at: who is at (row, column, channel), -1 nobody. Connections of the copy of k at (r, c); the arrays may be NULL. */
static size_t CopyConnections(const WeftShared *s, const int at[], int k, PetscInt r, PetscInt c, PetscInt input[],
                              PetscInt row[])
{
  const PetscInt w = s->settings.window, channels = s->input.channels;
  size_t         count = 0;

  for (PetscInt q = 0; q < w * w * channels; ++q) {
    const PetscInt i = r + q / channels / w - w / 2, j = c + q / channels % w - w / 2;
    int            who;
    if (i < 0 || j < 0 || i >= s->input.rows || j >= s->input.cols) continue;
    who = at[(i * s->input.cols + j) * channels + q % channels];
    if (who < 0 || !Connects(s, k, (size_t)q)) continue;
    if (input) {
      input[count] = who;
      row[count] = k * w * w * channels + q;
    }
    ++count;
  }
  return count;
}

static PetscErrorCode WriteConnections(const WeftShared *s, const int at[], WeftSharedCopies *c)
{
  const PetscInt K = s->settings.prototypes, cols = s->input.cols;
  PetscInt      *input, *row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->groups + 1, &c->start));
  c->start[0] = 0;
  for (size_t g = 0; g < c->groups; ++g) {
    const PetscInt site = (PetscInt)g / K;
    c->start[g + 1] = c->start[g] +
                      CopyConnections(s, at, (int)((PetscInt)g % K), site / cols, site % cols, NULL, NULL);
  }
  PetscCall(PetscMalloc1(c->start[c->groups] + 1, &c->input));
  PetscCall(PetscMalloc1(c->start[c->groups] + 1, &c->row));
  PetscCall(PetscMalloc2(WeftSharedWindow(s), &input, WeftSharedWindow(s), &row));
  for (size_t g = 0; g < c->groups; ++g) {
    const PetscInt site = (PetscInt)g / K;
    const size_t   n = CopyConnections(s, at, (int)((PetscInt)g % K), site / cols, site % cols, input, row);
    PetscCall(PetscSortIntWithArray((PetscInt)n, input, row));
    for (size_t i = 0; i < n; ++i) {
      c->input[c->start[g] + i] = (int)input[i];
      c->row[c->start[g] + i] = (int)row[i];
    }
  }
  PetscCall(PetscFree2(input, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The output that a group is pooled into. */
static size_t OutputOf(const WeftShared *s, size_t g)
{
  const size_t K = (size_t)s->settings.prototypes, cols = (size_t)s->input.cols, pool = (size_t)s->settings.pool;
  const size_t row = g / K / cols / pool, col = g / K % cols / pool;

  return (row * (size_t)Coarse((PetscInt)cols, (int)pool) + col) * K + g % K;
}

PetscErrorCode WeftSharedWriteOut(const WeftShared *s, WeftSharedCopies *c)
{
  const PetscInt rows = s->input.rows, cols = s->input.cols;
  int           *at;
  size_t        *next;

  PetscFunctionBegin;
  *c = (WeftSharedCopies){.groups = (size_t)(rows * cols) * (size_t)s->settings.prototypes};
  c->pools = (size_t)(Coarse(rows, s->settings.pool) * Coarse(cols, s->settings.pool)) * (size_t)s->settings.prototypes;
  PetscCall(WeftLatticeOccupants(&s->input, &at));
  PetscCall(WriteConnections(s, at, c));
  PetscCall(PetscFree(at));
  PetscCall(PetscMalloc1(c->pools + 1, &c->pool_start));
  PetscCall(PetscMalloc1(c->groups + 1, &c->pool_group));
  PetscCall(PetscCalloc1(c->pools + 1, &next));
  for (size_t g = 0; g < c->groups; ++g) ++next[OutputOf(s, g)];
  c->pool_start[0] = 0;
  for (size_t o = 0; o < c->pools; ++o) {
    c->pool_start[o + 1] = c->pool_start[o] + next[o];
    next[o] = c->pool_start[o];
  }
  for (size_t g = 0; g < c->groups; ++g) c->pool_group[next[OutputOf(s, g)]++] = (int)g;
  PetscCall(PetscFree(next));
  PetscFunctionReturn(PETSC_SUCCESS);
}
