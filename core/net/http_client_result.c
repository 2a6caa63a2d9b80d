/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How a transfer ended, in our words. libcurl's codes say what it noticed;
 * whether the answer had begun decides what that means for the caller.
 */
#include "net/http_client_impl.h"

#include <stdio.h>

enum { ENDED = 100 }; /* RESET or CUT, as the answer had begun or not */

static const struct {
    int code, fail;
} meanings[] = {
    { CURLE_COULDNT_RESOLVE_HOST, HTTP_FAIL_ADDRESS },
    { CURLE_COULDNT_RESOLVE_PROXY, HTTP_FAIL_ADDRESS },
    { CURLE_COULDNT_CONNECT, HTTP_FAIL_CONNECT },
    { CURLE_INTERFACE_FAILED, HTTP_FAIL_CONNECT },
    { CURLE_PROXY, HTTP_FAIL_CONNECT },
    { CURLE_OPERATION_TIMEDOUT, HTTP_FAIL_CONNECT_TIMEOUT },
    { CURLE_SSL_CONNECT_ERROR, HTTP_FAIL_TLS },
    { CURLE_PEER_FAILED_VERIFICATION, HTTP_FAIL_TLS },
    { CURLE_SSL_CERTPROBLEM, HTTP_FAIL_TLS },
    { CURLE_SSL_CIPHER, HTTP_FAIL_TLS },
    { CURLE_SSL_CACERT_BADFILE, HTTP_FAIL_TLS },
    { CURLE_SSL_ISSUER_ERROR, HTTP_FAIL_TLS },
    { CURLE_GOT_NOTHING, ENDED },
    { CURLE_SEND_ERROR, ENDED },
    { CURLE_RECV_ERROR, ENDED },
    { CURLE_PARTIAL_FILE, ENDED },
    { CURLE_HTTP2_STREAM, ENDED },
    { CURLE_WEIRD_SERVER_REPLY, HTTP_FAIL_PROTOCOL },
    { CURLE_UNSUPPORTED_PROTOCOL, HTTP_FAIL_PROTOCOL },
    { CURLE_BAD_CONTENT_ENCODING, HTTP_FAIL_PROTOCOL },
    { CURLE_HTTP2, HTTP_FAIL_PROTOCOL },
    { 100 /* CURLE_TOO_LARGE */, HTTP_FAIL_PROTOCOL },
};

static enum http_fail ended(const struct http_call *x)
{
    return x->head_bytes ? HTTP_FAIL_CUT : HTTP_FAIL_RESET;
}

static enum http_fail meaning(const struct http_call *x, CURLcode code)
{
    const struct hc_easy *e = x->e;

    if (e->again)
        return HTTP_FAIL_RESET;
    if (e->asked_name)
        return HTTP_FAIL_ADDRESS;
    if (code == CURLE_OK)
        return x->head_done ? HTTP_OK : ended(x);
    /* the one code for a dead socket and for a malformed chunk */
    if (code == CURLE_RECV_ERROR && strstr(e->text, "chunk"))
        return HTTP_FAIL_PROTOCOL;
    if (code == CURLE_RECV_ERROR && !e->begun)
        return HTTP_FAIL_CONNECT; /* a proxy refused the tunnel */
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].code != (int)code)
            continue;
        if (meanings[i].fail == ENDED)
            return ended(x);
        return (enum http_fail)meanings[i].fail;
    }
    return HTTP_FAIL_INTERNAL;
}

static void explain(struct http_call *x, CURLcode code)
{
    struct hc_easy *e = x->e;
    const char *why = e->text[0] ? e->text : curl_easy_strerror(code);
    long os = 0;

    if (e->again) /* of a new one: an HTTP/2 stream that was refused */
        why = e->opened ? "the upstream did not take the request"
                        : "the kept connection had been closed";
    else if (code == CURLE_OK)
        why = "closed within the head";
    curl_easy_getinfo(e->h, CURLINFO_OS_ERRNO, &os);
    if (x->res.fail == HTTP_FAIL_CONNECT && os)
        snprintf(x->res.text, sizeof x->res.text, "%.100s: %s", why,
                 strerror((int)os));
    else
        snprintf(x->res.text, sizeof x->res.text, "%.150s", why);
}

static uint32_t connect_us(CURL *h)
{
    curl_off_t tcp = 0, tls = 0;

    curl_easy_getinfo(h, CURLINFO_CONNECT_TIME_T, &tcp);
    curl_easy_getinfo(h, CURLINFO_APPCONNECT_TIME_T, &tls);
    if (tls > tcp)
        tcp = tls;
    return tcp > UINT32_MAX ? UINT32_MAX : (uint32_t)tcp;
}

void hc_result(struct http_call *x, CURLcode code)
{
    struct http_call_result *r = &x->res;
    struct hc_easy *e = x->e;
    curl_off_t up = 0, down = 0;
    long made = 0, request = 0, head = 0;

    curl_easy_getinfo(e->h, CURLINFO_NUM_CONNECTS, &made);
    curl_easy_getinfo(e->h, CURLINFO_REQUEST_SIZE, &request);
    curl_easy_getinfo(e->h, CURLINFO_HEADER_SIZE, &head);
    curl_easy_getinfo(e->h, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(e->h, CURLINFO_SIZE_DOWNLOAD_T, &down);
    r->reused = e->again ? !e->opened : e->begun && made == 0;
    x->c->sums.reused += r->reused;
    r->sent = request > 0;
    r->bytes_out = (uint64_t)(request + up);
    r->bytes_in = (uint64_t)(head + down);
    r->connect_us = r->reused ? 0 : connect_us(e->h);
    if (r->fail != HTTP_OK) /* we ended it ourselves; the text is there */
        return;
    r->fail = meaning(x, code);
    if (r->fail != HTTP_OK)
        explain(x, code);
}
