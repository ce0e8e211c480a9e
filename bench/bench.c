/* SPDX-License-Identifier: MIT */
/* `skep bench`: which rows, measured how, written where. */
#include "bench/bench.h"

#include "bench/bench_report.h"

#include <string.h>

#define ROWS_MAX 128u
#define NAME_MAX_BYTES 40u

typedef struct options {
    bool json, list;
    const char *csv;
    const char *before, *after;
    char **names;
    int name_count;
} options;

static const bench_row *const row_lists[] = {
    skep__bench_iterate_rows, skep__bench_snapshot_rows,  skep__bench_structure_rows,
    skep__bench_access_rows,  skep__bench_frame_rows,     skep__bench_tiny_rows,
    skep__bench_trace_rows,   skep__bench_replicate_rows, skep__bench_live_rows,
    skep__bench_gateway_rows, skep__bench_processes_rows, skep__bench_recovery_rows,
};

static int usage(const char *wrong, const char *why)
{
    fprintf(stderr, "skep bench: %s: %s\n", wrong, why);
    return 2;
}

/* Reads the options; names are moved to the front of argv. Returns 0 or the exit code. */
static int options_read(int argc, char **argv, options *o)
{
    memset(o, 0, sizeof *o);
    o->names = argv + 1;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--json") == 0) {
            o->json = true;
        } else if (strcmp(arg, "--list") == 0) {
            o->list = true;
        } else if (strcmp(arg, "--csv") == 0) {
            if (i + 1 >= argc) return usage(arg, "needs a file, or a folder ended by '/'");
            o->csv = argv[++i];
        } else if (strcmp(arg, "--compare") == 0) {
            if (i + 2 >= argc) return usage(arg, "needs two CSV files");
            o->before = argv[++i];
            o->after = argv[++i];
        } else if (arg[0] == '-') {
            return usage(arg, "unknown option (known: --json --csv FILE --list --compare A B)");
        } else {
            o->names[o->name_count++] = argv[i];
        }
    }
    return 0;
}

/* A name chooses the row that is called so, or all whose names begin with it. */
static bool name_chooses(const char *name, const bench_row *row)
{
    return strncmp(row->name, name, strlen(name)) == 0;
}

static bool chosen(const options *o, const bench_row *row)
{
    for (int i = 0; i < o->name_count; i++)
        if (name_chooses(o->names[i], row)) return true;
    return o->name_count == 0;
}

/* The chosen rows in their order; false for a name that chooses none. */
static bool rows_choose(const options *o, const bench_row **rows, uint32_t *count)
{
    *count = 0;
    for (size_t l = 0; l < sizeof row_lists / sizeof row_lists[0]; l++)
        for (const bench_row *row = row_lists[l]; row->name; row++)
            if (chosen(o, row) && *count < ROWS_MAX) rows[(*count)++] = row;
    for (int i = 0; i < o->name_count; i++) {
        bool known = false;
        for (uint32_t r = 0; r < *count; r++) known |= name_chooses(o->names[i], rows[r]);
        if (known) continue;
        usage(o->names[i], "there is no such row (skep bench --list)");
        return false;
    }
    return true;
}

/* The row that says what tracing adds to another. */
static void traced_row(const bench_row *row, char *name, bench_row *traced)
{
    (void)snprintf(name, NAME_MAX_BYTES, "%s_traced", row->name);
    *traced = (bench_row){.name = name,
                          .about = "what each record of the tracer adds to the row before",
                          .unit = "ns",
                          .unit_ns = 1,
                          .bar = BENCH_BAR_VALUE,
                          .bar_at = BENCH_TRACE_NS};
}

static int measure(const options *o, const bench_row *const *rows, uint32_t count)
{
    static bench_result results[2 * ROWS_MAX];
    static bench_row traced[ROWS_MAX];
    static char names[ROWS_MAX][NAME_MAX_BYTES];
    uint32_t result_count = 0;
    bench_machine machine;
    skep__bench_machine_fill(&machine);
    if (!o->json) skep__bench_table_head(stdout, &machine);
    bool sound = true;
    uint32_t missed = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t first = result_count;
        traced_row(rows[i], names[i], &traced[i]);
        results[first + 1] = (bench_result){.row = &traced[i]};
        skep__bench_measure(rows[i], &results[first], &results[first + 1]);
        result_count += rows[i]->trace ? 2 : 1;
        for (uint32_t r = first; r < result_count; r++) {
            sound &= results[r].ran && !results[r].wrong;
            missed += results[r].ran && !results[r].pass;
            if (!o->json) skep__bench_table_row(stdout, &results[r]);
        }
    }
    if (o->json)
        skep__bench_json(stdout, &machine, results, result_count);
    else
        printf("\n%u rows, %u missed their bar\n", result_count, missed);
    if (o->csv && !skep__bench_csv(o->csv, &machine, results, result_count)) return 1;
    return sound ? 0 : 1;
}

int skep__bench_main(int argc, char **argv)
{
    options o;
    const bench_row *rows[ROWS_MAX];
    uint32_t count = 0;
    const int wrong = options_read(argc, argv, &o);
    if (wrong) return wrong;
    if (o.before) return skep__bench_compare(stdout, o.before, o.after);
    if (!rows_choose(&o, rows, &count)) return 2;
    if (!o.list) return measure(&o, rows, count);
    for (uint32_t i = 0; i < count; i++) printf("%-22s %s\n", rows[i]->name, rows[i]->about);
    return 0;
}
