/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Places: one stack of steps, shown in three ways. For people
 * (`provider "gpu" keys[1].weight`), as a JSON Pointer of the canonical tree,
 * and as a path of the marks.
 */
#include "engine/config_walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

static void push(struct conf_walk *w, struct walk_step step)
{
    if (w->depth < WALK_DEPTH)
        w->steps[w->depth] = step;
    w->depth++;
}

void walk_member(struct conf_walk *w, const char *key)
{
    push(w, (struct walk_step){.kind = STEP_MEMBER, .name = str_of(key)});
}

void walk_named(struct conf_walk *w, const char *name)
{
    push(w, (struct walk_step){.kind = STEP_NAMED, .name = str_of(name)});
}

void walk_implied(struct conf_walk *w, const char *key)
{
    push(w, (struct walk_step){.kind = STEP_MEMBER, .name = str_of(key),
                               .implied = true});
}

void walk_leave(struct conf_walk *w)
{
    w->depth--;
}

/* The first `n` steps that there is room for. */
static size_t kept(const struct conf_walk *w)
{
    return w->depth < WALK_DEPTH ? w->depth : WALK_DEPTH;
}

int config_mark_add(struct buf *path, struct str name)
{
    int rc = buf_putc(path, '/');

    for (size_t i = 0; rc == 0 && i < name.n; i++) {
        if (name.p[i] == '~' || name.p[i] == '/')
            rc = buf_puts(path, name.p[i] == '~' ? "~0" : "~1");
        else
            rc = buf_putc(path, name.p[i]);
    }
    return rc;
}

static void pointer(const struct conf_walk *w, struct buf *out)
{
    for (size_t i = 0; i < kept(w); i++) {
        const struct walk_step *s = &w->steps[i];

        if (s->mark_only)
            continue;
        if (s->kind == STEP_ITEM)
            buf_printf(out, "/%zu", s->index);
        else
            config_mark_add(out, s->name);
    }
}

static void shown(const struct conf_walk *w, struct buf *out)
{
    const char *dot = " ";

    for (size_t i = 0; i < kept(w); i++) {
        const struct walk_step *s = &w->steps[i];

        if (s->mark_only)
            continue;
        if (s->kind == STEP_ITEM) {
            buf_printf(out, "[%zu]", s->index + 1);
            dot = ".";
        } else if (s->kind == STEP_NAMED) {
            buf_printf(out, " \"%.*s\"", s->name.n > 80 ? 80 : (int)s->name.n,
                       s->name.p);
        } else {
            buf_printf(out, "%s%.*s", i ? dot : "",
                       s->name.n > 80 ? 80 : (int)s->name.n, s->name.p);
            dot = i ? "." : " ";
        }
    }
}

static void mark_path(const struct conf_walk *w, size_t depth, struct buf *out)
{
    for (size_t i = 0; i < depth; i++) {
        const struct walk_step *s = &w->steps[i];

        if (s->implied)
            continue;
        if (s->kind == STEP_ITEM)
            buf_printf(out, "//%zu", s->index);
        else
            config_mark_add(out, s->name);
    }
}

/* The last step leaves no trace in the marks where the file has none. */
static void imply_unmarked(struct conf_walk *w)
{
    struct buf path = BUF_INIT(PATH_BYTES);

    mark_path(w, kept(w), &path);
    if (w->depth <= WALK_DEPTH &&
        !json_object_getn(w->marks, buf_str(&path).p, buf_len(&path)))
        w->steps[w->depth - 1].implied = true;
    buf_clear(&path);
}

void walk_item(struct conf_walk *w, size_t index)
{
    push(w, (struct walk_step){.kind = STEP_ITEM, .index = index});
    imply_unmarked(w); /* one value in place of a list */
}

void walk_maybe(struct conf_walk *w, const char *key)
{
    walk_member(w, key);
    imply_unmarked(w);
}

/* The nearest mark at or above here, or NULL. */
static const char *mark_here(const struct conf_walk *w)
{
    struct buf path = BUF_INIT(PATH_BYTES);
    const char *found = NULL;

    for (size_t n = kept(w); w->marks && n > 0 && !found; n--) {
        buf_reset(&path);
        mark_path(w, n, &path);
        found = json_string_value(
            json_object_getn(w->marks, buf_str(&path).p, buf_len(&path)));
    }
    buf_clear(&path);
    return found;
}

void walk_place(const struct conf_walk *w, char *out, size_t out_size)
{
    struct buf path = BUF_INIT(PATH_BYTES);
    const char *mark = mark_here(w);

    if (!mark)
        pointer(w, &path);
    if (mark)
        snprintf(out, out_size, "%s", mark);
    else
        snprintf(out, out_size, STR_FMT, STR_ARG(buf_str(&path)));
    buf_clear(&path);
}

int walk_fail(struct conf_walk *w, const char *fmt, ...)
{
    struct buf path = BUF_INIT(PATH_BYTES);
    char at[128], msg[320];
    va_list ap;
    int rc;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    shown(w, &path);
    walk_place(w, at, sizeof at);
    rc = err_at(w->err, ERR_CONFIG, at, STR_FMT "%s%s",
                STR_ARG(buf_str(&path)), buf_len(&path) ? ": " : "", msg);
    buf_clear(&path);
    return rc;
}

int walk_no_such(struct conf_walk *w, const char *what, const char *name,
                 const json_t *all)
{
    struct conf_near near;
    const char *other;
    json_t *v;

    conf_near_init(&near, str_of(name));
    json_object_foreach((json_t *)all, other, v)
        conf_near_offer(&near, str_of(other));
    if (near.best.p)
        return walk_fail(w, "there is no %s \"%.64s\"; did you mean \"" STR_FMT
                         "\"?", what, name, STR_ARG(near.best));
    return walk_fail(w, "there is no %s \"%.64s\"", what, name);
}

void walk_why(struct conf_walk *w, const char *from)
{
    struct buf path = BUF_INIT(PATH_BYTES);
    char at[128];

    if (!w->why)
        return;
    pointer(w, &path);
    walk_place(w, at, sizeof at);
    if (!from)
        from = w->marks ? at : "the file";
    json_object_setn_new(w->why, buf_str(&path).p, buf_len(&path),
                         json_string(from));
    buf_clear(&path);
}

static void order_below(const struct conf_row *row, json_t *v)
{
    enum conf_scope_id scope = conf_row_scope(row);
    const char *name;
    json_t *item;
    size_t i;

    if (row->form == CONF_LIST) {
        json_array_foreach(v, i, item)
            config_order(scope, item);
    } else if (row->form == CONF_NAMED) {
        json_object_foreach(v, name, item)
            config_order(scope, item);
    } else {
        config_order(scope, v);
    }
}

void config_order(enum conf_scope_id scope, json_t *object)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        json_t *v = json_object_get(object, row->key);

        if (row->scope != scope || !v)
            continue;
        json_incref(v); /* taken out and put in again: it becomes the last */
        json_object_del(object, row->key);
        json_object_set_new(object, row->key, v);
        if (row->type == CONF_OBJECT)
            order_below(row, v);
    }
}
