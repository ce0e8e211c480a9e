/* SPDX-License-Identifier: MIT */
/* The bench's table, JSON and CSV. All numbers have three digits behind the point: less than a
 * tenth of a percent of most of them, and far below what two runs differ by. */
#include "bench/bench_report.h"

#include "port/port.h"
#include "skep_build_info.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

/* The model name, where the system has a file that says it. */
static void cpu_fill(char *cpu, size_t bytes)
{
    snprintf(cpu, bytes, "unknown processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        const char *name = strchr(line, ':');
        if (!name) continue;
        name += strspn(name, ": \t");
        snprintf(cpu, bytes, "%.*s", (int)strcspn(name, "\n"), name);
        break;
    }
    if (file) fclose(file);
}

void skep__bench_machine_fill(bench_machine *machine)
{
    cpu_fill(machine->cpu, sizeof machine->cpu);
    machine->cores = skep__port_cpu_count();
    machine->compiler = SKEP_BUILD_COMPILER;
    machine->commit = SKEP_BUILD_COMMIT;
    machine->flags = SKEP_BUILD_FLAGS;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void bar_text(const bench_row *row, char *text, size_t bytes)
{
    switch (row->bar) {
    case BENCH_BAR_RATIO:
        snprintf(text, bytes, "ratio <= %g", row->bar_at);
        return;
    case BENCH_BAR_FASTER:
        snprintf(text, bytes, "ratio >= %g", row->bar_at);
        return;
    case BENCH_BAR_VALUE:
        snprintf(text, bytes, "ours <= %g", row->bar_at);
        return;
    case BENCH_BAR_NONE:
        break;
    }
    text[0] = 0;
}

static const char *verdict(const bench_result *r)
{
    if (!r->ran) return "not run";
    if (r->wrong) return "WRONG";
    if (r->row->bar == BENCH_BAR_NONE) return "";
    return r->pass ? "pass" : "miss";
}

void skep__bench_table_head(FILE *out, const bench_machine *machine)
{
    fprintf(out, "%s, %u cores; %s; %s; commit %s\n\n", machine->cpu, machine->cores,
            machine->compiler, machine->flags, machine->commit);
    fprintf(out, "%-22s %10s %10s %7s  %-5s  %-19s %-14s\n", "name", "ours", "limit", "ratio",
            "unit", "spread", "bar");
}

void skep__bench_table_row(FILE *out, const bench_result *r)
{
    char bar[32], limit[24] = "-", ratio[24] = "-", spread[48];
    bar_text(r->row, bar, sizeof bar);
    if (!r->ran) {
        fprintf(out, "%-22s %10s %10s %7s  %-5s  %-19s %-14s %s\n", r->row->name, "-", "-", "-",
                r->row->unit, "", bar, verdict(r));
        return;
    }
    if (r->row->limit) {
        snprintf(limit, sizeof limit, "%.3f", r->limit);
        snprintf(ratio, sizeof ratio, "%.2f", r->ratio);
    }
    snprintf(spread, sizeof spread, "%.3f..%.3f", r->ours_min, r->ours_max);
    fprintf(out, "%-22s %10.3f %10s %7s  %-5s  %-19s %-14s %s\n", r->row->name, r->ours, limit,
            ratio, r->row->unit, spread, bar, verdict(r));
    fflush(out);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') fputc('\\', out);
        if ((unsigned char)*c >= 0x20) fputc(*c, out);
    }
    fputc('"', out);
}

static void json_row(FILE *out, const bench_result *r)
{
    char bar[32];
    bar_text(r->row, bar, sizeof bar);
    fputs("{\"name\":", out);
    json_text(out, r->row->name);
    if (r->ran) fprintf(out, ",\"ours\":%.3f", r->ours);
    if (r->ran && r->row->limit) fprintf(out, ",\"limit\":%.3f,\"ratio\":%.3f", r->limit, r->ratio);
    fputs(",\"unit\":", out);
    json_text(out, r->row->unit);
    if (r->ran) fprintf(out, ",\"spread\":[%.3f,%.3f]", r->ours_min, r->ours_max);
    if (r->ran && r->row->limit)
        fprintf(out, ",\"limit_spread\":[%.3f,%.3f]", r->limit_min, r->limit_max);
    fputs(",\"bar\":", out);
    json_text(out, bar);
    fprintf(out, ",\"pass\":%s,\"result\":", r->pass ? "true" : "false");
    json_text(out, verdict(r));
    fputc('}', out);
}

void skep__bench_json(FILE *out, const bench_machine *machine, const bench_result *results,
                      uint32_t count)
{
    fputs("{\"cpu\":", out);
    json_text(out, machine->cpu);
    fprintf(out, ",\"cores\":%u,\"compiler\":", machine->cores);
    json_text(out, machine->compiler);
    fputs(",\"commit\":", out);
    json_text(out, machine->commit);
    fputs(",\"flags\":", out);
    json_text(out, machine->flags);
    fputs(",\"rows\":[", out);
    for (uint32_t i = 0; i < count; i++) {
        if (i) fputc(',', out);
        json_row(out, &results[i]);
    }
    fputs("]}\n", out);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void csv_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"') fputc('"', out);
        fputc(*c, out);
    }
    fputs("\",", out);
}

static char csv_lower(char c)
{
    return (char)tolower((unsigned char)c);
}

/* Machine and compiler as a file's name: letters and digits, the rest becomes single dashes. */
static void csv_name(const bench_machine *machine, char *name, size_t bytes)
{
    char both[192];
    size_t at = 0;
    snprintf(both, sizeof both, "%s %s", machine->cpu, machine->compiler);
    for (const char *c = both; *c && at + 1 < bytes; c++) {
        if (isalnum((unsigned char)*c))
            name[at++] = csv_lower(*c);
        else if (at && name[at - 1] != '-')
            name[at++] = '-';
    }
    while (at && name[at - 1] == '-') at--;
    name[at] = 0;
}

/* A folder gets a file named after the machine. */
static void csv_path(const char *path, const bench_machine *machine, char *out, size_t bytes)
{
    const size_t length = strlen(path);
    if (length == 0 || path[length - 1] != '/') {
        snprintf(out, bytes, "%s", path);
        return;
    }
    char name[192];
    csv_name(machine, name, sizeof name);
    snprintf(out, bytes, "%s%s.csv", path, name);
}

static void csv_row(FILE *out, const char *date, const bench_machine *machine,
                    const bench_result *r)
{
    char bar[32];
    bar_text(r->row, bar, sizeof bar);
    csv_text(out, date);
    csv_text(out, machine->cpu);
    csv_text(out, machine->compiler);
    csv_text(out, machine->commit);
    csv_text(out, machine->flags);
    csv_text(out, r->row->name);
    fprintf(out, "%.4f,%.4f,%.4f,", r->ours, r->limit, r->ratio);
    csv_text(out, r->row->unit);
    fprintf(out, "%.4f,%.4f,%.4f,%.4f,", r->ours_min, r->ours_max, r->limit_min, r->limit_max);
    csv_text(out, bar);
    fprintf(out, "%s\n", r->pass ? "pass" : "miss");
}

bool skep__bench_csv(const char *path, const bench_machine *machine, const bench_result *results,
                     uint32_t count)
{
    char full[512], date[32] = "";
    csv_path(path, machine, full, sizeof full);
    FILE *out = fopen(full, "ab");
    if (!out) {
        fprintf(stderr, "skep bench: %s: cannot be written\n", full);
        return false;
    }
    const time_t now = time(NULL);
    const struct tm *utc = gmtime(&now);
    if (utc) strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", utc);
    fseek(out, 0, SEEK_END);
    if (ftell(out) == 0)
        fputs("date,cpu,compiler,commit,flags,name,ours,limit,ratio,unit,ours_min,ours_max,"
              "limit_min,limit_max,bar,result\n",
              out);
    for (uint32_t i = 0; i < count; i++)
        if (results[i].ran && !results[i].wrong) csv_row(out, date, machine, &results[i]);
    const bool written = !ferror(out);
    if (fclose(out) == 0 && written) return true;
    fprintf(stderr, "skep bench: %s: cannot be written\n", full);
    return false;
}
