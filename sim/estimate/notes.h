// SPDX-License-Identifier: Apache-2.0
// What a scenario says of itself besides its figures: what was assumed, borrowed or not known.
#pragma once

#include <string>
#include <string_view>

#include "moecost/estimate/description.h"
#include "moecost/estimate/scenario.h"

namespace moecost {

/// The engine of a description that names none.
[[nodiscard]] std::string_view usual_engine();
/// Adds a note that does not stand there yet.
void note_once(Scenario& scenario, std::string note);
/// Formats that no kernel of the program was timed in: bytes are theirs, speed is that of a relative.
void note_borrowed_kernels(Scenario& scenario, const Precision& precision);
/// All that is noted once names, formats and numbers are in place.
void add_notes(const Description& description, Scenario& scenario);

}   // namespace moecost
