// SPDX-License-Identifier: Apache-2.0
#include "kernels/one_shot.h"

#include "kernels/cuda.h"
#include "kernels/vector.cuh"

namespace microbench {
namespace {

constexpr unsigned long long give_up_ns = 1'000'000'000ULL;

__device__ void raise_flag(unsigned* flag, unsigned epoch) {
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(flag), "r"(epoch) : "memory");
}
__device__ unsigned read_flag(const unsigned* flag) {
    unsigned value = 0;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(flag) : "memory");
    return value;
}
__device__ unsigned long long nanoseconds() {
    unsigned long long ns = 0;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
    return ns;
}

/// The blocks of this number meet on all ranks: thread r raises our flag at rank r and waits for the flag of rank r.
__device__ void meet(const OneShotPeers& peers, unsigned epoch, int rank, int ranks, int* failed) {
    __syncthreads();
    const int other = static_cast<int>(threadIdx.x);
    if (other < ranks) {
        const int block = static_cast<int>(blockIdx.x);
        raise_flag(peers.flags[other] + flag_index(block, rank), epoch);
        const unsigned* mine = peers.flags[rank] + flag_index(block, other);
        const unsigned long long start = nanoseconds();
        // Flags only grow; the difference is right also after they wrap around.
        while (static_cast<int>(read_flag(mine) - epoch) < 0) {
            if (nanoseconds() - start > give_up_ns) {
                *failed = 1;
                break;
            }
        }
    }
    __syncthreads();
}

/// Reads in the order rank, rank + 1, ..., so that no rank is read by all at once; adds in the order 0, 1, ..., so that
/// every rank gets the same bits. The places of `part` are known at compile time and stay in registers.
template <int ranks>
__device__ void add_all(const OneShotPeers& peers, __nv_bfloat16* output, long long v, int rank) {
    float part[ranks][8];
#pragma unroll
    for (int i = 0; i < ranks; ++i) load8(part[i], peers.input[read_order(rank, i, ranks)] + 8 * v);
    float sum[8] = {};
#pragma unroll
    for (int r = 0; r < ranks; ++r) {
#pragma unroll
        for (int i = 0; i < ranks; ++i) {
            if (read_order(rank, i, ranks) != r) continue;
#pragma unroll
            for (int j = 0; j < 8; ++j) sum[j] += part[i][j];
        }
    }
    store8(output + 8 * v, sum);
}

template <int ranks>
__global__ void __launch_bounds__(one_shot_threads)
    one_shot(OneShotPeers peers, __nv_bfloat16* output, long long elements, unsigned* epochs, int* failed,
             int rank) {
    const unsigned epoch = epochs[blockIdx.x];
    meet(peers, epoch + 1, rank, ranks, failed);   // all inputs are written
    const long long vectors = elements / 8;
    const long long step = static_cast<long long>(gridDim.x) * one_shot_threads;
    for (long long v = static_cast<long long>(blockIdx.x) * one_shot_threads + threadIdx.x; v < vectors;
         v += step) {
        add_all<ranks>(peers, output, v, rank);
    }
    meet(peers, epoch + 2, rank, ranks, failed);   // all inputs are read: they may change
    if (threadIdx.x == 0) epochs[blockIdx.x] = epoch + 2;
}

}   // namespace

void launch_one_shot(const OneShotPeers& peers, __nv_bfloat16* output, long long elements, unsigned* epochs,
                     int* failed, int rank, int ranks, Stream stream) {
    const auto blocks = static_cast<unsigned>(one_shot_blocks(elements / 8));
    switch (ranks) {
        case 2:
            one_shot<2>
                <<<blocks, one_shot_threads, 0, stream>>>(peers, output, elements, epochs, failed, rank);
            break;
        case 4:
            one_shot<4>
                <<<blocks, one_shot_threads, 0, stream>>>(peers, output, elements, epochs, failed, rank);
            break;
        case 8:
            one_shot<8>
                <<<blocks, one_shot_threads, 0, stream>>>(peers, output, elements, epochs, failed, rank);
            break;
        default:
            throw SkipCase{"one-shot all-reduce runs on 2, 4 or 8 ranks"};
    }
    check_launch("one-shot all-reduce");
}

}   // namespace microbench
