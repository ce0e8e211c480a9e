/* SPDX-License-Identifier: MIT */
/* The `skep` command from inside: what its files share. It uses the public headers, the reader
 * of traces, and the port's clock, files and terminal, nothing else of the library. */
#ifndef SKEP_CLI_CLI_H
#define SKEP_CLI_CLI_H

#include "skep/recovery.h"
#include "skep/sim.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__) || defined(__clang__)
#define SKEP__CLI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define SKEP__CLI_PRINTF(text, first)
#endif

#include "cli/options.inl"

/* How the command ends. */
enum {
    SKEP__EXIT_OK = 0,
    SKEP__EXIT_FAILED = 1, /* it began, and then something went wrong */
    SKEP__EXIT_USAGE = 2   /* what was asked for makes no sense, or a file is missing or damaged */
};

/* ---- options -------------------------------------------------------------------------------- */

typedef enum skep__cli_command {
#define SKEP__CLI_COMMAND_ROW(name, ...) SKEP__CLI_##name,
    SKEP__CLI_COMMANDS(SKEP__CLI_COMMAND_ROW)
#undef SKEP__CLI_COMMAND_ROW
        SKEP__CLI_COMMAND_COUNT
} skep__cli_command;

typedef enum skep__cli_option {
#define SKEP__CLI_OPTION_ROW(name, ...) SKEP__CLI_##name,
    SKEP__CLI_OPTIONS(SKEP__CLI_OPTION_ROW)
#undef SKEP__CLI_OPTION_ROW
        SKEP__CLI_OPTION_COUNT
} skep__cli_option;

/* An option's value; which member holds it follows from the option's kind. */
typedef struct skep__cli_value {
    uint64_t number;
    uint64_t last; /* of a range */
    double real;
    const char *text; /* as written */
    bool given;
} skep__cli_value;

/* The most words that a command takes beside its options. */
#define SKEP__CLI_WORDS_MAX 2u

/* A parsed command line. Texts point into argv. */
typedef struct skep__cli_options {
    skep__cli_command command;
    const char *words[SKEP__CLI_WORDS_MAX]; /* those that are no options; NULL behind the last */
    uint32_t word_count;
    const char **params; /* param_count texts "K=V"; room for all words of the line and one more */
    uint32_t param_count;
    skep__cli_value value[SKEP__CLI_OPTION_COUNT];
} skep__cli_options;

/* Words of a table, for messages. */
const char *skep__cli_command_word(skep__cli_command command);

/* Reads what follows the command's word. The last of two equal options counts. Returns
 * SKEP__EXIT_OK, or SKEP__EXIT_USAGE after a line to standard error. `params` has room for count +
 * 1 pointers. */
int skep__cli_parse(skep__cli_options *options, skep__cli_command command, const char **params,
                    int count, char **words);

/* Finds the command that words begin with; `used` gets how many of them it is, one or two.
 * SKEP__CLI_COMMAND_COUNT when there is none. */
skep__cli_command skep__cli_command_find(uint32_t count, const char *const *words, uint32_t *used);

/* Whether commands of two words begin with this one. */
bool skep__cli_command_group(const char *word);

/* The question to put to whoever gave too few words; NULL when there are enough. */
const char *skep__cli_question(const skep__cli_options *options);

/* ---- messages ------------------------------------------------------------------------------- */

/* Writes one line to standard error, "skep run: ..." (SKEP__CLI_COMMAND_COUNT: "skep: ..."), with
 * control characters made visible, and returns SKEP__EXIT_USAGE. */
int skep__cli_fail(skep__cli_command command, const char *format, ...) SKEP__CLI_PRINTF(2, 3);

/* Returns which name is most like `wanted`, or NULL when none is near enough. */
const char *skep__cli_nearest(const char *wanted, const char *const *names, uint32_t count);

/* Writes " (did you mean "NAME"?)" for the nearest name, or nothing, and returns `out`. */
const char *skep__cli_meant(char *out, size_t max, const char *wanted, const char *const *names,
                            uint32_t count);

/* Writes a number with commas between thousands, and returns `out` (27 bytes are enough). */
const char *skep__cli_thousands(char *out, uint64_t number);

/* Flushes standard output and returns `code`, or SKEP__EXIT_FAILED when what was printed did not
 * get there; a reader that went away, as `head` does, is no failure. */
int skep__cli_finish(int code);

/* Help for a command, or for all where it is SKEP__CLI_COMMAND_COUNT. */
void skep__cli_help(FILE *out, skep__cli_command command);

/* Help for all commands of two words that begin with this one. */
void skep__cli_help_group(FILE *out, const char *word);

/* ---- files ---------------------------------------------------------------------------------- */

/* Bytes that grow; all zero: none. */
typedef struct skep__cli_bytes {
    uint8_t *bytes;
    size_t used, cap;
} skep__cli_bytes;

/* Appends to a skep__cli_bytes, the context; false, with nothing changed, without memory. */
bool skep__cli_bytes_append(void *ctx, const void *bytes, size_t count);

void skep__cli_bytes_free(skep__cli_bytes *bytes);

/* The name under which a file is written first, PATH.tmp, to be freed; NULL without memory. */
char *skep__cli_temporary(const char *path);

/* Finds out whether a file can be written there; one that exists is not touched. `option` is named
 * in what is said, "" for none. */
int skep__cli_writable(skep__cli_command command, const char *option, const char *path);

/* ---- the live line -------------------------------------------------------------------------- */

/* What the line shows; all counted from the start of the run. */
typedef struct skep__cli_state {
    const char *title;
    uint64_t frames; /* run so far */
    uint64_t tick;   /* the world's */
    uint32_t entities;
    uint64_t faults;
    uint64_t busy_ns; /* spent in frames */
    double dt;        /* of a frame, seconds */
    const char *rest; /* what else there is to say; NULL: nothing */
} skep__cli_state;

/* How many drawings back the line's averages begin: a second, since ten frames or none in a tenth
 * of one would make them jump. */
#define SKEP__LIVE_BACK 10u

/* A line on a terminal that is drawn again and again. */
typedef struct skep__cli_live {
    FILE *out; /* NULL: no terminal, nothing is drawn */
    int fd;
    uint32_t length;                       /* of what stands on the line now */
    uint32_t draws;                        /* so far */
    uint64_t next_ns;                      /* when to draw again */
    skep__cli_state back[SKEP__LIVE_BACK]; /* draw number n at n modulo SKEP__LIVE_BACK */
    uint64_t back_ns[SKEP__LIVE_BACK];     /* when each was drawn */
} skep__cli_live;

/* Looks for a terminal: standard error, else standard output unless `json` goes there. */
void skep__cli_live_begin(skep__cli_live *live, bool json);

/* Returns whether a tenth of a second is over, whether there is a terminal or not. */
bool skep__cli_live_due(const skep__cli_live *live, uint64_t now_ns);

/* Draws the line. */
void skep__cli_live_draw(skep__cli_live *live, const skep__cli_state *state, uint64_t now_ns);

/* Takes the line away, so that something else can be printed. */
void skep__cli_live_clear(skep__cli_live *live);

/* ---- real time and stopping ----------------------------------------------------------------- */

/* Frames in the time of a clock: at most five that are late are made up for, the rest is given up.
 */
typedef struct skep__cli_pace {
    uint64_t due_ns;  /* when the next frame is to begin */
    uint64_t step_ns; /* from frame to frame */
    uint64_t lost_ns; /* given up */
} skep__cli_pace;

void skep__cli_pace_begin(skep__cli_pace *pace, double dt, uint64_t now_ns);

/* Draws the live line. */
typedef void skep__cli_show(void *ctx, uint64_t now_ns);

/* Waits until the next frame is due; `show` is called whenever the line is to be drawn meanwhile.
 * False when a signal came. */
bool skep__cli_pace_wait(skep__cli_pace *pace, const skep__cli_live *live, skep__cli_show *show,
                         void *ctx);

/* From now on SIGINT and SIGTERM ask for a stop, the first time; the second has its usual effect.
 */
void skep__cli_stop_signals(void);

/* Returns whether a signal asked for a stop. */
bool skep__cli_stopped(void);

/* ---- opening a scene ------------------------------------------------------------------------ */

/* Receives the simulation's messages: kept while it is being opened, printed at once after. */
typedef struct skep__cli_log {
    skep__cli_live *live; /* to be taken away before a message; may be NULL */
    bool keep;
    uint32_t used;
    char text[1 << 14]; /* lines, each ended by a zero */
} skep__cli_log;

/* An open scene. */
typedef struct skep__cli_scene {
    skep_scene_file *file;     /* NULL for a built-in one */
    skep_processes *processes; /* of its workers, or NULL */
    const skep_scene *scene;
    const char *title; /* its name */
    skep_sim *sim;
    uint64_t seed; /* the world's */
    float dt;
    char *data; /* of the data file, data_bytes, or NULL */
    size_t data_bytes;
    skep_checkpoint_found resumed; /* what --resume went on from; path "": nothing */
    skep__cli_log log;
} skep__cli_scene;

/* What a recording says of the scene that was open. Texts are borrowed. */
typedef struct skep__cli_recorded {
    const char *scene;   /* name, or path of a module */
    const char **params; /* param_count texts "K=V", and room for no more */
    uint32_t param_count;
    uint32_t entity_max; /* 0: the default */
    uint64_t region_bytes_max;
    uint64_t seed;
    const void *data; /* or NULL */
    size_t data_bytes;
} skep__cli_recorded;

/* Opens the scene of a recording, as skep__cli_scene_open does. */
int skep__cli_scene_recorded(skep__cli_scene *scene, const skep__cli_options *options,
                             const skep__cli_recorded *recorded);

/* Opens what the options ask for and loads a saved world into it. Returns an exit code, after
 * saying why on standard error when it is not SKEP__EXIT_OK. Close it in either case. */
int skep__cli_scene_open(skep__cli_scene *scene, const skep__cli_options *options);

/* What the live line shows of a scene that ran so many frames in so much time; `rest` is still
 * NULL. */
skep__cli_state skep__cli_scene_state(const skep__cli_scene *scene, uint64_t frames,
                                      uint64_t busy_ns);

/* Ends the simulation and unloads the file. */
void skep__cli_scene_close(skep__cli_scene *scene);

/* Takes one message for a skep__cli_log: a skep_log_fn. */
void skep__cli_log_line(void *ctx, skep_log_level level, const char *text);

/* Says on standard error what there is to say of a simulation that failed. */
void skep__cli_log_print(skep__cli_log *log);

/* ---- checkpoints and recordings -------------------------------------------------------------- */

/* Looks at the options for them before anything is opened. */
int skep__cli_recovery_check(const skep__cli_options *options);

/* Begins what was asked for. */
int skep__cli_recovery_begin(const skep__cli_options *options, skep__cli_scene *scene);

/* What they came to. */
typedef struct skep__cli_recovery {
    const char *checkpoints; /* their folder, or NULL */
    skep_checkpoint_stats stats;
    const char *record; /* the file, or NULL */
    uint64_t record_bytes;
    bool record_whole; /* all frames are in it */
} skep__cli_recovery;

/* Takes a last checkpoint and ends the recording. SKEP__EXIT_FAILED when one of them failed. */
int skep__cli_recovery_end(const skep__cli_options *options, skep__cli_scene *scene,
                           skep__cli_recovery *recovery);

/* ---- results -------------------------------------------------------------------------------- */

#define SKEP__TIMES_BUCKETS 7552u

/* Durations of any number of frames in fixed memory: counts in buckets whose width is below one
 * percent of their value. */
typedef struct skep__cli_times {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[SKEP__TIMES_BUCKETS];
} skep__cli_times;

void skep__cli_times_add(skep__cli_times *times, uint64_t ns);

/* Returns the duration, in milliseconds, that `percent` of all frames did not exceed; 0 without
 * frames. */
double skep__cli_times_ms(const skep__cli_times *times, double percent);

/* Why a run ended. */
typedef enum skep__cli_end { SKEP__END_FRAMES, SKEP__END_SIGNAL, SKEP__END_ERROR } skep__cli_end;

struct skep__tracer_result;

/* What a run came to. */
typedef struct skep__cli_result {
    const skep__cli_scene *scene;
    const struct skep__tracer_result *traced;
    const skep__cli_recovery *recovery;
    const skep__cli_times *times;
    const char *executor;
    const char *saved; /* path, or NULL */
    uint64_t frames;
    uint64_t tick;
    uint64_t hash;
    uint64_t wall_ns;
    uint64_t patches;
    uint64_t dropped;
    uint64_t lost_ns; /* given up, since the machine was too slow to keep to real time */
    uint32_t workers;
    uint32_t entities;
    skep__cli_end end;
} skep__cli_result;

/* Prints the result as a table, or as one line of JSON. */
void skep__cli_summary(const skep__cli_result *result);
void skep__cli_summary_json(const skep__cli_result *result);

/* The word for skep_fault.action. */
const char *skep__cli_action(uint32_t action);

/* ---- commands ------------------------------------------------------------------------------- */

int skep__cli_run(const skep__cli_options *options);
int skep__cli_serve(const skep__cli_options *options);
int skep__cli_view(const skep__cli_options *options);
int skep__cli_plan(const skep__cli_options *options);
int skep__cli_list(const skep__cli_options *options);
int skep__cli_check(const skep__cli_options *options);
int skep__cli_replay(const skep__cli_options *options);
int skep__cli_trace_summary(const skep__cli_options *options);
int skep__cli_trace_compare(const skep__cli_options *options);
int skep__cli_trace_convert(const skep__cli_options *options);

#endif
