#include "cmd.h"
#include <weft/bench.h>
#include <weft/stack.h>
#include <string.h>

/* What a benchmark reads; the rest would do nothing and is refused. */
static const char *const coder_reads[] = {"-problem",
                                          "-json",
                                          "-codes",
                                          "-repeats",
                                          "-gaps",
                                          "-samples",
                                          "-size",
                                          "-seed",
                                          "-weft_atoms",
                                          "-weft_group_size",
                                          "-weft_precision",
                                          "-weft_coder_type",
                                          "-weft_coder_max_rounds",
                                          "-weft_coder_max_iterations",
                                          "-weft_coder_view",
                                          "-weft_coder_monitor",
                                          NULL};
static const char *const dictionary_reads[] = {"-problem",
                                               "-json",
                                               "-repeats",
                                               "-batch",
                                               "-batches",
                                               "-every",
                                               "-samples",
                                               "-size",
                                               "-seed",
                                               "-weft_atoms",
                                               "-weft_group_size",
                                               "-weft_precision",
                                               "-weft_coder_type",
                                               "-weft_coder_rtol",
                                               "-weft_coder_max_rounds",
                                               "-weft_coder_max_iterations",
                                               "-weft_coder_view",
                                               "-weft_coder_monitor",
                                               "-weft_dict_max_iterations",
                                               "-weft_dict_rtol",
                                               NULL};
static const char *const io_reads[] = {"-json",       "-repeats",         "-file",           "-inputs", "-samples",
                                       "-weft_atoms", "-weft_group_size", "-weft_precision", NULL};

static const char *const scaling_reads[] = {"-problem",
                                            "-json",
                                            "-repeats",
                                            "-batch",
                                            "-batches",
                                            "-samples",
                                            "-size",
                                            "-seed",
                                            "-latency",
                                            "-bandwidth",
                                            "-memory",
                                            "-weft_atoms",
                                            "-weft_group_size",
                                            "-weft_precision",
                                            "-weft_coder_type",
                                            "-weft_coder_rtol",
                                            "-weft_coder_max_rounds",
                                            "-weft_coder_max_iterations",
                                            "-weft_dict_max_iterations",
                                            "-weft_dict_rtol",
                                            NULL};

static const struct {
  const char        *word;
  const char *const *reads;
  PetscErrorCode (*run)(MPI_Comm comm);
} benches[] = {{"coder", coder_reads, WeftBenchCoder},
               {"dictionary", dictionary_reads, WeftBenchDictionary},
               {"io", io_reads, WeftBenchIO},
               {"scaling", scaling_reads, WeftBenchScaling}};
enum { BENCHES = sizeof(benches) / sizeof(benches[0]) };

/* The options of a problem that is made. */
static const char *const makes[] = {"-size", "-seed", "-weft_atoms", "-weft_group_size", NULL};

static PetscBool IsOneOf(const char name[], const char *const names[])
{
  for (; *names; ++names)
    if (!strcmp(*names, name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode RefuseOthers(int bench)
{
  PetscBool given, problem;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-problem", &problem));
  for (int t = 0; t < WEFT_MAX_TABLES && WeftVerbBench.tables[t]; ++t) {
    for (const WeftOption *o = WeftVerbBench.tables[t]; o->name; ++o) {
      PetscCall(PetscOptionsHasName(NULL, NULL, o->name, &given));
      WeftUserCheck(!given || IsOneOf(o->name, benches[bench].reads), PETSC_COMM_WORLD,
                    "%s: weft bench %s has no such option", o->name, benches[bench].word);
      WeftUserCheck(!given || !problem || !IsOneOf(o->name, makes), PETSC_COMM_WORLD,
                    "%s: is for a problem that is made; leave it out, or -problem", o->name);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunBench(const char word[])
{
  int bench = 0;

  PetscFunctionBegin;
  while (bench < BENCHES && strcmp(benches[bench].word, word)) ++bench;
  WeftUserCheck(bench < BENCHES, PETSC_COMM_WORLD, "weft bench %s: one of coder, dictionary, io, scaling is wanted",
                word);
  PetscCall(RefuseOthers(bench));
  PetscCall(benches[bench].run(PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbBench = {"bench",
                                "coder|dictionary|io|scaling",
                                "measure how fast this machine does the work of learning",
                                "  weft bench coder [-problem problem.h5] [-json F] [-codes F.h5]\n"
                                "  weft bench dictionary [-problem problem.h5] [-json F]\n"
                                "  weft bench io [-file F.h5] [-json F]\n"
                                "  weft bench scaling [-problem problem.h5] [-json F]\n",
                                {WeftBenchOptions, WeftLayerOptions, WeftCoderOptions, WeftDictOptions},
                                RunBench};
