// SPDX-License-Identifier: Apache-2.0
#include "plan/day.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "moecost/base/format.h"
#include "moecost/traffic/trace.h"
#include "option_values.h"

namespace moecost::cli {
namespace {

constexpr double hour_s = 3600;

/// Requests in each hour of the day over the seconds that the trace covers of that hour.
std::array<double, 24> loads_of_trace(const std::string& text, const std::string& file) {
    std::array<double, 24> requests{};
    double last = 0;
    bool timed = true;
    TraceReader reader(file, [&](const TraceRow& row) {
        timed = timed && row.timed;
        last = std::max(last, row.arrival_s);
        requests[static_cast<std::size_t>(std::fmod(row.arrival_s / hour_s, 24))] += row.weight;
    });
    reader.feed(text);
    reader.finish();
    if (!timed || last < 23 * hour_s) {
        std::string what("lasts ");
        what.append(significant(last / hour_s, 3)).append(" hours");
        throw InputError({file}, {}, timed ? what : "has no times",
                         "--day wants 24 numbers or a trace of 24 hours");
    }
    for (std::size_t h = 0; h < 24; ++h) {
        const double first = static_cast<double>(h) * hour_s;
        const double whole_days = std::floor(std::max(0.0, last - first) / (24 * hour_s));
        const double rest = std::clamp(last - first - whole_days * 24 * hour_s, 0.0, hour_s);
        const double covered = whole_days * hour_s + rest;
        if (covered > 0) requests[h] /= covered;
    }
    return requests;
}

/// Numbers between commas, spaces or new lines alone.
bool is_numbers(const std::string& text) {
    return text.find_first_not_of("0123456789.,eE+- \t\r\n") == std::string::npos;
}

std::array<double, 24> loads_of_file(const std::string& file) {
    std::string text = read_input(file);
    if (!is_numbers(text)) return loads_of_trace(text, file);
    for (char& c : text) {
        if (c == '\n' || c == '\r' || c == '\t' || c == ' ') c = ',';
    }
    std::string list;
    for (const std::string& part : split(text)) {
        if (!part.empty()) list.append(list.empty() ? "" : ",").append(part);
    }
    return day_loads(list);
}

}   // namespace

std::array<double, 24> day_loads(const std::string& text) {
    std::error_code ec;
    if (is_path(text) || std::filesystem::exists(text, ec)) return loads_of_file(text);
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
