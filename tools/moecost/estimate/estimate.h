// SPDX-License-Identifier: Apache-2.0
// What `estimate` computed for one accelerator, as a value that the printers of its three formats share.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "moecost/moecost.h"
#include "text.h"

namespace moecost::cli {

/// What time is spent on: the bounds of timed.h, and the host.
inline constexpr std::array<std::string_view, 5> bound_names{"compute", "memory", "network", "floor", "host"};
using BoundTimes = std::array<double, bound_names.size()>;   // seconds

/// One forward step: total, by class, by operation, and what bounds it. Each operation counts for its own bound.
struct StepAnswer {
    StepShape shape;
    StepTime time;
    std::vector<TimedOperation> operations;
    BoundTimes spent{};
    std::array<BoundTimes, op_class_count> spent_by_class{};
};
[[nodiscard]] std::size_t largest(const BoundTimes& spent);
[[nodiscard]] double total(const BoundTimes& spent);

struct EstimateAnswer {
    Description description;
    Scenario scenario;
    std::optional<Estimate> estimate;   // nothing: infeasible
    Infeasible why;
    std::string fix;   // the smallest change that would run; empty: none is known
    std::optional<StepAnswer> decode;
    std::optional<StepAnswer> prompt;
};
/// InputError as describe().
[[nodiscard]] EstimateAnswer answer_for(const DataStore& data, const Description& description);

[[nodiscard]] std::string estimate_text(const std::vector<EstimateAnswer>& answers,
                                        const Invocation& invocation);
[[nodiscard]] std::string estimate_json(const std::vector<EstimateAnswer>& answers);
[[nodiscard]] std::string estimate_csv(const std::vector<EstimateAnswer>& answers);

/// Where each millisecond of the steps goes: by class for all, by operation when `verbose`.
[[nodiscard]] std::string breakdown_text(const std::vector<EstimateAnswer>& answers, bool verbose,
                                         const Style& style);
/// Notes of all answers, each once: what was assumed, and where a figure lies outside the calibration.
[[nodiscard]] std::vector<std::string> assumptions(const std::vector<EstimateAnswer>& answers);

/// Names shared by the printers.
[[nodiscard]] std::string layout_name(const Layout& layout);
[[nodiscard]] std::string precision_name(const Precision& precision);
[[nodiscard]] std::string load_name(const Traffic& traffic);
[[nodiscard]] std::string infeasible_line(const EstimateAnswer& answer);
[[nodiscard]] std::string fix_line(const EstimateAnswer& answer);

}   // namespace moecost::cli
