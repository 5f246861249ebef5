// SPDX-License-Identifier: Apache-2.0
// The public face of the library: describe a deployment, evaluate it, read its figures.
//
//   moecost::Description d;
//   d.model = "deepseek-v3"; d.gpu = "h200"; d.engine = "sglang"; d.tp = 8;
//   d.load = moecost::ClosedLoop{64};
//   const auto scenario = moecost::describe(moecost::DataStore{}, d);
//   if (!scenario) return print(moecost::to_text(scenario.error()));
//   if (const auto estimate = moecost::evaluate(*scenario)) print(estimate->cost.usd_per_mtok_output);
#pragma once

#include "moecost/estimate/estimate.h"
#include "moecost/estimate/figures.h"
#include "moecost/estimate/inputs.h"
