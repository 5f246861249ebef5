// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/calibrated_hardware.h"

#include <algorithm>

namespace moecost {
namespace {

/// fp16 runs on the kernels of bf16 (same bytes, same tensor-core rate), formats that nobody timed on those of a relative.
DType kernel_format(DType type) { return info(type).kernels; }

template <class Table>
const Table* of_cache(const std::vector<Table>& tables, DType cache) {
    const auto it =
        std::find_if(tables.begin(), tables.end(), [&](const Table& t) { return t.cache == cache; });
    return it == tables.end() ? nullptr : &*it;
}

const GemmTable* gemm_of(const std::vector<GemmTable>& tables, DType weights) {
    const auto find = [&](DType type) {
        const auto it =
            std::find_if(tables.begin(), tables.end(), [&](const GemmTable& t) { return t.weights == type; });
        return it == tables.end() ? nullptr : &*it;
    };
    if (const GemmTable* own = find(weights)) return own;
    if (const GemmTable* relative = find(kernel_format(weights))) return relative;
    // Formats without a table of their own run like the format whose arithmetic they use.
    if (info(weights).unit == MathUnit::bf16 || weights == DType::fp32 || weights == DType::mxfp4) {
        return find(DType::bf16);
    }
    if (weights == DType::int8) return find(DType::fp8);
    return nullptr;
}

bool runs_on(DType type, const Accelerator& gpu) {
    if (type == DType::mxfp4) return true;   // weight-only where no 4-bit path exists
    return gpu.peak_of(info(type).unit).value() > 0;
}

bool has_experts(const Architecture& a) {
    return std::any_of(a.ffns.begin(), a.ffns.end(),
                       [](const FfnGroup& g) { return std::holds_alternative<MoeFfn>(g.kind); });
}

bool has_dense(const Architecture& a) {
    return std::any_of(a.ffns.begin(), a.ffns.end(), [](const FfnGroup& g) {
        const auto* moe = std::get_if<MoeFfn>(&g.kind);
        return moe == nullptr || moe->dense_width > 0;
    });
}

bool has_shared(const Architecture& a) {
    return std::any_of(a.ffns.begin(), a.ffns.end(), [](const FfnGroup& g) {
        const auto* moe = std::get_if<MoeFfn>(&g.kind);
        return moe != nullptr && moe->shared_width > 0;
    });
}

/// Every format that both the accelerator and the profile can run, as text.
template <class Predicate>
std::string allowed(Predicate runs) {
    std::string s;
    for (const DTypeInfo& i : dtype_table) {
        if (runs(i.type)) s.append(s.empty() ? "" : ", ").append(i.name);
    }
    return s;
}

class PrecisionCheck {
  public:
    PrecisionCheck(const Cluster& cluster, const Profile& profile) : gpu_(cluster.gpu), profile_(profile) {}

    [[nodiscard]] bool gemm(DType t) const {
        return runs_on(t, gpu_) && (!profile_.kernels || gemm_of(profile_.kernels->gemm, t) != nullptr);
    }
    [[nodiscard]] bool experts(DType t) const {
        if (!profile_.kernels) return runs_on(t, gpu_);
        const auto& tables = profile_.kernels->moe;
        return std::any_of(tables.begin(), tables.end(), [&](const MoeTable& m) {
            return m.weights == kernel_format(t) && gpu_.peak_of(m.unit).value() > 0;
        });
    }
    [[nodiscard]] bool cache(DType t) const {
        if (kernel_format(t) != DType::bf16 && t != DType::fp8) return false;
        return t != DType::fp8 || gpu_.peak_of(MathUnit::fp8).value() > 0;
    }
    [[nodiscard]] std::string complain(std::string_view what, DType found,
                                       const std::string& alternatives) const {
        std::string s(what);
        s.append(" in ").append(info(found).name).append(" cannot run on ").append(gpu_.id).append(" under ");
        return s.append(profile_.engine).append("; allowed: ").append(alternatives);
    }

  private:
    const Accelerator& gpu_;
    const Profile& profile_;
};

}   // namespace

std::string precision_problem(const Architecture& architecture, const Precision& precision,
                              const Cluster& cluster, const Profile& profile) {
    const PrecisionCheck check(cluster, profile);
    const auto gemm_ok = [&](DType t) { return check.gemm(t); };
    if (!check.gemm(precision.attention)) {
        return check.complain("attention weights", precision.attention, allowed(gemm_ok));
    }
    const DType out = precision.output_projection.value_or(precision.attention);
    if (!check.gemm(out)) return check.complain("the output projection", out, allowed(gemm_ok));
    if (has_dense(architecture) && !check.gemm(precision.dense_ffn)) {
        return check.complain("dense feed-forward weights", precision.dense_ffn, allowed(gemm_ok));
    }
    if (has_shared(architecture) && !check.gemm(precision.shared_experts)) {
        return check.complain("shared experts", precision.shared_experts, allowed(gemm_ok));
    }
    if (has_experts(architecture) && !check.experts(precision.routed_experts)) {
        return check.complain("routed experts", precision.routed_experts,
                              allowed([&](DType t) { return check.experts(t); }));
    }
    if (!check.cache(precision.kv_cache)) {
        return check.complain("a KV cache", precision.kv_cache,
                              allowed([&](DType t) { return check.cache(t); }));
    }
    return {};
}

CalibratedHardware calibrated_hardware(const Cluster& cluster, const Profile& profile,
                                       const Precision& precision) {
    CalibratedHardware m{&cluster, &profile, {}};
    if (!profile.kernels) return m;
    const KernelTables& t = *profile.kernels;
    for (const DTypeInfo& i : dtype_table)
        m.kernels.gemm[static_cast<std::size_t>(i.type)] = gemm_of(t.gemm, i.type);
    const DType experts = kernel_format(precision.routed_experts);
    for (const MoeTable& table : t.moe) {
        if (table.weights == experts && cluster.gpu.peak_of(table.unit).value() > 0) {
            m.kernels.moe.push_back(&table);
        }
    }
    const DType cache = kernel_format(precision.kv_cache);
    m.kernels.decode_attention = of_cache(t.decode_attention, cache);
    m.kernels.prefill_attention = of_cache(t.prefill_attention, cache);
    m.kernels.mla_decode = of_cache(t.mla_decode, cache);
    m.kernels.mla_prefill = of_cache(t.mla_prefill, cache);
    return m;
}

}   // namespace moecost
