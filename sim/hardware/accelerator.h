// SPDX-License-Identifier: Apache-2.0
// WHAT it runs on: datasheet figures of one accelerator. Peaks are dense; links per GPU and one direction.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/dtype.h"
#include "moecost/base/quantity.h"

namespace moecost {

struct Document;
class DataStore;

struct Accelerator {
    std::string id;     // as in the accelerator file, such as h100_sxm
    std::string name;   // for people, such as "H100 SXM5 80 GB"
    std::string vendor;
    int year = 0;             // of first volume shipment
    std::string status;       // shipping, announced
    std::string generation;   // hopper, blackwell, cdna3, ...: what engine rules ask for; empty: not stated
    std::string relative;     // accelerator whose calibrated profile is the nearest; empty: none
    std::array<FlopPerSecond, 5> peak{};   // by MathUnit; 0 where the unit does not exist
    Bytes memory;                          // usable device memory, as the driver shows it
    BytesPerSecond memory_bandwidth;
    double multiprocessors = 0;
    std::string link;                // scale-up link for people, such as "NVLink 4" or "PCIe 5 x16"
    BytesPerSecond link_bandwidth;   // scale-up, unidirectional, all links of one GPU together
    Seconds link_latency;            // one hop inside the domain
    int domain = 1;                  // GPUs that reach each other over the scale-up link
    BytesPerSecond nic_bandwidth;    // scale-out per GPU, unidirectional
    Seconds nic_latency;             // one hop across the network
    Watts tdp;
    double idle_power_share = 0;   // of TDP
    std::string same_as;           // accelerator of the catalogue that it is, whose prices hold; empty: none
    std::string
        profile;   // file with an engine profile of its own; empty: those of hwmodels/engines/profiles

    [[nodiscard]] FlopPerSecond peak_of(MathUnit unit) const { return peak[static_cast<std::size_t>(unit)]; }
    /// Names of the units it has, "fp32, bf16, fp8", for messages.
    [[nodiscard]] std::string supported() const;
};

/// hwmodels/accelerators/*.toml by id, alias or path. Every figure there carries a source and a date.
[[nodiscard]] Accelerator load_accelerator(const DataStore& data, std::string_view name);
[[nodiscard]] Accelerator accelerator_from_toml(const Document& document);

/// Its generation, else that of the accelerator it is the same as or a relative of; empty: not known.
[[nodiscard]] std::string generation_of(const DataStore& data, const Accelerator& gpu);

}   // namespace moecost
