// SPDX-License-Identifier: Apache-2.0
// What would make an infeasible deployment run: what its rule says, then the usual changes in the order a planner would try
// them. Every change is a few options over those given, and is told only after the deployment with them has run.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "moecost/estimate/estimate.h"
#include "moecost/estimate/fix_options.h"
#include "moecost/estimate/inputs.h"

namespace moecost {
namespace {

constexpr int node = 8;
constexpr int most_tp = 64;
constexpr int most_replicas = 4096;
constexpr std::size_t most_layouts = 2000;

std::optional<Description> changed(Description d, const Change& change) {
    try {
        for (const auto& [key, text] : change) set_option(d, key, text, {});
        return d;
    } catch (const InputError&) {
        return std::nullopt;
    }
}

/// Why the deployment with a change cannot run; nothing: it runs. A change that is no input leaves `broken`.
std::optional<Infeasible> refusal(const DataStore& data, const Description& d, const Change& change) {
    const Infeasible broken{"the options contradict each other", {}, {}, 0, 0};
    const auto with = changed(d, change);
    if (!with) return broken;
    try {
        const Expected<Scenario> s = describe(data, *with);
        if (!s) return s.error();
        const Expected<Estimate> e = evaluate(*s);
        return e ? std::nullopt : std::optional<Infeasible>(e.error());
    } catch (const InputError&) {
        return broken;
    }
}

bool runs(const DataStore& data, const Description& d, const Change& change) {
    return !refusal(data, d, change);
}

/// The same change to the pools of a description: of the only one, or of prefill, of decode, of both.
std::vector<Change> in_pools(const Description& d, const Change& change) {
    if (!d.two_pools()) return {change};
    std::vector<Change> list;
    for (const std::vector<std::string>& pools :
         {std::vector<std::string>{"prefill-"}, {"decode-"}, {"prefill-", "decode-"}}) {
        Change c;
        for (const std::string& pool : pools) {
            for (const auto& [key, text] : change) {
                if (input_named(pool + key) != nullptr) c.emplace_back(pool + key, text);
            }
        }
        if (c.size() == change.size() * pools.size()) list.push_back(std::move(c));
    }
    list.push_back(change);
    return list;
}

Change option(std::string key, double value) {
    return {{std::move(key), std::to_string(static_cast<long long>(value))}};
}

Change over(Change change, const Change& more) {
    for (const auto& [key, text] : more) {
        const auto same = [&, &key = key](const auto& o) { return o.first == key; };
        const auto it = std::find_if(change.begin(), change.end(), same);
        if (it != change.end())
            it->second = text;
        else
            change.emplace_back(key, text);
    }
    return change;
}

/// What one rule says may break the next, whose words are followed then: the first way through that runs.
std::optional<Change> followed(const DataStore& data, const Description& d, const Infeasible& why) {
    constexpr std::size_t most_ways = 40;
    std::vector<std::pair<Change, std::string>> open{{{}, why.fix}};
    for (std::size_t i = 0; i < open.size() && i < most_ways; ++i) {
        for (const Change& alternative : options_in(open[i].second)) {
            for (const Change& each : in_pools(d, alternative)) {
                Change c = over(open[i].first, each);
                if (c == open[i].first) continue;
                const auto next = refusal(data, d, c);
                if (!next) return c;
                if (!next->fix.empty()) open.emplace_back(std::move(c), next->fix);
            }
        }
    }
    return std::nullopt;
}

/// GPUs that are no multiple of an instance: the nearest counts that are.
std::vector<Change> nearest_counts(const Description& d, const Infeasible& why) {
    if (why.quantity != "gpus" || !(why.available >= 1)) return {};
    std::vector<Change> list;
    const double below = std::floor(why.needed / why.available) * why.available;
    for (const double n : {below, below + why.available}) {
        if (n < 1) continue;
        for (Change& c : in_pools(d, option("gpus", n))) list.push_back(std::move(c));
        if (d.replicas)
            list.push_back({{"gpus", std::to_string(static_cast<long long>(n))}, {"replicas", "1"}});
    }
    return list;
}

/// More instances of the same kind carry more load; they do not help a model that does not fit.
std::vector<Change> more_instances(const DataStore& data, const Description& d, const Infeasible& why) {
    const bool of_load = why.quantity == "arrival rate" || why.quantity == "sequences at once";
    if (!of_load || !(why.available > 0) || d.two_pools()) return {};
    const Expected<Scenario> s = describe(data, d);
    if (!s) return {};
    const double needed = std::ceil(s->pool().replicas * why.needed / why.available - 1e-9);
    std::vector<Change> list;
    for (double n = std::min<double>(needed, most_replicas); n <= needed + 1 && n <= most_replicas; ++n) {
        Change c = d.gpus ? option("gpus", n * s->pool().layout.gpus()) : option("replicas", n);
        if (d.gpus && d.replicas) c.emplace_back("replicas", std::to_string(static_cast<long long>(n)));
        list.push_back(std::move(c));
    }
    return list;
}

/// Tensor parallelism from..to by doubling, with the GPUs and the expert parallelism that go with it.
std::vector<Change> wider(const Description& d, int from, int to) {
    std::vector<Change> list;
    for (int tp = from; tp <= to; tp *= 2) {
        const int stage = tp * d.attention_dp.value_or(1);
        Change c = option("tp", tp);
        const int instance = stage * d.pp.value_or(1);
        if (d.gpus && *d.gpus % instance != 0) c = option("gpus", instance);
        if (d.gpus && *d.gpus % instance != 0 && d.tp) c.emplace_back("tp", std::to_string(tp));
        Change whole = c;
        whole.emplace_back("ep", std::to_string(stage));
        for (const Change& one : {c, whole}) {
            for (Change& each : in_pools(d, one)) list.push_back(std::move(each));
        }
    }
    return list;
}

/// Tensor parallelism that is no power of two: the nearest ones that are, the larger first.
std::vector<Change> even_tp(const Description& d) {
    const auto tp = static_cast<unsigned>(d.tp.value_or(1));
    if (std::has_single_bit(tp)) return {};
    std::vector<Change> list;
    for (const unsigned even : {std::bit_ceil(tp), std::bit_floor(tp)})
        for (Change& each : in_pools(d, option("tp", even))) list.push_back(std::move(each));
    return list;
}

std::vector<Change> fewer_bits(const Description& d) {
    std::vector<Change> list;
    for (const char* format : {"fp8", "fp8-block", "nvfp4"}) {
        Change c{{"weights", format}};
        if (!d.expert_weights.empty()) c.emplace_back("expert-weights", format);
        list.push_back(std::move(c));
    }
    return list;
}

/// Some option of the change says what is given anyway.
bool repeats(const Description& d, const Change& change) {
    return std::any_of(change.begin(), change.end(), [&](const auto& option) {
        const Input* input = input_named(option.first);
        return input != nullptr && texts_of(d, *input) == std::vector<std::string>{option.second};
    });
}

/// At most two of the nearest counts, those that run.
std::string counts_that_run(const DataStore& data, const Description& d, const Infeasible& why) {
    std::string s;
    int found = 0;
    for (const Change& c : nearest_counts(d, why)) {
        if (found == 2 || repeats(d, c) || !runs(data, d, c)) continue;
        s.append(found++ == 0 ? "" : " or ").append(text_of(c));
    }
    return s;
}

/// Copies of experts that the ranks divide evenly, or none.
std::vector<Change> other_copies(const Description& d) {
    std::vector<Change> list;
    for (const auto& [key, given] : {std::pair{"redundant-experts", d.redundant_experts},
                                     {"prefill-redundant-experts", d.prefill.redundant_experts},
                                     {"decode-redundant-experts", d.decode.redundant_experts}}) {
        if (given.value_or(0) == 0) continue;
        for (int more = 1; more <= 64; ++more) list.push_back(option(key, *given + more));
        list.push_back(option(key, 0));
    }
    return list;
}

std::vector<Change> other_engines(const DataStore& data, const Description& d) {
    std::vector<Change> list;
    for (const std::string& name : data.names(rules_folder)) {
        const bool starts = !load_engine_rules(data, name).program.command.empty();
        if (name != d.engine && starts) list.push_back({{"engine", name}});
    }
    return list;
}

/// A count of GPUs that suits the instances but not the load: more of them.
std::optional<Change> counts_and_more(const DataStore& data, const Description& d, const Infeasible& why) {
    for (const Change& c : nearest_counts(d, why)) {
        const auto next = refusal(data, d, c);
        const auto with = changed(d, c);
        if (!next || !with) continue;
        std::vector<Change> more = more_instances(data, *with, *next);
        if (const auto f = followed(data, *with, *next)) more.push_back(*f);
        for (const Change& m : more)
            if (runs(data, d, over(c, m))) return over(c, m);
    }
    return std::nullopt;
}

/// Degrees that a description gives to its pool, or to one of two.
struct Degrees {
    int tp, pp, dp, ep;
};
Degrees degrees_of(const Description& d, const PoolChoices& own) {
    const auto of = [](std::optional<int> a, std::optional<int> b) { return a.value_or(b.value_or(1)); };
    return {of(own.tp, d.tp), of(own.pp, d.pp), of(own.attention_dp, d.attention_dp), of(own.ep, d.ep)};
}

/// Every other layout of so many times the GPUs of an instance, those that change fewest degrees first.
std::vector<Change> other_layouts(const Description& d, const PoolChoices& own, int times) {
    const Degrees now = degrees_of(d, own);
    const std::optional<int> given = own.gpus ? own.gpus : d.gpus;
    const int instance = now.tp * now.pp * now.dp;
    const int gpus = times * (given && *given % instance != 0 ? *given : instance);
    std::vector<Change> list;
    for (int tp = gpus; tp >= 1; --tp) {
        for (int pp = 1; pp <= gpus / tp; ++pp) {
            if (gpus % (tp * pp) != 0) continue;
            const int dp = gpus / tp / pp;
            for (int ep = tp * dp; ep >= 1; --ep) {
                if ((tp * dp) % ep != 0 || list.size() >= most_layouts) continue;
                Change c;
                const auto add = [&](const char* key, int before, int after) {
                    if (before != after) c.emplace_back(key, std::to_string(after));
                };
                add("tp", now.tp, tp);
                add("pp", now.pp, pp);
                add("attention-dp", now.dp, dp);
                add("ep", now.ep, ep);
                if (given && *given % gpus != 0) c.emplace_back("gpus", std::to_string(gpus));
                if (!c.empty()) list.push_back(std::move(c));
            }
        }
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const Change& a, const Change& b) { return a.size() < b.size(); });
    return list;
}

/// Runs many layouts of one set of names.
class Layouts {
  public:
    Layouts(const DataStore& data, const Description& d) : description_(d) {
        Description names = d;
        names.tp = names.pp = names.ep = names.attention_dp = 1;
        names.gpus.reset();
        names.replicas.reset();
        for (PoolChoices* own : {&names.prefill, &names.decode}) {
            own->tp.reset();
            own->pp.reset();
            own->ep.reset();
            own->attention_dp.reset();
            own->gpus.reset();
            if (d.two_pools()) own->replicas = 1;
        }
        try {
            const Expected<Scenario> s = resolve(data, names);
            if (s) base_ = *s;
        } catch (const InputError&) {
            base_.reset();
        }
    }
    [[nodiscard]] bool run(const Change& change) const {
        const auto with = changed(description_, change);
        if (!base_ || !with) return false;
        Scenario s = *base_;
        return !apply_numbers(*with, s) && !launch_refusal(s) && evaluate(s);
    }

  private:
    const Description& description_;
    std::optional<Scenario> base_;
};

/// The first layout of the same GPUs that runs: of one pool while the other stays, or of both alike.
std::optional<Change> another_layout(const DataStore& data, const Description& d, int times = 1) {
    const Layouts layouts(data, d);
    const std::vector<Change> of_prefill = other_layouts(d, d.prefill, times);
    if (!d.two_pools()) {
        for (const Change& c : of_prefill)
            if (layouts.run(c) && runs(data, d, c)) return c;
        return std::nullopt;
    }
    std::vector<Change> list;
    for (const Change& c : of_prefill) list.push_back(in_pools(d, c).front());
    for (const Change& c : other_layouts(d, d.decode, times)) list.push_back(in_pools(d, c)[1]);
    for (const Change& c : of_prefill) list.push_back(in_pools(d, c)[2]);
    for (const Change& c : list)
        if (layouts.run(c) && runs(data, d, c)) return c;
    return std::nullopt;
}

/// The same after the exchange of experts has become a collective one, which any layout takes.
std::optional<Change> without_exchange(const DataStore& data, const Description& d) {
    Change plain;
    for (const auto& [key, word] : {std::pair{"all-to-all", d.exchange},
                                    {"prefill-all-to-all", d.prefill.exchange},
                                    {"decode-all-to-all", d.decode.exchange}}) {
        if (!word.empty() && word != "collective") plain.emplace_back(key, "collective");
    }
    const auto with = changed(d, plain);
    if (plain.empty() || !with) return std::nullopt;
    const auto next = refusal(data, d, plain);
    if (!next) return plain;
    std::optional<Change> more = followed(data, *with, *next);
    for (const int times : {1, 2, 4, 8})
        if (!more) more = another_layout(data, *with, times);
    return more ? std::optional<Change>(over(plain, *more)) : std::nullopt;
}

}   // namespace

std::string smallest_fix(const DataStore& data, const Description& d, const Infeasible& why) {
    const auto first_of = [&](const std::vector<Change>& list) -> std::optional<Change> {
        for (const Change& c : list)
            if (runs(data, d, c)) return c;
        return std::nullopt;
    };
    if (std::string two = counts_that_run(data, d, why); !two.empty()) return two;
    const int tp = d.tp.value_or(1);
    using Way = std::function<std::optional<Change>()>;
    const Way followed_words = [&] { return followed(data, d, why); };
    const Way more = [&] { return first_of(more_instances(data, d, why)); };
    const Way in_node = [&] { return first_of(wider(d, tp * 2, node)); };
    const Way bits = [&] { return first_of(fewer_bits(d)); };
    const Way across = [&] { return first_of(wider(d, std::max(tp, node) * 2, most_tp)); };
    const Way layout = [&] { return another_layout(data, d); };
    const Way counts = [&] { return counts_and_more(data, d, why); };
    const Way larger = [&] {
        std::optional<Change> c;
        for (const int times : {2, 4, 8})
            if (!c) c = another_layout(data, d, times);
        return c;
    };
    const Way plain = [&] { return without_exchange(data, d); };
    const Way copies = [&] { return first_of(other_copies(d)); };
    const Way engines = [&] { return first_of(other_engines(data, d)); };
    // A rule of the engine is about the layout: another one of the same GPUs is nearer than more GPUs.
    const bool of_layout = !why.fix.empty() && why.quantity.empty();
    // Whoever has GPUs of several nodes, and left the layout open, spreads the weights over them before changing them.
    const bool spare = d.gpus && !d.tp && *d.gpus > node;
    const Way first = spare ? across : bits;
    const Way second = spare ? bits : across;
    const std::vector<Way> ways =
        of_layout
            ? std::vector<Way>{followed_words, copies, layout, in_node, first, second, plain, larger, engines}
            : std::vector<Way>{followed_words, counts, copies, more,   in_node, first,
                               second,         layout, plain,  larger, engines};
    if (const auto change = first_of(even_tp(d))) return text_of(*change);
    for (const Way& way : ways)
        if (const auto change = way()) return text_of(*change);
    return {};
}

}   // namespace moecost
