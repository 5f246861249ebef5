// SPDX-License-Identifier: Apache-2.0
// What `design` was asked and what it found, as a value that the printers of its three formats share.
#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "moecost/design/design.h"
#include "moecost/estimate/description.h"

namespace moecost::cli {

struct DesignQuestion {
    DesignSpace space;
    DesignGoal goal;
    Description description;         // of every deployment
    std::vector<std::string> gpus;   // as they were named, by machine
    unsigned threads = 1;
    std::string training_basis;   // of the price of training
};
/// InputError names the option and what is allowed.
[[nodiscard]] DesignQuestion design_question(const Invocation& invocation);

[[nodiscard]] std::string design_text(const DesignQuestion& question, const DesignAnswer& answer,
                                      const Invocation& invocation);
[[nodiscard]] std::string design_json(const DesignQuestion& question, const DesignAnswer& answer);
[[nodiscard]] std::string design_csv(const DesignQuestion& question, const DesignAnswer& answer, bool all);

/// The command that reproduces what serving costs.
[[nodiscard]] std::string estimate_line(const DesignQuestion& question, const DesignAnswer& answer,
                                        const DesignPoint& point);
/// What the answer rests on and where it leaves the runs behind its laws.
[[nodiscard]] std::vector<std::string> design_notes(const DesignQuestion& question,
                                                    const DesignAnswer& answer);
/// "N, D" outside the runs of the law; empty: inside.
[[nodiscard]] std::string outside_of(const DesignQuestion& question, const DesignAnswer& answer,
                                     const DesignPoint& point);
/// "million output tokens, prompts included".
[[nodiscard]] std::string_view cost_unit(CostBasis basis);

}   // namespace moecost::cli
