/* The solution of restricted problems, by sweeps and Newton steps in turn. */

/* Until the restricted gap is at the target or the code stands still. The objective never rises by more than rounding,
   but the gap may for long: that it does not fall is no reason to stop. */
INLINE void NAME(SolveBy)(const WeftCoder coder, BCD *b, NAME(Local) * l, int p, REAL *v, REAL *change, double target)
{
  PetscBool moved = PETSC_TRUE;

  for (int sweep = 0; sweep < coder->max_iterations && moved; ++sweep) {
    Value value;
    moved = NAME(Sweep)(l, p, v, change);
    value = NAME(Evaluate)(coder, b, l, p);
    if (value.gap <= target) break;
    NAME(Newton)(coder, b, l, p, &value);
    if (value.gap <= target) break;
  }
}

/* Solves the restricted problems of all sets. v, change: room for p numbers. */
INLINE void NAME(SolveAll)(const WeftCoder coder, BCD *b, WeftCoderBatch *batch, int p, NAME(Local) * l, REAL *v,
                           REAL *change)
{
  const Sets *sets = &b->sets;

  for (size_t j = 0; j < sets->samples; ++j) {
    const size_t row = sets->row[j];
    const int   *group = sets->group + sets->start[j];
    l->n = (int)(sets->start[j + 1] - sets->start[j]);
    l->ld = Padded((size_t)l->n * (size_t)p);
    l->gram = (const REAL *)sets->gram.values.v + sets->offset[j];
    l->square = batch->square[b->index[row]];
    NAME(Load)(coder, b, batch, row, group, (size_t)p, l);
    NAME(SolveBy)(coder, b, l, p, v, change, b->inner[row]);
    NAME(Store)(coder, b, batch, row, group, (size_t)p, l);
  }
}

WEFT_SIMD static void NAME(SolveSets)(const WeftCoder coder, BCD *b, WeftCoderBatch *batch)
{
  NAME(Local) l;

  NAME(PointLocal)(coder, b, &l);
  WEFT_BY_GROUP_SIZE(coder->group_size, p, REAL v[4], change[4];
                     NAME(SolveAll)(coder, b, batch, p, &l, p <= 4 ? v : l.v, p <= 4 ? change : l.change))
}

#undef INLINE
