// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/assembly_rules.h"

#include "moecost/base/data.h"

namespace moecost {
namespace {

constexpr Range microseconds{0, 1e6};

void read_fused(const Reader& r, AssemblyRules& rules) {
    r.allow_only({"engine", "weights", "us", "source"});
    rules.fused_engine = r.text("engine");
    rules.fused_us = r.number("us", microseconds);
    const auto weights = dtype_named(r.text("weights"));
    if (!weights) r.fail("weights", "is not a number format");
    rules.fused_weights = *weights;
}

}   // namespace

AssemblyRules load_assembly_rules(const DataStore& data) {
    const Document document = data.open("hwmodels/calibrate", "assembly", "table of assembly rules");
    const Reader r(document);
    r.allow_only({"schema", "date", "source", "own_rows", "serving_of_own_rows", "engines", "mla_engines",
                  "fallback_kernels", "generated_kernel", "eager_floor_us", "least_floor_us",
                  "fused_quantisation"});
    AssemblyRules rules;
    rules.own_rows = r.text("own_rows");
    rules.serving_of_own_rows = r.text("serving_of_own_rows");
    rules.engines = r.texts("engines");
    rules.mla_engines = r.texts("mla_engines");
    rules.fallback_kernels = r.texts("fallback_kernels");
    rules.generated_kernel = r.text("generated_kernel");
    rules.eager_floor_us = r.number("eager_floor_us", microseconds);
    rules.least_floor_us = r.number("least_floor_us", microseconds);
    read_fused(r.table("fused_quantisation"), rules);
    return rules;
}

}   // namespace moecost
