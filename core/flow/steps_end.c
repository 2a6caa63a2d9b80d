/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How a request ends: sent, failed, settled. */
#include "flow/degrade.h"
#include "flow/gemini.h"
#include "flow/limits_hold.h"
#include "flow/policies.h"
#include "flow/retry.h"
#include "flow/steps.h"

enum step step_finish(struct request *r)
{
    loop_timer_stop(&r->timer);
    r->waiting_on = "client.write";
    return STEP_DONE;
}

enum step step_answer(struct request *r)
{
    if (reply_answer(r))
        return request_fail(r, ERR_INTERNAL, "gateway");
    r->ended = "answered";
    return STEP_FINISH;
}

/* The pause after which the SDKs of this dialect may try again is known to
 * be short, or they are told not to. */
static bool may_retry_soon(const struct request *r)
{
    return r->kept.callers ||
           (r->retry_after_ms && r->retry_after_ms <= RETRY_KNOWN_MS);
}

/* The provider's own error answer, as it came. */
static void pass_error(struct request *r)
{
    struct http_header h[60];
    bool soon = may_retry_soon(r);
    size_t n;

    if (r->kept.callers)
        r->retry_after_ms = 0; /* the provider's own fields say it */
    n = reply_headers(r, h, 24);
    if (!soon)
        h[n++] = (struct http_header){ STR("x-should-retry"), STR("false") };
    for (size_t i = 0; i < r->kept.n_fields && n < 50; i++) {
        if (stream_is_passed(r, r->kept.fields[i].name) &&
            !retry_replaces(r, r->kept.fields[i].name))
            h[n++] = r->kept.fields[i];
    }
    n = limits_headers(r, h, n, 58);
    h[n++] = (struct http_header){ STR("content-type"),
                                   r->kept.content_type.n
                                       ? r->kept.content_type
                                       : STR("application/json") };
    r->answer.status = r->kept.status;
    r->answer.head_sent = true;
    http_reply(r->http, r->kept.status, h, n,
               gemini_error_body(r, r->kept.body));
}

/* Within a stream: an error event, then an end that no client takes for a
 * clean one. */
static void fail_stream(struct request *r)
{
    struct wire_error e = reply_wire_error(r);
    struct buf event = BUF_INIT(8192);

    e.param = STR_NULL;
    e.number = r->answer.content_sent ? r->answer.number : 0;
    if (!r->answer.error_sent &&
        request_dialect(r)->error_event(&event, &e) == 0)
        r->array ? gemini_send_array(r, buf_str(&event))
                 : http_reply_data(r->http, buf_str(&event));
    buf_clear(&event);
    http_reply_abort(r->http);
}

enum step step_fail(struct request *r)
{
    enum step instead;

    if (r->over) /* answered: a late wake changes nothing */
        return STEP_DONE;
    if (degrade(r, &instead))
        return instead;
    r->over = true;
    loop_timer_stop(&r->timer);
    if (!r->err.code)
        err_set(&r->err, ERR_INTERNAL, "The gateway failed.");
    r->ended = "error";
    if (!r->http)
        return STEP_DONE;
    if (!r->answer.head_sent && r->kept.status)
        pass_error(r);
    else if (!r->answer.head_sent)
        reply_error(r);
    else if (r->facts.stream && !r->answer.passed)
        fail_stream(r);
    else
        http_reply_abort(r->http);
    r->waiting_on = "client.write";
    return STEP_DONE;
}

/* The client is gone or has everything; only policies' log is left. */
enum step step_settle(struct request *r)
{
    struct policy_result res;

    if (!r->logged && phase_run(r, PHASE_LOG, STEP_DONE, &res) == STEP_WAIT) {
        request_wait_in(r, &r->flow->settling);
        return STEP_WAIT;
    }
    r->logged = true;
    return STEP_DONE;
}
