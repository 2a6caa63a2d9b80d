/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The guide's tables of what goes through translation, made by running it: a
 * sample request of each feature, by clients of every dialect to models of
 * every provider. The test fails where the page says something else, and
 * where a feature is lost without being named; with PENSTOCK_WRITE=1 in the
 * environment it writes the page's tables again.
 */
#include "feature_run.h"
#include "guide_page.h"

static const struct column {
    enum dialect to;
    const char *model;
} columns[] = {
    { DIALECT_OPENAI_CHAT, "gpt-5.2" },
    { DIALECT_OPENAI_CHAT, "llama-3.3-70b" },
    { DIALECT_ANTHROPIC, "claude-sonnet-4-5" },
    { DIALECT_ANTHROPIC, "claude-opus-5-5" },
    { DIALECT_GEMINI, "gemini-2.5-flash" },
    { DIALECT_GEMINI, "gemini-3-pro" },
    { DIALECT_RESPONSES, "gpt-5.2" },
    { DIALECT_CONVERSE, "anthropic.claude-sonnet-4-5" },
    { DIALECT_CONVERSE, "amazon.nova-pro" },
    { DIALECT_COHERE, "command-a-reasoning" },
    { DIALECT_MISTRAL, "mistral-large" },
    { DIALECT_OLLAMA, "qwen3" },
};

#define COLUMNS (sizeof columns / sizeof columns[0])

static const struct {
    const char *table, *stories; /* the guide's, the stories' name of it */
} clients[CLIENT_COUNT] = {
    [CHAT] = { "table of chat clients", "chat" },
    [MESSAGES] = { "table of Anthropic clients", "messages" },
    [RESPONSES] = { "table of Responses clients", "responses" },
    [GOOGLE] = { "table of Gemini clients", "gemini" },
};

/* Providers by whose dialect the table of places goes. */
static const struct {
    enum dialect dialect;
    const char *name;
} providers[] = {
    { DIALECT_OPENAI_CHAT, "Chat Completions" },
    { DIALECT_ANTHROPIC, "Anthropic" },
    { DIALECT_GEMINI, "Gemini" },
    { DIALECT_RESPONSES, "Responses" },
    { DIALECT_CONVERSE, "Converse" },
    { DIALECT_COHERE, "Cohere" },
    { DIALECT_MISTRAL, "Mistral" },
    { DIALECT_OLLAMA, "Ollama" },
};

#define PROVIDERS (sizeof providers / sizeof providers[0])

/* `bare`: a target that can do nothing which its dialect does not ask of
 * all. */
static void run_column(struct cell *cell, int row, enum feature_client c,
                       size_t column, bool bare)
{
    struct codec_target t = codec_target_of(columns[column].to,
                                            str_of(columns[column].model));

    if (bare) {
        t.can = 0;
        t.strict = columns[column].to == DIALECT_OPENAI_CHAT;
    }
    run_cell(cell, row, c, columns[column].to, &t);
}

static bool is_native(enum feature_client c, size_t column)
{
    return client_dialects[c] == columns[column].to;
}

/* ---- the tables --------------------------------------------------------- */

static void put_table(struct buf *b, enum feature_client c)
{
    buf_puts(b, "| feature |");
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!is_native(c, i))
            buf_printf(b, " %s%s |", columns[i].model,
                       columns[i].to == DIALECT_RESPONSES
                           ? " by Responses" : "");
    }
    buf_puts(b, "\n|---|");
    for (size_t i = 0; i < COLUMNS; i++)
        buf_puts(b, is_native(c, i) ? "" : "---|");
    buf_puts(b, "\n");
    for (int row = 0; row < ROW_COUNT; row++) {
        if (!samples[row][c])
            continue;
        buf_printf(b, "| %s |", row_name(row));
        for (size_t i = 0; i < COLUMNS; i++) {
            struct cell cell;

            if (is_native(c, i))
                continue;
            run_column(&cell, row, c, i, false);
            buf_printf(b, " %s |", fate_words[cell.fate]);
            buf_clear(&cell.places);
        }
        buf_puts(b, "\n");
    }
}

/* The first two of "`a`, `b`, `c`" */
static void put_first(struct buf *b, struct str places)
{
    for (int i = 0; i < 2 && places.n; i++) {
        struct str one = str_split(&places, ',');

        buf_printf(b, i ? ", " STR_FMT : STR_FMT, STR_ARG(str_trim(one)));
    }
    if (places.n)
        buf_puts(b, ", …");
}

/* How a provider's dialect says it, by the first client that gets it there. */
static void put_place(struct buf *b, int row, enum dialect d)
{
    for (size_t i = 0; i < COLUMNS * CLIENT_COUNT; i++) {
        enum feature_client c = (enum feature_client)(i / COLUMNS);
        struct cell cell;
        bool there;

        if (columns[i % COLUMNS].to != d || is_native(c, i % COLUMNS))
            continue;
        run_column(&cell, row, c, i % COLUMNS, false);
        there = cell.fate == CARRIED || cell.fate == MAPPED;
        if (there)
            put_first(b, buf_str(&cell.places));
        buf_clear(&cell.places);
        if (there)
            return;
    }
    buf_puts(b, "–");
}

static void put_places(struct buf *b)
{
    buf_puts(b, "| feature | what it is |");
    for (size_t i = 0; i < PROVIDERS; i++)
        buf_printf(b, " %s |", providers[i].name);
    buf_puts(b, "\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (int row = 0; row < ROW_COUNT; row++) {
        buf_printf(b, "| %s | %s |", row_name(row), row_what(row));
        for (size_t i = 0; i < PROVIDERS; i++) {
            buf_putc(b, ' ');
            put_place(b, row, providers[i].dialect);
            buf_puts(b, " |");
        }
        buf_puts(b, "\n");
    }
}

static void guide_says_what_is(void)
{
    struct buf table = BUF_INIT(1 << 20);

    for (int c = 0; c < CLIENT_COUNT; c++) {
        buf_reset(&table);
        put_table(&table, (enum feature_client)c);
        guide_says("compatibility.md", clients[c].table, buf_str(&table));
    }
    buf_reset(&table);
    put_places(&table);
    guide_says("compatibility.md", "table of places", buf_str(&table));
    buf_clear(&table);
}

/* ---- nothing is lost ---------------------------------------------------- */

/* Where it need not be said, and where more than its name remains. */
static bool is_silent(const struct cell *cell, int row,
                      const struct column *to)
{
    switch (row) {
    case ROW_P_STREAM: /* the path says it */
        return to->to == DIALECT_GEMINI || to->to == DIALECT_CONVERSE;
    case ROW_P_NO_REASONING: /* of models that do none */
        return !(codec_target_of(to->to, str_of(to->model)).can & CAN_REASON);
    case ROW_SERVICE_TIER: /* standard is what there is */
        return to->to == DIALECT_GEMINI;
    case ROW_CITATIONS: /* it cites unasked */
        return to->to == DIALECT_COHERE;
    case ROW_THINKING: /* the signature is what is dropped */
        return cell->fate == DROPPED;
    default:
        return false;
    }
}

/* Carried, or named: never neither, and not both. */
static void nothing_is_lost(void)
{
    for (int row = 0; row < ROW_COUNT; row++) {
        for (size_t i = 0; i < COLUMNS * CLIENT_COUNT; i++) {
            enum feature_client c = (enum feature_client)(i / COLUMNS);
            size_t column = i % COLUMNS;
            struct cell cell;
            bool there, ok;

            if (!samples[row][c] || is_native(c, column))
                continue;
            run_column(&cell, row, c, column, false);
            there = buf_len(&cell.places) > 0;
            ok = cell.fate == CARRIED || cell.fate == MAPPED
                     ? there
                     : cell.fate == REFUSED || !there ||
                           !strstr(samples[row][c], "MARK");
            ok = ok || is_silent(&cell, row, &columns[column]);
            if (!ok)
                printf("\n%s, %s client to %s: %s, but at " STR_FMT,
                       row_name(row), clients[c].stories,
                       columns[column].model, fate_words[cell.fate],
                       STR_ARG(buf_str(&cell.places)));
            CU_ASSERT(ok);
            buf_clear(&cell.places);
        }
    }
}

/* Each row of codec_feature.def has a sample that meets it. */
static void samples_meet_their_features(void)
{
    for (int row = PLAIN_COUNT; row < ROW_COUNT; row++) {
        bool met = false;

        for (size_t i = 0; i < 2 * COLUMNS * CLIENT_COUNT; i++) {
            enum feature_client c = (enum feature_client)(i / 2 / COLUMNS);
            size_t column = i / 2 % COLUMNS;
            struct cell cell;

            if (is_native(c, column))
                continue;
            run_column(&cell, row, c, column, i & 1);
            met = met || cell.fate > CARRIED;
            buf_clear(&cell.places);
        }
        if (!met)
            printf("\n%s is never noted", row_name(row));
        CU_ASSERT(met);
    }
}

/* For the stories, which send them through a gateway (test_translate_features
 * .py): feature, from, model, fate, body, by tabs. */
static void samples_can_be_printed(void)
{
    if (!getenv("PENSTOCK_SAMPLES"))
        return;
    for (size_t i = 0; i < ROW_COUNT * COLUMNS * CLIENT_COUNT; i++) {
        enum feature_client c =
            (enum feature_client)(i / COLUMNS % CLIENT_COUNT);
        size_t column = i % COLUMNS;
        int row = (int)(i / COLUMNS / CLIENT_COUNT);
        struct cell cell;
        char *body;

        if (row < PLAIN_COUNT || !samples[row][c] || is_native(c, column))
            continue;
        run_column(&cell, row, c, column, false);
        buf_clear(&cell.places);
        if (goes_with(&cell.report, row))
            continue; /* by another name */
        body = request_of(row, c, true);
        printf("\n#sample\t%s\t%s\t%s\t%s\t%s\t%s", row_name(row),
               clients[c].stories, dialect_name(columns[column].to),
               columns[column].model, fate_words[cell.fate], body);
        free(body);
    }
    printf("\n");
}

UNIT_MAIN("codec_features", { "nothing is lost", nothing_is_lost },
          { "samples meet their features", samples_meet_their_features },
          { "samples can be printed", samples_can_be_printed },
          { "the guide says what is", guide_says_what_is })
