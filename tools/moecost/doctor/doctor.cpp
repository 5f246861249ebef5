// SPDX-License-Identifier: Apache-2.0
// moecost doctor: what this program knows and stands on: version, data files and whether each can be read, for every
// accelerator which kernel timings and prices are its own, and what is borrowed. Problems: exit status 2.
#include <algorithm>
#include <functional>
#include <set>

#include "command.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/engine_rules.h"
#include "moecost/hardware/price.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/law/law_toml.h"
#include "moecost/model/family/family.h"
#include "moecost/model/library.h"
#include "moecost/traffic/traffic.h"
#include "text.h"

namespace moecost::cli {
namespace {

struct Folder {
    std::string_view what;
    std::string_view path;
    void (*read)(const DataStore& data, const std::string& name);
};
constexpr Folder folders[] = {
    {"models", "workloads/models", [](const DataStore& d, const std::string& n) { (void)load_model(d, n); }},
    {"families", "workloads/families",
     [](const DataStore& d, const std::string& n) { (void)load_family(d, n); }},
    {"traffic shapes", "workloads/traffic",
     [](const DataStore& d, const std::string& n) { (void)load_traffic(d, n); }},
    {"loss laws", "workloads/laws", [](const DataStore& d, const std::string& n) { (void)load_law(d, n); }},
    {"accelerators", "hwmodels/accelerators",
     [](const DataStore& d, const std::string& n) { (void)load_accelerator(d, n); }},
    {"clusters", "hwmodels/clusters",
     [](const DataStore& d, const std::string& n) { (void)load_cluster(d, n); }},
    {"engines", "hwmodels/engines",
     [](const DataStore& d, const std::string& n) { (void)load_engine_rules(d, n); }},
    {"profiles of an engine on a GPU", profile_folder,
     [](const DataStore& d, const std::string& n) {
         (void)profile_from_toml(d.open(profile_folder, n, "profile"), load_law_constants(d));
     }},
    {"price lists", "hwmodels/prices",
     [](const DataStore& d, const std::string& n) { (void)prices_of(d, n); }},
};

struct FolderState {
    std::string_view what;
    std::size_t files = 0;
};

/// One accelerator: engine -> "own", the relative whose kernels are used, or nothing.
struct GpuState {
    std::string id;
    std::vector<std::string> kernels;   // by engine
    std::size_t prices = 0;
    std::string newest_price;
};

struct Health {
    std::size_t embedded = 0;
    std::vector<std::string> overrides;
    std::vector<FolderState> folders;
    std::vector<std::string> engines;
    std::vector<GpuState> gpus;
    std::vector<std::string> problems;
};

/// What a reader says of a file it cannot read.
void note_problem(Health& h, const std::function<void()>& read) {
    try {
        read();
    } catch (const InputError& e) {
        h.problems.emplace_back(e.what());
    }
}

void read_folder(const DataStore& data, const Folder& folder, Health& h) {
    const std::vector<std::string> names = data.names(folder.path);
    for (const std::string& name : names) note_problem(h, [&] { folder.read(data, name); });
    h.folders.push_back({folder.what, names.size()});
}

std::string kernels_of(const std::vector<ProfileName>& profiles, const Accelerator& gpu,
                       const std::string& engine) {
    const auto has = [&](const std::string& owner) {
        return std::any_of(profiles.begin(), profiles.end(), [&](const ProfileName& p) {
            return p.accelerator == owner && p.engine == engine;
        });
    };
    if (has(gpu.id)) return "own";
    return !gpu.relative.empty() && has(gpu.relative) ? gpu.relative : std::string();
}

GpuState gpu_state(const DataStore& data, const std::vector<ProfileName>& profiles, const std::string& id,
                   const std::vector<std::string>& engines) {
    const Accelerator gpu = load_accelerator(data, id);
    GpuState state{id, {}, 0, {}};
    for (const std::string& engine : engines) state.kernels.push_back(kernels_of(profiles, gpu, engine));
    for (const Price& p : prices_of(data, id)) {
        ++state.prices;
        state.newest_price = std::max(state.newest_price, p.date);
    }
    return state;
}

Health examine(const DataStore& data) {
    Health h;
    h.embedded = embedded_files().size();
    h.overrides = data.files();
    for (const Folder& folder : folders) read_folder(data, folder, h);
    note_problem(h, [&] {
        const std::vector<ProfileName> profiles = profile_names(data);
        std::set<std::string> engines;
        for (const ProfileName& p : profiles) {
            if (p.accelerator != any_accelerator) engines.insert(p.engine);
        }
        h.engines.assign(engines.begin(), engines.end());
        for (const std::string& id : data.names("hwmodels/accelerators"))
            note_problem(h, [&] { h.gpus.push_back(gpu_state(data, profiles, id, h.engines)); });
    });
    return h;
}

bool is_own(const GpuState& g) {
    return std::find(g.kernels.begin(), g.kernels.end(), "own") != g.kernels.end();
}
bool is_borrowed(const GpuState& g) {
    return !is_own(g) &&
           std::any_of(g.kernels.begin(), g.kernels.end(), [](const auto& k) { return !k.empty(); });
}

std::string build_text() {
    std::string s("moecost " MOECOST_VERSION ", C++");
    s.append(std::to_string(__cplusplus / 100 % 100)).append(", compiled by ");
#if defined(__clang__)
    s.append("clang ").append(__clang_version__);
#else
    s.append("g++ ").append(__VERSION__);
#endif
    return s;
}

std::string data_text(const Health& h, const std::string& folder) {
    std::string s("Data: ");
    s.append(amount(static_cast<double>(h.embedded), "files built in; "));
    if (folder.empty()) return s.append("none replaced (--data-dir DIR)\n");
    s.append(std::to_string(h.overrides.size())).append(" files of ").append(printable(folder));
    return s.append(" stand over them\n");
}

std::string folders_text(const Health& h) {
    std::string s;
    for (const FolderState& f : h.folders)
        s.append("  ")
            .append(align_right(std::to_string(f.files), 6))
            .append("  ")
            .append(f.what)
            .append("\n");
    return s;
}

std::string gpus_text(const Health& h, const Style& style) {
    std::vector<std::string> heads = h.engines;
    heads.insert(heads.end(), {"prices", "newest"});
    std::vector<Row> rows;
    for (const GpuState& g : h.gpus) {
        Row row{g.id, g.kernels, false};
        for (std::string& cell : row.cells) cell = cell.empty() ? "-" : cell == "own" ? cell : "of " + cell;
        row.cells.push_back(g.prices > 0 ? std::to_string(g.prices) : "-");
        row.cells.push_back(g.newest_price.empty() ? "-" : g.newest_price);
        rows.push_back(std::move(row));
    }
    return side_by_side(heads, rows, style);
}

std::string names_where(const Health& h, bool (*wanted)(const GpuState&)) {
    std::string s;
    for (const GpuState& g : h.gpus) {
        if (wanted(g)) s.append(s.empty() ? "" : ", ").append(g.id);
    }
    return s.empty() ? "none" : s;
}

std::string summary_text(const Health& h, std::size_t width) {
    const auto line = [&](std::string_view what, bool (*wanted)(const GpuState&)) {
        return bullet(std::string(what).append(": ").append(names_where(h, wanted)), width);
    };
    std::string s = line("kernels timed on themselves", is_own);
    s.append(line("speed borrowed from a relative", is_borrowed));
    s.append(line("known by their datasheets alone (engine ideal)",
                  [](const GpuState& g) { return !is_own(g) && !is_borrowed(g); }));
    return s.append(line("no price known (--price USD)", [](const GpuState& g) { return g.prices == 0; }));
}

std::string health_text(const Health& h, const Invocation& in) {
    const Style style{in.colour, in.width};
    std::string s = style.bold(build_text()).append("\n");
    s.append(data_text(h, in.data.directory())).append(folders_text(h));
    if (!in.quiet) {
        s.append("\n").append(style.bold("Kernel timings by engine, and prices")).append("\n");
        s.append(gpus_text(h, style)).append("\n").append(summary_text(h, style.width));
    }
    if (h.problems.empty()) return s.append("\nEvery data file can be read.\n");
    s.append("\n").append(style.bold("Problems")).append("\n");
    for (const std::string& problem : h.problems) s.append(bullet(problem, style.width));
    return s;
}

void write_gpu(JsonWriter& json, const Health& h, const GpuState& g) {
    json.begin_object();
    json.text("gpu", g.id);
    json.begin_object("kernels");
    for (std::size_t i = 0; i < h.engines.size(); ++i) {
        if (g.kernels[i].empty())
            json.null(h.engines[i]);
        else
            json.text(h.engines[i], g.kernels[i] == "own" ? g.id : g.kernels[i]);
    }
    json.end_object();
    json.number("prices", static_cast<double>(g.prices));
    if (g.newest_price.empty())
        json.null("newest_price");
    else
        json.text("newest_price", g.newest_price);
    json.end_object();
}

std::string health_json(const Health& h) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.doctor/1");
    json.text("version", MOECOST_VERSION);
    json.number("embedded_files", static_cast<double>(h.embedded));
    json.begin_array("overriding_files");
    for (const std::string& file : h.overrides) json.text({}, file);
    json.end_array();
    json.begin_object("files");
    for (const FolderState& f : h.folders) json.number(f.what, static_cast<double>(f.files));
    json.end_object();
    json.begin_array("gpus");
    for (const GpuState& g : h.gpus) write_gpu(json, h, g);
    json.end_array();
    json.begin_array("problems");
    for (const std::string& problem : h.problems) json.text({}, problem);
    json.end_array();
    json.end_object();
    return json.str();
}

std::string health_csv(const Health& h) {
    std::string s("gpu");
    for (const std::string& engine : h.engines) s.append(",").append(engine);
    s.append(",prices,newest_price\n");
    for (const GpuState& g : h.gpus) {
        s.append(g.id);
        for (const std::string& kernels : g.kernels) s.append(",").append(kernels == "own" ? g.id : kernels);
        s.append(",").append(std::to_string(g.prices)).append(",").append(g.newest_price).append("\n");
    }
    return s;
}

}   // namespace

Answer run_doctor(const Invocation& in) {
    if (!in.line.positional.empty())
        throw InputError({in.line.positional[0]}, {}, "doctor examines all there is: it takes no names");
    const Health h = examine(in.data);
    Answer answer;
    answer.status = h.problems.empty() ? answered : wrong_input;
    for (const std::string& problem : h.problems)
        answer.messages.append("moecost: ").append(problem).append("\n");
    answer.output = in.format == Format::json  ? health_json(h)
                    : in.format == Format::csv ? health_csv(h)
                                               : health_text(h, in);
    return answer;
}

}   // namespace moecost::cli
