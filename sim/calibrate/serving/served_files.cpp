// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/serving/served_files.h"

#include <algorithm>

#include "moecost/base/format.h"
#include "moecost/base/toml_writer.h"
#include "moecost/hardware/profile/fields.h"

namespace moecost {
namespace {

/// Archive that writes the constants that differ from a reference.
struct DifferenceWriter {
    TomlWriter& w;
    const ServingConstants& reference;

    void one(std::string_view key, double x) {
        if (x != constant_named(reference, key)) w.number(key, rounded(x, 4));
    }
    void number(std::string_view key, double x, Range) { one(key, x); }
    void optional_number(std::string_view key, double x, Range) { one(key, x); }
    template <class Quantity>
    void quantity(std::string_view key, Quantity x, double unit, Range) {
        one(key, x.value() / unit);
    }
    void text(std::string_view, std::string_view) {}
    void unread(std::string_view, std::string_view) {}
};

void write_differences(TomlWriter& w, ServingConstants constants, const ServingConstants& reference) {
    DifferenceWriter archive{w, reference};
    fields(archive, constants);
}

/// Archive that keeps what all engines have in common and makes the rest neutral.
struct Share {
    const std::vector<ServedEngine>& engines;
    ServingConstants& shared;

    void one(std::string_view key) {
        const double x = constant_named(engines.front().constants, key);
        const bool same = std::all_of(engines.begin(), engines.end(), [&](const ServedEngine& e) {
            return constant_named(e.constants, key) == x;
        });
        set_constant(shared, key, same ? x : constant_named(ServingConstants{}, key));
    }
    void number(std::string_view key, double&, Range) { one(key); }
    void optional_number(std::string_view key, double&, Range) { one(key); }
    template <class Quantity>
    void quantity(std::string_view key, Quantity&, double, Range) {
        one(key);
    }
    void text(std::string_view, std::string&) {}
    void unread(std::string_view, std::string_view) {}
};

ServingConstants shared_by(const std::vector<ServedEngine>& engines) {
    ServingConstants shared = engines.front().constants;
    ServingConstants visited = shared;
    Share archive{engines, shared};
    fields(archive, visited);
    return shared;
}

void write_spread(TomlWriter& w, const LogSpread& s) {
    w.number("throughput", rounded(s.throughput, 3));
    w.number("tpot", rounded(s.tpot, 3));
    w.number("ttft", rounded(s.ttft, 3));
}

void write_effects(TomlWriter& w, const std::vector<Effect>& effects) {
    for (const Effect& e : effects) {
        w.item("effect");
        w.text("kind", name_of(e.kind));
        w.optional_text("engine", e.level.engine);
        w.optional_text("gpu", e.level.gpu);
        w.optional_text("model", e.level.model);
        if (e.kind >= EffectKind::group) {
            w.text("attention", info(e.level.attention).name);
            w.text("experts", info(e.level.experts).name);
        }
        w.optional_text("version", e.level.version);
        w.number("log_time", rounded(e.log_time, 3));
        w.number("sd", rounded(e.sd, 3));
        w.number("points", e.points);
    }
}

}   // namespace

std::string serving_toml(const LawConstants& law, const std::vector<FittedConstant>& fitted,
                         const std::vector<double>& values, const std::string& date,
                         const std::string& source) {
    const auto engines = with_values(law, fitted, values);
    const ServingConstants neutral;
    const ServingConstants shared = shared_by(engines);
    TomlWriter w;
    w.comment("SPDX-License-Identifier: Apache-2.0");
    w.comment(
        "What served points taught beyond the kernels: constants of all engines, then those of each engine.");
    w.comment(
        "Written by moecost calibrate --serving-rows; hwmodels/calibrate/serving.toml lists what is fitted.");
    w.number("schema", 1);
    w.text("date", date);
    w.text("source", source);
    w.table("all");
    w.text("source", source);
    write_differences(w, shared, neutral);
    for (const ServedEngine& e : engines) {
        w.item("engine");
        w.text("name", e.engine);
        w.table("engine.constants");
        write_differences(w, e.constants, shared);
    }
    return w.str();
}

std::string effects_toml(const EffectTable& t, const std::string& date) {
    constexpr std::string_view kinds[] = {"engine_gpu", "model", "engine_model", "group",
                                          "version",    "curve", "point"};
    constexpr std::string_view loads[] = {"closed_loop", "open_loop", "offline",      "static_batch",
                                          "burst",       "replay",    "prefill_only", "decode_only"};
    constexpr std::string_view classes[] = {"version",    "group",   "engine_and_model", "engine_or_model",
                                            "calibrated", "sibling", "borrowed",         "roofline"};
    TomlWriter w;
    w.comment("SPDX-License-Identifier: Apache-2.0");
    w.comment(
        "How served points deviate from the laws, by partial pooling: spreads are standard deviations of");
    w.comment(
        "ln(measured/predicted), effects are ln(measured/predicted time) of a level beyond the wider ones.");
    w.comment("Written by moecost calibrate --serving-rows.");
    w.number("schema", 1);
    w.text("date", date);
    w.text("source", t.source);
    w.number("memory", t.memory);
    w.number("beyond", rounded(t.beyond, 3));
    for (std::size_t i = 0; i < t.spread.size(); ++i) {
        w.item("spread");
        w.text("of", kinds[i]);
        write_spread(w, t.spread[i]);
    }
    for (std::size_t i = 0; i < load_kinds; ++i) {
        w.item("load");
        w.text("kind", loads[i]);
        write_spread(w, t.of_load[i]);
    }
    for (std::size_t i = 0; i < familiarities; ++i) {
        w.item("class");
        w.text("of", classes[i]);
        write_spread(w, t.of_class[i]);
        w.optional_number("log_time", rounded(t.log_time[i], 3));
        w.optional_number("median_error", rounded(t.median_error[i], 3));
    }
    write_effects(w, t.effects);
    return w.str();
}

std::string own_effects_toml(const std::vector<Effect>& effects, const std::string& date,
                             const std::string& source) {
    TomlWriter w;
    w.comment("What own runs taught about classes of deployments: moecost estimate --profile THIS_FILE.");
    w.comment("Written by moecost calibrate --serving.");
    w.text("schema", "moecost.effects/1");
    w.text("date", date);
    w.text("source", source);
    write_effects(w, effects);
    return w.str();
}

}   // namespace moecost
