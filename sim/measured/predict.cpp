// SPDX-License-Identifier: Apache-2.0
#include "moecost/measured/predict.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/model/cache.h"
#include "moecost/serving/memory.h"

namespace moecost {
namespace {

/// Lengths drawn uniformly from 0.8 to 1.0 of nominal have this mean.
constexpr double spread_mean = 0.9;

std::string format_of(const std::string& spelled) {
    // "bf16/nvfp4": attention and most dense parts stay in bf16, the experts are labelled apart.
    return spelled.substr(0, spelled.find('/'));
}

/// Requests of a run: as recorded, else ten for each in flight, as the public benchmark does.
double requests_of_run(const MeasuredPoint& p) {
    constexpr double rounds = 10;
    return p.prompts.value_or(rounds * p.concurrency.value_or(0));
}

Load load_of(const MeasuredPoint& p) {
    const double requests = p.concurrency.value_or(0);
    if (p.scenario == "offline_max") return Offline{p.prompts.value_or(0)};
    if (p.scenario == "static_batch") return Burst{requests};   // a server that got all of them at once
    if (p.scenario == "burst") return Burst{p.prompts.value_or(requests)};
    if (p.scenario == "request_rate") return OpenLoop{p.rate.value_or(0)};
    if (p.scenario == "prefill_only") return PrefillOnly{};
    if (p.scenario == "decode_only") return DecodeOnly{requests};
    return ClosedLoop{requests, requests_of_run(p)};
}

bool known_scenario(const std::string& s) {
    constexpr std::string_view names[] = {"closed_loop",  "offline_max",  "static_batch", "burst",
                                          "request_rate", "prefill_only", "decode_only"};
    return std::find(std::begin(names), std::end(names), s) != std::end(names);
}

/// As the library spells an accelerator.
std::string library_name(std::string gpu) {
    std::replace(gpu.begin(), gpu.end(), '-', '_');
    return gpu;
}

/// Published runs draft on random prompts.
void draft(Pool& pool, double tokens, double output) {
    pool.settings.draft_tokens = tokens;
    pool.settings.acceptance = pool.drafting.random_text.at(output);
    pool.settings.acceptance_decay = pool.drafting.random_text.decay;
}

double ratio(double predicted, std::optional<double> measured) {
    return predicted > 0 && measured && *measured > 0 ? predicted / *measured : 0;
}

/// Days since the epoch of a proleptic Gregorian date YYYY-MM[-DD]; nothing where it is not stated.
std::optional<double> days_of(const std::string& date) {
    int year = 0, month = 0, day = 15;
    const auto number = [&](std::size_t from, std::size_t length, int& out) {
        const auto r = std::from_chars(date.data() + from, date.data() + from + length, out);
        return r.ec == std::errc{};
    };
    if (date.size() < 7 || !number(0, 4, year) || !number(5, 2, month)) return std::nullopt;
    if (date.size() >= 10 && !number(8, 2, day)) return std::nullopt;
    const std::chrono::year_month_day ymd{std::chrono::year{year},
                                          std::chrono::month{static_cast<unsigned>(month)},
                                          std::chrono::day{static_cast<unsigned>(day)}};
    if (!ymd.ok()) return std::nullopt;
    return static_cast<double>(std::chrono::sys_days(ymd).time_since_epoch().count());
}

std::optional<double> years_between(const std::string& from, const std::string& to) {
    const auto a = days_of(from);
    const auto b = days_of(to);
    if (!a || !b) return std::nullopt;
    return std::max(*b - *a, 0.0) / 365.25;
}

/// The 99th percentiles of a row that states them; left out where the forms do not hold.
void add_tails(const Scenario& scenario, Prediction& r) {
    Scenario s = scenario;
    s.slo = {1, 1, 0.99, 0.99};
    const Expected<Estimate> estimate = evaluate(s);
    if (!estimate) return;
    r.ttft_p99_ratio = ratio(estimate->ttft_of_slo.value() * 1e3, r.point.ttft_p99_ms);
    r.tpot_p99_ratio = ratio(estimate->tpot_of_slo.value() * 1e3, r.point.tpot_p99_ms);
}

/// One of two pools as options. Empty, or why it cannot be told.
std::string describe_pool(const MeasuredPool& m, PoolChoices& c) {
    if (!m.ep && m.attention_dp > 1) return "expert parallelism not recorded";
    const double ranks = m.attention_dp * m.pp;
    if (std::fmod(m.gpus, ranks) != 0) return "parallel layout contradicts itself";
    c.replicas = static_cast<int>(m.workers);
    c.tp = static_cast<int>(m.gpus / ranks);
    c.pp = static_cast<int>(m.pp);
    c.attention_dp = static_cast<int>(m.attention_dp);
    c.ep = static_cast<int>(std::max(1.0, m.ep.value_or(1)));
    return {};
}

std::string describe_apart(const MeasuredPoint& p, Description& d) {
    if (!p.prefill || !p.decode) return "parallel layout not recorded";
    if (std::string reason = describe_pool(*p.prefill, d.prefill); !reason.empty()) return reason;
    return describe_pool(*p.decode, d.decode);
}

/// How the experts of a pool meet their tokens where recipes say nothing: attention data parallelism over whole experts
/// goes through an all-to-all in racks of one NVLink domain, beyond one node, and under SGLang (public recipes of
/// 2026-01 to 2026-04: NVLink two-sided under TensorRT-LLM, DeepEP in its normal mode for prompts).
ExpertExchange exchange_of(const Pool& p) {
    const Layout& l = p.layout;
    if (l.ep < 2 || l.attention_dp < 2) return ExpertExchange::collective;
    const bool rack = p.cluster.domain > p.cluster.gpus_per_node && p.cluster.domain > 8;
    if (p.profile.engine == "trtllm" && rack) return ExpertExchange::nvlink;
    if (!rack && l.ep <= p.cluster.gpus_per_node && p.profile.engine != "sglang")
        return ExpertExchange::collective;
    return p.role == Role::prefill ? ExpertExchange::normal : ExpertExchange::low_latency;
}

/// Exports of public runs lose the label of expert parallelism: a layout that the engine refuses while experts are cut over
/// all GPUs of a stage ran with whole ones (MiniMax-M2.5 in fp8 at TP8: vLLM's recipe says that TP8 alone is not supported,
/// the publisher's guide adds --enable-expert-parallel on 8 GPUs, read 2026-11).
bool launches_with_whole_experts(Scenario s) {
    Layout& layout = s.pool().layout;
    if (s.two_pools() || layout.ep != 1 || layout.stage_gpus() == 1) return false;
    layout.ep = layout.stage_gpus();
    return !layout_problem(s.architecture, layout) && !launch_refusal(s);
}

/// The reserve that leaves the cache the tokens which the server printed.
void leave_room(const Scenario& s, double tokens, Pool& pool) {
    pool.settings.reserve = Bytes{0};
    const WeightBytes weights = weight_bytes(s.architecture, pool.precision);
    const Expected<MemoryPlan> all = memory_left(
        {s.architecture, pool.precision, weights, pool.layout, pool.cluster, pool.settings, &pool.rules});
    if (!all) return pool.settings.reserve.reset();
    const Bytes wanted =
        tokens * kv_bytes_per_token(s.architecture, pool.precision.kv_cache, pool.layout.tp) / pool.layout.pp;
    const bool of_all = pool.settings.memory_basis == MemoryBasis::total;
    pool.settings.reserve =
        max((all->cache - wanted) / (of_all ? 1 : pool.settings.memory_fraction), Bytes{0});
}

/// Copies that recipes add where the ranks of a pool do not divide the experts of the model.
void add_redundant_experts(int experts, double copies, PoolChoices& c) {
    if (c.ep.value_or(1) > 1 && experts % *c.ep != 0) c.redundant_experts = static_cast<int>(copies);
}

}   // namespace

ErrorSummary summarise(std::vector<double> ratios) {
    ErrorSummary s;
    s.rows = ratios.size();
    if (ratios.empty()) return s;
    const auto median = [](std::vector<double> values) {
        const std::size_t half = values.size() / 2;
        std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), values.end());
        const double upper = values[half];
        if (values.size() % 2 == 1) return upper;
        return (upper +
                *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half))) /
               2;
    };
    s.median_ratio = median(ratios);
    const auto n = static_cast<double>(ratios.size());
    for (double& r : ratios) {
        r = std::abs(r - 1);
        s.mean_ape += r / n;
        s.within_10_percent += r <= 0.1 ? 1 / n : 0;
        s.within_20_percent += r <= 0.2 ? 1 / n : 0;
    }
    s.median_ape = median(std::move(ratios));
    return s;
}

Predictor::Predictor(const DataStore& data, std::string profile)
    : data_(data),
      profile_(std::move(profile)),
      recipes_(data.open("hwmodels/measured", "recipes", "recipe file")) {}

std::string Predictor::describe_point(const MeasuredPoint& p, Description& d) const {
    if (p.repeated) return "also in another table";
    if (!known_scenario(p.scenario)) return std::string("unknown scenario ").append(p.scenario);
    if (!p.isl || (!p.osl && p.scenario != "prefill_only")) return "lengths not recorded";
    if (p.disaggregated) {
        if (std::string reason = describe_apart(p, d); !reason.empty()) return reason;
    } else if (!p.tp || !p.attention_dp) {
        return "parallel layout not recorded";
    }
    d.model = p.model;
    d.gpu = p.gpu;
    d.engine = p.engine;
    if (!p.disaggregated) {
        d.tp = static_cast<int>(*p.tp);
        d.pp = static_cast<int>(p.pp.value_or(1));
        d.ep = static_cast<int>(std::max(1.0, p.ep.value_or(1)));
        d.attention_dp = static_cast<int>(*p.attention_dp);
    }
    d.weights = format_of(p.weights);
    d.expert_weights = p.experts.empty() ? d.weights : format_of(p.experts);
    d.kv = p.cache == "auto" ? "" : p.cache;
    const RecipeSettings recipe = recipes_.settings(p, p.model, library_name(p.gpu));
    if (!recipe.left_out.empty()) return recipe.left_out;
    if (!recipe.cache.empty()) d.kv = recipe.cache;
    const double mean = p.spread_lengths ? spread_mean : 1;
    d.isl = std::max(1.0, *p.isl * mean);
    d.osl = std::max(1.0, p.osl.value_or(1) * mean);
    d.equal_lengths = !p.spread_lengths;
    d.usd_per_gpu_hour = 1;
    d.profile = profile_;
    d.load = load_of(p);
    const bool counted =
        !std::holds_alternative<PrefillOnly>(*d.load) && !std::holds_alternative<Offline>(*d.load);
    if (counted && !(size_of(*d.load).value_or(0) > 0)) return "load not recorded";
    return {};
}

const Expected<Scenario>& Predictor::base_scenario(const Description& d) {
    std::string key = d.model;
    for (const std::string& part : {d.gpu, d.engine, d.weights, d.expert_weights, d.kv})
        key.append("|").append(part);
    const auto add = [&](std::optional<int> n) { key.append("|").append(std::to_string(n.value_or(0))); };
    for (const auto& n : {d.tp, d.pp, d.ep, d.attention_dp}) add(n);
    for (const PoolChoices* c : {&d.prefill, &d.decode}) {
        for (const auto& n : {c->replicas, c->tp, c->pp, c->ep, c->attention_dp, c->redundant_experts})
            add(n);
    }
    if (const auto it = scenarios_.find(key); it != scenarios_.end()) return it->second;
    Description lengths_apart = d;
    lengths_apart.isl = lengths_apart.osl = 1;
    return scenarios_.emplace(key, resolve(data_, lengths_apart)).first->second;
}

std::variant<PreparedPoint, std::string> Predictor::prepare(const MeasuredPoint& p) {
    Description d;
    if (std::string reason = describe_point(p, d); !reason.empty()) return reason;
    PreparedPoint prepared{p, {}, {}, 0};
    Scenario& s = prepared.scenario;
    RecipeSettings recipe;
    std::optional<Infeasible> refused;   // by a rule of the engine, with collectives
    try {
        recipe = recipes_.settings(p, p.model, load_accelerator(data_, p.gpu).id);
        const Expected<Scenario>* base = &base_scenario(d);
        if (!*base && base->error().quantity == "ep" && recipe.redundant_experts) {
            const auto experts = static_cast<int>(base->error().available);
            for (PoolChoices* c : {&d.prefill, &d.decode})
                add_redundant_experts(experts, *recipe.redundant_experts, *c);
            base = &base_scenario(d);
        }
        if (!*base) return std::string("infeasible: ").append(to_text(base->error()));
        s = **base;
        refused = launch_refusal(s);
        if (refused && launches_with_whole_experts(s)) refused.reset();   // predicted as labelled
    } catch (const InputError& e) {
        return std::string(e.what());
    }
    for (Pool& pool : s.pools) {
        if (recipe.chunk_tokens && !s.two_pools()) pool.settings.chunk_tokens = *recipe.chunk_tokens;
        if (p.speculative)
            draft(pool, p.draft_tokens.value_or(recipe.draft_tokens.value_or(1)), p.osl.value_or(1));
        if (p.speculative && recipe.acceptance) {
            pool.settings.acceptance = *recipe.acceptance;
            pool.settings.acceptance_decay = 1;
        }
        if (!recipe.attention.empty())
            pool.precision.attention = dtype_named(recipe.attention).value_or(DType::bf16);
        if (recipe.cache_tokens) leave_room(s, *recipe.cache_tokens, pool);
        if (recipe.exchange == "normal") pool.layout.exchange = ExpertExchange::normal;
        if (recipe.exchange == "low-latency") pool.layout.exchange = ExpertExchange::low_latency;
        if (s.two_pools()) pool.layout.exchange = exchange_of(pool);
        if (recipe.admission_steps) pool.settings.admission_steps = *recipe.admission_steps;
    }
    // How experts are exchanged is not of the row but of recipes: what no exchange makes launchable did not run so.
    if (refused && launch_refusal(s)) return std::string("infeasible: ").append(to_text(*refused));
    s.traffic.input = *d.isl;
    s.traffic.output = *d.osl;
    s.traffic.equal_lengths = *d.equal_lengths;
    s.traffic.load = *d.load;
    const std::string& version = recipe.release.empty() ? p.version : recipe.release;
    d.engine_version = version;
    d.model_years = years_between(s.architecture.released, p.date);
    prepared.model_years = d.model_years.value_or(0);
    for (Pool& pool : s.pools) {
        set_served_class(d, s, pool);
        pool.profile.serving.pace *= recipe.step_time.value_or(1);
    }
    prepared.names = served_names(s, s.pool(), version);
    return prepared;
}

std::variant<Scenario, std::string> Predictor::scenario(const MeasuredPoint& p) {
    auto prepared = prepare(p);
    if (auto* reason = std::get_if<std::string>(&prepared)) return std::move(*reason);
    return std::move(std::get<PreparedPoint>(prepared).scenario);
}

std::variant<Prediction, std::string> predict(const PreparedPoint& prepared) {
    const MeasuredPoint& p = prepared.point;
    const Scenario& s = prepared.scenario;
    const Expected<Estimate> estimate = evaluate(s);
    if (!estimate) return std::string("infeasible: ").append(estimate.error().reason);
    Prediction r{};
    r.point = p;
    r.model = s.architecture.name;
    r.gpu = s.pool().cluster.gpu.id;
    r.provenance = estimate->provenance;
    const double gpus = s.two_pools() ? s.gpus() : s.pool().layout.gpus();
    const bool prefill_only = std::holds_alternative<PrefillOnly>(s.traffic.load);
    const Serving& serving = estimate->serving;
    r.output_per_gpu =
        (prefill_only ? serving.input_tokens_per_s : serving.output_tokens_per_s).value() / gpus;
    if (!prefill_only) r.output_per_gpu *= p.in_flight_share;
    // A finite run at a rate lasts until its last answer.
    const auto* rate = std::get_if<OpenLoop>(&s.traffic.load);
    if (rate != nullptr && p.prompts) r.output_per_gpu /= 1 + serving.e2e.value() * rate->rate / *p.prompts;
    r.throughput_ratio = ratio(r.output_per_gpu, prefill_only ? p.total_per_gpu : p.output_per_gpu);
    r.tpot_s = serving.tpot.value();
    r.ttft_s = serving.ttft.value();
    if (!prefill_only) r.tpot_ratio = ratio(r.tpot_s * 1e3, p.tpot_ms);
    if (!std::holds_alternative<DecodeOnly>(s.traffic.load)) r.ttft_ratio = ratio(r.ttft_s * 1e3, p.ttft_ms);
    r.spread = estimate->spread;
    r.beyond = estimate->beyond.throughput;
    r.served = s.pool().served;
    r.names = prepared.names;
    r.model_years = prepared.model_years;
    if (p.ttft_p99_ms || p.tpot_p99_ms) add_tails(s, r);
    return r;
}

std::variant<Prediction, std::string> Predictor::predict(const MeasuredPoint& p) {
    auto prepared = prepare(p);
    if (auto* reason = std::get_if<std::string>(&prepared)) return std::move(*reason);
    return moecost::predict(std::get<PreparedPoint>(prepared));
}

}   // namespace moecost
