// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/pools_apart.h"

#include <algorithm>

#include "moecost/estimate/inputs.h"

namespace moecost {
namespace {

using Texts = std::vector<std::string>;

const Input* of_pool(std::string_view pool, std::string_view key) {
    return input_named(std::string(pool).append("-").append(key));
}

void set(Description& d, const Input& input, const Texts& texts) {
    copy_input(d, Description{}, input);
    for (const std::string& text : texts) set_input(d, input, text, {});
}

/// One input of the whole deployment that the workers state apart.
void set_apart(const Input& input, const Texts& of_prefill, const Texts& of_decode, CommandReading& r) {
    const Input* prefill = of_pool("prefill", input.key);
    const Input* decode = of_pool("decode", input.key);
    if (prefill == nullptr && decode == nullptr) {
        std::string note("prefill and decode differ in ");
        r.notes.push_back(note.append(input.key).append(": that of decode is read"));
        return;
    }
    if (prefill != nullptr) set(r.description, *prefill, of_prefill);
    if (decode != nullptr) set(r.description, *decode, of_decode);
    const Texts& usual = prefill == nullptr ? of_prefill : of_decode;
    set(r.description, input, prefill != nullptr && decode != nullptr ? Texts{} : usual);
}

template <class T>
void add_new(std::vector<T>& to, const std::vector<T>& from) {
    for (const T& item : from) {
        if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
    }
}

}   // namespace

std::string role_of(const CommandReading& r) {
    for (const auto& [name, value] : r.others) {
        if (name == "role" && value != "both") return value;
    }
    return {};
}

CommandReading joined(const CommandReading& prefill, const CommandReading& decode) {
    CommandReading r = decode;
    r.description.prefill.replicas = prefill.description.replicas.value_or(1);
    r.description.decode.replicas = decode.description.replicas.value_or(1);
    r.description.replicas.reset();
    for (const Input& input : inputs()) {
        if (std::holds_alternative<PoolSlot>(input.slot) || input.key == "replicas") continue;
        const Texts of_prefill = texts_of(prefill.description, input);
        const Texts of_decode = texts_of(decode.description, input);
        if (of_prefill != of_decode) set_apart(input, of_prefill, of_decode, r);
    }
    add_new(r.others, prefill.others);
    std::erase_if(r.others, [](const auto& other) { return other.first == "role"; });
    add_new(r.unknown, prefill.unknown);
    add_new(r.notes, prefill.notes);
    add_new(r.environment, prefill.environment);
    if (prefill.checkpoint != decode.checkpoint)
        r.notes.push_back(std::string("the prefill worker serves ").append(prefill.checkpoint));
    return r;
}

}   // namespace moecost
