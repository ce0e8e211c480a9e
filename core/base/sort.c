/* SPDX-License-Identifier: MIT */
/* A radix sort from the least digit up, and a heap sort.
 *
 * A digit starts at the lowest varying bit that no earlier digit covered, so gaps in `varying` cost
 * nothing. Each pass counts its own digit; counting two in one reading was tried, and was slower
 * below 4,096 keys and within 5% above. Digits have 11 bits; few keys take 8, since emptying and
 * summing 2,048 counters would cost more than the passes that are saved. */
#include "core/base/sort.h"

#include "core/base/bits.h"

#define RADIX_BITS 11u
#define RADIX_BITS_FEW 8u
/* Measured: the two cost the same between 512 and 768 keys. */
#define RADIX_FEW_KEYS 512u
#define INSERTION_SORT_MAX 32u

static void insertion_sort(uint64_t *keys, uint32_t n, uint64_t varying)
{
    for (uint32_t i = 1; i < n; i++) {
        const uint64_t key = keys[i];
        uint32_t j = i;
        while (j && (keys[j - 1] & varying) > (key & varying)) {
            keys[j] = keys[j - 1];
            j--;
        }
        keys[j] = key;
    }
}

/* One pass: moves the keys from `from` to `to` in the order of the bits of `digit` above `shift`.
 */
static void radix_pass(const uint64_t *from, uint64_t *to, uint32_t n, uint32_t shift,
                       uint64_t digit)
{
    uint32_t start[1u << RADIX_BITS];
    memset(start, 0, (size_t)(digit + 1) * sizeof *start);
    for (uint32_t i = 0; i < n; i++) start[(from[i] >> shift) & digit]++;
    uint32_t sum = 0;
    for (uint32_t d = 0; d <= digit; d++) {
        const uint32_t count = start[d];
        start[d] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < n; i++) to[start[(from[i] >> shift) & digit]++] = from[i];
}

uint64_t *skep__sort_u64(uint64_t *keys, uint64_t *scratch, uint32_t n, uint64_t varying)
{
    if (n <= INSERTION_SORT_MAX) {
        insertion_sort(keys, n, varying);
        return keys;
    }
    const uint32_t bits = n < RADIX_FEW_KEYS ? RADIX_BITS_FEW : RADIX_BITS;
    uint64_t rest = varying;
    while (rest) {
        const uint32_t shift = skep__bit_lowest(rest);
        /* Bits of a gap stay out of the digit, so they cannot disturb the order. */
        const uint64_t digit = (rest >> shift) & ((1u << bits) - 1u);
        rest &= ~(digit << shift);
        radix_pass(keys, scratch, n, shift, digit);
        uint64_t *const sorted = scratch;
        scratch = keys;
        keys = sorted;
    }
    return keys;
}

static void swap_items(uint8_t *a, uint8_t *b, size_t bytes)
{
    uint8_t held[64];
    while (bytes) {
        const size_t n = bytes < sizeof held ? bytes : sizeof held;
        memcpy(held, a, n);
        memcpy(a, b, n);
        memcpy(b, held, n);
        a += n;
        b += n;
        bytes -= n;
    }
}

/* Lets the item at `root` sink until no child is greater. */
static void sift_down(uint8_t *items, uint32_t root, uint32_t count, size_t bytes,
                      skep__compare_fn *compare, void *ctx)
{
    while (root < count / 2u) {
        uint32_t child = 2u * root + 1u;
        if (child + 1u < count &&
            compare(items + child * bytes, items + (child + 1u) * bytes, ctx) < 0) {
            child++;
        }
        if (compare(items + root * bytes, items + child * bytes, ctx) >= 0) return;
        swap_items(items + root * bytes, items + child * bytes, bytes);
        root = child;
    }
}

void skep__sort_items(void *items, uint32_t count, size_t item_bytes, skep__compare_fn *compare,
                      void *ctx)
{
    SKEP_ASSERT(compare && item_bytes);
    uint8_t *const base = items;
    for (uint32_t i = count / 2u; i-- > 0;) sift_down(base, i, count, item_bytes, compare, ctx);
    for (uint32_t end = count; end-- > 1u;) {
        swap_items(base, base + end * item_bytes, item_bytes);
        sift_down(base, 0, end, item_bytes, compare, ctx);
    }
}
