/* SPDX-License-Identifier: MIT */
/* The look at a module's instructions: which functions the jobs reach, who calls which import, and
 * whether multiply and add were fused.
 *
 * On x86-64 instructions have any length, and this is no disassembler: a call, a use of the global
 * offset table or a fused instruction is found by its bytes at any place within a function. What
 * such bytes are by chance does little harm: a call must lead to the very beginning of a function
 * or gate, and three bytes and a list of opcodes must fit for a fused instruction. On aarch64 each
 * instruction is a word. Calls through pointers are not seen. */
#include "check/check_internal.h"

#include <string.h>

bool skep__code_known(uint32_t machine)
{
    return machine == SKEP__ELF_X86_64 || machine == SKEP__ELF_AARCH64;
}

uint32_t skep__code_function_of(const skep__code *code, uint64_t address)
{
    uint32_t low = 0;
    uint32_t high = code->function_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (code->functions[middle].begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address >= code->functions[low - 1].end) return UINT32_MAX;
    return low - 1;
}

/* ---- what a piece of code leads to ----------------------------------------------------------- */

/* Something that an instruction names. */
typedef struct code_target {
    uint64_t address;
    bool slot; /* an entry of the global offset table; else code */
} code_target;

static uint64_t relative(const uint8_t *at, uint64_t next)
{
    return next + (uint64_t)(int64_t)(int32_t)skep__elf_u32(at);
}

/* call, jmp, jcc; through the table, or its entry loaded; a function's address taken. */
static bool x86_target(const uint8_t *at, size_t left, uint64_t address, code_target *t)
{
    if (left < 5) return false;
    if (at[0] == 0xE8 || at[0] == 0xE9) {
        *t = (code_target){relative(at + 1, address + 5), false};
        return true;
    }
    if (left < 6) return false;
    if (at[0] == 0x0F && (at[1] & 0xF0u) == 0x80u) {
        *t = (code_target){relative(at + 2, address + 6), false};
        return true;
    }
    if (at[0] == 0xFF && (at[1] == 0x15 || at[1] == 0x25)) {
        *t = (code_target){relative(at + 2, address + 6), true};
        return true;
    }
    if (left < 7 || (at[0] & 0xFBu) != 0x48u || (at[2] & 0xC7u) != 0x05u) return false;
    if (at[1] != 0x8B && at[1] != 0x8D) return false;
    *t = (code_target){relative(at + 3, address + 7), at[1] == 0x8B};
    return true;
}

static bool arm_target(const uint8_t *at, size_t left, uint64_t address, code_target *t)
{
    if (left < 4) return false;
    const uint32_t word = skep__elf_u32(at);
    if ((word & 0x7C000000u) != 0x14000000u) return false;
    const uint32_t up = word << 6; /* 26 bits of words, signed */
    *t = (code_target){address + (uint64_t)((int64_t)(int32_t)up / 16), false};
    return true;
}

static bool code_target_at(uint32_t machine, const uint8_t *at, size_t left, uint64_t address,
                           code_target *t)
{
    return machine == SKEP__ELF_X86_64 ? x86_target(at, left, address, t)
                                       : arm_target(at, left, address, t);
}

/* ---- gates ----------------------------------------------------------------------------------- */

/* Notes that the code at `gate` jumps to what is in `slot`. */
static void gate_note(skep__code *code, uint64_t gate, uint64_t slot)
{
    for (uint32_t i = 0; i < code->import_count; i++)
        if (code->imports[i].slot == slot && !code->imports[i].gate) code->imports[i].gate = gate;
}

/* jmp *slot(%rip), behind endbr64 and a prefix where there are any. */
static void x86_gates(skep__code *code, const skep__elf_section *s)
{
    static const uint8_t landing[4] = {0xF3, 0x0F, 0x1E, 0xFA};
    const uint8_t *bytes = code->elf->bytes + s->offset;
    for (size_t i = 0; i + 6 <= s->bytes; i++) {
        if (bytes[i] != 0xFF || bytes[i + 1] != 0x25) continue;
        const uint64_t slot = relative(bytes + i + 2, s->address + i + 6);
        size_t begin = i;
        if (begin && bytes[begin - 1] == 0xF2) begin--;
        if (begin >= 4 && memcmp(bytes + begin - 4, landing, 4) == 0) begin -= 4;
        gate_note(code, s->address + begin, slot);
    }
}

/* adrp x16, page; ldr x17, [x16, offset] */
static void arm_gates(skep__code *code, const skep__elf_section *s)
{
    const uint8_t *bytes = code->elf->bytes + s->offset;
    for (size_t i = 0; i + 8 <= s->bytes; i += 4) {
        const uint32_t page = skep__elf_u32(bytes + i), load = skep__elf_u32(bytes + i + 4);
        if ((page & 0x9F00001Fu) != 0x90000010u || (load & 0xFFC003FFu) != 0xF9400211u) continue;
        const uint32_t high = page >> 5 & 0x7FFFFu, low = page >> 29 & 3u;
        const uint64_t pages = (uint64_t)((int64_t)(int32_t)((high << 2 | low) << 11) / 2048);
        const uint64_t base = ((s->address + i) & ~(uint64_t)4095) + pages * 4096u;
        gate_note(code, s->address + i, base + (load >> 10 & 0xFFFu) * 8u);
    }
}

static void gates_find(skep__code *code)
{
    skep__elf_section s;
    for (uint32_t i = 1; i < code->elf->section_count; i++) {
        if (!skep__elf_section_at(code->elf, i, &s) || !(s.flags & SKEP__ELF_EXEC)) continue;
        if (strncmp(s.name, ".plt", 4) != 0) continue;
        if (code->elf->machine == SKEP__ELF_X86_64)
            x86_gates(code, &s);
        else
            arm_gates(code, &s);
    }
}

/* ---- functions ------------------------------------------------------------------------------- */

typedef void code_visit(skep__code *code, uint32_t function, const code_target *t);

/* Calls `visit` with all that a function names. */
static void function_targets(skep__code *code, uint32_t function, code_visit *visit)
{
    const skep__code_function *f = &code->functions[function];
    const size_t size = (size_t)(f->end - f->begin);
    const uint8_t *bytes = skep__elf_loaded(code->elf, f->begin, size);
    const size_t step = code->elf->machine == SKEP__ELF_X86_64 ? 1u : 4u;
    code_target t;
    for (size_t i = 0; bytes && i < size; i += step)
        if (code_target_at(code->elf->machine, bytes + i, size - i, f->begin + i, &t))
            visit(code, function, &t);
}

static void visit_reach(skep__code *code, uint32_t function, const code_target *t)
{
    (void)function;
    if (t->slot) return;
    const uint32_t to = skep__code_function_of(code, t->address);
    if (to != UINT32_MAX && code->functions[to].begin == t->address)
        code->functions[to].reached = true;
}

static void visit_call(skep__code *code, uint32_t function, const code_target *t)
{
    const bool in_job = code->functions[function].reached;
    for (uint32_t i = 0; i < code->import_count; i++) {
        skep__code_import *m = &code->imports[i];
        const uint64_t at = t->slot ? m->slot : m->gate;
        if (!at || at != t->address) continue;
        if (m->calls++ == 0 || (in_job && !m->in_job)) m->first = function;
        m->in_job |= in_job;
    }
}

/* Marks what jobs reach, until nothing new is: each round reads what the last one found. */
static void functions_reach(skep__code *code)
{
    uint32_t reached = 0;
    uint32_t before = UINT32_MAX;
    for (uint32_t i = 0; i < code->function_count; i++)
        code->functions[i].reached = code->functions[i].job;
    for (uint32_t round = 0; round < 64 && reached != before; round++) {
        before = reached;
        reached = 0;
        for (uint32_t i = 0; i < code->function_count; i++) {
            if (!code->functions[i].reached) continue;
            reached++;
            function_targets(code, i, visit_reach);
        }
    }
}

/* ---- fused multiply-adds --------------------------------------------------------------------- */

static bool x86_fused_opcode(uint8_t op)
{
    return op % 16u >= 6u && (op / 16u == 9u || op / 16u == 10u || op / 16u == 11u);
}

/* VEX of three bytes, map 0F38, prefix 66; or EVEX with the same. The bit that extends an index
 * register is clear only where there is one, which most bytes that are no such instruction get
 * wrong: in 130 MB of other libraries six came out as fused that are not. */
static bool x86_fused(const uint8_t *at, size_t left)
{
    if (left >= 5 && at[0] == 0xC4 && (at[1] & 31u) == 2u && (at[2] & 3u) == 1u) {
        const bool index = at[4] < 0xC0 && (at[4] & 7u) == 4u;
        return x86_fused_opcode(at[3]) && ((at[1] & 0x40u) || index);
    }
    if (left >= 6 && at[0] == 0x62 && (at[1] & 15u) == 2u && (at[2] & 7u) == 5u)
        return x86_fused_opcode(at[4]);
    return false;
}

/* fmadd and its kin, fmla and fmls. */
static bool arm_fused(const uint8_t *at, size_t left)
{
    if (left < 4) return false;
    const uint32_t word = skep__elf_u32(at);
    return (word & 0xFF000000u) == 0x1F000000u || (word & 0xBF20FC00u) == 0x0E20CC00u;
}

static void fused_count(skep__code *code, const skep__elf_section *s)
{
    const uint8_t *bytes = code->elf->bytes + s->offset;
    const bool x86 = code->elf->machine == SKEP__ELF_X86_64;
    for (size_t i = 0; i < s->bytes; i += x86 ? 1u : 4u) {
        if (!(x86 ? x86_fused(bytes + i, s->bytes - i) : arm_fused(bytes + i, s->bytes - i)))
            continue;
        if (code->fused++) continue;
        code->fused_function = skep__code_function_of(code, s->address + i);
    }
}

void skep__code_look(skep__code *code)
{
    skep__elf_section s;
    code->fused_function = UINT32_MAX;
    if (!skep__code_known(code->elf->machine)) return;
    gates_find(code);
    functions_reach(code);
    for (uint32_t i = 0; i < code->function_count; i++) function_targets(code, i, visit_call);
    for (uint32_t i = 1; i < code->elf->section_count; i++) {
        if (!skep__elf_section_at(code->elf, i, &s) || !(s.flags & SKEP__ELF_EXEC)) continue;
        if (strncmp(s.name, ".plt", 4) != 0) fused_count(code, &s);
    }
}
