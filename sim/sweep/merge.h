// SPDX-License-Identifier: Apache-2.0
// Joins the outputs of all shards of a sweep into what one machine would have written, byte for byte.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "moecost/sweep/manifest.h"

namespace moecost {

struct MergeSummary {
    Manifest manifest;
    std::vector<std::string> files;
    bool complete = true;   // false: stopped, nothing is written
};

/// `parts` are rows files with their manifests beside them, in any order. InputError for parts of different sweeps,
/// missing or doubled shards, files that are not what their manifests say, an output that is one of the inputs, whose
/// ending is of another format, or where an unfinished sweep is. Nothing stands under the name of `output` until all
/// is written; a merge cannot be resumed. `stop`, where it is set while it runs, ends it.
[[nodiscard]] MergeSummary merge_sweeps(const std::vector<std::string>& parts, const std::string& output,
                                        const std::atomic<bool>* stop = nullptr);

}   // namespace moecost
