// SPDX-License-Identifier: Apache-2.0
// Fused routed experts of one rank: permute, grouped gate-up GEMM, activation, grouped down GEMM, un-permute.
#pragma once

#include <array>

#include "moecost/ops/operation.h"
#include "moecost/timing/calibrated_hardware.h"

namespace moecost {

/// With the constants of a MoeTable, H hidden, I width per rank, D distinct experts, T tokens, k per token:
///   m_e = rows/D;  pad = m_e + partial_tile tile if m_e > tile else tile           (tile padding of each expert's rows)
///   t_c = 2 g H I D pad/(e_c P I/(I + width_knee) H/(H + hidden_knee));    t_b = g H I D w/(e_m BW)
///   body = expert_factor times token_log log2(1 + T) + p-norm(t_c, t_b) + routed rows (4 H + 6 I)/BW + global 4 H T k/BW
/// g matrices (3 gated). Held-out error over 148 tables: 5 to 10 % median (kernel timing tables, 2026-08;
/// residuals in the profiles).
[[nodiscard]] Timed expert_ffn_time(const ExpertFfn& op, const MoeTable& table,
                                    const CalibratedHardware& machine);

/// The cheapest of the candidate kernels, as the engine's autotuner would pick: of the format's own, and where it is
/// per-tensor fp8 of fp8-block and bf16 too.
[[nodiscard]] Timed expert_ffn_time(const ExpertFfn& op, const CalibratedHardware& machine);

/// What of that law depends on neither tokens, rows nor distinct experts, for one table.
class ExpertTablePlan {
  public:
    ExpertTablePlan() = default;
    ExpertTablePlan(const ExpertFfn& op, const MoeTable& table, const CalibratedHardware& machine);
    /// `op` is of the same layer; `log_tokens` = log2(1 + T).
    [[nodiscard]] Timed time(const ExpertFfn& op, double log_tokens) const;
    /// No more than the total of it.
    [[nodiscard]] double least(const ExpertFfn& op, double log_tokens) const;

  private:
    [[nodiscard]] double compute(const ExpertFfn& op) const {
        const bool full = op.rows > tile_rows_ * op.distinct;
        return row_compute_ * (full ? op.rows + partial_rows_ * op.distinct : tile_rows_ * op.distinct);
    }
    [[nodiscard]] double permute(const ExpertFfn& op) const {
        return row_permute_ * op.rows + token_permute_ * op.tokens;
    }
    double tile_rows_;
    double partial_rows_;
    double row_compute_;     // seconds of a padded row
    double expert_memory_;   // seconds of the weights of an expert
    double corner_;
    double row_permute_;     // seconds of a routed row
    double token_permute_;   // seconds of a token
    double floor_;
    double token_log_;
    double ideal_row_;   // at datasheet peak and bandwidth
    double ideal_expert_;
    double ideal_row_memory_;
    double most_tokens_;   // of the fit; negative: the table is that of another format
};

/// The candidate kernels of one layer.
class ExpertPlan {
  public:
    ExpertPlan(const ExpertFfn& op, const CalibratedHardware& machine);
    [[nodiscard]] Timed time(const ExpertFfn& op) const;

  private:
    static constexpr std::size_t most = 12;   // 8 in the profiles of 2026-11
    void offer(const ExpertFfn& op, DType format, const CalibratedHardware& machine);
    std::array<ExpertTablePlan, most> tables_;
    std::size_t count_ = 0;
};

}   // namespace moecost
