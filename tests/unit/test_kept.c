/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Bundles to bytes and back: what comes back is what went in, less what must
 * not lie on a disk; and nothing that was cut or changed is believed. */
#include "engine/kept.h"

#include "base/snapshot.h"

#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#define CONFIG                                                                \
    "{\"policies\":[{\"name\":\"a\",\"path\":\"/etc/a.lua\"}],"               \
    "\"provider\":{\"s\":{\"vendor\":\"sim\",\"unix_socket\":"                \
    "\"/run/control.sock.sim/sock\"},\"o\":{\"vendor\":\"sim\","              \
    "\"unix_socket\":\"/mine\"}}}"

static struct snapshot *bundle(uint64_t number)
{
    static const char *const parts[][2] = {
        { "config", CONFIG },         { "secrets", "{\"x\":\"VALUE\"}" },
        { "policy/a", "return {}" },  { "key/0/0", "PRIVATE" },
        { "cert/0/0", "PEM" },        { "prices", "{}" },
        { "unheard/of", "SOMETHING" },
    };
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("config", number, &err);
    struct snapshot *s;
    int fd;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        UNIT_INT(snapshot_builder_add(b, str_of(parts[i][0]),
                                      str_of(parts[i][1]), &err), 0);
    fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    s = fd < 0 ? NULL : snapshot_open(fd, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    close(fd);
    return s;
}

static const struct kept_plugin plugin = { "sim", "sim-0123.so", "abcd",
                                           "1.2" };

static void encode(uint64_t number, struct buf *out)
{
    struct snapshot *s = bundle(number);
    struct err err = { 0 };

    UNIT_INT(kept_encode(s, &plugin, 1, out, &err), 0);
    snapshot_unref(s);
}

static bool holds(struct str bytes, const char *what)
{
    return str_find(bytes, str_of(what)) >= 0;
}

static void gives_back_what_may_be_kept(void)
{
    struct buf bytes = BUF_INIT(KEPT_BYTES_MAX);
    const struct kept_plugin *p;
    struct err err = { 0 };
    struct kept *k;
    json_t *tree, *providers;
    size_t n;

    encode(7, &bytes);
    k = kept_parse(buf_str(&bytes), &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(k);
    CU_ASSERT_EQUAL(kept_number(k), 7);
    CU_ASSERT(str_is(kept_section(k, "policy/a"), "return {}"));
    CU_ASSERT(str_is(kept_section(k, "prices"), "{}"));
    CU_ASSERT_PTR_NULL(kept_section(k, "secrets").p);
    CU_ASSERT(!holds(buf_str(&bytes), "VALUE"));
    CU_ASSERT(!holds(buf_str(&bytes), "PRIVATE"));
    CU_ASSERT(!holds(buf_str(&bytes), "PEM"));
    CU_ASSERT(!holds(buf_str(&bytes), "SOMETHING"));
    CU_ASSERT_STRING_EQUAL(kept_policy_path(k, "a"), "/etc/a.lua");
    CU_ASSERT_PTR_NULL(kept_policy_path(k, "b"));
    p = kept_plugins(k, &n);
    CU_ASSERT_EQUAL_FATAL(n, 1);
    CU_ASSERT_STRING_EQUAL(p->file, "sim-0123.so");
    CU_ASSERT_STRING_EQUAL(p->version, "1.2");
    tree = kept_tree(k);
    CU_ASSERT_PTR_NULL(json_object_get(
        json_array_get(json_object_get(tree, "policies"), 0), "path"));
    providers = json_object_get(tree, "provider");
    CU_ASSERT_PTR_NULL(
        json_object_get(json_object_get(providers, "s"), "unix_socket"));
    CU_ASSERT_PTR_NOT_NULL(
        json_object_get(json_object_get(providers, "o"), "unix_socket"));
    json_decref(tree);
    kept_free(k);
    buf_clear(&bytes);
}

static void the_content_is_what_is_decided(void)
{
    struct buf a = BUF_INIT(KEPT_BYTES_MAX), b = BUF_INIT(KEPT_BYTES_MAX);
    struct err err = { 0 };
    struct kept *x, *y;

    encode(7, &a);
    encode(8, &b);
    x = kept_parse(buf_str(&a), &err);
    y = kept_parse(buf_str(&b), &err);
    CU_ASSERT_FATAL(x && y);
    CU_ASSERT_STRING_EQUAL(kept_content(x), kept_content(y));
    kept_free(x);
    kept_free(y);
    buf_clear(&a);
    buf_clear(&b);
}

/** In a block of its size, so that a sanitizer sees what is read past it. */
static struct kept *parse(struct str s, struct err *err)
{
    char *own = malloc(s.n ? s.n : 1);
    struct kept *k;

    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    if (s.n)
        memcpy(own, s.p, s.n);
    *err = (struct err){ 0 };
    k = kept_parse((struct str){ own, s.n }, err);
    free(own);
    return k;
}

static void refuses_what_was_cut_anywhere(void)
{
    struct buf bytes = BUF_INIT(KEPT_BYTES_MAX);
    struct err err;
    struct str s;

    encode(7, &bytes);
    s = buf_str(&bytes);
    for (size_t n = 0; n < s.n; n++) {
        CU_ASSERT_PTR_NULL_FATAL(parse((struct str){ s.p, n }, &err));
        CU_ASSERT_EQUAL(err.code, ERR_CONFIG);
        CU_ASSERT(strstr(err.msg, "damaged") != NULL);
    }
    buf_clear(&bytes);
}

static void refuses_any_other_byte(void)
{
    struct buf bytes = BUF_INIT(KEPT_BYTES_MAX);
    struct err err;
    struct str s;

    encode(7, &bytes);
    s = buf_str(&bytes);
    for (size_t i = 0; i < s.n; i++) {
        bytes.p[i] ^= 1;
        CU_ASSERT_PTR_NULL_FATAL(parse(s, &err));
        bytes.p[i] ^= 1;
    }
    buf_clear(&bytes);
}

/** With the right hash before it, so that the rest must stand alone. */
static struct kept *sealed(const char *rest, struct err *err)
{
    struct buf all = BUF_INIT(4096);
    char hex[SHA256_HEX + 1];
    uint8_t digest[SHA256_BYTES];
    struct kept *k;

    sha256(str_of(rest), digest);
    hex_encode(digest, sizeof digest, hex);
    buf_printf(&all, "PENSTOCK-KEPT 1 %s\n%s", hex, rest);
    k = parse(buf_str(&all), err);
    buf_clear(&all);
    return k;
}

#define HEAD "{\"number\":1,\"content\":\"c\",\"plugins\":"

static void refuses_a_head_that_lies(void)
{
    static const char *const rows[] = {
        "", "{}", "{}\n", "[]\n", "{\"number\":1}\n",
        "{\"number\":-1,\"content\":\"c\"}\n", HEAD "[]}\n",
        HEAD "[{}],\"sections\":[]}\n",
        HEAD "[],\"sections\":[]}\n",
        HEAD "[],\"sections\":[]}\nx",
        HEAD "[],\"sections\":[{\"name\":\"config\",\"size\":3}]}\n{}",
        HEAD "[],\"sections\":[{\"name\":\"config\",\"size\":-2}]}\n{}",
        HEAD "[],\"sections\":[{\"name\":\"config\",\"size\":1}]}\n{}",
        HEAD "[],\"sections\":[{\"size\":2}]}\n{}",
        HEAD "[],\"sections\":[{\"name\":\"config\",\"size\":2}]}\n[]",
        HEAD "[],\"sections\":[{\"name\":\"x\",\"size\":2}]}\n{}",
        HEAD "[{\"name\":\"a\",\"file\":\"../b\",\"sha256\":\"c\"}],"
             "\"sections\":[{\"name\":\"config\",\"size\":2}]}\n{}",
    };
    struct err err;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT_PTR_NULL(sealed(rows[i], &err));
        CU_ASSERT(strstr(err.msg, "damaged") != NULL);
    }
    kept_free(sealed(HEAD "[],\"sections\":[{\"name\":\"config\","
                          "\"size\":2}]}\n{}", &err));
    CU_ASSERT_EQUAL(err.code, ERR_NONE);
}

UNIT_MAIN("kept",
          { "gives back what may be kept", gives_back_what_may_be_kept },
          { "the content is what is decided", the_content_is_what_is_decided },
          { "refuses what was cut anywhere", refuses_what_was_cut_anywhere },
          { "refuses any other byte", refuses_any_other_byte },
          { "refuses a head that lies", refuses_a_head_that_lies })
