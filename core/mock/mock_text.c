/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the models say, piece by piece: nothing is made before it is sent, so
 * that an answer of 100 MB costs no more memory than one of ten words.
 *
 * A token is a word with the spaces before it, or a few bytes of JSON.
 */
#include "mock/mock_impl.h"

#include <math.h>

enum { JSON_STEP = 8, LOREM_TOKENS = 64 };

const char *const mock_model_names[] = {
    [MOCK_UNKNOWN] = NULL, [MOCK_ECHO] = "echo",   [MOCK_LOREM] = "lorem",
    [MOCK_TOOLS] = "tools", [MOCK_THINK] = "think", [MOCK_JSON] = "json",
    [MOCK_EMBED] = "embed",
};

static const struct str words[] = {
    STR("Lorem"),         STR(" ipsum"),     STR(" dolor"),
    STR(" sit"),          STR(" amet,"),     STR(" consectetur"),
    STR(" adipiscing"),   STR(" elit,"),     STR(" sed"),
    STR(" do"),           STR(" eiusmod"),   STR(" tempor"),
    STR(" incididunt"),   STR(" ut"),        STR(" labore"),
    STR(" et"),           STR(" dolore"),    STR(" magna"),
    STR(" aliqua."),      STR(" Ut"),        STR(" enim"),
    STR(" ad"),           STR(" minim"),     STR(" veniam,"),
    STR(" quis"),         STR(" nostrud"),   STR(" exercitation"),
    STR(" ullamco"),      STR(" laboris"),   STR(" nisi"),
    STR(" aliquip"),      STR(" commodo."),
};

enum { WORDS = sizeof words / sizeof words[0] };

enum mock_model mock_model_of(struct str name)
{
    for (int i = MOCK_ECHO; i <= MOCK_EMBED; i++) {
        if (str_is(name, mock_model_names[i]))
            return (enum mock_model)i;
    }
    return str_starts(name, STR("echo-")) ? MOCK_ECHO : MOCK_UNKNOWN;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Spaces and the word after them. */
static size_t word_end(struct str s)
{
    size_t n = 0;

    while (n < s.n && is_space(s.p[n]))
        n++;
    while (n < s.n && !is_space(s.p[n]))
        n++;
    return n;
}

/* A few bytes, never within a character. */
static size_t step_end(struct str s)
{
    size_t n = JSON_STEP;

    if (n >= s.n)
        return s.n;
    while (n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* As word_end would cut it: words, and what trails the last. */
uint64_t mock_count(struct str text)
{
    bool space = true;
    uint64_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        bool is = is_space(text.p[i]);

        n += space && !is;
        space = is;
    }
    return n + (text.n && space);
}

static void part(struct mock_gen *g, enum mock_kind kind, struct str text,
                 bool by_word)
{
    uint32_t i = g->n_parts++;

    g->part[i].kind = kind;
    g->part[i].text = text;
    g->part[i].by_word = by_word;
    g->part[i].left = -1;
}

static void say(struct mock_gen *g, struct str text)
{
    part(g, MOCK_P_TEXT, text, true);
}

static void call(struct mock_gen *g, const struct mock_ask *ask)
{
    part(g, MOCK_P_CALL, ask->tool, false);
    part(g, MOCK_P_ARGS, ask->args, false);
}

void mock_gen_init(struct mock_gen *g, const struct mock_ask *ask,
                   struct arena *a)
{
    struct str text = ask->text.n ? ask->text : STR("Say something.");

    *g = (struct mock_gen){ .ask = ask };
    switch (ask->model) {
    case MOCK_LOREM:
        say(g, STR_NULL);
        g->part[0].left = ask->max_tokens > 0 ? ask->max_tokens : LOREM_TOKENS;
        g->cut_short = ask->max_tokens > 0;
        return;
    case MOCK_TOOLS:
        if (ask->tool_answer.p) {
            say(g, STR("The tool said:"));
            say(g, arena_fmt(a, " " STR_FMT, STR_ARG(ask->tool_answer)));
        } else if (ask->tool.p) {
            if (ask->think)
                part(g, MOCK_P_THINK, STR("I need the tool for that."), true);
            call(g, ask);
        } else {
            say(g, STR("No tool was offered."));
        }
        return;
    case MOCK_THINK:
        part(g, MOCK_P_THINK, STR("They wrote:"), true);
        part(g, MOCK_P_THINK, arena_fmt(a, " " STR_FMT, STR_ARG(text)), true);
        part(g, MOCK_P_THINK, STR(" I say it back."), true);
        say(g, text);
        return;
    case MOCK_JSON:
        if (ask->tool.p && !ask->tool_answer.p)
            call(g, ask);
        else
            part(g, MOCK_P_TEXT, ask->json, false);
        return;
    default:
        if (str_starts(ask->name, STR("echo-"))) {
            say(g, ask->name);
            text = arena_fmt(a, " " STR_FMT, STR_ARG(text));
        }
        say(g, text);
    }
}

static bool made_up(struct mock_gen *g, struct mock_piece *p)
{
    if (g->part[g->at].left-- <= 0)
        return false;
    p->kind = MOCK_P_TEXT;
    p->text = words[g->made % WORDS];
    if (g->made && g->made % WORDS == 0)
        p->text = STR(" Lorem");
    return true;
}

static bool from_part(struct mock_gen *g, struct mock_piece *p)
{
    struct str *s = &g->part[g->at].text;
    size_t n;

    if (!s->p)
        return made_up(g, p);
    if (!s->n)
        return false;
    p->kind = g->part[g->at].kind;
    n = p->kind == MOCK_P_CALL       ? s->n
        : g->part[g->at].by_word ? word_end(*s)
                                 : step_end(*s);
    p->text = (struct str){ s->p, n };
    s->p += n;
    s->n -= n;
    return true;
}

bool mock_gen_next(struct mock_gen *g, struct mock_piece *p)
{
    int64_t max = g->ask->max_tokens;

    while (g->at < g->n_parts) {
        if (g->ask->model != MOCK_LOREM && max >= 0 &&
            g->made >= (uint64_t)max && g->part[g->at].text.n) {
            g->cut_short = true;
            return false;
        }
        if (from_part(g, p)) {
            g->made++;
            g->thought += p->kind == MOCK_P_THINK;
            return true;
        }
        g->at++;
    }
    return false;
}

static uint64_t pieces_in(struct str text, bool by_word)
{
    uint64_t n = 0;

    if (by_word)
        return mock_count(text);
    while (text.n) {
        size_t k = step_end(text);

        text.p += k;
        text.n -= k;
        n++;
    }
    return n;
}

bool mock_gen_run(struct mock_gen *g, struct mock_piece *p)
{
    uint64_t n;

    while (g->at < g->n_parts && g->part[g->at].text.p &&
           !g->part[g->at].text.n)
        g->at++;
    if (g->ask->max_tokens >= 0 || g->at == g->n_parts ||
        !g->part[g->at].text.p)
        return mock_gen_next(g, p);
    p->kind = g->part[g->at].kind;
    p->text = g->part[g->at].text;
    n = p->kind == MOCK_P_CALL ? 1
                               : pieces_in(p->text, g->part[g->at].by_word);
    g->made += n;
    g->thought += p->kind == MOCK_P_THINK ? n : 0;
    g->at++;
    return true;
}

/* ---- vectors ----------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void mock_vector(struct str input, float *v, uint32_t dims)
{
    uint64_t seed = str_hash(input, 1);
    double sum = 0;

    for (uint32_t i = 0; i < dims; i++) {
        v[i] = (float)(int32_t)(mix(seed + i) >> 32) / 2147483648.0f;
        sum += (double)v[i] * v[i];
    }
    for (uint32_t i = 0; i < dims && sum > 0; i++)
        v[i] = (float)(v[i] / sqrt(sum));
}
