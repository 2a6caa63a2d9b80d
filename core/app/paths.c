/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Paths are looked for in one order: option, environment, build tree,
 * configured default. */
#include "app/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int put(char *out, size_t size, struct err *err, const char *a,
               const char *b)
{
    int n = snprintf(out, size, "%s%s", a, b);

    if (n < 0 || (size_t)n >= size)
        return err_set(err, ERR_LIMIT, "a path is too long: %s%s", a, b);
    return 0;
}

static const char *environment(const char *name)
{
    const char *v = getenv(name);

    return v && *v ? v : NULL;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/** The build tree that this program lies in: "<top>/core/penstock". */
static bool build_tree(char *top, size_t size)
{
    static const char *const marks[] = { "/Makefile", "/plugins", "/core" };
    ssize_t n = readlink("/proc/self/exe", top, size - 1);
    char probe[PATHS_MAX];

    if (n <= 0)
        return false;
    top[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(top, '/');

        if (!slash || slash == top)
            return false;
        if (up == 1 && strcmp(slash, "/core") != 0)
            return false;
        *slash = '\0';
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        struct err none = { .code = ERR_BUG };

        if (put(probe, sizeof probe, &none, top, marks[i]) != 0 ||
            access(probe, R_OK) != 0)
            return false;
    }
    return true;
}

/** The source tree of a build tree, which may be another: from Makefile. */
static void source_tree(const char *top, char *out, size_t size)
{
    static const char key[] = "abs_top_srcdir = ";
    char line[PATHS_MAX + sizeof "/Makefile"];
    FILE *f;

    snprintf(line, sizeof line, "%s/Makefile", top);
    snprintf(out, size, "%s", top);
    f = fopen(line, "re");
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, key, sizeof key - 1) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(out, size, "%s", line + sizeof key - 1);
        break;
    }
    fclose(f);
}

/** Plugins, policies, catalogue. */
static int find_shipped(struct paths *p, struct err *err)
{
    char build[PATHS_MAX] = "", source[PATHS_MAX] = "", folder[PATHS_MAX];
    bool tree = build_tree(build, sizeof build);
    const struct {
        const char *env, *top, *below, *configured;
        char *out;
    } rows[] = {
        { "PENSTOCK_PLUGIN_PATH", build, "/plugins", PS_PLUGIN_DIR,
          p->plugins },
        { "PENSTOCK_POLICY_PATH", source, "/policies", PS_POLICY_DIR,
          p->policies },
        { "PENSTOCK_CATALOGUE_PATH", source, "/plugins/catalogue",
          PS_CATALOGUE_DIR, folder },
    };
    int rc = 0;

    if (tree)
        source_tree(build, source, sizeof source);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !rc; i++) {
        const char *v = environment(rows[i].env);

        if (v)
            rc = put(rows[i].out, PATHS_MAX, err, v, "");
        else if (tree)
            rc = put(rows[i].out, PATHS_MAX, err, rows[i].top, rows[i].below);
        else
            rc = put(rows[i].out, PATHS_MAX, err, rows[i].configured, "");
    }
    return rc ? rc : put(p->catalogue, PATHS_MAX, err, folder,
                         "/vendors.json");
}

/** The private folder of who is not root. */
static int own_folder(char *out, struct err *err)
{
    const char *run = environment("XDG_RUNTIME_DIR");
    char uid[32];

    if (run && is_folder(run))
        return put(out, PATHS_MAX, err, run, "/penstock");
    snprintf(uid, sizeof uid, "%u", (unsigned)geteuid());
    return put(out, PATHS_MAX, err, "/tmp/penstock-", uid);
}

static bool ours(const char *folder)
{
    return is_folder(folder) && access(folder, W_OK | X_OK) == 0;
}

static int find_socket(struct paths *p, const char *socket, struct err *err)
{
    const char *managed = environment("RUNTIME_DIRECTORY"); /* systemd.exec */
    char own[PATHS_MAX];
    int rc;

    if (!socket)
        socket = environment("PENSTOCK_SOCKET");
    if (socket)
        return put(p->socket, sizeof p->socket, err, socket, "");
    if (managed)
        return put(p->socket, sizeof p->socket, err, managed,
                   "/control.sock");
    if (geteuid() == 0 || ours(PS_RUNSTATEDIR))
        return put(p->socket, sizeof p->socket, err, PS_RUNSTATEDIR,
                   "/control.sock");
    rc = own_folder(own, err);
    return rc ? rc : put(p->socket, sizeof p->socket, err, own,
                         "/control.sock");
}

const char *paths_state_from(void)
{
    return environment("PENSTOCK_STATE")    ? "PENSTOCK_STATE"
           : environment("STATE_DIRECTORY") ? "STATE_DIRECTORY"
                                            : NULL;
}

int paths_find(struct paths *p, const char *socket, struct err *err)
{
    const char *from = paths_state_from();
    char own[PATHS_MAX];
    int rc = find_shipped(p, err);

    if (!rc)
        rc = find_socket(p, socket, err);
    if (!rc)
        rc = put(p->sim, sizeof p->sim, err, p->socket, ".sim");
    if (!rc && from)
        return put(p->state, sizeof p->state, err, environment(from), "");
    if (!rc && (geteuid() == 0 || ours(PS_STATEDIR)))
        return put(p->state, sizeof p->state, err, PS_STATEDIR, "");
    if (!rc)
        rc = own_folder(own, err);
    return rc ? rc : put(p->state, sizeof p->state, err, own, "/state");
}

int paths_instance(char *out, size_t size, const char *socket,
                   struct err *err)
{
    char own[PATHS_MAX];
    int rc;

    if (!socket)
        socket = environment("PENSTOCK_SOCKET");
    if (socket)
        return put(out, size, err, socket, "");
    rc = geteuid() == 0 ? 0 : own_folder(own, err);
    if (rc)
        return rc;
    if (geteuid() != 0) {
        rc = put(out, size, err, own, "/control.sock");
        if (rc || access(out, F_OK) == 0)
            return rc;
    }
    rc = put(out, size, err, PS_RUNSTATEDIR, "/control.sock");
    if (rc || access(out, F_OK) == 0 ||
        access("/run/penstock/control.sock", F_OK) != 0)
        return rc;
    return put(out, size, err, "/run/penstock", "/control.sock");
}

static int make_one(const char *folder, int mode, struct err *err)
{
    struct stat st;

    if (access(folder, F_OK) != 0 && mkdir(folder, (mode_t)mode) != 0 &&
        errno != EEXIST)
        return err_errno(err, "cannot make the folder %s", folder);
    if (lstat(folder, &st) != 0)
        return err_errno(err, "%s", folder);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_IO, "%s is not a folder", folder);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(err, ERR_IO, "%s belongs to uid %u, not to us", folder,
                       (unsigned)st.st_uid);
    if (st.st_mode & 022)
        return err_set(err, ERR_IO, "%s can be written by others (mode %o): "
                       "name a folder of its own", folder,
                       (unsigned)(st.st_mode & 07777));
    return 0;
}

int paths_make(const char *folder, int mode, struct err *err)
{
    char path[PATHS_MAX];
    int n = snprintf(path, sizeof path, "%s", folder);

    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, ERR_LIMIT, "a path is too long: %s", folder);
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (access(path, F_OK) != 0 && mkdir(path, (mode_t)mode) != 0 &&
            errno != EEXIST)
            return err_errno(err, "cannot make the folder %s", path);
        *at = '/';
    }
    return make_one(folder, mode, err);
}
