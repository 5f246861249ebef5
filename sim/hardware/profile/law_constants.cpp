// SPDX-License-Identifier: Apache-2.0
// Reader of hwmodels/timing.toml.
#include <algorithm>

#include "moecost/base/data.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {
namespace {

struct GemmTile {
    std::string_view key;
    double area;   // elements of output
};
/// In the order of KernelLaw::padded_tile.
constexpr std::array<GemmTile, 6> gemm_tiles{{{"tile_64x64", 64 * 64},
                                              {"tile_64x128", 64 * 128},
                                              {"tile_128x64", 128 * 64},
                                              {"tile_128x128", 128 * 128},
                                              {"tile_256x128", 256 * 128},
                                              {"tile_128x256", 128 * 256}}};

SmallLaunches small_launches(const Reader& r) {
    r.allow_only({"source", "grouped", "grouped_qk_norm", "compressed", "sparse"});
    constexpr Range launches{0, 1000};
    return {r.number("grouped", launches), r.number("grouped_qk_norm", launches),
            r.number("compressed", launches), r.number("sparse", launches)};
}

KernelLaw kernel_law(const Reader& r) {
    r.allow_only({"source", "tile_64x64", "tile_64x128", "tile_128x64", "tile_128x128", "tile_256x128",
                  "tile_128x256", "partial_tile", "least_prompt_tokens", "noticeable_extrapolation",
                  "small_launches"});
    KernelLaw law;
    for (std::size_t i = 0; i < gemm_tiles.size(); ++i)
        law.padded_tile[i] = gemm_tiles[i].area / r.number(gemm_tiles[i].key, {0.01, 1});
    // The law stops at the first tile that is larger than the best time so far.
    if (!std::is_sorted(law.padded_tile.begin(), law.padded_tile.end()))
        r.fail({}, "the area of a tile over its efficiency must grow from tile_64x64 to tile_128x256");
    law.partial_tile = r.number("partial_tile", fraction);
    law.least_prompt_tokens = r.number("least_prompt_tokens", {1, 1e6});
    law.noticeable_extrapolation = r.number("noticeable_extrapolation", fraction);
    law.small_launches = small_launches(r.table("small_launches"));
    return law;
}

ServingLaw serving_law(const Reader& r) {
    r.allow_only({"source", "most_prefill_steps", "drain_occupancy"});
    return {r.number("most_prefill_steps", {0.01, 1}), r.number("drain_occupancy", fraction)};
}

/// Each engine: what holds for all, then what is its own.
std::vector<ServedEngine> served_engines(const DataStore& data) {
    const Document document = data.open("hwmodels", "serving", "table of serving constants");
    const Reader r(document);
    r.allow_only({"schema", "date", "source", "all", "engine"});
    std::vector<ServedEngine> engines;
    for (const Reader& own : r.tables("engine")) {
        ServedEngine e{own.text("name"), {}};
        read_serving(r.table("all"), e.constants);
        read_serving(own.table("constants"), e.constants);
        engines.push_back(std::move(e));
    }
    return engines;
}

}   // namespace

ServingConstants as_compiled(ServingConstants constants) {
    constants.compiled = true;
    constants.lone = 1;
    constants.stream_per_sequence = Seconds{0};   // tokens leave through the runtime's own threads
    return constants;
}

LawConstants load_law_constants(const DataStore& data) {
    const Document document = data.open("hwmodels", "timing", "table of law constants");
    const Reader r(document);
    r.allow_only({"schema", "date", "kernels", "borrowed", "serving"});
    return {kernel_law(r.table("kernels")), serving_law(r.table("serving")), served_engines(data)};
}

ServingConstants LawConstants::served(std::string_view engine) const {
    const auto it = std::find_if(engines.begin(), engines.end(),
                                 [&](const ServedEngine& e) { return e.engine == engine; });
    return it == engines.end() ? ServingConstants{} : it->constants;
}

}   // namespace moecost
