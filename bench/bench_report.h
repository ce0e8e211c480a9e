/* SPDX-License-Identifier: MIT */
/* What the bench writes: a table, JSON, CSV, and the comparison of two CSV files. */
#ifndef SKEP_BENCH_BENCH_REPORT_H
#define SKEP_BENCH_BENCH_REPORT_H

#include "bench/bench_row.h"

#include <stdio.h>

/* What the figures belong to. */
typedef struct bench_machine {
    char cpu[96];
    uint32_t cores; /* that this process may use */
    const char *compiler, *commit, *flags;
} bench_machine;

/* Fills in what is known of this machine and this build. */
void skep__bench_machine_fill(bench_machine *machine);

/* The table, head and row by row as they are measured. */
void skep__bench_table_head(FILE *out, const bench_machine *machine);
void skep__bench_table_row(FILE *out, const bench_result *result);

/* All results as one JSON object on one line. */
void skep__bench_json(FILE *out, const bench_machine *machine, const bench_result *results,
                      uint32_t count);

/* Appends the results to a CSV file, with a header line when it is new or empty. `path` may be a
 * folder, ended by '/': the file in there is named after the processor and the compiler. False,
 * with a line on standard error, when it cannot be written. */
bool skep__bench_csv(const char *path, const bench_machine *machine, const bench_result *results,
                     uint32_t count);

/* Prints each row's ratio of two CSV files, its last entry in each, and how they differ. Returns
 * the exit code. */
int skep__bench_compare(FILE *out, const char *before, const char *after);

#endif
