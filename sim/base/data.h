// SPDX-License-Identifier: Apache-2.0
// The data files of the program: embedded at build time, overridden by a folder or by a path to a file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/value.h"

namespace moecost {

struct EmbeddedFile {
    std::string_view path;   // such as "hwmodels/accelerators/h100_sxm.toml"
    std::string_view text;
    std::string_view packed;   // its values as pack() writes them (base/packed.h); empty: no TOML
};

/// Every embedded file, sorted by path. Defined in a generated file.
std::span<const EmbeddedFile> embedded_files();

/// Where data comes from. `directory` (the option --data-dir) holds files of the same relative paths, or is empty.
class DataStore {
  public:
    DataStore() = default;
    explicit DataStore(std::string directory);
    [[nodiscard]] const std::string& directory() const { return directory_; }

    /// Names (file stems) of the TOML files of a folder such as "workloads/models", sorted, overrides included.
    [[nodiscard]] std::vector<std::string> names(std::string_view folder) const;
    /// Every TOML file below the folder of --data-dir, sorted; empty without one.
    [[nodiscard]] std::vector<std::string> files() const;
    /// The document of that name in the folder. `what` names the kind of thing in messages ("model").
    /// A name with a slash or ending in .toml or .json is a path to a file. '-' and '_' are the same in names;
    /// otherwise an `aliases` list inside the files is searched. InputError names the nearest known name.
    [[nodiscard]] Document open(std::string_view folder, std::string_view name, std::string_view what) const;
    /// The keys of a file of `names` that stand before its first table: enough to choose a file without reading it all.
    [[nodiscard]] Document head(std::string_view folder, std::string_view stem) const;

  private:
    struct Source {
        std::string file;
        std::string own;             // the text of an override
        std::string_view embedded;   // else this
        std::string_view packed;     // and its values
        [[nodiscard]] std::string_view text() const { return own.empty() ? embedded : own; }
    };
    [[nodiscard]] Source source(std::string_view folder, std::string_view stem) const;
    [[nodiscard]] Document load(std::string_view folder, std::string_view stem) const;
    [[nodiscard]] bool is_inside(const std::string& file) const;
    std::string directory_;
};

/// True when the name is meant as a path to a file.
[[nodiscard]] bool is_path(std::string_view name);

}   // namespace moecost
