// SPDX-License-Identifier: Apache-2.0
// Files as bytes, read once and up to one limit, by means that every platform of the language has.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "moecost/base/error.h"

namespace moecost {

/// Whatever is read whole ends here, packed or unpacked: a device that never ends, a table of another program.
inline constexpr std::uint64_t max_input_bytes = std::uint64_t{64} << 20;
/// The same for what is read in pieces and not kept.
inline constexpr std::uint64_t max_stream_bytes = std::uint64_t{1} << 40;

using BlockSink = std::function<void(std::string_view)>;

/// The bytes of a file in order, in pieces of at most 64 KiB. The file is opened once and read once from its start to
/// its end, so that pipes and /dev/stdin work. SystemError when it cannot be read, InputError beyond `limit` bytes.
void read_file_blocks(const std::string& path, const BlockSink& sink, std::uint64_t limit = max_stream_bytes);
/// The same as one text.
[[nodiscard]] std::string read_file(const std::string& path, std::uint64_t limit = max_input_bytes);
/// InputError for a file beyond its limit.
[[noreturn]] void fail_too_large(const std::string& path, std::uint64_t limit);

/// Lines of what comes in pieces, without their '\n'; the last may lack it. InputError, with the number of the line,
/// for one beyond 1 MiB.
class LineSplitter {
  public:
    LineSplitter(std::string file, BlockSink sink) : file_(std::move(file)), sink_(std::move(sink)) {}
    void push(std::string_view block);
    /// The rest, where the text does not end in '\n'; true when there was one.
    bool finish();

  private:
    void check_length(std::size_t length) const;
    std::string file_;
    BlockSink sink_;
    std::string carried_;
    int line_ = 1;
};

/// Reads a file once from its start in pieces that the caller cuts. SystemError when it cannot be read.
class InputFile {
  public:
    explicit InputFile(const std::string& path);
    /// Fills `buffer`; fewer bytes at the end of the file only.
    [[nodiscard]] std::size_t read(std::span<char> buffer);

  private:
    struct Close {
        void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
    };
    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
};

}   // namespace moecost
