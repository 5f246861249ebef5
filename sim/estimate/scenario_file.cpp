// SPDX-License-Identifier: Apache-2.0
// A scenario file onto a description, each value with its place.
#include <cstdint>
#include <variant>

#include "moecost/base/format.h"
#include "moecost/estimate/inputs.h"

namespace moecost {
namespace {

std::string as_text(const Reader& r, std::string_view key) {
    const Value& value = *r.raw(key);
    if (const auto* s = std::get_if<std::string>(&value.content)) return *s;
    if (const auto* b = std::get_if<bool>(&value.content)) return *b ? "true" : "false";
    if (const auto* i = std::get_if<std::int64_t>(&value.content)) return std::to_string(*i);
    if (const auto* d = std::get_if<double>(&value.content)) return shortest(*d);
    r.fail(key, "expected a text, a number or true/false");
}

}   // namespace

void apply_scenario_file(Description& description, const Document& document) {
    const Reader r(document);
    for (const std::string& key : r.keys()) {
        if (key == "schema") continue;
        if (key == "set") {
            const Reader edits = r.table(key);
            for (const std::string& name : edits.keys()) {
                description.edits.emplace_back(name, as_text(edits, name));
                remember_place(description, std::string("set.").append(name), edits.where(name));
            }
            continue;
        }
        Location where = r.where(key);
        where.key = key;
        set_option(description, key, as_text(r, key), where);
    }
}

}   // namespace moecost
