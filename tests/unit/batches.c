/* Which samples make a batch: each once an epoch, whoever holds them, and every rank its share.   ranks: 1 */
#include "wefttest.h"
#include <weft/stack.h>
#include <stdlib.h>

typedef struct {
  PetscInt64 n, batch_size;
} Case;

/* Batch sizes that divide n and that do not; 1, n - 1, n and more; 0 for all; a single sample. */
static const Case cases[] = {{60, 12}, {61, 12}, {59, 12}, {100, 7}, {101, 100}, {50, 1}, {50, 49}, {50, 50},
                             {50, 51}, {50, 0},  {1, 0},   {1, 1},   {1, 5},     {2, 1},  {3, 2}};
enum { CASES = sizeof(cases) / sizeof(cases[0]), EPOCHS = 3 };

static PetscInt64 Ceiling(PetscInt64 n, PetscInt64 m)
{
  return (n + m - 1) / m;
}

/* Batches in an epoch, as the options promise them. */
static PetscInt64 PerEpoch(const Case *c)
{
  return c->batch_size <= 0 || c->batch_size >= c->n ? 1 : Ceiling(c->n, c->batch_size);
}

/* member[t n + i]: is sample i in batch t, of the batches of the first epochs? By ranks that hold the samples up to
   bounds[r]. Rows of a batch must ascend and lie within the rank. */
static void Collect(const Case *c, uint64_t seed, int ranks, const PetscInt64 bounds[], unsigned char *member)
{
  const PetscInt64 batches_in_all = EPOCHS * PerEpoch(c);
  PetscInt64       row0 = 0;

  for (int r = 0; r < ranks; row0 = bounds[r++]) {
    WeftBatches   batches;
    size_t        count;
    const size_t *index;
    Ok(WeftBatchesCreate(c->n, row0, bounds[r] - row0, c->batch_size, seed, &batches));
    assert_int_equal(batches.per_epoch, PerEpoch(c));
    for (PetscInt64 t = 0; t < batches_in_all; ++t) {
      Ok(WeftBatchesGet(&batches, t, &count, &index));
      for (size_t i = 0; i < count; ++i) {
        assert_true(!i || index[i] > index[i - 1]);
        assert_true((PetscInt64)index[i] < bounds[r] - row0);
        ++member[t * c->n + row0 + (PetscInt64)index[i]];
      }
    }
    Ok(WeftBatchesDestroy(&batches));
  }
}

static unsigned char *CollectNew(const Case *c, uint64_t seed, int ranks, const PetscInt64 bounds[])
{
  unsigned char *member = calloc((size_t)(EPOCHS * PerEpoch(c) * c->n), 1);

  Collect(c, seed, ranks, bounds, member);
  return member;
}

static PetscInt64 Count(const Case *c, const unsigned char *member, PetscInt64 t, PetscInt64 first, PetscInt64 end)
{
  PetscInt64 sum = 0;

  for (PetscInt64 i = first; i < end; ++i) sum += member[t * c->n + i];
  return sum;
}

static void test_each_sample_once_an_epoch(void **state)
{
  (void)state;
  for (int i = 0; i < CASES; ++i) {
    const Case      *c = &cases[i];
    const PetscInt64 per_epoch = PerEpoch(c);
    unsigned char   *member = CollectNew(c, 1, 1, &c->n);
    for (PetscInt64 e = 0; e < EPOCHS; ++e)
      for (PetscInt64 s = 0; s < c->n; ++s) {
        PetscInt64 times = 0;
        for (PetscInt64 t = e * per_epoch; t < (e + 1) * per_epoch; ++t) times += member[t * c->n + s];
        assert_int_equal(times, 1);
      }
    free(member);
  }
}

/* No batch is empty, none larger than asked for; where the size divides n, all have it. */
static void test_batch_sizes(void **state)
{
  (void)state;
  for (int i = 0; i < CASES; ++i) {
    const Case      *c = &cases[i];
    const PetscInt64 most = PerEpoch(c) == 1 ? c->n : c->batch_size;
    unsigned char   *member = CollectNew(c, 1, 1, &c->n);
    for (PetscInt64 t = 0; t < EPOCHS * PerEpoch(c); ++t) {
      const PetscInt64 size = Count(c, member, t, 0, c->n);
      assert_true(size >= 1 && size <= most);
      if (c->n % most == 0) assert_int_equal(size, most);
    }
    free(member);
  }
}

/* Ranks without samples among them. */
static void test_rank_split_does_not_matter(void **state)
{
  (void)state;
  for (int i = 0; i < CASES; ++i) {
    const Case      *c = &cases[i];
    const PetscInt64 even[] = {c->n / 3, 2 * c->n / 3, c->n}, odd[] = {0, c->n / 7, c->n / 7, c->n / 2, c->n};
    const size_t     bytes = (size_t)(EPOCHS * PerEpoch(c) * c->n);
    unsigned char   *one = CollectNew(c, 1, 1, &c->n), *three = CollectNew(c, 1, 3, even);
    unsigned char   *five = CollectNew(c, 1, 5, odd);
    assert_memory_equal(one, three, bytes);
    assert_memory_equal(one, five, bytes);
    free(one);
    free(three);
    free(five);
  }
}

static void test_order_of_asking_does_not_matter(void **state)
{
  const Case     c = {61, 12};
  unsigned char *member = CollectNew(&c, 1, 1, &c.n);
  WeftBatches    batches;
  size_t         count;
  const size_t  *index;

  (void)state;
  Ok(WeftBatchesCreate(c.n, 0, c.n, c.batch_size, 1, &batches));
  for (PetscInt64 t = EPOCHS * PerEpoch(&c) - 1; t >= 0; --t) {
    Ok(WeftBatchesGet(&batches, t, &count, &index));
    assert_int_equal(count, Count(&c, member, t, 0, c.n));
    for (size_t i = 0; i < count; ++i) assert_true(member[t * c.n + (PetscInt64)index[i]]);
  }
  Ok(WeftBatchesDestroy(&batches));
  free(member);
}

/* Where the size divides n, a run of samples has one in a batch for every whole stratum in it, and at most one more for
   each of the two strata that its ends cut: so a rank's share is even to less than two samples. */
static void test_shares_are_even(void **state)
{
  const Case       c = {1200, 60};
  const PetscInt64 width = c.n / c.batch_size;
  unsigned char   *member = CollectNew(&c, 1, 1, &c.n);

  (void)state;
  for (int ranks = 1; ranks <= 7; ++ranks)
    for (int r = 0; r < ranks; ++r) {
      const PetscInt64 first = r * c.n / ranks, end = (r + 1) * c.n / ranks;
      const PetscInt64 least = PetscMax(end / width - Ceiling(first, width), 0);
      const PetscInt64 most = Ceiling(end, width) - first / width;
      assert_true(most - least <= 2);
      for (PetscInt64 t = 0; t < EPOCHS * PerEpoch(&c); ++t) {
        const PetscInt64 share = Count(&c, member, t, first, end);
        assert_true(share >= least && share <= most);
      }
    }
  free(member);
}

/* Another seed or epoch, another order; with one sample a batch, too. */
static void test_orders_differ(void **state)
{
  const Case some[] = {{60, 12}, {50, 1}};

  (void)state;
  for (int i = 0; i < 2; ++i) {
    const Case    *c = &some[i];
    const size_t   epoch = (size_t)(PerEpoch(c) * c->n);
    unsigned char *one = CollectNew(c, 1, 1, &c->n), *two = CollectNew(c, 2, 1, &c->n);
    assert_memory_not_equal(one, two, epoch);
    assert_memory_not_equal(one, one + epoch, epoch);
    assert_memory_not_equal(one + epoch, one + 2 * epoch, epoch);
    free(one);
    free(two);
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_sample_once_an_epoch),
                                          cmocka_unit_test(test_batch_sizes),
                                          cmocka_unit_test(test_rank_split_does_not_matter),
                                          cmocka_unit_test(test_order_of_asking_does_not_matter),
                                          cmocka_unit_test(test_shares_are_even),
                                          cmocka_unit_test(test_orders_differ)};
WEFT_TEST_MAIN(tests)
