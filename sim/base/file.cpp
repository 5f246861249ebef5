// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace moecost {
namespace {

constexpr mode_t open_mode = 0666;

[[noreturn]] void fail_with(const std::string& path, std::string_view what, int code) {
    std::string message(path);
    if (!what.empty()) message.append(": ").append(what);
    throw SystemError(message.append(": ").append(std::strerror(code)));
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// A new name in a folder is safe when the folder is on the disk. Some file systems cannot do that: then it is not.
void flush_folder_of(const std::string& path) {
    const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    static_cast<void>(::fsync(folder));
    ::close(folder);
}

/// A name that no other writer has, short whatever the length of `path`.
std::string own_name_beside(const std::string& path) {
    static std::atomic<unsigned> count{0};
    std::string name = path.substr(0, path.find_last_of('/') + 1);
    name.append(".moecost-").append(std::to_string(::getpid())).append("-");
    return name.append(std::to_string(count++)).append(".part");
}

/// Creates a file of a new name, which goes to `part`.
int create_beside(const std::string& path, std::string& part) {
    while (true) {
        part = own_name_beside(path);
        const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, open_mode);
        if (file >= 0) return file;
        if (errno != EEXIST) fail_with(path, "cannot write", errno);   // else of another machine on this disk
    }
}

/// Where a link points to, so that it stays one.
std::string behind_links(const std::string& path) {
    std::error_code ec;
    if (!std::filesystem::is_symlink(path, ec)) return path;
    const auto target = std::filesystem::canonical(path, ec);
    return ec ? path : target.string();
}

}   // namespace

AtomicFile::AtomicFile(const std::string& path) {
    std::error_code ec;
    const bool replaceable =   // a device or pipe is written to; renaming onto it would destroy it
        !std::filesystem::exists(path, ec) || std::filesystem::is_regular_file(path, ec);
    if (!replaceable) {
        file_ = OutputFile(path, true);
        return;
    }
    target_ = behind_links(path);
    file_ = OutputFile(create_beside(target_, part_), path);
}

AtomicFile::~AtomicFile() {
    if (is_regular()) ::unlink(part_.c_str());
}

void AtomicFile::commit() {
    if (!is_regular()) return;
    file_.flush();
    rename_file(part_, target_);
    part_.clear();
}

void write_file(const std::string& path, std::string_view content) {
    AtomicFile file(path);
    file.write(content);
    file.commit();
}

void rename_file(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail_with(to, {}, errno);
    flush_folder_of(to);
}

void remove_file(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail_with(path, "cannot remove", errno);
    flush_folder_of(path);
}

OutputFile::OutputFile(const std::string& path, bool keep_content) : path_(path) {
    descriptor_ =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (keep_content ? O_APPEND : 0), open_mode);
    if (descriptor_ < 0) fail("cannot open");
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

OutputFile::~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::fail(std::string_view what) const { fail_with(path_, what, errno); }

void OutputFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) fail("cannot write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void OutputFile::truncate(std::uint64_t size) {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail("cannot truncate");
}

void OutputFile::flush() {
    if (::fsync(descriptor_) != 0 && errno != EINVAL) fail("cannot write");
}

void OutputFile::lock() {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    throw InputError({path_}, {}, "another sweep is writing here");
}

bool OutputFile::is_regular() const {
    struct stat info {};
    return ::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode);
}

}   // namespace moecost
