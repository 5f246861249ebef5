// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/huggingface/config.h"

#include <algorithm>

namespace moecost {

void HfConfig::note(std::string_view line) const {
    if (std::find(notes->begin(), notes->end(), line) == notes->end()) notes->emplace_back(line);
}

bool HfConfig::is(std::initializer_list<std::string_view> types) const {
    return std::any_of(types.begin(), types.end(), [this](std::string_view name) {
        if (!name.ends_with('*')) return type == name;
        return type.starts_with(name.substr(0, name.size() - 1));
    });
}

const Reader* HfConfig::holder(std::string_view key) const {
    if (text.has(key)) return &text;
    return root.has(key) ? &root : nullptr;
}

bool HfConfig::flag(std::string_view key, bool fallback) const {
    const Reader* reader = holder(key);
    return reader == nullptr ? fallback : reader->flag(key);
}

std::optional<std::string_view> HfConfig::first(std::initializer_list<std::string_view> keys) const {
    for (const std::string_view key : keys) {
        if (text.has(key)) return key;
    }
    return std::nullopt;
}

int HfConfig::integer(std::initializer_list<std::string_view> keys, int low, int high) const {
    const std::string_view key = first(keys).value_or(*keys.begin());
    return static_cast<int>(text.integer(key, low, high));
}

int HfConfig::integer_or(std::initializer_list<std::string_view> keys, int fallback, int low,
                         int high) const {
    const auto key = first(keys);
    return key ? static_cast<int>(text.integer(*key, low, high)) : fallback;
}

std::vector<int> HfConfig::per_layer(std::string_view key, int low, int high) const {
    const auto n = static_cast<std::size_t>(layers);
    const Value* value = text.raw(key);
    if (value == nullptr || !std::holds_alternative<Value::Array>(value->content)) {
        return std::vector<int>(n, static_cast<int>(text.integer(key, low, high)));
    }
    const std::vector<double> numbers =
        text.numbers(key, Range{static_cast<double>(low), static_cast<double>(high)});
    if (numbers.size() < n) {
        std::string message("has ");
        message.append(std::to_string(numbers.size()))
            .append(" entries, the model ")
            .append(std::to_string(n));
        text.fail(key, message.append(" layers"));
    }
    std::vector<int> result;
    for (std::size_t i = 0; i < n; ++i) result.push_back(static_cast<int>(numbers[i]));
    return result;
}

std::vector<std::string> HfConfig::texts_per_layer(std::string_view key) const {
    std::vector<std::string> result = text.texts(key);
    if (result.size() >= static_cast<std::size_t>(layers)) return result;
    std::string message("has ");
    message.append(std::to_string(result.size()))
        .append(" entries, the model ")
        .append(std::to_string(layers));
    text.fail(key, message.append(" layers"));
}

}   // namespace moecost
