/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The guide's tables of what becomes of answers, made by translating them:
 * each provider's to each dialect's clients. A sample carries a mark; the
 * translated answer, streamed and whole, is read again: the mark in the same
 * kind of event was translated, in another or under a seal mapped, nowhere
 * dropped. Where it stands is what the whole answer says. With
 * PENSTOCK_WRITE=1 the page is written again.
 */
#include "answer_run.h"
#include "guide_page.h"
#include "json_paths.h"

enum row {
#define ANSWER(id, name, what, finish) ROW_##id,
#include "answer_rows.def"
#undef ANSWER
    ROW_COUNT,
};

static const struct {
    const char *name, *what;
    bool finish;
} rows[] = {
#define ANSWER(id, name, what, finish) { name, what, finish },
#include "answer_rows.def"
#undef ANSWER
};

static const char *const samples[ROW_COUNT][PROVIDER_COUNT] = {
#define SAID(row, provider, text) [ROW_##row][provider] = text,
#include "answer_samples.def"
#undef SAID
};

/* ---- where the mark is --------------------------------------------------- */

/* Kinds of events with the mark, a bit each; counts and ends behind them. */
#define AT_CUSTOM (1u << 20)
#define AT_USAGE (1u << 21)
#define AT_TIER (1u << 26)

struct seen {
    uint32_t where;
    enum neutral_finish finish;
    bool finished;
};

static bool marked(const char *p, size_t n)
{
    return p && str_find((struct str){ p, n }, STR("MARK")) >= 0;
}

static uint32_t usage_marks(const struct usage *u)
{
    const int64_t counts[] = { u->input, u->output, u->cache_read,
                               u->cache_write, u->reasoning };
    uint32_t bits = 0;

    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        bits |= counts[i] == 7777 ? AT_USAGE << i : 0;
    return bits | (u->tier == TIER_PRIORITY ? AT_TIER : 0);
}

static int look(void *ud, const struct neutral_event *ev)
{
    struct seen *s = ud;

    if (marked(ev->text.p, ev->text.n) || marked(ev->id.p, ev->id.n) ||
        marked(ev->raw.p, ev->raw.n) || marked(ev->name.p, ev->name.n) ||
        marked(ev->signature.p, ev->signature.n) ||
        (ev->error && marked(ev->error->message.p, ev->error->message.n)))
        s->where |= 1u << ev->type;
    if (ev->type == NEUTRAL_TOOL_BEGIN && ev->custom)
        s->where |= AT_CUSTOM;
    if (ev->type == NEUTRAL_USAGE || ev->type == NEUTRAL_START)
        s->where |= usage_marks(&ev->usage);
    if (ev->type == NEUTRAL_FINISH && ev->choice == 0) {
        s->finish = ev->finish;
        s->finished = true;
    }
    return 0;
}

/* ---- what is named where a row is dropped -------------------------------- */

static const uint32_t named[ROW_COUNT] = {
    [ROW_WEB] = 1u << LOSS_CITATIONS,
    [ROW_CITED] = 1u << LOSS_CITATIONS,
    [ROW_SERVER] = 1u << LOSS_SERVER_BLOCKS,
    [ROW_LOGPROBS] = 1u << LOSS_LOGPROBS,
    [ROW_CHOICES] = 1u << LOSS_CHOICES,
    [ROW_AUDIO] = 1u << LOSS_AUDIO,
    [ROW_IMAGES] = 1u << LOSS_IMAGES,
    [ROW_STOP] = 1u << LOSS_STOP,
    [ROW_ENDED_STOP] = 1u << LOSS_STOP,
    [ROW_CACHE_WRITE] = 1u << LOSS_CACHE_WRITE,
    [ROW_TIER] = 1u << LOSS_TIER,
    [ROW_FINGERPRINT] = 1u << LOSS_FINGERPRINT,
};

/* What is dropped is named, by that name alone; what is not, is not. Of how
 * an answer ended the sequence may be lost where the word is not. */
static bool is_named(int row, const char *fate, uint32_t lost)
{
    if (row == ROW_ENDED_STOP)
        return (lost & ~named[row]) == 0;
    return strcmp(fate, "dropped") == 0 ? lost && lost == named[row] : !lost;
}

/* ---- one sample in one direction ----------------------------------------- */

/* A seal of ours, as it is and in base64. */
static bool is_sealed(struct str answer)
{
    return str_find(answer, STR("penstock.")) >= 0 ||
           str_find(answer, STR("cGVuc3RvY2su")) >= 0;
}

static void put_word(struct buf *b, struct str answer, const char *at)
{
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };
    uint32_t node;

    CU_ASSERT_FATAL(json_scan(&j, answer, NULL, NULL) == 0);
    node = json_at(&j, str_of(at));
    if (node != JSON_NONE && j.nodes[node].type == JSON_T_STRING)
        buf_printf(b, "%s`" STR_FMT "`", buf_len(b) ? ", " : "",
                   STR_ARG(json_text(&j, node, a)));
    json_clear(&j);
    arena_free(a);
}

static const char *fate_of(int row, const struct seen *in,
                           const struct seen *out)
{
    if (rows[row].finish)
        return in->finish == out->finish ? "translated" : "mapped";
    if (in->where && in->where == out->where)
        return "translated";
    return out->where ? "mapped" : "dropped";
}

/* The fate, and where in the client's whole answer it is seen. */
struct cell {
    const char *fate;
    struct buf places;
};

static void find_places(struct cell *cell, int row, size_t client,
                        struct str answer)
{
    if (!rows[row].finish) {
        paths_with(&cell->places, answer, "MARK");
        paths_with(&cell->places, answer, "7777");
        paths_with(&cell->places, answer, "priority");
        return;
    }
    put_word(&cell->places, answer, clients[client].finish);
    if (clients[client].why)
        put_word(&cell->places, answer, clients[client].why);
}

/* Streamed and whole come to the same. */
static void run_cell(struct cell *cell, int row, enum answer_provider p,
                     size_t client)
{
    enum dialect to = clients[client].dialect;
    struct buf whole = BUF_INIT(1 << 20), stream = BUF_INIT(1 << 20);
    struct seen said = { 0 }, got = { 0 }, streamed = { 0 };
    const char *text = samples[row][p], *fate;
    uint32_t lost, lost_streamed;

    *cell = (struct cell){ .fate = "–", .places = BUF_INIT(1 << 16) };
    if (!text)
        return;
    CU_ASSERT(answer_run(p, text, look, &said) == 0);
    run_lost = 0;
    CU_ASSERT(answer_through(p, text, to, false, &whole) == 0);
    lost = run_lost;
    run_lost = 0;
    CU_ASSERT(answer_through(p, text, to, true, &stream) == 0);
    lost_streamed = run_lost;
    CU_ASSERT(run_body(to, buf_str(&whole), look, &got) == 0);
    CU_ASSERT(run_stream(to, buf_str(&stream), 7, look, &streamed) == 0);
    find_places(cell, row, client, buf_str(&whole));
    if (!buf_len(&cell->places) && said.where && is_sealed(buf_str(&whole))) {
        got.where = streamed.where = 1u << NEUTRAL_END;
        buf_puts(&cell->places, "under a seal");
    }
    fate = cell->fate = fate_of(row, &said, &got);
    if (strcmp(fate, fate_of(row, &said, &streamed)) != 0)
        printf("\n%s, %s to %s: %s as a whole, %s streamed", rows[row].name,
               providers[p].name, clients[client].name, fate,
               fate_of(row, &said, &streamed));
    CU_ASSERT(strcmp(fate, fate_of(row, &said, &streamed)) == 0);
    if (!is_named(row, fate, lost) || lost != lost_streamed)
        printf("\n%s, %s to %s: %s, named 0x%x, streamed 0x%x",
               rows[row].name, providers[p].name, clients[client].name, fate,
               lost, lost_streamed);
    CU_ASSERT(is_named(row, fate, lost));
    CU_ASSERT(lost == lost_streamed);
    if ((strcmp(fate, "dropped") == 0) != (buf_len(&cell->places) == 0))
        printf("\n%s, %s to %s: %s at " STR_FMT "\n" STR_FMT "\n" STR_FMT,
               rows[row].name, providers[p].name, clients[client].name, fate,
               STR_ARG(buf_str(&cell->places)), STR_ARG(buf_str(&whole)),
               STR_ARG(buf_str(&stream)));
    CU_ASSERT((strcmp(fate, "dropped") == 0) ==
              (buf_len(&cell->places) == 0));
    buf_clear(&whole);
    buf_clear(&stream);
}

/* ---- the tables --------------------------------------------------------- */

static void put_table(struct buf *b, size_t client)
{
    buf_puts(b, "| of the answer |");
    for (int p = 0; p < PROVIDER_COUNT; p++) {
        if (providers[p].dialect != clients[client].dialect)
            buf_printf(b, " %s |", providers[p].name);
    }
    buf_puts(b, "\n|---|---|---|---|---|---|---|---|\n");
    for (int row = 0; row < ROW_COUNT; row++) {
        buf_printf(b, "| %s |", rows[row].name);
        for (int p = 0; p < PROVIDER_COUNT; p++) {
            struct cell cell;

            if (providers[p].dialect == clients[client].dialect)
                continue;
            run_cell(&cell, row, (enum answer_provider)p, client);
            buf_printf(b, " %s |", cell.fate);
            buf_clear(&cell.places);
        }
        buf_puts(b, "\n");
    }
}

/* By the first provider whose word of it arrives. */
static void put_place(struct buf *b, int row, size_t client)
{
    for (int p = 0; p < PROVIDER_COUNT; p++) {
        struct cell cell;
        bool there;

        if (providers[p].dialect == clients[client].dialect)
            continue;
        run_cell(&cell, row, (enum answer_provider)p, client);
        there = buf_len(&cell.places) > 0;
        if (there)
            buf_put(b, buf_str(&cell.places));
        buf_clear(&cell.places);
        if (there)
            return;
    }
    buf_puts(b, "–");
}

static void put_places(struct buf *b)
{
    buf_puts(b, "| of the answer | what it is |");
    for (size_t c = 0; c < CLIENTS; c++)
        buf_printf(b, " %s |", clients[c].name);
    buf_puts(b, "\n|---|---|---|---|---|---|\n");
    for (int row = 0; row < ROW_COUNT; row++) {
        buf_printf(b, "| %s | %s |", rows[row].name, rows[row].what);
        for (size_t c = 0; c < CLIENTS; c++) {
            buf_putc(b, ' ');
            put_place(b, row, c);
            buf_puts(b, " |");
        }
        buf_puts(b, "\n");
    }
}

static void guide_says_what_is(void)
{
    struct buf table = BUF_INIT(1 << 20);
    char name[80];

    for (size_t c = 0; c < CLIENTS; c++) {
        buf_reset(&table);
        put_table(&table, c);
        snprintf(name, sizeof name, "table of answers to %s clients",
                 clients[c].name);
        guide_says("compatibility.md", name, buf_str(&table));
    }
    buf_reset(&table);
    put_places(&table);
    guide_says("compatibility.md", "table of places of answers",
               buf_str(&table));
    buf_clear(&table);
}

/* What every dialect can say, whoever asks, arrives. */
static void the_plain_arrives(void)
{
    static const enum row plain[] = { ROW_TEXT, ROW_CALL, ROW_CALL_ID,
                                      ROW_FINISHED, ROW_ENDED_CALL,
                                      ROW_ENDED_LENGTH, ROW_INPUT, ROW_OUTPUT,
                                      ROW_CACHE_READ, ROW_ERROR };

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        for (size_t k = 0; k < PROVIDER_COUNT * CLIENTS; k++) {
            enum answer_provider p = (enum answer_provider)(k / CLIENTS);
            struct cell cell;
            bool ok;

            run_cell(&cell, plain[i], p, k % CLIENTS);
            ok = !samples[plain[i]][p] || strcmp(cell.fate, "dropped") != 0;
            if (!ok)
                printf("\n%s of %s is lost to %s", rows[plain[i]].name,
                       providers[p].name, clients[k % CLIENTS].name);
            CU_ASSERT(ok);
            buf_clear(&cell.places);
        }
    }
}

UNIT_MAIN("answer_features", { "the plain arrives", the_plain_arrives },
          { "the guide says what is", guide_says_what_is })
