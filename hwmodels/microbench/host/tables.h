// SPDX-License-Identifier: Apache-2.0
// Columns of the output tables. Where a kind of operation has a published table, its columns come first and in the
// same order; the columns of the measurement follow (see the README).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/bench.h"
#include "host/measure.h"

namespace microbench {

/// What is the same in every row of a run.
struct Context {
    std::string gpu{};
    std::string engine = "microbench";
    std::string engine_version{};
    std::string nccl_version{};
};

/// Columns of the table of a case up to latency_us: those of the published table, else gpu, engine, engine_version,
/// dtype, kernel, labels, distribution (where there is one) and shape of the case.
[[nodiscard]] std::vector<std::string> identity_columns(const Case& c);

/// latency_us, suspect, code and what else is known of a measurement. `bytes` is left out of tables that have a
/// column of that name already (collectives).
[[nodiscard]] std::vector<std::string> measurement_columns(const std::vector<std::string>& identity);

/// Header line of the table of a case, without newline.
[[nodiscard]] std::string header_of(const Case& c);

/// One line, without newline.
[[nodiscard]] std::string row_of(const Case& c, const Context& context, const Measurement& measurement);

/// What identifies a case among the rows of its table: the fields of the identity columns without those of Context.
[[nodiscard]] std::string key_of(const Case& c);
/// The same of a row that was read: field(column) gives its text.
[[nodiscard]] std::string key_of_row(const std::vector<std::string>& identity,
                                     const std::vector<std::string>& fields);

}   // namespace microbench
