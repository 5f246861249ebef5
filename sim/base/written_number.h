// SPDX-License-Identifier: Apache-2.0
// Numbers as people write them on a command line or in a file: "3k", "7B", "90%", "50ms", "$2.50".
#pragma once

#include <optional>
#include <string_view>

namespace moecost {

/// The whole text as a finite number without a unit; nothing else.
[[nodiscard]] std::optional<double> plain_number(std::string_view text);
/// A count: plain, or with k, M, B (G) or T for a power of 1000, in either case: "3k" is 3000, "7B" 7e9.
[[nodiscard]] std::optional<double> written_count(std::string_view text);
/// Seconds: plain, or with us, ms, s, min or h.
[[nodiscard]] std::optional<double> written_seconds(std::string_view text);
/// A share: plain ("0.9"), or in percent ("90%").
[[nodiscard]] std::optional<double> written_share(std::string_view text);
/// Gigabytes (10^9 bytes): plain, or with GB.
[[nodiscard]] std::optional<double> written_gigabytes(std::string_view text);
/// Dollars: plain, or after a $.
[[nodiscard]] std::optional<double> written_dollars(std::string_view text);

}   // namespace moecost
