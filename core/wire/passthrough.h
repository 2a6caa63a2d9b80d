/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Endpoints that nobody translates: images, audio, moderations, rerank, files
 * and what hangs on them. Of a request the model is read, of an answer the
 * usage; all else passes byte for byte. Errors are told as OpenAI tells them,
 * or as Anthropic where the path is of its batches and files.
 */
#ifndef PENSTOCK_WIRE_PASSTHROUGH_H
#define PENSTOCK_WIRE_PASSTHROUGH_H

#include "wire/dialect.h"

/** In `read`, a model that is not given is empty, and no error. */
extern const struct dialect_ops passthrough_dialect, anthropic_paths_dialect;

/**
 * What of a client's path is put behind a provider's base URL: what follows
 * its version, from the slash on. False where a server could read it as
 * another path: dots, empty segments, an escaped slash or dot. Borrows.
 */
bool passthrough_below(struct str path, struct str *below);

#endif
