// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/serving/constants.h"

#include <stdexcept>

#include "moecost/base/data.h"
#include "moecost/hardware/profile/fields.h"

namespace moecost {
namespace {

/// Archive that reaches one number by its key.
struct OneConstant {
    std::string_view wanted;
    bool write = false;
    double value = 0;
    bool found = false;

    void reach(std::string_view key, double& x) {
        if (key != wanted) return;
        found = true;
        if (write)
            x = value;
        else
            value = x;
    }
    void number(std::string_view key, double& x, Range) { reach(key, x); }
    void optional_number(std::string_view key, double& x, Range) { reach(key, x); }
    template <class Quantity>
    void quantity(std::string_view key, Quantity& x, double unit, Range) {
        double in_units = x.value() / unit;
        reach(key, in_units);
        if (key == wanted && write) x = Quantity{in_units * unit};
    }
    void text(std::string_view, std::string&) {}
    void unread(std::string_view, std::string_view) {}
};

double reach(ServingConstants& constants, OneConstant archive) {
    fields(archive, constants);
    if (!archive.found) throw std::logic_error(std::string("no serving constant ").append(archive.wanted));
    return archive.value;
}

}   // namespace

std::vector<FittedConstant> load_fitted_constants(const DataStore& data) {
    const Document document = data.open("hwmodels/calibrate", "serving", "list of fitted constants");
    const Reader root(document);
    root.allow_only({"schema", "date", "source", "constant", "left_out"});
    std::vector<FittedConstant> list;
    for (const Reader& r : root.tables("constant")) {
        r.allow_only({"key", "engines", "first_token", "low", "high", "linear", "usual", "width", "source"});
        FittedConstant c;
        c.key = r.text("key");
        c.stage = r.flag_or("first_token", false) ? FitStage::first_token : FitStage::steps;
        c.bounds = {r.number("low", {-1e9, 1e9}), r.number("high", {-1e9, 1e9}), !r.flag_or("linear", false)};
        c.usual = r.number_or("usual", 0, {-1e9, 1e9});
        c.width = r.number_or("width", 0, non_negative);
        if (!r.has("engines")) list.push_back(c);
        for (const std::string& engine : r.has("engines") ? r.texts("engines") : std::vector<std::string>{}) {
            c.engine = engine;
            list.push_back(c);
        }
    }
    return list;
}

double constant_named(const ServingConstants& constants, std::string_view key) {
    ServingConstants copy = constants;
    return reach(copy, {key});
}

void set_constant(ServingConstants& constants, std::string_view key, double value) {
    (void)reach(constants, {key, true, value});
}

std::vector<ServedEngine> with_values(const LawConstants& law, const std::vector<FittedConstant>& fitted,
                                      std::span<const double> values) {
    std::vector<ServedEngine> engines = law.engines;
    for (ServedEngine& e : engines) {
        for (std::size_t i = 0; i < fitted.size(); ++i) {
            if (fitted[i].engine.empty() || fitted[i].engine == e.engine)
                set_constant(e.constants, fitted[i].key, values[i]);
        }
    }
    return engines;
}

std::vector<double> values_in(const LawConstants& law, const std::vector<FittedConstant>& fitted) {
    std::vector<double> values;
    for (const FittedConstant& c : fitted) {
        const std::string_view engine = c.engine.empty() ? law.engines.front().engine : c.engine;
        values.push_back(constant_named(law.served(engine), c.key));
    }
    return values;
}

}   // namespace moecost
