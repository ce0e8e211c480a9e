/* SPDX-License-Identifier: MIT */
/* A file that keeps what one job failed at: the task and all that it read, at their addresses, so
 * that just that job can be run again (record_format.h has the framing).
 *
 *     NOTES      what the host says: scene, params, seed
 *     DATA       of the data file, or none
 *     FAULT      task u64 (its address) | frame u64 | duration_ns u64 | scratch_bytes u64 | status
 *                u32 | block u32 | worker u32 | rows u32 | flags u32 (SKEP_BATCH_*) | cols_size u32
 *                | pointer_bytes u32 | 0 u32 | system 64 | job 64 | executor 32 | cause 192
 *     RANGE ...  address u64 | bytes; by address, not touching one another
 *     FAULT_END  their number u64 */
#ifndef SKEP_CORE_RECORD_FAULT_FILE_H
#define SKEP_CORE_RECORD_FAULT_FILE_H

#include "core/plan/plan_internal.h"
#include "core/record/record_format.h"

/* A fault as a file has it. */
typedef struct skep__fault_head {
    uint64_t task;
    uint64_t frame;
    uint64_t duration_ns;
    uint64_t scratch_bytes;
    uint32_t status;
    uint32_t block;
    uint32_t worker;
    uint32_t rows;
    uint32_t flags;
    uint32_t cols_size;
    uint32_t pointer_bytes; /* of the machine that wrote it */
    char system[SKEP_SYSTEM_NAME_BYTES];
    char job[SKEP_SYSTEM_NAME_BYTES];
    char executor[32];
    char cause[192];
} skep__fault_head;

typedef struct skep__fault_range {
    uint64_t address;
    const uint8_t *bytes;
    size_t size;
} skep__fault_range;

/* What to write beside the task. */
typedef struct skep__fault_notes {
    const skep__rec_note *notes;
    uint32_t note_count;
    uint32_t flags;
    const void *data; /* or NULL */
    size_t data_bytes;
    uint64_t scratch_bytes;
    const char *executor;
    uint64_t bytes_max; /* nothing is written of a task that read more */
} skep__fault_notes;

/* Writes a file of a task that failed, inside skep_plan_host.fault_task. SKEP_LIMIT for one that
 * read more than bytes_max, SKEP_NO_MEMORY, SKEP_IO. */
SKEP_NODISCARD skep_status skep__fault_write(skep_plan *p, const skep_fault_task *fault,
                                             const skep__fault_notes *notes, skep__rec_writer *out);

typedef struct skep__fault_file skep__fault_file;

/* Reads one; the bytes stay where they are until it is closed. Nothing in it is believed: ranges
 * are in order and do not touch, and the task's address lies in one of them. Whether it is of this
 * kind of machine is to be asked by whoever runs it. */
SKEP_NODISCARD skep_status skep__fault_open(const skep_allocator *allocator, const void *bytes,
                                            size_t size, skep__fault_file **file,
                                            skep_error *error);
void skep__fault_close(skep__fault_file *file);

const skep__fault_head *skep__fault_head_of(const skep__fault_file *file);
/* Range `index`, false past the end. */
bool skep__fault_range_at(const skep__fault_file *file, uint32_t index, skep__fault_range *range);
/* As skep__replay_note and skep__replay_data. */
const char *skep__fault_note(const skep__fault_file *file, const char *key, uint32_t index);
const uint8_t *skep__fault_data(const skep__fault_file *file, size_t *bytes);

#endif
