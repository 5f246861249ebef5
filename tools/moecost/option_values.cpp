// SPDX-License-Identifier: Apache-2.0
#include "option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/model/library.h"

namespace moecost::cli {
namespace {

template <class Load>
bool names(Load load) {
    try {
        (void)load();
        return true;
    } catch (const InputError&) {
        return false;
    }
}

/// "8xh200", "8*h200": a count and a name; a name alone counts nothing.
struct Counted {
    std::string_view count, name;
};
Counted counted(std::string_view word) {
    const std::size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
    if (digits == 0 || digits + 1 >= word.size()) return {{}, word};
    const char sign = word[digits];
    if (sign != 'x' && sign != 'X' && sign != '*') return {{}, word};
    return {word.substr(0, digits), word.substr(digits + 1)};
}

/// Options that say what the word says; empty: it names nothing.
std::string as_options(const DataStore& data, std::string_view word, std::string_view command) {
    std::string text;
    const Counted gpu = counted(word);
    if (names([&] { return load_accelerator(data, gpu.name); })) {
        text.append(" --gpu ").append(gpu.name);
        if (!gpu.count.empty())
            text.append(command == "plan" ? " --max-gpus " : " --gpus ").append(gpu.count);
    } else if (command != "design" && names([&] { return load_model(data, word); })) {
        text.append(" --model ").append(word);
    }
    return text;
}

}   // namespace

void refuse_words(const Invocation& in, std::string_view command) {
    const auto& words = in.line.positional;
    if (words.empty()) return;
    std::string hint("moecost ");
    hint.append(command);
    bool all = true;
    for (const std::string& word : words) {
        const std::string options = as_options(in.data, word, command);
        all = all && !options.empty();
        hint.append(options);
    }
    throw InputError({words.front()}, {}, "is not an option",
                     all ? hint : std::string("moecost ").append(command).append(" --help lists them"));
}

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
