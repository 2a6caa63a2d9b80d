/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* From a file to a loaded plugin, and every reason to refuse one. Plugins are
 * built from tests/abi; each test works on copies in a folder of its own. */
#include "engine/plugin_host.h"

#include "base/clock.h"

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static char root[64], folder[80], state[80], staged[512];
static struct err err;

static struct str build_file(const char *name, bool *ok)
{
    const char *build = getenv("PENSTOCK_BUILD");
    static char path[1024];
    char *bytes = NULL;
    size_t n = 0, got;
    struct stat st;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s.so", build ? build : ".", name);
    f = fopen(path, "rb");
    *ok = f && fstat(fileno(f), &st) == 0;
    if (!*ok) {
        printf("\nno %s", path);
        return STR_NULL;
    }
    n = (size_t)st.st_size;
    bytes = malloc(n);
    got = fread(bytes, 1, n, f);
    fclose(f);
    *ok = got == n;
    return (struct str){ bytes, n };
}

static void put_file(const char *name, struct str bytes, mode_t mode)
{
    char path[200];
    int fd;

    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_FATAL(write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    CU_ASSERT(fchmod(fd, mode) == 0);
    close(fd);
}

/* A folder with `name`.so of the build in it, and a state folder. */
static void begin(const char *source, const char *name)
{
    bool ok = true;
    struct str bytes;

    memset(&err, 0, sizeof err);
    snprintf(root, sizeof root, "/tmp/penstock-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    CU_ASSERT(chmod(root, 0755) == 0);
    snprintf(folder, sizeof folder, "%s/plugins", root);
    snprintf(state, sizeof state, "%s/state", root);
    CU_ASSERT_FATAL(mkdir(folder, 0755) == 0 && mkdir(state, 0755) == 0);
    if (!source)
        return;
    bytes = build_file(source, &ok);
    CU_ASSERT_FATAL(ok);
    put_file(name, bytes, 0644);
    free((char *)bytes.p);
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void end(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int stage(const char *name)
{
    memset(&err, 0, sizeof err);
    return plugin_stage(folder, str_of(name), state, staged, sizeof staged,
                        &err);
}

static int try_it(const char *name, const char *settings, uint32_t limit_ms)
{
    struct str s = str_of(settings);
    struct plugin_trial t = { .staged = staged, .name = str_of(name),
                              .settings = &s, .n_settings = settings ? 1 : 0,
                              .timeout_ms = limit_ms };

    memset(&err, 0, sizeof err);
    return plugin_try_in_child(&t, &err);
}

static void says(const char *part)
{
    bool said = str_find(str_of(err.msg), str_of(part)) >= 0;

    if (!said)
        printf("\n\"%s\" does not say \"" STR_FMT "\"", err.msg,
               STR_ARG(str_of(part)));
    CU_ASSERT(said);
}

/* ---- good ones --------------------------------------------------------- */

static void load_and_use(const char *source, const char *name)
{
    struct plugin_set *set = plugin_set_new();
    const struct plugin *p;
    struct plugin_inst *i;

    begin(source, name);
    UNIT_INT(stage(name), 0);
    UNIT_STR(err.msg, "");
    UNIT_INT(try_it(name, "{}", 0), 0);
    UNIT_STR(err.msg, "");
    UNIT_INT(plugin_set_load(set, str_of(name), staged, &err), 0);
    p = plugin_set_find(set, str_of(name));
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT(str_is(plugin_name(p), name));
    CU_ASSERT_PTR_NOT_NULL(plugin_api(p, PS_CHAT, PS_OPENAI_CHAT, false));
    CU_ASSERT_PTR_NULL(plugin_api(p, PS_MODELS, PS_OPENAI_CHAT, false));
    i = plugin_open(p, STR("mine"), STR("http://h/v1"), STR(""), &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(i);
    CU_ASSERT(ps_is(plugin_inst_handle(i)->name, "mine"));
    plugin_close(i);
    UNIT_INT(plugin_set_load(set, str_of(name), staged, &err), -ERR_EXISTS);
    plugin_set_free(set);
    end();
}

static void loads_the_built_ones(void)
{
    load_and_use("plugins/openai", "openai");
    load_and_use("plugins/sim", "sim");
}

/* The vendor that the docs print does what they say. */
static void serve_acme(const char *name)
{
    struct plugin_set *set = plugin_set_new();
    struct arena *a = arena_new(1 << 20);
    struct attempt_host h;
    struct json j = { 0 };
    struct buf out = BUF_INIT(1000);
    char source[64];
    ps_fault f = { .size = sizeof f, .cls = PS_FAULT_BAD_REQUEST };

    snprintf(source, sizeof source, "tests/abi/%s", name);
    begin(source, name);
    UNIT_INT(stage(name), 0);
    CU_ASSERT_FATAL(
        plugin_set_load(set, str_of(name), staged, &err) == 0);
    attempt_host_init(&h, a, plugin_set_find(set, str_of(name)), NULL);
    UNIT_STR(plugin_ops(h.plugin)->auth_header, "x-acme-key");
    json_scan(&j, STR("{\"store\":true,\"max_tokens\":5}"), NULL, NULL);
    h.edits = json_edits_new(&j, a);
    UNIT_INT(plugin_adjust(&h), PS_OK);
    UNIT_INT(json_edits_apply(h.edits, &out), 0);
    buf_putc(&out, '\0');
    UNIT_STR(buf_str(&out).p, "{\"max_completion_tokens\":5}");
    attempt_host_answer(&h,
                        STR("{\"error\":{\"code\":\"INSUFFICIENT_BALANCE\"}}"));
    UNIT_INT(plugin_classify(&h, &f), PS_OK);
    UNIT_INT(f.cls, PS_FAULT_QUOTA);
    UNIT_INT(f.scope, PS_SCOPE_CREDENTIAL);
    plugin_done(&h);
    attempt_host_clear(&h);
    buf_clear(&out);
    json_clear(&j);
    arena_free(a);
    plugin_set_free(set);
    end();
}

static void serves_vendors(void)
{
    load_and_use("tests/abi/acme", "acme");
    serve_acme("acme");
    serve_acme("acme_cxx"); /* C++17, constexpr */
}

/* ---- refused for what they are ----------------------------------------- */

#ifdef __SANITIZE_ADDRESS__ /* reports the fault, then ends by itself */
#define CRASHED "ended the process in its trial with exit code 1"
#else
#define CRASHED "crashed in its trial with signal 11"
#endif

static const struct {
    const char *name, *why;
    bool staged; /* its file is fine; the trial refuses it */
} bad[] = {
    { "magic", "magic is 0x12345678, not 0x4b545350", false },
    { "minor", "built for plugin ABI 0.9; this Penstock has 0.8", false },
    { "symbol", "exports no ps_plugin_v0", false },
    { "textrel", "text relocations: compile it with -fPIC", false },
    { "static_tls", "needs static TLS", false },
    { "stack", "wants an executable stack", false },
    { "kind", "kind 99 is unknown", true },
    { "undefined", "undefined symbol: penstock_has_no_such_function", true },
    { "ops_size", "ops.size is 0, not ", true },
    { "no_api", "ops.n_apis is 0", true },
    { "path", "path begins with '/'", true },
    { "name", "is bad_name.so but the plugin names itself 'good'", true },
    { "schema", "'pattern' is outside of the subset", true },
    { "header", "auth_header and .auth_prefix are printable", true },
    { "url", "ops.base_url is printable", true },
    { "serves", "serves[0]: models has at most", true },
    { "constructor", CRASHED, true },
    { "selftest", "its selftest failed: this is no place", true },
    { "exit", "exit code 0 (bad_exit selftest)", true },
    { "open", "refuses provider trial: no region is given", true },
};

static void refuses(size_t i)
{
    char name[32], source[64];

    snprintf(name, sizeof name, "bad_%s", bad[i].name);
    snprintf(source, sizeof source, "tests/abi/%s", name);
    begin(source, name);
    if (bad[i].staged) {
        UNIT_INT(stage(name), 0);
        UNIT_INT(try_it(name, "{}", 0), -ERR_CONFIG);
    } else {
        UNIT_INT(stage(name), -ERR_CONFIG);
    }
    says(bad[i].why);
    says(name);
    end();
}

static void refuses_bad_ones(void)
{
    for (size_t i = 0; i < N_OF(bad); i++)
        refuses(i);
}

static void ends_a_trial_in_time(void)
{
    uint64_t start;

    begin("tests/abi/bad_hang", "bad_hang");
    UNIT_INT(stage("bad_hang"), 0);
    start = clock_mono_ms();
    UNIT_INT(try_it("bad_hang", NULL, 200), -ERR_CONFIG);
    CU_ASSERT(clock_mono_ms() - start < 5000);
    says("no end of its trial within 200 ms (bad_hang selftest)");
    end();
}

static void tries_with_settings(void)
{
    begin("tests/abi/bad_open", "bad_open");
    UNIT_INT(stage("bad_open"), 0);
    UNIT_INT(try_it("bad_open", "{\"region\":\"eu\"}", 0), 0);
    UNIT_INT(try_it("bad_open", "{\"region\":7}", 0), -ERR_CONFIG);
    says("settings/region: must be of type string");
    UNIT_INT(try_it("bad_open", "{}", 0), -ERR_CONFIG);
    UNIT_STR(err.at, "/region");
    end();
}

static void drops_rights(void)
{
    struct plugin_trial t = { .staged = staged, .name = STR("acme"),
                              .user = "nobody" };

    if (geteuid() != 0)
        UNIT_SKIP("only root can become somebody else");
    begin("tests/abi/acme", "acme");
    UNIT_INT(stage("acme"), 0);
    UNIT_INT(plugin_try_in_child(&t, &err), 0);
    CU_ASSERT(chmod(root, 0700) == 0); /* now nobody cannot reach it */
    UNIT_INT(plugin_try_in_child(&t, &err), -ERR_CONFIG);
    says("Permission denied");
    memset(&err, 0, sizeof err);
    t.user = "no such user";
    UNIT_INT(plugin_try_in_child(&t, &err), -ERR_CONFIG);
    says("there is no user 'no such user'");
    end();
}

/* ---- refused for where they are ---------------------------------------- */

static void refuses_writable_files(void)
{
    char path[200], real[200];

    begin("tests/abi/acme", "acme");
    snprintf(path, sizeof path, "%s/acme.so", folder);
    CU_ASSERT(chmod(path, 0646) == 0);
    UNIT_INT(stage("acme"), -ERR_CONFIG);
    says("acme.so is writable by everybody (mode 0646)");
    CU_ASSERT(chmod(path, 0644) == 0);
    snprintf(real, sizeof real, "%s/real.so", root);
    CU_ASSERT(rename(path, real) == 0 && symlink(real, path) == 0);
    UNIT_INT(stage("acme"), -ERR_CONFIG);
    says("is a symbolic link");
    CU_ASSERT(unlink(path) == 0);
    UNIT_INT(stage("acme"), -ERR_CONFIG);
    says("there is no ");
    CU_ASSERT(mkdir(path, 0755) == 0);
    UNIT_INT(stage("acme"), -ERR_CONFIG);
    says("is not a plain file");
    UNIT_INT(stage("../x"), -ERR_CONFIG);
    says("is no plugin's name");
    end();
}

static void refuses_writable_folders(void)
{
    begin("tests/abi/acme", "acme");
    CU_ASSERT(chmod(root, 0757) == 0);
    UNIT_INT(stage("acme"), -ERR_CONFIG);
    says("is writable by everybody (mode 0757): chmod o-w");
    CU_ASSERT(chmod(root, 0755) == 0);
    UNIT_INT(stage("acme"), 0);
    CU_ASSERT(chmod(state, 01777) == 0); /* sticky, but is it root's? */
    UNIT_INT(stage("acme"), geteuid() == 0 ? 0 : -ERR_CONFIG);
    end();
    if (geteuid() != 0)
        UNIT_SKIP("only root can give a folder away");
    begin("tests/abi/acme", "acme");
    CU_ASSERT(chown(folder, 65534, 65534) == 0);
    UNIT_INT(stage("acme"), -ERR_CONFIG);
    says("belongs to user 65534");
    CU_ASSERT(chown(folder, 0, 65534) == 0 && chmod(folder, 0775) == 0);
    UNIT_INT(stage("acme"), -ERR_CONFIG);
    says("is writable by group 65534, which is not ours");
    CU_ASSERT(chown(folder, 0, getegid()) == 0);
    UNIT_INT(stage("acme"), 0);
    end();
}

static void stages_by_content(void)
{
    struct stat st, again;
    char first[sizeof staged];
    bool ok;
    struct str bytes;

    begin("tests/abi/acme", "acme");
    UNIT_INT(stage("acme"), 0);
    CU_ASSERT(strlen(staged) ==
              strlen(state) + strlen("/plugins/acme-0123456789abcdef.so"));
    CU_ASSERT(stat(staged, &st) == 0);
    UNIT_INT(st.st_mode & 07777, 0555);
    snprintf(first, sizeof first, "%s", staged);
    UNIT_INT(stage("acme"), 0);
    UNIT_STR(staged, first);
    CU_ASSERT(stat(staged, &again) == 0);
    UNIT_INT(again.st_ino, st.st_ino); /* used again, not written again */
    CU_ASSERT(chmod(staged, 0755) == 0 && truncate(staged, 100) == 0);
    UNIT_INT(stage("acme"), 0); /* a damaged copy is made anew */
    CU_ASSERT(stat(staged, &again) == 0);
    UNIT_INT(again.st_size, st.st_size);
    bytes = build_file("tests/abi/acme_cxx", &ok);
    put_file("acme", bytes, 0644);
    UNIT_INT(stage("acme"), 0);
    CU_ASSERT(strcmp(staged, first) != 0);
    free((char *)bytes.p);
    end();
}

/* A byte of the copy changed since it was made. */
static void refuses_a_damaged_copy(void)
{
    struct plugin_set *set = plugin_set_new();
    FILE *f;

    begin("tests/abi/acme", "acme");
    UNIT_INT(stage("acme"), 0);
    CU_ASSERT(chmod(staged, 0755) == 0);
    f = fopen(staged, "r+");
    CU_ASSERT_FATAL(f && fseek(f, -1, SEEK_END) == 0);
    CU_ASSERT(fputc('?', f) == '?' && fclose(f) == 0);
    UNIT_INT(plugin_set_load(set, STR("acme"), staged, &err), -ERR_CONFIG);
    says("the copy is damaged");
    memset(&err, 0, sizeof err);
    UNIT_INT(try_it("acme", NULL, 0), -ERR_CONFIG);
    says("the copy is damaged");
    plugin_set_free(set);
    end();
}

/* ---- outside bytes ----------------------------------------------------- */

static void survives_any_file(void)
{
    struct plugin_elf elf;
    bool ok;
    struct str good = build_file("tests/abi/acme", &ok);
    uint32_t dice = 1;
    char *copy;
    int fine = 0;

    CU_ASSERT_FATAL(ok);
    UNIT_INT(plugin_elf_check(good, &elf, NULL), 0);
    UNIT_INT(elf.exported, 1);
    for (size_t n = 0; n < good.n; n += n < 1024 ? 1 : 61) {
        copy = malloc(n + 1); /* exactly, so that a sanitizer sees each step */
        memcpy(copy, good.p, n);
        fine += plugin_elf_check((struct str){ copy, n }, &elf, NULL) == 0;
        free(copy);
    }
    UNIT_INT(fine, 0); /* wherever it was cut */
    copy = malloc(good.n);
    for (int i = 0; i < 20000; i++) {
        memcpy(copy, good.p, good.n);
        for (int k = 0; k < 3; k++) {
            dice = dice * 1664525 + 1013904223;
            /* most flips go where the tables are */
            copy[(dice >> 8) % (i % 2 ? 4096 : good.n)] ^= (char)(dice >> 3);
        }
        fine += plugin_elf_check((struct str){ copy, good.n }, &elf, NULL) == 0;
    }
    CU_ASSERT(fine > 0 && fine < 20000);
    CU_ASSERT(plugin_elf_check(STR("#!/bin/sh\n"), &elf, NULL) < 0);
    CU_ASSERT(plugin_elf_check(STR(""), &elf, NULL) < 0);
    free(copy);
    free((char *)good.p);
}

static void refuses_other_files(void)
{
    begin(NULL, NULL);
    put_file("text", STR("not a plugin\n"), 0644);
    UNIT_INT(stage("text"), -ERR_CONFIG);
    UNIT_STR(err.msg, "plugin text: not an ELF shared object");
    put_file("empty", STR(""), 0644);
    UNIT_INT(stage("empty"), -ERR_CONFIG);
    says("has 0 bytes");
    end();
}

UNIT_MAIN("plugin", { "loads the built ones", loads_the_built_ones },
          { "serves vendors", serves_vendors },
          { "refuses bad ones", refuses_bad_ones },
          { "ends a trial in time", ends_a_trial_in_time },
          { "tries with settings", tries_with_settings },
          { "drops rights", drops_rights },
          { "refuses writable files", refuses_writable_files },
          { "refuses writable folders", refuses_writable_folders },
          { "stages by content", stages_by_content },
          { "refuses a damaged copy", refuses_a_damaged_copy },
          { "survives any file", survives_any_file },
          { "refuses other files", refuses_other_files })
