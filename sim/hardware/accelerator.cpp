// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/accelerator.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "moecost/base/data.h"

namespace moecost {
namespace {

// What a figure of one device can be; a unit slip (GB for TB, W for kW) falls outside.
constexpr Range tflops{0.1, 1e6};
constexpr Range gibibytes{1, 4096};
constexpr Range terabytes_per_s{0.01, 1000};
constexpr Range gigabytes_per_s{0.1, 1e5};
constexpr Range gigabits_per_s{0.1, 1e5};
constexpr Range microseconds{0.01, 1000};
constexpr Range watts{10, 1e5};

void read_peaks(const Reader& r, Accelerator& a) {
    r.allow_only({"fp32", "bf16", "fp8", "int8", "fp4"});
    for (std::size_t i = 0; i < a.peak.size(); ++i) {
        const std::string_view key = name_of(static_cast<MathUnit>(i));
        if (r.has(key)) a.peak[i] = FlopPerSecond{r.number(key, tflops) * 1e12};
    }
    // Attention and the router need a 16-bit matrix product: a device without one serves no model.
    if (!r.has("bf16")) r.fail("bf16", "missing: the dense 16-bit peak is needed");
}

void read_memory(const Reader& r, Accelerator& a) {
    r.allow_only({"usable_gib", "bandwidth_tb_s"});
    a.memory = Bytes{r.number("usable_gib", gibibytes) * gib};
    a.memory_bandwidth = BytesPerSecond{r.number("bandwidth_tb_s", terabytes_per_s) * 1e12};
}

void read_links(const Reader& up, const Reader& out, Accelerator& a) {
    up.allow_only({"link", "gb_s_per_direction", "domain", "link_latency_us"});
    a.link = up.text_or("link", "");
    a.link_bandwidth = BytesPerSecond{up.number("gb_s_per_direction", gigabytes_per_s) * 1e9};
    a.link_latency = Seconds{up.number("link_latency_us", microseconds) * 1e-6};
    a.domain = static_cast<int>(up.integer("domain", 1, 65536));
    out.allow_only({"gbit_s_per_gpu", "nic_latency_us"});
    a.nic_bandwidth = BytesPerSecond{out.number("gbit_s_per_gpu", gigabits_per_s) * 1e9 / 8};
    a.nic_latency = Seconds{out.number("nic_latency_us", microseconds) * 1e-6};
}

/// Free text about each group of figures; a file of the user's own may leave it out.
void check_sources(const Reader& r) {
    if (!r.has("sources")) return;
    const Reader sources = r.table("sources");
    sources.allow_only({"peak_tflops", "memory", "compute", "scale_up", "scale_out", "power"});
    for (const std::string& key : sources.keys()) {
        if (sources.text(key).empty()) sources.fail(key, "is empty");
    }
}

/// The table `profile` of this very file, or the name of a file beside it.
std::string profile_file(const Reader& r, const std::string& file) {
    const auto* name = std::get_if<std::string>(&r.raw("profile")->content);
    if (name == nullptr) return file;
    return (std::filesystem::path(file).parent_path() / *name).string();
}

}   // namespace

std::string Accelerator::supported() const {
    std::string s;
    for (std::size_t i = 0; i < peak.size(); ++i) {
        if (peak[i].value() <= 0) continue;
        if (!s.empty()) s.append(", ");
        s.append(name_of(static_cast<MathUnit>(i)));
    }
    return s;
}

Accelerator accelerator_from_toml(const Document& document) {
    const Reader r(document);
    r.allow_only({"name", "vendor", "year", "status", "aliases", "generation", "relative", "peak_tflops",
                  "memory", "compute", "scale_up", "scale_out", "power", "sources", "profile", "same_as"});
    Accelerator a;
    a.id = std::filesystem::path(document.file).stem().string();
    a.name = r.text_or("name", a.id);
    a.vendor = r.text_or("vendor", "");
    a.year = static_cast<int>(r.integer_or("year", 0, 2000, 2100));
    a.status = r.text_or("status", "shipping");
    if (a.status != "shipping" && a.status != "announced") {
        r.fail("status", "is neither 'shipping' nor 'announced'");
    }
    a.generation = r.text_or("generation", "");
    a.relative = r.text_or("relative", "");
    if (r.has("aliases")) (void)r.texts("aliases");   // searched by DataStore; here only checked
    read_peaks(r.table("peak_tflops"), a);
    read_memory(r.table("memory"), a);
    const Reader compute = r.table("compute");
    compute.allow_only({"multiprocessors"});
    a.multiprocessors = static_cast<double>(compute.integer("multiprocessors", 1, 65536));
    read_links(r.table("scale_up"), r.table("scale_out"), a);
    const Reader power = r.table("power");
    power.allow_only({"tdp_w", "idle_share"});
    a.tdp = Watts{power.number("tdp_w", watts)};
    a.idle_power_share = power.number("idle_share", fraction);
    check_sources(r);
    a.same_as = r.text_or("same_as", "");
    if (r.has("profile")) a.profile = profile_file(r, document.file);
    return a;
}

namespace {

constexpr std::string_view folder = "hwmodels/accelerators";

/// How far two accelerators are apart: the sum of the logarithms of what decides a step.
double distance(const Accelerator& a, const Accelerator& b) {
    const auto apart = [](double x, double y) { return std::abs(std::log(x / y)); };
    return apart(a.peak_of(MathUnit::bf16).value(), b.peak_of(MathUnit::bf16).value()) +
           apart(a.memory_bandwidth.value(), b.memory_bandwidth.value()) +
           apart(a.link_bandwidth.value(), b.link_bandwidth.value());
}

/// The accelerator of the library that is nearest and has profiles of its own.
std::string nearest_relative(const DataStore& data, const Accelerator& a) {
    std::set<std::string> calibrated;
    constexpr std::string_view profiles = "hwmodels/engines/profiles";
    for (const std::string& file : data.names(profiles)) {
        const Document head = data.head(profiles, file);
        calibrated.insert(Reader(head).text_or("accelerator", ""));
    }
    std::string nearest;
    double least = std::numeric_limits<double>::infinity();
    for (const std::string& id : data.names(folder)) {
        if (calibrated.count(id) == 0) continue;
        const double d = distance(a, accelerator_from_toml(data.open(folder, id, "accelerator")));
        if (d < least) {
            least = d;
            nearest = id;
        }
    }
    return nearest;
}

}   // namespace

namespace {

/// "8xH200" is a number of GPUs and a name: where the name stands; npos: it is no such thing.
std::size_t after_count(std::string_view name) {
    const std::size_t x = name.find_first_not_of("0123456789");
    const bool counted = x > 0 && x + 1 < name.size() && (name[x] == 'x' || name[x] == 'X' || name[x] == '*');
    return counted ? x + 1 : std::string_view::npos;
}

}   // namespace

Accelerator load_accelerator(const DataStore& data, std::string_view name) {
    if (const std::size_t at = after_count(name); at != std::string_view::npos && !is_path(name)) {
        const std::string gpu(name.substr(at)), count(name.substr(0, at - 1));
        std::string hint("--gpu ");
        hint.append(gpu).append(" --gpus ").append(count).append(" (of plan: --max-gpus ").append(count);
        std::string message("'");
        throw InputError({}, {}, message.append(name).append("' is a number of GPUs and an accelerator"),
                         hint.append(")"));
    }
    Accelerator a = accelerator_from_toml(data.open(folder, name, "accelerator"));
    if (is_path(name) && a.relative.empty()) a.relative = nearest_relative(data, a);
    return a;
}

std::string generation_of(const DataStore& data, const Accelerator& gpu) {
    if (!gpu.generation.empty()) return gpu.generation;
    const std::vector<std::string> known = data.names(folder);
    for (const std::string& other : {gpu.same_as, gpu.relative}) {
        if (std::find(known.begin(), known.end(), other) != known.end())
            return load_accelerator(data, other).generation;
    }
    return {};
}

}   // namespace moecost
