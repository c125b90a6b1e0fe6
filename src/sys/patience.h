/* How long an output may wait for its file system or another rank. */
#pragma once
#include <petscsys.h>

/* WeftPatienceBegin - from here on 1800 s without WeftPatienceGoesOn() (WEFT_WRITE_PATIENCE in the environment: another
   number) remove partial, say on rank 0 that path cannot be written, and end the process with status 2: a file system
   that does not answer is for someone to look at, and a job that queued again (75) would wait there again. Time in
   which the process was stopped does not count. Not collective; one output at a time. */
extern void WeftPatienceBegin(const char path[], const char partial[], PetscBool rank0);
/* WeftPatienceGoesOn - the time begins anew. */
extern void WeftPatienceGoesOn(void);
/* WeftPatienceRest - no time is counted until WeftPatienceResume() or the next WeftPatienceBegin(). */
extern void WeftPatienceRest(void);
extern void WeftPatienceResume(void);
/* WeftPatienceHush - what is wrong has been told: when the time is over, the process ends without a word. */
extern void WeftPatienceHush(void);
