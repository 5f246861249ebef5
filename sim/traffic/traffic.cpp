// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/traffic.h"

namespace moecost {

std::string_view name_of(LoadKind kind) {
    constexpr std::string_view names[] = {"closed_loop", "rate",         "offline",    "static_batch",
                                          "burst",       "prefill_only", "decode_only"};
    return names[static_cast<std::size_t>(kind)];
}

Traffic load_traffic(const DataStore& data, std::string_view name) {
    const Document document = data.open("workloads/traffic", name, "traffic");
    const Reader r(document);
    r.allow_only({"name", "input_tokens", "output_tokens", "prefix_hit_rate", "equal_lengths", "source",
                  "date", "aliases"});
    Traffic t;
    t.name = r.text("name");
    t.input = r.number("input_tokens", {1, 1e8});
    t.output = r.number("output_tokens", {1, 1e8});
    t.prefix_hit_rate = r.number_or("prefix_hit_rate", 0, {0, 0.999});
    t.equal_lengths = r.flag_or("equal_lengths", false);
    return t;
}

}   // namespace moecost
