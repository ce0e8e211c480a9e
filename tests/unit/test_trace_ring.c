/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * A storm on the tracer's rings: writers go round small rings as fast as they can, while others
 * copy them again and again. Whatever a reader counts is whole, and is the record of its number. */
#include "core/base/hash.h"
#include "core/trace/trace.h"
#include "port/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WRITERS 3u
#define READERS 2u
#define RECORDS 60000u
#define PAUSE_MASK 63u

/* The words of record n of a writer: each follows from the two numbers, and from no other record.
 */
static uint64_t word_begin(uint32_t writer, uint64_t n)
{
    return skep__hash_u64(n << 8 | writer) >> 1;
}

static uint64_t word_payload(uint32_t writer, uint64_t n)
{
    return skep__hash_u64(word_begin(writer, n) ^ n);
}

static uint64_t no_clock(void)
{
    return 1;
}

typedef struct storm {
    skep_trace *trace;
    _Atomic uint32_t writing; /* writers that are at it */
} storm;

typedef struct storm_writer {
    storm *s;
    uint32_t number;
    skep__port_thread thread;
} storm_writer;

typedef struct storm_reader {
    storm *s;
    uint64_t copies;
    uint64_t counted;
    uint64_t bad;
    skep__port_thread thread;
} storm_reader;

static void write_all(void *arg)
{
    storm_writer *w = arg;
    skep__trace_ring *ring = skep__trace_ring_of(w->s->trace, w->number);
    for (uint64_t n = 0; n < RECORDS; n++) {
        const uint64_t begin = word_begin(w->number, n);
        skep__trace_put(ring, SKEP__TRACE_BLOCK, begin, begin + n, word_payload(w->number, n));
        /* On one core the writer would be done before a reader has looked. */
        if (!(n & PAUSE_MASK)) skep__port_yield();
    }
    atomic_fetch_sub(&w->s->writing, 1);
}

static bool record_good(uint32_t writer, uint64_t n, const uint64_t *record)
{
    return record[0] == word_begin(writer, n) && record[1] == (n << 8 | SKEP__TRACE_BLOCK) &&
           record[2] == word_payload(writer, n);
}

static void copy_once(storm_reader *r, uint32_t writer)
{
    uint64_t records[SKEP_TRACE_RECORDS_MIN * SKEP__TRACE_WORDS];
    uint64_t first = 0;
    const uint32_t count = skep__trace_ring_copy(skep__trace_ring_of(r->s->trace, writer),
                                                 UINT32_MAX, records, &first);
    for (uint32_t i = 0; i < count; i++) {
        if (!record_good(writer, first + i, records + (size_t)i * SKEP__TRACE_WORDS)) r->bad++;
    }
    r->copies++;
    r->counted += count;
}

static void read_all(void *arg)
{
    storm_reader *r = arg;
    while (atomic_load(&r->s->writing)) {
        for (uint32_t w = 0; w < WRITERS; w++) copy_once(r, w);
    }
}

static void test_storm(void **state)
{
    (void)state;
    static storm_writer writers[WRITERS];
    static storm_reader readers[READERS];
    storm s = {0};
    skep_trace_desc d = skep_trace_desc_default();
    d.workers = WRITERS - 1;
    d.records = SKEP_TRACE_RECORDS_MIN;
    d.clock = no_clock;
    d.allocator = skep__port_allocator();
    assert_int_equal(skep_trace_create(&d, &s.trace), SKEP_OK);
    atomic_store(&s.writing, WRITERS);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i] = (storm_reader){.s = &s};
        assert_true(skep__port_thread_create(&readers[i].thread, "reader", read_all, &readers[i]));
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (storm_writer){.s = &s, .number = i};
        assert_true(skep__port_thread_create(&writers[i].thread, "writer", write_all, &writers[i]));
    }
    for (uint32_t i = 0; i < WRITERS; i++) skep__port_thread_join(&writers[i].thread);
    for (uint32_t i = 0; i < READERS; i++) skep__port_thread_join(&readers[i].thread);
    for (uint32_t i = 0; i < READERS; i++) {
        assert_int_equal(readers[i].bad, 0);
        assert_true(readers[i].copies > 0);
        assert_true(readers[i].counted > 0);
    }
    /* Nobody writes any more: all but one of the places count. */
    for (uint32_t w = 0; w < WRITERS; w++) {
        storm_reader last = {.s = &s};
        copy_once(&last, w);
        assert_int_equal(last.bad, 0);
        assert_int_equal(last.counted, SKEP_TRACE_RECORDS_MIN - 1);
    }
    skep_trace_destroy(s.trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_storm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
