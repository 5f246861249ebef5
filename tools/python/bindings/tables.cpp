// SPDX-License-Identifier: Apache-2.0
// The tables of commands, options, inputs and figures as Python sees them: signatures, docstrings and type stubs are
// written from them.
#include <pybind11/stl.h>

#include "moecost/estimate/figures.h"
#include "moecost/estimate/inputs.h"
#include "values.h"

namespace moecost::python {
namespace {

namespace py = pybind11;

py::dict option(const cli::Flag& flag) {
    py::dict d;
    d["key"] = std::string(flag.key);
    d["argument"] = std::string(flag.argument);
    d["group"] = std::string(flag.group);
    d["help"] = cli::help_of(flag);
    d["kind"] = flag.input != nullptr ? std::string(name_of(flag.input->kind)) : std::string();
    d["range"] = flag.input != nullptr ? range_text(*flag.input) : std::string();
    d["choices"] = flag.input != nullptr ? std::string(flag.input->choices) : std::string(flag.values);
    return d;
}

py::list options_of(const std::string& command) {
    py::list all;
    for (const cli::Flag& flag : cli::command_named(command).flags()) all.append(option(flag));
    return all;
}

py::list figures_table() {
    py::list all;
    for (const Figure& f : figures()) {
        py::dict d;
        d["key"] = std::string(f.key);
        d["alias"] = std::string(f.alias);
        d["kind"] = std::string(name_of(f.kind));
        d["unit"] = std::string(unit_of(f.kind));
        d["scope"] = std::string(name_of(f.scope));
        d["group"] = std::string(name_of(f.group));
        d["help"] = std::string(f.axis);
        d["has_interval"] = f.interval != nullptr;
        all.append(d);
    }
    return all;
}

py::list commands_table() {
    py::list all;
    for (const cli::Command& c : cli::commands()) {
        py::dict d;
        d["name"] = std::string(c.name);
        d["question"] = std::string(c.question);
        all.append(d);
    }
    return all;
}

}   // namespace

void bind_tables(py::module_& m) {
    m.def("options", options_of, py::arg("command"));
    m.def("figures", figures_table);
    m.def("commands", commands_table);
    m.def("input_keys", input_keys);
    m.attr("version") = MOECOST_VERSION;
}

}   // namespace moecost::python
