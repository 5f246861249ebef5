// SPDX-License-Identifier: Apache-2.0
// Pages that explain: what each figure means, how constants are fitted, how good predictions are. Tables in them are
// those of the program.
#include "man/man.h"
#include "moecost/estimate/figures.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost::cli {
namespace {

std::string scopes() {
    std::string s = section("SCOPE");
    s.append(paragraph("Load and figures are of the whole deployment unless they say otherwise:"));
    s.append(item("deployment", "all instances behind the load balancer; --rate and --concurrency too"));
    s.append(item("instance", "one server: tp x pp x attention-dp GPUs"));
    s.append(item("gpu", "one accelerator"));
    s.append(item("request", "one request of the traffic"));
    return s.append(item("token", "one token, or a million of them"));
}

std::string times() {
    std::string s = section("TIMES OF A REQUEST");
    s.append(
        item("TTFT",
             "From the arrival of a request to its first output token. A mean is over all requests of the "
             "steady state; a percentile pNN is over the same requests: one number for each of them."));
    s.append(item("TPOT",
                  "Time per output token of one request: (end - first token) / (output tokens - 1). Mean and "
                  "percentiles are over requests: a request counts once, however long it is."));
    s.append(item(
        "ITL",
        "Inter-token latency: the gap between two tokens. Its population is every gap of every request, so "
        "that long answers count more, and its tail shows single steps that carry prompts. The mean over "
        "gaps equals TPOT where all answers are equally long; percentiles of TPOT lie far below those of "
        "ITL, because a request averages its steps. moecost reports TPOT and its percentiles."));
    s.append(item("E2E", "Arrival to last token: TTFT + (output tokens - 1) x TPOT."));
    s.append(
        item("drafting",
             "With speculative decoding several tokens arrive in one step: TPOT counts tokens, not steps."));
    return s;
}

std::string one(const Figure& f) {
    std::string label(f.key);
    if (!f.alias.empty()) label.append(", ").append(f.alias);
    std::string text(f.axis);
    text.append(". Of one ").append(name_of(f.scope)).append("; ").append(name_of(f.kind));
    if (const std::string_view unit = unit_of(f.kind); !unit.empty()) text.append(", ").append(unit);
    if (f.stage == FigureStage::input) text.append("; known before the evaluation");
    if (f.stage == FigureStage::steps) text.append("; in estimate alone");
    if (f.interval != nullptr) text.append("; with its likely range");
    return item(label, text.append("."));
}

std::string text_of(std::string_view name, const Invocation& in, std::vector<std::string> operands) {
    Invocation call = in;
    call.line = {};
    call.line.positional = std::move(operands);
    call.format = Format::text;
    call.quiet = true;
    call.colour = false;
    call.terminal = false;
    call.width = 100;
    return command_named(name).run(call).output;
}

}   // namespace

std::string figures_page(const Invocation&) {
    std::string s = section("DESCRIPTION");
    s.append(
        paragraph("Every figure of an answer, by the key that text, JSON, CSV, columns of sweeps, "
                  "objectives, reports and "
                  "the Python module share. Units are SI and stand at the end of the key."));
    s.append(scopes()).append(times());
    for (const FigureGroup group : {FigureGroup::cost, FigureGroup::serving, FigureGroup::memory,
                                    FigureGroup::deployment, FigureGroup::trust}) {
        std::string title("FIGURES: ");
        s.append(section(title.append(name_of(group))));
        for (const Figure& f : figures()) {
            if (f.group == group) s.append(one(f));
        }
    }
    return s;
}

std::string calibration_page(const Invocation& in) {
    std::string s = section("DESCRIPTION");
    s.append(paragraph(
        "A profile holds the constants of one engine on one accelerator. They come from two kinds of "
        "measurement, and no row that judges a prediction was used to fit it."));
    s.append(section("KERNELS"));
    s.append(paragraph(
        "time = floor + (compute^p + memory^p + network^p)^(1/p), compute = FLOP / (peak x efficiency), "
        "memory = "
        "bytes / (bandwidth x efficiency), network likewise. Each kernel of each number format has a "
        "table: its efficiencies and its floor, fitted by robust least squares in log time to its timings; "
        "a fifth of the shapes is held out and gives the median error that the profile states."));
    s.append(section("SERVING"));
    s.append(
        paragraph("What no kernel timing shows: host time of a step, how prompts share steps with decoding, "
                  "how an engine "
                  "admits requests. A handful of constants for each engine, fitted to served points."));
    s.append(section("WHAT A MACHINE WITHOUT TIMINGS GETS"));
    s.append(paragraph(
        "The efficiencies of its nearest relative on its own datasheet peaks (borrowed), or the peaks alone "
        "(roofline). moecost doctor shows which is which."));
    s.append(section("PROFILES")).append(verbatim(text_of("list", in, {"engines"})));
    s.append(section("YOUR OWN"));
    s.append(paragraph(
        "tools/scripts/calibrate_gpu.sh runs the microbenchmarks on an NVIDIA GPU and fits a profile; "
        "moecost "
        "calibrate fits one to tables of kernel timings. moecost validate FILE puts predictions beside "
        "your own served points."));
    return s.append(verbatim(command_named("calibrate").example));
}

std::string accuracy_page(const Invocation& in) {
    std::string s = section("DESCRIPTION");
    s.append(paragraph(
        "Predictions beside published measurements of serving: what moecost validate prints today. APE is "
        "the absolute percentage error; a ratio is predicted over measured. Look for the class that is "
        "yours: this GPU, this engine, this model, this load. A class without rows was never measured."));
    s.append(section("BY CLASS")).append(verbatim(text_of("validate", in, {})));
    s.append(section("LIMITS"));
    s.append(paragraph(
        "Measured rows are closed loops for the most part; arrivals at a rate, two pools and machines that "
        "borrow their efficiencies rest on few rows or none."));
    return s;
}

}   // namespace moecost::cli
