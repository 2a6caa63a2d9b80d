/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a target takes beyond its dialect: the model's own rules, and the
 * vendor's. The tables in codec_target.c know the models of OpenAI and
 * Anthropic by the start of their names; a catalogue may say otherwise.
 *
 * Source: platform.claude.com and platform.openai.com model pages, SDK types
 * (read 2026-11-23).
 */
#ifndef PENSTOCK_WIRE_CODEC_TARGET_H
#define PENSTOCK_WIRE_CODEC_TARGET_H

#include "wire/endpoint.h"

enum codec_can {
    CAN_SAMPLE = 1 << 0,        /* temperature, top_p, top_k, penalties */
    CAN_TOP_P_WITH_TEMPERATURE = 1 << 1,
    CAN_TOP_K = 1 << 2,
    CAN_STOP = 1 << 3,
    CAN_REASON = 1 << 4,        /* reasoning may be asked for at all */
    CAN_THINK_ADAPTIVE = 1 << 5,
    CAN_THINK_BUDGET = 1 << 6,
    CAN_THINK_OFF = 1 << 7,     /* "disabled", effort "none" */
    CAN_EFFORT = 1 << 8,
    CAN_XHIGH = 1 << 9,
    CAN_FORCE_TOOL = 1 << 10,
    CAN_PREFILL = 1 << 11,
    CAN_SYSTEM_INSIDE = 1 << 12,
    CAN_SCHEMA = 1 << 13,       /* answers held to a JSON schema */
    CAN_JSON = 1 << 14,         /* answers in any JSON */
    CAN_CACHE_CONTROL = 1 << 15,    /* marks as Anthropic spells them */
    CAN_CACHE_BREAKPOINT = 1 << 16, /* as OpenAI does */
    CAN_STREAM_OPTIONS = 1 << 17,
    CAN_DEVELOPER = 1 << 18,    /* the role */
    CAN_PARTS = 1 << 19,        /* content as an array, not only a string */
    CAN_USER = 1 << 20,
    CAN_PARALLEL = 1 << 21,     /* parallel_tool_calls */
    CAN_STRICT = 1 << 22,
    CAN_MAX_COMPLETION = 1 << 23, /* max_completion_tokens, not max_tokens */
    CAN_N = 1 << 24,
    CAN_LOGPROBS = 1 << 25,
    CAN_CUSTOM_TOOLS = 1 << 26,
    CAN_THINK_BETWEEN = 1 << 27, /* "between_tools" is its lowest setting */
    CAN_OLD_EFFORT_ONLY = 1 << 28, /* low, medium, high */
    CAN_DISPLAY = 1 << 29,      /* thinking.display; omitted unless asked */
    CAN_ALLOWED_TOOLS = 1 << 30, /* tool_choice of some tools (OpenAI) */
};

/** How an OpenAI-compatible vendor takes reasoning back. */
enum codec_reasoning_in {
    REASONING_IN_NONE,
    REASONING_IN_CONTENT,  /* reasoning_content */
    REASONING_IN_PLAIN,    /* reasoning */
    REASONING_IN_DETAILS,  /* reasoning_details, signatures and all */
    REASONING_IN_BLOCKS,   /* thinking_blocks */
    REASONING_IN_TAGS,     /* <think>...</think> before the content */
    REASONING_IN_PARTS,    /* Mistral: content parts of type "thinking" */
};

enum codec_ids {
    IDS_ANY,
    IDS_40,    /* OpenAI: at most 40 characters */
    IDS_9,     /* Mistral: nine letters and digits */
};

struct codec_target {
    struct str model;        /* as upstream calls it */
    uint32_t can;            /* enum codec_can */
    int64_t max_output;      /* tokens; 0 = not known */
    int64_t default_output;  /* where the client says none; 0 = max_output */
    enum codec_reasoning_in reasoning_in;
    enum codec_ids ids;
    uint32_t max_stops;      /* 0 = any number */
    bool strip_thinking;     /* another model or account wrote it */
    bool strict;             /* refuses what it does not know, of clients of
                              * its own dialect too (codec_mistral.c) */
    const char *const *passes; /* members of other dialects' clients that it
                                * takes all the same; NULL ends; or NULL */
};

/**
 * What is known of a model: by the longest row that its name starts with
 * (behind a vendor's prefix such as "anthropic/"), else the dialect's newest.
 */
struct codec_target codec_target_of(enum dialect d, struct str model);

/** The same by its name in a configuration, "none", "reasoning_content" ...;
 * `otherwise` where there is no such name. */
enum codec_reasoning_in
codec_reasoning_named(struct str name, enum codec_reasoning_in otherwise);

#endif
