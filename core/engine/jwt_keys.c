/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Keys per block, and a direct-mapped table of good tokens by their SHA-256:
 * a new one takes the place of whoever stands there. */
#include "engine/jwt_keys.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "engine/jws.h"
#include "engine/jwt.h"
#include "net/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEN = 4096, SEEN_CLAIMS_MAX = 2048, SCRATCH = 256 << 10 };

struct source {
    const struct conf_jwt *conf;
    struct jwks *set; /* NULL: none yet */
    char *text;       /* what it was parsed from; NULL with a set: inline */
    size_t n;
    uint64_t fetched_ms; /* monotonic; 0 = never */
    uint64_t asked_ms;
    uint64_t number;     /* of the set; verdicts of another are void */
    char why[160];       /* the last fetch failed; "" = it did not */
};

struct seen {
    unsigned char digest[HASH_SHA256_SIZE];
    const struct source *source;
    uint64_t number, until_s;
    char *claims;
    size_t n;
};

/* Those of one configuration. */
struct jwt_sources {
    struct source *list;
    size_t n;
};

struct jwt_keys {
    struct hash *hash;
    struct arena *scratch; /* of one check */
    struct jwt_sources *in_force;
    struct snapshot *last; /* what was published; NULL: nothing yet */
    struct jwt_watch *watches;
    void (*ask)(void *ud, struct str name);
    void *ask_ud;
    struct seen seen[SEEN];
};

/* ---- life -------------------------------------------------------------- */

void jwt_sources_free(struct jwt_sources *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->n; i++) {
        jwks_free(all->list[i].set);
        free(all->list[i].text);
    }
    free(all->list);
    free(all);
}

struct jwt_sources *jwt_sources_new(const struct config *c, struct err *err)
{
    struct jwt_sources *all = calloc(1, sizeof *all);

    if (all)
        all->list = calloc(c->n_jwts + 1, sizeof *all->list);
    if (!all || !all->list)
        err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; !err->code && i < c->n_jwts; i++) {
        struct source *s = &all->list[all->n++];
        struct str own = secret_reveal(&c->jwts[i].jwks);

        s->conf = &c->jwts[i];
        if (own.n)
            s->set = jwks_parse(own, err);
    }
    if (!err->code)
        return all;
    jwt_sources_free(all);
    return NULL;
}

/* Verdicts name a source, and blocks may believe other things now. */
static void forget(struct jwt_keys *k)
{
    for (size_t i = 0; i < SEEN; i++) {
        free(k->seen[i].claims);
        k->seen[i].claims = NULL;
    }
}

void jwt_keys_free(struct jwt_keys *k)
{
    if (!k)
        return;
    forget(k);
    jwt_sources_free(k->in_force);
    snapshot_unref(k->last);
    hash_free(k->hash);
    if (k->scratch)
        arena_free(k->scratch);
    free(k);
}

struct jwt_keys *jwt_keys_new(const struct config *c)
{
    struct jwt_keys *k = calloc(1, sizeof *k);
    struct err err = { 0 };

    if (!k)
        return NULL;
    k->hash = hash_new();
    k->scratch = arena_new(SCRATCH);
    k->in_force = jwt_sources_new(c, &err);
    if (k->hash && k->scratch && k->in_force)
        return k;
    jwt_keys_free(k);
    return NULL;
}

/* ---- sets -------------------------------------------------------------- */

bool jwt_section(struct str text, uint64_t *fetched_ms, struct str *why,
                 struct str *set)
{
    struct str rest = text, line;
    uint64_t ms = 0;
    size_t i = 0;

    if (!text.p || !memchr(text.p, '\n', text.n))
        return false;
    line = str_split(&rest, '\n');
    while (i < line.n && line.p[i] >= '0' && line.p[i] <= '9')
        ms = ms * 10 + (uint64_t)(line.p[i++] - '0');
    if (i == 0 || i == line.n)
        return false;
    *fetched_ms = ms;
    *why = (struct str){ line.p + i + 1, line.n - i - 1 };
    *set = rest.p ? rest : STR("");
    return true;
}

static void take_set(struct source *s, struct str text)
{
    struct err err = { 0 };
    struct jwks *set;
    char *copy;

    if (text.n == 0 || (s->text && text.n == s->n &&
                        memcmp(s->text, text.p, text.n) == 0))
        return;
    set = jwks_parse(text, &err);
    copy = set ? str_dup(text) : NULL;
    if (!copy) {
        jwks_free(set);
        return;
    }
    jwks_free(s->set);
    free(s->text);
    s->set = set;
    s->text = copy;
    s->n = text.n;
    s->number++;
}

void jwt_source_name(const struct conf_jwt *c, char out[JWT_SOURCE_NAME])
{
    const struct str parts[] = { c->issuer, c->jwks_url, c->jwks_file,
                                 c->ca_file };
    uint8_t all[sizeof parts / sizeof parts[0]][SHA256_BYTES];
    uint8_t one[SHA256_BYTES];
    size_t n = (size_t)snprintf(out, JWT_SOURCE_NAME - 33, STR_FMT,
                                STR_ARG(c->name));

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        sha256(parts[i].p ? parts[i] : STR(""), all[i]);
    sha256((struct str){ (const char *)all, sizeof all }, one);
    n = n < JWT_SOURCE_NAME - 34 ? n : JWT_SOURCE_NAME - 34;
    out[n++] = ' ';
    hex_encode(one, 16, out + n);
}

static void update_source(struct source *s, const struct snapshot *snapshot)
{
    char name[JWT_SOURCE_NAME];
    struct str why, set;
    uint64_t at;

    jwt_source_name(s->conf, name);
    if (secret_reveal(&s->conf->jwks).n ||
        !jwt_section(snapshot_section(snapshot, str_of(name)), &at, &why,
                     &set))
        return;
    s->fetched_ms = at;
    if (why.n >= sizeof s->why)
        why.n = sizeof s->why - 1;
    memcpy(s->why, why.p, why.n);
    s->why[why.n] = '\0';
    take_set(s, set);
}

static void update_all(struct jwt_keys *k)
{
    for (size_t i = 0; k->last && i < k->in_force->n; i++)
        update_source(&k->in_force->list[i], k->last);
    for (struct jwt_watch *w = k->watches; w; w = w->next)
        w->fn(w->ud);
}

void jwt_keys_update(struct jwt_keys *k, struct snapshot *snapshot)
{
    snapshot_ref(snapshot);
    snapshot_unref(k->last);
    k->last = snapshot;
    update_all(k);
}

/* What was fetched from the same place holds on; *to was not used yet. */
static void move_set(struct source *to, struct source *from)
{
    char name[JWT_SOURCE_NAME], was[JWT_SOURCE_NAME];

    jwt_source_name(to->conf, name);
    jwt_source_name(from->conf, was);
    if (to->set || !from->text || strcmp(name, was) != 0)
        return;
    to->set = from->set;
    to->text = from->text;
    to->n = from->n;
    to->fetched_ms = from->fetched_ms;
    memcpy(to->why, from->why, sizeof to->why);
    from->set = NULL;
    from->text = NULL;
}

void jwt_keys_take(struct jwt_keys *k, struct jwt_sources *next)
{
    struct jwt_sources *was = k->in_force;

    for (size_t i = 0; i < next->n; i++) {
        for (size_t j = 0; j < was->n; j++) {
            if (!secret_reveal(&next->list[i].conf->jwks).n)
                move_set(&next->list[i], &was->list[j]);
        }
    }
    forget(k);
    k->in_force = next;
    jwt_sources_free(was);
    update_all(k);
}

void jwt_keys_watch(struct jwt_keys *k, struct jwt_watch *w)
{
    if (w->prev)
        return;
    w->next = k->watches;
    w->prev = &k->watches;
    if (w->next)
        w->next->prev = &w->next;
    k->watches = w;
}

void jwt_keys_unwatch(struct jwt_watch *w)
{
    if (!w->prev)
        return;
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->prev = NULL;
}

static struct source *source_of(struct jwt_keys *k, const struct conf_jwt *c)
{
    for (size_t i = 0; i < k->in_force->n; i++) {
        if (str_eq(k->in_force->list[i].conf->name, c->name))
            return &k->in_force->list[i];
    }
    return NULL;
}

void jwt_keys_on_ask(struct jwt_keys *k, void (*ask)(void *ud, struct str),
                     void *ud)
{
    k->ask = ask;
    k->ask_ud = ud;
}

/* One question at a time is enough: all who wait hear the answer. */
void jwt_keys_ask(struct jwt_keys *k, const struct conf_jwt *c)
{
    struct source *s = source_of(k, c);
    uint64_t now = clock_mono_ms();

    if (!s || !k->ask || (s->asked_ms && now - s->asked_ms < 250))
        return;
    s->asked_ms = now;
    k->ask(k->ask_ud, c->name);
}

/* ---- tokens ------------------------------------------------------------ */

const struct conf_jwt *jwt_keys_choose(struct jwt_keys *k, struct str name,
                                       struct str token)
{
    struct err err = { 0 };
    struct str iss = STR_NULL;
    struct jws t;

    if (!name.p) {
        arena_reset(k->scratch);
        if (jws_parse(token, k->scratch, &t, &err) == 0)
            iss = jwt_issuer(t.payload, k->scratch);
        if (!iss.p)
            return NULL;
    }
    for (size_t i = 0; i < k->in_force->n; i++) {
        const struct conf_jwt *c = k->in_force->list[i].conf;

        if (name.p ? str_eq(c->name, name) : str_eq(c->issuer, iss))
            return c;
    }
    return NULL;
}

static struct seen *place_of(struct jwt_keys *k, const unsigned char *digest)
{
    uint64_t at;

    memcpy(&at, digest, sizeof at);
    return &k->seen[at % SEEN];
}

static void remember(struct seen *e, const unsigned char *digest,
                     const struct source *s, struct str claims,
                     uint64_t until_s)
{
    char *copy = claims.n <= SEEN_CLAIMS_MAX ? str_dup(claims) : NULL;

    if (!copy)
        return;
    free(e->claims);
    *e = (struct seen){ .source = s, .number = s->number, .until_s = until_s,
                        .claims = copy, .n = claims.n };
    memcpy(e->digest, digest, sizeof e->digest);
}

/* The token's key is not among ours: are ours new enough to say so? */
static enum jwt_verdict unknown_key(const struct source *s, struct err *err)
{
    if (secret_reveal(&s->conf->jwks).n)
        return JWT_BAD;
    if (clock_mono_ms() - s->fetched_ms >= s->conf->refetch_ms)
        return JWT_ASK;
    if (!s->why[0])
        return JWT_BAD;
    *err = (struct err){ 0 }; /* what the issuer knows, we do not */
    err_set(err, ERR_AUTH_UNAVAILABLE, "%s", s->why);
    return JWT_UNAVAILABLE;
}

/* *time: seconds, now; out: when the token ends. */
static enum jwt_verdict check(struct jwt_keys *k, const struct source *s,
                              struct str token, uint64_t *time,
                              struct jws *t, struct err *err)
{
    arena_reset(k->scratch);
    if (jws_parse(token, k->scratch, t, err) != 0)
        return JWT_BAD;
    if (!s->set) {
        err_set(err, ERR_AUTH_UNAVAILABLE, "%s", s->why[0]
                    ? s->why : "the issuer's keys are not there yet");
        return JWT_UNAVAILABLE;
    }
    switch (jwks_verify(s->set, t, s->conf->algs, err)) {
    case 0: break;
    case -ERR_NOTFOUND: return unknown_key(s, err);
    default: return JWT_BAD;
    }
    return jwt_check(s->conf, t->payload, *time, time, err) == 0 ? JWT_GOOD
                                                                 : JWT_BAD;
}

enum jwt_verdict jwt_keys_check(struct jwt_keys *k, const struct conf_jwt *c,
                                struct str token, uint64_t wall_ms,
                                struct str *claims, struct err *err)
{
    unsigned char digest[HASH_SHA256_SIZE];
    const struct source *s = source_of(k, c);
    uint64_t now_s = wall_ms / 1000, until_s = now_s;
    enum jwt_verdict verdict;
    struct seen *e;
    struct jws t;

    if (!s || hash_sha256(k->hash, token.p, token.n, digest) != 0) {
        err_set(err, ERR_AUTH_UNAVAILABLE, "no memory");
        return JWT_UNAVAILABLE;
    }
    e = place_of(k, digest);
    if (e->claims && e->source == s && e->number == s->number &&
        now_s < e->until_s && memcmp(e->digest, digest, sizeof digest) == 0) {
        *claims = (struct str){ e->claims, e->n };
        return JWT_GOOD;
    }
    verdict = check(k, s, token, &until_s, &t, err);
    if (verdict == JWT_GOOD) {
        *claims = t.payload;
        remember(e, digest, s, t.payload, until_s);
    }
    return verdict;
}
