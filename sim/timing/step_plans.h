// SPDX-License-Identifier: Apache-2.0
// Plans of steps that stay between evaluations, for what evaluates many points: one for each model, layout and phase met.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "moecost/timing/step_plan.h"

namespace moecost {

inline constexpr std::size_t bands_of_one_answer = 32;

/// Used by one thread. Answers do not depend on what it holds.
class StepPlans {
  public:
    /// Bands of the rows of each GEMM (step_plan.h): 256 for thousands of steps, bands_of_one_answer for one answer.
    explicit StepPlans(std::size_t bands = 256) : bands_(bands) {}
    /// What the next evaluations are of. The caller promises: the same `machine` is the same hardware, profile and number
    /// formats, which have not changed where they lie; the same `machine` and `model` are the same architecture.
    void select(std::uint64_t machine, std::uint64_t model) {
        key_.machine = machine;
        key_.model = model;
    }
    [[nodiscard]] KeptPlan of(const Layout& layout, Phase phase) { return kept(layout, phase).place; }
    /// The same with the kernels that the precision selects, looked up once.
    struct Equipped {
        KeptPlan plan;
        const CalibratedHardware* hardware;
    };
    [[nodiscard]] Equipped of(const Layout& layout, Phase phase, const Cluster& cluster,
                              const Profile& profile, const Precision& precision);

  private:
    struct Key {
        std::uint64_t machine = 0;
        std::uint64_t model = 0;
        Layout layout{};
        Phase phase = Phase::both;
        bool operator==(const Key&) const = default;
    };
    struct Kept {
        Key key;
        StepPlan plan;
        CalibratedHardware hardware;
        KeptPlan place;
    };
    struct Machine {
        Machine(std::uint64_t id, std::size_t bands) : machine(id), gemms(bands) {}
        std::uint64_t machine;
        ManyGemms gemms;
    };
    [[nodiscard]] Kept& kept(const Layout& layout, Phase phase);
    [[nodiscard]] ManyGemms& gemms();

    std::size_t bands_;
    Key key_;
    Kept* last_ = nullptr;
    std::vector<std::unique_ptr<Kept>> kept_;
    std::vector<std::unique_ptr<Machine>> machines_;
};

}   // namespace moecost
