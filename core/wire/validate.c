/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The walk. An object is held against its scope: each member that the scope
 * knows is checked and, where it has a scope of its own, gone into; then what
 * must be there, then the further scope that its type or role asks for. What
 * is not known is stepped over, with all below it.
 */
#include "wire/validate.h"

#include "base/json_name.h"
#include "wire/validate_impl.h"

#include <endian.h>

#define NO INT64_MIN /* no bound */

/* Each part of the tables is read by itself; the others are nothing then. */
#define VALID_SCOPE(id, told)
#define VALID_ROW(member, types, need, lo, hi, each, sub, set)
#define VALID_END
#define VALID_CASES(scope)
#define VALID_CASE(text, sub, counts)
#define VALID_CASES_END

enum scope {
    SCOPE_NONE,
#undef VALID_SCOPE
#define VALID_SCOPE(id, told) SCOPE_##id,
#include "wire/validate_rows.def"
    SCOPE_COUNT,
};

struct row {
    struct str member;
    uint8_t types, each;
    bool need;
    uint8_t sub; /* enum scope */
    int64_t low, high;
    const char *choices;
};

#undef VALID_SCOPE
#undef VALID_ROW
#undef VALID_END
#define VALID_SCOPE(id, told) static const struct row rows_##id[] = {
#define VALID_ROW(member, types, need, lo, hi, each, sub, set)                \
    { STR(member), types, each, need, SCOPE_##sub, lo, hi, set },
#define VALID_END                                                             \
    };
#include "wire/validate_rows.def"

/* The rows' names by their lengths, eight of them to a word, so that most
 * are passed over at once; 0 behind the last one, which no name has. */
#define ROWS_MAX 64 /* a bit each in `seen` */

union lengths {
    uint8_t each[ROWS_MAX];
    uint64_t words[ROWS_MAX / 8];
};

#undef VALID_SCOPE
#undef VALID_ROW
#undef VALID_END
#define VALID_SCOPE(id, told)                                                 \
    static const union lengths lengths_##id = { .each = {
#define VALID_ROW(member, types, need, lo, hi, each, sub, set)                \
    sizeof member - 1,
#define VALID_END                                                             \
    } };
#include "wire/validate_rows.def"

static const struct {
    const struct row *rows;
    const union lengths *lengths;
    size_t n;
    bool told; /* the text of the first row's member tells the case */
} scopes[] = {
#undef VALID_SCOPE
#undef VALID_ROW
#undef VALID_END
#define VALID_SCOPE(id, told)                                                 \
    [SCOPE_##id] = { rows_##id, &lengths_##id,                                \
                     sizeof rows_##id / sizeof rows_##id[0], told },
#define VALID_ROW(member, types, need, lo, hi, each, sub, set)
#define VALID_END
#include "wire/validate_rows.def"
};

enum counts { COUNTS_NOTHING, COUNTS_IMAGE };

struct kind {
    struct str text; /* "" where the member is not there */
    enum scope sub;
    enum counts counts;
};

#undef VALID_SCOPE
#undef VALID_CASES
#undef VALID_CASE
#undef VALID_CASES_END
#define VALID_SCOPE(id, told)
#define VALID_CASES(scope) static const struct kind kinds_##scope[] = {
#define VALID_CASE(text, sub, counts)                                         \
    { STR(text), SCOPE_##sub, COUNTS_##counts },
#define VALID_CASES_END                                                       \
    };
#include "wire/validate_rows.def"

static const struct {
    const struct kind *at;
    size_t n;
} kinds[SCOPE_COUNT] = {
#undef VALID_CASES
#undef VALID_CASE
#undef VALID_CASES_END
#define VALID_CASES(scope)                                                    \
    [SCOPE_##scope] = { kinds_##scope,                                        \
                        sizeof kinds_##scope / sizeof kinds_##scope[0] },
#define VALID_CASE(text, sub, counts)
#define VALID_CASES_END
#include "wire/validate_rows.def"
};

struct walk {
    const struct json *j;
    uint32_t images, max_images; /* 0 = any number */
    bool lenient;                /* only limits are faults */
    struct valid_fault fault;
};

/* What is wrong with a node; 0 where that does not matter. */
static int fault(struct walk *w, enum valid_why why, uint32_t node,
                 const struct row *row)
{
    if (w->lenient && why != VALID_LIMIT)
        return 0;
    w->fault = (struct valid_fault){ .why = why, .node = node };
    if (row) {
        w->fault.member = row->member.p;
        w->fault.types = row->types;
        w->fault.choices = row->choices;
    }
    return -ERR_INVALID_REQUEST;
}

/* ---- single values ----------------------------------------------------- */

/* 1e3 and 100.0 are whole, too, and so is what no int64 holds. */
static bool is_whole(const struct json *j, uint32_t node)
{
    struct str raw = json_raw(j, node);
    bool digits = true;
    int64_t i;
    double d;

    if (json_int(j, node, &i))
        return true;
    for (size_t k = raw.p[0] == '-'; k < raw.n; k++)
        digits &= raw.p[k] >= '0' && raw.p[k] <= '9';
    return digits || (json_double(j, node, &d) && d >= -1e15 && d <= 1e15 &&
                      d == (double)(int64_t)d);
}

/* The bits that a value answers to. */
static inline uint32_t types_of(const struct json *j, uint32_t node)
{
    static const uint8_t bits[] = {
        [JSON_T_NULL] = VALID_NULL,  [JSON_T_FALSE] = VALID_BOOL,
        [JSON_T_TRUE] = VALID_BOOL,  [JSON_T_STRING] = VALID_STR,
        [JSON_T_ARRAY] = VALID_ARR,  [JSON_T_OBJECT] = VALID_OBJ,
        [JSON_T_NUMBER] = VALID_NUM,
    };
    uint32_t type = j->nodes[node].type;

    return bits[type] |
           (type == JSON_T_NUMBER && is_whole(j, node) ? VALID_INT : 0u);
}

static inline bool text_is(const struct json *j, uint32_t node,
                           struct str want)
{
    const struct json_node *n = &j->nodes[node];
    struct str inner = { j->text + n->start + 1, n->end - n->start - 2 };
    struct json_chars have = { inner, JSON_SPELL_STRING };

    if (n->type != JSON_T_STRING)
        return false;
    if (!(n->flags & JSON_F_ESCAPED))
        return inner.n == want.n && *inner.p == *want.p &&
               memcmp(inner.p, want.p, want.n) == 0;
    return json_chars_eq(have, (struct json_chars){ want, JSON_SPELL_PLAIN });
}

static int check_choice(struct walk *w, const struct row *row, uint32_t node)
{
    struct str rest;

    if (!row->choices || w->j->nodes[node].type != JSON_T_STRING)
        return 0;
    rest = str_of(row->choices);
    while (rest.p) {
        if (text_is(w->j, node, str_split(&rest, '|')))
            return 0;
    }
    return fault(w, VALID_CHOICE, node, row);
}

/* What bounds are about: a value, bytes, elements or members. */
static double measure(const struct json *j, uint32_t node, int64_t *count)
{
    const struct json_node *n = &j->nodes[node];
    double d = 0;

    switch (n->type) {
    case JSON_T_NUMBER:
        if (!json_double(j, node, &d)) /* beyond a double is beyond all */
            d = j->text[n->start] == '-' ? -1e300 : 1e300;
        return d;
    case JSON_T_STRING:
        *count = n->end - n->start - 2;
        break;
    case JSON_T_ARRAY:
    case JSON_T_OBJECT:
        *count = json_length(j, node);
        break;
    default:
        return 0;
    }
    return (double)*count;
}

static bool has_bounds(const struct json *j, uint32_t node,
                       const struct row *row)
{
    uint8_t type = j->nodes[node].type;

    return (row->low != NO || row->high != NO) && type != JSON_T_NULL &&
           type != JSON_T_TRUE && type != JSON_T_FALSE;
}

static int check_bounds(struct walk *w, uint32_t node, const struct row *row)
{
    int64_t count = -1, bound;
    double v = measure(w->j, node, &count);
    int rc;

    if (row->low != NO && v < (double)row->low) {
        rc = fault(w, VALID_LOW, node, row);
        bound = row->low;
    } else if (row->high != NO && v > (double)row->high &&
               w->j->nodes[node].type != JSON_T_STRING) {
        rc = fault(w, VALID_HIGH, node, row);
        bound = row->high;
    } else {
        return 0;
    }
    w->fault.bound = bound;
    w->fault.count = count;
    return rc;
}

/* ---- objects ----------------------------------------------------------- */

static int check_object(struct walk *w, enum scope s, uint32_t object);

static int check_each(struct walk *w, const struct row *row, uint32_t node)
{
    const struct json *j = w->j;
    int rc = 0;

    for (uint32_t at = node + 1; at < j->nodes[node].next && !rc;
         at = j->nodes[at].next) {
        if (row->each && !(types_of(j, at) & row->each)) {
            rc = fault(w, VALID_TYPE, at, row);
            w->fault.types = row->each;
            continue;
        }
        if (row->sub && j->nodes[at].type == JSON_T_OBJECT)
            rc = check_object(w, row->sub, at);
    }
    return rc;
}

static int check_value(struct walk *w, const struct row *row, uint32_t node)
{
    const struct json *j = w->j;
    uint8_t type = j->nodes[node].type;
    int rc;

    if (!(types_of(j, node) & row->types))
        return fault(w, VALID_TYPE, node, row);
    if (has_bounds(j, node, row)) {
        rc = check_bounds(w, node, row);
        if (rc)
            return rc;
    }
    if (type == JSON_T_ARRAY || (type == JSON_T_OBJECT && row->each))
        return row->each || row->sub ? check_each(w, row, node) : 0;
    if (type == JSON_T_OBJECT && row->sub)
        return check_object(w, row->sub, node);
    return 0;
}

/* A name with escapes in it: rare, and never a way around a rule. */
static size_t row_of_escaped(const struct json *j, enum scope s,
                             uint32_t node)
{
    struct json_chars name = json_name_chars(j, node);
    size_t i = 0;

    while (i < scopes[s].n &&
           !json_chars_eq(name,
                          (struct json_chars){ scopes[s].rows[i].member,
                                               JSON_SPELL_PLAIN }))
        i++;
    return i;
}

/* A bit, the highest of its byte, for each byte of the word that is `len`. */
static inline uint64_t bytes_that_are(uint64_t word, size_t len)
{
    const uint64_t ones = UINT64_MAX / 255, low = ones * 0x7F;
    uint64_t x = le64toh(word) ^ ones * len;

    return ~(((x & low) + low) | x | low);
}

static inline bool is_row(enum scope s, size_t i, const char *name,
                          size_t len)
{
    const char *member = scopes[s].rows[i].member.p;

    return *name == *member && memcmp(name, member, len) == 0;
}

/* A scope of many rows: eight lengths at once. */
static size_t row_of_many(enum scope s, const char *name, size_t len)
{
    size_t count = scopes[s].n;

    for (size_t at = 0; at < count; at += 8) {
        uint64_t hits = bytes_that_are(scopes[s].lengths->words[at / 8], len);

        for (; hits; hits &= hits - 1) {
            size_t i = at + (size_t)__builtin_ctzll(hits) / 8;

            if (is_row(s, i, name, len))
                return i;
        }
    }
    return count;
}

/* Index of the row for a member, or the scope's count. Few rows are looked
 * at one by one: which it will be is then guessed right, mostly. */
static inline size_t row_of(const struct json *j, enum scope s, uint32_t node)
{
    const struct json_node *n = &j->nodes[node];
    const char *name = j->text + n->key + 1;
    size_t len = n->key_end - n->key - 2, count = scopes[s].n, i;

    if (n->flags & JSON_F_KEY_ESCAPED)
        return row_of_escaped(j, s, node);
    if (len - 1 >= UINT8_MAX) /* none is empty, none as long as that */
        return count;
    if (count > 8)
        return row_of_many(s, name, len);
    for (i = 0; i < count; i++) {
        if (scopes[s].lengths->each[i] == len && is_row(s, i, name, len))
            break;
    }
    return i;
}

/* The further scope that the object's type or role asks for. A closed set is
 * looked at only where no case is met: all of it are cases. */
static int check_case(struct walk *w, enum scope s, uint32_t object,
                      uint32_t by)
{
    for (size_t i = 0; i < kinds[s].n; i++) {
        const struct kind *k = &kinds[s].at[i];

        if (by == JSON_NONE ? k->text.n > 0 : !text_is(w->j, by, k->text))
            continue;
        if (k->counts == COUNTS_IMAGE && ++w->images > w->max_images &&
            w->max_images) {
            fault(w, VALID_LIMIT, object, NULL);
            w->fault.bound = w->max_images;
            w->fault.count = w->images;
            return -ERR_INVALID_REQUEST;
        }
        return check_object(w, k->sub, object);
    }
    return by == JSON_NONE ? 0 : check_choice(w, &scopes[s].rows[0], by);
}

static int check_object(struct walk *w, enum scope s, uint32_t object)
{
    const struct json *j = w->j;
    uint32_t by = JSON_NONE;
    uint64_t seen = 0;
    int rc = 0;

    for (uint32_t at = object + 1; at < j->nodes[object].next && !rc;
         at = j->nodes[at].next) {
        size_t i = row_of(j, s, at);

        if (i == scopes[s].n)
            continue;
        seen |= UINT64_C(1) << i;
        if (i == 0 && scopes[s].told && j->nodes[at].type != JSON_T_NULL)
            by = at;
        rc = check_value(w, &scopes[s].rows[i], at);
        if (!rc && at != by)
            rc = check_choice(w, &scopes[s].rows[i], at);
    }
    for (size_t i = 0; i < scopes[s].n && !rc; i++) {
        if (scopes[s].rows[i].need && !(seen & UINT64_C(1) << i))
            rc = fault(w, VALID_MISSING, object, &scopes[s].rows[i]);
    }
    if (!rc && scopes[s].told)
        rc = check_case(w, s, object, by);
    return rc;
}

static enum scope top_of(enum dialect d)
{
    switch (d) {
    case DIALECT_OPENAI_COMPLETIONS:
        return SCOPE_COMPLETIONS;
    case DIALECT_OPENAI_EMBEDDINGS:
        return SCOPE_EMBEDDINGS;
    case DIALECT_ANTHROPIC:
    case DIALECT_ANTHROPIC_COUNT:
        return SCOPE_MESSAGES;
    case DIALECT_OPENAI_CHAT:
        return SCOPE_CHAT;
    case DIALECT_RESPONSES:
        return SCOPE_RESPONSES;
    case DIALECT_GEMINI:
        return SCOPE_GEMINI;
    case DIALECT_GEMINI_COUNT:
        return SCOPE_GEMINI_COUNT;
    case DIALECT_GEMINI_EMBED:
        return SCOPE_GEMINI_EMBED;
    default:
        return SCOPE_NONE;
    }
}

int validate_body(enum dialect d, const struct json *body,
                  const struct valid_limits *limits, struct arena *a,
                  struct err *err)
{
    struct walk w = { .j = body };
    int rc = 0;

    if (body->nodes[0].type != JSON_T_OBJECT)
        return err_set(err, ERR_INVALID_REQUEST,
                       "The body must be a JSON object.");
    if (limits) {
        w.max_images = limits->images;
        w.lenient = limits->nothing_else;
        rc = valid_check_limits(d, body, limits, &w.fault);
    }
    if (!rc && top_of(d) != SCOPE_NONE && (!w.lenient || w.max_images))
        rc = check_object(&w, top_of(d), 0);
    return rc ? valid_say(d, body, &w.fault, a, err) : 0;
}
