/* SPDX-License-Identifier: MIT */
/* Mistakes: what was wrong with a scene or a descriptor, collected so that all of it is shown at
 * once instead of one discovery a run. */
#ifndef SKEP_SIM_MISTAKES_H
#define SKEP_SIM_MISTAKES_H

#include "core/base/format.h"
#include "skep/log.h"

/* The most mistakes that are kept; what comes after is counted. */
#define SKEP__MISTAKE_MAX 64u

/* A mistake's longest text with its ending zero; longer ones are cut. */
#define SKEP__MISTAKE_BYTES 512u

typedef struct skep__mistakes {
    const skep_allocator *allocator;
    char *texts[SKEP__MISTAKE_MAX]; /* the first min(count, SKEP__MISTAKE_MAX) */
    uint32_t count;
    bool unkept; /* there was no memory to keep a text */
} skep__mistakes;

/* Keeps one mistake. Without memory it still counts. */
void skep__mistake(skep__mistakes *m, const char *format, ...) SKEP__PRINTF(2, 3);

/* skep__mistake with its arguments in a list. */
void skep__vmistake(skep__mistakes *m, const char *format, va_list args) SKEP__PRINTF(2, 0);

/* Sends "TITLE: N mistakes, nothing was run" and each mistake, indented, to the log, a message a
 * line. A single mistake is one line with the title in front. */
void skep__mistakes_report(const skep__mistakes *m, const char *title, const skep_log *log);

void skep__mistakes_deinit(skep__mistakes *m);

/* Returns which of `count` names is most like `wanted`, or NULL when none is near enough to be
 * meant: at most a third of its letters are wrong, missing, too many or swapped. Names may be
 * NULL. */
const char *skep__nearest_name(const char *wanted, const char *const *names, uint32_t count);

#endif
