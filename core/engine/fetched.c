/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A short list: keys that are fetched are few, and looked up once for each
 * generation. */
#include "engine/fetched.h"

#include <stdlib.h>

struct fetched_set {
    struct fetched *list;
    struct snapshot *last; /* NULL: nothing yet */
    void (*ask)(void *ud, struct str id);
    void *ask_ud;
};

/* Of who could not be made: no secret ever comes. */
static struct fetched none;

/* ---- sections ---------------------------------------------------------- */

int fetched_put(struct snapshot_builder *b, struct str id,
                const struct fetched_news *n, struct err *err)
{
    struct buf text = BUF_INIT(FETCHED_SECRET_MAX + 1024);
    int rc = buf_printf(&text, "%llu %llu " STR_FMT "\n" STR_FMT "\n",
                        (unsigned long long)n->ends_ms,
                        (unsigned long long)n->next_ms, STR_ARG(n->label),
                        STR_ARG(n->why));

    if (!rc)
        rc = buf_put(&text, n->secret);
    rc = rc ? err_set(err, ERR_NOMEM, "no memory")
            : snapshot_builder_add(b, id, buf_str(&text), err);
    secret_wipe(&text);
    return rc;
}

bool fetched_read(struct str section, struct fetched_news *out)
{
    struct str line = str_split(&section, '\n');
    struct str ends = str_split(&line, ' '), next = str_split(&line, ' ');

    *out = (struct fetched_news){ .label = line };
    out->why = str_split(&section, '\n');
    out->secret = section;
    return line.p && section.p && str_u64(ends, &out->ends_ms) &&
           str_u64(next, &out->next_ms);
}

/* ---- the set ----------------------------------------------------------- */

static void wipe(struct str *s)
{
    if (s->p)
        explicit_bzero((char *)(uintptr_t)s->p, s->n);
    free((char *)(uintptr_t)s->p);
    *s = STR_NULL;
}

/* Without memory the old one stays. */
static void take(struct fetched *f, struct str section)
{
    struct fetched_news news;
    char *copy;

    if (!section.p || !fetched_read(section, &news) ||
        str_eq(news.secret, f->secret))
        return;
    copy = news.secret.n ? str_dup(news.secret) : NULL;
    if (news.secret.n && !copy)
        return;
    if (f->secret.n) {
        wipe(&f->before);
        f->before = f->secret;
    }
    f->secret = (struct str){ copy, news.secret.n };
    f->version++;
}

struct fetched_set *fetched_set_new(void)
{
    return calloc(1, sizeof(struct fetched_set));
}

void fetched_set_free(struct fetched_set *s)
{
    if (!s)
        return;
    snapshot_unref(s->last);
    free(s);
}

void fetched_update(struct fetched_set *s, struct snapshot *news)
{
    struct snapshot *old = s->last;

    s->last = snapshot_ref(news);
    snapshot_unref(old);
    for (struct fetched *f = s->list; f; f = f->next)
        take(f, snapshot_section(news, str_of(f->id)));
}

struct fetched *fetched_ref(struct fetched_set *s, struct str id)
{
    struct fetched *f = s->list;

    while (f && !str_eq(str_of(f->id), id))
        f = f->next;
    if (!f) {
        f = id.n <= FETCH_ID ? calloc(1, sizeof *f) : NULL;
        if (!f)
            return &none;
        memcpy(f->id, id.p, id.n);
        f->set = s;
        f->next = s->list;
        s->list = f;
        if (s->last)
            take(f, snapshot_section(s->last, id));
    }
    f->refs++;
    return f;
}

void fetched_unref(struct fetched *f)
{
    struct fetched **at;

    if (!f || !f->set || --f->refs)
        return;
    for (at = &f->set->list; *at != f;)
        at = &(*at)->next;
    *at = f->next;
    wipe(&f->secret);
    wipe(&f->before);
    free(f);
}

/* ---- the keeper -------------------------------------------------------- */

void fetched_on_ask(struct fetched_set *s, void (*ask)(void *ud, struct str),
                    void *ud)
{
    s->ask = ask;
    s->ask_ud = ud;
}

void fetched_ask(const struct fetched *f)
{
    if (f->set && f->set->ask)
        f->set->ask(f->set->ask_ud, str_of(f->id));
}
