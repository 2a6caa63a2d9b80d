/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Counting: find the series of a metric and its label values in this
 * process's column, claim it where it is new, add. Nobody else writes here,
 * so adding is a load and a store.
 */
#include "engine/metrics.h"

#include "base/siphash.h"
#include "engine/metrics_column.h"

const struct metric_info metric_infos[METRIC_COUNT] = {
#define METRIC_ROW(id, name, type, labels, help) \
    [METRIC_##id] = { name, METRIC_##type, labels, help },
#include "engine/metrics.def"
#undef METRIC_ROW
};

static const uint64_t fine_us[METRIC_BUCKETS] = {
    50,    100,   250,   500,    1000,   2500,    5000,
    10000, 25000, 50000, 100000, 250000, 1000000,
};
static const uint64_t coarse_us[METRIC_BUCKETS] = {
    5000,    10000,   25000,   50000,    100000,   250000,   500000,
    1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};

/* The one thing that counting from anywhere needs; set once per process. */
static struct metrics_column *here;

const uint64_t *metric_buckets(enum metric_id id)
{
    return id == METRIC_OVERHEAD || id == METRIC_POLICY_SECONDS ? fine_us
                                                                : coarse_us;
}

void metrics_here(struct metrics_column *column)
{
    here = column;
}

/** Labels that the row names. */
static size_t label_count(const char *names)
{
    size_t n = *names != '\0';

    for (; *names; names++) {
        if (*names == '*')
            n--;
        n += *names == ',';
    }
    return n;
}

#define PACKED_MAX (8 * (METRIC_LABEL_MAX + 1))

static char *pack_one(char *p, struct str label)
{
    struct str s = str_cut(label, METRIC_LABEL_MAX);

    *p++ = (char)(unsigned char)s.n;
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static struct str pack(enum metric_id id, const struct str *labels,
                       char *room)
{
    size_t n = label_count(metric_infos[id].labels);
    char *p = room;

    for (size_t i = 0; i < n; i++)
        p = pack_one(p, labels[i]);
    return (struct str){ room, (size_t)(p - room) };
}

struct str metrics_series_labels(const struct metrics_series *s)
{
    return (struct str){ (const char *)&s->values[s->n_values],
                         s->labels_size };
}

static size_t series_size(uint16_t n_values, size_t labels_size)
{
    size_t n = sizeof(struct metrics_series) + 8u * n_values + labels_size;

    return (n + 7) & ~(size_t)7;
}

const struct metrics_series *
metrics_series_at(const struct metrics_column *c, uint32_t at)
{
    uint32_t place = atomic_load_explicit(&c->index[at], memory_order_acquire);
    const struct metrics_series *s;
    size_t off = (size_t)(place - 1) * 8;

    if (place == 0 || off + sizeof *s > METRICS_DATA)
        return NULL;
    s = (const void *)(c->data + off);
    if (s->id >= METRIC_COUNT || s->n_values == 0 ||
        s->n_values > METRIC_VALUES_MAX || s->labels_size > PACKED_MAX)
        return NULL;
    if (off + series_size(s->n_values, s->labels_size) > METRICS_DATA)
        return NULL;
    return s;
}

static uint16_t values_of(enum metric_id id)
{
    return metric_infos[id].type == METRIC_SECONDS ? METRIC_VALUES_MAX : 1;
}

/** Write a new series behind the last; NULL when there is no room. */
static struct metrics_series *append(struct metrics_column *c,
                                     enum metric_id id, struct str labels,
                                     uint32_t at)
{
    uint32_t used = atomic_load_explicit(&c->used, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&c->count, memory_order_relaxed);
    uint16_t n = values_of(id);
    size_t size = series_size(n, labels.n);
    struct metrics_series *s = (void *)(c->data + used);

    if (count >= METRICS_SERIES || used + size > METRICS_DATA)
        return NULL;
    memset(s, 0, size);
    s->id = (uint16_t)id;
    s->n_values = n;
    s->labels_size = (uint32_t)labels.n;
    if (labels.n)
        memcpy(&s->values[n], labels.p, labels.n);
    atomic_store_explicit(&c->used, used + (uint32_t)size,
                          memory_order_relaxed);
    atomic_store_explicit(&c->count, count + 1, memory_order_relaxed);
    atomic_store_explicit(&c->index[at], 1 + used / 8, memory_order_release);
    return s;
}

/* Eight bytes at a time; labels are short and no secret. */
static uint32_t place_of(enum metric_id id, struct str labels)
{
    uint64_t h = ((uint64_t)id + 1) * 0x9E3779B97F4A7C15u;
    size_t i = 0;

    for (; labels.n - i >= 8; i += 8) {
        h ^= siphash_word((struct str){ labels.p + i, 8 });
        h *= 0xBF58476D1CE4E5B9u;
        h ^= h >> 32;
    }
    h ^= siphash_word((struct str){ labels.p + i, labels.n - i });
    h *= 0x94D049BB133111EBu;
    return (uint32_t)(h >> 32) & (METRICS_INDEX - 1);
}

/** The series, or NULL and the free place for it in *at. */
static struct metrics_series *look(struct metrics_column *c, enum metric_id id,
                                   struct str labels, uint32_t *at)
{
    *at = place_of(id, labels);
    for (uint32_t i = 0; i < METRICS_INDEX; i++) {
        const struct metrics_series *s = metrics_series_at(c, *at);

        if (!s)
            break;
        if (s->id == id && str_eq(metrics_series_labels(s), labels))
            return (struct metrics_series *)s;
        *at = (*at + 1) & (METRICS_INDEX - 1);
    }
    return NULL;
}

/** The series, claimed at its first use; NULL when the column is full. */
static struct metrics_series *claim(struct metrics_column *c,
                                    enum metric_id id, struct str labels)
{
    uint32_t at;
    struct metrics_series *s = look(c, id, labels, &at);

    return s ? s : append(c, id, labels, at);
}

/** May the policy (the first packed label) have one more series? Those of all
 * policies together leave room for the metrics of the core. */
static bool own_fits(const struct metrics_column *c, struct str labels,
                     uint32_t max)
{
    size_t n = 1 + (size_t)(unsigned char)labels.p[0];
    uint32_t same = 0, all = 0;

    for (uint32_t at = 0; max && at < METRICS_INDEX; at++) {
        const struct metrics_series *s = metrics_series_at(c, at);

        if (!s || s->id != METRIC_POLICY_COUNT)
            continue;
        all++;
        same += str_starts(metrics_series_labels(s),
                           (struct str){ labels.p, n });
    }
    return same < max && all < METRIC_OWN_ALL;
}

/** As claim, for a series of a policy's own. */
static struct metrics_series *claim_own(struct metrics_column *c,
                                        struct str labels, uint32_t max)
{
    uint32_t at;
    struct metrics_series *s = look(c, METRIC_POLICY_COUNT, labels, &at);

    if (s || !own_fits(c, labels, max))
        return s;
    return append(c, METRIC_POLICY_COUNT, labels, at);
}

static void bump(_Atomic uint64_t *v, uint64_t by)
{
    atomic_store_explicit(
        v, atomic_load_explicit(v, memory_order_relaxed) + by,
        memory_order_relaxed);
}

static struct metrics_series *find(enum metric_id id, const struct str *labels)
{
    char room[PACKED_MAX];
    struct metrics_series *s;

    if (!here)
        return NULL;
    s = claim(here, id, pack(id, labels, room));
    if (!s)
        bump(&here->dropped, 1);
    return s;
}

void metric_add(enum metric_id id, const struct str *labels, uint64_t v)
{
    struct metrics_series *s = find(id, labels);

    if (s)
        bump(&s->values[0], v);
}

bool metric_add_own(struct str policy, struct str name,
                    const struct metric_pair *pairs, size_t n_pairs,
                    uint32_t max, uint64_t v)
{
    char room[PACKED_MAX], *p = pack_one(pack_one(room, policy), name);
    struct metrics_series *s;

    if (!here)
        return true;
    for (size_t i = 0; i < n_pairs && i < METRIC_PAIRS_MAX; i++)
        p = pack_one(pack_one(p, pairs[i].name), pairs[i].value);
    s = claim_own(here, (struct str){ room, (size_t)(p - room) }, max);
    if (s)
        bump(&s->values[0], v);
    return s != NULL;
}

void metric_set(enum metric_id id, const struct str *labels, int64_t v)
{
    struct metrics_series *s = find(id, labels);

    if (s)
        atomic_store_explicit(&s->values[0], (uint64_t)v,
                              memory_order_relaxed);
}

static void observe(struct metrics_series *s, enum metric_id id, uint64_t us)
{
    const uint64_t *bounds = metric_buckets(id);
    size_t i = 0;

    if (!s)
        return;
    while (i < METRIC_BUCKETS && us > bounds[i])
        i++;
    bump(&s->values[i], 1);
    bump(&s->values[METRIC_BUCKETS + 1], us);
}

void metric_observe(enum metric_id id, const struct str *labels, uint64_t us)
{
    observe(find(id, labels), id, us);
}

/* A series never moves in its column, and a column is this process's until it
 * ends. */
void metric_observe_at(struct metric_spot *spot, enum metric_id id,
                       const struct str *labels, uint64_t us)
{
    if (!spot->series || spot->column != here) {
        spot->column = here;
        spot->series = find(id, labels);
    }
    observe(spot->series, id, us);
}

static void retire_series(struct metrics_column *total,
                          const struct metrics_series *s)
{
    struct metrics_series *to;

    if (metric_infos[s->id].type == METRIC_GAUGE)
        return;
    to = s->id == METRIC_POLICY_COUNT
             ? claim_own(total, metrics_series_labels(s), UINT32_MAX)
             : claim(total, s->id, metrics_series_labels(s));
    if (!to) {
        bump(&total->dropped, 1);
        return;
    }
    for (uint16_t i = 0; i < s->n_values; i++)
        bump(&to->values[i],
             atomic_load_explicit(&s->values[i], memory_order_relaxed));
}

void metrics_retire(struct metrics_column *total, struct metrics_column *dead)
{
    for (uint32_t at = 0; at < METRICS_INDEX; at++) {
        const struct metrics_series *s = metrics_series_at(dead, at);

        if (s)
            retire_series(total, s);
        atomic_store_explicit(&dead->index[at], 0, memory_order_relaxed);
    }
    bump(&total->dropped,
         atomic_load_explicit(&dead->dropped, memory_order_relaxed));
    atomic_store_explicit(&dead->dropped, 0, memory_order_relaxed);
    atomic_store_explicit(&dead->used, 0, memory_order_relaxed);
    atomic_store_explicit(&dead->count, 0, memory_order_relaxed);
}
