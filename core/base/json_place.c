/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Finding things under the edits so far: the edit of a node, a member by its
 * present name, the place where a pointer leads. */
#include "base/json_overlay.h"

const struct json_limits json_value_limits = { .dup_nowhere = true };

struct json_edits *json_edits_new(const struct json *j, struct arena *a)
{
    struct json_edits *e = j->count ? arena_alloc(a, sizeof *e) : NULL;

    if (!e)
        return NULL;
    e->j = j;
    e->a = a;
    return e;
}

uint32_t json_edit_from(const struct json_edits *e, uint32_t node)
{
    uint32_t lo = 0, hi = e->n;

    if (hi && e->at[hi - 1]->node < node)
        return hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (e->at[mid]->node < node)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct json_edit *json_edit_of(const struct json_edits *e, uint32_t node)
{
    uint32_t i = json_edit_from(e, node);

    return i < e->n && e->at[i]->node == node ? e->at[i] : NULL;
}

/* The edit of a node, made where there is none; NULL when memory is out. */
struct json_edit *json_edit_for(struct json_edits *e, uint32_t node)
{
    uint32_t i = json_edit_from(e, node);
    struct json_edit *edit;

    if (i < e->n && e->at[i]->node == node)
        return e->at[i];
    if (e->n == e->cap) {
        uint32_t cap = e->cap ? e->cap * 2 : 8;
        struct json_edit **at = arena_alloc(e->a, cap * sizeof *at);

        if (!at)
            return NULL;
        if (e->n)
            memcpy(at, e->at, e->n * sizeof *at);
        e->at = at;
        e->cap = cap;
    }
    edit = arena_alloc(e->a, sizeof *edit);
    if (!edit)
        return NULL;
    edit->node = node;
    memmove(e->at + i + 1, e->at + i, (e->n - i) * sizeof *e->at);
    e->at[i] = edit;
    e->n++;
    return edit;
}

/* Does this child still stand there, under this name? */
bool json_is_named(const struct json_edits *e, uint32_t child,
                     struct json_chars name)
{
    const struct json_edit *edit = e->hides ? json_edit_of(e, child) : NULL;

    if (edit && edit->removed)
        return false;
    if (edit && edit->name.p)
        return json_chars_eq(
            (struct json_chars){ edit->name, JSON_SPELL_PLAIN }, name);
    return json_chars_eq(json_name_chars(e->j, child), name);
}

bool json_is_removed(const struct json_edits *e, uint32_t child)
{
    const struct json_edit *edit = e->hides ? json_edit_of(e, child) : NULL;

    return edit && edit->removed;
}

void json_find_member(struct json_place *p, uint32_t object,
                        struct json_chars name)
{
    const struct json_edit *edit = json_edit_of(p->e, object);
    uint32_t c = json_first(p->e->j, object);

    p->node = JSON_NONE;
    p->added = NULL;
    for (; c != JSON_NONE; c = json_sibling(p->e->j, object, c)) {
        if (json_is_named(p->e, c, name))
            p->node = c;
    }
    for (struct json_added *x = edit ? edit->added : NULL; x; x = x->next) {
        if (json_chars_eq((struct json_chars){ x->name, JSON_SPELL_PLAIN },
                          name))
            p->added = x;
    }
    if (p->added)
        p->node = JSON_NONE;
}

static void find_element(struct json_place *p, uint32_t array,
                         struct json_chars token)
{
    const struct json_edit *edit = json_edit_of(p->e, array);
    uint32_t c = json_first(p->e->j, array), left;

    p->node = JSON_NONE;
    p->added = NULL;
    if (!json_token_index(token, &left))
        return;
    for (; c != JSON_NONE; c = json_sibling(p->e->j, array, c)) {
        if (json_is_removed(p->e, c))
            continue;
        if (left-- == 0) {
            p->node = c;
            return;
        }
    }
    p->added = edit ? edit->added : NULL;
    for (; p->added && left; left--)
        p->added = p->added->next;
}

struct json_value *json_place_value(const struct json_place *p)
{
    struct json_edit *edit;

    if (p->added)
        return &p->added->value;
    edit = json_edit_of(p->e, p->node);
    return edit && edit->value.raw.p ? &edit->value : NULL;
}

static void clear_index(void *j)
{
    json_clear(j);
}

/* The edits of a value that was put in; NULL when memory is out. */
static struct json_edits *inner_of(struct arena *a, struct json_value *v)
{
    struct json *j;

    if (v->inner)
        return v->inner;
    j = arena_alloc(a, sizeof *j);
    if (!j || arena_defer(a, clear_index, j))
        return NULL;
    if (json_scan(j, v->raw, &json_value_limits, NULL) == 0)
        v->inner = json_edits_new(j, a);
    return v->inner;
}

int json_place_find(struct json_edits *e, struct str pointer,
                    struct json_place *p)
{
    *p = (struct json_place){ .e = e, .parent = JSON_NONE };
    while (pointer.n) {
        struct json_value *v;
        struct json_chars token;
        uint32_t container;

        while ((v = json_place_value(p))) {
            struct json_edits *inner = inner_of(e->a, v);

            if (!inner)
                return -ERR_NOMEM;
            *p = (struct json_place){ .e = inner, .parent = JSON_NONE };
        }
        p->rest = pointer;
        token = json_token(&pointer);
        container = p->node;
        if (p->e->j->nodes[container].type == JSON_T_OBJECT)
            json_find_member(p, container, token);
        else
            find_element(p, container, token);
        if (p->node == JSON_NONE && !p->added) {
            p->node = container;
            return 0;
        }
        p->parent = container;
    }
    p->rest = STR_NULL;
    return 0;
}
