// SPDX-License-Identifier: Apache-2.0
// The operations of one forward step on the busiest GPU of an instance.
#pragma once

#include <vector>

#include "moecost/model/architecture.h"
#include "moecost/ops/layout.h"
#include "moecost/ops/operation.h"

namespace moecost {

/// What one step processes, of the whole instance. A mixed step is one step on the union of its tokens.
struct StepShape {
    double decode_sequences = 0;   // B
    double decode_context = 0;     // mean tokens a decoding sequence attends, the new one included
    double queries = 1;            // tokens each of them processes: 1, or 1 + drafted tokens to verify
    double prefill_tokens = 0;     // P
    double prompt = 1;             // mean new tokens of the prompts these belong to
    double prior = 0;              // tokens cached before a prompt (prefix cache)
    double passes = 1;             // chunks a prompt is cut into
    double prompt_ranks = 0;       // attention ranks the prompt tokens lie on, evenly; 0: all of them
};

/// Replaces `operations` by those of the step. With pipeline stages the shape is that of one micro-batch and every
/// layer is listed: the time of the list is the time a token needs through all stages.
/// With drafted tokens (queries > 1) the cache is read once per sequence and the multi-token-prediction module of the
/// model, where it has one, runs once per draft; other drafters cost nothing here.
/// `skew` is the Gamma shape of expert popularity (0: uniform); models with few experts are routed uniformly.
void list_operations(const Architecture& architecture, const Precision& precision, const Layout& layout,
                     double skew, const StepShape& shape, OperationList& operations);

}   // namespace moecost
