// SPDX-License-Identifier: Apache-2.0
#include "option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "moecost/base/format.h"

namespace moecost::cli {

void refuse(std::string_view option, std::string_view value, std::string_view what, std::string hint) {
    std::string message("'");
    throw InputError({std::string("--").append(option)}, {}, message.append(value).append("' ").append(what),
                     std::move(hint));
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t comma = text.find(',');
        parts.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return parts;
        text.remove_prefix(comma + 1);
    }
}

double number(std::string_view option, std::string_view text, double low, double high) {
    double value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole_text = r.ec == std::errc{} && r.ptr == text.data() + text.size();
    if (whole_text && value >= low && value <= high) return value;
    std::string what("is not a number in ");
    refuse(option, text, what.append(shortest(low)).append("..").append(shortest(high)));
}

int whole(std::string_view option, std::string_view text, int low, int high) {
    const double value = number(option, text, low, high);
    if (value != std::floor(value)) refuse(option, text, "is not a whole number");
    return static_cast<int>(value);
}

double number_or(const CommandLine& line, std::string_view option, double fallback, double low, double high) {
    const std::string* text = line.find(option);
    return text == nullptr ? fallback : number(option, *text, low, high);
}

int whole_or(const CommandLine& line, std::string_view option, int fallback, int low, int high) {
    const std::string* text = line.find(option);
    return text == nullptr ? fallback : whole(option, *text, low, high);
}

std::vector<int> whole_list(std::string_view option, std::string_view text, int low, int high) {
    std::vector<int> list;
    for (const std::string& part : split(text)) {
        const std::size_t dots = part.find("..");
        if (dots == std::string::npos) {
            list.push_back(whole(option, part, low, high));
            continue;
        }
        const int first = whole(option, part.substr(0, dots), std::max(low, 1), high);
        const int last = whole(option, part.substr(dots + 2), first, high);
        for (std::int64_t x = first; x <= last; x *= 2) list.push_back(static_cast<int>(x));
    }
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
}

std::vector<int> whole_list_or(const CommandLine& line, std::string_view option, std::vector<int> fallback,
                               int low, int high) {
    const std::string* text = line.find(option);
    return text == nullptr ? std::move(fallback) : whole_list(option, *text, low, high);
}

}   // namespace moecost::cli
