#include "folder.h"
#include <weft/sys.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static int IsFirstRank(void)
{
  int rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  return !rank;
}

int FolderMake(void **state)
{
  (void)state;
  snprintf(folder, sizeof(folder), "/tmp/weft-test-XXXXXX");
  if (IsFirstRank() && !mkdtemp(folder)) return 1;
  MPI_Bcast(folder, sizeof(folder), MPI_CHAR, 0, PETSC_COMM_WORLD);
  return 0;
}

int FolderRemove(void **state)
{
  char           path[512];
  struct dirent *entry;
  DIR           *listing;

  (void)state;
  MPI_Barrier(PETSC_COMM_WORLD);
  if (!IsFirstRank()) return 0;
  listing = opendir(folder);
  while (listing && (entry = readdir(listing))) {
    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    unlink(path); /* fails on "." and "..", as it should */
  }
  if (listing) closedir(listing);
  return rmdir(folder);
}

const char *FolderPath(const char name[])
{
  static char paths[4][128];
  static int  next;

  next = (next + 1) % 4;
  snprintf(paths[next], sizeof(paths[next]), "%s/%s.h5", folder, name);
  return paths[next];
}
