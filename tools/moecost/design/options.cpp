// SPDX-License-Identifier: Apache-2.0
// The options of `design`: lists, the goal, and the options of every deployment that stay as they are.
#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>

#include "design/design.h"
#include "design/paper.h"
#include "moecost/base/format.h"
#include "moecost/design/models.h"
#include "moecost/estimate/inputs.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/price.h"
#include "moecost/hardware/profile/relative.h"
#include "moecost/law/law_toml.h"
#include "option_values.h"

namespace moecost::cli {
namespace {

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

/// Beyond the runs of most laws too: the answer marks where they end.
std::vector<int> usual_experts(const AxisFreedom& freedom) {
    constexpr int usual_most = 128;
    return freedom.free ? powers_of_two(usual_most) : std::vector<int>{freedom.only};
}

/// A number, or "unlimited": 0.
double bound_or(const CommandLine& line, std::string_view option, double fallback, double low, double high) {
    const std::string* text = line.find(option);
    if (text != nullptr && *text == "unlimited") return 0;
    return number_or(line, option, fallback, low, high);
}

constexpr std::string_view usual_bridge = "tian2025";

/// A law as the options change it.
LossBasis basis_from(const Invocation& in, const std::string& law, const std::string& bridge) {
    LossBasis basis;
    basis.law = load_law(in.data, law);
    if (!bridge.empty()) basis.bridge = load_law(in.data, bridge);
    basis.unique_tokens = number_or(in.line, "unique-tokens", 0, 1, 1e30);
    basis.repetition = basis.law.repetition;
    if (basis.repetition <= 0) basis.repetition = load_law(in.data, "muennighoff2023").repetition;
    basis.added_loss = number_or(in.line, "architecture-loss", 0, 0, 10);
    if (const auto why = basis_problem(basis)) reject(*why, "moecost list laws shows them");
    return basis;
}

/// Laws of --laws: NAME or NAME+BRIDGE; dense laws take the usual bridge.
std::vector<LawView> law_views(const Invocation& in) {
    std::vector<LawView> views;
    const std::string* list = in.line.find("laws");
    if (list == nullptr) return views;
    const std::string* bridge = in.line.find("bridge");
    for (const std::string& name : split(*list)) {
        const std::size_t plus = name.find('+');
        const std::string law = name.substr(0, plus);
        std::string own = plus == std::string::npos ? std::string() : name.substr(plus + 1);
        LawView view{law, basis_from(in, law, own), {}};
        const AxisFreedom experts = freedom_of(view.basis).experts;
        if (own.empty() && !experts.free && experts.only == 1) {
            own = bridge != nullptr ? *bridge : std::string(usual_bridge);
            view.basis = basis_from(in, law, own);
        }
        if (!own.empty()) view.name.append("+").append(own);
        views.push_back(std::move(view));
    }
    return views;
}

AxisFreedom both(const AxisFreedom& a, const AxisFreedom& b) { return a.free ? b : a; }

/// What all laws hold.
Freedom common_freedom(const DesignSpace& space, const std::vector<LawView>& views) {
    Freedom f = freedom_of(space.basis);
    for (const LawView& v : views) {
        const Freedom own = freedom_of(v.basis);
        f = {both(f.experts, own.experts), both(f.top_k, own.top_k), both(f.granularity, own.granularity),
             both(f.shared, own.shared)};
    }
    return f;
}

void read_space(const Invocation& in, const std::vector<LawView>& views, DesignSpace& space) {
    const CommandLine& line = in.line;
    const auto text = [&](std::string_view key, std::string_view fallback) {
        const std::string* given = line.find(key);
        return given != nullptr ? *given : std::string(fallback);
    };
    space.family = load_family(in.data, text("family", "joint-moe"));
    space.basis =
        views.empty() ? basis_from(in, text("law", default_law), text("bridge", "")) : views.front().basis;
    if (!views.empty() && line.has("law"))
        throw InputError({"--laws"}, {}, "--law is one law: give one of both");
    const Freedom freedom = common_freedom(space, views);
    const auto usual = [](const AxisFreedom& f, int of_family) {
        return std::vector<int>{f.free ? of_family : f.only};
    };
    const Family& family = space.family;
    space.experts = whole_list_or(line, "experts", usual_experts(freedom.experts), 1, max_experts);
    const int k = freedom.top_k.free || freedom.top_k.only == 0 ? family.top_k.usual : freedom.top_k.only;
    space.top_k = whole_list_or(line, "top-k", {k}, 1, max_experts);
    space.granularity =
        whole_list_or(line, "granularity", usual(freedom.granularity, family.granularity.usual), 1, 1024);
    space.shared_experts = whole_list_or(line, "shared-experts",
                                         usual(freedom.shared, family.shared_experts.usual), 0, max_experts);
    const LossBasis first = space.basis;
    for (std::size_t i = 0; i < std::max<std::size_t>(1, views.size()); ++i) {
        space.basis = views.empty() ? first : views[i].basis;
        const auto why = free_axis(space);
        if (!why) continue;
        const bool bridges = !space.basis.bridge && why->reason.starts_with("would be free");
        reject(*why, bridges ? "--bridge tian2025 prices it, or another --law that holds it" : "");
    }
    space.basis = first;
    const int base = whole_or(line, "equal-to", 0, 1, max_experts);
    if (const AxisFreedom& e = freedom.experts; base > 0 && !e.free && base != e.only) {
        std::string message("the law holds for E = ");
        throw InputError({"--equal-to"}, {}, message.append(std::to_string(e.only)).append(" alone"));
    }
    space.refinements = whole_or(line, "refine", space.refinements, 0, 12);
}

/// Steps of training are timed on it, unless a share of peak is given.
std::shared_ptr<const TrainingMachine> training_machine(const Invocation& in, const Accelerator& gpu) {
    const CommandLine& line = in.line;
    auto m = std::make_shared<TrainingMachine>();
    m->cluster = cluster_of(gpu);
    m->profile = load_profile(in.data, gpu, "vllm");
    m->constants = load_training_constants(in.data);
    m->gpus = whole_or(line, "train-gpus", m->gpus, 1, 1 << 20);
    m->task.sequence = number_or(line, "train-sequence", 4096, 16, 1e8);
    m->task.batch =
        number_or(line, "train-batch", std::max(1024 * 4096.0, m->task.sequence), m->task.sequence, 1e12) /
        m->task.sequence;
    const std::string* format = line.find("train-format");
    if (format != nullptr) {
        const auto type = dtype_named(*format);
        const bool known = type && (*type == DType::bf16 || *type == DType::fp8 || *type == DType::fp8_block);
        if (!known) refuse("train-format", *format, "is not bf16, fp8 or fp8-block");
        m->precision = m->precision.with_weights(*type);
        if (!(gpu.peak_of(info(*type).unit).value() > 0))
            refuse("train-format", *format, std::string(gpu.id).append(" multiplies none in it"));
    }
    return m;
}

void price_training(const DataStore& data, std::string_view choice, DesignQuestion& q) {
    const Price chosen = choose_price(data, q.goal.training.gpu, choice);
    q.goal.training.usd_per_gpu_hour = chosen.usd_per_gpu_hour;
    q.training_basis = chosen.basis;
    if (!chosen.date.empty()) q.training_basis.append(", ").append(chosen.date);
}

void read_training(const Invocation& in, DesignQuestion& q) {
    const CommandLine& line = in.line;
    TrainingPrice& t = q.goal.training;
    const std::string* gpu = line.find("train-gpu");
    const Accelerator accelerator = load_accelerator(in.data, gpu != nullptr ? *gpu : "h100_sxm");
    t.gpu = accelerator.id;
    t.peak_flop_per_s = accelerator.peak_of(MathUnit::bf16).value();
    t.mfu = number_or(line, "train-mfu", t.mfu, 0.01, 1);
    if (!line.has("train-mfu")) t.machine = training_machine(in, accelerator);
    const std::string* price = line.find("train-price");
    price_training(in.data, price != nullptr ? *price : "", q);
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
    g.tokens.most = bound_or(line, "max-tokens", usual_tokens, 1, 1e30);
    q.usual_tokens = !line.has("max-tokens");
    q.usual_per_parameter = !line.has("max-tokens-per-parameter");
    g.tokens.per_parameter = bound_or(line, "max-tokens-per-parameter",
                                      trusted_tokens_per_parameter(q.space.basis.law), 1e-3, 1e12);
    g.max_cost = number_or(line, "max-cost", 0, 1e-9, 1e9);
    g.served_tokens = number_or(line, "served-tokens", 0, 0, 1e30);
    g.quantisation_loss = number_or(line, "quantisation-loss", 0, 0, 10);
    // Several laws share what one has: each draw solves all designs of all laws.
    const int usual_draws = line.has("laws") ? 40 : 200;
    g.bootstrap = static_cast<unsigned>(whole_or(line, "bootstrap", usual_draws, 0, 100'000));
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
    // No choice is free in loss: what an engine would take for its cache on one accelerator and not on another is one.
    if (q.description.kv.empty()) q.description.kv = std::string(info(DType::bf16).name);
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

/// Rents of different kinds would choose the accelerator: one kind for all, training included, unless they are stated.
void level_prices(const Invocation& in, DesignQuestion& q) {
    const Description& d = q.description;
    if (d.usd_per_gpu_hour || !d.price.empty() || q.gpus.size() < 2) return;
    std::vector<std::string> ids;
    for (const std::string& gpu : q.gpus) ids.push_back(priced_as(load_accelerator(in.data, gpu)));
    const PriceLevel level = price_level(in.data, ids);
    q.price_note = price_level_note(level);
    q.description.price = level.basis;
    const std::vector<Price> training = prices_of(in.data, q.goal.training.gpu);
    const bool known =
        std::any_of(training.begin(), training.end(), [&](const Price& p) { return p.basis == level.basis; });
    if (known && !in.line.has("train-price")) price_training(in.data, level.basis, q);
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
    level_prices(in, q);
    const std::string given = d.price;
    for (const std::string& gpu : q.gpus) {
        if (d.cluster.empty()) d.gpu = gpu;
        const bool level = given.empty() && !q.description.price.empty() &&
                           !prices_of(in.data, priced_as(load_accelerator(in.data, gpu))).empty();
        d.price = level ? q.description.price : given;
        const Expected<Scenario> machine = resolve(in.data, d, architecture);
        if (!machine)
            throw InputError({"--gpu"}, {}, std::string(gpu).append(": ").append(to_text(machine.error())));
        if (!machine->pool().price.known())
            throw InputError(
                {"--price"}, {},
                std::string("no price of ").append(gpu).append(" is known, and designs are chosen by price"),
                std::string("--price ").append(gpu).append("=USD states one; or leave it out of --gpu"));
        serving.machines.push_back(*machine);
    }
    if (!d.exchange.empty()) serving.exchanges = {serving.machines.front().pool().layout.exchange};
}

}   // namespace

Expected<DesignQuestion> design_question(const Invocation& invocation) {
    const CommandLine& line = invocation.line;
    refuse_words(invocation, "design");
    DesignQuestion q;
    q.laws = law_views(invocation);
    read_space(invocation, q.laws, q.space);
    read_goal(invocation, q);
    for (LawView& view : q.laws) {
        view.tokens = q.goal.tokens;
        if (q.usual_per_parameter) view.tokens.per_parameter = trusted_tokens_per_parameter(view.basis.law);
    }
    if (const auto why = below_the_floor(q.space, q.goal)) return *why;
    read_deployment(line, q);
    const int points = whole_or(line, "size-points", 18, 1, 1000);
    if (const std::string* text = line.find("sizes")) {
        q.space.sizes = sizes_from(*text, points);
    } else {
        const auto sizes = usual_sizes(q.space, q.goal, points);
        if (sizes) q.space.sizes = *sizes;
        q.space.extend = true;
        if (!sizes) return sizes.error();
    }
    read_machines(invocation, q);
    q.threads = threads_from(line);
    return q;
}

unsigned threads_from(const CommandLine& line) {
    const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    return static_cast<unsigned>(whole_or(line, "threads", cores, 1, 1024));
}

}   // namespace moecost::cli
