/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Places in a JSON text, as paths without indexes: "messages[].content". */
#ifndef PENSTOCK_UNIT_JSON_PATHS_H
#define PENSTOCK_UNIT_JSON_PATHS_H

#include "base/arena.h"
#include "base/json.h"
#include "unit.h"

/* "/a/0/b" as "a[].b" */
static inline void path_put(struct buf *b, struct str pointer)
{
    bool index = false;

    for (size_t i = 1; i < pointer.n; i++) {
        char c = pointer.p[i];
        bool digit = c >= '0' && c <= '9' &&
                     (index || pointer.p[i - 1] == '/');

        if (digit && !index)
            buf_puts(b, "[]");
        else if (!digit && c == '/')
            buf_puts(b, i + 1 < pointer.n && pointer.p[i + 1] >= '0' &&
                                pointer.p[i + 1] <= '9' ? "" : ".");
        else if (!digit)
            buf_putc(b, c);
        index = digit;
    }
}

/* One more path, once: "`a`, `b`" */
static inline bool paths_add(struct buf *b, struct str pointer)
{
    struct buf one = BUF_INIT(4096);
    bool again;

    buf_putc(&one, '`');
    path_put(&one, pointer);
    buf_putc(&one, '`');
    again = str_find(buf_str(b), buf_str(&one)) >= 0;
    if (!again)
        buf_printf(b, "%s" STR_FMT, buf_len(b) ? ", " : "",
                   STR_ARG(buf_str(&one)));
    buf_clear(&one);
    return !again;
}

static inline bool is_leaf(const struct json *j, uint32_t node)
{
    return (j->nodes[node].type != JSON_T_OBJECT &&
            j->nodes[node].type != JSON_T_ARRAY) ||
           json_first(j, node) == JSON_NONE;
}

/* All places of a mark: strings that hold it, members that are named so,
 * numbers that are it. */
static inline int paths_with(struct buf *b, struct str text, const char *mark)
{
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };
    int n = 0;

    CU_ASSERT_FATAL(json_scan(&j, text, NULL, NULL) == 0);
    for (uint32_t i = 0; i < j.count; i++) {
        struct str raw = json_raw(&j, i), at = json_pointer(&j, i, a);
        bool hit = j.nodes[i].type == JSON_T_STRING
                       ? str_find(raw, str_of(mark)) >= 0
                       : str_is(raw, mark);
        ptrdiff_t named = str_find(at, str_of(mark));

        if (named > 0 && (size_t)named + strlen(mark) == at.n) {
            at.n = (size_t)named - 1;
            hit = true;
        }
        n += hit && paths_add(b, at);
    }
    json_clear(&j);
    arena_free(a);
    return n;
}

static inline bool path_has(const struct json *j, struct str pointer,
                            struct str raw)
{
    uint32_t node = json_at(j, pointer);

    return node != JSON_NONE && str_eq(json_raw(j, node), raw);
}

/* Places whose value is not the same in `without`. */
static inline int paths_new(struct buf *b, struct str text,
                            struct str without)
{
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 }, k = { 0 };
    int n = 0;

    CU_ASSERT_FATAL(json_scan(&j, text, NULL, NULL) == 0);
    CU_ASSERT_FATAL(json_scan(&k, without, NULL, NULL) == 0);
    for (uint32_t i = 0; i < j.count; i++) {
        struct str at = json_pointer(&j, i, a);

        if (is_leaf(&j, i) && !path_has(&k, at, json_raw(&j, i)))
            n += paths_add(b, at);
    }
    json_clear(&j);
    json_clear(&k);
    arena_free(a);
    return n;
}

/* Nothing is new: what is in `without` alone was said by leaving it out. */
static inline void paths_changed(struct buf *b, struct str text,
                                 struct str without)
{
    struct buf gone = BUF_INIT(1 << 16);

    if (!paths_new(b, text, without) && paths_new(&gone, without, text)) {
        struct str all = buf_str(&gone);

        buf_printf(b, "no " STR_FMT, STR_ARG(str_split(&all, ',')));
    }
    buf_clear(&gone);
}

#endif
