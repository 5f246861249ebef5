// SPDX-License-Identifier: Apache-2.0
// What `design` was asked and what it found, as a value that the printers of its three formats share.
#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "moecost/design/several_laws.h"
#include "moecost/estimate/description.h"

namespace moecost::cli {

struct DesignQuestion {
    DesignSpace space;
    DesignGoal goal;
    Description description;         // of every deployment
    std::vector<std::string> gpus;   // as they were named, by machine
    unsigned threads = 1;
    std::string training_basis;   // of the price of training
    std::string price_note;       // how rents of several accelerators were made alike
    bool usual_tokens = false;    // no --max-tokens was given
    bool usual_per_parameter = false;
    std::vector<LawView> laws;   // of --laws; empty: one law, that of the space
};
/// InputError names the option and what is allowed; Infeasible: no size can answer.
[[nodiscard]] Expected<DesignQuestion> design_question(const Invocation& invocation);

[[nodiscard]] std::string design_text(const DesignQuestion& question, const DesignAnswer& answer,
                                      const Invocation& invocation);
[[nodiscard]] std::string design_json(const DesignQuestion& question, const DesignAnswer& answer);
[[nodiscard]] std::string design_csv(const DesignQuestion& question, const DesignAnswer& answer, bool all);

/// Whether an input of a deployment is searched over here, or names a model.
[[nodiscard]] bool is_searched(std::string_view key);

/// Of --threads, or all cores.
[[nodiscard]] unsigned threads_from(const CommandLine& line);

/// The answer to --laws, in every format.
[[nodiscard]] std::string laws_text(const DesignQuestion& question, const LawsAnswer& answer,
                                    const Invocation& invocation);
[[nodiscard]] std::string laws_json(const DesignQuestion& question, const LawsAnswer& answer);
[[nodiscard]] std::string laws_csv(const LawsAnswer& answer);

/// The answer to --families.
[[nodiscard]] Answer answer_families(const Invocation& invocation, const TableOptions& options);

/// "32 experts, granularity 8": what tells combinations apart.
[[nodiscard]] std::string combination_name(const DesignCombination& combination);
/// What is minimised and what bounds it, in a sentence without a full stop.
[[nodiscard]] std::string constraint_text(const DesignQuestion& question, const DesignAnswer& answer);

/// The command that reproduces what serving costs.
[[nodiscard]] std::string estimate_line(const DesignQuestion& question, const DesignAnswer& answer,
                                        const DesignPoint& point);
/// What the answer rests on and where it leaves the runs behind its laws.
[[nodiscard]] std::vector<std::string> design_notes(const DesignQuestion& question,
                                                    const DesignAnswer& answer);
/// What lies outside the runs of the law; empty: nothing does.
[[nodiscard]] std::vector<OutsideAxis> outside_of(const DesignQuestion& question, const DesignAnswer& answer,
                                                  const DesignPoint& point);
/// "million output tokens, prompts included".
[[nodiscard]] std::string_view cost_unit(CostBasis basis);

}   // namespace moecost::cli
