/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The conformance runner: a plugin and the core on top of it, over recorded
 * exchanges. What a fixture comes to is a list of lines: what was sent, each
 * event with what was seen in it and the neutral events that its dialect's
 * codec makes of it, the verdict, the tokens. The list must be
 * the same however the answer's bytes were cut, a part of it where they
 * ended early, and memory that runs out may fail an operation but nothing
 * else.
 *
 * A fixture is a JSON file: docs/guide/plugins.md, "Fixtures".
 */
#ifndef PENSTOCK_ENGINE_CONFORM_H
#define PENSTOCK_ENGINE_CONFORM_H

#include "base/buf.h"
#include "engine/plugin.h"
#include "wire/dialect.h"
#include "wire/framing.h"

#include <jansson.h>

#define CONFORM_LINES_MAX (64u << 20)
#define CONFORM_SECRET "sk-conformance" /* what the plugin is given as key */

/** A recorded exchange, and what the plugin makes of it. All is owned. */
struct fixture {
    char *name;
    json_t *doc;
    enum dialect dialect;
    const ps_api *api;       /* the plugin's, borrowed */
    struct plugin_inst *inst;
    bool streamed;           /* the answer is a stream of frames */
    enum framing framing;
    bool close_early;        /* it ended without an end */
    int status;
    struct http_header *headers;
    size_t n_headers;
    struct buf body;         /* of the answer */
    struct buf request;      /* of the request: JSON; empty = none */
    struct str model;        /* as asked for */
};

/**
 * Read a fixture for a plugin.
 *
 *   returns  0, or -ERR_NOTFOUND: not an exchange that this plugin speaks
 *            (err says why), or -ERR_CONFIG: no fixture
 */
int fixture_open(struct fixture *f, const char *path, const char *name,
                 const struct plugin *p, struct err *err);
void fixture_clear(struct fixture *f);

/** How a run differs from feeding the whole answer at once. */
struct conform_way {
    size_t first, chunk; /* pieces: the first, then these; 0 = all */
    size_t upto;         /* the answer ends here; SIZE_MAX = nowhere */
    int inject_at;       /* an error event behind that many frames; -1 = none */
    uint32_t fail_at;    /* the nth service that takes memory fails; 0 = none */
    uint32_t own_fail_at; /* the nth time that the plugin takes memory itself */
    bool mark;           /* note where frames end */
};

#define CONFORM_WHOLE                                                         \
    ((struct conform_way){ .upto = SIZE_MAX, .inject_at = -1 })

/** What a run came to. Cleared by conform_run_clear. */
struct conform_run {
    struct buf lines;
    size_t sent;       /* bytes of `lines` that are about the request */
    int frames;
    struct {
        size_t bytes;  /* of the answer, to the end of this frame */
        size_t lines;  /* of `lines` */
    } *ends;           /* of each frame, where they were marked */
    size_t n_ends, ends_cap;
    uint32_t services; /* calls that take memory */
    uint32_t own;      /* times that the plugin took some itself */
    int64_t left;      /* pieces of that which it did not give back */
    const char *end;   /* "whole", "cut", "error" */
    ps_fault fault;    /* where end is "error"; texts are gone */
    struct usage usage;
    char bug[400];     /* what must never be; empty = nothing */
};

/** Run it once. Never fails: what goes wrong is in the lines or in `bug`. */
void conform_run(const struct fixture *f, const struct conform_way *way,
                 struct conform_run *out);
void conform_run_clear(struct conform_run *r);

/** Where the runner is, for who has to explain a crash; in shared memory. */
struct conform_place {
    char fixture[120];
    char way[80];
};
extern struct conform_place *conform_here; /* NULL = nobody asks */
void conform_note(const char *fixture, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Run a fixture in all ways. 0, or -ERR_CONFIG with what differs: err->at is
 * the way. *runs counts.
 */
int conform_all_ways(const struct fixture *f, uint32_t *runs,
                     struct err *err);

/** Hold a whole run against the fixture's "expect"; 0 or -ERR_CONFIG. */
int conform_expect(const struct fixture *f, const struct conform_run *r,
                   struct err *err);

#endif
