/* OpenBLAS picks its kernels by processor model, and takes models newer than itself for old ones: the right kernel can
   be several times as fast. The choice is made when the library loads, so mending it means starting the program again.
 */
#include <weft/sys.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char kernel_variable[] = "OPENBLAS_CORETYPE";
static const char before_variable[] = "WEFT_BLAS_BEFORE"; /* the kernel that a second start replaced */

/* The kernel in use, or NULL where the BLAS is not OpenBLAS. */
static const char *CurrentKernel(void)
{
  char *(*name)(void) = (char *(*)(void))dlsym(RTLD_DEFAULT, "openblas_get_corename");

  return name ? name() : NULL;
}

static int OneOf(const char name[], const char *const list[])
{
  for (; *list; ++list)
    if (!strcasecmp(name, *list)) return 1;
  return 0;
}

/* The kernel for this processor where the one in use leaves its vector units idle; NULL: nothing to mend. */
static const char *BetterKernel(const char current[])
{
#if defined(__x86_64__) && defined(__GNUC__)
  static const char *const avx512[] = {"SkylakeX", "Cooperlake", "SapphireRapids", NULL};
  static const char *const avx2[] = {"Haswell", "Zen", "Excavator", NULL};

  __builtin_cpu_init();
  if (OneOf(current, avx512)) return NULL;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    return "SkylakeX";
  if (OneOf(current, avx2)) return NULL;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#else
  (void)current;
#endif
  return NULL;
}

void WeftBlasChooseKernel(char **argv)
{
  const char *current = CurrentKernel(), *better = current ? BetterKernel(current) : NULL;

  if (!better || getenv(kernel_variable)) return;
  setenv(before_variable, current, 1);
  setenv(kernel_variable, better, 1); /* a user's own choice, or a second start, ends above */
  execv("/proc/self/exe", argv);
}

PetscErrorCode WeftBlasStart(void)
{
  void (*set_threads)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
  const char *current = CurrentKernel(), *better = current ? BetterKernel(current) : NULL;

  PetscFunctionBegin;
  /* Ranks share a node's cores: one thread each, unless the user says otherwise. */
  if (set_threads && !getenv("OPENBLAS_NUM_THREADS") && !getenv("OMP_NUM_THREADS")) set_threads(1);
  PetscCall(PetscInfo(NULL, "BLAS kernel: %s\n", current ? current : "not OpenBLAS"));
  if (better && !getenv(kernel_variable)) /* starting again was not possible */
    PetscCall(PetscFPrintf(PETSC_COMM_WORLD, stderr,
                           "weft: OpenBLAS uses its %s kernel; this processor can do more: export %s=%s\n", current,
                           kernel_variable, better));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBlasSay(MPI_Comm comm)
{
  const char *current = CurrentKernel(), *better = current ? BetterKernel(current) : NULL;
  const char *before = getenv(before_variable), *set = getenv(kernel_variable);

  PetscFunctionBegin;
  if (!better && before && current)
    PetscCall(PetscFPrintf(comm, stderr,
                           "weft: note: OpenBLAS takes this processor for an older one (%s); its %s kernel is used\n",
                           before, current));
  if (better && set)
    PetscCall(PetscFPrintf(comm, stderr,
                           "weft: note: %s=%s is set, but this processor can do more: unset %s, and weft chooses %s\n",
                           kernel_variable, set, kernel_variable, better));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftBlasDescribe(size_t size, char name[], int *threads)
{
  int (*get_threads)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "openblas_get_num_threads");
  const char *kernel = CurrentKernel(), *slash;
  Dl_info     info = {0};

  *threads = get_threads ? get_threads() : 1;
  if (kernel) {
    snprintf(name, size, "OpenBLAS %s", kernel);
    return;
  }
  (void)dladdr(dlsym(RTLD_DEFAULT, "dgemm_"), &info);
  slash = info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
  snprintf(name, size, "%s", slash ? slash + 1 : "unknown");
}
