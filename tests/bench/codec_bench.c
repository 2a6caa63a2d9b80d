/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What translation costs: CPU time of a request (index, decode, encode) and
 * of one token of a stream (scan, decode, encode), best of the rounds; beside
 * it the scan alone, which the native path pays too. Then every pair: a
 * request of 1 KB and a whole answer.
 *
 *     codec_bench
 */
#include "codec_pairs.h"

#include "wire/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 9
#define MS_A_ROUND 60

static uint64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void must(int rc)
{
    if (rc) {
        fprintf(stderr, "codec_bench: %d\n", rc);
        exit(1);
    }
}

/* ---- requests ----------------------------------------------------------- */

struct request_run {
    enum dialect from, to;
    struct codec_target target;
    struct str body;
    struct json j;
    struct buf out;
    struct arena *a;
    bool translate; /* else the scan alone */
};

static void request_once(struct request_run *r)
{
    struct neutral_request n;
    struct codec_report report;
    struct codec_names names;

    must(json_scan(&r->j, r->body, NULL, NULL));
    if (!r->translate)
        return;
    buf_reset(&r->out);
    arena_reset(r->a);
    must(codec_for(r->from)->decode_request(&r->j, r->a, &n, NULL));
    must(codec_for(r->to)->encode_request(&n, &r->target, r->a, &r->out,
                                          &report, &names, NULL));
}

static double request_best(struct request_run *r)
{
    double best = 1e12;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = cpu_ns(), ns;
        unsigned n = 0;

        do {
            for (int i = 0; i < 16; i++)
                request_once(r);
            n += 16;
            ns = cpu_ns() - start;
        } while (ns < MS_A_ROUND * 1000000u);
        if ((double)ns / n < best)
            best = (double)ns / n;
    }
    return best;
}

static void put_request(struct buf *b, enum dialect d, size_t text)
{
    buf_puts(b, "{\"model\":\"m\",\"max_tokens\":900,\"temperature\":0.7,");
    buf_puts(b, "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"},"
                "{\"role\":\"assistant\",\"content\":\"Hello, how can I "
                "help?\"},{\"role\":\"user\",\"content\":\"");
    for (size_t n = 0; n < text; n += 32)
        buf_puts(b, "thirty-two bytes of prose here. ");
    buf_puts(b, "\"}],\"tools\":[{");
    buf_puts(b, d == DIALECT_ANTHROPIC
                    ? "\"name\":\"f\",\"description\":\"Look it up.\","
                      "\"input_schema\":{\"type\":\"object\",\"properties\":"
                      "{\"q\":{\"type\":\"string\"}}}}]}"
                    : "\"type\":\"function\",\"function\":{\"name\":\"f\","
                      "\"description\":\"Look it up.\",\"parameters\":"
                      "{\"type\":\"object\",\"properties\":{\"q\":{\"type\":"
                      "\"string\"}}}}}]}");
}

static void bench_request(const char *what, enum dialect from, size_t text)
{
    struct buf body = BUF_INIT(64 << 20);
    struct request_run r = { .from = from, .out = BUF_INIT(64 << 20) };
    double scan, all;

    r.to = from == DIALECT_ANTHROPIC ? DIALECT_OPENAI_CHAT
                                     : DIALECT_ANTHROPIC;
    r.target = codec_target_of(r.to, r.to == DIALECT_ANTHROPIC
                                         ? STR("claude-sonnet-4-5")
                                         : STR("gpt-4o"));
    r.a = arena_new(64 << 20);
    put_request(&body, from, text);
    r.body = buf_str(&body);
    scan = request_best(&r);
    r.translate = true;
    all = request_best(&r);
    printf("%-28s %7zu bytes  scan %8.2f us  all %8.2f us\n", what, r.body.n,
           scan / 1000, all / 1000);
    json_clear(&r.j);
    buf_clear(&r.out);
    buf_clear(&body);
    arena_free(r.a);
}

/* ---- tokens ------------------------------------------------------------- */

static void put_events(enum dialect d, struct codec_in *in,
                       struct codec_pipe *pipe, const char *data, int n)
{
    const struct codec *c = codec_for(d);

    for (int i = 0; i < n; i++)
        must(c->decode_event(in, STR(""), str_of(data), codec_pipe, pipe,
                             NULL));
}

static void bench_tokens(const char *what, enum dialect from, enum dialect to,
                         const char *first, const char *token)
{
    struct codec_out_opts opts = { .stream = true };
    struct codec_in_opts in_opts = { .unique = STR("u") };
    struct arena *a = arena_new(64 << 20);
    struct buf out = BUF_INIT(64 << 20);
    struct codec_in *in = codec_in_new(codec_for(from), a, &in_opts);
    struct codec_pipe pipe = { codec_out_new(codec_for(to), a, &opts), &out };
    double best = 1e12;

    put_events(from, in, &pipe, first, 1);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = cpu_ns(), ns;
        unsigned n = 0;

        do {
            buf_reset(&out);
            put_events(from, in, &pipe, token, 64);
            n += 64;
            ns = cpu_ns() - start;
        } while (ns < MS_A_ROUND * 1000000u);
        if ((double)ns / n < best)
            best = (double)ns / n;
    }
    printf("%-28s %7.0f ns\n", what, best);
    buf_clear(&out);
    arena_free(a);
}

#define CHUNK(delta)                                                          \
    "{\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\","   \
    "\"created\":1761503007,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":" \
    "\"default\",\"system_fingerprint\":\"fp_1234567890\",\"choices\":[{"     \
    "\"index\":0,\"delta\":" delta ",\"logprobs\":null,\"finish_reason\":"    \
    "null}],\"usage\":null,\"obfuscation\":\"aB3dE6gH\"}"
#define START                                                                 \
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"model\":"   \
    "\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":9}}}"
#define DELTA                                                                 \
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"      \
    "\"text_delta\",\"text\":\" token\"}}"

/* ---- every pair --------------------------------------------------------- */

struct answer_run {
    enum dialect from, to;
    struct str body;
    struct buf out;
    struct arena *a;
};

static void answer_once(struct answer_run *r)
{
    struct codec_in_opts in_opts = { .unique = STR("u") };
    struct codec_out_opts opts = { .unique = STR("u"), .created = 7 };
    const struct codec *c = codec_for(r->from);
    struct codec_pipe pipe = { .to = &r->out };
    struct codec_in *in;

    buf_reset(&r->out);
    arena_reset(r->a);
    in = codec_in_new(c, r->a, &in_opts);
    pipe.out = codec_out_new(codec_for(r->to), r->a, &opts);
    must(c->decode_body(in, r->body, codec_pipe, &pipe, NULL));
}

static double answer_best(struct answer_run *r)
{
    double best = 1e12;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = cpu_ns(), ns;
        unsigned n = 0;

        do {
            for (int i = 0; i < 16; i++)
                answer_once(r);
            n += 16;
            ns = cpu_ns() - start;
        } while (ns < MS_A_ROUND / 4 * 1000000u);
        if ((double)ns / n < best)
            best = (double)ns / n;
    }
    return best;
}

static double request_pair(const struct pair_client *c,
                           const struct pair_provider *p)
{
    struct request_run r = { .from = c->dialect, .to = p->dialect,
                             .out = BUF_INIT(64 << 20) };
    double scan, all;

    r.target = codec_target_of(p->dialect, str_of(p->model));
    r.a = arena_new(64 << 20);
    r.body = str_of(c->request);
    scan = request_best(&r);
    r.translate = true;
    all = request_best(&r);
    json_clear(&r.j);
    buf_clear(&r.out);
    arena_free(r.a);
    return all - scan;
}

static double answer_pair(const struct pair_client *c,
                          const struct pair_provider *p)
{
    struct answer_run r = { p->dialect, c->dialect, str_of(p->answer),
                            BUF_INIT(64 << 20), arena_new(64 << 20) };
    double best = answer_best(&r);

    buf_clear(&r.out);
    arena_free(r.a);
    return best;
}

static void bench_pairs(void)
{
    printf("\nus of a request of 1 KB (without its scan) + a whole answer\n"
           "%-12s", "");
    for (size_t c = 0; c < PAIR_CLIENTS; c++)
        printf(" %14s", pair_clients[c].name);
    for (size_t p = 0; p < PAIR_PROVIDERS; p++) {
        printf("\n%-12s", pair_providers[p].name);
        for (size_t c = 0; c < PAIR_CLIENTS; c++)
            printf("    %4.1f + %4.1f",
                   request_pair(&pair_clients[c], &pair_providers[p]) / 1000,
                   answer_pair(&pair_clients[c], &pair_providers[p]) / 1000);
        fflush(stdout);
    }
    printf("\n");
}

int main(void)
{
    const enum dialect chat = DIALECT_OPENAI_CHAT, ant = DIALECT_ANTHROPIC;

    bench_request("request chat -> anthropic", chat, 600);
    bench_request("request anthropic -> chat", ant, 600);
    bench_request("request chat -> anthropic", chat, 32000);
    bench_request("request chat -> anthropic", chat, 1000000);
    bench_tokens("token chat -> anthropic", chat, ant,
                 CHUNK("{\"role\":\"assistant\",\"content\":\"\"}"),
                 CHUNK("{\"content\":\" token\"}"));
    bench_tokens("token anthropic -> chat", ant, chat, START, DELTA);
    bench_tokens("token chat -> chat", chat, chat,
                 CHUNK("{\"role\":\"assistant\",\"content\":\"\"}"),
                 CHUNK("{\"content\":\" token\"}"));
    bench_tokens("arguments chat -> anthropic", chat, ant,
                 CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\","
                       "\"function\":{\"name\":\"f\",\"arguments\":"
                       "\"{\\\"a\\\":\\\"\"}}]}"),
                 CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":"
                       "{\"arguments\":\" token\"}}]}"));
    bench_pairs();
    return 0;
}
