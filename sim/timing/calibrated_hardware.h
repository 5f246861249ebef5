// SPDX-License-Identifier: Apache-2.0
// What the laws of this room need to know about the hardware and its calibration: peaks, and the kernel tables
// selected for the number formats of a deployment.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "moecost/hardware/cluster.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/architecture.h"
#include "moecost/ops/operation.h"
#include "moecost/timing/timed.h"

namespace moecost {

[[nodiscard]] constexpr std::array<MathUnit, dtype_table.size()> native_units() {
    std::array<MathUnit, dtype_table.size()> units{};
    for (const DTypeInfo& i : dtype_table) units[static_cast<std::size_t>(i.type)] = i.unit;
    return units;
}

/// Tables of one format that an engine chooses among for each shape.
class GemmCandidates {
  public:
    static constexpr std::size_t most = 3;   // three engines
    void add(const GemmTable* table) {
        if (count_ < most) tables_[count_++] = table;
    }
    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] const GemmTable* operator[](std::size_t i) const { return tables_[i]; }
    [[nodiscard]] auto begin() const { return tables_.begin(); }
    [[nodiscard]] auto end() const { return tables_.begin() + static_cast<std::ptrdiff_t>(count_); }

  private:
    std::array<const GemmTable*, most> tables_{};
    std::size_t count_ = 0;
};

/// The tables of a profile that a deployment uses. Null where the model has no such operation.
struct KernelSelection {
    std::array<GemmCandidates, dtype_table.size()> gemm{};   // by DType; empty: it cannot run
    Seconds bf16_floor{};                                    // least of the GEMM tables of bf16
    const DecodeAttentionTable* decode_attention = nullptr;
    const PrefillAttentionTable* prefill_attention = nullptr;
    const MlaDecodeTable* mla_decode = nullptr;
    const PrefillAttentionTable* mla_prefill = nullptr;

    std::array<MathUnit, dtype_table.size()> unit =
        native_units();                                // of a GEMM, by the format of its weights
    std::array<bool, dtype_table.size()> borrowed{};   // its table is that of another format
    DType experts = DType::bf16;     // format of the tables of experts, of which the cheapest runs
    bool experts_borrowed = false;   // it is not their own
    bool cache_borrowed = false;
};

/// Hardware with its calibration, ready for timing. Refers to the profile, which must outlive it.
struct CalibratedHardware {
    const Cluster* cluster = nullptr;
    const Profile* profile = nullptr;
    KernelSelection kernels;

    /// Dense peak; units the accelerator lacks run as bf16 (weight-only formats).
    [[nodiscard]] FlopPerSecond peak(MathUnit unit) const {
        const FlopPerSecond own = cluster->gpu.peak_of(unit);
        return own.value() > 0 ? own : cluster->gpu.peak_of(MathUnit::bf16);
    }
    [[nodiscard]] BytesPerSecond memory_bandwidth() const { return cluster->gpu.memory_bandwidth; }
    [[nodiscard]] BytesPerSecond link_bandwidth() const { return cluster->gpu.link_bandwidth; }
    /// Floor of a kernel in the served graph: floor_factor min(t0, floor_cap).
    [[nodiscard]] Seconds served_floor(Seconds isolated) const {
        return profile->serving.floor_factor * min(isolated, profile->serving.floor_cap);
    }
    /// Of a GEMM on quantised operands: the floor of bf16, and of what quantisation adds the share that serving leaves,
    ///   floor_factor min(f_bf16 + q (t0 - f_bf16), floor_cap), q quantise_static for per-tensor scales, else _dynamic.
    [[nodiscard]] Seconds served_floor(const GemmTable& table) const;
};

/// fp16 runs on the kernels of bf16 (same bytes, same tensor-core rate), formats that nobody timed on those of a relative.
[[nodiscard]] constexpr DType kernel_format(DType type) { return info(type).kernels; }
/// A kernel of experts in that format, on a unit that the accelerator has.
[[nodiscard]] inline bool runs_experts(const MoeTable& table, DType format, const Accelerator& gpu) {
    return table.weights == format && gpu.peak_of(table.unit).value() > 0;
}

/// Why a precision cannot run here, and the option at fault: weights, expert-weights or kv.
struct PrecisionProblem {
    std::string_view option;
    std::string message;   // names what can run instead
};

/// Nothing when each part of the model can run in its format: the engine's rules (profile.formats) do not refuse it, and
/// native formats have their unit and a kernel table. Weight-only formats without a table of their own run on that of
/// bf16 with fewer bytes, and are extrapolated.
[[nodiscard]] std::optional<PrecisionProblem> precision_problem(const Architecture& architecture,
                                                                const Precision& precision,
                                                                const Cluster& cluster,
                                                                const Profile& profile);

/// Selects the kernel tables for a precision that has no precision_problem.
[[nodiscard]] CalibratedHardware calibrated_hardware(const Cluster& cluster, const Profile& profile,
                                                     const Precision& precision);

}   // namespace moecost
