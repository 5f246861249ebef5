// SPDX-License-Identifier: Apache-2.0
// Cases of attention: heads of one rank of published models. context and isl as in the published tables: a context counts
// the tokens in the cache, the new one included; a window counts the newest tokens attended, the query's own included.
#include <algorithm>
#include <array>
#include <iterator>

#include "bench/tensor_cases.h"
#include "host/formulas.h"
#include "host/rotation.h"
#include "host/tensor_formulas.h"

namespace microbench {
namespace {

struct Heads {
    double q, kv, dim;
    bool both_pages;   // also with pages of 16 tokens
};
constexpr std::array head_shapes{
    Heads{32, 8, 128, true},    // Llama 3.1 8B, Mixtral 8x7B
    Heads{64, 8, 128, false},   // Llama 3.1 70B, Qwen3 32B
    Heads{8, 1, 128, true},     // the same at tp 8
    Heads{64, 4, 128, false},   // Qwen3 235B-A22B
    Heads{32, 4, 128, false},   // Qwen3 30B-A3B
    Heads{16, 1, 128, false},   // Qwen3 235B-A22B at tp 4
    Heads{64, 8, 64, false},    // gpt-oss
    Heads{8, 1, 64, false},     // gpt-oss at tp 8
};

/// Layers with a sliding window, at contexts and prompts longer than it: others are those without a window.
struct Windowed {
    Heads heads;
    double window;
    std::array<double, 2> contexts;
    double shortest_prompt;
};
constexpr std::array windowed_shapes{
    Windowed{{64, 8, 64, false}, 128, {1024, 8192}, 512},       // gpt-oss
    Windowed{{8, 1, 64, false}, 128, {1024, 8192}, 512},        // gpt-oss at tp 8
    Windowed{{32, 8, 128, false}, 4096, {8192, 32768}, 8192},   // Mistral 7B 0.1
    Windowed{{8, 2, 128, false}, 4096, {8192, 32768}, 8192},    // the same at tp 4
};

/// Chunks of prompts behind what is cached already.
constexpr std::array behind_prefix{
    Heads{32, 8, 128, false},   // Llama 3.1 8B, Mixtral 8x7B
    Heads{8, 1, 128, false},    // Llama 3.1 70B at tp 8
    Heads{64, 8, 64, false},    // gpt-oss
};

constexpr std::array batches{1., 4., 16., 64., 128., 256.};
constexpr std::array contexts{1024., 2048., 4096., 8192., 16384., 32768., 65536., 131072.};
constexpr std::array prompts{128., 256., 512., 1024., 2048., 4096., 8192., 12288., 16384.};
constexpr double most_cached_tokens = 256. * 16384;   // of one call: longer contexts with smaller batches
constexpr double most_prompt_tokens = 65536;

std::vector<Case> kept(std::vector<Case> cases, const Device& device) {
    std::erase_if(cases, [&](const Case& c) {
        return device.memory_bytes > 0 && c.device_bytes > 0.9 * device.memory_bytes;
    });
    return cases;
}

/// Partial results of at most 64 parts of a context, and the table of pages.
double decode_buffers(double batch, double heads, double dim, double context) {
    return batch * heads * (dim * 4 * 65 + 64 * 4) + batch * context / 4;
}

/// On compute capability 9.0 the prompts by the kernel of warpgroups, and after them single sequences by that of mma.sync:
/// for comparison, and should the first kernel fail on a chip.
std::vector<Case> with_warpgroups(std::vector<Case> cases, const Device& device) {
    if (device.compute_capability != 90) return cases;
    std::vector<Case> all = cases;
    for (Case& c : all) c.kernel = warpgroup_prefill_kernel;
    std::erase_if(cases, [](const Case& c) {
        return std::find(c.shape.begin(), c.shape.end(), std::pair{std::string("batch"), 1.0}) ==
               c.shape.end();
    });
    std::move(cases.begin(), cases.end(), std::back_inserter(all));
    return all;
}

Case decode_case(const char* kernel, const char* kv, const Heads& h, double window, double batch,
                 double context, const Device& device) {
    Case c{.table = "attention_decode", .kernel = kernel, .dtype = "bfloat16"};
    c.labels = {{"kv_dtype", kv}};
    c.shape = {{"q_heads", h.q},   {"kv_heads", h.kv}, {"head_dim", h.dim},
               {"window", window}, {"batch", batch},   {"context", context}};
    c.work = work("attention_decode", {batch, context, window, h.q, h.kv, h.dim, bytes_of(kv)});
    // The cache is there as a whole, also where a window touches the end of it alone.
    const double cache = work("attention_decode", {batch, context, 0, h.q, h.kv, h.dim, bytes_of(kv)}).bytes;
    c.device_bytes = cache * rotating_copies(c.work.bytes, device.l2_bytes, 64) +
                     decode_buffers(batch, h.q, h.dim, context) + 64e6;
    return c;
}

Case prefill_case(const Heads& h, double window, double batch, double isl, double prefix,
                  const Device& device) {
    Case c{.table = "attention_prefill", .kernel = "mma_flash_prefill", .dtype = "bfloat16"};
    c.labels = {{"kv_dtype", "bfloat16"}};
    c.shape = {{"q_heads", h.q}, {"kv_heads", h.kv}, {"head_dim", h.dim}, {"window", window},
               {"batch", batch}, {"isl", isl},       {"prefix", prefix}};
    c.work = work("attention_prefill", {batch, isl, window, prefix, h.q, h.kv, h.dim});
    c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 64) + 64e6;
    return c;
}

}   // namespace

std::vector<Case> attention_decode_cases(const Device& device) {
    std::vector<Case> cases;
    for (const char* kv : {"bfloat16", "fp8"}) {
        for (const char* kernel : {"mma_flash_decode_page64", "mma_flash_decode_page16"}) {
            for (const Heads& h : head_shapes) {
                for (const double batch : batches) {
                    for (const double context : contexts) {
                        const bool small_pages = std::string_view(kernel).ends_with("16");
                        if (batch * context > most_cached_tokens || (small_pages && !h.both_pages)) continue;
                        Case c = decode_case(kernel, kv, h, 0, batch, context, device);
                        cases.push_back(std::move(c));
                    }
                }
            }
        }
        for (const Windowed& w : windowed_shapes) {
            for (const double batch : batches) {
                for (const double context : w.contexts) {
                    if (batch * context > most_cached_tokens) continue;
                    cases.push_back(decode_case("mma_flash_decode_page64", kv, w.heads, w.window, batch,
                                                context, device));
                }
            }
        }
    }
    return kept(std::move(cases), device);
}

std::vector<Case> attention_prefill_cases(const Device& device) {
    std::vector<Case> cases;
    for (const Heads& h : head_shapes) {
        for (const double batch : {1., 4., 16.}) {
            for (const double isl : prompts) {
                if (batch * isl > most_prompt_tokens) continue;
                cases.push_back(prefill_case(h, 0, batch, isl, 0, device));
            }
        }
    }
    for (const Windowed& w : windowed_shapes) {
        for (const double batch : {1., 4.}) {
            for (const double isl : prompts) {
                if (isl < w.shortest_prompt) continue;
                cases.push_back(prefill_case(w.heads, w.window, batch, isl, 0, device));
            }
        }
    }
    for (const Heads& h : behind_prefix) {
        for (const double batch : {1., 4.}) {
            for (const double isl : {256., 1024., 4096.}) {
                for (const double prefix : {1024., 8192., 32768.})
                    cases.push_back(prefill_case(h, 0, batch, isl, prefix, device));
            }
        }
    }
    return kept(with_warpgroups(std::move(cases), device), device);
}

std::vector<Case> mla_decode_cases(const Device& device) {
    std::vector<Case> cases;
    for (const char* kv : {"bfloat16", "fp8"}) {
        const bool bytes = std::string_view(kv) == "fp8";
        if (bytes && device.compute_capability < 89) continue;   // no engine offers it there
        for (const double heads : {16., 32., 64., 128.}) {
            for (const double batch : batches) {
                for (const double context : contexts) {
                    const bool other = context == 2048 || context == 8192 || context == 32768;
                    if (batch * context > most_cached_tokens || (bytes && other)) continue;
                    Case c{.table = "mla_decode", .kernel = "mma_absorbed_page64", .dtype = "bfloat16"};
                    c.labels = {{"scope", "kernel"}, {"kv_dtype", kv}};
                    c.shape = {{"heads", heads}, {"batch", batch}, {"context", context}};
                    c.work = work("mla_decode", {batch, context, heads, bytes_of(kv)});
                    c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 64) +
                                     decode_buffers(batch, heads, 512, context) + 64e6;
                    cases.push_back(std::move(c));
                }
            }
        }
    }
    return kept(std::move(cases), device);
}

std::vector<Case> mla_prefill_cases(const Device& device) {
    std::vector<Case> cases;
    for (const double heads : {16., 32., 64., 128.}) {
        for (const double batch : {1., 4.}) {
            for (const double isl : prompts) {
                if (batch * isl > 16384) continue;
                Case c{.table = "mla_prefill", .kernel = "mma_flash_prefill", .dtype = "bfloat16"};
                c.labels = {{"scope", "kernel"}, {"kv_dtype", "bfloat16"}};
                c.shape = {{"heads", heads}, {"batch", batch}, {"isl", isl}, {"prefix", 0}};
                c.work = work("mla_prefill", {batch, isl, heads});
                c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 64) + 64e6;
                cases.push_back(std::move(c));
            }
        }
    }
    return kept(with_warpgroups(std::move(cases), device), device);
}

}   // namespace microbench
