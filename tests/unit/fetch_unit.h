/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One run against a made-up outside: an environment, files, the time 1000 s.
 */
#ifndef PENSTOCK_FETCH_UNIT_H
#define PENSTOCK_FETCH_UNIT_H

#include "keeper/fetch.h"

#include "base/b64.h"
#include "rsa_unit.h"

#include <stdio.h>
#include <string.h>

enum { UNIT_ROWS = 16 };

static struct conf_fetch conf;
static struct fetch_run run;
static struct unit_row {
    const char *name, *text;
} env_rows[UNIT_ROWS], file_rows[UNIT_ROWS];

static const char *look(const struct unit_row *rows, const char *name)
{
    for (size_t i = 0; i < UNIT_ROWS && rows[i].name; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].text;
    }
    return NULL;
}

static inline void put_row(struct unit_row *rows, const char *name,
                           const char *text)
{
    size_t i = 0;

    while (rows[i].name && strcmp(rows[i].name, name) != 0)
        i++;
    if (i < UNIT_ROWS - 1)
        rows[i] = (struct unit_row){ name, text };
}

static inline void set_env(const char *name, const char *text)
{
    put_row(env_rows, name, text);
}

static inline void set_file(const char *name, const char *text)
{
    put_row(file_rows, name, text);
}

static const char *unit_env(void *ud, const char *name)
{
    (void)ud;
    return look(env_rows, name);
}

static int unit_read(void *ud, const char *path, struct buf *out)
{
    const char *text = look(file_rows, path);

    (void)ud;
    if (text && strcmp(text, "!io") == 0)
        return -ERR_IO;
    return text ? buf_puts(out, text) : -ERR_NOT_FOUND;
}

/* What is written is read from then on; "/ro/..." is not written. */
static int unit_write(void *ud, const char *path, struct str text)
{
    static char kept[4096];
    const char *is = look(file_rows, path);

    (void)ud;
    if (!is || strncmp(path, "/ro/", 4) == 0)
        return -ERR_IO;
    snprintf(kept, sizeof kept, STR_FMT, STR_ARG(text));
    for (size_t i = 0; i < UNIT_ROWS && file_rows[i].name; i++) {
        if (strcmp(file_rows[i].name, path) == 0)
            file_rows[i].text = kept;
    }
    return 0;
}

static uint64_t unit_wall(void *ud)
{
    (void)ud;
    return 1000000;
}

static inline void fresh(enum fetch_kind kind, const char *source)
{
    static const struct fetch_world world = { unit_env, unit_read,
                                              unit_write, unit_wall, NULL };

    fetch_clear(&run);
    memset(env_rows, 0, sizeof env_rows);
    memset(file_rows, 0, sizeof file_rows);
    conf = (struct conf_fetch){ .kind = kind, .source = str_of(source),
                                .label = STR("p#1") };
    fetch_init(&run, &conf, &world);
}

static inline const char *text_of(const struct buf *b)
{
    static char text[4][8192];
    static unsigned n;
    struct str s = buf_str(b);

    snprintf(text[++n % 4], sizeof text[0], STR_FMT, STR_ARG(s));
    return text[n % 4];
}

static inline const char *url(void)
{
    return text_of(&run.url);
}

static inline const char *body(void)
{
    return text_of(&run.body);
}

static inline const char *secret(void)
{
    return text_of(&run.secret);
}

static inline bool body_has(const char *z)
{
    return str_find(buf_str(&run.body), str_of(z)) >= 0;
}

static inline const char *field(const char *name)
{
    for (size_t i = 0; i < run.n_fields; i++) {
        if (strcmp(run.fields[i].name, name) == 0)
            return text_of(&run.fields[i].value);
    }
    return NULL;
}

static inline int say(int status, const char *text)
{
    return fetch_answer(&run, status, str_of(text));
}

/* The middle part of the token in the form. */
static inline const char *claims_of_assertion(void)
{
    static char out[1024];
    struct str rest = buf_str(&run.body), part;
    size_t n = 0;

    part = str_split(&rest, '.');
    part = str_split(&rest, '.');
    if (part.n > 1000 || !b64_decode(part, B64_URL, out, &n))
        return "none";
    out[n] = '\0';
    return out;
}

#endif
