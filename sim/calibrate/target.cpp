// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/target.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "moecost/base/csv.h"
#include "moecost/base/format.h"
#include "moecost/base/gzip.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {
namespace {

constexpr double usual_l2 = 64e6;

std::string beside(const std::string& folder, std::string_view file) {
    return std::string(folder).append("/").append(file);
}

bool is_file(const std::string& path) {
    std::error_code ec;
    return std::filesystem::is_regular_file(path, ec);
}

/// Best read of stream.csv (columns op, size, latency_us) from beyond the L2 cache.
double stream_bandwidth(const std::string& folder, double l2_bytes) {
    const std::string path = beside(folder, "stream.csv");
    if (!is_file(path)) return 0;
    const CsvTable table(read_text(path), path);
    const std::size_t op = table.column("op");
    const std::size_t size = table.column("size");
    const std::size_t latency = table.column("latency_us");
    const auto suspect = table.find_column("suspect");
    double best = 0;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        if (table.text(row, op) != "read" || (suspect && table.text(row, *suspect) == "1")) continue;
        const double bytes = table.number(row, size).value_or(0);
        const double us = table.number(row, latency).value_or(0);
        if (us > 0 && bytes > 4 * l2_bytes) best = std::max(best, bytes / us * 1e6);
    }
    return best;
}

double distance(const Accelerator& a, const Accelerator& b) {
    const auto apart = [](double x, double y) { return std::log(x / y) * std::log(x / y); };
    return apart(a.memory_bandwidth.value(), b.memory_bandwidth.value()) +
           apart(a.peak_of(MathUnit::bf16).value(), b.peak_of(MathUnit::bf16).value());
}

/// The accelerator itself or its relative when one has a profile, else the nearest of those that have one.
std::string nearest_with_profile(const DataStore& data, const Accelerator& gpu, const std::string& engine) {
    const std::vector<ProfileName> profiles = profile_names(data);
    const auto has = [&](const std::string& id) {
        return std::ranges::any_of(
            profiles, [&](const ProfileName& p) { return p.accelerator == id && p.engine == engine; });
    };
    for (const std::string& id : {gpu.id, gpu.relative}) {
        if (!id.empty() && has(id)) return id;
    }
    std::string nearest;
    double least = 0;
    for (const std::string& id : data.names("hwmodels/accelerators")) {
        if (!has(id)) continue;
        const double d = distance(load_accelerator(data, id), gpu);
        if (nearest.empty() || d < least) {
            nearest = id;
            least = d;
        }
    }
    return nearest;
}

[[noreturn]] void unknown(const DataStore& data, const std::string& folder, const Measurements& m) {
    std::string message("the accelerator '");
    message.append(m.gpu)
        .append("' is not in the catalogue and there is no ")
        .append(beside(folder, "device.json"));
    throw InputError({folder}, {}, message, name_hint(m.gpu, data.names("hwmodels/accelerators")));
}

double kept(double value) { return rounded(value, 4); }

void set_peaks(const Measurements& m, const DeviceFile& d, Target& t) {
    bool given = false;
    for (std::size_t i = 0; i < t.gpu.peak.size(); ++i) {
        const double best = measured_peak(m, static_cast<MathUnit>(i));
        given = given || d.peak_tflops[i] > 0;
        t.gpu.peak[i] = FlopPerSecond{d.peak_tflops[i] > 0 ? d.peak_tflops[i] * 1e12 : kept(best)};
    }
    t.sources.emplace_back("peak_tflops", given ? "device.json; others: best GEMM of gemm.csv"
                                                : "measured: best GEMM of gemm.csv");
    if (t.gpu.peak_of(MathUnit::bf16).value() > 0) return;
    throw InputError({"gemm.csv"}, "dtype",
                     "no bfloat16 row shows the peak of an accelerator that is not in the catalogue",
                     "measure gemm in bfloat16, or state peak_tflops = {\"bf16\": ...} in device.json");
}

void set_memory(const Measurements& m, const DeviceFile& d, Target& t) {
    const double weights = measured_weight_bandwidth(m, d.l2_bytes);
    const double measured = t.stream_bandwidth > 0 ? t.stream_bandwidth : weights;
    const double given = d.memory_bandwidth_tb_s * 1e12;
    t.gpu.memory = Bytes{d.memory_bytes};
    t.gpu.memory_bandwidth = BytesPerSecond{given > 0 ? given : kept(measured)};
    t.sources.emplace_back("memory", given > 0 ? "device.json"
                                     : t.stream_bandwidth > 0
                                         ? "device.json; bandwidth measured: best read of stream.csv"
                                         : "device.json; bandwidth measured: weights of gemm.csv");
    if (t.gpu.memory_bandwidth.value() > 0) return;
    throw InputError({"stream.csv"}, {},
                     "no row shows the memory bandwidth of an accelerator that is not in the catalogue",
                     "measure stream, or state memory_bandwidth_tb_s in device.json");
}

/// Bytes per second and direction of the best all-reduce; 0: none was measured.
double measured_link(const Measurements& m) {
    double best = 0;
    for (const KernelSeries& s : m.series) {
        if (s.op != KernelOp::all_reduce) continue;
        for (const KernelRow& r : s.rows)
            best = std::max(best, 2 * (r.at[1] - 1) / r.at[1] * r.at[0] / r.seconds);
    }
    return best;
}

void borrow_rest(const DataStore& data, const Measurements& m, const std::string& engine, Target& t) {
    t.nearest = nearest_with_profile(data, t.gpu, engine);
    const Accelerator near = load_accelerator(data, t.nearest);
    const std::string borrowed = std::string("borrowed from ").append(near.id);
    const double link = measured_link(m);
    t.gpu.relative = near.id;
    t.gpu.link = near.link;
    t.gpu.link_bandwidth = link > 0 ? BytesPerSecond{kept(link)} : near.link_bandwidth;
    t.gpu.link_latency = near.link_latency;
    t.gpu.domain = near.domain;
    t.gpu.nic_bandwidth = near.nic_bandwidth;
    t.gpu.nic_latency = near.nic_latency;
    t.gpu.tdp = near.tdp;
    t.gpu.idle_power_share = near.idle_power_share;
    t.sources.emplace_back("compute", "device.json");
    t.sources.emplace_back(
        "scale_up",
        link > 0 ? std::string("rate measured: best all-reduce; rest ").append(borrowed) : borrowed);
    t.sources.emplace_back("scale_out", borrowed);
    t.sources.emplace_back("power", borrowed);
}

}   // namespace

std::optional<DeviceFile> read_device(const std::string& folder) {
    const std::string path = beside(folder, "device.json");
    if (!is_file(path)) return std::nullopt;
    const Document document = parse_json(read_file(path), path);
    const Reader r(document);
    DeviceFile d;
    d.name = r.text("name");
    d.gpu = r.text_or("gpu", "");
    d.date = r.text_or("date", "");
    d.multiprocessors = static_cast<double>(r.integer("multiprocessors", 1, 65536));
    d.memory_bytes = r.number("memory_bytes", {gib, 4096 * gib});
    d.l2_bytes = r.number_or("l2_bytes", usual_l2, positive);
    d.memory_bandwidth_tb_s = r.number_or("memory_bandwidth_tb_s", 0, {0, 1000});
    if (r.has("facts") && r.table("facts").has("driver")) d.driver = r.table("facts").text("driver");
    if (!r.has("peak_tflops")) return d;
    const Reader peaks = r.table("peak_tflops");
    peaks.allow_only({"fp32", "bf16", "fp8", "int8", "fp4"});
    for (std::size_t i = 0; i < d.peak_tflops.size(); ++i)
        d.peak_tflops[i] = peaks.number_or(name_of(static_cast<MathUnit>(i)), 0, {0, 1e6});
    return d;
}

std::optional<std::string> catalogue_id(const DataStore& data, const std::string& name) {
    try {
        return is_path(name) ? std::nullopt : std::optional(load_accelerator(data, name).id);
    } catch (const InputError&) {
        return std::nullopt;
    }
}

double measured_peak(const Measurements& m, MathUnit unit) {
    double best = 0;
    for (const KernelSeries& s : m.series) {
        const auto type = dtype_named(s.dtype);
        if (s.op != KernelOp::gemm || !type || info(*type).unit != unit) continue;
        for (const KernelRow& r : s.rows) best = std::max(best, 2 * r.at[0] * r.at[1] * r.at[2] / r.seconds);
    }
    return best;
}

double measured_weight_bandwidth(const Measurements& m, double l2_bytes) {
    double best = 0;
    for (const KernelSeries& s : m.series) {
        const auto type = dtype_named(s.dtype);
        if (s.op != KernelOp::gemm || !type) continue;
        for (const KernelRow& r : s.rows) {
            const double bytes = r.at[1] * r.at[2] * bytes_per_element(*type);
            if (bytes > 4 * l2_bytes) best = std::max(best, bytes / r.seconds);
        }
    }
    return best;
}

Target target_of(const DataStore& data, const std::string& folder, const Measurements& m,
                 const std::string& engine) {
    Target t;
    t.device = read_device(folder);
    t.stream_bandwidth = stream_bandwidth(folder, t.device ? t.device->l2_bytes : usual_l2);
    if (const auto id = catalogue_id(data, m.gpu)) {
        t.gpu = load_accelerator(data, *id);
        t.gpu.same_as = *id;
        t.in_catalogue = true;
        t.nearest = nearest_with_profile(data, t.gpu, engine);
        t.gpu.relative = t.nearest;   // for engines that were not measured
        const std::vector<std::string> clusters = data.names("hwmodels/clusters");
        const bool own = std::find(clusters.begin(), clusters.end(), *id) != clusters.end();
        t.gpus_per_node = own ? load_cluster(data, *id).gpus_per_node : cluster_of(t.gpu).gpus_per_node;
        for (const char* key : {"peak_tflops", "memory", "compute", "scale_up", "scale_out", "power"})
            t.sources.emplace_back(
                key, std::string("catalogue: hwmodels/accelerators/").append(*id).append(".toml"));
        return t;
    }
    if (!t.device) unknown(data, folder, m);
    t.gpu.id = m.gpu;
    t.gpu.name = t.device->name;
    t.gpu.status = "shipping";
    t.gpu.multiprocessors = t.device->multiprocessors;
    set_peaks(m, *t.device, t);
    set_memory(m, *t.device, t);
    borrow_rest(data, m, engine, t);
    return t;
}

}   // namespace moecost
