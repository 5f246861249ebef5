# moecost_embed(TARGET FILES...): compiles data files into TARGET as one sorted table (base/data.h reads it).
# A file's key is its path below the source folder, such as workloads/models/x.toml. `moecost_embed`, the program of
# tools/embed, writes the table; a build for another machine runs it through CMAKE_CROSSCOMPILING_EMULATOR.
function(moecost_embed target)
  set(files ${ARGN})
  list(SORT files)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.cpp)
  set(list ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.txt)
  string(REPLACE ";" "\n" listing "${files}")
  file(CONFIGURE OUTPUT ${list} CONTENT "${listing}" @ONLY)
  list(TRANSFORM files PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE absolute)
  add_custom_command(
    OUTPUT ${out}
    COMMAND moecost_embed ${CMAKE_SOURCE_DIR} ${list} ${out}
    DEPENDS ${absolute} ${list} moecost_embed
    COMMENT "Embedding data files")
  target_sources(${target} PRIVATE ${out})
  set_source_files_properties(${out} PROPERTIES COMPILE_OPTIONS -O0)
endfunction()
