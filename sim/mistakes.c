/* SPDX-License-Identifier: MIT */
/* Mistakes are texts of their own length in host memory. Running out of memory while collecting
 * them must not hide that there were some, so the count goes on and the report says that texts
 * are missing. */
#include "sim/mistakes.h"

#include "core/base/log.h"

void skep__vmistake(skep__mistakes *m, const char *format, va_list args)
{
    const uint32_t at = m->count++;
    if (at >= SKEP__MISTAKE_MAX) return;
    char text[SKEP__MISTAKE_BYTES];
    const size_t wanted = skep__vformat(text, sizeof text, format, args);
    const size_t bytes = (wanted < sizeof text ? wanted : sizeof text - 1) + 1;
    char *kept = (char *)skep__alloc(m->allocator, bytes, 16);
    if (kept) memcpy(kept, text, bytes);
    m->texts[at] = kept;
    m->unkept |= !kept;
}

void skep__mistake(skep__mistakes *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    skep__vmistake(m, format, args);
    va_end(args);
}

void skep__mistakes_report(const skep__mistakes *m, const char *title, const skep_log *log)
{
    if (m->count == 0) return;
    if (m->count == 1 && m->texts[0]) {
        skep__logf(log, SKEP_LOG_ERROR, "%s: %s", title, m->texts[0]);
        return;
    }
    skep__logf(log, SKEP_LOG_ERROR, "%s: %u mistake%s, nothing was run", title, m->count,
               m->count == 1 ? "" : "s");
    for (uint32_t i = 0; i < m->count && i < SKEP__MISTAKE_MAX; i++)
        if (m->texts[i]) skep__logf(log, SKEP_LOG_ERROR, "  %s", m->texts[i]);
    if (m->count > SKEP__MISTAKE_MAX)
        skep__logf(log, SKEP_LOG_ERROR, "  and %u more", m->count - SKEP__MISTAKE_MAX);
    if (m->unkept) skep__logf(log, SKEP_LOG_ERROR, "  (no memory was left for some of the texts)");
}

void skep__mistakes_deinit(skep__mistakes *m)
{
    for (uint32_t i = 0; i < SKEP__MISTAKE_MAX; i++) {
        if (m->texts[i]) skep__free(m->allocator, m->texts[i], strlen(m->texts[i]) + 1, 16);
        m->texts[i] = NULL;
    }
    m->count = 0;
}

/* The longest name that is compared; longer ones are never suggested. */
#define SKEP__NAME_NEAR_MAX 63u

/* The fewest changes (a letter put in, left out, replaced, or two swapped) that turn a into b.
 * Three rows of the table are enough: swapping looks two rows back. */
static uint32_t mistakes_distance(const char *a, uint32_t an, const char *b, uint32_t bn)
{
    uint32_t rows[3][SKEP__NAME_NEAR_MAX + 1];
    for (uint32_t j = 0; j <= bn; j++) rows[0][j] = j;
    for (uint32_t i = 1; i <= an; i++) {
        uint32_t *now = rows[i % 3];
        const uint32_t *last = rows[(i - 1) % 3];
        now[0] = i;
        for (uint32_t j = 1; j <= bn; j++) {
            const uint32_t swap = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = skep__min_u32(swap, skep__min_u32(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = skep__min_u32(now[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[an % 3][bn];
}

const char *skep__nearest_name(const char *wanted, const char *const *names, uint32_t count)
{
    const size_t wanted_length = strlen(wanted);
    if (wanted_length > SKEP__NAME_NEAR_MAX) return NULL;
    const uint32_t n = (uint32_t)wanted_length;
    const char *best = NULL;
    uint32_t best_distance = skep__max_u32(n / 3, 1) + 1;
    for (uint32_t i = 0; i < count; i++) {
        if (!names[i] || strlen(names[i]) > SKEP__NAME_NEAR_MAX) continue;
        const uint32_t d = mistakes_distance(wanted, n, names[i], (uint32_t)strlen(names[i]));
        if (d >= best_distance) continue;
        best = names[i];
        best_distance = d;
    }
    return best;
}
