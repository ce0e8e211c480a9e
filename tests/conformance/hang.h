/* SPDX-License-Identifier: MIT */
/* A job that hangs when a test wants it to, until the test lets it go on. */
#ifndef SKEP_TESTS_CONFORMANCE_HANG_H
#define SKEP_TESTS_CONFORMANCE_HANG_H

#include "skep/job.h"

#include <stdatomic.h>

SKEP_COMPONENT(Number, (u32, v));

extern _Atomic uint32_t hang_left; /* tasks that will hang */
extern _Atomic uint32_t hung;      /* tasks that hung and have gone on */

/* Writes its block's number, and hangs while there are tasks to hang left, in every fourth block.
 */
const skep_job *hang_job(void);

/* Closes the gate: the next `count` tasks that come to it will hang. */
void hang_reset(uint32_t count);

/* Opens the gate and waits until all `count` that hung have gone on. */
void hang_release(uint32_t count);

#endif
