// SPDX-License-Identifier: Apache-2.0
#include "plan/day.h"

#include <algorithm>
#include <cmath>

#include "option_values.h"

namespace moecost::cli {

std::array<double, 24> day_loads(const std::string& text) {
    const std::vector<std::string> parts = split(text);
    if (parts.size() != 24) {
        std::string what("has ");
        refuse("day", text,
               what.append(std::to_string(parts.size())).append(" numbers, not one for each of 24 hours"));
    }
    std::array<double, 24> loads{};
    for (std::size_t i = 0; i < 24; ++i) loads[i] = number("day", parts[i], 0, 1e8);
    if (*std::max_element(loads.begin(), loads.end()) <= 0) refuse("day", text, "has no load at all");
    return loads;
}

DayAnswer day_of(const DayQuestion& day, double size, double usd_per_instance_hour, double input_tokens,
                 double output_tokens) {
    DayAnswer a;
    a.least = 1 << 30;
    double instance_hours = 0;
    double requests = 0;
    for (const double load : day.load) {
        const int n = std::max(1, static_cast<int>(std::ceil(load / size * (1 - 1e-12))));
        a.least = std::min(a.least, n);
        a.most = std::max(a.most, n);
        instance_hours += n;
        requests += load * 3600;
    }
    a.fixed_usd = 24.0 * a.most * usd_per_instance_hour;
    a.scaled_usd = instance_hours * usd_per_instance_hour;
    a.input_tokens = requests * input_tokens;
    a.output_tokens = requests * output_tokens;
    a.api_usd =
        (a.input_tokens * day.api_usd_input.value_or(0) + a.output_tokens * day.api_usd_output.value_or(0)) /
        1e6;
    return a;
}

}   // namespace moecost::cli
