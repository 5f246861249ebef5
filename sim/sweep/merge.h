// SPDX-License-Identifier: Apache-2.0
// Joins the outputs of all shards of a sweep into what one machine would have written, byte for byte.
#pragma once

#include <string>
#include <vector>

#include "moecost/sweep/manifest.h"

namespace moecost {

struct MergeSummary {
    Manifest manifest;
    std::vector<std::string> files;
};

/// `parts` are rows files with their manifests beside them, in any order. InputError for parts of different sweeps,
/// missing or doubled shards, and files that are not what their manifest says. Writes `output` atomically.
[[nodiscard]] MergeSummary merge_sweeps(const std::vector<std::string>& parts, const std::string& output);

}   // namespace moecost
