// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/calibrated_hardware.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

template <class Table>
const Table* of_cache(const std::vector<Table>& tables, DType cache) {
    const auto it =
        std::find_if(tables.begin(), tables.end(), [&](const Table& t) { return t.cache == cache; });
    return it == tables.end() ? nullptr : &*it;
}

/// The table of a cache format, else that of bf16, which moves more bytes than it has to.
template <class Table>
const Table* cache_table(const std::vector<Table>& tables, DType cache, bool& borrowed) {
    const Table* own = of_cache(tables, kernel_format(cache));
    if (own != nullptr || tables.empty()) return own;
    borrowed = true;
    return of_cache(tables, DType::bf16);
}

GemmCandidates gemm_tables(const std::vector<GemmTable>& tables, DType weights) {
    GemmCandidates found;
    for (const GemmTable& t : tables)
        if (t.weights == weights) found.add(&t);
    return found;
}

/// Formats without a table of their own run like the format whose arithmetic they use.
GemmCandidates gemm_of(const std::vector<GemmTable>& tables, DType weights, Compute compute) {
    if (const GemmCandidates own = gemm_tables(tables, weights); own.size() > 0) return own;
    if (const GemmCandidates near = gemm_tables(tables, kernel_format(weights)); near.size() > 0) return near;
    const bool widened = compute == Compute::weight_only || info(weights).unit == MathUnit::bf16;
    if (widened || weights == DType::fp32 || weights == DType::mxfp4) return gemm_tables(tables, DType::bf16);
    if (weights == DType::int8) return gemm_tables(tables, DType::fp8);
    return {};
}

Seconds least_floor(const GemmCandidates& tables) {
    Seconds least{HUGE_VAL};
    for (const GemmTable* t : tables) least = min(least, t->floor);
    return tables.size() > 0 ? least : Seconds{0};
}

/// Formats of the weights that a step multiplies by; routers and what joins drafts stay in bf16.
std::array<DType, 8> gemm_formats(const Precision& p) {
    return {DType::bf16,      p.attention,  p.dense_ffn, p.shared_experts,
            p.routed_experts, p.embeddings, p.head,      p.output_projection.value_or(p.attention)};
}

/// The kernels that stand for a format read elements of another size: what its own do to unpack it was never timed.
bool unpacks_otherwise(DType type) {
    return info(type).element_bytes != info(info(type).kernels).element_bytes;
}

bool any_experts(const std::vector<MoeTable>& tables, DType format, const Accelerator& gpu) {
    return std::any_of(tables.begin(), tables.end(),
                       [&](const MoeTable& t) { return runs_experts(t, format, gpu); });
}

/// The format whose tables time experts: their own; else, where the weights are widened to bf16, 4-bit formats borrow
/// the kernels of int4, which do the same, and others those of bf16. Nothing: no table can.
std::optional<DType> experts_timed_as(const std::vector<MoeTable>& tables, DType weights, Compute compute,
                                      const Accelerator& gpu) {
    if (any_experts(tables, kernel_format(weights), gpu)) return kernel_format(weights);
    if (compute != Compute::weight_only) return std::nullopt;
    if (info(weights).element_bytes < 1 && any_experts(tables, DType::int4, gpu)) return DType::int4;
    return any_experts(tables, DType::bf16, gpu) ? std::optional(DType::bf16) : std::nullopt;
}

bool has_unit(DType type, Compute compute, const Accelerator& gpu) {
    if (compute == Compute::weight_only || type == DType::mxfp4) return true;
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

/// Whether a format runs in each role, by the rules of the engine and what the profile can time.
class PrecisionCheck {
  public:
    PrecisionCheck(const Cluster& cluster, const Profile& profile) : gpu_(cluster.gpu), profile_(profile) {}

    [[nodiscard]] bool gemm(DType t) const {
        const Compute c = profile_.formats.weights(t);
        if (c == Compute::refused || !has_unit(t, c, gpu_)) return false;
        return !profile_.kernels || gemm_of(profile_.kernels->gemm, t, c).size() > 0;
    }
    [[nodiscard]] bool experts(DType t) const {
        const Compute c = profile_.formats.experts(t);
        if (c == Compute::refused) return false;
        if (!profile_.kernels) return has_unit(t, c, gpu_);
        return experts_timed_as(profile_.kernels->moe, t, c, gpu_).has_value();
    }
    [[nodiscard]] bool cache(DType t, CacheKind kind) const {
        if (kernel_format(t) != DType::bf16 && t != DType::fp8) return false;   // no law times others
        const Compute c = profile_.formats.cache(t, kind);
        return c != Compute::refused && has_unit(t, c, gpu_);
    }
    [[nodiscard]] PrecisionProblem complain(std::string_view option, std::string_view what, DType found,
                                            const std::string& alternatives) const {
        std::string s(what);
        s.append(" in ").append(info(found).name).append(" cannot run on ").append(gpu_.id).append(" under ");
        s.append(profile_.engine).append("; allowed: ").append(alternatives);
        return {option, std::move(s)};
    }

  private:
    const Accelerator& gpu_;
    const Profile& profile_;
};

bool has_cache(const Architecture& a, CacheKind kind) {
    return std::any_of(a.mixers.begin(), a.mixers.end(), [kind](const MixerGroup& g) {
        if (std::holds_alternative<GroupedAttention>(g.kind)) return kind == CacheKind::grouped;
        const bool latent = std::holds_alternative<LatentAttention>(g.kind) ||
                            std::holds_alternative<CompressedAttention>(g.kind);
        return latent && kind == CacheKind::latent;
    });
}

std::optional<PrecisionProblem> weights_problem(const Architecture& architecture, const Precision& p,
                                                const PrecisionCheck& check) {
    const DType out = p.output_projection.value_or(p.attention);
    const struct {
        bool present;
        std::string_view what;
        DType format;
    } parts[] = {{true, "attention weights", p.attention},
                 {true, "the output projection", out},
                 {has_dense(architecture), "dense feed-forward weights", p.dense_ffn},
                 {has_shared(architecture), "shared experts", p.shared_experts}};
    for (const auto& part : parts) {
        if (!part.present || check.gemm(part.format)) continue;
        return check.complain("weights", part.what, part.format,
                              allowed([&](DType t) { return check.gemm(t); }));
    }
    return std::nullopt;
}

}   // namespace

std::optional<PrecisionProblem> precision_problem(const Architecture& architecture,
                                                  const Precision& precision, const Cluster& cluster,
                                                  const Profile& profile) {
    const PrecisionCheck check(cluster, profile);
    if (auto problem = weights_problem(architecture, precision, check)) return problem;
    if (has_experts(architecture) && !check.experts(precision.routed_experts)) {
        return check.complain("expert-weights", "routed experts", precision.routed_experts,
                              allowed([&](DType t) { return check.experts(t); }));
    }
    const bool grouped = has_cache(architecture, CacheKind::grouped);
    const bool latent = has_cache(architecture, CacheKind::latent);
    const auto cache_ok = [&](DType t) {
        return (!grouped || check.cache(t, CacheKind::grouped)) &&
               (!latent || check.cache(t, CacheKind::latent)) &&
               (grouped || latent || check.cache(t, CacheKind::grouped));
    };
    if (!cache_ok(precision.kv_cache))
        return check.complain("kv", "a KV cache", precision.kv_cache, allowed(cache_ok));
    return std::nullopt;
}

Seconds CalibratedHardware::served_floor(const GemmTable& table) const {
    const bool quantised = info(table.weights).unit != MathUnit::bf16 && table.floor > kernels.bf16_floor &&
                           kernels.bf16_floor.value() > 0;
    if (!quantised) return served_floor(table.floor);
    const ServingConstants& s = profile->serving;
    const double share = table.weights == DType::fp8 ? s.quantise_static : s.quantise_dynamic;
    return served_floor(kernels.bf16_floor + share * (table.floor - kernels.bf16_floor));
}

CalibratedHardware calibrated_hardware(const Cluster& cluster, const Profile& profile,
                                       const Precision& precision) {
    CalibratedHardware m{&cluster, &profile, {}};
    if (!profile.kernels) return m;
    const KernelTables& t = *profile.kernels;
    KernelSelection& k = m.kernels;
    for (const DType type : gemm_formats(precision)) {
        const auto slot = static_cast<std::size_t>(type);
        if (k.gemm[slot].size() > 0) continue;
        const Compute compute = profile.formats.weights(type);
        k.gemm[slot] = gemm_of(t.gemm, type, compute);
        k.unit[slot] = compute == Compute::weight_only ? MathUnit::bf16 : info(type).unit;
        k.borrowed[slot] = k.gemm[slot].size() > 0 &&
                           (k.gemm[slot][0]->weights != kernel_format(type) || unpacks_otherwise(type));
    }
    k.bf16_floor = least_floor(gemm_tables(t.gemm, DType::bf16));
    const DType experts = precision.routed_experts;
    k.experts =
        experts_timed_as(t.moe, experts, profile.formats.experts(experts), cluster.gpu).value_or(experts);
    k.experts_borrowed = k.experts != kernel_format(experts) || unpacks_otherwise(experts);
    k.decode_attention = cache_table(t.decode_attention, precision.kv_cache, k.cache_borrowed);
    k.prefill_attention = cache_table(t.prefill_attention, precision.kv_cache, k.cache_borrowed);
    k.mla_decode = cache_table(t.mla_decode, precision.kv_cache, k.cache_borrowed);
    k.mla_prefill = cache_table(t.mla_prefill, precision.kv_cache, k.cache_borrowed);
    return m;
}

}   // namespace moecost
