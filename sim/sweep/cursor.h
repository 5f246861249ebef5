// SPDX-License-Identifier: Apache-2.0
// Walks through the points of a grid: one scenario that changes in place from point to point. Each thread has its own.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "moecost/sweep/prototypes.h"
#include "moecost/timing/step_plans.h"

namespace moecost {

class Cursor {
  public:
    Cursor(const Grid& grid, const Prototypes& prototypes);

    void seek(std::uint64_t point);
    void advance();

    [[nodiscard]] std::uint64_t point() const { return point_; }
    [[nodiscard]] std::span<const std::uint32_t> digits() const { return digits_; }
    /// Inputs of the point; false where its names do not go together and there is nothing to look at.
    [[nodiscard]] bool has_inputs() const { return named_->problem.empty() && edited_->exists; }
    [[nodiscard]] View inputs() const { return {&description_, scenario_, nullptr, nullptr}; }
    /// Values of Grid::model_fields.
    [[nodiscard]] std::span<const double> model_fields() const { return edited_->fields; }
    /// Of the model of the point, for evaluate().
    [[nodiscard]] const WeightBytes& weights() const { return edited_->weights; }
    /// Tells StepPlans what the point is of.
    void select(StepPlans& plans) const { plans.select(machine_, edit_); }
    /// Why the point cannot be evaluated.
    [[nodiscard]] const std::optional<Infeasible>& problem() const { return problem_; }
    [[nodiscard]] double value(const Variable& variable, const View& view) const;

  private:
    struct Setter {
        const AxisColumn* column;
        bool by_text;   // an objective: a value may name a percentile
    };
    struct GpuSetter {
        const GpuFigure* figure;
        const std::vector<double>* values;
        std::size_t axis;
    };
    /// What the engine's rules depend on.
    struct Judged {
        std::uint64_t name = 0;
        std::uint64_t edit = 0;
        Layout layout, prefill;
        double draft_tokens = 0;
        bool operator==(const Judged&) const = default;
    };
    /// By the rules of the engine; judged again when what they depend on has changed.
    [[nodiscard]] const std::optional<Infeasible>& refusal();
    void apply_axis(std::size_t axis);
    void settle();
    [[nodiscard]] bool select_names();
    [[nodiscard]] bool select_edits(bool other_names);

    const Grid& grid_;
    const Prototypes& prototypes_;
    Description description_;
    std::uint64_t point_ = 0;
    std::vector<std::uint32_t> digits_;
    std::vector<std::vector<Setter>> setters_;   // by axis
    std::vector<GpuSetter> gpu_setters_;
    bool has_edits_ = false;
    // One scenario for each combination of names while there are few, else one that is overwritten.
    std::vector<std::unique_ptr<Scenario>> scenarios_;
    std::vector<std::uint64_t> edit_in_;   // edit whose architecture a scenario holds
    Scenario* scenario_ = nullptr;
    std::size_t slot_ = 0;
    const NamedScenario* named_ = nullptr;
    const EditedModel* edited_ = nullptr;
    EditedModel own_edited_;
    std::uint64_t name_ = ~std::uint64_t{0};
    std::uint64_t edit_ = ~std::uint64_t{0};
    std::uint64_t place_ = 0;     // of the names of the point: what lies there does not change
    std::uint64_t machine_ = 0;   // names and figures of the accelerator
    std::optional<Infeasible> problem_;
    std::optional<Judged> judged_;
    std::optional<Infeasible> refusal_;
};

}   // namespace moecost
