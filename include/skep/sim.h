/* SPDX-License-Identifier: MIT */
/* The embedding front: a world, its plan and a pool in one, opened from a scene.
 *
 *     skep_sim *sim;
 *     skep_sim_desc d = skep_sim_desc_default();
 *     d.log.fn = my_log;
 *     if (skep_sim_open(&skep_scene_bees, &d, &sim) != SKEP_OK) return 1;
 *     while (running) {
 *         skep_sim_step(sim, 1.0f / 60.0f);
 *         draw(skep_sim_world(sim));
 *     }
 *     skep_sim_close(sim);
 *
 * The parts stay public: the world between frames (skep/world.h), the plan (skep/plan.h), the
 * pool (skep/pool.h), snapshots and saves. All calls on one simulation come from the thread that
 * opened it; many simulations can live in one process. Below: what servers ask of a
 * scene; a fixed-step loop with bounded catch-up, pause, single step and rewind; jobs over
 * somebody's own arrays; and scenes in files. Checkpoints, recordings and replay: skep/recovery.h.
 */
#ifndef SKEP_SIM_H
#define SKEP_SIM_H

#include "skep/log.h"
#include "skep/plan.h"
#include "skep/pool.h"
#include "skep/processes.h"
#include "skep/publish.h"
#include "skep/scene.h"
#include "skep/snapshot.h"
#include "skep/world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- opening ----------------------------------------------------------------------------- */

/* A simulation; see skep_sim_open. */
typedef struct skep_sim skep_sim;

/* Where jobs run. None of it changes results. */
typedef enum skep_executor {
    SKEP_EXECUTOR_AUTO,     /* threads when there are workers, else local */
    SKEP_EXECUTOR_LOCAL,    /* everything on the caller */
    SKEP_EXECUTOR_THREADS,  /* persistent threads; with 0 workers the caller alone */
    SKEP_EXECUTOR_PROCESSES /* isolated processes; the caller runs no job. See skep/processes.h */
} skep_executor;

/* For deadline_ns: no job is ever too late. */
#define SKEP_DEADLINE_NONE UINT64_MAX

/* For restart_max: the pool never fails because of lost workers. */
#define SKEP_RESTARTS_ANY UINT32_MAX

/* Called for each fault of a frame when the frame is over, in the order of the report, on the
 * thread that runs it. The world may be read and written, as between frames; the simulation must
 * not be closed, and a step is refused with SKEP_BUSY. `fault` is valid during the call. */
typedef void (*skep_fault_fn)(void *ctx, const skep_fault *fault);

/* For grain: batches too small to pay for waking a worker run on the caller. */
#define SKEP_GRAIN_AUTO UINT32_MAX

/* What to open a simulation with; begin with skep_sim_desc_default(). Zero is the default of
 * every member unless said otherwise. All that it points to is needed during skep_sim_open only,
 * except pool, processes, region, on_fault_ctx, log.ctx and allocator.ctx. */
typedef struct skep_sim_desc {
    uint32_t canary;  /* set by skep_sim_desc_default */
    uint32_t workers; /* threads beside the caller, or processes; SKEP_WORKERS_AUTO by default,
                         0: none, which processes cannot do without */
    uint32_t grain;   /* SKEP_GRAIN_AUTO by default; 0: tasks always go to workers */
    skep_executor executor; /* SKEP_EXECUTOR_AUTO by default */
    uint64_t seed;          /* of all random numbers; 1 by default */
    uint32_t entity_max;    /* the most entities at one time; 1,048,576 by default */
    uint32_t param_count;   /* of params */
    const char *const
        *params;             /* the scene's parameters, "name=value"; the last of one name counts */
    const char *data;        /* text for the scene, or NULL */
    size_t data_bytes;       /* of data */
    const char *title;       /* what messages name the scene by; NULL: its name */
    size_t region_bytes_max; /* address space for all that jobs read; 8 GiB by default, used as
                                needed */
    size_t scratch_bytes;    /* a worker's scratch for skep_scratch; 64 KiB by default */
    size_t patch_bytes_max;  /* the most that one task may put out; 16 MiB by default */
    uint64_t deadline_ns;    /* of a task where its system says nothing; by default 1 s for
                                processes and SKEP_DEADLINE_NONE for all others */
    skep_processes *processes; /* for SKEP_EXECUTOR_PROCESSES; NULL: one of our own, for which the
                                  program must have one thread yet */
    uint32_t restart_max;      /* see skep_pool_desc; SKEP_RESTARTS_ANY: any number */
    bool seccomp_off;          /* of a zygote of our own: see skep_processes_desc */
    skep_fault_fn on_fault;    /* is told of each fault; may be NULL */
    void *on_fault_ctx;        /* for on_fault */
    const skep_region *region; /* to be used instead of one of our own; it is given back untouched.
                                  For processes one of skep_processes_region_open */
    skep_pool *pool;           /* to be used instead of one of our own (workers and executor do not
                                  count then); it outlives the simulation */
    skep_allocator allocator;  /* host memory; all zero: the C heap */
    skep_log log;              /* mistakes, faults, lines of jobs; without fn: standard error */
    uint32_t trace_records;    /* of each thread's trace ring, 24 bytes each; 65,536 by default */
    bool trace_off;            /* the tracer begins switched off: skep_trace_enable */
    bool check;                /* development: poison `out` columns, check inputs around each job */
    bool predict; /* a world to predict in: of the scene's systems only those that it names by
                     skep_publish_predict, of what it creates the resources and no entities */
} skep_sim_desc;

/* Returns the defaults. */
SKEP_API skep_sim_desc skep_sim_desc_default(void);

/* Opens a simulation: makes the world, runs the scene's function, builds the plan, starts the
 * workers. `scene` NULL: an empty world to which you add systems with skep_plan_add. On success
 * the caller closes *sim; else *sim is NULL and the reasons, all at once, went to the log:
 * SKEP_PLAN for mistakes of the scene, its parameters or data; SKEP_VERSION for a scene of
 * another ABI; SKEP_NO_MEMORY and SKEP_LIMIT name the knob; SKEP_ARGUMENT for a description that
 * cannot be; with executor processes SKEP_UNSUPPORTED where there are none, and SKEP_BUSY where a
 * zygote of our own would have to be forked beside threads. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_open(const skep_scene *scene,
                                                  const skep_sim_desc *desc, skep_sim **sim);

/* Ends the workers in bounded time and frees everything, the world included; snapshots of it must
 * have been released. Where a job hangs, what it may still touch is left to it, and the log says
 * so. NULL is fine. */
SKEP_API void skep_sim_close(skep_sim *sim);

/* ---- running ----------------------------------------------------------------------------- */

/* Runs one frame of `dt` seconds and returns when it is done. Jobs that fail are in the report
 * and in the fault log, and are no error: the frame goes on without them. SKEP_BUSY when called
 * from inside a frame (a `run`, a hook or on_fault): the running one goes on. SKEP_ARGUMENT for a
 * dt below 0 or no number. SKEP_NO_MEMORY or SKEP_LIMIT when not even the bookkeeping of a frame
 * fitted: the frame ends early, and what its finished batches did stays. */
SKEP_API skep_status skep_sim_step(skep_sim *sim, float dt);

/* As skep_sim_step, with the time that systems see instead of the sum of all dt. */
SKEP_API skep_status skep_sim_step_at(skep_sim *sim, float dt, double time);

/* Returns what the last frame did; all zero before the first one. Valid until the next step. */
SKEP_API const skep_frame_report *skep_sim_report(const skep_sim *sim);

/* Returns the world; it belongs to the simulation. */
SKEP_API skep_world *skep_sim_world(const skep_sim *sim);
/* Returns the plan; it belongs to the simulation. */
SKEP_API skep_plan *skep_sim_plan(const skep_sim *sim);
/* Returns the pool that runs the jobs, the simulation's own or the one it was given. */
SKEP_API skep_pool *skep_sim_pool(const skep_sim *sim);

/* Returns the name of the executor, "local", "threads", "processes" or a given pool's, and fills
 * the number of workers beside the caller (may be NULL). */
SKEP_API const char *skep_sim_executor(const skep_sim *sim, uint32_t *workers);

/* Returns the world's hash (skep_world_hash). Between frames. */
SKEP_API uint64_t skep_sim_hash(skep_sim *sim);

/* Returns the faults since the simulation was opened or its log was cleared, oldest first, and
 * their number; valid until the next step. At most SKEP_FAULT_LOG_MAX are kept;
 * skep_sim_fault_total counts all. */
SKEP_API const skep_fault *skep_sim_faults(const skep_sim *sim, uint32_t *count);

/* The most faults that a simulation keeps. */
#define SKEP_FAULT_LOG_MAX 4096u

/* Returns the number of all faults since the simulation was opened. */
SKEP_API uint64_t skep_sim_fault_total(const skep_sim *sim);

/* Returns the totals of all frames run. */
SKEP_API void skep_sim_totals(const skep_sim *sim, uint64_t *patches, uint64_t *dropped);

/* One parameter that the scene asked for. */
typedef struct skep_param {
    const char *name;  /* borrowed from the scene */
    const char *help;  /* borrowed from the scene */
    const char *type;  /* "u32", "f32", "f64" or "text" */
    const char *value; /* the one in use, as text; valid while the simulation is open */
    bool given;        /* the host set it */
} skep_param;

/* Returns a parameter of the scene by its place, false past the end. */
SKEP_API bool skep_sim_param(const skep_sim *sim, uint32_t index, skep_param *param);

/* ---- live worlds ------------------------------------------------------------------------- */

/* Fills what a server needs to know of the scene into a description that was begun by
 * skep_publish_desc_default(): replicas, rates and place; the simulation's allocator and log where
 * it has none. What it points to lives as long as the simulation. The first call fixes what is
 * published: declared components, and all that the world has got to know by then. SKEP_LIMIT, with
 * the names in the log, for more than SKEP_REPLICA_MAX; SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_publish_desc(skep_sim *sim, skep_publish_desc *desc);

/* Makes the own entity of a player who joined, as the scene says (skep_publish_join), and returns
 * it, for skep_feed_own. Null where there is none. Between frames. */
SKEP_API skep_entity skep_sim_join(skep_sim *sim, uint32_t player);

/* Takes a player's own entity back. Between frames. */
SKEP_API void skep_sim_leave(skep_sim *sim, uint32_t player, skep_entity own);

/* Returns the name of a system that clients predict, by its place in the order of
 * skep_publish_predict; NULL past the end. */
SKEP_API const char *skep_sim_predicted(const skep_sim *sim, uint32_t index);

/* Returns a component that predicted systems use of their entities, for skep_view_desc.predict;
 * NULL past the end. */
SKEP_API const skep_component *skep_sim_predicted_component(const skep_sim *sim, uint32_t index);

/* ---- tracing ----------------------------------------------------------------------------- */

/* Returns the simulation's tracer, to switch it on and off and to trace zones of your own; it
 * belongs to the simulation. */
SKEP_API skep_trace *skep_sim_trace(const skep_sim *sim);

/* Says what the ticks of the tracer's clock mean, measured since the simulation was opened (or, in
 * its first 10 ms, until they are over). Set budget_ns as you like before skep_trace_write. */
SKEP_API void skep_sim_trace_time(const skep_sim *sim, skep_trace_time *time);

/* Writes the last `frames` frames (0: all that the rings hold) to a file, whole or not at all, in
 * the format of docs/trace-format.md: `skep trace` makes a page, JSON or a summary of it. `written`
 * gets the number of frames (may be NULL). Between frames. SKEP_NO_MEMORY, or SKEP_IO with the
 * reason in the log. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_trace_save(skep_sim *sim, const char *path,
                                                        uint32_t frames, uint32_t *written);

/* ---- files ------------------------------------------------------------------------------- */

/* Saves the world to a file, whole or not at all. SKEP_IO, or what skep_save_write can give; the
 * reason goes to the log. Between frames. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_save(skep_sim *sim, const char *path);

/* Takes the world to what a file holds: one that skep_sim_save wrote, of this scene or one whose
 * components match by name. SKEP_NOT_FOUND, SKEP_IO, SKEP_CORRUPT, SKEP_FOREIGN, SKEP_VERSION,
 * SKEP_SCHEMA: the world stays as it was, and the log says why with the byte offset. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_load(skep_sim *sim, const char *path);

/* ---- fixed steps ------------------------------------------------------------------------- */

/* A loop that turns the time of a clock into frames of one length; see skep_loop_create. */
typedef struct skep_loop skep_loop;

/* What to create a loop with; begin with skep_loop_desc_default(). */
typedef struct skep_loop_desc {
    uint32_t canary; /* set by skep_loop_desc_default */
    uint32_t
        catch_up_max;    /* the most frames that one call of skep_loop_advance runs; 5 by default */
    double hz;           /* frames a second, 0.001 to 100,000; 60 by default */
    uint32_t rewind_max; /* frames that skep_loop_rewind can go back; 0 by default. Each holds a
                            snapshot; what did not change is shared */
} skep_loop_desc;

/* Returns the defaults. */
SKEP_API skep_loop_desc skep_loop_desc_default(void);

/* Creates a loop over a simulation that outlives it. SKEP_ARGUMENT for a rate out of range. */
SKEP_API SKEP_NODISCARD skep_status skep_loop_create(skep_sim *sim, const skep_loop_desc *desc,
                                                     skep_loop **loop);

/* Releases the loop and its snapshots; the simulation stays. NULL is fine. */
SKEP_API void skep_loop_destroy(skep_loop *loop);

/* Lets `elapsed_ns` of the host's clock go by and runs the frames that became due, at most
 * catch_up_max: what is due beyond that is given up, since a slow machine would never catch up,
 * and counted by skep_loop_lost_ns. Fills the number of frames run (may be NULL). Paused: time
 * does not pass. The first error of a frame ends the call. */
SKEP_API skep_status skep_loop_advance(skep_loop *loop, uint64_t elapsed_ns, uint32_t *frames);

/* As skep_loop_advance, by a clock that never goes back: the first call only sets the clock. */
SKEP_API skep_status skep_loop_advance_to(skep_loop *loop, uint64_t now_ns, uint32_t *frames);

/* Pauses or goes on. Time that passes between two skep_loop_advance_to in a pause is not made up
 * for. */
SKEP_API void skep_loop_pause(skep_loop *loop, bool paused);
/* Returns whether the loop is paused. */
SKEP_API bool skep_loop_paused(const skep_loop *loop);

/* Runs exactly one frame, paused or not, whatever the clock says. */
SKEP_API skep_status skep_loop_step(skep_loop *loop);

/* Takes the world `frames` frames back. SKEP_LIMIT, with nothing changed, for more than are kept:
 * knob rewind_max. Costs as skep_world_restore. */
SKEP_API SKEP_NODISCARD skep_status skep_loop_rewind(skep_loop *loop, uint32_t frames);

/* Returns how many frames skep_loop_rewind can go back now. */
SKEP_API uint32_t skep_loop_rewindable(const skep_loop *loop);

/* Returns the world as it was before the last frame, to draw between the two with
 * skep_loop_alpha; NULL before the first frame or with rewind_max 0. Borrowed until the next
 * frame or rewind. */
SKEP_API const skep_snapshot *skep_loop_previous(const skep_loop *loop);

/* Returns how far the clock is between the last frame and the next, in [0, 1). */
SKEP_API double skep_loop_alpha(const skep_loop *loop);

/* Returns the length of a frame in seconds, which each frame gets as its dt. */
SKEP_API float skep_loop_dt(const skep_loop *loop);

/* Returns the time that was given up because the machine was too slow, in all. */
SKEP_API uint64_t skep_loop_lost_ns(const skep_loop *loop);

/* ---- jobs without a world ---------------------------------------------------------------- */

/* Runs a job over n rows of the caller's arrays and returns when it is done:
 * skep_run_columns(pool, &move, n, dt, Pos_columns(&pos), Vel_columns(&vel)). `pool` NULL: on the
 * caller; else cut into blocks of 1,024 rows for all its workers. The job may use in, mut, out,
 * opt and with, not lookups, resources, events or rights. SKEP_ARGUMENT names nothing but means:
 * a component is missing or the job uses something else; SKEP_FAULT: the job called skep_fail.
 * Arrays are changed in place. */
#define skep_run_columns(pool, job, n, dt, ...)                                                    \
    skep__run_columns((pool), (job), (n), (dt), SKEP_LIT(skep_part_list, {__VA_ARGS__}))

/* Private: what skep_run_columns calls. */
SKEP_API skep_status skep__run_columns(skep_pool *pool, const skep_job *job, uint32_t n, float dt,
                                       skep_part_list list);

/* ---- scenes in files --------------------------------------------------------------------- */

/* A scene in a module that was loaded. */
typedef struct skep_scene_file skep_scene_file;

/* Loads a module, FILE.so, and finds its scene. The program must export what scenes call (link it
 * with skep whole and -rdynamic, as the command is). SKEP_NOT_FOUND: no such file; SKEP_FOREIGN:
 * no module, or one without a scene; SKEP_VERSION: another ABI. Then one line that says why is in
 * `text` (at most `text_bytes` with the ending zero). Running a module's code is as safe as
 * running any program. */
SKEP_API SKEP_NODISCARD skep_status skep_scene_file_open(const char *path, skep_scene_file **file,
                                                         char *text, size_t text_bytes);

/* Returns the scene of a module; valid until the file is closed. */
SKEP_API const skep_scene *skep_scene_file_scene(const skep_scene_file *file);

/* Unloads a module; every simulation of its scene was closed before. NULL is fine. */
SKEP_API void skep_scene_file_close(skep_scene_file *file);

#ifdef __cplusplus
}
#endif

#endif
