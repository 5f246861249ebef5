// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <zlib.h>

#include "input_error.h"
#include "moecost/base/gzip.h"
#include "scratch.h"

using namespace moecost;

TEST_CASE("files are read plain or gunzipped") {
    const ScratchFolder scratch;
    const std::string content = "a,b\n1,2\n";
    CHECK(read_text(scratch.write("plain.csv", content)) == content);
    CHECK(read_text(scratch.write("empty.csv", "")).empty());
    const std::string gz = (scratch.path / "t.csv.gz").string();
    std::string large;
    for (int i = 0; i < 200000; ++i) large.append(std::to_string(i * 7919 % 10007)).append(",");
    gzFile file = gzopen(gz.c_str(), "wb");
    gzwrite(file, large.data(), static_cast<unsigned>(large.size()));
    gzclose(file);
    CHECK(read_text(gz) == large);

    std::ifstream in(gz, std::ios::binary);
    const std::string packed((std::istreambuf_iterator<char>(in)), {});
    for (const std::size_t keep : {packed.size() / 2, packed.size() - 4}) {
        CAPTURE(keep);
        CHECK_THROWS_AS((void)read_text(scratch.write("cut.csv.gz", packed.substr(0, keep))), SystemError);
    }
    std::string damaged = packed;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    CHECK_THROWS_AS((void)read_text(scratch.write("bad.csv.gz", damaged)), SystemError);
}

TEST_CASE("members one after another are one text, zeros after the last are padding") {
    const ScratchFolder scratch;
    std::string packed = gzip_member("a,b\n").append(gzip_member("")).append(gzip_member("1,2\n"));
    CHECK(read_text(scratch.write("m.csv.gz", packed)) == "a,b\n1,2\n");
    CHECK(read_text(scratch.write("p.csv.gz", packed.append(1000, '\0'))) == "a,b\n1,2\n");
    CHECK_THROWS_AS((void)read_text(scratch.write("j.csv.gz", packed.append("junk"))), SystemError);
}

TEST_CASE("what unpacks to more than the limit is refused, whatever its own size") {
    const ScratchFolder scratch;
    const std::string bomb = gzip_member(std::string(1 << 20, 'x'));
    const std::string path = scratch.write("bomb.csv.gz", bomb);
    CHECK(bomb.size() < 10'000);
    CHECK(read_text(path, 1 << 20).size() == 1 << 20);
    CHECK(message_of([&] { (void)read_text(path, (1 << 20) - 1); }) == path + ": larger than 1048575 bytes");
}

TEST_CASE("short files are plain text") {
    const ScratchFolder scratch;
    for (const std::string text : {"", "x", "\x1f", "\x1fx"}) {
        CHECK(read_text(scratch.write("short", text)) == text);
    }
}
