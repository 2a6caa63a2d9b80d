/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The desk: keys and teams made, changed, refused; roles; what is audited and
 * what never is; what workers are told. */
#include "keeper/desk.h"

#include "base/sha256.h"
#include "engine/key_table.h"
#include "engine/key_text.h"
#include "keeper/store_impl.h"

#include "unit.h"

#include <stdarg.h>
#include <unistd.h>

static char folder[64];
static struct desk desk;
static struct config config;
static struct desk_answer answer;
static struct key_table *table;
static struct arena *arena;

static void begin(void)
{
    static struct conf_team team = { .name = STR("files") };
    static struct conf_key key = { .name = STR("filed") };
    struct err err = { 0 };

    snprintf(folder, sizeof folder, "/tmp/penstock-desk-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    config = (struct config){ .teams = &team, .n_teams = 1, .keys = &key,
                              .n_keys = 1 };
    desk = (struct desk){ .store = store_open(folder, &err),
                          .config = &config, .book = key_book_new(&config) };
    CU_ASSERT_PTR_NOT_NULL_FATAL(desk.store);
    table = key_table_new();
    arena = arena_new(1 << 20);
}

static void end(void)
{
    static const char *const files[] = { STORE_FILE, STORE_FILE "-wal",
                                         STORE_FILE "-shm", "made" };
    char path[128];

    json_decref(answer.reply);
    answer.reply = NULL;
    store_close(desk.store);
    key_book_free(desk.book);
    key_table_free(table);
    arena_free(arena);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    UNIT_INT(rmdir(folder), 0);
}

/** Ask with this role, in JSON with ' for "; the code of the answer. */
static int ask_as(enum role role, const char *fmt, ...)
{
    struct desk_ask q = { .who = "test", .role = role, .fd = -1 };
    char text[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    q.ask = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(q.ask);
    json_decref(answer.reply);
    desk_do(&desk, &q, &answer);
    json_decref(q.ask);
    CU_ASSERT((answer.reply == NULL) == (answer.err.code != 0));
    return answer.err.code;
}

#define ASK(...) ask_as(ROLE_ADMIN, __VA_ARGS__)

static const char *got(const char *what, const char *name)
{
    const json_t *o = json_object_get(answer.reply, what);

    return json_string_value(name ? json_object_get(o, name) : o);
}

/** What a worker makes of that secret after the next snapshot. */
static struct principal *worker_finds(const char *secret)
{
    unsigned char sum[SHA256_BYTES];
    struct principal *p = NULL;
    struct err err = { 0 };
    struct snapshot *s;
    bool is_base;
    int fd = key_book_snapshot(desk.book, desk.store, &is_base, &err);

    s = fd < 0 ? NULL : snapshot_open(fd, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    close(fd);
    UNIT_INT(key_table_update(table, s), 0);
    snapshot_unref(s);
    sha256(str_of(secret), sum);
    UNIT_INT(key_table_principal(table, &config, sum, arena, &p), 0);
    return p;
}

static void makes_a_key_that_workers_know(void)
{
    const struct principal *p;
    char secret[KEY_TEXT_LEN + 1];

    begin();
    CU_ASSERT_PTR_NULL(worker_finds("anything")); /* the base: no keys */
    UNIT_INT(ASK("{'verb':'key.create','name':'ci','team':'files',"
                 "'models':['gpt-*','fast'],'endpoints':['chat'],"
                 "'cidrs':['10.0.0.0/8'],'expires':'2099-03-31',"
                 "'limits':{'requests':'600/min','concurrent':4},"
                 "'tags':{'env':'prod'},'metadata':{'owner':{'n':1}},"
                 "'user':'ada'}"), 0);
    CU_ASSERT(answer.changed);
    snprintf(secret, sizeof secret, "%s", got("secret", NULL));
    UNIT_INT(key_text_kind(str_of(secret)), KEY_OURS);
    UNIT_STR(got("key", "state"), "active");
    UNIT_STR(got("key", "expires"), "2099-03-31T00:00:00Z");
    UNIT_STR(got("key", "created_by"), "test");
    p = worker_finds(secret);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT(str_is(p->key, "ci") && str_is(p->team, "files") &&
              str_is(p->user, "ada"));
    CU_ASSERT(p->n_models == 2 && p->n_endpoints == 1 && p->n_cidrs == 1);
    CU_ASSERT(str_is(p->limits.requests, "600/min"));
    UNIT_INT(ASK("{'verb':'key.show','id':'ci'}"), 0);
    CU_ASSERT_PTR_NULL(json_object_get(answer.reply, "secret"));
    end();
}

static void refuses_what_is_wrong(void)
{
    static const char *const bad[] = {
        "'name':''", "'name':'a/b'", "'name':'k','models':'x/\\u0001'",
        "'name':'k','endpoints':['nonsense']",
        "'name':'k','cidrs':['10.0.0.0/99']", "'name':'k','expires':'soon'",
        "'name':'k','team':'nobody'", "'name':'k','limits':{'coffee':'1/s'}",
        "'name':'k','limits':{'requests':600}", "'name':'k','metadata':[]",
        "'name':'k','parent':'files'", "'name':'k','unheard_of':1",
    };

    begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = ASK("{'verb':'key.create',%s}", bad[i]);

        if (code != ERR_CONFIG)
            printf("\n%s: %d %s", bad[i], code, answer.err.msg);
        UNIT_INT(code, ERR_CONFIG);
        CU_ASSERT(!answer.changed);
    }
    UNIT_INT(ASK("{'verb':'key.create','name':'filed'}"), ERR_EXISTS);
    UNIT_INT(ASK("{'verb':'key.create','name':'k'}"), 0);
    UNIT_INT(ASK("{'verb':'key.create','name':'k'}"), ERR_EXISTS);
    UNIT_INT(ASK("{'verb':'key.show','id':'none'}"), ERR_NOTFOUND);
    UNIT_INT(ASK("{'verb':'key.list'}"), 0);
    UNIT_INT(json_array_size(json_object_get(answer.reply, "keys")), 1);
    end();
}

static void disables_enables_and_revokes(void)
{
    char secret[KEY_TEXT_LEN + 1];

    begin();
    UNIT_INT(ASK("{'verb':'key.create','name':'k'}"), 0);
    snprintf(secret, sizeof secret, "%s", got("secret", NULL));
    CU_ASSERT(worker_finds(secret) && !worker_finds(secret)->disabled);
    UNIT_INT(ASK("{'verb':'key.disable','id':'k'}"), 0);
    CU_ASSERT(worker_finds(secret)->disabled);
    UNIT_INT(ASK("{'verb':'key.enable','id':'k'}"), 0);
    CU_ASSERT(!worker_finds(secret)->disabled);
    UNIT_INT(ASK("{'verb':'key.update','id':'k','models':['a'],"
                 "'user':'bob'}"), 0);
    CU_ASSERT(str_is(worker_finds(secret)->user, "bob"));
    UNIT_INT(ASK("{'verb':'key.update','id':'k','models':null}"), 0);
    UNIT_INT(worker_finds(secret)->n_models, 0);
    UNIT_INT(ASK("{'verb':'key.update','id':'k','name':'other'}"),
             ERR_CONFIG);
    UNIT_INT(ASK("{'verb':'key.revoke','id':'k'}"), 0);
    CU_ASSERT_PTR_NULL(worker_finds(secret));
    UNIT_INT(ASK("{'verb':'key.enable','id':'k'}"), ERR_NOTFOUND);
    UNIT_INT(ASK("{'verb':'key.create','name':'k'}"), 0); /* free again */
    end();
}

static void rotates_with_grace(void)
{
    char first[KEY_TEXT_LEN + 1], second[KEY_TEXT_LEN + 1];
    const struct principal *p;

    begin();
    UNIT_INT(ASK("{'verb':'key.create','name':'k'}"), 0);
    snprintf(first, sizeof first, "%s", got("secret", NULL));
    UNIT_INT(ASK("{'verb':'key.rotate','id':'k','grace':'1h'}"), 0);
    snprintf(second, sizeof second, "%s", got("secret", NULL));
    CU_ASSERT(strcmp(first, second) != 0 &&
              strncmp(first, second, 14) == 0); /* the id stays */
    p = worker_finds(first);
    CU_ASSERT(p && p->expires_ms != 0);
    p = worker_finds(second);
    CU_ASSERT(p && p->expires_ms == 0);
    UNIT_INT(ASK("{'verb':'key.rotate','id':'k','grace':'soon'}"),
             ERR_CONFIG);
    UNIT_INT(ASK("{'verb':'key.rotate','id':'k'}"), 0);
    usleep(2000);
    p = worker_finds(second); /* at once */
    CU_ASSERT(p && p->expires_ms && p->expires_ms < 4102444800000);
    end();
}

static void imports_by_digest(void)
{
    unsigned char sum[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    begin();
    sha256(STR("an old key of somebody"), sum);
    hex_encode(sum, sizeof sum, hex);
    UNIT_INT(ASK("{'verb':'key.import','name':'old','sha256':'%s'}", hex), 0);
    CU_ASSERT_PTR_NULL(json_object_get(answer.reply, "secret"));
    CU_ASSERT(str_is(worker_finds("an old key of somebody")->key, "old"));
    UNIT_INT(ASK("{'verb':'key.import','name':'two','sha256':'%s'}", hex),
             ERR_EXISTS);
    UNIT_INT(ASK("{'verb':'key.import','name':'two','sha256':'12'}"),
             ERR_CONFIG);
    end();
}

static void teams_have_parents(void)
{
    begin();
    UNIT_INT(ASK("{'verb':'team.create','name':'top','models':['a*']}"), 0);
    UNIT_INT(ASK("{'verb':'team.create','name':'leaf','parent':'top',"
                 "'models':['*b']}"), 0);
    UNIT_INT(ASK("{'verb':'team.update','id':'top','parent':'leaf'}"),
             ERR_CONFIG);
    UNIT_INT(ASK("{'verb':'team.update','id':'top','parent':'top'}"),
             ERR_CONFIG);
    UNIT_INT(ASK("{'verb':'team.create','name':'x','parent':'none'}"),
             ERR_CONFIG);
    UNIT_INT(ASK("{'verb':'team.create','name':'files'}"), ERR_EXISTS);
    UNIT_INT(ASK("{'verb':'team.delete','id':'top'}"), ERR_BUSY);
    UNIT_INT(ASK("{'verb':'key.create','name':'k','team':'leaf'}"), 0);
    CU_ASSERT(principal_may_use(worker_finds(got("secret", NULL)),
                                STR("ab")));
    UNIT_INT(ASK("{'verb':'team.delete','id':'leaf'}"), ERR_BUSY);
    UNIT_INT(ASK("{'verb':'key.revoke','id':'k'}"), 0);
    UNIT_INT(ASK("{'verb':'team.delete','id':'leaf'}"), 0);
    UNIT_INT(ASK("{'verb':'team.list'}"), 0);
    UNIT_INT(json_array_size(json_object_get(answer.reply, "teams")), 1);
    end();
}

static void roles_and_the_audit(void)
{
    char *text, secret[KEY_TEXT_LEN + 1];

    begin();
    UNIT_INT(ask_as(ROLE_OPERATOR, "{'verb':'key.create','name':'k'}"),
             ERR_NOT_ALLOWED);
    UNIT_INT(ASK("{'verb':'key.create','name':'k'}"), 0);
    snprintf(secret, sizeof secret, "%s", got("secret", NULL));
    UNIT_INT(ask_as(ROLE_VIEWER, "{'verb':'key.disable','id':'k'}"),
             ERR_NOT_ALLOWED);
    UNIT_INT(ask_as(ROLE_VIEWER, "{'verb':'key.list'}"), 0);
    UNIT_INT(ask_as(ROLE_VIEWER, "{'verb':'audit.list'}"), ERR_NOT_ALLOWED);
    UNIT_INT(ask_as(ROLE_OPERATOR, "{'verb':'key.disable','id':'k'}"), 0);
    UNIT_INT(ask_as(ROLE_OPERATOR, "{'verb':'audit.list'}"), 0);
    UNIT_INT(json_array_size(json_object_get(answer.reply, "audit")), 2);
    text = json_dumps(answer.reply, 0);
    CU_ASSERT(strstr(text, "key.disable") && strstr(text, "\"who\": \"test\""));
    CU_ASSERT_PTR_NULL(strstr(text, "sk-ps-"));
    CU_ASSERT_PTR_NULL(strstr(text, secret + 15));
    free(text);
    end();
}

static void a_delta_becomes_a_base(void)
{
    struct err err = { 0 };
    bool is_base;
    char id[16];

    begin();
    close(key_book_snapshot(desk.book, desk.store, &is_base, &err));
    CU_ASSERT(is_base);
    for (int i = 0; i < 1025; i++) {
        if (i == 1024) {
            close(key_book_snapshot(desk.book, desk.store, &is_base, &err));
            CU_ASSERT(!is_base);
        }
        snprintf(id, sizeof id, "%08d", i % 10000);
        key_book_note(desk.book, id);
    }
    close(key_book_snapshot(desk.book, desk.store, &is_base, &err));
    CU_ASSERT(is_base);
    end();
}

UNIT_MAIN("desk",
          { "makes a key that workers know", makes_a_key_that_workers_know },
          { "refuses what is wrong", refuses_what_is_wrong },
          { "disables, enables and revokes", disables_enables_and_revokes },
          { "rotates with grace", rotates_with_grace },
          { "imports by digest", imports_by_digest },
          { "teams have parents", teams_have_parents },
          { "roles and the audit", roles_and_the_audit },
          { "a delta becomes a base", a_delta_becomes_a_base })
