/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/error_detail.h"

#include "base/buf.h"

#define DETAILS_MAX 4
#define PLACES_MAX 16 /* of a path */
#define ITEM_MAX 100  /* bytes of a message */
#define PLACE_MAX 24  /* of each of a path's names */

static bool is_array(const struct json *j, uint32_t node)
{
    return node != JSON_NONE && j->nodes[node].type == JSON_T_ARRAY;
}

static struct str words(const struct json *j, uint32_t node, struct arena *a)
{
    if (node == JSON_NONE)
        return STR_NULL;
    if (j->nodes[node].type == JSON_T_STRING)
        return json_text(j, node, a);
    return j->nodes[node].type == JSON_T_NUMBER ? json_raw(j, node)
                                                : STR_NULL;
}

/* Not in the middle of a character. */
static struct str cut(struct str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max && ((unsigned char)s.p[max] & 0xC0) == 0x80)
        max--;
    return (struct str){ s.p, max };
}

static void put_place(const struct json *j, uint32_t loc, struct arena *a,
                      struct buf *out)
{
    const char *before = "";
    int n = 0;

    if (!is_array(j, loc))
        return;
    for (uint32_t p = json_first(j, loc); p != JSON_NONE && n < PLACES_MAX;
         p = json_sibling(j, loc, p), n++) {
        struct str name = cut(words(j, p, a), PLACE_MAX);

        if (buf_printf(out, "%s" STR_FMT, before, STR_ARG(name)))
            return; /* full */
        before = ".";
    }
    if (n)
        (void)buf_puts(out, ": ");
}

static void put_detail(const struct json *j, uint32_t item, struct arena *a,
                       struct buf *out)
{
    struct str msg = words(j, json_member(j, item, STR("msg")), a);
    struct buf one = BUF_INIT(PLACES_MAX * (PLACE_MAX + 1) + ITEM_MAX);

    if (!msg.n)
        return;
    put_place(j, json_member(j, item, STR("loc")), a, &one);
    if (buf_put(&one, cut(msg, ITEM_MAX)) == 0)
        (void)buf_printf(out, "%s" STR_FMT, out->n ? "; " : "",
                         STR_ARG(buf_str(&one)));
    buf_clear(&one);
}

struct str error_detail(const struct json *j, uint32_t object,
                        struct arena *a)
{
    struct buf out = BUF_INIT(512);
    struct str s = STR_NULL;
    uint32_t list = json_member(j, object, STR("detail"));
    int n = 0;

    if (!is_array(j, list))
        list = json_member(j, json_member(j, object, STR("message")),
                           STR("detail"));
    if (!is_array(j, list))
        return STR_NULL;
    for (uint32_t d = json_first(j, list); d != JSON_NONE && n < DETAILS_MAX;
         d = json_sibling(j, list, d), n++)
        put_detail(j, d, a, &out);
    if (buf_len(&out))
        s = arena_dup(a, buf_str(&out));
    buf_clear(&out);
    return s;
}
