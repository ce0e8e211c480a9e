/* SPDX-License-Identifier: MIT */
/* What isolation costs: forks and joins of processes against those of threads, the processor time
 * of whole scenes, and how long a lost worker is missed. */
#include "bench/bench_row.h"
#include "bench/bench_sim.h"

#include "port/port_process.h"
#include "scenes/scenes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- fork and join --------------------------------------------------------------------------- */

#define FORKS 2000u
#define FORKS_ASLEEP 16u
#define FORK_TASKS 2u

static void crew_log(void *ctx, skep_log_level level, const char *text)
{
    (void)ctx;
    if (level >= SKEP_LOG_WARN) (void)fprintf(stderr, "%s\n", text);
}

/* What a batch's tasks point to, in the region that processes share. */
typedef struct crew_batch {
    uint64_t columns[16];
    skep_task_part part;
    skep_task_frame frame;
    skep_pool_task task[FORK_TASKS];
    const skep_pool_task *tasks[FORK_TASKS];
    const skep_job *jobs[1];
    skep_pool_batch batch;
} crew_batch;

typedef struct crew {
    skep_processes *processes;
    skep_region region;
    skep_pool *isolated;
    skep_pool *threads;
    crew_batch *b;
    uint32_t done;
    uint32_t lost;
} crew;

SKEP_JOB(crew_nothing, (with, Pos, has))
{
}

/* Two tasks of one job. */
static void crew_fill(crew_batch *b, const skep_job *job)
{
    b->jobs[0] = job;
    b->part.columns = b->columns;
    for (uint32_t i = 0; i < FORK_TASKS; i++) {
        b->task[i].parts = &b->part;
        b->task[i].part_count = 1;
        b->task[i].frame = &b->frame;
        b->task[i].block = i;
        b->tasks[i] = &b->task[i];
    }
    b->batch.tasks = b->tasks;
    b->batch.jobs = b->jobs;
    b->batch.task_count = FORK_TASKS;
    b->batch.job_count = 1;
    b->batch.flags = SKEP_BATCH_FORCE;
}

static void crew_close(void *state)
{
    crew *s = state;
    skep_pool_destroy(s->isolated);
    skep_pool_destroy(s->threads);
    if (s->region.base) skep_processes_region_close(&s->region);
    skep_processes_end(s->processes);
    free(s);
}

static bool crew_start(crew *s, const bench_row *row)
{
    char why[256];
    if (skep_processes_start(NULL, &s->processes, why, sizeof why) != SKEP_OK) return false;
    if (skep_processes_region_open(SKEP__PORT_PAGE, &s->region) != SKEP_OK) return false;
    if (s->region.commit(s->region.ctx, 0, SKEP__PORT_PAGE) != SKEP_OK) return false;
    s->b = s->region.base;
    skep_pool_desc d = skep_pool_desc_default();
    d.workers = row->workers;
    if (skep_pool_create(&d, &s->threads) != SKEP_OK) return false;
    d.processes = s->processes;
    d.region = &s->region;
    d.restart_max = 0;
    d.log.fn = crew_log;
    return skep_pool_create(&d, &s->isolated) == SKEP_OK;
}

static void *crew_open(const bench_row *row)
{
    crew *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    if (crew_start(s, row)) {
        crew_fill(s->b, &crew_nothing);
        return s;
    }
    crew_close(s);
    return NULL;
}

static void crew_done(void *ctx, const skep_pool_result *result)
{
    crew *s = ctx;
    s->done += result->status == SKEP_OK;
    s->lost += result->status == SKEP_CLOSED;
}

/* Runs the batch; false when a task did not end well. */
static bool crew_batch_run(crew *s, skep_pool *pool)
{
    s->done = 0;
    s->lost = 0;
    if (pool->v->start(pool, &s->b->batch, crew_done, s) != SKEP_OK) return false;
    while (pool->v->wait(pool, SKEP_FOREVER)) {
    }
    return s->done == FORK_TASKS;
}

static bool crew_awake(crew *s, skep_pool *pool, bench_lap *lap)
{
    bench_rest();
    bool done = crew_batch_run(s, pool);
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < FORKS; i++) done &= crew_batch_run(s, pool);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = FORKS;
    return done;
}

static bool crew_asleep(crew *s, skep_pool *pool, bench_lap *lap)
{
    bool done = true;
    for (uint32_t i = 0; i < FORKS_ASLEEP; i++) {
        skep__bench_sleep_ns(1000000u);
        const uint64_t start = skep__port_clock_ns();
        done &= crew_batch_run(s, pool);
        lap->time_ns += skep__port_clock_ns() - start;
    }
    lap->ops = FORKS_ASLEEP;
    return done;
}

static bool crew_awake_ours(void *state, bench_lap *lap)
{
    return crew_awake(state, ((crew *)state)->isolated, lap);
}

static bool crew_awake_limit(void *state, bench_lap *lap)
{
    return crew_awake(state, ((crew *)state)->threads, lap);
}

static bool crew_asleep_ours(void *state, bench_lap *lap)
{
    return crew_asleep(state, ((crew *)state)->isolated, lap);
}

static bool crew_asleep_limit(void *state, bench_lap *lap)
{
    return crew_asleep(state, ((crew *)state)->threads, lap);
}

/* ---- a lost worker --------------------------------------------------------------------------- */

#define FAULTS 16u

/* The first task crashes; the second one has to wait for another worker. */
SKEP_JOB(crew_crash, (with, Pos, has))
{
    volatile uintptr_t nowhere = 16; /* hidden from compilers, which would know better */
    if (task->block == 0) *(volatile uint32_t *)nowhere = 1;
}

static void *fault_open(const bench_row *row)
{
    crew *s = crew_open(row);
    if (s) crew_fill(s->b, &crew_crash);
    return s;
}

/* From the start of the one that crashes to the end of the other, on the new worker. */
static bool fault_ours(void *state, bench_lap *lap)
{
    crew *s = state;
    bool done = true;
    for (uint32_t i = 0; i < FAULTS; i++) {
        skep__bench_sleep_ns(5000000u);
        const uint64_t start = skep__port_clock_ns();
        (void)crew_batch_run(s, s->isolated);
        lap->time_ns += skep__port_clock_ns() - start;
        done &= s->done == 1 && s->lost == 1;
    }
    lap->ops = FAULTS;
    return done;
}

/* ---- scenes ---------------------------------------------------------------------------------- */

/* A lap: frames of both, in turns short enough that a machine which changes its speed changes it
 * for both. */
#define SCENE_TURNS 4u
#define SCENE_FRAMES 30u
#define SCENE_PIDS 64u

typedef struct scenes {
    skep_processes *processes;
    skep_sim *isolated;
    skep_sim *threads;
    int pids[SCENE_PIDS]; /* of the processes below this one */
    uint32_t pid_count;
    bench_lap lap_ours;
} scenes;

static void scenes_close(void *state)
{
    scenes *s = state;
    skep_sim_close(s->isolated);
    skep_sim_close(s->threads);
    skep_processes_end(s->processes);
    free(s);
}

/* The parent of a process; 0 when it is gone. */
static int proc_parent(int pid)
{
    char name[48], line[512];
    int parent = 0;
    (void)snprintf(name, sizeof name, "/proc/%d/stat", pid);
    FILE *f = fopen(name, "r");
    if (!f) return 0;
    const char *behind = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    (void)fclose(f);
    if (!behind || sscanf(behind, ") %*c %d", &parent) != 1) return 0;
    return parent;
}

/* Processor time of a process, by the scheduler's own account. */
static uint64_t proc_cpu_ns(int pid)
{
    char name[48];
    unsigned long long ns = 0;
    (void)snprintf(name, sizeof name, "/proc/%d/schedstat", pid);
    FILE *f = fopen(name, "r");
    if (!f) return 0;
    if (fscanf(f, "%llu", &ns) != 1) ns = 0;
    (void)fclose(f);
    return ns;
}

/* Whether a process has this one among its ancestors. */
static bool proc_ours(int pid)
{
    for (int i = 0; pid > 1 && i < 4; i++) {
        pid = proc_parent(pid);
        if (pid == getpid()) return true;
    }
    return false;
}

/* Processes below this one. */
static void scenes_find(scenes *s)
{
    DIR *dir = opendir("/proc");
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        const int pid = atoi(e->d_name);
        if (pid > 0 && proc_ours(pid) && s->pid_count < SCENE_PIDS) s->pids[s->pid_count++] = pid;
    }
    if (dir) (void)closedir(dir);
}

static void *scenes_open(const bench_row *row)
{
    scenes *s = calloc(1, sizeof *s);
    const skep_scene *scene = skep__scene_find(strchr(row->name, '_') + 1);
    char why[256];
    if (!s) return NULL;
    bool made = skep_processes_start(NULL, &s->processes, why, sizeof why) == SKEP_OK;
    skep_sim_desc d = skep_sim_desc_default();
    made = made && skep_sim_open(scene, &d, &s->threads) == SKEP_OK;
    d.executor = SKEP_EXECUTOR_PROCESSES;
    d.processes = s->processes;
    made = made && skep_sim_open(scene, &d, &s->isolated) == SKEP_OK;
    for (uint32_t i = 0; i < SCENE_TURNS * SCENE_FRAMES && made; i++) {
        made = skep_sim_step(s->threads, BENCH_DT) == SKEP_OK &&
               skep_sim_step(s->isolated, BENCH_DT) == SKEP_OK;
    }
    scenes_find(s);
    if (made) return s;
    scenes_close(s);
    return NULL;
}

/* Processor time of this process and all below it. */
static uint64_t scenes_cpu_ns(const scenes *s)
{
    uint64_t ns = skep__port_process_cpu_ns();
    for (uint32_t i = 0; i < s->pid_count; i++) ns += proc_cpu_ns(s->pids[i]);
    return ns;
}

static bool scene_turn(const scenes *s, skep_sim *sim, bench_lap *lap)
{
    bool done = true;
    bench_rest();
    const uint64_t start = scenes_cpu_ns(s);
    for (uint32_t i = 0; i < SCENE_FRAMES; i++) done &= skep_sim_step(sim, BENCH_DT) == SKEP_OK;
    bench_rest(); /* who spins still is counted, too */
    lap->time_ns += scenes_cpu_ns(s) - start;
    lap->ops += SCENE_FRAMES;
    return done;
}

/* Runs both. */
static bool scenes_limit(void *state, bench_lap *lap)
{
    scenes *s = state;
    bool done = true;
    s->lap_ours = (bench_lap){0, 0.0, 0};
    for (uint32_t i = 0; i < SCENE_TURNS; i++) {
        done &= scene_turn(s, s->threads, lap) && scene_turn(s, s->isolated, &s->lap_ours);
    }
    lap->check = skep_sim_hash(s->threads);
    s->lap_ours.check = skep_sim_hash(s->isolated);
    return done;
}

static bool scenes_ours(void *state, bench_lap *lap)
{
    *lap = ((scenes *)state)->lap_ours;
    return true;
}

#define CREW(id, what, at, mine, by)                                                               \
    {                                                                                              \
        .name = id, .about = what, .unit = "us", .unit_ns = 1000, .bar = BENCH_BAR_RATIO,          \
        .bar_at = at, .workers = 1, .open = crew_open, .close = crew_close, .ours = mine,          \
        .limit = by                                                                                \
    }
#define SCENE(id, what, kind, at)                                                                  \
    {                                                                                              \
        .name = id, .about = what, .unit = "us", .unit_ns = 1000, .bar = kind, .bar_at = at,       \
        .open = scenes_open, .close = scenes_close, .ours = scenes_ours, .limit = scenes_limit     \
    }

const bench_row skep__bench_processes_rows[] = {
    CREW("processes_forkjoin", "two empty tasks in an isolated process; our threads", 1.7,
         crew_awake_ours, crew_awake_limit),
    CREW("processes_forkjoin_asleep", "the same after 1 ms without work", 1.7, crew_asleep_ours,
         crew_asleep_limit),
    {.name = "processes_fault",
     .about = "from a crash to the first task done on the new worker",
     .unit = "us",
     .unit_ns = 1000,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 1000,
     .workers = 1,
     .open = fault_open,
     .close = crew_close,
     .ours = fault_ours},
    SCENE("processes_flock", "processor time of a frame of flock, all processes; our threads",
          BENCH_BAR_RATIO, 1.05),
    SCENE("processes_physics", "processor time of a frame of physics, all processes; our threads",
          BENCH_BAR_NONE, 0),
    {.name = NULL},
};
