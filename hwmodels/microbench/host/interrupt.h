// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM ask the run to end after the current sample; a second SIGINT ends the program at once.
#pragma once

namespace microbench {

void catch_interrupts();
[[nodiscard]] bool interrupted();

}   // namespace microbench
