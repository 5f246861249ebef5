// SPDX-License-Identifier: Apache-2.0
// What a plan says where nothing meets the question: the deployment that comes nearest, by how much each objective and
// budget is missed, and options with which the same question has an answer.
#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "plan/plan.h"

namespace moecost::cli {
namespace {

const Scenario& first(const PlanQuestion& q) { return q.space.machines.front().scenario; }
std::string_view unit_of(const Load& load) { return is_rate(load) ? "requests/s" : "requests in flight"; }

/// Three digits that are not below (or above) the value.
std::string rounded(double value, bool up) {
    const double unit = std::pow(10.0, std::floor(std::log10(value)) - 2);
    const double n = value / unit;
    const double three = (up ? std::ceil(n - 1e-9) : std::floor(n + 1e-9)) * unit;
    return fixed(three, unit < 1 ? static_cast<int>(std::round(-std::log10(unit))) : 0);
}

Shortfall of(const PlanQuestion& q, int gpus, double usd, double ttft_s, double tpot_s) {
    Shortfall s;
    const Slo& slo = first(q).slo;
    const auto look = [&](double value, double allowed) {
        const bool over = allowed > 0 && value > allowed * (1 + 1e-9);
        if (over) s.worst = std::max(s.worst, value / allowed);
        return over ? value : 0;
    };
    if (look(gpus, q.space.max_gpus) > 0) s.gpus = gpus - q.space.max_gpus;
    if (look(usd, q.space.max_usd_per_hour) > 0) s.usd_per_hour = usd - q.space.max_usd_per_hour;
    s.ttft_s = look(ttft_s, slo.ttft_s);
    s.tpot_s = look(tpot_s, slo.tpot_s);
    return s;
}

/// A demanded chance wants the TTFT below its limit by more than the machine is slower.
double ttft_with_room(const PlanQuestion& q, std::size_t variant, double ttft_s) {
    const std::size_t m = q.space.variants[variant].machine;
    return q.chance > 0 ? ttft_s * q.ttft_room[m] / q.space.machines[m].slower : ttft_s;
}

/// Times are those of a machine as slow as it is sized.
std::string missed_time(std::string_view time, double level, double value, double limit, double least) {
    std::string s = objective_name(time, level);
    s.append(" ").append(duration(value)).append(", ").append(significant(value / limit, 3));
    s.append(" times the ").append(duration(limit)).append(" allowed (");
    s.append(duration(value - limit)).append(" too long)");
    if (least > limit && std::isfinite(least)) s.append("; no deployment is below ").append(duration(least));
    return s;
}

std::string short_by(const PlanQuestion& q, const Shortfall& s, int gpus, double usd, const Slo& least,
                     std::size_t width) {
    const Slo& slo = first(q).slo;
    std::string text;
    const auto add = [&](const std::string& what) {
        text.append(answer_line(text.empty() ? "short by" : "and by", what, width));
    };
    if (s.gpus > 0) {
        std::string what = std::to_string(s.gpus);
        add(what.append(" GPUs: it takes ")
                .append(std::to_string(gpus))
                .append(", ")
                .append(std::to_string(q.space.max_gpus))
                .append(" are allowed"));
    }
    if (s.usd_per_hour > 0)
        add(money(s.usd_per_hour)
                .append(" per hour: it costs ")
                .append(money(usd))
                .append(", ")
                .append(money(q.space.max_usd_per_hour))
                .append(" are allowed"));
    if (s.ttft_s > 0) add(missed_time("TTFT", slo.ttft_level, s.ttft_s, slo.ttft_s, least.ttft_s));
    if (s.tpot_s > 0) add(missed_time("TPOT", slo.tpot_level, s.tpot_s, slo.tpot_s, least.tpot_s));
    return text;
}

std::string_view within_objectives(const PlanQuestion& q) {
    const Slo& slo = first(q).slo;
    return slo.ttft_s > 0 || slo.tpot_s > 0 ? " within the objectives" : "";
}

std::string why_nothing_runs(const PlanQuestion& q, const PlanResult& r) {
    std::string s;
    const auto add = [&](const std::string& why) { s.append(s.empty() ? "" : "; ").append(why); };
    if (!r.answer.why.reason.empty()) add(to_text(r.answer.why));
    constexpr std::size_t most_told = 2;
    std::size_t told = 0;
    for (const auto& [reason, count] : q.rejected)
        if (told++ < most_told) add(reason);
    if (!s.empty()) return s;
    const auto most = std::max_element(r.answer.rejected.begin(), r.answer.rejected.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == r.answer.rejected.end() ? "there is no candidate" : most->first;
}

std::string no_price(const PlanQuestion& q) {
    std::string s("no price of ");
    for (std::size_t k = 0; k < q.kinds.size(); ++k) s.append(k > 0 ? ", " : "").append(q.kinds[k]);
    return s.append(" is known");
}

std::string headline(const PlanQuestion& q, const PlanResult& r) {
    std::string s = r.apart ? "One pool: " : "";
    switch (r.answer.miss) {
        case PlanMiss::nothing:
        case PlanMiss::runs:
            return s.append("no deployment runs: ").append(why_nothing_runs(q, r));
        case PlanMiss::price:
            s.append(no_price(q));
            return r.nearest ? s.append("; by the number of GPUs:") : s;
        case PlanMiss::size: {
            std::string most = grouped(most_planned_gpus);
            return s.append("it takes more than the ").append(most).append(" GPUs that are searched");
        }
        case PlanMiss::budget:
            s.append("no deployment within the budget carries this load").append(within_objectives(q));
            return s.append("; the nearest:");
        case PlanMiss::objectives:
            return s.append(r.nearest ? "no deployment meets the objectives; the nearest:"
                                      : "no deployment comes near the objectives");
    }
    return s;
}

std::string capital(std::string s) {
    if (!s.empty()) s[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(s[0])));
    return s;
}

std::string carried_text(const PlanQuestion& q, const PlanResult& r, std::size_t width) {
    std::string s;
    const Load& load = first(q).traffic.load;
    if (r.within_budget) {
        std::string text = amount(r.answer.carried, unit_of(load));
        s.append(answer_line(r.answer.miss == PlanMiss::size ? "they carry" : "the budget carries",
                             text.append(" on ").append(deployment_name(q, r.within_budget->planned)),
                             width));
    }
    if (r.smallest) {
        const Planned& p = r.smallest->planned;
        std::string text = deployment_name(q, p);
        if (p.usd_per_hour > 0) text.append(", ").append(money(p.usd_per_hour)).append(" per hour");
        text.append(": carries ").append(amount(p.size, unit_of(load)));
        s.append(answer_line("smallest instance", text.append("; the budget pays for none"), width));
    }
    return s;
}

/// Options that let the budgets and objectives of a deployment pass.
std::string options_of_shortfall(const PlanQuestion& q, const Shortfall& s, int gpus, double usd,
                                 std::size_t of_ttft) {
    const Slo& slo = first(q).slo;
    std::string text;
    const auto add = [&](std::string_view option, const std::string& value) {
        text.append(text.empty() ? "--" : " --").append(option).append(" ").append(value);
    };
    const auto objective = [](double level, double seconds) {
        std::string value = level > 0 ? objective_name({}, level).append(":") : std::string();
        return value.append(rounded(seconds * 1e3, true)).append("ms");
    };
    if (s.gpus > 0) add("max-gpus", std::to_string(gpus));
    if (s.usd_per_hour > 0) add("max-usd-per-hour", fixed(std::ceil(usd * 100 - 1e-6) / 100, 2));
    if (s.ttft_s > 0) add("slo-ttft", objective(slo.ttft_level, ttft_with_room(q, of_ttft, s.ttft_s)));
    if (s.tpot_s > 0) add("slo-tpot", objective(slo.tpot_level, s.tpot_s));
    return text;
}

/// The pair of pools is nearer than the one pool.
bool pair_is_nearer(const PlanQuestion& q, const PlanResult& r) {
    if (!r.near_apart) return false;
    return !r.nearest || shortfall_of(q, *r.near_apart).worst < shortfall_of(q, *r.nearest).worst;
}

std::string short_words(const Shortfall& s) {
    std::string text;
    const auto add = [&](const std::string& what) { text.append(text.empty() ? "" : ", ").append(what); };
    if (s.gpus > 0) add(std::to_string(s.gpus).append(" GPUs too many"));
    if (s.usd_per_hour > 0) add(money(s.usd_per_hour).append(" an hour too dear"));
    if (s.ttft_s > 0) add(std::string("TTFT ").append(duration(s.ttft_s)));
    if (s.tpot_s > 0) add(std::string("TPOT ").append(duration(s.tpot_s)));
    return text;
}

}   // namespace

Shortfall shortfall_of(const PlanQuestion& q, const PlannedAnswer& a) {
    const Planned& p = a.planned;
    return of(q, p.gpus(), p.usd_per_hour, p.ttft_s, p.tpot_s);
}

Shortfall shortfall_of(const PlanQuestion& q, const ApartAnswer& a) {
    const PlannedPools& p = a.planned;
    return of(q, p.gpus(), p.usd_per_hour, p.ttft_s, p.tpot_s);
}

std::string near_options(const PlanQuestion& q, const PlanResult& r) {
    if (r.relaxed) return r.relaxed->options;
    if (r.answer.miss == PlanMiss::price) return q.space.max_usd_per_hour > 0 ? "" : "--objective gpus";
    std::string options;
    if (pair_is_nearer(q, r)) {
        const PlannedPools& p = r.near_apart->planned;
        options = options_of_shortfall(q, shortfall_of(q, *r.near_apart), p.gpus(), p.usd_per_hour,
                                       p.prefill.variant);
    } else if (r.nearest) {
        const Planned& p = r.nearest->planned;
        options = options_of_shortfall(q, shortfall_of(q, *r.nearest), p.gpus(), p.usd_per_hour, p.variant);
    }
    if (!r.within_budget || q.day) return options;
    const std::string_view load = is_rate(first(q).traffic.load) ? "--rate " : "--concurrency ";
    options.append(options.empty() ? "" : ", or ").append(load);
    return options.append(rounded(r.answer.carried, false));
}

std::string near_text(const PlanQuestion& q, const PlanResult& r, const Style& style) {
    std::string s = style.bold(wrapped(capital(headline(q, r)), 2, style.width));
    if (r.nearest) {
        s.append(answer_text(q, *r.nearest, style));
        const Planned& p = r.nearest->planned;
        s.append(short_by(q, shortfall_of(q, *r.nearest), p.gpus(), p.usd_per_hour, r.answer.reached,
                          style.width));
    }
    s.append(carried_text(q, r, style.width));
    if (!r.relaxed) return s;
    std::string text(r.relaxed->options);
    text.append(" lets one run: ").append(deployment_name(q, r.relaxed->planned));
    return s.append(answer_line("but", text, style.width));
}

std::string near_apart_text(const PlanQuestion& q, const ApartAnswer& a, const Style& style) {
    const PlannedPools& p = a.planned;
    std::string s("  no pair of pools meets the objectives and the budget; the nearest:\n  ");
    s.append(wrapped(deployment_name(q, p), 4, style.width - 2));
    if (p.usd_per_hour > 0) s.append("  ").append(money(p.usd_per_hour)).append(" per hour\n");
    return s.append(short_by(q, shortfall_of(q, a), p.gpus(), p.usd_per_hour, a.least, style.width));
}

std::string near_message(const PlanQuestion& q, const PlanResult& r) {
    std::string s("moecost: infeasible: ");
    const bool pair = pair_is_nearer(q, r);
    if (r.nearest || pair) {
        const bool priceless = r.answer.miss == PlanMiss::price;
        if (priceless)
            s.append(no_price(q));
        else
            s.append("nothing carries this load").append(within_objectives(q));
        if (!priceless && q.space.max_gpus > 0)
            s.append(" on ").append(std::to_string(q.space.max_gpus)).append(" GPUs");
        if (!priceless && q.space.max_usd_per_hour > 0)
            s.append(" for ").append(money(q.space.max_usd_per_hour)).append(" an hour");
        s.append("; the nearest is ");
        s.append(pair ? deployment_name(q, r.near_apart->planned) : deployment_name(q, r.nearest->planned));
        const std::string lacks =
            short_words(pair ? shortfall_of(q, *r.near_apart) : shortfall_of(q, *r.nearest));
        if (!lacks.empty()) s.append(" (").append(lacks).append(")");
    } else {
        s.append(q.one_pool ? headline(q, r)
                            : std::string("no pair of pools runs: prefill and decode apart"));
    }
    s.append("\n");
    if (r.relaxed && r.relaxed->frees)
        return s.append("hint: ").append(r.relaxed->options).append(" lets one run\n");
    if (r.answer.miss == PlanMiss::price) {
        const std::string options = near_options(q, r);
        s.append("hint: --price ").append(q.kinds.front()).append("=USD states one");
        return s.append(options.empty() ? "" : ", or ").append(options).append("\n");
    }
    if (const std::string options = near_options(q, r); !options.empty())
        s.append("hint: ").append(options).append(" has an answer\n");
    return s;
}

}   // namespace moecost::cli
