// SPDX-License-Identifier: Apache-2.0
// Phrases that the printers of a design share: how to reproduce it, and what it rests on.
#include <algorithm>

#include "design/design.h"
#include "moecost/base/format.h"
#include "moecost/design/models.h"
#include "moecost/estimate/inputs.h"
#include "text.h"

namespace moecost::cli {
namespace {

std::string law_note(const DesignQuestion& q) {
    const LossBasis& basis = q.space.basis;
    std::string s("loss: ");
    s.append(basis.law.title).append(" (").append(basis.law.status).append("); N counts ");
    s.append(name_of(basis.law.size)).append(" parameters ");
    s.append(basis.law.embeddings ? "with" : "without").append(" embeddings; training FLOP 6 N D");
    return s.append(basis.law.size == SizeMeaning::total ? ", N of what a token uses" : "");
}

/// Laws that count the dense-equivalent size take its compute too, as their papers do.
std::string compute_note(const DesignQuestion& q, const DesignAnswer& a) {
    const FamilyMember& m = a.models[a.winner.model].member;
    if (q.space.basis.law.size != SizeMeaning::dense_equivalent || m.active < 1.01 * m.dense_equivalent)
        return {};
    std::string s("a token of the winner uses ");
    return s.append(significant(m.active / m.dense_equivalent, 3))
        .append(" times the N that training FLOP count, as in the law's paper");
}

std::string bridge_note(const Law& bridge) {
    std::string s("bridge: ");
    s.append(bridge.title)
        .append(
            " prices experts, granularity and shared experts: the MoE has the loss of the dense "
            "model with sqrt(EL) times its active parameters and tokens, EL = C_dense/C_moe at equal loss; "
            "the draws of the law hold it fixed");
    return s;
}

std::string fixed_note(const DesignQuestion& q) {
    const Freedom f = freedom_of(q.space.basis);
    std::string names;
    const auto add = [&](std::string_view name, const AxisFreedom& axis) {
        if (axis.free) return;
        names.append(names.empty() ? "" : ", ").append(name);
    };
    add("experts", f.experts);
    add("experts per token", f.top_k);
    add("granularity", f.granularity);
    add("shared experts", f.shared);
    if (names.empty()) return names;
    return std::string("fixed, for the law does not hold them: ").append(names);
}

/// What quantised weights cost in loss, as stated; a reminder where nobody stated it.
std::string quantisation_note(const DesignQuestion& q, const Precision& served) {
    const double nats = q.goal.quantisation_loss;
    std::string s;
    if (nats > 0)
        return s.append("quantisation: ")
            .append(shortest(nats))
            .append(" nats added to the loss of every candidate");
    if (served.routed_experts == DType::bf16 && served.attention == DType::bf16) return s;
    s.append("quantisation: weights in ").append(info(served.routed_experts).name);
    return s.append(" are taken to cost no loss; --quantisation-loss NATS states one");
}

/// Bounds on tokens that nobody asked for.
std::string ceiling_note(const DesignQuestion& q) {
    const TokenBound& t = q.goal.tokens;
    std::string s;
    if (q.usual_per_parameter) {
        const bool own = q.space.basis.law.tokens_per_parameter > 0;
        s.append("at most ").append(amount(t.per_parameter)).append(" tokens per parameter: ");
        s.append(own ? "as far as the source of the law trusts it" : "the law states no limit");
    }
    if (q.usual_tokens)
        s.append(s.empty() ? "" : "; ")
            .append("at most ")
            .append(parameters(t.most))
            .append(" tokens: about what there is");
    if (s.empty()) return s;
    return s.append("; --max-tokens-per-parameter and --max-tokens N|unlimited state others");
}

/// Loss per token is comparable for one tokenizer alone, and embeddings are cheap parameters.
std::string embeddings_note(const DesignAnswer& a) {
    const LawPoint& p = a.models[a.winner.model].point;
    const double share = p.embeddings / p.setting.n;
    if (share <= 0.1) return {};
    std::string s("embeddings are ");
    return s.append(percent(share))
        .append(" of the N of the winner: the law was fitted to models with fewer");
}

/// Engines store a cache in another format on newer accelerators unless they are told.
std::string cache_note(const std::vector<Scenario>& machines) {
    const auto differs = [&](const Scenario& s) {
        return s.pool().precision.kv_cache != machines.front().pool().precision.kv_cache;
    };
    if (std::none_of(machines.begin(), machines.end(), differs)) return {};
    std::string s("KV cache as the engine stores it:");
    for (const Scenario& m : machines) {
        s.append(&m == &machines.front() ? " " : ", ").append(info(m.pool().precision.kv_cache).name);
        s.append(" on ").append(m.pool().cluster.gpu.id);
    }
    return s.append("; --kv FORMAT gives all the same");
}

std::string training_note(const DesignQuestion& q) {
    const TrainingPrice& t = q.goal.training;
    std::string s("training dollars: ");
    if (t.machine) {
        s.append("a step of each architecture, layouts searched on ")
            .append(grouped(t.machine->gpus))
            .append(" x ")
            .append(t.gpu);
        s.append(", weights in ").append(info(t.machine->precision.attention).name).append(", sequences of ");
        s.append(amount(t.machine->task.sequence)).append("; dense and MoE alike; $");
    } else {
        s.append(t.gpu).append(" at ").append(percent(t.mfu)).append(" of its dense bf16 peak for all, $");
    }
    return s.append(fixed(t.usd_per_gpu_hour, 2))
        .append("/GPU-h (")
        .append(words(q.training_basis))
        .append(")");
}

}   // namespace

std::string_view cost_unit(CostBasis basis) {
    switch (basis) {
        case CostBasis::output:
            return "million output tokens, prompts included";
        case CostBasis::total:
            return "million input and output tokens";
        case CostBasis::blended:
            break;
    }
    return "million tokens, blended";
}

std::string estimate_line(const DesignQuestion& q, const DesignAnswer& a, const DesignPoint& p) {
    const FamilyRequest& r = a.models[p.model].member.request;
    const Deployment& found = p.deployment;
    Description d = q.description;
    d.family = q.space.family.id;
    d.size = r.size;
    d.experts = r.experts;
    d.top_k = r.top_k;
    d.granularity = r.granularity;
    d.shared_experts = r.shared_experts;
    (d.cluster.empty() ? d.gpu : d.cluster) = q.gpus[found.machine];
    const auto degree = [](int n) { return n > 1 ? std::optional(n) : std::nullopt; };
    d.tp = found.layout.tp;
    d.pp = degree(found.layout.pp);
    d.ep = degree(found.layout.ep);
    d.attention_dp = degree(found.layout.attention_dp);
    if (found.layout.exchange != ExpertExchange::collective) d.exchange = name_of(found.layout.exchange);
    const Load load = q.space.serving.machines[found.machine].traffic.load;
    if (std::holds_alternative<ClosedLoop>(load)) d.load = resized(load, found.requests);
    return std::string("moecost estimate ").append(options_of(d)).append(" --closed-form");
}

std::vector<OutsideAxis> outside_of(const DesignQuestion& q, const DesignAnswer& a, const DesignPoint& p) {
    return outside_runs(q.space.basis, a.models[p.model].point, p.tokens);
}

std::vector<std::string> design_notes(const DesignQuestion& q, const DesignAnswer& a) {
    std::vector<std::string> notes;
    const auto add = [&](std::string note) {
        if (!note.empty()) notes.push_back(std::move(note));
    };
    add(ceiling_note(q));
    add(embeddings_note(a));
    if (q.goal.equal_to > 0 && !a.base)
        add("the model that sets the loss can not be served on these accelerators under these objectives");
    add(law_note(q));
    add(compute_note(q, a));
    if (q.space.basis.bridge) add(bridge_note(*q.space.basis.bridge));
    add(fixed_note(q));
    add(quantisation_note(q, q.space.serving.machines.front().pool().precision));
    add(cache_note(q.space.serving.machines));
    const Family& family = q.space.family;
    add(std::string("family: ").append(family.title));
    add(std::string("minimised price: rent per ").append(cost_unit(q.space.serving.cost)));
    add(training_note(q));
    if (!q.price_note.empty()) add(q.price_note);
    for (const Scenario& s : q.space.serving.machines) {
        std::string price(s.pool().cluster.gpu.id);
        price.append(": $")
            .append(fixed(s.pool().price.usd_per_gpu_hour, 2))
            .append("/GPU-h, ")
            .append(words(s.pool().price.basis));
        if (!s.pool().price.date.empty()) price.append(", ").append(s.pool().price.date);
        add(price);
    }
    const auto provenance = a.winner.deployment.provenance;
    if (provenance != Provenance::calibrated)
        add(std::string("serving figures of the winner are ").append(name_of(provenance)));
    std::string counts(grouped(static_cast<long long>(a.evaluated)));
    counts.append(" points of ")
        .append(grouped(static_cast<long long>(a.built)))
        .append(" models evaluated; ");
    add(counts.append(grouped(static_cast<long long>(a.frontier_members)))
            .append(" on the frontier of loss, training and serving cost (--format csv)"));
    return notes;
}

}   // namespace moecost::cli
