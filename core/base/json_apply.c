/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Writing edited text: the edits of a subtree become span operations, sorted
 * by place; between them the text is copied as it stands. An operation that
 * lies inside what an earlier one took out is passed over.
 *
 * Commas: a removed child takes the comma before it, or, as long as no child
 * before it is left, the one behind it. Added ones stand behind the last.
 */
#include "base/json_overlay.h"

#include <stdlib.h>

#define GET_BYTES_MAX (64u << 20)

enum op_kind { OP_DROP, OP_NAME, OP_VALUE, OP_ADD, OP_ADD_COMMA };

struct op {
    uint32_t start, end; /* of the text; equal for insertions */
    enum op_kind kind;
    const struct json_edit *edit;
};

struct ops {
    struct op *at;
    size_t n, cap;
    bool failed; /* memory is out */
};

static void push(struct ops *ops, struct op op)
{
    if (ops->n == ops->cap) {
        size_t cap = ops->cap ? ops->cap * 2 : 16;
        struct op *at = realloc(ops->at, cap * sizeof *at);

        if (!at) {
            ops->failed = true;
            return;
        }
        ops->at = at;
        ops->cap = cap;
    }
    ops->at[ops->n++] = op;
}

/* Where a child starts: at its name, if it has one. */
static uint32_t begin_of(const struct json_node *n)
{
    return n->key ? n->key : n->start;
}

static void push_children(struct ops *ops, const struct json_edits *e,
                          const struct json_edit *edit)
{
    const struct json_node *nodes = e->j->nodes;
    uint32_t c = json_first(e->j, edit->node), before = JSON_NONE;
    uint32_t end = nodes[edit->node].start + 1;
    bool kept = false;

    for (; c != JSON_NONE; before = c, end = nodes[c].end,
                           c = json_sibling(e->j, edit->node, c)) {
        const struct json_edit *child = json_edit_of(e, c);
        uint32_t next = json_sibling(e->j, edit->node, c);
        struct op op = { begin_of(&nodes[c]), nodes[c].end, OP_DROP, child };

        if (!child || !child->removed) {
            kept = true;
            continue;
        }
        if (kept)
            op.start = nodes[before].end;
        else if (next != JSON_NONE)
            op.end = begin_of(&nodes[next]);
        push(ops, op);
    }
    if (edit->added)
        push(ops,
             (struct op){ end, end, kept ? OP_ADD_COMMA : OP_ADD, edit });
}

static void push_edit(struct ops *ops, const struct json_edits *e,
                      const struct json_edit *edit)
{
    const struct json_node *n = &e->j->nodes[edit->node];

    if (edit->removed)
        return; /* its parent's children are gone through */
    if (edit->name.p)
        push(ops, (struct op){ n->key, n->key_end, OP_NAME, edit });
    if (edit->value.raw.p)
        push(ops, (struct op){ n->start, n->end, OP_VALUE, edit });
    else if (edit->lost_child || edit->added)
        push_children(ops, e, edit);
}

static int by_start(const void *a, const void *b)
{
    const struct op *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

static int put_node(const struct json_edits *e, uint32_t node,
                    struct buf *out);

static int put_value(const struct json_value *v, struct buf *out)
{
    return v->inner ? put_node(v->inner, 0, out) : buf_put(out, v->raw);
}

static int put_added(const struct json_added *x, bool comma, struct buf *out)
{
    int rc = 0;

    for (; !rc && x; x = x->next, comma = true) {
        if (comma)
            rc = buf_putc(out, ',');
        if (!rc && x->name.p)
            rc = buf_json_str(out, x->name);
        if (!rc && x->name.p)
            rc = buf_putc(out, ':');
        if (!rc)
            rc = put_value(&x->value, out);
    }
    return rc;
}

static int put_op(const struct op *op, struct buf *out)
{
    switch (op->kind) {
    case OP_NAME:
        return buf_json_str(out, op->edit->name);
    case OP_VALUE:
        return put_value(&op->edit->value, out);
    case OP_ADD:
    case OP_ADD_COMMA:
        return put_added(op->edit->added, op->kind == OP_ADD_COMMA, out);
    case OP_DROP:
        break;
    }
    return 0;
}

static int put_span(const struct json *j, uint32_t from, uint32_t to,
                    struct buf *out)
{
    return buf_put(out, (struct str){ j->text + from, to - from });
}

static int put_ops(const struct json *j, uint32_t node, const struct ops *ops,
                   struct buf *out)
{
    uint32_t pos = j->nodes[node].start;
    int rc = 0;

    for (size_t i = 0; !rc && i < ops->n; i++) {
        const struct op *op = &ops->at[i];

        if (op->start < pos)
            continue;
        rc = put_span(j, pos, op->start, out);
        if (!rc)
            rc = put_op(op, out);
        pos = op->end;
    }
    return rc ? rc : put_span(j, pos, j->nodes[node].end, out);
}

/*
 * A node's text after the edits. Calls itself through values that were put
 * in and edited again: at most as deep as a pointer has tokens.
 */
static int put_node(const struct json_edits *e, uint32_t node,
                    struct buf *out)
{
    uint32_t end = e->j->nodes[node].next;
    struct ops ops = { 0 };
    int rc;

    for (uint32_t i = json_edit_from(e, node);
         i < e->n && e->at[i]->node < end; i++)
        push_edit(&ops, e, e->at[i]);
    if (ops.n)
        qsort(ops.at, ops.n, sizeof *ops.at, by_start);
    rc = ops.failed ? -ERR_NOMEM : put_ops(e->j, node, &ops, out);
    free(ops.at);
    return rc;
}

int json_edits_apply(const struct json_edits *e, struct buf *out)
{
    const struct json_node *top = &e->j->nodes[0];
    int rc = put_span(e->j, 0, top->start, out);

    if (!rc)
        rc = put_node(e, 0, out);
    return rc ? rc : put_span(e->j, top->end, e->j->size, out);
}

bool json_edits_empty(const struct json_edits *e)
{
    return e->n == 0;
}

static bool is_touched(const struct json_edits *e, uint32_t node)
{
    uint32_t i = json_edit_from(e, node);

    return i < e->n && e->at[i]->node < e->j->nodes[node].next;
}

struct str json_edits_get(const struct json_edits *e, struct str pointer)
{
    struct buf b = BUF_INIT(GET_BYTES_MAX);
    struct str out = STR_NULL;
    const struct json_value *v;
    struct json_place p;
    int rc;

    /* Looking only caches the index of a value that was put in. */
    if (!json_pointer_valid(pointer) ||
        json_place_find((struct json_edits *)(uintptr_t)e, pointer, &p) ||
        p.rest.n)
        return STR_NULL;
    v = json_place_value(&p);
    if (v && (!v->inner || json_edits_empty(v->inner)))
        return v->raw;
    if (!v && !is_touched(p.e, p.node))
        return json_raw(p.e->j, p.node);
    rc = v ? put_value(v, &b) : put_node(p.e, p.node, &b);
    if (!rc)
        out = arena_dup(e->a, buf_str(&b));
    buf_clear(&b);
    return out;
}

int json_edits_has(const struct json_edits *e, struct str pointer)
{
    struct json_place p;
    int rc;

    if (!json_pointer_valid(pointer))
        return 0;
    rc = json_place_find((struct json_edits *)(uintptr_t)e, pointer, &p);
    return rc ? rc : !p.rest.n;
}
