// SPDX-License-Identifier: Apache-2.0
#include "sweep.h"
namespace moecost::cli {
Answer run_tornado(const Invocation&) { return {}; }
}
