// SPDX-License-Identifier: Apache-2.0
// Keyword arguments of Python as the words of a command line, so that both are read, checked and refused by one code.
//   tp=8 -> --tp=8   traffic=None -> nothing   offline=True -> --offline   gpu=["h100", "h200"] -> --gpu=h100,h200
//   set={"experts": 64} -> --set=experts=64   chunk=np.int64(8192) -> --chunk=8192   osl=1e3 -> --osl=1000.0
#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "command.h"
#include "moecost/base/expected.h"

namespace moecost::python {

/// An answer that says no: the text of the command line, and what would run.
struct Refusal : std::runtime_error {
    Refusal(const std::string& message, std::string fix) : std::runtime_error(message), fix(std::move(fix)) {}
    Infeasible why;
    std::string fix;
};

/// InputError names an option that is unknown, or a value that is no text, number, switch or list of them.
[[nodiscard]] cli::CommandLine line_of(const std::vector<cli::Flag>& flags, const pybind11::args& operands,
                                       const pybind11::dict& options);
/// Takes `data_dir` out of the options.
[[nodiscard]] DataStore data_of(pybind11::dict& options);

/// The classes of moecost.errors, raised in place of what C++ throws.
void translate_errors();

void bind_estimate(pybind11::module_& m);
void bind_commands(pybind11::module_& m);
void bind_sweep(pybind11::module_& m);
void bind_tables(pybind11::module_& m);

}   // namespace moecost::python
