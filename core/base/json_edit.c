/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Making edits: finding the place under the edits so far, then noting there
 * what becomes of it. The text is not touched; json_apply.c writes. */
#include "base/json_overlay.h"

#define POINTER_DEPTH_MAX 128
#define VALUE_BYTES_MAX (64u << 20)

static int check_pointer(struct str pointer, struct err *err)
{
    uint32_t depth = 0;

    if (!json_pointer_valid(pointer) || !str_utf8_valid(pointer))
        return err_set(err, ERR_SYNTAX, "not a JSON Pointer");
    for (size_t i = 0; i < pointer.n; i++)
        depth += pointer.p[i] == '/';
    if (depth > POINTER_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "JSON Pointer deeper than %d",
                       POINTER_DEPTH_MAX);
    return 0;
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

static void unlink_added(struct json_edit *edit, struct json_added *gone)
{
    struct json_added **at = &edit->added;
    struct json_added *last = NULL;

    for (; *at; last = *at, at = &(*at)->next) {
        if (*at != gone)
            continue;
        *at = gone->next;
        if (edit->added_last == gone)
            edit->added_last = last;
        return;
    }
}

/* Remove one place; 0 or -ERR_NOMEM. */
static int remove_place(const struct json_place *p)
{
    struct json_edit *parent = json_edit_for(p->e, p->parent);
    struct json_edit *edit;

    if (!parent)
        return -ERR_NOMEM;
    if (p->added) {
        unlink_added(parent, p->added);
        return 0;
    }
    edit = json_edit_for(p->e, p->node);
    if (!edit)
        return -ERR_NOMEM;
    edit->removed = true;
    parent->lost_child = true;
    p->e->hides = true;
    return 0;
}

/*
 * Remove what has this name in the object, but for `keep`. Each name stands
 * there once at most, but for the text's own duplicates: all go, in one pass.
 */
static int remove_named(const struct json_place *keep, uint32_t object,
                        struct json_chars name)
{
    struct json_place p = *keep;
    uint32_t c = json_first(p.e->j, object);
    int rc = 0;

    p.parent = object;
    p.added = NULL;
    for (; !rc && c != JSON_NONE; c = json_sibling(p.e->j, object, c)) {
        p.node = c;
        if (c != keep->node && json_is_named(p.e, c, name))
            rc = remove_place(&p);
    }
    json_find_member(&p, object, name);
    if (!rc && p.added && p.added != keep->added)
        rc = remove_place(&p);
    return rc;
}

static struct json_chars last_token(struct str pointer)
{
    struct json_chars token = { STR_NULL, JSON_SPELL_PLAIN };

    while (pointer.n)
        token = json_token(&pointer);
    return token;
}

static struct str plain_token(struct json_chars token, struct arena *a)
{
    char *p = arena_alloc(a, token.s.n + 1);

    return p ? (struct str){ p, json_chars_put(token, p) } : STR_NULL;
}

static int put_at(struct json_place *p, struct str value)
{
    struct json_edit *edit;

    if (p->added) {
        p->added->value = (struct json_value){ value, NULL };
        return 0;
    }
    edit = json_edit_for(p->e, p->node);
    if (!edit)
        return -ERR_NOMEM;
    edit->value = (struct json_value){ value, NULL };
    return 0;
}

/* Give a found place a value; other members of its name go. */
static int replace(struct json_place *p, struct str pointer, struct str value)
{
    int rc = 0;

    if (p->parent != JSON_NONE &&
        p->e->j->nodes[p->parent].type == JSON_T_OBJECT)
        rc = remove_named(p, p->parent, last_token(pointer));
    return rc ? rc : put_at(p, value);
}

static int add(struct json_place *p, struct str name, struct str value)
{
    struct json_edit *edit = json_edit_for(p->e, p->node);
    struct json_added *x = arena_alloc(p->e->a, sizeof *x);

    if (!edit || !x)
        return -ERR_NOMEM;
    x->name = name;
    x->value.raw = value;
    if (edit->added)
        edit->added_last->next = x;
    else
        edit->added = x;
    edit->added_last = x;
    return 0;
}

/* {"b":{"c":value}} for "/b/c"; p is NULL when memory is out. */
static struct str wrap(struct str rest, struct str value, struct arena *a)
{
    struct buf b = BUF_INIT(VALUE_BYTES_MAX);
    struct str out = STR_NULL;
    uint32_t depth = 0;
    int rc = 0;

    if (rest.n == 0)
        return value;
    for (; !rc && rest.n; depth++) {
        struct str name = plain_token(json_token(&rest), a);

        rc = name.p ? buf_putc(&b, '{') : -ERR_NOMEM;
        rc = rc ? rc : buf_json_str(&b, name);
        rc = rc ? rc : buf_putc(&b, ':');
    }
    rc = rc ? rc : buf_put(&b, value);
    for (; !rc && depth; depth--)
        rc = buf_putc(&b, '}');
    if (!rc)
        out = arena_dup(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

static uint32_t living_length(const struct json_place *p)
{
    const struct json_edit *edit = json_edit_of(p->e, p->node);
    uint32_t c = json_first(p->e->j, p->node), n = 0;

    for (; c != JSON_NONE; c = json_sibling(p->e->j, p->node, c))
        n += !json_is_removed(p->e, c);
    for (struct json_added *x = edit ? edit->added : NULL; x; x = x->next)
        n++;
    return n;
}

/* p->node is the last that is there; make what p->rest says is missing. */
static int create(struct json_place *p, struct str value, struct err *err)
{
    struct arena *a = p->e->a;
    struct str rest = p->rest, name = STR_NULL;
    struct json_chars token = json_token(&rest);
    uint8_t type = p->e->j->nodes[p->node].type;
    uint32_t index;

    if (type == JSON_T_NULL) { /* as good as absent: becomes an object */
        value = wrap(p->rest, value, a);
        return value.p && put_at(p, value) == 0 ? 0 : no_memory(err);
    }
    if (type == JSON_T_ARRAY && !str_is(token.s, "-") &&
        !(json_token_index(token, &index) && index == living_length(p)))
        return err_set(err, ERR_NOTFOUND, "no such element of the array");
    if (type != JSON_T_ARRAY && type != JSON_T_OBJECT)
        return err_set(err, ERR_NOTFOUND,
                       "there is a value that is no object on the way");
    value = wrap(rest, value, a);
    if (type == JSON_T_OBJECT)
        name = plain_token(token, a);
    if (!value.p || (type == JSON_T_OBJECT && !name.p) || add(p, name, value))
        return no_memory(err);
    return 0;
}

static int check_value(struct str value, struct err *err)
{
    struct json j = { 0 };
    int rc = json_scan(&j, value, &json_value_limits, err);

    json_clear(&j);
    return rc;
}

int json_edit_set(struct json_edits *e, struct str pointer, struct str value,
                  struct err *err)
{
    struct json_place p;
    int rc = check_pointer(pointer, err);

    if (!rc)
        rc = check_value(value, err);
    if (rc)
        return rc;
    value = arena_dup(e->a, value);
    if (!value.p || json_place_find(e, pointer, &p))
        return no_memory(err);
    if (p.rest.n)
        return create(&p, value, err);
    return replace(&p, pointer, value) ? no_memory(err) : 0;
}

int json_edit_set_node(struct json_edits *e, uint32_t node, struct str value,
                       struct err *err)
{
    struct json_place p = { .e = e, .node = node };
    int rc = node < e->j->count ? check_value(value, err)
                                : err_set(err, ERR_NOTFOUND, "no such node");

    if (rc)
        return rc;
    value = arena_dup(e->a, value);
    return value.p && put_at(&p, value) == 0 ? 0 : no_memory(err);
}

int json_edit_remove(struct json_edits *e, struct str pointer)
{
    struct json_place p;
    int rc = check_pointer(pointer, NULL);

    if (!rc && pointer.n == 0)
        rc = -ERR_SYNTAX;
    if (!rc)
        rc = json_place_find(e, pointer, &p);
    if (rc || p.rest.n)
        return rc;
    rc = remove_place(&p);
    if (!rc && p.e->j->nodes[p.parent].type == JSON_T_OBJECT)
        rc = remove_named(&p, p.parent, last_token(pointer));
    return rc;
}

/* Bytes of a pointer up to its last slash. */
static struct str parent_of(struct str pointer)
{
    while (pointer.n && pointer.p[pointer.n - 1] != '/')
        pointer.n--;
    return pointer;
}

static int rename_place(struct json_place *p, struct json_chars from,
                        struct json_chars to)
{
    struct str name = plain_token(to, p->e->a);
    struct json_edit *edit;

    if (!name.p || remove_named(p, p->parent, from) ||
        remove_named(p, p->parent, to))
        return -ERR_NOMEM;
    if (p->added) {
        p->added->name = name;
        return 0;
    }
    edit = json_edit_for(p->e, p->node);
    if (!edit)
        return -ERR_NOMEM;
    edit->name = name;
    p->e->hides = true;
    return 0;
}

int json_edit_rename(struct json_edits *e, struct str from, struct str to,
                     struct err *err)
{
    struct json_place p;
    int rc = check_pointer(from, err);

    if (!rc)
        rc = check_pointer(to, err);
    if (rc)
        return rc;
    if (!from.n || !str_eq(parent_of(from), parent_of(to)))
        return err_set(err, ERR_SYNTAX, "a rename stays in its object");
    if (json_place_find(e, from, &p))
        return no_memory(err);
    if (p.rest.n)
        return 0;
    if (p.e->j->nodes[p.parent].type != JSON_T_OBJECT)
        return err_set(err, ERR_SYNTAX, "array elements have no name");
    return rename_place(&p, last_token(from), last_token(to)) ? no_memory(err)
                                                              : 0;
}
