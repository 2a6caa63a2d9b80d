/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A shared object names each outside function that it calls in its dynamic
 * relocations: where the pointer stands, and which symbol it is of. Those of
 * the functions that take and give back memory are pointed at ours.
 */
#include "engine/conform_memory.h"

#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if __ELF_NATIVE_CLASS == 64
#define SYMBOL_OF(info) ELF64_R_SYM(info)
#else
#define SYMBOL_OF(info) ELF32_R_SYM(info)
#endif

struct conform_memory conform_memory;

void conform_memory_begin(uint32_t fail_at)
{
    conform_memory = (struct conform_memory){ .fail_at = fail_at };
}

/* ---- what is called instead -------------------------------------------- */

static bool fails(void)
{
    if (++conform_memory.calls != conform_memory.fail_at)
        return false;
    errno = ENOMEM;
    return true;
}

static void *took(void *p)
{
    conform_memory.live += p != NULL;
    return p;
}

static void *my_malloc(size_t n)
{
    return fails() ? NULL : took(malloc(n));
}

static void *my_calloc(size_t n, size_t size)
{
    return fails() ? NULL : took(calloc(n, size));
}

static void *my_realloc(void *p, size_t n)
{
    void *to;

    if (!p)
        return my_malloc(n);
    if (n && fails())
        return NULL;
    to = realloc(p, n);
    conform_memory.live -= !n && !to; /* glibc: as free */
    return to;
}

static void *my_reallocarray(void *p, size_t n, size_t size)
{
    size_t all;

    if (!__builtin_mul_overflow(n, size, &all))
        return my_realloc(p, all);
    errno = ENOMEM;
    return NULL;
}

static void my_free(void *p)
{
    conform_memory.live -= p != NULL;
    free(p);
}

static char *my_strdup(const char *s)
{
    return fails() ? NULL : took(strdup(s));
}

static char *my_strndup(const char *s, size_t n)
{
    return fails() ? NULL : took(strndup(s, n));
}

static int my_posix_memalign(void **to, size_t align, size_t n)
{
    int rc = fails() ? ENOMEM : posix_memalign(to, align, n);

    conform_memory.live += rc == 0;
    return rc;
}

static void *my_aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : took(aligned_alloc(align, n));
}

__attribute__((format(printf, 2, 0)))
static int my_vasprintf(char **to, const char *fmt, va_list ap)
{
    int n = fails() ? -1 : vasprintf(to, fmt, ap);

    conform_memory.live += n >= 0;
    return n;
}

__attribute__((format(printf, 2, 3)))
static int my_asprintf(char **to, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = my_vasprintf(to, fmt, ap);
    va_end(ap);
    return n;
}

/* As _FORTIFY_SOURCE calls them. */
__attribute__((format(printf, 3, 0)))
static int my_vasprintf_chk(char **to, int flag, const char *fmt, va_list ap)
{
    (void)flag;
    return my_vasprintf(to, fmt, ap);
}

__attribute__((format(printf, 3, 4)))
static int my_asprintf_chk(char **to, int flag, const char *fmt, ...)
{
    va_list ap;
    int n;

    (void)flag;
    va_start(ap, fmt);
    n = my_vasprintf(to, fmt, ap);
    va_end(ap);
    return n;
}

static const struct {
    const char *name;
    void (*fn)(void);
} hooks[] = {
    { "malloc", (void (*)(void))my_malloc },
    { "calloc", (void (*)(void))my_calloc },
    { "realloc", (void (*)(void))my_realloc },
    { "reallocarray", (void (*)(void))my_reallocarray },
    { "free", (void (*)(void))my_free },
    { "strdup", (void (*)(void))my_strdup },
    { "__strdup", (void (*)(void))my_strdup },
    { "strndup", (void (*)(void))my_strndup },
    { "posix_memalign", (void (*)(void))my_posix_memalign },
    { "aligned_alloc", (void (*)(void))my_aligned_alloc },
    { "asprintf", (void (*)(void))my_asprintf },
    { "vasprintf", (void (*)(void))my_vasprintf },
    { "__asprintf_chk", (void (*)(void))my_asprintf_chk },
    { "__vasprintf_chk", (void (*)(void))my_vasprintf_chk },
};

/* ---- putting them there ------------------------------------------------ */

struct tables {
    const ElfW(Sym) *symbols;
    const char *strings;
    const ElfW(Rela) *relas[2];
    size_t n_relas[2];
};

struct search {
    uintptr_t inside; /* an address of the plugin */
    int hooked;       /* or -ERR_IO */
};

/* glibc has made them addresses by now; others leave them as in the file. */
static const void *address(const struct dl_phdr_info *o, ElfW(Addr) at)
{
    return (const void *)(at < o->dlpi_addr ? at + o->dlpi_addr : at);
}

static void read_dynamic(const struct dl_phdr_info *o, const ElfW(Dyn) *d,
                         struct tables *t)
{
    for (; d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            t->symbols = address(o, d->d_un.d_ptr);
            break;
        case DT_STRTAB:
            t->strings = address(o, d->d_un.d_ptr);
            break;
        case DT_RELA:
            t->relas[0] = address(o, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            t->n_relas[0] = d->d_un.d_val / sizeof *t->relas[0];
            break;
        case DT_JMPREL:
            t->relas[1] = address(o, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            t->n_relas[1] = d->d_un.d_val / sizeof *t->relas[1];
            break;
        default:
            break;
        }
    }
}

/* The page may be read-only since the loader was done with it. */
static bool point(uintptr_t slot, void (*fn)(void))
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = slot & ~(page - 1);

    if (mprotect((void *)from, slot + sizeof fn - from,
                 PROT_READ | PROT_WRITE) != 0)
        return false;
    memcpy((void *)slot, &fn, sizeof fn);
    return true;
}

static int hook_one(const struct dl_phdr_info *o, const struct tables *t,
                    const ElfW(Rela) *r)
{
    const char *name = t->strings + t->symbols[SYMBOL_OF(r->r_info)].st_name;

    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++) {
        if (r->r_addend != 0 || strcmp(name, hooks[i].name) != 0)
            continue;
        return point(o->dlpi_addr + r->r_offset, hooks[i].fn) ? 1 : -ERR_IO;
    }
    return 0;
}

static int hook_object(const struct dl_phdr_info *o, const ElfW(Dyn) *dynamic)
{
    struct tables t = { 0 };
    int n = 0;

    read_dynamic(o, dynamic, &t);
    if (!t.symbols || !t.strings)
        return 0;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; t.relas[k] && i < t.n_relas[k]; i++) {
            int rc = hook_one(o, &t, &t.relas[k][i]);

            if (rc < 0)
                return rc;
            n += rc;
        }
    }
    return n;
}

static bool is_runtime(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct str name = str_of(slash ? slash + 1 : path);

    return str_starts(name, STR("libstdc++.")) ||
           str_starts(name, STR("libc++"));
}

static int on_object(struct dl_phdr_info *o, size_t size, void *ud)
{
    struct search *s = ud;
    const ElfW(Dyn) *dynamic = NULL;
    bool wanted = is_runtime(o->dlpi_name);
    int n;

    (void)size;
    for (int i = 0; i < o->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &o->dlpi_phdr[i];
        uintptr_t at = o->dlpi_addr + h->p_vaddr;

        if (h->p_type == PT_DYNAMIC)
            dynamic = (const void *)at;
        wanted |= h->p_type == PT_LOAD && s->inside >= at &&
                  s->inside - at < h->p_memsz;
    }
    if (!wanted || !dynamic)
        return 0;
    n = hook_object(o, dynamic);
    s->hooked = n < 0 ? n : s->hooked + n;
    return n < 0;
}

int conform_memory_hook(const struct plugin *p, struct err *err)
{
    struct search s = { .inside = (uintptr_t)plugin_ops(p)->apis };

    dl_iterate_phdr(on_object, &s);
    if (s.hooked < 0)
        return err_set(err, -s.hooked, "cannot write to the plugin's table "
                                       "of functions: %s", strerror(errno));
    return s.hooked;
}
