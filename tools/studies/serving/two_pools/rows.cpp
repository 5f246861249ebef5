// SPDX-License-Identifier: Apache-2.0
#include "serving/two_pools/rows.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/csv.h"
#include "moecost/base/gzip.h"
#include "moecost/estimate/pools.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_timer.h"

namespace two_pools {
namespace {

using namespace moecost;

/// The kernels without any constant of pools.toml but the balance of experts, which shapes rows and not factors.
PoolLaw neutral(const PoolLaw& law) {
    PoolLaw n;
    n.wide.balance = law.wide.balance;
    return n;
}

Parts parts_of(StepTimer& timer, const StepShape& shape, const Pool& pool) {
    Parts p;
    const StepTime time = timer.time(shape);
    for (const TimedOperation& op : timer.explain(shape)) {
        const double seconds = op.timed.total.value() * op.operation.count;
        if (op.operation.op_class == OpClass::routed_experts)
            (pool.layout.all_to_all() ? p.wide_experts : p.experts) += seconds;
        if (std::holds_alternative<ExpertAllToAll>(op.operation.shape)) p.all_to_all += seconds;
        const auto* reduce = std::get_if<AllReduce>(&op.operation.shape);
        if (reduce == nullptr || reduce->ranks <= pool.cluster.domain) continue;
        p.across += seconds;
        p.reduces += op.operation.count;
    }
    p.mxfp4 =
        pool.precision.routed_experts == DType::mxfp4 && pool.cluster.gpu.peak_of(MathUnit::fp4).value() > 0;
    p.host = time.by_class[static_cast<std::size_t>(OpClass::host)].value();
    p.other = time.total.value() - p.host - p.experts - p.wide_experts - p.all_to_all - p.across;
    return p;
}

Run run_of(const MeasuredPoint& point, Scenario& s) {
    for (Pool& p : s.pools) p.profile.pools = neutral(p.profile.pools);
    const Pool& from = s.pools.front();
    const Pool& to = s.pools.back();
    const CalibratedHardware prefill_machine =
        calibrated_hardware(from.cluster, from.profile, from.precision);
    const CalibratedHardware decode_machine = calibrated_hardware(to.cluster, to.profile, to.precision);
    StepTimer prefill(s.architecture, from.precision, from.layout, prefill_machine, Phase::prefill);
    StepTimer decode(s.architecture, to.precision, to.layout, decode_machine, Phase::decode);
    PromptSteps prompts(prefill, from, s.traffic);
    DecodeSteps steps(decode, to, s.traffic);
    const Expected<Estimate> estimate = evaluate(s);
    const double slots = estimate->pools->slots / to.replicas;
    const TwoPools pools = two_pools_of(s, prompts, steps, slots);

    Run r;
    r.point = point;
    r.gpu = to.cluster.gpu.id;
    const auto& load = std::get<ClosedLoop>(s.traffic.load);
    r.requests = load.concurrency;
    r.of_run = load.requests;
    r.prompt = pools.prompts.tokens;
    r.output = s.traffic.output;
    r.workers = from.replicas;
    r.full_prompts = pools.prompts.full_prompts;
    r.side_by_side = pools.prompts.side_by_side;
    r.decode_workers = to.replicas;
    r.slots = slots;
    r.drafts = to.settings.draft_tokens;
    r.transfer = pools.handover.transfer;
    r.transfer_per_prompt = pools.handover.per_prompt;
    r.gpus = s.gpus();
    r.across = from.layout.tp > from.cluster.domain;
    r.full = parts_of(prefill, prompts.shape(prompts.full_tokens()), from);
    const double at_once = std::clamp(r.requests / r.workers, 1.0, r.side_by_side);
    r.lone = parts_of(
        prefill, prompts.shape(at_once * std::min(r.prompt, from.settings.chunk_tokens) * from.layout.pp),
        from);
    r.batch_top = std::max(r.requests / r.decode_workers, 2.0);
    for (std::size_t i = 0; i < decode_nodes; ++i) {
        const double b = std::pow(r.batch_top, static_cast<double>(i) / (decode_nodes - 1));
        r.decode[i] = parts_of(decode, steps.shape(b), to);
    }
    return r;
}

}   // namespace

std::vector<Run> read_runs(const std::vector<std::string>& files,
                           std::map<std::string, std::size_t>& skipped) {
    std::vector<Run> runs;
    const DataStore data;
    Predictor predictor(data);
    for (const std::string& file : files) {
        const CsvTable table(read_text(file), file);
        for (const MeasuredPoint& point : read_points(table)) {
            if (!point.disaggregated) continue;
            if (point.suspect) {
                ++skipped["marked suspect in the table"];
                continue;
            }
            auto found = predictor.scenario(point);
            if (const auto* reason = std::get_if<std::string>(&found)) {
                ++skipped[*reason];
                continue;
            }
            auto& s = std::get<Scenario>(found);
            if (const auto e = evaluate(s); !e) {
                ++skipped[std::string("infeasible: ").append(e.error().reason)];
                continue;
            }
            runs.push_back(run_of(point, s));
        }
    }
    return runs;
}

}   // namespace two_pools
