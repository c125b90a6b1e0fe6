/* Steps of training: optimisers against plain formulas, schedules, dropout, and the same result at any rank count.
   ranks: 1 2 3 4 */
#include "wefttest.h"
#include "smallnet.h"
#include <math.h>
#include <string.h>

enum { N = 60, BATCH = 12, EPOCHS = 2 };

static const SmallNet what = {.name = "both", .layers = 2, .hidden = 1, .single = PETSC_TRUE, .dropout = 0.25};

static WeftTrainSettings Settings(void)
{
  return (WeftTrainSettings){.epochs = EPOCHS,
                             .batch_size = BATCH,
                             .optimiser = WEFT_OPTIMISER_ADAM,
                             .schedule = WEFT_SCHEDULE_COSINE,
                             .rate = 0.01,
                             .momentum = 0.9,
                             .decay = 0.1,
                             .warmup = 0.4,
                             .step_epochs = 1,
                             .step_factor = 0.5,
                             .label_smoothing = 0.1,
                             .dropout = 0.25,
                             .dropout_hidden = 0.25,
                             .precision = WEFT_DOUBLE,
                             .seed = 8};
}

/* What training on the ranks of a communicator makes of a network. */
typedef struct {
  WeftNetwork net;
  WeftSamples samples;
  double      history[EPOCHS * WEFT_TRAINED_FIELDS];
  PetscInt64  steps;
} Trained;

static void Train(MPI_Comm comm, const WeftTrainSettings *settings, Trained *t)
{
  const WeftTrainerHooks hooks = {.every = 1e9, .quiet = PETSC_TRUE};
  WeftTrainer            trainer;
  PetscBool              stopped;
  int                    rank, size;

  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  Ok(SmallNetCreate(&what, settings->precision, &t->net));
  Ok(SmallNetSamples(&t->net, N, rank, size, &t->samples));
  Ok(WeftTrainerCreate(comm, settings, WeftTrainingRuleFind("backprop"), &t->net, &t->samples, &t->samples, &trainer));
  Ok(WeftTrainerRun(trainer, &hooks, &stopped));
  assert_false(stopped);
  assert_int_equal(trainer->entries, EPOCHS);
  memcpy(t->history, trainer->history, sizeof(t->history));
  t->steps = trainer->step;
  Ok(WeftTrainerDestroy(&trainer));
}

static void Free(Trained *t)
{
  Ok(SmallNetSamplesDestroy(&t->samples));
  Ok(WeftNetworkDestroy(&t->net));
}

static double Difference(const WeftBlock *a, const WeftBlock *b)
{
  double most = 0;

  assert_int_equal(a->cols, b->cols);
  for (size_t i = 0; i < a->cols; ++i) most = PetscMax(most, fabs(a->values.d[i] - b->values.d[i]));
  return most;
}

/* With every rank alone beside all together; each optimiser, schedule and the running average. */
static void test_ranks(void **state)
{
  (void)state;
  for (int k = 0; k < 4; ++k) {
    WeftTrainSettings settings = Settings();
    Trained           all, one;
    settings.optimiser = k % 2 ? WEFT_OPTIMISER_SGD : WEFT_OPTIMISER_ADAM;
    settings.schedule = (WeftSchedule)(k % 3);
    settings.average = k > 1 ? 0.8 : 0;
    Train(PETSC_COMM_WORLD, &settings, &all);
    Train(PETSC_COMM_SELF, &settings, &one);
    assert_int_equal(all.steps, EPOCHS * N / BATCH);
    assert_near(Difference(&all.net.parameters, &one.net.parameters), 0, 1e-9);
    assert_near(Difference(&all.net.statistics, &one.net.statistics), 0, 1e-9);
    for (int i = 0; i < EPOCHS * WEFT_TRAINED_FIELDS; ++i)
      if (i % WEFT_TRAINED_FIELDS != WEFT_TRAINED_SECONDS) assert_near(all.history[i], one.history[i], 1e-9);
    Free(&all);
    Free(&one);
  }
}

/* A rate of zero changes no parameter, a seed what is drawn, and the average lags behind. */
static void test_settings(void **state)
{
  WeftTrainSettings settings = Settings();
  Trained           base, other;
  WeftNetwork       start;

  (void)state;
  Train(PETSC_COMM_WORLD, &settings, &base);
  settings.seed = 9;
  Train(PETSC_COMM_WORLD, &settings, &other);
  assert_true(Difference(&base.net.parameters, &other.net.parameters) > 1e-4);
  Free(&other);
  settings = Settings();
  settings.dropout = 0;
  Train(PETSC_COMM_WORLD, &settings, &other);
  assert_true(Difference(&base.net.parameters, &other.net.parameters) > 1e-4);
  Free(&other);
  settings = Settings();
  settings.average = 0.9;
  Train(PETSC_COMM_WORLD, &settings, &other);
  assert_true(Difference(&base.net.parameters, &other.net.parameters) > 1e-5);
  assert_true(Difference(&base.net.statistics, &other.net.statistics) > 1e-5); /* they are averaged too */
  Free(&other);
  settings = Settings();
  settings.rate = 0;
  Train(PETSC_COMM_WORLD, &settings, &other);
  Ok(SmallNetCreate(&what, WEFT_DOUBLE, &start));
  assert_near(Difference(&start.parameters, &other.net.parameters), 0, 0);
  Ok(WeftNetworkDestroy(&start));
  Free(&other);
  Free(&base);
}

/* One step of each optimiser from the gradient that a pass gives, by the textbook. */
static void CheckStep(WeftOptimiser optimiser)
{
  WeftTrainSettings settings = Settings();
  WeftPassTraining  training = {0, 0, NULL, 0.1};
  WeftNetwork       start;
  WeftBlock         gradient;
  WeftPass          pass;
  WeftScore         score = {0};
  Trained           t;
  int               rank, size;

  settings.optimiser = optimiser;
  settings.epochs = 1;
  settings.batch_size = N;
  settings.dropout = settings.dropout_hidden = settings.warmup = 0;
  settings.schedule = WEFT_SCHEDULE_CONSTANT;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  {
    const WeftTrainerHooks hooks = {.every = 1e9, .quiet = PETSC_TRUE};
    WeftTrainer            trainer;
    PetscBool              stopped;
    Ok(SmallNetCreate(&what, WEFT_DOUBLE, &t.net));
    Ok(SmallNetSamples(&t.net, N, rank, size, &t.samples));
    Ok(WeftTrainerCreate(PETSC_COMM_WORLD, &settings, WeftTrainingRuleFind("backprop"), &t.net, &t.samples, NULL,
                         &trainer));
    Ok(WeftTrainerRun(trainer, &hooks, &stopped));
    Ok(WeftTrainerDestroy(&trainer));
  }
  Ok(SmallNetCreate(&what, WEFT_DOUBLE, &start));
  Ok(WeftPassCreate(PETSC_COMM_WORLD, &start, t.samples.x.rows, &pass));
  Ok(WeftBlockCreate(1, start.parameters.cols, WEFT_DOUBLE, &gradient));
  Ok(WeftPassLoad(pass, &t.samples.x, t.samples.x.rows, NULL));
  Ok(WeftPassForwardTraining(pass, &training));
  Ok(WeftPassLoss(pass, t.samples.labels, settings.label_smoothing, &score));
  Ok(WeftPassBackward(pass, &training, &gradient));
  MPI_Allreduce(MPI_IN_PLACE, gradient.values.d, (int)gradient.cols, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  for (int p = 0; p < start.nparts; ++p) {
    const WeftNetworkPart *part = &start.part[p];
    const double           decay = part->decays ? settings.decay : 0;
    for (size_t i = part->first; !part->statistic && i < part->first + part->rows * PetscMax(part->cols, 1); ++i) {
      const double g = gradient.values.d[i] / N, w = start.parameters.values.d[i];
      const double move = optimiser == WEFT_OPTIMISER_ADAM ? g / (fabs(g) + 1e-8) : g;
      if (fabs(g) < 1e-6) continue; /* Adam's first step is a sign, which rounding decides there */
      assert_near(t.net.parameters.values.d[i], w - settings.rate * (decay * w + move), 1e-9);
    }
  }
  Ok(WeftPassDestroy(&pass));
  Ok(WeftBlockDestroy(&gradient));
  Ok(WeftNetworkDestroy(&start));
  Free(&t);
}

static void test_step(void **state)
{
  (void)state;
  CheckStep(WEFT_OPTIMISER_ADAM);
  CheckStep(WEFT_OPTIMISER_SGD);
}

/* The rate that the history tells at the end of each epoch: warm-up over the first, then as the schedule says. */
static void test_schedules(void **state)
{
  const double       steps = N / BATCH;
  const double       cosine = 0.5 * (1 + cos(PETSC_PI * (2 * steps - 1 - 0.4 * steps) / (2 * steps - 0.4 * steps)));
  const double       wanted[] = {1, 0.5, cosine};
  const double       early[] = {1, 1, 0.5 * (1 + cos(PETSC_PI * (0.6 * steps - 1) / (1.6 * steps)))};
  const WeftSchedule schedules[] = {WEFT_SCHEDULE_CONSTANT, WEFT_SCHEDULE_STEP, WEFT_SCHEDULE_COSINE};

  (void)state;
  for (int k = 0; k < 3; ++k) {
    WeftTrainSettings settings = Settings();
    Trained           t;
    settings.schedule = schedules[k];
    Train(PETSC_COMM_WORLD, &settings, &t);
    assert_near(t.history[WEFT_TRAINED_RATE], settings.rate * early[k], 1e-15);
    assert_near(t.history[WEFT_TRAINED_FIELDS + WEFT_TRAINED_RATE], settings.rate * wanted[k], 1e-15);
    Free(&t);
  }
  WeftTrainSettings settings = Settings();
  Trained           t;
  settings.warmup = 2; /* 10 steps, all of them */
  Train(PETSC_COMM_WORLD, &settings, &t);
  assert_near(t.history[WEFT_TRAINED_RATE], settings.rate * 5 / 11, 1e-15);
  Free(&t);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranks), cmocka_unit_test(test_settings),
                                          cmocka_unit_test(test_step), cmocka_unit_test(test_schedules)};
WEFT_TEST_MAIN(tests)
