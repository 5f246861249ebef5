// SPDX-License-Identifier: Apache-2.0
// Results of ours as one page of HTML that needs no network: what the page is told, and the page itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "estimate/estimate.h"

namespace moecost {
class JsonWriter;
}

namespace moecost::cli {

/// A file of results: an answer in JSON, or rows (CSV, or JSON lines) of a sweep or a frontier.
struct Result {
    std::string file;
    std::string kind;   // estimate, plan, design, validate, diff, rows
    Document document;
};
/// InputError says what is taken.
[[nodiscard]] Result read_result(const std::string& file);
/// Any value of a document.
void write_value(JsonWriter& json, std::string_view key, const Value& value);

/// Deployments of a result, as the commands that they were computed from; at most a dozen.
[[nodiscard]] std::vector<Description> deployments_of(const Result& result);

/// What a result does not hold and its pictures want: the machine of each deployment, and how latency and price move with
/// load, from next to none to capacity.
void write_more(JsonWriter& json, const DataStore& data, const Result& result);

/// The page around the data: markup, style and charts as tools/report/build.sh bundled them. Empty: this program was built
/// without them.
[[nodiscard]] std::string_view report_page();
/// Why it was.
[[nodiscard]] std::string_view report_page_missing();
/// JSON that a script element can hold: no '<', '>' or '&' stands in it as such.
[[nodiscard]] std::string for_script(std::string_view json);

}   // namespace moecost::cli
