// SPDX-License-Identifier: Apache-2.0
// A machine written down by hand: round peaks and an empty calibrated profile, so that a law is tested on its
// own.
#pragma once

#include "moecost/base/data.h"
#include "moecost/timing/calibrated_hardware.h"

struct Bench {
    moecost::Cluster cluster;
    moecost::Profile profile;

    Bench() {
        using namespace moecost;
        Accelerator& gpu = cluster.gpu;
        gpu.id = "bench";
        gpu.peak[static_cast<std::size_t>(MathUnit::fp32)] = FlopPerSecond{67e12};
        gpu.peak[static_cast<std::size_t>(MathUnit::bf16)] = FlopPerSecond{989e12};
        gpu.peak[static_cast<std::size_t>(MathUnit::fp8)] = FlopPerSecond{1979e12};
        gpu.memory = Bytes{140e9};
        gpu.memory_bandwidth = BytesPerSecond{4.8e12};
        gpu.multiprocessors = 132;
        gpu.link_bandwidth = BytesPerSecond{450e9};
        gpu.link_latency = Seconds{1e-6};
        gpu.nic_bandwidth = BytesPerSecond{50e9};
        gpu.nic_latency = Seconds{5e-6};
        gpu.domain = 8;
        cluster.nic_bandwidth = gpu.nic_bandwidth;
        cluster.link_latency = gpu.link_latency;
        cluster.nic_latency = gpu.nic_latency;
        const LawConstants law = load_law_constants(DataStore());
        profile.kernels.emplace().law = law.kernels;
        profile.serving.law = law.serving;
        profile.serving.floor_cap = Seconds{30e-6};
    }
    [[nodiscard]] moecost::CalibratedHardware machine() const { return {&cluster, &profile, {}}; }
};

inline moecost::Seconds us(double microseconds) { return moecost::Seconds{microseconds * 1e-6}; }
inline double in_us(moecost::Seconds s) { return s.value() * 1e6; }
