// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "input_error.h"
#include "moecost/base/file.h"
#include "scratch.h"

using namespace moecost;

namespace {

int files_in(const std::filesystem::path& folder) {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files += entry.exists() ? 1 : 0;
    return files;
}

}   // namespace

TEST_CASE("a missing file or a folder is the machine's failure") {
    const ScratchFolder scratch;
    CHECK_THROWS_AS((void)read_file((scratch.path / "none").string()), SystemError);
    CHECK_THROWS_AS((void)read_file(scratch.path.string()), SystemError);
}

TEST_CASE("a written file replaces the old one whole and leaves nothing beside it") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    write_file(path, "first, and longer");
    write_file(path, std::string_view("sec\0nd", 6));
    CHECK(read_file(path) == std::string("sec\0nd", 6));
    CHECK(files_in(scratch.path) == 1);
}

TEST_CASE("a file that cannot be written leaves nothing behind") {
    const ScratchFolder scratch;
    CHECK_THROWS_AS(write_file((scratch.path / "no/such/folder/x").string(), "x"), SystemError);
    std::filesystem::create_directories(scratch.path / "taken" / "full");
    CHECK_THROWS_AS(write_file((scratch.path / "taken").string(), "x"), SystemError);
    CHECK(files_in(scratch.path) == 1);
}

TEST_CASE("output to a device goes into it and does not replace it") {
    const ScratchFolder scratch;
    const std::filesystem::path link = scratch.path / "out";
    std::filesystem::create_symlink("/dev/null", link);
    write_file(link.string(), "text");
    CHECK(std::filesystem::is_symlink(link));
    CHECK(files_in(scratch.path) == 1);
}

TEST_CASE("a pipe is read once and whole") {
    const ScratchFolder scratch;
    const std::string pipe = (scratch.path / "pipe").string();
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::string text(300'000, 'x');
    std::thread writer([&] { std::ofstream(pipe) << text; });
    const std::string read = read_file(pipe);
    writer.join();
    CHECK(read == text);
}

TEST_CASE("a device that never ends is refused at the limit") {
    CHECK(message_of([] { (void)read_file("/dev/zero"); }) == "/dev/zero: larger than 64 MiB");
}

TEST_CASE("many writers of one file leave one of their texts and nothing else") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out").string();
    {
        std::vector<std::jthread> writers;
        for (char c = 'a'; c < 'i'; ++c) {
            writers.emplace_back([&path, c] {
                for (int i = 0; i < 20; ++i) write_file(path, std::string(10'000, c));
            });
        }
    }
    const std::string text = read_file(path);
    CHECK(text == std::string(10'000, text.at(0)));
    CHECK(files_in(scratch.path) == 1);
}

TEST_CASE("a link to a file stays a link; a name of 255 characters works") {
    const ScratchFolder scratch;
    const std::string target = scratch.write("target", "old");
    std::filesystem::create_symlink(target, scratch.path / "link");
    write_file((scratch.path / "link").string(), "new");
    CHECK(std::filesystem::is_symlink(scratch.path / "link"));
    CHECK(read_file(target) == "new");
    const std::string longest = (scratch.path / std::string(255, 'n')).string();
    write_file(longest, "text");
    CHECK(read_file(longest) == "text");
    CHECK(files_in(scratch.path) == 3);
}

TEST_CASE("removing what is not there is nothing to do") {
    const ScratchFolder scratch;
    remove_file((scratch.path / "none").string());
    std::filesystem::create_directory(scratch.path / "folder");
    CHECK_THROWS_AS(remove_file((scratch.path / "folder").string()), SystemError);
}
