/* SPDX-License-Identifier: MIT */
/* Where messages go: a callback that the host gives at creation. skep prints nothing by itself;
 * without a callback messages are dropped. */
#ifndef SKEP_LOG_H
#define SKEP_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

/* How much a message matters. The greater, the graver; values never change. */
typedef enum skep_log_level {
    SKEP_LOG_DEBUG = 0, /* for those who work on skep */
    SKEP_LOG_INFO = 1,  /* what happens in the normal course of things */
    SKEP_LOG_WARN =
        2, /* it goes on, but somebody should look: a fault that was healed, a fallback */
    SKEP_LOG_ERROR = 3 /* something asked for was not done */
} skep_log_level;

/* Takes one message: `text` is UTF-8 without a line end, ended by a zero, and valid during the call
 * only. Called on the owner's thread, never by a job; it must not call back into what it was given
 * to. */
typedef void (*skep_log_fn)(void *ctx, skep_log_level level, const char *text);

/* A receiver of messages, passed by value and kept. All zero: messages are dropped. */
typedef struct skep_log {
    skep_log_fn fn; /* or NULL */
    void *ctx;      /* handed to fn; borrowed, it outlives what it was given to */
} skep_log;

#ifdef __cplusplus
}
#endif

#endif
