// SPDX-License-Identifier: Apache-2.0
// Must not compile: bytes plus seconds. With -DMOECOST_CONTROL it must compile, which shows that the failure
// has no other cause. Check with `-std=c++20 -fsyntax-only -I sim`.
#include "moecost/base/quantity.h"

moecost::Seconds sum() {
#ifdef MOECOST_CONTROL
    return moecost::Seconds{1} + moecost::Seconds{1};
#else
    return moecost::Seconds{1} + moecost::Bytes{1};
#endif
}
