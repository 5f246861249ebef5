// SPDX-License-Identifier: Apache-2.0
// Operations of the layers that mix tokens: grouped, latent, compressed and sparse attention, recurrent layers.
#pragma once

#include <vector>

#include "moecost/model/architecture.h"
#include "moecost/ops/operation.h"
#include "moecost/ops/step_context.h"

namespace moecost {

void add_mixer(const StepContext& context, const Mixer& mixer, double layers, OperationList& operations);

/// Tokens a decoding query sees of `context`: min(c, W) sliding; a chunk restarts, so beyond one chunk (W + 1)/2.
[[nodiscard]] double visible_context(double context, int window, bool chunked);

/// Mean keys attended by the queries of a prompt of n tokens after p cached ones, through a window W (0: none):
///   full: p + (n + 1)/2;  sliding: (sum over positions of min(position, W))/n;  chunked: the same within chunks.
[[nodiscard]] double mean_keys(double prompt, double prior, int window, bool chunked);

}   // namespace moecost
