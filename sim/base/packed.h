// SPDX-License-Identifier: Apache-2.0
// Documents as bytes that need no parsing: the build packs the embedded data files, whose TOML would cost four fifths
// of the time of `moecost estimate`.
#pragma once

#include <string>
#include <string_view>

#include "moecost/base/value.h"

namespace moecost {

/// The values of a document in the order of its file, with their lines and columns. One byte order (little endian), and
/// no version: a program packs and unpacks its own.
[[nodiscard]] std::string pack(const Document& document);

/// What `pack` was given, under the name `file`. Throws std::out_of_range where the bytes end too early.
[[nodiscard]] Document unpack(std::string_view bytes, std::string file);

}   // namespace moecost
