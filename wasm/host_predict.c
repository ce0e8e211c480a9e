/* SPDX-License-Identifier: MIT */
/* Prediction beside a view: the host's world is the small one. JavaScript steps it, by its
 * scheduler, whenever skep_host_predict_next says so; the rest is skep/predict.h. */
#include "wasm/host.h"

#include "core/plan/plan_internal.h"
#include "skep/predict.h"

typedef struct host_view host_view;
skep_view *host_view_of(host_view *v);

/* A prediction and its host. */
typedef struct host_predict {
    host *host;
    skep_predict *predict;
} host_predict;

/* Whether a job of this mode needs the component of its own entity. */
static bool own_value(uint32_t mode)
{
    return mode == SKEP_MODE_in || mode == SKEP_MODE_mut || mode == SKEP_MODE_out ||
           mode == SKEP_MODE_opt || mode == SKEP_MODE_with || mode == SKEP_MODE_add ||
           mode == SKEP_MODE_remove;
}

/* The components of a row that a system of the plan uses, in io from word 0 on; their
 * number. 0 for an unknown one. */
uint32_t HOST_EXPORT(skep_host_system_parts)(host *h, const char *name)
{
    const skep__system *s = skep__system_find(h->plan, name);
    uint32_t count = 0;
    for (uint32_t i = 0; s && s->job && i < s->job->access_count; i++) {
        const skep_access *a = &s->job->access[i];
        if (own_value(a->mode)) h->io[count++] = (uint32_t)(uintptr_t)a->component;
    }
    return count;
}

/* Ends a prediction, before its view. */
void HOST_EXPORT(skep_host_predict_close)(host_predict *p)
{
    host *h = p->host;
    skep_predict_close(p->predict);
    skep__free(&h->allocator, p, sizeof *p, 64);
}

/* Opens one over the host's world; NULL on failure: then io[0] is the status, and the reason in the
 * log. */
host_predict *HOST_EXPORT(skep_host_predict_open)(host *h, host_view *v, uint32_t replay_max,
                                                  uint32_t ahead_max, uint32_t smooth_ms)
{
    skep_predict_desc d = skep_predict_desc_default();
    d.view = host_view_of(v);
    d.world = h->world;
    d.replay_max = replay_max;
    d.ahead_max = ahead_max;
    d.smooth_ms = smooth_ms;
    d.allocator = h->allocator;
    d.log = host_logger(h);
    host_predict *p = skep__alloc(&h->allocator, sizeof *p, 64);
    skep_status status = p ? skep_predict_open(&d, &p->predict) : SKEP_NO_MEMORY;
    h->io[0] = (uint32_t)status;
    if (p) p->host = h;
    if (status == SKEP_OK) return p;
    (void)host_fail(h, status, "prediction: %s", skep_status_text(status));
    if (p) skep_host_predict_close(p);
    return NULL;
}

/* Sends an input; io[0] and io[1] are its number, 0 when it could not be sent. */
void HOST_EXPORT(skep_host_predict_send)(host_predict *p, const skep_component *input,
                                         const void *value, double now_ms)
{
    host_put_u64(p->host, 0, skep_predict_send(p->predict, input, value, host_ns(now_ms)));
}

/* Whether the small world is to be stepped now. */
uint32_t HOST_EXPORT(skep_host_predict_next)(host_predict *p, double now_ms)
{
    return skep_predict_next(p->predict, host_ns(now_ms)) ? 1 : 0;
}

/* It was. */
void HOST_EXPORT(skep_host_predict_stepped)(host_predict *p)
{
    skep_predict_stepped(p->predict);
}

/* Writes the predicted values over those that are shown. */
void HOST_EXPORT(skep_host_predict_show)(host_predict *p, double now_ms)
{
    skep_predict_show(p->predict, host_ns(now_ms));
}

/* The own entity's handle in the small world, in io. */
void HOST_EXPORT(skep_host_predict_local)(host_predict *p)
{
    host_put_entity(p->host, 0, skep_predict_local(p->predict));
}

/* The figures as doubles from io[0] on, in the order of skep_predict_stats. */
void HOST_EXPORT(skep_host_predict_stats)(host_predict *p)
{
    const skep_predict_stats s = skep_predict_stats_of(p->predict);
    const double all[] = {(double)s.ticks,
                          (double)s.replayed,
                          (double)s.compared,
                          (double)s.corrections,
                          (double)s.skipped,
                          s.tick,
                          s.lead,
                          (double)s.error};
    memcpy(p->host->io, all, sizeof all);
}
