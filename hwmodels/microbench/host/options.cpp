// SPDX-License-Identifier: Apache-2.0
#include "host/options.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "moecost/base/error.h"
#include "moecost/base/format.h"

namespace microbench {
namespace {

struct Option {
    std::string_view name;
    std::string_view value;   // empty: a flag
    std::string_view help;
    bool Options::*flag = nullptr;
    std::string Options::*text = nullptr;
    double Options::*number = nullptr;
    double low = 0;
    double high = 0;
};

constexpr std::array table{
    Option{"--list", "", "the cases and what they calibrate, without running them", &Options::list},
    Option{"--filter", "GLOB", "only cases whose name matches, or begins with it: gemm, '*fp8*m=64'", nullptr,
           &Options::filter},
    Option{"--quick", "", "the first two minutes of the same order, 0.05 s a case", &Options::quick},
    Option{"--full", "", "every case, however long it takes, 2 s a case", &Options::full},
    Option{"--out", "DIR", "folder of the tables; cases with a row there are kept (microbench-out)", nullptr,
           &Options::out},
    Option{"--time-limit", "SECONDS", "stop after the case that reaches it (600); run again to go on",
           nullptr, nullptr, &Options::time_limit, 0.001, 1e7},
    Option{"--case-seconds", "SECONDS", "longest time of one case (0.5)", nullptr, nullptr,
           &Options::case_seconds, 0.001, 3600},
    Option{"--replay", "DIR", "no GPU: take the samples from the tables of a recorded run", nullptr,
           &Options::replay},
    Option{"--synthetic", "PROFILE", "no GPU: take them from the laws with the constants of this profile",
           nullptr, &Options::synthetic},
    Option{"--noise", "SHARE", "standard deviation of --synthetic, relative (0.01)", nullptr, nullptr,
           &Options::noise, 0, 0.5},
    Option{"--device", "FILE", "device.json to assume for --list and --synthetic (an H100 of eight)", nullptr,
           &Options::device},
    Option{"--version", "", "print the version", &Options::version},
    Option{"--help", "", "print this", &Options::help},
};

[[noreturn]] void fail(std::string_view option, std::string_view message, std::string hint = {}) {
    throw moecost::InputError({std::string(option)}, {}, message, std::move(hint));
}

const Option& find_option(const std::string& name) {
    for (const Option& option : table) {
        if (option.name == name) return option;
    }
    std::vector<std::string> names;
    for (const Option& option : table) names.emplace_back(option.name);
    fail(name, "no such option", moecost::name_hint(name, names));
}

double number(const Option& option, const std::string& text) {
    double value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = r.ec == std::errc{} && r.ptr == text.data() + text.size();
    if (whole && value >= option.low && value <= option.high) return value;
    std::string message = "'";
    message.append(text).append("' is no number from ").append(moecost::shortest(option.low)).append(" to ");
    fail(option.name, message.append(moecost::shortest(option.high)));
}

}   // namespace

Options parse_options(const std::vector<std::string>& arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string name = arguments[i];
        std::string value;
        const std::size_t equals = name.find('=');
        const bool joined = name.starts_with("--") && equals != std::string::npos;
        if (joined) {
            value = name.substr(equals + 1);
            name.resize(equals);
        }
        const Option& option = find_option(name);
        if (option.value.empty()) {
            if (joined) fail(name, "takes no value");
            options.*option.flag = true;
            continue;
        }
        if (!joined) {
            if (i + 1 == arguments.size()) fail(name, std::string("needs a value: ").append(option.value));
            value = arguments[++i];
        }
        if (value.empty()) fail(name, std::string("needs a value: ").append(option.value));
        if (option.text != nullptr) {
            options.*option.text = value;
        } else {
            options.*option.number = number(option, value);
        }
    }
    if (options.quick && options.full) fail("--quick", "excludes --full");
    if (!options.replay.empty() && !options.synthetic.empty()) fail("--replay", "excludes --synthetic");
    return options;
}

double run_seconds(const Options& o) {
    if (o.time_limit > 0) return o.time_limit;
    return o.full ? 0 : o.quick ? 120 : 600;
}

double longest_case(const Options& o) {
    if (o.case_seconds > 0) return o.case_seconds;
    return o.full ? 2 : o.quick ? 0.05 : 0.5;
}

std::string help_text(std::string_view program) {
    std::string text =
        "Measures kernels of one GPU and writes tables that `moecost calibrate` fits.\n"
        "The cases that tell most come first: ten minutes are enough for every fit.\n\nusage: ";
    text.append(program).append(" [options]\n\n");
    for (const Option& option : table) {
        std::string left(option.name);
        if (!option.value.empty()) left.append(" ").append(option.value);
        text.append("  ").append(moecost::align_left(left, 24)).append(option.help).append("\n");
    }
    return text.append(
        "\nClocks and settings of the device are never changed. Exit: 0 measured, 1 nothing measured, 2 bad\n"
        "option or input, 75 device lost (run again to go on behind the case), 77 no CUDA device, 130\n"
        "interrupted. Finished cases are kept.\n");
}

}   // namespace microbench
