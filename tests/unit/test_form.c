/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Forms: what is found in them, however they are cut, and what is refused. */
#include "wire/form.h"

#include "unit.h"

#define TYPE "multipart/form-data; boundary=b"
#define HEAD(name) "content-disposition: form-data; name=\"" name "\"\r\n"
#define FIELD(name, value) "--b\r\n" HEAD(name) "\r\n" value "\r\n"
#define FILE_PART(bytes)                                                      \
    "--b\r\nContent-Type: audio/wav\r\n"                                      \
    "Content-Disposition: form-data; name=\"file\"; filename=\"a;b\\\"\"\r\n" \
    "\r\n" bytes "\r\n"
#define END "--b--\r\n"

struct read {
    int rc;
    char model[300], stream[300];
    uint64_t at;
};

/* Fed in two parts, and each of those whole or byte by byte. */
static void read_cut(struct read *out, const char *type, struct str body,
                     size_t cut, size_t step)
{
    static struct form f;
    struct err err = { 0 };
    struct str v;

    memset(out, 0, sizeof *out);
    out->rc = form_begin(&f, str_of(type), &err);
    for (size_t i = 0; i < body.n && !out->rc;) {
        size_t end = i < cut ? cut : body.n;
        size_t n = end - i < step ? end - i : step;

        out->rc = form_feed(&f, (struct str){ body.p + i, n }, &err);
        i += n;
    }
    if (!out->rc)
        out->rc = form_end(&f, &err);
    CU_ASSERT(out->rc == 0 || (out->rc == -ERR_INVALID_REQUEST &&
                               err.code == ERR_INVALID_REQUEST && err.msg[0]));
    if (out->rc)
        return;
    v = form_value(&f, FORM_MODEL);
    snprintf(out->model, sizeof out->model, STR_FMT "%s", STR_ARG(v),
             v.p ? "" : "-");
    out->at = v.p ? f.got[FORM_MODEL].at : 0;
    v = form_value(&f, FORM_STREAM);
    snprintf(out->stream, sizeof out->stream, STR_FMT "%s", STR_ARG(v),
             v.p ? "" : "-");
}

/* The same however it is cut. */
static void read_all(struct read *out, const char *type, struct str body)
{
    struct read other;

    read_cut(out, type, body, 0, body.n + 1);
    for (size_t cut = 0; cut <= body.n; cut++) {
        read_cut(&other, type, body, cut, body.n + 1);
        CU_ASSERT(memcmp(&other, out, sizeof other) == 0);
    }
    read_cut(&other, type, body, 0, 1);
    CU_ASSERT(memcmp(&other, out, sizeof other) == 0);
}

static const struct {
    const char *type, *body, *model, *stream;
} good[] = {
    { TYPE, FIELD("model", "m") END, "m", "-" },
    { TYPE, "\r\n" FIELD("model", "m") END, "m", "-" },
    { TYPE, FILE_PART("x") FIELD("model", "m") FIELD("stream", "true") END,
      "m", "true" },
    { TYPE, FIELD("model", "") END, "", "-" },
    { TYPE, FIELD("models", "x") FIELD("model[]", "y") END, "-", "-" },
    { TYPE, FIELD("model", "a\r\n--\r\n-\r\nb\r\r\n") END,
      "a\r\n--\r\n-\r\nb\r\r\n", "-" },
    { TYPE, FILE_PART("\r\n--\r\n--c\r\n-b\r\r\n\r\n-") FIELD("model", "m")
      END "what follows, --b", "m", "-" },
    { TYPE "; charset=utf-8", FIELD("model", "m") END, "m", "-" },
    { "Multipart/Form-Data;BOUNDARY=\"b\"", FIELD("model", "m") END, "m",
      "-" },
    { TYPE, "--b\r\ncontent-disposition:form-data;name=model\r\n\r\nm\r\n" END,
      "m", "-" },
    { TYPE, "--b--", "-", "-" },
};

static void finds_fields(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct read r;

        read_all(&r, good[i].type, str_of(good[i].body));
        UNIT_INT(r.rc, 0);
        CU_ASSERT_STRING_EQUAL(r.model, good[i].model);
        CU_ASSERT_STRING_EQUAL(r.stream, good[i].stream);
        if (r.model[0] && r.model[0] != '-')
            CU_ASSERT(strncmp(good[i].body + r.at, r.model,
                              strlen(r.model)) == 0);
    }
}

static const struct {
    const char *type, *body;
} refused[] = {
    { "multipart/form-data", END },
    { "multipart/form-data; boundary=", END },
    { "multipart/form-data; boundary=b; boundary=c", END },
    { "multipart/form-data; boundary=\"b", END },
    { "multipart/form-data; boundary=\"b\" c", END },
    { "multipart/form-data; boundary=\"b\n\"", END },
    { TYPE, "" },
    { TYPE, "x" FIELD("model", "m") END },       /* words before it */
    { TYPE, "\n" FIELD("model", "m") END },
    { TYPE, FIELD("model", "m") },               /* no end */
    { TYPE, FIELD("model", "m") "--b-" },
    { TYPE, FIELD("model", "m") "--b-x" },
    { TYPE, FIELD("model", "m") "--bc" END },
    { TYPE, FIELD("model", "m") "--b \r\n" END },
    { TYPE, FIELD("model", "m") FIELD("model", "n") END },
    { TYPE, FIELD("stream", "true") FIELD("stream", "true") END },
    { TYPE, "--b\r\n" HEAD("model\"; filename=\"x") "\r\nm\r\n" END },
    { TYPE, "--b\r\n" HEAD("model\"; filename*=\"x") "\r\nm\r\n" END },
    { TYPE, "--b\r\n" HEAD("a\"; name=\"model") "\r\nm\r\n" END },
    { TYPE, "--b\r\n" HEAD("a\"; name*=\"model") "\r\nm\r\n" END },
    { TYPE, "--b\r\n" HEAD("mo\\del") "\r\nm\r\n" END },
    { TYPE, "--b\r\n" HEAD("a") HEAD("model") "\r\nm\r\n" END },
    { TYPE, "--b\r\n" HEAD("model") "content-transfer-encoding: base64\r\n"
      "\r\nm\r\n" END },
    { TYPE, "--b\r\ncontent-disposition: form-data;\r\n name=\"model\"\r\n"
      "\r\nm\r\n" END },                          /* a folded line */
    { TYPE, "--b\r\ncontent-disposition: form-data; name=\"model\"\n\r\n\r\n"
      "m\r\n" END },
    { TYPE, "--b\r\ncontent-disposition: attachment; name=\"model\"\r\n\r\n"
      "m\r\n" END },
    { TYPE, "--b\r\ncontent-disposition: form-data; filename=\"x\"\r\n\r\n"
      "m\r\n" END },
    { TYPE, "--b\r\n\r\nm\r\n" END },             /* no name */
    { TYPE, "--b\r\nno colon\r\n\r\nm\r\n" END },
};

static void refuses_what_is_not_plain(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct read r;

        read_all(&r, refused[i].type, str_of(refused[i].body));
        if (r.rc == 0)
            printf("taken: %s\n", refused[i].body);
        UNIT_INT(r.rc, -ERR_INVALID_REQUEST);
    }
}

/* A part repeated: `n` bytes of 'x' between what stands around them. */
static int long_rc(const char *before, size_t n, const char *after)
{
    char *text = malloc(strlen(before) + n + strlen(after) + 1);
    struct read r;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    strcpy(text, before);
    memset(text + strlen(before), 'x', n);
    strcpy(text + strlen(before) + n, after);
    read_cut(&r, TYPE, str_of(text), 0, 1000);
    free(text);
    return r.rc;
}

static int parts_rc(size_t n)
{
    static const char part[] = FIELD("a", "");
    size_t len = sizeof part - 1;
    char *text = malloc(n * len + sizeof END);
    struct read r;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, part, len);
    strcpy(text + n * len, END);
    read_cut(&r, TYPE, str_of(text), 0, 1000);
    free(text);
    return r.rc;
}

static void keeps_its_bounds(void)
{
    static const char model[] = "--b\r\n" HEAD("model") "\r\n";
    static const char head[] = "--b\r\n" HEAD("a") "x-long: ";
    size_t room = FORM_HEAD_MAX - strlen(HEAD("a") "x-long: \r\n\r\n");

    UNIT_INT(long_rc(model, FORM_VALUE_MAX, "\r\n" END), 0);
    UNIT_INT(long_rc(model, FORM_VALUE_MAX + 1, "\r\n" END),
             -ERR_INVALID_REQUEST);
    UNIT_INT(long_rc(head, room, "\r\n\r\n\r\n" END), 0);
    UNIT_INT(long_rc(head, room + 1, "\r\n\r\n\r\n" END),
             -ERR_INVALID_REQUEST);
    UNIT_INT(long_rc("--b\r\n" HEAD("file") "\r\n", 3u << 20, "\r\n" END), 0);
    UNIT_INT(parts_rc(FORM_PARTS_MAX), 0);
    UNIT_INT(parts_rc(FORM_PARTS_MAX + 1), -ERR_INVALID_REQUEST);
}

UNIT_MAIN("form", { "finds fields", finds_fields },
          { "refuses what is not plain", refuses_what_is_not_plain },
          { "keeps its bounds", keeps_its_bounds })
