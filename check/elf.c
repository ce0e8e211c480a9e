/* SPDX-License-Identifier: MIT */
/* See elf.h. Sections are what is read, since the names of things are in them; where they were
 * stripped there is little to say. Layouts are those of the ELF-64 object file format. */
#include "check/elf.h"

#include <string.h>

#define HEAD_BYTES 64u
#define SECTION_BYTES 64u
#define SEGMENT_BYTES 56u
#define SYMBOL_BYTES 24u
#define RELA_BYTES 24u
#define TEXT_MAX 4096u /* of a name, so that a damaged table costs no more */

uint16_t skep__elf_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t skep__elf_u32(const uint8_t *at)
{
    return (uint32_t)skep__elf_u16(at) | (uint32_t)skep__elf_u16(at + 2) << 16;
}

uint64_t skep__elf_u64(const uint8_t *at)
{
    return skep__elf_u32(at) | (uint64_t)skep__elf_u32(at + 4) << 32;
}

static bool within(const skep__elf *elf, uint64_t offset, uint64_t bytes)
{
    return offset <= elf->size && bytes <= elf->size - offset;
}

static skep_status elf_bad(skep_error *error, skep_status status, const char *why, uint64_t offset)
{
    error->code = status;
    error->message = why;
    error->offset = (size_t)offset;
    return status;
}

/* The text at `offset` of a table of texts, "" where there is none that ends soon enough. */
static const char *text_at(const skep__elf *elf, size_t table, size_t bytes, uint64_t offset)
{
    if (offset >= bytes) return "";
    const char *text = (const char *)elf->bytes + table + offset;
    const size_t most = bytes - offset < TEXT_MAX ? bytes - (size_t)offset : TEXT_MAX;
    return memchr(text, 0, most) ? text : "";
}

/* ---- opening --------------------------------------------------------------------------------- */

static void find_relro(skep__elf *elf)
{
    const uint64_t offset = skep__elf_u64(elf->bytes + 32);
    const uint32_t count = skep__elf_u16(elf->bytes + 56);
    if (skep__elf_u16(elf->bytes + 54) != SEGMENT_BYTES) return;
    if (!within(elf, offset, (uint64_t)count * SEGMENT_BYTES)) return;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = elf->bytes + offset + (size_t)i * SEGMENT_BYTES;
        if (skep__elf_u32(at) != SKEP__ELF_RELRO) continue;
        elf->relro_begin = skep__elf_u64(at + 16);
        elf->relro_end = elf->relro_begin + skep__elf_u64(at + 40);
    }
}

skep_status skep__elf_open(skep__elf *elf, const uint8_t *bytes, size_t size, skep_error *error)
{
    memset(elf, 0, sizeof *elf);
    memset(error, 0, sizeof *error);
    elf->bytes = bytes;
    elf->size = size;
    if (size < 4 || memcmp(bytes, "\177ELF", 4) != 0)
        return elf_bad(error, SKEP_FOREIGN, "it is no ELF file", 0);
    if (size < HEAD_BYTES) return elf_bad(error, SKEP_CORRUPT, "it ends within its head", size);
    if (bytes[4] != 2 || bytes[5] != 1)
        return elf_bad(error, SKEP_FOREIGN, "it is not of 64 bits, little-endian", 4);
    if (skep__elf_u16(bytes + 16) != SKEP__ELF_SHARED)
        return elf_bad(error, SKEP_FOREIGN, "it is no shared object", 16);
    elf->machine = skep__elf_u16(bytes + 18);
    const uint64_t sections = skep__elf_u64(bytes + 40);
    const uint32_t count = skep__elf_u16(bytes + 60), names = skep__elf_u16(bytes + 62);
    if (!sections || !count)
        return elf_bad(error, SKEP_FOREIGN, "its table of sections was stripped off", 40);
    if (skep__elf_u16(bytes + 58) != SECTION_BYTES ||
        !within(elf, sections, (uint64_t)count * SECTION_BYTES))
        return elf_bad(error, SKEP_CORRUPT, "its table of sections is not in the file", 40);
    elf->sections = (size_t)sections;
    elf->section_count = count;
    skep__elf_section s;
    if (!skep__elf_section_at(elf, names, &s))
        return elf_bad(error, SKEP_CORRUPT, "the names of its sections are not in the file", 62);
    elf->names = s.offset;
    elf->names_bytes = s.bytes;
    find_relro(elf);
    return SKEP_OK;
}

/* ---- tables ---------------------------------------------------------------------------------- */

bool skep__elf_section_at(const skep__elf *elf, uint32_t index, skep__elf_section *section)
{
    if (index >= elf->section_count) return false;
    const uint8_t *at = elf->bytes + elf->sections + (size_t)index * SECTION_BYTES;
    const uint64_t offset = skep__elf_u64(at + 24);
    memset(section, 0, sizeof *section);
    section->name = text_at(elf, elf->names, elf->names_bytes, skep__elf_u32(at));
    section->type = skep__elf_u32(at + 4);
    section->flags = skep__elf_u64(at + 8);
    section->address = skep__elf_u64(at + 16);
    section->size = skep__elf_u64(at + 32);
    section->link = skep__elf_u32(at + 40);
    section->entry_bytes = skep__elf_u64(at + 56);
    if (section->type == SKEP__ELF_NOBITS) return true;
    if (!within(elf, offset, section->size)) return false;
    section->offset = (size_t)offset;
    section->bytes = (size_t)section->size;
    return true;
}

bool skep__elf_section_find(const skep__elf *elf, uint32_t type, const char *name,
                            skep__elf_section *section)
{
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (!skep__elf_section_at(elf, i, section)) continue;
        if (type && section->type != type) continue;
        if (!name || strcmp(section->name, name) == 0) return true;
    }
    return false;
}

/* Where entry `index` of a table lies, NULL past its end. */
static const uint8_t *entry_of(const skep__elf *elf, const skep__elf_section *table, uint32_t index,
                               uint32_t bytes)
{
    if (table->entry_bytes != bytes || index >= table->bytes / bytes) return NULL;
    return elf->bytes + table->offset + (size_t)index * bytes;
}

bool skep__elf_symbol_at(const skep__elf *elf, const skep__elf_section *table, uint32_t index,
                         skep__elf_symbol *symbol)
{
    skep__elf_section names;
    const uint8_t *at = entry_of(elf, table, index, SYMBOL_BYTES);
    if (!at) return false;
    symbol->name = "";
    if (skep__elf_section_at(elf, table->link, &names))
        symbol->name = text_at(elf, names.offset, names.bytes, skep__elf_u32(at));
    symbol->type = at[4] & 15u;
    symbol->section = skep__elf_u16(at + 6);
    symbol->address = skep__elf_u64(at + 8);
    symbol->size = skep__elf_u64(at + 16);
    return true;
}

bool skep__elf_rela_at(const skep__elf *elf, const skep__elf_section *table, uint32_t index,
                       skep__elf_rela *rela)
{
    const uint8_t *at = entry_of(elf, table, index, RELA_BYTES);
    if (!at) return false;
    const uint64_t info = skep__elf_u64(at + 8);
    rela->address = skep__elf_u64(at);
    rela->type = (uint32_t)info;
    rela->symbol = (uint32_t)(info >> 32);
    rela->addend = skep__elf_u64(at + 16);
    return true;
}

const uint8_t *skep__elf_loaded(const skep__elf *elf, uint64_t address, size_t bytes)
{
    skep__elf_section s;
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (!skep__elf_section_at(elf, i, &s) || !(s.flags & SKEP__ELF_ALLOC)) continue;
        if (address < s.address || address - s.address > s.bytes) continue;
        const size_t at = (size_t)(address - s.address);
        if (bytes <= s.bytes - at) return elf->bytes + s.offset + at;
    }
    return NULL;
}
