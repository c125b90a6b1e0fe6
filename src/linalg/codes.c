#include <weft/codes.h>
#include <string.h>

PetscErrorCode WeftCodesCreate(int groups, int group_size, WeftCodes *codes)
{
  PetscFunctionBegin;
  *codes = (WeftCodes){.groups = groups, .group_size = group_size};
  PetscCall(PetscCalloc1(1, &codes->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCodesDestroy(WeftCodes *codes)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(codes->start));
  PetscCall(PetscFree(codes->group));
  PetscCall(PetscFree(codes->value));
  *codes = (WeftCodes){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCodesClear(WeftCodes *codes)
{
  codes->samples = 0;
}

/* Room for one more sample with `active` groups. */
static PetscErrorCode Grow(WeftCodes *codes, size_t active)
{
  const size_t need = codes->start[codes->samples] + active, p = (size_t)codes->group_size;

  PetscFunctionBegin;
  if (codes->samples + 1 > codes->capacity_samples) {
    codes->capacity_samples = 2 * codes->samples + 64;
    PetscCall(PetscRealloc((codes->capacity_samples + 1) * sizeof(size_t), &codes->start));
  }
  if (need > codes->capacity_active) {
    codes->capacity_active = 2 * need + 256;
    PetscCall(PetscRealloc(codes->capacity_active * sizeof(int), &codes->group));
    PetscCall(PetscRealloc(codes->capacity_active * p * sizeof(double), &codes->value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool GroupIsZero(const double value[], int p)
{
  for (int i = 0; i < p; ++i)
    if (value[i] != 0) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* Are n numbers of a row, from column at on, all zero? */
WEFT_SIMD static PetscBool RunIsZero(const WeftBlock *z, size_t row, size_t at, size_t n)
{
  int any = 0;

  if (z->precision == WEFT_SINGLE)
    for (size_t j = 0; j < n; ++j) any |= z->values.s[row * z->cols + at + j] != 0;
  else
    for (size_t j = 0; j < n; ++j) any |= z->values.d[row * z->cols + at + j] != 0;
  return any ? PETSC_FALSE : PETSC_TRUE;
}

PetscErrorCode WeftCodesAppendDense(WeftCodes *codes, const WeftBlock *z, size_t row)
{
  const int p = codes->group_size, run = PetscMax(16 / p, 1);
  size_t    end;
  double   *value;

  PetscFunctionBegin;
  PetscCall(Grow(codes, (size_t)codes->groups));
  end = codes->start[codes->samples];
  for (int g = 0; g < codes->groups; ++g) {
    if (g % run == 0 && /* codes are mostly zeros, which are passed over in runs of groups */
        RunIsZero(z, row, (size_t)g * (size_t)p, (size_t)(PetscMin(run, codes->groups - g) * p))) {
      g += run - 1;
      continue;
    }
    value = &codes->value[end * (size_t)p];
    for (int i = 0; i < p; ++i) value[i] = WeftBlockGet(z, row, (size_t)g * (size_t)p + (size_t)i);
    if (GroupIsZero(value, p)) continue;
    codes->group[end++] = g;
  }
  codes->start[++codes->samples] = end;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCodesAppend(WeftCodes *codes, const WeftCodes *from, size_t i)
{
  const size_t active = from->start[i + 1] - from->start[i], p = (size_t)codes->group_size;
  size_t       end;

  PetscFunctionBegin;
  PetscCall(Grow(codes, active));
  end = codes->start[codes->samples];
  PetscCall(PetscArraycpy(codes->group + end, from->group + from->start[i], active));
  PetscCall(PetscArraycpy(codes->value + end * p, from->value + from->start[i] * p, active * p));
  codes->start[++codes->samples] = end + active;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCodesToDense(const WeftCodes *codes, size_t i, WeftBlock *z, size_t row)
{
  const size_t p = (size_t)codes->group_size;

  for (size_t e = codes->start[i]; e < codes->start[i + 1]; ++e)
    for (size_t a = 0; a < p; ++a) WeftBlockSet(z, row, (size_t)codes->group[e] * p + a, codes->value[e * p + a]);
}

PetscErrorCode WeftCodeStoreCreate(size_t samples, int groups, int group_size, WeftPrecision precision,
                                   WeftCodeStore *store)
{
  PetscFunctionBegin;
  *store = (WeftCodeStore){.samples = samples, .groups = groups, .group_size = group_size, .precision = precision};
  PetscCall(PetscCalloc1(samples, &store->active));
  PetscCall(PetscCalloc1(samples, &store->entries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCodeStoreDestroy(WeftCodeStore *store)
{
  PetscFunctionBegin;
  for (size_t i = 0; i < store->samples; ++i) PetscCall(PetscFree(store->entries[i]));
  PetscCall(PetscFree(store->entries));
  PetscCall(PetscFree(store->active));
  *store = (WeftCodeStore){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values come first in an entry, so that they are aligned. */
static size_t Values(const WeftCodeStore *store, int active)
{
  return (size_t)active * (size_t)store->group_size;
}

static size_t ValueBytes(const WeftCodeStore *store, int active)
{
  return Values(store, active) * WeftPrecisionBytes(store->precision);
}

static void LoadValues(const WeftCodeStore *store, size_t i, double values[])
{
  const size_t n = Values(store, store->active[i]);

  if (store->precision == WEFT_SINGLE)
    for (size_t e = 0; e < n; ++e) values[e] = (double)((const float *)store->entries[i])[e];
  else
    memcpy(values, store->entries[i], n * sizeof(double));
}

static void SaveValues(WeftCodeStore *store, size_t i, const double values[])
{
  const size_t n = Values(store, store->active[i]);

  if (store->precision == WEFT_SINGLE)
    for (size_t e = 0; e < n; ++e) ((float *)store->entries[i])[e] = (float)values[e];
  else
    memcpy(store->entries[i], values, n * sizeof(double));
}

PetscErrorCode WeftCodeStoreGet(const WeftCodeStore *store, size_t i, WeftCodes *codes)
{
  const int active = store->active[i];
  size_t    end;

  PetscFunctionBegin;
  PetscCall(Grow(codes, (size_t)active));
  end = codes->start[codes->samples];
  if (active) {
    LoadValues(store, i, codes->value + end * (size_t)store->group_size);
    memcpy(codes->group + end, (const char *)store->entries[i] + ValueBytes(store, active),
           (size_t)active * sizeof(int));
  }
  codes->start[++codes->samples] = end + (size_t)active;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCodeStorePut(WeftCodeStore *store, size_t i, const WeftCodes *codes, size_t from)
{
  const size_t first = codes->start[from];
  const int    active = (int)(codes->start[from + 1] - first);
  const size_t bytes = ValueBytes(store, active);

  PetscFunctionBegin;
  if (active != store->active[i]) {
    PetscCall(PetscFree(store->entries[i]));
    if (active) PetscCall(PetscMalloc(bytes + (size_t)active * sizeof(int), &store->entries[i]));
    store->active[i] = active;
  }
  if (active) {
    SaveValues(store, i, codes->value + first * (size_t)store->group_size);
    memcpy((char *)store->entries[i] + bytes, codes->group + first, (size_t)active * sizeof(int));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCodeStoreKeep(WeftCodeStore *store, const unsigned char alive[])
{
  const size_t p = (size_t)store->group_size;
  WeftCodes    codes;

  PetscFunctionBegin;
  PetscCall(WeftCodesCreate(store->groups, store->group_size, &codes));
  for (size_t i = 0; i < store->samples; ++i) {
    size_t kept = 0;
    WeftCodesClear(&codes);
    PetscCall(WeftCodeStoreGet(store, i, &codes));
    for (size_t e = 0; e < codes.start[1]; ++e) {
      if (!alive[codes.group[e]]) continue;
      codes.group[kept] = codes.group[e];
      memmove(codes.value + kept++ * p, codes.value + e * p, p * sizeof(double));
    }
    codes.start[1] = kept;
    PetscCall(WeftCodeStorePut(store, i, &codes, 0));
  }
  PetscCall(WeftCodesDestroy(&codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
