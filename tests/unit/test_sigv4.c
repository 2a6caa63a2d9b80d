/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * AWS Signature Version 4 against the two public suites: each request gives
 * the canonical request, the string to sign and the signature of its files,
 * as a header and as a query. Without them, one of each kind that is here.
 */
#include "engine/plugin_host.h"
#include "shared.h"
#include "unit.h"

#include "../../plugins/bedrock/sigv4.h"

#include <jansson.h>

#define ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* One request, taken apart; all of it borrowed. */
struct raw {
    ps_str method, target, body;
    struct sigv4_field f[SIGV4_FIELDS_MAX];
    size_t n;
    char hash[65];
};

static struct str cut(struct str *rest, const char *sep)
{
    ptrdiff_t at = str_find(*rest, str_of(sep));
    struct str head = *rest;

    if (at < 0) {
        *rest = STR("");
        return head;
    }
    head.n = (size_t)at;
    rest->p += (size_t)at + strlen(sep);
    rest->n -= (size_t)at + strlen(sep);
    return head;
}

static void hash_of(ps_str body, char out[65])
{
    uint8_t h[32];

    plugin_services.sha256(body, h);
    ps_hex(h, 32, out);
    out[64] = '\0';
}

/* "GET /a b HTTP/1.1", fields, an empty line, a body. A line that begins
 * with a space goes on with the value before it. */
static void take_apart(struct str text, struct raw *r)
{
    struct str line = cut(&text, "\n");
    size_t version = strlen(" HTTP/1.1");

    *r = (struct raw){ 0 };
    r->method = ps_from_str(cut(&line, " "));
    r->target = ps_from_str((struct str){ line.p, line.n - version });
    while (text.n && *text.p != '\n') {
        line = cut(&text, "\n");
        if (*line.p == ' ') {
            ps_str *v = &r->f[r->n - 1].value;

            v->n = (size_t)(line.p + line.n - v->p);
            continue;
        }
        r->f[r->n].name = ps_from_str(cut(&line, ":"));
        r->f[r->n++].value = ps_from_str(line);
    }
    if (text.n)
        text = (struct str){ text.p + 1, text.n - 1 };
    r->body = ps_from_str(text);
    hash_of(r->body, r->hash);
}

static void drop(struct raw *r, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->n; i++) {
        if (!str_ieq(str_from_ps(r->f[i].name), str_of(name)))
            r->f[kept++] = r->f[i];
    }
    r->n = kept;
}

static ps_str field(const struct raw *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++) {
        if (str_ieq(str_from_ps(r->f[i].name), str_of(name)))
            return r->f[i].value;
    }
    return (ps_str){ NULL, 0 };
}

static struct sigv4_request request_of(const struct raw *r, bool as_it_is)
{
    struct str target = str_from_ps(r->target);
    struct sigv4_request q = { .method = r->method, .fields = r->f,
                               .n_fields = r->n, .body_hash = r->hash,
                               .path_as_it_is = as_it_is };

    q.path = ps_from_str(cut(&target, "?"));
    q.query = ps_from_str(target);
    return q;
}

static bool same(const char *what, ps_str got, struct str want)
{
    struct str g = str_from_ps(got);

    if (str_eq(str_trim(g), str_trim(want)))
        return true;
    printf("\n%s: got [" STR_FMT "] not [" STR_FMT "]", what, STR_ARG(g),
           STR_ARG(want));
    return false;
}

/* The files of a case: canonical request, string to sign, signature. */
static void check(const char *name, const struct sigv4_request *q,
                  const struct sigv4_key *key, const struct str want[3])
{
    static char canonical[65536], sts[4096], list[4096];
    struct sigv4_text c = { canonical, 0, sizeof canonical, 0 };
    struct sigv4_text s = { sts, 0, sizeof sts, 0 };
    struct sigv4_text names = { list, 0, sizeof list, 0 };
    char signature[65] = "";

    UNIT_INT(sigv4_canonical(q, &c, &names), PS_OK);
    CU_ASSERT(same(name, (ps_str){ c.p, c.n }, want[0]));
    UNIT_INT(sigv4_to_sign(&plugin_services, key, (ps_str){ c.p, c.n }, &s),
             PS_OK);
    CU_ASSERT(same(name, (ps_str){ s.p, s.n }, want[1]));
    UNIT_INT(sigv4_signature(&plugin_services, key, (ps_str){ s.p, s.n },
                             signature), PS_OK);
    CU_ASSERT(same(name, ps_z(signature), want[2]));
}

static struct str file(const char *folder, const char *name)
{
    char path[1400];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return shared_read(path);
}

static void forget(struct str *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((char *)(size_t)s[i].p);
}

/* ---- the older suite: NAME.sreq, .creq, .sts, .authz --------------------- */

static void old_case(const char *path, const char *name, struct str bytes,
                     void *ud)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(name, '.');
    char folder[1024], each[256];
    struct str want[3], authz, left;
    struct sigv4_key key = { ps_z(ID), ps_z(SECRET), ps_z("us-east-1"),
                             ps_z("service"), { NULL, 0 } };
    struct sigv4_request q;
    struct raw r;

    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    snprintf(each, sizeof each, "%.*s.creq", (int)(dot - name), name);
    want[0] = file(folder, each);
    snprintf(each, sizeof each, "%.*s.sts", (int)(dot - name), name);
    want[1] = file(folder, each);
    snprintf(each, sizeof each, "%.*s.authz", (int)(dot - name), name);
    authz = left = file(folder, each);
    cut(&left, "Signature=");
    want[2] = left;
    take_apart(bytes, &r); /* as it was signed, less the signature */
    drop(&r, "authorization");
    if (str_find(want[0], STR("security-token")) < 0)
        drop(&r, "x-amz-security-token");
    q = request_of(&r, false);
    key.date = field(&r, "x-amz-date");
    check(name, &q, &key, want);
    ++*(int *)ud;
    forget(want, 2);
    forget(&authz, 1);
}

static void agrees_with_the_older_suite(void)
{
    char path[1024];
    int n = 0;

    shared_path(path, sizeof path, "vectors/aws-sigv4/aws4_testsuite");
    shared_each(path, ".sreq", old_case, &n);
    if (!n)
        UNIT_SKIP("no recordings");
    CU_ASSERT(n >= 30);
}

/* ---- the newer: context.json, header-*, query-* -------------------------- */

static ps_str text_in(json_t *o, const char *name)
{
    return ps_z(json_string_value(json_object_get(o, name)));
}

/* The query of a signed request, less the signature (and the token, where
 * it was put in afterwards). */
static char *unsigned_target(ps_str target, bool token)
{
    char *z = strndup(target.p, target.n), *at = strstr(z, "&X-Amz-Signature");

    if (at)
        *at = '\0';
    at = token ? NULL : strstr(z, "&X-Amz-Security-Token=");
    if (at)
        *at = '\0';
    return z;
}

static void new_way(const char *folder, json_t *context, bool query)
{
    json_t *who = json_object_get(context, "credentials");
    bool token = !json_is_true(json_object_get(context,
                                               "omit_session_token"));
    const char *kinds[] = { "canonical-request", "string-to-sign",
                            "signature" };
    char name[64], *target = NULL, plain[20], date[17] = "";
    struct str want[3], signed_request;
    struct sigv4_key key = { text_in(who, "access_key_id"),
                             text_in(who, "secret_access_key"),
                             text_in(context, "region"),
                             text_in(context, "service"), { NULL, 0 } };
    struct sigv4_request q;
    struct raw r;

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s-%s.txt", query ? "query" : "header",
                 kinds[i]);
        want[i] = file(folder, name);
    }
    snprintf(name, sizeof name, "%s-signed-request.txt",
             query ? "query" : "header");
    signed_request = file(folder, name);
    take_apart(signed_request, &r);
    drop(&r, "authorization");
    if (!token)
        drop(&r, "x-amz-security-token");
    if (query) {
        target = unsigned_target(r.target, token);
        r.target = ps_z(target);
    }
    memcpy(date, plain,
           ps_utc((uint64_t)ps_rfc3339_ms(text_in(context, "timestamp")), 1,
                  plain));
    key.date = ps_z(date);
    q = request_of(&r, !json_is_true(json_object_get(context, "normalize")));
    check(folder, &q, &key, want);
    free(target);
    forget(want, 3);
    forget(&signed_request, 1);
}

static void new_case(const char *path, const char *name, struct str bytes,
                     void *ud)
{
    json_t *context = json_loadb(bytes.p, bytes.n, 0, NULL);
    char folder[1024];

    (void)name;
    snprintf(folder, sizeof folder, "%.*s",
             (int)(strrchr(path, '/') - path), path);
    new_way(folder, context, false);
    new_way(folder, context, true);
    json_decref(context);
    ++*(int *)ud;
}

static void agrees_with_the_newer_suite(void)
{
    char path[1024];
    int n = 0;

    shared_path(path, sizeof path, "vectors/aws-sigv4/signing-test-suite");
    shared_each(path, "context.json", new_case, &n);
    if (!n)
        UNIT_SKIP("no recordings");
    CU_ASSERT(n >= 35);
}

/* ---- without files ------------------------------------------------------- */

/* As botocore signs it: the model's colon is encoded on the wire, and once
 * more in the canonical request. */
static void converse(const char *token, const char *want)
{
    struct sigv4_field f[] = {
        { ps_z("x-amz-date"), ps_z("20261123T000000Z") },
        { ps_z("Content-Type"), ps_z("application/json") },
        { ps_z("host"), ps_z("bedrock-runtime.us-east-1.amazonaws.com") },
        { ps_z("x-amz-security-token"), ps_z(token) },
    };
    const char *body =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}";
    char hash[65], room[4096], auth[1024];
    struct sigv4_text scratch = { room, 0, sizeof room, 0 };
    struct sigv4_text out = { auth, 0, sizeof auth - 1, 0 };
    struct sigv4_key key = { ps_z(ID), ps_z(SECRET), ps_z("us-east-1"),
                             ps_z("bedrock"), ps_z("20261123T000000Z") };
    struct sigv4_request q = {
        .method = ps_z("POST"),
        .path = ps_z("/model/anthropic.claude-3-haiku-20240307-v1%3A0/"
                     "converse"),
        .query = ps_z(""), .fields = f, .n_fields = token ? 4 : 3,
        .body_hash = hash,
    };

    hash_of(ps_z(body), hash);
    UNIT_INT(sigv4_authorization(&plugin_services, &key, &q, &scratch, &out),
             PS_OK);
    auth[out.n] = '\0';
    UNIT_STR(strstr(auth, "Signature="), want);
    CU_ASSERT(strncmp(auth, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/2026"
                            "1123/us-east-1/bedrock/aws4_request, ",
                      80) == 0);
}

static void signs_converse(void)
{
    converse(NULL, "Signature=70a7e01e9e037b758d982c5296fb1d3fe5649fb78c7f3ca0"
                   "d337b754ddecab01");
    converse("TESTTOKEN==", "Signature=2d04f57648d69c4eb7c8bcd519e18867784c4d5"
                            "7a40026c8a94278f9d865027c");
}

static void what_does_not_fit_is_refused(void)
{
    char small[40];
    struct sigv4_text out = { small, 0, sizeof small, 0 };
    struct sigv4_text names = { small, 0, 4, 0 };
    struct sigv4_field f[SIGV4_FIELDS_MAX + 1] = { 0 };
    struct sigv4_request q = { .method = ps_z("GET"), .path = ps_z("/"),
                               .query = ps_z(""), .fields = f,
                               .body_hash = "0" };
    char many[4 * (SIGV4_PARAMS_MAX + 1) + 1] = "";

    UNIT_INT(sigv4_canonical(&q, &out, &names), PS_OK);
    q.path = ps_z("/a-path-that-is-longer-than-all-of-the-memory");
    out.n = names.n = 0;
    UNIT_INT(sigv4_canonical(&q, &out, &names), PS_ENOMEM);
    q.n_fields = SIGV4_FIELDS_MAX + 1;
    UNIT_INT(sigv4_canonical(&q, &out, &names), PS_EINVAL);
    q.n_fields = 0;
    for (int i = 0; i <= SIGV4_PARAMS_MAX; i++)
        memcpy(many + strlen(many), "a=1&", 5);
    q.query = ps_z(many);
    UNIT_INT(sigv4_canonical(&q, &out, &names), PS_EINVAL);
}

UNIT_MAIN("sigv4", { "older suite", agrees_with_the_older_suite },
          { "newer suite", agrees_with_the_newer_suite },
          { "converse", signs_converse },
          { "limits", what_does_not_fit_is_refused })
