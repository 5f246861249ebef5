// SPDX-License-Identifier: Apache-2.0
#include "values.h"

#include <algorithm>

#include "moecost/estimate/inputs.h"

namespace moecost::python {
namespace {

namespace py = pybind11;

/// The exact number: the shortest text that reads back.
std::string text_of_number(const py::handle& value) {
    if (PyIndex_Check(value.ptr()) != 0)
        return py::str(py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr())));
    return py::repr(py::float_(py::reinterpret_borrow<py::object>(value)));
}

[[noreturn]] void refuse(const std::string& option, const py::handle& value) {
    std::string message("a value of type ");
    message.append(py::str(py::type::of(value).attr("__name__"))).append(" is not understood");
    throw InputError({option}, {}, message, "a text, a number, True or False, or a list of them");
}

std::string text_of(const std::string& option, const py::handle& value) {
    if (py::isinstance<py::str>(value)) return py::str(value);
    if (py::isinstance<py::bool_>(value)) return value.cast<bool>() ? "true" : "false";
    if (py::hasattr(value, "__fspath__")) return py::str(value.attr("__fspath__")());
    if (PyNumber_Check(value.ptr()) != 0 && !py::hasattr(value, "__len__")) return text_of_number(value);
    refuse(option, value);
}

bool is_list(const py::handle& value) {
    return !py::isinstance<py::str>(value) && !py::isinstance<py::bytes>(value) &&
           py::hasattr(value, "__iter__") && py::hasattr(value, "__len__") && py::len(value) > 0;
}

/// What may be repeated: a mapping, a list of texts or one text.
std::vector<std::string> repeated(const std::string& option, const py::handle& value) {
    std::vector<std::string> words;
    const auto add = [&](const std::string& text) {
        words.push_back(std::string(option).append("=").append(text));
    };
    if (py::isinstance<py::dict>(value)) {
        for (const auto& [key, item] : py::reinterpret_borrow<py::dict>(value))
            add(text_of(option, key).append("=").append(text_of(option, item)));
    } else if (is_list(value)) {
        for (const py::handle item : value) add(text_of(option, item));
    } else {
        add(text_of(option, value));
    }
    return words;
}

std::string joined(const std::string& option, const py::handle& value) {
    if (!is_list(value)) return text_of(option, value);
    std::string text;
    for (const py::handle item : value) {
        const std::string one = text_of(option, item);
        if (one.find(',') != std::string::npos)
            throw InputError({option}, {}, std::string("an entry holds a comma: ").append(one));
        text.append(text.empty() ? "" : ",").append(one);
    }
    return text;
}

const cli::Flag* find(const std::vector<cli::Flag>& flags, const std::string& key) {
    const auto at = std::find_if(flags.begin(), flags.end(), [&](const cli::Flag& f) {
        return f.key == key || std::find(f.aliases.begin(), f.aliases.end(), key) != f.aliases.end();
    });
    return at == flags.end() ? nullptr : &*at;
}

void add_words(std::vector<std::string>& words, const cli::Flag* flag, const std::string& option,
               const py::handle& value) {
    const bool may_repeat = flag != nullptr && flag->input != nullptr && flag->input->kind == InputKind::edit;
    if (may_repeat) {
        for (std::string& word : repeated(option, value)) words.push_back(std::move(word));
    } else if (flag == nullptr || !flag->argument.empty()) {
        words.push_back(std::string(option).append("=").append(joined(option, value)));
    } else if (!py::isinstance<py::bool_>(value)) {
        throw InputError({option}, {}, "is a switch", "True or False");
    } else if (value.cast<bool>()) {
        words.push_back(option);
    }
}

}   // namespace

cli::CommandLine line_of(const std::vector<cli::Flag>& flags, const py::args& operands,
                         const py::dict& options) {
    std::vector<std::string> words;
    for (const auto& [name, value] : options) {
        std::string key = py::str(name);
        if (key.ends_with('_')) key.pop_back();   // a word of Python itself: as_
        std::replace(key.begin(), key.end(), '_', '-');
        if (value.is_none()) continue;
        add_words(words, find(flags, key), std::string("--").append(key), value);
    }
    for (const py::handle operand : operands) words.push_back(text_of("operand", operand));
    return cli::parse_command_line(flags, words);
}

DataStore data_of(py::dict& options) {
    if (!options.contains("data_dir")) return DataStore();
    const std::string folder = text_of("--data-dir", options["data_dir"]);
    PyDict_DelItemString(options.ptr(), "data_dir");
    return DataStore(folder);
}

namespace {

void raise(const char* name, const py::object& error) {
    PyErr_SetObject(py::module_::import("moecost.errors").attr(name).ptr(), error.ptr());
}

void translate(const std::exception_ptr& thrown) {
    const auto error = [](const char* name) { return py::module_::import("moecost.errors").attr(name); };
    try {
        std::rethrow_exception(thrown);
    } catch (const InputError& e) {
        raise("InputError", error("InputError")(e.what(), e.hint()));
    } catch (const Refusal& e) {
        raise("Infeasible",
              error("Infeasible")(e.what(), e.fix, std::string(e.why.reason), std::string(e.why.quantity),
                                  std::string(e.why.unit), e.why.needed, e.why.available));
    } catch (const SystemError& e) {
        raise("MachineError", error("MachineError")(e.what()));
    }
}

}   // namespace

void translate_errors() {
    py::register_exception_translator([](std::exception_ptr thrown) {   // NOLINT: the signature of pybind11
        if (thrown) translate(thrown);
    });
}

}   // namespace moecost::python
