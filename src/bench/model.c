#include "scalingimpl.h"

const char *const WeftPartNames[WEFT_PARTS] = {"code", "statistics", "dictionary", "gram", "whole", "messages"};

static double CeilShare(PetscInt64 n, int ranks)
{
  return (double)((n + ranks - 1) / ranks);
}

/* The leading terms of a rank's work. */
static void Work(const WeftLayerShape *s, double work[])
{
  const double d = (double)s->d, k = (double)s->k, samples = CeilShare(s->batch, s->ranks);

  work[WEFT_PART_CODE] = samples * d * k;
  work[WEFT_PART_STATISTICS] = samples * k * (d + s->active * k);
  work[WEFT_PART_DICTIONARY] = CeilShare(s->d, s->ranks) * k * (k + 64) * s->inner;
  work[WEFT_PART_GRAM] = d * k * k / s->ranks;
  work[WEFT_PART_WHOLE] = k * (k + d);
  work[WEFT_PART_MESSAGES] = 0;
}

static double Messages(const WeftModel *m, const WeftLayerShape *s)
{
  WeftTraffic parts[WEFT_TRAFFIC_PARTS], sum;
  int         steps = 0;

  while ((1 << steps) < s->ranks) ++steps;
  WeftLayerTraffic(s, parts, &sum);
  return sum.calls * steps * m->latency + sum.sent * m->byte_second;
}

double WeftModelPredict(const WeftModel *m, const WeftLayerShape *s, double crowd, double seconds[])
{
  double known[WEFT_PARTS], work[WEFT_PARTS], total = 0;

  Work(&m->shape, known);
  Work(s, work);
  for (int i = 0; i < WEFT_PARTS; ++i) {
    seconds[i] = i == WEFT_PART_MESSAGES ? Messages(m, s) : crowd * m->seconds[i] * work[i] / known[i];
    total += seconds[i];
  }
  return total;
}
