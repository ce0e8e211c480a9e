/* SPDX-License-Identifier: MIT */
/* What a scene declares for live worlds: what is published and how, how players come and go, which
 * systems are predicted. Collected by the builder, kept by whoever holds the world. */
#ifndef SKEP_SIM_DECLARE_H
#define SKEP_SIM_DECLARE_H

#include "sim/keep.h"
#include "skep/publish.h"
#include "skep/scene.h"

/* The most systems, and components that they use, that can be predicted. */
#define SKEP__PREDICTED_MAX 64u

/* One component, event, resource or input that a declaration names. */
typedef struct skep__declared {
    struct skep__declared *next;
    const skep_component *info;
    bool hidden;
    bool wanted;                        /* by skep_publish */
    int8_t quanta_log2[SKEP_FIELD_MAX]; /* SKEP_QUANTUM_NONE where there is none */
} skep__declared;

/* Part of its holder and all zero at first; what it points to is kept memory. */
typedef struct skep__declares {
    skep__declared *declared; /* in the order of their first naming */
    skep_rate *rates;         /* rate_count of rate_cap */
    uint32_t rate_count, rate_cap;
    skep_place place;
    skep_publish_join_fn *join;
    void *join_ctx;
    skep_publish_leave_fn *leave;
    void *leave_ctx;
    const char *predicted[SKEP__PREDICTED_MAX];
    uint32_t predicted_count;
    const skep_component *used[SKEP__PREDICTED_MAX]; /* by predicted systems, of their entities */
    uint32_t used_count;
    skep_replica *replicas; /* replica_count; NULL until they are first asked for */
    uint32_t replica_count;
} skep__declares;

/* Looks for what only the whole scene tells, once all systems are known. */
void skep__declares_check(skep_builder *b);

/* Whether a system is among the predicted ones. */
bool skep__declares_predicts(const skep__declares *d, const char *system);

/* As skep_sim_publish_desc but for allocator and log; `keep` lives as long as `d`. */
SKEP_NODISCARD skep_status skep__declares_fill(skep__declares *d, skep__keep *keep,
                                               skep_world *world, const skep_log *log,
                                               skep_publish_desc *desc);

/* As skep_sim_join and skep_sim_leave. */
skep_entity skep__declares_join(const skep__declares *d, skep_world *world, uint32_t player);
void skep__declares_leave(const skep__declares *d, skep_world *world, uint32_t player,
                          skep_entity own);

#endif
