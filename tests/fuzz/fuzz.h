/* SPDX-License-Identifier: MIT */
/* One function a decoder, for hostile bytes of any length. Each runs in a libFuzzer build (`make
 * fuzz`), over the checked-in corpus and mutations of it in `make test`, and the same in wasm. It
 * returns a hash of what it made of the bytes, which is the same everywhere; what must hold and
 * does not ends the program by fuzz_fail. */
#ifndef SKEP_TESTS_FUZZ_FUZZ_H
#define SKEP_TESTS_FUZZ_FUZZ_H

#include "core/base/base.h"
#include "core/base/hash.h"

#define FUZZ_MUST(x) ((x) ? (void)0 : fuzz_fail(#x, __FILE__, __LINE__))

typedef struct fuzz_target {
    const char *name; /* of its folder in corpus/ */
    uint64_t (*run)(const uint8_t *bytes, size_t size);
    uint32_t weight; /* how many mutations of it fit into the time of one of the slowest */
} fuzz_target;

#define FUZZ_TARGETS 11u
extern const fuzz_target fuzz_targets[FUZZ_TARGETS];

uint64_t fuzz_wire(const uint8_t *bytes, size_t size);
uint64_t fuzz_columns(const uint8_t *bytes, size_t size);
uint64_t fuzz_class(const uint8_t *bytes, size_t size);
uint64_t fuzz_message(const uint8_t *bytes, size_t size);
uint64_t fuzz_session(const uint8_t *bytes, size_t size);
uint64_t fuzz_view(const uint8_t *bytes, size_t size);
uint64_t fuzz_save(const uint8_t *bytes, size_t size);
uint64_t fuzz_patch(const uint8_t *bytes, size_t size);
uint64_t fuzz_trace(const uint8_t *bytes, size_t size);
uint64_t fuzz_record(const uint8_t *bytes, size_t size);
uint64_t fuzz_fault(const uint8_t *bytes, size_t size);

/* ---- what the host brings ----------------------------------------------------------------- */

/* Says what did not hold, and ends the program. */
_Noreturn void fuzz_fail(const char *what, const char *file, int line);
/* Memory that is counted, in pieces of exactly the size asked for. */
skep_allocator fuzz_memory(void);
size_t fuzz_memory_held(void);
/* Memory of what stays from run to run. */
skep_allocator fuzz_world_memory(void);
/* Four regions, for a world each. */
skep_region fuzz_region(uint32_t number);

/* ---- shared by targets -------------------------------------------------------------------- */

/* Messages within the bytes of an input: a length of two bytes, and so many bytes, or the rest. */
typedef struct fuzz_records {
    const uint8_t *bytes;
    size_t at;
    size_t end;
} fuzz_records;

/* The next message, in memory of exactly its size; false when there is none. */
bool fuzz_next(fuzz_records *records, uint8_t **message, size_t *size);
void fuzz_free(uint8_t *message, size_t size);

/* The first byte of an input, and the rest. */
uint32_t fuzz_take_byte(const uint8_t **bytes, size_t *size);

/* ---- the corpus ----------------------------------------------------------------------------- */

/* Makes all seeds anew from real messages and hands each over. */
typedef void fuzz_seed_fn(void *ctx, const char *target, const char *name, const uint8_t *bytes,
                          size_t size);
void fuzz_make_corpus(fuzz_seed_fn *fn, void *ctx);
void fuzz_make_columns(fuzz_seed_fn *fn, void *ctx);
void fuzz_make_class(fuzz_seed_fn *fn, void *ctx);
void fuzz_make_message(fuzz_seed_fn *fn, void *ctx);
void fuzz_make_live(fuzz_seed_fn *fn, void *ctx);
void fuzz_make_store(fuzz_seed_fn *fn, void *ctx);
void fuzz_make_trace(fuzz_seed_fn *fn, void *ctx);
void fuzz_make_record(fuzz_seed_fn *fn, void *ctx);

/* Changes a copy of an input at random: bytes, lengths, pieces of it twice or not at all. `bytes`
 * has room for `room`; returns the new size. */
size_t fuzz_mutate(uint64_t seed, uint32_t round, uint8_t *bytes, size_t size, size_t room);

#endif
