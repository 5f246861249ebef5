// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/kernel_form.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace moecost {
namespace {

/// Starts and bounds: compute, memory and bandwidths are shares of the datasheet peaks; above 1 where warm caches or a
/// faster unit than the one the form names do the work.
std::vector<FormParameter> gemm_parameters() {
    return {{"floor_us", 3, 1, 100, true},
            {"k_latency_us", 1e-4, 0, 2e-3},
            {"compute", 0.75, 0.2, 1.1, true},
            {"memory", 0.85, 0.3, 1.05, true},
            {"overlap_exponent", 2, 1, 8, true},
            {"wave_tail", 0.3, 0, 1, false, {0.9}},
            {"split_k", 1500, 64, 1e6, true, {5000, 60000}},
            {"output_traffic", 1, 0.3, 4, true}};
}
std::vector<FormParameter> moe_parameters() {
    return {{"floor_us", 25, 5, 200, true},
            {"compute", 0.6, 0.05, 1.3, true},
            {"memory", 0.8, 0.3, 1.1, true},
            {"overlap_exponent", 2, 0.7, 8, true},
            {"tile_rows", 32, 1, 256, true, {4, 96, 160}},
            {"routed_traffic", 1, 0, 20},
            {"global_traffic", 0.3, 0, 10},
            {"width_knee", 100, 0.1, 4000, true},
            {"hidden_knee", 100, 0.1, 4000, true},
            {"token_log_us", 0.2, 0, 5, false, {3}}};
}
std::vector<FormParameter> decode_parameters() {
    return {{"floor_us", 10, 2, 50, true},
            {"compute", 0.2, 0.01, 1.5, true, {0.8}},
            {"memory", 0.8, 0.2, 1.1, true},
            {"overlap_exponent", 2, 0.8, 6, true},
            {"per_sequence_us", 0.02, 0, 0.2},
            {"split_tokens", 512, 16, 65536, true, {128, 4000}},
            {"occupancy_power", 0.3, 0, 1, false, {0.9}}};
}
/// `faster`: peak of the query format over the bf16 peak, to which compute refers.
std::vector<FormParameter> prefill_parameters(double faster) {
    return {{"floor_us", 10, 2, 60, true},    {"compute", 0.6 * faster, 0.05 * faster, 1.2 * faster, true},
            {"startup_tokens", 100, 0, 5000}, {"io_traffic", 1, 0, 10},
            {"head_knee", 10, 0, 200},        {"wave_tail", 0.3, 0, 1, false, {0.9}}};
}
std::vector<FormParameter> mla_decode_parameters() {
    return {{"floor_us", 10, 2, 50, true},
            {"compute", 0.4, 0.01, 1.5, true, {1.2}},
            {"memory", 0.8, 0.2, 1.1, true},
            {"overlap_exponent", 2, 0.8, 6, true, {1}},
            {"per_sequence_us", 0.02, 0, 0.2}};
}
std::vector<FormParameter> all_reduce_parameters() {
    return {{"one_shot_us", 4, 1, 30, true},
            {"one_shot_bandwidth", 0.45, 0.02, 4.5, true},
            {"two_shot_us", 8, 2, 100, true, {25}},
            {"two_shot_bandwidth", 0.7, 0.02, 4.5, true},
            {"per_rank_us", 0.2, 0, 5}};
}
std::vector<FormParameter> all_to_all_parameters(bool combine) {
    if (combine)
        return {{"combine_us", 20, 1, 500, true},
                {"combine_gb_s", 200, 1, 5000, true},
                {"combine_log_us", 0.5, 0, 20}};
    return {{"dispatch_us", 20, 1, 500, true},
            {"dispatch_gb_s", 200, 1, 5000, true},
            {"dispatch_log_us", 0.5, 0, 20}};
}

struct KernelFormat {
    DType type;
    MathUnit unit;   // that multiplies: bf16 for weight-only kernels, fp8 where activations are
};
std::optional<KernelFormat> format_of(std::string_view dtype) {
    if (dtype == "int4_wo") return KernelFormat{DType::int4, MathUnit::bf16};
    if (dtype == "w4a16_mxfp4") return KernelFormat{DType::mxfp4, MathUnit::bf16};
    if (dtype == "w4a8_mxfp4_mxfp8") return KernelFormat{DType::mxfp4, MathUnit::fp8};
    if (const auto type = dtype_named(dtype)) return KernelFormat{*type, info(*type).unit};
    return std::nullopt;
}

std::string unknown_format(std::string_view dtype) {
    std::string s("no form for the number format '");
    return s.append(dtype).append("'");
}

/// Formats of a GEMM or MoE table; empty when they fit the accelerator.
std::string set_weights(KernelForm& f, const std::string& dtype) {
    const auto format = format_of(dtype);
    const bool gemm_runs = format && (f.op != KernelOp::gemm || info(format->type).unit == format->unit);
    if (!format || !gemm_runs) return unknown_format(dtype);
    f.format = format->type;
    f.unit = format->unit;
    if (f.cluster.gpu.peak_of(f.unit).value() > 0) return {};
    std::string s("the accelerator has no ");
    return s.append(name_of(f.unit)).append(" peak");
}

std::string set_cache(KernelForm& f, const std::string& cache) {
    const auto type = dtype_named(cache);
    if (!type || (*type != DType::bf16 && *type != DType::fp8)) return unknown_format(cache);
    f.format = *type;
    return {};
}

std::string set_query(KernelForm& f, const std::string& dtype) {
    const auto type = dtype_named(dtype);
    if (!type) return unknown_format(dtype);
    f.query = *type;
    const Accelerator& gpu = f.cluster.gpu;
    const double own = gpu.peak_of(info(*type).unit).value();
    const double bf16 = gpu.peak_of(MathUnit::bf16).value();
    f.parameters = prefill_parameters(own > 0 ? own / bf16 : 1);
    return {};
}

std::string set_exchange(KernelForm& f, const KernelSeries& s, int gpus_per_node) {
    if (s.part != "low_latency" && s.part != "normal")
        return std::string("mode '").append(s.part).append("' is not low_latency or normal");
    f.mode = s.part == "normal" ? AllToAllMode::normal : AllToAllMode::low_latency;
    f.nodes = std::max(1, std::atoi(s.kernel.c_str()));
    f.ranks = f.nodes * gpus_per_node;
    f.cluster.gpus_per_node = gpus_per_node;
    // One half of the exchange alone is not bounded by the link time of both.
    f.cluster.gpu.link_bandwidth = BytesPerSecond{1e30};
    return {};
}

}   // namespace

FormChoice form_of(const KernelSeries& s, const Accelerator& gpu, int gpus_per_node) {
    FormChoice choice;
    KernelForm& f = choice.form;
    f.op = s.op;
    f.cluster = cluster_of(gpu);
    f.cluster.domain = 1 << 20;   // the table says who took part
    switch (s.op) {
        case KernelOp::gemm:
            f.parameters = gemm_parameters();
            choice.problem = set_weights(f, s.dtype);
            break;
        case KernelOp::moe:
            f.parameters = moe_parameters();
            choice.problem = set_weights(f, s.dtype);
            break;
        case KernelOp::decode_attention:
            f.parameters = decode_parameters();
            choice.problem = set_cache(f, s.cache);
            break;
        case KernelOp::prefill_attention:
            choice.problem = set_cache(f, s.cache);
            if (choice.problem.empty()) choice.problem = set_query(f, s.dtype);
            break;
        case KernelOp::mla_decode:
            f.parameters = mla_decode_parameters();
            choice.problem = set_cache(f, s.cache);
            break;
        case KernelOp::mla_prefill:
            f.parameters = prefill_parameters(1);
            choice.problem = set_cache(f, s.cache);
            break;
        case KernelOp::all_reduce:
            f.parameters = all_reduce_parameters();
            break;
        case KernelOp::all_to_all:
            f.parameters = all_to_all_parameters(false);
            choice.problem = set_exchange(f, s, gpus_per_node);
            break;
    }
    return choice;
}

KernelForm combining(KernelForm form) {
    form.combine = true;
    form.parameters = all_to_all_parameters(true);
    return form;
}

}   // namespace moecost
