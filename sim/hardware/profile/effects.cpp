// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/profile/effects.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/data.h"

namespace moecost {
namespace {

constexpr std::array<std::string_view, effect_kinds> kind_names{"engine_gpu", "model", "engine_model",
                                                                "group", "version"};
constexpr std::array<std::string_view, load_kinds> load_names{
    "closed_loop", "open_loop", "offline", "static_batch", "burst", "replay", "prefill_only", "decode_only"};
constexpr std::array<std::string_view, familiarities> class_keys{
    "version",    "group",   "engine_and_model", "engine_or_model",
    "calibrated", "sibling", "borrowed",         "roofline"};
constexpr Range log_range{-3, 3};
constexpr Range sd_range{0, 3};

LogSpread spread_of(const Reader& r) {
    return {r.number("throughput", sd_range), r.number("tpot", sd_range), r.number("ttft", sd_range)};
}

template <std::size_t N>
std::size_t named(const Reader& r, std::string_view key, const std::array<std::string_view, N>& names) {
    const std::string name = r.text(key);
    const auto it = std::find(names.begin(), names.end(), name);
    if (it != names.end()) return static_cast<std::size_t>(it - names.begin());
    std::string message("'");
    r.fail(key, message.append(name).append("' is not known"));
}

DType format_in(const Reader& r, std::string_view key) {
    const std::string name = r.text_or(key, "bf16");
    const auto type = dtype_named(name);
    if (!type) r.fail(key, std::string("'").append(name).append("' is not a number format"));
    return *type;
}

void read_spreads(const Reader& r, EffectTable& t) {
    for (const Reader& s : r.tables("spread")) {
        s.allow_only({"of", "throughput", "tpot", "ttft", "levels"});
        constexpr std::array<std::string_view, effect_kinds + 2> of{
            "engine_gpu", "model", "engine_model", "group", "version", "curve", "point"};
        t.spread[named(s, "of", of)] = spread_of(s);
    }
    for (const Reader& s : r.tables("load")) {
        s.allow_only({"kind", "throughput", "tpot", "ttft", "points", "source"});
        t.of_load[named(s, "kind", load_names)] = spread_of(s);
    }
    for (const Reader& s : r.tables("class")) {
        s.allow_only({"of", "throughput", "tpot", "ttft", "log_time", "median_error", "source"});
        const std::size_t i = named(s, "of", class_keys);
        t.of_class[i] = spread_of(s);
        t.log_time[i] = s.number_or("log_time", 0, log_range);
        t.median_error[i] = s.number_or("median_error", 0, fraction);
    }
}

void add_or_replace(std::vector<Effect>& effects, Effect e) {
    const auto same = [&](const Effect& o) { return o.kind == e.kind && o.level == e.level; };
    const auto it = std::find_if(effects.begin(), effects.end(), same);
    if (it == effects.end())
        effects.push_back(std::move(e));
    else
        *it = std::move(e);
}

Familiarity familiarity_of(const std::array<bool, effect_kinds>& known, Provenance basis, bool sibling) {
    const auto is = [&](EffectKind k) { return known[static_cast<std::size_t>(k)]; };
    if (basis == Provenance::roofline) return Familiarity::roofline;
    if (is(EffectKind::version)) return Familiarity::version;
    if (is(EffectKind::group)) return Familiarity::group;
    if (basis == Provenance::borrowed) return Familiarity::borrowed;
    if (sibling && !is(EffectKind::engine_gpu)) return Familiarity::sibling;
    if (is(EffectKind::engine_gpu) && is(EffectKind::model)) return Familiarity::engine_and_model;
    if (is(EffectKind::engine_gpu) || is(EffectKind::model)) return Familiarity::engine_or_model;
    return Familiarity::calibrated;
}

LogSpread operator*(double a, const LogSpread& s) { return {a * s.throughput, a * s.tpot, a * s.ttft}; }

/// Squares summed in each figure.
struct Variance {
    double throughput = 0, tpot = 0, ttft = 0;
    void add(const LogSpread& s) {
        throughput += s.throughput * s.throughput;
        tpot += s.tpot * s.tpot;
        ttft += s.ttft * s.ttft;
    }
    [[nodiscard]] LogSpread root() const { return {std::sqrt(throughput), std::sqrt(tpot), std::sqrt(ttft)}; }
};

}   // namespace

LogSpread widened(const LogSpread& spread, double beyond, const LogSpread& shares) {
    if (!spread.known()) return spread;
    Variance v;
    v.add(spread);
    v.add({beyond * shares.throughput, beyond * shares.tpot, beyond * shares.ttft});
    return v.root();
}

std::string_view name_of(EffectKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::string_view words_of(Familiarity f) {
    constexpr std::array<std::string_view, familiarities> words{
        "this release of the engine with this model on this accelerator was measured",
        "this model was measured on this accelerator under this engine, in other releases",
        "engine and model were each measured on their own, not together here",
        "only the engine here or the model elsewhere was measured",
        "kernels of this accelerator were timed, no served point of it was measured",
        "kernels of another accelerator of this generation were timed, no served point of this one was "
        "measured",
        "kernels of a related accelerator on this datasheet",
        "datasheet peaks alone, no measurement"};
    return words[static_cast<std::size_t>(f)];
}

ServedNames level_of(EffectKind kind, const ServedNames& n) {
    switch (kind) {
        case EffectKind::engine_gpu:
            return {n.engine, n.gpu, {}, DType::bf16, DType::bf16, {}};
        case EffectKind::model:
            return {{}, {}, n.model, DType::bf16, DType::bf16, {}};
        case EffectKind::engine_model:
            return {n.engine, {}, n.model, DType::bf16, DType::bf16, {}};
        case EffectKind::group:
            return {n.engine, n.gpu, n.model, n.attention, n.experts, {}};
        case EffectKind::version:
            return n;
    }
    return n;
}

Effect effect_from(const Reader& r) {
    r.allow_only(
        {"kind", "engine", "gpu", "model", "attention", "experts", "version", "log_time", "sd", "points"});
    Effect e;
    e.kind = static_cast<EffectKind>(named(r, "kind", kind_names));
    e.level = {r.text_or("engine", ""),   r.text_or("gpu", ""),    r.text_or("model", ""),
               format_in(r, "attention"), format_in(r, "experts"), r.text_or("version", "")};
    if (e.level != level_of(e.kind, e.level)) r.fail("kind", "names more than a level of this kind has");
    e.log_time = r.number("log_time", log_range);
    e.sd = r.number("sd", sd_range);
    e.points = r.number_or("points", 0, non_negative);
    return e;
}

std::shared_ptr<const EffectTable> load_effects(const DataStore& data) {
    const Document document = data.open("hwmodels", "effects", "table of served effects");
    const Reader r(document);
    r.allow_only({"schema", "date", "source", "memory", "beyond", "spread", "load", "class", "effect"});
    auto t = std::make_shared<EffectTable>();
    t->source = r.text("source");
    t->memory = r.number("memory", sd_range);
    t->beyond = r.number("beyond", sd_range);
    read_spreads(r, *t);
    if (r.has("effect")) {
        for (const Reader& e : r.tables("effect")) t->effects.push_back(effect_from(e));
    }
    return t;
}

std::shared_ptr<const EffectTable> with_own_effects(const EffectTable& shipped, const Document& document) {
    auto t = std::make_shared<EffectTable>(shipped);
    const Reader r(document);
    r.allow_only({"schema", "date", "source", "effect"});
    if (r.text_or("schema", "") != "moecost.effects/1")
        r.fail("schema", "is not moecost.effects/1",
               "moecost calibrate --serving POINTS.csv -o my.toml writes such a file");
    for (const Reader& e : r.tables("effect")) add_or_replace(t->effects, effect_from(e));
    return t;
}

ServedClass served_class(const EffectTable& table, const ServedNames& names, Provenance basis,
                         bool changed_model, std::optional<double> sibling) {
    ServedClass c;
    std::array<const Effect*, effect_kinds> found{};
    for (const Effect& e : table.effects) {
        if (e.kind != EffectKind::engine_gpu && changed_model) continue;
        const auto slot = static_cast<std::size_t>(e.kind);
        if (e.level == level_of(e.kind, names)) found[slot] = &e;
        // The release of a person's own runs has no name: it stands for every one that has no effect of its own.
        const bool own = e.kind == EffectKind::version && e.level.version.empty();
        if (own && found[slot] == nullptr &&
            level_of(EffectKind::group, e.level) == level_of(EffectKind::group, names))
            found[slot] = &e;
    }
    Variance v;
    std::array<bool, effect_kinds> known{};
    const Effect* nearest = nullptr;
    for (std::size_t k = 0; k < effect_kinds; ++k) {
        const Effect* e = found[k];
        known[k] = e != nullptr;
        if (e == nullptr) continue;
        c.log_time += e->log_time;
        nearest = e;
    }
    const bool whole = nearest != nullptr && nearest->kind >= EffectKind::group;
    for (std::size_t k = 0; k < effect_kinds; ++k) {
        const bool told = whole && k <= static_cast<std::size_t>(nearest->kind);
        const double sd = told                  ? (found[k] == nearest ? nearest->sd : 0)
                          : found[k] != nullptr ? found[k]->sd
                                                : 0;
        const bool unknown = !told && found[k] == nullptr;
        // The first token deviates on its own: what is known of the steps tells little of it.
        v.add({unknown ? table.spread[k].throughput : sd, unknown ? table.spread[k].tpot : sd,
               table.spread[k].ttft});
    }
    c.known = familiarity_of(known, basis, sibling.has_value());
    const auto of_class = static_cast<std::size_t>(c.known);
    // Kernels of a relative are off on average, until a served point of the accelerator tells by how much.
    if (basis == Provenance::borrowed && !known[static_cast<std::size_t>(EffectKind::engine_gpu)])
        c.log_time += table.log_time[static_cast<std::size_t>(Familiarity::borrowed)];
    v.add(table.spread[effect_kinds]);
    v.add(table.spread[effect_kinds + 1]);
    v.add(c.known == Familiarity::sibling ? sibling.value_or(0) * table.of_class[of_class]
                                          : table.of_class[of_class]);
    for (std::size_t l = 0; l < load_kinds; ++l) {
        Variance all = v;
        all.add(table.of_load[l]);
        c.spread[l] = all.root();
    }
    c.points = nearest != nullptr ? nearest->points : 0;
    c.median_error = table.median_error[of_class];
    c.memory = table.memory;
    c.beyond = table.beyond;
    return c;
}

}   // namespace moecost
