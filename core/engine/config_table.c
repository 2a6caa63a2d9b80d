/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The arrays that config.def makes, look-ups in them, and the edit distance
 * behind "did you mean".
 */
#include "engine/config_table.h"

#include "engine/alert.h"

const char conf_required[] = "(required)";
const char conf_inherit[] = "(from defaults)";

const struct conf_scope conf_scopes[SCOPE_COUNT] = {
#define CONF_SCOPE(id, positional, name_type, name_unit, help)                 \
    [SCOPE_##id] = {#id, positional, CONF_##name_type, name_unit, help},
#include "engine/config.def"
};

#define REQUIRED conf_required
#define INHERIT conf_inherit
const struct conf_row conf_rows[] = {
#define CONF_KEY(scope, key, form, type, unit, def, applies, help)             \
    {SCOPE_##scope, key, CONF_##form,     CONF_##type,                         \
     unit,          def, CONF_##applies, help},
#include "engine/config.def"
};
#undef REQUIRED
#undef INHERIT
const size_t conf_row_count = sizeof conf_rows / sizeof conf_rows[0];

static const struct {
    const char *name, *example;
} types[CONF_TYPE_COUNT] = {
    [CONF_NONE] = {"nothing", ""},
    [CONF_BOOL] = {"a boolean", "true"},
    [CONF_INT] = {"a whole number", "3"},
    [CONF_TEXT] = {"a text", "\"text\""},
    [CONF_TEXT0] = {"a text", "\"text\""},
    [CONF_NAME] = {"a name", "\"name\""},
    [CONF_PATTERN] = {"a model name", "\"claude-*\""},
    [CONF_ENUM] = {"a choice", "\"choice\""},
    [CONF_DURATION] = {"a duration", "\"30s\""},
    [CONF_SIZE] = {"a size", "\"32MiB\""},
    [CONF_RATE] = {"a rate", "\"600/min\""},
    [CONF_PERCENT] = {"a share", "\"10%\""},
    [CONF_PATH] = {"an absolute path", "\"/path\""},
    [CONF_LOGTO] = {"a place for the log", "\"/var/log/penstock.log\""},
    [CONF_ADDRESS] = {"an address", "\"127.0.0.1:8080\""},
    [CONF_URL] = {"a URL", "\"https://api.example.com/v1\""},
    [CONF_PROXY] = {"a proxy's URL", "\"http://proxy.example.com:3128\""},
    [CONF_REDIS] = {"a Redis URL", "\"redis://127.0.0.1:6379/0\""},
    [CONF_CIDR] = {"an address range", "\"10.0.0.0/8\""},
    [CONF_DATE] = {"a date", "\"2027-03-31\""},
    [CONF_SHA256] = {"a SHA-256", "\"64 hexadecimal digits\""},
    [CONF_HEADER] = {"a header name", "\"x-api-key\""},
    [CONF_TARGET] = {"a target", "\"provider/model\""},
    [CONF_SECRET] = {"a secret", "env \"NAME\""},
    [CONF_ANY] = {"a table", "{ name = \"value\" }"},
    [CONF_OBJECT] = {"a table", "{ key = value }"},
};

const struct conf_row *conf_row_find(enum conf_scope_id scope, struct str key)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == scope && str_is(key, conf_rows[i].key))
            return &conf_rows[i];
    }
    return NULL;
}

struct str conf_row_word(const struct conf_row *row, struct str *rest)
{
    struct str all = str_of(row->unit);
    struct str left = all, word = STR_NULL;

    if (row->type == CONF_INT || row->type == CONF_OBJECT ||
        row->type == CONF_LOGTO)
        word = str_split(&left, '|');
    if (!left.p) /* no '|': no word */
        word = STR_NULL;
    if (rest)
        *rest = word.p ? left : all;
    return word;
}

enum conf_scope_id conf_row_scope(const struct conf_row *row)
{
    struct str name;

    conf_row_word(row, &name);
    for (int i = 0; i < SCOPE_COUNT; i++) {
        if (str_is(name, conf_scopes[i].name))
            return (enum conf_scope_id)i;
    }
    return SCOPE_COUNT;
}

const char *conf_type_name(enum conf_type type)
{
    return types[type].name;
}

const char *conf_type_example(enum conf_type type)
{
    return types[type].example;
}

const char *conf_applies_name(enum conf_applies applies)
{
    static const char *const names[] = {
        [CONF_LIVE] = "live",
        [CONF_WORKERS] = "workers",
        [CONF_RESTART] = "restart",
    };

    return names[applies];
}

enum { NEAR_MAX = 48 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. */
static size_t edit_distance(struct str a, struct str b)
{
    size_t row[3][NEAR_MAX + 1];

    if (a.n > NEAR_MAX || b.n > NEAR_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = row[i % 3], *prev = row[(i + 2) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = a.p[i - 1] == b.p[j - 1];

            now[j] = least(prev[j] + 1, now[j - 1] + 1);
            now[j] = least(now[j], prev[j - 1] + !same);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
                a.p[i - 2] == b.p[j - 1])
                now[j] = least(now[j], row[(i + 1) % 3][j - 2] + 1);
        }
    }
    return row[a.n % 3][b.n];
}

void conf_near_init(struct conf_near *n, struct str word)
{
    *n = (struct conf_near){.word = word, .best = STR_NULL};
    n->distance = word.n / 3 + 2; /* the first that is too far */
}

void conf_near_offer(struct conf_near *n, struct str candidate)
{
    size_t d = edit_distance(n->word, candidate);

    if (d >= n->distance || d >= candidate.n)
        return;
    n->best = candidate;
    n->distance = d;
}

void conf_near_keys(struct conf_near *n, enum conf_scope_id scope)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == scope)
            conf_near_offer(n, str_of(conf_rows[i].key));
    }
}

void conf_near_words(struct conf_near *n, struct str words)
{
    while (words.p)
        conf_near_offer(n, str_split(&words, '|'));
}
