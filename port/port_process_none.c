/* SPDX-License-Identifier: MIT */
/* Workers that are processes, on systems where there are none: what could be asked says so, and
 * what needs one of them is never reached. The executor `threads` serves. */
#include "port/port_process.h"

#include <stdio.h>

static void none_say(char *text, size_t text_bytes)
{
    if (!text || !text_bytes) return;
    snprintf(text, text_bytes, "workers that are processes need Linux: use threads");
}

skep_processes_desc skep_processes_desc_default(void)
{
    return (skep_processes_desc){.worker_bytes_max = (size_t)256 << 20};
}

bool skep_processes_available(void)
{
    return false;
}

skep_status skep_processes_start(const skep_processes_desc *desc, skep_processes **processes,
                                 char *text, size_t text_bytes)
{
    (void)desc;
    *processes = NULL;
    none_say(text, text_bytes);
    return SKEP_UNSUPPORTED;
}

void skep_processes_end(skep_processes *processes)
{
    (void)processes;
}

skep_status skep_processes_region_open(size_t bytes_max, skep_region *region)
{
    (void)bytes_max;
    memset(region, 0, sizeof *region);
    return SKEP_UNSUPPORTED;
}

void skep_processes_region_close(skep_region *region)
{
    (void)region;
}

uint32_t skep__port_thread_count(void)
{
    return 0;
}

bool skep__port_traced(void)
{
    return false;
}

void skep__port_shared_drop(void *at, size_t bytes)
{
    (void)at;
    (void)bytes;
}

bool skep__port_shared_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    (void)timeout_ns;
    return atomic_load(word) != expected;
}

void skep__port_shared_wake(_Atomic uint32_t *word, uint32_t count)
{
    (void)word;
    (void)count;
}

skep_status skep__port_spawner_open(const skep__port_spawner_desc *desc,
                                    skep__port_spawner **spawner, char *text, size_t text_bytes)
{
    (void)desc;
    *spawner = NULL;
    none_say(text, text_bytes);
    return SKEP_UNSUPPORTED;
}

void skep__port_spawner_close(skep__port_spawner *spawner)
{
    (void)spawner;
}

_Atomic uint32_t *skep__port_spawner_bell(skep__port_spawner *spawner)
{
    (void)spawner;
    return NULL;
}

skep__port_child_memory skep__port_child_memory_of(const skep__port_spawner *spawner,
                                                   uint32_t child)
{
    (void)spawner;
    (void)child;
    return (skep__port_child_memory){0};
}

bool skep__port_child_fork(skep__port_spawner *spawner, uint32_t child)
{
    (void)spawner;
    (void)child;
    return false;
}

skep__port_child_state skep__port_child_look(skep__port_spawner *spawner, uint32_t child,
                                             uint32_t *generation, int *how)
{
    (void)spawner;
    (void)child;
    *generation = 0;
    if (how) *how = 0;
    return SKEP__CHILD_NONE;
}

void skep__port_child_kill(skep__port_spawner *spawner, uint32_t child)
{
    (void)spawner;
    (void)child;
}

const char *skep__port_child_end_text(int how, const skep__port_child_trap *trap, const char *where,
                                      char *out, size_t max)
{
    (void)how;
    (void)trap;
    (void)where;
    none_say(out, max);
    return out;
}

bool skep__port_spawner_lives(skep__port_spawner *spawner)
{
    (void)spawner;
    return false;
}

const void *skep__port_spawner_address(skep__port_spawner *spawner, const void *here, bool *loaded,
                                       char *text, size_t text_bytes)
{
    (void)spawner;
    (void)here;
    *loaded = false;
    none_say(text, text_bytes);
    return NULL;
}
