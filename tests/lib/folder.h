/* A folder for the files of one test program, the same on all ranks. */
#pragma once

/* Set-up and tear-down of a cmocka group. Collective. */
extern int FolderMake(void **state);
extern int FolderRemove(void **state);
/* "FOLDER/name.h5"; the text is good until the fourth call after. */
extern const char *FolderPath(const char name[]);

/* As WEFT_TEST_MAIN, with a folder; setup: FolderMake, or what calls it. */
#define WEFT_TEST_MAIN_WITH_FOLDER(tests, setup)                                                                       \
  int main(int argc, char **argv)                                                                                      \
  {                                                                                                                    \
    int failed, any;                                                                                                   \
    if (WeftInitialize(&argc, &argv, NULL)) return 1;                                                                  \
    failed = cmocka_run_group_tests(tests, setup, FolderRemove);                                                       \
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);                                                 \
    if (WeftFinalize()) return 1;                                                                                      \
    return any ? 1 : 0;                                                                                                \
  }
