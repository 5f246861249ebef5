// SPDX-License-Identifier: Apache-2.0
// moecost.estimate() and moecost.compare(): the same answers as the command, as objects with a property for each row of
// the table of figures.
#include <pybind11/stl.h>

#include <cmath>

#include "estimate/estimate.h"
#include "moecost/base/json_writer.h"
#include "values.h"

namespace moecost::python {
namespace {

namespace py = pybind11;
using Answer = cli::EstimateAnswer;

py::object number(double value) { return py::float_(value); }

/// Not-a-number where it has no meaning, as columns of numbers have it.
py::object value_of(const Figure& figure, const Answer& a) {
    const View view = a.view();
    if (figure.number == nullptr) {
        const std::string_view text = figure.text(view);
        return text.empty() ? py::object(py::none()) : py::object(py::str(std::string(text)));
    }
    const double value = figure.number(view);
    if (figure.kind == FigureKind::flag) return py::bool_(value != 0);
    return number(std::isfinite(value) ? value : std::nan(""));
}

py::object interval_of(const Answer& a, const std::string& name) {
    const Figure* figure = figure_named(name);
    if (figure == nullptr) throw InputError({name}, {}, "is no figure", name_hint(name, figure_names()));
    const Interval i = figure->interval != nullptr ? figure->interval(a.view()) : Interval{};
    if (!i.known()) return py::none();
    return py::make_tuple(i.low, i.high);
}

py::dict figures_of(const Answer& a) {
    py::dict all;
    for (const Figure& f : figures()) all[py::str(std::string(f.key))] = value_of(f, a);
    return all;
}

py::object input_of(const Input& input, const Answer& a) {
    const View view = a.view();
    if (view.scenario != nullptr && input.number != nullptr) {
        const double value = input.number(view);
        if (input.kind == InputKind::toggle) return py::bool_(value != 0);
        return std::isfinite(value) ? number(value) : py::none();
    }
    std::string text;
    if (view.scenario != nullptr && input.text != nullptr) {
        text = input.text(view);
    } else {
        for (const std::string& one : texts_of(a.description, input))
            text.append(text.empty() ? "" : " ").append(one);
    }
    return text.empty() ? py::object(py::none()) : py::object(py::str(text));
}

/// As used where the description resolved, else as given.
py::dict inputs_of(const Answer& a) {
    py::dict all;
    for (const Input& input : inputs()) all[py::str(column_of(input))] = input_of(input, a);
    return all;
}

std::string message_of(const Answer& a) { return cli::infeasible_line(a); }

std::string text_of(const Answer& a) {
    cli::Invocation page;
    return cli::estimate_text({{a}, {}}, page);
}

/// The object that the command writes with --format json.
py::object to_dict(const Answer& a) {
    JsonWriter json;
    cli::write_estimate(json, {}, a);
    return py::module_::import("json").attr("loads")(json.str());
}

std::string line_of(const Answer& a) {
    if (!a.estimate) return std::string("<moecost.Estimate ").append(message_of(a)).append(">");
    const Pool& p = a.scenario->pool();
    std::string s("<moecost.Estimate ");
    s.append(model_name(*a.scenario)).append(" on ").append(std::to_string(p.gpus())).append(" x ");
    return s.append(p.cluster.gpu.id)
        .append(", ")
        .append(cli::load_name(a.scenario->traffic.load))
        .append(">");
}

cli::Comparison comparison(py::dict options) {
    const DataStore data = data_of(options);
    const cli::CommandLine line = python::line_of(cli::estimate_flags(), {}, options);
    const py::gil_scoped_release others_run;
    return cli::comparison_for(data, line);
}

Answer estimate(const py::dict& options) {
    cli::Comparison all = comparison(options);
    if (all.answers.size() != 1)
        throw InputError({"estimate"}, {}, "an input is given as a list", "moecost.compare() takes lists");
    Answer& a = all.answers.front();
    if (a.estimate) return std::move(a);
    Refusal refusal(message_of(a), cli::fix_line(a));
    refusal.why = a.why;
    throw refusal;
}

py::tuple compare(const py::dict& options) {
    cli::Comparison all = comparison(options);
    std::vector<std::string> varied;
    for (const Input* input : all.varied) varied.push_back(column_of(*input));
    return py::make_tuple(std::move(all.answers), varied);
}

std::string doc_of(const Figure& f) {
    std::string s(f.axis);
    return s.append(", of one ").append(name_of(f.scope)).append(".");
}

void add_figures(py::class_<Answer>& type) {
    for (const Figure& f : figures()) {
        const auto get = [&f](const Answer& a) { return value_of(f, a); };
        const std::string doc = doc_of(f);
        type.def_property_readonly(std::string(f.key).c_str(), get, doc.c_str());
        if (!f.alias.empty()) type.def_property_readonly(std::string(f.alias).c_str(), get, doc.c_str());
    }
}

}   // namespace

void bind_estimate(py::module_& m) {
    py::class_<Answer> type(m, "Estimate", "One deployment: a property for each figure.");
    type.def_property_readonly(
        "infeasible",
        [](const Answer& a) {
            return a.estimate ? py::object(py::none()) : py::object(py::str(message_of(a)));
        },
        "Why it cannot run; None where it can.");
    type.def_property_readonly(
        "notes", [](const Answer& a) { return cli::assumptions({a}); }, "What was assumed.");
    type.def_property_readonly(
        "command",
        [](const Answer& a) { return std::string("moecost estimate ").append(options_of(a.description)); },
        "The command line that gives the same answer.");
    type.def("figures", figures_of, "Every figure by its key.");
    type.def("inputs", inputs_of, "Every input as used.");
    type.def("interval", interval_of, py::arg("figure"), "p10 and p90 of a figure; None where not known.");
    type.def("text", text_of, "The answer as the command line prints it.");
    type.def("to_dict", to_dict, "What the command writes with --format json.");
    type.def("__str__", text_of);
    type.def("__repr__", [](const Answer& a) { return line_of(a); });
    add_figures(type);
    m.def("estimate", estimate, py::arg("options"));
    m.def("compare", compare, py::arg("options"));
}

}   // namespace moecost::python
