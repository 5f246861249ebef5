// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/written_number.h"

#include <charconv>
#include <cmath>
#include <span>

namespace moecost {
namespace {

struct Unit {
    std::string_view suffix;
    double factor;
};

/// The number before the first unit that ends the text; units that end another one stand behind it in the list.
std::optional<double> with_unit(std::string_view text, std::span<const Unit> units) {
    for (const Unit& unit : units) {
        if (text.size() <= unit.suffix.size() || !text.ends_with(unit.suffix)) continue;
        const auto number = plain_number(text.substr(0, text.size() - unit.suffix.size()));
        return number ? std::optional(*number * unit.factor) : std::nullopt;
    }
    return plain_number(text);
}

}   // namespace

std::optional<double> plain_number(std::string_view text) {
    double value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<double> written_count(std::string_view text) {
    constexpr Unit units[] = {{"k", 1e3}, {"K", 1e3}, {"m", 1e6},  {"M", 1e6}, {"b", 1e9},
                              {"B", 1e9}, {"G", 1e9}, {"t", 1e12}, {"T", 1e12}};
    return with_unit(text, units);
}

std::optional<double> written_seconds(std::string_view text) {
    constexpr Unit units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}};
    return with_unit(text, units);
}

std::optional<double> written_share(std::string_view text) {
    constexpr Unit units[] = {{"%", 0.01}};
    return with_unit(text, units);
}

std::optional<double> written_gigabytes(std::string_view text) {
    constexpr Unit units[] = {{"GB", 1}};
    return with_unit(text, units);
}

std::optional<double> written_dollars(std::string_view text) {
    if (text.starts_with('$')) text.remove_prefix(1);
    return plain_number(text);
}

}   // namespace moecost
