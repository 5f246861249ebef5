// SPDX-License-Identifier: Apache-2.0
// Operations of the feed-forward layers: dense, router, routed and shared experts.
#pragma once

#include <vector>

#include "moecost/model/architecture.h"
#include "moecost/ops/operation.h"
#include "moecost/ops/routing.h"
#include "moecost/ops/step_context.h"

namespace moecost {

/// How the tokens of a step meet the experts of such a layer.
[[nodiscard]] Routing routing_of(const MoeFfn& moe, const Layout& layout, double skew);
/// Sets what the tokens of a step make of the routed experts.
void set_load(ExpertFfn& experts, const RankLoad& load, double tokens, bool all_to_all);

void add_ffn(const StepContext& context, const Ffn& ffn, double layers, OperationList& operations);

}   // namespace moecost
