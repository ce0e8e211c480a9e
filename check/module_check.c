/* SPDX-License-Identifier: MIT */
/* See module_check.h. What is found by name needs the table of all symbols, which `strip` takes
 * away; what is left is found all the same, without names. The order of findings is that of their
 * kinds, then that of the module's tables. */
#include "check/module_check.h"

#include "check/check_internal.h"
#include "skep/scene.h"

#include <stdlib.h>
#include <string.h>

/* What a linker and a compiler leave in .data and .bss of an empty module, with room to spare. */
#define OWN_BYTES 64u

typedef struct looker {
    const skep__elf *elf;
    skep__check *check;
    skep__code code;
    skep__elf_section symbols; /* all of them, or the dynamic ones */
    skep__elf_section dynamic;
    bool has_dynamic;
} looker;

static void text_copy(char *to, size_t max, const char *from)
{
    const size_t n = strlen(from) < max - 1 ? strlen(from) : max - 1;
    memcpy(to, from, n);
    to[n] = 0;
}

/* Enters a finding, whose texts are cut to their room. */
static skep__finding *found(looker *l, skep__finding_kind kind, const char *name)
{
    skep__check *c = l->check;
    static const skep__finding none = {SKEP__FINDING_GLOBAL, false, "", "", NULL, 0};
    if (c->finding_count == SKEP__FINDINGS_MAX) {
        c->more++;
        return NULL;
    }
    skep__finding *f = &c->findings[c->finding_count++];
    *f = none;
    f->kind = kind;
    text_copy(f->name, sizeof f->name, name);
    return f;
}

static const char *function_name(const looker *l, uint32_t function)
{
    return function < l->code.function_count ? l->code.functions[function].name : "";
}

/* ---- globals --------------------------------------------------------------------------------- */

/* Whether a section can be written while the module is in use. */
static bool section_writable(const skep__elf *elf, const skep__elf_section *s)
{
    if (!(s->flags & SKEP__ELF_WRITE) || !(s->flags & SKEP__ELF_ALLOC)) return false;
    if (s->type != SKEP__ELF_PROGBITS && s->type != SKEP__ELF_NOBITS) return false;
    if (strncmp(s->name, ".got", 4) == 0 || strncmp(s->name, ".data.rel.ro", 12) == 0 ||
        strcmp(s->name, ".tm_clone_table") == 0)
        return false;
    const bool local = strcmp(s->name, ".tdata") == 0 || strcmp(s->name, ".tbss") == 0;
    return local || s->address < elf->relro_begin || s->address >= elf->relro_end;
}

/* What compilers put there for themselves. */
static bool symbol_own(const char *name)
{
    return strncmp(name, "completed.", 10) == 0 || strcmp(name, "__dso_handle") == 0 ||
           strncmp(name, "__gcov", 6) == 0 || strncmp(name, "__odr_asan", 10) == 0;
}

static void look_globals(looker *l)
{
    skep__elf_symbol y;
    skep__elf_section s;
    uint64_t named = 0, all = 0;
    for (uint32_t i = 1; skep__elf_symbol_at(l->elf, &l->symbols, i, &y); i++) {
        if (y.type != SKEP__ELF_OBJECT && y.type != SKEP__ELF_TLS) continue;
        if (!y.size || !skep__elf_section_at(l->elf, y.section, &s)) continue;
        if (!section_writable(l->elf, &s)) continue;
        named += y.size;
        if (symbol_own(y.name)) continue;
        skep__finding *f = found(l, SKEP__FINDING_GLOBAL, y.name);
        if (!f) continue;
        f->count = y.size;
        f->advice = y.type == SKEP__ELF_TLS ? "one a thread: what a job finds there depends on "
                                              "what ran before it"
                                            : "what a job finds there depends on what ran before "
                                              "it";
    }
    for (uint32_t i = 1; i < l->elf->section_count; i++)
        if (skep__elf_section_at(l->elf, i, &s) && section_writable(l->elf, &s)) all += s.size;
    if (all <= named || all - named <= OWN_BYTES) return;
    skep__finding *f = found(l, SKEP__FINDING_GLOBAL, "");
    if (!f) return;
    f->count = all - named;
    f->advice = "without names: build it without -s to see which";
}

/* ---- functions and imports ------------------------------------------------------------------- */

static int function_order(const void *a, const void *b)
{
    const skep__code_function *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Whether the module has a job of which this is the entry: `steer_call` and a `steer` as large as a
 * skep_job. */
static bool is_job(const looker *l, const char *name)
{
    const size_t length = strlen(name);
    skep__elf_symbol y;
    if (length < 6 || strcmp(name + length - 5, "_call") != 0) return false;
    for (uint32_t i = 1; skep__elf_symbol_at(l->elf, &l->symbols, i, &y); i++)
        if (y.type == SKEP__ELF_OBJECT && y.size == sizeof(skep_job) &&
            strlen(y.name) == length - 5 && memcmp(y.name, name, length - 5) == 0)
            return true;
    return false;
}

static void list_functions(looker *l)
{
    skep__code *code = &l->code;
    skep__elf_symbol y;
    for (uint32_t i = 1; skep__elf_symbol_at(l->elf, &l->symbols, i, &y); i++) {
        if (y.type != SKEP__ELF_FUNC || !y.section || !y.size) continue;
        if (code->function_count == SKEP__CHECK_FUNCTIONS_MAX) {
            l->check->truncated = true;
            break;
        }
        if (y.address + y.size < y.address) continue;
        skep__code_function *f = &code->functions[code->function_count++];
        *f = (skep__code_function){y.address, y.address + y.size, y.name, is_job(l, y.name), false};
        l->check->jobs += f->job;
    }
    qsort(code->functions, code->function_count, sizeof *code->functions, function_order);
    /* No byte belongs to two, so that none is read twice. */
    for (uint32_t i = 0; i + 1 < code->function_count; i++)
        if (code->functions[i].end > code->functions[i + 1].begin)
            code->functions[i].end = code->functions[i + 1].begin;
}

/* The entry of the global offset table for symbol `index` of the dynamic ones. */
static uint64_t slot_of(const looker *l, uint32_t index)
{
    skep__elf_section s;
    skep__elf_rela r;
    for (uint32_t i = 1; i < l->elf->section_count; i++) {
        if (!skep__elf_section_at(l->elf, i, &s) || s.type != SKEP__ELF_RELA) continue;
        if (!(s.flags & SKEP__ELF_ALLOC)) continue;
        for (uint32_t k = 0; skep__elf_rela_at(l->elf, &s, k, &r); k++)
            if (r.symbol == index) return r.address;
    }
    return 0;
}

static void list_imports(looker *l)
{
    skep__code *code = &l->code;
    skep__elf_symbol y;
    const char *advice = NULL;
    for (uint32_t i = 1; l->has_dynamic && skep__elf_symbol_at(l->elf, &l->dynamic, i, &y); i++) {
        if (y.section || !y.name[0]) continue;
        if (skep__import_look(y.name, &advice) == SKEP__IMPORT_FINE) continue;
        if (code->import_count == SKEP__CHECK_IMPORTS_MAX) {
            l->check->truncated = true;
            return;
        }
        skep__code_import *m = &code->imports[code->import_count++];
        memset(m, 0, sizeof *m);
        m->name = y.name;
        m->slot = slot_of(l, i);
        m->first = UINT32_MAX;
    }
}

static void look_import(looker *l, const skep__code_import *m)
{
    static const skep__finding_kind kinds[] = {
        [SKEP__IMPORT_LIBM] = SKEP__FINDING_LIBM,
        [SKEP__IMPORT_CHANCE] = SKEP__FINDING_IMPURE,
        [SKEP__IMPORT_IMPURE] = SKEP__FINDING_IMPURE,
        [SKEP__IMPORT_AGAIN] = SKEP__FINDING_SECOND_TRY,
        [SKEP__IMPORT_UNKNOWN] = SKEP__FINDING_UNKNOWN,
    };
    const char *advice = NULL;
    const skep__import_kind kind = skep__import_look(m->name, &advice);
    skep__finding *f = found(l, kinds[kind], m->name);
    if (!f) return;
    f->advice = advice;
    f->count = m->calls;
    text_copy(f->function, sizeof f->function, function_name(l, m->first));
    /* Where the jobs are known and none gets there. A world must begin with the same bits too. */
    const bool outside = l->check->jobs && m->calls && !m->in_job;
    f->note = outside && kind != SKEP__IMPORT_LIBM && kind != SKEP__IMPORT_CHANCE;
}

static void look_code(looker *l)
{
    list_functions(l);
    list_imports(l);
    skep__code_look(&l->code);
    for (skep__finding_kind kind = SKEP__FINDING_LIBM; kind <= SKEP__FINDING_SECOND_TRY; kind++) {
        for (uint32_t i = 0; i < l->code.import_count; i++) {
            const char *advice = NULL;
            const skep__import_kind of = skep__import_look(l->code.imports[i].name, &advice);
            const bool now = kind == SKEP__FINDING_LIBM ? of == SKEP__IMPORT_LIBM
                             : kind == SKEP__FINDING_IMPURE
                                 ? of == SKEP__IMPORT_CHANCE || of == SKEP__IMPORT_IMPURE
                             : kind == SKEP__FINDING_UNKNOWN ? of == SKEP__IMPORT_UNKNOWN
                                                             : of == SKEP__IMPORT_AGAIN;
            if (now) look_import(l, &l->code.imports[i]);
        }
    }
    if (!l->code.fused) return;
    skep__finding *f = found(l, SKEP__FINDING_FUSED, "");
    if (!f) return;
    f->count = l->code.fused;
    f->advice = "build it with -ffp-contract=off";
    text_copy(f->function, sizeof f->function, function_name(l, l->code.fused_function));
}

/* ---- flags ----------------------------------------------------------------------------------- */

typedef struct flag_row {
    const char *flag;
    const char *advice;
} flag_row;

static const flag_row flag_rows[] = {
    {"-Ofast", "it lets the compiler change what arithmetic gives: use -O3"},
    {"-ffast-math", "it lets the compiler change what arithmetic gives: leave it out"},
    {"-funsafe-math-optimizations", "it changes what arithmetic gives: leave it out"},
    {"-fassociative-math", "it changes the order of sums: leave it out"},
    {"-freciprocal-math", "it divides by multiplying: leave it out"},
    {"-ffinite-math-only", "NaN is not what it is elsewhere then: leave it out"},
    {"-ffp-contract=fast", "it fuses multiply and add: -ffp-contract=off"},
};

/* Whether a compiler's line has a word. */
static bool has_word(const char *line, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = strstr(line, word); at; at = strstr(at + 1, word))
        if (at > line && at[-1] == ' ' && (at[n] == 0 || at[n] == ' ')) return true;
    return false;
}

static bool told(const looker *l, skep__finding_kind kind, const char *name)
{
    for (uint32_t i = 0; i < l->check->finding_count; i++)
        if (l->check->findings[i].kind == kind && strcmp(l->check->findings[i].name, name) == 0)
            return true;
    return false;
}

static void flag_found(looker *l, const char *flag, const char *advice)
{
    if (told(l, SKEP__FINDING_FLAGS, flag)) return;
    skep__finding *f = found(l, SKEP__FINDING_FLAGS, flag);
    if (f) f->advice = advice;
}

/* One line by which gcc says in debugging information how it was called; clang says no flags. */
static void look_producer(looker *l, const char *line)
{
    if (strncmp(line, "GNU C", 5) != 0 || strstr(line, "-fbuilding-libgcc")) return;
    l->check->flags = true;
    for (size_t i = 0; i < sizeof flag_rows / sizeof flag_rows[0]; i++)
        if (has_word(line, flag_rows[i].flag))
            flag_found(l, flag_rows[i].flag, flag_rows[i].advice);
    if (!has_word(line, "-ffp-contract=off"))
        flag_found(l, "-ffp-contract=off is missing",
                   "on a machine that has them, gcc fuses multiply and add");
}

static void look_flags(looker *l)
{
    static const char *const sections[] = {".debug_str", ".debug_line_str"};
    skep__elf_section s;
    for (uint32_t k = 0; k < 2; k++) {
        if (!skep__elf_section_find(l->elf, 0, sections[k], &s)) continue;
        if (s.flags & SKEP__ELF_COMPRESSED) continue;
        const char *text = (const char *)l->elf->bytes + s.offset;
        for (size_t at = 0; at < s.bytes;) {
            const char *end = memchr(text + at, 0, s.bytes - at);
            if (!end) break;
            look_producer(l, text + at);
            at = (size_t)(end - text) + 1;
        }
    }
}

/* ---- what runs when it is opened ------------------------------------------------------------- */

static void look_constructor(looker *l, uint64_t address)
{
    const uint32_t at = skep__code_function_of(&l->code, address);
    const char *name = function_name(l, at);
    skep__elf_symbol y;
    /* Those of the compiler's start files have no size, so they are no functions here. */
    for (uint32_t i = 1; !name[0] && skep__elf_symbol_at(l->elf, &l->symbols, i, &y); i++)
        if (y.type == SKEP__ELF_FUNC && y.address == address) name = y.name;
    if (strcmp(name, "frame_dummy") == 0) return;
    if (strcmp(name, "set_fast_math") == 0) {
        flag_found(l, "-ffast-math", "opening it changes arithmetic in the whole process");
        return;
    }
    skep__finding *f = found(l, SKEP__FINDING_CONSTRUCTOR, name);
    if (f) f->advice = "it runs when the module is opened, before anybody asked for it";
}

/* Pointers of .init_array are set by relocations. An empty module has one, frame_dummy; without
 * names that one is left out. */
static void look_constructors(looker *l)
{
    skep__elf_section array, s;
    skep__elf_rela r;
    uint32_t seen = 0;
    if (!skep__elf_section_find(l->elf, SKEP__ELF_INIT_ARRAY, NULL, &array)) return;
    for (uint32_t i = 1; i < l->elf->section_count; i++) {
        if (!skep__elf_section_at(l->elf, i, &s) || s.type != SKEP__ELF_RELA) continue;
        for (uint32_t k = 0; skep__elf_rela_at(l->elf, &s, k, &r); k++) {
            if (r.address < array.address || r.address - array.address >= array.size) continue;
            if (l->check->names || seen++) look_constructor(l, r.addend);
        }
    }
}

/* ---- the scene ------------------------------------------------------------------------------- */

/* `bees_scene`, a constant of the size of a skep_scene, begins with the number of its ABI. */
static void look_scene(looker *l)
{
    skep__elf_symbol y;
    bool entry = false;
    const uint32_t size = 8u + 3u * (uint32_t)sizeof(void *);
    for (uint32_t i = 1; l->has_dynamic && skep__elf_symbol_at(l->elf, &l->dynamic, i, &y); i++)
        entry |= y.section && strcmp(y.name, "skep_scene_entry") == 0;
    for (uint32_t i = 1; skep__elf_symbol_at(l->elf, &l->symbols, i, &y); i++) {
        const size_t length = strlen(y.name);
        if (y.type != SKEP__ELF_OBJECT || y.size != size || length < 7) continue;
        if (strcmp(y.name + length - 6, "_scene") != 0) continue;
        const uint8_t *at = skep__elf_loaded(l->elf, y.address, 4);
        if (!at) continue;
        text_copy(l->check->scene, sizeof l->check->scene, y.name);
        if (length - 6 < sizeof l->check->scene) l->check->scene[length - 6] = 0;
        l->check->abi = skep__elf_u32(at);
    }
    const bool foreign = l->check->abi && l->check->abi != SKEP_ABI;
    if (entry && !foreign) return;
    skep__finding *f = found(l, SKEP__FINDING_ABI, "");
    if (!f) return;
    f->count = l->check->abi;
    f->advice = entry
                    ? "it was built against another version of the scene interface: build it again"
                    : "it exports no scene: write one with SKEP_SCENE";
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void look(looker *l)
{
    look_globals(l);
    look_code(l);
    look_flags(l);
    look_constructors(l);
    look_scene(l);
    for (uint32_t i = 0; i < l->check->finding_count; i++)
        l->check->note_count += l->check->findings[i].note;
}

skep_status skep__check_module(const uint8_t *bytes, size_t size, const skep_allocator *allocator,
                               skep__check *check, skep_error *error)
{
    skep__elf elf;
    looker l;
    memset(check, 0, sizeof *check);
    memset(&l, 0, sizeof l);
    const skep_status status = skep__elf_open(&elf, bytes, size, error);
    if (status != SKEP_OK) return status;
    l.elf = &elf;
    l.check = check;
    l.code.elf = &elf;
    check->machine = elf.machine;
    check->code = skep__code_known(elf.machine);
    check->names = skep__elf_section_find(&elf, SKEP__ELF_SYMTAB, NULL, &l.symbols);
    l.has_dynamic = skep__elf_section_find(&elf, SKEP__ELF_DYNSYM, NULL, &l.dynamic);
    if (!check->names) l.symbols = l.dynamic;
    if (!check->names && !l.has_dynamic) memset(&l.symbols, 0, sizeof l.symbols);
    const size_t functions = SKEP__CHECK_FUNCTIONS_MAX * sizeof *l.code.functions;
    const size_t imports = SKEP__CHECK_IMPORTS_MAX * sizeof *l.code.imports;
    l.code.functions = allocator->alloc(allocator->ctx, functions, 16);
    l.code.imports = allocator->alloc(allocator->ctx, imports, 16);
    if (l.code.functions && l.code.imports) look(&l);
    const bool fits = l.code.functions && l.code.imports;
    if (l.code.functions) allocator->free(allocator->ctx, l.code.functions, functions, 16);
    if (l.code.imports) allocator->free(allocator->ctx, l.code.imports, imports, 16);
    if (!fits) error->code = SKEP_NO_MEMORY;
    return fits ? SKEP_OK : SKEP_NO_MEMORY;
}
