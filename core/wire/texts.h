/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The texts of an answer: where they stand in an event or in a whole body,
 * which block each belongs to, and how a dialect says a piece of text, or the
 * end of an answer, that the gateway made. What runs over them (policies'
 * output phase) knows no dialect.
 *
 * A block is a run of text that a client joins: OpenAI's content of choice 0,
 * the arguments of its second tool call; Anthropic's content block 3. It is
 * named by {choice, kind, block, part}. `part` is the dialect's own number for
 * the member that the text stands in (content and refusal are two blocks of
 * one choice), so that a text is said again in the member that it came in.
 *
 * OpenAI: `choice` is the choice's index, `block` that of the tool call (else
 * the choice's once more); a choice begins with its events and ends with its
 * finish_reason, all blocks at once (WIRE_ALL); a tool call begins with its
 * name. A dialect of content
 * blocks (Anthropic): `choice` is 0, `block` the index; content_block_start
 * is a BEGIN of that block (and a TEXT where it has some already), its deltas
 * are TEXTs, content_block_stop is an END; a body's tool input, an object, is
 * a TEXT with `raw`.
 *
 * Google: as OpenAI, a candidate is a choice; a call comes whole, its `block`
 * is its number in the event (gemini_text.c).
 *
 * All functions are pure; the callers own what they fill.
 */
#ifndef PENSTOCK_WIRE_TEXTS_H
#define PENSTOCK_WIRE_TEXTS_H

#include "wire/dialect.h"

enum wire_item_type {
    WIRE_ITEM_TEXT,  /* a string at `node`: more of its block */
    WIRE_ITEM_ECHO,  /* a value at `node` that repeats text (logprobs) */
    WIRE_ITEM_BEGIN, /* the block is there, though it may have no text yet */
    WIRE_ITEM_END,   /* nothing more of the block will come */
};

#define WIRE_ALL UINT32_MAX /* BEGIN, END: of all blocks of the choice */

struct wire_item {
    uint8_t type, kind; /* enum wire_item_type, wire_kind */
    uint8_t part;
    bool raw;       /* the value's own JSON is the text (it is no string) */
    bool again;     /* what was said in pieces before, once more */
    uint32_t choice, block;
    uint32_t node;  /* in the index that was searched; TEXT and ECHO */
};

/** What was found, in the order of the text; zeroed before the first use. */
struct wire_texts {
    struct wire_item *items; /* malloc'd, reused by the next search */
    uint32_t n, cap;
    bool bare;      /* empty its texts, and a client misses nothing of it */
    bool content;   /* besides these texts it has some: a tool's name, media */
    uint64_t roles; /* bit i: the role of choice i is said; bare all the same */
};

/** One block, for those who make events. */
struct wire_block {
    uint8_t kind, part;
    uint32_t choice, block;
};

struct sse_event;
struct wire_kept; /* what a client has got of a stream; its dialect's own */

/** The end of an answer that the gateway brings about. */
struct wire_stop {
    enum wire_finish finish;
    struct str like;   /* JSON of an event of this stream: its envelope */
    const struct wire_block *open; /* begun and not ended; WIRE_ALL as above */
    size_t n_open;
    const struct usage *usage; /* as far as it is known */
    bool usage_asked; /* the client wants it where none comes by itself */
    struct str head;  /* JSON of the first event, if the dialect asks for it */
    struct wire_kept *kept; /* where the dialect keeps; or NULL. Used up */
};

/** A value to stand where another stood. */
struct wire_splice {
    uint32_t start, end; /* bytes of the text */
    struct str with;
};

struct wire_text_ops {
    /**
     * Find the texts of an event (`name` is its SSE name) or of a whole body.
     * Never more than one ITEM_TEXT of `raw` for a block.
     *
     *   names    in   arena for names that are spelled with escapes
     *
     * Errors: LIMIT (more than WIRE_ITEMS_MAX), NOMEM
     * Cost:   one walk over the members that may hold text
     */
    int (*find)(enum dialect d, struct str name, const struct json *j,
                struct arena *names, struct wire_texts *out);
    /**
     * Append whole SSE events that say `text`, more of a block under way, and
     * nothing else. `like` as in struct wire_stop.
     */
    int (*carry)(enum dialect d, const struct wire_block *b, struct str text,
                 struct str like, struct buf *out);
    /** Append the SSE events that end a stream for that reason. */
    int (*stop_stream)(enum dialect d, const struct wire_stop *stop,
                       struct buf *out);
    /**
     * A whole answer that ends for that reason: the scanned body without the
     * texts of `choice` and those behind it. Texts before it stay.
     */
    int (*stop_body)(enum dialect d, const struct json *body,
                     struct arena *names, uint32_t choice,
                     enum wire_finish finish, struct buf *out);
    /**
     * All of them NULL but where a stream's last event repeats what came
     * before (Responses). `keep` takes whole events for the client and
     * appends them to `out` as they are to leave.
     *
     * Errors: NOMEM, LIMIT (out's)
     * Cost:   an index of each event; the answer's text
     */
    struct wire_kept *(*kept_new)(struct arena *names);
    int (*keep)(struct wire_kept *k, struct str events, struct buf *out);
    /** The number that the next event may have. */
    uint32_t (*kept_next)(const struct wire_kept *k);
    void (*kept_free)(struct wire_kept *k);
    bool each; /* `like` is the block's last event (none for a stop), and the
                * first one of the stream is `head` */
};

enum { WIRE_ITEMS_MAX = 65536 };

/** NULL for a dialect whose answers hold no text (embeddings, models). */
const struct wire_text_ops *wire_text_ops(enum dialect d);

void wire_texts_clear(struct wire_texts *t);

/** Append an item; -ERR_LIMIT or -ERR_NOMEM. */
int wire_texts_add(struct wire_texts *t, struct wire_item item);

/** null, "", [] and {}: a value that says nothing; JSON_NONE too. */
bool wire_is_empty(const struct json *j, uint32_t node);

/** A member of an object, or JSON_NONE (also where there is no object). */
uint32_t wire_member(const struct json *j, uint32_t object, const char *name);

/**
 * Append the characters of a JSON string (`raw` with its quotes, well-formed).
 * `*high` is the first half of a surrogate pair that an earlier string of the
 * same block ended with (0: none): it is joined with a second half that comes
 * first here, else it is U+FFFD; one that stands last here goes into it.
 */
int wire_put_chars(struct buf *out, struct str raw, uint16_t *high);

/** What *high still holds, as U+FFFD: no more will come. */
int wire_put_half(struct buf *out, uint16_t *high);

/** Append `text` with splices, in ascending order, not overlapping. */
int wire_put_spliced(struct buf *out, struct str text,
                     const struct wire_splice *splices, size_t n);

/** Append an event with splices in its data, all around it as it is. */
int wire_put_edited(struct buf *out, const struct sse_event *ev,
                    const struct wire_splice *splices, size_t n);

/** Append one SSE event; JSON whose lines are data lines. `name` may be "". */
int wire_put_event(struct buf *out, struct str name, struct str json);

#endif
