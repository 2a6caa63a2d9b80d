/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What rests after a try, by the fault's blame and scope: a credential, the
 * target, or all targets of the provider. Rests lie in cells that all workers
 * share, so what one was told holds for all.
 *
 * Source: docs/design/reliability.md, "Rests"
 */
#ifndef PENSTOCK_FLOW_RESTING_H
#define PENSTOCK_FLOW_RESTING_H

#include "engine/fault.h"
#include "flow/request.h"

/** A pause that is waited for where it is, instead of resting. */
#define RESTING_SHORT_MS 1000

/** What rests after a fault. */
enum resting {
    RESTING_NOBODY,
    RESTING_CREDENTIAL, /* that one; 5 s and more where no pause is told */
    RESTING_TARGET,     /* as long as was told */
    RESTING_PROVIDER,   /* all its targets of this model, as long */
    RESTING_PARK,       /* the credential, until it is mended */
};

/**
 * The decision alone, without a request.
 *
 *   one_of_many   in   the credential is one of several of ours
 *   ours          in   it is not the client's
 */
enum resting resting_decide(const ps_fault *f, bool one_of_many, bool ours);

/** The try under way failed; logs a credential that is parked by it. */
void resting_after(struct request *r);
/** It served: what rests begin with is set back. */
void resting_served(struct request *r);

#endif
