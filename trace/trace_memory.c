/* SPDX-License-Identifier: MIT */
/* A list of pieces: the newest is the first. */
#include "trace/trace_memory.h"

#include "core/base/format.h"

#define MEMORY_HEAD 16u /* of a piece, so that what follows is aligned */
#define MEMORY_NUMBER_TEXT 48u

_Static_assert(sizeof(skep__trace_block) <= MEMORY_HEAD, "the head fits before what it heads");

void *skep__trace_take(skep__trace_memory *memory, size_t count, size_t item_bytes)
{
    const size_t most = (SIZE_MAX / 2u - MEMORY_HEAD) / (item_bytes ? item_bytes : 1u);
    if (memory->failed || count > most) {
        memory->failed = true;
        return NULL;
    }
    const size_t bytes = MEMORY_HEAD + (count ? count : 1u) * item_bytes;
    skep__trace_block *block = skep__alloc(&memory->allocator, bytes, 16);
    if (!block) {
        memory->failed = true;
        return NULL;
    }
    block->next = memory->blocks;
    block->bytes = bytes;
    memory->blocks = block;
    return (uint8_t *)block + MEMORY_HEAD;
}

const char *skep__trace_text(skep__trace_memory *memory, const char *text, size_t bytes)
{
    char *copy = skep__trace_take(memory, bytes + 1u, 1);
    if (!copy) return "";
    memcpy(copy, text, bytes);
    return copy;
}

const char *skep__trace_numbered(skep__trace_memory *memory, const char *word, uint32_t number)
{
    char text[MEMORY_NUMBER_TEXT];
    const size_t bytes = skep__format(text, sizeof text, "%s %u", word, number);
    return skep__trace_text(memory, text, bytes < sizeof text ? bytes : sizeof text - 1u);
}

void skep__trace_memory_free(skep__trace_memory *memory)
{
    while (memory->blocks) {
        skep__trace_block *block = memory->blocks;
        memory->blocks = block->next;
        skep__free(&memory->allocator, block, block->bytes, 16);
    }
    memory->failed = false;
}
