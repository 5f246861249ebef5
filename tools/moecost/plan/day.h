// SPDX-License-Identifier: Apache-2.0
// A day of 24 loads on a planned deployment: of fixed size, or as many instances as each hour needs; and the day's tokens
// at the prices of an API.
#pragma once

#include <array>
#include <optional>
#include <string>

namespace moecost::cli {

struct DayQuestion {
    std::array<double, 24> load{};                         // of each hour, in the unit of the load
    std::optional<double> api_usd_input, api_usd_output;   // per million tokens
    bool varies = true;                                    // false: one rate all day
};
struct DayAnswer {
    int least = 0, most = 0;                      // instances
    double fixed_usd = 0, scaled_usd = 0;         // per day
    double input_tokens = 0, output_tokens = 0;   // per day
    double api_usd = 0;                           // per day; 0: no price was given
};
/// "1,2,4,...": 24 numbers of requests/s, or a file: such numbers, or a trace (traffic/trace.h) of a day and more, whose
/// hours are averaged over its days. InputError names what is wrong.
[[nodiscard]] std::array<double, 24> day_loads(const std::string& text);
/// `size`: largest load of one instance within the objectives; rent and tokens of one.
[[nodiscard]] DayAnswer day_of(const DayQuestion& day, double size, double usd_per_instance_hour,
                               double input_tokens, double output_tokens);

}   // namespace moecost::cli
