# Script mode: writes OUT, a C++ file with the page of `moecost report`. PAGE: what tools/report/build.sh bundled; without
# it the program is built without a page and says WHY.
cmake_minimum_required(VERSION 3.25)
set(why "this build has no page, since npm or node was not found; Debian has them as packages npm and nodejs")
set(bytes "")
if(NODE AND NPM)
  execute_process(COMMAND ${SOURCE}/build.sh ${WORK} RESULT_VARIABLE failed OUTPUT_FILE ${WORK}.log ERROR_FILE ${WORK}.log)
  if(failed)
    set(why "this build has no page, since tools/report/build.sh failed (its output is in ${WORK}.log)")
  else()
    file(READ ${WORK}/page.html hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  endif()
endif()
if(NOT bytes)
  message(WARNING "moecost report: ${why}")
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT "// Generated: the page of `moecost report`.
#include \"report/report.h\"
static const unsigned char page[] = {@bytes@0};
namespace moecost::cli {
std::string_view report_page() { return {reinterpret_cast<const char*>(page), sizeof page - 1}; }
std::string_view report_page_missing() { return \"@why@\"; }
}  // namespace moecost::cli
")
