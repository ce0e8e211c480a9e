/* SPDX-License-Identifier: MIT */
/* What the command says when something is wrong, and small texts. An error is one line whatever was
 * typed: control characters in a name would break it into several, or do things to the terminal. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int skep__cli_fail(skep__cli_command command, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    const char *word = skep__cli_command_word(command);
    (void)fprintf(stderr, "skep%s%s: %s\n", word ? " " : "", word ? word : "", line);
    return SKEP__EXIT_USAGE;
}

/* ---- did you mean --------------------------------------------------------------------------- */

#define MESSAGE_NEAR_MAX 63u

/* The fewest letters put in, left out, replaced or swapped with their neighbour that turn a into b.
 * Three rows of the table are enough, since swapping looks two rows back. */
static uint32_t message_distance(const char *a, uint32_t an, const char *b, uint32_t bn)
{
    uint32_t rows[3][MESSAGE_NEAR_MAX + 1];
    for (uint32_t j = 0; j <= bn; j++) rows[0][j] = j;
    for (uint32_t i = 1; i <= an; i++) {
        uint32_t *now = rows[i % 3];
        const uint32_t *last = rows[(i - 1) % 3];
        now[0] = i;
        for (uint32_t j = 1; j <= bn; j++) {
            const uint32_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            const uint32_t moved = (last[j] < now[j - 1] ? last[j] : now[j - 1]) + 1;
            now[j] = replaced < moved ? replaced : moved;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                rows[(i - 2) % 3][j - 2] + 1 < now[j])
                now[j] = rows[(i - 2) % 3][j - 2] + 1;
        }
    }
    return rows[an % 3][bn];
}

const char *skep__cli_nearest(const char *wanted, const char *const *names, uint32_t count)
{
    const size_t length = strlen(wanted);
    if (length > MESSAGE_NEAR_MAX) return NULL;
    const char *best = NULL;
    /* A third of the letters may be wrong, one always. */
    uint32_t best_distance = (length < 6 ? 1 : (uint32_t)length / 3) + 1;
    for (uint32_t i = 0; i < count; i++) {
        const size_t n = strlen(names[i]);
        if (n > MESSAGE_NEAR_MAX) continue;
        const uint32_t d = message_distance(wanted, (uint32_t)length, names[i], (uint32_t)n);
        if (d >= best_distance) continue;
        best = names[i];
        best_distance = d;
    }
    return best;
}

const char *skep__cli_meant(char *out, size_t max, const char *wanted, const char *const *names,
                            uint32_t count)
{
    const char *near = skep__cli_nearest(wanted, names, count);
    out[0] = 0;
    if (near) (void)snprintf(out, max, " (did you mean \"%s\"?)", near);
    return out;
}

const char *skep__cli_thousands(char *out, uint64_t number)
{
    char digits[24];
    const int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    char *to = out;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return out;
}

/* ---- the end of standard output ------------------------------------------------------------- */

int skep__cli_finish(int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    if (errno == EPIPE) return code;
    /* An earlier write failed, and what it said is lost; a pipe would fail again, a full disk may
     * not. */
    const char *why = errno ? strerror(errno) : "not all of it could be written";
    (void)fprintf(stderr, "skep: standard output: %s\n", why);
    return code == SKEP__EXIT_OK ? SKEP__EXIT_FAILED : code;
}
