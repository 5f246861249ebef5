// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/calibrate.h"

#include <algorithm>

namespace moecost {
namespace {

/// What is there, for a message: "h100-sxm (sglang, vllm), h200-sxm (vllm)".
std::string listed(const Measurements& m) {
    std::string s;
    std::string gpu;
    for (const auto& [who, rows] : m.present) {
        if (who.first == gpu) {
            s.append(", ").append(who.second);
            continue;
        }
        s.append(s.empty() ? "" : "), ").append(who.first).append(" (").append(who.second);
        gpu = who.first;
    }
    return s.append(")");
}

std::function<bool(const std::string&)> accepting(const DataStore& data, const std::string& gpu) {
    if (gpu == "auto") return {};
    const auto wanted = catalogue_id(data, gpu);
    return [&data, gpu, wanted](const std::string& name) {
        return name == gpu || (wanted && catalogue_id(data, name) == wanted);
    };
}

void require_rows(const CalibrateOptions& o, const Measurements& m) {
    const bool any = std::any_of(m.series.begin(), m.series.end(),
                                 [&](const KernelSeries& s) { return s.engine == o.engine; });
    if (any) return;
    std::string message("no row is of accelerator '");
    message.append(o.gpu).append("' and engine '").append(o.engine).append("'");
    throw InputError({o.folder}, {}, message, std::string("there are: ").append(listed(m)));
}

std::string serving_engine(const CalibrateOptions& o, const AssemblyRules& rules) {
    if (!o.serving.empty()) return o.serving;
    return o.engine == rules.own_rows ? rules.serving_of_own_rows : o.engine;
}

std::string source_of(const CalibrateOptions& o, const std::string& gpu) {
    std::string s("soft-L1 least squares on log time of kernel timing tables of ");
    s.append(gpu).append(" under ").append(o.engine);
    if (!o.source.empty()) s.append(" (").append(o.source).append(")");
    return s.append("; a fifth of the shapes held out for median_error and p90_error");
}

}   // namespace

Calibration calibrate(const DataStore& data, const CalibrateOptions& options) {
    Measurements m = read_measurements(options.folder, accepting(data, options.gpu), options.threads);
    require_rows(options, m);
    Calibration c;
    c.gpu = m.gpu;
    c.engine = options.engine;
    const AssemblyRules rules = load_assembly_rules(data);
    const std::string serving = serving_engine(options, rules);
    c.target = target_of(data, options.folder, m, serving);
    const Profile base = options.base.empty() ? load_profile(data, c.target.nearest, "", serving)
                                              : load_profile(data, "", "", options.base);
    c.fits = fit_kernels(m, c.target.gpu, c.target.gpus_per_node, load_law_constants(data).kernels,
                         options.threads, options.progress);
    c.missing = std::move(m.missing);
    c.assembly = assemble(c.fits, c.target, options.engine, base, rules);
    c.assembly.profile.source = source_of(options, c.gpu);
    return c;
}

}   // namespace moecost
