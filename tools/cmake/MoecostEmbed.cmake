# moecost_embed(TARGET FILES...): compiles data files into TARGET as one sorted table (base/data.h reads it).
# Every file becomes a byte array; its key is its path below the source folder, such as workloads/models/x.toml.
set(MOECOST_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed.cmake)

function(moecost_embed target)
  set(files ${ARGN})
  list(SORT files)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.cpp)
  string(REPLACE ";" "\n" listing "${files}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.txt CONTENT "${listing}" @ONLY)
  list(TRANSFORM files PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE absolute)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -DLIST=${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.txt
            -DOUT=${out} -P ${MOECOST_EMBED_SCRIPT}
    DEPENDS ${absolute} ${MOECOST_EMBED_SCRIPT} ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.txt
    COMMENT "Embedding data files")
  target_sources(${target} PRIVATE ${out})
endfunction()
