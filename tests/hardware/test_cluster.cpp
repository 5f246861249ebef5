// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "../base/input_error.h"
#include "../base/scratch.h"
#include "moecost/base/data.h"
#include "moecost/hardware/cluster.h"

using namespace moecost;

namespace {

constexpr std::string_view folder = "hwmodels/clusters";

Cluster own(const std::string& text) {
    const ScratchFolder scratch;
    return load_cluster(DataStore(), scratch.write("mine.toml", text));
}

std::string failure(const std::string& text) {
    const std::string message = message_of([&] { (void)own(text); });
    const std::size_t at = message.find("mine.toml");
    return at == std::string::npos ? message : message.substr(at);   // without the folder
}

}   // namespace

TEST_CASE("the usual machine around an accelerator has its domain, NIC and latencies") {
    const DataStore data;
    const Accelerator gpu = load_accelerator(data, "h100_sxm");
    const Cluster c = cluster_of(gpu);
    CHECK(c.id == "h100_sxm");
    CHECK(c.gpu.id == "h100_sxm");
    CHECK(c.gpus_per_node == 8);
    CHECK(c.domain == 8);
    CHECK(c.nic_bandwidth.value() == 50e9);
    CHECK(c.link_latency == gpu.link_latency);
    CHECK(c.nic_latency == gpu.nic_latency);
    const Cluster rack = cluster_of(load_accelerator(data, "gb200_nvl72"));
    CHECK(rack.domain == 72);
    CHECK(rack.gpus_per_node == 8);
    CHECK(cluster_of(load_accelerator(data, "gh200_96")).gpus_per_node == 1);
}

TEST_CASE("every cluster file agrees with its accelerator's own figures where both speak") {
    const DataStore data;
    const auto names = data.names(folder);
    CHECK(names.size() >= 9);
    for (const std::string& name : names) {
        CAPTURE(name);
        const Cluster c = load_cluster(data, name);
        CHECK(c.id == name);
        CHECK(c.gpus_per_node >= 1);
        CHECK(c.domain >= 1);
        CHECK(c.link_latency < c.nic_latency);
        const Accelerator gpu = load_accelerator(data, c.gpu.id);
        CHECK(c.nic_bandwidth == gpu.nic_bandwidth);
        CHECK(c.link_latency == gpu.link_latency);
        CHECK(c.nic_latency == gpu.nic_latency);
        CHECK(c.domain == gpu.domain);
        const Document d = data.open(folder, name, "cluster");
        const Reader sources = Reader(d).table("sources");
        for (const char* key : {"shape", "link", "network"})
            CHECK(sources.text(key).find("20") != std::string::npos);
    }
}

TEST_CASE("a rack is one domain of many nodes") {
    const Cluster c = load_cluster(DataStore(), "gb200_nvl72");
    CHECK(c.gpus_per_node == 4);
    CHECK(c.domain == 72);
    CHECK(c.gpu.id == "gb200_nvl72");
}

TEST_CASE("a PCIe host without peer-to-peer has a slow link") {
    const Cluster c = load_cluster(DataStore(), "l40s-pcie8");
    // 1.75 x 512 MiB in 649.471 ms: bus bandwidth of the measured all-reduce.
    CHECK(c.gpu.link_bandwidth.value() == doctest::Approx(1.75 * 512 * 1048576 / 0.649471).epsilon(0.01));
}

TEST_CASE("what a cluster file leaves out comes from the accelerator") {
    const Cluster c =
        own("accelerator = \"h100\"\ngpus_per_node = 4\ndomain = 4\nnic_gbit_s_per_gpu = 100\n");
    CHECK(c.id == "mine");
    CHECK(c.domain == 4);
    CHECK(c.gpu.domain == 4);
    CHECK(c.nic_bandwidth.value() == 12.5e9);
    CHECK(c.gpu.nic_bandwidth.value() == 12.5e9);
    CHECK(c.gpu.link_bandwidth.value() == 450e9);
}

TEST_CASE("bad cluster files are refused in one line with their place") {
    CHECK(failure("accelerator = \"h100\"\ngpus_per_node = 0\ndomain = 8\n") ==
          "mine.toml:2:17: key 'gpus_per_node': 0 is not in 1..1024");
    CHECK(failure("accelerator = \"h100\"\ngpus_per_node = 8\ndomain = 12\n") ==
          "mine.toml:3:10: key 'domain': is neither a multiple nor a divisor of gpus_per_node");
    CHECK(failure("accelerator = \"h101_sxm\"\ngpus_per_node = 8\ndomain = 8\n") ==
          "mine.toml:1:15: key 'accelerator': no accelerator is named 'h101_sxm'");
    CHECK(failure("gpus_per_node = 8\ndomain = 8\n") == "mine.toml:1:1: key 'accelerator': missing");
    CHECK(failure("accelerator = \"h100\"\ngpus_per_node = 8\ndomain = 8\nnic_gb_s = 8\n") ==
          "mine.toml:4:12: key 'nic_gb_s': unknown key");
    CHECK(failure("accelerator = \"h100\"\ngpus_per_node = 8\ndomain = 8\nnic_gbit_s_per_gpu = nan\n")
              .starts_with("mine.toml:4:22: key 'nic_gbit_s_per_gpu': nan is not in"));
    CHECK(failure("accelerator = \"h100\"\ngpus_per_node = 8\ndomain = 8\nlink_latency_us = -1\n")
              .starts_with("mine.toml:4:19: key 'link_latency_us': -1 is not in"));
    CHECK(hint_of([] { (void)load_cluster(DataStore(), "hgx_h10"); }) == "did you mean 'hgx_h100'?");
}
