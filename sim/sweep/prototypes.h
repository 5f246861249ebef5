// SPDX-License-Identifier: Apache-2.0
// The slow part of describing the points of a grid, done once: names become scenarios for each combination of the
// name axes, what-if edits become architectures for each combination of the edit axes. Shared by all threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moecost/sweep/grid.h"

namespace moecost {

/// One combination of names: a scenario whose numbers are still those of the base. `problem` tells why these names do
/// not go together (a format the accelerator lacks, ...); the scenario is empty then.
struct NamedScenario {
    Scenario scenario;
    std::string problem;
    std::optional<InputError> mistake;   // `problem` is one of the names themselves
    std::optional<Family> family;        // whose members take the place of the architecture
};

/// One combination of edits and choices of members on the architecture of one combination of names.
struct EditedModel {
    Architecture architecture;
    WeightBytes weights;
    bool possible = true;
    bool exists = true;        // false: the family has no such member, and there is nothing to look at
    std::string_view reason;   // static text, why it is not possible
    std::vector<double>
        fields;   // values of Grid::model_fields; those asked for where the edits are impossible
};

/// One what-if edit: its key and value, and the number asked for.
struct Edit {
    const std::string* key;
    const std::string* text;
    double number;
};

class Prototypes {
  public:
    /// InputError when the grid cannot have a single point: nothing the names combine to is possible, or an edit is
    /// understood by no model.
    Prototypes(const DataStore& data, const Grid& grid);
    ~Prototypes();
    Prototypes(const Prototypes&) = delete;
    Prototypes& operator=(const Prototypes&) = delete;

    [[nodiscard]] std::uint64_t names() const { return names_; }
    [[nodiscard]] std::uint64_t edits() const { return edits_; }
    /// Index of the combination that the digits of a point select: the axes that matter, last one fastest.
    [[nodiscard]] std::uint64_t name_index(const std::uint32_t* digits) const;
    [[nodiscard]] std::uint64_t edit_index(const std::uint32_t* digits) const;

    /// Described at the first call, by whichever thread comes first.
    [[nodiscard]] const NamedScenario& named(std::uint64_t index) const;
    /// The edited model where the table holds it, else built into `own`.
    [[nodiscard]] const EditedModel& edited(std::uint64_t name, std::uint64_t edit, EditedModel& own) const;

  private:
    [[nodiscard]] NamedScenario describe_names(std::uint64_t index) const;
    [[nodiscard]] EditedModel apply_edits(const NamedScenario& named, std::uint64_t edit) const;
    /// The member that the digits of the edit axes choose, its architecture into `m`; nothing where there is none.
    [[nodiscard]] std::optional<FamilyMember> member_at(const Family& family,
                                                        const std::vector<std::uint32_t>& digits,
                                                        EditedModel& m) const;
    [[nodiscard]] std::vector<Edit> edits_at(const std::vector<std::uint32_t>& digits) const;
    void check_edits() const;
    void check_names() const;

    const DataStore& data_;
    const Grid& grid_;
    std::vector<std::size_t> name_axes_;
    std::vector<std::size_t> edit_axes_;
    std::uint64_t names_ = 1;
    std::uint64_t edits_ = 1;
    bool has_member_axes_ = false;
    mutable std::vector<std::atomic<const NamedScenario*>> named_;
    mutable std::vector<std::atomic<const EditedModel*>> edited_;   // empty: too many to keep
};

}   // namespace moecost
