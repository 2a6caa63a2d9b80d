/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a failed attempt means. One row of fault.def per class says what may
 * be tried next, whom it counts against and what the client is told; the
 * class comes from the transport, else from the status, the provider's code
 * (the configuration's `quirks.errors`) and the plugin, in that order.
 *
 *   attempt_classify(host, quirks, wall_ms, &f);     // answer at hand
 *   fault_from_http(&f, result->fail);               // no answer
 *   info = fault_info(f.cls);
 *
 * The scope says what is out for the rest of the request: that credential,
 * that target, or every target of that provider.
 * Source: docs/design/plugins.md, "Faults".
 */
#ifndef PENSTOCK_ENGINE_FAULT_H
#define PENSTOCK_ENGINE_FAULT_H

#include "net/http_client.h"
#include "net/http_header.h"

#include <penstock/plugin.h>

struct attempt_host;
struct conf_quirks;

/** Whom a fault counts against, and how. */
enum fault_blame {
    BLAME_NOBODY,   /* the caller's fault, or nobody's */
    BLAME_BREAKER,  /* a hard failure of the target */
    BLAME_COOLDOWN, /* the scope rests for retry_after */
    BLAME_PARK      /* the credential rests until it is mended */
};

struct fault_info {
    const char *name;      /* as in metrics, logs, quirks.errors */
    uint16_t scope;        /* where the class alone decides */
    uint8_t blame;         /* enum fault_blame */
    bool other_credential; /* the same target with another one may do */
    bool other_target;     /* another target may do */
    bool same_target;      /* the same again may do, after a pause */
    bool callers;          /* native path: the provider's own answer passes */
    int err;               /* enum err_code, what the client is told else */
};

/** The row of a class; PS_FAULT_UNKNOWN's for numbers that are none. */
const struct fault_info *fault_info(int cls);

const char *fault_class_name(int cls);
/** Class by name, or -1. */
int fault_class_by_name(struct str name);
const char *fault_scope_name(int scope);

/**
 * Is it the caller's fault, so that the provider's answer is passed through?
 * With the client's own credential upstream (`keys = "client"`), what is
 * wrong with it is the client's too.
 */
bool fault_is_callers(const ps_fault *f, bool keys_from_client);

/** No fault yet. */
void fault_init(ps_fault *f);
/** Class and its own scope. */
void fault_set(ps_fault *f, int cls);
/** By the answer's status; 2xx gives PS_FAULT_NONE. */
void fault_from_status(ps_fault *f, int status);
/** By how a call ended without (the rest of) an answer. */
void fault_from_http(ps_fault *f, enum http_fail fail);

/** The longest pause that a provider's header is believed. */
#define FAULT_MAX_WAIT_MS 3600000u

/**
 * How long the provider asks us to wait: retry-after-ms, else retry-after
 * (seconds, or an HTTP date). 0 = not said; nonsense is not said; capped.
 */
uint64_t fault_retry_after(const struct http_header *h, size_t n,
                           uint64_t wall_ms);

/**
 * The verdict on an answer that is an error: an error status, or an error
 * object inside a 200 (whole or as a stream event). The JSON must have been
 * handed over with attempt_host_answer, the status in host->pub.status.
 *
 * A code listed in quirks.errors decides and the plugin is not asked; else
 * its classify gets the last word.
 *
 *   q        in   the provider's; may be NULL
 *   f        out  strings live as long as the answer and the arena
 */
void attempt_classify(struct attempt_host *host, const struct conf_quirks *q,
                      uint64_t wall_ms, ps_fault *f);

#endif
