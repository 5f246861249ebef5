// SPDX-License-Identifier: Apache-2.0
// The extension module moecost._core: thin, the package beside it is what people import.
#include "values.h"

PYBIND11_MODULE(_core, m) {
    m.doc() = "What a token of a Mixture-of-Experts model costs on rented GPUs: the bindings.";
    moecost::python::translate_errors();
    moecost::python::bind_tables(m);
    moecost::python::bind_estimate(m);
    moecost::python::bind_commands(m);
    moecost::python::bind_sweep(m);
}
