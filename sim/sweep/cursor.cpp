// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/cursor.h"

#include <limits>

namespace moecost {
namespace {

constexpr std::uint64_t max_own_scenarios = 128;
constexpr std::uint64_t none = ~std::uint64_t{0};

}   // namespace

Cursor::Cursor(const Grid& grid, const Prototypes& prototypes)
    : grid_(grid),
      prototypes_(prototypes),
      description_(grid.base),
      digits_(grid.axes.size()),
      setters_(grid.axes.size()) {
    for (std::size_t i = 0; i < grid.axes.size(); ++i) {
        for (const AxisColumn& column : grid.axes[i].columns) {
            if (column.kind == AxisKind::number) setters_[i].push_back({&column, has_percentiles(column)});
            if (column.kind == AxisKind::gpu) gpu_setters_.push_back({column.figure, &column.numbers, i});
            has_edits_ = has_edits_ || column.kind == AxisKind::edit || column.kind == AxisKind::member;
        }
    }
    scenarios_.resize(prototypes.names() <= max_own_scenarios ? prototypes.names() : 1);
    edit_in_.resize(scenarios_.size(), none);
}

void Cursor::seek(std::uint64_t point) {
    point_ = point;
    std::uint64_t rest = point;
    for (std::size_t i = digits_.size(); i-- > 0;) {
        digits_[i] = static_cast<std::uint32_t>(rest % grid_.axes[i].size);
        rest /= grid_.axes[i].size;
    }
    for (std::size_t i = 0; i < digits_.size(); ++i) apply_axis(i);
    settle();
}

void Cursor::advance() {
    ++point_;
    std::size_t axis = digits_.size();
    while (axis-- > 0) {
        const bool wraps = ++digits_[axis] == grid_.axes[axis].size;
        if (wraps) digits_[axis] = 0;
        apply_axis(axis);
        if (!wraps) break;
    }
    settle();
}

void Cursor::apply_axis(std::size_t axis) {
    for (const Setter& s : setters_[axis]) {
        const std::size_t digit = digits_[axis];
        if (s.by_text)
            set_input(description_, *s.column->input, s.column->texts[digit], s.column->where);
        else
            set_number(description_, *s.column->input, s.column->numbers[digit]);
    }
}

bool Cursor::select_names() {
    const std::uint64_t name = prototypes_.name_index(digits_.data());
    if (name == name_) return false;
    name_ = name;
    named_ = &prototypes_.named(name);
    if (!named_->problem.empty()) return true;
    slot_ = scenarios_.size() > 1 ? name : 0;
    if (scenarios_[slot_] == nullptr) {
        scenarios_[slot_] = std::make_unique<Scenario>(named_->scenario);
        place_ = slot_;
    } else if (scenarios_.size() == 1) {
        *scenarios_[0] = named_->scenario;
        edit_in_[0] = none;
        ++place_;   // others lie there now
    } else {
        place_ = slot_;
    }
    scenario_ = scenarios_[slot_].get();
    return true;
}

bool Cursor::select_edits(bool other_names) {
    const std::uint64_t edit = prototypes_.edit_index(digits_.data());
    if (edit != edit_ || other_names) {
        edit_ = edit;
        edited_ = &prototypes_.edited(name_, edit, own_edited_);
    }
    if (has_edits_ && edited_->possible && edit_in_[slot_] != edit) {
        scenario_->architecture = edited_->architecture;
        edit_in_[slot_] = edit;
    }
    return edited_->possible;
}

void Cursor::settle() {
    const bool other_names = select_names();
    if (!named_->problem.empty()) {
        problem_ = Infeasible{named_->problem, {}, {}, 0, 0};
        return;
    }
    const bool possible = select_edits(other_names);
    machine_ = place_;
    for (const GpuSetter& s : gpu_setters_) {
        machine_ = machine_ * grid_.axes[s.axis].size + digits_[s.axis];
        for (Pool& pool : scenario_->pools) s.figure->set(pool.cluster, (*s.values)[digits_[s.axis]]);
    }
    problem_ = apply_numbers(description_, *scenario_);
    if (!problem_ && possible) problem_ = refusal();
    if (!possible) problem_ = Infeasible{edited_->reason, {}, {}, 0, 0};
}

const std::optional<Infeasible>& Cursor::refusal() {
    const Pool& p = scenario_->pool();
    const Judged now{name_, edit_, p.layout, scenario_->pools.front().layout, p.settings.draft_tokens};
    if (judged_ == now) return refusal_;
    judged_ = now;
    refusal_ = launch_refusal(*scenario_);
    return refusal_;
}

double Cursor::value(const Variable& variable, const View& view) const {
    if (auto* number = variable.number()) return number(view);
    if (variable.gpu != nullptr) return variable.gpu->get(view.scenario->pool().cluster);
    if (variable.model_field >= 0) return edited_->fields[static_cast<std::size_t>(variable.model_field)];
    return std::numeric_limits<double>::quiet_NaN();
}

}   // namespace moecost
