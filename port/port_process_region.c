/* SPDX-License-Identifier: MIT */
/* Regions that processes share: a memfd of the largest size, sparse, mapped writable here and then
 * sealed, so that no later mapping and no write() can change it, whoever finds a descriptor of it;
 * nor can it be made shorter, which would let a read of ours end in SIGBUS. What is handed out is
 * besides opened read-only, which is all there is where a kernel does not know that seal.
 *
 * Large pages are worth more here than in a world of one process, since each new child would fault
 * in every small page that it reads. The system's default for files of memory is to have none;
 * MADV_COLLAPSE (Linux 6.1) makes them all the same. 64 MiB, filled for the first time: 83 ms with
 * small pages, 17 with large ones; read by a new child, one byte a line: 10 ms and 4.
 *
 * Spawners map the region at the same address. They were forked from the zygote, whose address
 * space is ours as it was early, so an address far from where the system puts things is free in
 * both: one of 2^13 such places is tried first. Where the processor has fewer bits of address, the
 * system chooses. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port.h"
#include "port/port_process_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#if defined(__SANITIZE_THREAD__)
/* It wants applications' memory below 2^39 or very high, and maps something of its own up there in
 * each process that was forked. */
#define REGION_PLACE_FIRST 0x1000000000u
#define REGION_PLACE_STEP 0x2000000u
#else
#define REGION_PLACE_FIRST 0x200000000000u
#define REGION_PLACE_STEP 0x100000000u /* 2^13 steps of 4 GiB */
#endif

/* The file is sparse: there is nothing to do but to ask for large pages, by one small page that is
 * there and then becomes part of a large one. A range with none would be refused. */
static skep_status process_region_commit(void *ctx, size_t offset, size_t bytes)
{
    const skep__process_region *own = ctx;
    for (size_t at = offset; own->large && at < offset + bytes; at += SKEP__PORT_PAGE) {
        *(volatile uint8_t *)(own->base + at) = 0;
        madvise(own->base + at, SKEP__PORT_PAGE, MADV_COLLAPSE);
    }
    return SKEP_OK;
}

/* Whether whoever runs this machine lets programs have large pages. */
static bool process_region_large(void)
{
    char line[64] = "[never]";
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (!f) return false;
    const bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return read && !strstr(line, "[never]");
}

const skep__process_region *skep__process_region_of(const skep_region *region)
{
    return region && region->commit == process_region_commit ? region->ctx : NULL;
}

/* Maps the file writable at one of the far places; NULL when that one is taken. */
static void *process_region_map_far(int fd, size_t bytes)
{
    uint16_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) return NULL;
    const uint64_t at = REGION_PLACE_FIRST + (uint64_t)(number & 0x1fffu) * REGION_PLACE_STEP;
    if (at > UINTPTR_MAX - bytes) return NULL;
    void *want = (void *)(uintptr_t)at;
    void *base = mmap(want, bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
    if (base == want) return base;
    if (base != MAP_FAILED) munmap(base, bytes);
    return NULL;
}

/* Maps it where the system likes, aligned. */
static void *process_region_map_near(int fd, size_t bytes)
{
    void *place = skep__port_reserve(bytes);
    if (!place) return NULL;
    void *base =
        mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
    if (base != MAP_FAILED) return base;
    skep__port_release(place, bytes);
    return NULL;
}

/* Seals the file and gives a descriptor that is good for reading only; `fd` is closed. */
static int process_region_seal(int fd)
{
    char name[64];
    const int always = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    const bool sealed = fcntl(fd, F_ADD_SEALS, always | F_SEAL_FUTURE_WRITE) == 0;
    if (!sealed && fcntl(fd, F_ADD_SEALS, always) != 0) return -1;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const int reading = open(name, O_RDONLY | O_CLOEXEC);
    if (reading < 0) return sealed ? fd : -1; /* no /proc: the seal is enough */
    close(fd);
    return reading;
}

skep_status skep_processes_region_open(size_t bytes_max, skep_region *region)
{
    memset(region, 0, sizeof *region);
    if (!bytes_max) return SKEP_ARGUMENT;
    if (bytes_max > SIZE_MAX / 4) return SKEP_NO_MEMORY;
    const size_t bytes = skep__align(bytes_max, SKEP__PORT_PAGE);
    skep__process_region *own = calloc(1, sizeof *own);
    int fd = memfd_create("skep-region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *base = NULL;
    int reading = -1;
    if (own && fd >= 0 && ftruncate(fd, (off_t)bytes) == 0) {
        for (int i = 0; i < 4 && !base; i++) base = process_region_map_far(fd, bytes);
        if (!base) base = process_region_map_near(fd, bytes);
    }
    /* A zygote that is forked later gets nothing of it: its children would be able to write. */
    if (base && madvise(base, bytes, MADV_DONTFORK) == 0) reading = process_region_seal(fd);
    if (reading < 0) {
        const skep_status status = errno == ENOSYS ? SKEP_UNSUPPORTED : SKEP_NO_MEMORY;
        if (base) munmap(base, bytes);
        skep__process_close(&fd);
        free(own);
        return status;
    }
    own->fd = reading;
    own->base = base;
    own->large = process_region_large();
    *region = (skep_region){base, bytes, process_region_commit, own};
    return SKEP_OK;
}

void skep_processes_region_close(skep_region *region)
{
    if (!region || !region->base) return;
    SKEP_ASSERT(skep__process_region_of(region));
    skep__process_region *own = region->ctx;
    munmap(region->base, region->bytes_max);
    close(own->fd);
    free(own);
    memset(region, 0, sizeof *region);
}
