// SPDX-License-Identifier: Apache-2.0
// Online softmax of rows that lie in fragments of C: lane group g holds rows g and g + 8, its four lanes the columns.
#pragma once

#include <cmath>

#include "kernels/tensor/attention_index.h"
#include "kernels/tensor/simt.h"

namespace microbench::tensor {

MB_DEV float larger(float a, float b) { return a > b ? a : b; }

/// Over the four lanes of a group.
MB_DEV float group_max(float x) {
    x = larger(x, shuffle_xor(x, 1));
    return larger(x, shuffle_xor(x, 2));
}
MB_DEV float group_sum(float x) {
    x += shuffle_xor(x, 1);
    return x + shuffle_xor(x, 2);
}

/// Largest score of row group `half` (0, 1) in this lane.
template <int Tiles>
MB_DEV float lane_max(const float (&s)[Tiles][4], int half) {
    float most = no_score;
    MB_UNROLL
    for (int n = 0; n < Tiles; ++n) most = larger(most, larger(s[n][2 * half], s[n][2 * half + 1]));
    return most;
}

/// Scores become exp2(scale (score - most)); returns their sum in this lane.
template <int Tiles>
MB_DEV float exponentials(float (&s)[Tiles][4], int half, float most, float scale) {
    const float shift = -most * scale;
    float sum = 0;
    MB_UNROLL
    for (int n = 0; n < Tiles; ++n) {
        MB_UNROLL
        for (int c = 0; c < 2; ++c) {
            // One rounding, on the CPU as on the GPU: hidden_score says why it matters.
            s[n][2 * half + c] = exp2_fast(std::fmaf(s[n][2 * half + c], scale, shift));
            sum += s[n][2 * half + c];
        }
    }
    return sum;
}

template <int Tiles>
MB_DEV void scale_rows(float (&o)[Tiles][4], int half, float factor) {
    MB_UNROLL
    for (int n = 0; n < Tiles; ++n) {
        o[n][2 * half] *= factor;
        o[n][2 * half + 1] *= factor;
    }
}

/// One step of the online softmax of row group `half`: `most` (unscaled) and `sum` (of this lane) move on to include
/// the scores s, which become probabilities relative to `most`; what was accumulated before is scaled down.
template <int Tiles, int OutTiles>
MB_DEV void absorb_scores(float (&s)[Tiles][4], int half, float scale, float& most, float& sum,
                          float (&o)[OutTiles][4]) {
    const float top = larger(most, group_max(lane_max(s, half)));
    const float fade = exp2_fast((most - top) * scale);
    most = top;
    sum = sum * fade + exponentials(s, half, top, scale);
    scale_rows(o, half, fade);
}

/// C fragments of 16 columns (two tiles of 8) are the A fragment of the next product, rounded to bfloat16.
MB_DEV void probabilities(std::uint32_t (&a)[4], const float (&left)[4], const float (&right)[4]) {
    a[0] = pack_bf16(left[0], left[1]);
    a[1] = pack_bf16(left[2], left[3]);
    a[2] = pack_bf16(right[0], right[1]);
    a[3] = pack_bf16(right[2], right[3]);
}

/// Writes rows of fragments as bfloat16, 16 bytes a lane: tiles 4j..4j+3 of row group `half`, times `factor`.
template <int Tiles>
MB_DEV void store_row(std::uint16_t* row, const float (&o)[Tiles][4], int half, float factor, bool valid) {
    static_assert(Tiles % 4 == 0);
    const int lane = thread_index() % warp_lanes;
    MB_UNROLL
    for (int j = 0; j < Tiles; j += 4) {
        std::uint32_t words[4];
        MB_UNROLL
        for (int i = 0; i < 4; ++i) {
            words[i] = pack_bf16(o[j + i][2 * half] * factor, o[j + i][2 * half + 1] * factor);
        }
        transpose_group(words, lane);
        if (valid) {
            *reinterpret_cast<Words*>(row + 8 * (j + lane_place(lane))) =
                Words{{words[0], words[1], words[2], words[3]}};
        }
    }
}

/// Merges the parts of a context: out[dim] = sum of parts weighted by exp2(lse - largest lse). One block per row of
/// Dim threads; `rows` is batch x heads.
struct MergeParts {
    const float* part_out = nullptr;   // rows x parts x Dim
    const float* part_lse = nullptr;   // rows x parts, log2
    std::uint16_t* out = nullptr;      // rows x Dim
    int parts = 0;
};

template <int Dim>
MB_DEV void merge_parts(const MergeParts& a) {
    const auto row = static_cast<std::size_t>(block_x());
    const auto parts = static_cast<std::size_t>(a.parts);
    const float* lse = a.part_lse + row * parts;
    float most = no_score;
    for (std::size_t p = 0; p < parts; ++p) most = larger(most, lse[p]);
    float sum = 0;
    float value = 0;
    for (std::size_t p = 0; p < parts; ++p) {
        const float weight = exp2_fast(lse[p] - most);
        sum += weight;
        value += weight * a.part_out[(row * parts + p) * Dim + static_cast<std::size_t>(thread_index())];
    }
    a.out[row * Dim + static_cast<std::size_t>(thread_index())] = to_bf16(value / sum);
}

}   // namespace microbench::tensor
