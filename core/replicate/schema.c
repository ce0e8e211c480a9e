/* SPDX-License-Identifier: MIT */
/* The hash of a schema: two chains of the block hash with seeds of their own, a step a name with
 * its numbers as the seed of the step. Lengths are part of the block hash, so two names cannot
 * trade letters. */
#include "core/replicate/schema.h"

#include "core/base/hash.h"

int32_t skep__replica_quantum(const skep_replica *replica, uint32_t field)
{
    return replica->quanta_log2 ? replica->quanta_log2[field] : SKEP_QUANTUM_NONE;
}

static void schema_mix(skep__schema_hash *h, const char *name, uint64_t numbers)
{
    size_t n = 0;
    while (name[n]) n++;
    h->low = skep__hash_mix(h->low, skep__hash_bytes(name, n, numbers));
    h->high = skep__hash_mix(h->high, skep__hash_bytes(name, n, ~numbers));
}

skep__schema_hash skep__schema_hash_of(const skep_replica *replicas, uint32_t count)
{
    skep__schema_hash h = {skep__hash_u64(count), skep__hash_u64(~(uint64_t)count)};
    for (uint32_t i = 0; i < count; i++) {
        const skep_component *info = replicas[i].info;
        schema_mix(&h, info->name, (uint64_t)info->kind << 32 | info->field_count);
        for (uint32_t f = 0; f < info->field_count; f++) {
            const skep_field *field = &info->fields[f];
            const uint32_t quantum = (uint8_t)skep__replica_quantum(&replicas[i], f);
            schema_mix(&h, field->name,
                       (uint64_t)field->type << 32 | (uint64_t)field->count << 8 | quantum);
        }
    }
    h.low = skep__hash_u64(h.low);
    h.high = skep__hash_u64(h.high);
    return h;
}
