/* SPDX-License-Identifier: MIT */
/* A builder's insides, for the files of sim/ that offer builder calls. */
#ifndef SKEP_SIM_BUILDER_H
#define SKEP_SIM_BUILDER_H

#include "core/base/random.h"
#include "sim/declare.h"
#include "sim/keep.h"
#include "sim/mistakes.h"
#include "skep/scene.h"

#include <setjmp.h>

/* One parameter that the scene asked for; see skep_param. */
typedef struct skep__asked {
    struct skep__asked *next;
    const char *name;
    const char *help;
    const char *type;
    const char *value;
    bool given;
} skep__asked;

/* One "name=value" of the host's. */
typedef struct skep__given {
    const char *name;
    const char *value;
    bool asked; /* some call asked for it */
} skep__given;

/* One system of the scene. */
typedef struct skep__building {
    struct skep__building *next;
    skep_when when;
    const skep_job *job; /* or NULL */
    bool everything;     /* a `run` that did not say what it uses */
} skep__building;

/* Columns of one component that wait to be copied into the world. */
typedef struct skep__staged {
    struct skep__staged *next;
    const skep_component *component;
    const skep_entity *ids; /* n */
    uint32_t n;
    const uint8_t *columns[SKEP_FIELD_MAX]; /* n rows each */
} skep__staged;

/* Who can help a `run` of the library's own. Lives as long as the simulation. */
typedef struct skep__helpers {
    skep_pool *idle; /* the pool while it runs no batch, else NULL */
} skep__helpers;

struct skep_builder {
    skep_world *world;
    skep_plan *plan;
    skep__keep *kept; /* lives as long as the simulation */
    const skep__helpers *helpers;
    skep__declares *declares; /* lives as long as the simulation */
    skep__keep temp;          /* lives as long as the builder */
    skep__mistakes mistakes;
    skep__given *given; /* given_count */
    uint32_t given_count;
    uint32_t entity_max; /* of the world */
    bool predict;        /* only predicted systems, and no entities */
    skep__asked *asked;  /* in the order of asking */
    skep__asked **asked_end;
    skep__building *systems; /* in the order of adding */
    skep__building **systems_end;
    skep__staged *staged; /* newest first */
    const char *data;
    size_t data_bytes;
    uint64_t seed;
    uint64_t draws; /* of skep_init_rand */
    skep__random_key draw_key;
    skep_when spare; /* returned where there was no memory for a real one */
    jmp_buf leave;   /* set while the scene's function runs */
};

/* What a builder is made with. */
typedef struct skep__builder_desc {
    skep_world *world;
    skep_plan *plan;
    const skep_allocator *allocator;
    skep__keep *kept;
    const skep__helpers *helpers;
    skep__declares *declares; /* all zero */
    const char *const *params;
    uint32_t param_count;
    uint32_t entity_max;
    uint64_t seed;
    const char *data;
    size_t data_bytes;
    bool predict;
} skep__builder_desc;

/* Readies a builder in the caller's memory. Mistakes of the parameters' form are collected. */
void skep__builder_init(skep_builder *b, const skep__builder_desc *desc);

/* Calls the scene's function, puts what it staged into the world, its systems into the plan, and
 * builds that. Returns SKEP_OK, or SKEP_PLAN when there are mistakes. */
skep_status skep__builder_build(skep_builder *b, const skep_scene *scene);

void skep__builder_deinit(skep_builder *b);

/* Keeps a world's refusal as a mistake, with what was tried. SKEP_OK is none. */
void skep__builder_check(skep_builder *b, skep_status status, const char *what, const char *name);

/* Memory for as long as the builder lives. Without it the scene's function is left. */
void *skep__builder_take(skep_builder *b, size_t bytes);

/* Copies what was staged into the world and forgets it. */
void skep__builder_flush(skep_builder *b);

/* Looks for parameters that nothing asked for. */
void skep__builder_params_check(skep_builder *b);

#endif
