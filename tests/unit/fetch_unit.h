/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One run against a made-up outside: an environment, files, the time 1000 s.
 * The key was made for this test; nothing believes it.
 */
#ifndef PENSTOCK_FETCH_UNIT_H
#define PENSTOCK_FETCH_UNIT_H

#include "keeper/fetch.h"

#include "base/b64.h"

#include <stdio.h>
#include <string.h>

enum { UNIT_ROWS = 8 };

/* As it stands in JSON. */
#define FETCH_UNIT_RSA \
    "-----BEGIN PRIVATE KEY-----\\n" \
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCpjkfLbLLwPV8U\\n" \
    "IQe8y1ECgtL6V3nXOo1ccJ153u4XV3bcl/lX/Tsk1wKQgXjEAOycQvUfMN889yo/\\n" \
    "cUn8R06pOeXtqRooIaH3gjtPwl4EfS3aCNb+9N4EyzoUn4YfhMoecc1JLwfQkHbC\\n" \
    "bLaX4StGNjcegH6xJKnFNs/kXuaho36Xjz6UVHEeYQUBtTrFMwBj3Vj9oqMyhoH1\\n" \
    "VcVZs5xZTsEEmfH6r3cs8AVVNRiW2LIfaFtWgvIl1WxdMiEHUszxRhWjsXxPbBH8\\n" \
    "BPf8MzhsJEOn1AAY0cX7nYjGUEfhqvBU4rJTeQkp4U4eMAMws0cXU/OdNXdv/w5R\\n" \
    "gFNcrgUBAgMBAAECggEAFC3aaOEV5rZByOEpd5RG9DfiU2hHwuVgCjQI5IaIlX8+\\n" \
    "UStGbJdhtj+0jsLUlEHRPG5SQpUMFx20tHo6JkEiS8ztNWdeX+T+JA58GpZKSYR7\\n" \
    "CYDrKCANBaBeLYgoFpDfhoIKvtP5vR5ZqUf2RIXIIwIJdfgwRnV+PaS0AeeIJo0K\\n" \
    "HhLk4Lg+rrrVPoxNR63hgWJCihyBR3iYVOA3VmmVTyz3a7h8bXbC+RXl9V2l7G++\\n" \
    "qo0LDbthDiq6fJOHw4N6m49WpILanKyuQZFxIDNOsjohRmfB3dWhKmGnUH9eNe7j\\n" \
    "H3eJxtfJVjMBO4UufhoiFsTs1SmsIT2TJ4+eD162dQKBgQDRiRW//Sri1p4fRZsN\\n" \
    "3JlFZiRpDAU+gLmPlaEhCIQtZFlQdVV3diXjTmVkzXRg13sC7Y3Uie5aPU6ZqIYQ\\n" \
    "iagVhpIZBFseZmw00yk8IDluZAcifik9DuIEdQM2uXzNGOSqNmwWHn154E+gK8jf\\n" \
    "NDB9EZpVNO1Tm4GxBATPKDw8BwKBgQDPJ6Bx23i96qwheuOZJRufYRI0V+tVI0JV\\n" \
    "2kFw3VOXJlXzCXo8a5j07cDTV0QPwx5YewBW5cBoHNR660PuYzGIsvIlFfjoaYgL\\n" \
    "V8KDx0MHeolkfupZ0z0sArr0meToHXlFl9mSOj+dk4nXvql2WWBaSfCClRmWwNxn\\n" \
    "XRST1BkEtwKBgAnJYleuRnOD3KzPPne+RvZj1+2EHzaVIpWfQoBdenb4SeelI1HK\\n" \
    "Fejw/3Fe20GurtMrL0WvD4/tbx9kLKbXFx+yQl6iwnLAC+vHtRRW2Pfb+i1VQS3V\\n" \
    "5R6aLIVA0qBtujhtBE1gLTIlFPMBOIecU2t0CAZUy4TtLXiMHIFkerO/AoGBALZV\\n" \
    "Fq+gkYH4EFHXrISbWNjLxA42ZHindDfEx1zkMjMUFwq4CNMtkY/jxJlAcjO9dfRD\\n" \
    "L2VNDDGXTp5yfXRR8sNzXhauZEuMt6XkNN1wgdsPS+ccnoE5oNof/RZWblivuJI8\\n" \
    "udAvXNcBiY5PzzDQMjLGad9GBSPf1R9VmksToIG5AoGAPgHh8X/5lXmBWTv436j+\\n" \
    "Y+FK64RDbDKTaSIn5DuN8bhupCRAkiSi8Sj+vDAHtKg45wNQrWX/c3YOLmnWOSsf\\n" \
    "P7uwrU+RdZXEa1nYHxZfv8vTBksIKoG0kW19T+pRUUsQB0IIl0VgZXJoJo7vHdry\\n" \
    "o3qdpmt1zG3WLrU3xorlPBs=\\n" \
    "-----END PRIVATE KEY-----\\n"

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
    return text ? buf_puts(out, text) : -ERR_NOT_FOUND;
}

static uint64_t unit_wall(void *ud)
{
    (void)ud;
    return 1000000;
}

static inline void fresh(enum fetch_kind kind, const char *source)
{
    static const struct fetch_world world = { unit_env, unit_read, unit_wall,
                                              NULL };

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
