/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * References: what they look like, what they stand for, what is refused.
 */
#include "engine/secret.h"

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void put(const char *name, const char *text, size_t n)
{
    char path[128];
    FILE *f;

    snprintf(folder, sizeof folder, "/tmp/penstock-secret-%d", (int)getpid());
    mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fwrite(text, 1, n, f);
    fclose(f);
}

static void clear(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    rmdir(folder);
}

/* What the reference stands for, or why not. */
static void stands_for(const char *kind, const char *arg, const char *want)
{
    json_t *ref = json_pack("{s:s}", kind, arg);
    struct buf out = BUF_INIT(32);
    struct err err = {0};

    if (secret_resolve(ref, &out, &err) < 0) {
        buf_reset(&out);
        out.max = 1024;
        buf_puts(&out, err.msg);
    }
    buf_reserve(&out, 1)[0] = '\0';
    UNIT_STR(buf_str(&out).p, want);
    secret_wipe(&out);
    CU_ASSERT_PTR_NULL(out.p);
    json_decref(ref);
}

static void environment(void)
{
    setenv("SECRET_A", "value", 1);
    setenv("SECRET_EMPTY", "", 1);
    stands_for("$env", "SECRET_A", "value");
    stands_for("$env", "SECRET_EMPTY",
               "the environment variable SECRET_EMPTY is not set; set it, or "
               "write env(\"SECRET_EMPTY\", \"default\")");
    setenv("SECRET_LONG", "0123456789012345678901234567890123456789", 1);
    stands_for("$env", "SECRET_LONG", "SECRET_LONG is larger than 32 bytes");
}

static void files(void)
{
    char path[128], why[192];

    put("a", "value\r\n\n", 8);
    snprintf(path, sizeof path, "%s/a", folder);
    stands_for("$file", path, "value");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    stands_for("$credential", "a", "value");
    unsetenv("CREDENTIALS_DIRECTORY");
    stands_for("$credential", "a",
               "there is no credential a: CREDENTIALS_DIRECTORY is not set; "
               "see LoadCredential= in systemd.exec(5)");
    put("a", "\n", 1);
    snprintf(why, sizeof why, "%s is empty", path);
    stands_for("$file", path, why);
    put("a", "01234567890123456789012345678901\n", 33);
    snprintf(why, sizeof why, "%s is larger than 32 bytes", path);
    stands_for("$file", path, why);
    snprintf(why, sizeof why, "%s is not a file", folder);
    stands_for("$file", folder, why);
    clear("a");
    snprintf(why, sizeof why, "%s: No such file or directory", path);
    stands_for("$file", path, why);
}

static void form(void)
{
    static const struct {
        const char *json, *label;
        bool ref, ok;
    } rows[] = {
        {"{\"$env\":\"A_1\"}", "env A_1", true, true},
        {"{\"$env\":\"A\",\"default\":\"\"}", "env A", true, true},
        {"{\"$file\":\"/x y\"}", "file /x y", true, true},
        {"{\"$credential\":\"a.b-c\"}", "credential a.b-c", true, true},
        {"{\"$env\":\"A B\"}", "env A B", true, false},
        {"{\"$env\":\"\"}", "env ", true, false},
        {"{\"$env\":1}", "", true, false},
        {"{\"$env\":\"A\",\"x\":1}", "env A", true, false},
        {"{\"$env\":\"A\",\"default\":1}", "env A", true, false},
        {"{\"$env\":\"A\",\"$file\":\"/x\"}", "env A", true, false},
        {"{\"$file\":\"x\"}", "file x", true, false},
        {"{\"$file\":\"/x\",\"default\":\"a\"}", "file /x", true, false},
        {"{\"$credential\":\"../x\"}", "credential ../x", true, false},
        {"{\"env\":\"A\"}", "", false, false},
        {"\"text\"", "", false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *v = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        char label[64], why[128] = "";

        UNIT_INT(secret_is_ref(v), rows[i].ref);
        UNIT_INT(secret_ref_ok(v, why, sizeof why), rows[i].ok);
        CU_ASSERT(rows[i].ok || why[0]);
        secret_ref_label(v, label, sizeof label);
        UNIT_STR(label, rows[i].label);
        json_decref(v);
    }
}

UNIT_MAIN("secret", {"environment", environment}, {"files", files},
          {"form", form})
