// SPDX-License-Identifier: Apache-2.0
// The options of `design`: lists, the goal, and the options of every deployment that stay as they are.
#include <algorithm>
#include <cmath>
#include <thread>

#include "design/design.h"
#include "design/paper.h"
#include "moecost/base/format.h"
#include "moecost/design/models.h"
#include "moecost/estimate/inputs.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/law/law_toml.h"
#include "option_values.h"

namespace moecost::cli {
namespace {

// Options of a single deployment that design searches over, or that name a model.
constexpr std::string_view searched[] = {
    "model",          "set",  "family",   "size",        "experts",    "top-k",     "granularity",
    "shared-experts", "gpus", "replicas", "concurrency", "ignore-key", "text-only", "host-tables"};

/// Or of no use where each architecture runs on one pool.
bool is_searched(std::string_view key) {
    if (const Input* input = input_named(key)) {
        const bool of_pools =
            std::holds_alternative<PoolSlot>(input->slot) || input->key.starts_with("transfer-");
        if (of_pools || input->key == "redundant-experts" || input->key == "batch-overlap") return true;
    }
    return std::find(std::begin(searched), std::end(searched), key) != std::end(searched);
}

[[noreturn]] void reject(const Infeasible& why, std::string hint = {}) {
    std::string message(why.reason);
    if (why.needed != 0 || why.available != 0) {
        message.append(" (").append(shortest(why.needed)).append("), ");
        message.append(shortest(why.available)).append(" is asked for");
    }
    const std::string option(why.quantity.empty() ? "law" : why.quantity);
    throw InputError({std::string("--").append(option)}, {}, message, std::move(hint));
}

template <class E>
E choice(const CommandLine& line, std::string_view option, E fallback, std::initializer_list<E> all) {
    const std::string* text = line.find(option);
    if (text == nullptr) return fallback;
    std::vector<std::string> known;
    for (const E e : all) {
        if (name_of(e) == *text) return e;
        known.emplace_back(name_of(e));
    }
    refuse(option, *text, "is not one of them", name_hint(*text, known));
}

std::vector<int> powers_of_two(int most) {
    std::vector<int> list;
    for (int x = 1; x <= most; x *= 2) list.push_back(x);
    return list;
}

/// As far as the runs of the law reach; 64 where it does not say or a bridge carries E.
std::vector<int> usual_experts(const LossBasis& basis, const AxisFreedom& freedom) {
    constexpr int usual_most = 64;
    if (!freedom.free) return {freedom.only};
    const auto& range = basis.law.range.experts;
    return powers_of_two(range && !basis.bridge ? static_cast<int>(range->high) : usual_most);
}

void read_space(const Invocation& in, DesignSpace& space) {
    const CommandLine& line = in.line;
    const auto text = [&](std::string_view key, std::string_view fallback) {
        const std::string* given = line.find(key);
        return given != nullptr ? *given : std::string(fallback);
    };
    space.family = load_family(in.data, text("family", "joint-moe"));
    space.basis.law = load_law(in.data, text("law", default_law));
    if (line.has("bridge")) space.basis.bridge = load_law(in.data, text("bridge", ""));
    if (const auto why = basis_problem(space.basis)) reject(*why, "moecost list laws shows them");
    const Freedom freedom = freedom_of(space.basis);
    const auto usual = [](const AxisFreedom& f, int of_family) {
        return std::vector<int>{f.free ? of_family : f.only};
    };
    const Family& family = space.family;
    space.experts =
        whole_list_or(line, "experts", usual_experts(space.basis, freedom.experts), 1, max_experts);
    const int k = freedom.top_k.free || freedom.top_k.only == 0 ? family.top_k.usual : freedom.top_k.only;
    space.top_k = whole_list_or(line, "top-k", {k}, 1, max_experts);
    space.granularity =
        whole_list_or(line, "granularity", usual(freedom.granularity, family.granularity.usual), 1, 1024);
    space.shared_experts = whole_list_or(line, "shared-experts",
                                         usual(freedom.shared, family.shared_experts.usual), 0, max_experts);
    if (const auto why = free_axis(space)) {
        const bool bridges = !space.basis.bridge && why->reason.starts_with("would be free");
        reject(*why, bridges ? "--bridge tian2025 prices it, or another --law that holds it" : "");
    }
    const int base = whole_or(line, "equal-to", 0, 1, max_experts);
    if (const AxisFreedom& e = freedom.experts; base > 0 && !e.free && base != e.only) {
        std::string message("the law holds for E = ");
        throw InputError({"--equal-to"}, {}, message.append(std::to_string(e.only)).append(" alone"));
    }
    space.refinements = whole_or(line, "refine", space.refinements, 0, 12);
}

void read_training(const Invocation& in, DesignQuestion& q) {
    const CommandLine& line = in.line;
    TrainingPrice& t = q.goal.training;
    const std::string* gpu = line.find("train-gpu");
    const Accelerator accelerator = load_accelerator(in.data, gpu != nullptr ? *gpu : "h100_sxm");
    t.gpu = accelerator.id;
    t.peak_flop_per_s = accelerator.peak_of(MathUnit::bf16).value();
    t.mfu = number_or(line, "train-mfu", t.mfu, 0.01, 1);
    const std::string* price = line.find("train-price");
    const Price chosen = choose_price(in.data, accelerator.id, price != nullptr ? *price : "");
    t.usd_per_gpu_hour = chosen.usd_per_gpu_hour;
    q.training_basis = chosen.basis;
    if (!chosen.date.empty()) q.training_basis.append(", ").append(chosen.date);
}

void read_goal(const Invocation& in, DesignQuestion& q) {
    const CommandLine& line = in.line;
    DesignGoal& g = q.goal;
    g.objective =
        choice(line, "objective", line.has("served-tokens") ? DesignObjective::lifetime : g.objective,
               {DesignObjective::cost, DesignObjective::lifetime, DesignObjective::loss});
    if (line.has("max-loss") && line.has("target-loss"))
        throw InputError({"--target-loss"}, {}, "is --max-loss by another name: give one");
    g.max_loss = number_or(line, "max-loss", 0, 1e-3, 100);
    g.max_loss = number_or(line, "target-loss", g.max_loss, 1e-3, 100);
    g.equal_to = whole_or(line, "equal-to", 0, 1, max_experts);
    g.budget = number_or(line, "budget", 0, 1, 1e40);
    g.tokens.most = number_or(line, "max-tokens", 0, 1, 1e30);
    g.tokens.per_parameter = number_or(line, "max-tokens-per-parameter", 0, 1e-3, 1e12);
    g.max_cost = number_or(line, "max-cost", 0, 1e-9, 1e9);
    g.served_tokens = number_or(line, "served-tokens", 0, 0, 1e30);
    g.quantisation_loss = number_or(line, "quantisation-loss", 0, 0, 10);
    g.bootstrap = static_cast<unsigned>(whole_or(line, "bootstrap", 200, 0, 100'000));
    g.seed = static_cast<std::uint64_t>(number_or(line, "seed", 1, 0, 9e15));
    read_training(in, q);
    if (g.objective == DesignObjective::lifetime && !line.has("served-tokens"))
        throw InputError({"--served-tokens"}, {}, "the lifetime needs the tokens that are served",
                         "--served-tokens 1e13");
    const auto why = goal_problem(g);
    if (!why) return;
    const std::string option(why->quantity);
    throw InputError({std::string("--").append(option)}, {}, std::string(why->reason),
                     option == "max-loss" ? "--max-loss 2.0, or --equal-to 1 with --budget 1e23"
                     : option == "budget" ? "--budget 1e23, or --served-tokens for lifetime dollars"
                                          : "");
}

/// "7B,13e9", or "1B..100B": --size-points of them, evenly spaced in ln N.
std::vector<double> sizes_from(const std::string& text, int points) {
    const Location where{"--sizes"};
    std::vector<double> sizes;
    for (const std::string& part : split(text)) {
        const std::size_t dots = part.find("..");
        if (dots == std::string::npos) {
            sizes.push_back(parse_number(*input_named("size"), part, where));
            continue;
        }
        const double low = parse_number(*input_named("size"), part.substr(0, dots), where);
        const double high = parse_number(*input_named("size"), part.substr(dots + 2), where);
        if (high < low) refuse("sizes", part, "goes down: LOW..HIGH");
        for (int i = 0; i < points; ++i) {
            sizes.push_back(points == 1 ? low
                                        : low * std::pow(high / low, static_cast<double>(i) / (points - 1)));
        }
    }
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    return sizes;
}

/// Everything that describes a deployment and is not searched.
void read_deployment(const CommandLine& line, DesignQuestion& q) {
    for (const Setting& s : line.settings) {
        const Input* input = input_named(s.key);
        if (input == nullptr || is_searched(input->key)) continue;
        set_input(q.description, *input, s.text, {std::string("--").append(s.key)});
    }
}

/// Any member stands for all: they share precision, and every number is set again for each.
Architecture some_member(const DesignSpace& space) {
    Infeasible why{"no model can be built", {}, {}, 0, 0};
    for (const DesignCombination& c : combinations_of(space, space.experts)) {
        for (auto size = space.sizes.rbegin(); size != space.sizes.rend(); ++size) {
            const auto m = build_model(space, c, *size);
            if (m) return m->member.architecture;
            why = m.error();
        }
    }
    throw InputError({"--sizes"}, {}, to_text(why), "larger sizes, or another --family");
}

void read_machines(const Invocation& in, DesignQuestion& q) {
    const CommandLine& line = in.line;
    DeploymentSpace& serving = q.space.serving;
    Description d = q.description;
    const auto degree = [](const std::optional<int>& x) { return x.value_or(0); };
    serving.fixed = {degree(d.tp), degree(d.pp), degree(d.ep), degree(d.attention_dp)};
    d.tp = d.pp = d.ep = d.attention_dp = 1;
    if (d.exchange.empty())
        serving.exchanges = {ExpertExchange::collective, ExpertExchange::low_latency, ExpertExchange::normal};
    serving.gpus = whole_list_or(line, "gpus", powers_of_two(8), 1, 4096);
    serving.cost =
        choice(line, "cost-of", CostBasis::output, {CostBasis::output, CostBasis::total, CostBasis::blended});
    const bool other_load = d.load && !std::holds_alternative<ClosedLoop>(*d.load);
    if (other_load && line.has("concurrency"))
        throw InputError({"--concurrency"}, {}, "another load is given: choose one");
    if (other_load && std::holds_alternative<PrefillOnly>(*d.load) && serving.cost == CostBasis::output)
        throw InputError({"--cost-of"}, {}, "nothing is output when only prompts are served",
                         "--cost-of total");
    if (!other_load) {
        d.load = ClosedLoop{1};
        serving.fill = !line.has("concurrency");
        for (const int x : whole_list_or(line, "concurrency", powers_of_two(4096), 1, 1'000'000))
            serving.concurrency.push_back(x);
    }
    const Architecture architecture = some_member(q.space);
    q.gpus = d.cluster.empty() ? split(d.gpu.empty() ? "h100_sxm,h200_sxm,b200_sxm" : d.gpu)
                               : std::vector<std::string>{d.cluster};
    if (!d.cluster.empty() && !d.gpu.empty())
        throw InputError({"--gpu"}, {}, "--cluster names the machine already");
    for (const std::string& gpu : q.gpus) {
        if (d.cluster.empty()) d.gpu = gpu;
        const Expected<Scenario> machine = resolve(in.data, d, architecture);
        if (!machine)
            throw InputError({"--gpu"}, {}, std::string(gpu).append(": ").append(to_text(machine.error())));
        serving.machines.push_back(*machine);
    }
    if (!d.exchange.empty()) serving.exchanges = {serving.machines.front().pool().layout.exchange};
}

}   // namespace

std::vector<Flag> design_flags() {
    constexpr std::string_view goal = "Goal";
    constexpr std::string_view models = "Models";
    constexpr std::string_view search = "Search";
    std::vector<Flag> flags{
        {"objective",
         "WHAT",
         goal,
         "cost, lifetime or loss: what is minimised",
         0,
         {},
         "cost, lifetime with --served-tokens",
         nullptr,
         "cost|lifetime|loss"},
        {"max-loss", "NATS", goal, "largest validation loss"},
        {"target-loss", "NATS", goal, "the same"},
        {"equal-to", "E", goal, "instead: the loss of the loss-optimal model of E experts at the budget"},
        {"budget", "FLOP", goal, "largest training compute"},
        {"max-tokens", "N", goal, "largest number of training tokens: what data there are"},
        {"max-tokens-per-parameter", "N", goal,
         "of the parameters that training FLOP count: how far past its runs the law is trusted"},
        {"max-cost", "USD", goal, "largest price of a million tokens"},
        {"quantisation-loss", "NATS", goal,
         "what the formats of serving add to the loss of every candidate (default: 0)"},
        {"served-tokens", "N", goal, "tokens over the lifetime, as --cost-of counts them"},
        {"cost-of",
         "WHAT",
         goal,
         "tokens that share the rent: output (prompts included), total, or blended prices",
         0,
         {},
         "output",
         nullptr,
         "output|total|blended"},
        {"train-gpu", "NAME|FILE", goal, "accelerator of training", 0, {}, "h100_sxm", nullptr, "@gpu"},
        {"train-mfu", "SHARE", goal, "of its dense bf16 peak (default: 0.4)"},
        {"train-price", "USD|BASIS", goal, "dollars per GPU-hour of training", 0, {}, {}, nullptr, "@price"},
        {"family", "NAME|FILE", models, "family of architectures", 0, {}, "joint-moe", nullptr, "@family"},
        {"law",
         "NAME|FILE",
         models,
         "loss law (moecost list laws)",
         0,
         {},
         "ludziejewski2025",
         nullptr,
         "@laws"},
        {"bridge",
         "NAME|FILE",
         models,
         "leverage that prices what the law lacks: tian2025",
         0,
         {},
         {},
         nullptr,
         "@laws"},
        {"experts", "LIST", models, "full-size experts, 1 is dense: 1,8,64 or 1..64 for powers of two"},
        {"top-k", "LIST", models, "full-size experts per token"},
        {"granularity", "LIST", models, "parts that a full-size expert is cut into"},
        {"shared-experts", "LIST", models, "of the width of a part"},
        {"sizes", "LIST", models,
         "dense-equivalent parameters: LOW..HIGH or a list (default: around the optimum)"},
        {"size-points", "N", models, "sizes between LOW and HIGH (default: 18)"},
        {"refine", "N", search, "halvings of the step in size around the best (default: 4)"},
        {"gpus", "LIST", search, "GPUs of an instance: 1,2,8 or 1..64 (default: 1..8)"},
        {"concurrency", "LIST", search,
         "requests in flight (default: as many as fit and as the objectives allow)"},
        {"cost-model",
         "NAME",
         search,
         "evaluate, or paper: the algorithms and the serving cost of Yun et al. 2024",
         0,
         {},
         "evaluate",
         nullptr,
         "evaluate|paper"},
        {"bootstrap", "N", search, "samples of the covariance of the law (default: 200)"},
        {"seed", "N", search, "of the samples (default: 1)"},
        {"threads", "N", search, "threads (default: all cores); the answer does not depend on it"},
        {"all", "", search, "with --format csv: every model instead of the frontier"}};
    for (const Flag& flag : paper_design_flags()) flags.push_back(flag);
    for (Flag flag : description_flags()) {
        if (is_searched(flag.key)) continue;
        if (flag.key == "gpu") {
            flag.help = "accelerators that compete, joined by commas";
            flag.usual = "h100_sxm,h200_sxm,b200_sxm";
        }
        for (const std::string_view key : {"tp", "pp", "ep", "attention-dp", "all-to-all"}) {
            if (flag.key == key) flag.usual = "each that runs";
        }
        flags.push_back(flag);
    }
    return flags;
}

DesignQuestion design_question(const Invocation& invocation) {
    const CommandLine& line = invocation.line;
    if (!line.positional.empty()) {
        throw InputError({line.positional[0]}, {}, "is not an option", "moecost design --help lists them");
    }
    DesignQuestion q;
    read_goal(invocation, q);
    read_space(invocation, q.space);
    read_deployment(line, q);
    const int points = whole_or(line, "size-points", 18, 1, 1000);
    if (const std::string* text = line.find("sizes")) {
        q.space.sizes = sizes_from(*text, points);
    } else {
        const auto sizes = usual_sizes(q.space, q.goal, points);
        if (sizes) q.space.sizes = *sizes;
        q.space.extend = true;
        if (!sizes) throw InputError({"--sizes"}, {}, to_text(sizes.error()), "--sizes LOW..HIGH");
    }
    read_machines(invocation, q);
    const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    q.threads = static_cast<unsigned>(whole_or(line, "threads", cores, 1, 1024));
    return q;
}

}   // namespace moecost::cli
