// SPDX-License-Identifier: Apache-2.0
// Manual pages: one of the program, one of each command, and pages that explain. Options, figures and the numbers of the
// worked example come from the tables and the program itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command.h"

namespace moecost::cli {

/// A page that explains, besides those of the commands.
struct Topic {
    std::string_view name;
    std::string_view about;
    std::string (*write)(const Invocation& invocation);   // its sections, in troff
};
/// Pages of section 7: "moecost man reading".
[[nodiscard]] std::vector<Topic> topics();
/// What may follow `moecost man`: commands and topics.
[[nodiscard]] std::vector<std::string> page_names();

// Pieces of a page. Text is plain: what troff would take for more is made harmless.
[[nodiscard]] std::string troff(std::string_view text);
[[nodiscard]] std::string section(std::string_view title);
[[nodiscard]] std::string paragraph(std::string_view text);
[[nodiscard]] std::string item(std::string_view label, std::string_view text);
[[nodiscard]] std::string verbatim(std::string_view text);

[[nodiscard]] std::string reading_page(const Invocation& invocation);
[[nodiscard]] std::string figures_page(const Invocation& invocation);
[[nodiscard]] std::string calibration_page(const Invocation& invocation);
[[nodiscard]] std::string accuracy_page(const Invocation& invocation);

}   // namespace moecost::cli
