/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "cli/plugin_file.h"

#include "cli/tidy.h"
#include "cli/tidy_old.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int take_path(struct plugin_file *f, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t n = strlen(base);

    if (n < 4 || strcmp(base + n - 3, ".so") != 0 || n >= sizeof f->name)
        return err_set(err, ERR_CONFIG, "%s: not a file called NAME.so", path);
    snprintf(f->name, sizeof f->name, "%.*s", (int)(n - 3), base);
    if (!slash)
        snprintf(f->folder, sizeof f->folder, ".");
    else if (slash == path)
        snprintf(f->folder, sizeof f->folder, "/");
    else if ((size_t)(slash - path) < sizeof f->folder)
        snprintf(f->folder, sizeof f->folder, "%.*s", (int)(slash - path),
                 path);
    else
        return err_set(err, ERR_LIMIT, "%s: the path is too long", path);
    return 0;
}

/** The copy in a folder of ours. */
static int copy(struct plugin_file *f, struct err *err)
{
    char folder[sizeof f->state + sizeof "/plugins"];
    int rc = tidy_folder("plugin", f->state, sizeof f->state, err);

    if (rc)
        return rc;
    rc = plugin_stage(f->folder, str_of(f->name), f->state, f->staged,
                      sizeof f->staged, err);
    snprintf(folder, sizeof folder, "%s/plugins", f->state);
    tidy_note(f->state);
    tidy_note(folder);
    if (!rc)
        tidy_note(f->staged);
    return rc;
}

int plugin_file_try(struct plugin_file *f, const char *path,
                    const char *settings, struct err *err)
{
    struct str given = str_of(settings ? settings : "{}");
    struct plugin_trial trial = { .staged = f->staged,
                                  .settings = &given,
                                  .n_settings = settings ? 1 : 0 };
    int rc = take_path(f, path, err);

    if (rc)
        return rc;
    f->noted = tidy_count();
    tidy_hold();
    rc = copy(f, err);
    tidy_go();
    trial.name = str_of(f->name);
    return rc ? rc : plugin_try_in_child(&trial, err);
}

int plugin_file_load(struct plugin_file *f, struct err *err)
{
    f->set = plugin_set_new();
    if (!f->set)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (plugin_set_load(f->set, str_of(f->name), f->staged, err))
        return -err->code;
    f->plugin = plugin_set_find(f->set, str_of(f->name));
    return 0;
}

void plugin_file_clear(struct plugin_file *f)
{
    char folder[sizeof f->state + sizeof "/plugins"];

    plugin_set_free(f->set);
    if (f->staged[0])
        unlink(f->staged);
    if (f->state[0]) {
        snprintf(folder, sizeof folder, "%s/plugins", f->state);
        rmdir(folder);
        rmdir(f->state);
        tidy_forget(f->noted);
    }
    memset(f, 0, sizeof *f);
}
