// SPDX-License-Identifier: Apache-2.0
// What an accelerator costs per hour: named bases with source and date, or a price the user states.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/quantity.h"

namespace moecost {

class DataStore;

struct Price {
    std::string basis;   // such as market_on_demand, neocloud_reserved, owning_neocloud, user
    double usd_per_gpu_hour = 0;
    std::string provider;
    std::string region;   // empty: not stated
    std::string date;     // YYYY-MM-DD
    std::string source;
    std::string note;

    [[nodiscard]] bool known() const { return usd_per_gpu_hour > 0; }
};

/// Price rows of an accelerator (hwmodels/prices/<id>.toml) in the order of the file; empty: none is known.
[[nodiscard]] std::vector<Price> prices_of(const DataStore& data, std::string_view accelerator_id);

/// `choice` is empty (the file's default basis; a price that is not known() where there is no file), a basis name, or dollars per GPU-hour ("2.5", "$2.50").
/// InputError names the bases that are known for this accelerator.
[[nodiscard]] Price choose_price(const DataStore& data, std::string_view accelerator_id,
                                 std::string_view choice);

}   // namespace moecost
