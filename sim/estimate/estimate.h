// SPDX-License-Identifier: Apache-2.0
// Describe a deployment, evaluate it. evaluate() is pure: its answer depends on the scenario alone; it may be called
// from any number of threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/expected.h"
#include "moecost/cost/cost.h"
#include "moecost/estimate/description.h"
#include "moecost/estimate/scenario.h"
#include "moecost/model/huggingface/huggingface.h"
#include "moecost/serving/capacity.h"
#include "moecost/serving/memory.h"
#include "moecost/serving/percentiles.h"
#include "moecost/serving/serving.h"
#include "moecost/serving/two_pools.h"

namespace moecost {

class StepPlans;

/// p10 to p90 of a figure, by the spread of served points of its class; 0: not known.
struct Interval {
    double low = 0;
    double high = 0;
    [[nodiscard]] bool known() const { return high > 0; }
};
/// value e^(-+1.2816 sd); nothing where the spread or the value is not known.
[[nodiscard]] Interval interval_about(double value, double log_sd);

/// The same GPUs as one pool.
struct OnePool {
    Layout layout;   // of an instance
    int replicas = 0;
    double output_tokens_per_s = 0;
    double usd_per_mtok_total = 0;
    Seconds ttft, tpot;
    bool meets_slo = true;
    [[nodiscard]] bool known() const { return replicas > 0; }
};

/// What an answer for prefill and decode apart says besides.
struct PoolsEstimate {
    TwoPoolsAnswer answer;
    MemoryPlan prefill_memory;   // of a GPU of the prefill pool
    Seconds transfer;            // of a prompt's cache, as far as nothing hides it
    double slots = 0;            // sequences that the decode pool holds
    double matched = 0;   // prefill workers that keep one decode worker busy at this time per output token
    OnePool one_pool;     // filled by compare_with_one_pool()
};

struct Estimate {
    Serving serving;     // of one instance; of the whole deployment where prefill and decode run apart
    MemoryPlan memory;   // of one GPU, and the sequences of one instance
    std::optional<Capacity> capacity;   // of one instance, where the scenario asks for it
    Cost cost;                          // prices are those of the deployment, the rent that of one instance
    double replicas = 1;
    std::optional<PoolsEstimate> pools;   // two pools: they count as one instance, memory is that of decode
    TierHits hits;                        // of the prompt, where Scenario::reuse is known
    Provenance provenance = Provenance::calibrated;
    bool meets_slo = true;
    Seconds ttft_of_slo, tpot_of_slo;        // of the mean or percentile that its objective is about
    std::optional<ServingLatency> latency;   // distributions, where they were asked for
    double goodput_share = 1;   // of requests within both objectives, where distributions are known
    std::shared_ptr<const Simulation>
        simulation;     // the answer is that of the event simulation; null: closed form
    LogSpread spread;   // of measured over predicted, for this load
    LogSpread beyond;   // shares of the time behind these figures outside the fitted ranges of the kernels
    double memory_sd = 0;                                                // the same of the sequences that fit
    Interval output_tokens_per_s, tpot_s, ttft_s, usd_per_mtok_output;   // of one instance
};

/// Reads and checks everything a description names. InputError: it cannot be understood, with the option or file and
/// what is allowed. Infeasible: it is understood and cannot run: layout, lengths, number formats.
[[nodiscard]] Expected<Scenario> describe(const DataStore& data, const Description& description);
/// The same for an architecture that is there already; the model that the description names is not read.
[[nodiscard]] Expected<Scenario> describe(const DataStore& data, const Description& description,
                                          Architecture architecture);

/// The number formats of a description (weights, expert weights, cache; empty: as released, or the engine's default)
/// onto a scenario whose machine and engine are resolved, or which of them cannot run there.
[[nodiscard]] std::optional<Infeasible> set_formats(const Description& description, Scenario& scenario);

/// What measured servers say of a deployment whose names and formats are resolved: sets Pool::served, and with it the
/// pace of its steps, e^(effects + youth of the model).
void set_served_class(const Description& description, const Scenario& scenario, Pool& pool);
void set_pace(const Description& description, Pool& pool);
/// By which measured servers know it.
[[nodiscard]] ServedNames served_names(const Scenario& scenario, const Pool& pool,
                                       const std::string& version);

/// The same whether or not the engine would launch the layout: for searches that change it, and for what was measured.
[[nodiscard]] Expected<Scenario> resolve(const DataStore& data, const Description& description);
[[nodiscard]] Expected<Scenario> resolve(const DataStore& data, const Description& description,
                                         Architecture architecture);

/// How a description asks for a config.json of others to be read.
[[nodiscard]] ImportOptions import_options(const Description& description);

/// The member of a family that a description names, before its edits. InputError: no size, a model beside the family,
/// or a member that the family does not have, and why.
[[nodiscard]] FamilyMember describe_member(const DataStore& data, const Description& description);

/// InputError when a size or another choice of a member is given although no family is.
void refuse_member_choices(const Description& description);

/// The numbers of a description (degrees, lengths, load, engine settings, objectives, price, blend) onto a scenario that
/// describe() built from the same names, or which rule they break. Allocates nothing: a sweep calls it for each point.
[[nodiscard]] std::optional<Infeasible> apply_numbers(const Description& description, Scenario& scenario);

/// Which rule of its engine a scenario breaks, by name and fix. Layout, formats, model, machine and drafted tokens alone
/// decide it: describe() asks, and a search asks once for each layout.
[[nodiscard]] std::optional<Infeasible> launch_refusal(const Scenario& scenario);

/// What rules ask of a pool of the scenario besides its layout: its settings, its role and the other pool.
[[nodiscard]] LaunchSettings launch_settings(const Scenario& scenario, const Pool& pool);

/// What the deployment delivers and costs, or why it cannot run. Whether its engine would launch it: launch_refusal().
/// Percentiles are worked out only where an objective names one (serving/percentiles.h; lengths as lengths_of() says).
[[nodiscard]] Expected<Estimate> evaluate(const Scenario& scenario);
/// The same with weights_of(scenario) worked out before: what loops over many points of one model call.
[[nodiscard]] Expected<Estimate> evaluate(const Scenario& scenario, const WeightBytes& weights);
/// The same with steps planned before, of the scenario that plans.select() named last: the same answer for less work.
[[nodiscard]] Expected<Estimate> evaluate(const Scenario& scenario, const WeightBytes& weights,
                                          StepPlans& plans);

/// What cost_of() wants to know of a scenario.
[[nodiscard]] CostInput cost_input(const Scenario& scenario);

/// The same GPUs, load and objectives on one pool, in the layout of the decode pool or else of the prefill pool, into
/// estimate.pools. Nothing is said where the pools have different GPUs or no layout divides them.
void compare_with_one_pool(const Scenario& scenario, Estimate& estimate);

/// The smallest change that makes an infeasible description run (more instances, more GPUs, fewer bits), as options
/// such as "--tp 4"; empty when none of the usual ones does.
[[nodiscard]] std::string smallest_fix(const DataStore& data, const Description& description,
                                       const Infeasible& why);

}   // namespace moecost
