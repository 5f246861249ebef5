// SPDX-License-Identifier: Apache-2.0
// The quantities every operation of a step is written in: B_l, P_l, M_l, T.
#pragma once

#include "moecost/model/architecture.h"
#include "moecost/ops/layout.h"

namespace moecost {

struct StepShape;
enum class Listed;

struct StepContext {
    StepContext(const Architecture& a, const Precision& p, const Layout& l, double expert_skew,
                const StepShape& s, Listed wanted);

    const Precision& precision;
    const Layout& layout;
    const StepShape& shape;
    Listed listed;
    double hidden;    // h
    double skew;      // gs
    double tp;        // tensor parallelism of attention
    double batch;     // B_l, decode sequences of one attention rank
    double prefill;   // P_l, prompt tokens of one attention rank
    double queries;   // tokens per decode sequence
    double rows;      // M_l = B_l queries + P_l, at least one
    double tokens;    // T = B queries + P, at least one
    double prompts;   // prompts in the step on one attention rank

    /// Rows of the head: decoding sequences, and prompts that finish in this step.
    [[nodiscard]] double logits() const;
};

}   // namespace moecost
