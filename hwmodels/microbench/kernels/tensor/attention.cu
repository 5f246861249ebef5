// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"

namespace microbench::tensor {
namespace {

template <class Shape>
__global__ __launch_bounds__(Shape::threads,
                             Shape::blocks) void decode_kernel(const __grid_constant__ DecodeAttention a) {
    decode_attention<Shape>(a);
}

template <class Shape>
__global__ __launch_bounds__(Shape::threads, 1) void mla_decode_kernel(const __grid_constant__ MlaDecode a) {
    mla_decode<Shape>(a);
}

template <class Shape>
__global__ __launch_bounds__(Shape::threads,
                             Shape::blocks) void prefill_kernel(const __grid_constant__ PrefillAttention a) {
    prefill_attention<Shape>(a);
}

template <int Dim>
__global__ __launch_bounds__(Dim) void merge_kernel(const MergeParts a) {
    merge_parts<Dim>(a);
}

/// Calls use(Shape{}) with the shape of the decode kernel.
template <class Use>
void with_decode_shape(bool bytes, int head_dim, const Use& use) {
    if (head_dim == 64) {
        bytes ? use(E4m3Decode<64>{}) : use(Bf16Decode<64>{});
    } else {
        bytes ? use(E4m3Decode<128>{}) : use(Bf16Decode<128>{});
    }
}

template <class Use>
void with_mla_shape(bool bytes, int heads, double shared_bytes, const Use& use) {
    if (bytes) {
        heads <= MlaE4m3Small::heads ? use(MlaE4m3Small{}) : use(MlaE4m3Large{});
    } else if (shared_bytes < MlaSmall::shared_bytes) {
        use(MlaA100{});
    } else if (heads <= MlaSmall::heads || shared_bytes < MlaLarge::shared_bytes) {
        use(MlaSmall{});
    } else {
        use(MlaLarge{});
    }
}

template <class Shape>
void launch_prefill_shape(const PrefillAttention& a, int batch, Stream stream) {
    const dim3 grid = grid_of(batch * a.q_heads, divide_up(a.length, Shape::queries));
    launch(prefill_kernel<Shape>, grid, Shape::threads, Shape::shared_bytes, a, stream, "prefill attention");
}

constexpr int most_parts = 64;

}   // namespace

void plan_decode(DecodeAttention& a, bool bytes, int head_dim, int batch, int context, int multiprocessors) {
    with_decode_shape(bytes, head_dim, [&](auto shape) {
        using Shape = decltype(shape);
        const int items = batch * a.kv_heads * divide_up(a.q_heads / a.kv_heads, Shape::heads);
        const int tile = Shape::warps * Shape::tile;
        const int tokens = tokens_read(context, a.window, Shape::tile);
        a.parts = choose_parts(items, tokens, tile, multiprocessors * Shape::blocks, most_parts);
        a.part_tokens = part_tokens_for(tokens, a.parts, tile);
    });
}

void launch_decode(const DecodeAttention& a, bool bytes, int head_dim, int batch, Stream stream) {
    with_decode_shape(bytes, head_dim, [&](auto shape) {
        using Shape = decltype(shape);
        const dim3 grid =
            grid_of(a.parts, a.kv_heads * divide_up(a.q_heads / a.kv_heads, Shape::heads), batch);
        launch(decode_kernel<Shape>, grid, Shape::threads, Shape::shared_bytes, a, stream,
               "decode attention");
        if (a.parts == 1) return;
        const MergeParts merge{a.part_out, a.part_lse, a.out, a.parts};
        launch(merge_kernel<Shape::dim>, grid_of(batch * a.q_heads), Shape::dim, 0, merge, stream,
               "merge parts");
    });
}

void plan_mla_decode(MlaDecode& a, bool bytes, int batch, int context, int multiprocessors,
                     double shared_bytes) {
    with_mla_shape(bytes, a.heads, shared_bytes, [&](auto shape) {
        using Shape = decltype(shape);
        if (shared_bytes < Shape::shared_bytes) {
            throw SkipCase{"a block needs " + std::to_string(Shape::shared_bytes) +
                           " bytes of shared memory"};
        }
        a.parts =
            choose_parts(batch * divide_up(a.heads, Shape::heads), context, 64, multiprocessors, most_parts);
        a.part_tokens = part_tokens_for(context, a.parts, 64);
    });
}

void launch_mla_decode(const MlaDecode& a, bool bytes, int batch, double shared_bytes, Stream stream) {
    with_mla_shape(bytes, a.heads, shared_bytes, [&](auto shape) {
        using Shape = decltype(shape);
        const dim3 grid = grid_of(a.parts, divide_up(a.heads, Shape::heads), batch);
        launch(mla_decode_kernel<Shape>, grid, Shape::threads, Shape::shared_bytes, a, stream, "MLA decode");
        if (a.parts == 1) return;
        const MergeParts merge{a.part_out, a.part_lse, a.out, a.parts};
        launch(merge_kernel<Shape::value_dim>, grid_of(batch * a.heads), Shape::value_dim, 0, merge, stream,
               "merge parts");
    });
}

void launch_prefill(const PrefillAttention& a, int query_dim, int batch, Stream stream) {
    if (query_dim == 64) launch_prefill_shape<Prefill64>(a, batch, stream);
    if (query_dim == 128) launch_prefill_shape<Prefill128>(a, batch, stream);
    if (query_dim == 192) launch_prefill_shape<PrefillMla>(a, batch, stream);
}

}   // namespace microbench::tensor
