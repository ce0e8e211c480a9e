/* SPDX-License-Identifier: MIT */
/* What a task reads, as ranges of memory: for workers that have none in common with this one, and
 * for files that keep what a job failed at. Whoever gets these bytes at the same addresses can run
 * the task: every pointer in them holds there as well. */
#ifndef SKEP_CORE_PLAN_TASK_READS_H
#define SKEP_CORE_PLAN_TASK_READS_H

#include "core/plan/plan_internal.h"

/* Takes a range; false to give up. Ranges may overlap. */
typedef bool skep__reads_push(void *ctx, const void *at, size_t bytes);

/* Hands over all ranges that a task reads, its own description included. Between the making of the
 * task and the commit of its batch. Not for tasks with a span. False when `push` gave up. */
bool skep__task_reads(skep_world *w, const skep_pool_task *task, const skep_job *job,
                      skep__reads_push *push, void *ctx);

#endif
