// SPDX-License-Identifier: Apache-2.0
// What an accelerator costs per hour: named bases with source and date, or a price the user states.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moecost/base/quantity.h"

namespace moecost {

class DataStore;
struct Accelerator;

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

/// Prices that a choice gives to single accelerators: "h20=1.5,b200=6", or "neocloud_on_demand,h20=1.5".
struct GivenPrices {
    std::string others;                                // the choice for all the others; may be empty
    std::vector<std::pair<std::string, double>> own;   // accelerator and dollars per GPU-hour
};
/// InputError: no such accelerator, no such price. A choice without '=' gives none.
[[nodiscard]] GivenPrices given_prices(const DataStore& data, std::string_view choice);

/// `choice` is empty (the file's default basis; a price that is not known() where there is no file), a basis name, dollars
/// per GPU-hour ("2.5", "$2.50"), or prices of single accelerators as given_prices() reads them.
/// InputError names the bases that are known for this accelerator.
[[nodiscard]] Price choose_price(const DataStore& data, std::string_view accelerator_id,
                                 std::string_view choice);

/// Every basis that some accelerator has a price of, once, by name.
[[nodiscard]] std::vector<std::string> price_bases(const DataStore& data);
/// The first basis, in the order on demand, reserved, owning and as listed in price.cpp, that all of these accelerators
/// have a price of; empty: there is none, or one of them has no price at all.
[[nodiscard]] std::string common_basis(const DataStore& data,
                                       const std::vector<std::string>& accelerator_ids);
/// How accelerators are compared whose prices nobody states: at common_basis() of those that have prices at all.
struct PriceLevel {
    std::string basis;    // empty: there is nothing to level, or nothing in common
    bool mixed = false;   // two or more have prices, and no basis in common
};
[[nodiscard]] PriceLevel price_level(const DataStore& data, std::vector<std::string> accelerator_ids);
/// What is said of it; empty: nothing was levelled.
[[nodiscard]] std::string price_level_note(const PriceLevel& level);
/// Under which its prices are kept: that of the accelerator of the catalogue that it is.
[[nodiscard]] const std::string& priced_as(const Accelerator& accelerator);

/// Date of the newest price of all files: what the age of a price is told against.
[[nodiscard]] std::string newest_price_date(const DataStore& data);
/// Whole months from one date YYYY-MM-DD to another; negative: backwards.
[[nodiscard]] int months_between(std::string_view from, std::string_view to);

}   // namespace moecost
