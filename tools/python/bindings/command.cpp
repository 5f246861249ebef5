// SPDX-License-Identifier: Apache-2.0
// Any command as a function: keyword arguments in, the text of its JSON out. plan() and design() are this.
#include "values.h"

namespace moecost::python {
namespace {

namespace py = pybind11;

cli::Invocation invocation_of(const cli::Command& command, const py::args& operands, py::dict options) {
    cli::Invocation in;
    in.data = data_of(options);
    in.line = line_of(command.flags(), operands, options);
    in.format = cli::Format::json;
    in.quiet = true;
    return in;
}

std::string without_name(std::string text) {
    const std::string_view program("moecost: ");
    if (text.starts_with(program)) text.erase(0, program.size());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

/// Status, the answer and what was said beside it.
py::tuple run(const std::string& name, const py::args& operands, const py::kwargs& options) {
    const cli::Command& command = cli::command_named(name);
    const cli::Invocation in = invocation_of(command, operands, options);
    cli::Answer answer;
    {
        const py::gil_scoped_release others_run;
        answer = command.run(in);
    }
    return py::make_tuple(answer.status, answer.output, without_name(answer.messages));
}

}   // namespace

void bind_commands(py::module_& m) { m.def("run", run, py::arg("command")); }

}   // namespace moecost::python
