// SPDX-License-Identifier: Apache-2.0
// What the steps of one deployment share, worked out once and timed many times: GEMMs with what the rows of a band share,
// sums of rooflines linear in rows, routing, small kernels and collectives. The cores of mixers are listed for each step.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "moecost/ops/ffn_operations.h"
#include "moecost/ops/step.h"
#include "moecost/ops/step_context.h"
#include "moecost/timing/collective.h"
#include "moecost/timing/expert_ffn.h"
#include "moecost/timing/gemm.h"

namespace moecost {

/// What a deployment runs: requests as a whole, or one phase of them (profile.pools.alone).
enum class Phase { both, prefill, decode };

/// One execution of any operation: the calibrated law of its kind, or the roofline where the profile has no tables.
[[nodiscard]] Timed operation_time(const Operation& op, const CalibratedHardware& machine);

/// What a served engine makes of an isolated kernel: factor times as long, but never below its roofline, and what is added.
struct ServedKernel {
    double factor = 1;
    Seconds added{};
    [[nodiscard]] Timed operator()(Timed t) const;
};
/// Behind an all-to-all profile.pools.wide, in a pool of one phase profile.pools.alone.
[[nodiscard]] ServedKernel served_as(const Operation& op, const Layout& layout,
                                     const CalibratedHardware& machine, Phase phase);
/// Of expert popularity, after what a load balancer takes away.
[[nodiscard]] double expert_skew(const Layout& layout, const CalibratedHardware& machine);

/// Sums over the operations of a step, each as often as it runs. Seconds.
struct StepSums {
    std::array<double, op_class_count> by_class{};
    double compute = 0;   // at datasheet peak
    double memory = 0;    // at datasheet bandwidth
    double roofline = 0;
    double experts_roofline = 0;   // of routed and shared experts
    double extrapolated = 0;       // of operations outside the range of their fit

    void add(const Timed& t, OpClass op_class, double count) {
        add_total(t.total.value() * count, t.ideal_total.value() * count, op_class,
                  t.provenance == Provenance::extrapolated);
        compute += t.ideal_compute.value() * count;
        memory += t.ideal_memory.value() * count;
    }
    void add_total(double total, double least, OpClass op_class, bool outside) {
        by_class[static_cast<std::size_t>(op_class)] += total;
        roofline += least;
        if (outside) extrapolated += total;
        if (op_class == OpClass::routed_experts || op_class == OpClass::shared_experts)
            experts_roofline += least;
    }
};

/// A GEMM with room for what the rows of its bands share.
struct GemmPlace {
    const GemmPlan* plan = nullptr;
    std::span<GemmBand> bands;
};
/// Places inside itself, for one evaluation: nothing is allocated. A few bands each.
class FewGemms {
  public:
    static constexpr std::size_t most = 40;
    [[nodiscard]] GemmPlace place(const Gemm& op, const CalibratedHardware& machine);

  private:
    static constexpr std::size_t bands = 4;
    InlineVector<GemmPlan, most> plans_;
    alignas(GemmBand) std::array<std::byte, sizeof(GemmBand) * bands * most> bands_;   // raw until taken
};
/// Places that stay, for all plans of one machine and its number formats. With 256 bands every 64 rows up to 16,384 have
/// their own; a polynomial for each pays where hundreds of steps meet it, so fewer than 64 bands keep none.
class ManyGemms {
  public:
    explicit ManyGemms(std::size_t bands = 256) : bands_(bands) {}
    [[nodiscard]] GemmPlace place(const Gemm& op, const CalibratedHardware& machine);
    [[nodiscard]] std::size_t size() const { return kept_.size(); }

  private:
    struct Kept {
        Kept(const Gemm& op, const CalibratedHardware& machine, std::size_t bands_kept)
            : shape(op), plan(op, machine), bands(bands_kept) {}
        Gemm shape;
        GemmPlan plan;
        std::vector<GemmBand> bands;
    };
    std::size_t bands_;
    std::vector<std::unique_ptr<Kept>> kept_;
};

/// Of a deployment whose profile has kernel tables. Keeps no reference to the model or the layout, only to its GEMMs.
class StepPlan {
  public:
    [[nodiscard]] bool built() const { return built_; }
    /// `many`: where GEMMs lie; null: in `few`.
    void build(const Architecture& architecture, const Precision& precision, const Layout& layout,
               const CalibratedHardware& machine, Phase phase, ManyGemms* many, FewGemms& few);
    /// Adds all operations of a step but the cores of its mixers, and `drafts` passes of `draft` where there is one.
    void add(const StepContext& step, const StepContext* draft, double drafts,
             const CalibratedHardware& machine, StepSums& sums);

  private:
    /// What an operation grows with.
    enum By : unsigned char { rows, logits, tokens, draft_rows, draft_tokens, kinds };
    using Quantities = std::array<double, kinds>;

    struct PlannedGemm {
        GemmPlace place;
        ServedKernel served;
        double count;
        By by;
        OpClass op_class;
    };
    struct PlannedExperts {
        ExpertFfn shape;
        ExpertPlan plan;
        Routing routing;
        ServedKernel served;
        double count;
        By by;
    };
    struct PlannedAllReduce {
        AllReducePlan plan;
        Bytes each;   // of a row
        ServedKernel served;
        double count;
        By by;
        OpClass op_class;
    };
    /// All operations of a class whose time is floor + each x, whatever x.
    struct Line {
        By by;
        OpClass op_class;
        double floor = 0, each = 0;
        double roofline_each = 0, compute_each = 0, memory_each = 0;
        bool outside = false;   // of the range of a fit
    };
    struct PlannedOther {
        Operation unit;   // of one row or token
        ServedKernel served;
        By by;
    };
    /// Of GEMMs that grow with the same: a + b x at datasheet speed.
    struct Ideal {
        double compute = 0;
        double memory = 0;
        double memory_each = 0;
    };
    /// What the rows of a band make of the GEMMs that grow with them: where each has one smooth total and one roofline, all
    /// of a class are one polynomial.
    struct Together {
        struct Class {
            GemmBand::Newton total;
            OpClass op_class;
            bool outside;
        };
        double band = 0;           // 0: not worked out
        std::uint64_t apart = 0;   // bit i: gemms_[i] is timed by itself
        std::size_t count = 0;
        std::array<Class, 6> classes;
        double least = 0, least_each = 0;
        double experts_least = 0, experts_least_each = 0;   // of shared experts
    };
    struct Adding;
    void join(Together& slot, const GemmRows& m) const;
    [[nodiscard]] bool join(Together& slot, const PlannedGemm& gemm, const GemmRows& m) const;
    void add_together(const GemmRows& m, StepSums& sums, std::uint64_t& apart);
    void add_gemms(const Quantities& x, double drafts, StepSums& sums);
    void add_experts(const Quantities& x, double drafts, StepSums& sums);
    void add_all_reduces(const Quantities& x, double drafts, StepSums& sums);
    void add_lines(const Quantities& x, double drafts, StepSums& sums) const;
    void add_others(const Quantities& x, double drafts, const CalibratedHardware& machine, StepSums& sums);

    InlineVector<PlannedGemm, FewGemms::most> gemms_;
    InlineVector<PlannedExperts, 8> experts_;
    InlineVector<PlannedAllReduce, 8> all_reduces_;
    InlineVector<Line, 8> lines_;
    InlineVector<PlannedOther, 8> others_;
    std::array<Ideal, kinds> ideal_{};
    std::vector<Together> together_;   // by band modulo its size; empty: every GEMM by itself
    bool all_to_all_ = false;
    bool built_ = false;
};

/// A plan that stays, and where its GEMMs lie.
struct KeptPlan {
    StepPlan* plan = nullptr;
    ManyGemms* gemms = nullptr;
};

}   // namespace moecost
