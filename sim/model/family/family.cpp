// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/family/family.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/model/counts.h"
#include "moecost/model/family/shape.h"

namespace moecost {
namespace {

constexpr double exact_integers = 9'007'199'254'740'992;   // 2^53: beyond, counts in doubles are not exact

bool allows(const FamilyChoice& choice, int value) {
    const auto& allowed = choice.allowed;
    return allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

/// One choice with what it is called and counted in.
struct Asked {
    const FamilyChoice& choice;
    std::string_view quantity;
    std::string_view unit;
    int value;
    int low;
};

std::optional<Infeasible> out_of_range(const Asked& a) {
    if (a.value >= a.low && a.value <= max_experts) return std::nullopt;
    return Infeasible{"a choice of the member is out of range", a.quantity, a.unit,
                      static_cast<double>(a.value),
                      static_cast<double>(a.value < a.low ? a.low : max_experts)};
}

std::optional<Infeasible> disallowed(const Asked& a) {
    if (allows(a.choice, a.value)) return std::nullopt;
    return Infeasible{"the family has no such members", a.quantity, a.unit, static_cast<double>(a.value),
                      static_cast<double>(a.choice.usual)};
}

/// Defaults into what is left open; E = 1 is the dense model, whatever is usual for routed ones.
void fill_defaults(const Family& f, FamilyRequest& r) {
    if (r.experts == 0) r.experts = f.experts.usual;
    const bool dense = r.experts == 1;
    if (r.top_k == 0) r.top_k = std::min(f.top_k.usual, std::max(1, r.experts));
    if (r.granularity == 0) r.granularity = dense ? 1 : f.granularity.usual;
    const double routed_most = static_cast<double>(r.top_k) * r.granularity - 1;
    if (r.shared_experts < 0)
        r.shared_experts =
            dense ? 0 : static_cast<int>(std::min<double>(f.shared_experts.usual, routed_most));
}

std::optional<Infeasible> request_problem(const Family& f, const FamilyRequest& r) {
    const Asked experts{f.experts, "experts", "experts", r.experts, 1};
    const Asked parts[] = {{f.top_k, "top-k", "experts", r.top_k, 1},
                           {f.granularity, "granularity", "parts", r.granularity, 1},
                           {f.shared_experts, "shared-experts", "experts", r.shared_experts, 0}};
    if (auto p = out_of_range(experts)) return p;
    if (auto p = disallowed(experts)) return p;
    for (const Asked& part : parts) {
        if (auto p = out_of_range(part)) return p;
        if (auto p = disallowed(part); p && r.experts > 1) return p;   // a dense member has no parts
    }
    const double active = static_cast<double>(r.top_k) * r.granularity;
    const double routed = static_cast<double>(r.experts) * r.granularity;
    if (r.top_k > r.experts) {
        return Infeasible{"a token cannot use more experts than there are", "top-k", "experts",
                          static_cast<double>(r.top_k), static_cast<double>(r.experts)};
    }
    if (r.experts > 1 && r.shared_experts > active - 1) {
        return Infeasible{"shared experts leave none to route to", "shared-experts", "experts",
                          static_cast<double>(r.shared_experts), active - 1};
    }
    if (routed > max_experts) {
        return Infeasible{"more routed experts than a layer can have", "experts x granularity", "experts",
                          routed, max_experts};
    }
    return std::nullopt;
}

/// A dense member has no granularity and nothing to share.
void settle_dense(FamilyRequest& r) {
    if (r.experts > 1) return;
    r.granularity = 1;
    r.shared_experts = 0;
}

std::optional<Infeasible> size_problem(const Family& f, const FamilyRequest& r) {
    const double least = smallest_size(f, r);
    if (!(r.size >= least)) {
        return Infeasible{"the size is below the smallest member", "size", "parameters", least, r.size};
    }
    const double total = r.size * std::max(1, r.experts);
    if (!(total <= exact_integers)) {
        return Infeasible{"the size is beyond what is counted exactly", "size x experts", "parameters", total,
                          exact_integers};
    }
    return std::nullopt;
}

MoeFfn moe_of(const Family& f, const FamilyRequest& r, int width) {
    MoeFfn moe;
    moe.experts = r.experts * r.granularity;
    moe.top_k = r.top_k * r.granularity - r.shared_experts;
    moe.width = width;
    moe.matrices = f.matrices;
    const double shared = static_cast<double>(r.shared_experts) * width;
    moe.shared_width = static_cast<int>(std::min<double>(shared, max_width + 1));   // refused with the whole
    return moe;
}

std::string short_count(double parameters) {
    if (parameters >= 999.5e9) return significant(parameters / 1e12, 3).append("T");
    if (parameters >= 999.5e6) return significant(parameters / 1e9, 3).append("B");
    return significant(parameters / 1e6, 3).append("M");
}

/// "deepseek-like 20.1B x32", and what differs from the usual member.
std::string name_of(const Family& f, const FamilyMember& m) {
    std::string s(f.id);
    s.append(" ")
        .append(short_count(m.dense_equivalent))
        .append(" x")
        .append(std::to_string(m.request.experts));
    if (m.request.experts == 1) return s;
    if (m.request.top_k != f.top_k.usual) s.append(" k").append(std::to_string(m.request.top_k));
    if (m.request.granularity != f.granularity.usual)
        s.append(" g").append(std::to_string(m.request.granularity));
    if (m.request.shared_experts != f.shared_experts.usual)
        s.append(" s").append(std::to_string(m.request.shared_experts));
    return s;
}

/// "member of deepseek-like: dense-equivalent size 20.1B without embeddings, 0.24 % above the one asked for"
std::string size_note(const Family& f, const FamilyMember& m) {
    std::string s("member of ");
    s.append(f.id).append(": dense-equivalent size ").append(short_count(m.dense_equivalent));
    s.append(" without embeddings, ").append(fixed(100 * std::abs(m.deviation), 2));
    return s.append(" % ").append(m.deviation < 0 ? "below" : "above").append(" the one asked for");
}

/// One module that predicts the token after the next, as DeepSeek-V3 has it: a layer more with full attention, and with
/// experts where the others have them. Held, run and trained only where tokens are drafted.
MtpModules drafting_module(const Architecture& a) {
    MtpModules m;
    m.count = 1;
    m.mixers = {a.mixers.front()};
    m.mixers.front().count = 1;
    m.ffns = {a.ffns.back()};
    m.ffns.front().count = 1;
    return m;
}

Architecture build(const Family& f, const FamilyRequest& r, const FamilyShape& shape) {
    Architecture a;
    a.source = f.source;
    a.hidden = shape.hidden;
    a.vocabulary = f.vocabulary;
    a.max_position = f.max_position;
    a.tied_embeddings = f.tied_embeddings;
    a.layers = shape.layers;
    const int kept = shape.layers / f.attention_every;
    a.mixers.push_back({family_mixer(f, shape.hidden, shape.heads), kept, 1});
    if (kept < shape.layers) a.mixers.push_back({linear_mixer(f, shape.hidden), shape.layers - kept, 1});
    const int routed = routed_layers(f, r, shape.layers);
    const DenseFfn dense{shape.ffn_width, f.matrices};
    if (routed < shape.layers) a.ffns.push_back({dense, shape.layers - routed, 1});
    if (routed > 0) a.ffns.push_back({moe_of(f, r, shape.ffn_width / r.granularity), routed, 1});
    a.mtp = drafting_module(a);
    return a;
}

double embeddings_of(const Counts& c) {
    return c.by_component[static_cast<std::size_t>(Component::embeddings)] +
           c.by_component[static_cast<std::size_t>(Component::head)];
}

/// The same layers with one FFN of width f each.
double dense_equivalent_of(const Family& f, FamilyRequest r, const FamilyShape& shape) {
    r.experts = 1;
    const Counts c = count(build(f, r, shape));
    return c.total - embeddings_of(c);
}

FamilyMember measured(const Family& f, const FamilyRequest& r, const FamilyShape& shape,
                      Architecture architecture) {
    FamilyMember m{std::move(architecture), r};
    const Counts c = count(m.architecture);
    m.embeddings = embeddings_of(c);
    m.total = c.total - m.embeddings;
    m.active = c.active_incl_embeddings - m.embeddings;
    m.dense_equivalent = dense_equivalent_of(f, r, shape);
    m.deviation = m.dense_equivalent / r.size - 1;
    m.granularity = r.granularity;
    m.architecture.name = name_of(f, m);
    m.architecture.notes = f.notes;
    m.architecture.notes.push_back(size_note(f, m));
    return m;
}

}   // namespace

Expected<FamilyMember> member_of(const Family& family, const FamilyRequest& request) {
    FamilyRequest r = request;
    fill_defaults(family, r);
    if (const auto problem = request_problem(family, r)) return *problem;
    settle_dense(r);
    if (const auto problem = size_problem(family, r)) return *problem;
    const Expected<FamilyShape> shape = nearest_shape(family, r);
    if (!shape) return shape.error();
    Architecture architecture = build(family, r, *shape);
    if (!problem_of(architecture).empty()) {
        return Infeasible{"the member has sizes that no model can have", {}, {}, 0, 0};
    }
    return measured(family, r, *shape, std::move(architecture));
}

}   // namespace moecost
