#include <weft/stack.h>
#include <weft/random.h>

/* The rows by slot, ascending within one. */
static void Sort(WeftBatches *b)
{
  const size_t slots = (size_t)b->per_epoch;

  for (size_t s = 0; s <= slots; ++s) b->start[s] = 0;
  for (PetscInt64 i = 0; i < b->rows; ++i) ++b->start[b->slot[i]]; /* counts, then ends, then from behind starts */
  for (size_t s = 1; s <= slots; ++s) b->start[s] += b->start[s - 1];
  for (PetscInt64 i = b->rows - 1; i >= 0; --i) b->index[--b->start[b->slot[i]]] = (size_t)i;
}

PetscErrorCode WeftBatchesCreate(PetscInt64 n, PetscInt64 row0, PetscInt64 rows, PetscInt64 batch_size, uint64_t seed,
                                 WeftBatches *b)
{
  const PetscBool full = batch_size <= 0 || batch_size >= n ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  *b = (WeftBatches){.n = n, .row0 = row0, .rows = rows, .seed = seed, .epoch = -1};
  b->strata = full ? n : batch_size;
  b->per_epoch = full ? 1 : (n + batch_size - 1) / batch_size;
  PetscCall(PetscCalloc3((size_t)rows, &b->slot, (size_t)rows, &b->index, (size_t)b->per_epoch + 1, &b->start));
  Sort(b); /* the full batch stays as it is */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBatchesDestroy(WeftBatches *b)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(b->slot, b->index, b->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First sample of stratum s: an even cut whose products stay in 64 bits. */
static PetscInt64 StratumStart(const WeftBatches *b, PetscInt64 s)
{
  const PetscInt64 width = b->n / b->strata, longer = b->n % b->strata;

  return s * width + PetscMin(s, longer);
}

static PetscInt64 StratumOf(const WeftBatches *b, PetscInt64 row)
{
  const PetscInt64 width = b->n / b->strata, longer = b->n % b->strata, head = longer * (width + 1);

  return row < head ? row / (width + 1) : longer + (row - head) / width;
}

/* The order in which an epoch's batches take from stratum s: a shuffle (Fisher & Yates) of its slots. */
static void Shuffle(const WeftBatches *b, PetscInt64 epoch, PetscInt64 s, int slots[])
{
  WeftRandom rng;

  WeftRandomInit(&rng, b->seed, WEFT_STREAM_BATCH, (uint64_t)epoch * (uint64_t)b->strata + (uint64_t)s);
  for (PetscInt64 i = 0; i < b->per_epoch; ++i) slots[i] = (int)i;
  for (PetscInt64 i = b->per_epoch - 1; i > 0; --i) {
    const PetscInt64 j = (PetscInt64)WeftRandomBelow(&rng, (uint64_t)i + 1);
    const int        t = slots[i];
    slots[i] = slots[j];
    slots[j] = t;
  }
}

/* Those of batch t's epoch, unless they are held. */
static PetscErrorCode FillSlots(WeftBatches *b, PetscInt64 t)
{
  const PetscInt64 epoch = t / b->per_epoch;
  int             *slots;
  PetscInt64       shuffled = -1;

  PetscFunctionBegin;
  if (b->per_epoch == 1 || epoch == b->epoch) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((size_t)b->per_epoch, &slots));
  for (PetscInt64 i = 0; i < b->rows; ++i) {
    const PetscInt64 row = b->row0 + i, s = StratumOf(b, row);
    if (s != shuffled) Shuffle(b, epoch, s, slots);
    shuffled = s;
    b->slot[i] = slots[row - StratumStart(b, s)];
  }
  Sort(b);
  b->epoch = epoch;
  PetscCall(PetscFree(slots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBatchesGet(WeftBatches *b, PetscInt64 t, size_t *count, const size_t *index[])
{
  const PetscInt64 slot = t % b->per_epoch;

  PetscFunctionBegin;
  PetscCall(FillSlots(b, t));
  *count = b->start[slot + 1] - b->start[slot];
  *index = b->index + b->start[slot];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBatchesSeen(WeftBatches *b, PetscInt64 t, PetscInt64 *seen)
{
  PetscFunctionBegin;
  PetscCall(FillSlots(b, t));
  *seen = t / b->per_epoch * b->rows + (PetscInt64)b->start[t % b->per_epoch + 1];
  PetscFunctionReturn(PETSC_SUCCESS);
}
