// SPDX-License-Identifier: Apache-2.0
// Must not compile: a bare number where seconds are asked for. With -DMOECOST_CONTROL it must compile.
#include "moecost/base/quantity.h"

double milliseconds(moecost::Seconds t) { return t.value() * 1e3; }

double answer() {
#ifdef MOECOST_CONTROL
    return milliseconds(moecost::Seconds{0.5});
#else
    return milliseconds(0.5);
#endif
}
