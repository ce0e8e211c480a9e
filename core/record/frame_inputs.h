/* SPDX-License-Identifier: MIT */
/* What a frame gets, given to a world from bytes that may be anything. */
#ifndef SKEP_CORE_RECORD_FRAME_INPUTS_H
#define SKEP_CORE_RECORD_FRAME_INPUTS_H

#include "core/record/record_format.h"
#include "core/world/world_internal.h"

/* Queues the commands that come next, as if they were written from outside. SKEP_CORRUPT for those
 * that make no sense here, SKEP_NO_MEMORY. */
skep_status skep__commands_play(skep_world *w, skep__rec_cursor *c, uint32_t command_bytes);

/* Posts the inputs that come next. */
skep_status skep__inputs_play(skep_world *w, skep__rec_cursor *c, uint32_t count);

#endif
