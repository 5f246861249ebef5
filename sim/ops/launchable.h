// SPDX-License-Identifier: Apache-2.0
// Whether an engine can launch a layout: its rules (hardware/engine_rules.h) applied to a model, its number formats and a
// machine. What our own arithmetic needs of a layout is in layout.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/engine_rules.h"
#include "moecost/model/architecture.h"
#include "moecost/ops/layout.h"

namespace moecost {

/// What a pool does with a request; the codes of RuleTerm::role.
enum class LaunchRole { both, prefill, decode };
[[nodiscard]] inline std::string_view name_of(LaunchRole role) {
    return role_words[static_cast<std::size_t>(role)];
}

/// Settings that rules ask for besides the layout.
struct LaunchSettings {
    double redundant_experts = 0;   // copies beyond the experts of the model, all ranks together
    double draft_tokens = 0;
    LaunchRole role = LaunchRole::both;
    const Layout* partner = nullptr;   // of the other pool; null: not known, taken to be of the same widths
    bool alike = true;                 // both pools hold one checkpoint on one generation of GPUs
};

/// A rule that a layout breaks, with the quantities that broke it. Refers to the rules, which must outlive it.
struct LaunchProblem {
    const EngineRules* rules = nullptr;
    const LaunchRule* rule = nullptr;
    TermValues values{};

    [[nodiscard]] std::string_view name() const { return rule->name; }
    [[nodiscard]] std::string reason() const { return filled(rule->reason, values, rules->generations); }
    [[nodiscard]] std::string fix() const { return filled(rule->fix, values, rules->generations); }
};

/// The same as an answer: reason "the engine cannot launch this layout", the rule's sentence as detail, its fix.
[[nodiscard]] Infeasible infeasible_of(const LaunchProblem& problem);

/// Nothing when the engine launches it, else the first rule of the file that it breaks. Groups of layers are judged one
/// by one. Allocates nothing: a sweep asks it for each point.
[[nodiscard]] std::optional<LaunchProblem> launch_problem(const EngineRules& rules,
                                                          const Architecture& architecture,
                                                          const Precision& precision, const Layout& layout,
                                                          const Accelerator& gpu,
                                                          const LaunchSettings& settings);

/// The quantities of a deployment that do not differ between groups of layers; those that do are 0.
[[nodiscard]] TermValues term_values(const EngineRules& rules, const Architecture& architecture,
                                     const Precision& precision, const Layout& layout, const Accelerator& gpu,
                                     const LaunchSettings& settings);

}   // namespace moecost
