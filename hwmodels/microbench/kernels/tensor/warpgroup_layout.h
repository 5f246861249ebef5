// SPDX-License-Identifier: Apache-2.0
// Sizes, registers and descriptors of multiplications of warpgroups (wgmma), as in the PTX ISA.
#pragma once

#include <cstdint>

#include "kernels/index/hd.h"
#include "kernels/tensor/fragment_index.h"

namespace microbench::tensor {

constexpr int warpgroup_lanes = 4 * warp_lanes;
constexpr int warpgroup_rows = 64;         // of A and of the sums, for one multiplication
constexpr int warpgroup_depth = 32;        // bytes of K of one multiplication: 16 of bfloat16, 32 of e4m3
constexpr int swizzle_atom_bytes = 1024;   // 8 rows of 128 bytes: operands begin at multiples of it
/// Sums of N columns.
template <int N>
using WarpgroupSums = float[N / 8][4];

/// Field of a descriptor: an address or offset in units of 16 bytes.
MB_HD constexpr std::uint64_t descriptor_field(std::uint32_t bytes) { return (bytes & 0x3FFFFu) >> 4; }

/// Descriptor ("Matrix Descriptor Format") of rows of 128 bytes at a shared address: bits 0-13 start, 16-29 leading offset,
/// 32-45 stride from 8 rows to the next 8, 49-51 base offset (0: operands begin at a multiple of 1024), 62-63 swizzle (1:
/// 128 bytes). Leading offset: not used, 1, where rows are those of A or B and K lies along them ("K-major"); where rows
/// are K and 64 columns of B lie along them ("MN-major"), from 64 columns to the next 64.
MB_HD constexpr std::uint64_t matrix_descriptor(std::uint32_t address, std::uint32_t leading = 16) {
    return descriptor_field(address) | descriptor_field(leading) << 16 |
           descriptor_field(swizzle_atom_bytes) << 32 | std::uint64_t{1} << 62;
}

/// The same operand `bytes` further on: 32 for the next multiplication along rows, 128 for each row.
MB_HD constexpr std::uint64_t advanced(std::uint64_t descriptor, int bytes) {
    return descriptor + descriptor_field(static_cast<std::uint32_t>(bytes));
}

}   // namespace microbench::tensor
