// SPDX-License-Identifier: Apache-2.0
#include "kernels/small_ops.h"

#include "kernels/cuda.h"
#include "kernels/index/small_ops.h"
#include "kernels/reduce.cuh"
#include "kernels/vector.cuh"

namespace microbench {
namespace {

constexpr int threads = 256;
constexpr int head_dim = 128;

__global__ void rmsnorm(__nv_bfloat16* out, const __nv_bfloat16* in, const __nv_bfloat16* weight, int width) {
    const std::size_t row = static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(width);
    const int first = 8 * static_cast<int>(threadIdx.x);
    float x[8];
    float w[8];
    float squares = 0;
    for (int i = first; i < width; i += 8 * threads) {
        load8(x, in + row + i);
#pragma unroll
        for (int j = 0; j < 8; ++j) squares += x[j] * x[j];
    }
    const float scale = rsqrtf(block_reduce(squares, Add{}) / static_cast<float>(width) + 1e-6f);
    for (int i = first; i < width; i += 8 * threads) {
        load8(x, in + row + i);
        load8(w, weight + i);
#pragma unroll
        for (int j = 0; j < 8; ++j) x[j] *= scale * w[j];
        store8(out + row + i, x);
    }
}

/// One thread turns 8 elements of the first half of a head with their partners.
__global__ void rope(__nv_bfloat16* out, const __nv_bfloat16* in, const float2* turns, int tokens,
                     int heads) {
    constexpr int pieces = head_dim / 2 / 8;
    const long long item = static_cast<long long>(blockIdx.x) * threads + threadIdx.x;
    if (item >= static_cast<long long>(tokens) * heads * pieces) return;
    const int i = static_cast<int>(item % pieces) * 8;
    const long long head = item / pieces;
    const long long at = head * head_dim + i;
    const int partner = rope_partner(i, head_dim) - i;
    float a[8];
    float b[8];
    load8(a, in + at);
    load8(b, in + at + partner);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
        const float2 turn = turns[rope_pair(head / heads, i + j, head_dim)];
        const float low = a[j] * turn.x - b[j] * turn.y;
        b[j] = b[j] * turn.x + a[j] * turn.y;
        a[j] = low;
    }
    store8(out + at, a);
    store8(out + at + partner, b);
}

__global__ void silu_mul(__nv_bfloat16* out, const __nv_bfloat16* in, long long tokens, int width) {
    const long long pieces = tokens * width / 8;
    const long long step = static_cast<long long>(gridDim.x) * threads;
    float gate[8];
    float up[8];
    for (long long p = static_cast<long long>(blockIdx.x) * threads + threadIdx.x; p < pieces; p += step) {
        const long long token = p * 8 / width;
        const long long i = p * 8 % width;
        load8(gate, in + token * 2 * width + i);
        load8(up, in + token * 2 * width + width + i);
#pragma unroll
        for (int j = 0; j < 8; ++j) gate[j] = gate[j] / (1.0f + __expf(-gate[j])) * up[j];
        store8(out + p * 8, gate);
    }
}

/// One warp for a token; each lane keeps experts lane, lane + 32, ...
constexpr int most_experts_per_lane = 16;
__global__ void router(int* ids, float* weights, const float* logits, int tokens, int experts, int top_k) {
    const int token = static_cast<int>(blockIdx.x) * (threads / 32) + static_cast<int>(threadIdx.x) / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if (token >= tokens) return;
    float x[most_experts_per_lane];
    float largest = -INFINITY;
#pragma unroll
    for (int i = 0; i < most_experts_per_lane; ++i) {
        const int e = lane + 32 * i;
        x[i] = e < experts ? logits[static_cast<long long>(token) * experts + e] : -INFINITY;
        largest = fmaxf(largest, x[i]);
    }
    for (int offset = 16; offset > 0; offset /= 2)
        largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, offset));
    // The sum of all exponentials cancels when the chosen weights are scaled to one.
    float sum = 0;
    float mine = 0;
    for (int k = 0; k < top_k; ++k) {
        float best = -INFINITY;
        int at = experts;
#pragma unroll
        for (int i = 0; i < most_experts_per_lane; ++i) {
            if (x[i] > best) {
                best = x[i];
                at = lane + 32 * i;
            }
        }
        for (int offset = 16; offset > 0; offset /= 2) {
            const float other = __shfl_xor_sync(0xffffffffu, best, offset);
            const int other_at = __shfl_xor_sync(0xffffffffu, at, offset);
            if (other > best || (other == best && other_at < at)) {
                best = other;
                at = other_at;
            }
        }
#pragma unroll
        for (int i = 0; i < most_experts_per_lane; ++i) {
            if (at == lane + 32 * i) x[i] = -INFINITY;
        }
        const float weight = __expf(best - largest);
        sum += weight;
        if (lane == k) {
            mine = weight;
            ids[static_cast<long long>(token) * top_k + k] = at;
        }
    }
    if (lane < top_k) weights[static_cast<long long>(token) * top_k + lane] = mine / sum;
}

__global__ void permute(__nv_bfloat16* out, int* source, const __nv_bfloat16* x, long long pairs, int width,
                        int top_k) {
    const long long pair = blockIdx.x;
    const long long token = pair / top_k;
    const long long row = permuted_row(pair, pairs);
    for (int i = 8 * static_cast<int>(threadIdx.x); i < width; i += 8 * threads) {
        *reinterpret_cast<uint4*>(out + row * width + i) =
            *reinterpret_cast<const uint4*>(x + token * width + i);
    }
    if (threadIdx.x == 0) source[row] = static_cast<int>(token);
}

unsigned grid(long long items, int per_block) { return static_cast<unsigned>(ceil_div(items, per_block)); }

}   // namespace

void launch_rmsnorm(__nv_bfloat16* out, const __nv_bfloat16* x, const __nv_bfloat16* weight, int tokens,
                    int width, Stream stream) {
    rmsnorm<<<grid(tokens, 1), threads, 0, stream>>>(out, x, weight, width);
    check_launch("rmsnorm");
}
void launch_rope(__nv_bfloat16* out, const __nv_bfloat16* x, const float2* turns, int tokens, int heads,
                 Stream stream) {
    const long long items = static_cast<long long>(tokens) * heads * (head_dim / 2 / 8);
    rope<<<grid(items, threads), threads, 0, stream>>>(out, x, turns, tokens, heads);
    check_launch("rope");
}
void launch_silu_mul(__nv_bfloat16* out, const __nv_bfloat16* in, int tokens, int width, Stream stream) {
    const long long pieces = static_cast<long long>(tokens) * width / 8;
    silu_mul<<<grid(pieces, threads), threads, 0, stream>>>(out, in, tokens, width);
    check_launch("silu_mul");
}
void launch_router(int* ids, float* weights, const float* logits, int tokens, int experts, int top_k,
                   Stream stream) {
    if (experts > 32 * most_experts_per_lane || top_k > 32)
        throw SkipCase{"the router holds 512 experts, top 32"};
    router<<<grid(tokens, threads / 32), threads, 0, stream>>>(ids, weights, logits, tokens, experts, top_k);
    check_launch("router");
}
void launch_permute(__nv_bfloat16* out, int* source, const __nv_bfloat16* x, int tokens, int width, int top_k,
                    Stream stream) {
    const long long pairs = static_cast<long long>(tokens) * top_k;
    permute<<<grid(pairs, 1), threads, 0, stream>>>(out, source, x, pairs, width, top_k);
    check_launch("permute");
}

}   // namespace microbench
