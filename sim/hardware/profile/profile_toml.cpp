// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/profile/profile_toml.h"

#include "moecost/base/toml_writer.h"
#include "moecost/hardware/profile/fields.h"

namespace moecost {
namespace {

/// A unit conversion leaves no digits behind that the figure does not have.
double tidy(double value) { return rounded(value, 12); }
double us(Seconds s) { return tidy(s.value() * 1e6); }

template <class Table>
void write_fields(TomlWriter& w, Table t);

/// Archive that writes a table in the order of its fields.
struct FieldWriter {
    TomlWriter& w;

    void number(std::string_view key, double x, Range) { w.number(key, x); }
    template <class Quantity>
    void quantity(std::string_view key, Quantity x, double unit, Range) {
        w.number(key, tidy(x.value() / unit));
    }
    void optional_number(std::string_view key, double x, Range) { w.optional_number(key, x); }
    void text(std::string_view key, std::string_view x) { w.text(key, x); }
    void optional_text(std::string_view key, std::string_view x) { w.optional_text(key, x); }
    void span(std::string_view key, const FitRange& x) { w.pair(key, x.low, x.high); }
    void optional_pair(std::string_view key, double low, double high) {
        if (high > 0) w.pair(key, low, high);
    }
    void format(std::string_view key, DType x) { w.text(key, info(x).name); }
    void optional_format(std::string_view key, DType x) { format(key, x); }
    template <class Enum, std::size_t N>
    void choice(std::string_view key, Enum x, const std::array<std::string_view, N>& names) {
        w.text(key, names[static_cast<std::size_t>(x)]);
    }
    void count(std::string_view key, int x, int) { w.number(key, x); }
    bool present(std::string_view, bool stated) { return stated; }
    void unread(std::string_view key, std::string_view words) { w.optional_text(key, words); }
    template <class Table>
    void items(std::string_view key, const std::vector<Table>& tables) {
        for (const Table& t : tables) {
            w.item(key);
            write_fields(w, t);
        }
    }
    template <class Table>
    void table(std::string_view key, const Table& t) {
        w.table(key);
        write_fields(w, t);
    }
};

template <class Table>
void write_fields(TomlWriter& w, Table t) {
    FieldWriter archive{w};
    fields(archive, t);
}

void write(TomlWriter& w, const Profile& p, std::string_view date) {
    w.number("schema", 1);
    w.optional_text("accelerator", p.accelerator);
    w.text("engine", p.engine);
    w.text("source", p.source);
    w.text("date", date);
    FieldWriter archive{w};
    archive.table("serving", p.serving);
    archive.table("defaults", p.defaults);
    if (p.kernels) write_fields(w, *p.kernels);
}

void write(TomlWriter& w, const Accelerator& a) {
    w.text("name", a.name);
    w.optional_text("vendor", a.vendor);
    w.optional_number("year", a.year);
    w.text("status", a.status);
    w.optional_text("generation", a.generation);
    w.text("relative", a.relative);
    w.optional_text("same_as", a.same_as);
    w.table("peak_tflops");
    for (std::size_t i = 0; i < a.peak.size(); ++i) {
        w.optional_number(name_of(static_cast<MathUnit>(i)), tidy(a.peak[i].value() / 1e12));
    }
    w.table("memory");
    w.number("usable_gib", tidy(a.memory.value() / gib));
    w.number("bandwidth_tb_s", tidy(a.memory_bandwidth.value() / 1e12));
    w.table("compute");
    w.number("multiprocessors", a.multiprocessors);
    w.table("scale_up");
    w.optional_text("link", a.link);
    w.number("gb_s_per_direction", tidy(a.link_bandwidth.value() / 1e9));
    w.number("domain", a.domain);
    w.number("link_latency_us", us(a.link_latency));
    w.table("scale_out");
    w.number("gbit_s_per_gpu", tidy(a.nic_bandwidth.value() * 8 / 1e9));
    w.number("nic_latency_us", us(a.nic_latency));
    w.table("power");
    w.number("tdp_w", a.tdp.value());
    w.number("idle_share", a.idle_power_share);
}

}   // namespace

std::string toml_of(const Profile& profile, std::string_view date) {
    TomlWriter w;
    w.comment("SPDX-License-Identifier: Apache-2.0");
    w.comment(
        "Constants of the kernel forms and of the serving form; compute and memory are shares of the "
        "datasheet");
    w.comment("peaks of the accelerator. Written by moecost calibrate.");
    write(w, profile, date);
    return w.str();
}

std::string toml_of(const Accelerator& accelerator,
                    const std::vector<std::pair<std::string, std::string>>& sources, const Profile& profile,
                    std::string_view date) {
    TomlWriter w;
    w.comment(
        "An accelerator with an engine profile of its own: moecost estimate --gpu THIS_FILE uses both.");
    w.comment("Written by moecost calibrate.");
    write(w, accelerator);
    w.table("sources");
    for (const auto& [key, text] : sources) w.text(key, text);
    TomlWriter inner("profile.");
    write(inner, profile, date);
    return w.str() + "\n[profile]\n" + inner.str();
}

}   // namespace moecost
