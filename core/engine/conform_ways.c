/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* All ways to run a fixture, each held against the whole run. */
#include "engine/conform.h"

#include "engine/conform_memory.h"
#include "engine/plugin_host.h"

#include <stdarg.h>
#include <stdio.h>

#define EVERY_SPLIT_UP_TO 8192
#define FAILS_MAX 2000

struct conform_place *conform_here;

void conform_note(const char *fixture, const char *fmt, ...)
{
    va_list ap;

    if (!conform_here)
        return;
    snprintf(conform_here->fixture, sizeof conform_here->fixture, "%s",
             fixture);
    va_start(ap, fmt);
    vsnprintf(conform_here->way, sizeof conform_here->way, fmt, ap);
    va_end(ap);
}

/* What is being done with one fixture. */
struct work {
    const struct fixture *f;
    const struct conform_run *whole;
    uint32_t *runs;
    struct err *err;
};

static int differs(struct work *w, const char *what)
{
    const char *way = conform_here ? conform_here->way : "";

    return err_at(w->err, ERR_CONFIG, way, "%s", what);
}

static int say_left(struct work *w, int64_t pieces)
{
    char text[80];

    snprintf(text, sizeof text, "%lld pieces of memory were not given back",
             (long long)pieces);
    return differs(w, text);
}

/* What the first run keeps may be meant for all that follow: it marks. */
static int run(struct work *w, const struct conform_way *way,
               struct conform_run *r)
{
    conform_run(w->f, way, r);
    ++*w->runs;
    if (r->bug[0])
        return differs(w, r->bug);
    return r->left > 0 && !way->mark ? say_left(w, r->left) : 0;
}

/* The first line in which two lists differ, as text for people. */
static int say_difference(struct work *w, struct str want, struct str got)
{
    char text[300];
    int line = 1;

    while (want.p && got.p) {
        struct str a = str_split(&want, '\n'), b = str_split(&got, '\n');

        if (!str_eq(a, b)) {
            snprintf(text, sizeof text,
                     "line %d of the list is \"%.*s\", not \"%.*s\"", line,
                     (int)(b.n > 100 ? 100 : b.n), b.p,
                     (int)(a.n > 100 ? 100 : a.n), a.p);
            return differs(w, text);
        }
        line++;
    }
    return differs(w, "the lists have different lengths");
}

static int check_same(struct work *w, const struct conform_way *way)
{
    struct conform_run r;
    int rc = run(w, way, &r);

    if (!rc && !str_eq(buf_str(&r.lines), buf_str(&w->whole->lines)))
        rc = say_difference(w, buf_str(&w->whole->lines), buf_str(&r.lines));
    conform_run_clear(&r);
    return rc;
}

/* The same again, in pieces, and split at every place. */
static int cut_differently(struct work *w)
{
    struct conform_way way = CONFORM_WHOLE;
    size_t n = buf_len(&w->f->body);
    int rc;

    conform_note(w->f->name, "once more");
    rc = check_same(w, &way);
    if (!w->f->streamed)
        return rc;
    for (size_t chunk = 1; chunk <= 7 && !rc; chunk += 6) {
        conform_note(w->f->name, "in pieces of %zu", chunk);
        way.first = way.chunk = chunk;
        rc = check_same(w, &way);
    }
    way.chunk = 0;
    for (size_t at = 1; n <= EVERY_SPLIT_UP_TO && at < n && !rc; at++) {
        conform_note(w->f->name, "split at byte %zu", at);
        way.first = at;
        rc = check_same(w, &way);
    }
    return rc;
}

/* All that was said up to the end of frame i must have been said again. */
static int check_prefix(struct work *w, const struct conform_run *r, size_t i)
{
    struct str want = buf_str(&w->whole->lines);

    want.n = i ? w->whole->ends[i - 1].lines : w->whole->sent;
    if (str_starts(buf_str(&r->lines), want))
        return 0;
    return say_difference(w, want, buf_str(&r->lines));
}

static int end_early(struct work *w, size_t i, size_t upto)
{
    struct conform_way way = CONFORM_WHOLE;
    struct conform_run r;
    int rc;

    way.upto = upto;
    conform_note(w->f->name, "ended after %zu bytes", upto);
    rc = run(w, &way, &r);
    if (!rc)
        rc = check_prefix(w, &r, i);
    conform_run_clear(&r);
    return rc;
}

/* The end at each frame's end, and in its middle. */
static int end_at_each_frame(struct work *w)
{
    size_t from = 0;
    int rc = 0;

    for (size_t i = 0; i < w->whole->n_ends && !rc; i++) {
        size_t to = w->whole->ends[i].bytes;

        rc = end_early(w, i, from + (to - from) / 2);
        if (!rc && i + 1 < w->whole->n_ends)
            rc = end_early(w, i + 1, to);
        from = to;
    }
    return rc;
}

/* An error event behind each frame: all before it, then the verdict. */
static int inject_errors(struct work *w)
{
    struct conform_way way = CONFORM_WHOLE;
    size_t n = w->whole->n_ends;
    int rc = 0;

    if (w->f->framing != FRAMING_SSE || strcmp(w->whole->end, "whole") != 0)
        return 0;
    for (size_t i = 0; i < n && !rc; i++) {
        struct conform_run r;

        way.inject_at = (int)i;
        conform_note(w->f->name, "an error behind frame %zu", i);
        rc = run(w, &way, &r);
        if (!rc)
            rc = check_prefix(w, &r, i);
        if (!rc && strcmp(r.end, "error") != 0)
            rc = differs(w, "it did not end as an error");
        conform_run_clear(&r);
    }
    return rc;
}

/* Each service that takes memory fails once: an operation may fail, too, and
 * nothing else may happen. */
static int run_out_of_memory(struct work *w)
{
    struct conform_way way = CONFORM_WHOLE;
    uint32_t n = w->whole->services;
    int rc = 0;

    for (uint32_t i = 1; i <= n && i <= FAILS_MAX && !rc; i++) {
        struct conform_run r;

        way.fail_at = i;
        conform_note(w->f->name, "service %u fails", i);
        rc = run(w, &way, &r);
        conform_run_clear(&r);
    }
    return rc;
}

/* The same list, or the same up to where an operation says that it failed. */
static int check_failed(struct work *w, const struct conform_run *r)
{
    struct str want = buf_str(&w->whole->lines), got = buf_str(&r->lines);

    while (want.p && got.p) {
        struct str a = str_split(&want, '\n'), b = str_split(&got, '\n');

        if (str_eq(a, b))
            continue;
        if (str_find(b, STR(" failed: ")) >= 0 &&
            strcmp(r->end, "error") == 0)
            return 0;
        break;
    }
    return str_eq(buf_str(&w->whole->lines), buf_str(&r->lines))
               ? 0
               : say_difference(w, buf_str(&w->whole->lines),
                                buf_str(&r->lines));
}

/* Each time that the plugin takes memory by itself, it gets none. */
static int run_out_of_own_memory(struct work *w)
{
    struct conform_way way = CONFORM_WHOLE;
    uint32_t n = w->whole->own;
    int rc = 0;

    for (uint32_t i = 1; i <= n && i <= FAILS_MAX && !rc; i++) {
        struct conform_run r;

        way.own_fail_at = i;
        conform_note(w->f->name, "the plugin's allocation %u fails", i);
        rc = run(w, &way, &r);
        if (!rc)
            rc = check_failed(w, &r);
        conform_run_clear(&r);
    }
    return rc;
}

/* A run with an instance that was opened while memory ran out. */
static int run_opened(struct work *w, struct plugin_inst *inst)
{
    struct conform_way way = CONFORM_WHOLE;
    struct fixture f = *w->f;
    struct work again = *w;
    struct conform_run r;
    int rc;

    f.inst = inst;
    again.f = &f;
    rc = run(&again, &way, &r);
    if (!rc)
        rc = check_failed(&again, &r);
    conform_run_clear(&r);
    return rc;
}

/* The same for open: refused, or an instance like any other. */
static int open_out_of_memory(struct work *w)
{
    const struct plugin_inst *i = w->f->inst;
    bool failed = true;
    int rc = 0;

    for (uint32_t n = 1; failed && n <= FAILS_MAX && !rc; n++) {
        struct plugin_inst *inst;
        int64_t live;

        conform_note(w->f->name, "allocation %u of open fails", n);
        conform_memory_begin(n);
        inst = plugin_open(i->plugin, str_of(i->name), str_of(i->base_url),
                           str_of(i->settings_text), NULL);
        failed = conform_memory.calls >= n;
        live = conform_memory.live;
        rc = inst && failed ? run_opened(w, inst) : 0;
        conform_memory_begin(0);
        plugin_close(inst);
        live += conform_memory.live;
        if (!rc && live > 0)
            rc = say_left(w, live);
    }
    return rc;
}

static ps_rc call_self(const struct plugin_inst *i, bool check)
{
    struct plugin_self self = {
        .pub = { &plugin_services, sizeof self.pub },
        .plugin = i->plugin->name,
    };

    return check ? plugin_check(i->plugin, &self, str_of(i->settings_text))
                 : plugin_selftest(i->plugin, &self);
}

/* What it is asked before it serves: that it says no, and keeps nothing. */
static int ask_out_of_memory(struct work *w, bool check)
{
    bool failed = true;
    int rc = 0;

    for (uint32_t n = 1; failed && n <= FAILS_MAX && !rc; n++) {
        int64_t live;
        ps_rc said;

        conform_note(w->f->name, "allocation %u of %s fails", n,
                     check ? "check" : "selftest");
        conform_memory_begin(n);
        said = call_self(w->f->inst, check);
        failed = conform_memory.calls >= n;
        live = conform_memory.live;
        conform_memory_begin(0);
        if (failed && live > 0)
            rc = say_left(w, live);
        else if (!failed && said != PS_OK && said != PS_DECLINED)
            rc = differs(w, "it failed with all memory that it asked for");
    }
    return rc;
}

int conform_all_ways(const struct fixture *f, uint32_t *runs,
                     struct err *err)
{
    struct conform_way way = CONFORM_WHOLE;
    struct conform_run whole;
    struct work w = { f, &whole, runs, err };
    int rc;

    way.mark = true;
    conform_note(f->name, "whole");
    rc = run(&w, &way, &whole);
    if (!rc)
        rc = conform_expect(f, &whole, err);
    if (!rc)
        rc = cut_differently(&w);
    if (!rc && f->streamed)
        rc = end_at_each_frame(&w);
    if (!rc && f->streamed)
        rc = inject_errors(&w);
    if (!rc)
        rc = run_out_of_memory(&w);
    if (!rc)
        rc = run_out_of_own_memory(&w);
    if (!rc)
        rc = open_out_of_memory(&w);
    if (!rc)
        rc = ask_out_of_memory(&w, false);
    if (!rc)
        rc = ask_out_of_memory(&w, true);
    conform_run_clear(&whole);
    return rc;
}
