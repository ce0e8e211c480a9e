/* SPDX-License-Identifier: MIT */
/* Prediction: the own entity moves at once, in a small world of its own that runs ahead of the
 * server's by as much as an input needs to get there.
 *
 *     send       an input gets the number of the tick that is predicted next, and goes to the
 *                server for the same tick
 *     next       as time passes, the small world is stepped; each tick's state is kept
 *     reconcile  a state of the server tells how the own entity really was at its tick. Where that
 *                equals what was predicted then, bit by bit, nothing happens. Else the small world
 *                goes back to that tick, takes the server's values, and runs again to where it was,
 *                with the inputs that were sent
 *     show       what jumps by a correction glides instead, over smooth_ms
 *
 * The small world has the same systems as the server's, so that it gives the same bits, but only
 * the own entity in it: with the predicted components to the bit, and with what else the view gets
 * of it, quantised. Its tick, time and random numbers are its own; systems that are predicted had
 * better not use them, nor handles. Entities that its systems spawn live until the server's state
 * contradicts or their parent is corrected: a correction takes them back. Its handles are its own;
 * skep_predict_local tells them. One thread's: the view's. */
#ifndef SKEP_PREDICT_H
#define SKEP_PREDICT_H

#include "skep/view.h"
#include "skep/world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A prediction; see skep_predict_open. */
typedef struct skep_predict skep_predict;

/* What to predict with; begin with skep_predict_desc_default(). Zero is every member's default.
 */
typedef struct skep_predict_desc {
    uint32_t canary;          /* set by skep_predict_desc_default */
    skep_view *view;          /* needed, outlives the prediction; its desc.predict is what is
                                 compared */
    skep_world *world;        /* needed, outlives the prediction: empty of entities, and stepped by
                                 somebody else, by 1 / tick_hz seconds a time */
    uint32_t replay_max;      /* ticks that one call may step again; 12. Beyond, the rest follows in
                                 the next calls */
    uint32_t ahead_max;       /* ticks that it may run ahead of the newest state; 60 */
    uint32_t smooth_ms;       /* in which a correction is made good; 120 */
    skep_allocator allocator; /* needed */
    skep_log log;             /* reasons of refusals, corrections */
} skep_predict_desc;

/* Returns the defaults. Any thread. */
SKEP_API skep_predict_desc skep_predict_desc_default(void);

/* Opens a prediction. SKEP_ARGUMENT with the reason in the log; SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_predict_open(const skep_predict_desc *desc,
                                                      skep_predict **predict);

/* Frees it and releases its snapshots; NULL is fine. */
SKEP_API void skep_predict_close(skep_predict *predict);

/* Sends an input: to the server, and to the small world in the tick that is predicted next. Returns
 * its number; 0 when it could not be sent (skep_view_send). */
SKEP_API uint64_t skep_predict_send(skep_predict *predict, const skep_component *input,
                                    const void *value, uint64_t now_ns);

/* Returns whether the small world must be stepped by one frame now; if so, step it and call
 * skep_predict_stepped, then ask again. Looks at what came from the server first. */
SKEP_API bool skep_predict_next(skep_predict *predict, uint64_t now_ns);

/* After each of these steps. */
SKEP_API void skep_predict_stepped(skep_predict *predict);

/* Writes the predicted and smoothed values over those that the view shows of the own entity, after
 * skep_view_frame. Values of f32 fields are also interpolated between ticks. */
SKEP_API void skep_predict_show(skep_predict *predict, uint64_t now_ns);

/* Returns the handle in the small world of the own entity; null while there is none. */
SKEP_API skep_entity skep_predict_local(const skep_predict *predict);

/* What a prediction did. */
typedef struct skep_predict_stats {
    uint64_t ticks;       /* that were predicted */
    uint64_t replayed;    /* of those, again */
    uint64_t compared;    /* states of the server that were compared */
    uint64_t corrections; /* of those, that differed */
    uint64_t skipped;     /* states too old or too new to compare */
    uint32_t tick;        /* that was predicted last */
    int32_t lead;         /* ticks ahead of where the server is, as far as can be known */
    float error; /* greatest difference that is still being made good, in units of fields */
} skep_predict_stats;

/* Returns the figures. */
SKEP_API skep_predict_stats skep_predict_stats_of(const skep_predict *predict);

#ifdef __cplusplus
}
#endif

#endif
