// SPDX-License-Identifier: Apache-2.0
// What `estimate` computed for one deployment, as a value that the printers of its three formats share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "estimate/method.h"
#include "moecost/estimate/figures.h"
#include "moecost/moecost.h"
#include "text.h"

namespace moecost {
class JsonWriter;
}

namespace moecost::cli {

struct EstimateAnswer {
    Description description;
    std::optional<Scenario> scenario;   // nothing: the description itself cannot run
    std::optional<Estimate> estimate;   // nothing: infeasible
    Infeasible why;
    std::string fix;   // the smallest change that would run; empty: none is known
    StepReport steps;
    MethodOptions method;
    double max_rate = 0;   // requests/s of the deployment, where it was asked for: the load of the answer
    std::string
        column;   // what sets it apart from others beside it: "h100_sxm", "concurrency 64"; empty: nothing

    [[nodiscard]] View view() const {
        return {&description, scenario ? &*scenario : nullptr, estimate ? &*estimate : nullptr, &steps};
    }
};
/// InputError as describe().
[[nodiscard]] EstimateAnswer answer_for(const DataStore& data, const Description& description,
                                        const MethodOptions& method = {});

/// The question: deployments side by side, and the inputs in which they differ.
struct Comparison {
    std::vector<EstimateAnswer> answers;
    std::vector<const Input*> varied;
    std::string newest_price;   // date of the newest price known; empty: not asked
};
/// Every combination of what is given as a list. InputError as describe().
/// Prices of one kind where nobody stated them, so that what is compared are accelerators and not contracts. Returns what
/// to tell; empty: nothing was changed, and nothing is amiss.
[[nodiscard]] std::string level_prices(const DataStore& data, std::vector<Description>& descriptions);

[[nodiscard]] Comparison comparison_for(const DataStore& data, const CommandLine& line,
                                        const MethodOptions& method = {});

[[nodiscard]] std::string estimate_text(const Comparison& comparison, const Invocation& invocation);
/// The question in two lines, model and deployment, lengths and load: what columns do not share is said to be theirs.
[[nodiscard]] std::string heading_text(const std::vector<EstimateAnswer>& answers, const Style& style);
/// One deployment as an object of that list.
void write_estimate(JsonWriter& json, std::string_view key, const EstimateAnswer& answer);
[[nodiscard]] std::string estimate_json(const std::vector<EstimateAnswer>& answers);
[[nodiscard]] std::string estimate_csv(const std::vector<EstimateAnswer>& answers);

/// Where each millisecond of the steps goes: by class for all, by operation when `verbose`.
[[nodiscard]] std::string breakdown_text(const std::vector<EstimateAnswer>& answers, bool verbose,
                                         const Style& style);
/// Notes of all answers, each once: what was assumed, and where a figure lies outside the calibration.
[[nodiscard]] std::vector<std::string> assumptions(const std::vector<EstimateAnswer>& answers);

/// A figure or an input as people read it; "-" where it has no value.
[[nodiscard]] std::string shown(const Figure& figure, const View& view);
[[nodiscard]] std::string shown(FigureKind kind, double value);
[[nodiscard]] std::string shown(const Input& input, const View& view);

/// Names shared by the printers.
[[nodiscard]] std::string layout_name(const Layout& layout);
/// "prefill 2 x (TP8), decode 1 x (EP8 DP8)"
[[nodiscard]] std::string pools_name(const Scenario& scenario);
[[nodiscard]] std::string precision_name(const Precision& precision);
/// "TTFT", or "p95 TTFT".
[[nodiscard]] std::string objective_name(std::string_view time, double level);
[[nodiscard]] std::string load_name(const Load& load);
/// What sets an answer apart from those beside it; its accelerator where it stands alone.
[[nodiscard]] std::string column_name(const EstimateAnswer& answer);
[[nodiscard]] std::string infeasible_line(const EstimateAnswer& answer);
[[nodiscard]] std::string fix_line(const EstimateAnswer& answer);

}   // namespace moecost::cli
