// SPDX-License-Identifier: Apache-2.0
#include "estimate/method.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "moecost/estimate/inputs.h"
#include "moecost/serving/scheduler.h"
#include "option_values.h"
#include "progress.h"

namespace moecost::cli {
namespace {

constexpr int timeline_points = 4096;

/// Ten times a second at most, from half a second on.
std::function<void(double)> progress_of(double all) {
    using Clock = std::chrono::steady_clock;
    return [all, start = Clock::now(), shown = Clock::now(), any = false](double done) mutable {
        const Clock::time_point now = Clock::now();
        const double seconds = std::chrono::duration<double>(now - start).count();
        const double since = std::chrono::duration<double>(now - shown).count();
        const bool last = done >= all;
        if (seconds < 0.5 || (last ? !any : since < 0.1)) return;
        shown = now;
        any = true;
        std::fputs(progress_line(done, all, done / seconds, "requests").c_str(), stderr);
    };
}

/// Instances that share the requests of a trace: of two pools every worker sees all of them.
double shares_of(const Scenario& s) { return s.two_pools() ? 1 : s.pool().replicas; }

/// Blocks of the prefix cache of an instance: what its cache holds, all ranks together. Of two pools that of all prefill
/// workers: a request goes to the one that holds its prefix.
std::size_t cache_blocks(const Scenario& s, double block_tokens) {
    Traffic part = s.traffic;
    part.load = per_instance(part.load, s.pool().replicas);
    const Pool& p = s.pools.front();
    if (s.two_pools()) part.output = 1;
    const Expected<MemoryPlan> memory = plan_memory(s.architecture, p.precision, weights_of(s), p.layout,
                                                    p.cluster, p.settings, part, &p.rules);
    if (!memory) return 1;
    const SchedulerRules rules = scheduler_rules(p.settings, p.layout, *memory, part);
    const double tokens = rules.cache_tokens * rules.ranks * (s.two_pools() ? p.replicas : 1);
    return std::isfinite(tokens) ? static_cast<std::size_t>(std::max(tokens / block_tokens, 1.0)) : 0;
}

}   // namespace

std::vector<Flag> method_flags() {
    constexpr std::string_view group = "Method";
    return {{"simulate", "", group, "answer by the event simulation, request by request"},
            {"closed-form", "", group, "answer by the closed form, also where it does not hold"},
            {"max-rate", "", group, "answer at the highest rate that meets the objectives"},
            {"requests", "N", group, "requests to simulate", 0, {}, "20000"},
            {"seed", "N", group, "of what is drawn: same seed, same answer", 0, {}, "1"},
            {"timeline", "FILE", group, "write what runs and waits over the simulated time as CSV"}};
}

MethodOptions method_options(const Invocation& invocation) {
    using By = AnswerOptions::By;
    const CommandLine& line = invocation.line;
    MethodOptions o;
    if (line.has("simulate") && line.has("closed-form"))
        throw InputError({"--closed-form"}, {}, "--simulate is given too: choose one");
    if (line.has("simulate")) o.by = By::simulation;
    if (line.has("closed-form")) o.by = By::closed_form;
    o.requests = number_or(line, "requests", o.requests, 100, 1e9);
    o.seed = static_cast<std::uint64_t>(number_or(line, "seed", 1, 0, 9e15));
    o.max_rate = line.has("max-rate");
    if (const std::string* file = line.find("timeline")) o.timeline = *file;
    if (!o.timeline.empty() && o.by == By::automatic && line.find("trace") == nullptr) o.by = By::simulation;
    if (!o.timeline.empty() && o.by == By::closed_form)
        throw InputError({"--timeline"}, {}, "the closed form has no timeline", "leave --closed-form out");
    o.progress = !invocation.quiet && isatty(STDERR_FILENO) != 0;
    return o;
}

std::string method_text(const MethodOptions& o) {
    using By = AnswerOptions::By;
    std::string s;
    if (o.by == By::simulation) s.append(" --simulate");
    if (o.by == By::closed_form) s.append(" --closed-form");
    if (o.max_rate) s.append(" --max-rate");
    if (o.requests != MethodOptions{}.requests) s.append(" --requests ").append(shortest(o.requests));
    if (o.seed != 1) s.append(" --seed ").append(std::to_string(o.seed));
    return s;
}

void read_trace(Description& d, Traces& traces) {
    const std::string& path = d.trace.empty() ? d.traffic : d.trace;
    if (path.empty() || (d.trace.empty() && !is_trace_path(path))) return;
    if (!d.trace.empty() && !d.traffic.empty())
        throw InputError({"--trace"}, {}, "--traffic is given too: the trace has lengths of its own");
    if (!d.trace.empty() && (d.isl || d.osl))
        throw InputError({d.isl ? "--isl" : "--osl"}, {},
                         "--trace is given: its requests have lengths of their own",
                         "--traffic FILE takes a table of lengths");
    auto& read = traces[std::string(d.trace.empty() ? "lengths:" : "replay:").append(path)];
    if (!read) {
        const TraceSummary summary = summarise_trace(path);
        Traffic traffic = traffic_of(summary, path);
        if (!d.trace.empty()) {
            if (summary.requests < 2) {
                throw InputError({path}, {}, "holds one request: there is nothing to replay",
                                 "--isl, --osl and --concurrency 1 ask for a lone one");
            }
            if (!(summary.rate > 0)) {
                throw InputError({path}, "timestamp", "requests have no times: they cannot be replayed",
                                 "--traffic FILE takes lengths alone, --rate or --concurrency the load");
            }
            traffic.load = Replay{{}, 1, summary.requests, summary.rate, std::max(summary.gap_cv2, 0.0)};
        }
        read = std::make_shared<const Traffic>(std::move(traffic));
    }
    d.traffic_read = read;
}

Expected<Estimate> answer_of(const Scenario& s, const Description& d, const MethodOptions& o) {
    AnswerOptions how;
    how.by = o.by;
    how.requests = o.requests;
    how.seed = o.seed;
    how.timeline_points = o.timeline.empty() ? 0 : timeline_points;
    const auto* replay = std::get_if<Replay>(&s.traffic.load);
    std::shared_ptr<TraceFile> file;
    const auto beyond =
        std::make_shared<double>(0);   // requests that no engine takes: longer than the model's positions
    if (replay != nullptr && o.by != AnswerOptions::By::closed_form) {
        TraceFile::Options options;
        options.cache_blocks = cache_blocks(s, options.block_tokens);
        options.one_of = static_cast<std::size_t>(shares_of(s));
        options.hit_rate = d.prefix_hit_rate.value_or(0);
        file = std::make_shared<TraceFile>(d.trace, options);
        how.trace = [file, beyond, longest = s.architecture.max_position](TracedRequest& r) {
            while (file->next(r)) {
                if (longest <= 0 || r.input + r.output <= longest) return true;
                *beyond += 1;
            }
            return false;
        };
    }
    const double all = replay != nullptr ? replay->count / shares_of(s) : o.requests;
    if (o.progress) how.progress = progress_of(std::floor(all));
    Expected<Estimate> e = answer(s, how);
    if (e && e->simulation && *beyond > 0) {
        Simulation m = *e->simulation;
        m.beyond_context = *beyond;
        e->simulation = std::make_shared<const Simulation>(std::move(m));
    }
    return e;
}

void write_timeline(const std::string& file, const Simulation& simulation) {
    std::string csv(
        "time_s,waiting,decoding,cache_tokens,arrivals_per_s,input_tokens_per_s,output_tokens_per_s\n");
    for (const TimelinePoint& p : simulation.timeline) {
        bool first = true;
        for (const double value : {p.time_s, p.waiting, p.decoding, p.cache_tokens, p.arrivals_per_s,
                                   p.input_tokens_per_s, p.output_tokens_per_s}) {
            csv.append(first ? "" : ",").append(shortest(rounded(value, 6)));
            first = false;
        }
        csv.append("\n");
    }
    write_file(file, csv);
}

}   // namespace moecost::cli
