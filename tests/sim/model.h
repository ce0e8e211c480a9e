/* SPDX-License-Identifier: MIT */
/* A naive world: arrays of entities, each with a bit a component and a copy of its value. It knows
 * no tables, blocks or batches, so it is plainly right, and the real world is held against it. */
#ifndef SKEP_TESTS_SIM_MODEL_H
#define SKEP_TESTS_SIM_MODEL_H

#include "skep/world.h"

#include <stdbool.h>
#include <stdint.h>

#define MODEL_ENTITY_MAX 6000u
#define MODEL_COMPONENTS 7u
#define MODEL_VALUE_BYTES 24u

enum { MODEL_PARENT = 6 };

typedef struct model_entity {
    skep_entity handle;
    bool alive;
    uint32_t mask;
    uint8_t value[MODEL_COMPONENTS][MODEL_VALUE_BYTES];
} model_entity;

typedef struct model {
    uint32_t count; /* entities ever made on this line of time */
    uint32_t alive_count;
    model_entity entity[MODEL_ENTITY_MAX];
} model;

/* The components that the model knows, by number. */
const skep_component *model_info(uint32_t component);

/* The kinds of change; the first seven are patches too. */
typedef enum model_op {
    MODEL_SET,
    MODEL_PUT,
    MODEL_REMOVE,
    MODEL_DESTROY,
    MODEL_SPAWN,
    MODEL_INIT
} model_op;

model_entity *model_find(model *m, skep_entity e);
void model_born(model *m, skep_entity e);

/* One change of one entity, as if alone; a destroy does not cascade. Returns false when there was
 * nothing to do (a patch would be dropped). */
bool model_change(model *m, skep_entity e, model_op op, uint32_t component, const void *value);

/* Destroys everything whose Parent is gone because it is among `dead` or was destroyed by this. */
void model_cascade(model *m, const skep_entity *dead, uint32_t dead_count);

/* Fills a canonical value (bools 0 or 1, no NaN) of a component from random bits. */
void model_value(uint32_t component, uint64_t bits, skep_entity some, void *value);

#endif
