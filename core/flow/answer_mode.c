/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* By an answer's head: is it an error, a stream, one whole answer? */
#include "flow/events.h"
#include "flow/gather.h"

bool answer_type_is(struct str ctype, const char *want)
{
    struct str type = str_split(&ctype, ';');

    return str_ieq(str_trim(type), str_of(want));
}

static bool type_is_json(struct str ctype)
{
    struct str type = str_split(&ctype, ';');

    type = str_trim(type);
    return type.n == 0 || str_ieq(type, STR("application/json")) ||
           (type.n > 5 && str_ieq((struct str){ type.p + type.n - 5, 5 },
                                  STR("+json")));
}

#define AWS_EVENTS "application/vnd.amazon.eventstream"
static const struct framed {
    enum framing framing;
    const char *type;
} framed[] = {
    [PS_JSON] = { FRAMING_SSE, EVENTS_TYPE },
    [PS_SSE] = { FRAMING_SSE, EVENTS_TYPE },
    [PS_NDJSON] = { FRAMING_NDJSON, "application/x-ndjson" },
    [PS_EVENTSTREAM] = { FRAMING_EVENTSTREAM, AWS_EVENTS },
    [PS_JSON_ARRAY] = { FRAMING_JSONARRAY, "application/json" },
    [PS_EVENTCHUNKS] = { FRAMING_EVENTCHUNKS, AWS_EVENTS },
};

/* Some proxies compress what nobody asked to have compressed. */
static bool is_compressed(struct request *r, const struct http_answer *a)
{
    struct str coding = str_trim(http_header_get(a->headers, a->n_headers,
                                                 STR("content-encoding")));
    struct str why;

    if (!coding.n || str_ieq(coding, STR("identity")))
        return false;
    if (coding.n > 32)
        coding.n = 32;
    why = arena_fmt(r->arena, "the answer is compressed (" STR_FMT
                              "), which nobody asked for", STR_ARG(coding));
    stream_fault(r, PS_FAULT_PROTOCOL,
                 why.p ? why.p : "the answer is compressed");
    return true;
}

void answer_mode(struct request *r, const struct http_answer *a)
{
    struct attempt *t = r->attempt;
    struct str ctype = http_header_get(a->headers, a->n_headers,
                                       STR("content-type"));
    const struct framed *f = &framed[t->host.pub.api->framing];

    if (a->status < 200 || a->status > 299) {
        t->mode = MODE_ERROR;
    } else if (is_compressed(r, a)) {
        t->mode = MODE_BODY;
    } else if (r->facts.stream && answer_type_is(ctype, f->type)) {
        t->mode = MODE_STREAM;
        framer_init(&r->answer.framer, f->framing, EVENT_MAX);
        r->answer.events = 0;
    } else if (type_is_json(ctype)) {
        t->mode = MODE_BODY;
    } else {
        t->mode = MODE_BODY;
        t->raw = r->pass;
        t->gathers = !r->pass && !r->facts.stream &&
                     answer_type_is(ctype, EVENTS_TYPE) && gather_can(r);
        if (!t->raw && !t->gathers)
            stream_fault(r, PS_FAULT_PROTOCOL, "the answer's content type is "
                                               "neither JSON nor events");
    }
}
