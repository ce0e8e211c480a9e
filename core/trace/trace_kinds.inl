/* SPDX-License-Identifier: MIT */
/* All kinds of trace events, and what else a trace file names by number. (No guard: a table,
 * included where it is used; tools/trace_doc.py makes the tables of docs/trace-format.md and
 * js/src/trace/kinds.ts of it.)
 *
 * SKEP__TRACE_KINDS: X(NAME, number, "text", shape, payload, what it is)
 *     shape    ZONE has a beginning and a duration; MARK is a moment; COUNTER is a value at a
 *              moment; DERIVED is never written, whoever reads a trace works it out
 *     payload  how the record's third word is cut, from the lowest bit on
 *
 * A number is part of the file format and never used again for anything else. */
#define SKEP__TRACE_KINDS(X)                                                                       \
    X(FRAME, 1, "frame", ZONE, "tick 64", "a frame, from begin to end")                            \
    X(SNAPSHOT, 2, "snapshot", ZONE, "batch 32, tasks 32",                                         \
      "a batch is begun: which blocks its tasks read and write; holds systems that run at once")   \
    X(SYSTEM, 3, "system", ZONE, "system 16, blocks 16, rows 32",                                  \
      "a small system run where its tasks would be made: the system and all its blocks")           \
    X(RUN, 4, "run", ZONE, "system 16, fallback 16",                                               \
      "a system's function on the main thread; in JavaScript until its promise settles")           \
    X(BLOCK, 5, "block", ZONE, "system 16, blocks 16, block 32",                                   \
      "a task: so many blocks of a system, from this one on")                                      \
    X(TASKS, 6, "tasks", ZONE, "batch 32, tasks 32",                                               \
      "tasks are out: from when the first can be claimed until the last has ended")                \
    X(WAKE, 7, "wake", ZONE, "workers 16, woken 16, tasks 32",                                     \
      "tasks are divided among so many workers, and those that sleep are woken")                   \
    X(VERIFY, 8, "verify", ZONE, "tasks 32", "what tasks put out is taken and checked")            \
    X(APPLY, 9, "apply", ZONE, "patches 32, dropped 32", "patches and commands reach the world")   \
    X(COMMIT, 10, "commit", ZONE, "batch 32, systems 32", "what a batch did reaches the world")    \
    X(LOST, 11, "lost", ZONE, "system 16, worker 16, block 32",                                    \
      "a task whose worker was given up; written by the caller, belongs to the worker's row")      \
    X(RESPAWN, 12, "respawn", ZONE, "worker 16",                                                   \
      "a lost worker's place was empty; written by the caller, belongs to the worker's row")       \
    X(HOST, 13, "host", ZONE, "name 16", "a zone that the host named")                             \
    X(FAULT, 14, "fault", MARK, "system 16, worker 16, action 8, status 8, blocks 16",             \
      "a system failed; action and status as of skep_fault")                                       \
    X(COPIED, 15, "copied", MARK, "system 16, why 16, blocks 32",                                  \
      "so many column blocks were written to fresh ones; why as below")                            \
    X(ENTITIES, 16, "entities", COUNTER, "value 64", "entities alive at the end of the frame")     \
    X(PATCHES, 17, "patches", COUNTER, "value 64", "patches applied in the frame")                 \
    X(BYTES, 18, "bytes", COUNTER, "value 64", "bytes of the region in use")                       \
    X(BLOCKS_COPIED, 19, "blocks copied", COUNTER, "value 64",                                     \
      "column blocks written to fresh ones in the frame")                                          \
    X(STAGE, 32, "stage", DERIVED, "", "batches of one stage that follow one another")             \
    X(BATCH, 33, "batch", DERIVED, "",                                                             \
      "from the end of the last batch's commit to that of its own")                                \
    X(QUEUE, 34, "queue wait", DERIVED, "", "from when a task could be claimed to its beginning")  \
    X(IDLE, 35, "idle", DERIVED, "", "a thread has nothing to run; with its reason")

/* Why column blocks were copied. SKEP__TRACE_WHYS: X(NAME, number, "text") */
#define SKEP__TRACE_WHYS(X)                                                                        \
    X(HELD, 1, "a snapshot still holds the old ones")                                              \
    X(MAY_FAIL, 2, "the job may fail or sees other rows, so old values are kept until the commit") \
    X(DEADLINE, 3, "the batch has a deadline: a task that is given up must not have written")      \
    X(CHECK, 4, "checked: nothing is written in place")                                            \
    X(ELSEWHERE, 5, "workers write to memory of their own")

/* Why a thread idles. SKEP__TRACE_REASONS: X(NAME, number, "text") */
#define SKEP__TRACE_REASONS(X)                                                                     \
    X(NOTHING, 1, "nothing ready")                                                                 \
    X(BARRIER, 2, "barrier")                                                                       \
    X(QUEUE, 3, "queue")                                                                           \
    X(RESPAWN, 4, "respawn")                                                                       \
    X(OUTSIDE, 5, "between frames")
