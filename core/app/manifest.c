/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The list that a master gives its heir, as JSON in a memfd: descriptors by
 * name, and the few values that they do not say themselves.
 *
 *   {"format": 1, "pid", "generation", "state", "ticket",
 *    "slots", "listeners": [{"name", "address", "kept", "fds": [...]}],
 *    "fds": [["metrics 127.0.0.1:9100", 12, false], ...],
 *    "shared": [["cells", 9], ...]}
 *
 * A later build reads the lists of all earlier ones, so members are only
 * added; the format is counted up when that cannot be, and is then refused.
 */
#include "app/upgrade.h"

#include "app/control.h"
#include "app/master.h"
#include "base/b64.h"
#include "base/share.h"
#include "engine/config.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, LIST_MAX = 1 << 20 };

/* ---- writing ----------------------------------------------------------- */

/** Each descriptor of the list, in the order of its members. */
struct visit {
    void (*one)(void *ud, const char *what, struct str at, int fd, bool kept);
    void *ud;
};

static void visit_plain(const struct master *m, const struct visit *v)
{
    const struct {
        const char *what;
        struct str at;
        int fd;
        bool kept;
    } rows[] = {
        { "control", str_of(m->paths.socket), control_fd(m->control), false },
        { "metrics", m->config->metrics, m->metrics_fd, m->metrics_kept },
        { "admin", m->config->admin.address, m->admin_fd, m->admin_kept },
        { "addresses", STR_NULL, m->addresses_fd, false },
        { "jwks", STR_NULL, m->jwks_fd, false },
        { "fetched", STR_NULL, m->fetched_fd, false },
        { "keys", STR_NULL, m->keys.base_fd, false },
        { "keys_delta", STR_NULL, m->keys.delta_fd, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].fd > 0)
            v->one(v->ud, rows[i].what, rows[i].at, rows[i].fd,
                   rows[i].kept);
    }
}

static void add_plain(void *ud, const char *what, struct str at, int fd,
                      bool kept)
{
    char name[GIVEN_NAME];

    snprintf(name, sizeof name, "%s " STR_FMT, what, STR_ARG(at));
    json_array_append_new(ud, json_pack("[s, i, b]", name, fd, kept));
}

static json_t *plain_json(const struct master *m)
{
    json_t *all = json_array();
    const struct visit v = { add_plain, all };

    visit_plain(m, &v);
    return all;
}

static json_t *shared_json(void)
{
    json_t *all = json_array();
    const char *name;
    size_t at = 0;
    int fd;

    while (share_next(&at, &name, &fd))
        json_array_append_new(all, json_pack("[s, i]", name, fd));
    return all;
}

static json_t *listeners_json(const struct listeners *l)
{
    json_t *all = json_array();

    for (size_t i = 0; i < l->n; i++) {
        const struct listener *one = &l->list[i];
        json_t *fds = json_array();

        for (size_t k = 0; k < l->slots; k++)
            json_array_append_new(fds, json_integer(one->fds[k]));
        json_array_append_new(all, json_pack(
            "{s:s, s:s, s:b, s:o}", "name", one->name, "address",
            one->address, "kept", one->kept, "fds", fds));
    }
    return all;
}

int manifest_write(const struct master *m, struct err *err)
{
    uint64_t last = m->reload.last > m->generation ? m->reload.last
                                                   : m->generation;
    char ticket[B64_ENCODED_MAX(sizeof m->ticket_key) + 1];
    char state[PATHS_MAX];
    char *text;
    json_t *tree;
    int fd;

    ticket[b64_encode((struct str){ m->ticket_key, sizeof m->ticket_key },
                      B64_STANDARD, ticket)] = '\0';
    snprintf(state, sizeof state, STR_FMT, STR_ARG(m->config->state));
    tree = json_pack("{s:i, s:i, s:I, s:s, s:s, s:I, s:o, s:o, s:o}",
                     "format", FORMAT, "pid", (int)getpid(), "generation",
                     (json_int_t)last, "state", state, "ticket", ticket,
                     "slots", (json_int_t)m->listeners.slots, "listeners",
                     listeners_json(&m->listeners), "fds", plain_json(m),
                     "shared", shared_json());
    text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
    json_decref(tree);
    fd = text ? memfd_create("penstock-upgrade", MFD_CLOEXEC) : -1;
    if (!text)
        err_set(err, ERR_NOMEM, "no memory");
    else if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        err_errno(err, "the list of descriptors");
    explicit_bzero(ticket, sizeof ticket);
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    if (err->code && fd >= 0)
        close(fd);
    return err->code ? -err->code : fd;
}

static void inherit(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags >= 0)
        fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

static void inherit_plain(void *ud, const char *what, struct str at, int fd,
                          bool kept)
{
    (void)ud;
    (void)what;
    (void)at;
    (void)kept;
    inherit(fd);
}

void manifest_inherit(const struct master *m)
{
    const struct visit v = { inherit_plain, NULL };
    const char *name;
    size_t at = 0;
    int fd;

    visit_plain(m, &v);
    while (share_next(&at, &name, &fd))
        inherit(fd);
    for (size_t i = 0; i < m->listeners.n; i++) {
        for (size_t k = 0; k < m->listeners.slots; k++)
            inherit(m->listeners.list[i].fds[k]);
    }
}

/* ---- reading ----------------------------------------------------------- */

/** A descriptor of the list, ours alone from now on; -1: it is none. */
static int own(json_int_t fd)
{
    if (fd < 3 || fd > 1 << 24 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    return (int)fd;
}

static int read_listener(struct given *g, const json_t *v, size_t slots)
{
    struct listener *l = &g->listeners.list[g->listeners.n];
    const char *name, *address;
    json_t *fds;
    int kept;

    if (g->listeners.n == LISTENERS_MAX ||
        json_unpack((json_t *)(uintptr_t)v, "{s:s, s:s, s:b, s:o}", "name",
                    &name, "address", &address, "kept", &kept, "fds",
                    &fds) != 0 ||
        json_array_size(fds) != slots || strlen(name) >= sizeof l->name)
        return -ERR_CONFIG;
    *l = (struct listener){ .kept = kept };
    snprintf(l->name, sizeof l->name, "%s", name);
    snprintf(l->address, sizeof l->address, "%s", address);
    l->fds = calloc(slots, sizeof *l->fds);
    if (!l->fds)
        return -ERR_NOMEM;
    for (size_t k = 0; k < slots; k++) {
        l->fds[k] = own(json_integer_value(json_array_get(fds, k)));
        if (l->fds[k] < 0) {
            free(l->fds);
            return -ERR_CONFIG;
        }
    }
    g->listeners.n++;
    return 0;
}

static int read_plain(struct given *g, const json_t *v)
{
    const char *name = json_string_value(json_array_get(v, 0));
    int fd = own(json_integer_value(json_array_get(v, 1)));
    struct str rest = name ? str_of(name) : STR_NULL, what;
    char word[32];

    if (!name || fd < 0)
        return -ERR_CONFIG;
    what = str_split(&rest, ' ');
    if (what.n >= sizeof word)
        return -ERR_CONFIG;
    snprintf(word, sizeof word, STR_FMT, STR_ARG(what));
    return given_add(g, word, rest, fd,
                     json_is_true(json_array_get(v, 2)));
}

static int read_shared(const json_t *v)
{
    const char *name = json_string_value(json_array_get(v, 0));
    int fd = own(json_integer_value(json_array_get(v, 1)));

    return name && fd >= 0 ? share_give(name, fd) : -ERR_CONFIG;
}

static int read_lists(struct master *m, json_t *tree, size_t slots)
{
    json_t *v;
    size_t i;
    int rc = 0;

    m->heir.given.listeners.slots = slots;
    json_array_foreach(json_object_get(tree, "listeners"), i, v)
        rc = rc ? rc : read_listener(&m->heir.given, v, slots);
    json_array_foreach(json_object_get(tree, "fds"), i, v)
        rc = rc ? rc : read_plain(&m->heir.given, v);
    json_array_foreach(json_object_get(tree, "shared"), i, v)
        rc = rc ? rc : read_shared(v);
    return rc;
}

static int read_tree(struct master *m, json_t *tree)
{
    struct heir *h = &m->heir;
    const char *state, *ticket;
    json_int_t generation, slots;
    char key[B64_DECODED_MAX(sizeof m->ticket_key * 2)];
    int format = 0, pid;
    size_t n;

    if (json_unpack(tree, "{s:i, s:i, s:I, s:s, s:s, s:I}", "format", &format,
                    "pid", &pid, "generation", &generation, "state", &state,
                    "ticket", &ticket, "slots", &slots) != 0 ||
        format != FORMAT || slots < 1 || slots > MASTER_MAX_WORKERS ||
        strlen(ticket) > sizeof m->ticket_key * 2 ||
        !b64_decode(str_of(ticket), B64_STANDARD, key, &n) ||
        n != sizeof m->ticket_key)
        return -ERR_CONFIG;
    memcpy(m->ticket_key, key, n);
    h->former = (pid_t)pid;
    h->generation = (uint64_t)generation;
    snprintf(h->state, sizeof h->state, "%s", state);
    return read_lists(m, tree, (size_t)slots);
}

int manifest_read(struct master *m, int fd, struct err *err)
{
    struct stat st;
    void *text = MAP_FAILED;
    json_t *tree;
    int rc;

    if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < LIST_MAX)
        text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (text == MAP_FAILED)
        return err_errno(err, "the list of descriptors in $" UPGRADE_ENV);
    tree = json_loadb(text, (size_t)st.st_size, 0, NULL);
    munmap(text, (size_t)st.st_size);
    rc = tree ? read_tree(m, tree) : -ERR_CONFIG;
    json_decref(tree);
    if (rc)
        err_set(err, -rc, "the list of descriptors in $" UPGRADE_ENV " is of "
                          "a build that this one cannot follow: stop that "
                          "one, then start this");
    return rc;
}
