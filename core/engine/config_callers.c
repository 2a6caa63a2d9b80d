/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Does a policy say who calls? Then no listener is open by default. Policies
 * are not run here, so their text is asked: one that names `authenticate`
 * outside of comments has, or makes, a function of that name. Who is wrong
 * about that finds a listener closed, and says `anonymous` himself.
 */
#include "engine/config_walk.h"
#include "engine/kept.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { POLICY_READ = 256 << 10 }; /* bytes looked at */

/* The shipped ones that know nobody but whom the configuration names. */
static const char *const know_nobody[] = { "auth", "jwt" };

static bool is_shipped(const struct conf_walk *w, const char *name,
                       const char *path)
{
    const char *folder = w->paths->shipped_policies;
    char shipped[2048];

    snprintf(shipped, sizeof shipped, "%s/%s.lua", folder ? folder : "", name);
    if (!folder || strcmp(path, shipped) != 0)
        return false;
    for (size_t i = 0; i < sizeof know_nobody / sizeof *know_nobody; i++) {
        if (strcmp(name, know_nobody[i]) == 0)
            return true;
    }
    return false;
}

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool names_it(struct str line)
{
    static const struct str word = STR("authenticate");
    ptrdiff_t comment = str_find(line, STR("--")), at;

    if (comment >= 0)
        line.n = (size_t)comment;
    while ((at = str_find(line, word)) >= 0) {
        const char *p = line.p + at, *end = p + word.n;

        if ((p == line.p || !is_letter(p[-1])) &&
            (end == line.p + line.n || !is_letter(*end)))
            return true;
        line = (struct str){ end, (size_t)(line.p + line.n - end) };
    }
    return false;
}

static bool kept_names_it(const struct kept *k, const char *name)
{
    char section[96];
    struct str rest;
    bool found = false;

    snprintf(section, sizeof section, "policy/%s", name);
    rest = kept_section(k, section);
    while (rest.n && !found)
        found = names_it(str_split(&rest, '\n'));
    return found;
}

static bool text_names_it(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = fd >= 0 ? malloc(POLICY_READ) : NULL;
    ssize_t n = text ? read(fd, text, POLICY_READ) : -1;
    struct str rest = { text, n > 0 ? (size_t)n : 0 };
    bool found = false;

    while (rest.n && !found)
        found = names_it(str_split(&rest, '\n'));
    free(text);
    if (fd >= 0)
        close(fd);
    return found;
}

bool walk_authenticates(const struct conf_walk *w, const json_t *canonical)
{
    json_t *list = json_object_get(canonical, "policies"), *p;
    char path[2048];
    size_t i;

    json_array_foreach(list, i, p) {
        const char *name = json_string_value(json_object_get(p, "name"));
        const char *mode = json_string_value(json_object_get(p, "mode"));

        if (name && !(mode && strcmp(mode, "observe") == 0) &&
            config_policy_find(canonical, w->paths, name, path,
                               sizeof path) &&
            !is_shipped(w, name, path) &&
            (w->paths->kept ? kept_names_it(w->paths->kept, name)
                            : text_names_it(path)))
            return true;
    }
    return false;
}
