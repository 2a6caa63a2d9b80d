/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Tokens before anybody has counted: by script, by image, and no base64. */
#include "wire/token_guess.h"

#include "unit.h"

static uint64_t guess(enum dialect d, const char *text)
{
    struct json j = { 0 };
    struct err err = { 0 };
    uint64_t n;

    if (json_scan(&j, str_of(text), NULL, &err)) {
        printf("\n%s: %s", err.at, err.msg);
        return 0;
    }
    n = token_guess(d, &j);
    json_clear(&j);
    return n;
}

static uint64_t whole(const char *z)
{
    return token_guess_text(str_of(z)) / TOKEN_PARTS;
}

/* Within half and double of what tokenizers make of them (o200k, read off
 * 2026-11): the guess need not be better. */
static void by_script(void)
{
    static const struct {
        const char *text;
        uint64_t real;
    } rows[] = {
        { "The quick brown fox jumps over the lazy dog, and then it goes "
          "home to sleep for the rest of the afternoon.", 23 },
        { "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; }", 24 },
        { "Съешь же ещё этих мягких французских булок да выпей чаю", 17 },
        { "私は毎朝公園を散歩して、それから仕事に行きます。", 16 },
        { "नमस्ते, आप कैसे हैं? मैं ठीक हूँ, धन्यवाद।", 22 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t n = whole(rows[i].text);

        if (n * 2 < rows[i].real || n > rows[i].real * 2)
            printf("\n%llu, really %llu: %s", (unsigned long long)n,
                   (unsigned long long)rows[i].real, rows[i].text);
        CU_ASSERT(n * 2 >= rows[i].real && n <= rows[i].real * 2);
    }
    UNIT_INT(whole(""), 0);
}

/* A text costs what its bytes cost one by one, wherever they stand. */
static void in_blocks(void)
{
    unsigned char text[105];

    for (unsigned c = 1; c < 256; c++) {
        for (size_t n = 1; n <= sizeof text; n += 13) {
            uint64_t sum = 0;

            for (size_t i = 0; i < n; i++) {
                text[i] = (unsigned char)(i % 3 == 2 ? 'a' + i % 26 : c);
                sum += token_guess_text(
                    (struct str){ (const char *)text + i, 1 });
            }
            UNIT_INT(token_guess_text((struct str){ (const char *)text, n }),
                     sum);
        }
    }
}

static void a_conversation(void)
{
    uint64_t short_one = guess(
        DIALECT_OPENAI_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
        "\"Hello there\"}]}");
    uint64_t with_tool = guess(
        DIALECT_OPENAI_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
        "\"Hello there\"}],\"tools\":[{\"type\":\"function\",\"function\":"
        "{\"name\":\"get_weather\",\"description\":\"Tells the weather of a "
        "city today\",\"parameters\":{\"type\":\"object\",\"properties\":"
        "{\"city_name\":{\"type\":\"string\"}}}}}]}");

    CU_ASSERT(short_one >= 6 && short_one <= 14);
    CU_ASSERT(with_tool >= short_one + 20 && with_tool <= short_one + 70);
    UNIT_INT(guess(DIALECT_OPENAI_EMBEDDINGS,
                   "{\"input\":[1,22,333,4444]}"), 4);
}

/* 32 characters of a PNG's begin: 1024 by 512 */
#define PNG "iVBORw0KGgoAAAANSUhEUgAABAAAAAIA"

#define OPENAI(url, detail)                                                   \
    "{\"messages\":[{\"content\":[{\"image_url\":{\"url\":\"" url "\""        \
    detail "}}]}]}"

static void images(void)
{
    enum { AROUND = 4 };

    UNIT_INT(guess(DIALECT_OPENAI_CHAT, OPENAI("https://x/a.png", "")),
             765 + AROUND);
    UNIT_INT(guess(DIALECT_OPENAI_CHAT,
                   OPENAI("https://x/a.png", ",\"detail\":\"low\"")),
             85 + AROUND);
    UNIT_INT(guess(DIALECT_OPENAI_CHAT,
                   OPENAI("data:image/png;base64," PNG "AAAA", "")),
             85 + 170 * 2 * 1 + AROUND);
    UNIT_INT(guess(DIALECT_ANTHROPIC,
                   "{\"messages\":[{\"content\":[{\"source\":{\"type\":"
                   "\"base64\",\"media_type\":\"image/png\",\"data\":\"" PNG
                   "AAAA\"}}]}]}"),
             1024 * 512 / 750 + 1 + AROUND);
    UNIT_INT(guess(DIALECT_ANTHROPIC,
                   "{\"messages\":[{\"content\":[{\"source\":{\"type\":"
                   "\"url\",\"url\":\"https://x/a.jpg\"}}]}]}"),
             1600 + AROUND);
}

/* A megabyte of base64 is no quarter of a million tokens. */
static void media(void)
{
    struct buf b = BUF_INIT(2 << 20);
    uint64_t n;

    buf_puts(&b, "{\"messages\":[{\"content\":[{\"image_url\":{\"url\":"
                 "\"data:image/jpeg;base64,");
    for (int i = 0; i < 1 << 18; i++)
        buf_puts(&b, "AAAA");
    buf_puts(&b, "\"}}]}]}");
    buf_putc(&b, '\0');
    n = guess(DIALECT_OPENAI_CHAT, buf_str(&b).p);
    UNIT_INT(n, 765 + 4);
    buf_clear(&b);
    n = guess(DIALECT_OPENAI_CHAT,
              "{\"messages\":[{\"content\":[{\"input_audio\":{\"data\":"
              "\"0123456789012345678901234567890123456789\"}}]}]}");
    CU_ASSERT(n >= 4 + 2 && n <= 4 + 6);
    n = guess(DIALECT_ANTHROPIC,
              "{\"messages\":[{\"content\":[{\"source\":{\"type\":\"text\","
              "\"media_type\":\"text/plain\",\"data\":\"four words are "
              "here\"}}]}]}");
    CU_ASSERT(n >= 4 + 4 && n <= 4 + 8);
}

UNIT_MAIN("token_guess", { "by script", by_script },
          { "in blocks", in_blocks },
          { "a conversation", a_conversation }, { "images", images },
          { "media", media })
