// SPDX-License-Identifier: Apache-2.0
// Files as bytes: read once and up to one limit, written whole or not at all. The only file of the library that talks
// to the operating system, apart from listing folders.
#pragma once

#include <cstdint>
#include <functional>
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

/// Reads a file from its start in pieces that the caller cuts.
class InputFile {
  public:
    explicit InputFile(const std::string& path);
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    ~InputFile();
    /// Fills `buffer`; fewer bytes at the end of the file only. SystemError when it cannot be read.
    [[nodiscard]] std::size_t read(std::span<char> buffer);

  private:
    std::string path_;
    int descriptor_ = -1;
};

/// Writes `content` under a name of its own beside `path`, brings it to the disk and renames it into place: a reader
/// never sees half a file, writers at the same time do not disturb each other. A link keeps pointing where it does;
/// devices and pipes are written to. SystemError: nothing is left behind.
void write_file(const std::string& path, std::string_view content);

/// Renames and removes so that a crash of the machine afterwards does not undo it. SystemError.
void rename_file(const std::string& from, const std::string& to);
void remove_file(const std::string& path);   // no such file: nothing to do

/// A file that is written to its end or reports why not.
class OutputFile {
  public:
    OutputFile() = default;
    /// `keep_content`: what is written is appended.
    OutputFile(const std::string& path, bool keep_content);
    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&& other) noexcept;
    ~OutputFile();
    /// SystemError, with the path, when not all of it can be written.
    void write(std::string_view bytes);
    void truncate(std::uint64_t size);
    void flush();   // to the device
    /// InputError when another process holds the file.
    void lock();
    [[nodiscard]] bool is_regular() const;

  private:
    friend class AtomicFile;
    OutputFile(int descriptor, std::string path) : path_(std::move(path)), descriptor_(descriptor) {}
    [[noreturn]] void fail(std::string_view what) const;
    std::string path_;
    int descriptor_ = -1;
};

/// What write_file does, in pieces: until commit() nothing stands under the name, without it nothing is left.
class AtomicFile {
  public:
    explicit AtomicFile(const std::string& path);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile();
    void write(std::string_view bytes) { file_.write(bytes); }
    void commit();
    /// False for devices and pipes, which are written to directly.
    [[nodiscard]] bool is_regular() const { return !part_.empty(); }

  private:
    std::string target_;
    std::string part_;   // empty: there is nothing to rename or to remove
    OutputFile file_;
};

}   // namespace moecost
