# Headers are named by their path in the house with the prefix they are installed under: "moecost/base/error.h".
# MOECOST_INCLUDES is the folder of the build tree that makes this true before anything is installed.
set(MOECOST_INCLUDES ${CMAKE_BINARY_DIR}/include)
get_filename_component(moecost_sim ${CMAKE_CURRENT_LIST_DIR}/../../sim ABSOLUTE)
file(MAKE_DIRECTORY ${MOECOST_INCLUDES})
file(CREATE_LINK ${moecost_sim} ${MOECOST_INCLUDES}/moecost SYMBOLIC)
