/* SPDX-License-Identifier: MIT */
/* The ring of core/trace/trace_ring.h as a model that Spin goes through whole: one writer that
 * overwrites, one reader that copies meanwhile. What it shows:
 *
 *   - a record that counts has three words, all of its own: none is torn, none is a newer one's;
 *   - a ring at rest gives all of its last CAPACITY - 1 records, or all that were ever written.
 *
 * Memory is that of C11 in its operational form. Each place has the list of all values that it ever
 * got; a load takes any that its thread does not know to be outdated, so words may be seen in any
 * order. A release store hands along all that its thread had stored before; an acquire load of it
 * takes that over: from then on, older values of those places are outdated. There is one writer,
 * which stores in the order of its program; so a value is named by the record that put it there,
 * and what a store hands along follows from the place in the program: it need not be kept.
 *
 * A value is 1 + the number of its record, 0 is what memory held before. `wrote_` is the newest
 * value of each place, `knows_` the oldest that the reader may still see.
 *
 * With one of these defined the model must fail; test_trace_ring.py sees to it:
 *
 *   BOUND_LOW      what the writer may be at counts
 *   BOUND_HIGH     one record that is whole does not count
 *   WORDS_RELAXED  words are stored without release, or loaded without acquire, so that the second
 *                  look at head may come before them: either way nothing comes with a word
 *   HEAD_RELAXED   head is stored without release, or loaded at first without acquire
 *   HEAD_FIRST     head is raised before the words are there
 *
 * What is mirrored is below, and the test compares it with the sources: where those change, change
 * the model first.
 *
 * mirrors skep__trace_put in core/trace/trace_ring.h:
 *
 *   const uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
 *   _Atomic uint64_t *word = ring->words + (head & ring->mask) * SKEP__TRACE_WORDS;
 *   atomic_store_explicit(&word[0], begin, memory_order_release);
 *   atomic_store_explicit(&word[1], (end - begin) << 8 | (uint32_t)kind, memory_order_release);
 *   atomic_store_explicit(&word[2], payload, memory_order_release);
 *   atomic_store_explicit(&ring->head, head + 1, memory_order_release);
 *
 * mirrors ring_copy in core/trace/trace_ring.c:
 *
 *   const uint64_t capacity = ring->mask + 1;
 *   for (uint64_t n = from; n < end; n++) {
 *       const _Atomic uint64_t *word = ring->words + (n & ring->mask) * SKEP__TRACE_WORDS;
 *       uint64_t *to = records + (n - from) * SKEP__TRACE_WORDS;
 *       for (uint32_t i = 0; i < SKEP__TRACE_WORDS; i++) {
 *           to[i] = atomic_load_explicit(&word[i], memory_order_acquire);
 *       }
 *   }
 *   const uint64_t now = atomic_load_explicit(&ring->head, memory_order_relaxed);
 *   uint64_t good = now >= capacity ? now - capacity + 1 : 0;
 *   if (good < from) good = from;
 *   if (good > end) good = end;
 *   if (good > from) {
 *       memmove(records, records + (good - from) * SKEP__TRACE_WORDS,
 *               (size_t)(end - good) * SKEP__TRACE_WORDS * sizeof *records);
 *   }
 *   *first = good;
 *   return (uint32_t)(end - good);
 *
 * mirrors skep__trace_ring_copy in core/trace/trace_ring.c:
 *
 *   const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
 *   const uint64_t from = head > ring->mask ? head - ring->mask : 0;
 *   return ring_copy(ring, from, head - from > most ? from + most : head, records, first);
 *
 * mirrors skep__trace_ring_last in core/trace/trace_ring.c:
 *
 *   const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
 *   const uint64_t from = head > ring->mask ? head - ring->mask : 0;
 *   return ring_copy(ring, head - from > most ? head - most : from, head, records, first);
 */
#define CAPACITY 4
#define WORDS 3
#define RECORDS 9 /* a place is written three times, and the writer may stop anywhere */
#define PLACE(record, word) ((record) % CAPACITY * WORDS + (word))

#ifdef BOUND_LOW
#define BOUND 0
#else
#ifdef BOUND_HIGH
#define BOUND 2
#else
#define BOUND 1
#endif
#endif

byte wrote_head;
byte wrote_word[CAPACITY * WORDS];
bool at_rest;

#ifdef HEAD_FIRST
#define AHEAD 1 /* by how much head is ahead of the records that are whole */
#else
#define AHEAD 0
#endif

active proctype writer()
{
    byte n = 0;
    byte w = 0;
    do
    :: n < RECORDS ->
#ifdef HEAD_FIRST
        wrote_head = n + 1;
#endif
        do
        :: atomic { w < WORDS -> wrote_word[PLACE(n, w)] = n + 1; w++ }
        :: atomic { else -> w = 0; break }
        od;
#ifndef HEAD_FIRST
        wrote_head = n + 1;
#endif
        n++
    :: break
    od;
    at_rest = true
}

hidden byte r; /* of loops */
hidden byte v;

/* All records below `count` are known, newer ones may be. */
inline knows_records(count)
{
    for (r : (count > CAPACITY -> count - CAPACITY : 0) .. count - 1) {
        for (v : 0 .. WORDS - 1) {
            if
            :: knows_word[PLACE(r, v)] < r + 1 -> knows_word[PLACE(r, v)] = r + 1
            :: else
            fi
        }
    }
}

/* Any value of head that is not outdated. */
inline load_head(value)
{
    select (value : knows_head .. wrote_head);
    knows_head = value
}

inline acquire_head(value)
{
#ifdef HEAD_RELAXED
    skip
#else
    if
    :: value > 0 -> knows_records(value - AHEAD)
    :: else
    fi
#endif
}

/* Any value of a word that is not outdated: every CAPACITY-th record had that place. */
inline load_word(record, word, value)
{
    value = knows_word[PLACE(record, word)];
    do
    :: value < wrote_word[PLACE(record, word)] ->
        value = (value == 0 -> record % CAPACITY + 1 : value + CAPACITY)
    :: break
    od;
    knows_word[PLACE(record, word)] = value
}

/* Whoever takes over what came with a word knows the head before it, all records before its own,
 * and the words before it in its own. */
inline acquire_word(record, word, value)
{
#ifdef WORDS_RELAXED
    skip
#else
    if
    :: value > 0 ->
        if
        :: knows_head < value - 1 + AHEAD -> knows_head = value - 1 + AHEAD
        :: else
        fi;
        knows_records(value - 1);
        for (v : 0 .. word) {
            if
            :: knows_word[PLACE(record, v)] < value -> knows_word[PLACE(record, v)] = value
            :: else
            fi
        }
    :: else
    fi
#endif
}

/* The reader's way through skep__trace_ring_copy, or skep__trace_ring_last where `last` is set, and
 * what must be true of what it gives. */
inline copy()
{
    atomic {
        load_head(head);
        acquire_head(head);
        from = (head > CAPACITY - 1 -> head - (CAPACITY - 1) : 0);
        end = (head - from > most && !last -> from + most : head);
        from = (head - from > most && last -> head - most : from);
        n = from;
        w = 0
    }
    do
    :: atomic {
        n < end ->
        load_word(n, w, copied[PLACE(n, w)]);
        acquire_word(n, w, copied[PLACE(n, w)]);
        w++;
        if
        :: w == WORDS -> w = 0; n++
        :: else
        fi
    }
    :: else -> break
    od;
    atomic {
        load_head(now);
        good = (now >= CAPACITY -> now - CAPACITY + BOUND : 0);
        good = (good < from -> from : good);
        good = (good > end -> end : good);
        assert(end - good <= CAPACITY - 1);
        for (n : good .. end - 1) {
            for (w : 0 .. WORDS - 1) {
                assert(copied[PLACE(n, w)] == n + 1)
            }
        }
        for (n : 0 .. CAPACITY * WORDS - 1) {
            copied[n] = 0
        }
    }
}

active proctype reader()
{
    byte knows_head;
    byte knows_word[CAPACITY * WORDS];
    byte copied[CAPACITY * WORDS];
    byte head, from, end, now, good, n, w, most;
    bool last;

    select (most : 1 .. CAPACITY - 1);
    if
    :: last = true
    :: last = false
    fi;
    copy();
    /* Somebody who waited for the writer knows all that it did. */
    atomic {
        at_rest;
        knows_head = wrote_head;
        for (n : 0 .. CAPACITY * WORDS - 1) {
            knows_word[n] = wrote_word[n]
        }
        most = CAPACITY
    }
    copy();
    assert(end == wrote_head);
    assert(end - good == (wrote_head < CAPACITY - 1 -> wrote_head : CAPACITY - 1))
}
