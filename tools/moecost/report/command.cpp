// SPDX-License-Identifier: Apache-2.0
// moecost report: results of ours as one page for a browser.
#include "moecost/base/json_writer.h"
#include "report/report.h"

namespace moecost::cli {
namespace {

constexpr std::string_view mark = "MOECOST_RESULTS";

std::string data_of(const Invocation& in) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.report/1");
    json.text("version", MOECOST_VERSION);
    const std::string* title = in.line.find("title");
    json.text("title", title != nullptr ? *title : std::string());
    json.begin_object("figures");
    for (const Figure& f : figures()) json.text(f.key, f.axis);
    json.end_object();
    json.begin_array("results");
    for (const std::string& file : in.line.positional) {
        const Result result = read_result(file);
        json.begin_object();
        json.text("file", file);
        json.text("kind", result.kind);
        write_value(json, "document", result.document.root);
        write_more(json, in.data, result);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return json.str();
}

}   // namespace

std::string for_script(std::string_view json) {
    std::string s;
    s.reserve(json.size());
    for (const char c : json) {
        if (c == '<')
            s.append("\\u003c");
        else if (c == '>')
            s.append("\\u003e");
        else if (c == '&')
            s.append("\\u0026");
        else
            s.push_back(c);
    }
    return s;
}

std::vector<Flag> report_flags() {
    return {{"title", "TEXT", "Report", "heading of the page (default: the answer of the first result)"},
            {"data", "", "Report", "the data that the page shows, as JSON, instead of the page"}};
}

Answer run_report(const Invocation& in) {
    if (in.line.positional.empty()) {
        throw InputError(
            {}, {}, "no result is given",
            "moecost plan ... --format json -o plan.json, then moecost report plan.json -o plan.html");
    }
    const std::string data = data_of(in);
    if (in.line.has("data")) return {data, {}, answered};
    const std::string_view page = report_page();
    if (page.empty()) throw SystemError(std::string("report: ").append(report_page_missing()));
    const std::size_t at = page.find(mark);
    if (at == std::string_view::npos) throw SystemError("report: the page has no place for results");
    std::string html(page.substr(0, at));
    html.append(for_script(data)).append(page.substr(at + mark.size()));
    return {std::move(html), {}, answered};
}

}   // namespace moecost::cli
