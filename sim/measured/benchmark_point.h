// SPDX-License-Identifier: Apache-2.0
// What readers of result files share: numbers that may be missing, load, throughput, and what the person said beside the
// file. Inner header of the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/measured/measured.h"

namespace moecost::bench {

using Number = std::optional<double>;

/// What stands beside a file: what the person said, and where remarks on it go (none: nobody asks for them).
struct Beside {
    const MeasuredPoint& known;
    std::vector<std::string>* warnings = nullptr;
};

/// A finite number; nothing where the key is missing, null, text or infinite.
[[nodiscard]] Number optional(const Reader& r, std::string_view key);
/// Text of a key, whatever else it may hold; a list gives its first text.
[[nodiscard]] std::string text_if_any(const Reader& r, std::string_view key);
/// A table of that name; nothing where the key is missing or holds something else.
[[nodiscard]] std::optional<Reader> table_if_any(const Reader& r, std::string_view key);

/// The engine that a backend, framework or service names ("sglang-oai" is sglang); empty where the name is that of a
/// protocol that every engine speaks ("openai-chat").
[[nodiscard]] std::string engine_named(std::string_view name);
/// The engine that the person stated, else that of the file; a warning where they differ.
void set_engine(MeasuredPoint& p, const Beside& beside, std::string_view name);

/// A point with what is known, and what the file is called.
[[nodiscard]] MeasuredPoint started(const Beside& beside, const std::string& file, std::string_view tool);

/// Which kind of load a run was, from its rate and its limit of requests in flight. InputError: another one is given.
void set_load(MeasuredPoint& p, const Location& where, Number rate, Number concurrency);
/// InputError where a burst does not say how many requests it had.
void need_load(const MeasuredPoint& p, const Location& where);

/// Rates of the run over its GPUs. InputError: their number is not known, no multiple of the layout, or more tokens come
/// out than in and out together.
void set_throughput(MeasuredPoint& p, double output, Number total, const Location& where);

/// More than 5 % of the requests are not in the figures.
[[nodiscard]] bool many_failed(Number failed, Number completed);

// benchmarks_aiperf.cpp
[[nodiscard]] MeasuredPoint from_aiperf(const Reader& r, const Beside& beside, const std::string& file);
[[nodiscard]] std::vector<MeasuredPoint> from_aiperf_csv(std::string_view text, const std::string& file,
                                                         const Beside& beside);
[[nodiscard]] MeasuredPoint from_guidellm(const Reader& b, const Beside& beside, const std::string& file);

}   // namespace moecost::bench
