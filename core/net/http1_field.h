/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Header fields of a request: their form, and those that frame it. */
#ifndef PENSTOCK_NET_HTTP1_FIELD_H
#define PENSTOCK_NET_HTTP1_FIELD_H

#include "net/http1.h"

/** One field line, without its CRLF. HTTP1_MORE, or HTTP1_BAD. */
enum http1_rc http1_field_read(struct http1_head *h, struct str line);

/** The empty line came: what the fields say together. HTTP1_DONE or BAD. */
enum http1_rc http1_fields_end(struct http1_head *h);

/** A field that frames or routes, so that no trailer may carry it. */
bool http1_field_frames(struct str lower_name);

#endif
