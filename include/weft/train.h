/* Training a network on labelled samples, data parallel: every rank holds its samples and the whole network. Unless
   said otherwise the functions are collective over the communicator. The same rank count gives the same bits; from 1 to
   8 ranks losses differ by 1e-12 and weights by 1e-10 of the largest of their dataset in double (seen: 5e-15, 4e-12),
   by 1e-4 and 1e-2 in single (2e-6, 9e-4), and no accuracy was seen to. */
#pragma once
#include <weft/networkfile.h>
#include <weft/options.h>
#include <weft/share.h>
#include <weft/stack.h>

typedef enum { WEFT_OPTIMISER_ADAM, WEFT_OPTIMISER_SGD } WeftOptimiser;
typedef enum { WEFT_SCHEDULE_CONSTANT, WEFT_SCHEDULE_STEP, WEFT_SCHEDULE_COSINE } WeftSchedule;

typedef struct {
  int           epochs;
  PetscInt64    batch_size;
  WeftOptimiser optimiser;
  WeftSchedule  schedule;
  double        rate, momentum, decay;            /* decay: of the weights, apart from the gradient (AdamW) */
  double        warmup, step_epochs, step_factor; /* epochs; epochs between steps */
  double        label_smoothing;
  double        dropout, dropout_hidden; /* of the features read; of each hidden layer */
  double        average;                 /* of the running average of the weights, per step; 0: none */
  int           nhidden, hidden[WEFT_NETWORK_MAX_HIDDEN];
  PetscBool     pooled, single; /* units read by the dense layers; singles are the first layer's */
  PetscBool     from_last;      /* pooled units of the last layer alone */
  PetscBool     whitened;
  int           pool;    /* groups in a pool */
  int           layers;  /* of the structure, the first so many; 0: all */
  PetscInt64    samples; /* of the training set, the first so many; 0: all */
  WeftPrecision precision;
  uint64_t      seed;
} WeftTrainSettings;

extern const WeftOption WeftTrainOptions[];
/* Not collective beyond that all ranks hold the same options. */
extern PetscErrorCode WeftTrainSettingsFromOptions(WeftTrainSettings *settings);

/* ---- the network of a structure ---- */

/* A learned layer: atoms [k, d] in groups of group_size with common zeros, and which groups live. Inputs of a layer
   above the first are the groups of the one below, the dead ones too. The caller's. */
typedef struct {
  const WeftBlock     *atoms;
  int                  group_size;
  const unsigned char *alive;  /* [k / group_size] */
  const WeftShared    *shared; /* NULL, or the layer is that of its prototypes' copies, and the atoms do not count */
} WeftTrainSource;

/* WeftTrainPlan - the layers of *network (zeroed by the caller) as they were learned: living groups alone, connected
   where their atoms are not zero; a pool is `pool` groups in a row. Of a shared layer there are the copies of its
   prototypes at all sites, which share their weights and, pooled, their norms; it is not read by single units. The
   arrays may be changed before WeftNetworkCreate(). Not collective. */
extern PetscErrorCode WeftTrainPlan(const WeftTrainSettings *settings, int nlayers, const WeftTrainSource source[],
                                    size_t inputs, size_t classes, WeftNetwork *network);
/* WeftTrainStartRandom - after WeftNetworkCreate(): weights of dense layers, and masked ones, uniform within
   ± sqrt(1/inputs) and ± sqrt(3/connections of the group), keyed by the seed. Not collective. */
extern PetscErrorCode WeftTrainStartRandom(const WeftTrainSettings *settings, WeftNetwork *network);
/* WeftTrainStartLearned - weights of the masked layers from the atoms, scaled to norm 1, where network has the layers
   of WeftTrainPlan(). Not collective. */
extern PetscErrorCode WeftTrainStartLearned(const WeftTrainSettings *settings, int nlayers,
                                            const WeftTrainSource source[], WeftNetwork *network);

/* WeftTrainPrepare - raw samples become the network's input, in place: contrast-normalised and centred, and whitened
   where the network wants them so. */
extern PetscErrorCode WeftTrainPrepare(const WeftNetwork *network, WeftPrep prep, WeftBlock *x);

/* ---- a pass of samples through a network ---- */

typedef struct _n_WeftPass *WeftPass;

/* Room for so many samples of this rank at once. The network is used until the pass is destroyed. */
extern PetscErrorCode WeftPassCreate(MPI_Comm comm, WeftNetwork *network, size_t samples, WeftPass *pass);
extern PetscErrorCode WeftPassDestroy(WeftPass *pass);
/* WeftPassLoad - rows index[0 .. count) of x, or the first count rows where index is NULL. Not collective. */
extern PetscErrorCode WeftPassLoad(WeftPass pass, const WeftBlock *x, size_t count, const size_t index[]);
/* WeftPassForward - with the running statistics. Not collective. */
extern PetscErrorCode WeftPassForward(WeftPass pass);
/* What the dense layers read [features, columns] and the logits [classes, columns] of the pass: the first count columns
   are the samples. Borrowed. Not collective. */
extern PetscErrorCode WeftPassFeatures(WeftPass pass, const WeftBlock **features);
extern PetscErrorCode WeftPassLogits(WeftPass pass, const WeftBlock **logits);

/* In training: with the statistics of the batch over all ranks, which also move the running ones, and with dropout. */
typedef struct {
  double          dropout, dropout_hidden;
  const uint32_t *keys;     /* [count] of the samples, for dropout */
  double          momentum; /* of the running statistics: the part of the new */
} WeftPassTraining;
extern PetscErrorCode WeftPassForwardTraining(WeftPass pass, const WeftPassTraining *training);

typedef struct {
  double loss, correct, samples; /* sums */
} WeftScore;
/* WeftPassLoss - softmax cross-entropy with smoothed labels of this rank's samples, added to score; the pass then has
   its gradient with respect to the logits. Not collective. */
extern PetscErrorCode WeftPassLoss(WeftPass pass, const int32_t labels[], double smoothing, WeftScore *score);
/* WeftPassBackward - after WeftPassForwardTraining() and WeftPassLoss(): this rank's part of the gradient of the loss,
   summed over samples, with respect to the parameters, into gradient [1, parameters or more]. Adding up over ranks is
   the caller's. */
extern PetscErrorCode WeftPassBackward(WeftPass pass, const WeftPassTraining *training, WeftBlock *gradient);

/* ---- a trainer ---- */

/* This rank's part of a labelled set: rows [row0, row0 + x.rows) of n. */
typedef struct {
  WeftBlock  x; /* as the network takes it */
  int32_t   *labels;
  PetscInt64 n, row0;
} WeftSamples;

/* One entry per epoch of each. */
enum {
  WEFT_TRAINED_EPOCH,
  WEFT_TRAINED_LOSS,
  WEFT_TRAINED_ACCURACY,
  WEFT_TRAINED_TEST_LOSS,
  WEFT_TRAINED_TEST_ACCURACY,
  WEFT_TRAINED_RATE,
  WEFT_TRAINED_SECONDS,
  WEFT_TRAINED_FIELDS
};
extern const char *const WeftTrainedNames[WEFT_TRAINED_FIELDS];
extern const char *const WeftTrainedNotes[WEFT_TRAINED_FIELDS];

typedef struct _n_WeftTrainer *WeftTrainer;

/* What is asked of a way to train. All collective. */
typedef struct {
  const char *name;
  PetscErrorCode (*create)(WeftTrainer);           /* sets steps and steps_per_epoch; makes data of its own */
  PetscErrorCode (*step)(WeftTrainer);             /* one step; adds to the epoch's score; the loop counts it; or
                                                      gives it up and sets stopped */
  PetscErrorCode (*begin_evaluation)(WeftTrainer); /* before the test samples are judged, or NULL */
  PetscErrorCode (*end_evaluation)(WeftTrainer);   /* after it, or NULL */
  PetscErrorCode (*destroy)(WeftTrainer);
  PetscBool frozen; /* the features stay as they are: the network is the output layer alone, its input the features */
} WeftTrainingRule;
extern const WeftTrainingRule WeftTrainingRuleBackprop, WeftTrainingRuleRidge, WeftTrainingRuleSoftmax;
/* By its name; NULL: there is none. */
extern const WeftTrainingRule *WeftTrainingRuleFind(const char name[]);

/* The state of a rule that a checkpoint must hold beside the network: flat arrays, all ranks alike. */
enum { WEFT_TRAINER_MAX_STATE = 8 };
typedef struct {
  const char *name, *description;
  WeftBlock   values; /* one row */
} WeftTrainerState;

struct _n_WeftTrainer {
  MPI_Comm                comm;
  WeftTrainSettings       settings;
  const WeftTrainingRule *rule;
  WeftNetwork            *network;                      /* the caller's */
  const WeftSamples      *train, *test;                 /* the caller's; test may be NULL */
  PetscInt64              steps, steps_per_epoch, step; /* step: done so far */
  double                  rate;                         /* of the last step */
  PetscBool               stopped; /* the step was given up on a signal: no checkpoint can be kept */
  WeftScore               score;   /* of the epoch so far, over all ranks */
  double                  seconds;
  size_t                  entries;
  double                 *history; /* [epochs, WEFT_TRAINED_FIELDS] */
  int                     nstate;
  WeftTrainerState        state[WEFT_TRAINER_MAX_STATE];
  int                     nfigures;
  WeftTrainerState        figure[WEFT_TRAINER_MAX_STATE]; /* what the rule tells of its result, in double */
  double                  numbers[6];                     /* what WeftTrainerRecord() tells a file */
  void                   *data;                           /* the rule's own */
};

extern PetscErrorCode WeftTrainerCreate(MPI_Comm comm, const WeftTrainSettings *settings, const WeftTrainingRule *rule,
                                        WeftNetwork *network, const WeftSamples *train, const WeftSamples *test,
                                        WeftTrainer *trainer);
extern PetscErrorCode WeftTrainerDestroy(WeftTrainer *trainer);

/* As for a layer: see WeftLayerHooks. Clock and signals are looked at after the first step, at the end of an epoch, and
   in between after each step where steps take 50 ms or more, else after every eighth: when does not change the result.
   The rules ridge and softmax are one step, and have no checkpoint: a signal stops them (WeftReadoutFit()), and they
   begin again. */
typedef struct {
  PetscErrorCode (*checkpoint)(WeftTrainer, void *ctx); /* may be NULL */
  void     *ctx;
  double    every;
  PetscBool quiet;
} WeftTrainerHooks;
extern PetscErrorCode WeftTrainerRun(WeftTrainer trainer, const WeftTrainerHooks *hooks, PetscBool *stopped);

/* WeftTrainerRecord - what a network file holds of the trainer: its history, numbers and state. The record points into
   the trainer. WeftTrainerRestore - takes them up after WeftNetworkFileResume(). Not collective. */
extern PetscErrorCode WeftTrainerRecord(WeftTrainer trainer, WeftNetworkRecord *record);
extern PetscErrorCode WeftTrainerRestore(WeftTrainer trainer, const WeftNetworkRecord *record);

/* WeftTrainMemory - bytes that a rank with so many samples of its own, to train on and to test, holds beside what a
   process of MPI and PETSc does: samples real (d + 1 label), parameters real 4 (6 with a running average), connections
   4, and for the batch's part of a rank the values and gradients of all units, real. The atoms that the network is made
   of, 8 k d, have gone by then. Not collective. */
extern double WeftTrainMemory(const WeftTrainSettings *settings, const WeftNetwork *network, PetscInt64 samples,
                              PetscInt64 tests, int ranks);

/* WeftTrainEvaluate - loss and correct answers of the network, with its running statistics, over the samples of all
   ranks. */
extern PetscErrorCode WeftTrainEvaluate(MPI_Comm comm, WeftNetwork *network, const WeftSamples *samples,
                                        WeftScore *score);
