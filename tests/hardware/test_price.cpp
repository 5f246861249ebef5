// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "../base/input_error.h"
#include "../base/scratch.h"
#include "moecost/base/data.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/price.h"

using namespace moecost;

namespace {

const char* const own_list = R"(default_basis = "contract"
[[price]]
basis = "contract"
usd_per_gpu_hour = 2.5
date = "2026-05-01"
source = "our invoice"
[[price]]
basis = "spot"
usd_per_gpu_hour = 1.25
date = "2026-05-02"
source = "our invoice"
)";

std::string failure(std::string_view line, std::string_view by) {
    const ScratchFolder scratch;
    std::string text = own_list;
    text.replace(text.find(line), line.size(), by);
    scratch.write("hwmodels/prices/x1.toml", text);
    const DataStore data(scratch.path.string());
    const std::string message = message_of([&] { (void)prices_of(data, "x1"); });
    const std::size_t at = message.find("x1.toml");
    return at == std::string::npos ? message : message.substr(at);
}

}   // namespace

TEST_CASE("the default is what an ordinary renter pays on demand") {
    const DataStore data;
    struct Row {
        const char *id, *basis;
        double dollars;
    };
    // Lower medians over providers, worked by hand: H100 3.20 3.99 3.99 [3.99] 4.50 6.155 -> 3.99;
    // H200 3.99 4.50 [4.59] 5.40 5.99 6.305; MI300X 1.85 [1.99] 1.99 2.69; B200 5.50 6.00
    // [6.25] 6.69 6.79 8.60.
    for (const Row& row :
         {Row{"h100_sxm", "neocloud_on_demand", 3.99}, Row{"h200_sxm", "neocloud_on_demand", 4.59},
          Row{"b200_sxm", "neocloud_on_demand", 6.25}, Row{"mi300x", "neocloud_on_demand", 1.99},
          Row{"a100_sxm_80", "neocloud_on_demand", 1.79}, Row{"gb300_nvl72", "neocloud_reserved", 3.96},
          Row{"h800_sxm", "assumption", 2.0}}) {
        CAPTURE(row.id);
        const Price p = choose_price(data, row.id, "");
        CHECK(p.basis == row.basis);
        CHECK(p.usd_per_gpu_hour == row.dollars);
    }
}

TEST_CASE("a basis is chosen by name, in either spelling") {
    const DataStore data;
    CHECK(choose_price(data, "h100_sxm", "hyperscaler_on_demand").usd_per_gpu_hour == 6.88);
    CHECK(choose_price(data, "h100_sxm", "owning_neocloud").usd_per_gpu_hour == 1.69);
    CHECK(choose_price(data, "h100_sxm", "owning-hyperscaler").usd_per_gpu_hour == 1.3);
    CHECK(choose_price(data, "h100_sxm", "neocloud_reserved").usd_per_gpu_hour == 1.3);
    CHECK(choose_price(data, "h100_sxm", "neocloud_on_demand_coreweave").provider == "CoreWeave");
}

TEST_CASE("a number of dollars is a price of the user's own, known accelerator or not") {
    const DataStore data;
    for (const char* text : {"2.5", "$2.50", "+2.5", "2.5e0"}) {
        const Price p = choose_price(data, "h100_sxm", text);
        CHECK(p.basis == "user");
        CHECK(p.usd_per_gpu_hour == 2.5);
    }
    CHECK(choose_price(data, "my_own_gpu", "0.9").usd_per_gpu_hour == 0.9);
}

TEST_CASE("absurd prices are refused") {
    const DataStore data;
    for (const char* text : {"0", "-1", "-0.5", "nan", "NaN", "inf", "-inf", "1e9", "1001", "$", "$x",
                             "2.5 usd", "2,5", "1e-9", "$-2"}) {
        std::string expected("--price: '");
        expected.append(text).append("' is not a price in dollars per GPU-hour (0.001 to 1000)");
        CHECK(message_of([&] { (void)choose_price(data, "h100_sxm", text); }) == expected);
    }
}

TEST_CASE("an unknown basis names those that are known") {
    const DataStore data;
    const auto choose = [&] { (void)choose_price(data, "h100_sxm", "spot_market"); };
    CHECK(message_of(choose) == "--price: 'spot_market' is no price basis of 'h100_sxm'");
    CHECK(hint_of(choose).find("neocloud_on_demand") != std::string::npos);
    CHECK(hint_of(choose).find("owning_neocloud") != std::string::npos);
}

TEST_CASE("an accelerator without a price still answers what costs nothing to know") {
    const Price price = choose_price(DataStore(), "h20_96", "");
    CHECK_FALSE(price.known());
    CHECK(price.basis == "unknown");
}

TEST_CASE("a basis that an accelerator without prices is asked for is refused") {
    const DataStore data;
    CHECK(prices_of(data, "h20_96").empty());
    const auto choose = [&] { (void)choose_price(data, "h20_96", "neocloud_on_demand"); };
    CHECK(message_of(choose) == "--price: no price is known for 'h20_96'");
    CHECK(hint_of(choose) == "give dollars per GPU-hour, such as --price 2.50");
    CHECK(prices_of(data, "../secret").empty());
    CHECK(prices_of(data, "").empty());
}

TEST_CASE("every price list belongs to an accelerator and is complete and sane") {
    const DataStore data;
    const auto accelerators = data.names("hwmodels/accelerators");
    const auto lists = data.names("hwmodels/prices");
    CHECK(lists.size() >= 20);
    for (const std::string& id : lists) {
        CAPTURE(id);
        CHECK(std::binary_search(accelerators.begin(), accelerators.end(), id));
        for (const Price& p : prices_of(data, id)) {
            CAPTURE(p.basis);
            CHECK(p.usd_per_gpu_hour > 0.1);
            CHECK(p.usd_per_gpu_hour < 20);
            CHECK(p.date >= "2025-01-01");
            CHECK(p.date <= "2026-12-31");
            CHECK_FALSE(p.source.empty());
            CHECK_FALSE(p.provider.empty());
            CHECK(p.basis.find('-') == std::string::npos);
        }
        CHECK_NOTHROW((void)choose_price(data, id, ""));
    }
}

TEST_CASE("the accelerators people rent most have a price") {
    const DataStore data;
    for (const char* id :
         {"a100_sxm_80", "h100_sxm", "h200_sxm", "b200_sxm", "b300_sxm", "gb200_nvl72", "gb300_nvl72",
          "mi300x", "mi325x", "mi355x", "l40s", "rtx_4090", "rtx_pro_6000", "h800_sxm"}) {
        CAPTURE(id);
        CHECK_FALSE(prices_of(data, id).empty());
    }
}

TEST_CASE("the calibrated data-centre parts share the bases of one survey") {
    const DataStore data;
    for (const char* id : {"h100_sxm", "h200_sxm", "b200_sxm", "b300_sxm", "gb200_nvl72", "gb300_nvl72",
                           "mi300x", "mi325x", "mi355x"}) {
        for (const char* basis : {"owning_neocloud", "owning_hyperscaler", "neocloud_reserved"}) {
            CHECK(choose_price(data, id, basis).date == "2026-04-03");
        }
    }
}

TEST_CASE("a price list of one's own overrides, in the order of its rows") {
    const ScratchFolder scratch;
    scratch.write("hwmodels/prices/h100_sxm.toml", own_list);
    const DataStore data(scratch.path.string());
    CHECK(choose_price(data, "h100_sxm", "").usd_per_gpu_hour == 2.5);
    const auto rows = prices_of(data, "h100_sxm");
    REQUIRE(rows.size() == 2);
    CHECK(rows[1].basis == "spot");
}

TEST_CASE("bad price lists are refused in one line with their place") {
    CHECK(failure("2.5", "0") == "x1.toml:4:20: key 'price[0].usd_per_gpu_hour': 0 is not in 0.001..1000");
    CHECK(failure("2.5", "-2").find("-2 is not in") != std::string::npos);
    CHECK(failure("2.5", "nan").find("nan is not in") != std::string::npos);
    CHECK(failure("2.5", "\"2.5\"").find("expected a number, found a text") != std::string::npos);
    CHECK(failure("\"2026-05-01\"", "\"May 2026\"") ==
          "x1.toml:5:8: key 'price[0].date': is not of the form YYYY-MM-DD");
    CHECK(failure("\"spot\"", "\"contract\"") == "x1.toml:8:9: key 'price[1].basis': stands twice");
    CHECK(failure("default_basis = \"contract\"", "default_basis = \"none\"") ==
          "x1.toml:1:17: key 'default_basis': names no price of this file");
    CHECK(failure("usd_per_gpu_hour = 1.25", "usd_per_hour = 1.25") ==
          "x1.toml:9:16: key 'price[1].usd_per_hour': unknown key");
    CHECK(failure("default_basis = \"contract\"\n", "") == "x1.toml:1:1: key 'default_basis': missing");
    CHECK(failure("default_basis", "owning = 1\ndefault_basis").find("expected a list") != std::string::npos);
}
