/* SPDX-License-Identifier: MIT */
/* Comparing two CSV files of the bench. What is compared is the ratio to the limit, since two runs
 * seldom happen at one speed of the machine; rows without a limit are compared by their value. A
 * difference counts only when the spreads of the two runs do not overlap. */
#include "bench/bench_report.h"

#include "port/port.h"
#include "scenes/csv.h"

#include <string.h>

#define ROWS_MAX 128u
#define NAME_BYTES 48u

typedef struct entry {
    char name[NAME_BYTES];
    double ours, limit, ratio, low, high;
} entry;

typedef struct entries {
    entry of[ROWS_MAX];
    uint32_t count;
} entries;

/* The entry of a name, made where there is none: a later line of the file takes an earlier one's
 * place. */
static entry *entry_of(entries *all, const char *name)
{
    for (uint32_t i = 0; i < all->count; i++)
        if (strcmp(all->of[i].name, name) == 0) return &all->of[i];
    if (all->count == ROWS_MAX) return NULL;
    entry *e = &all->of[all->count++];
    snprintf(e->name, sizeof e->name, "%s", name);
    return e;
}

static bool records_read(skep__csv *csv, entries *all)
{
    const uint32_t name = skep__csv_column(csv, "name");
    const char *const wanted[] = {"ours", "limit", "ratio", "ours_min", "ours_max"};
    uint32_t column[5] = {0};
    if (name == SKEP__CSV_NONE) return false;
    for (uint32_t i = 0; i < 5; i++) {
        column[i] = skep__csv_column(csv, wanted[i]);
        if (column[i] == SKEP__CSV_NONE) return false;
    }
    const skep__csv_bounds_f64 any = {0.0, 1e15, "is not a figure of the bench"};
    const skep__csv_text_rule rule = {1, NAME_BYTES - 1, "is not the name of a row", false};
    while (skep__csv_next(csv)) {
        char text[NAME_BYTES];
        double value[5];
        if (!skep__csv_text(csv, name, rule, text)) return false;
        for (uint32_t i = 0; i < 5; i++)
            if (!skep__csv_f64(csv, column[i], any, &value[i])) return false;
        entry *e = entry_of(all, text);
        if (!e) return skep__csv_refuse(csv, name, "is one name too many");
        e->ours = value[0];
        e->limit = value[1];
        e->ratio = value[2];
        e->low = value[3];
        e->high = value[4];
    }
    return csv->error.error.code == SKEP_OK;
}

static bool file_read(const char *path, entries *all)
{
    const skep_allocator allocator = skep__port_allocator();
    uint8_t *bytes = NULL;
    size_t count = 0;
    all->count = 0;
    if (skep__port_file_read(path, &allocator, &bytes, &count) != SKEP_OK) {
        fprintf(stderr, "skep bench: %s: cannot be read\n", path);
        return false;
    }
    char scratch[2048], text[256];
    skep__csv csv;
    const bool read = skep__csv_begin(&csv, (const char *)bytes, count, scratch, sizeof scratch) &&
                      records_read(&csv, all);
    if (!read) {
        skep__csv_error_text(&csv.error, path, text, sizeof text);
        fprintf(stderr, "skep bench: %s\n", text);
    }
    allocator.free(allocator.ctx, bytes, count + 1, 16);
    return read;
}

static const char *difference(const entry *a, const entry *b, double quotient)
{
    /* In units of each run's own speed: the spread of ours over the limit. */
    const double a_scale = a->limit > 0 ? a->limit : 1, b_scale = b->limit > 0 ? b->limit : 1;
    const bool apart = a->high / a_scale < b->low / b_scale || b->high / b_scale < a->low / a_scale;
    if (!apart || (quotient > 0.97 && quotient < 1.03)) return "same";
    const double cost_a = a->ours / a_scale, cost_b = b->ours / b_scale;
    return cost_b < cost_a ? "faster" : "slower";
}

int skep__bench_compare(FILE *out, const char *before, const char *after)
{
    static const char line[] = "%-22s %12.3f %12.3f %9.2f  %s\n";
    entries a, b;
    if (!file_read(before, &a) || !file_read(after, &b)) return 2;
    fprintf(out, "%-22s %12s %12s %9s\n", "name", "before", "after", "quotient");
    for (uint32_t i = 0; i < b.count; i++) {
        const entry *now = &b.of[i];
        const uint32_t known = a.count;
        const entry *then = entry_of(&a, now->name);
        if (!then || a.count != known) {
            a.count = known;
            fprintf(out, "%-22s %12s %12.3f %9s  new\n", now->name, "-",
                    now->limit > 0 ? now->ratio : now->ours, "-");
            continue;
        }
        const bool relative = now->limit > 0 && then->limit > 0;
        const double x = relative ? then->ratio : then->ours;
        const double y = relative ? now->ratio : now->ours;
        const double quotient = x > 0 ? y / x : 0;
        fprintf(out, line, now->name, x, y, quotient, difference(then, now, quotient));
    }
    return 0;
}
