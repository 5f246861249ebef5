// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/profile/profile.h"

#include <algorithm>

#include "moecost/base/data.h"
#include "moecost/hardware/profile/effects.h"
#include "moecost/hardware/profile/fields.h"

namespace moecost {
namespace {

constexpr std::string_view folder = profile_folder;

/// Archive that collects the keys of a table.
struct KeyList {
    std::vector<std::string_view> keys;

    void number(std::string_view key, double&, Range) { keys.push_back(key); }
    template <class Quantity>
    void quantity(std::string_view key, Quantity&, double, Range) {
        keys.push_back(key);
    }
    void optional_number(std::string_view key, double&, Range) { keys.push_back(key); }
    void text(std::string_view key, std::string&) { keys.push_back(key); }
    void optional_text(std::string_view key, std::string&) { keys.push_back(key); }
    void span(std::string_view key, FitRange&) { keys.push_back(key); }
    void optional_pair(std::string_view key, double&, double&) { keys.push_back(key); }
    void format(std::string_view key, DType&) { keys.push_back(key); }
    void optional_format(std::string_view key, DType&) { keys.push_back(key); }
    template <class Enum, std::size_t N>
    void choice(std::string_view key, Enum&, const std::array<std::string_view, N>&) {
        keys.push_back(key);
    }
    void count(std::string_view key, int&, int) { keys.push_back(key); }
    bool present(std::string_view, bool) { return true; }
    void unread(std::string_view key, std::string_view) { keys.push_back(key); }
    template <class Tables>
    void items(std::string_view key, Tables&) {
        keys.push_back(key);
    }
    template <class Table>
    void table(std::string_view key, Table&) {
        keys.push_back(key);
    }
};

template <std::size_t N>
std::string not_one_of(const std::array<std::string_view, N>& names) {
    std::string s(N == 2 ? "is not " : "is not one of ");
    for (std::size_t i = 0; i < N; ++i) s.append(i == 0 ? "" : N == 2 ? " or " : ", ").append(names[i]);
    return s;
}

template <class Table>
Table read_table(const Reader& r);

/// Archive that fills a table from a file and judges what it reads.
struct FieldReader {
    const Reader& r;

    void number(std::string_view key, double& x, Range range) { x = r.number(key, range); }
    template <class Quantity>
    void quantity(std::string_view key, Quantity& x, double unit, Range range) {
        x = Quantity{r.number(key, range) * unit};
    }
    void optional_number(std::string_view key, double& x, Range range) { x = r.number_or(key, 0, range); }
    void text(std::string_view key, std::string& x) { x = r.text(key); }
    void optional_text(std::string_view key, std::string& x) { x = r.text_or(key, ""); }
    void span(std::string_view key, FitRange& x) {
        const std::vector<double> ends = r.numbers(key, non_negative);
        if (ends.size() != 2 || ends[0] > ends[1]) r.fail(key, "expected [low, high]");
        x = {ends[0], ends[1]};
    }
    void optional_pair(std::string_view key, double& low, double& high) {
        FitRange ends;
        if (r.has(key)) span(key, ends);
        low = ends.low;
        high = ends.high;
    }
    void format(std::string_view key, DType& x) {
        const std::string name = r.text(key);
        const auto type = dtype_named(name);
        if (!type) r.fail(key, std::string("'").append(name).append("' is not a number format"));
        x = *type;
    }
    void optional_format(std::string_view key, DType& x) {
        if (r.has(key)) format(key, x);
    }
    template <class Enum, std::size_t N>
    void choice(std::string_view key, Enum& x, const std::array<std::string_view, N>& names) {
        const auto it = std::find(names.begin(), names.end(), r.text(key));
        if (it == names.end()) r.fail(key, not_one_of(names));
        x = static_cast<Enum>(it - names.begin());
    }
    void count(std::string_view key, int& x, int most) { x = static_cast<int>(r.integer(key, 1, most)); }
    bool present(std::string_view key, bool) { return r.has(key); }
    void unread(std::string_view, std::string_view) {}
    template <class Table>
    void items(std::string_view key, std::vector<Table>& x) {
        if (!r.has(key)) return;
        for (const Reader& item : r.tables(key)) x.push_back(read_table<Table>(item));
    }
    template <class Table>
    void table(std::string_view key, Table& x) {
        x = read_table<Table>(r.table(key));
    }
};

/// Archive that replaces what a file states and keeps the rest.
struct Override {
    FieldReader all;

    void number(std::string_view key, double& x, Range range) {
        if (all.r.has(key)) all.number(key, x, range);
    }
    template <class Quantity>
    void quantity(std::string_view key, Quantity& x, double unit, Range range) {
        if (all.r.has(key)) all.quantity(key, x, unit, range);
    }
    void optional_number(std::string_view key, double& x, Range range) { number(key, x, range); }
    void text(std::string_view key, std::string& x) {
        if (all.r.has(key)) all.text(key, x);
    }
    void unread(std::string_view, std::string_view) {}
};

/// Unknown keys are found first: a misspelt key is named as that, not as a missing one.
template <class Table>
Table read_table(const Reader& r) {
    Table t;
    KeyList known;
    fields(known, t);
    r.allow_only(known.keys);
    FieldReader archive{r};
    fields(archive, t);
    return t;
}

KernelTables kernel_tables(const Reader& r, const KernelLaw& law) {
    KernelTables t;
    t.law = law;
    FieldReader archive{r};
    fields(archive, t);
    if (t.gemm.empty()) r.fail("gemm", "a calibrated profile needs at least one [[gemm]] table");
    return t;
}

[[noreturn]] void no_profile(const std::vector<ProfileName>& known, std::string_view accelerator,
                             std::string_view engine) {
    std::vector<std::string> engines;
    for (const ProfileName& p : known) {
        if (std::find(engines.begin(), engines.end(), p.engine) == engines.end()) engines.push_back(p.engine);
    }
    const bool known_engine = std::find(engines.begin(), engines.end(), engine) != engines.end();
    std::string message(known_engine ? "there is no profile of '" : "no engine is named '");
    message.append(engine).append("' for accelerator '").append(accelerator).append("'");
    throw InputError({"--engine"}, {}, message,
                     known_engine ? "'ideal' runs on any; moecost list engines shows the others"
                                  : name_hint(engine, engines));
}

}   // namespace

std::string_view name_of(Provenance provenance) {
    constexpr std::string_view names[] = {"calibrated", "extrapolated", "borrowed", "roofline"};
    return names[static_cast<std::size_t>(provenance)];
}

void read_serving(const Reader& r, ServingConstants& constants) {
    KeyList known;
    fields(known, constants);
    r.allow_only(known.keys);
    Override archive{{r}};
    fields(archive, constants);
}

Profile profile_from_toml(const Document& document, const LawConstants& law) {
    const Reader root(document);
    const Reader r = root.has("profile") ? root.table("profile") : root;   // of an accelerator file
    KeyList known{{"schema", "accelerator", "engine", "source", "date", "serving", "defaults"}};
    KernelTables none;
    fields(known, none);
    r.allow_only(known.keys);
    Profile p;
    p.id = document.file;
    p.accelerator = r.text_or("accelerator", "");
    p.engine = r.text("engine");
    p.source = r.text("source");
    p.serving = law.served(p.engine);
    if (r.has("serving")) read_serving(r.table("serving"), p.serving);
    p.serving.law = law.serving;
    p.defaults = read_table<EngineSettings>(r.table("defaults"));
    if (r.has("gemm") || r.has("assumed"))
        p.kernels = kernel_tables(r, law.kernels);
    else
        p.basis = Provenance::roofline;
    return p;
}

std::vector<ProfileName> profile_names(const DataStore& data) {
    std::vector<ProfileName> result;
    for (const std::string& file : data.names(folder)) {
        const Document head = data.head(folder, file);
        const Reader r(head);
        if (r.has("accelerator")) result.push_back({file, r.text("accelerator"), r.text("engine")});
    }
    return result;
}

std::vector<std::string> engine_names(const DataStore& data) {
    std::vector<std::string> engines;
    for (ProfileName& p : profile_names(data)) engines.push_back(std::move(p.engine));
    std::sort(engines.begin(), engines.end());
    engines.erase(std::unique(engines.begin(), engines.end()), engines.end());
    return engines;
}

Profile load_profile(const DataStore& data, std::string_view accelerator, std::string_view relative,
                     std::string_view engine) {
    const LawConstants law = load_law_constants(data);
    if (is_path(engine)) return profile_from_toml(data.open(folder, engine, "engine profile"), law);
    const std::vector<ProfileName> known = profile_names(data);
    for (const std::string_view owner : {accelerator, relative, any_accelerator}) {
        const auto it = std::find_if(known.begin(), known.end(), [&](const ProfileName& p) {
            return !owner.empty() && p.accelerator == owner && p.engine == engine;
        });
        if (it == known.end()) continue;
        Profile p = profile_from_toml(data.open(folder, it->file, "engine profile"), law);
        if (owner != accelerator && p.kernels) p.basis = Provenance::borrowed;
        p.effects = load_effects(data);
        return p;
    }
    no_profile(known, accelerator, engine);
}

}   // namespace moecost
