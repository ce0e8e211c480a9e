/* SPDX-License-Identifier: MIT */
/* What is left when a program ended: checkpoints to go on from, recordings of what frames got, to
 * play again and find the first bit that comes out differently, and files of what one job failed
 * at.
 *
 *     skep_record_desc d = skep_record_desc_default();
 *     d.path = "run.skepr";
 *     if (skep_sim_record_open(sim, &d) != SKEP_OK) return 1;
 *     while (running) skep_sim_step(sim, 1.0f / 60.0f);
 *     skep_sim_record_end(sim);
 *
 * docs/recordings.md shows the same from the command line. All calls come from the thread that
 * opened the simulation, between frames. */
#ifndef SKEP_RECOVERY_H
#define SKEP_RECOVERY_H

#include "skep/log.h"
#include "skep/plan.h"
#include "skep/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A simulation; see skep/sim.h. */
typedef struct skep_sim skep_sim;

/* ---- checkpoints ------------------------------------------------------------------------- */

/* What to begin checkpoints with; begin with skep_checkpoint_desc_default(). */
typedef struct skep_checkpoint_desc {
    uint32_t canary; /* set by skep_checkpoint_desc_default */
    uint32_t every;  /* after frames whose number, counted from 1, is a multiple; 600 by default */
    uint32_t keep;   /* the newest of them that stay in the folder; 3 by default */
    const char *folder; /* made where it is not there, its parent is; copied */
} skep_checkpoint_desc;

/* Returns the defaults. */
SKEP_API skep_checkpoint_desc skep_checkpoint_desc_default(void);

/* From now on a snapshot is taken every so many frames, and a thread of its own writes it, as a
 * save (skep/save.h) under a temporary name, synced, and then given its name:
 * FOLDER/checkpoint-N-T.skep, the N-th in this folder, of a world that had run T frames. Older ones
 * beyond `keep` go when it is there. So a program that is killed at any moment loses the frames
 * since the last one, and never a checkpoint.
 *
 * A frame never waits for it: while one is still being written those that become due are left out
 * and counted. Where writing fails, one line in the log says so, and the next one tries again. The
 * caller's thread pays for the snapshot, for a copy of those pages of the entity index that the
 * free queue lies in, over several frames if it is long, and in the frame after it for fresh blocks
 * in place of those that the snapshot holds. Checkpoints that were going on end.
 *
 * FOLDER/scene.txt names the scene and the parameters that it was given. SKEP_ARGUMENT; SKEP_IO,
 * with the reason in the log, when the folder is none and cannot be made, or holds checkpoints of
 * another scene, which would go as older ones; SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_checkpoint(skep_sim *sim,
                                                        const skep_checkpoint_desc *desc);

/* Takes a checkpoint now, unless the last one is of this frame, and returns when it is written: for
 * the end of a program. SKEP_NOT_FOUND without skep_sim_checkpoint; SKEP_IO, with the reason in the
 * log. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_checkpoint_now(skep_sim *sim);

/* What checkpoints came to. */
typedef struct skep_checkpoint_stats {
    uint64_t written;       /* and in their place */
    uint64_t skipped;       /* left out, since the one before was still being written */
    uint64_t failed;        /* could not be written; the log says why */
    uint64_t last_tick;     /* of the last one that was written; UINT64_MAX: none */
    uint64_t last_bytes;    /* its size */
    uint64_t last_ns;       /* what writing it took, on the other thread, */
    uint64_t last_cpu_ns;   /* and how much of that was processor time */
    uint64_t caller_ns;     /* spent on the caller's thread, in all */
    uint64_t caller_max_ns; /* the most after one frame */
} skep_checkpoint_stats;

/* Returns what they came to so far; none, without skep_sim_checkpoint. */
SKEP_API skep_checkpoint_stats skep_sim_checkpoint_stats(skep_sim *sim);

/* Ends checkpoints: one that is being written is waited for. skep_sim_close does it too. */
SKEP_API void skep_sim_checkpoint_end(skep_sim *sim);

/* The most bytes of a checkpoint's path, with the ending zero. */
#define SKEP_CHECKPOINT_PATH_BYTES 1024u

/* The newest good checkpoint of a folder. */
typedef struct skep_checkpoint_found {
    char path[SKEP_CHECKPOINT_PATH_BYTES];
    uint64_t tick;
    uint64_t seed;
    uint32_t entity_count;
    uint32_t damaged; /* newer ones that were passed over */
} skep_checkpoint_found;

/* Looks for the newest good checkpoint in a folder, without a simulation; reads all of it. Damaged
 * ones are named in the log. SKEP_NOT_FOUND where there is none at all, or no folder that
 * can be read; SKEP_CORRUPT where all are damaged; SKEP_IO for too long a path. Any thread. */
SKEP_API SKEP_NODISCARD skep_status skep_checkpoint_find(const char *folder, const skep_log *log,
                                                         skep_checkpoint_found *found);

/* Takes the world to a checkpoint that was found: skep_sim_load of it. SKEP_ARGUMENT, with the name
 * in the log, for one of another scene; where the parameters were others, the log has a warning,
 * and the world goes on with those of now. A simulation without a scene takes any, and any takes
 * those of a folder without scene.txt. Else as skep_sim_load. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_resume_found(skep_sim *sim,
                                                          const skep_checkpoint_found *found);

/* Takes the world to the newest good checkpoint of a folder: skep_checkpoint_find, and
 * skep_sim_resume_found of what it found. `found` may be NULL. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_resume(skep_sim *sim, const char *folder,
                                                    skep_checkpoint_found *found);

/* ---- recordings -------------------------------------------------------------------------- */

/* What to begin a recording with; begin with skep_record_desc_default(). All that it points to is
 * needed during the call only. */
typedef struct skep_record_desc {
    uint32_t canary;     /* set by skep_record_desc_default */
    uint32_t hash_every; /* frames whose number, counted from 1, is a multiple are hashed, batch by
                            batch; 1 by default, so that a replay names the frame; 0: none */
    const char *path;    /* a file that grows with each frame; NULL: memory */
    const char *scene;   /* what `skep replay` is to open, a scene's name or the path of a module;
                            NULL: the scene's name */
    const void *data;    /* what the scene was opened with (skep_sim_desc.data), to be kept in the
                            recording; or NULL */
    size_t data_bytes;   /* of data */
} skep_record_desc;

/* Returns the defaults. */
SKEP_API skep_record_desc skep_record_desc_default(void);

/* Starts a recording from the world as it is now: all that frames get (dt, time, what was queued
 * while one ran, inputs) and the faults that they had, which is all that decides what they do. A
 * recording that was going on ends.
 *
 * A file gets what a frame is given before the frame runs, and what came of it after, each with a
 * checksum: a program that is killed, or crashes within a frame, leaves a file that can be played
 * up to that frame. It is not synced before the recording ends. Where writing fails, one line in
 * the log says so, the recording ends, and the simulation goes on.
 *
 * Writes by direct calls between frames are no input: where a frame that is hashed begins with
 * another world than the last one left, the whole world is recorded anew, at most
 * SKEP_RECORD_WORLDS_MAX times; so it is when the world went back in time. Costs the world's hash a
 * hashed frame (what was written since the last one), and two writes of some 100 bytes.
 * SKEP_ARGUMENT, SKEP_NO_MEMORY; SKEP_BUSY within a frame; SKEP_IO with the reason in the log. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_record_open(skep_sim *sim,
                                                         const skep_record_desc *desc);

/* Starts a recording in memory: skep_sim_record_open without a path. Grows by what frames get, some
 * 170 bytes a frame at least, up to SKEP_RECORD_BYTES_MAX; then it ends with a line in the log. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_record(skep_sim *sim, uint32_t hash_every);

/* The most bytes of a recording in memory. */
#define SKEP_RECORD_BYTES_MAX ((size_t)1 << 30)

/* The most worlds in one recording, the first included. */
#define SKEP_RECORD_WORLDS_MAX 256u

/* Writes what was recorded in memory so far to a file, whole or not at all, and goes on recording.
 * SKEP_NOT_FOUND when nothing is being recorded in memory. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_record_save(skep_sim *sim, const char *path);

/* Returns how many bytes were recorded, 0 when nothing is; `going_on` gets whether it still is (may
 * be NULL). */
SKEP_API uint64_t skep_sim_record_bytes(const skep_sim *sim, bool *going_on);

/* Ends a recording: one in memory is forgotten, a file is synced and closed; SKEP_IO when that
 * failed. Nothing to do: nothing happens. */
SKEP_API skep_status skep_sim_record_end(skep_sim *sim);

/* ---- replay ------------------------------------------------------------------------------ */

/* A recorded file, checked. */
typedef struct skep_recording skep_recording;

/* What is in one. */
typedef struct skep_recording_info {
    uint64_t frames;    /* that can be played */
    uint64_t first;     /* tick of the first */
    uint64_t good;      /* bytes that are whole */
    const char *damage; /* why those behind them are not, a static text; NULL: the file is whole */
    uint32_t worlds;    /* recorded: more than one where something wrote between frames */
    bool closed;        /* the recording was ended, not cut off */
    bool unfinished;    /* the last frame began and never ended: it may crash the program again */
} skep_recording_info;

/* Opens a recorded file and looks at all of it. SKEP_NOT_FOUND, SKEP_IO, SKEP_FOREIGN,
 * SKEP_VERSION, SKEP_NO_MEMORY; SKEP_CORRUPT where not even its first world is whole. `error` says
 * why. */
SKEP_API SKEP_NODISCARD skep_status skep_recording_open(const char *path,
                                                        skep_recording **recording,
                                                        skep_error *error);

/* Closes it; NULL is fine. */
SKEP_API void skep_recording_close(skep_recording *recording);

/* Returns what is in it. */
SKEP_API skep_recording_info skep_recording_info_of(const skep_recording *recording);

/* Returns a note by its key, and of several with that key the one with this index; NULL when there
 * is none. Keys: "scene", "seed", "entity_max", "region_bytes_max"; "param" and "value", name and
 * value of each parameter that was given. Valid while the recording is open. */
SKEP_API const char *skep_recording_note(const skep_recording *recording, const char *key,
                                         uint32_t index);

/* Returns the bytes of the data file, or NULL. Valid while the recording is open. */
SKEP_API const void *skep_recording_data(const skep_recording *recording, size_t *bytes);

/* What playing a recording showed. */
typedef struct skep_replay_report {
    uint64_t frames;  /* played */
    uint64_t hashes;  /* of worlds, compared */
    uint64_t differs; /* tick of the first frame that came out differently; UINT64_MAX: none */
    uint64_t since;   /* the first frame in which that may have come about; `differs` where each is
                         hashed */
    uint32_t batch;   /* whose output differs, from 1; 0: see text */
    bool other_plan;  /* the systems, or their order, are not those that were recorded */
    bool pad[3];
    char system[256]; /* who wrote it: "move"; or "move" or "hurt", where it was by patches; empty:
                         see text */
    char part[96];    /* the component, resource or event that differs; empty: see text */
    char text[1024];  /* the difference as users read it, one line; empty: none */
} skep_replay_report;

/* Called before each frame of a replay; false stops it. `unfinished`: see skep_recording_info. */
typedef bool (*skep_replay_fn)(void *ctx, uint64_t frame, bool unfinished);

/* Plays a recording: takes the world to its beginning and runs its frames, with the recorded faults
 * in place of new ones, up to the first that comes out differently. The simulation must be of the
 * same scene; executor and workers do not matter. `fn` may be NULL. SKEP_OK with a difference too:
 * look at `report` (may be NULL). SKEP_SCHEMA for another scene; errors as of skep_sim_load, with
 * the reason in the log; the world stays as it was unless its first world was loaded. */
SKEP_API SKEP_NODISCARD skep_status skep_recording_play(skep_recording *recording, skep_sim *sim,
                                                        skep_replay_fn fn, void *ctx,
                                                        skep_replay_report *report);

/* Opens, plays and closes a recorded file. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_replay(skep_sim *sim, const char *path,
                                                    skep_replay_report *report);

/* ---- what a job failed at ---------------------------------------------------------------- */

/* Where files of faults go; begin with skep_fault_files_desc_default(). */
typedef struct skep_fault_files_desc {
    uint32_t canary;    /* set by skep_fault_files_desc_default */
    uint32_t file_max;  /* the most files; 100 by default */
    uint64_t bytes_max; /* of all of them; 1 GiB by default */
    const char *folder; /* made where it is not there; copied */
    const char *scene;  /* as of skep_record_desc; copied */
    const void *data;   /* as of skep_record_desc; outlives the simulation */
    size_t data_bytes;  /* of data */
} skep_fault_files_desc;

/* Returns the defaults. */
SKEP_API skep_fault_files_desc skep_fault_files_desc_default(void);

/* From now on the first failure of a task writes FOLDER/fault-N.skepr, N being the next number that
 * is free there: all that the task read, so that just that job can be run again. A job that writes
 * to the world's own blocks has changed what it read by the time it fails: of it there is no file,
 * and the log says so once a system. Those that said that they may fail (SKEP_JOB_MAY_FAIL), that
 * have a deadline, or that run elsewhere never do. Costs a frame what writing takes, without
 * syncing. SKEP_ARGUMENT, SKEP_NO_MEMORY; SKEP_IO when the folder is none and cannot be made, with
 * the reason in the log. */
SKEP_API SKEP_NODISCARD skep_status skep_sim_fault_files(skep_sim *sim,
                                                         const skep_fault_files_desc *desc);

/* Returns how many files were written; `last` gets the number of the last one (may be NULL). */
SKEP_API uint32_t skep_sim_fault_file_count(const skep_sim *sim, uint32_t *last);

/* A file of a fault, checked. */
typedef struct skep_fault_file skep_fault_file;

/* What is in one. */
typedef struct skep_fault_file_info {
    uint64_t frame;  /* in which it failed */
    uint64_t bytes;  /* that the task read */
    uint32_t status; /* skep_status */
    uint32_t block;
    uint32_t rows;
    uint32_t worker;
    char system[SKEP_SYSTEM_NAME_BYTES];
    char executor[32];
    char cause[192];
} skep_fault_file_info;

/* Opens a file of a fault. Errors as of skep_recording_open; SKEP_FOREIGN for a recording. */
SKEP_API SKEP_NODISCARD skep_status skep_fault_file_open(const char *path, skep_fault_file **file,
                                                         skep_error *error);

/* Closes it. What it was mapped to stays, until the program ends. NULL is fine. */
SKEP_API void skep_fault_file_close(skep_fault_file *file);

/* Returns what is in it. */
SKEP_API skep_fault_file_info skep_fault_file_info_of(const skep_fault_file *file);

/* As skep_recording_note and skep_recording_data. */
SKEP_API const char *skep_fault_file_note(const skep_fault_file *file, const char *key,
                                          uint32_t index);
/* See skep_fault_file_note. */
SKEP_API const void *skep_fault_file_data(const skep_fault_file *file, size_t *bytes);

/* Puts all that the task read at the addresses that it had, read-only; before the simulation is
 * opened, which then lies elsewhere. SKEP_EXISTS when something of this program is there: start it
 * again, since each start puts it elsewhere. SKEP_CORRUPT for a file that says that the task read
 * at NULL; SKEP_NO_MEMORY. Once a file. */
SKEP_API SKEP_NODISCARD skep_status skep_fault_file_map(skep_fault_file *file);

/* How running it again ended. */
typedef struct skep_fault_outcome {
    skep_status status; /* SKEP_OK: no fault; SKEP_CLOSED: the process ended */
    bool same;          /* as it was recorded */
    bool pad[3];
    char cause[192]; /* empty: none */
} skep_fault_outcome;

/* Runs the job once more over what was mapped, in a child process whose crash is its own, or
 * (`here`) in this one, so that a debugger stops where it crashes. `sim` is of the same scene, with
 * executor `local`; `timeout_ms` 0: 10 s. SKEP_NOT_FOUND when it has no such system, SKEP_SCHEMA
 * when the system's job reads other columns now, SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_fault_file_run(const skep_fault_file *file, skep_sim *sim,
                                                        bool here, uint32_t timeout_ms,
                                                        skep_fault_outcome *outcome);

#ifdef __cplusplus
}
#endif

#endif
