/* The man page weft(1), from the option tables. */
#include <weft/help.h>

/* Text as roff reads it: a dash stays a dash that can be copied, and no line is taken for a request. */
static void Roff(const char text[])
{
  PetscBool start = PETSC_TRUE;

  for (; *text; ++text) {
    if (start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
    if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '\\')
      fputs("\\e", stdout);
    else
      putchar(*text);
    start = *text == '\n' ? PETSC_TRUE : PETSC_FALSE;
  }
}

/* A paragraph with a head in bold: "\fB-weft_atoms\fR \fIK\fR". */
static void Head(const char name[], const char argument[])
{
  printf(".TP\n\\fB");
  Roff(name);
  printf("\\fR");
  if (argument) {
    printf(" \\fI");
    Roff(argument);
    printf("\\fR");
  }
  putchar('\n');
}

static void Options(const WeftOption table[])
{
  for (const WeftOption *o = table; o->name; ++o) {
    Head(o->name, o->argument);
    Roff(o->help);
    if (o->fallback) {
      printf(" [default ");
      Roff(o->fallback);
      putchar(']');
    }
    putchar('\n');
  }
}

static void Verb(const WeftVerb *verb)
{
  printf(".SS weft %s\n", verb->name);
  Roff(verb->summary);
  printf(".\n.PP\n.nf\n");
  Roff(verb->synopsis);
  printf(".fi\n");
  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t) {
    if (verb->tables[t] == WeftOptionsPerLayer)
      printf(".PP\nThe options that follow may be given for one layer alone, the first being 0:\n"
             ".BR \\-layer1_weft_atoms .\n");
    Options(verb->tables[t]);
  }
}

static void Begin(const WeftVerb *const verbs[])
{
  const char *version;

  WeftVersion(&version, NULL);
  printf(".TH WEFT 1 \"\" \"weft %s\" \"User Commands\"\n", version);
  printf(".SH NAME\nweft \\- learns the structure of neural networks from data, without labels\n.SH SYNOPSIS\n.nf\n");
  for (int i = 0; verbs[i]; ++i) {
    printf("\\fBweft %s\\fR", verbs[i]->name);
    if (verbs[i]->word) {
      printf(" \\fI");
      Roff(verbs[i]->word);
      printf("\\fR");
    }
    printf(" [\\fIoptions\\fR]\n");
  }
  printf("\\fBweft\\fR [\\fIverb\\fR] \\fB\\-help\\fR [\\fB\\-json\\fR]\n\\fBweft \\-version\\fR\n.fi\n");
}

static void Describe(void)
{
  fputs(".SH DESCRIPTION\n"
        "Learns from unlabelled samples which inputs each unit of a network connects to, which units are pooled, how\n"
        "many units survive and how many layers pay; then trains the network of that structure.\n"
        "Every verb runs alone or on any number of ranks under\n.B mpirun\nor\n.BR srun .\n"
        "Options take one dash or two, and may stand in a YAML file without their dash. An unknown one stops the run\n"
        "and the nearest is suggested.\n"
        ".SH OPTIONS\n.SS every verb\n",
        stdout);
  Options(WeftOptionsEverywhere);
}

static void End(void)
{
  fputs(
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nDone.\n"
    ".TP\n.B 2\nA mistake to mend, in an option or a file: one line says which and what to do.\n"
    ".TP\n.B 75\nStopped on SIGUSR1, SIGTERM or SIGINT after writing a checkpoint: run again with\n"
    ".BR \\-resume .\n"
    ".TP\n.B else\nA fault.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B OPENBLAS_NUM_THREADS\nThreads of BLAS in a rank; 1 where neither this nor OMP_NUM_THREADS is set.\n"
    ".TP\n.B OPENBLAS_CORETYPE\nKernel of OpenBLAS; one that suits the processor is chosen where it is not set.\n"
    ".TP\n.B PETSC_OPTIONS\nMore options, as on the command line.\n"
    ".SH FILES\n"
    "All are HDF5, with a description of every dataset:\n.I data.h5\n(samples),\n.I run.h5\n(a learned structure, or\n"
    "a checkpoint of one),\n.I features.h5\n(what a structure or a network answers),\n.I net.h5\n(a trained\n"
    "network).\n"
    ".SH SEE ALSO\n.BR mpirun (1),\n.BR srun (1),\n.BR h5ls (1)\n",
    stdout);
}

void WeftHelpMan(const WeftVerb *const verbs[])
{
  Begin(verbs);
  Describe();
  for (int i = 0; verbs[i]; ++i) Verb(verbs[i]);
  End();
}
