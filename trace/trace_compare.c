/* SPDX-License-Identifier: MIT */
/* Two traces compared. Runs are not normally distributed, a few are ten times as long as most; so
 * percentiles are compared by order statistics, after Price and Bonett 2002, and shares as a ratio
 * estimator with the variance of its residuals (Cochran, Sampling Techniques, 6.4). */
#include "trace/trace_compare.h"

#include "core/base/sort.h"
#include "skep/math.h"

#define COMPARE_Z 1.96
#define COMPARE_FEW 8u

/* One side's figures of a system. */
typedef struct compare_side {
    double value;
    double error; /* its standard error */
    bool known;
} compare_side;

/* Rounds up; for numbers that fit. */
static double compare_ceil(double x)
{
    const double whole = (double)(int64_t)x;
    return whole < x ? whole + 1.0 : whole;
}

static compare_side compare_percentile(const double *sorted, uint32_t count, uint32_t percent)
{
    compare_side s = {skep__trace_rank(sorted, count, percent), 0.0, count >= COMPARE_FEW};
    if (!s.known) return s;
    const double n = (double)count;
    const double q = (double)percent / 100.0;
    const double d = COMPARE_Z * skep_sqrt_f64(n * q * (1.0 - q));
    const double low = compare_ceil(n * q - d);
    const double high = compare_ceil(n * q + d);
    const uint32_t l = low < 1.0 ? 1u : (uint32_t)low;
    const uint32_t u = high > n ? count : (uint32_t)high;
    s.error = (sorted[u - 1u] - sorted[l - 1u]) / (2.0 * COMPARE_Z);
    return s;
}

/* The time of all systems in each frame of the range. */
static double *compare_totals(const skep__trace_compared *c, skep__trace_memory *m)
{
    double *total = skep__trace_take(m, c->frames.count, sizeof *total);
    for (uint32_t i = 0; total && i < c->systems->count; i++) {
        const skep__trace_system_stats *s = &c->systems->system[i];
        for (uint32_t k = 0; k < s->run_count; k++)
            total[s->run_frame[k] - c->frames.first] += s->runs_ns[k];
    }
    return total;
}

static compare_side compare_share(const skep__trace_compared *c, const double *total,
                                  const skep__trace_system_stats *s)
{
    const uint32_t count = c->frames.count;
    double x_sum = 0.0;
    double t_sum = 0.0;
    for (uint32_t k = 0; k < s->run_count; k++) x_sum += s->runs_ns[k];
    for (uint32_t i = 0; i < count; i++) t_sum += total[i];
    compare_side side = {0.0, 0.0, false};
    if (!(t_sum > 0.0)) return side;
    const double r = x_sum / t_sum;
    double squares = 0.0;
    for (uint32_t i = 0, k = 0; i < count; i++) {
        const bool ran = k < s->run_count && s->run_frame[k] == c->frames.first + i;
        const double x = ran ? s->runs_ns[k++] : 0.0;
        const double e = x - r * total[i];
        squares += e * e;
    }
    side.value = r;
    side.known = count >= COMPARE_FEW;
    if (!side.known) return side;
    const double n = (double)count;
    const double mean = t_sum / n;
    side.error = skep_sqrt_f64(squares / (n * (n - 1.0)) / (mean * mean));
    return side;
}

static skep__trace_change compare_change(const compare_side *a, const compare_side *b)
{
    skep__trace_change c = {a->value, b->value, 0.0, 0.0, a->known && b->known};
    if (!c.known) return c;
    const double change = b->value - a->value;
    const double reach = COMPARE_Z * skep_sqrt_f64(a->error * a->error + b->error * b->error);
    c.low = change - reach;
    c.high = change + reach;
    return c;
}

/* ---- pairs ---------------------------------------------------------------------------------- */

/* A system of one side, for pairing by name. */
typedef struct compare_named {
    const char *name;
    const skep__trace_system_stats *stats;
} compare_named;

static int compare_names(const void *a, const void *b, void *ctx)
{
    const compare_named *x = a;
    const compare_named *y = b;
    (void)ctx;
    const int names = skep__timeline_text_compare(x->name, y->name);
    if (names) return names;
    return x->stats->subject < y->stats->subject ? -1 : x->stats->subject > y->stats->subject;
}

static compare_named *compare_sorted(const skep__trace_compared *c, skep__trace_memory *m)
{
    compare_named *named = skep__trace_take(m, c->systems->count, sizeof *named);
    if (!named) return NULL;
    for (uint32_t i = 0; i < c->systems->count; i++) {
        const skep__trace_system_stats *s = &c->systems->system[i];
        named[i] = (compare_named){c->timeline->subjects[s->subject].name, s};
    }
    if (c->systems->count)
        skep__sort_items(named, c->systems->count, sizeof *named, compare_names, NULL);
    return named;
}

/* What all pairs need of one side. */
typedef struct compare_ground {
    const skep__trace_compared *c;
    const double *total;
    skep__trace_memory *scratch;
} compare_ground;

typedef struct compare_figures {
    compare_side p50;
    compare_side p99;
    compare_side share;
} compare_figures;

static compare_figures compare_of(const compare_ground *g, const skep__trace_system_stats *s)
{
    compare_figures f = {0};
    if (!s) return f;
    double *sorted = skep__trace_take(g->scratch, s->run_count, sizeof *sorted);
    if (!sorted || !g->total) return f;
    memcpy(sorted, s->runs_ns, s->run_count * sizeof *sorted);
    skep__trace_sort(g->scratch, sorted, s->run_count);
    f.p50 = compare_percentile(sorted, s->run_count, 50);
    f.p99 = compare_percentile(sorted, s->run_count, 99);
    f.share = compare_share(g->c, g->total, s);
    return f;
}

static skep__trace_comparison compare_pair(const compare_ground *a, const compare_ground *b,
                                           const compare_named *in_a, const compare_named *in_b)
{
    skep__trace_comparison c = {0};
    c.system = in_a ? in_a->name : in_b ? in_b->name : "";
    c.only = !in_b ? SKEP__SIDE_A : !in_a ? SKEP__SIDE_B : SKEP__SIDE_BOTH;
    c.in_a = in_a ? in_a->stats : NULL;
    c.in_b = in_b ? in_b->stats : NULL;
    const compare_figures x = compare_of(a, c.in_a);
    const compare_figures y = compare_of(b, c.in_b);
    c.p50 = compare_change(&x.p50, &y.p50);
    c.p99 = compare_change(&x.p99, &y.p99);
    c.share = compare_change(&x.share, &y.share);
    c.clear = c.p50.known && c.p50.low > 0.0;
    return c;
}

/* Clear rises, then the others, by the change of p50; those of one side last, by name. */
static int compare_order(const void *a, const void *b, void *ctx)
{
    const skep__trace_comparison *x = a;
    const skep__trace_comparison *y = b;
    (void)ctx;
    const bool x_both = x->only == SKEP__SIDE_BOTH;
    const bool y_both = y->only == SKEP__SIDE_BOTH;
    if (x_both != y_both) return x_both ? -1 : 1;
    if (x_both && x->clear != y->clear) return x->clear ? -1 : 1;
    const double x_change = x->p50.b - x->p50.a;
    const double y_change = y->p50.b - y->p50.a;
    if (x_both && x_change != y_change) return x_change > y_change ? -1 : 1;
    const int names = skep__timeline_text_compare(x->system, y->system);
    if (names) return names;
    if (x->only != y->only) return x->only < y->only ? -1 : 1;
    const uint32_t p = x->in_a ? x->in_a->subject : x->in_b->subject;
    const uint32_t q = y->in_a ? y->in_a->subject : y->in_b->subject;
    return p < q ? -1 : p > q;
}

skep__trace_comparison *skep__trace_compare(const skep__trace_compared *a,
                                            const skep__trace_compared *b, skep__trace_memory *m,
                                            uint32_t *count)
{
    skep__trace_memory scratch = {.allocator = m->allocator};
    const compare_ground ga = {a, compare_totals(a, &scratch), &scratch};
    const compare_ground gb = {b, compare_totals(b, &scratch), &scratch};
    const compare_named *in_a = compare_sorted(a, &scratch);
    const compare_named *in_b = compare_sorted(b, &scratch);
    const uint32_t na = a->systems->count;
    const uint32_t nb = b->systems->count;
    skep__trace_comparison *list = skep__trace_take(m, (size_t)na + nb, sizeof *list);
    *count = 0;
    for (uint32_t i = 0, k = 0; list && !scratch.failed && (i < na || k < nb);) {
        const int order = i == na   ? 1
                          : k == nb ? -1
                                    : skep__timeline_text_compare(in_a[i].name, in_b[k].name);
        list[(*count)++] =
            compare_pair(&ga, &gb, order <= 0 ? &in_a[i] : NULL, order >= 0 ? &in_b[k] : NULL);
        i += order <= 0;
        k += order >= 0;
    }
    if (*count) skep__sort_items(list, *count, sizeof *list, compare_order, NULL);
    m->failed |= scratch.failed;
    skep__trace_memory_free(&scratch);
    return list;
}
