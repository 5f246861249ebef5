// SPDX-License-Identifier: Apache-2.0
// What `diff` was asked and what it found: two deployments, the inputs in which they differ, and what each of these moves
// in the figures.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "estimate/estimate.h"

namespace moecost::cli {

/// One side: a scenario file, an answer in JSON, a name, KEY=VALUE pairs or an `estimate` command.
struct Side {
    std::string name;   // as it was given
    Description description;
    std::map<std::string, double, std::less<>> recorded;   // figures that a JSON answer holds
};
/// FILE.toml, FILE.json[#N], NAME, "KEY=VALUE,...", "moecost estimate ..."; the options of `line` over it. InputError
/// says what it may be.
[[nodiscard]] Side read_side(const DataStore& data, const CommandLine& line, const std::string& operand);
/// The N-th deployment (from 1) of an answer in JSON: the command that it was computed from, and its figures.
[[nodiscard]] Side side_of_answer(const Document& answer, std::size_t which);

/// "moecost estimate --model ...": what its options describe; `where` names it in messages.
[[nodiscard]] Description description_of_command(const std::string& command, const std::string& where);

/// Inputs that only make sense together are moved together: loads of two kinds, an accelerator against a cluster, the
/// degrees of a layout that cannot run one by one.
struct Move {
    std::vector<const Input*> inputs;
    std::vector<double> alone;   // of each figure: what moving it in A changes; not-a-number: A cannot run so
    std::vector<double> last;    // what moving it last, into B, changes
    std::string why;             // it cannot run alone
};

struct Difference {
    Side a, b;
    EstimateAnswer answer_a, answer_b;
    std::vector<const Input*> inputs;       // that differ
    std::vector<const Figure*> explained;   // what `moves` are about
    std::vector<Move> moves;
    std::string prices{};   // what was done to compare them by prices of one kind
    [[nodiscard]] bool possible() const { return answer_a.estimate && answer_b.estimate; }
};
/// change = sum of `alone` + interaction, which is what no single input explains.
[[nodiscard]] double change_of(const Difference& d, std::size_t figure);
[[nodiscard]] double interaction_of(const Difference& d, std::size_t figure);

/// What an answer of another version or of other data says, beside what this program says of the same description.
struct Stale {
    const Figure* figure;
    double recorded, now;
};
[[nodiscard]] std::vector<Stale> stale_figures(const Side& side, const EstimateAnswer& answer);

[[nodiscard]] Difference difference_of(const DataStore& data, Side a, Side b,
                                       std::vector<const Figure*> explained);
[[nodiscard]] std::string diff_text(const Difference& d, const Invocation& invocation);
[[nodiscard]] std::string diff_json(const Difference& d);
[[nodiscard]] std::string diff_csv(const Difference& d);
/// A price of input or output alone, between one pool and two: one pool splits its rent by the time of its steps, two by
/// the rents of the pools, so that these prices are not alike. The whole price is.
[[nodiscard]] bool is_split_unlike(const Difference& d, const Figure& figure);
/// "tp and ep".
[[nodiscard]] std::string name_of(const Move& move);
/// The value of an input on a side, as used.
[[nodiscard]] std::string value_of(const Input& input, const EstimateAnswer& answer);

}   // namespace moecost::cli
