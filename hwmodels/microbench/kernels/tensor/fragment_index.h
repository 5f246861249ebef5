// SPDX-License-Identifier: Apache-2.0
// Which lane of a warp holds which matrix element: fragments of mma.sync, rows of ldmatrix, swizzled shared memory.
//
// Layouts as in the PTX ISA (9.x), "Matrix Fragments for mma.m16n8k16 with floating point type" and "... m16n8k32":
//   group = lane / 4, place = lane % 4
//   m16n8k16 (16 bit)  A: row = group (+8 for elements 2,3,6,7), col = 2 place + i%2 (+8 for i >= 4)
//                      B: row (k) = 2 place + i%2 (+8 for i >= 2), col (n) = group
//   m16n8k32 (8 bit)   A: row = group (+8 for elements 4-7 and 12-15), col = 4 place + i%4 (+16 for i >= 8)
//                      B: row (k) = 4 place + i%4 (+16 for i >= 4), col (n) = group
//   both               C: row = group (+8 for i >= 2), col = 2 place + i%2
// In bytes the two are one: a register holds four bytes of a row, at byte 4 place, of the half (16 bytes) i selects.
// ldmatrix: matrix j takes its eight row addresses from lanes 8j..8j+7; lane t receives the four bytes at 4 (t%4) of
// row t/4; with .trans, the 16-bit elements (2 (t%4), t/4) and (2 (t%4) + 1, t/4).
#pragma once

#include <cstdint>

#include "kernels/index/hd.h"

namespace microbench::tensor {

constexpr int warp_lanes = 32;
constexpr int chunk_bytes = 16;   // of cp.async, of a row of ldmatrix, of the swizzle

struct Coordinate {
    int row;
    int col;
};

MB_HD constexpr int lane_group(int lane) { return lane / 4; }
MB_HD constexpr int lane_place(int lane) { return lane % 4; }

/// Element i (0..7) of lane in A of m16n8k16: 16 rows (m), 16 columns (k).
MB_HD constexpr Coordinate fragment_a16(int lane, int i) {
    return {lane_group(lane) + 8 * ((i / 2) % 2), 2 * lane_place(lane) + i % 2 + 8 * (i / 4)};
}

/// Element i (0..3) of lane in B of m16n8k16: 16 rows (k), 8 columns (n).
MB_HD constexpr Coordinate fragment_b16(int lane, int i) {
    return {2 * lane_place(lane) + i % 2 + 8 * (i / 2), lane_group(lane)};
}

/// Element i (0..15) of lane in A of m16n8k32: 16 rows (m), 32 columns (k).
MB_HD constexpr Coordinate fragment_a8(int lane, int i) {
    return {lane_group(lane) + 8 * ((i / 4) % 2), 4 * lane_place(lane) + i % 4 + 16 * (i / 8)};
}

/// Element i (0..7) of lane in B of m16n8k32: 32 rows (k), 8 columns (n).
MB_HD constexpr Coordinate fragment_b8(int lane, int i) {
    return {4 * lane_place(lane) + i % 4 + 16 * (i / 4), lane_group(lane)};
}

/// Element i (0..3) of lane in C and D of both: 16 rows, 8 columns.
MB_HD constexpr Coordinate fragment_c(int lane, int i) {
    return {lane_group(lane) + 8 * (i / 2), 2 * lane_place(lane) + i % 2};
}

/// Row and 16-byte chunk (0, 1) that lane addresses so that ldmatrix.x4 yields the four registers of A, stored row by
/// row (k contiguous). With .trans, of a tile stored [k][n]: B of two neighbouring groups of 8 columns.
MB_HD constexpr Coordinate ldmatrix_a(int lane) { return {lane % 16, lane / 16}; }

/// The same for B stored [n][k], 16 rows of n: registers 0,1 are B of n 0..7, registers 2,3 of n 8..15.
MB_HD constexpr Coordinate ldmatrix_b(int lane) { return {lane % 8 + 8 * (lane / 16), (lane / 8) % 2}; }

/// Byte offset of 16-byte chunk `chunk` of row `row` in a tile of rows of RowBytes (64 or a multiple of 128). Eight
/// rows of one chunk lie in eight different groups of four banks: ldmatrix without conflicts.
template <int RowBytes>
MB_HD constexpr int swizzled(int row, int chunk) {
    static_assert(RowBytes == 64 || RowBytes % 128 == 0);
    const int turn = RowBytes == 64 ? (row / 2) % 4 : row % 8;
    return row * RowBytes + (chunk ^ turn) * chunk_bytes;
}

/// Column (k) inside 16 that slot i (0..3: registers b0, b1, two halves each) of lane stands for when a B fragment of
/// m16n8k16 is expanded from four consecutive bytes of an 8-bit row. A must be read with the same order of k.
MB_HD constexpr int byte_order_k(int lane, int slot) { return 4 * lane_place(lane) + slot; }

/// Two 16-bit elements in one register, `low` first in memory.
MB_HD constexpr std::uint32_t pack_halves(std::uint16_t low, std::uint16_t high) {
    return std::uint32_t{low} | (std::uint32_t{high} << 16);
}

/// Row of output (dimension inside 16) of column j of the even (parity 0) or odd (1) half, when V of 8 bits is read by
/// ldmatrix.trans as pairs of bytes.
MB_HD constexpr int byte_pair_dim(int j, int parity) { return 2 * j + parity; }

}   // namespace microbench::tensor
