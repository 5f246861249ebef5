// SPDX-License-Identifier: Apache-2.0
// The public face of the library: describe a deployment, evaluate it.
//
//   moecost::Description d;
//   d.model = "deepseek-v3"; d.gpu = "h200"; d.engine = "sglang"; d.tp = 8;
//   d.load = moecost::LoadKind::closed_loop; d.requests = 64;
//   const moecost::Scenario s = moecost::describe(moecost::DataStore{}, d);
//   if (const auto estimate = moecost::evaluate(s)) std::cout << estimate->cost.usd_per_mtok_output;
#pragma once

#include "moecost/estimate/estimate.h"
