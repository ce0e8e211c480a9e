/* SPDX-License-Identifier: MIT */
/* What numbers in commands and hashes mean, and which systems run in which order: written with a
 * recording, so that playing it can tell whether this is the same scene. */
#ifndef SKEP_CORE_RECORD_NUMBERS_H
#define SKEP_CORE_RECORD_NUMBERS_H

#include "core/plan/plan_internal.h"
#include "core/record/record_format.h"

/* A hash of all numbers' identities: another one when some were added or changed. */
uint64_t skep__numbers_sum(const skep_world *w);
/* Appends the payload of NUMBERS. */
bool skep__numbers_put(const skep_world *w, skep__bytes *out);
/* Whether a payload's numbers mean the same here; there may be more of them on either side. */
bool skep__numbers_same(const skep_world *w, const uint8_t *payload, size_t bytes);

/* The same of the plan's systems, which must have been built. */
uint64_t skep__systems_sum(const skep_plan *p);
bool skep__systems_put(const skep_plan *p, skep__bytes *out);
/* Whether these are the plan's systems, in this order and these batches. */
bool skep__systems_same(const skep_plan *p, const uint8_t *payload, size_t bytes);

#endif
