// SPDX-License-Identifier: Apache-2.0
// moecost man: the page of the program, of a command or of a topic; --folder writes them all.
#include "man/man.h"

#include <algorithm>
#include <filesystem>

#include "moecost/base/file.h"
#include "moecost/estimate/inputs.h"

namespace moecost::cli {
namespace {

std::string upper(std::string_view text) {
    std::string s(text);
    std::transform(s.begin(), s.end(), s.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return s;
}

std::string title(std::string_view name, char number) {
    std::string s(".TH ");
    s.append(upper(name)).append(" ").append(1, number);
    return s.append(" \"\" \"moecost " MOECOST_VERSION "\" \"")
        .append(number == '1' ? "User Commands" : "Manual of moecost")
        .append("\"\n");
}

std::string name_section(std::string_view name, std::string_view about) {
    return section("NAME").append(troff(name)).append(" \\- ").append(troff(about)).append("\n");
}

/// What an option does, what it may be and its other names.
std::string man_text(const Flag& flag) {
    std::string s = help_of(flag);
    if (flag.input == nullptr) return s;
    s.append(".");
    if (const std::string allowed = range_text(*flag.input); !allowed.empty())
        s.append(" Allowed: ").append(allowed).append(".");
    if (!flag.input->choices.empty()) s.append(" One of: ").append(flag.input->choices).append(".");
    std::string names;
    for (const std::string_view alias : flag.aliases) {
        if (!alias.empty()) names.append(names.empty() ? "" : ", ").append("--").append(alias);
    }
    if (!names.empty()) s.append(" Also: ").append(names).append(".");
    return s;
}

std::string options_text(const Command& command) {
    std::string s;
    std::string_view group;
    for (const Flag& flag : all_flags(command)) {
        if (flag.group != group) {
            group = flag.group;
            s.append(".SS ").append(troff(group)).append("\n");
        }
        s.append(".TP\n.B ");
        if (flag.letter != 0) s.append("\\-").append(1, flag.letter).append(", ");
        s.append("\\-\\-").append(troff(flag.key));
        if (!flag.argument.empty()) s.append(" \\fI").append(troff(flag.argument)).append("\\fR");
        s.append("\n").append(troff(man_text(flag))).append("\n");
    }
    return s;
}

constexpr std::string_view statuses =
    "0 answered, 1 the machine failed, 2 the input is wrong, 3 infeasible or an objective is missed, 130 "
    "interrupted.";

std::string command_page(const Command& command) {
    const std::string name = std::string("moecost-").append(command.name);
    std::string s = title(name, '1').append(name_section(name, command.question));
    s.append(section("SYNOPSIS")).append(".B moecost ").append(command.name).append("\n");
    s.append(troff(command.usage)).append("\n");
    s.append(section("OPTIONS")).append(options_text(command));
    s.append(section("EXIT STATUS")).append(paragraph(statuses));
    s.append(section("EXAMPLES")).append(verbatim(command.example));
    return s.append(section("SEE ALSO")).append(".BR moecost (1)\n");
}

std::string topic_page(const Topic& topic, const Invocation& in) {
    const std::string name = std::string("moecost-").append(topic.name);
    std::string s = title(name, '7').append(name_section(name, topic.about)).append(topic.write(in));
    return s.append(section("SEE ALSO")).append(".BR moecost (1)\n");
}

std::string program_page() {
    std::string s = title("moecost", '1');
    s.append(name_section("moecost", "what a token of a Mixture-of-Experts model costs on rented GPUs"));
    s.append(section("SYNOPSIS")).append(".B moecost\n\\fICOMMAND\\fR [options]\n");
    s.append(section("DESCRIPTION"));
    s.append(paragraph(
        "Answers in closed form and in milliseconds: tokens per second, latency, memory, dollars and joules "
        "per "
        "token of a deployment; the deployment that should be rented; the model that should be trained."));
    s.append(section("COMMANDS"));
    for (const Command& c : commands()) s.append(item(std::string("moecost ").append(c.name), c.question));
    s.append(paragraph("Each has a page of its own: moecost-estimate(1), or moecost man estimate."));
    s.append(section("PAGES"));
    for (const Topic& t : topics()) s.append(item(std::string("moecost man ").append(t.name), t.about));
    s.append(section("EXIT STATUS")).append(paragraph(statuses));
    s.append(section("ENVIRONMENT"));
    s.append(item("COLUMNS", "width of text where the output is no terminal; never below 80"));
    s.append(item("NO_COLOR", "no colour on a terminal"));
    s.append(section("FILES"));
    s.append(paragraph(
        "All data are built in. --data-dir DIR names a folder whose files of the same paths (hwmodels/, "
        "workloads/) take their place. A path to a TOML file works wherever a name does."));
    s.append(section("EXAMPLES")).append(verbatim(commands().front().example));
    return s;
}

/// Page names as man spells its files.
struct Page {
    std::string file;
    std::string text;
};
std::vector<Page> all_pages(const Invocation& in) {
    std::vector<Page> pages{{"moecost.1", program_page()}};
    for (const Command& c : commands())
        pages.push_back({std::string("moecost-").append(c.name).append(".1"), command_page(c)});
    for (const Topic& t : topics())
        pages.push_back({std::string("moecost-").append(t.name).append(".7"), topic_page(t, in)});
    return pages;
}

std::string page_named(const std::string& name, const Invocation& in) {
    for (const Topic& t : topics()) {
        if (t.name == name) return topic_page(t, in);
    }
    for (const Command& c : commands()) {
        if (c.name == name) return command_page(c);
    }
    throw InputError({name}, {}, "is no page of the manual", name_hint(name, page_names()));
}

}   // namespace

std::string troff(std::string_view text) {
    std::string s;
    if (text.starts_with('.') || text.starts_with('\'')) s.append("\\&");
    for (const char c : text) {
        if (c == '\\')
            s.append("\\e");
        else if (c == '-')
            s.append("\\-");
        else
            s += c;
    }
    return s;
}

std::string section(std::string_view title) { return std::string(".SH ").append(title).append("\n"); }

std::string paragraph(std::string_view text) { return std::string(".PP\n").append(troff(text)).append("\n"); }

std::string item(std::string_view label, std::string_view text) {
    return std::string(".TP\n.B ").append(troff(label)).append("\n").append(troff(text)).append("\n");
}

std::string verbatim(std::string_view text) {
    std::string s(".PP\n.nf\n");
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        s.append(".RS 4\n").append(troff(text.substr(0, end))).append("\n.RE\n");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return s.append(".fi\n");
}

std::vector<Topic> topics() {
    return {{"reading", "how to read an estimate, field by field", reading_page},
            {"figures", "what every figure means", figures_page},
            {"calibration", "where the constants come from, and how to fit your own", calibration_page},
            {"accuracy", "how far predictions are from measurements, by class", accuracy_page}};
}

std::vector<std::string> page_names() {
    std::vector<std::string> names;
    for (const Command& c : commands()) names.emplace_back(c.name);
    for (const Topic& t : topics()) names.emplace_back(t.name);
    return names;
}

std::vector<Flag> man_flags() {
    return {{"folder", "DIR", "Manual", "write every page into a folder, as man finds them"}};
}

Answer run_man(const Invocation& in) {
    const std::string* folder = in.line.find("folder");
    if (in.line.positional.size() > (folder != nullptr ? 0U : 1U))
        throw InputError({in.line.positional.back()}, {}, "is one name too many");
    if (folder == nullptr) {
        const bool named = !in.line.positional.empty();
        return {named ? page_named(in.line.positional[0], in) : program_page(), {}, answered};
    }
    std::filesystem::create_directories(*folder);
    for (const Page& page : all_pages(in))
        write_file((std::filesystem::path(*folder) / page.file).string(), page.text);
    return {};
}

}   // namespace moecost::cli
