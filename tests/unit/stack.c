/* Several layers: each learns from the responses of the one before, the same at any rank count, and a run that was
   stopped in any of them goes on there.   ranks: 1 2 3 4 */
#include "folder.h"
#include "planted.h"
#include "wefttest.h"
#include <weft/response.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const Planted planted = {
  .n = 120, .d = 16, .groups = 8, .group_size = 2, .inputs = 6, .active = 2, .noise = 0.1};

/* Feedback and a freeze; layers of 24, 12 and 8 atoms. */
static WeftStackSettings Settings(int layers, PetscInt64 batch_size, PetscInt64 iterations, WeftPrecision precision)
{
  WeftStackSettings s = {.most = layers, .min_gain = -1e6}; /* all are kept */

  for (int i = 0; i < layers; ++i) {
    s.layer[i] = PlantedSettings(i ? 16 - 4 * i : 24, 2, iterations);
    s.layer[i].batch_size = batch_size;
    s.layer[i].freeze_fraction = 0.6;
    s.layer[i].target_activity = 0.2;
    s.layer[i].target_density = 0.3;
    s.layer[i].precision = precision;
  }
  return s;
}

static WeftStack Make(MPI_Comm comm, const WeftStackSettings *settings)
{
  WeftStack  stack;
  WeftBlock  x;
  PetscInt64 row0;

  PlantedShare(comm, &planted, settings->layer[0].precision, &row0, &x);
  Ok(WeftStackCreate(comm, settings, planted.n, row0, &x, &stack));
  assert_null(x.values.v);
  return stack;
}

static void Learn(WeftStack stack)
{
  const WeftLayerHooks quiet = {.every = 1e9, .quiet = PETSC_TRUE};
  PetscBool            stopped;

  while (!stack->done) {
    Ok(WeftStackNext(stack, &quiet, &stopped));
    assert_false(stopped);
  }
}

/* ---- what is compared: the atoms, all of them on every rank, and the history ---- */

static void CompareHistories(const WeftHistory *a, const WeftHistory *b, double tolerance)
{
  assert_int_equal(a->length, b->length);
  for (size_t i = 0; i < a->length * WEFT_HISTORY_FIELDS; ++i)
    if (i % WEFT_HISTORY_FIELDS != WEFT_HISTORY_SECONDS)
      assert_near(a->values[i], b->values[i], tolerance * fabs(a->values[i]));
}

static void CompareStacks(const WeftStack a, const WeftStack b, double tolerance)
{
  assert_int_equal(a->learned, b->learned);
  assert_int_equal(a->count, b->count);
  assert_int_equal(a->measured, b->measured);
  for (int l = 0; l < a->measured; ++l) {
    const WeftInformationResult *x = &a->depth[l].information, *y = &b->depth[l].information;
    assert_near(x->bits, y->bits, tolerance);
    assert_near(x->entropy_bits, y->entropy_bits, tolerance);
    assert_int_equal(a->depth[l].kept, b->depth[l].kept);
  }
  for (int l = 0; l < a->learned; ++l) {
    const WeftLayer  p = a->layers[l].layer, q = b->layers[l].layer;
    const WeftBlock *x = &p->atoms, *y = &q->atoms;
    assert_int_equal(x->rows, y->rows);
    assert_int_equal(x->cols, y->cols);
    for (size_t i = 0; i < x->rows * x->cols; ++i)
      assert_near(WeftBlockGet(x, i / x->cols, i % x->cols), WeftBlockGet(y, i / x->cols, i % x->cols), tolerance);
    for (int g = 0; g < p->codes.groups; ++g) assert_near(p->usage[g], q->usage[g], tolerance);
    for (int g = 0; g < p->codes.groups; ++g) assert_near(p->weights.gamma[g], q->weights.gamma[g], tolerance);
    assert_near(p->weights.lambda, q->weights.lambda, tolerance);
    CompareHistories(&p->history, &q->history, tolerance);
  }
}

/* ---- tests ---- */

/* The input of layer 1 is the responses of layer 0, preprocessed by a fit of their own. */
static void test_a_layer_learns_from_responses(void **state)
{
  const WeftStackSettings settings = Settings(2, 0, 8, WEFT_DOUBLE);
  const WeftLayerHooks    quiet = {.every = 1e9, .quiet = PETSC_TRUE};
  WeftStack               stack = Make(PETSC_COMM_WORLD, &settings);
  WeftResponder           responder;
  WeftPrep                prep;
  WeftBlock               y;
  PetscBool               stopped;

  (void)state;
  Ok(WeftStackNext(stack, &quiet, &stopped));
  assert_false(stack->done);
  Ok(WeftResponderFromLayer(stack->layers[0].layer, &responder));
  Ok(WeftBlockCreate(stack->x.rows, 12, WEFT_DOUBLE, &y));
  Ok(WeftRespond(&responder, WEFT_FEEDFORWARD, &stack->x, &y, NULL));
  Ok(WeftPrepCreate(PETSC_COMM_WORLD, 12, &prep));
  Ok(WeftPrepFit(prep, &y));
  Ok(WeftStackBegin(stack, NULL));
  assert_int_equal(stack->layers[1].layer->d, 12);
  for (size_t i = 0; i < y.rows; ++i)
    for (size_t j = 0; j < 12; ++j) assert_near(WeftBlockGet(&stack->input, i, j), WeftBlockGet(&y, i, j), 1e-12);
  Ok(WeftPrepDestroy(&prep));
  Ok(WeftBlockDestroy(&y));
  Ok(WeftResponderDestroy(&responder));
  Ok(WeftStackDestroy(&stack));
}

/* By all ranks together and by each alone. */
static void test_rank_count(void **state)
{
  const WeftStackSettings settings = Settings(3, 30, 12, WEFT_DOUBLE);
  WeftStack               all = Make(PETSC_COMM_WORLD, &settings), one = Make(PETSC_COMM_SELF, &settings);

  (void)state;
  Learn(all);
  Learn(one);
  assert_int_equal(all->learned, 3);
  CompareStacks(all, one, 1e-8);
  Ok(WeftStackDestroy(&all));
  Ok(WeftStackDestroy(&one));
}

/* A layer that is learned holds nothing of what learning took. */
static void test_learned_layers_let_go(void **state)
{
  const WeftStackSettings settings = Settings(2, 30, 5, WEFT_SINGLE);
  WeftStack               stack = Make(PETSC_COMM_WORLD, &settings);

  (void)state;
  Learn(stack);
  for (int i = 0; i < 2; ++i) {
    const WeftLayer l = stack->layers[i].layer;
    assert_true(!l->A && !l->B && !l->coder && !l->idle && !l->gram.values.v && !l->codes.entries && !l->x);
    assert_true(l->atoms.values.v && l->usage && l->history.length == 5);
  }
  assert_true(!stack->input.values.v && stack->x.rows == stack->responses[1].rows);
  Ok(WeftStackDestroy(&stack));
}

/* Groups 1 and 4 of layer 0 removed by hand: they are inputs that are zero and have no connection. */
static void test_removed_groups_are_no_inputs(void **state)
{
  const WeftStackSettings settings = Settings(2, 30, 10, WEFT_DOUBLE);
  const WeftLayerHooks    quiet = {.every = 1e9, .quiet = PETSC_TRUE};
  WeftStack               stack = Make(PETSC_COMM_WORLD, &settings);
  WeftLayer               l;
  PetscBool               stopped;

  (void)state;
  Ok(WeftStackBegin(stack, NULL));
  l = stack->layers[0].layer;
  Ok(WeftLayerLearn(l, &quiet, &stopped));
  Ok(WeftDictRemoveGroup(l->dict, 1, NULL, NULL));
  Ok(WeftDictRemoveGroup(l->dict, 4, NULL, NULL));
  Ok(WeftDictGather(l->dict, &l->atoms));
  Ok(WeftStackKeep(stack));
  Ok(WeftStackBegin(stack, NULL));
  for (size_t i = 0; i < stack->input.rows; ++i)
    assert_true(WeftBlockGet(&stack->input, i, 1) == 0 && WeftBlockGet(&stack->input, i, 4) == 0);
  Ok(WeftLayerLearn(stack->layers[1].layer, &quiet, &stopped));
  l = stack->layers[1].layer;
  for (size_t a = 0; a < l->atoms.rows; ++a)
    assert_true(WeftBlockGet(&l->atoms, a, 1) == 0 && WeftBlockGet(&l->atoms, a, 4) == 0);
  Ok(WeftStackDestroy(&stack));
}

/* A layer that adds less than it must leaves the stack, is told of, and is the last. */
static void test_a_layer_that_does_not_pay(void **state)
{
  WeftStackSettings settings = Settings(3, 30, 6, WEFT_DOUBLE);
  WeftStack         stack;

  (void)state;
  settings.min_gain = 1e6;
  stack = Make(PETSC_COMM_WORLD, &settings);
  Learn(stack);
  assert_true(stack->done && stack->learned == 1 && stack->count == 1 && stack->measured == 2);
  assert_true(stack->depth[0].kept && !stack->depth[1].kept);
  assert_true(stack->dropped.layer && stack->dropped.layer->d == 12 && !stack->layers[1].layer);
  assert_near(stack->depth[1].gain,
              (stack->depth[1].information.bits - stack->depth[0].information.bits) /
                PetscMax(stack->depth[0].information.bits, 1),
              1e-12);
  Ok(WeftStackDestroy(&stack));
}

/* What a layer adds is a fraction of the bits before it, which are put in here: these samples leave less than 1 of
 * them. */
static void test_gain(void **state)
{
  const WeftStackSettings settings = Settings(2, 30, 6, WEFT_DOUBLE);
  const WeftLayerHooks    quiet = {.every = 1e9, .quiet = PETSC_TRUE};
  WeftStack               stack = Make(PETSC_COMM_WORLD, &settings);
  PetscBool               stopped;

  (void)state;
  Ok(WeftStackNext(stack, &quiet, &stopped));
  stack->depth[0].information.bits = 4;
  Ok(WeftStackNext(stack, &quiet, &stopped));
  assert_int_equal(stack->measured, 2);
  assert_near(stack->depth[1].gain, (stack->depth[1].information.bits - 4) / 4, 1e-12);
  Ok(WeftStackDestroy(&stack));
}

/* Groups that answer all samples alike are no input for a further layer: learning ends, and is no mistake. */
static void test_nothing_to_learn_from(void **state)
{
  WeftStackSettings settings = Settings(2, 0, 0, WEFT_DOUBLE);
  WeftStack         stack;

  (void)state;
  settings.layer[0].sparsity = 100; /* no code is not zero */
  settings.layer[0].target_activity = 0;
  stack = Make(PETSC_COMM_WORLD, &settings);
  Learn(stack);
  assert_true(stack->done && stack->learned == 1 && stack->measured == 1);
  Ok(WeftStackDestroy(&stack));
}

typedef struct {
  WeftStack   stack;
  int         layer; /* where a checkpoint is written, */
  PetscInt64  at;    /* after so many batches */
  const char *path;
} Stop;

static PetscErrorCode WriteAt(WeftLayer layer, void *ctx)
{
  const Stop        *stop = ctx;
  const WeftDataInfo data = {.samples = {planted.n}, .features = planted.d};
  const WeftRunInfo  info = {.options = PLANTED_OPTIONS, .data = &data};

  PetscFunctionBegin;
  if (stop->stack->learned == stop->layer && layer->iteration == stop->at)
    PetscCall(WeftRunFileWrite(stop->path, &info, stop->stack, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static WeftStack LearnWriting(const WeftStackSettings *settings, Stop stop)
{
  const WeftLayerHooks hooks = {.checkpoint = WriteAt, .ctx = &stop, .every = 0, .quiet = PETSC_TRUE};
  PetscBool            stopped;

  stop.stack = Make(PETSC_COMM_WORLD, settings);
  while (!stop.stack->done) Ok(WeftStackNext(stop.stack, &hooks, &stopped));
  return stop.stack;
}

static WeftStack Resume(MPI_Comm comm, const WeftStackSettings *settings, const Stop *stop)
{
  WeftStack stack = Make(comm, settings);

  Ok(WeftRunFileReadStack(stop->path, stack));
  assert_int_equal(stack->learned, stop->layer);
  assert_int_equal(stack->count, stop->layer + 1);
  assert_int_equal(stack->layers[stop->layer].layer->iteration, stop->at);
  Learn(stack);
  return stack;
}

/* To the bit at the same rank count, wherever it was stopped; closely where each goes on alone. */
static void test_resumed_equals_uninterrupted(void **state)
{
  const struct {
    int        layer;
    PetscInt64 at, batch_size;
  } stops[] = {{0, 4, 30}, {1, 1, 30}, {1, 9, 30}, {2, 5, 30}, {2, 12, 30}, {1, 6, 0}};

  (void)state;
  for (int i = 0; i < 12; ++i) {
    const int               c = i / 2;
    const WeftPrecision     precision = i % 2 ? WEFT_SINGLE : WEFT_DOUBLE;
    const WeftStackSettings settings = Settings(3, stops[c].batch_size, 12, precision);
    const Stop              stop = {NULL, stops[c].layer, stops[c].at, FolderPath("stack")};
    WeftStack               whole = LearnWriting(&settings, stop), resumed = Resume(PETSC_COMM_WORLD, &settings, &stop);
    CompareStacks(whole, resumed, 0);
    Ok(WeftStackDestroy(&resumed));
    if (precision == WEFT_DOUBLE) {
      resumed = Resume(PETSC_COMM_SELF, &settings, &stop);
      CompareStacks(whole, resumed, 1e-8);
      Ok(WeftStackDestroy(&resumed));
    }
    MPI_Barrier(PETSC_COMM_WORLD); /* before the file is written anew */
    Ok(WeftStackDestroy(&whole));
  }
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_a_layer_learns_from_responses), cmocka_unit_test(test_rank_count),
  cmocka_unit_test(test_learned_layers_let_go),         cmocka_unit_test(test_removed_groups_are_no_inputs),
  cmocka_unit_test(test_a_layer_that_does_not_pay),     cmocka_unit_test(test_gain),
  cmocka_unit_test(test_nothing_to_learn_from),         cmocka_unit_test(test_resumed_equals_uninterrupted)};

WEFT_TEST_MAIN_WITH_FOLDER(tests, FolderMake)
