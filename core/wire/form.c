/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The reader is one state per kind of byte. Content is searched for CR LF
 * "--" boundary with a table of where a broken match goes on (Knuth, Morris
 * and Pratt), so that no byte is looked at twice and a mark may be cut
 * anywhere.
 */
#include "wire/form.h"

enum state {
    AT_START,   /* before the first mark: nothing may stand there */
    AT_MARK,    /* behind a mark: CR of a part, '-' of the end */
    AT_PART_LF,
    AT_END_DASH,
    AT_HEAD,    /* fields of a part, up to the empty line */
    AT_CONTENT,
    AT_OVER,    /* what follows is nobody's */
};

static const char *const names[FORM_FIELDS] = { "model", "stream" };

static int bad(struct err *err, const char *why)
{
    return err_set(err, ERR_INVALID_REQUEST,
                   "The multipart/form-data body could not be read: %s.", why);
}

/* A parameter of a field: `name="a \"b\""` or name=token. *rest stands behind
 * the field's first ';' and is moved behind the parameter. False: no more, or
 * *broken. */
static bool next_param(struct str *rest, struct str *name, struct str *value,
                       bool *broken)
{
    struct str s = str_trim(*rest);
    size_t i = 0;

    *name = *value = STR_NULL;
    if (!s.n)
        return false;
    while (i < s.n && s.p[i] != '=' && s.p[i] != ';')
        i++;
    *broken = i == s.n || s.p[i] != '=';
    if (*broken)
        return false;
    *name = str_trim((struct str){ s.p, i });
    s = str_trim((struct str){ s.p + i + 1, s.n - i - 1 });
    i = 0;
    if (s.n && s.p[0] == '"') {
        for (i = 1; i < s.n && s.p[i] != '"'; i++) {
            if (s.p[i] == '\\')
                i++;
        }
        *broken = i >= s.n;
        if (*broken)
            return false;
        *value = (struct str){ s.p + 1, i - 1 };
        s = str_trim((struct str){ s.p + i + 1, s.n - i - 1 });
        *broken = s.n && s.p[0] != ';';
    } else {
        while (i < s.n && s.p[i] != ';')
            i++;
        *value = str_trim((struct str){ s.p, i });
        s = (struct str){ s.p + i, s.n - i };
    }
    *rest = s.n ? (struct str){ s.p + 1, s.n - 1 } : STR_NULL;
    return !*broken;
}

static bool is_boundary(struct str s)
{
    if (s.n == 0 || s.n > FORM_BOUNDARY_MAX || s.p[s.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && !memchr("'()+_,-./:=? ", c, 13))
            return false;
    }
    return true;
}

/* How far a match reaches back into itself at each of its bytes. */
static void make_back(struct form *f)
{
    size_t k = 0;

    f->back[0] = 0;
    for (size_t i = 1; i < f->mark_n; i++) {
        while (k && f->mark[i] != f->mark[k])
            k = f->back[k - 1];
        if (f->mark[i] == f->mark[k])
            k++;
        f->back[i] = (uint8_t)k;
    }
}

int form_begin(struct form *f, struct str content_type, struct err *err)
{
    struct str name, value, boundary = STR_NULL, rest = content_type;
    bool broken = false;

    memset(f, 0, sizeof *f);
    f->field = FORM_FIELDS;
    str_split(&rest, ';');
    while (next_param(&rest, &name, &value, &broken)) {
        if (!str_ieq(name, STR("boundary")))
            continue;
        if (boundary.p)
            return bad(err, "its Content-Type names two boundaries");
        boundary = value;
    }
    if (broken || !is_boundary(boundary))
        return bad(err, "its Content-Type names no valid boundary");
    memcpy(f->mark, "\r\n--", 4);
    memcpy(f->mark + 4, boundary.p, boundary.n);
    f->mark_n = boundary.n + 4;
    make_back(f);
    f->matched = 2; /* the first mark needs no line before it */
    return 0;
}

/* What a field's name and file name say of the part. */
static int read_disposition(struct form *f, struct str line, struct err *err)
{
    struct str name, value, field = STR_NULL;
    bool broken = false, file = false;
    struct str kind = str_split(&line, ';');

    if (!str_ieq(str_trim(kind), STR("form-data")))
        return bad(err, "a part is no form-data");
    while (next_param(&line, &name, &value, &broken)) {
        if (str_ieq(name, STR("filename")) || str_ieq(name, STR("filename*")))
            file = true;
        else if (str_ieq(name, STR("name*")) ||
                 (str_ieq(name, STR("name")) && field.p))
            return bad(err, "a part has a name that is not plain");
        else if (str_ieq(name, STR("name")))
            field = value;
    }
    if (broken || !field.p)
        return bad(err, "a part has no name");
    if (memchr(field.p, '\\', field.n)) /* some undo it, some do not */
        return bad(err, "a part has a name that is not plain");
    for (size_t i = 0; i < FORM_FIELDS; i++) {
        if (!str_is(field, names[i]))
            continue;
        if (file)
            return bad(err, "'model' and 'stream' are fields, not files");
        if (f->got[i].there)
            return bad(err, "'model' or 'stream' is there twice");
        f->field = (enum form_field)i;
        f->got[i].there = true;
        f->got[i].at = f->at;
    }
    return 0;
}

/* The part's head is whole; it ends with an empty line. */
static int read_head(struct form *f, struct err *err)
{
    struct str head = { f->head, f->head_n - 2 };
    bool named = false, coded = false;

    f->field = FORM_FIELDS;
    while (head.n) {
        ptrdiff_t end = str_find(head, STR("\r\n"));
        struct str line = { head.p, (size_t)end }, name;

        head.p += end + 2;
        head.n -= (size_t)end + 2;
        if (memchr(line.p, ':', line.n) == NULL || line.p[0] == ' ' ||
            line.p[0] == '\t' || memchr(line.p, '\n', line.n) ||
            memchr(line.p, '\r', line.n) || memchr(line.p, '\0', line.n))
            return bad(err, "a part's head is broken");
        name = str_split(&line, ':');
        coded |= str_ieq(name, STR("content-transfer-encoding"));
        if (!str_ieq(name, STR("content-disposition")))
            continue;
        if (named)
            return bad(err, "a part has two names");
        named = true;
        if (read_disposition(f, line, err))
            return -ERR_INVALID_REQUEST;
    }
    if (!named)
        return bad(err, "a part has no name");
    return coded && f->field != FORM_FIELDS
               ? bad(err, "'model' and 'stream' are sent without an encoding")
               : 0;
}

static int take_head(struct form *f, char c, struct err *err)
{
    if (f->head_n == FORM_HEAD_MAX)
        return bad(err, "a part's head is too large");
    f->head[f->head_n++] = c;
    if (c != '\n')
        return 0;
    if (f->head_n < 2 || f->head[f->head_n - 2] != '\r')
        return bad(err, "a part's head is broken");
    if (f->head_n != 2 && (f->head_n < 4 || f->head[f->head_n - 3] != '\n'))
        return 0;
    f->state = AT_CONTENT;
    f->matched = 0;
    return read_head(f, err);
}

static int keep(struct form *f, const char *p, size_t n, struct err *err)
{
    struct form_value *v;

    if (f->field == FORM_FIELDS || n == 0)
        return 0;
    v = &f->got[f->field];
    if (n > sizeof v->text - v->n)
        return bad(err, "'model' or 'stream' is too long");
    memcpy(v->text + v->n, p, n);
    v->n += n;
    return 0;
}

/* One byte of content, while a mark may have begun. */
static int take_content(struct form *f, char c, struct err *err)
{
    while (f->matched && c != f->mark[f->matched]) {
        size_t before = f->matched;

        f->matched = f->back[before - 1];
        if (keep(f, f->mark, before - f->matched, err))
            return -ERR_INVALID_REQUEST;
    }
    if (c != f->mark[f->matched])
        return keep(f, &c, 1, err);
    if (++f->matched == f->mark_n) {
        f->state = AT_MARK;
        f->field = FORM_FIELDS;
    }
    return 0;
}

static int take_start(struct form *f, char c, struct err *err)
{
    if (f->at == 1 && c == '\r')
        f->matched = 0; /* an empty line before it */
    if (c != f->mark[f->matched])
        return bad(err, "it does not begin with its boundary");
    if (++f->matched == f->mark_n)
        f->state = AT_MARK;
    return 0;
}

static int take_mark(struct form *f, char c, struct err *err)
{
    switch (f->state) {
    case AT_MARK:
        f->state = c == '-' ? AT_END_DASH : AT_PART_LF;
        return c == '-' || c == '\r' ? 0 : bad(err, "a boundary is broken");
    case AT_END_DASH:
        f->state = AT_OVER;
        return c == '-' ? 0 : bad(err, "a boundary is broken");
    default:
        break;
    }
    f->state = AT_HEAD;
    f->head_n = 0;
    if (++f->parts > FORM_PARTS_MAX)
        return bad(err, "it has too many parts");
    return c == '\n' ? 0 : bad(err, "a boundary is broken");
}

static int take(struct form *f, char c, struct err *err)
{
    f->at++;
    switch (f->state) {
    case AT_START:
        return take_start(f, c, err);
    case AT_HEAD:
        return take_head(f, c, err);
    case AT_CONTENT:
        return take_content(f, c, err);
    default:
        return take_mark(f, c, err);
    }
}

/* Content up to where a mark may begin, all at once. */
static int skip(struct form *f, struct str *s, struct err *err)
{
    const char *end = memchr(s->p, '\r', s->n);
    size_t n = end ? (size_t)(end - s->p) : s->n;
    int rc = keep(f, s->p, n, err);

    s->p += n;
    s->n -= n;
    f->at += n;
    return rc;
}

int form_feed(struct form *f, struct str bytes, struct err *err)
{
    int rc = 0;

    while (bytes.n && rc == 0 && f->state != AT_OVER) {
        if (f->state == AT_CONTENT && f->matched == 0) {
            rc = skip(f, &bytes, err);
            if (rc || !bytes.n)
                break;
        }
        rc = take(f, bytes.p[0], err);
        bytes.p++;
        bytes.n--;
    }
    return rc;
}

int form_end(const struct form *f, struct err *err)
{
    return f->state == AT_OVER ? 0 : bad(err, "its last boundary is missing");
}

struct str form_value(const struct form *f, enum form_field field)
{
    const struct form_value *v = &f->got[field];

    return v->there ? (struct str){ v->text, v->n } : STR_NULL;
}
