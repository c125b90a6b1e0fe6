#include <weft/cost.h>

enum { MAX_MESSAGE = 1 << 26, DICT_ITERATIONS = 2, NORM_ROUNDS = 3, DICT_BLOCK = 64 };

const char *const WeftTrafficNames[WEFT_TRAFFIC_PARTS] = {"A", "B", "atoms", "gram", "step", "groups"};

/* Atoms that the dictionary step moves at a time, whole groups; and how many times that is k. */
static double BlockAtoms(const WeftLayerShape *s)
{
  return (double)(s->p * PetscMax(DICT_BLOCK / s->p, 1));
}

static double Blocks(const WeftLayerShape *s)
{
  return PetscCeilReal((double)s->k / BlockAtoms(s));
}

void WeftLayerShapeFromSettings(const WeftLayerSettings *s, PetscInt64 n, PetscInt64 d, int ranks,
                                WeftLayerShape *shape)
{
  *shape = (WeftLayerShape){.n = n,
                            .d = d,
                            .k = s->atoms,
                            .p = s->group_size,
                            .batch = s->batch_size > 0 && s->batch_size < n ? s->batch_size : n,
                            .ranks = ranks,
                            .precision = s->precision,
                            .active = s->target_activity > 0 ? s->target_activity : 1,
                            .inner = DICT_ITERATIONS,
                            .relative = PETSC_TRUE};
  shape->norms = shape->inner * (s->group_size > 1 ? NORM_ROUNDS : 1) * (int)Blocks(shape);
}

/* ---- traffic ---- */

typedef enum { ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, BROADCAST } Collective;

/* Adds `calls` collectives on `bytes`: of a rank's input, or for an all-gather of the result. */
static void Add(WeftTraffic *t, Collective which, int ranks, double calls, double bytes)
{
  const double P = (double)ranks, share = (P - 1) / P;

  t->calls += calls;
  t->payload += calls * (which == ALL_GATHER ? bytes / P : bytes);
  t->sent += calls * bytes * share * (which == ALL_REDUCE ? 2 : 1);
}

/* Long messages are cut. */
static double Calls(double numbers)
{
  return PetscMax(1, PetscCeilReal(numbers / (double)MAX_MESSAGE));
}

static void AddMatrices(const WeftLayerShape *s, WeftTraffic traffic[])
{
  const double real = (double)WeftPrecisionBytes(s->precision), k = (double)s->k, d = (double)s->d;
  const double a = 0.5 * k * (k + (double)s->p), b = d * k;

  if (s->ranks == 1) return;
  Add(&traffic[WEFT_TRAFFIC_A], ALL_REDUCE, s->ranks, Calls(a), a * real / Calls(a));
  Add(&traffic[WEFT_TRAFFIC_B], REDUCE_SCATTER, s->ranks, Calls(b), b * real / Calls(b));
  Add(&traffic[WEFT_TRAFFIC_ATOMS], ALL_GATHER, s->ranks, 1, d * k * real);
  Add(&traffic[WEFT_TRAFFIC_GRAM], ALL_GATHER, s->ranks, 1, k * k * real);
}

static void AddStep(const WeftLayerShape *s, WeftTraffic *t)
{
  const double k = (double)s->k, G = k / (double)s->p;

  Add(t, ALL_REDUCE, s->ranks, 1, 8 * Blocks(s)); /* the metric */
  Add(t, ALL_REDUCE, s->ranks, 1, 8 * k);         /* norms at the start */
  Add(t, ALL_REDUCE, s->ranks, s->norms, 8 * k / Blocks(s));
  Add(t, ALL_REDUCE, s->ranks, s->inner, 32);
  Add(t, ALL_REDUCE, s->ranks, 2, 16); /* connections */
  if (s->relative) Add(t, ALL_REDUCE, s->ranks, 1, 8 * G);
}

static void AddGroups(const WeftLayerShape *s, WeftTraffic *t)
{
  Add(t, ALL_REDUCE, s->ranks, 1, 8 * (1 + 2 * (double)s->k / (double)s->p));
  Add(t, ALL_REDUCE, s->ranks, 1, 48);
  Add(t, ALL_REDUCE, s->ranks, 1, 16);
  Add(t, BROADCAST, s->ranks, 1, 8);
  Add(t, ALL_REDUCE, s->ranks, 1, 8);
}

void WeftLayerTraffic(const WeftLayerShape *s, WeftTraffic traffic[], WeftTraffic *sum)
{
  for (int i = 0; i < WEFT_TRAFFIC_PARTS; ++i) traffic[i] = (WeftTraffic){0};
  AddMatrices(s, traffic);
  AddStep(s, &traffic[WEFT_TRAFFIC_STEP]);
  AddGroups(s, &traffic[WEFT_TRAFFIC_GROUPS]);
  if (!sum) return;
  *sum = (WeftTraffic){0};
  for (int i = 0; i < WEFT_TRAFFIC_PARTS; ++i) {
    sum->calls += traffic[i].calls;
    sum->payload += traffic[i].payload;
    sum->sent += traffic[i].sent;
  }
}

/* ---- memory ---- */

/* As the coder and the preprocessing have them: samples at a time, and bytes for Gram matrices of working sets. */
enum { CODER_BLOCK = 256, CODER_SETS = 1 << 20, PREP_CHUNK = 512 };

/* What BLAS, ScaLAPACK, MPI and HDF5 take when they are first used. */
static const double library_bytes = 6e6;

/* Matrices like the covariance that its decomposition takes at a time: itself, eigenvectors and work space, and where
   there are several ranks the buffers that move it to ScaLAPACK's layout and back. Measured. */
static const double spectral_alone = 4.5, spectral_many = 7;

/* A code in the form that is computed with, and one in the store; lists grow by half of what they hold. */
static double CodeBytes(const WeftLayerShape *s, double real)
{
  return s->active * (double)s->k / (double)s->p * ((double)s->p * real + 4);
}

static double CoderBytes(const WeftLayerShape *s, double samples)
{
  const double real = (double)WeftPrecisionBytes(s->precision), k = (double)s->k, d = (double)s->d;
  const double block = PetscMin(samples, (double)CODER_BLOCK), copied = s->batch < s->n ? samples : 0;
  const double dense = k * d + 3 * k * k + block * (5 * k + 2 * d) + copied * d, sparse = block * k;

  return real * dense + (real + 4) * sparse + CODER_SETS + 3 * samples * CodeBytes(s, 8);
}

/* D; in its step what a pass makes of it, a copy in the run's precision and lists of rows; panels of A and of a block.
 */
static double DictionaryBytes(const WeftLayerShape *s, double rows)
{
  const double real = (double)WeftPrecisionBytes(s->precision), k = (double)s->k, p = (double)s->p;
  const double width = BlockAtoms(s), full = DICT_BLOCK * PetscCeilReal(width / DICT_BLOCK);

  return rows * ((16 + real) * k + 4 * k / p) + real * full * (Blocks(s) * k + rows) + real * width * rows +
         8 * (3 * width + p) * rows;
}

static double MessageBytes(const WeftLayerShape *s, double rows)
{
  const double real = (double)WeftPrecisionBytes(s->precision), k = (double)s->k, d = (double)s->d;
  const double most = (double)MAX_MESSAGE;

  if (s->ranks == 1) return 0;
  return real * PetscMax(PetscMin(d * k, most) * (1 + rows / d), d * k);
}

/* Matrices of d² over the ranks in double: the covariance or W, and what ScaLAPACK works in; W whole to apply it. */
static double WhiteningWork(const WeftLayerShape *s, double rows)
{
  const double real = (double)WeftPrecisionBytes(s->precision), d = (double)s->d;
  const double learn = (s->ranks > 1 ? spectral_many : spectral_alone) * 8 * d * rows;
  const double apply = real * d * (d + PREP_CHUNK);

  return PetscMax(PetscMax(learn, 8 * d * (rows + PREP_CHUNK)), apply);
}

static double CeilShare(PetscInt64 n, int ranks)
{
  return (double)((n + ranks - 1) / ranks);
}

void WeftLayerMemory(const WeftLayerShape *s, WeftMemory *m)
{
  const double real = (double)WeftPrecisionBytes(s->precision), k = (double)s->k, d = (double)s->d;
  const double samples = CeilShare(s->n, s->ranks), rows = CeilShare(s->d, s->ranks);
  const double sum = (double)WeftPrecisionBytes(WeftLayerSums(s->precision, s->batch, s->n, s->ranks));

  m->samples = samples * (d * real + 12);
  m->codes = samples * (28 + CodeBytes(s, real));
  m->statistics = sum * (0.5 * k * (k + (double)s->p) + k * d) + 8 * k * (k + rows);
  m->dictionary = DictionaryBytes(s, rows);
  m->coder = CoderBytes(s, CeilShare(s->batch, s->ranks));
  m->messages = MessageBytes(s, rows);
  m->whitening = 8 * d * rows;
  m->preprocessing = samples * d * real + m->whitening + WhiteningWork(s, rows);
  m->peak = m->samples + m->codes + m->statistics + m->dictionary + m->coder + m->messages + m->whitening;
  m->peak = PetscMax(m->peak, m->preprocessing) + library_bytes;
}

/* What stays of a layer when it is learned; x: its input too. */
static double KeptBytes(const WeftLayerShape *s, PetscBool x)
{
  const double real = (double)WeftPrecisionBytes(s->precision), k = (double)s->k, d = (double)s->d;
  const double samples = CeilShare(s->n, s->ranks), rows = CeilShare(s->d, s->ranks);

  return real * (samples * (k / (double)s->p + (x ? d : 0)) + k * d) + 8 * rows * (k + d);
}

/* Matrices of d² while the eigenvectors of x are found: covariances, eigenvectors, ScaLAPACK's work. Measured. */
static const double create_panels = 11;

/* While m responses of layers are measured about x of d inputs, beside these. */
static double MeasureBytes(const WeftLayerShape *x, double m)
{
  const double d = (double)x->d, panel = 8 * d * CeilShare(x->d, x->ranks);

  return PetscMax(create_panels * panel, 2 * panel + 8 * m * (m + d) * (1 + 3 / (double)x->ranks));
}

void WeftStackMemory(const WeftStackSettings *settings, PetscInt64 n, PetscInt64 d, int ranks, WeftMemory *memory)
{
  WeftLayerShape first, shape;
  WeftMemory     layer;
  double         kept = 0, responses = 0;

  *memory = (WeftMemory){0};
  WeftLayerShapeFromSettings(&settings->layer[0], n, d, ranks, &first);
  for (int i = 0; i < settings->most; ++i) {
    WeftLayerShapeFromSettings(&settings->layer[i], n, d, ranks, &shape);
    WeftLayerMemory(&shape, &layer);
    if (i == 1) kept += 16 * (double)first.d * CeilShare(first.d, ranks);
    layer.samples += kept;
    layer.preprocessing += kept;
    layer.peak += kept;
    kept += KeptBytes(&shape, i ? PETSC_FALSE : PETSC_TRUE);
    responses += (double)shape.k / (double)shape.p;
    layer.peak = PetscMax(layer.peak, kept + MeasureBytes(&first, responses) + library_bytes);
    if (layer.peak > memory->peak) *memory = layer;
    d = shape.k / shape.p;
  }
}
