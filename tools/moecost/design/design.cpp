// SPDX-License-Identifier: Apache-2.0
// moecost design: which MoE should be trained, so that serving it at equal loss is cheapest?
#include "design/design.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "design/paper.h"
#include "moecost/base/format.h"
#include "text.h"

namespace moecost::cli {
namespace {

std::atomic<bool> stop_wanted{false};

void show_progress(const TableProgress& p) {
    constexpr std::size_t width = 24;
    const double share = p.all > 0 ? static_cast<double>(p.done) / static_cast<double>(p.all) : 1;
    const auto filled = static_cast<std::size_t>(share * width);
    std::string line("\r[");
    line.append(filled, '#').append(width - filled, ' ').append("] ").append(percent(share));
    line.append("  ").append(grouped(static_cast<long long>(p.evaluated))).append(" points");
    if (p.seconds > 0) {
        line.append("  ").append(amount(static_cast<double>(p.evaluated) / p.seconds)).append("/s  ");
        line.append(duration(p.seconds * (1 - share) / std::max(share, 1e-9))).append(" left");
    }
    line.append("\033[K");
    if (p.done == p.all) line.append("\r\033[K");
    std::fputs(line.c_str(), stderr);
}

TableOptions table_options(unsigned threads, const Invocation& invocation) {
    TableOptions o;
    o.threads = threads;
    o.stop = &stop_wanted;
    if (!invocation.quiet && isatty(STDERR_FILENO) != 0) o.progress = show_progress;
    return o;
}

void stop_at_signals() {
    std::signal(SIGINT, [](int) { stop_wanted = true; });
    std::signal(SIGTERM, [](int) { stop_wanted = true; });
}

std::string spent(const DesignAnswer& answer, double seconds) {
    std::string s(grouped(static_cast<long long>(answer.evaluated)));
    s.append(" points of ")
        .append(grouped(static_cast<long long>(answer.built)))
        .append(" models evaluated in ");
    s.append(duration(seconds));
    return s.append(", ")
        .append(amount(static_cast<double>(answer.evaluated) / seconds))
        .append(" points/s\n");
}

Answer interrupted_answer() {
    Answer answer;
    answer.status = interrupted;
    answer.messages = "moecost: interrupted before the search was complete\n";
    return answer;
}

Answer answer_laws(const DesignQuestion& question, const TableOptions& options,
                   const Invocation& invocation) {
    const auto found = design_under_laws(question.space, question.goal, question.laws, options);
    Answer answer;
    if (!found) {
        answer.status = infeasible;
        answer.messages.append("moecost: infeasible: ").append(to_text(found.error())).append("\n");
        return answer;
    }
    if (found->stopped) return interrupted_answer();
    answer.output = invocation.format == Format::json  ? laws_json(question, *found)
                    : invocation.format == Format::csv ? laws_csv(*found)
                                                       : laws_text(question, *found, invocation);
    return answer;
}

/// What weights of eight bits would answer, where nothing does in more and nobody chose the format. Empty: nothing.
std::string narrower_fix(DesignQuestion q, const Infeasible& why, const TableOptions& options) {
    constexpr DType narrower = DType::fp8;
    if (why.quantity == "loss" || !q.description.weights.empty()) return {};
    for (Scenario& m : q.space.serving.machines) {
        Pool& pool = m.pools.front();
        if (info(pool.precision.routed_experts).element_bytes <= 1) return {};
        pool.precision = pool.precision.with_weights(narrower);
        if (precision_problem(m.architecture, pool.precision, pool.cluster, pool.profile)) return {};
    }
    q.goal.bootstrap = 0;
    const auto found = moecost::design(q.space, q.goal, options);
    if (!found || found->stopped) return {};
    std::string s("--weights ");
    s.append(info(narrower).name).append(": ").append(money(found->winner.deployment.usd_per_mtok));
    return s.append(" per million tokens (--quantisation-loss states what that costs in nats)");
}

}   // namespace

Answer run_design(const Invocation& invocation) {
    if (is_paper_design(invocation.line))
        return run_paper_design(invocation, paper_design_options(invocation.line));
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    Answer answer;
    const auto infeasible_because = [&](const Infeasible& why) {
        answer.status = infeasible;
        answer.messages.append("moecost: infeasible: ").append(to_text(why));
        if (!why.fix.empty()) answer.messages.append("; ").append(why.fix);
        answer.messages.append("\n");
        return answer;
    };
    if (invocation.line.has("families")) {
        stop_at_signals();
        return answer_families(invocation, table_options(threads_from(invocation.line), invocation));
    }
    const Expected<DesignQuestion> asked = design_question(invocation);
    if (!asked) return infeasible_because(asked.error());
    const DesignQuestion& question = *asked;
    const TableOptions options = table_options(question.threads, invocation);
    stop_at_signals();
    if (!question.laws.empty()) return answer_laws(question, options, invocation);
    const auto found = moecost::design(question.space, question.goal, options);
    if (!found) {
        Infeasible why = found.error();
        if (why.fix.empty()) why.fix = narrower_fix(question, why, options);
        return infeasible_because(why);
    }
    if (found->stopped) return interrupted_answer();
    switch (invocation.format) {
        case Format::json:
            answer.output = design_json(question, *found);
            break;
        case Format::csv:
            answer.output = design_csv(question, *found, invocation.line.has("all"));
            break;
        case Format::text:
            answer.output = design_text(question, *found, invocation);
            break;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (!invocation.quiet) answer.messages = spent(*found, seconds);
    return answer;
}

}   // namespace moecost::cli
