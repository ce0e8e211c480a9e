/* SPDX-License-Identifier: MIT */
/* Counts in /proc. A process that ends while it is looked at is not counted. */
#include "census.h"

#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PIDS_MAX 65536u

static uint32_t count_descriptors(void)
{
    uint32_t count = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d)) count++;
    assert_int_equal(closedir(d), 0);
    return count;
}

static uint32_t count_mappings(void)
{
    char line[1024];
    uint32_t count = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *permissions = strchr(line, ' ');
        const bool shared = permissions && permissions[4] == 's';
        count += shared || strchr(line, '/') != NULL;
    }
    assert_int_equal(fclose(f), 0);
    return count;
}

/* The parent of a process, 0 where it is gone. */
static uint32_t parent_of(uint32_t pid)
{
    char path[64], text[512];
    (void)snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    const size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = 0;
    const char *behind = strrchr(text, ')'); /* the name may hold anything */
    return behind && strlen(behind) > 4 ? (uint32_t)strtoul(behind + 4, NULL, 10) : 0;
}

static uint32_t count_processes(void)
{
    static uint32_t pid[PIDS_MAX], parent[PIDS_MAX];
    static bool ours[PIDS_MAX];
    uint32_t n = 0, count = 0, before = UINT32_MAX;
    DIR *d = opendir("/proc");
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e && n < PIDS_MAX; e = readdir(d)) {
        if (!isdigit((unsigned char)e->d_name[0])) continue;
        pid[n] = (uint32_t)strtoul(e->d_name, NULL, 10);
        parent[n] = parent_of(pid[n]);
        ours[n] = false;
        n++;
    }
    assert_int_equal(closedir(d), 0);
    while (count != before) {
        before = count;
        for (uint32_t i = 0; i < n; i++) {
            bool now = parent[i] == (uint32_t)getpid();
            for (uint32_t k = 0; k < n && !now && !ours[i]; k++)
                now = ours[k] && pid[k] == parent[i];
            count += now && !ours[i];
            ours[i] |= now;
        }
    }
    return count;
}

census census_take(void)
{
    return (census){count_descriptors(), count_mappings(), count_processes()};
}
