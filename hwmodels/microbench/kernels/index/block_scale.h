// SPDX-License-Identifier: Apache-2.0
// NVFP4: blocks of 16 e2m1 values with one e4m3 scale, and where cuBLASLt wants the scales.
#pragma once

#include <cstdint>

#include "kernels/index/hd.h"
#include "kernels/index/number_format.h"

namespace microbench {

inline constexpr int fp4_block = 16;

/// Place of the scale of (row, block of 16 columns): tiles of 128 rows x 4 blocks of 512 bytes, row-major; inside a tile
/// 32 groups of 16 bytes hold rows r, r + 32, r + 64, r + 96 with 4 blocks each (cuBLAS documentation, "1D block scaling
/// factors layout").
[[nodiscard]] MB_HD constexpr long long scale_index(long long row, long long block, long long blocks) {
    const long long tile = (row / 128) * ceil_div(blocks, 4) + block / 4;
    return tile * 512 + (row % 32) * 16 + (row % 128) / 32 * 4 + block % 4;
}

/// Bytes of the scales of rows x columns elements, whole tiles.
[[nodiscard]] MB_HD constexpr long long scale_bytes(long long rows, long long columns) {
    return ceil_div(rows, 128) * ceil_div(ceil_div(columns, fp4_block), 4) * 512;
}

/// The e2m1 code nearest to x (saturating at 6); halfway cases go to the even code.
[[nodiscard]] MB_HD inline std::uint8_t to_e2m1(float x) {
    const float a = x < 0 ? -x : x;
    std::uint8_t code = 7;
    if (a <= 0.25f)
        code = 0;
    else if (a < 0.75f)
        code = 1;
    else if (a <= 1.25f)
        code = 2;
    else if (a < 1.75f)
        code = 3;
    else if (a <= 2.5f)
        code = 4;
    else if (a < 3.5f)
        code = 5;
    else if (a <= 5.0f)
        code = 6;
    return static_cast<std::uint8_t>(code | (x < 0 ? 8 : 0));
}

/// Scale of a block by its largest magnitude, as e4m3: largest / 6.
[[nodiscard]] MB_HD inline std::uint8_t block_scale(float largest) { return to_e4m3(largest / 6.0f); }

}   // namespace microbench
