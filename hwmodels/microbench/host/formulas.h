// SPDX-License-Identifier: Apache-2.0
// Work of one call of every operation of the suite: FLOP, and bytes that must cross memory (or links) once.
// A multiply-add is 2 FLOP. w: bytes of an element of the operands, scales included.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "host/bench.h"

namespace microbench {

/// Bytes of one element of a type by the spelling of the tables; block scales included.
[[nodiscard]] constexpr double bytes_of(std::string_view dtype) {
    if (dtype == "float32") return 4;
    if (dtype == "bfloat16" || dtype == "half") return 2;
    if (dtype == "fp8" || dtype == "int8") return 1;
    if (dtype == "nvfp4") return 0.5 + 1.0 / 16;
    throw "unknown dtype";
}

struct Formula {
    std::string_view operation;
    std::string_view arguments;
    std::string_view flop;
    std::string_view bytes;
    Work (*work)(const double* a);
};

/// Distinct experts of `pairs` token-expert pairs under balanced routing.
[[nodiscard]] constexpr double distinct_experts(double experts, double pairs) {
    return pairs < experts ? pairs : experts;
}

/// Tokens that one query attends of a context of `context`, itself included. window 0: no sliding window.
[[nodiscard]] constexpr double visible(double context, double window) {
    return window > 0 && window < context ? window : context;
}

/// Pairs of query and key of `isl` causal queries behind `prefix` tokens: all those of prefix + isl queries, of which
/// the first of a window w see 1, 2, ... w keys and the rest w, less those of the prefix.
[[nodiscard]] constexpr double causal_pairs(double isl, double window, double prefix) {
    const auto pairs = [window](double tokens) {
        const double w = visible(tokens, window);
        return w * (w + 1) / 2 + (tokens - w) * w;
    };
    return pairs(prefix + isl) - pairs(prefix);
}

inline constexpr std::array formulas{
    Formula{"read", "bytes", "0", "bytes",
            [](const double* a) {
                return Work{0, a[0]};
            }},
    Formula{"write", "bytes", "0", "bytes",
            [](const double* a) {
                return Work{0, a[0]};
            }},
    Formula{"copy", "bytes", "0", "2 bytes",
            [](const double* a) {
                return Work{0, 2 * a[0]};
            }},
    Formula{"chase", "", "0", "8 (one pointer)",
            [](const double*) {
                return Work{0, 8};
            }},
    Formula{"launch", "", "0", "0", [](const double*) { return Work{}; }},
    Formula{"gemm", "m, n, k, w", "2 m n k", "w (n k + m k) + 2 m n",
            [](const double* a) {
                return Work{2 * a[0] * a[1] * a[2], a[3] * (a[1] + a[0]) * a[2] + 2 * a[0] * a[1]};
            }},
    Formula{"rmsnorm", "tokens, width", "4 tokens width", "2 (2 tokens width + width)",
            [](const double* a) {
                return Work{4 * a[0] * a[1], 2 * (2 * a[0] * a[1] + a[1])};
            }},
    Formula{"rope", "tokens, heads, head_dim", "3 tokens heads head_dim",
            "4 tokens heads head_dim + 4 tokens head_dim",
            [](const double* a) {
                return Work{3 * a[0] * a[1] * a[2], 4 * a[0] * a[1] * a[2] + 4 * a[0] * a[2]};
            }},
    Formula{"silu_mul", "tokens, width", "5 tokens width", "6 tokens width",
            [](const double* a) {
                return Work{5 * a[0] * a[1], 6 * a[0] * a[1]};
            }},
    Formula{"router", "tokens, experts, top_k", "(4 + top_k) tokens experts",
            "4 tokens experts + 8 tokens top_k",
            [](const double* a) {
                return Work{(4 + a[2]) * a[0] * a[1], 4 * a[0] * a[1] + 8 * a[0] * a[2]};
            }},
    Formula{"permute", "tokens, width, top_k", "0", "2 width tokens (1 + top_k) + 4 tokens top_k",
            [](const double* a) {
                return Work{0, 2 * a[1] * a[0] * (1 + a[2]) + 4 * a[0] * a[2]};
            }},
    Formula{"quantize", "tokens, width", "2 tokens width", "3 tokens width + 4 tokens",
            [](const double* a) {
                return Work{2 * a[0] * a[1], 3 * a[0] * a[1] + 4 * a[0]};
            }},
    // Bytes a rank must at least send and receive over its links, one direction; S the size as the tables count it.
    Formula{"all_reduce", "S, gpus", "S/2 (gpus - 1)/gpus", "2 S (gpus - 1)/gpus",
            [](const double* a) {
                return Work{a[0] / 2 * (a[1] - 1) / a[1], 2 * a[0] * (a[1] - 1) / a[1]};
            }},
    Formula{"all_gather", "S, gpus", "0", "S (gpus - 1)/gpus",
            [](const double* a) {
                return Work{0, a[0] * (a[1] - 1) / a[1]};
            }},
    Formula{"reduce_scatter", "S, gpus", "S/2 (gpus - 1)/gpus", "S (gpus - 1)/gpus",
            [](const double* a) {
                return Work{a[0] / 2 * (a[1] - 1) / a[1], a[0] * (a[1] - 1) / a[1]};
            }},
    Formula{"alltoall", "S, gpus", "0", "S (gpus - 1)/gpus",
            [](const double* a) {
                return Work{0, a[0] * (a[1] - 1) / a[1]};
            }},
    Formula{"peer_copy", "bytes", "0", "bytes",
            [](const double* a) {
                return Work{0, a[0]};
            }},
    // Fused gated experts, balanced routing: three weight matrices of each distinct expert, rows in and out.
    Formula{"moe", "tokens, top_k, experts, hidden, inter, w", "6 tokens top_k hidden inter",
            "3 w hidden inter min(experts, tokens top_k) + 4 tokens hidden",
            [](const double* a) {
                return Work{6 * a[0] * a[1] * a[3] * a[4],
                            3 * a[5] * a[3] * a[4] * distinct_experts(a[2], a[0] * a[1]) + 4 * a[0] * a[3]};
            }},
    Formula{
        "attention_decode", "batch, context, window, q_heads, kv_heads, head_dim, w",
        "4 batch visible q_heads head_dim, visible = min(context, window)",
        "2 w batch visible kv_heads head_dim + 4 batch q_heads head_dim",
        [](const double* a) {
            const double tokens = a[0] * visible(a[1], a[2]);
            return Work{4 * tokens * a[3] * a[5], 2 * a[6] * tokens * a[4] * a[5] + 4 * a[0] * a[3] * a[5]};
        }},
    Formula{"attention_prefill", "batch, isl, window, prefix, q_heads, kv_heads, head_dim",
            "4 batch pairs q_heads head_dim, pairs = sum of min(prefix + i, window) over i = 1..isl",
            "4 batch (isl q_heads + tokens kv_heads) head_dim, tokens = isl + min(prefix, window - 1)",
            [](const double* a) {
                const double tokens = a[1] + (a[2] > 0 ? visible(a[3], a[2] - 1) : a[3]);
                return Work{4 * a[0] * causal_pairs(a[1], a[2], a[3]) * a[4] * a[6],
                            4 * a[0] * (a[1] * a[4] + tokens * a[5]) * a[6]};
            }},
    Formula{"mla_decode", "batch, context, heads, w", "2 batch context heads (576 + 512)",
            "576 w batch context + 2 batch heads (576 + 512)",
            [](const double* a) {
                return Work{2 * a[0] * a[1] * a[2] * 1088, 576 * a[3] * a[0] * a[1] + 2 * a[0] * a[2] * 1088};
            }},
    Formula{"mla_prefill", "batch, isl, heads", "batch isl (isl + 1) heads (192 + 128)",
            "2 batch isl heads (192 + 192 + 128 + 128)",
            [](const double* a) {
                return Work{a[0] * a[1] * (a[1] + 1) * a[2] * 320, 2 * a[0] * a[1] * a[2] * 640};
            }},
};

/// Work of an operation of the table; arguments in the order that the table names them.
[[nodiscard]] constexpr Work work(std::string_view operation, std::initializer_list<double> arguments) {
    for (const Formula& formula : formulas) {
        if (formula.operation == operation) return formula.work(arguments.begin());
    }
    throw "unknown operation";
}

}   // namespace microbench
