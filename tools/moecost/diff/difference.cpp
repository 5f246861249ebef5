// SPDX-License-Identifier: Apache-2.0
// Two deployments apart: every input in which they differ is moved alone from A towards B, and alone as the last one.
//   change = f(B) - f(A) = sum over inputs of (f(A with that input of B) - f(A)) + interaction
#include <algorithm>
#include <cmath>
#include <limits>

#include "diff/diff.h"

namespace moecost::cli {
namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view layout_keys[] = {"gpus", "tp", "pp", "ep", "attention-dp", "all-to-all"};
constexpr std::string_view machine_keys[] = {"gpu", "cluster"};
constexpr std::string_view model_keys[] = {"model", "family",      "size",          "experts",
                                           "top-k", "granularity", "shared-experts"};

template <std::size_t n>
bool is_among(const std::string_view (&list)[n], const Input& input) {
    return std::find(std::begin(list), std::end(list), input.key) != std::end(list);
}

std::vector<double> values_of(const std::vector<const Figure*>& list, const EstimateAnswer& a) {
    std::vector<double> values;
    for (const Figure* f : list) values.push_back(a.estimate ? f->number(a.view()) : no_number);
    return values;
}

std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> d(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) d[i] = a[i] - b[i];
    return d;
}

/// Differs as written, and not in what the two ways of writing it came to.
bool matters(const Input& input, const Difference& d) {
    if (texts_of(d.a.description, input) == texts_of(d.b.description, input)) return false;
    const bool resolved = d.answer_a.scenario && d.answer_b.scenario;
    if (!resolved || input.kind == InputKind::edit || (input.number == nullptr && input.text == nullptr))
        return true;
    return value_of(input, d.answer_a) != value_of(input, d.answer_b);
}

/// Of one pool alone: "decode-tp". The loads of one phase ("decode-only") are loads.
bool is_of_one_pool(const Input& input) {
    return !std::holds_alternative<LoadSlot>(input.slot) &&
           (input.key.starts_with("prefill-") || input.key.starts_with("decode-"));
}

bool has_two_pools(const Description& d) {
    const auto all = inputs();
    return std::any_of(all.begin(), all.end(),
                       [&](const Input& i) { return is_of_one_pool(i) && !texts_of(d, i).empty(); });
}

/// A degree of a layout, of either pool too.
bool is_layout_input(const Input& input) {
    std::string_view key = input.key;
    if (is_of_one_pool(input)) key.remove_prefix(key.find('-') + 1);
    return std::find(std::begin(layout_keys), std::end(layout_keys), key) != std::end(layout_keys);
}

/// One input each, but for those that describe one thing in two ways.
std::vector<Move> moves_of(const Difference& d) {
    const Description &a = d.a.description, &b = d.b.description;
    const bool two_machines = a.cluster.empty() != b.cluster.empty();
    const bool two_models = a.family.empty() != b.family.empty();
    const bool other_pools = has_two_pools(a) != has_two_pools(b);
    std::vector<Move> moves;
    Move load, machine, model, pools;
    for (const Input* input : d.inputs) {
        if (std::holds_alternative<LoadSlot>(input->slot))
            load.inputs.push_back(input);
        else if (two_machines && is_among(machine_keys, *input))
            machine.inputs.push_back(input);
        else if (two_models && is_among(model_keys, *input))
            model.inputs.push_back(input);
        else if (other_pools && (is_of_one_pool(*input) || is_layout_input(*input)))
            pools.inputs.push_back(input);
        else
            moves.push_back({{input}, {}, {}, {}});
    }
    for (Move* m : {&load, &pools, &machine, &model}) {
        if (!m->inputs.empty()) moves.insert(moves.begin(), std::move(*m));
    }
    return moves;
}

EstimateAnswer moved(const DataStore& data, const Description& from, const Description& to, const Move& m) {
    Description d = from;
    for (const Input* input : m.inputs) copy_input(d, to, *input);
    try {
        return answer_for(data, d);
    } catch (const InputError& e) {   // inputs that only go together, such as the layouts of two pools
        EstimateAnswer none;
        none.why.reason = "the inputs of this change only go together with others";
        none.why.detail = e.what();
        return none;
    }
}

void work_out(const DataStore& data, const Difference& d, Move& m) {
    const auto at_a = values_of(d.explained, d.answer_a);
    const auto at_b = values_of(d.explained, d.answer_b);
    const EstimateAnswer first = moved(data, d.a.description, d.b.description, m);
    const EstimateAnswer last = moved(data, d.b.description, d.a.description, m);
    m.alone = minus(values_of(d.explained, first), at_a);
    m.last = minus(at_b, values_of(d.explained, last));
    if (!first.estimate) m.why = to_text(first.why);
}

/// Degrees of a layout that cannot run one by one are moved as one.
void join_layouts(const DataStore& data, Difference& d) {
    const auto is_layout = [](const Move& m) { return is_layout_input(*m.inputs.front()); };
    const auto stuck = std::any_of(d.moves.begin(), d.moves.end(),
                                   [&](const Move& m) { return is_layout(m) && !m.why.empty(); });
    if (!stuck || std::count_if(d.moves.begin(), d.moves.end(), is_layout) < 2) return;
    Move layout;
    for (const Move& m : d.moves) {
        if (is_layout(m)) layout.inputs.insert(layout.inputs.end(), m.inputs.begin(), m.inputs.end());
    }
    const auto at = std::find_if(d.moves.begin(), d.moves.end(), is_layout) - d.moves.begin();
    std::erase_if(d.moves, is_layout);
    work_out(data, d, layout);
    d.moves.insert(d.moves.begin() + at, std::move(layout));
}

}   // namespace

bool is_split_unlike(const Difference& d, const Figure& figure) {
    constexpr std::string_view split[] = {"usd_per_mtok_output", "usd_per_mtok_input", "usd_per_mtok_cached",
                                          "usd_per_mtok_blended"};
    return has_two_pools(d.a.description) != has_two_pools(d.b.description) &&
           std::find(std::begin(split), std::end(split), figure.key) != std::end(split);
}

std::string name_of(const Move& m) {
    std::string s;
    for (std::size_t i = 0; i < m.inputs.size(); ++i) {
        if (i > 0) s.append(i + 1 == m.inputs.size() ? " and " : ", ");
        s.append(m.inputs[i]->key);
    }
    return s;
}

std::string value_of(const Input& input, const EstimateAnswer& a) {
    if (input.kind != InputKind::edit) return shown(input, a.view());
    std::string s;
    for (const std::string& text : texts_of(a.description, input))
        s.append(s.empty() ? "" : " ").append(text);
    return s.empty() ? "-" : s;
}

double change_of(const Difference& d, std::size_t figure) {
    const Figure& f = *d.explained[figure];
    return f.number(d.answer_b.view()) - f.number(d.answer_a.view());
}

double interaction_of(const Difference& d, std::size_t figure) {
    double rest = change_of(d, figure);
    for (const Move& m : d.moves) {
        if (std::isfinite(m.alone[figure])) rest -= m.alone[figure];
    }
    return rest;
}

std::vector<Stale> stale_figures(const Side& side, const EstimateAnswer& answer) {
    std::vector<Stale> list;
    if (!answer.estimate) return list;
    for (const auto& [key, recorded] : side.recorded) {
        const Figure* f = figure_named(key);
        const double now = f->number(answer.view());
        const double scale = std::max(std::abs(recorded), std::abs(now));
        if (!(std::abs(recorded - now) <= 1e-6 * scale)) list.push_back({f, recorded, now});
    }
    return list;
}

Difference difference_of(const DataStore& data, Side a, Side b, std::vector<const Figure*> explained) {
    Difference d;
    d.answer_a = answer_for(data, a.description);
    d.answer_b = answer_for(data, b.description);
    d.a = std::move(a);
    d.b = std::move(b);
    d.explained = std::move(explained);
    for (const Input& input : inputs()) {
        if (matters(input, d)) d.inputs.push_back(&input);
    }
    if (!d.possible()) return d;
    d.moves = moves_of(d);
    for (Move& m : d.moves) work_out(data, d, m);
    join_layouts(data, d);
    return d;
}

}   // namespace moecost::cli
