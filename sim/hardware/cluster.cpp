// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/cluster.h"

#include <algorithm>
#include <filesystem>

#include "moecost/base/data.h"

namespace moecost {
namespace {

constexpr Range microseconds{0.01, 1000};
constexpr Range gigabytes_per_s{0.1, 1e5};
constexpr Range gigabits_per_s{0.1, 1e5};

/// The accelerator a cluster file names; its error points at the line of that file.
Accelerator accelerator_of(const DataStore& data, const Reader& r) {
    std::string name = r.text("accelerator");
    if (is_path(name) && std::filesystem::path(name).is_relative()) {   // beside the file that names it
        const std::filesystem::path beside =
            std::filesystem::path(r.where("accelerator").file).parent_path() / name;
        std::error_code ec;
        if (std::filesystem::exists(beside, ec)) name = beside.string();
    }
    try {
        return load_accelerator(data, name);
    } catch (const InputError& e) {
        r.fail("accelerator", e.what(), e.hint());
    }
}

void check_sources(const Reader& r) {
    if (!r.has("sources")) return;
    const Reader sources = r.table("sources");
    sources.allow_only({"shape", "link", "network"});
    for (const std::string& key : sources.keys()) {
        if (sources.text(key).empty()) sources.fail(key, "is empty");
    }
}

}   // namespace

Cluster cluster_of(const Accelerator& gpu) {
    Cluster c;
    c.id = gpu.id;
    c.gpu = gpu;
    c.domain = gpu.domain;
    c.gpus_per_node = std::min(gpu.domain, 8);
    c.nic_bandwidth = gpu.nic_bandwidth;
    c.link_latency = gpu.link_latency;
    c.nic_latency = gpu.nic_latency;
    return c;
}

Cluster load_cluster(const DataStore& data, std::string_view name) {
    const Document document = data.open("hwmodels/clusters", name, "cluster");
    const Reader r(document);
    r.allow_only({"name", "aliases", "accelerator", "gpus_per_node", "domain", "link_gb_s_per_direction",
                  "link_latency_us", "nic_gbit_s_per_gpu", "nic_latency_us", "sources"});
    if (r.has("name")) (void)r.text("name");
    Cluster c = cluster_of(accelerator_of(data, r));
    c.id = std::filesystem::path(document.file).stem().string();
    c.gpus_per_node = static_cast<int>(r.integer("gpus_per_node", 1, 1024));
    c.domain = static_cast<int>(r.integer("domain", 1, 65536));
    if (c.domain % c.gpus_per_node != 0 && c.gpus_per_node % c.domain != 0) {
        r.fail("domain", "is neither a multiple nor a divisor of gpus_per_node");
    }
    c.gpu.domain = c.domain;
    if (r.has("link_gb_s_per_direction")) {
        c.gpu.link_bandwidth = BytesPerSecond{r.number("link_gb_s_per_direction", gigabytes_per_s) * 1e9};
    }
    if (r.has("link_latency_us")) c.link_latency = Seconds{r.number("link_latency_us", microseconds) * 1e-6};
    if (r.has("nic_gbit_s_per_gpu")) {
        c.nic_bandwidth = BytesPerSecond{r.number("nic_gbit_s_per_gpu", gigabits_per_s) * 1e9 / 8};
    }
    if (r.has("nic_latency_us")) c.nic_latency = Seconds{r.number("nic_latency_us", microseconds) * 1e-6};
    c.gpu.nic_bandwidth = c.nic_bandwidth;
    c.gpu.link_latency = c.link_latency;
    c.gpu.nic_latency = c.nic_latency;
    check_sources(r);
    return c;
}

}   // namespace moecost
