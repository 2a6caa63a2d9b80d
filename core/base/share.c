/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A region is a header and what its owner lays behind it. The header says who
 * laid it out how, so that another build can tell whether it would do the
 * same.
 */
#include "base/share.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x31455241485350ull /* "PSHARE1" */
#define LAYOUT_KEY ((struct siphash_key){ 0x6c61796f7574, 0x7368617265 })

struct header {
    uint64_t magic, layout, size; /* of what follows */
    struct siphash_key seed[2];
    char pad[8];
};

_Static_assert(sizeof(struct header) == 64, "what follows is aligned");

struct entry {
    char name[SHARE_NAME]; /* "" = free */
    int fd;
    char *map; /* NULL: given, and not taken */
};

static struct entry entries[SHARE_MAX];

static struct entry *find(const char *name, const char *map)
{
    for (size_t i = 0; i < SHARE_MAX; i++) {
        if (strcmp(entries[i].name, name) == 0 && entries[i].map == map)
            return &entries[i];
    }
    return NULL;
}

static void drop(struct entry *e)
{
    if (e->fd >= 0)
        close(e->fd);
    *e = (struct entry){ .fd = -1 };
}

static void *map(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return p == MAP_FAILED ? NULL : p;
}

static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & F_SEAL_SHRINK) && (seals & F_SEAL_GROW);
}

/** Map what was given, if it is what we would make. */
static char *take(int fd, uint64_t layout, size_t size)
{
    struct header *h;
    struct stat st;

    if (!is_sealed(fd) || fstat(fd, &st) != 0 ||
        (uint64_t)st.st_size < size + sizeof *h)
        return NULL;
    h = map(fd, (size_t)st.st_size);
    if (!h)
        return NULL;
    if (h->magic == MAGIC && h->layout == layout &&
        h->size == (uint64_t)st.st_size - sizeof *h)
        return (char *)h;
    munmap(h, (size_t)st.st_size);
    return NULL;
}

static char *make(int *fd, const char *name, uint64_t layout, size_t size,
                  struct err *err)
{
    char full[SHARE_NAME + 16];
    struct header *h = NULL;

    snprintf(full, sizeof full, "penstock-%s", name);
    *fd = memfd_create(full, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd >= 0 && ftruncate(*fd, (off_t)(size + sizeof *h)) == 0 &&
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
        h = map(*fd, size + sizeof *h);
    if (!h) {
        err_errno(err, "shared memory of %zu bytes for %s", size, name);
        if (*fd >= 0)
            close(*fd);
        return NULL;
    }
    h->magic = MAGIC;
    h->layout = layout;
    h->size = size;
    for (int i = 0; i < 2; i++) {
        if (getrandom(&h->seed[i], sizeof h->seed[i], 0) !=
            sizeof h->seed[i])
            h->seed[i] = siphash_process_key();
    }
    return (char *)h;
}

int share_open(struct share *s, const char *name, const char *layout,
               size_t size, struct err *err)
{
    uint64_t sum = siphash(LAYOUT_KEY, str_of(layout));
    struct entry *e = find(name, NULL), *empty = find("", NULL);
    struct header *h = NULL;

    *s = (struct share){ 0 };
    if (strlen(name) >= SHARE_NAME || (!e && !empty))
        return err_set(err, ERR_LIMIT, "no room for shared memory '%s'", name);
    if (e) {
        h = (struct header *)take(e->fd, sum, size);
        if (!h)
            drop(e);
    }
    if (!h) {
        int fd;

        h = (struct header *)make(&fd, name, sum, size, err);
        if (!h)
            return -err->code;
        s->fresh = true;
        e = e ? e : empty;
        snprintf(e->name, sizeof e->name, "%s", name);
        e->fd = fd;
    }
    e->map = (char *)h;
    s->map = (char *)(h + 1);
    s->size = h->size;
    memcpy(s->seed, h->seed, sizeof s->seed);
    return 0;
}

void share_close(struct share *s)
{
    struct header *h = (struct header *)s->map;

    if (!s->map)
        return;
    h--;
    for (size_t i = 0; i < SHARE_MAX; i++) {
        if (entries[i].map == (char *)h)
            drop(&entries[i]);
    }
    munmap(h, h->size + sizeof *h);
    *s = (struct share){ 0 };
}

int share_give(const char *name, int fd)
{
    struct entry *e = find("", NULL);

    if (!e || !*name || strlen(name) >= SHARE_NAME)
        return -ERR_LIMIT;
    snprintf(e->name, sizeof e->name, "%s", name);
    e->fd = fd;
    return 0;
}

bool share_given(const char *name)
{
    return find(name, NULL) != NULL;
}

void share_forget(const char *name)
{
    for (size_t i = 0; i < SHARE_MAX; i++) {
        struct entry *e = &entries[i];

        if (*e->name && !e->map && (!name || strcmp(e->name, name) == 0))
            drop(e);
    }
}

bool share_next(size_t *at, const char **name, int *fd)
{
    while (*at < SHARE_MAX) {
        const struct entry *e = &entries[(*at)++];

        if (!e->map || e->fd < 0)
            continue;
        *name = e->name;
        *fd = e->fd;
        return true;
    }
    return false;
}

void share_let_go(void)
{
    for (size_t i = 0; i < SHARE_MAX; i++) {
        if (*entries[i].name && entries[i].fd >= 0)
            close(entries[i].fd);
        entries[i].fd = -1;
    }
}
