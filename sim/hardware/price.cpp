// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/price.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "moecost/base/data.h"
#include "moecost/base/error_place.h"
#include "moecost/base/format.h"
#include "moecost/hardware/accelerator.h"

namespace moecost {
namespace {

constexpr std::string_view folder = "hwmodels/prices";
// Dollars per GPU-hour beyond which a figure is a slip (per node, per month), not a price.
constexpr double highest_price = 1000;
constexpr Range price_range{1e-3, highest_price};

struct PriceFile {
    std::string default_basis;
    std::vector<Price> rows;
};

bool is_date(std::string_view s) {
    if (s.size() != 10 || s[4] != '-' || s[7] != '-') return false;
    return std::all_of(s.begin(), s.end(), [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

Price price_from(const Reader& r) {
    r.allow_only({"basis", "usd_per_gpu_hour", "provider", "region", "date", "source", "note"});
    Price p;
    p.basis = r.text("basis");
    p.usd_per_gpu_hour = r.number("usd_per_gpu_hour", price_range);
    p.provider = r.text_or("provider", "");
    p.region = r.text_or("region", "");
    p.date = r.text("date");
    if (!is_date(p.date)) r.fail("date", "is not of the form YYYY-MM-DD");
    p.source = r.text("source");
    p.note = r.text_or("note", "");
    return p;
}

/// What owning costs: rows for people (capital, all-in power), checked and not used by any law.
void check_owning(const Reader& r) {
    if (!r.has("owning")) return;
    for (const Reader& row : r.tables("owning")) {
        row.allow_only({"usd_per_gpu", "kw_per_gpu", "what", "date", "source"});
        if (row.has("usd_per_gpu")) (void)row.number("usd_per_gpu", {1, 1e7});
        if (row.has("kw_per_gpu")) (void)row.number("kw_per_gpu", {0.01, 100});
        if (!is_date(row.text("date"))) row.fail("date", "is not of the form YYYY-MM-DD");
        if (row.text("source").empty()) row.fail("source", "is empty");
        if (row.has("what")) (void)row.text("what");
    }
}

const Price* find_basis(const std::vector<Price>& rows, std::string_view basis) {
    const auto it = std::find_if(rows.begin(), rows.end(), [&](const auto& p) { return p.basis == basis; });
    return it == rows.end() ? nullptr : &*it;
}

PriceFile prices_from_toml(const Document& document) {
    const Reader r(document);
    r.allow_only({"default_basis", "price", "owning"});
    PriceFile file;
    for (const Reader& row : r.tables("price")) {
        Price p = price_from(row);
        if (find_basis(file.rows, p.basis) != nullptr) row.fail("basis", "stands twice");
        file.rows.push_back(std::move(p));
    }
    file.default_basis = r.text("default_basis");
    if (find_basis(file.rows, file.default_basis) == nullptr) {
        r.fail("default_basis", "names no price of this file");
    }
    check_owning(r);
    return file;
}

std::optional<PriceFile> price_file(const DataStore& data, std::string_view accelerator_id) {
    const std::vector<std::string> known = data.names(folder);
    if (!std::binary_search(known.begin(), known.end(), accelerator_id)) return std::nullopt;
    return prices_from_toml(data.open(folder, accelerator_id, "price list"));
}

[[noreturn]] void refuse(std::string_view message, std::string hint) {
    throw InputError({"--price"}, {}, message, std::move(hint));
}

std::string bases_hint(const std::vector<Price>& rows) {
    std::string s("give dollars per GPU-hour such as 2.50");
    for (std::size_t i = 0; i < rows.size(); ++i) {
        s.append(i == 0 ? ", or one of: " : ", ").append(rows[i].basis);
    }
    return s;
}

/// The number in "2.5" or "$2.50"; nothing when the text is meant as a name.
std::optional<double> dollars_in(std::string_view choice) {
    std::string_view digits = choice;
    if (digits.starts_with('$')) digits.remove_prefix(1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double value = 0;
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (r.ec == std::errc{} && r.ptr == digits.data() + digits.size()) return value;
    const bool numeric = choice.find_first_of("$+-.0123456789") == 0;
    return numeric ? std::optional<double>(std::nan("")) : std::nullopt;
}

Price user_price(std::string_view choice, double dollars) {
    if (!(dollars >= price_range.low && dollars <= price_range.high)) {
        std::string message("'");
        message.append(choice).append("' is not a price in dollars per GPU-hour (");
        message.append(shortest(price_range.low)).append(" to ");
        message.append(shortest(price_range.high)).append(")");
        refuse(message, {});
    }
    Price p;
    p.basis = "user";
    p.usd_per_gpu_hour = dollars;
    p.source = "stated by the user";
    return p;
}

/// Throughput and latency need no price: money alone stays without an answer.
Price unknown_price() {
    Price p;
    p.basis = "unknown";
    p.source = "no price of this accelerator is known";
    return p;
}

/// "h20=1.5": the accelerator by the name that its prices are under.
std::pair<std::string, double> price_of_one(const DataStore& data, std::string_view entry,
                                            std::size_t equals) {
    const std::string_view text = entry.substr(equals + 1);
    const auto dollars = dollars_in(text);
    if (!dollars)
        refuse(std::string("'").append(entry).append("' gives no dollars per GPU-hour"), "such as h20=1.50");
    const Accelerator gpu = [&] {
        try {
            return load_accelerator(data, entry.substr(0, equals));
        } catch (const InputError& e) {
            throw placed_at(e, {"--price"});
        }
    }();
    return {gpu.same_as.empty() ? gpu.id : gpu.same_as, user_price(text, *dollars).usd_per_gpu_hour};
}

std::string normal_form(std::string_view name) {
    std::string s(name);
    std::replace(s.begin(), s.end(), '-', '_');
    return s;
}

}   // namespace

std::vector<Price> prices_of(const DataStore& data, std::string_view accelerator_id) {
    auto file = price_file(data, accelerator_id);
    return file ? std::move(file->rows) : std::vector<Price>{};
}

GivenPrices given_prices(const DataStore& data, std::string_view choice) {
    GivenPrices prices;
    if (choice.find('=') == std::string_view::npos) {
        prices.others = choice;
        return prices;
    }
    while (!choice.empty()) {
        const std::string_view entry = choice.substr(0, choice.find(','));
        choice.remove_prefix(std::min(entry.size() + 1, choice.size()));
        const std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos) {
            if (!prices.others.empty()) refuse("two prices are given for all other accelerators", {});
            prices.others = entry;
            continue;
        }
        prices.own.push_back(price_of_one(data, entry, equals));
    }
    return prices;
}

Price choose_price(const DataStore& data, std::string_view accelerator_id, std::string_view choice) {
    if (choice.find('=') != std::string_view::npos) {
        const GivenPrices given = given_prices(data, choice);
        for (const auto& [id, dollars] : given.own)
            if (id == accelerator_id) return user_price(choice, dollars);
        return choose_price(data, accelerator_id, given.others);
    }
    if (const auto dollars = dollars_in(choice)) return user_price(choice, *dollars);
    if (is_path(choice)) {
        const PriceFile own = prices_from_toml(data.open(folder, choice, "price list"));
        return *find_basis(own.rows, own.default_basis);
    }
    const auto file = price_file(data, accelerator_id);
    if (!file && choice.empty()) return unknown_price();
    if (!file) {
        std::string message("no price is known for '");
        refuse(message.append(accelerator_id).append("'"), "give dollars per GPU-hour, such as --price 2.50");
    }
    const std::string basis = choice.empty() ? file->default_basis : normal_form(choice);
    if (const Price* p = find_basis(file->rows, basis)) return *p;
    std::string message("'");
    message.append(choice).append("' is no price basis of '").append(accelerator_id).append("'");
    refuse(message, bases_hint(file->rows));
}

std::string common_basis(const DataStore& data, const std::vector<std::string>& accelerator_ids) {
    constexpr std::string_view order[] = {
        "neocloud_on_demand", "hyperscaler_on_demand", "neocloud_reserved", "hyperscaler_reserved",
        "marketplace",        "owning_neocloud",       "owning_hyperscaler"};
    for (const std::string_view basis : order) {
        const bool all = std::all_of(
            accelerator_ids.begin(), accelerator_ids.end(),
            [&](const std::string& id) { return find_basis(prices_of(data, id), basis) != nullptr; });
        if (all) return std::string(basis);
    }
    return {};
}

std::vector<std::string> price_bases(const DataStore& data) {
    std::vector<std::string> all;
    for (const std::string& id : data.names(folder))
        for (const Price& p : prices_of(data, id)) all.push_back(p.basis);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

PriceLevel price_level(const DataStore& data, std::vector<std::string> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::erase_if(ids, [&](const std::string& id) { return prices_of(data, id).empty(); });
    if (ids.size() < 2) return {};
    PriceLevel level{common_basis(data, ids)};
    level.mixed = level.basis.empty();
    return level;
}

std::string price_level_note(const PriceLevel& level) {
    if (level.mixed) {
        return "prices are not of the same kind: no basis is known of all accelerators compared; "
               "--price NAME=PRICE,... states them";
    }
    if (level.basis.empty()) return {};
    return std::string("prices of one kind, ")
        .append(level.basis)
        .append(": the first that is known of all accelerators compared; --price states others");
}

const std::string& priced_as(const Accelerator& a) { return a.same_as.empty() ? a.id : a.same_as; }

std::string newest_price_date(const DataStore& data) {
    std::string newest;
    for (const std::string& id : data.names(folder))
        for (const Price& p : prices_of(data, id)) newest = std::max(newest, p.date);
    return newest;
}

int months_between(std::string_view from, std::string_view to) {
    const auto months = [](std::string_view date) {
        int year = 0, month = 0;
        std::from_chars(date.data(), date.data() + 4, year);
        std::from_chars(date.data() + 5, date.data() + 7, month);
        return 12 * year + month;
    };
    return from.size() < 7 || to.size() < 7 ? 0 : months(to) - months(from);
}

}   // namespace moecost
