/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A JSON text and, behind a byte FF, edits of it, one a line: "=/a 1" sets,
 * "-/a" removes, ">/a /b" renames. What the scanner takes must be a sound
 * index, and what the edits leave must be JSON again.
 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

static void check_node(const struct json *j, uint32_t i, struct arena *a)
{
    const struct json_node *n = &j->nodes[i];
    struct str text = json_text(j, i, a), name = json_name(j, i, a);
    uint32_t at = n->start;

    MUST(n->start < n->end && n->end <= j->size);
    MUST(n->next > i && n->next <= j->count);
    MUST((n->type == JSON_T_STRING) == (text.p != NULL));
    MUST(!text.p || str_utf8_valid(text));
    MUST((n->key != 0) == (name.p != NULL));
    for (uint32_t c = json_first(j, i); c != JSON_NONE;
         c = json_sibling(j, i, c)) {
        MUST(j->nodes[c].start > at && j->nodes[c].end < n->end);
        MUST(j->nodes[c].depth == n->depth + 1);
        at = j->nodes[c].end;
    }
}

static void edit(struct json_edits *e, struct str line)
{
    char verb = line.n ? line.p[0] : 0;
    struct str rest = { line.p + 1, line.n - 1 }, pointer;

    if (!verb)
        return;
    pointer = str_split(&rest, ' ');
    if (verb == '=')
        (void)json_edit_set(e, pointer, rest, NULL);
    else if (verb == '-')
        (void)json_edit_remove(e, pointer);
    else if (verb == '>')
        (void)json_edit_rename(e, pointer, rest, NULL);
    (void)json_edits_get(e, pointer);
}

static void check_edits(const struct json *j, struct str script,
                        struct arena *a)
{
    static const struct json_limits lim = { .dup_nowhere = true,
                                            .max_depth = 1000 };
    struct buf out = BUF_INIT(64 << 20);
    struct json_edits *e = json_edits_new(j, a);
    struct json again = { 0 };

    while (e && script.n)
        edit(e, str_split(&script, '\n'));
    if (e && json_edits_apply(e, &out) == 0) {
        MUST(json_scan(&again, buf_str(&out), &lim, NULL) == 0);
        MUST(!json_edits_empty(e) ||
             str_eq(buf_str(&out), (struct str){ j->text, j->size }));
    }
    json_clear(&again);
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str script = { (const char *)data, size }, text;
    struct arena *a = arena_new(64 << 20);
    struct json j = { 0 };
    struct err err = { 0 };
    int rc;

    text = str_split(&script, '\xFF');
    rc = json_scan(&j, text, NULL, &err);
    MUST(rc == -err.code);
    MUST(rc == 0 || (j.count == 0 && err.msg[0]));
    for (uint32_t i = 0; i < j.count; i++)
        check_node(&j, i, a);
    if (j.count) {
        struct str p = json_pointer(&j, j.count - 1, a);

        MUST(!p.p || json_at(&j, p) != JSON_NONE);
        check_edits(&j, script, a);
    }
    json_clear(&j);
    arena_free(a);
    return 0;
}
