/* SPDX-License-Identifier: MIT */
/* What pools' hosts need to know of a task's output when it was written elsewhere: where each
 * column lies, and how to bring it home. Running a task is public (skep_task_run in skep/pool.h).
 */
#ifndef SKEP_CORE_PLAN_TASK_RUN_H
#define SKEP_CORE_PLAN_TASK_RUN_H

#include "core/base/base.h"
#include "skep/pool.h"

/* The most bytes of a job's column struct: for each access entry the pointers of all fields, and
 * two more (events have a count and addressees beside them). */
#define SKEP__COLS_BYTES_MAX (SKEP_ACCESS_MAX * (SKEP_FIELD_MAX + 2u) * 8u)

/* Where the first written column of an output elsewhere begins. */
SKEP_INLINE size_t skep__layout_first(const skep_pool_task *task)
{
    return skep__align(task->output_bytes, 64);
}

/* Where the column behind the one at `offset` begins. */
SKEP_INLINE size_t skep__layout_next(size_t offset, const skep_task_write *write)
{
    return skep__align(offset + write->bytes, 64);
}

/* The job that is running. */
const skep_job *skep__task_job(const skep_task *task);

/* Copies what a result holds in a worker's memory to where it would have been written: columns into
 * the arena blocks, cells and patches into the task's output area. Nothing to do when output is
 * NULL. Columns are copied only when the status is SKEP_OK; patches always, for their log lines. */
void skep__task_bring_home(const skep_pool_task *task, const skep_pool_result *result);

#endif
