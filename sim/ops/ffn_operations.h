// SPDX-License-Identifier: Apache-2.0
// Operations of the feed-forward layers: dense, router, routed and shared experts.
#pragma once

#include <vector>

#include "moecost/model/architecture.h"
#include "moecost/ops/operation.h"
#include "moecost/ops/routing.h"
#include "moecost/ops/step_context.h"

namespace moecost {

void add_ffn(const StepContext& context, const Ffn& ffn, double layers, OperationList& operations);

}   // namespace moecost
