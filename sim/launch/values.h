// SPDX-License-Identifier: Apache-2.0
// The quantities of a deployment by the names of the engine rules, and what a row [[flag]] writes of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "moecost/launch/server.h"

namespace moecost {

struct LaunchValues {
    std::map<std::string, double, std::less<>> numbers;   // toggles are 0 or 1
    std::map<std::string, std::string, std::less<>> words;
    TermValues terms{};

    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
};

[[nodiscard]] LaunchValues launch_values(const Scenario& scenario, const Pool& pool,
                                         const LaunchChoices& choices, const Node& node);

/// What a row writes: a switch, its opposite, a flag with a value, or nothing.
struct Written {
    enum class Form { nothing, on, off, value } form = Form::nothing;
    std::string value;
};
[[nodiscard]] Written written_by(const EngineFlag& row, const LaunchValues& values);

}   // namespace moecost
