/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Options to JSON and back to lines. What is right is the store's to say. */
#include "cli/record.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static void add_list(json_t *request, const char *field, const char *value)
{
    json_t *list = json_object_get(request, field);
    struct str rest = str_of(value);

    if (!*value) {
        json_object_set_new(request, field, json_null());
        return;
    }
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(request, field, list);
    }
    while (rest.p) {
        struct str one = str_trim(str_split(&rest, ','));

        json_array_append_new(list, json_stringn(one.p, one.n));
    }
}

/* Numbers are numbers: concurrent=40; one below 0 is, too, and is refused as
 * what it is. */
static json_t *pair_value(struct str s, const char *field)
{
    bool minus = s.n && *s.p == '-';
    struct str digits = { s.p + minus, s.n - minus };
    uint64_t n;

    if (strcmp(field, "limits") == 0 && str_u64(digits, &n) && n <= INT64_MAX)
        return json_integer(minus ? -(json_int_t)n : (json_int_t)n);
    return json_stringn(s.p ? s.p : "", s.n);
}

static bool add_pair(json_t *request, const char *field, const char *value)
{
    struct str rest = str_of(value), name = str_split(&rest, '=');
    json_t *map = json_object_get(request, field);
    char key[256];

    if (!*value) {
        json_object_set_new(request, field, json_null());
        return true;
    }
    if (!rest.p || name.n == 0 || name.n >= sizeof key)
        return false;
    if (!json_is_object(map)) {
        map = json_object();
        json_object_set_new(request, field, map);
    }
    snprintf(key, sizeof key, STR_FMT, STR_ARG(name));
    return json_object_set_new(map, key, pair_value(rest, field)) == 0;
}

static bool add(json_t *request, const struct record_option *o,
                const char *value)
{
    json_t *v = NULL;

    switch (o->form) {
    case RECORD_LIST:
        add_list(request, o->field, value);
        return true;
    case RECORD_PAIR:
        return add_pair(request, o->field, value);
    case RECORD_JSON:
        v = json_loads(value, 0, NULL);
        break;
    case RECORD_FLAG:
        v = json_true();
        break;
    case RECORD_TEXT:
        v = *value ? json_string(value) : json_null();
        break;
    }
    return v && json_object_set_new(request, o->field, v) == 0;
}

static const struct record_option *find(const struct record_option *table,
                                        const char *option, const char *verb)
{
    char word[32];

    snprintf(word, sizeof word, " %s ", verb);
    for (; table->option; table++) {
        if (strcmp(table->option, option) == 0 && strstr(table->verbs, word))
            return table;
    }
    return NULL;
}

static int read_id(const struct cli_ctx *ctx, const char *word,
                   json_t *request)
{
    if (*word == '-' || json_object_get(request, "id"))
        return cli_bad_usage(ctx, "unknown argument '%s'", word);
    json_object_set_new(request, "id", json_string(word));
    return CLI_DONE;
}

int record_read(const struct cli_ctx *ctx, const struct record_option *table,
                int argc, char **argv, json_t *request)
{
    int rc = CLI_DONE;

    for (int i = 1; i < argc && rc == CLI_DONE; i++) {
        const struct record_option *o = find(table, argv[i], argv[0]);

        if (!o) {
            rc = read_id(ctx, argv[i], request);
        } else if (o->form == RECORD_FLAG) {
            add(request, o, "");
        } else if (i + 1 == argc) {
            rc = cli_bad_usage(ctx, "%s wants a value", o->option);
        } else if (!add(request, o, argv[++i])) {
            rc = cli_bad_usage(ctx, "%s: '%s' cannot be read; write %s",
                               o->option, argv[i],
                               o->form == RECORD_PAIR ? "name=value"
                                                      : "a JSON object");
        }
    }
    return rc;
}

int record_ask(const struct cli_ctx *ctx, const json_t *request, json_t **out)
{
    char *text = json_dumps(request, JSON_COMPACT);
    struct ask a;
    int rc;

    *out = NULL;
    if (!text)
        return cli_refuse(ctx, "the arguments are not UTF-8");
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, text, out);
    ask_close(&a);
    free(text);
    return rc;
}

/* ---- showing ----------------------------------------------------------- */

static void put_value(struct buf *b, const json_t *v)
{
    char *text;

    if (json_is_string(v)) {
        buf_puts(b, json_string_value(v));
        return;
    }
    text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_puts(b, text ? text : "?");
    free(text);
}

void record_text(const json_t *v, char *out, size_t size)
{
    struct buf b = BUF_INIT(65536);
    const char *name;
    json_t *one;
    size_t i;

    json_array_foreach(v, i, one) {
        buf_puts(&b, i ? ", " : "");
        put_value(&b, one);
    }
    json_object_foreach((json_t *)(uintptr_t)v, name, one) {
        buf_printf(&b, "%s%s=", buf_len(&b) ? ", " : "", name);
        put_value(&b, one);
    }
    if (!json_is_array(v) && !json_is_object(v) && v && !json_is_null(v))
        put_value(&b, v);
    snprintf(out, size, STR_FMT, STR_ARG(buf_str(&b)));
    if (!*out)
        snprintf(out, size, "-");
    buf_clear(&b);
}

void record_print(const json_t *record)
{
    char text[4096];
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)record, name, v) {
        record_text(v, text, sizeof text);
        if (strcmp(text, "-") != 0)
            printf("%-12s %s\n", name, text);
    }
}
