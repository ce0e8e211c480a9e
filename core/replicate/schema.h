/* SPDX-License-Identifier: MIT */
/* What of a world is replicated, and a hash by which both ends know that they mean the same.
 *
 * A component's description stays as the program wrote it; its fields' quanta stand beside it here,
 * since only a world that is replicated has them. The order of components counts: messages name
 * them by their place. */
#ifndef SKEP_CORE_REPLICATE_SCHEMA_H
#define SKEP_CORE_REPLICATE_SCHEMA_H

#include "core/replicate/quantum.h"
#include "skep/publish.h"

/* 128 bits. */
typedef struct skep__schema_hash {
    uint64_t low;
    uint64_t high;
} skep__schema_hash;

/* Field `field`'s exponent, or SKEP_QUANTUM_NONE. */
int32_t skep__replica_quantum(const skep_replica *replica, uint32_t field);

/* Hashes kinds, names, fields, their names, types, counts and quanta, in order. Layouts of C
 * structs do not count. Guards against accidents, not against an attacker. Linear in names. */
skep__schema_hash skep__schema_hash_of(const skep_replica *replicas, uint32_t count);

#endif
