// SPDX-License-Identifier: Apache-2.0
// Files as bytes, written whole or not at all; read_file.h reads them. The only file of the library that talks to the
// operating system beyond what the language offers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "moecost/base/read_file.h"

namespace moecost {

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
