// SPDX-License-Identifier: Apache-2.0
#include "emulation/warp.h"

#include <algorithm>
#include <cstring>

namespace microbench::tensor::emulator {

using detail::machine;

namespace {

struct Shuffle {
    std::uint32_t value;
    int distance;
    std::uint32_t result;
};

struct MatrixLoad {
    std::uint32_t* r;
    int offset;
};

/// Row addresses of matrix j from lanes 8j..8j+7; counts the passes beyond one that eight rows need.
void count_conflicts(void** all, int matrix) {
    int offsets[8];
    int used[8] = {};
    int passes = 1;
    for (int row = 0; row < 8; ++row) {
        offsets[row] = static_cast<MatrixLoad*>(all[8 * matrix + row])->offset;
        bool same = false;
        for (int before = 0; before < row; ++before) same |= offsets[before] == offsets[row];
        if (!same) passes = std::max(passes, ++used[(offsets[row] / chunk_bytes) % 8]);
    }
    machine->report.conflicts += passes - 1;
    ++machine->report.matrix_loads;
}

template <bool Transposed>
void load_matrices_of_warp(void** all) {
    const unsigned char* shared = machine->shared.data();
    for (int matrix = 0; matrix < 4; ++matrix) {
        count_conflicts(all, matrix);
        for (int lane = 0; lane < warp_lanes; ++lane) {
            auto row_at = [&](int row) {
                return shared + static_cast<MatrixLoad*>(all[8 * matrix + row])->offset;
            };
            std::uint16_t low = 0;
            std::uint16_t high = 0;
            if (Transposed) {
                std::memcpy(&low, row_at(2 * (lane % 4)) + 2 * (lane / 4), 2);
                std::memcpy(&high, row_at(2 * (lane % 4) + 1) + 2 * (lane / 4), 2);
            } else {
                std::memcpy(&low, row_at(lane / 4) + 4 * (lane % 4), 2);
                std::memcpy(&high, row_at(lane / 4) + 4 * (lane % 4) + 2, 2);
            }
            static_cast<MatrixLoad*>(all[lane])->r[matrix] = pack_halves(low, high);
        }
    }
}

struct Multiply {
    float* d;
    const std::uint32_t* a;
    std::uint32_t b[2];
};

template <bool Bytes>
void multiply_of_warp(void** all) {
    constexpr int depth = Bytes ? 32 : 16;
    float a[16][depth];
    float b[depth][8];
    for (int lane = 0; lane < warp_lanes; ++lane) {
        const auto* call = static_cast<Multiply*>(all[lane]);
        for (int i = 0; i < depth / 2; ++i) {
            const Coordinate at = Bytes ? fragment_a8(lane, i) : fragment_a16(lane, i);
            a[at.row][at.col] = Bytes ? element8(call->a, i) : element16(call->a, i);
        }
        for (int i = 0; i < depth / 4; ++i) {
            const Coordinate at = Bytes ? fragment_b8(lane, i) : fragment_b16(lane, i);
            b[at.row][at.col] = Bytes ? element8(call->b, i) : element16(call->b, i);
        }
    }
    float c[16][8] = {};
    for (int row = 0; row < 16; ++row) {
        for (int k = 0; k < depth; ++k) {
            for (int col = 0; col < 8; ++col) c[row][col] += a[row][k] * b[k][col];
        }
    }
    for (int lane = 0; lane < warp_lanes; ++lane) {
        for (int i = 0; i < 4; ++i) {
            const Coordinate at = fragment_c(lane, i);
            static_cast<Multiply*>(all[lane])->d[i] += c[at.row][at.col];
        }
    }
    ++machine->report.mma_calls;
}

}   // namespace

void sync_warp() {
    int nothing = 0;
    detail::meet(&nothing, [](void**) {});
}

std::uint32_t shuffle_xor_bits(std::uint32_t value, int mask) {
    Shuffle call{value, mask, 0};
    detail::meet(&call, [](void** all) {
        for (int lane = 0; lane < warp_lanes; ++lane) {
            auto* mine = static_cast<Shuffle*>(all[lane]);
            mine->result = static_cast<Shuffle*>(all[lane ^ mine->distance])->value;
        }
    });
    return call.result;
}

int shuffle_up(int value, int delta) {
    Shuffle call{static_cast<std::uint32_t>(value), delta, 0};
    detail::meet(&call, [](void** all) {
        for (int lane = 0; lane < warp_lanes; ++lane) {
            auto* mine = static_cast<Shuffle*>(all[lane]);
            const int from = lane >= mine->distance ? lane - mine->distance : lane;
            mine->result = static_cast<Shuffle*>(all[from])->value;
        }
    });
    return static_cast<int>(call.result);
}

void copy_async(int offset, const void* source, bool valid) {
    if (!detail::inside(offset, chunk_bytes)) return;
    if (reinterpret_cast<std::uintptr_t>(source) % chunk_bytes != 0)
        detail::fault("cp.async from a misaligned address");
    if (detail::is_pending(machine->proxy, offset))
        detail::fault("copy into what a pending multiplication reads");
    ++machine->report.copies;
    const detail::Copy copy{offset, source, valid};
    if (machine->options.late_copies) {
        detail::note_copy(machine->proxy, offset);
    } else {
        detail::land(copy);
    }
    detail::here().copies.push_back(copy);
    ++detail::here().groups.back();
}

void wait_copies_until(std::size_t pending) {
    detail::Thread& thread = detail::here();
    while (thread.groups.size() > pending + 1) {
        const auto end = thread.copies.begin() + static_cast<std::ptrdiff_t>(thread.groups.front());
        if (machine->options.late_copies) std::for_each(thread.copies.begin(), end, detail::land);
        thread.copies.erase(thread.copies.begin(), end);
        thread.groups.erase(thread.groups.begin());
    }
}

void load_matrices(std::uint32_t (&r)[4], int offset) {
    if (!detail::inside(offset, chunk_bytes)) offset = 0;
    MatrixLoad call{r, offset};
    detail::meet(&call, load_matrices_of_warp<false>);
}
void load_matrices_transposed(std::uint32_t (&r)[4], int offset) {
    if (!detail::inside(offset, chunk_bytes)) offset = 0;
    MatrixLoad call{r, offset};
    detail::meet(&call, load_matrices_of_warp<true>);
}

void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    Multiply call{d, a, {b0, b1}};
    detail::meet(&call, multiply_of_warp<false>);
}
void mma_e4m3(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    Multiply call{d, a, {b0, b1}};
    detail::meet(&call, multiply_of_warp<true>);
}

}   // namespace microbench::tensor::emulator
