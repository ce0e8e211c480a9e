/* SPDX-License-Identifier: MIT */
/* Component types: what a component, tag, event, resource, input or prefab is made of. The macros
 * of skep/job.h write these descriptions; tools may build them by hand. All of it is constant data.
 */
#ifndef SKEP_COMPONENT_H
#define SKEP_COMPONENT_H

#include "skep/id.h"

#include <stddef.h>
#include <stdint.h>

/* The 64-bit and smaller numbers under the names that fields use. */
typedef int8_t skep_i8;
typedef uint8_t skep_u8;
typedef int16_t skep_i16;
typedef uint16_t skep_u16;
typedef int32_t skep_i32;
typedef uint32_t skep_u32;
typedef int64_t skep_i64;
typedef uint64_t skep_u64;
typedef float skep_f32;
typedef double skep_f64;
typedef bool skep_bool;
#ifndef __cplusplus
typedef bool skep__Bool; /* what `bool` expands to in C */
#endif
typedef uint8_t skep_bytes; /* one byte of bytes[N] */

/* Every field type: name, value, bytes of one element, name in messages. Values are part of saves
 * and of the wire and never change. An element of `bytes` is one byte; bytes[N] has count N. */
#define SKEP_TYPE_TABLE(X)                                                                         \
    X(i8, 1, 1, "i8")                                                                              \
    X(u8, 2, 1, "u8")                                                                              \
    X(i16, 3, 2, "i16")                                                                            \
    X(u16, 4, 2, "u16")                                                                            \
    X(i32, 5, 4, "i32")                                                                            \
    X(u32, 6, 4, "u32")                                                                            \
    X(i64, 7, 8, "i64")                                                                            \
    X(u64, 8, 8, "u64")                                                                            \
    X(f32, 9, 4, "f32")                                                                            \
    X(f64, 10, 8, "f64")                                                                           \
    X(bool, 11, 1, "bool")                                                                         \
    X(entity, 12, 8, "entity")                                                                     \
    X(bytes, 13, 1, "bytes")

/* The type of a field's elements. */
typedef enum skep_type {
#define SKEP_TYPE_ROW(name, value, size, text) SKEP_TYPE_##name = value,
    SKEP_TYPE_TABLE(SKEP_TYPE_ROW)
#undef SKEP_TYPE_ROW
        SKEP_TYPE__Bool = SKEP_TYPE_bool /* `bool` may be a macro in C */
} skep_type;

/* One field: one column of `size * count` bytes a row. */
typedef struct skep_field {
    const char *name; /* static text, unique in its component */
    uint8_t type;     /* skep_type */
    uint8_t size;     /* bytes of one element */
    uint16_t count;  /* elements a row: 1, or the length of an array field; size * count <= 2,048 */
    uint32_t offset; /* byte offset in the component's C value struct */
} skep_field;

/* What a description describes. */
typedef enum skep_kind {
    SKEP_KIND_COMPONENT, /* columns of entities; without fields, a tag */
    SKEP_KIND_EVENT,     /* a typed message, to an entity or to all */
    SKEP_KIND_RESOURCE,  /* a named value that is no entity's */
    SKEP_KIND_INPUT,     /* a typed, numbered message from outside */
    SKEP_KIND_PREFAB,    /* a name to spawn by */
    SKEP_KIND_GRID       /* a spatial grid, used as a resource */
} skep_kind;

/* The description of a component, event, resource, input or prefab. Defined once, constant, used in
 * many worlds and threads; its identity is its kind, name and layout, not its address. */
typedef struct skep_component {
    const char *name;         /* static text */
    const skep_field *fields; /* NULL for tags and prefabs */
    uint32_t field_count;     /* at most SKEP_FIELD_MAX */
    uint32_t size;            /* bytes of the C value struct, 0 for tags and prefabs */
    uint32_t align;           /* alignment of the C value struct, 1 for tags */
    uint32_t kind;            /* skep_kind */
} skep_component;

/* The most fields that one component can have. */
#define SKEP_FIELD_MAX 16u

/* The most bytes that one field's row can have. */
#define SKEP_FIELD_BYTES_MAX 2048u

#endif
