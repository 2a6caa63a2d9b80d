/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * hiredis builds a reply through functions of ours, which count what they
 * give: a list is made when its length is read, before any element came, so
 * that the length alone must be refused. Elements lie in their list; hiredis
 * knows where by the task's index.
 */
#include "net/redis_codec.h"

#include "base/err.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#if HIREDIS_MAJOR >= 1
#define LIST_LENGTH size_t
#else
#define LIST_LENGTH int
#endif

struct redis_codec {
    redisReader *reader;
    size_t bytes, elements; /* of the reply that is being built */
    bool over;              /* a limit was passed */
    bool alien;             /* RESP3, which newer hiredis reads */
};

/* Where the value goes: the root, or a place in a list. */
static struct resp *place(const redisReadTask *t, struct redis_codec *c)
{
    struct resp *list = t->parent ? t->parent->obj : NULL;

    if (++c->elements > REDIS_ELEMENTS_MAX) {
        c->over = true;
        return NULL;
    }
    return list ? &list->list[t->idx] : resp_new();
}

/* The root was made by us and is not hiredis's yet. */
static void *give_up(const redisReadTask *t, struct resp *r)
{
    if (!t->parent)
        resp_free(r);
    return NULL;
}

static void *on_text(const redisReadTask *t, char *p, size_t n)
{
    struct redis_codec *c = t->privdata;
    struct resp *r;
    enum resp_type type = t->type == REDIS_REPLY_ERROR    ? RESP_ERROR
                          : t->type == REDIS_REPLY_STATUS ? RESP_STATUS
                                                          : RESP_STRING;

    c->alien |= type == RESP_STRING && t->type != REDIS_REPLY_STRING;
    r = c->alien ? NULL : place(t, c);
    if (!r)
        return NULL;
    c->bytes += n;
    c->over |= c->bytes > REDIS_REPLY_MAX;
    if (c->over || !resp_set_text(r, type, (struct str){ p, n }))
        return give_up(t, r);
    return r;
}

static void *on_list(const redisReadTask *t, LIST_LENGTH n)
{
    struct redis_codec *c = t->privdata;
    struct resp *r;
    int depth = 1;

    c->alien |= t->type != REDIS_REPLY_ARRAY;
    r = c->alien ? NULL : place(t, c);
    if (!r)
        return NULL;
    for (const redisReadTask *up = t->parent; up; up = up->parent)
        depth++;
    c->over |= depth > REDIS_DEPTH_MAX ||
               (size_t)n > REDIS_ELEMENTS_MAX - c->elements;
    if (c->over || !resp_set_list(r, (size_t)n))
        return give_up(t, r);
    return r;
}

static void *on_integer(const redisReadTask *t, long long i)
{
    struct resp *r = place(t, t->privdata);

    if (r)
        resp_set_int(r, i);
    return r;
}

static void *on_nil(const redisReadTask *t)
{
    return place(t, t->privdata);
}

#if HIREDIS_MAJOR >= 1
static void *on_double(const redisReadTask *t, double d, char *p, size_t n)
{
    struct redis_codec *c = t->privdata;

    c->alien = true;
    (void)d;
    (void)p;
    (void)n;
    return NULL;
}

static void *on_bool(const redisReadTask *t, int b)
{
    struct redis_codec *c = t->privdata;

    c->alien = true;
    (void)b;
    return NULL;
}
#endif

static void on_free(void *root)
{
    resp_free(root);
}

static redisReplyObjectFunctions functions = {
    .createString = on_text,
    .createArray = on_list,
    .createInteger = on_integer,
    .createNil = on_nil,
#if HIREDIS_MAJOR >= 1
    .createDouble = on_double,
    .createBool = on_bool,
#endif
    .freeObject = on_free,
};

struct redis_codec *redis_codec_new(void)
{
    struct redis_codec *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->reader = redisReaderCreateWithFunctions(&functions);
    if (!c->reader) {
        free(c);
        return NULL;
    }
    c->reader->privdata = c;
    return c;
}

void redis_codec_free(struct redis_codec *c)
{
    if (!c)
        return;
    redisReaderFree(c->reader);
    free(c);
}

int redis_codec_feed(struct redis_codec *c, struct str bytes)
{
    /* what is left there is less than one reply, or one that is too large */
    if (c->reader->len - c->reader->pos > REDIS_REPLY_MAX)
        return -ERR_LIMIT;
    return redisReaderFeed(c->reader, bytes.p, bytes.n) == REDIS_OK
               ? 0 : -ERR_NOMEM;
}

int redis_codec_next(struct redis_codec *c, struct resp **out)
{
    void *reply = NULL;

    if (redisReaderGetReply(c->reader, &reply) != REDIS_OK)
        return c->over ? -ERR_LIMIT
               : c->alien || c->reader->err == REDIS_ERR_PROTOCOL
                   ? -ERR_SYNTAX
                   : -ERR_NOMEM;
    if (!reply)
        return 0;
    *out = reply;
    c->bytes = c->elements = 0;
    return 1;
}

int redis_format(struct buf *to, const struct str *args, size_t n)
{
    const char **argv = calloc(n, sizeof *argv);
    size_t *lengths = calloc(n, sizeof *lengths);
    char *text = NULL;
    int rc = -ERR_NOMEM, len = -1;

    for (size_t i = 0; argv && lengths && i < n; i++) {
        argv[i] = args[i].p ? args[i].p : "";
        lengths[i] = args[i].n;
    }
    if (argv && lengths)
        len = (int)redisFormatCommandArgv(&text, (int)n, argv, lengths);
    if (len >= 0)
        rc = buf_put(to, (struct str){ text, (size_t)len });
    redisFreeCommand(text);
    free(argv);
    free(lengths);
    return rc;
}
