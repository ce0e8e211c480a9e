/* SPDX-License-Identifier: MIT */
/* All commands and all options of `skep`: parsing, help texts and the lists for "did you mean" come
 * from these two tables. (No guard: a table, included where it is used.)
 *
 * SKEP__CLI_COMMANDS: X(NAME, word or two, what follows, least, most, what one of it is, question,
 * what it does) where least and most bound the words that follow, and the question is put when
 * there are too few.
 * SKEP__CLI_OPTIONS:  X(name, "--name", value, KIND, commands, least, most, help) where least and
 * most bound numbers, and a "\n" in the help starts a new line. The bench reads its own words; its
 * rows are here for the help. */
#define SKEP__CLI_COMMANDS(X)                                                                      \
    X(RUN, "run", "SCENE|FILE.so", 1, 1, "scene", "which scene? skep scenes lists them",           \
      "runs a scene")                                                                              \
    X(SERVE, "serve", "SCENE|FILE.so", 1, 1, "scene", "which scene? skep scenes lists them",       \
      "runs a scene for others to see: pages, WebSocket")                                          \
    X(VIEW, "view", "URL", 1, 1, "server", "which server? skep view http://localhost:8080/",       \
      "shows what a server publishes")                                                             \
    X(PLAN, "plan", "SCENE|FILE.so", 1, 1, "scene", "which scene? skep scenes lists them",         \
      "shows which systems run side by side, and why")                                             \
    X(SCENES, "scenes", "[SCENE|FILE.so]", 0, 1, "scene", "",                                      \
      "lists the scenes, or the parameters of one")                                                \
    X(CHECK, "check", "FILE.so", 1, 1, "file", "which file? skep check bees.so",                   \
      "says what in a scene is not pure or not exact")                                             \
    X(REPLAY, "replay", "FILE", 1, 1, "recording", "which recording? skep replay run.skepr",       \
      "runs a recording again, or a job that failed")                                              \
    X(TRACE_SUMMARY, "trace summary", "FILE", 1, 1, "trace",                                       \
      "which trace? skep trace summary out.skept", "says where the time of a trace went")          \
    X(TRACE_COMPARE, "trace compare", "A B", 2, 2, "trace",                                        \
      "which two traces? skep trace compare before.skept after.skept",                             \
      "says which systems got slower, and how sure it is")                                         \
    X(TRACE_CONVERT, "trace convert", "A B", 2, 2, "file",                                         \
      "from which trace to which file? skep trace convert out.skept out.html",                     \
      "writes a trace as .html, .json or .skept")                                                  \
    X(BENCH, "bench", "[NAME...]", 0, 0, "row", "",                                                \
      "compares skep with hand-written C on this machine")                                         \
    X(HELP, "help", "[COMMAND]", 0, 2, "command", "", "says what a command and its options do")

#define SKEP__CLI_OPTIONS(X)                                                                       \
    X(frames, "--frames", "N", U64, RUN | SERVE, 0, UINT64_MAX,                                    \
      "run N frames and stop (else until Ctrl-C)")                                                 \
    X(frames_first, "--frames", "N", U64, PLAN, 0, UINT64_MAX,                                     \
      "frames to run first, to know what blocks cost (8)")                                         \
    X(pace, "--pace", "real|none", PACE, RUN, 0, 0,                                                \
      "keep to real time, or go as fast as it can (real\nwithout --frames, none with it)")         \
    X(workers, "--workers", "N|auto", WORKERS, RUN | SERVE | PLAN | REPLAY, 0, SKEP_WORKERS_MAX,   \
      "threads beside the caller, or processes (auto)")                                            \
    X(executor, "--executor", "local|threads|processes", EXECUTOR, RUN | SERVE | PLAN | REPLAY, 0, \
      0,                                                                                           \
      "where jobs run (threads; local: all on the caller;\n"                                       \
      "processes: isolated, for jobs that are not trusted)")                                       \
    X(deadline_ms, "--deadline-ms", "N", U64, RUN | SERVE, 0, 86400000,                            \
      "the most that one task may take (processes: 1000,\n"                                        \
      "others: 0, any time)")                                                                      \
    X(restart_budget, "--restart-budget", "N", U32, RUN | SERVE, 0, 65536,                         \
      "workers replaced within a minute before the pool\n"                                         \
      "fails (1000; 0: any number)")                                                               \
    X(no_seccomp, "--no-seccomp", "", FLAG, RUN | SERVE, 0, 0,                                     \
      "processes: let jobs make system calls, but for those\nthat reach other processes")          \
    X(grain, "--grain", "0|auto", GRAIN, RUN | SERVE | PLAN | REPLAY, 0, 0,                        \
      "0: hand even the smallest batch to workers (auto)")                                         \
    X(seed, "--seed", "N", U64, RUN | SERVE | PLAN, 0, UINT64_MAX,                                 \
      "seed of all random numbers (1)")                                                            \
    X(entities, "--entities", "N", U32, RUN | SERVE | PLAN, 0, 67108863,                           \
      "the scene's main number: flights, boids, particles")                                        \
    X(dt, "--dt", "S", SECONDS, RUN | PLAN, 0, 0, "seconds that a frame simulates (1/60)")         \
    X(data, "--data", "FILE", TEXT, RUN | SERVE | PLAN | SCENES, 0, 0,                             \
      "a data file for the scene")                                                                 \
    X(param, "--param", "K=V", PARAM, RUN | SERVE | PLAN, 0, 0,                                    \
      "set a parameter of the scene; may be given many times\n(skep scenes SCENE lists them)")     \
    X(load, "--load", "FILE", TEXT, RUN | SERVE | PLAN, 0, 0, "begin with the world of this file") \
    X(save, "--save", "FILE", TEXT, RUN, 0, 0, "save the world at the end")                        \
    X(checkpoint, "--checkpoint", "DIR", TEXT, RUN | SERVE, 0, 0,                                  \
      "save the world there while it runs, without stopping it")                                   \
    X(checkpoint_run, "--every", "N", U32, RUN, 1, 1000000000,                                     \
      "frames from checkpoint to checkpoint (600)")                                                \
    X(checkpoint_serve, "--checkpoint-every", "N", U32, SERVE, 1, 1000000000,                      \
      "frames from checkpoint to checkpoint (600)")                                                \
    X(keep, "--keep", "K", U32, RUN | SERVE, 1, 10000,                                             \
      "checkpoints that stay, the newest ones (3)")                                                \
    X(resume, "--resume", "DIR", TEXT, RUN | SERVE, 0, 0,                                          \
      "go on from the newest good checkpoint; where there is\nnone yet, from the beginning")       \
    X(record, "--record", "FILE", TEXT, RUN | SERVE, 0, 0,                                         \
      "keep what each frame got, for skep replay FILE")                                            \
    X(record_every, "--record-every", "N", U32, RUN | SERVE, 0, 1000000000,                        \
      "keep hashes of every N-th frame alone, to compare with\n(1; 0: none)")                      \
    X(faults, "--faults", "DIR", TEXT, RUN | SERVE, 0, 0,                                          \
      "where files of faults go (beside the recording or the\n"                                    \
      "checkpoints; without these: nowhere)")                                                      \
    X(replay_scene, "--scene", "SCENE|FILE.so", TEXT, REPLAY, 0, 0,                                \
      "the scene, where it is not what the recording says")                                        \
    X(replay_local, "--local", "", FLAG, REPLAY, 0, 0,                                             \
      "all in this process, on one thread: for a debugger")                                        \
    X(hash_every, "--hash-every", "N", U64, RUN, 1, UINT64_MAX,                                    \
      "print \"frame hash\" whenever the frame is a multiple\nof N")                               \
    X(check, "--check", "", FLAG, RUN, 0, 0,                                                       \
      "development: poison what jobs must write, and notice\nwhen they change what they read")     \
    X(trace, "--trace", "FILE", TEXT, RUN | SERVE, 0, 0,                                           \
      "at the end write where each microsecond went: FILE\n"                                       \
      "ends in .html (a page to look at), .json or .skept")                                        \
    X(trace_last, "--trace-last", "N", U32, RUN | SERVE, 1, 1000000,                               \
      "flight recorder: write the last N frames to FILE\n"                                         \
      "after a fault, a slow frame or SIGUSR1, and go on")                                         \
    X(slow_ms, "--slow-ms", "X", MS, RUN | SERVE, 0, 0,                                            \
      "say of frames that take longer than X ms why")                                              \
    X(no_trace, "--no-trace", "", FLAG, RUN | SERVE, 0, 0, "switch the tracer off")                \
    X(json, "--json", "", FLAG, RUN, 0, 0, "end with one line of JSON in place of the table")      \
    X(replay_json, "--json", "", FLAG, REPLAY, 0, 0, "one line of JSON in place of the text")      \
    X(port, "--port", "P", U32, SERVE, 0, 65535, "port to listen at (8080; 0: a free one)")        \
    X(host, "--host", "ADDRESS", TEXT, SERVE, 0, 0,                                                \
      "address to listen at (127.0.0.1: this machine alone;\n0.0.0.0: whoever can reach it)")      \
    X(every, "--every", "N", U32, SERVE, 1, 1000, "frames from state to state (3)")                \
    X(page, "--page", "DIR", TEXT, SERVE, 0, 0,                                                    \
      "folder of web pages; more of them: DIR,/maps=DIR2")                                         \
    X(token, "--token", "T", TEXT, SERVE | VIEW, 0, 0, "what clients must show")                   \
    X(origin, "--origin", "O", TEXT, SERVE, 0, 0,                                                  \
      "pages of other servers that may connect:\nhttps://a.example,https://b.example, or *")       \
    X(tls_cert, "--tls-cert", "F", TEXT, SERVE, 0, 0, "TLS: file of certificates (PEM)")           \
    X(tls_key, "--tls-key", "F", TEXT, SERVE, 0, 0, "TLS: file of the key")                        \
    X(limits, "--limits", "K=N,...", TEXT, SERVE, 0, 0,                                            \
      "connection_max, address_max, session_max,\nmessage_up_max; times: header_ms, hello_ms,\n"   \
      "drain_ms, close_ms, ping_ms, drop_ms, resume_ms")                                           \
    X(ca_file, "--ca", "F", TEXT, VIEW, 0, 0, "TLS: certificates to believe (PEM)")                \
    X(insecure, "--insecure", "", FLAG, VIEW, 0, 0, "TLS: take any certificate")                   \
    X(seconds, "--seconds", "N", U32, VIEW, 0, 1000000, "stop after N seconds (else at Ctrl-C)")   \
    X(view_json, "--json", "", FLAG, VIEW, 0, 0, "a line of JSON a second")                        \
    X(why, "--why", "SYSTEM", TEXT, PLAN, 0, 0, "explain the place of one system")                 \
    X(check_json, "--json", "", FLAG, CHECK, 0, 0, "one object of JSON in place of the text")      \
    X(bench_json, "--json", "", FLAG, BENCH, 0, 0, "print the rows as JSON")                       \
    X(bench_csv, "--csv", "FILE", TEXT, BENCH, 0, 0, "keep the rows as CSV (a folder: ends in /)") \
    X(bench_compare, "--compare", "A B", TEXT, BENCH, 0, 0,                                        \
      "compare two CSV files, measure nothing")                                                    \
    X(bench_list, "--list", "", FLAG, BENCH, 0, 0, "list the rows")                                \
    X(trace_frames, "--frames", "A..B", RANGE, TRACE_SUMMARY, 0, UINT64_MAX,                       \
      "of frames A to B alone, by the world's tick")                                               \
    X(trace_worst, "--worst", "N", U32, TRACE_SUMMARY, 0, 1000000,                                 \
      "tell of the N frames that took longest (3)")                                                \
    X(trace_json, "--json", "", FLAG, TRACE_SUMMARY | TRACE_COMPARE, 0, 0,                         \
      "one object of JSON in place of the text:\ndocs/trace-format.md says what is in it")         \
    X(help, "--help", "", FLAG,                                                                    \
      RUN | SERVE | VIEW | PLAN | SCENES | CHECK | REPLAY | TRACE_SUMMARY | TRACE_COMPARE |        \
          TRACE_CONVERT | BENCH | HELP,                                                            \
      0, 0, "show this text")
