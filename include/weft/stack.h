/* A layer: what is learned from a set of samples, how, and its history. Unless said otherwise the functions are
   collective over the communicator. */
#pragma once
#include <weft/coder.h>
#include <weft/dict.h>
#include <weft/prep.h>

/* ---- batches ---- */

/* Which samples make batch t. The n samples are cut into batch_size strata of consecutive samples; every batch holds
   one sample of each stratum (fewer where strata are shorter), and an epoch holds each sample once, in an order keyed
   by (seed, epoch, stratum). So a batch does not depend on the rank count, and every rank has its even share of it. */
typedef struct {
  PetscInt64 n, row0, rows; /* samples in all; this rank's */
  PetscInt64 strata;        /* batch size; n for the full batch */
  PetscInt64 per_epoch;     /* batches in an epoch; 1 for the full batch */
  uint64_t   seed;
  PetscInt64 epoch; /* whose slots are held; -1: none */
  int       *slot;  /* [rows] the batch of the epoch that the sample is in */
  size_t    *index; /* [rows] the rows in the order of their batches */
  size_t    *start; /* [per_epoch + 1] where a batch begins there */
} WeftBatches;

/* batch_size 0 or >= n: the full batch. Not collective. */
extern PetscErrorCode WeftBatchesCreate(PetscInt64 n, PetscInt64 row0, PetscInt64 rows, PetscInt64 batch_size,
                                        uint64_t seed, WeftBatches *batches);
extern PetscErrorCode WeftBatchesDestroy(WeftBatches *batches);
/* Local rows of batch t >= 0, ascending; borrowed until the next call. Not collective. */
extern PetscErrorCode WeftBatchesGet(WeftBatches *batches, PetscInt64 t, size_t *count, const size_t *index[]);
/* How many of this rank's samples the batches 0 .. t held, each counted as often as it came. Not collective. */
extern PetscErrorCode WeftBatchesSeen(WeftBatches *batches, PetscInt64 t, PetscInt64 *seen);

/* ---- weights ---- */

/* The weights of the objective. Relative ones follow their targets and become absolute numbers at each batch until the
   freeze; after it nothing changes and one fixed J is minimised. */
typedef struct {
  double    lambda_max, mu_max; /* of the first batch with the initial atoms */
  double    lambda, mu;         /* absolute */
  double    connectivity;       /* γ_rel */
  double   *gamma;              /* [G] absolute γ_g */
  double   *eta;                /* [G] ‖Z_g‖_F/√n, at least eta_floor */
  double    eta_floor;
  PetscBool frozen;
} WeftWeights;

/* ---- a layer ---- */

/* How far a run can be repeated. The same data, options, seed and rank count give the same bits in every dataset but
   the seconds (on one kind of processor, with one MPI, one BLAS and as many of its threads): a reduction adds in one
   order, and neither clock nor checkpoints decide anything about numbers.
   Another rank count adds in another order. From 1 to 8 ranks numbers then differ, relative to the largest of their
   dataset, by no more than

                               objective        atoms               seen: objective   atoms
     double, layer 0           1e-12            1e-9                2e-14             5e-11
     double, further layers    1e-7             1e-6                6e-9              2e-8
     single, layer 0           1e-4             2e-2                3e-5              3e-3
     single, further layers    5e-2             none                1e-2              2

   (weft synth and 6,000 images of Fashion-MNIST, 18 to 60 batches; in double the sums of mini-batches travel in double
   too.) What is decided, as which group is active, connected, seeded anew or removed and how many layers are kept, came
   out the same in double in all of these runs. In single a sum is rounded at 1e-7, and where a sample is that near to a
   threshold a group counts as active on one rank and not on two: the weights that follow the count move by up to 1e-3,
   single connections come and go, and in further layers a group was seeded anew a batch later, so that it holds other
   atoms. */

/* The atoms that learning starts from, in the order of -weft_start's words. Those of a group share a support, and all
   have norm 1:
     exemplars  samples drawn at random;
     dense      normal numbers;
     sparse     normal numbers on inputs drawn at random, as many as the target density says;
     local      the same on an input drawn at random and those most correlated with it, before whitening;
     principal  leading eigenvectors of the covariance, p to a group; groups beyond its rank are removed. */
typedef enum {
  WEFT_START_EXEMPLARS,
  WEFT_START_DENSE,
  WEFT_START_SPARSE,
  WEFT_START_LOCAL,
  WEFT_START_PRINCIPAL
} WeftStart;

typedef struct {
  PetscInt64    atoms, group_size, batch_size, iterations; /* iterations: batches */
  double        epochs;                                    /* > 0: iterations follow from it */
  double        target_activity, target_density, freeze_fraction;
  double        sparsity, connectivity_penalty, width_penalty; /* at the start, relative to their maxima */
  WeftPrecision precision;
  uint64_t      seed;
  WeftStart     start;
} WeftLayerSettings;

/* One entry per iteration of each. */
enum {
  WEFT_HISTORY_ITERATION,
  WEFT_HISTORY_OBJECTIVE,
  WEFT_HISTORY_RECONSTRUCTION,
  WEFT_HISTORY_ACTIVE_FRACTION,
  WEFT_HISTORY_CONNECTION_DENSITY,
  WEFT_HISTORY_MAX_GAP,
  WEFT_HISTORY_MEAN_GAP,
  WEFT_HISTORY_SECONDS,
  WEFT_HISTORY_LAMBDA,
  WEFT_HISTORY_CONNECTIVITY,
  WEFT_HISTORY_ALIVE_GROUPS,
  WEFT_HISTORY_RESEEDED,
  WEFT_HISTORY_REMOVED,
  WEFT_HISTORY_FIELDS
};
typedef struct {
  size_t  length, capacity;
  double *values; /* [length, WEFT_HISTORY_FIELDS] */
} WeftHistory;
extern const char *const WeftHistoryNames[WEFT_HISTORY_FIELDS];
extern const char *const WeftHistoryNotes[WEFT_HISTORY_FIELDS]; /* descriptions with units */
extern PetscErrorCode    WeftHistoryAppend(WeftHistory *history, const double entry[WEFT_HISTORY_FIELDS]);

typedef struct _n_WeftLayer *WeftLayer;

/* What is asked of a way to learn a layer. All collective. */
typedef struct {
  const char *name;
  PetscErrorCode (*start)(WeftLayer);                   /* called once, before iteration 0, not on resume */
  PetscErrorCode (*iterate)(WeftLayer, double entry[]); /* one batch; fills the history entry but for its seconds */
  PetscErrorCode (*finish)(WeftLayer);                  /* after the last batch: usage with the final dictionary */
} WeftLearner;
extern const WeftLearner WeftLearnerSparseCoding;

/* The state of a layer being learned; all of it, so that a checkpoint can hold it. Each rank has its samples, their
   codes, its rows of D and B; A, the weights and the atoms that its coder works with are on every rank. */
struct _n_WeftLayer {
  MPI_Comm           comm;
  WeftLayerSettings  settings;
  const WeftLearner *learner;
  PetscInt64         n, d;
  int                index; /* of the layer, for messages */
  const WeftBlock   *x;     /* this rank's preprocessed samples; the caller's */
  WeftBatches        batches;
  WeftDict           dict;
  WeftCoder          coder;
  WeftWeights        weights;
  WeftStatistics     statistics; /* of one batch */
  Mat                A, B;       /* running means */
  double            *usage;      /* [G] running; of the final dictionary after finish */
  int               *idle;       /* [G] batches in a row without an active sample */
  WeftCodeStore      codes;      /* last code of each of this rank's samples */
  WeftBlock          atoms;      /* [k, d] */
  WeftBlock          gram;       /* [k, k] of the atoms */
  WeftHistory        history;
  WeftPrep           prep;         /* that made x; NULL: not known; the caller's */
  const WeftBlock   *start_atoms;  /* NULL: by settings.start */
  double             start_lambda; /* 0: a fraction of λ_max */
  PetscInt64         iteration;    /* batches done */
  PetscInt64         reseeds;      /* groups re-seeded so far: keys their random numbers */
  double             seconds;      /* spent in all runs so far */
  double             final_activity, final_max_gap, final_mean_gap, final_objective;
};

/* WeftLayerSums - what a rank's sums over a batch (0: all) of n samples are in: single in runs in single precision, but
   for batches of very many samples a rank and for all samples at once, where J must not rise. Not collective. */
extern WeftPrecision WeftLayerSums(WeftPrecision precision, PetscInt64 batch, PetscInt64 n, int ranks);

extern const WeftOption WeftLayerOptions[];
/* Reads the settings. Not collective beyond that all ranks hold the same options. */
extern PetscErrorCode WeftLayerSettingsFromOptions(WeftLayerSettings *settings);

/* WeftLayerCreate - x: this rank's preprocessed samples, rows [row0, row0 + x->rows) of n, used until destroyed.
   A group size that does not divide the atoms is a user's mistake. */
extern PetscErrorCode WeftLayerCreate(MPI_Comm comm, const WeftLayerSettings *settings, PetscInt64 n, PetscInt64 row0,
                                      const WeftBlock *x, WeftLayer *layer);
extern PetscErrorCode WeftLayerDestroy(WeftLayer *layer);
/* WeftLayerRelease - the layer is learned: it keeps its dictionary and atoms, in numbers of the run's precision, as a
   file holds them, what is alive, usage, weights and history; coder, codes, statistics and all else go. */
extern PetscErrorCode WeftLayerRelease(WeftLayer layer);
/* WeftLayerSetStart - before learning: the atoms [k, d], the same on every rank, scaled to norm 1 and used until
   learning has begun, and the absolute λ to start from, instead of random samples and a fraction of λ_max. NULL and 0
   leave that as it is. Not collective. */
extern PetscErrorCode WeftLayerSetStart(WeftLayer layer, const WeftBlock *atoms, double lambda);
/* WeftLayerSetPrep - the preprocessing that made x, fitted, used until learning has begun: the starts local and
   principal need it. Not collective. */
extern PetscErrorCode WeftLayerSetPrep(WeftLayer layer, WeftPrep prep);
/* The batch after which the weights are frozen. Not collective. */
extern PetscInt64 WeftLayerFreezeIteration(const WeftLayer layer);
/* Row i of all samples, on every rank. */
extern PetscErrorCode WeftLayerGetSample(WeftLayer layer, PetscInt64 i, double sample[]);

/* What happens between batches. Supplied by the caller, called by all ranks at the same iteration. */
typedef struct {
  PetscErrorCode (*checkpoint)(WeftLayer, void *ctx); /* may be NULL */
  void     *ctx;
  double    every; /* seconds between checkpoints */
  PetscBool quiet; /* no progress lines */
  double   *last;  /* MPI_Wtime() of the last checkpoint, kept over several layers; NULL: none yet */
  int       index; /* of the layer, for people */
} WeftLayerHooks;

/* WeftLayerLearn - from the layer's iteration to its last. Writes a checkpoint every so often and on a stop signal;
 *stopped tells that a signal ended it early. */
extern PetscErrorCode WeftLayerLearn(WeftLayer layer, const WeftLayerHooks *hooks, PetscBool *stopped);
