// SPDX-License-Identifier: Apache-2.0
// Inputs by name, from text and back to text: what every reader and writer of the table shares.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "moecost/base/data.h"
#include "moecost/base/dtype.h"
#include "moecost/base/format.h"
#include "moecost/base/written_number.h"
#include "moecost/estimate/inputs.h"

namespace moecost {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return x == y || (x == '_' && y == '-') || (x == '-' && y == '_');
    });
}

[[noreturn]] void reject(const Location& where, std::string_view text, std::string_view allowed,
                         std::string hint = {}) {
    std::string message("'");
    throw InputError(where, {}, message.append(text).append("' is not ").append(allowed), std::move(hint));
}

std::vector<std::string> words_of(std::string_view choices) {
    std::vector<std::string> words;
    while (!choices.empty()) {
        const std::size_t end = std::min(choices.find('|'), choices.size());
        words.emplace_back(choices.substr(0, end));
        choices.remove_prefix(std::min(end + 1, choices.size()));
    }
    return words;
}

std::vector<std::string> formats() {
    std::vector<std::string> known{"auto"};
    for (const DTypeInfo& i : dtype_table) known.emplace_back(i.name);
    return known;
}

std::optional<double> written(InputKind kind, std::string_view text) {
    switch (kind) {
        case InputKind::whole:
        case InputKind::count:
        case InputKind::parameters:
        case InputKind::tokens:
            return written_count(text);
        case InputKind::share:
            return written_share(text);
        case InputKind::seconds:
        case InputKind::objective:
            return written_seconds(text);
        case InputKind::gigabytes:
            return written_gigabytes(text);
        case InputKind::money:
            return written_dollars(text);
        case InputKind::toggle:
            if (text == "true" || text == "1" || text.empty()) return 1;
            if (text == "false" || text == "0") return 0;
            return std::nullopt;
        case InputKind::name:
        case InputKind::format:
        case InputKind::word:
        case InputKind::edit:
            break;
    }
    return std::nullopt;
}

std::string_view noun_of(InputKind kind) {
    switch (kind) {
        case InputKind::whole:
            return "a whole number";
        case InputKind::parameters:
            return "a number of parameters (such as 7e9, 7B or 350M)";
        case InputKind::share:
            return "a share";
        case InputKind::tokens:
            return "a number of tokens";
        case InputKind::seconds:
        case InputKind::objective:
            return "a time such as 2s or 50ms,";
        case InputKind::gigabytes:
            return "a number of GB";
        case InputKind::money:
            return "a number of dollars";
        default:
            return "a number";
    }
}

/// "a whole number in 1..65536".
std::string allowed_by(const Input& input) {
    if (input.kind == InputKind::toggle) return "true or false";
    std::string s(noun_of(input.kind));
    return s.append(" in ").append(range_text(input));
}

void set_load(Description& d, const LoadSlot& slot, double size, const Location& where) {
    if (d.load && d.load->index() != slot.kind) {
        std::string loads;
        for (const Input& input : inputs()) {
            if (!std::holds_alternative<LoadSlot>(input.slot)) continue;
            loads.append(loads.empty() ? "" : ", ").append("--").append(input.key);
        }
        throw InputError(where, {}, std::string("two loads are given: choose one of ").append(loads));
    }
    d.load = slot.make(size);
}

void add_edit(Description& d, std::string_view text, const Location& where) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) reject(where, text, "an edit such as experts=64");
    remember_place(d, std::string("set.").append(text.substr(0, equals)), where);
    d.edits.emplace_back(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

/// "p95:2s", or "2s": the mean.
void set_objective(Description& d, const Input& input, const ObjectiveSlot& slot, std::string_view text,
                   const Location& where) {
    const std::size_t colon = text.find(':');
    (d.*slot.level).reset();
    if (colon != std::string_view::npos) {
        const std::string_view name = text.substr(0, colon);
        const auto level = name.starts_with('p') ? written_count(name.substr(1)) : std::nullopt;
        if (name != "mean" && !(level && *level >= 1 && *level <= 99.9))
            reject(where, text, "an objective: p1 to p99.9 before the colon, such as p95:2s");
        if (level) d.*slot.level = *level / 100;
        text.remove_prefix(colon + 1);
    }
    d.*slot.seconds = parse_number(input, text, where);
}

/// A text, or nothing where the member is a number.
std::string* pool_text(Description& d, const PoolSlot& slot) {
    const auto* member = std::get_if<std::string PoolChoices::*>(&slot.member);
    return member != nullptr ? &((d.*slot.pool).**member) : nullptr;
}

std::optional<double> pool_number(const Description& d, const PoolSlot& slot) {
    const PoolChoices& pool = d.*slot.pool;
    if (const auto* whole = std::get_if<std::optional<int> PoolChoices::*>(&slot.member))
        return pool.**whole ? std::optional<double>(*(pool.**whole)) : std::nullopt;
    if (const auto* number = std::get_if<std::optional<double> PoolChoices::*>(&slot.member))
        return pool.**number;
    return std::nullopt;
}

void set_pool_number(Description& d, const PoolSlot& slot, double value) {
    PoolChoices& pool = d.*slot.pool;
    if (const auto* whole = std::get_if<std::optional<int> PoolChoices::*>(&slot.member))
        pool.** whole = static_cast<int>(value);
    else if (const auto* number = std::get_if<std::optional<double> PoolChoices::*>(&slot.member))
        pool.** number = value;
}

std::string objective_text(double seconds, const std::optional<double>& level) {
    std::string s;
    if (level) s.append("p").append(shortest(std::round(*level * 1e6) / 1e4)).append(":");
    return s.append(shortest(seconds));
}

std::string checked_text(const Input& input, std::string_view text, const Location& where) {
    if (input.kind == InputKind::format && text != "auto" && !dtype_named(text)) {
        reject(where, text, "a number format", name_hint(text, formats()));
    }
    if (input.kind == InputKind::word) {
        const auto words = words_of(input.choices);
        if (std::find(words.begin(), words.end(), text) == words.end()) {
            reject(where, text, "a known value", name_hint(text, words));
        }
    }
    std::string name(text);
    if (input.key != "engine" || is_path(text)) return name;
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;   // vLLM, SGLang
    return name;
}

std::string quoted(const std::string& text) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-_./,:=+%").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
    std::string s("'");
    for (const char c : text) s.append(c == '\'' ? std::string("'\\''") : std::string(1, c));
    return s.append("'");
}

}   // namespace

const Input* input_named(std::string_view name) {
    for (const Input& input : inputs()) {
        if (same_name(input.key, name)) return &input;
    }
    for (const Input& input : inputs()) {
        for (const std::string_view alias : input.aliases) {
            if (!alias.empty() && same_name(alias, name)) return &input;
        }
    }
    return nullptr;
}

std::string column_of(const Input& input) {
    std::string s(input.key);
    std::replace(s.begin(), s.end(), '-', '_');
    return s;
}

std::vector<std::string> input_keys() {
    std::vector<std::string> keys;
    for (const Input& input : inputs()) keys.push_back(column_of(input));
    return keys;
}

std::string_view folder_of(const Input& input) {
    if (input.key == "model") return "workloads/models";
    if (input.key == "family") return "workloads/families";
    if (input.key == "gpu" || input.key == "prefill-gpu" || input.key == "decode-gpu")
        return "hwmodels/accelerators";
    if (input.key == "cluster" || input.key == "prefill-cluster" || input.key == "decode-cluster")
        return "hwmodels/clusters";
    if (input.key == "traffic") return "workloads/traffic";
    return {};
}

bool is_numeric(InputKind kind) {
    return kind != InputKind::name && kind != InputKind::format && kind != InputKind::word &&
           kind != InputKind::edit;
}

double parse_number(const Input& input, std::string_view text, const Location& where) {
    const std::optional<double> value = written(input.kind, text);
    const bool fits = value && *value >= input.range.low && *value <= input.range.high;
    const bool whole = input.kind != InputKind::whole || !value || *value == std::floor(*value);
    if (!fits || !whole) reject(where, text, allowed_by(input));
    return *value;
}

void set_input(Description& d, const Input& input, std::string_view text, const Location& where) {
    if (text.empty() && input.kind != InputKind::toggle) {
        throw InputError(where, {}, "is empty", std::string("it wants ").append(input.argument));
    }
    Location place = where;
    if (!where.file.starts_with("--")) place.key = column_of(input);
    remember_place(d, std::string(input.key), std::move(place));
    if (const auto* list = std::get_if<std::vector<std::string> Description::*>(&input.slot)) {
        (d.**list).emplace_back(text);
        return;
    }
    if (input.kind == InputKind::edit) return add_edit(d, text, where);
    if (const auto* member = std::get_if<std::string Description::*>(&input.slot)) {
        d.** member = checked_text(input, text, where);
        return;
    }
    if (const auto* slot = std::get_if<PoolSlot>(&input.slot)) {
        if (std::string* member = pool_text(d, *slot)) {
            *member = checked_text(input, text, where);
            return;
        }
    }
    if (std::holds_alternative<PriceSlot>(input.slot) && !written_dollars(text)) {
        d.price = checked_text(input, text, where);
        d.usd_per_gpu_hour.reset();
        return;
    }
    if (const auto* slot = std::get_if<ObjectiveSlot>(&input.slot))
        return set_objective(d, input, *slot, text, where);
    const double value = parse_number(input, text, where);
    if (const auto* slot = std::get_if<LoadSlot>(&input.slot)) {
        if (input.kind != InputKind::toggle || value != 0) set_load(d, *slot, value, where);
        return;
    }
    set_number(d, input, value);
}

void set_number(Description& d, const Input& input, double value) {
    std::visit(Overloaded{[&](std::string Description::*) {}, [&](std::vector<std::string> Description::*) {},
                          [&](std::optional<double> Description::*m) { d.*m = value; },
                          [&](std::optional<int> Description::*m) { d.*m = static_cast<int>(value); },
                          [&](std::optional<bool> Description::*m) { d.*m = value != 0; },
                          [&](const LoadSlot& slot) { d.load = slot.make(value); }, [](const EditSlot&) {},
                          [&](const PriceSlot&) { d.usd_per_gpu_hour = value; },
                          [&](const ObjectiveSlot& slot) { d.*slot.seconds = value; },
                          [&](const PoolSlot& slot) { set_pool_number(d, slot, value); }},
               input.slot);
}

void set_option(Description& d, std::string_view key, std::string_view text, const Location& where) {
    if (const Input* input = input_named(key)) return set_input(d, *input, text, where);
    throw InputError(where, key, "unknown key", name_hint(key, input_keys()));
}

std::vector<std::string> texts_of(const Description& d, const Input& input) {
    using Texts = std::vector<std::string>;
    return std::visit(
        Overloaded{
            [&](std::string Description::*m) { return (d.*m).empty() ? Texts{} : Texts{d.*m}; },
            [&](std::optional<double> Description::*m) { return d.*m ? Texts{shortest(*(d.*m))} : Texts{}; },
            [&](std::optional<int> Description::*m) {
                return d.*m ? Texts{std::to_string(*(d.*m))} : Texts{};
            },
            [&](std::optional<bool> Description::*m) {
                return d.*m ? Texts{*(d.*m) ? "true" : "false"} : Texts{};
            },
            [&](std::vector<std::string> Description::*m) { return d.*m; },
            [&](const LoadSlot& slot) {
                if (!d.load || d.load->index() != slot.kind) return Texts{};
                const bool toggle = input.kind == InputKind::toggle;
                return Texts{toggle ? "true" : shortest(size_of(*d.load).value_or(0))};
            },
            [&](const PriceSlot&) {
                if (d.usd_per_gpu_hour) return Texts{shortest(*d.usd_per_gpu_hour)};
                return d.price.empty() ? Texts{} : Texts{d.price};
            },
            [&](const ObjectiveSlot& slot) {
                return d.*slot.seconds ? Texts{objective_text(*(d.*slot.seconds), d.*slot.level)} : Texts{};
            },
            [&](const PoolSlot& slot) {
                if (const auto* member = std::get_if<std::string PoolChoices::*>(&slot.member)) {
                    const std::string& text = (d.*slot.pool).**member;
                    return text.empty() ? Texts{} : Texts{text};
                }
                const auto number = pool_number(d, slot);
                return number ? Texts{shortest(*number)} : Texts{};
            },
            [&](const EditSlot&) {
                Texts texts;
                for (const auto& [key, value] : d.edits)
                    texts.push_back(std::string(key).append("=").append(value));
                return texts;
            }},
        input.slot);
}

std::optional<double> given_number(const Description& d, const Input& input) {
    using Number = std::optional<double>;
    return std::visit(
        Overloaded{[&](std::optional<double> Description::*m) { return d.*m; },
                   [&](std::optional<int> Description::*m) { return d.*m ? Number(*(d.*m)) : Number(); },
                   [&](std::optional<bool> Description::*m) { return d.*m ? Number(*(d.*m)) : Number(); },
                   [&](const LoadSlot& slot) {
                       return d.load && d.load->index() == slot.kind ? size_of(*d.load) : Number();
                   },
                   [&](const PriceSlot&) { return d.usd_per_gpu_hour; },
                   [&](const ObjectiveSlot& slot) { return d.*slot.seconds; },
                   [&](const PoolSlot& slot) { return pool_number(d, slot); },
                   [](const auto&) { return Number(); }},
        input.slot);
}

void copy_input(Description& to, const Description& from, const Input& input) {
    std::visit(Overloaded{[&](auto Description::*m) { to.*m = from.*m; },
                          [&](const LoadSlot&) { to.load = from.load; },
                          [&](const EditSlot&) { to.edits = from.edits; },
                          [&](const PriceSlot&) {
                              to.price = from.price;
                              to.usd_per_gpu_hour = from.usd_per_gpu_hour;
                          },
                          [&](const ObjectiveSlot& slot) {
                              to.*slot.seconds = from.*slot.seconds;
                              to.*slot.level = from.*slot.level;
                          },
                          [&](const PoolSlot& slot) {
                              std::visit([&](auto m) { (to.*slot.pool).*m = (from.*slot.pool).*m; },
                                         slot.member);
                          }},
               input.slot);
}

std::string options_of(const Description& d) {
    std::string s;
    for (const Input& input : inputs()) {
        for (const std::string& text : texts_of(d, input)) {
            if (input.kind == InputKind::toggle && text != "true") continue;
            s.append(s.empty() ? "" : " ").append("--").append(input.key);
            if (input.kind != InputKind::toggle) s.append(" ").append(quoted(text));
        }
    }
    return s;
}

}   // namespace moecost
