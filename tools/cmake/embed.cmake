# Script mode: writes OUT, a C++ file with the bytes of every file named in LIST (paths below ROOT).
cmake_minimum_required(VERSION 3.25)
file(STRINGS ${LIST} files)
set(arrays "")
set(table "")
set(n 0)
foreach(file IN LISTS files)
  file(READ ${ROOT}/${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${n}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${file}\", {reinterpret_cast<const char*>(file_${n}), sizeof file_${n} - 1}},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT "// Generated: data files compiled into the program.
#include \"moecost/base/data.h\"
@arrays@
namespace moecost {
static const EmbeddedFile files[] = {
@table@};
std::span<const EmbeddedFile> embedded_files() { return files; }
}  // namespace moecost
")
