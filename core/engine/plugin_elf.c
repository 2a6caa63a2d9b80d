/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a shared object says about itself, read from the file before any of
 * its code can run (a constructor runs inside dlopen). Refused here: what is
 * not ours to run, what would change pages that should be shared and
 * read-only (text relocations), what uses up the process's static TLS, what
 * wants an executable stack, and a descriptor of another ABI.
 *
 * The bytes are outside bytes: every offset and count is checked against the
 * file before it is used.
 */
#include "engine/plugin_host.h"

#include <elf.h>

#define MAX_SEGMENTS 64
#define MAX_SYMBOLS 65536

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#elif defined(__s390x__)
#define MACHINE EM_S390
#else
#error "name this machine's ELF number here"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_ELF ELFDATA2LSB
#else
#define BYTE_ORDER_ELF ELFDATA2MSB
#endif

struct elf {
    struct str file;
    struct err *err;
    Elf64_Phdr segments[MAX_SEGMENTS];
    size_t n_segments;
    /* of the dynamic section; addresses as in memory */
    uint64_t symbols, strings, strings_size, hash, gnu_hash;
    bool dynamic;
};

static int refuse(struct elf *e, const char *why)
{
    return err_set(e->err, ERR_CONFIG, "%s", why);
}

/* Copy n bytes at a file offset; false when they are not all there. */
static bool get(const struct elf *e, uint64_t at, void *to, size_t n)
{
    if (at > e->file.n || n > e->file.n - at)
        return false;
    memcpy(to, e->file.p + at, n);
    return true;
}

/* Copy n bytes at a memory address: only what lies in the file. */
static bool get_mem(const struct elf *e, uint64_t at, void *to, size_t n)
{
    const Elf64_Phdr *s;

    for (size_t i = 0; i < e->n_segments; i++) {
        s = &e->segments[i];
        if (s->p_type != PT_LOAD || at < s->p_vaddr ||
            at - s->p_vaddr >= s->p_filesz)
            continue;
        if (n > s->p_filesz - (at - s->p_vaddr))
            return false;
        return s->p_offset + (at - s->p_vaddr) >= s->p_offset &&
               get(e, s->p_offset + (at - s->p_vaddr), to, n);
    }
    return false;
}

/** Of a table or a segment: is some of it behind the file's end? */
static bool beyond(const struct elf *e, uint64_t at, uint64_t n)
{
    return n && (at > e->file.n || n > e->file.n - at);
}

/** A copy that was cut has its head and its code, and lacks what lies last:
 * the table of sections, which nothing needs to run. */
static int check_whole(struct elf *e, const Elf64_Ehdr *h)
{
    uint64_t sections = (uint64_t)h->e_shnum * h->e_shentsize;
    bool cut = beyond(e, h->e_shoff, sections) ||
               (h->e_shoff && h->e_shoff >= e->file.n);

    for (size_t i = 0; i < e->n_segments && !cut; i++)
        cut = e->segments[i].p_type == PT_LOAD &&
              beyond(e, e->segments[i].p_offset, e->segments[i].p_filesz);
    return cut ? refuse(e, "truncated: it says that it is longer than the "
                           "file") : 0;
}

static int read_header(struct elf *e)
{
    Elf64_Ehdr h;

    if (!get(e, 0, &h, sizeof h) || memcmp(h.e_ident, ELFMAG, SELFMAG))
        return refuse(e, "not an ELF shared object");
    if (h.e_ident[EI_CLASS] != ELFCLASS64 ||
        h.e_ident[EI_DATA] != BYTE_ORDER_ELF || h.e_machine != MACHINE)
        return refuse(e, "built for another machine");
    if (h.e_type != ET_DYN)
        return refuse(e, "not a shared object: link it with -shared");
    if (h.e_phentsize != sizeof(Elf64_Phdr) || !h.e_phnum ||
        h.e_phnum > MAX_SEGMENTS)
        return refuse(e, "malformed ELF: segment table");
    e->n_segments = h.e_phnum;
    if (!get(e, h.e_phoff, e->segments, h.e_phnum * sizeof(Elf64_Phdr)))
        return refuse(e, "malformed ELF: segment table");
    return check_whole(e, &h);
}

static int check_segments(struct elf *e)
{
    const Elf64_Phdr *s;

    for (size_t i = 0; i < e->n_segments; i++) {
        s = &e->segments[i];
        if (s->p_type == PT_INTERP)
            return refuse(e, "a program, not a shared object");
        if (s->p_type == PT_GNU_STACK && s->p_flags & PF_X)
            return refuse(e, "wants an executable stack: assembler files "
                             "need a .note.GNU-stack section");
        if (s->p_type == PT_LOAD && s->p_flags & PF_X && s->p_flags & PF_W)
            return refuse(e, "has memory that is writable and executable");
    }
    return 0;
}

static int note_dynamic(struct elf *e, const Elf64_Dyn *d)
{
    if (d->d_tag == DT_TEXTREL ||
        (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
        return refuse(e, "has text relocations: compile it with -fPIC");
    if (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_STATIC_TLS)
        return refuse(e, "needs static TLS: no thread-local variables, or "
                         "compile without -ftls-model=initial-exec");
    if (d->d_tag == DT_SYMTAB)
        e->symbols = d->d_un.d_ptr;
    if (d->d_tag == DT_STRTAB)
        e->strings = d->d_un.d_ptr;
    if (d->d_tag == DT_STRSZ)
        e->strings_size = d->d_un.d_val;
    if (d->d_tag == DT_HASH)
        e->hash = d->d_un.d_ptr;
    if (d->d_tag == DT_GNU_HASH)
        e->gnu_hash = d->d_un.d_ptr;
    return 0;
}

static int read_dynamic(struct elf *e)
{
    const Elf64_Phdr *s = NULL;
    Elf64_Dyn d = { 0 };
    int rc = 0;

    for (size_t i = 0; i < e->n_segments; i++) {
        if (e->segments[i].p_type == PT_DYNAMIC)
            s = &e->segments[i];
    }
    for (uint64_t at = 0; s && rc == 0; at += sizeof d) {
        if (s->p_filesz < sizeof d || at > s->p_filesz - sizeof d ||
            !get(e, s->p_offset + at, &d, sizeof d) || s->p_offset > e->file.n)
            return refuse(e, "malformed ELF: dynamic section");
        if (d.d_tag == DT_NULL)
            break;
        rc = note_dynamic(e, &d);
    }
    if (rc == 0 && (!s || !e->symbols || !e->strings))
        return refuse(e, "malformed ELF: no dynamic symbols");
    return rc;
}

/* One past the last symbol of a GNU hash table: the end of the chain of the
 * highest bucket. 0 when it is malformed. */
static uint32_t gnu_hash_count(const struct elf *e)
{
    uint32_t head[4], last = 0, bucket, link; /* buckets, first, bloom, shift */
    uint64_t at = e->gnu_hash + sizeof head;

    if (!get_mem(e, e->gnu_hash, head, sizeof head) ||
        head[0] > MAX_SYMBOLS || head[1] > MAX_SYMBOLS ||
        head[2] > MAX_SYMBOLS)
        return 0;
    at += (uint64_t)head[2] * 8;
    for (uint32_t i = 0; i < head[0]; i++, at += 4) {
        if (!get_mem(e, at, &bucket, 4) || bucket > MAX_SYMBOLS)
            return 0;
        last = bucket > last ? bucket : last;
    }
    if (last < head[1])
        return head[1]; /* nothing is exported */
    for (; last <= MAX_SYMBOLS; last++) {
        if (!get_mem(e, at + (uint64_t)(last - head[1]) * 4, &link, 4))
            return 0;
        if (link & 1)
            return last + 1;
    }
    return 0;
}

static uint32_t symbol_count(const struct elf *e)
{
    uint32_t head[2]; /* buckets, symbols */

    if (e->gnu_hash)
        return gnu_hash_count(e);
    if (!e->hash || !get_mem(e, e->hash, head, sizeof head) ||
        head[1] > MAX_SYMBOLS)
        return 0;
    return head[1];
}

/* Does the symbol's name begin with `prefix`? With `whole`: is it that? */
static bool named(const struct elf *e, const Elf64_Sym *s, const char *prefix,
                  bool whole)
{
    size_t n = strlen(prefix) + (whole ? 1 : 0);
    char z[32];

    return s->st_name < e->strings_size && n <= sizeof z &&
           n <= e->strings_size - s->st_name &&
           get_mem(e, e->strings + s->st_name, z, n) &&
           memcmp(z, prefix, n) == 0;
}

/* Plain numbers only: the descriptor's pointers are not relocated yet. */
static int check_descriptor(struct elf *e, const Elf64_Sym *s)
{
    ps_plugin d;

    if (ELF64_ST_TYPE(s->st_info) != STT_OBJECT || s->st_size < 8 ||
        !get_mem(e, s->st_value, &d, offsetof(ps_plugin, size)))
        return refuse(e, PLUGIN_SYMBOL " is not a descriptor: define it with "
                                       "PS_PLUGIN");
    if (d.magic != PS_MAGIC)
        return err_set(e->err, ERR_CONFIG,
                       "the descriptor's magic is 0x%08x, not 0x%08x: define "
                       "it with PS_PLUGIN",
                       d.magic, PS_MAGIC);
    if (d.abi_major != PS_ABI_MAJOR || d.abi_minor != PS_ABI_MINOR)
        return err_set(e->err, ERR_CONFIG,
                       "built for plugin ABI %u.%u; this Penstock has %u.%u: "
                       "build it again with this version's headers",
                       d.abi_major, d.abi_minor, PS_ABI_MAJOR, PS_ABI_MINOR);
    return 0;
}

static int check_symbols(struct elf *e, struct plugin_elf *out)
{
    uint32_t n = symbol_count(e);
    bool other = false;
    Elf64_Sym s, found = { 0 };
    unsigned bind;

    for (uint32_t i = 1; i < n; i++) {
        if (!get_mem(e, e->symbols + (uint64_t)i * sizeof s, &s, sizeof s))
            return refuse(e, "malformed ELF: symbol table");
        bind = ELF64_ST_BIND(s.st_info);
        if (s.st_shndx == SHN_UNDEF || bind == STB_LOCAL ||
            ELF64_ST_VISIBILITY(s.st_other) == STV_HIDDEN)
            continue;
        out->exported++;
        other = other || named(e, &s, "ps_plugin_v", false);
        if (named(e, &s, PLUGIN_SYMBOL, true))
            found = s;
    }
    if (found.st_name)
        return check_descriptor(e, &found);
    if (other)
        return refuse(e, "built for another major ABI: it exports no "
                         PLUGIN_SYMBOL);
    return refuse(e, "exports no " PLUGIN_SYMBOL ": is PS_PLUGIN(...) there, "
                     "and does C++ see it as extern \"C\"?");
}

int plugin_elf_check(struct str file, struct plugin_elf *out, struct err *err)
{
    struct elf e = { .file = file, .err = err };
    int rc;

    memset(out, 0, sizeof *out);
    rc = read_header(&e);
    if (rc == 0)
        rc = check_segments(&e);
    if (rc == 0)
        rc = read_dynamic(&e);
    if (rc == 0)
        rc = check_symbols(&e, out);
    return rc;
}
