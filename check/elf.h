/* SPDX-License-Identifier: MIT */
/* A reader of ELF files of 64 bits, little-endian, that believes nothing: every offset is looked at
 * before it is followed, so any bytes do no more harm than to be found damaged. It reads on demand
 * and keeps nothing but where the tables are. */
#ifndef SKEP_CHECK_ELF_H
#define SKEP_CHECK_ELF_H

#include "core/base/base.h"

enum {
    SKEP__ELF_X86_64 = 62,
    SKEP__ELF_AARCH64 = 183,
    SKEP__ELF_SHARED = 3, /* type of file */
    SKEP__ELF_RELRO = 0x6474e552
};

/* Types and flags of sections. */
enum {
    SKEP__ELF_PROGBITS = 1,
    SKEP__ELF_SYMTAB = 2,
    SKEP__ELF_RELA = 4,
    SKEP__ELF_NOBITS = 8,
    SKEP__ELF_DYNSYM = 11,
    SKEP__ELF_INIT_ARRAY = 14,
    SKEP__ELF_WRITE = 1,
    SKEP__ELF_ALLOC = 2,
    SKEP__ELF_EXEC = 4,
    SKEP__ELF_COMPRESSED = 0x800
};

/* Types of symbols. */
enum { SKEP__ELF_NOTYPE = 0, SKEP__ELF_OBJECT = 1, SKEP__ELF_FUNC = 2, SKEP__ELF_TLS = 6 };

typedef struct skep__elf {
    const uint8_t *bytes;
    size_t size;
    size_t sections; /* offset of their table */
    size_t names;    /* offset of their names, names_bytes of them */
    size_t names_bytes;
    uint32_t section_count;
    uint32_t machine;
    uint64_t relro_begin; /* addresses that are read-only once the module is linked */
    uint64_t relro_end;
} skep__elf;

/* One section; `offset` and `bytes` lie within the file (no bytes for SKEP__ELF_NOBITS, whose size
 * is `size` all the same). */
typedef struct skep__elf_section {
    const char *name;
    uint64_t address;
    uint64_t size;
    uint64_t flags;
    size_t offset;
    size_t bytes;
    uint32_t type;
    uint32_t link;
    uint64_t entry_bytes;
} skep__elf_section;

typedef struct skep__elf_symbol {
    const char *name;
    uint64_t address;
    uint64_t size;
    uint32_t type;    /* SKEP__ELF_FUNC ... */
    uint32_t section; /* 0: of another module */
} skep__elf_symbol;

/* One relocation with addend. */
typedef struct skep__elf_rela {
    uint64_t address;
    uint64_t addend;
    uint32_t type;
    uint32_t symbol; /* index into the table that the section is linked to */
} skep__elf_rela;

/* Numbers of any alignment; the caller knows that they are there. */
uint16_t skep__elf_u16(const uint8_t *at);
uint32_t skep__elf_u32(const uint8_t *at);
uint64_t skep__elf_u64(const uint8_t *at);

/* Looks at the head. SKEP_FOREIGN: no shared object of 64 bits; SKEP_CORRUPT: cut off or damaged.
 */
skep_status skep__elf_open(skep__elf *elf, const uint8_t *bytes, size_t size, skep_error *error);

/* A section by its number; false when there is none, or it does not lie within the file. */
bool skep__elf_section_at(const skep__elf *elf, uint32_t index, skep__elf_section *section);

/* The first section with this type (0: any) and name (NULL: any). */
bool skep__elf_section_find(const skep__elf *elf, uint32_t type, const char *name,
                            skep__elf_section *section);

/* A symbol of a section of symbols; false past the end. Names are never NULL. */
bool skep__elf_symbol_at(const skep__elf *elf, const skep__elf_section *table, uint32_t index,
                         skep__elf_symbol *symbol);

/* A relocation of a section of them; false past the end. */
bool skep__elf_rela_at(const skep__elf *elf, const skep__elf_section *table, uint32_t index,
                       skep__elf_rela *rela);

/* The bytes at an address of the loaded module, `bytes` of them in one section; NULL when they are
 * not in the file. */
const uint8_t *skep__elf_loaded(const skep__elf *elf, uint64_t address, size_t bytes);

#endif
