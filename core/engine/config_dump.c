/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A canonical tree as a text that conf_lua reads back: the order of
 * config.def, names quoted where Lua needs it, references as calls.
 */
#include "engine/config_dump.h"

#include "engine/config.h"
#include "engine/config_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DUMP_DEPTH = 64, POINTER_MAX = 8 << 10 };

struct dump {
    struct buf *out;
    const json_t *why;
    struct buf path; /* JSON Pointer of what is being written */
    int depth;
    int rc;
};

static void put(struct dump *d, struct str s)
{
    if (d->rc == 0)
        d->rc = buf_put(d->out, s);
}

static void puts_(struct dump *d, const char *z)
{
    put(d, str_of(z));
}

static void indent(struct dump *d)
{
    puts_(d, "\n");
    for (int i = 0; i < d->depth; i++)
        puts_(d, "    ");
}

/* A Lua text: control characters as \ddd, everything else as it is. */
static void put_text(struct dump *d, struct str s)
{
    char escape[8];

    puts_(d, "\"");
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            snprintf(escape, sizeof escape, "\\%03d", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        puts_(d, escape);
    }
    puts_(d, "\"");
}

static void put_name(struct dump *d, const char *name)
{
    static const char *const words =
        "and|break|do|else|elseif|end|false|for|function|goto|if|in|local|nil|"
        "not|or|repeat|return|then|true|until|while";
    bool plain = isalpha((unsigned char)name[0]) || name[0] == '_';

    for (const char *p = name; *p; p++)
        plain = plain && (isalnum((unsigned char)*p) || *p == '_');
    for (struct str rest = str_of(words); rest.p;)
        plain = !str_is(str_split(&rest, '|'), name) && plain;
    if (!plain)
        puts_(d, "[");
    if (plain)
        puts_(d, name);
    else
        put_text(d, str_of(name));
    puts_(d, plain ? " = " : "] = ");
}

static void put_reference(struct dump *d, const json_t *ref)
{
    const char *def = json_string_value(json_object_get(ref, "default"));
    const char *kind;
    json_t *arg;

    json_object_foreach((json_t *)ref, kind, arg) {
        if (kind[0] != '$')
            continue;
        puts_(d, kind + 1);
        puts_(d, def ? "(" : " ");
        put_text(d, str_of(json_string_value(arg)));
    }
    if (!def)
        return;
    puts_(d, ", ");
    put_text(d, str_of(def));
    puts_(d, ")");
}

/* " -- where it came from" for the value at the path. */
static void put_why(struct dump *d)
{
    struct str path = buf_str(&d->path);
    const char *from = json_string_value(
        d->why ? json_object_getn(d->why, path.p, path.n) : NULL);

    if (!from)
        return;
    puts_(d, " -- ");
    puts_(d, from);
}

static void put_value(struct dump *d, const json_t *v);

static size_t step(struct dump *d, const char *name, size_t index)
{
    size_t was = buf_len(&d->path);

    if (name)
        config_mark_add(&d->path, str_of(name));
    else
        buf_printf(&d->path, "/%zu", index);
    return was;
}

static void put_entry(struct dump *d, const char *name, size_t index,
                      const json_t *v)
{
    size_t was = step(d, name, index);

    indent(d);
    if (name)
        put_name(d, name);
    put_value(d, v);
    puts_(d, ",");
    put_why(d);
    d->path.n = d->path.off + was;
}

static void put_table(struct dump *d, const json_t *v)
{
    const char *name;
    json_t *item;
    size_t i;

    if (json_object_size(v) + json_array_size(v) == 0) {
        puts_(d, "{}");
        return;
    }
    puts_(d, "{");
    if (++d->depth > DUMP_DEPTH)
        d->rc = -ERR_LIMIT;
    if (d->rc == 0 && json_is_object(v)) {
        json_object_foreach((json_t *)v, name, item)
            put_entry(d, name, 0, item);
    } else if (d->rc == 0) {
        json_array_foreach(v, i, item)
            put_entry(d, NULL, i, item);
    }
    d->depth--;
    indent(d);
    puts_(d, "}");
}

static void put_value(struct dump *d, const json_t *v)
{
    char *text;

    if (json_is_string(v)) {
        put_text(d, (struct str){json_string_value(v), json_string_length(v)});
    } else if (secret_is_ref(v)) {
        put_reference(d, v);
    } else if (json_is_object(v) || json_is_array(v)) {
        put_table(d, v);
    } else {
        text = json_dumps(v, JSON_ENCODE_ANY);
        puts_(d, text ? text : "nil");
        free(text);
    }
}

static void put_blocks(struct dump *d, const char *kind, json_t *all)
{
    const char *name;
    json_t *v;

    json_object_foreach(all, name, v) {
        size_t was = step(d, name, 0);

        puts_(d, kind);
        puts_(d, " ");
        put_text(d, str_of(name));
        if (json_object_size(v)) {
            puts_(d, " ");
            put_value(d, v);
        }
        put_why(d);
        puts_(d, "\n");
        d->path.n = d->path.off + was;
    }
}

int config_dump_text(json_t *canonical, const json_t *why, struct buf *out)
{
    struct dump d = {.out = out, .why = why, .path = BUF_INIT(POINTER_MAX)};

    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        json_t *v = json_object_get(canonical, row->key);
        size_t was;

        if (row->scope != SCOPE_top || !v)
            continue;
        was = step(&d, row->key, 0);
        if (row->form == CONF_NAMED) {
            put_blocks(&d, row->key, v);
        } else {
            puts_(&d, row->key);
            puts_(&d, " ");
            put_value(&d, v);
            put_why(&d);
            puts_(&d, "\n");
        }
        d.path.n = d.path.off + was;
    }
    buf_clear(&d.path);
    return d.rc;
}
