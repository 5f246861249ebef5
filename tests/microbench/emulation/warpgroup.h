// SPDX-License-Identifier: Apache-2.0
// Multiplications of warpgroups in the emulator: 128 threads meet, operands are read from shared memory through the
// descriptor as the hardware decodes it, at once or as late as the wait allows. Sums of a pending multiplication are not
// numbers until they are waited for. Found: a missing fence, wait or barrier, operands overwritten while they are read,
// descriptors that differ between lanes or mean another layout.
#pragma once

#include "emulation/warp.h"

namespace microbench::tensor::emulator {
namespace detail {

constexpr int group_lanes = 4 * warp_lanes;
constexpr int group_rows = 64;
constexpr int depth_bytes = 32;             // of K that one multiplication takes
constexpr int dynamic_shared_base = 1024;   // shared addresses of a kernel do not begin at 0 on a chip either

/// Fields of a matrix descriptor, in bytes where they are offsets.
struct Descriptor {
    int start, leading, stride, base, swizzle;
};

inline Descriptor decode(std::uint64_t bits) {
    const auto field = [&](int low, int count) {
        return static_cast<int>((bits >> low) & ((std::uint64_t{1} << count) - 1));
    };
    return {field(0, 14) * 16, field(16, 14) * 16, field(32, 14) * 16, field(49, 3), field(62, 2)};
}

/// Shared address of byte `byte` of row `row`, swizzle of 128 bytes: rows lie 128 bytes apart, groups of 8 rows one stride,
/// 128 bytes of a row to the next 128 (where a row has more) the leading offset; then bits 4-6 of the address are XORed
/// with bits 7-9.
inline int address_of(const Descriptor& d, int row, int byte) {
    const int plain = d.start + byte / 128 * d.leading + row / 8 * d.stride + row % 8 * 128 + byte % 128;
    return plain ^ (((plain >> 7) & 7) << 4);
}

struct Issue {
    float* sums;
    int columns;
    std::uint64_t a, b;
    bool accumulate, bytes;
    const std::uint32_t* registers = nullptr;   // of A
};

/// The current warpgroup multiplies.
void issue_multiply(Issue& call);
/// Waits until at most `pending` groups of multiplications are under way.
void wait_multiplies_until(std::size_t pending);

}   // namespace detail

inline std::uint32_t shared_address(int offset) {
    return static_cast<std::uint32_t>(detail::dynamic_shared_base + offset);
}

inline void fence_async_proxy() { detail::note_fence(detail::machine->proxy, detail::machine->current); }
void warpgroup_fence();
void commit_multiplies();

template <bool Bytes, std::size_t Groups>
void multiply_warpgroup(float (&acc)[Groups][4], std::uint64_t a, std::uint64_t b, bool accumulate) {
    detail::Issue call{&acc[0][0], static_cast<int>(8 * Groups), a, b, accumulate, Bytes};
    detail::issue_multiply(call);
}

template <std::size_t Groups>
void multiply_registers(float (&acc)[Groups][4], const std::uint32_t (&a)[4], std::uint64_t b) {
    detail::Issue call{&acc[0][0], static_cast<int>(8 * Groups), 0, b, true, false, a};
    detail::issue_multiply(call);
}

template <int Pending>
void wait_multiplies() {
    detail::wait_multiplies_until(static_cast<std::size_t>(Pending));
}

}   // namespace microbench::tensor::emulator
