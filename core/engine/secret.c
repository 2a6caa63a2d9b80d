/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * References to what must not stand in a configuration: environment
 * variables, files, systemd credentials. Resolved in the loader only.
 */
#include "engine/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const kinds[] = {"$env", "$file", "$credential"};
enum { KIND_ENV, KIND_FILE, KIND_CREDENTIAL, KIND_COUNT };

/* The reference's kind and argument; KIND_COUNT when it is none. */
static int kind_of(const json_t *ref, const char **arg)
{
    int kind = 0;

    *arg = NULL;
    while (kind < KIND_COUNT && !json_object_get(ref, kinds[kind]))
        kind++;
    if (kind < KIND_COUNT)
        *arg = json_string_value(json_object_get(ref, kinds[kind]));
    return kind;
}

bool secret_is_ref(const json_t *v)
{
    const char *arg;

    return json_is_object(v) && kind_of(v, &arg) < KIND_COUNT;
}

static bool all_of(const char *z, const char *also)
{
    for (; *z; z++) {
        if (!isalnum((unsigned char)*z) && !strchr(also, *z))
            return false;
    }
    return true;
}

bool secret_ref_ok(const json_t *ref, char *why, size_t why_size)
{
    const char *arg, *fault = NULL;
    int kind = kind_of(ref, &arg);
    json_t *def = json_object_get(ref, "default");

    if (!arg || !*arg)
        fault = "a reference needs a name in quotes, like env \"NAME\"";
    else if (strlen(arg) > 1024)
        fault = "a reference of more than 1024 bytes";
    else if (kind == KIND_ENV && !all_of(arg, "_"))
        fault = "is no name of an environment variable; write env \"NAME\"";
    else if (kind == KIND_FILE && arg[0] != '/')
        fault = "file needs an absolute path; write file \"/path\"";
    else if (kind == KIND_CREDENTIAL &&
             (!all_of(arg, "_-.@:") || arg[0] == '.'))
        fault = "is no name of a credential; write credential \"name\"";
    else if (def && (kind != KIND_ENV || !json_is_string(def)))
        fault = "only env has a default, a text; write env(\"X\", \"default\")";
    else if (json_object_size(ref) != (def ? 2 : 1))
        fault = "a reference holds nothing else";
    if (fault)
        snprintf(why, why_size, "%s", fault);
    return !fault;
}

char *secret_ref_key(const json_t *ref)
{
    return json_dumps(ref, JSON_COMPACT | JSON_SORT_KEYS);
}

void secret_ref_label(const json_t *ref, char *out, size_t out_size)
{
    const char *arg;
    int kind = kind_of(ref, &arg);

    if (out_size)
        out[0] = '\0';
    if (kind < KIND_COUNT && arg)
        snprintf(out, out_size, "%s %s", kinds[kind] + 1, arg);
}

void secret_wipe(struct buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->cap);
    buf_clear(b);
}

static int too_large(const struct buf *out, const char *what, struct err *err)
{
    return err_set(err, ERR_CONFIG, "%s is larger than %zu bytes", what,
                   out->max);
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
    size_t was = out->n;
    struct stat st;
    ssize_t n = 1;

    if (fd < 0)
        return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        rc = err_set(err, ERR_CONFIG, "%s is not a file", path);
    while (rc == 0 && n > 0) {
        size_t room = out->max - buf_len(out);
        char extra, *p = buf_reserve(out, room < 4096 ? room : 4096);

        n = p && room ? read(fd, p, room < 4096 ? room : 4096)
                      : read(fd, &extra, 1);
        if (n > 0 && (!p || !room))
            rc = too_large(out, path, err);
        else if (n > 0)
            buf_commit(out, (size_t)n);
        else if (n < 0)
            rc = err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    }
    close(fd);
    while (out->n > was &&
           (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
        out->n--;
    if (rc == 0 && out->n == was)
        rc = err_set(err, ERR_CONFIG, "%s is empty", path);
    return rc;
}

static int read_env(const json_t *ref, const char *name, struct buf *out,
                    struct err *err)
{
    const char *v = getenv(name);

    if (!v || !*v)
        v = json_string_value(json_object_get(ref, "default"));
    if (!v)
        return err_set(err, ERR_CONFIG, "the environment variable %s is not "
                       "set; set it, or write env(\"%s\", \"default\")", name,
                       name);
    return buf_puts(out, v) < 0 ? too_large(out, name, err) : 0;
}

static int read_credential(const char *name, struct buf *out, struct err *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char path[4096];

    if (!folder || !*folder)
        return err_set(err, ERR_CONFIG, "there is no credential %s: "
                       "CREDENTIALS_DIRECTORY is not set; see LoadCredential= "
                       "in systemd.exec(5)", name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_file(path, out, err);
}

int secret_resolve(const json_t *ref, struct buf *out, struct err *err)
{
    const char *arg;
    int kind = kind_of(ref, &arg);

    if (!arg)
        return err_set(err, ERR_CONFIG, "not a reference");
    if (kind == KIND_ENV)
        return read_env(ref, arg, out, err);
    if (kind == KIND_FILE)
        return read_file(arg, out, err);
    return read_credential(arg, out, err);
}
