// SPDX-License-Identifier: Apache-2.0
// Any bytes as a result of a load generator: points that are written and read again as a table, or one InputError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "moecost/measured/benchmarks.h"

namespace {

using namespace moecost;

void check_points(const std::vector<MeasuredPoint>& points) {
    const std::string written = points_csv(points);
    if (read_points(CsvTable(written, "written.csv")).size() != points.size()) std::abort();
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(is_benchmark(text));
    MeasuredPoint on_eight_gpus;
    on_eight_gpus.gpu = "h200_sxm";
    on_eight_gpus.tp = 8;
    on_eight_gpus.attention_dp = 1;
    for (const MeasuredPoint& known : {MeasuredPoint{}, on_eight_gpus}) {
        try {
            check_points(read_benchmark(text, "fuzz.json", known));
        } catch (const InputError&) {
            continue;   // the expected answer to nonsense
        }
    }
    return 0;
}
