/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "cli/yaml_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

enum { MERGED = 64 }; /* maps that one map may merge, all in all */

struct ytree {
    yaml_document_t doc;
    bool *taken; /* by node; [0] is none */
};

static int parse(struct ytree *t, FILE *f, const char *path, struct err *err)
{
    yaml_parser_t p;
    char at[300];
    int rc = 0;

    if (!yaml_parser_initialize(&p))
        return err_set(err, ERR_NOMEM, "memory is out");
    yaml_parser_set_input_file(&p, f);
    if (!yaml_parser_load(&p, &t->doc)) {
        snprintf(at, sizeof at, "%s:%zu", path, p.problem_mark.line + 1);
        rc = err_at(err, ERR_SYNTAX, at, "%s",
                    p.problem ? p.problem : "memory is out");
    }
    yaml_parser_delete(&p);
    return rc;
}

static size_t count(const struct ytree *t)
{
    return (size_t)(t->doc.nodes.top - t->doc.nodes.start);
}

struct ytree *ytree_read(const char *path, struct err *err)
{
    struct ytree *t = calloc(1, sizeof *t);
    FILE *f = fopen(path, "re");
    struct stat st;
    int rc = 0;

    if (!t || !f)
        rc = err_set(err, t ? ERR_CONFIG : ERR_NOMEM, "%s: %s", path,
                     strerror(errno));
    else if (fstat(fileno(f), &st) < 0 || st.st_size > YTREE_BYTES)
        rc = err_set(err, ERR_LIMIT, "%s is larger than %d bytes", path,
                     YTREE_BYTES);
    else
        rc = parse(t, f, path, err);
    if (f)
        fclose(f);
    if (rc) {
        free(t);
        return NULL;
    }
    if (count(t) <= YTREE_NODES)
        t->taken = calloc(count(t) + 1, sizeof *t->taken);
    if (t->taken)
        return t;
    err_set(err, ERR_LIMIT, "%s holds more than %d values", path,
            YTREE_NODES);
    ytree_free(t);
    return NULL;
}

void ytree_free(struct ytree *t)
{
    if (!t)
        return;
    yaml_document_delete(&t->doc);
    free(t->taken);
    free(t);
}

static yaml_node_t *node_of(const struct ytree *t, ynode n)
{
    return yaml_document_get_node((yaml_document_t *)&t->doc, n);
}

ynode ytree_top(const struct ytree *t)
{
    return count(t) ? 1 : 0; /* the library's root is the first node */
}

bool ytree_pair(const struct ytree *t, ynode map, size_t i, const char **key,
                ynode *value)
{
    yaml_node_t *v = node_of(t, map);
    yaml_node_pair_t *pair;

    if (!v || v->type != YAML_MAPPING_NODE ||
        i >= (size_t)(v->data.mapping.pairs.top - v->data.mapping.pairs.start))
        return false;
    pair = v->data.mapping.pairs.start + i;
    *key = ytree_text(t, pair->key);
    *key = *key ? *key : "";
    *value = pair->value;
    return true;
}

static ynode own(const struct ytree *t, ynode map, const char *key)
{
    const char *name;
    ynode value;

    for (size_t i = 0; ytree_pair(t, map, i, &name, &value); i++) {
        if (strcmp(name, key) == 0)
            return value;
    }
    return 0;
}

/* "<<" merges a map, or a list of maps; what is said beside it wins. */
static ynode at_merged(const struct ytree *t, ynode map, const char *key,
                       int *looks)
{
    ynode found = own(t, map, key), merged = found ? 0 : own(t, map, "<<");
    ynode one;

    if (found || !merged || --*looks < 0)
        return found;
    if (!ytree_item(t, merged, 0))
        return at_merged(t, merged, key, looks);
    for (size_t i = 0; !found && (one = ytree_item(t, merged, i)); i++)
        found = at_merged(t, one, key, looks);
    return found;
}

ynode ytree_at(const struct ytree *t, ynode map, const char *key)
{
    int looks = MERGED; /* an anchor may be merged into itself */

    return at_merged(t, map, key, &looks);
}

ynode ytree_take(struct ytree *t, ynode map, const char *key)
{
    ynode n = ytree_at(t, map, key);

    ytree_mark(t, n);
    return n;
}

ynode ytree_item(const struct ytree *t, ynode list, size_t i)
{
    yaml_node_t *v = node_of(t, list);

    if (!v || v->type != YAML_SEQUENCE_NODE ||
        i >= (size_t)(v->data.sequence.items.top -
                      v->data.sequence.items.start))
        return 0;
    return v->data.sequence.items.start[i];
}

const char *ytree_text(const struct ytree *t, ynode n)
{
    yaml_node_t *v = node_of(t, n);
    const char *s;

    if (!v || v->type != YAML_SCALAR_NODE)
        return NULL;
    s = (const char *)v->data.scalar.value;
    if (v->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (!*s || strcmp(s, "null") == 0 || strcmp(s, "~") == 0))
        return NULL;
    return s;
}

int ytree_line(const struct ytree *t, ynode n)
{
    yaml_node_t *v = node_of(t, n);

    return v ? (int)v->start_mark.line + 1 : 0;
}

void ytree_mark(struct ytree *t, ynode n)
{
    t->taken[n] = n != 0;
}

/* ---- what is left -------------------------------------------------------- */

struct rest {
    struct ytree *t;
    void (*fn)(void *ud, ynode n, const char *path);
    void *ud;
    char path[400];
};

static void walk(struct rest *r, ynode n, int depth)
{
    size_t end = strlen(r->path), room = sizeof r->path - end, i;
    const char *key;
    ynode v;

    if (!n || r->t->taken[n] || depth == YTREE_DEEP)
        return;
    ytree_mark(r->t, n); /* what anchors lead to again is told once */
    for (i = 0; ytree_pair(r->t, n, i, &key, &v); i++) {
        snprintf(r->path + end, room, "%s%s", end ? "." : "", key);
        walk(r, v, depth + 1);
    }
    for (size_t k = 0; (v = ytree_item(r->t, n, k)); k++, i++) {
        snprintf(r->path + end, room, "[%zu]", k);
        walk(r, v, depth + 1);
    }
    r->path[end] = '\0';
    if (!i)
        r->fn(r->ud, n, r->path);
}

void ytree_untaken(struct ytree *t,
                   void (*fn)(void *ud, ynode n, const char *path), void *ud)
{
    struct rest r = { .t = t, .fn = fn, .ud = ud };

    walk(&r, ytree_top(t), 0);
}
