// SPDX-License-Identifier: Apache-2.0
// The goal of a plan: what is least, its budgets, the chance that is demanded, and the load of a day.
#include <algorithm>

#include "moecost/base/written_number.h"
#include "option_values.h"
#include "plan/plan.h"

namespace moecost::cli {
namespace {

PlanGoal goal_of(const CommandLine& line) {
    const std::string* text = line.find("objective");
    if (text == nullptr) return PlanGoal::cost;
    std::vector<std::string> known;
    for (const PlanGoal g :
         {PlanGoal::cost, PlanGoal::latency, PlanGoal::throughput, PlanGoal::gpus, PlanGoal::energy}) {
        if (name_of(g) == *text) return g;
        known.emplace_back(name_of(g));
    }
    refuse("objective", *text, "is not one of them", name_hint(*text, known));
}

std::optional<double> api_price(const CommandLine& line, std::string_view key) {
    const std::string* text = line.find(key);
    if (text == nullptr) return std::nullopt;
    return number(key, *text, 0, 1e6);
}

}   // namespace

void read_goal(const CommandLine& line, PlanQuestion& q) {
    q.space.goal = goal_of(line);
    q.space.max_gpus = whole_or(line, "max-gpus", 0, 1, 65536);
    q.space.max_usd_per_hour = number_or(line, "max-usd-per-hour", 0, 1e-6, 1e9);
    q.space.max_load = number_or(line, "max-load", q.assumptions.max_load, 0.01, 0.99);
    q.space.list_rejected = line.has("rejected");
    if (const std::string* text = line.find("chance")) {
        const auto chance = written_share(*text);
        if (!chance || !(*chance > 0 && *chance <= 0.999))
            refuse("chance", *text, "is no share above 0 and up to 99.9 %", "--chance 80%");
        q.chance = *chance;
    }
    if (q.space.goal == PlanGoal::latency && q.space.max_gpus == 0 && q.space.max_usd_per_hour == 0)
        throw InputError({"--objective"}, {}, "latency without a budget buys GPUs without end",
                         "--max-gpus 64 or --max-usd-per-hour 300");
}

void read_day(const CommandLine& line, Description& base, PlanQuestion& q) {
    const auto in = api_price(line, "api-price-in");
    const auto out = api_price(line, "api-price-out");
    const std::string* day = line.find("day");
    if (day == nullptr && !in && !out) return;
    if (day == nullptr) {
        const OpenLoop* rate = base.load ? std::get_if<OpenLoop>(&*base.load) : nullptr;
        if (rate == nullptr)
            throw InputError({in ? "--api-price-in" : "--api-price-out"}, {},
                             "compares the tokens of a day: --rate R or --day LIST says how many");
        q.day = DayQuestion{{}, in, out, false};
        q.day->load.fill(rate->rate);
        return;
    }
    if (base.load)
        throw InputError({"--day"}, {}, "gives the load of each hour: leave --rate and --concurrency out");
    q.day = DayQuestion{day_loads(*day), in, out};
    base.load = OpenLoop{*std::max_element(q.day->load.begin(), q.day->load.end())};
}

}   // namespace moecost::cli
