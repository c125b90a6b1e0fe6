/* What a step does to the parameters, and how far. All ranks do the same. */
#include "trainimpl.h"
#include <math.h>

static const double adam_first = 0.9, adam_second = 0.999, adam_epsilon = 1e-8;

#define REAL    float
#define NAME(x) x##Single
#include "optimkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "optimkernel.h"

double WeftTrainRate(const WeftTrainSettings *s, PetscInt64 step, PetscInt64 steps, PetscInt64 per_epoch)
{
  const double epoch = (double)per_epoch, warmup = PetscMin(s->warmup * epoch, (double)steps), t = (double)step;

  if (t < warmup) return s->rate * (t + 1) / (warmup + 1);
  if (s->schedule == WEFT_SCHEDULE_STEP) return s->rate * pow(s->step_factor, floor(t / (s->step_epochs * epoch)));
  if (s->schedule == WEFT_SCHEDULE_COSINE)
    return s->rate * 0.5 * (1 + cos(PETSC_PI * (t - warmup) / PetscMax((double)steps - warmup, 1)));
  return s->rate;
}

/* 0, or NaN: see the kernels. */
static double UpdatePart(const WeftTrainSettings *s, const WeftNetworkPart *part, const WeftBlock *gradient,
                         const WeftOptimiserStep *o, WeftBlock *m, WeftBlock *v, WeftBlock *w)
{
  const size_t n = part->rows * (part->cols ? part->cols : 1), at = part->first;
  const double decay = part->decays ? s->decay : 0, left1 = 1 - pow(adam_first, (double)o->step + 1),
               left2 = 1 - pow(adam_second, (double)o->step + 1);

  if (s->optimiser == WEFT_OPTIMISER_ADAM && w->precision == WEFT_SINGLE)
    return (double)AdamSingle(n, gradient->values.s + at, o->scale, o->rate, decay, left1, left2, m->values.s + at,
                              v->values.s + at, w->values.s + at);
  if (s->optimiser == WEFT_OPTIMISER_ADAM)
    return AdamDouble(n, gradient->values.d + at, o->scale, o->rate, decay, left1, left2, m->values.d + at,
                      v->values.d + at, w->values.d + at);
  if (w->precision == WEFT_SINGLE)
    return (double)MomentumSingle(n, gradient->values.s + at, o->scale, o->rate, decay, s->momentum, m->values.s + at,
                                  w->values.s + at);
  return MomentumDouble(n, gradient->values.d + at, o->scale, o->rate, decay, s->momentum, m->values.d + at,
                        w->values.d + at);
}

PetscBool WeftOptimiserUpdate(const WeftTrainSettings *s, WeftNetwork *net, const WeftBlock *gradient,
                              const WeftOptimiserStep *step, WeftBlock *m, WeftBlock *v)
{
  double left = 0;

  for (int i = 0; i < net->nparts; ++i)
    if (!net->part[i].statistic) left += UpdatePart(s, &net->part[i], gradient, step, m, v, &net->parameters);
  return left == 0 ? PETSC_TRUE : PETSC_FALSE;
}

void WeftOptimiserAverage(const WeftBlock *values, double part, WeftBlock *average)
{
  if (values->precision == WEFT_SINGLE)
    AverageSingle(values->cols, values->values.s, part, average->values.s);
  else
    AverageDouble(values->cols, values->values.d, part, average->values.d);
}
