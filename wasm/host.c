/* SPDX-License-Identifier: MIT */
/* Opening and closing a host, its errors and its log, and the components that JavaScript defines.
 *
 * There is at most one host in an instance's memory: it takes all of it. Closing forgets the heap
 * as a whole; what the region held is made zero again page by page when the next host needs it. */
#include "wasm/host.h"

/* ---- errors and log ------------------------------------------------------------------------- */

skep_status host_fail(host *h, skep_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)skep__vformat(h->error, sizeof h->error, format, args);
    va_end(args);
    return status;
}

/* Text of the last failure. Returns its address. */
const char *HOST_EXPORT(skep_host_error)(host *h)
{
    return h->error;
}

static void host_log(void *ctx, skep_log_level level, const char *text)
{
    host *h = ctx;
    const size_t length = strlen(text);
    if (length + 2 > HOST_LOG_BYTES - h->log_used) {
        h->log_lost++;
        return;
    }
    h->log[h->log_used++] = (char)('0' + (int)level);
    memcpy(h->log + h->log_used, text, length);
    h->log_used += skep__u32(length);
    h->log[h->log_used++] = '\n';
}

skep_log host_logger(host *h)
{
    return (skep_log){host_log, h};
}

/* Takes the log: io[0] its address, io[1] its bytes, io[2] lines that did not fit. */
void HOST_EXPORT(skep_host_log)(host *h)
{
    h->io[0] = (uint32_t)(uintptr_t)h->log;
    h->io[1] = h->log_used;
    h->io[2] = h->log_lost;
    h->log_used = 0;
    h->log_lost = 0;
}

#if SKEP_ASSERTS
static char host_asserted[256];

/* What SKEP_ASSERT calls before it traps, on any thread: the last one to fail is what counts. */
void skep__wasm_assert(const char *expression, const char *file, int line)
{
    const char *name = file;
    for (const char *c = file; *c; c++)
        if (*c == '/') name = c + 1;
    (void)skep__format(host_asserted, sizeof host_asserted, "assertion failed: %s (%s:%d)",
                       expression, name, line);
}

/* Takes the text of the assertion that failed, NULL when none did. Only in debug libraries. */
const char *HOST_EXPORT(skep_host_asserted)(void)
{
    static char taken[sizeof host_asserted];
    memcpy(taken, host_asserted, sizeof taken);
    host_asserted[0] = 0;
    return taken[0] ? taken : NULL;
}
#endif

#define HOST_JOIN(a, b) HOST_JOIN_(a, b)
#define HOST_JOIN_(a, b) #a #b

/* Does nothing: that it is exported under this name says which interface the module has, to those
 * who have not yet made an instance of it. */
__attribute__((export_name(HOST_JOIN(skep_interface_, HOST_INTERFACE)))) void skep_host_interface(
    void)
{
}

/* ---- memory --------------------------------------------------------------------------------- */

void *host_buffer_push(host *h, host_buffer *buffer, uint32_t bytes)
{
    const uint32_t need = buffer->used + bytes;
    if (need > buffer->cap) {
        uint32_t cap = buffer->cap ? buffer->cap : 1024;
        while (cap < need) cap *= 2;
        void *data = h->allocator.alloc(h->allocator.ctx, cap, 64);
        if (!data) return NULL;
        if (buffer->used) memcpy(data, buffer->data, buffer->used);
        skep__free(&h->allocator, buffer->data, buffer->cap, 64);
        buffer->data = data;
        buffer->cap = cap;
    }
    void *at = (uint8_t *)buffer->data + buffer->used;
    buffer->used = need;
    return at;
}

void *host_keep(host *h, size_t bytes)
{
    return skep__alloc(&h->allocator, bytes, 64);
}

const char *host_keep_text(host *h, const char *text, uint32_t length)
{
    char *copy = host_keep(h, (size_t)length + 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

/* Memory for JavaScript's own use; NULL when there is none. */
void *HOST_EXPORT(skep_host_alloc)(host *h, uint32_t bytes)
{
    return h->allocator.alloc(h->allocator.ctx, bytes, 64);
}

/* Gives it back, with the same size. */
void HOST_EXPORT(skep_host_free)(host *h, void *memory, uint32_t bytes)
{
    skep__free(&h->allocator, memory, bytes, 64);
}

/* ---- life ----------------------------------------------------------------------------------- */

/* What there is of that in a host without a world: all but the log is 0. */
static void host_layout_bare(host *h)
{
    memset(h->io, 0, HOST_LAYOUT_WORDS * sizeof *h->io);
    h->io[HOST_LAYOUT_LOG] = (uint32_t)(uintptr_t)h->log;
    h->io[HOST_LAYOUT_LOG + 1] = (uint32_t)(uintptr_t)&h->log_used;
}

/* Makes the world of an instance. Returns the host even when that failed: then io[0] is the status.
 * NULL when not even the host fits. On success io[0] is 0 and the layout follows. `heap_pages` of
 * the memory are the heap's; 0 is a quarter of it. With entity_max 0 there is no world, but a heap
 * for views of other worlds, and it is all of the memory. */
host *HOST_EXPORT(skep_host_open)(uint32_t entity_max, uint32_t seed_low, uint32_t seed_high,
                                  uint32_t memory_pages, uint32_t workers_max, uint32_t heap_pages)
{
    static heap memory;
    const size_t memory_bytes = (size_t)memory_pages << 16;
    heap_init(&memory, memory_bytes, (size_t)(entity_max ? heap_pages : memory_pages) << 16);
    const skep_allocator allocator = heap_allocator(&memory);
    host *h = skep__alloc(&allocator, sizeof *h, 64);
    if (!h) return NULL;
    h->heap = &memory;
    h->allocator = allocator;
    h->entity_max = entity_max;
    h->seed = (uint64_t)seed_high << 32 | seed_low;
    h->kept.allocator = &h->allocator;
    if (!entity_max) {
        host_layout_bare(h);
        return h;
    }
    h->io[0] = host_world_open ? (uint32_t)host_world_open(h, memory_bytes, workers_max)
                               : (uint32_t)host_fail(h, SKEP_UNSUPPORTED, "here are views alone");
    return h;
}

/* ---- components ------------------------------------------------------------------------------ */

/* Reads the fields of a definition out of io: six words each (type, size, count, offset, address
 * and bytes of the name). */
static skep_field *component_fields(host *h, uint32_t count)
{
    skep_field *fields = host_keep(h, (count + 1u) * sizeof *fields);
    for (uint32_t f = 0; fields && f < count; f++) {
        const uint32_t *w = h->io + f * 6u;
        const char *name = host_keep_text(h, (const char *)(uintptr_t)w[4], w[5]);
        if (!name) return NULL;
        fields[f] = (skep_field){name, skep__u8(w[0]), skep__u8(w[1]), skep__u16(w[2]), w[3]};
    }
    return fields;
}

/* Defines what io describes and returns its address for all other calls, or NULL. Components are
 * registered: io[0] is their number. A host without a world only keeps them. */
const skep_component *HOST_EXPORT(skep_host_define)(host *h, const char *name, uint32_t length,
                                                    uint32_t kind, uint32_t size_align,
                                                    uint32_t field_count)
{
    skep_component *c = host_keep(h, sizeof *c);
    skep_field *fields = component_fields(h, field_count);
    const char *kept = host_keep_text(h, name, length);
    if (!c || !fields || !kept) {
        (void)host_fail(h, SKEP_NO_MEMORY, "no memory for a component: raise memoryMax");
        return NULL;
    }
    *c = (skep_component){
        kept, field_count ? fields : NULL, field_count, size_align >> 8, size_align & 0xffu, kind};
    h->io[0] = 0;
    if (kind != SKEP_KIND_COMPONENT || !h->world) return c;
    return host_world_define(h, c) == SKEP_OK ? c : NULL;
}
