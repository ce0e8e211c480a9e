/* SPDX-License-Identifier: MIT */
/* The bench as the command calls it: `skep bench [options] [NAME...]`. */
#ifndef SKEP_BENCH_BENCH_H
#define SKEP_BENCH_BENCH_H

/* Runs the bench. argv[0] is "bench", what follows are its options. Returns the exit code: 0, 1
 * when a row computed something else than its limit or could not run, 2 for options that make no
 * sense. */
int skep__bench_main(int argc, char **argv);

#endif
