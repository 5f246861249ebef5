// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/cursor.h"

#include <limits>

namespace moecost {
namespace {

constexpr std::uint64_t max_own_scenarios = 128;
constexpr std::uint64_t none = ~std::uint64_t{0};

struct NumberOption {
    std::string_view key;
    void (*set)(Description& description, double value);
};

template <std::optional<int> Description::*member>
void whole(Description& d, double v) {
    d.*member = static_cast<int>(v);
}
template <std::optional<double> Description::*member>
void real(Description& d, double v) {
    d.*member = v;
}
template <LoadKind kind>
void load(Description& d, double v) {
    d.load = kind;
    d.requests = v;
}

/// Options whose values are numbers; their texts were checked by description_options().
constexpr NumberOption number_options[] = {
    {"gpus", whole<&Description::gpus>},
    {"tp", whole<&Description::tp>},
    {"pp", whole<&Description::pp>},
    {"ep", whole<&Description::ep>},
    {"attention-dp", whole<&Description::attention_dp>},
    {"replicas", whole<&Description::replicas>},
    {"chunk", real<&Description::chunk>},
    {"max-sequences", real<&Description::max_sequences>},
    {"memory-fraction", real<&Description::memory_fraction>},
    {"reserve-gb", real<&Description::reserve_gb>},
    {"admission-steps", real<&Description::admission_steps>},
    {"isl", real<&Description::isl>},
    {"osl", real<&Description::osl>},
    {"cached", real<&Description::prefix_hit_rate>},
    {"equal-lengths", [](Description& d, double v) { d.equal_lengths = v != 0; }},
    {"concurrency", load<LoadKind::closed_loop>},
    {"rate", load<LoadKind::rate>},
    {"static-batch", load<LoadKind::static_batch>},
    {"burst", load<LoadKind::burst>},
    {"decode-only", load<LoadKind::decode_only>},
    {"slo-ttft", real<&Description::slo_ttft>},
    {"slo-tpot", real<&Description::slo_tpot>},
    {"blend", real<&Description::blend>},
};

void (*setter_of(const AxisColumn& column))(Description&, double) {
    for (const NumberOption& option : number_options) {
        if (option.key == column.key) return option.set;
    }
    throw InputError(column.where, column.name, "cannot be an axis");
}

}   // namespace

Cursor::Cursor(const Grid& grid, const Prototypes& prototypes)
    : grid_(grid),
      prototypes_(prototypes),
      description_(grid.base),
      digits_(grid.axes.size()),
      setters_(grid.axes.size()) {
    for (std::size_t i = 0; i < grid.axes.size(); ++i) {
        for (const AxisColumn& column : grid.axes[i].columns) {
            if (column.kind == AxisKind::option) setters_[i].push_back({setter_of(column), &column.numbers});
            if (column.kind == AxisKind::gpu || column.kind == AxisKind::price) {
                scenario_setters_.push_back({column.figure, &column.numbers, i});
            }
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
    for (const Setter& s : setters_[axis]) s.set(description_, (*s.values)[digits_[axis]]);
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
    } else if (scenarios_.size() == 1) {
        *scenarios_[0] = named_->scenario;
        edit_in_[0] = none;
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
        scenario_->weights = edited_->weights;
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
    for (const ScenarioSetter& s : scenario_setters_) {
        const double value = (*s.values)[digits_[s.axis]];
        if (s.figure == nullptr)
            scenario_->price.usd_per_gpu_hour = value;
        else
            s.figure->set(scenario_->cluster, value);
    }
    problem_ = apply_numbers(description_, *scenario_);
    if (!possible) problem_ = Infeasible{edited_->reason, {}, {}, 0, 0};
}

double Cursor::value(const Variable& variable, const PointView& view) const {
    if (variable.field != nullptr) return variable.field->number(view);
    if (variable.figure != nullptr) return variable.figure->get(view.scenario->cluster);
    if (variable.model_field >= 0) return edited_->fields[static_cast<std::size_t>(variable.model_field)];
    return std::numeric_limits<double>::quiet_NaN();
}

}   // namespace moecost
