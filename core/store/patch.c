/* SPDX-License-Identifier: MIT */
/* Writer, reader and verifier of packed patches; patch.h has the layout.
 *
 * The writer runs in jobs, the reader in apply: both trust their memory and are a few instructions
 * long. The verifier stands between them and trusts nothing: it copies headers out before it looks
 * at them (the buffer may lie at any address), and goes through each value's fields, because a bool
 * that is neither 0 nor 1 is undefined behaviour in the job that reads it, and because bytes that
 * no field owns would make two equal patches differ.
 *
 * An INIT must name a handle that was spawned before. Jobs nearly always init what they spawned
 * last, or walk their spawns in order, so the last one found and the next are looked at first; any
 * other order costs a search through the task's spawns. A table was not worth its memory: a task
 * rarely spawns over 1,024. */
#include "core/store/patch.h"

#include "core/base/hash.h"

/* ---- writer --------------------------------------------------------------------------------- */

void *skep__patch_push(skep_patch_writer *w, skep_patch_kind kind, uint32_t slot, uint64_t entity,
                       uint32_t bytes)
{
    const size_t padded = skep__align(bytes, 8);
    const size_t size = sizeof(skep_patch_header) + padded;
    w->wanted += size;
    if (SKEP_UNLIKELY((size_t)(w->end - w->at) < size)) {
        if (kind != SKEP_PATCH_LOG) w->end = w->at;
        return NULL;
    }
    const skep_patch_header header = {(uint8_t)kind, 0, skep__u16(slot), bytes, entity};
    uint8_t *payload = w->at + sizeof header;
    memcpy(w->at, &header, sizeof header);
    if (bytes % 8) memset(payload + padded - 8, 0, 8);
    w->at += size;
    return payload;
}

void skep__patch_value(void *payload, const skep_component *component, const void *value)
{
    uint32_t used = 0;
    for (uint32_t f = 0; f < component->field_count; f++) {
        used += (uint32_t)component->fields[f].size * component->fields[f].count;
    }
    if (SKEP_LIKELY(used == component->size)) {
        if (used) memcpy(payload, value, used);
        return;
    }
    memset(payload, 0, component->size);
    for (uint32_t f = 0; f < component->field_count; f++) {
        const skep_field *field = &component->fields[f];
        memcpy((uint8_t *)payload + field->offset, (const uint8_t *)value + field->offset,
               (size_t)field->size * field->count);
    }
}

/* ---- reader --------------------------------------------------------------------------------- */

bool skep__patch_next(const uint8_t *buffer, size_t bytes, size_t *offset,
                      const skep_patch_header **header, const uint8_t **payload)
{
    if (*offset >= bytes) return false;
    const skep_patch_header *h = (const skep_patch_header *)(const void *)(buffer + *offset);
    SKEP_ASSERT(bytes - *offset >= sizeof *h + skep__align(h->bytes, 8));
    *header = h;
    *payload = buffer + *offset + sizeof *h;
    *offset += sizeof *h + skep__align(h->bytes, 8);
    return true;
}

uint64_t skep__component_identity(const skep_component *component)
{
    uint64_t h = skep__hash_mix(component->kind, skep__hash_string(component->name));
    for (uint32_t f = 0; f < component->field_count; f++) {
        const skep_field *field = &component->fields[f];
        h = skep__hash_mix(h, skep__hash_string(field->name));
        h = skep__hash_mix(h, field->type | (uint64_t)field->count << 8);
    }
    return skep__hash_u64(h);
}

/* ---- verifier ------------------------------------------------------------------------------- */

/* What verifying one buffer carries along. */
typedef struct patch_check {
    const uint8_t *buffer;
    size_t bytes;
    size_t offset; /* of the record at hand */
    const skep_patch_rules *rules;
    skep_patch_header header;
    const uint8_t *payload;
    uint32_t spawned;
    uint32_t found;     /* number of the spawn that the last INIT named */
    bool spawn_allowed; /* some slot allows SPAWN */
    skep_error *error;
} patch_check;

static skep_status patch_error(const patch_check *c, skep_status code, size_t at,
                               const char *message)
{
    *c->error = (skep_error){code, message, at};
    return code;
}

static bool patch_all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) any |= p[i];
    return any == 0;
}

/* Checks one field's bools, whose bytes are all there. */
static bool patch_bools_valid(const skep_field *field, const uint8_t *p)
{
    if (field->type != SKEP_TYPE__Bool) return true;
    uint8_t any = 0;
    for (uint32_t i = 0; i < field->count; i++) any |= p[i];
    return any <= 1;
}

/* Checks a value of exactly component->size bytes. */
static skep_status patch_check_value(const patch_check *c, const skep_component *component,
                                     const uint8_t *value)
{
    const size_t at = (size_t)(value - c->buffer);
    uint32_t end = 0;
    for (uint32_t f = 0; f < component->field_count; f++) {
        const skep_field *field = &component->fields[f];
        if (field->offset > end && !patch_all_zero(value + end, field->offset - end)) {
            return patch_error(c, SKEP_CORRUPT, at + end, "patch: padding in a value is not zero");
        }
        if (!patch_bools_valid(field, value + field->offset)) {
            return patch_error(c, SKEP_CORRUPT, at + field->offset, "patch: a bool is not 0 or 1");
        }
        end = skep__max_u32(end, field->offset + (uint32_t)field->size * field->count);
    }
    if (component->size > end && !patch_all_zero(value + end, component->size - end)) {
        return patch_error(c, SKEP_CORRUPT, at + end, "patch: padding in a value is not zero");
    }
    return SKEP_OK;
}

/* Checks a payload that is one value of `component`, behind `skip` bytes. */
static skep_status patch_check_payload(const patch_check *c, const skep_component *component,
                                       uint32_t skip)
{
    if (c->header.bytes - skip != component->size) {
        return patch_error(c, SKEP_CORRUPT, c->offset,
                           "patch: the payload has not its component's size");
    }
    return patch_check_value(c, component, c->payload + skip);
}

static skep_status patch_check_empty(const patch_check *c)
{
    if (c->header.bytes == 0) return SKEP_OK;
    return patch_error(c, SKEP_CORRUPT, c->offset, "patch: this kind has no payload");
}

/* Finds the slot and checks that it allows the kind. */
static skep_status patch_check_slot(const patch_check *c, const skep_patch_slot **slot)
{
    if (c->header.slot >= c->rules->slot_count) {
        return patch_error(c, SKEP_ACCESS, c->offset, "patch: there is no such access entry");
    }
    *slot = &c->rules->slots[c->header.slot];
    if (((*slot)->kinds >> c->header.kind) & 1u) return SKEP_OK;
    return patch_error(c, SKEP_ACCESS, c->offset, "patch: the declared access does not allow it");
}

static skep_status patch_check_spawn(patch_check *c)
{
    if (c->spawned == c->rules->spawn_count) {
        return patch_error(c, SKEP_LIMIT, c->offset,
                           "patch: more spawns than were reserved (spawn_max)");
    }
    if (c->header.entity != c->rules->spawns[c->spawned].bits) {
        return patch_error(c, SKEP_ACCESS, c->offset,
                           "patch: a spawn is not the next reserved handle");
    }
    c->spawned++;
    return patch_check_empty(c);
}

/* Says whether the handle was spawned earlier in this buffer. */
static bool patch_spawned_before(patch_check *c, uint64_t entity)
{
    const skep_entity *spawns = c->rules->spawns;
    const uint32_t n = c->spawned;
    if (!n) return false;
    if (spawns[n - 1].bits == entity) {
        c->found = n - 1;
        return true;
    }
    if (c->found < n && spawns[c->found].bits == entity) return true;
    if (c->found + 1 < n && spawns[c->found + 1].bits == entity) {
        c->found++;
        return true;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (spawns[i].bits != entity) continue;
        c->found = i;
        return true;
    }
    return false;
}

static skep_status patch_check_init(patch_check *c)
{
    uint64_t identity = 0;
    if (!c->spawn_allowed || c->header.slot != SKEP_PATCH_NO_SLOT) {
        return patch_error(c, SKEP_ACCESS, c->offset,
                           "patch: a first value needs the right to spawn, and no slot");
    }
    if (c->header.bytes < sizeof identity) {
        return patch_error(c, SKEP_CORRUPT, c->offset, "patch: a first value without identity");
    }
    if (!patch_spawned_before(c, c->header.entity)) {
        return patch_error(c, SKEP_ACCESS, c->offset,
                           "patch: a first value for what this output has not spawned");
    }
    memcpy(&identity, c->payload, sizeof identity);
    const skep_component *component = c->rules->component(c->rules->ctx, identity);
    if (!component || component->kind != SKEP_KIND_COMPONENT) {
        return patch_error(c, SKEP_NOT_FOUND, c->offset,
                           "patch: a first value of an unknown component");
    }
    return patch_check_payload(c, component, sizeof identity);
}

/* Every handle that a record names. */
static skep_status patch_check_entity(const patch_check *c)
{
    const uint64_t bits = c->header.entity;
    const bool nobody = c->header.kind == SKEP_PATCH_LOG || c->header.kind == SKEP_PATCH_RESOURCE;
    const bool anybody = nobody || c->header.kind == SKEP_PATCH_EVENT;
    if (bits == 0) {
        if (anybody) return SKEP_OK;
        return patch_error(c, SKEP_CORRUPT, c->offset, "patch: the entity is null");
    }
    const uint64_t generation = bits >> 32;
    if (nobody || generation == 0 || generation > SKEP_GENERATION_MAX) {
        return patch_error(c, SKEP_CORRUPT, c->offset, "patch: this is no entity's handle");
    }
    return SKEP_OK;
}

/* Checks a record whose bytes are all there. */
static skep_status patch_check_record(patch_check *c)
{
    const skep_patch_slot *slot = NULL;
    skep_status status = patch_check_entity(c);
    if (status != SKEP_OK) return status;
    switch (c->header.kind) {
    case SKEP_PATCH_LOG:
        if (c->header.slot == SKEP_PATCH_NO_SLOT && c->header.bytes <= SKEP__PATCH_LOG_MAX) {
            return SKEP_OK;
        }
        return patch_error(c, SKEP_CORRUPT, c->offset, "patch: a log line with slot, or too long");
    case SKEP_PATCH_INIT:
        return patch_check_init(c);
    default:
        break;
    }
    status = patch_check_slot(c, &slot);
    if (status != SKEP_OK) return status;
    switch (c->header.kind) {
    case SKEP_PATCH_SPAWN:
        return patch_check_spawn(c);
    case SKEP_PATCH_REMOVE:
    case SKEP_PATCH_DESTROY:
        return patch_check_empty(c);
    default:
        return patch_check_payload(c, slot->component, 0);
    }
}

static bool patch_kind_known(uint8_t kind)
{
    switch (kind) {
#define SKEP_PATCH(name, value, slot, payload) case SKEP_PATCH_##name:
#include "core/store/patch_kinds.inl"
#undef SKEP_PATCH
        return true;
    default:
        return false;
    }
}

/* Takes the record at `offset` apart: header, payload and padding, all within the buffer. */
static skep_status patch_check_frame(patch_check *c, size_t *next)
{
    const size_t left = c->bytes - c->offset;
    if (left < sizeof c->header) {
        return patch_error(c, SKEP_CORRUPT, c->offset, "patch: the buffer ends within a header");
    }
    memcpy(&c->header, c->buffer + c->offset, sizeof c->header);
    c->payload = c->buffer + c->offset + sizeof c->header;
    if (!patch_kind_known(c->header.kind) || c->header.flags) {
        return patch_error(c, SKEP_CORRUPT, c->offset, "patch: unknown kind or flags");
    }
    const size_t room = left - sizeof c->header;
    if (c->header.bytes > room || skep__align(c->header.bytes, 8) > room) {
        return patch_error(c, SKEP_CORRUPT, c->offset, "patch: the buffer ends within a payload");
    }
    const size_t padded = skep__align(c->header.bytes, 8);
    if (!patch_all_zero(c->payload + c->header.bytes, padded - c->header.bytes)) {
        return patch_error(c, SKEP_CORRUPT, c->offset + sizeof c->header + c->header.bytes,
                           "patch: padding behind a payload is not zero");
    }
    *next = c->offset + sizeof c->header + padded;
    return SKEP_OK;
}

skep_status skep__patch_verify(const uint8_t *buffer, size_t bytes, const skep_patch_rules *rules,
                               uint32_t *spawned, skep_error *error)
{
    patch_check c = {.buffer = buffer, .bytes = bytes, .rules = rules, .error = error};
    *error = (skep_error){SKEP_OK, NULL, 0};
    *spawned = 0;
    for (uint32_t s = 0; s < rules->slot_count; s++) {
        if ((rules->slots[s].kinds >> SKEP_PATCH_SPAWN) & 1u) c.spawn_allowed = true;
    }
    while (c.offset < bytes) {
        size_t next = 0;
        skep_status status = patch_check_frame(&c, &next);
        if (status == SKEP_OK) status = patch_check_record(&c);
        if (status != SKEP_OK) return status;
        c.offset = next;
    }
    *spawned = c.spawned;
    return SKEP_OK;
}
