/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the dialects' watchers have in common: looks at single members. */
#ifndef PENSTOCK_WIRE_WATCH_H
#define PENSTOCK_WIRE_WATCH_H

#include "base/json.h"
#include "wire/usage.h"

/** A non-negative integer member; -1 where it is missing or none. `object`
 * may be JSON_NONE or no object. */
int64_t watch_number(const struct json *j, uint32_t object, const char *name);

/** The sum of what each element of a list counts at names parted by '.'; -1
 * where one counts nothing, the sum is absurd, or it is no list. */
int64_t watch_sum(const struct json *j, uint32_t list, const char *names);

/** A member's text, or its raw JSON where it is no string; p is NULL where it
 * is empty or missing. */
struct str watch_text(const struct json *j, uint32_t object, const char *name,
                      struct arena *a);

/** True when a member is a string of exactly this text, without escapes. */
bool watch_is(const struct json *j, uint32_t object, const char *name,
              const char *text);

/** The member service_tier as an enum usage_tier: what is not one of its
 * names, or missing, is the standard. */
uint32_t watch_tier(const struct json *j, uint32_t object);

/**
 * The object behind the last `"name":` in a text that begins anywhere, found
 * and scanned into *j. False where there is none that is whole.
 */
bool watch_last_object(struct str tail, const char *name, struct json *j);

#endif
