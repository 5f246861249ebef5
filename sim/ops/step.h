// SPDX-License-Identifier: Apache-2.0
// The operations of one forward step on the busiest GPU of an instance.
#pragma once

#include <vector>

#include "moecost/model/architecture.h"
#include "moecost/ops/layout.h"
#include "moecost/ops/operation.h"
#include "moecost/ops/step_shape.h"

namespace moecost {

/// Which operations of a step are wanted: all; those whose shapes grow with the rows, tokens or logits of the step and
/// depend on nothing else (GEMMs, experts, collectives, small kernels); or the rest, the cores of mixers, which see
/// contexts.
enum class Listed { all, scaling, cores };

/// Replaces `operations` by those of the step. With pipeline stages the shape is that of one micro-batch and every
/// layer is listed: the time of the list is the time a token needs through all stages.
/// With drafted tokens (queries > 1) the cache is read once per sequence and the multi-token-prediction module of the
/// model, where it has one, runs once per draft; other drafters cost nothing here.
/// `skew` is the Gamma shape of expert popularity (0: uniform); models with few experts are routed uniformly.
void list_operations(const Architecture& architecture, const Precision& precision, const Layout& layout,
                     double skew, const StepShape& shape, OperationList& operations,
                     Listed listed = Listed::all);

/// What a decode step of `decode_sequences` does to draft, as one pass of the multi-token-prediction module sees it: the
/// drafted sequences, one query each.
[[nodiscard]] StepShape draft_shape(StepShape shape);
/// Whether a step drafts by the model's own module.
[[nodiscard]] bool drafts_itself(const Architecture& architecture, const StepShape& shape);
/// Adds the operations of `drafts` such passes, of the shape that draft_shape() gives.
void list_drafts(const Architecture& architecture, const Precision& precision, const Layout& layout,
                 double skew, const StepShape& shape, double drafts, OperationList& operations,
                 Listed listed = Listed::all);

}   // namespace moecost
