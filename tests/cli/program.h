// SPDX-License-Identifier: Apache-2.0
// Runs the built program as a user would: a command line in, exit status and both streams out.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "../base/scratch.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"

struct Run {
    int status = -1;
    std::string out;
    std::string err;
};

/// `arguments` is a piece of shell text; the working folder is tests/cli. `environment` stands before the program.
inline Run run_program(const std::string& arguments, const std::string& environment = {}) {
    const ScratchFolder scratch;
    const std::string out = (scratch.path / "out").string();
    const std::string err = (scratch.path / "err").string();
    std::string command("cd '" MOECOST_TEST_DATA "/cli' && ");
    command.append(environment).append(" '" MOECOST_PROGRAM "' </dev/null >'").append(out);
    command.append("' 2>'").append(err).append("' ").append(arguments);   // which may redirect once more
    const int code = std::system(command.c_str());
    Run run;
    run.status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
    run.out = moecost::read_file(out);
    run.err = moecost::read_file(err);
    return run;
}
