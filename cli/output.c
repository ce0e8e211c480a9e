/* SPDX-License-Identifier: MIT */
/* What a command writes to files: bytes that are gathered first, and whether there is a place for
 * them. A file is written under its name with .tmp behind it, which then takes the name's place. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_BYTES ((size_t)1 << 16)

bool skep__cli_bytes_append(void *ctx, const void *bytes, size_t count)
{
    skep__cli_bytes *b = ctx;
    if (count > b->cap - b->used) {
        size_t cap = b->cap ? b->cap * 2 : OUTPUT_BYTES;
        while (cap - b->used < count) cap *= 2;
        uint8_t *grown = realloc(b->bytes, cap);
        if (!grown) return false;
        b->bytes = grown;
        b->cap = cap;
    }
    if (count) memcpy(b->bytes + b->used, bytes, count);
    b->used += count;
    return true;
}

void skep__cli_bytes_free(skep__cli_bytes *b)
{
    free(b->bytes);
    memset(b, 0, sizeof *b);
}

char *skep__cli_temporary(const char *path)
{
    const size_t bytes = strlen(path) + 5;
    char *name = malloc(bytes);
    if (name) (void)snprintf(name, bytes, "%s.tmp", path);
    return name;
}

int skep__cli_writable(skep__cli_command command, const char *option, const char *path)
{
    char *temporary = skep__cli_temporary(path);
    if (!temporary) return SKEP__EXIT_FAILED;
    FILE *there = fopen(path, "r+b");
    FILE *file = there || errno == ENOENT ? fopen(temporary, "wb") : NULL;
    const int error = errno;
    if (there) (void)fclose(there);
    if (file) {
        (void)fclose(file);
        (void)remove(temporary);
    }
    free(temporary);
    if (file) return SKEP__EXIT_OK;
    return skep__cli_fail(command, "%s%s%s: %s", option, *option ? ": " : "", path,
                          strerror(error));
}
