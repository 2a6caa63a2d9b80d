/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How it all is, from targets up: a provider by its targets and credentials, a
 * model by its targets, the gateway by its models (where provider/model names
 * are open, by its providers). Each says ok, degraded or down, and why.
 */
#ifndef PENSTOCK_KEEPER_HEALTH_REPORT_H
#define PENSTOCK_KEEPER_HEALTH_REPORT_H

#include "engine/config.h"
#include "engine/health.h"

#include <jansson.h>

/**
 * {"status", "reasons", "models": [...], "providers": [...], "targets": [...]}
 *
 *   *down    out  nothing can be served
 *   returns       a new reference; NULL: memory
 *
 * Cost: O(cells x models); when somebody asks.
 */
json_t *health_report(const struct config *c, const struct health *h,
                      uint64_t now_ms, bool *down);

/** Can no target of a model be used; nothing of a provider? A model that
 * `was` down is so until a target has served: that one request may try it
 * says nothing yet. O(cells). */
bool health_model_is_down(const struct health *h, const struct conf_model *m,
                          bool was, uint64_t now_ms);
bool health_provider_is_down(const struct health *h, struct str name,
                             uint64_t now_ms);

#endif
