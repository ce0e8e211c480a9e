/* SPDX-License-Identifier: MIT */
/* Saves and patches. A save that is refused leaves the world as it was; one that is taken gives a
 * world that fits together. So that mutations get past the checksums, the first byte may ask for
 * them to be made right again. */
#include "fuzz.h"

#include "core/data/save_format.h"
#include "core/store/patch.h"
#include "skep/save.h"
#include "skep/snapshot.h"
#include "support/live_bed.h"

/* ---- saves ----------------------------------------------------------------------------------- */

static skep_world *world;
static skep_snapshot *empty;

static void world_begin(void)
{
    if (!world) {
        skep_world_desc d = skep_world_desc_default();
        d.entity_max = 512;
        d.region = fuzz_region(1);
        d.allocator = fuzz_world_memory();
        FUZZ_MUST(skep_world_create(&d, &world) == SKEP_OK);
        for (uint32_t i = 0; i < 4u; i++)
            FUZZ_MUST(skep_world_component(world, live_replicas[i].info) == SKEP_OK);
        FUZZ_MUST(BedScore_set(world, (BedScore){1, 2}) == SKEP_OK);
        FUZZ_MUST(BedHit_post(world, skep_entity_null(), (BedHit){1, skep_entity_null()}) ==
                  SKEP_OK);
        FUZZ_MUST(skep_snapshot_take(world, &empty) == SKEP_OK);
    }
    FUZZ_MUST(skep_world_restore(world, empty) == SKEP_OK);
}

static uint64_t load(const uint8_t *bytes, size_t size)
{
    skep_load_report report;
    skep_save_info info;
    skep_error error = {SKEP_OK, NULL, 0};
    world_begin();
    const uint64_t before = skep_world_hash(world);
    const skep_status check = skep_save_check(bytes, size, &info, &error);
    const skep_status status = skep_load(world, bytes, size, &report);
    FUZZ_MUST(check == SKEP_OK || (status != SKEP_OK && error.message && error.offset <= size));
    FUZZ_MUST(skep_world_check(world) == SKEP_OK);
    const uint64_t hash = skep_world_hash(world);
    if (status == SKEP_OK) return hash;
    FUZZ_MUST(report.error.message && report.error.offset <= size);
    FUZZ_MUST(hash == before && skep_world_entity_count(world) == 0);
    return skep__hash_u64((uint64_t)status << 32 | report.error.offset);
}

static void u64_put(uint8_t *bytes, size_t at, uint64_t x)
{
    memcpy(bytes + at, &x, 8);
}

static uint64_t u64_at(const uint8_t *bytes, size_t at)
{
    uint64_t x = 0;
    memcpy(&x, bytes + at, 8);
    return x;
}

static uint64_t sum_of(const uint8_t *bytes, size_t n)
{
    uint64_t h = 0;
    for (size_t at = 0; at < n; at += SKEP__SAVE_PIECE_BYTES) {
        const size_t left = n - at;
        h = skep__save_sum_step(h, bytes + at,
                                left < SKEP__SAVE_PIECE_BYTES ? left : SKEP__SAVE_PIECE_BYTES);
    }
    return skep__save_sum_end(h, n);
}

/* Makes all checksums right, where the section table makes that possible. */
static void forge(uint8_t *bytes, size_t size)
{
    if (size < SKEP__SAVE_CONTENT_OFFSET) return;
    u64_put(bytes, 16, size);
    for (uint32_t i = 0; i < SKEP__SAVE_SECTION_COUNT; i++) {
        const size_t row = SKEP__SAVE_HEADER_BYTES + (size_t)i * SKEP__SAVE_SECTION_BYTES;
        const uint64_t offset = u64_at(bytes, row + 8);
        const uint64_t n = u64_at(bytes, row + 16);
        if (offset > size || n > size - offset) continue;
        u64_put(bytes, row + 24, sum_of(bytes + offset, (size_t)n));
    }
    u64_put(bytes, 24, 0);
    u64_put(bytes, 24, sum_of(bytes, SKEP__SAVE_CONTENT_OFFSET));
}

uint64_t fuzz_save(const uint8_t *bytes, size_t size)
{
    const skep_allocator memory = fuzz_memory();
    const bool forged = fuzz_take_byte(&bytes, &size) & 1u;
    uint8_t *copy = memory.alloc(memory.ctx, size ? size : 1u, 8);
    FUZZ_MUST(copy);
    memcpy(copy, bytes, size);
    if (forged) forge(copy, size);
    const uint64_t hash = load(copy, size);
    memory.free(memory.ctx, copy, size ? size : 1u, 8);
    return hash;
}

typedef struct file {
    uint8_t bytes[32768];
    size_t size;
} file;

static bool file_write(void *ctx, const void *bytes, size_t n)
{
    file *f = ctx;
    if (f->size + n > sizeof f->bytes) return false;
    memcpy(f->bytes + f->size, bytes, n);
    f->size += n;
    return true;
}

/* ---- patches --------------------------------------------------------------------------------- */

#define BIT(kind) (1u << SKEP_PATCH_##kind)

static const skep_patch_slot slots[] = {{&BedPos_info, BIT(SET) | BIT(PUT), 0},
                                        {&BedKind_info, BIT(PUT) | BIT(SPAWN), 0},
                                        {&BedMark_info, BIT(PUT) | BIT(REMOVE), 0},
                                        {&BedHit_info, BIT(EVENT), 0},
                                        {&BedScore_info, BIT(RESOURCE), 0}};
static const skep_entity reserved[] = {{0x0000000100000064u}, {0x0000000200000065u}};

static const skep_component *find(void *ctx, uint64_t identity)
{
    (void)ctx;
    for (uint32_t i = 0; i < 4u; i++)
        if (skep__component_identity(live_replicas[i].info) == identity)
            return live_replicas[i].info;
    return NULL;
}

uint64_t fuzz_patch(const uint8_t *bytes, size_t size)
{
    const skep_patch_rules rules = {
        .slots = slots, .slot_count = 5, .spawn_count = 2, .spawns = reserved, .component = find};
    skep_error error = {SKEP_OK, NULL, 0};
    uint32_t spawned = 0;
    const skep_status status = skep__patch_verify(bytes, size, &rules, &spawned, &error);
    FUZZ_MUST(error.offset <= size);
    FUZZ_MUST(status == SKEP_OK ? spawned <= 2u : error.message != NULL);
    return skep__hash_u64((uint64_t)status << 32 | error.offset);
}

static void push(skep_patch_writer *w, skep_patch_kind kind, uint32_t slot, uint64_t entity,
                 const void *value)
{
    const skep_component *component = slots[slot].component;
    void *at = skep__patch_push(w, kind, slot, entity, value ? component->size : 0u);
    FUZZ_MUST(at);
    if (value) skep__patch_value(at, component, value);
}

void fuzz_make_store(fuzz_seed_fn *fn, void *ctx)
{
    static live_bed bed;
    static file f;
    static _Alignas(16) uint8_t paper[1024];
    const skep_entity e = skep_entity_make(9, 7);
    const BedPos pos = {1.5f, -2.0f};
    const BedKind kind = {3, e};
    const BedHit hit = {9, e};
    const BedScore score = {7, 8};
    const uint32_t counts[] = {0, 1, 40};
    for (uint32_t i = 0; i < 3u; i++) {
        char name[] = "a";
        live_bed_open(&bed, fuzz_region(2), fuzz_world_memory(), fuzz_memory(), counts[i]);
        if (i == 2u) FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
        f.bytes[0] = 1; /* checksums are made right */
        f.size = 1;
        FUZZ_MUST(skep_save(bed.world, file_write, &f) == SKEP_OK);
        name[0] = (char)('a' + i);
        fn(ctx, "save", name, f.bytes, f.size);
        live_bed_close(&bed);
    }
    skep_patch_writer w = {paper, paper + sizeof paper, 0};
    push(&w, SKEP_PATCH_SET, 0, e.bits, &pos);
    push(&w, SKEP_PATCH_PUT, 1, e.bits, &kind);
    push(&w, SKEP_PATCH_PUT, 2, e.bits, NULL);
    push(&w, SKEP_PATCH_REMOVE, 2, e.bits, NULL);
    push(&w, SKEP_PATCH_EVENT, 3, 0, &hit);
    push(&w, SKEP_PATCH_RESOURCE, 4, 0, &score);
    fn(ctx, "patch", "a", paper, (size_t)(w.at - paper));
}
