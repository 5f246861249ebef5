// SPDX-License-Identifier: Apache-2.0
// The command `list`: what the data files know.
#include <algorithm>

#include "list/list.h"
#include "list/models.h"
#include "moecost/base/format.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/price.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/law/law_toml.h"
#include "moecost/traffic/traffic.h"
#include "text.h"

namespace moecost::cli {
namespace {

Cell scaled(double value, double unit) {
    return value > 0 ? number_cell(value, amount(value / unit)) : no_cell();
}

/// "sglang vllm" for accelerators with kernels timed on themselves.
std::string engines_of(const std::vector<ProfileName>& profiles, const std::string& gpu) {
    std::string s;
    for (const ProfileName& p : profiles) {
        if (p.accelerator == gpu) s.append(s.empty() ? "" : " ").append(p.engine);
    }
    return s;
}

Sheet list_gpus(const DataStore& data, const std::string&) {
    Sheet sheet{"moecost.list.gpus/1", "gpus", {}, {}};
    sheet.columns = {{"id", "gpu", false},
                     {"name", "", false},
                     {"year", "", true},
                     {"status", "", false},
                     {"bf16_flop_per_s", "bf16 TFLOP/s", true},
                     {"fp8_flop_per_s", "fp8", true},
                     {"fp4_flop_per_s", "fp4", true},
                     {"memory_bytes", "GB", true},
                     {"bandwidth_bytes_per_s", "TB/s", true},
                     {"link_bytes_per_s", "link GB/s", true},
                     {"domain", "domain", true},
                     {"tdp_w", "W", true},
                     {"engines", "kernels", false}};
    const std::vector<ProfileName> profiles = profile_names(data);
    for (const std::string& id : data.names("hwmodels/accelerators")) {
        const Accelerator g = load_accelerator(data, id);
        const std::string engines = engines_of(profiles, id);
        Cell calibrated = text_cell(engines);
        calibrated.shown = !engines.empty()     ? "own"
                           : g.relative.empty() ? "-"
                                                : std::string("of ").append(g.relative);
        sheet.rows.push_back({text_cell(id), text_cell(g.name), number_cell(g.year, std::to_string(g.year)),
                              text_cell(g.status), scaled(g.peak_of(MathUnit::bf16).value(), 1e12),
                              scaled(g.peak_of(MathUnit::fp8).value(), 1e12),
                              scaled(g.peak_of(MathUnit::fp4).value(), 1e12), scaled(g.memory.value(), 1e9),
                              scaled(g.memory_bandwidth.value(), 1e12), scaled(g.link_bandwidth.value(), 1e9),
                              number_cell(g.domain, std::to_string(g.domain)), scaled(g.tdp.value(), 1),
                              std::move(calibrated)});
    }
    return sheet;
}

Sheet list_clusters(const DataStore& data, const std::string&) {
    Sheet sheet{"moecost.list.clusters/1", "clusters", {}, {}};
    sheet.columns = {{"id", "cluster"},
                     {"gpu", "gpu"},
                     {"gpus_per_node", "GPUs of a node", true},
                     {"domain", "scale-up domain", true},
                     {"link_bytes_per_s", "link GB/s", true},
                     {"nic_bytes_per_s", "network GB/s", true}};
    for (const std::string& id : data.names("hwmodels/clusters")) {
        const Cluster c = load_cluster(data, id);
        sheet.rows.push_back({text_cell(id), text_cell(c.gpu.id),
                              number_cell(c.gpus_per_node, std::to_string(c.gpus_per_node)),
                              number_cell(c.domain, std::to_string(c.domain)),
                              scaled(c.gpu.link_bandwidth.value(), 1e9),
                              scaled(c.nic_bandwidth.value(), 1e9)});
    }
    return sheet;
}

Sheet list_engines(const DataStore& data, const std::string&) {
    Sheet sheet{"moecost.list.engines/1", "engines", {}, {}};
    sheet.columns = {{"id", "profile"},
                     {"engine", "engine"},
                     {"gpu", "kernels timed on"},
                     {"batching", "batching"},
                     {"chunk_tokens", "chunk", true},
                     {"max_sequences", "sequences", true},
                     {"source", ""}};
    const LawConstants law = load_law_constants(data);
    for (const auto& [id, accelerator, engine] : profile_names(data)) {
        const Profile p = profile_from_toml(data.open(profile_folder, id, "engine"), law);
        sheet.rows.push_back(
            {text_cell(id), text_cell(p.engine), p.kernels ? text_cell(p.accelerator) : no_cell(),
             text_cell(p.defaults.batching == Batching::chunked_prefill ? "chunked_prefill"
                                                                        : "prefill_first"),
             number_cell(p.defaults.chunk_tokens, amount(p.defaults.chunk_tokens)),
             number_cell(p.defaults.max_sequences, amount(p.defaults.max_sequences)), text_cell(p.source)});
    }
    return sheet;
}

Sheet list_traffic(const DataStore& data, const std::string&) {
    Sheet sheet{"moecost.list.traffic/1", "traffic", {}, {}};
    sheet.columns = {{"id", "traffic"},
                     {"input_tokens", "prompt tokens", true},
                     {"output_tokens", "output tokens", true},
                     {"prefix_hit_rate", "cached", true},
                     {"equal_lengths", "lengths"},
                     {"source", "source"}};
    for (const std::string& id : data.names("workloads/traffic")) {
        const Traffic t = load_traffic(data, id);
        const Document document = data.open("workloads/traffic", id, "traffic");
        sheet.rows.push_back(
            {text_cell(id), number_cell(t.input, amount(t.input)), number_cell(t.output, amount(t.output)),
             number_cell(t.prefix_hit_rate, t.prefix_hit_rate > 0 ? percent(t.prefix_hit_rate) : "-"),
             text_cell(t.equal_lengths ? "equal" : "spread"),
             text_cell(Reader(document).text_or("source", ""))});
    }
    return sheet;
}

Sheet list_prices(const DataStore& data, const std::string& gpu) {
    Sheet sheet{"moecost.list.prices/1", "prices", {}, {}};
    sheet.columns = {{"gpu", "gpu"},   {"basis", "basis"}, {"usd_per_gpu_hour", "$/GPU-h", true},
                     {"date", "date"}, {"default", ""},    {"provider", "provider"},
                     {"region", ""},   {"source", ""},     {"note", ""}};
    std::vector<std::string> ids = data.names("hwmodels/prices");
    if (!gpu.empty()) ids = {load_accelerator(data, gpu).id};
    for (const std::string& id : ids) {
        const std::vector<Price> prices = prices_of(data, id);
        const std::string usual = prices.empty() ? std::string() : choose_price(data, id, "").basis;
        for (const Price& p : prices) {
            Cell basis = text_cell(p.basis);
            if (p.basis == usual) basis.shown.append(" *");
            sheet.rows.push_back({text_cell(id), std::move(basis),
                                  number_cell(p.usd_per_gpu_hour, fixed(p.usd_per_gpu_hour, 2)),
                                  text_cell(p.date), text_cell(p.basis == usual ? "true" : "false"),
                                  text_cell(p.provider), text_cell(p.region), text_cell(p.source),
                                  text_cell(p.note)});
        }
    }
    return sheet;
}

/// "0.07..16" in a unit; an end that the source does not state is left out.
std::string ends_of(const std::optional<AxisRange>& range, double unit) {
    if (!range) return "-";
    const auto end = [&](double x) { return x > 0 ? shortest(x / unit) : std::string(); };
    return end(range->low).append("..").append(end(range->high));
}

Cell end_cell(const std::optional<AxisRange>& range, double AxisRange::*end) {
    return range && (*range).*end > 0 ? number_cell((*range).*end, "") : no_cell();
}

Sheet list_laws(const DataStore& data, const std::string&) {
    Sheet sheet{"moecost.list.laws/1", "laws", {}, {}};
    sheet.columns = {{"id", "law"},
                     {"form", ""},
                     {"size", "N counts"},
                     {"n_range", "N in 1e9", true},
                     {"n_low", ""},
                     {"n_high", ""},
                     {"d_range", "D in 1e9", true},
                     {"d_low", ""},
                     {"d_high", ""},
                     {"e_range", "E", true},
                     {"e_low", ""},
                     {"e_high", ""},
                     {"status", "status"},
                     {"title", ""},
                     {"source", ""},
                     {"note", ""}};
    for (const std::string& id : law_names(data)) {
        const Law law = load_law(data, id);
        const TrainingRange& r = law.range;
        Cell name = text_cell(id);
        if (id == default_law) name.shown.append(" *");
        sheet.rows.push_back({std::move(name), text_cell(info(law.form).name), text_cell(name_of(law.size)),
                              text_cell(ends_of(r.n, 1e9)), end_cell(r.n, &AxisRange::low),
                              end_cell(r.n, &AxisRange::high), text_cell(ends_of(r.d, 1e9)),
                              end_cell(r.d, &AxisRange::low), end_cell(r.d, &AxisRange::high),
                              text_cell(ends_of(r.experts, 1)), end_cell(r.experts, &AxisRange::low),
                              end_cell(r.experts, &AxisRange::high), text_cell(law.status),
                              text_cell(law.title), text_cell(law.source), text_cell(law.note)});
    }
    return sheet;
}

struct Kind {
    std::string_view name;
    Sheet (*list)(const DataStore& data, const std::string& gpu);
    std::string_view footnote;
};
constexpr Kind kinds[] = {
    {"models", list_models, "experts: top-k of routed ones, + shared; KV: bf16 cache of one token"},
    {"families", list_families,
     "f, h, l: FFN and hidden width, layers; E experts of width f in G parts, K used; * not the only choice"},
    {"gpus", list_gpus,
     "dense peaks; link: scale-up, one direction; W: TDP; kernels: timed on itself, or on a relative"},
    {"clusters", list_clusters, ""},
    {"engines", list_engines, "median error: output throughput on measured servers"},
    {"traffic", list_traffic, "mean lengths; the load is given by --concurrency, --rate, ..."},
    {"prices", list_prices, "* used unless --price says otherwise"},
    {"laws", list_laws,
     "* the default; losses of different laws can not be compared; ranges are those of the runs"},
    {"inputs", list_inputs,
     "what an answer is asked with; axis: may be an axis of a sweep (--format csv says why not)"},
    {"figures", list_figures,
     "what an answer says; in sweeps: result (columns, constraints, objectives), filter (columns, filters), "
     "column, no"},
    {"columns", list_columns,
     "a CSV of measured runs, as validate and calibrate read it; the order is free, others are passed over"},
};

const Kind& kind_named(const std::string& name) {
    for (const Kind& kind : kinds) {
        if (kind.name == name) return kind;
    }
    std::string message("'");
    throw InputError({}, {}, message.append(name).append("' is not a list of moecost"),
                     name_hint(name, list_names()));
}

}   // namespace

std::vector<std::string> list_names() {
    std::vector<std::string> names;
    for (const Kind& kind : kinds) names.emplace_back(kind.name);
    return names;
}

Answer run_list(const Invocation& invocation) {
    const auto& given = invocation.line.positional;
    if (given.empty()) {
        std::string hint;
        for (const std::string& name : list_names())
            hint.append(hint.empty() ? "one of: " : ", ").append(name);
        throw InputError({}, {}, "list needs the name of a list", hint);
    }
    const Kind& kind = kind_named(given[0]);
    if (given.size() > (kind.name == "prices" ? 2U : 1U))
        throw InputError({given.back()}, {}, "is one name too many");
    if (kind.name != "models" && !invocation.line.settings.empty())
        throw InputError({std::string("--").append(invocation.line.settings[0].key)}, {},
                         "chooses among models only");
    Sheet sheet = kind.list(invocation.data, given.size() > 1 ? given[1] : std::string());
    if (kind.name == "models") filter_models(sheet, invocation.line);
    Answer answer;
    if (sheet.rows.empty()) {
        answer.messages = std::string("no ").append(kind.name).append(" match the options given\n");
        if (invocation.format == Format::text) return answer;   // no head without a row
    }
    answer.output = print(sheet, invocation);
    const bool explain = invocation.format == Format::text && !invocation.quiet && !kind.footnote.empty();
    if (explain) answer.output.append("\n").append(kind.footnote).append("\n");
    return answer;
}

}   // namespace moecost::cli
