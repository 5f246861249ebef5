// SPDX-License-Identifier: Apache-2.0
// Any bytes as a grid of a sweep: a grid whose first and last rows can be written, or one InputError.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "moecost/sweep/block.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace moecost;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const DataStore store;
    try {
        const Grid grid = read_grid(store, parse_toml(text, "fuzz.toml"));
        static_cast<void>(header_row(grid, {}));
        if (grid.points == 0 || grid.points > 100'000) return 0;   // prototypes of a million models take their time
        const Prototypes prototypes(store, grid);
        BlockWorker worker(grid, prototypes, {});
        static_cast<void>(worker.row(0));
        static_cast<void>(worker.row(grid.points - 1));
    } catch (const InputError&) {
        return 0;   // the expected answer to nonsense
    }
    return 0;
}
