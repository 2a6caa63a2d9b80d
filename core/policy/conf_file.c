/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Files of a configuration: opening them under caps, includes, and the choice
 * between the configuration language and JSON.
 */
#include "policy/conf_lua.h"
#include "policy/conf_reader.h"

#include "base/file.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FILE_MAX = 4 << 20,
    BYTES_MAX = 16 << 20,
    FILES_MAX = 256,
    INCLUDE_DEPTH = 8,
    PATH_MAX_BYTES = 8 << 10,
};

/* Refuse what can be no text at all, with the line. */
static int check_text(struct str text, const char *name, struct err *err)
{
    char at[128];
    int line = 1;

    if (str_starts(text, STR("\x1bLua"))) {
        return err_at(err, ERR_CONFIG, name, "is compiled Lua; the "
                      "configuration is a text");
    }
    for (struct str rest = text; rest.p; line++) {
        struct str part = str_split(&rest, '\n');

        if (str_utf8_valid(part) && !memchr(part.p, 0, part.n))
            continue;
        snprintf(at, sizeof at, "%.100s:%d", name, line);
        return err_at(err, ERR_CONFIG, at, "is not UTF-8 text");
    }
    return 0;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Folder of a path, malloc'd. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/")
                         : strndup(path, (size_t)(slash - path));
}

/* How a file is called in messages: relative to the first file's folder. */
static const char *shown(const struct conf_reader *r, const char *path)
{
    size_t n = strlen(r->home);

    if (strncmp(path, r->home, n) == 0 && path[n] == '/')
        return path + n + 1;
    return path;
}

static int read_file(struct conf_reader *r, const char *path, struct str text)
{
    const char *outer = r->folder;
    char *folder = folder_of(path);
    int rc = -ERR_NOMEM;

    if (folder) {
        r->folder = folder;
        rc = conf_read_text(r, text, shown(r, path));
        r->folder = outer;
    }
    free(folder);
    return rc;
}

static int include_one(struct conf_reader *r, const char *path, int line)
{
    struct buf text = BUF_INIT(FILE_MAX);
    struct err why = {0};
    int rc;

    if (++r->files > FILES_MAX)
        return conf_lex_fail(r->lex, line, "more than %d files are included",
                             FILES_MAX);
    rc = file_read(path, &text, &why);
    if (rc < 0)
        conf_lex_fail(r->lex, line, "include: %s", why.msg);
    r->bytes += buf_len(&text);
    if (rc == 0 && r->bytes > BYTES_MAX)
        rc = conf_lex_fail(r->lex, line, "the included files are larger than "
                           "%d MiB", BYTES_MAX >> 20);
    if (rc == 0)
        rc = check_text(buf_str(&text), shown(r, path), r->err);
    if (rc == 0)
        rc = read_file(r, path, buf_str(&text));
    buf_clear(&text);
    return rc;
}

int conf_include(struct conf_reader *r, const char *pattern, int line)
{
    char path[4096];
    glob_t found;
    int rc = 0, n;

    if (!r->home)
        return conf_lex_fail(r->lex, line, "include needs a configuration "
                             "that is a file");
    if (r->include_depth >= INCLUDE_DEPTH)
        return conf_lex_fail(r->lex, line, "includes are more than %d deep",
                             INCLUDE_DEPTH);
    n = pattern[0] == '/'
            ? snprintf(path, sizeof path, "%s", pattern)
            : snprintf(path, sizeof path, "%s/%s", r->folder, pattern);
    if (n < 0 || (size_t)n >= sizeof path)
        return conf_lex_fail(r->lex, line, "the path is too long");
    r->include_depth++;
    if (!strpbrk(path, "*?[")) {
        rc = include_one(r, path, line);
    } else if (glob(path, 0, NULL, &found) == 0) { /* sorted */
        for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
            rc = include_one(r, found.gl_pathv[i], line);
        globfree(&found);
    } /* else: an empty folder is fine */
    r->include_depth--;
    return rc;
}

/* ---- the two forms ----------------------------------------------------- */

static bool is_json(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!strchr(" \t\r\n", text.p[i]))
            return text.p[i] == '{';
    }
    return false;
}

static json_t *load_json(struct str text, const char *name, struct err *err)
{
    json_error_t je;
    json_t *tree = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &je);
    char at[128];

    snprintf(at, sizeof at, "%.100s:%d", name, je.line);
    if (!tree)
        err_at(err, ERR_CONFIG, at, "%s", je.text);
    if (json_object_get(tree, CONFIG_MARKS)) {
        err_at(err, ERR_CONFIG, name, "unknown directive '%s'", CONFIG_MARKS);
        json_decref(tree);
        return NULL;
    }
    return tree;
}

/* `path` is NULL for a text that is no file. */
static json_t *load(const char *path, struct str text, const char *name,
                    struct err *err)
{
    struct conf_reader r = {.path = BUF_INIT(PATH_MAX_BYTES), .err = err,
                            .bytes = text.n, .files = 1};
    char *home = path ? folder_of(path) : NULL;
    int rc = check_text(text, name, err);

    if (rc < 0 || is_json(text)) {
        free(home);
        return rc < 0 ? NULL : load_json(text, name, err);
    }
    r.root = json_object();
    r.marks = json_object();
    json_object_set_new(r.root, CONFIG_MARKS, r.marks);
    r.home = home;
    if (path)
        rc = read_file(&r, path, text);
    else
        rc = conf_read_text(&r, text, name);
    if (rc < 0) {
        err_set(err, ERR_NOMEM, "memory is out"); /* unless already told */
        json_decref(r.root);
        r.root = NULL;
    }
    buf_clear(&r.path);
    free(home);
    return r.root;
}

json_t *conf_load_text(struct str text, const char *name, struct err *err)
{
    return load(NULL, text, name, err);
}

json_t *conf_load(const char *path, struct err *err)
{
    struct buf text = BUF_INIT(FILE_MAX);
    json_t *tree = NULL;

    if (file_read(path, &text, err) == 0)
        tree = load(path, buf_str(&text), last_part(path), err);
    buf_clear(&text);
    return tree;
}
