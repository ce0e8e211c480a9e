/* SPDX-License-Identifier: MIT */
/* Nothing but asserts: the layouts that js/src/core/layout.ts states for wasm32. */
#include "core/plan/plan_internal.h"
#include "wasm/host.h"

#define AT(type, member, offset)                                                                   \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member ": see core/layout.ts")
#define BYTES(type, bytes) _Static_assert(sizeof(type) == (bytes), #type ": see core/layout.ts")

AT(skep_task, n, 0);
AT(skep_task, dt, 4);
AT(skep_task, time, 8);
AT(skep_task, tick, 16);
AT(skep_task, entity, 24);
AT(skep_task, block, 28);
AT(skep_task, part, 32);
AT(skep_task, parts, 36);
AT(skep_task, row, 40);

AT(skep_pool_task, span, 4);
AT(skep_pool_task, cells, 8);
AT(skep_pool_task, frame, 12);
AT(skep_pool_task, spawns, 16);
AT(skep_pool_task, output, 20);
AT(skep_pool_task, job, 32);
AT(skep_pool_task, part_count, 36);
AT(skep_pool_task, cell_count, 40);
AT(skep_pool_task, spawn_count, 44);
AT(skep_pool_task, cells_bytes, 48);
AT(skep_pool_task, output_bytes, 52);
AT(skep_pool_task, block, 56);
AT(skep_pool_task, rows, 60);
AT(skep_pool_task, system, 64);
BYTES(skep_pool_task, 72);

AT(skep_task_part, columns, 4);
AT(skep_task_part, writes, 8);
AT(skep_task_part, reads, 12);
AT(skep_task_part, write_count, 16);
AT(skep_task_part, read_count, 20);
AT(skep_task_part, n, 24);
AT(skep_task_part, row, 28);
BYTES(skep_task_part, 32);

AT(skep_task_write, from, 4);
AT(skep_task_write, bytes, 8);
AT(skep_task_write, column, 12);
BYTES(skep_task_write, 16);

AT(skep_task_cell, bytes, 4);
AT(skep_task_cell, offset, 8);
AT(skep_task_cell, column, 12);
BYTES(skep_task_cell, 20);

AT(skep_task_frame, tick, 8);
AT(skep_task_frame, seed, 16);
AT(skep_task_frame, dt, 24);
BYTES(skep_task_frame, 32);

AT(skep_pool_result, status, 4);
AT(skep_pool_result, cause, 8);
AT(skep_pool_result, output, 12);
AT(skep_pool_result, bytes, 16);
AT(skep_pool_result, bytes_wanted, 20);
AT(skep_pool_result, worker, 32);
AT(skep_pool_result, writing, 36);
BYTES(skep_pool_result, 40);

AT(skep_job, access, 4);
AT(skep_job, access_count, 8);
AT(skep_job, cols_size, 12);
AT(skep_job, flags, 16);
BYTES(skep_job, 28);
AT(skep_access, mode, 4);
AT(skep_access, offset, 8);
BYTES(skep_access, 12);

_Static_assert(SKEP__JOB_LATE == 1u << 29, "JOB_LATE: see core/layout.ts");
_Static_assert(WASM_JOB_JS == 1u << 30, "JOB_JS: see core/layout.ts");
_Static_assert(WASM_JOB_HANDED == 1u << 31, "JOB_HANDED: see core/layout.ts");

AT(wasm_slot, serial, 4);
AT(wasm_slot, asleep, 8);
AT(wasm_slot, up, 12);
AT(wasm_slot, causes, 16);
AT(wasm_slot, stack, 20);
AT(wasm_slot, room, 24);
AT(skep_task_room, scratch_bytes, 4);
AT(skep_task_room, elsewhere, 8);
AT(skep_task_room, guard, 12);
BYTES(skep_task_room, 16);

BYTES(skep__cell, 16);
AT(skep__cell, epoch, 8);
BYTES(skep__colref, 12);
AT(skep__colref, stride, 4);
AT(skep__colref, shift, 8);
