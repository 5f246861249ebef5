// SPDX-License-Identifier: Apache-2.0
// Any bytes as a scenario file: a deployment that runs or cannot, with finite figures, or one InputError.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "moecost/estimate/estimate.h"
#include "moecost/estimate/inputs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace moecost;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.find('/') != std::string_view::npos) return 0;   // no paths: what they name is not of the input
    static const DataStore store;
    try {
        Description d;
        apply_scenario_file(d, parse_toml(text, "fuzz.toml"));
        const Expected<Scenario> s = describe(store, d);
        if (!s) return 0;
        const Expected<Estimate> e = evaluate(*s);
        if (e && !std::isfinite(e->serving.output_tokens_per_s.value())) std::abort();
    } catch (const InputError&) {
        return 0;   // the expected answer to nonsense
    }
    return 0;
}
