// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/traffic.h"

#include "moecost/base/data.h"
#include "moecost/traffic/length_presets.h"
#include "moecost/traffic/trace.h"

namespace moecost {

void Traffic::spread_as(std::shared_ptr<const Lengths> lengths) {
    shape = std::move(lengths);
    const double i = mean(shape->input);
    const double o = mean(shape->output);
    resident_input = mean_product(*shape) / (i * o);
    resident_output = moment(shape->output, 2) / (o * o);
}

Traffic load_traffic(const DataStore& data, std::string_view name) {
    if (is_trace_path(name)) {
        throw InputError({std::string(name)}, {}, "is a trace of requests, no traffic file",
                         "moecost estimate reads traces: --traffic FILE, or --trace FILE to replay it");
    }
    const Document document = data.open("workloads/traffic", name, "traffic");
    const Reader r(document);
    r.allow_only({"name", "input_tokens", "output_tokens", "prefix_hit_rate", "equal_lengths", "source",
                  "date", "aliases", "lengths"});
    Traffic t;
    t.name = r.text("name");
    t.input = r.number("input_tokens", {1, 1e8});
    t.output = r.number("output_tokens", {1, 1e8});
    t.prefix_hit_rate = r.number_or("prefix_hit_rate", 0, {0, 0.999});
    t.equal_lengths = r.flag_or("equal_lengths", false);
    if (r.has("lengths")) t.spread_as(std::make_shared<const Lengths>(lengths_from(r.table("lengths"), t)));
    return t;
}

}   // namespace moecost
