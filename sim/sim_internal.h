/* SPDX-License-Identifier: MIT */
/* A simulation's insides, for the files of sim/. */
#ifndef SKEP_SIM_INTERNAL_H
#define SKEP_SIM_INTERNAL_H

#include "core/base/log.h"
#include "core/record/record_format.h"
#include "sim/builder.h"
#include "skep/sim.h"

/* Set by the desc_default functions: a descriptor without it was never initialised. */
#define SKEP__SIM_CANARY 0x51ABE5u
#define SKEP__LOOP_CANARY 0x10025u

/* A task's deadline where workers can be killed, and nobody says otherwise. */
#define SKEP__SIM_DEADLINE_NS UINT64_C(1000000000)

struct skep_sim {
    skep_allocator allocator;
    skep_log log;
    const char *title;
    const char *scene;  /* its name, or NULL */
    skep_region region; /* own_region: ours to close */
    skep_world *world;
    skep_plan *plan;
    skep_pool *pool; /* own_pool: ours to destroy */
    skep_trace *trace;
    uint64_t trace_ticks; /* of the tracer's clock, when it was made; and of the port's */
    uint64_t trace_ns;
    uint64_t trace_unix_ns;
    skep__keep kept;
    skep__helpers helpers;
    skep__declares declares;
    skep__asked *asked;
    skep_frame_report report;
    skep_fault *faults; /* fault_count kept ones */
    uint32_t fault_count;
    uint32_t fault_cap;
    uint64_t fault_total;
    skep_fault_fn on_fault; /* may be NULL */
    void *on_fault_ctx;
    uint64_t patches;
    uint64_t dropped;
    struct skep__recording *recording;     /* being made, or NULL */
    struct skep__checkpoint *checkpoint;   /* being taken now and then, or NULL */
    struct skep__fault_files *fault_files; /* being written, or NULL */
    skep_task_room room;       /* the calling thread's, for systems that run without a pool */
    skep_processes *processes; /* of the pool, or NULL; own_processes: ours to end */
    bool own_region;
    bool own_pool;
    bool own_processes;
    bool telling; /* on_fault is being called */
};

/* Maps a file and says in the log why it cannot. */
skep_status skep__sim_map(skep_sim *sim, const char *path, const uint8_t **bytes, size_t *size);

/* Takes the world to what a save holds; `path` is for messages. */
skep_status skep__sim_load_bytes(skep_sim *sim, const char *path, const uint8_t *bytes,
                                 size_t size);

/* Notes what a frame is about to get, before skep_frame_begin; and what came of it, after the
 * end. Only while something is recorded. */
void skep__record_before(skep_sim *sim, float dt, double time);
void skep__record_after(skep_sim *sim);

/* Does what is due after a frame. Only with checkpoints. */
void skep__checkpoint_after(skep_sim *sim);

/* Writes a file of a task that failed: a skep_fault_task_fn, `ctx` is the skep_sim. Nothing where
 * none are asked for. */
void skep__fault_files_task(void *ctx, const skep_fault_task *fault);
void skep__fault_files_end(skep_sim *sim);

/* Fills what `skep replay` needs to open the same scene into `notes`; `numbers` are its texts.
 * Returns the number of notes. */
#define SKEP__NOTES_MAX 132u
uint32_t skep__sim_notes(const skep_sim *sim, const char *scene, char numbers[3][24],
                         skep__rec_note *notes);

/* Makes the tracer, with a ring for the caller and each of so many workers. */
skep_status skep__sim_trace_open(skep_sim *sim, const skep_sim_desc *desc, uint32_t workers);

/* Whether the simulation is to have workers that are processes of its own pool. */
bool skep__sim_isolates(const skep_sim_desc *desc);

/* Finds or forks their zygote, where there are to be such; before the region is opened. */
skep_status skep__sim_processes_open(skep_sim *sim, const skep_sim_desc *desc);

/* The deadline of tasks whose system says nothing, by the pool that the simulation has; 0: none. */
uint64_t skep__sim_deadline(const skep_sim *sim, const skep_sim_desc *desc);

/* Standard error, for hosts without a log. */
skep_log skep__sim_stderr(void);

#endif
