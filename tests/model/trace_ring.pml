/* SPDX-License-Identifier: MIT */
/* The ring of core/trace/trace_ring.h: one writer that goes round and round, one reader that copies
 * and then looks how far the writer has got. What must hold: a record that the reader counts is
 * whole and is the one of its number; and a ring that nobody writes to gives all of its last
 * capacity - 1 records.
 *
 * These lines of the code are what the model is of; test_trace_ring.py looks whether they are still
 * there:
 *   | atomic_store_explicit(&word[0], begin, memory_order_release);
 *   | atomic_store_explicit(&word[1], (end - begin) << 8 | (uint32_t)kind, memory_order_release);
 *   | atomic_store_explicit(&ring->head, head + 1, memory_order_release);
 *   | const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
 *   | const uint64_t from = head > ring->mask ? head - ring->mask : 0;
 *   | to[i] = atomic_load_explicit(&word[i], memory_order_acquire);
 *   | const uint64_t now = atomic_load_explicit(&ring->head, memory_order_relaxed);
 *   | uint64_t good = now >= capacity ? now - capacity + 1 : 0;
 *
 * Weak memory: a released store becomes visible after all stores before it, so the writer's become
 * visible in the order of the program. Where the words are not released (RELAXED) they may become
 * visible in any order, and before the head that was stored ahead of them; the head itself is
 * always released. The reader's loads stay in order by acquiring; where the words are not acquired
 * (UNORDERED) the second look at the head may come before them.
 *
 * Mutants, by a define each, all of which must be refuted: RELAXED, UNORDERED, OFF_BY_ONE (the
 * record that the writer may be at counts), HEAD_FIRST (the head goes up before the words are
 * there). A word holds its record's number + 1; two words show what three do. */

#define CAPACITY 4
#define RECORDS 11
#define ROUNDS 2

byte word0[CAPACITY];
byte word1[CAPACITY];
byte head;
bool quiet;

#ifdef RELAXED
#define RELEASED(before) true
#else
#define RELEASED(before) (before)
#endif

active proctype writer()
{
    byte n = 0;
    bool pending = false; /* the head of the record before is stored, and not visible yet */
    bool first, second;
    do
    :: n < RECORDS ->
        first = false;
        second = false;
#ifdef HEAD_FIRST
        head = n + 1;
#endif
        do
        :: pending -> atomic { head = n; pending = false }
        :: !first && RELEASED(!pending) -> atomic { word0[n % CAPACITY] = n + 1; first = true }
        :: !second && RELEASED(!pending && first) ->
            atomic { word1[n % CAPACITY] = n + 1; second = true }
        :: first && second && !pending -> break
        od;
        n++;
        pending = true
    :: n == RECORDS && pending -> atomic { head = n; pending = false }
    :: n == RECORDS && !pending -> break
    od;
    quiet = true
}

active proctype reader()
{
    byte round, top, from, i, now, good;
    byte copy0[CAPACITY];
    byte copy1[CAPACITY];
    bool was_quiet;
    do
    :: round < ROUNDS ->
        was_quiet = quiet;
        top = head;
        from = (top > CAPACITY - 1 -> top - (CAPACITY - 1) : 0);
#ifdef UNORDERED
        now = head;
#endif
        i = from;
        do
        :: i < top ->
            copy0[i % CAPACITY] = word0[i % CAPACITY];
            copy1[i % CAPACITY] = word1[i % CAPACITY];
            i++
        :: else -> break
        od;
#ifndef UNORDERED
        now = head;
#endif
#ifdef OFF_BY_ONE
        good = (now >= CAPACITY -> now - CAPACITY : 0);
#else
        good = (now >= CAPACITY -> now - CAPACITY + 1 : 0);
#endif
        good = (good < from -> from : good);
        good = (good > top -> top : good);
        i = good;
        do
        :: i < top ->
            assert(copy0[i % CAPACITY] == i + 1);
            assert(copy1[i % CAPACITY] == i + 1);
            i++
        :: else -> break
        od;
        assert(!was_quiet || top - good == CAPACITY - 1);
        round++
    :: else -> break
    od
}
