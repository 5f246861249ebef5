// SPDX-License-Identifier: Apache-2.0
// The end of a run whose answers differ in length: nobody comes any more, and what runs ends one after another.
#pragma once

#include "moecost/serving/closed_loop.h"

namespace moecost {

/// Who decodes when nobody comes any more: requests that all just begin, or those of a server that has long been full,
/// somewhere in answers that are met by their length.
enum class Residents { beginning, met };

/// Seconds until the last of `requests` ends, in pieces from one length x of nodes() to the next, middle m:
///   D = sum_k (x_k - x_(k-1))/y t_d(n P(left > m))
///   beginning: P = P(O > m), context I + m;   met: P = E[(O - m)+]/E[O], context I + E[((O^2 - m^2)/2)+]/E[(O - m)+]
[[nodiscard]] Seconds drain(const ServingInput& in, double requests, Residents residents);

/// Seconds of N requests that are all there at the start, over R slots of which each takes `cycle` for a mean request: the
/// slots are full until the queue is dry, then drain.
/// All prompts are computed by then, and of the answers all but what is left of R:
///   N >= 2 R: N/R cycle - E[O^2]/(2 E[O]^2) (E[O] - 1) t_d + D(R, met)
///   N <= R:   cycle - (E[O] - 1) t_d + D(N, beginning), no less than the cycle;   between: in proportion.
[[nodiscard]] Seconds run_with_end(const ServingInput& in, double requests, double slots,
                                   const Serving& full);

}   // namespace moecost
