// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/prototypes.h"

#include <algorithm>

#include "moecost/base/format.h"
#include "moecost/hardware/cluster.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/field_value.h"

namespace moecost {
namespace {

constexpr std::uint64_t max_names = 4096;         // about 20 kB each
constexpr std::uint64_t max_kept_edits = 16384;   // about 2 kB each

bool has_kind(const Axis& axis, AxisKind kind) {
    return std::any_of(axis.columns.begin(), axis.columns.end(),
                       [&](const AxisColumn& c) { return c.kind == kind; });
}

std::uint64_t mixed_radix(const Grid& grid, const std::vector<std::size_t>& axes,
                          const std::uint32_t* digits) {
    std::uint64_t index = 0;
    for (const std::size_t axis : axes) index = index * grid.axes[axis].size + digits[axis];
    return index;
}

/// Digits of the listed axes, in their order.
std::vector<std::uint32_t> digits_of(const Grid& grid, const std::vector<std::size_t>& axes,
                                     std::uint64_t index) {
    std::vector<std::uint32_t> digits(axes.size());
    for (std::size_t i = axes.size(); i-- > 0;) {
        digits[i] = static_cast<std::uint32_t>(index % grid.axes[axes[i]].size);
        index /= grid.axes[axes[i]].size;
    }
    return digits;
}

void strip(Pool& p) {
    p.profile.source = {};
    p.price.source = p.price.note = p.price.provider = {};
    if (!p.profile.kernels) return;
    const auto strip_tables = [](auto& tables) {
        for (auto& table : tables) table.fit = {};
    };
    KernelTables& k = *p.profile.kernels;
    strip_tables(k.gemm);
    strip_tables(k.moe);
    strip_tables(k.decode_attention);
    strip_tables(k.prefill_attention);
    strip_tables(k.mla_decode);
    strip_tables(k.mla_prefill);
    strip_tables(k.all_reduce);
    strip_tables(k.all_to_all);
}

/// What the table keeps of a scenario is copied often: texts that no column shows go.
void strip(Scenario& s) {
    s.notes = {};
    s.architecture.notes = {};
    s.architecture.source = {};
    for (Pool& p : s.pools) strip(p);
}

/// Some axis says how large a pool of two is.
bool has_pool_axis(const Grid& grid) {
    return std::any_of(grid.axes.begin(), grid.axes.end(), [](const Axis& axis) {
        return std::any_of(axis.columns.begin(), axis.columns.end(), [](const AxisColumn& c) {
            if (c.kind != AxisKind::number || c.input == nullptr) return false;
            Description d;
            set_number(d, *c.input, 1);
            return d.two_pools();
        });
    });
}

void one_gpu_each(Description& d) {
    for (PoolChoices* pool : {&d.prefill, &d.decode}) {
        pool->gpus.reset();
        pool->replicas = pool->tp = pool->pp = pool->ep = pool->attention_dp = 1;
        pool->redundant_experts.reset();
    }
}

/// A field of a member that only families have, or nothing.
std::optional<double> member_figure(const Architecture& a, const FamilyMember& m, std::string_view name) {
    if (name == "dense_equivalent") return m.dense_equivalent;
    if (name == "routed_experts") return field_value(a, "experts").value_or(0);
    const Input* input = input_named(name);
    if (input == nullptr || input->stage != InputStage::member) return std::nullopt;
    return given_number(description_of(m.request), *input);
}

double model_figure(const Architecture& a, const std::string& name) {
    if (name == "parameters") return count(a).total;
    if (name == "active_parameters") return count(a).active_excl_input_gather;
    return field_value(a, name).value_or(0);
}

/// Edits may need one another (more experts before a larger top-k): whatever fails is tried again after the others.
bool apply_all(Architecture& a, std::vector<Edit> edits) {
    while (!edits.empty()) {
        const std::size_t before = edits.size();
        std::erase_if(edits, [&](const Edit& e) {
            try {
                apply_edit(a, *e.key, *e.text);
                return true;
            } catch (const InputError&) {
                return false;
            }
        });
        if (edits.size() == before) return false;
    }
    return true;
}

/// True for messages about the edit itself rather than about the model it would give.
bool is_misspelt(std::string_view message) {
    return message.find("expected ") != std::string_view::npos ||
           message.find("no such field") != std::string_view::npos ||
           message.find("unknown value") != std::string_view::npos;
}

bool has_prices(const DataStore& data, const Description& d) {
    const Accelerator gpu = d.gpu.empty() ? load_cluster(data, d.cluster).gpu : load_accelerator(data, d.gpu);
    return !prices_of(data, priced_as(gpu)).empty();
}

/// Builds an entry of a table once; a thread that loses the race throws its copy away.
template <class T, class Build>
const T& entry(std::atomic<const T*>& slot, Build build) {
    const T* known = slot.load(std::memory_order_acquire);
    if (known != nullptr) return *known;
    auto made = std::make_unique<const T>(build());
    if (slot.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) return *made.release();
    return *known;
}

template <class T>
void release(std::vector<std::atomic<const T*>>& table) {
    for (std::atomic<const T*>& slot : table) std::unique_ptr<const T>(slot.load());
}

}   // namespace

Prototypes::Prototypes(const DataStore& data, const Grid& grid) : data_(data), grid_(grid) {
    for (std::size_t i = 0; i < grid.axes.size(); ++i) {
        if (has_kind(grid.axes[i], AxisKind::name)) {
            name_axes_.push_back(i);
            names_ *= grid.axes[i].size;
        }
        const bool member = has_kind(grid.axes[i], AxisKind::member);
        has_member_axes_ = has_member_axes_ || member;
        if (member || has_kind(grid.axes[i], AxisKind::edit)) {
            edit_axes_.push_back(i);
            edits_ *= grid.axes[i].size;
        }
    }
    if (names_ > max_names) {
        throw InputError(
            {grid.file}, "axis",
            grouped(static_cast<long long>(names_)).append(" combinations of names, more than 4,096"),
            "split the grid by model or accelerator, or zip axes that move together");
    }
    named_ = std::vector<std::atomic<const NamedScenario*>>(names_);
    if (edits_ <= max_kept_edits / names_)
        edited_ = std::vector<std::atomic<const EditedModel*>>(names_ * edits_);
    try {
        check_names();
        check_edits();
    } catch (...) {   // a constructor that throws runs no destructor: the tables are released here
        release(named_);
        throw;
    }
}

Prototypes::~Prototypes() {
    release(named_);
    release(edited_);
}

std::uint64_t Prototypes::name_index(const std::uint32_t* digits) const {
    return mixed_radix(grid_, name_axes_, digits);
}
std::uint64_t Prototypes::edit_index(const std::uint32_t* digits) const {
    return mixed_radix(grid_, edit_axes_, digits);
}

const NamedScenario& Prototypes::named(std::uint64_t index) const {
    return entry<NamedScenario>(named_[index], [&] { return describe_names(index); });
}

const EditedModel& Prototypes::edited(std::uint64_t name, std::uint64_t edit, EditedModel& own) const {
    if (edited_.empty()) {
        own = apply_edits(named(name), edit);
        return own;
    }
    return entry<EditedModel>(edited_[name * edits_ + edit], [&] { return apply_edits(named(name), edit); });
}

NamedScenario Prototypes::describe_names(std::uint64_t index) const {
    Description d = grid_.base;
    const auto digits = digits_of(grid_, name_axes_, index);
    for (std::size_t i = 0; i < name_axes_.size(); ++i) {
        for (const AxisColumn& column : grid_.axes[name_axes_[i]].columns) {
            if (column.kind != AxisKind::name) continue;
            if (column.input->key == "gpu") d.cluster.clear();
            if (column.input->key == "cluster") d.gpu.clear();
            set_input(d, *column.input, column.texts[digits[i]], column.where);
        }
    }
    if (!grid_.prices.basis.empty() && has_prices(data_, d)) d.price = grid_.prices.basis;
    if (has_member_axes_) {   // a member that exists: those of the points come later
        d.size = usual_member_size;
        d.experts = d.top_k = d.granularity = d.shared_experts = std::nullopt;
    }
    // Numbers that no model and no accelerator refuses: those of the points come later.
    d.gpus.reset();
    d.tp = d.pp = d.ep = d.attention_dp = d.replicas = 1;
    d.redundant_experts.reset();
    d.isl = d.osl = 1;
    if (d.two_pools() || has_pool_axis(grid_)) one_gpu_each(d);
    NamedScenario result;
    try {
        Expected<Scenario> scenario = resolve(data_, d);
        if (!scenario) {
            result.problem = to_text(scenario.error());
            return result;
        }
        result.scenario = std::move(*scenario);
        result.scenario.traffic = d.traffic.empty() ? Traffic{} : load_traffic(data_, d.traffic);
        strip(result.scenario);
        if (!d.family.empty()) result.family = load_family(data_, d.family);
    } catch (const InputError& e) {
        result.scenario = {};
        result.problem = message_of(e);
        result.mistake = e;
    }
    return result;
}

std::optional<FamilyMember> Prototypes::member_at(const Family& family,
                                                  const std::vector<std::uint32_t>& digits,
                                                  EditedModel& m) const {
    Description choices = description_of(member_request(grid_.base));
    for (std::size_t i = 0; i < edit_axes_.size(); ++i) {
        for (const AxisColumn& column : grid_.axes[edit_axes_[i]].columns) {
            if (column.kind != AxisKind::member) continue;
            set_number(choices, *column.input, column.numbers[digits[i]]);
        }
    }
    Expected<FamilyMember> member = member_of(family, member_request(choices));
    if (!member) {
        m.possible = m.exists = false;
        m.reason = member.error().reason;
        return std::nullopt;
    }
    m.architecture = member->architecture;
    m.architecture.notes = {};
    m.architecture.source = {};
    return *member;
}

std::vector<Edit> Prototypes::edits_at(const std::vector<std::uint32_t>& digits) const {
    std::vector<Edit> edits;
    for (std::size_t i = 0; i < edit_axes_.size(); ++i) {
        for (const AxisColumn& column : grid_.axes[edit_axes_[i]].columns) {
            if (column.kind != AxisKind::edit) continue;
            edits.push_back({&column.key, &column.texts[digits[i]], column.numbers[digits[i]]});
        }
    }
    return edits;
}

EditedModel Prototypes::apply_edits(const NamedScenario& named, std::uint64_t edit) const {
    EditedModel m;
    m.architecture = named.scenario.architecture;
    const auto digits = digits_of(grid_, edit_axes_, edit);
    const std::vector<Edit> edits = edits_at(digits);
    std::optional<FamilyMember> member;
    if (named.family) {
        member = member_at(*named.family, digits, m);
        if (!member) {
            m.fields.resize(grid_.model_fields.size());   // that nobody reads
            return m;
        }
        std::vector<Edit> of_base;
        for (const auto& [key, text] : grid_.base.edits) of_base.push_back({&key, &text, 0});
        m.possible = apply_all(m.architecture, of_base);
    }
    m.possible = m.possible && apply_all(m.architecture, edits);
    if (!m.possible) m.reason = "the edited model cannot exist";
    for (const std::string& name : grid_.model_fields) {
        const auto edited =
            std::find_if(edits.begin(), edits.end(), [&](const Edit& e) { return *e.key == name; });
        std::optional<double> value;
        if (edited == edits.end() && member) value = member_figure(m.architecture, *member, name);
        if (edited != edits.end() && !m.possible) value = edited->number;
        m.fields.push_back(value ? *value : model_figure(m.architecture, name));
    }
    if (m.possible) m.weights = weight_bytes(m.architecture, named.scenario.pool().precision);
    return m;
}

void Prototypes::check_names() const {
    const std::uint64_t tried = std::min<std::uint64_t>(names_, 64);
    for (std::uint64_t i = 0; i < tried; ++i) {
        if (named(i).problem.empty()) return;
    }
    if (tried < names_) return;
    throw named(0).mistake.value_or(InputError({grid_.file}, {}, named(0).problem));
}

void Prototypes::check_edits() const {
    const std::uint64_t tried = std::min<std::uint64_t>(names_, 64);
    for (const std::size_t axis : edit_axes_) {
        for (const AxisColumn& column : grid_.axes[axis].columns) {
            if (column.kind != AxisKind::edit) continue;
            for (const std::string& text : column.texts) {
                std::string message;
                std::string hint;
                for (std::uint64_t i = 0; i < tried; ++i) {
                    if (!named(i).problem.empty()) continue;
                    Architecture a = named(i).scenario.architecture;
                    message.clear();
                    try {
                        apply_edit(a, column.key, text);
                    } catch (const InputError& e) {
                        if (is_misspelt(e.what())) message = e.what();
                        hint = e.hint();
                    }
                    if (message.empty()) break;
                }
                if (!message.empty()) throw InputError(column.where, {}, message, hint);
            }
        }
    }
}

}   // namespace moecost
