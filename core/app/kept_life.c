/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which bundle is in force, followed on disk. */
#include "app/kept_life.h"

#include "app/master.h"
#include "app/master_alerts.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "engine/config.h"

#include <stdio.h>
#include <string.h>

enum { CONFIG_BYTES = 4 << 20 };

static void state_of(const struct master *m, char out[PATHS_MAX])
{
    snprintf(out, PATHS_MAX, STR_FMT, STR_ARG(m->config->state));
}

static const struct kept_file *find(const struct kept_list *list,
                                    uint64_t number)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->at[i].number == number)
            return &list->at[i];
    }
    return NULL;
}

/* ---- the start --------------------------------------------------------- */

/** state "PATH" on a line of its own, as far as that can be seen without
 * reading a file that may be broken anywhere. */
static bool state_line(struct str line, char out[PATHS_MAX])
{
    line = str_trim(line);
    if (!str_starts(line, STR("state")))
        return false;
    line = str_trim((struct str){ line.p + 5, line.n - 5 });
    if (line.n < 3 || line.p[0] != '"')
        return false;
    line = (struct str){ line.p + 1, line.n - 1 };
    line = str_split(&line, '"');
    return line.n && (size_t)snprintf(out, PATHS_MAX, STR_FMT,
                                      STR_ARG(line)) < PATHS_MAX;
}

/** `found`: a line of the file names it; `readable`: the file is there. */
static void say_state(struct master *m, const char *state, bool found,
                      bool readable)
{
    struct kept_life *k = &m->reload.kept_life;
    const char *from = paths_state_from();

    if (found)
        snprintf(k->from, sizeof k->from, "%s, which the file names", state);
    else if (from)
        snprintf(k->from, sizeof k->from, "%s, from $%s", state, from);
    else
        snprintf(k->from, sizeof k->from, "%s, the usual one, as the file %s; "
                 "PENSTOCK_STATE would name another", state,
                 readable ? "names none" : "cannot be read");
}

static void guess_state(struct master *m, char out[PATHS_MAX])
{
    struct buf text = BUF_INIT(CONFIG_BYTES);
    struct err ignored = { 0 };
    bool found = false, readable;
    struct str rest;

    snprintf(out, PATHS_MAX, "%s", m->paths.state);
    readable = m->file && file_read(m->file, &text, &ignored) == 0;
    if (readable) {
        rest = buf_str(&text);
        while (rest.p && !found)
            found = state_line(str_split(&rest, '\n'), out);
    }
    if (!found)
        snprintf(out, PATHS_MAX, "%s", m->paths.state);
    say_state(m, out, found, readable);
    buf_clear(&text);
}

static int load_kept(struct master *m, const char *state, uint64_t number,
                     struct err *err)
{
    const struct load_order order = {
        .file = m->file, .paths = &m->paths, .generation = number,
        .kept = number, .state = state, .signal_fd = m->signal_fd,
    };

    return loader_wait(&m->loaded, &order, err);
}

int kept_last_good(struct master *m, struct err *err)
{
    struct kept_life *k = &m->reload.kept_life;
    struct err why = *err;
    char state[PATHS_MAX];
    uint64_t last;

    if (err->code == ERR_CANCELLED)
        return -err->code;
    _Static_assert(sizeof k->broken >= sizeof why.at + sizeof why.msg + 2,
                   "a reason fits");
    snprintf(k->broken, sizeof k->broken, "%s%s%s", why.at,
             *why.at ? ": " : "", why.msg);
    guess_state(m, state);
    kept_scan(state, &k->list, &last);
    for (size_t i = 0; i < k->list.n; i++) {
        const struct kept_file *f = &k->list.at[i];
        struct err own = { 0 };

        if (!f->good)
            continue;
        if (load_kept(m, state, f->number, &own) == 0) {
            *err = (struct err){ 0 }; /* it is said in kept_open */
            return 0;
        }
        fprintf(stderr, "penstock: generation %llu is not served: %s\n",
                (unsigned long long)f->number, own.msg);
        if (own.code == ERR_CANCELLED) {
            *err = own;
            return -own.code;
        }
    }
    *err = (struct err){ 0 };
    return err_at(err, why.code, why.at, "%s (and no bundle that served well "
                  "can be taken from the state folder %s)", why.msg, k->from);
}

/** Was it kept before, under another number? Then that file goes. */
static void replace_equal(struct master *m, const char *state)
{
    struct kept_life *k = &m->reload.kept_life;
    struct buf own = BUF_INIT(KEPT_BYTES_MAX + KEPT_HEAD_MAX);
    struct err ignored = { 0 };
    struct kept *mine = kept_read(state, m->generation, &own, &ignored);
    const struct kept_use use = { .at = { &m->loaded }, .n = 1 };

    for (size_t i = 0; mine && i < k->list.n && i <= KEPT_MAX; i++) {
        const struct kept_file *f = &k->list.at[i];
        struct buf bytes = BUF_INIT(KEPT_BYTES_MAX + KEPT_HEAD_MAX);
        struct kept *other = kept_read(state, f->number, &bytes, &ignored);

        ignored = (struct err){ 0 };
        if (other && strcmp(kept_content(other), kept_content(mine)) == 0) {
            if (f->good)
                kept_rename(state, m->generation, "served", "good");
            kept_remove(state, f->number, &k->list, &use);
        }
        kept_free(other);
        buf_clear(&bytes);
    }
    kept_free(mine);
    buf_clear(&own);
}

/** The one that a rollback had in force at the end, 0 = none: it was the last
 * to come into force, and a later one was gone back from. */
static uint64_t was_pinned(const struct kept_list *list)
{
    for (size_t i = 1; i < list->n; i++) {
        if (list->at[i].left && list->at[i].number > list->at[0].number)
            return list->at[0].number;
    }
    return 0;
}

/** A start reads the files: said where they differ from what was pinned. */
static void say_unpinned(struct master *m, const char *state, uint64_t pinned)
{
    struct kept_list now;
    char why[128];
    uint64_t last;

    kept_scan(state, &now, &last);
    if (!pinned || !find(&now, pinned)) /* it was equal, and is replaced */
        return;
    snprintf(why, sizeof why, "a start serves the files; `penstock rollback "
             "%llu` serves that one again", (unsigned long long)pinned);
    log_event(EV_serve_unpinned,
              LOG_I("generation", (int64_t)m->generation),
              LOG_I("pinned", (int64_t)pinned), LOG_Z("why", why));
}

void kept_open(struct master *m)
{
    struct kept_life *k = &m->reload.kept_life;
    char state[PATHS_MAX];
    struct err err = { 0 };
    uint64_t last, pinned;

    state_of(m, state);
    kept_tidy(state);
    kept_scan(state, &k->list, &last);
    pinned = was_pinned(&k->list);
    m->reload.last = last > m->generation ? last : m->generation;
    k->settled = m->reload.last;
    if (*k->broken) {
        log_event(EV_serve_last_good,
                  LOG_I("generation", (int64_t)m->generation),
                  LOG_Z("state", k->from), LOG_Z("why", k->broken));
        return;
    }
    if (kept_write(state, &m->loaded, "served", &err) == 0)
        replace_equal(m, state);
    else
        log_event(EV_reload_not_kept,
                  LOG_I("generation", (int64_t)m->generation),
                  LOG_Z("why", err.msg));
    say_unpinned(m, state, pinned);
}

/* ---- in force ---------------------------------------------------------- */

/** What a reload wrote has its name, or goes. */
static void settle(struct master *m, const char *state)
{
    struct kept_life *k = &m->reload.kept_life;
    uint64_t last = m->reload.last;

    if (last <= k->settled)
        return;
    k->settled = last;
    if (m->generation == last)
        kept_rename(state, last, "new", "served");
    else
        kept_tidy(state);
}

static uint64_t deaths(const struct master *m)
{
    uint64_t n = 0;

    for (size_t i = 0; i < m->n_workers; i++)
        n += m->posts[i].deaths;
    return n;
}

static struct kept_use used(const struct master *m)
{
    struct kept_use use = { .at = { &m->loaded }, .n = 1 };

    for (size_t i = 0; i < m->reload.n_kept; i++)
        use.at[use.n++] = &m->reload.kept[i].loaded;
    return use;
}

void kept_drop(struct master *m, uint64_t number)
{
    struct kept_list *list = &m->reload.kept_life.list;
    struct kept_use use = used(m);
    char state[PATHS_MAX];
    uint64_t last;

    state_of(m, state);
    kept_remove(state, number, list, &use);
    kept_scan(state, list, &last);
}

/** The oldest go, with the files that nobody else names. */
static void prune(struct master *m, const char *state)
{
    struct kept_life *k = &m->reload.kept_life;
    struct kept_use use = used(m);
    size_t others = 0;

    for (size_t i = 0; i < k->list.n; i++) {
        if (k->list.at[i].number == m->generation || ++others <= KEPT_MAX)
            continue;
        kept_remove(state, k->list.at[i].number, &k->list, &use);
        k->list.n--;
        memmove(k->list.at + i, k->list.at + i + 1,
                (k->list.n - i) * sizeof *k->list.at);
        i--;
    }
}

static void came(struct master *m, const char *state, uint64_t now_ms)
{
    struct kept_life *k = &m->reload.kept_life;
    const struct kept_file *f;
    uint64_t last;

    if (k->seen) {
        k->broken[0] = '\0'; /* something else is served by now */
    } else if (*k->broken) {
        metric_set(METRIC_LAST_RELOAD_OK, NULL, 0);
        master_alerts_last_good(m, k->broken);
    }
    k->seen = m->generation;
    k->since_ms = now_ms;
    k->deaths = deaths(m);
    kept_scan(state, &k->list, &last);
    f = find(&k->list, m->generation);
    k->good = f && f->good;
    kept_touch(state, m->generation, k->good);
    kept_scan(state, &k->list, &last);
    prune(m, state);
}

void kept_step(struct master *m, uint64_t now_ms)
{
    struct reload *r = &m->reload;
    struct kept_life *k = &r->kept_life;
    char state[PATHS_MAX];
    uint64_t last;

    if (r->stage != RELOAD_NONE || m->phase != MASTER_RUNNING ||
        heir_waits(&m->heir) || upgrade_is_on(&m->upgrade) ||
        (k->good && k->seen == m->generation && r->last <= k->settled))
        return;
    state_of(m, state);
    settle(m, state);
    if (k->seen != m->generation)
        came(m, state, now_ms);
    if (deaths(m) != k->deaths) {
        k->deaths = deaths(m);
        k->since_ms = now_ms;
    }
    if (k->good || r->n_wishes || r->bake.until_ms ||
        now_ms < k->since_ms + m->config->reload.bake_ms)
        return;
    k->good = true; /* where the disk would not have it: not asked again */
    kept_rename(state, m->generation, "served", "good");
    kept_scan(state, &k->list, &last);
}

/** The one in force is gone back from no more. */
static void forgive(struct master *m, const char *state)
{
    struct kept_life *k = &m->reload.kept_life;

    for (size_t i = 0; i < KEPT_MAX; i++) {
        if (k->left[i] == m->generation)
            k->left[i] = 0;
    }
    kept_rename(state, m->generation, "left", "served");
}

void kept_went_back(struct master *m, uint64_t former)
{
    struct kept_life *k = &m->reload.kept_life;
    char state[PATHS_MAX];
    uint64_t last;

    state_of(m, state);
    forgive(m, state);
    if (former > m->generation) {
        k->left[k->n_left++ % KEPT_MAX] = former;
        if (!kept_rename(state, former, "good", "left") &&
            !kept_rename(state, former, "served", "left"))
            kept_rename(state, former, "new", "left");
    }
    kept_scan(state, &k->list, &last);
}

/* ---- questions --------------------------------------------------------- */

bool kept_has(const struct master *m, uint64_t number)
{
    return find(&m->reload.kept_life.list, number) != NULL;
}

static bool was_left(const struct master *m, uint64_t number)
{
    const struct kept_life *k = &m->reload.kept_life;
    const struct kept_file *f = find(&k->list, number);

    for (size_t i = 0; i < KEPT_MAX; i++) {
        if (k->left[i] == number)
            return true;
    }
    return f && f->left;
}

uint64_t kept_before(const struct master *m)
{
    const struct reload *r = &m->reload;
    const struct kept_list *list = &r->kept_life.list;

    for (size_t i = 0; i < r->n_kept; i++) {
        if (r->kept[i].number < m->generation &&
            !was_left(m, r->kept[i].number))
            return r->kept[i].number;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->at[i].number < m->generation &&
            !was_left(m, list->at[i].number))
            return list->at[i].number;
    }
    return 0;
}

static void put_one(const struct master *m, struct buf *out, uint64_t number,
                    bool good)
{
    buf_printf(out, "%s{\"number\":%llu,\"good\":%s,\"current\":%s,"
               "\"taken_back\":%s}", out->p[out->n - 1] == '[' ? "" : ",",
               (unsigned long long)number, good ? "true" : "false",
               number == m->generation ? "true" : "false",
               was_left(m, number) ? "true" : "false");
}

void kept_put_all(const struct master *m, struct buf *out)
{
    const struct reload *r = &m->reload;
    const struct kept_list *list = &r->kept_life.list;

    buf_putc(out, '[');
    put_one(m, out, m->generation, r->kept_life.good);
    for (size_t i = 0; i < r->n_kept; i++) {
        const struct kept_file *f = find(list, r->kept[i].number);

        put_one(m, out, r->kept[i].number, f && f->good);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->at[i].number != m->generation &&
            !reload_has(m, list->at[i].number))
            put_one(m, out, list->at[i].number, list->at[i].good);
    }
    buf_putc(out, ']');
}
