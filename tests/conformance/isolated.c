/* SPDX-License-Identifier: MIT */
/* See isolated.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "tests/conformance/isolated.h"

#include "port/port.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static skep_processes *zygote;
static char log_text[4096];

static void isolated_say(void *ctx, skep_log_level level, const char *text)
{
    (void)ctx;
    const size_t used = strlen(log_text);
    if (level >= SKEP_LOG_WARN) snprintf(log_text + used, sizeof log_text - used, "%s\n", text);
}

bool isolated_begin(void)
{
    char why[256];
    if (skep_processes_start(NULL, &zygote, why, sizeof why) == SKEP_OK) return true;
    (void)fprintf(stderr, "%s\n", why);
    return false;
}

void isolated_end(void)
{
    skep_processes_end(zygote);
    zygote = NULL;
}

const char *isolated_log(void)
{
    return log_text;
}

static skep_pool *isolated_make(const conformance_factory *factory, const skep_allocator *allocator,
                                size_t scratch_bytes, const skep_region *region)
{
    skep_pool_desc desc = skep_pool_desc_default();
    skep_pool *pool = NULL;
    desc.workers = factory->workers;
    desc.allocator = *allocator;
    desc.scratch_bytes = scratch_bytes;
    desc.processes = zygote;
    desc.region = region;
    desc.log.fn = isolated_say;
    log_text[0] = 0;
    return skep_pool_create(&desc, &pool) == SKEP_OK ? pool : NULL;
}

skep_pool *isolated_pool(lab *l, uint32_t restart_max, skep_trace *trace)
{
    skep_pool_desc desc = skep_pool_desc_default();
    skep_pool *pool = NULL;
    desc.workers = l->factory->workers;
    desc.scratch_bytes = LAB_SCRATCH;
    desc.processes = zygote;
    desc.region = &l->region;
    desc.restart_max = restart_max;
    desc.trace = trace;
    desc.log.fn = isolated_say;
    log_text[0] = 0;
    return skep_pool_create(&desc, &pool) == SKEP_OK ? pool : NULL;
}

#define FACTORY(title, count, many)                                                                \
    {                                                                                              \
        .name = title, .workers = count, .dispatches = true, .protects = true, .apart = true,      \
        .rounds = 10000, .lives = many, .create = isolated_make,                                   \
        .region_open = skep_processes_region_open, .region_close = skep_processes_region_close     \
    }

const conformance_factory *isolated_factory(uint32_t workers)
{
    static const conformance_factory factories[] = {
        FACTORY("processes 1", 1, 20),
        FACTORY("processes 2", 2, 20),
        FACTORY("processes 4", 4, 10),
    };
    return &factories[workers / 2];
}

/* ---- from outside --------------------------------------------------------------------------- */

/* Reads name, state and parent of a process. */
static bool proc_read(pid_t pid, char *name, size_t name_bytes, char *state, pid_t *parent)
{
    char path[48];
    char line[512];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    const bool read = fgets(line, sizeof line, f) != NULL;
    (void)fclose(f);
    char *open = read ? strchr(line, '(') : NULL;
    char *close = read ? strrchr(line, ')') : NULL;
    int above = 0;
    if (!open || !close || sscanf(close, ") %c %d", state, &above) != 2) return false;
    *close = 0;
    (void)snprintf(name, name_bytes, "%s", open + 1);
    *parent = above;
    return true;
}

static bool proc_ours(pid_t pid)
{
    char name[64];
    char state = 0;
    for (int i = 0; i < 4 && pid > 1; i++) {
        if (!proc_read(pid, name, sizeof name, &state, &pid)) return false;
        if (pid == getpid()) return true;
    }
    return false;
}

uint32_t isolated_find(const char *name, pid_t *pids, uint32_t most)
{
    uint32_t count = 0;
    DIR *dir = opendir("/proc");
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        char own[64];
        char state = 0;
        pid_t parent = 0;
        const pid_t pid = (pid_t)atoi(e->d_name);
        if (pid <= 0 || !proc_read(pid, own, sizeof own, &state, &parent)) continue;
        if (state == 'Z' || state == 'X' || strncmp(own, name, strlen(name)) != 0) continue;
        if (!proc_ours(pid)) continue;
        if (count < most) pids[count] = pid;
        count++;
    }
    if (dir) (void)closedir(dir);
    return count;
}

void isolated_kill(pid_t pid)
{
    (void)kill(pid, SIGKILL);
}

void isolated_stop(pid_t pid)
{
    (void)kill(pid, SIGSTOP);
}

isolated_fds isolated_sockets(void)
{
    isolated_fds fds;
    for (int fd = 0; fd < 256; fd++) {
        int type = 0;
        socklen_t bytes = sizeof type;
        fds.open[fd] =
            getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_SEQPACKET;
    }
    return fds;
}

uint32_t isolated_silence(const isolated_fds *before)
{
    const isolated_fds now = isolated_sockets();
    uint32_t count = 0;
    for (int fd = 0; fd < 256; fd++) {
        if (before->open[fd] || !now.open[fd]) continue;
        count += shutdown(fd, SHUT_RDWR) == 0;
    }
    return count;
}

uint32_t isolated_descriptors(void)
{
    uint32_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        count += e->d_name[0] != '.';
    }
    if (dir) (void)closedir(dir);
    return count;
}

uint32_t isolated_mappings(void)
{
    char line[4096];
    uint32_t count = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f)) count++;
    if (f) (void)fclose(f);
    return count;
}
