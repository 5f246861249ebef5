// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/step_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "moecost/ops/routing.h"

namespace moecost {
namespace {

/// Routed experts, by phase and by how tokens reach them.
double experts_factor(const Operation& op, const Layout& layout, const CalibratedHardware& machine,
                      Phase phase) {
    const WideLaw& wide = machine.profile->pools.wide;
    const PhaseLaw& alone = machine.profile->pools.alone;
    if (phase == Phase::both) return layout.all_to_all() ? wide.experts : 1;
    const auto* experts = std::get_if<ExpertFfn>(&op.shape);
    const bool mxfp4 = experts != nullptr && experts->weights == DType::mxfp4 &&
                       machine.cluster->gpu.peak_of(MathUnit::fp4).value() > 0;
    return (layout.all_to_all() ? wide.experts : alone.experts) * (mxfp4 ? alone.mxfp4 : 1);
}

/// The shape of one row or token, x times.
struct Grown {
    double x;
    OpShape operator()(Elementwise op) const {
        op.rows = x;
        return op;
    }
    OpShape operator()(AllReduce op) const {
        op.message *= x;
        return op;
    }
    OpShape operator()(AllGather op) const {
        op.message *= x;
        return op;
    }
    OpShape operator()(ExpertAllToAll op) const {
        op.tokens_per_rank *= x;
        return op;
    }
    OpShape operator()(PipelineSend op) const {
        op.message *= x;
        return op;
    }
    template <class Other>
    OpShape operator()(const Other& op) const {
        return op;
    }
};

bool of_tokens(const OpShape& shape) {
    return std::holds_alternative<AllGather>(shape) || std::holds_alternative<ExpertAllToAll>(shape);
}

}   // namespace

Timed ServedKernel::operator()(Timed t) const {
    if (factor != 1) t = stretched(t, factor);
    t.floor += added;
    t.total += added;
    return t;
}

ServedKernel served_as(const Operation& op, const Layout& layout, const CalibratedHardware& machine,
                       Phase phase) {
    const PhaseLaw& alone = machine.profile->pools.alone;
    const bool apart = phase != Phase::both;
    if (!machine.profile->kernels || !(apart || layout.all_to_all())) return {};
    if (op.op_class == OpClass::routed_experts) return {experts_factor(op, layout, machine, phase)};
    if (std::holds_alternative<ExpertAllToAll>(op.shape)) return {machine.profile->pools.wide.all_to_all};
    if (!apart) return {};
    const auto* reduce = std::get_if<AllReduce>(&op.shape);
    if (reduce == nullptr || reduce->ranks <= machine.cluster->domain) return {alone.step};
    return {1, alone.across_domains};
}

double expert_skew(const Layout& layout, const CalibratedHardware& machine) {
    const double popular = machine.profile->serving.expert_skew;
    return layout.all_to_all() ? balanced_skew(popular, machine.profile->pools.wide.balance) : popular;
}

GemmPlace FewGemms::place(const Gemm& op, const CalibratedHardware& machine) {
    const std::size_t i = plans_.size();
    plans_.push_back(GemmPlan(op, machine));
    auto* first = reinterpret_cast<GemmBand*>(bands_.data()) + i * bands;
    for (std::size_t k = 0; k < bands; ++k) new (first + k) GemmBand;
    return {&plans_[i], {first, bands}};
}

GemmPlace ManyGemms::place(const Gemm& op, const CalibratedHardware& machine) {
    for (const auto& k : kept_) {
        if (k->shape.n == op.n && k->shape.k == op.k && k->shape.weights == op.weights)
            return {&k->plan, k->bands};
    }
    Kept& k = *kept_.emplace_back(std::make_unique<Kept>(op, machine, bands_));
    return {&k.plan, k.bands};
}

/// Puts the operations of a listing where they belong.
struct StepPlan::Adding {
    StepPlan& plan;
    const Architecture& architecture;
    const Layout& layout;
    const CalibratedHardware& machine;
    Phase phase;
    ManyGemms* many;
    FewGemms& few;

    void gemm(const Operation& op, const Gemm& shape, By by) const {
        const GemmPlace place = many != nullptr ? many->place(shape, machine) : few.place(shape, machine);
        plan.gemms_.push_back({place, served_as(op, layout, machine, phase), op.count, by, op.op_class});
        Ideal& ideal = plan.ideal_[by];
        const GemmTablePlan& roofline = place.plan->ideal();
        ideal.compute += op.count * roofline.ideal_compute(1);
        ideal.memory += op.count * roofline.ideal_memory(0);
        ideal.memory_each += op.count * (roofline.ideal_memory(1) - roofline.ideal_memory(0));
    }
    void all_reduce(const Operation& op, const AllReduce& shape, By by) const {
        plan.all_reduces_.push_back({AllReducePlan(shape.ranks, machine), shape.message,
                                     served_as(op, layout, machine, phase), op.count, by, op.op_class});
    }
    /// Where the time is a straight line of x, it joins those of its class. A law of this room is convex or concave in the
    /// message or the rows, so that four points on a line are enough to know.
    [[nodiscard]] bool line(const Operation& op, const ServedKernel& served, By by) const {
        const auto at = [&](double x) {
            return served(operation_time({op.name, op.op_class, 1, std::visit(Grown{x}, op.shape)}, machine));
        };
        constexpr double far = 32768;
        const Timed low = at(far), high = at(2 * far), one = at(1);
        const double each = (high.total - low.total).value() / far;
        const double floor = low.total.value() - far * each;
        const auto straight = [&](double x, const Timed& t) {
            return std::abs(t.total.value() - floor - each * x) <= 1e-12 * t.total.value() &&
                   t.provenance == low.provenance;
        };
        if (!straight(1, one) || !straight(300, at(300)) || high.provenance != low.provenance) return false;
        Line& sum = line_of(by, op.op_class, low.provenance == Provenance::extrapolated);
        sum.floor += op.count * floor;
        sum.each += op.count * each;
        sum.roofline_each += op.count * one.ideal_total.value();
        sum.compute_each += op.count * one.ideal_compute.value();
        sum.memory_each += op.count * one.ideal_memory.value();
        return true;
    }
    [[nodiscard]] Line& line_of(By by, OpClass op_class, bool outside) const {
        for (Line& l : plan.lines_)
            if (l.by == by && l.op_class == op_class && l.outside == outside) return l;
        Line fresh{by, op_class};
        fresh.outside = outside;
        plan.lines_.push_back(fresh);
        return plan.lines_[plan.lines_.size() - 1];
    }
    void other(Operation op, bool draft) const {
        const bool by_tokens = of_tokens(op.shape);
        if (by_tokens) op.shape = std::visit(Grown{1.0 / layout.attention_dp}, op.shape);   // of one token
        const By by = draft ? (by_tokens ? draft_tokens : draft_rows) : (by_tokens ? tokens : rows);
        if (const auto* reduce = std::get_if<AllReduce>(&op.shape)) return all_reduce(op, *reduce, by);
        const ServedKernel served = served_as(op, layout, machine, phase);
        if (!line(op, served, by)) plan.others_.push_back({op, served, by});
    }
    /// `ffns` in the order of the listing.
    void all(const OperationList& operations, std::span<const FfnGroup> ffns, double skew, bool draft) const {
        std::size_t next = 0;
        for (const Operation& op : operations) {
            if (const auto* g = std::get_if<Gemm>(&op.shape)) {
                gemm(op, *g, draft ? draft_rows : op.name == "head" ? logits : rows);
            } else if (const auto* e = std::get_if<ExpertFfn>(&op.shape)) {
                while (!std::holds_alternative<MoeFfn>(ffns[next].kind)) ++next;
                const Routing routing = routing_of(std::get<MoeFfn>(ffns[next++].kind), layout, skew);
                plan.experts_.push_back({*e, ExpertPlan(*e, machine), routing,
                                         served_as(op, layout, machine, phase), op.count,
                                         draft ? draft_tokens : tokens});
            } else {
                other(op, draft);
            }
        }
    }
};

void StepPlan::build(const Architecture& architecture, const Precision& precision, const Layout& layout,
                     const CalibratedHardware& machine, Phase phase, ManyGemms* many, FewGemms& few) {
    const double skew = expert_skew(layout, machine);
    const Adding adding{*this, architecture, layout, machine, phase, many, few};
    OperationList operations;
    StepShape unit;   // of one row on each attention rank
    unit.decode_sequences = layout.attention_dp;
    list_operations(architecture, precision, layout, skew, unit, operations, Listed::scaling);
    adding.all(operations, architecture.ffns, skew, false);
    if (architecture.mtp.count > 0) {
        operations.clear();
        list_drafts(architecture, precision, layout, skew, unit, 1, operations, Listed::scaling);
        adding.all(operations, architecture.mtp.ffns, skew, true);
    }
    all_to_all_ = layout.all_to_all();
    if (many != nullptr && gemms_.size() <= 64) together_.resize(64);
    built_ = true;
}

void StepPlan::add(const StepContext& step, const StepContext* draft, double drafts,
                   const CalibratedHardware& machine, StepSums& sums) {
    const Quantities x{step.rows, step.logits(), step.tokens, draft != nullptr ? draft->rows : 0,
                       draft != nullptr ? draft->tokens : 0};
    add_gemms(x, drafts, sums);
    add_experts(x, drafts, sums);
    add_all_reduces(x, drafts, sums);
    add_lines(x, drafts, sums);
    add_others(x, drafts, machine, sums);
}

bool StepPlan::join(Together& slot, const PlannedGemm& g, const GemmRows& m) const {
    const std::optional<GemmPlan::Whole> whole = g.place.plan->whole(m, g.place.bands);
    if (g.by != rows || g.served.factor < 1 || !whole) return false;
    std::size_t i = 0;
    while (i < slot.count &&
           !(slot.classes[i].op_class == g.op_class && slot.classes[i].outside == !whole->inside))
        ++i;
    if (i == slot.classes.size()) return false;
    if (i == slot.count) slot.classes[slot.count++] = {{}, g.op_class, !whole->inside};
    GemmBand::Newton& sum = slot.classes[i].total;
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += g.count * g.served.factor * (*whole->total)[k];
    sum[0] += g.count * g.served.added.value();
    slot.least += g.count * whole->least;
    slot.least_each += g.count * whole->least_each;
    if (g.op_class != OpClass::shared_experts) return true;
    slot.experts_least += g.count * whole->least;
    slot.experts_least_each += g.count * whole->least_each;
    return true;
}

void StepPlan::join(Together& slot, const GemmRows& m) const {
    slot = {};
    slot.band = m.band;
    for (std::size_t i = 0; i < gemms_.size(); ++i)
        if (!join(slot, gemms_[i], m)) slot.apart |= std::uint64_t{1} << i;
}

void StepPlan::add_together(const GemmRows& m, StepSums& sums, std::uint64_t& apart) {
    Together& slot = together_[static_cast<std::size_t>(m.band) & (together_.size() - 1)];
    if (slot.band != m.band) join(slot, m);
    for (std::size_t i = 0; i < slot.count; ++i) {
        const Together::Class& c = slot.classes[i];
        const double total = GemmBand::value(c.total, m.x);
        sums.by_class[static_cast<std::size_t>(c.op_class)] += total;
        if (c.outside) sums.extrapolated += total;
    }
    sums.roofline += slot.least + slot.least_each * m.m;
    sums.experts_roofline += slot.experts_least + slot.experts_least_each * m.m;
    apart = slot.apart;
}

void StepPlan::add_gemms(const Quantities& x, double drafts, StepSums& sums) {
    const std::array<GemmRows, kinds> rows_of{
        GemmRows(x[rows]), GemmRows(x[logits]), {}, GemmRows(x[draft_rows]), {}};
    const bool all = together_.empty();
    std::uint64_t apart = 0;
    if (!all) add_together(rows_of[rows], sums, apart);
    for (std::size_t i = 0; i < gemms_.size(); ++i) {
        if (!all) {
            if (apart == 0) break;
            i = static_cast<std::size_t>(std::countr_zero(apart));
            apart &= apart - 1;
        }
        const PlannedGemm& g = gemms_[i];
        const GemmRows& m = rows_of[g.by];
        if (m.m <= 0) continue;
        const double count = g.by == draft_rows ? g.count * drafts : g.count;
        const GemmPlan::Total t = g.place.plan->total(m, g.place.bands);
        const double least = g.place.plan->ideal().ideal_total(m.m);
        const double total = std::max(t.seconds * g.served.factor, least) + g.served.added.value();
        sums.add_total(total * count, least * count, g.op_class, !t.inside);
    }
    for (const By by : {rows, logits, draft_rows}) {
        if (x[by] <= 0) continue;
        const double count = by == draft_rows ? drafts : 1;
        sums.compute += count * ideal_[by].compute * x[by];
        sums.memory += count * (ideal_[by].memory + ideal_[by].memory_each * x[by]);
    }
}

void StepPlan::add_experts(const Quantities& x, double drafts, StepSums& sums) {
    for (PlannedExperts& e : experts_) {
        if (x[e.by] <= 0) continue;
        set_load(e.shape, e.routing.at(x[e.by]), x[e.by], all_to_all_);
        const double count = e.by == draft_tokens ? e.count * drafts : e.count;
        sums.add(e.served(e.plan.time(e.shape)), OpClass::routed_experts, count);
    }
}

void StepPlan::add_all_reduces(const Quantities& x, double drafts, StepSums& sums) {
    for (const PlannedAllReduce& a : all_reduces_) {
        if (x[a.by] <= 0) continue;
        const double count = a.by == draft_rows ? a.count * drafts : a.count;
        sums.add(a.served(a.plan.time(a.each * x[a.by])), a.op_class, count);
    }
}

void StepPlan::add_lines(const Quantities& x, double drafts, StepSums& sums) const {
    for (const Line& l : lines_) {
        const double at = x[l.by];
        if (at <= 0) continue;
        const double times = l.by == draft_tokens || l.by == draft_rows ? drafts : 1;
        sums.add_total(times * (l.floor + l.each * at), times * l.roofline_each * at, l.op_class, l.outside);
        sums.compute += times * l.compute_each * at;
        sums.memory += times * l.memory_each * at;
    }
}

void StepPlan::add_others(const Quantities& x, double drafts, const CalibratedHardware& machine,
                          StepSums& sums) {
    for (const PlannedOther& o : others_) {
        if (x[o.by] <= 0) continue;
        const double count =
            o.by == draft_tokens || o.by == draft_rows ? o.unit.count * drafts : o.unit.count;
        const Operation op{o.unit.name, o.unit.op_class, count, std::visit(Grown{x[o.by]}, o.unit.shape)};
        sums.add(o.served(operation_time(op, machine)), op.op_class, count);
    }
}

}   // namespace moecost
