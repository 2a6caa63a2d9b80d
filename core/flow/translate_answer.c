/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The provider's answer in the client's dialect. */
#include "flow/translate.h"

#include "wire/codec_unwrap.h"
#include "wire/ratelimit.h"

/* ---- what the answer lost --------------------------------------------- */

static void count_lost(const struct attempt *t, uint32_t lost)
{
    struct str name = t->target->name;
    struct str labels[2] = { str_split(&name, '/') };

    for (unsigned l = 0; l < LOSS_COUNT; l++) {
        labels[1] = str_of(codec_loss_name((enum codec_loss)l));
        if (lost >> l & 1)
            metric_add(METRIC_ANSWER_LOST, labels, 1);
    }
}

/* For the head, if it has not left, and for the access line: what was left
 * out of the request, then what of the answer. */
static int tell_lost(struct request *r, struct attempt *t)
{
    struct translation *x = t->translation;
    struct buf names = BUF_INIT(2 * DROPPED_MAX);
    int rc = buf_put(&names, x->left_out);

    count_lost(t, x->lost & ~x->told);
    x->told = x->lost;
    if (!rc && x->left_out.n)
        rc = buf_puts(&names, ", ");
    if (!rc)
        rc = codec_loss_names(x->lost, &names);
    if (!rc) {
        r->dropped = arena_dup(r->arena, buf_str(&names));
        rc = r->dropped.p ? 0 : -ERR_NOMEM;
    }
    buf_clear(&names);
    return rc;
}

/* The head of a stream has left: a comment, which no client of events reads,
 * but who looks at the bytes. Google's clients take it for an event. */
static int comment_lost(struct request *r, struct translation *x)
{
    int rc;

    if (!x->lost || !x->stream || !*request_dialect(r)->keepalive)
        return 0;
    rc = buf_puts(&x->said, ": penstock dropped ");
    if (!rc)
        rc = codec_loss_names(x->lost, &x->said);
    return rc ? rc : buf_puts(&x->said, "\n\n");
}

/* ---- what it says ------------------------------------------------------ */

struct hearing {
    struct request *r;
    struct translation *x;
    struct wire_watch *w;
    uint32_t vectors;
};

/* Texts of an error outlive the event: classify reads them. */
static void hear_error(struct hearing *h, const struct neutral_error *e)
{
    struct arena *a = h->r->arena;

    h->w->error = true;
    h->w->error_code = arena_dup(a, e->code);
    h->w->error_type = arena_dup(a, e->type);
    h->w->error_message = arena_dup(a, e->message);
}

static int say(void *ud, const struct neutral_event *ev)
{
    struct translation *x = ud;

    return x->client->encode(x->out, ev, &x->said);
}

static int hear(void *ud, const struct neutral_event *ev)
{
    struct hearing *h = ud;
    int rc = 0;

    h->w->content |= neutral_is_content(ev);
    h->w->finish |= ev->type == NEUTRAL_FINISH;
    h->w->done |= ev->type == NEUTRAL_END;
    h->vectors += ev->type == NEUTRAL_VECTOR;
    if (ev->type == NEUTRAL_USAGE || ev->type == NEUTRAL_START)
        usage_merge(&h->w->usage, &ev->usage);
    if (ev->type == NEUTRAL_ERROR) {
        hear_error(h, ev->error);
        return 0;
    }
    if (ev->type == NEUTRAL_END)
        rc = comment_lost(h->r, h->x);
    if (rc)
        return rc;
    if (h->x->unwrap)
        return codec_unwrap(h->x->unwrap, ev, say, h->x);
    return say(h->x, ev);
}

int translate_event(struct request *r, struct str event, struct str data,
                    struct wire_watch *w, struct err *err)
{
    struct translation *x = r->attempt->translation;
    struct hearing h = { r, x, w, 0 };
    int rc;

    *w = (struct wire_watch){ .usage = USAGE_NONE };
    buf_reset(&x->said);
    rc = x->target->decode_event(x->in, event, data, hear, &h, err);
    return rc || x->lost == x->told ? rc : tell_lost(r, r->attempt);
}

/* One too few would be another input's to whoever counts. */
static int check_vectors(const struct hearing *h, struct err *err)
{
    uint32_t want = h->x->vectors;

    if (!want || h->w->error || h->vectors == want)
        return 0;
    return err_set(err, ERR_SYNTAX, "%u vectors came for %u inputs",
                   h->vectors, want);
}

int translate_body(struct request *r, struct str body, struct wire_watch *w,
                   struct err *err)
{
    struct translation *x = r->attempt->translation;
    struct hearing h = { r, x, w, 0 };
    int rc;

    *w = (struct wire_watch){ .usage = USAGE_NONE };
    buf_reset(&x->said);
    rc = x->target->decode_body(x->in, body, hear, &h, err);
    if (!rc && x->lost)
        rc = tell_lost(r, r->attempt);
    return rc ? rc : check_vectors(&h, err);
}

bool translate_field(const struct request *r, const struct attempt *t,
                     struct http_header *field)
{
    return ratelimit_translate(t->translation->target->dialect,
                               t->translation->client->dialect, &field->name,
                               &field->value, clock_wall_ms(), r->arena);
}
