// SPDX-License-Identifier: Apache-2.0
// Cases of attention: heads of one rank of published models. context and isl as in the published tables: a context counts
// the tokens attended, the new one included.
#include <algorithm>
#include <array>

#include "bench/tensor_cases.h"
#include "host/formulas.h"
#include "host/rotation.h"
#include "host/tensor_formulas.h"

namespace microbench {
namespace {

struct Heads {
    double q, kv, dim;
    bool quick;
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

/// On compute capability 9.0 the prompts without window and prefix by the kernel of warpgroups, and after them, by that of
/// mma.sync, the others, and single sequences: for comparison, and should the first kernel fail on a chip.
std::vector<Case> with_warpgroups(std::vector<Case> cases, const Device& device) {
    if (device.compute_capability != 90) return cases;
    const auto is = [](const Case& c, std::string_view column, double value) {
        return std::find(c.shape.begin(), c.shape.end(), std::pair{std::string(column), value}) !=
               c.shape.end();
    };
    const auto plain = [&](const Case& c) {
        return is(c, "prefix", 0) && (c.table == "mla_prefill" || is(c, "window", 0));
    };
    std::vector<Case> all;
    for (const Case& c : cases) {
        if (!plain(c)) continue;
        all.push_back(c);
        all.back().kernel = warpgroup_prefill_kernel;
    }
    for (Case& c : cases) {
        if (is(c, "batch", 1) || !plain(c)) all.push_back(std::move(c));
    }
    return all;
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
                        if (batch * context > most_cached_tokens || (small_pages && !h.quick)) continue;
                        Case c{.table = "attention_decode", .kernel = kernel, .dtype = "bfloat16"};
                        c.labels = {{"kv_dtype", kv}};
                        c.shape = {{"q_heads", h.q}, {"kv_heads", h.kv}, {"head_dim", h.dim},
                                   {"window", 0},    {"batch", batch},   {"context", context}};
                        c.work = work("attention_decode", {batch, context, h.q, h.kv, h.dim, bytes_of(kv)});
                        c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 64) +
                                         decode_buffers(batch, h.q, h.dim, context) + 64e6;
                        c.quick = h.quick && !small_pages && (batch == 1 || batch == 64) &&
                                  (context == 1024 || context == 8192);
                        c.short_kernel = c.work.bytes < 10e6;
                        cases.push_back(std::move(c));
                    }
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
                Case c{.table = "attention_prefill", .kernel = "mma_flash_prefill", .dtype = "bfloat16"};
                c.labels = {{"kv_dtype", "bfloat16"}};
                c.shape = {{"q_heads", h.q}, {"kv_heads", h.kv}, {"head_dim", h.dim}, {"window", 0},
                           {"batch", batch}, {"isl", isl},       {"prefix", 0}};
                c.work = work("attention_prefill", {batch, isl, h.q, h.kv, h.dim});
                c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 64) + 64e6;
                c.quick = h.quick && batch == 1 && (isl == 512 || isl == 4096);
                c.short_kernel = c.work.flop < 1e9;
                cases.push_back(std::move(c));
            }
        }
    }
    return kept(with_warpgroups(std::move(cases), device), device);
}

std::vector<Case> mla_decode_cases(const Device& device) {
    std::vector<Case> cases;
    for (const double heads : {16., 32., 64., 128.}) {
        for (const double batch : batches) {
            for (const double context : contexts) {
                if (batch * context > most_cached_tokens) continue;
                Case c{.table = "mla_decode", .kernel = "mma_absorbed_page64", .dtype = "bfloat16"};
                c.labels = {{"scope", "kernel"}, {"kv_dtype", "bfloat16"}};
                c.shape = {{"heads", heads}, {"batch", batch}, {"context", context}};
                c.work = work("mla_decode", {batch, context, heads, 2});
                c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 64) +
                                 decode_buffers(batch, heads, 512, context) + 64e6;
                c.quick = heads == 128 && (batch == 1 || batch == 64) && context == 4096;
                c.short_kernel = c.work.bytes < 10e6;
                cases.push_back(std::move(c));
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
                c.quick = batch == 1 && (isl == 512 || isl == 4096);
                c.short_kernel = c.work.flop < 1e9;
                cases.push_back(std::move(c));
            }
        }
    }
    return kept(with_warpgroups(std::move(cases), device), device);
}

}   // namespace microbench
