// SPDX-License-Identifier: Apache-2.0
// Instructions of threads and warps in the emulator: shuffles, asynchronous copies, ldmatrix, mma.sync, conversions.
#pragma once

#include <cmath>
#include <cstdint>

#include "emulation/block.h"
#include "kernels/index/number_format.h"

namespace microbench::tensor::emulator {

struct alignas(16) Words {
    std::uint32_t w[4];
};

inline int atomic_add(int* where, int what) {
    const int before = *where;
    *where += what;
    return before;
}

void sync_warp();
std::uint32_t shuffle_xor_bits(std::uint32_t value, int mask);
int shuffle_up(int value, int delta);

void copy_async(int offset, const void* source, bool valid);
/// Waits until at most `pending` closed groups of copies are under way.
void wait_copies_until(std::size_t pending);
inline void commit_copies() { detail::here().groups.push_back(0); }
template <int Pending>
void wait_copies() {
    wait_copies_until(static_cast<std::size_t>(Pending));
}

void load_matrices(std::uint32_t (&r)[4], int offset);
void load_matrices_transposed(std::uint32_t (&r)[4], int offset);

void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1);
void mma_e4m3(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1);

inline float element16(const std::uint32_t* words, int i) {
    return from_bf16(static_cast<std::uint16_t>(words[i / 2] >> (16 * (i % 2))));
}
inline float element8(const std::uint32_t* words, int i) {
    return from_e4m3(static_cast<std::uint8_t>(words[i / 4] >> (8 * (i % 4))));
}

inline float exp2_fast(float x) { return std::exp2(x); }
inline float log2_fast(float x) { return std::log2(x); }
inline float reciprocal(float x) { return 1.0F / x; }
inline std::uint32_t pack_bf16(float low, float high) { return pack_halves(to_bf16(low), to_bf16(high)); }

inline std::uint16_t pack_e4m3(float low, float high) {
    return static_cast<std::uint16_t>(to_e4m3(low) | (to_e4m3(high) << 8));
}

inline std::uint32_t choose_bytes(std::uint32_t x, std::uint32_t y, std::uint32_t order) {
    const std::uint64_t bytes = (std::uint64_t{y} << 32) | x;
    std::uint32_t chosen = 0;
    for (int i = 0; i < 4; ++i) {
        chosen |= static_cast<std::uint32_t>((bytes >> (8 * ((order >> (4 * i)) & 7u))) & 0xFFu) << (8 * i);
    }
    return chosen;
}

inline std::uint32_t multiply_bf16(std::uint32_t x, std::uint32_t y) {
    const std::uint32_t words[2] = {x, y};
    return pack_bf16(element16(words, 0) * element16(words, 2), element16(words, 1) * element16(words, 3));
}

}   // namespace microbench::tensor::emulator
