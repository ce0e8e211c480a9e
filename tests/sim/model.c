/* SPDX-License-Identifier: MIT */
/* The naive world; model.h says what it is for. */
#include "model.h"

#include <string.h>

SKEP_COMPONENT(Spot, (f32, x), (f32, y));
SKEP_COMPONENT(Small, (u8, k), (bool, on));
SKEP_COMPONENT(Mixed, (f64, d), (i16, s));
SKEP_TAG(Marked);
SKEP_COMPONENT(Named, (bytes, name, 12));
SKEP_COMPONENT(Matrix, (f32, m, 5));

const skep_component *model_info(uint32_t component)
{
    static const skep_component *const infos[MODEL_COMPONENTS] = {
        &Spot_info,  &Small_info,  &Mixed_info, &Marked_info,
        &Named_info, &Matrix_info, &Parent_info};
    return infos[component];
}

model_entity *model_find(model *m, skep_entity e)
{
    for (uint32_t i = m->count; i > 0; i--)
        if (m->entity[i - 1].handle.bits == e.bits) return &m->entity[i - 1];
    return NULL;
}

void model_born(model *m, skep_entity e)
{
    model_entity *born = &m->entity[m->count++];
    memset(born, 0, sizeof *born);
    born->handle = e;
    born->alive = true;
    m->alive_count++;
}

static void die(model *m, model_entity *e)
{
    e->alive = false;
    e->mask = 0;
    m->alive_count--;
}

bool model_change(model *m, skep_entity e, model_op op, uint32_t component, const void *value)
{
    if (op == MODEL_SPAWN) {
        model_born(m, e);
        return true;
    }
    model_entity *at = model_find(m, e);
    if (!at || !at->alive) return false;
    const uint32_t bit = 1u << component;
    switch (op) {
    case MODEL_DESTROY:
        die(m, at);
        return true;
    case MODEL_REMOVE:
        if (!(at->mask & bit)) return false;
        at->mask &= ~bit;
        return true;
    case MODEL_SET:
        if (!(at->mask & bit)) return false;
        break;
    default:
        at->mask |= bit;
        break;
    }
    if (model_info(component)->size)
        memcpy(at->value[component], value, model_info(component)->size);
    return true;
}

void model_cascade(model *m, const skep_entity *dead, uint32_t dead_count)
{
    static skep_entity queue[MODEL_ENTITY_MAX * 2];
    uint32_t count = 0;
    for (; count < dead_count; count++) queue[count] = dead[count];
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < m->count; k++) {
            model_entity *e = &m->entity[k];
            if (!e->alive || !(e->mask & (1u << MODEL_PARENT))) continue;
            if (memcmp(e->value[MODEL_PARENT], &queue[i], sizeof queue[i]) != 0) continue;
            die(m, e);
            queue[count++] = e->handle;
        }
    }
}

void model_value(uint32_t component, uint64_t bits, skep_entity some, void *value)
{
    memset(value, 0, MODEL_VALUE_BYTES);
    uint8_t *v = value;
    switch (component) {
    case 0: {
        const Spot spot = {(float)(bits & 0xffffu), (float)(bits >> 48)};
        memcpy(v, &spot, sizeof spot);
        break;
    }
    case 1:
        v[0] = (uint8_t)bits;
        v[1] = (uint8_t)(bits >> 63);
        break;
    case 2: {
        const double d = (double)(bits & 0xffffffu);
        const int16_t s = (int16_t)(bits >> 40);
        memcpy(v + offsetof(Mixed, d), &d, sizeof d);
        memcpy(v + offsetof(Mixed, s), &s, sizeof s);
        break;
    }
    case 4:
        for (uint32_t i = 0; i < 12; i++) v[i] = (uint8_t)(bits >> (i % 8 * 8));
        break;
    case 5:
        for (uint32_t i = 0; i < 5; i++) {
            const float f = (float)((bits >> i) & 0xfffu);
            memcpy(v + i * 4, &f, 4);
        }
        break;
    case MODEL_PARENT:
        memcpy(v, &some, sizeof some);
        break;
    default:
        break;
    }
}
